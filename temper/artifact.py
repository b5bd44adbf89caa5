"""Artifact: a file, or a file with its companions, together with the card that says what it means."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from temper.card import PRECISIONS, Card, Precision, card_path, read_card
from temper.card.files import read_card_and_sha256
from temper.card.ownership import MOVE_AWAY, refuse_foreign
from temper.errors import ArtifactError
from temper.formats import Format, format_of, suffixes
from temper.storage.digest import bytes_of, former_sha256_of, sha256_of
from temper.storage.publish import finish_publication, is_published


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
        """SHA-256 over all files. Raises ArtifactError when one is missing."""
        for file in self.files:
            if not file.exists():
                raise ArtifactError(
                    f"{file} is missing: {self.name} needs it beside it", fix="Copy it along, or convert again."
                )
        return sha256_of(*self.files)

    def verified(self) -> "Artifact":
        """The artifact, after a check that its files are those that the card describes (SHA-256).

        Raises ArtifactError for missing files, a missing card or changed content. Check before loading: a plan is
        native code, and a flipped bit in an ONNX file changes predictions without an error.
        """
        while True:
            checked = self.card
            try:
                self._check_files()
                return self
            except ArtifactError:
                # Another command may have published new files after the card was read.
                self.__dict__["card"] = Artifact.at(self.path).card
                if self.card == checked:
                    raise

    def _check_files(self) -> None:
        expected = self.card.sha256
        try:
            is_intact = expected == self.sha256() or expected == former_sha256_of(*self.files)
        except FileNotFoundError as error:
            raise ArtifactError(f"{error.filename} is missing", fix="Copy it along, or convert again.") from None
        if not is_intact:
            raise ArtifactError(
                f"{self.path} is not the file that its card describes: it is truncated, damaged or replaced (SHA-256 "
                "differs)",
                fix="Copy it again with its card, or convert again.",
            )

    def refuse_foreign(self, *companions: Path, force: bool = False, fix: str = MOVE_AWAY) -> None:
        """Raise ArtifactError when a path of the artifact, or a companion that is written with it, is not Temper's.

        force: a damaged card is replaced together with its artifact.
        """
        finish_publication(self.path)
        written = [*self.files, self.card_path, *companions]
        refuse_foreign(self.path, written, is_folder=self.format.is_folder, force=force, fix=fix)

    def sibling(self, precision: Precision, suffix: str) -> "Artifact":
        """The artifact of the same model in another precision and format.

        >>> Artifact.at("artifacts/model.fp32.onnx").sibling("int8", ".plan").name
        'model.int8.plan'
        """
        return Artifact.at(self.path.with_name(f"{self.model_name}.{precision}{suffix}"))

    def model(self) -> "Artifact":
        """The trained Keras model that the artifact belongs to, by name."""
        return Artifact.at(self.path.with_name(f"{self.model_name}.keras"))

    def beside(self, suffix: str) -> Path:
        """A file that belongs to the model, such as "model.split.csv" for ".split.csv"."""
        return self.path.with_name(self.model_name + suffix)
