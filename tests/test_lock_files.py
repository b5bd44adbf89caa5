"""Lock files: every release that is installed is pinned, with its extras and hashes."""

import re
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.source import ROOT
from tests.test_packaging import requirements

LOCKED = [f"requirements{each}" for each in ("", "-build", "-serve", "-docs", "-dev")]


def pins(name: str) -> dict[str, list[Requirement]]:
    """The lines of a lock file, by package; each must have a hash."""
    found: dict[str, list[Requirement]] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / name).read_text().strip()):
        line, *hashes = block.split(" \\\n")
        assert hashes
        assert all(each.strip().startswith("--hash=sha256:") for each in hashes), line
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def needed_by(package: str) -> list[str]:
    """What an installed package needs on this Python without one of its extras."""
    try:
        lines = requires(package) or []
    except PackageNotFoundError:
        return []  # it is for another Python or system
    return [line for line in lines if not (marker := Requirement(line).marker) or marker.evaluate({"extra": ""})]


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_pins_every_requirement_within_its_range_and_with_hashes(name: str) -> None:
    locked, tested = pins(f"{name}.lock"), pins("requirements-dev.lock")
    # The site and the wheel are built without what a training needs.
    included = set() if name in ("requirements-docs", "requirements-build") else requirements("requirements.txt")
    for requirement in map(Requirement, requirements(f"{name}.txt") | included):
        releases = locked[canonicalize_name(requirement.name)]
        for pin in releases:
            ((version),) = pin.specifier
            assert version.operator == "=="
            assert requirement.specifier.contains(version.version), f"{pin}: run `make lock`"
        # One release for each Python that is supported.
        for python in ("3.10", "3.11", "3.12", "3.13"):
            environment = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
            assert sum(pin.marker is None or pin.marker.evaluate(environment) for pin in releases) == 1
    # What users get is what the tests run with.
    for package in locked:
        assert {pin.specifier for pin in locked[package]} <= {pin.specifier for pin in tested[package]}, package


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_pins_the_extras_that_locked_packages_need(name: str) -> None:
    """pip 23.2, which Python 3.11's venv brings, takes a later release for `coverage[toml]` than for `coverage`."""
    locked = pins(f"{name}.lock")
    lines = [line for package in locked for line in needed_by(package)] + list(requirements(f"{name}.txt"))
    for requirement in map(Requirement, lines):
        pinned = locked.get(canonicalize_name(requirement.name), [])
        assert all(requirement.extras <= pin.extras for pin in pinned), f"{requirement}: run `make lock`"
