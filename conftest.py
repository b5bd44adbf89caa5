"""Fixtures of the tests and of the examples in docstrings."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.doctest import DoctestItem

# Runs inside Triton only.
collect_ignore = ["convert/triton/decode_model.py"]


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests and the processes they start write nothing to the user's cache, records and keys, and read none."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("cache", "state", "config"):
            patch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path_factory.mktemp(name)))
        patch.delenv("TEMPER_REQUIRE_SIGNATURE", raising=False)
        # With it, no result could be lost in a buffer.
        patch.delenv("PYTHONUNBUFFERED", raising=False)
        yield


@pytest.fixture(scope="session")
def made_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny classifier with its images, which no test may change: the path of model.keras."""
    from tests import tiny

    return tiny.bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(autouse=True)
def example_folder(request: pytest.FixtureRequest) -> None:
    """Examples that use model.onnx run in a folder with model.onnx, a.jpg (red) and photos/b.jpg (blue)."""
    if not isinstance(request.node, DoctestItem) or "model.onnx" not in (request.node.dtest.docstring or ""):
        return
    from PIL import Image, ImageStat

    def redness(path: Path) -> float:
        red, _, blue = ImageStat.Stat(Image.open(path)).mean
        return red - blue

    # Asked for here: a folder for every test of the project would cost more than most of them.
    bundle, tmp_path = (request.getfixturevalue(name) for name in ("made_bundle", "tmp_path"))
    for suffix in ("", ".json"):
        shutil.copy(bundle.with_name(f"model.fp32.onnx{suffix}"), tmp_path / f"model.onnx{suffix}")
    (tmp_path / "photos").mkdir()
    images = sorted((bundle.parent / "images").rglob("*.png"), key=redness)
    for path, name in ((images[-1], "a.jpg"), (images[0], "photos/b.jpg")):
        Image.open(path).save(tmp_path / name, quality=95)
    request.getfixturevalue("monkeypatch").chdir(tmp_path)
