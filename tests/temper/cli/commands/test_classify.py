import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from temper.artifact import Artifact
from temper.card import write_card
from temper.cli import main
from temper.cli.results import HEADER
from temper.dataset.split import read_split
from temper.errors import ArtifactError, DataError, UsageError
from temper.exit_codes import ExitCode
from tests import tiny
from tests.source import ROOT

# Modules that take milliseconds, and that no label needs.
SLOW = (
    "rich", "importlib.metadata", "email", "http", "ssl", "json", "csv", "tarfile", "html", "xml", "onnx", "av",
    "PIL.ImageDraw", "numpy.ma", "openvino.tools.ovc", "temper.compatibility", "temper.system.environment",
    "temper.cli.progress", "temper.cli.commands.serve",
)  # fmt: skip
# Pillow 12 imports defusedxml where it is installed, as it is for development.
LABEL = """
import atexit, sys
sys.modules["defusedxml"] = None
from temper.system.early_signals import exit_at_signals
exit_at_signals()
atexit.register(lambda: print([each for each in {slow!r} if each in sys.modules], file=sys.stderr))
from temper.cli.main import main
main()
"""


@pytest.fixture
def engine(bundle: Path) -> Path:
    return bundle.with_name("model.fp32.onnx")


@pytest.fixture
def image(bundle: Path) -> Path:
    """A red image."""
    return next(each.path for each in read_split(Artifact.at(bundle), "test") if each.label == "red")


def run(engine: Path, *words: object) -> int:
    return main.run(main.parse(["classify", "--engine", str(engine), *(str(word) for word in words)]))


