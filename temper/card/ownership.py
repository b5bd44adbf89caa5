"""Which existing files may be replaced: those of an artifact whose card says that Temper made them."""

from collections.abc import Iterable
from pathlib import Path

from temper.card.files import card_path, read_fields
from temper.errors import ArtifactError

# Fields that the cards of all schemas have.
FIELDS = {"labels", "sha256", "schema"}
MOVE_AWAY = "Move it away, or name another target."


def refuse_foreign(
    artifact: Path, written: Iterable[Path], *, is_folder: bool = False, force: bool = False, fix: str = MOVE_AWAY
) -> None:
    """Raise ArtifactError when something exists where files of an artifact are written, and is not Temper's.

    The files are Temper's when the artifact's card is a card. A symbolic link, a folder where a file belongs, and the
    reverse never are. is_folder: whether the artifact is a folder. force: a damaged card is replaced with its artifact.
    """
    existing = [path for path in written if path.exists() or path.is_symlink()]
    for path in existing:
        if path.is_symlink():
            raise ArtifactError(f"{path} is a symbolic link, and Temper replaces no links", fix=fix)
        expects_folder = is_folder and path == artifact
        if not (path.is_dir() if expects_folder else path.is_file()):
            expected = "a folder" if expects_folder else "a file"
            raise ArtifactError(f"{path} is not {expected}, so Temper did not make it", fix=fix)
    if existing and not _is_card(card_path(artifact), accept_damaged=force and artifact.exists()):
        raise ArtifactError(f"{existing[0]} exists and has no card beside it, so Temper did not make it", fix=fix)


def _is_card(path: Path, accept_damaged: bool) -> bool:
    try:
        fields = read_fields(path)
    except FileNotFoundError:
        return False
    except ArtifactError as error:
        if accept_damaged:
            return True
        fix = "Move it away with its artifact, or replace both with --force."
        raise ArtifactError(f"{error.what}, so it is unknown whether Temper made the artifact", fix=fix) from None
    return isinstance(fields, dict) and fields.keys() >= FIELDS
