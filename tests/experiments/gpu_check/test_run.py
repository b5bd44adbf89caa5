import json
from pathlib import Path

import pytest

from experiments.gpu_check import run as gpu_check
from experiments.gpu_check import steps
from experiments.gpu_check.run import parse, run
from experiments.gpu_check.steps import Step
from temper.errors import IncompatibleMachine
from tests.experiments.gpu_check.test_half_floats import case, write

HOPPER: dict[str, object] = {
    "gpu": {"name": "NVIDIA H100", "compute_capability": "9.0", "driver": "580.95.05", "cuda": "13.0"},
    "system": "Linux x86_64",
}
REFUSAL = "The engine cannot run on this GPU, which has compute capability 9.0 | see the support matrix"


def test_a_card_that_tensorrt_refuses_is_still_measured_and_the_refusal_is_in_the_table(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    def step(name: str, command: list[str]) -> Step:
        names.append(name)
        failed = name.startswith("build")
        return Step(name=name, command=command, code=5 * failed, seconds=1, words=REFUSAL if failed else "one\nlast")

    monkeypatch.setattr(steps, "doctor", lambda: HOPPER)
    monkeypatch.setattr(steps, "step", step)
    monkeypatch.setattr(gpu_check, "RESULTS", tmp_path)
    # Of an earlier run on this GPU: half precision was faster.
    (tmp_path / "NVIDIA-H100").mkdir()
    write(tmp_path / "NVIDIA-H100", case("model.int8.plan", 1), case("model.int8.half.plan", 0.5))
    assert run(parse([str(bundle)])) == 1
    assert names[-1] == "benchmark"
    record = json.loads((tmp_path / "NVIDIA-H100" / "check.json").read_text())
    assert record["machine"] == HOPPER
    assert [each["words"] for each in record["steps"] if each["code"]] == [REFUSAL] * 4
    table = (tmp_path / "NVIDIA-H100" / "check.md").read_text()
    assert table.startswith("# What runs on this NVIDIA H100")
    refused = "| build model.fp16.plan | failed (exit code 5) | 1.0 | " + REFUSAL.replace("|", "\\|") + " |"
    assert refused in table
    assert "| benchmark | passed | 1.0 | last |" in table
    assert record["int8"] == "" and "float=fp16" not in table


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (
            f"{'message ' * 99}\nerror: an earlier one\nerror: {REFUSAL}\nTry this:\n    a command",
            f"error: {REFUSAL} Try",
        ),
        (f"{'message ' * 99}\nSegmentation fault", "Segmentation fault |"),
        (f"error: {REFUSAL}{' detail' * 99}", f"| error: {REFUSAL}"),
    ],
)
def test_of_a_failure_the_table_has_the_last_error_whatever_was_printed_before(
    tmp_path: Path, words: str, shown: str
) -> None:
    gpu_check.write_results(tmp_path, HOPPER, [Step(name="build", command=[], code=5, seconds=1, words=words)])
    table = (tmp_path / "check.md").read_text().replace("\\|", "|")
    assert shown in table
    assert "an earlier one" not in table


def test_what_is_done_is_written_after_each_step(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def step(name: str, command: list[str]) -> Step:
        if name == "benchmark":
            raise RuntimeError("the machine is gone")
        return Step(name=name, command=command, code=0, seconds=1, words="last")

    monkeypatch.setattr(steps, "doctor", lambda: HOPPER)
    monkeypatch.setattr(steps, "step", step)
    with pytest.raises(RuntimeError):
        run(parse([str(bundle), "--out", str(tmp_path)]))
    record = json.loads((tmp_path / "check.json").read_text())
    assert [each["name"] for each in record["steps"]][:2] == ["build model.fp32.plan", "test model.fp32.plan"]
    assert not record["complete"]
    table = (tmp_path / "check.md").read_text()
    assert "The check has not ended" in table and "| test model.int8.half.plan | passed | 1.0 | last |" in table
    assert not capsys.readouterr().out
    gpu_check.write_results(tmp_path, HOPPER, [], "")
    assert json.loads((tmp_path / "check.json").read_text())["complete"]
    assert "The check has not ended" not in (tmp_path / "check.md").read_text()


def test_a_long_refusal_is_cut_in_the_table_and_complete_below(tmp_path: Path) -> None:
    words = f"a message\nerror: {REFUSAL}{' detail' * 99}\nthe last line"
    gpu_check.write_results(tmp_path, HOPPER, [Step(name="build", command=[], code=5, seconds=1, words=words)])
    table, _, below = (tmp_path / "check.md").read_text().partition("**build:**")
    assert "the last line" not in table and " … |" in table
    assert f"\nerror: {REFUSAL}{' detail' * 99}\nthe last line\n`````\n" in below and "a message" not in below


def test_a_step_that_was_stopped_is_a_row_that_says_so(tmp_path: Path) -> None:
    words = "converting\nerror: it did not end within 3600 s and was stopped"
    stopped = Step(name="build", command=[], code=steps.STOPPED, seconds=3600, words=words)
    gpu_check.write_results(tmp_path, HOPPER, [stopped])
    row = "| build | stopped | 3600.0 | error: it did not end within 3600 s and was stopped |"
    assert row in (tmp_path / "check.md").read_text()


def test_without_a_gpu_nothing_is_built(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "doctor", lambda: {"gpu": None})
    monkeypatch.setattr(steps, "step", None)
    with pytest.raises(IncompatibleMachine, match="no NVIDIA GPU responds here"):
        run(parse([str(bundle)]))


@pytest.mark.slow
def test_on_a_machine_without_a_gpu_every_command_really_runs(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "doctor", lambda: HOPPER)
    run(parse([str(bundle), "--out", str(tmp_path / "out")]))
    record = json.loads((tmp_path / "out" / "check.json").read_text())
    results = {each["name"]: each["code"] for each in record["steps"]}
    assert results["test model.fp32.onnx"] == 0
    assert not any("Traceback" in each["words"] for each in record["steps"])