def test_text_shows_label_percentage_and_time(engine: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(engine, image) == ExitCode.OK
    text = capsys.readouterr().out
    assert text.startswith(f"{image}: red ")
    assert " % (" in text
    assert text.endswith(" ms)\n")


def test_json_is_an_object_on_each_line(
    engine: Path, image: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert run(engine, image, image.with_name("none.png"), "--top-k", 2, "--json") == ExitCode.SOME_FAILED
    good, bad = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [each["label"] for each in good["predictions"]] == ["red", "blue"]
    assert sum(each["probability"] for each in good["predictions"]) == pytest.approx(1, abs=1e-5)
    assert "does not exist" in bad["error"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_csv_has_a_header_and_a_row_for_each_label(
    engine: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(engine, image, image.with_name("none.png"), "--top-k", 2, "--csv") == ExitCode.SOME_FAILED
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["rank"], row["label"]) for row in rows] == [("1", "red"), ("2", "blue"), ("", "")]
    assert rows[0].keys() == set(HEADER)
    assert "does not exist" in rows[2]["error"]


@pytest.mark.parametrize(("threshold", "expected"), [(0.0, False), (1.0, True)])
def test_unknown_is_shown_in_every_form_and_hides_nothing(
    engine: Path, image: Path, capsys: pytest.CaptureFixture[str], threshold: float, expected: bool
) -> None:
    write_card(engine, Artifact.at(engine).card.changed(confidence_threshold=threshold))
    run(engine, image, "--unknown")
    assert capsys.readouterr().out.startswith(f"{image}: {'unknown (' if expected else ''}red ")
    run(engine, image, "--unknown", "--json")
    result = json.loads(capsys.readouterr().out)
    assert (result["unknown"], result["predictions"][0]["label"]) == (expected, "red")
    run(engine, image, "--unknown", "--csv")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["unknown"], row["label"]) == ("yes" if expected else "no", "red")


def test_without_unknown_nothing_is_marked(engine: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(engine, Artifact.at(engine).card.changed(confidence_threshold=1.0))
    run(engine, image)
    assert "unknown" not in capsys.readouterr().out


def test_unknown_without_a_threshold_in_the_card_is_refused(engine: Path, image: Path) -> None:
    write_card(engine, Artifact.at(engine).card.changed(confidence_threshold=None))
    with pytest.raises(UsageError, match="--unknown needs a confidence threshold"):
        run(engine, image, "--unknown")
    with pytest.raises(UsageError, match="--unknown needs a confidence threshold"):
        run(engine, image, "--unknown", "--ray", "local", "--out", image.with_name("rows"))


def test_a_folder_and_a_pattern_give_all_their_images(
    engine: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(engine, image.parent, image.parents[1] / "blue" / "*0.png")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 40 + 4


def test_a_file_that_is_named_twice_is_classified_once(
    engine: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(engine, image, image.parent, image.parent / "*.png")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 40
    assert lines[0].startswith(f"{image}: ")


def test_a_number_of_labels_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(Path("x.onnx"), "--top-k", 0, "a.png")
    assert "argument --top-k: expected a whole number from 1 to 1000000, got '0'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--top-k", "0", "a.png"], ["--top-k", "two", "a.png"], [], ["a.png", "--json", "--csv"]]
)
def test_wrong_options_are_a_usage_error(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(Path("x.onnx"), *words)
    assert caught.value.code == ExitCode.USAGE


def test_without_an_engine_it_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as caught:
        main.parse(["classify", "a.png"])
    assert caught.value.code == ExitCode.USAGE


def test_a_missing_artifact_or_an_empty_folder_is_an_error(engine: Path, image: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match="does not exist"):
        run(tmp_path / "none.onnx", image)
    with pytest.raises(DataError, match="holds no images"):
        run(engine, tmp_path / "empty")


def test_save_writes_each_image_with_its_labels(engine: Path, image: Path, tmp_path: Path) -> None:
    run(engine, image, image.with_name("none.png"), "--save", tmp_path / "new" / "labeled")
    saved = tmp_path / "new" / "labeled" / f"{image.stem}.labeled.png"
    assert list(saved.parent.iterdir()) == [saved]
    with Image.open(saved) as labeled, Image.open(image) as original:
        assert labeled.height > original.height


def test_save_replaces_no_image_and_numbers_equal_names(engine: Path, image: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").write_bytes(image.read_bytes())
    run(engine, tmp_path / "a", tmp_path / "b", "--save", tmp_path / "a")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["1-1.labeled.png", "1.labeled.png", "1.png"]
    assert (tmp_path / "a" / "1.png").read_bytes() == image.read_bytes()


def test_a_limit_of_pixels_and_a_full_decode_reach_the_decoder(engine: Path, tmp_path: Path) -> None:
    large, out = tmp_path / "a.png", tmp_path / "rows.jsonl"
    Image.new("RGB", (40, 30)).save(large)
    words = (large, "--full-decode", "--max-pixels")
    assert run(engine, *words, 1200) == ExitCode.OK
    assert run(engine, *words, 1199) == ExitCode.SOME_FAILED
    assert run(engine, *words, 1199, "--out", out) == ExitCode.SOME_FAILED
    with pytest.raises(UsageError, match="max_pixels was 1199, and is 1200"):
        run(engine, *words, 1200, "--out", out)


def test_a_name_that_is_too_long_is_a_result_with_an_error(
    engine: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(engine, "n" * 300 + ".jpg", image, "--json") == ExitCode.SOME_FAILED
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert "File name too long" in first["error"] and second["predictions"]


@pytest.mark.programs
@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_a_label_needs_no_module_that_takes_long_to_import(suffix: str, bundle: Path, image: Path) -> None:
    engine = Artifact.at(bundle).sibling("fp32", suffix)
    tiny.pipeline_of(bundle).build(engine, "fp32")
    words = [sys.executable, "-c", LABEL.format(slow=SLOW), "classify", "--engine", str(engine.path), str(image)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith(f"{image}: red "), done.stderr
    assert done.stderr == "[]\n"


def test_what_is_no_file_is_checked_before_the_artifact_is_loaded(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temper.runners.load.open_runner", lambda *_, **__: pytest.fail("the artifact is loaded"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        run(engine, tmp_path / "empty")
