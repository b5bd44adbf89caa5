"""Artifact: a file, or a file with its companions, together with the card that says what it means."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from temper.card import PRECISIONS, Card, Precision, card_path, read_card
from temper.card.files import read_card_and_sha256
from temper.card.ownership import MOVE_AWAY, refuse_foreign
from temper.errors import ArtifactError, make_again
from temper.formats import Format, format_of, suffixes
from temper.storage.digest import bytes_of, copy_hashed, former_sha256_of, sha256_of, sha256_of_content
from temper.storage.memory_file import MemoryFile, read_hashed
from temper.storage.publish import check_journal, finish_publication, is_published

# Of each file, in the order of Artifact.files.
Contents = tuple[MemoryFile, ...]
# Files that are larger together are hashed before they are read, so that a wrong one takes no memory.
MAX_UNCHECKED_BYTES = 1 << 28


@dataclass(frozen=True)
class Artifact:
    """A trained classifier as it is stored: its files and its card.

    >>> artifact = Artifact.at("artifacts/model.fp32.onnx")
    >>> artifact.format.title, artifact.card_path.name
    ('ONNX Runtime', 'model.fp32.onnx.json')
    >>> artifact.card.labels  # doctest: +SKIP
    ('cat', 'dog')
    """

    path: Path
    format: Format

    @classmethod
    def at(cls, path: Path | str) -> "Artifact":
        """The artifact at a path, which need not exist. Raises ArtifactError for a suffix of no format."""
        path = Path(path)
        known = format_of(path.name)
        if known is None:
            expected = ", ".join(suffixes())
            raise ArtifactError(
                f"{path} has no suffix that Temper knows. Expected one of {expected}",
                fix="Rename the file, or convert a .keras model.",
            )
        return cls(path, known)

    @classmethod
    def with_card(cls, path: Path, card: Card) -> "Artifact":
        """An artifact whose card is not a file yet, while it is being built. Raises ArtifactError as `at` does."""
        artifact = cls.at(path)
        artifact.__dict__["card"] = card
        return artifact

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.name

    @property
    def model_name(self) -> str:
        """The name of the trained model that the artifact belongs to: "model" of "model.int8.onnx"."""
        stem = self.name.removesuffix(self.format.suffix)
        return next((stem.removesuffix(f".{each}") for each in PRECISIONS if stem.endswith(f".{each}")), stem)

    @property
    def files(self) -> list[Path]:
        """All paths of the artifact, itself first; the card is not among them."""
        stem = self.name.removesuffix(self.format.suffix)
        return [self.path, *(self.path.with_name(stem + suffix) for suffix in self.format.companions)]

    @property
    def card_path(self) -> Path:
        """Where the card is."""
        return card_path(self.path)

    @property
    def exists(self) -> bool:
        """True when the artifact and its card are there, whether or not they are intact."""
        return is_published(self.path, self.path) and is_published(self.card_path, self.path)

    @cached_property
    def card(self) -> Card:
        """The card. Raises ArtifactError when the artifact or its card is missing, damaged, or of another version."""
        finish_publication(self.path)
        return read_card(self.path)

    def card_sha256(self) -> str:
        """SHA-256 of the card's file; `card` is from now on what was hashed. Raises ArtifactError as `card` does."""
        finish_publication(self.path)
        self.__dict__["card"], sha256 = read_card_and_sha256(self.path)
        return sha256

    @property
    def bytes(self) -> int:
        """Size of all files in bytes."""
        return bytes_of(*self.files)

    def sha256(self) -> str:
        """SHA-256 over all files. Raises ArtifactError when one is missing or cannot be read."""
        with _clear_errors(self):
            return sha256_of(*self.files)

    def verified(self) -> "Artifact":
        """The artifact, after a check that its files are those that the card describes (SHA-256).

        Raises ArtifactError for missing files, a missing card or changed content. When another command publishes new
        files meanwhile, the card is from then on theirs. A file can change after this check: a runtime gets what `read`
        or `copy_to` returns.
        """
        while True:
            try:
                self.check()
                return self
            except ArtifactError:
                if not self.reread_card():
                    raise

    def check(self) -> None:
        """Raise ArtifactError unless the files are those of this card (SHA-256)."""
        # A publication that was interrupted is finished when the card is read: before the files are.
        _ = self.card
        self._compare(self.sha256(), lambda: former_sha256_of(*self.files))

    def read(self) -> Contents:
        """The content of all files, read once, after a check that exactly these bytes are those of the card.

        Check before loading: a plan is native code, and a flipped bit in an ONNX file changes predictions without an
        error. Raises ArtifactError as `check` does.
        """
        _ = self.card
        with _clear_errors(self):
            if self.bytes > MAX_UNCHECKED_BYTES:
                self.check()
            contents, sha256 = read_hashed(self.files)
        self._compare(sha256, lambda: sha256_of_content(b"".join(each.view for each in contents)))
        return contents

    def copy_to(self, folder: Path, contents: Contents | None = None) -> Path:
        """Copy all files to an empty folder, for a runtime that opens paths; returns the artifact's path there.

        Exactly the bytes that are copied are checked. contents: what `read` has returned before; None for a folder.
        Raises ArtifactError as `check` does.
        """
        if not self.format.is_folder:
            folder.mkdir(exist_ok=True)
            for file, content in zip(self.files, contents or self.read(), strict=True):
                (folder / file.name).write_bytes(content.view)
            return folder / self.name
        _ = self.card
        with _clear_errors(self):
            sha256 = copy_hashed(self.files, folder)
        self._compare(sha256, lambda: former_sha256_of(folder / self.name))
        return folder / self.name

    def reread_card(self) -> bool:
        """Read the card again, and return whether it has changed: then another command has published new files."""
        before = self.card
        self.__dict__["card"] = Artifact.at(self.path).card
        return self.card != before

    def _compare(self, sha256: str, former: Callable[[], str]) -> None:
        # Before version 0.2 the hash of several files did not say where one ends and the next begins.
        is_old = not self.card.provenance.temper
        if self.card.sha256 != sha256 and not (is_old and self.card.sha256 == former()):
            raise ArtifactError(
                f"{self.path} is not the file that its card describes: it is truncated, damaged or replaced (SHA-256 "
                "differs)",
                fix=f"Copy it again with its card, or {make_again(self.path)}.",
            )

    def refuse_foreign(self, *companions: Path, force: bool = False, fix: str = MOVE_AWAY) -> None:
        """Raise ArtifactError when a path of the artifact, or a companion that is written with it, is not Temper's.

        force: a damaged card is replaced together with its artifact.
        """
        finish_publication(self.path)
        check_journal(self.path)
        written = [*self.files, self.card_path, *companions]
        refuse_foreign(self.path, written, is_folder=self.format.is_folder, force=force, fix=fix)

    def sibling(self, precision: Precision, suffix: str) -> "Artifact":
        """The artifact of the same model in another precision and format.

        >>> Artifact.at("artifacts/model.fp32.onnx").sibling("int8", ".plan").name
        'model.int8.plan'
        """
        return Artifact.at(self.path.with_name(f"{self.model_name}.{precision}{suffix}"))

    @property
    def is_model(self) -> bool:
        """True for what others are converted from: a `.keras` file, or an adopted `.onnx` file."""
        return not self.format.conversions or (self.card.adopted is not None and self.card.provenance.source is None)

    def model(self) -> "Artifact":
        """The model that the artifact was converted from, by name: `.keras`, or the `.fp32.onnx` that was adopted."""
        if self.card.adopted and self.card.adopted.stored_as == ".onnx":
            return self.sibling("fp32", ".onnx")
        return Artifact.at(self.path.with_name(f"{self.model_name}.keras"))

    def beside(self, suffix: str) -> Path:
        """A file that belongs to the model, such as "model.split.csv" for ".split.csv"."""
        return self.path.with_name(self.model_name + suffix)


@contextlib.contextmanager
def _clear_errors(artifact: Artifact) -> Iterator[None]:
    """Turn errors of the operating system into an ArtifactError that names the file."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        needs = "" if error.filename == str(artifact.path) else f": {artifact.name} needs it beside it"
        raise ArtifactError(
            f"{error.filename} is missing{needs}", fix=f"Copy it along, or {make_again(artifact.path)}."
        ) from None
    except OSError as error:
        raise ArtifactError(
            f"{error.filename or artifact.path} cannot be read ({error.strerror})", fix="Check its permissions."
        ) from None
