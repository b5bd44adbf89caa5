from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from convert.precision.calibration import BEYOND, METHODS, LargestValues, activations, calibrate
from convert.precision.ort_session import OrtModel
from temper.runners.base import Images
from tests import tiny

IMAGES: Images = np.random.default_rng(0).integers(0, 255, (9, tiny.SIZE, tiny.SIZE, 3)).astype(np.uint8)


@pytest.fixture
def model(made_bundle: Path) -> Path:
    return made_bundle.with_name("model.fp32.onnx")


def values_of(model: Path, tensor: str, folder: Path) -> NDArray[np.float32]:
    loaded = onnx.load(model)
    del loaded.graph.output[:]
    loaded.graph.output.append(onnx.ValueInfoProto(name=tensor))
    onnx.save(loaded, folder / "one.onnx")
    return OrtModel(folder / "one.onnx").predict(IMAGES)


@pytest.mark.parametrize("tensor", ["r0", "c2"])
def test_a_range_covers_all_values_but_the_fraction_of_its_method(model: Path, tmp_path: Path, tensor: str) -> None:
    ranges = calibrate(model, [IMAGES[:5], IMAGES[5:]], len(IMAGES), [tensor])
    magnitudes = np.abs(values_of(model, tensor, tmp_path))
    for method in METHODS:
        limit = ranges[method][tensor]
        assert np.isclose(magnitudes, limit, rtol=1e-5).any()
        assert (magnitudes > limit * (1 + 1e-5)).mean() <= BEYOND[method]
        # The next smaller one would leave more values out than the method allows.
        assert (magnitudes > limit * (1 - 1e-5)).mean() >= BEYOND[method]
    assert ranges["max"][tensor] == pytest.approx(magnitudes.max(), rel=1e-5)


def test_a_percentile_leaves_values_out(model: Path) -> None:
    ranges = calibrate(model, [IMAGES], len(IMAGES), ["r0"])
    assert 0.3 * ranges["max"]["r0"] < ranges["percentile"]["r0"] < ranges["max"]["r0"]


def test_what_is_not_in_floating_point_has_no_range(model: Path) -> None:
    assert calibrate(model, [IMAGES], len(IMAGES), ["images", "r0"])["max"].keys() == {"r0"}


def test_activations_are_neither_constants_nor_the_input(model: Path) -> None:
    names = activations(onnx.load(model).graph)
    assert {"r0", "c2"} <= set(names)
    assert not {"images", "w0", "mean", ""} & set(names)
    assert len(names) == len(set(names))


def test_measuring_writes_nothing_beside_the_model(bundle: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in [bundle.parent, *bundle.parent.iterdir()]}
    tiny.max_ranges(bundle.with_name("model.fp32.onnx"), IMAGES)
    assert {path: path.stat().st_mtime_ns for path in [bundle.parent, *bundle.parent.iterdir()]} == before


def test_the_largest_values_are_exact_whatever_order_they_come_in() -> None:
    numbers = np.random.default_rng(0).normal(0, 1, 10_000).astype(np.float32)
    ranked = np.sort(np.abs(numbers))[::-1]
    for order in (numbers, np.sort(numbers), np.sort(numbers)[::-1]):
        observed = LargestValues(len(numbers), 1e-2)
        for part in np.split(order, 20):
            observed.add(part)
        assert [observed.limit(beyond) for beyond in (0, 1e-3, 1e-2)] == [ranked[0], ranked[9], ranked[99]]


def test_values_that_are_no_numbers_have_no_part_in_a_range() -> None:
    observed = LargestValues(6, 0)
    for numbers, largest in (([1, np.nan], 1), ([0, -1.5], 1.5), ([np.nan, -2], 2)):
        observed.add(np.array(numbers, np.float32))
        assert observed.limit(0) == largest
    nothing = LargestValues(2, 0)
    nothing.add(np.array([np.nan, np.nan], np.float32))
    assert nothing.limit(0) == 0


def test_many_small_parts_are_rarely_sorted_out_and_the_limit_stays_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = np.random.default_rng(1).normal(size=(300, 1000)).astype(np.float32)
    sizes: list[int] = []
    real = np.partition

    def partition(values: NDArray[np.float32], rank: int) -> NDArray[np.float32]:
        sizes.append(len(values))
        return real(values, rank)

    monkeypatch.setattr(np, "partition", partition)
    largest = LargestValues(parts.size, 0.01)
    for part in parts:
        largest.add(part)
    # As many values as are stored anyway, and some: not as often as parts are added.
    assert len(sizes) < 30 and max(sizes) < 2 * 0.01 * parts.size
    assert largest.limit(0.01) == np.sort(np.abs(parts.ravel()))[-3000]
