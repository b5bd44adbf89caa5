"""Start a program, and time it until its first line and until its end."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TRACED = Path(__file__).with_name("traced.py")
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
# Programs as short as a user of the library alone would write them; each gets paths of an artifact and of an image.
MINIMAL = {
    ".onnx": """
import numpy as np, onnxruntime as ort, sys
from PIL import Image
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
node = session.get_inputs()[0]
pixels = np.asarray(Image.open(sys.argv[2]).convert("RGB").resize((node.shape[1],) * 2))
print(session.run(None, {node.name: pixels[None]})[0].argmax())
""",
    ".blob": """
import io, numpy as np, openvino as ov, sys
from PIL import Image
content = io.BytesIO(open(sys.argv[1], "rb").read())
network = ov.Core().import_model(content, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
size = network.input(0).partial_shape[1].get_length()
pixels = np.asarray(Image.open(sys.argv[2]).convert("RGB").resize((size, size)))
print(network([pixels[None]])[0].argmax())
""",
    ".keras": """
import keras, numpy as np, sys
from PIL import Image
model = keras.saving.load_model(sys.argv[1], compile=False)
pixels = np.asarray(Image.open(sys.argv[2]).convert("RGB").resize(model.input_shape[1:3]))
print(model.predict(pixels[None], verbose=0).argmax())
""",
}


@dataclass(frozen=True, kw_only=True)
class Start:
    """Milliseconds from the start of a process to its first line and to its end, and of all its processor time."""

    label: float
    end: float
    cpu: float


def command(tree: Path, artifact: Path, image: Path) -> list[str]:
    """What a user types to classify one image, with the code of a tree."""
    return [sys.executable, str(tree / "infer" / "run.py"), "--engine", str(artifact), str(image)]


def minimal(artifact: Path, image: Path) -> list[str]:
    """The shortest program that does the same with the library alone. artifact: for OpenVINO a compiled network."""
    return [sys.executable, "-c", MINIMAL[artifact.suffix], str(artifact), str(image)]


def start(words: Sequence[str]) -> Start:
    """Run a program. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        line = process.stdout.readline() if process.stdout else b""
        label = time.perf_counter() - began
        _, status, usage = os.wait4(process.pid, 0)
        end = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not line:
        raise RuntimeError(f"{' '.join(words)} ended with exit code {process.returncode}")
    return Start(label=1000 * label, end=1000 * end, cpu=1000 * (usage.ru_utime + usage.ru_stime))


def import_milliseconds(words: Sequence[str]) -> dict[str, float]:
    """The time that each module takes itself, without those that it imports, in the order of their ends."""
    done = subprocess.run([words[0], "-X", "importtime", *words[1:]], capture_output=True, text=True, check=True)
    return {name: int(microseconds) / 1000 for microseconds, name in IMPORT.findall(done.stderr)}


def stage_milliseconds(tree: Path, artifact: Path, image: Path) -> dict[str, float]:
    """Processor time of the main thread in each stage, and of the other threads; see traced.py."""
    words, variables = [sys.executable, str(TRACED), str(artifact), str(image)], {"PYTHONPATH": str(tree)}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **variables})
    stages: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return stages
