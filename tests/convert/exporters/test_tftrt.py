import os
import subprocess
from pathlib import Path

import pytest

from convert.exporters.tftrt import calibration_batches, convert, find_problem
from convert.job import Job
from temper.artifact import Artifact
from temper.errors import MissingRuntime
from temper.exit_codes import ExitCode
from tests import tiny
from tests.source import ROOT

OLD_PYTHON = os.environ.get("TEMPER_TFTRT_PYTHON", "")

needs_old_tensorflow = pytest.mark.skipif(
    not OLD_PYTHON, reason="TEMPER_TFTRT_PYTHON names no Python with TensorFlow 2.17 (requirements-tftrt.txt)"
)


def job_of(bundle: Path, images: int = 256) -> Job:
    """A conversion of the tiny model to int8 by TF-TRT."""
    pipeline = tiny.pipeline_of(bundle, calibration_images=images)
    return Job(
        source=Artifact.at(bundle.with_name("model.fp32.savedmodel")),
        target=bundle.with_name("model.int8.tftrt"),
        precision="int8",
        settings=pipeline.settings,
        dataset=pipeline.dataset,
    )


@pytest.mark.parametrize(
    ("installed", "message", "command"),  # version, TensorRT, whether it is installed, GPUs
    [
        (("2.21.0", (0, 0, 0), False, 1), "needs TensorFlow 2.17 or older", "model.int8.plan --precision int8"),
        (("2.18.0", (8, 6, 1), True, 1), "this is 2.18.0", "requirements-tftrt.txt"),
        (("2.16.2", (0, 0, 0), False, 1), "this is 2.16.2, without", "model.int8.plan"),
        (("2.17.1", (8, 6, 1), False, 1), "for TensorRT 8.6.1, whose library libnvinfer.so.8", "pip install -r"),
        (("2.17.1", (8, 6, 1), True, 0), "sees no GPU here", "model.int8.plan"),
    ],
)
def test_the_error_names_what_is_missing_and_a_command_that_works(
    installed: tuple[str, tuple[int, ...], bool, int], message: str, command: str
) -> None:
    problem = find_problem(*installed, "int8")
    assert problem is not None
    assert message in problem.what
    assert command in problem.fix
    assert problem.exit_code == ExitCode.MACHINE


def test_nothing_is_missing_with_old_tensorflow_its_tensorrt_and_a_gpu() -> None:
    assert find_problem("2.17.1", (8, 6, 1), True, 1, "fp16") is None


def test_calibration_batches_are_training_images_in_batches_of_one_size(bundle: Path) -> None:
    assert [len(batch) for batch in calibration_batches(job_of(bundle))] == [16, 16, 16]
    assert [len(batch) for batch in calibration_batches(job_of(bundle, images=40))] == [16, 16]
    assert [len(batch) for batch in calibration_batches(job_of(bundle, images=9))] == [9]


@pytest.mark.tensorflow
def test_this_projects_tensorflow_refers_to_the_conversion_through_onnx(bundle: Path) -> None:
    with pytest.raises(MissingRuntime, match=r"TF-TRT needs TensorFlow 2\.17 or older"):
        next(convert(job_of(bundle)))
    assert not bundle.with_name("model.int8.tftrt").exists()


IN_OLD_TENSORFLOW = """
import inspect
import sys
from pathlib import Path

import tensorflow as tf
from tensorflow.python.compiler.tensorrt import trt_convert

from convert.dataset import ModelDataset
from convert.exporters.tftrt import convert, converter_settings, find_linked_tensorrt
from convert.job import Job
from convert.settings import ConversionSettings
from temper.artifact import Artifact
from temper.card import Card
from temper.errors import MissingRuntime

folder = Path(sys.argv[1])


class Model(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.uint8, name="images")])
    def serve(self, images):
        return {"probabilities": tf.nn.softmax(tf.reduce_mean(tf.cast(images, tf.float32), [1, 2]))}


model = Model()
saved = folder / "model.fp32.savedmodel"
tf.saved_model.save(model, str(saved), signatures={"serving_default": model.serve})
source = Artifact.with_card(saved, Card(labels=("a", "b"), size=16))
print("linked", (tf.__version__, find_linked_tensorrt()[0]))
job = Job(
    source=source, target=folder / "made.tftrt", precision="int8", settings=ConversionSettings(),
    dataset=ModelDataset(model=source),
)
try:
    next(convert(job))
except MissingRuntime as missing:
    print("refused", missing)
print("made", job.target.exists())

# Its own check of libraries aside, the converter accepts our settings, up to the line where it needs a GPU.
trt_convert._check_trt_version_compatibility = lambda: None
for precision in ("fp32", "fp16", "int8"):
    settings = converter_settings(precision)
    inspect.signature(trt_convert.TrtGraphConverterV2).bind(input_saved_model_dir="", **settings)
    converter = trt_convert.TrtGraphConverterV2(input_saved_model_dir=str(saved), **settings)
    try:
        converter.convert(calibration_input_fn=(lambda: iter([])) if precision == "int8" else None)
    except ValueError as error:
        print(precision, converter._need_calibration, converter._profile_strategy, error)
"""


@pytest.mark.slow
@needs_old_tensorflow
def test_the_last_tensorflow_with_tensorrt_accepts_every_setting(tmp_path: Path) -> None:
    """As far as it goes without a GPU: signatures, parameters and the exact error messages of TensorFlow 2.17."""
    done = subprocess.run(
        [OLD_PYTHON, "-c", IN_OLD_TENSORFLOW, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    output = done.stdout
    assert "('2.17.1', (8, 6, 1))" in output
    assert "refused TensorFlow 2.17.1 was compiled for TensorRT 8.6.1" in output or "sees no GPU here" in output
    assert "made False" in output
    for precision, calibrates in (("fp32", False), ("fp16", False), ("int8", True)):
        assert f"{precision} {calibrates} Range+Optimal Specified device is not a GPU" in output
