"""Build the environment of a real Triton server (CPU), or load a model repository in it and show its log.

    python experiments/triton/server.py --environment ~/.cache/temper-triton
    python experiments/triton/server.py --environment ~/.cache/temper-triton --repository models

The server is that of the nvidia-pytriton wheel, which has the Python backend only: a network in ONNX is loaded with the
same configuration, but for the line `platform`, by a Python model around ONNX Runtime.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.serving.running import free_port
from experiments.support import ROOT, make_parser
from temper.cli.entry_point import run_command
from temper.errors import MissingRuntime

REQUIREMENTS = ROOT / "requirements-triton-test.txt"
STUB = "triton_python_backend_stub"
START_SECONDS = 120.0
STOP_SECONDS = 45.0
MODEL = Path(__file__).with_name("onnx_model.py")


@dataclass(kw_only=True)
class TritonServer:
    """A server that runs on loopback. http, grpc: addresses such as "127.0.0.1:41234"."""

    process: "subprocess.Popen[bytes]"
    http: str
    grpc: str
    log: Path

    def table(self) -> str:
        """The table of loaded models in the log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        match = re.search(r"^\+-+\+-+\+-+\+\n\| Model .*?\n\n", text, re.MULTILINE | re.DOTALL)
        return match[0].strip() if match else ""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    add_environment(parser)
    parser.add_argument("--repository", type=Path, metavar="DIR", help="model repository to load")
    return parser.parse_args(arguments)


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Add the option --environment."""
    text = "folder of the server's environment, made where it is missing (470 MB)"
    parser.add_argument("--environment", type=Path, required=True, metavar="DIR", help=text)


def run(options: argparse.Namespace) -> int:
    """Build the environment; load the repository and print the table of the models."""
    python = build_environment(options.environment)
    size = sum(each.stat().st_size for each in options.environment.rglob("*") if each.is_file())
    print(f"{options.environment}: {size / 1e6:.0f} MB")
    if options.repository:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch, "models")
            copy_for_python(options.repository, copy)
            with running_triton(python, copy) as server:
                print(server.table())
    return 0


def build_environment(folder: Path) -> Path:
    """The Python of an environment with the server, which is made once."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        (folder / "complete").touch()
    return python


def copy_for_python(repository: Path, target: Path) -> None:
    """Copy a model repository; networks in ONNX become Python models with the same configuration."""
    shutil.copytree(repository, target)
    for config in target.glob("*/config.pbtxt"):
        text = config.read_text(encoding="utf-8")
        if 'platform: "tensorrt_plan"' in text:
            raise MissingRuntime(
                f"{config.parent.name} is a TensorRT plan, which needs a GPU", fix="Publish the ONNX file."
            )
        if 'platform: "onnxruntime_onnx"' not in text:
            continue
        text = text.replace('platform: "onnxruntime_onnx"', 'backend: "python"')
        config.write_text(text.replace('default_model_filename: "model.onnx"\n', ""), encoding="utf-8")
        for version in config.parent.glob("[1-9]*"):
            shutil.copy(MODEL, version / "model.py")


@contextlib.contextmanager
def running_triton(python: Path, repository: Path, *options: str) -> Iterator[TritonServer]:
    """Start Triton with a repository. Raises RuntimeError with the end of its log when it is not ready in time."""
    with tempfile.TemporaryDirectory() as scratch:
        log, http, grpc = Path(scratch, "log.txt"), free_port(), free_port()
        command, environment = _command(python, Path(scratch))
        ports = [f"--http-port={http}", f"--grpc-port={grpc}"]
        local = ["--http-address=127.0.0.1", "--grpc-address=127.0.0.1", "--allow-metrics=false"]
        words = [*command, f"--model-repository={repository}", *ports, *local, *options]
        with log.open("wb") as stream:
            process = subprocess.Popen(words, stdout=stream, stderr=stream, env=environment)
        server = TritonServer(process=process, http=f"127.0.0.1:{http}", grpc=f"127.0.0.1:{grpc}", log=log)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(python: Path, scratch: Path) -> tuple[list[str], dict[str, str]]:
    site = next(python.parents[1].glob("lib/python3*/site-packages"))
    wheel = site / "pytriton" / "tritonserver"
    shutil.copytree(wheel / "backends", scratch / "backends")
    version = site.parent.name.removeprefix("python")
    shutil.copy(wheel / "python_backend_stubs" / version / STUB, scratch / "backends" / "python" / STUB)
    libraries = [str(site / "nvidia_pytriton.libs"), str(sysconfig.get_config_var("LIBDIR"))]
    environment = {
        **os.environ,
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        "LD_LIBRARY_PATH": ":".join(libraries),
    }
    return [str(wheel / "bin" / "tritonserver"), f"--backend-directory={scratch / 'backends'}"], environment


def _wait_until_ready(server: TritonServer) -> None:
    from tritonclient.http import InferenceServerClient

    end = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError):
            if InferenceServerClient(server.http).is_server_ready():
                return
        if server.process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Triton is not ready:\n{server.log.read_text(encoding='utf-8')[-4000:]}")
        time.sleep(0.2)


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
