import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import temper
from temper.artifact import Artifact
from temper.cluster.output import Run
from temper.cluster.steps import chunk_of, decode_chunk, open_on_node, results_of, write_chunk
from temper.errors import ArtifactError
from temper.infer.journal import Written, key_of
from temper.infer.rows import row_of
from temper.runners.load import open_runner
from temper.storage.digest import sha256_of
from tests.tiny import SIZE

arrow = pytest.importorskip("pyarrow")
NOTHING = Written(keys=np.array([], np.uint64))


@pytest.fixture
def images(bundle: Path) -> list[str]:
    """Images, one damaged, one missing, and one whose name is no text."""
    folder = bundle.parent / "images"
    names = [str(path) for path in sorted(folder.rglob("*.png"))[:10]]
    (folder / "damaged.png").write_bytes(b"no image")
    odd = folder / "caf\udce9.png"
    shutil.copy(names[0], odd)
    return [*names, str(folder / "damaged.png"), str(folder / "missing.png"), str(odd)]


def test_rows_are_those_of_one_process(bundle: Path, images: list[str]) -> None:
    path = bundle.with_name("model.fp32.onnx")
    with open_runner(Artifact.at(path)) as runner, temper.load(path) as classifier:
        chunk = decode_chunk(chunk_of(0, images), folder="", size=SIZE, written=NOTHING)
        rows = [row_of(each) for each in results_of(runner, chunk, 2, classifier.card.confidence_threshold)]
        expected = [row_of(each) for each in classifier([Path(name) for name in images], top_k=2)]
    for row, other in zip(rows, expected, strict=True):
        assert row["probability"] == pytest.approx(other["probability"])
        assert {**row, "probability": 0, "predictions": 0} == {**other, "probability": 0, "predictions": 0}
    assert [row["file"] for row in rows if row["error"]] == images[10:12]
    assert rows[-1]["file"].endswith("caf\\xe9.png") and rows[-1]["label"]


def test_an_image_that_is_done_is_not_decoded_and_a_changed_one_is(images: list[str]) -> None:
    done = [key_of(name, sha256_of(Path(name))) for name in images[:3]]
    Path(images[2]).write_bytes(Path(images[3]).read_bytes())
    written = Written(keys=np.sort(np.array(done, np.uint64)))
    chunk = decode_chunk(chunk_of(0, images[:4]), folder="", size=SIZE, written=written)
    assert chunk["is_done"].to_pylist() == [True, True, False, False]
    assert [bool(pixels) for pixels in chunk["pixels"].to_pylist()] == [False, False, True, True]


def test_rows_and_messages_have_the_names_that_the_command_was_given(bundle: Path) -> None:
    (bundle.parent / "bad.png").write_bytes(b"no image")
    good = "images/red/red000.png"
    names = [good, "bad.png", "gone.png"]
    done = [key_of(good, sha256_of(bundle.parent / good))]
    for written in (NOTHING, Written(keys=np.array(done, np.uint64))):
        chunk = decode_chunk(chunk_of(0, names), folder=str(bundle.parent), size=SIZE, written=written)
        assert chunk["is_done"].to_pylist() == [written is not NOTHING, False, False]
        none, bad, gone = (error.decode() for error in chunk["error"].to_pylist())
        assert none == "" and bad.startswith("bad.png is not an image") and gone.startswith("gone.png does not exist")


def test_a_chunk_is_written_without_the_images_that_were_done_before(tmp_path: Path) -> None:
    run = Run(out=str(tmp_path), name="1")
    run.folder.mkdir()
    rows: list[dict[str, Any]] = [
        {"file": name, "sha256": "1", "label": "", "error": error, "number": 7, "is_done": is_done, "node": "n",
         "actor": "a", "probability": None, "unknown": None, "predictions": []}
        for name, error, is_done in (("a", "", False), ("b", "b is damaged", False), ("c", "", True))
    ]  # fmt: skip
    done = arrow.Table.from_pylist(rows[2:])
    assert write_chunk(done, run=run).to_pylist()[0]["classified"] == 0
    assert not list(tmp_path.glob("part-*"))
    summary = write_chunk(arrow.Table.from_pylist(rows), run=run).to_pylist()
    assert summary == [{"images": 3, "classified": 2, "failed": 1, "node": "n", "actor": "a"}]
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(tmp_path / "part-1-000007.parquet")["file"].to_pylist() == ["a", "b"]


def test_a_node_without_the_artifact_or_with_another_one_says_so(bundle: Path) -> None:
    path = bundle.with_name("model.fp32.onnx")
    with pytest.raises(ArtifactError, match="is another artifact"):
        open_on_node(str(path), "0")
    path.with_name(path.name + ".json").unlink()
    with pytest.raises(ArtifactError, match=r"is not on the node .* every node finds them at the same path"):
        open_on_node(str(path), "0")


def test_a_damaged_artifact_is_reported_with_its_node(bundle: Path) -> None:
    path = bundle.with_name("model.fp32.onnx")
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(ArtifactError, match=r"^node .*SHA-256 differs"):
        open_on_node(str(path), "0")
