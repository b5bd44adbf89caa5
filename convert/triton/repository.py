"""A model in Triton's repository: written complete, changed content as a new version, nothing of others replaced."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from convert.triton.pbtxt import Fields, render
from temper.errors import ArtifactError
from temper.storage.atomic import scratch_beside
from temper.storage.digest import sha256_of
from temper.storage.publish import finish_publication, flush, flush_folder, publish

CONFIG = "config.pbtxt"
CARD = "card.json"
MARK = "# Written by Temper. SHA-256 of the lines below: "
LOGGER = logging.getLogger("temper.convert")


@dataclass(frozen=True, kw_only=True)
class TritonModel:
    """A model to publish.

    config: its configuration. version: files of its version folder, by path in it. shared: files beside the
    configuration. The card in `version` does not count when content is compared: it has the time of the conversion.
    """

    config: Fields
    version: Mapping[str, bytes]
    shared: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its folder."""
        return str(self.config["name"])


def publish_model(model: TritonModel, repository: Path, force: bool = False) -> int:
    """Write a model into a repository and return its version.

    The version folder of equal content is left alone; other content becomes the next version, and earlier versions
    stay. Raises ArtifactError for a folder that is not Temper's, and, unless `force` is set, for a configuration that
    was edited.
    """
    folder = repository / model.name
    config = folder / CONFIG
    finish_publication(config)
    _refuse_foreign(folder, force)
    repository.mkdir(parents=True, exist_ok=True)
    is_new = not config.exists()
    # Triton takes every folder of the repository for a model, hidden ones too: a new model is written outside of it.
    beside = repository if is_new and not repository.is_mount() else (folder if is_new else config)
    with scratch_beside(beside) as scratch:
        draft = scratch / model.name if is_new else scratch
        version = _write(model, draft, folder)
        if is_new:
            flush(draft)
            draft.replace(folder)
            flush_folder(repository)
        elif any(draft.iterdir()):
            publish(draft, config)
        else:
            LOGGER.info("%s: version %d is up to date", folder, version)
            return version
    LOGGER.info("%s: published, version %d", folder, version)
    return version


def versions_of(folder: Path) -> list[int]:
    """The versions of a model, in order; Triton ignores other names, and numbers that begin with 0."""
    names = [each.name for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit() and not name.startswith("0"))


def _write(model: TritonModel, draft: Path, folder: Path) -> int:
    """Write what differs from the folder to a draft, and return the version."""
    latest = max(versions_of(folder), default=0)
    candidate = draft / str(latest + 1)
    for name, content in model.version.items():
        (candidate / name).parent.mkdir(parents=True, exist_ok=True)
        (candidate / name).write_bytes(content)
    version = latest + 1
    if latest and _digest(candidate) == _digest(folder / str(latest)):
        for file in sorted(candidate.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        candidate.rmdir()
        version = latest
    for name, content in {**model.shared, CONFIG: config_text(model.config).encode()}.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != content:
            (draft / name).write_bytes(content)
    return version


def _digest(folder: Path) -> str:
    # The server's Python leaves its caches in the folder of a Python model.
    files = [each for each in sorted(folder.rglob("*")) if each.is_file() and "__pycache__" not in each.parts]
    return " ".join(f"{each.relative_to(folder)} {sha256_of(each)}" for each in files if each.name != CARD)


def config_text(config: Fields) -> str:
    """The text of a configuration, with a first line that shows whether it was edited."""
    text = render(config)
    return f"{MARK}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def _refuse_foreign(folder: Path, force: bool) -> None:
    if not folder.exists() or (folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())):
        return
    config = folder / CONFIG
    text = config.read_text(encoding="utf-8", errors="replace") if config.is_file() else ""
    first, _, rest = text.partition("\n")
    if folder.is_symlink() or not first.startswith(MARK):
        raise ArtifactError(
            f"{folder} exists, and Temper did not make it", fix="Move it away, or name another folder with --triton."
        )
    if first != f"{MARK}{hashlib.sha256(rest.encode()).hexdigest()}" and not force:
        raise ArtifactError(
            f"{config} was edited, and would be replaced", fix="Copy your changes elsewhere, then use --force."
        )
