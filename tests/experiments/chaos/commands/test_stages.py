from pathlib import Path

from experiments.chaos.commands.stages import is_published, is_trained


def test_an_artifact_is_whole_with_its_card_only(made_bundle: Path, bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    assert is_published(artifact)
    artifact.write_bytes(artifact.read_bytes()[:-1])
    assert not is_published(artifact)
    assert not is_published(bundle.with_name("none.onnx"))


def test_a_model_without_the_files_beside_it_is_not_whole(bundle: Path) -> None:
    for name in ("md", "html", "summary.txt", "history.csv", "curves.png", "confusion.png"):
        bundle.with_name(f"model.{name}").write_text(name)
    assert is_trained(bundle)
    bundle.with_name("model.split.csv").write_text("another")
    assert not is_trained(bundle)
    bundle.unlink()
    assert not is_trained(bundle)
