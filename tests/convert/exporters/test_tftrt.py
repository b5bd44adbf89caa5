import os
import subprocess
from pathlib import Path

import pytest

from convert.exporters.tftrt import find_problem

ROOT = Path(__file__).parents[3]
OLD_PYTHON = os.environ.get("TEMPER_TFTRT_PYTHON", "")

needs_old_tensorflow = pytest.mark.skipif(
    not OLD_PYTHON, reason="TEMPER_TFTRT_PYTHON names no Python with TensorFlow 2.17 (requirements-tftrt.txt)"
)


@pytest.mark.parametrize(
    ("facts", "words", "command"),
    [
        (("2.21.0", (0, 0, 0), False, 1), "needs TensorFlow 2.17 or older", "model.int8.plan --precision int8"),
        (("2.18.0", (8, 6, 1), True, 1), "this is 2.18.0", "requirements-tftrt.txt"),
        (("2.16.2", (0, 0, 0), False, 1), "this is 2.16.2, without", "model.int8.plan"),
        (
            ("2.17.1", (8, 6, 1), False, 1),
            "compiled for TensorRT 8.6.1, whose library libnvinfer.so.8",
            "pip install -r",
        ),
        (("2.17.1", (8, 6, 1), True, 0), "finds none here", "model.int8.plan"),
    ],
)
def test_what_is_missing_is_named_with_the_road_that_works(
    facts: tuple[str, tuple[int, ...], bool, int], words: str, command: str
) -> None:
    said = find_problem(*facts, "int8")
    assert words in said and command in said


def test_nothing_is_missing_with_old_tensorflow_its_tensorrt_and_a_gpu() -> None:
    assert find_problem("2.17.1", (8, 6, 1), True, 1, "fp16") == ""


@pytest.mark.tensorflow
def test_this_projects_tensorflow_names_the_onnx_road(tmp_path: Path) -> None:
    from convert.exporters.tftrt import to_tftrt
    from temper.errors import MissingRuntime

    with pytest.raises(MissingRuntime, match=r"TF-TRT needs TensorFlow 2\.17 or older"):
        to_tftrt(tmp_path / "model.savedmodel", tmp_path / "model.tftrt", "fp16")
    assert not list(tmp_path.iterdir())


IN_OLD_TENSORFLOW = """
import inspect
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.compiler.tensorrt import trt_convert

from convert.exporters.tftrt import _look_at, _size_of, settings, to_tftrt
from temper.errors import MissingRuntime

folder = Path(sys.argv[1])


class Model(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.uint8, name="images")])
    def serve(self, images):
        return {"probabilities": tf.nn.softmax(tf.reduce_mean(tf.cast(images, tf.float32), [1, 2]))}


model = Model()
tf.saved_model.save(model, str(folder / "saved"), signatures={"serving_default": model.serve})
print("size", _size_of(tf, folder / "saved"))
print("linked", _look_at(tf)[:2])
try:
    to_tftrt(folder / "saved", folder / "made", "int8")
except MissingRuntime as missing:
    print("refused", missing)
print("made", (folder / "made").exists())

# Its own check of libraries aside, the converter takes our settings, up to the line where it wants a GPU.
trt_convert._check_trt_version_compatibility = lambda: None
for precision in ("fp32", "fp16", "int8"):
    wanted = settings(precision)
    inspect.signature(trt_convert.TrtGraphConverterV2).bind(input_saved_model_dir="", **wanted)
    converter = trt_convert.TrtGraphConverterV2(input_saved_model_dir=str(folder / "saved"), **wanted)
    try:
        converter.convert(calibration_input_fn=(lambda: iter([])) if precision == "int8" else None)
    except ValueError as error:
        print(precision, converter._need_calibration, converter._profile_strategy, error)
"""


@pytest.mark.slow
@needs_old_tensorflow
def test_the_last_tensorflow_with_tensorrt_takes_every_setting(tmp_path: Path) -> None:
    """As far as it goes without a GPU: signatures, parameters and the exact refusals of TensorFlow 2.17."""
    done = subprocess.run(
        [OLD_PYTHON, "-c", IN_OLD_TENSORFLOW, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "size 16" in said
    assert "('2.17.1', (8, 6, 1))" in said
    assert "refused TensorFlow 2.17.1 was compiled for TensorRT 8.6.1" in said or "finds none here" in said
    assert "made False" in said
    for precision, calibrates in (("fp32", False), ("fp16", False), ("int8", True)):
        assert f"{precision} {calibrates} Range+Optimal Specified device is not a GPU" in said
