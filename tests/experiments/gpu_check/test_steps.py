from pathlib import Path

import pytest

import benchmarks.run
import convert.run
import infer.run
from experiments.gpu_check import steps
from experiments.gpu_check.steps import PROGRAM, STOPPED, Step, doctor, onnx_steps, plan_steps, step
from temper.artifact import Artifact
from temper.errors import IncompatibleMachine
from temper.system.host import system_name

PARSERS = {
    "convert/run.py": convert.run.parse,
    "infer/run.py": infer.run.parse,
    "benchmarks/run.py": benchmarks.run.parse,
}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the steps that fail; every command is parsed by its program."""
    names: list[str] = []

    def step(name: str, command: list[str]) -> Step:
        program, *words = command
        PARSERS[program](words)
        return Step(name=name, command=command, code=int(name in names), seconds=0, words="")

    monkeypatch.setattr(steps, "step", step)
    return names


def test_every_plan_is_built_and_tested_and_int8_twice(failing: list[str], tmp_path: Path) -> None:
    done = list(plan_steps(Artifact.at(tmp_path / "model.keras"), Path("photos"), ["--builder-option", "level=5"]))
    plans = ["model.fp32.plan", "model.fp16.plan", "model.int8.plan", "model.int8.half.plan"]
    assert [each.name for each in done] == [f"{verb} {plan}" for plan in plans for verb in ("build", "test")]
    built = [convert.run.parse(each.command[1:]) for each in done[::2]]
    assert [each.precision for each in built] == ["fp32", "fp16", "int8", "int8"]
    assert all(each.force and each.data == Path("photos") for each in built)
    assert [each.builder_option for each in built] == [["level=5"]] * 3 + [["level=5", "float=fp16"]]


def test_what_was_not_built_is_not_tested_and_the_next_plan_follows(failing: list[str], tmp_path: Path) -> None:
    failing += ["build model.fp32.plan", "build model.int8.plan"]
    done = [each.name for each in plan_steps(Artifact.at(tmp_path / "model.keras"), None, [])]
    assert done == [
        "build model.fp32.plan", "build model.fp16.plan", "test model.fp16.plan", "build model.int8.plan",
        "build model.int8.half.plan", "test model.int8.half.plan",
    ]  # fmt: skip


def test_the_onnx_files_that_exist_are_tested(failing: list[str], made_bundle: Path) -> None:
    done = [each.name for each in onnx_steps(Artifact.at(made_bundle))]
    assert "test model.fp32.onnx" in done
    assert all((made_bundle.parent / name.removeprefix("test ")).exists() for name in done)


@pytest.mark.programs
def test_the_doctor_describes_this_machine_to_a_program() -> None:
    assert doctor()["system"] == system_name()


@pytest.mark.programs
def test_a_real_failure_keeps_its_words_and_its_exit_code(tmp_path: Path) -> None:
    done = step("test", ["infer/run.py", "selftest", str(tmp_path / "missing.plan")])
    assert not done.passed and done.code > 0
    assert "missing.plan" in done.words


@pytest.mark.programs
def test_a_step_that_does_not_end_is_stopped_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEP_SECONDS", 0.01)
    done = step("test", [str(PROGRAM), "doctor"])
    assert done.code == STOPPED and not done.passed
    assert done.words.endswith("error: it did not end within 0.01 s and was stopped")
    with pytest.raises(IncompatibleMachine, match="did not end within"):
        doctor()
