import pytest

from convert.adopt.originals.base import InputSpec, Wanted, input_spec
from temper.errors import ArtifactError, UsageError

Shape = list[int | None]


@pytest.mark.parametrize(
    ("shape", "wanted", "expected"),
    [
        ([None, 64, 64, 3], Wanted(), (64, "NHWC", None)),
        ([1, 3, 64, 64], Wanted(), (64, "NCHW", 1)),
        ([None, None, None, 3], Wanted(size=96), (96, "NHWC", None)),
        ([None, None, None, None], Wanted(layout="NCHW", size=96), (96, "NCHW", None)),
        ([2, 3, None, 32], Wanted(), (32, "NCHW", 2)),
    ],
)
def test_layout_size_and_batch_are_those_of_the_shape(
    shape: Shape, wanted: Wanted, expected: tuple[int, str, int | None]
) -> None:
    spec = input_spec("net", shape, "float32", wanted)
    assert isinstance(spec, InputSpec)
    assert (spec.size, spec.layout, spec.batch) == expected


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ([None, 64, 64, 1], "float32", "no NHWC with 3 channels"),
        ([None, 784], "float32", r"takes float32 of shape \[any, 784\]"),
        ([None, 64, 64, 3], "float16", "in single precision"),
        ([None, 64, 96, 3], "float32", "64 × 96 pixels"),
    ],
)
def test_what_is_no_square_color_image_in_single_precision_is_refused(shape: Shape, dtype: str, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        input_spec("net", shape, dtype, Wanted(layout="NHWC"))


def test_gray_images_are_refused_rather_than_their_layout_asked_for() -> None:
    with pytest.raises(ArtifactError, match=r"\[any, 1, 28, 28\]; expected images of 3 channels"):
        input_spec("net", [None, 1, 28, 28], "float32", Wanted())


@pytest.mark.parametrize(
    ("shape", "wanted", "words"),
    [
        ([None, None, None, None], Wanted(), "--layout NHWC"),
        ([None, 3, 3, 3], Wanted(), "--layout NHWC"),
        ([None, None, None, 3], Wanted(), "--size 224"),
        ([None, 64, 64, 3], Wanted(size=32), "--size is 32, and net takes images of 64 pixels"),
    ],
)
def test_what_the_model_does_not_say_is_asked_for(shape: Shape, wanted: Wanted, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        input_spec("net", shape, "float32", wanted)
