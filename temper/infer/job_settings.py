"""What the rows of a job depend on, in a file beside them: rows of different classifiers are never mixed."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from temper.errors import DataError, UsageError
from temper.images import MAX_PIXELS
from temper.infer.sources.kinds import DEFAULT_FPS
from temper.storage.atomic import write_text


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """What rows depend on.

    sha256: of the artifact. threshold: None where the card has none. fps: of videos. The rest: temper.images.Decoding.

    A setting with a default may be missing in the file of an older version, which had no other.
    """

    artifact: str
    sha256: str
    top_k: int
    threshold: float | None
    fps: float = DEFAULT_FPS
    full_decode: bool = False
    max_pixels: int = MAX_PIXELS


def check_settings(path: Path, settings: JobSettings, out: Path, results: str) -> None:
    """Write the settings to a file, or compare them with those that it has; another name of the artifact is no change.

    out: where the rows are. results: what to remove to begin anew, for the message. Raises UsageError for other
    settings, DataError for a damaged file.
    """
    now = asdict(settings)
    if not path.exists():
        write_text(path, json.dumps(now, indent=1) + "\n")
        return
    before = _read(path, results)
    changed = [name for name in now if name != "artifact" and _former(before, name) != now[name]]
    if changed:
        differences = "; ".join(f"{name} was {_former(before, name)}, and is {now[name]}" for name in changed)
        raise UsageError(
            f"{out} was begun with {before.get('artifact')} and other settings: {differences}",
            fix=f"Run the command as it was, name another path with --out, or remove {results}.",
        )


def _former(settings: dict[str, Any], name: str) -> Any:
    return settings.get(name, getattr(JobSettings, name, None))


def _read(path: Path, results: str) -> dict[str, Any]:
    try:
        settings: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise DataError(f"{path} is damaged", fix=f"Name another path with --out, or move {results} away.")
    return settings
