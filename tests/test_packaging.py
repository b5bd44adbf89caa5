"""The wheel: what is in it, what it needs, and that it works where there is no clone."""

import ast
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from temper import __version__
from temper.formats import FORMATS
from tests.source import FILES, ROOT, name_of, tree_of

PROJECT: dict[str, Any] = {}
BUILD_SYSTEM: set[str] = set()
if sys.version_info >= (3, 11):
    import tomllib

    CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
    PROJECT, BUILD_SYSTEM = CONFIGURATION["project"], set(CONFIGURATION["build-system"]["requires"])

needs_tomllib = pytest.mark.skipif(not PROJECT, reason="tomllib is part of Python 3.11 and later")
# The last releases with known vulnerabilities.
VULNERABLE = {"pillow": ("12.2.0",), "onnx": ("1.20.1",), "keras": ("3.12.3", "3.15.0")}
NOT_FOR_DEVICES = {"sign", "serve", "ray", "parquet", "video", "imagenet"}
USE = """
import json, sys, temper
with temper.load(sys.argv[1]) as classifier:
    results = list(classifier(sys.argv[2], top_k=2))
    results[0].save("labeled.png")
print(json.dumps([result.as_dict() for result in results]))
"""


def requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))}


def range_of(requirement: str) -> tuple[Version, Version]:
    """The smallest version of a requirement, and the first that it excludes again."""
    specifier = Requirement(requirement).specifier
    bounds = {each.operator: Version(each.version) for each in specifier if each.operator in (">=", "<")}
    return bounds[">="], bounds["<"]


def by_name(lines: Iterable[str]) -> dict[str, str]:
    return {Requirement(line).name.lower(): line for line in lines}


@needs_tomllib
@pytest.mark.parametrize("name", ["requirements.txt", "requirements-gpu.txt", "requirements-tftrt.txt"])
def test_requirements_contain_what_the_library_needs_in_a_range_that_it_allows(name: str) -> None:
    needed, there = by_name(PROJECT["dependencies"]), by_name(requirements(name))
    assert needed.keys() <= there.keys()
    for package, line in needed.items():
        (smallest, end), (allowed, allowed_end) = range_of(there[package]), range_of(line)
        assert allowed <= smallest < end <= allowed_end, there[package]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-gpu.txt", "requirements-tftrt.txt"])
def test_releases_with_known_vulnerabilities_are_excluded_everywhere(name: str) -> None:
    safe, there = by_name(requirements("requirements.txt")), by_name(requirements(name))
    for package in VULNERABLE.keys() & there.keys():
        assert Requirement(there[package]).specifier == Requirement(safe[package]).specifier
        assert not [each for each in VULNERABLE[package] if Requirement(safe[package]).specifier.contains(each)]


@needs_tomllib
@pytest.mark.parametrize("extra", sorted({each.extra for each in FORMATS if each.extra}))
def test_an_extra_installs_what_the_row_of_its_format_names(extra: str) -> None:
    named = [set(each.install.removeprefix("pip install ").split()) for each in FORMATS if each.extra == extra]
    assert named
    assert all(packages == by_name(PROJECT["optional-dependencies"][extra]).keys() for packages in named)


@needs_tomllib
def test_every_extra_belongs_to_a_format_or_is_one_of_those_that_are_not_for_devices() -> None:
    of_formats = {each.extra for each in FORMATS if each.extra}
    assert of_formats | NOT_FOR_DEVICES == PROJECT["optional-dependencies"].keys()


@needs_tomllib
@pytest.mark.parametrize("extra", sorted(NOT_FOR_DEVICES))
def test_the_tests_install_an_extra_in_the_range_that_it_allows(extra: str) -> None:
    assert set(PROJECT["optional-dependencies"][extra]) <= {
        line.partition(" ;")[0] for name in ("requirements.txt", "requirements-dev.txt") for line in requirements(name)
    }


@needs_tomllib
def test_make_serve_installs_the_extra_of_the_server() -> None:
    assert requirements("requirements-serve.txt") == set(PROJECT["optional-dependencies"]["serve"])


