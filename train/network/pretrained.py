"""Pretrained weights: loaded into a plain backbone, and copied from there into the model."""

import contextlib
import logging
import os
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from temper.errors import DataError
from temper.storage.atomic import scratch_beside
from temper.system.child_process import ChildCrashed, run_with_progress
from temper.system.quiet import quiet_stderr
from train.network.backbones import BACKBONES
from train.network.build import backbone_layers, build_backbone, is_grouped, is_pointwise
from train.network.weight_packages import PACKAGES

LOGGER = logging.getLogger("temper.train")
# Keras sets no limit of its own: a network that drops packets would block the command for minutes.
NETWORK_TIMEOUT_SECONDS = 20
# A server that sends a byte now and then is not waited for longer than this.
DOWNLOAD_SECONDS = 3600.0


def load_backbone(weights: str | Path, backbone: str = "resnet50") -> keras.Model:
    """A plain backbone with ImageNet's weights or those of a file.

    weights: "imagenet", which Keras downloads and caches, or which a package holds; or a path. Raises DataError when
    the package or the file is missing or does not belong to this backbone without its top, ConnectionError when Keras
    cannot download.
    """
    if weights == "imagenet":
        if BACKBONES[backbone].application not in PACKAGES and not _is_cached(backbone):
            LOGGER.info("downloading ImageNet's weights of %s", BACKBONES[backbone].application)
            if reason := _fetch(backbone):
                raise ConnectionError(reason)
        return build_backbone(backbone, "imagenet")
    model, name, module = build_backbone(backbone, None), BACKBONES[backbone].application, BACKBONES[backbone].module
    try:
        with warnings.catch_warnings():
            # Keras warns of each layer that the file lacks before it raises.
            warnings.simplefilter("ignore", UserWarning)
            model.load_weights(weights)
    except FileNotFoundError:
        raise DataError(f"{weights} does not exist", fix="Name a file of weights, imagenet, or none.") from None
    except (ValueError, OSError, KeyError) as error:
        reason = _first_line(error)
        raise DataError(
            f"{weights} does not hold the weights of a {name} without its top ({reason})",
            fix=f"Name a file written by {module}.{name}(include_top=False).save_weights(...), or another --backbone.",
        ) from None
    return model


def copy_backbone(source: keras.Model, model: keras.Model, backbone: str = "resnet50") -> None:
    """Copy a plain backbone's weights into the model, layer by layer; a kernel that expects BGR is changed to RGB."""
    # In order, not by name: a layer without a name of its own gets another number in every model that Keras builds.
    for layer, target in zip(_with_weights(source.layers), _with_weights(backbone_layers(model)), strict=True):
        weights = layer.get_weights()
        if layer.name == BACKBONES[backbone].bgr_convolution:
            weights[0] = np.ascontiguousarray(weights[0][:, :, ::-1, :])
        if is_grouped(layer):
            weights[0] = weights[0].swapaxes(2, 3)
        if is_pointwise(layer):
            weights[0] = weights[0][np.newaxis, np.newaxis]
        target.set_weights(weights)


def _with_weights(layers: list[keras.Layer]) -> list[keras.Layer]:
    return [layer for layer in layers if layer.weights]


def _cache() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"


def _is_cached(backbone: str) -> bool:
    """Whether Keras' cache holds weights without the top that have the backbone's name, such as resnet50_notop.h5.

    If not, a download finds out what is there. The names of a second version, such as ResNet50V2, begin with the first.
    """
    pattern = re.compile(rf"{BACKBONES[backbone].application.lower()}(?!v\d).*notop")
    names = (path.name.replace("_", "").replace("-", "") for path in _cache().glob("*.h5"))
    return any(map(pattern.search, names))


def _fetch(backbone: str) -> str:
    """Download ImageNet's weights into Keras' cache, completely or not at all; returns why that fails, or "".

    Keras compares them with the hash that it names, and follows https alone.
    """
    with scratch_beside(_cache()) as scratch, quiet_stderr():
        try:
            with _keras_home(scratch):
                reason = run_with_progress(_check_seconds, _download, backbone)
        except (TimeoutError, ChildCrashed) as error:
            return str(error)
        for path in (scratch / "models").glob("*"):
            _cache().mkdir(exist_ok=True)
            path.replace(_cache() / path.name)
    return reason


@contextlib.contextmanager
def _keras_home(folder: Path) -> Iterator[None]:
    """The folder that a process which is started inside uses as ~/.keras: Keras reads the variable when imported."""
    former = os.environ.get("KERAS_HOME")
    os.environ["KERAS_HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("KERAS_HOME")
        if former is not None:
            os.environ["KERAS_HOME"] = former


def _check_seconds(seconds: float) -> None:
    if seconds > DOWNLOAD_SECONDS:
        raise TimeoutError(f"it took more than {DOWNLOAD_SECONDS:.0f} s")


def _download(backbone: str) -> str:
    """Let Keras cache ImageNet's weights; returns why that fails, or "".

    Runs in a child process, where a default timeout affects nothing else, and returns instead of raising, because
    `quiet_stderr` shows everything when its block raises.
    """
    socket.setdefaulttimeout(NETWORK_TIMEOUT_SECONDS)
    try:
        # Keras reports the download on stdout, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            build_backbone(backbone, "imagenet")
    # keras.utils.get_file turns every failure to download into a bare Exception.
    except Exception as error:
        return _first_line(error).rpartition(" -- ")[2] or type(error).__name__
    return ""


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
