"""Which version of this project and of the libraries made an artifact."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from temper import __version__
from temper.card import FileReference, Provenance

PROJECT = Path(__file__).resolve().parents[1]
GIT_SECONDS = 10


def provenance(
    packages: tuple[str, ...],
    settings: Mapping[str, Any] | None = None,
    source: FileReference | None = None,
    model_sha256: str = "",
    build_seconds: float = 0.0,
) -> Provenance:
    """The record for a card of an artifact that is made now. packages: distributions whose versions matter."""
    return Provenance(
        source=source,
        model_sha256=model_sha256,
        settings=dict(settings or {}),
        temper=__version__,
        commit=commit(),
        versions=package_versions(*packages),
        build_seconds=round(build_seconds, 1),
    )


def package_versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of those packages that are installed."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the clone that runs, with "-dirty" when files differ from it; empty outside a clone."""
    if not (PROJECT / ".git").exists():
        return ""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