def test_nothing_that_a_device_shows_needs_a_clone() -> None:
    """A command in a message of the library is one of `temper` or pip; a rebuild names the clone that it needs."""
    clone = re.compile(r"requirements\S*\.txt|python infer/|`make ")
    files = [path for path in FILES if path.is_relative_to(ROOT / "temper")]
    texts = {
        (name_of(path), node.value)
        for path in files
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and clone.search(node.value)
    }
    # TF-TRT is installed into an environment of its own.
    assert {text for _, text in texts} == {"pip install -r requirements-tftrt.txt"}, texts


@pytest.mark.parametrize(
    "name", [f"requirements{each}.txt" for each in ("", "-build", "-dev", "-docs", "-gpu", "-serve")]
)
def test_every_requirement_has_an_upper_bound(name: str) -> None:
    assert not [each for each in requirements(name) if not re.search(r"<|==", each)]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.programs
def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    assert __version__ in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {"temper", f"temper_classifier-{__version__}.dist-info"}
    assert "temper/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.programs
def test_the_page_of_the_wheel_describes_the_library(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"temper_classifier-{__version__}.dist-info/METADATA").decode()
    assert (ROOT / "docs" / "library.md").read_text().strip() in metadata
    # A link into the repository leads nowhere on the page of a package.
    assert not re.search(r"\]\((?!https://)", metadata)


@pytest.mark.programs
@pytest.mark.parametrize("libraries", ["of the tests", pytest.param("that it names", marks=pytest.mark.slow)])
def test_the_wheel_classifies_in_a_fresh_environment_without_a_clone(
    libraries: str, wheel: Path, bundle: Path, tmp_path: Path
) -> None:
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    if libraries == "of the tests":
        what = ["--no-deps", str(wheel)]
        (there,) = environment.glob("lib/*/site-packages")
        (there / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    else:
        what = [f"{wheel}[onnx]"]
    installed = subprocess.run([*pip, *what], capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    model, image = tmp_path / "model.fp32.onnx", tmp_path / "red000.png"
    for pattern in ("model.fp32.onnx", "model.fp32.onnx.json", "model.golden.*.npz"):
        shutil.copy(next(bundle.parent.glob(pattern)), tmp_path)
    shutil.copy(bundle.parent / "images" / "red" / image.name, image)

    def run(*words: object) -> str:
        command = [str(word) for word in words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=empty)
        assert done.returncode == 0, done.stderr
        return done.stdout

    temper = environment / "bin" / "temper"
    assert run(temper, "--version").strip() == f"temper {__version__}"
    (by_command,) = [
        json.loads(line) for line in run(temper, "classify", "--engine", model, image, "--json").splitlines()
    ]
    (by_api,) = json.loads(run(python, "-c", USE, model, image))
    assert by_command["predictions"][0] == by_api["predictions"][0]
    assert by_api["predictions"][0]["label"] in ("red", "blue")
    assert (empty / "labeled.png").stat().st_size
    assert "self-test passed" in run(temper, "selftest", model)
    assert "undamaged" in run(temper, "doctor", model)
    assert "uint8 RGB [n, 16, 16, 3]" in run(temper, "inspect", model)


@pytest.mark.programs
def test_make_wheel_installs_nothing_but_what_builds_it(tmp_path: Path) -> None:
    command = ["make", "-n", "wheel", f"VENV={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"-r (\S+)", done.stdout) == ["requirements-build.lock"]
    assert requirements("requirements-build.txt") >= BUILD_SYSTEM


@pytest.mark.programs
def test_every_lock_file_is_audited_and_what_is_installed_is_listed() -> None:
    def words(target: str) -> list[str]:
        return subprocess.run(
            ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()

    locks = {name_of(path) for folder in (ROOT, ROOT / "deploy") for path in folder.glob("*.lock")}
    assert locks == {name for name in words("audit") if name.endswith(".lock")}
    assert words("sbom")[words("sbom").index("requirements") :].count("requirements.lock") == 1
