"""What this user made, and trusts by hand: the SHA-256 of each card, one small file each in the user's state folder."""

import logging
from pathlib import Path
from typing import Literal, get_args

from platformdirs import user_state_path

from temper.artifact import Artifact
from temper.errors import UserError
from temper.storage.atomic import atomic_write
from temper.trust.private import check_private, make_private

Kind = Literal["made-here", "trusted-by-hand"]
LOGGER = logging.getLogger("temper.trust")


def record_made_here(artifact: Artifact) -> None:
    """Remember that this user made an artifact; before it is published, so that none is published without a record.

    Where nothing can be written there, a warning says so: the artifact itself is good.
    """
    try:
        record("made-here", artifact, artifact.card_sha256())
    except (OSError, UserError) as error:
        LOGGER.warning("%s: it could not be recorded that it was made here: %s", artifact.name, error)


def record(kind: Kind, artifact: Artifact, card_sha256: str) -> None:
    """Remember an artifact by its card. Raises OSError, or ResourceError for a folder that others may write."""
    state = make_private(state_folder())
    target = make_private(state / kind) / _name(artifact, card_sha256)
    with atomic_write(target) as path:
        path.touch(mode=0o600)
        # For people; the name of the file is what counts.
        path.write_text(f"{artifact.name}\n", encoding="utf-8")


def is_recorded(kind: Kind, artifact: Artifact, card_sha256: str) -> bool:
    """Whether an artifact with this card was remembered. Raises ResourceError for a folder that others may write."""
    folder = state_folder() / kind
    path = folder / _name(artifact, card_sha256)
    if not path.is_file():
        return False
    check_private(folder.parent, folder, path)
    return True


def record_new_card(artifact: Artifact, former: str, new: str) -> None:
    """Remember an artifact with a new card as it was with its former one; before the new card is written.

    former, new: SHA-256 of the cards. Raises as `record` does.
    """
    for kind in get_args(Kind):
        if is_recorded(kind, artifact, former):
            record(kind, artifact, new)


def state_folder() -> Path:
    """Where the records are."""
    return user_state_path("temper", appauthor=False) / "trust"


def _name(artifact: Artifact, card_sha256: str) -> str:
    # With the suffix: a file that was made for one runtime is not trusted by another one.
    return card_sha256 + artifact.format.suffix
