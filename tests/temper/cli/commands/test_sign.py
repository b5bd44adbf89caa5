"""The commands about trust, as two users call them: one who builds, and one on a device."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.cli import main
from temper.errors import ArtifactError, UsageError
from temper.exit_codes import ExitCode
from temper.trust.keys import trusted_folder
from tests import tiny

As = Callable[[str], None]


def run(*words: object) -> int:
    return main.run(main.parse([str(word) for word in words]))


@pytest.fixture(autouse=True)
def become(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    """Become another user; a test begins as "builder"."""

    def become(user: str) -> None:
        for name in ("STATE", "CONFIG"):
            monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / user / name.lower()))

    monkeypatch.setenv("TEMPER_REQUIRE_SIGNATURE", "0")
    become("builder")
    return become


@pytest.fixture
def plan(tmp_path: Path) -> Artifact:
    path = tmp_path / "model.fp32.plan"
    path.write_bytes(b"native code")
    return tiny.with_card(path)


def test_sign_here_copy_the_key_and_verify_there(
    plan: Artifact, become: As, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert run("sign", plan.path) == ExitCode.OK
    assert capsys.readouterr().out == f"{plan.path}.sig\n"
    (public,) = trusted_folder().iterdir()
    assert f"your public key, for `temper trustkey` on other machines: {public}" in caplog.text
    shutil.copy(public, tmp_path / "builder.pub")
    become("device")
    with pytest.raises(ArtifactError, match="is not by a trusted key"):
        run("verify", plan.path)
    assert run("trustkey", tmp_path / "builder.pub") == ExitCode.OK
    capsys.readouterr()
    assert run("verify", plan.path, "--require-signature") == ExitCode.OK
    expected = "model.fp32.plan: undamaged\norigin: signed by builder\nsignature: valid, by builder\n"
    assert capsys.readouterr().out == expected


def test_another_key_can_sign(plan: Artifact, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("sign", plan.path)
    key = next((tmp_path / "builder" / "config").rglob("signing-key.pem"))
    assert run("sign", plan.path, "--key", shutil.copy(key, tmp_path / "key.pem")) == ExitCode.OK
    assert run("verify", plan.path) == ExitCode.OK


def test_verify_shows_an_unknown_origin_and_fails(plan: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ArtifactError, match=r"model\.fp32\.plan: it was neither made here") as caught:
        run("verify", plan.path, "--json")
    assert f"temper verify {plan.path} --trust" in caught.value.fix
    report = json.loads(capsys.readouterr().out)
    assert (report["origin"], report["signature"]) == ("unknown", "none")
    assert report["problem"].startswith("it was neither made here")


def test_verify_can_trust_by_hand_once(plan: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--trust"], []):
        assert run("verify", plan.path, *words) == ExitCode.OK
        assert "origin: trusted by hand\nsignature: none\n" in capsys.readouterr().out


def test_a_signature_that_does_not_fit_fails_also_what_is_trusted_by_hand(plan: Artifact) -> None:
    run("verify", plan.path, "--trust")
    plan.path.with_name(f"{plan.name}.sig").write_text("damaged")
    with pytest.raises(ArtifactError, match="is no signature"):
        run("verify", plan.path)


def test_a_required_signature_cannot_be_left_out(plan: Artifact) -> None:
    run("verify", plan.path, "--trust")
    with pytest.raises(ArtifactError, match="it is not signed"):
        run("verify", plan.path, "--require-signature")


@pytest.mark.parametrize("words", [["selftest"], ["classify", "x.jpg", "--engine"], ["serve"]])
def test_an_unknown_program_is_refused_by_every_command_that_loads_it(plan: Artifact, words: list[str]) -> None:
    # In a thread of its own: a server needs one without an event loop.
    with ThreadPoolExecutor(1) as pool, pytest.raises(ArtifactError, match="can run any code on this machine"):
        pool.submit(run, *words, plan.path).result()


def test_doctor_and_inspect_show_the_origin(bundle: Path, become: As, capsys: pytest.CaptureFixture[str]) -> None:
    onnx = Artifact.at(bundle).sibling("fp32", ".onnx")
    for command, text in (("inspect", "trust          unknown\n"), ("doctor", "origin: unknown\n")):
        assert run(command, onnx.path) == ExitCode.OK
        assert text in capsys.readouterr().out
    run("sign", onnx.path)
    capsys.readouterr()
    run("inspect", onnx.path)
    assert "trust          signed by " in capsys.readouterr().out


def test_trusting_and_requiring_a_signature_contradict_each_other(plan: Artifact) -> None:
    with pytest.raises(UsageError, match="--trust does not replace a signature"):
        run("verify", plan.path, "--trust", "--require-signature")
