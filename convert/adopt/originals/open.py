"""From the path that a user names to an original: only a private copy of what was hashed is opened."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from convert.adopt.originals.base import Original, Wanted
from temper.errors import ArtifactError, UsageError
from temper.storage.atomic import own_temporary_files
from temper.storage.digest import copy_hashed, sha256_of
from temper.trust.policy import is_signature_required

SUFFIXES = (".keras", ".h5", ".hdf5", ".onnx")
EXPECTED = f"Expected {', '.join(SUFFIXES)}, or the folder of a SavedModel."
# Pickles run any code when they are read.
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt", ".bin")


@contextlib.contextmanager
def open_original(path: Path, wanted: Wanted, trust: bool = False) -> Iterator[Original]:
    """The original at a path, while the block runs. trust: whether the user trusts a SavedModel, which is a program.

    Raises ArtifactError for a missing or unsafe file, UsageError for another kind of file.
    """
    check_path(path, trust)
    with own_temporary_files() as folder:
        original = _open(path, folder, wanted)
        yield original


def check_path(path: Path, trust: bool) -> None:
    """Raise UsageError or ArtifactError for what is no model, or may not be opened."""
    if not path.exists():
        raise ArtifactError(f"{path} does not exist", fix="Check the path.")
    if path.is_dir():
        _check_folder(path, trust)
    elif path.suffix in PICKLES:
        raise UsageError(
            f"{path} may be a pickle, which can run any code when it is read, and Temper reads none",
            fix="Export the model where it was made, from two images or more:\n"
            "    torch.onnx.export(model, images, 'model.onnx', dynamic_shapes=({0: torch.export.Dim('batch')},))",
        )
    elif path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is no model that can be adopted", fix=EXPECTED)


def _check_folder(path: Path, trust: bool) -> None:
    if not (path / "saved_model.pb").is_file():
        raise UsageError(f"the folder {path} is no SavedModel: it does not contain saved_model.pb", fix=EXPECTED)
    if is_signature_required():
        raise ArtifactError(
            f"{path} can run any code on this machine, and a signature is required here (TEMPER_REQUIRE_SIGNATURE)",
            fix="Adopt it on another machine, or export it as ONNX, which is no program.",
        )
    if not trust:
        raise ArtifactError(
            f"{path} is a SavedModel, which can run any code on this machine",
            fix="If you know who made it, add --trust. An ONNX file is no program, and needs no trust.",
        )


def _open(path: Path, folder: Path, wanted: Wanted) -> Original:
    if path.is_dir():
        from convert.adopt.originals.saved_model import SavedModelOriginal

        sha256 = copy_hashed([path], folder)
        original: Original = SavedModelOriginal(folder / path.name, path, wanted)
    elif path.suffix == ".onnx":
        from convert.adopt.originals.onnx_file import OnnxOriginal, copy_with_weights, read_onnx

        copies = copy_with_weights(path, folder)
        sha256 = sha256_of(*copies)
        original = OnnxOriginal(read_onnx(copies, path), path, wanted)
    else:
        from convert.adopt.originals.keras_model import KerasOriginal

        sha256 = copy_hashed([path], folder)
        original = KerasOriginal(folder / path.name, path, wanted)
    original.sha256 = sha256
    return original
