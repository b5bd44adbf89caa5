"""The cases of a benchmark: every artifact with a card, in every mode of its format."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from temper.artifact import Artifact
from temper.card import Card
from temper.errors import ArtifactError, UsageError
from temper.formats import FORMATS, format_of

KERAS_SUFFIX = FORMATS[0].suffix
KERAS_MODES = FORMATS[0].modes
TUTORIAL_MODE = "predict"
QUICK_MODES = (KERAS_MODES[0], TUTORIAL_MODE)


@dataclass(frozen=True, kw_only=True)
class Case:
    """An artifact and a mode to call it in. Cases of Keras are named for the mode, others for the file.

    is_control: a second process of another case (A/A control), whose ratio to the first must be 1.
    """

    name: str
    artifact: Artifact
    mode: str = ""
    is_control: bool = False

    @property
    def card(self) -> Card:
        """The artifact's card."""
        return self.artifact.card

    @property
    def is_keras(self) -> bool:
        """True for a Keras model in any mode."""
        return self.artifact.format.suffix == KERAS_SUFFIX

    @property
    def is_tutorial(self) -> bool:
        """True for Keras in the mode that its tutorials use."""
        return self.is_keras and self.mode == TUTORIAL_MODE

    @property
    def is_default_mode(self) -> bool:
        """True for the mode in which an artifact is classified with and served."""
        return self.mode == self.artifact.format.modes[0]


def find_cases(paths: list[Path], quick: bool = False) -> list[Case]:
    """Cases of artifacts and of folders that contain artifacts: the model first, then by file name.

    quick: leave out the rare modes of Keras. Raises ArtifactError when there is no artifact, and UsageError when
    artifacts come from different models: they cannot be compared.
    """
    artifacts = dict.fromkeys(artifact for path in paths for artifact in _artifacts_at(path))
    cases = [case for artifact in artifacts for case in _cases_of(artifact, quick)]
    if not cases:
        raise ArtifactError(
            f"{', '.join(map(str, paths))} contains no artifact with a card",
            fix="Build some with `make train` and `make convert`.",
        )
    for case in cases[1:]:
        if _model_key(case.card) != _model_key(cases[0].card):
            raise UsageError(
                f"{case.artifact.path} and {cases[0].artifact.path} come from different models (labels, size or split "
                "differ)",
                fix="Name the artifacts of one model, or put each model into a folder of its own.",
            )
    return cases


def pick_baseline(cases: Iterable[Case]) -> Case | None:
    """The model in the first of its modes that is among the cases; the slow mode of tutorials only if it is alone."""
    models = (case for case in cases if case.artifact.is_model)
    return min(models, key=lambda case: (case.is_tutorial, case.artifact.format.modes.index(case.mode)), default=None)


def pick_control(cases: list[Case]) -> Case:
    """The case to run twice: int8 if there is one, since noise changes short calls most; the model only if alone."""
    return min(cases, key=lambda case: (case.artifact.is_model, case.card.precision != "int8", cases.index(case)))


def _model_key(card: Card) -> tuple[object, ...]:
    return card.labels, card.size, card.dataset.split.sha256 if card.dataset else None


def _artifacts_at(path: Path) -> list[Artifact]:
    # An artifact may itself be a folder: its suffix decides.
    if format_of(path.name) or path.is_file():
        return [Artifact.at(path)]
    if not path.is_dir():
        return []
    inside = [Artifact.at(file) for file in path.iterdir() if format_of(file.name)]
    artifacts = [artifact for artifact in inside if artifact.exists]
    return sorted(artifacts, key=lambda artifact: (not artifact.is_model, artifact.name))


def _cases_of(artifact: Artifact, quick: bool) -> list[Case]:
    modes = artifact.format.modes
    if len(modes) == 1:
        return [Case(name=artifact.name, artifact=artifact, mode=modes[0])]
    suffix = "" if artifact.model_name == "model" else f" ({artifact.name})"
    return [
        Case(name=f"{artifact.format.title} {mode}{suffix}", artifact=artifact, mode=mode)
        for mode in modes
        if not quick or mode in QUICK_MODES
    ]
