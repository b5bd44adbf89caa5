"""Files that are made to harm: other files, other formats, gigabytes in kilobytes, pipes; their checksums are right."""

import os
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.chaos.artifacts.outcomes import Outcomes
from experiments.chaos.artifacts.targets import build_targets, copy_checked, predict
from temper.artifact import Artifact
from temper.card import Card, FileReference, write_card
from temper.reference import read_golden
from temper.runners.checks.keras_file import check_keras_file
from temper.storage.digest import sha256_of

# What a bomb declares, in bytes.
HUGE = 1 << 31
Attack = Callable[[Path], None]


def run(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Try every attack in turn; each must be refused. silent: it was loaded. peak_mib: growth of this process."""
    outcomes = Outcomes()
    build_targets(scratch / "intact")
    before = _peak_mib()
    for number in range(count):
        attack = ATTACKS[number % len(ATTACKS)]
        folder = scratch / f"{attack.__name__}-{number}"
        folder.mkdir()
        for file in (scratch / "intact").glob("model.*"):
            os.link(file, folder / file.name)

        def use(attack: Attack = attack, folder: Path = folder) -> bool:
            attack(folder)
            return False

        outcomes.attempt(use, attack.__name__)
    return {**outcomes.as_dict(), "peak_mib": _peak_mib() - before}


def external_weights(folder: Path) -> None:
    """All weights of an ONNX file in another one."""
    _external(folder, "side.bin")


def external_weights_outside(folder: Path) -> None:
    """The weights in the folder above."""
    _external(folder, "../side.bin")


def external_weights_hard_link(folder: Path) -> None:
    """The weights in a file that is another one by a hard link."""
    _external(folder, "side.bin")
    os.link(folder / "side.bin", folder.parent / f"{folder.name}.bin")


def external_weights_in_a_branch(folder: Path) -> None:
    """The weights in a graph inside a node."""
    import onnx

    path = folder / "model.fp32.onnx"
    model = onnx.load(path)
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[2], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="side.bin")
    branch = onnx.helper.make_graph([], "branch", [], [], [tensor])
    model.graph.node.append(onnx.helper.make_node("If", ["c"], ["x"], then_branch=branch, else_branch=branch))
    _replace(path, model.SerializeToString())


def onnx_as_network(folder: Path) -> None:
    """An ONNX file under the name of an OpenVINO network, which OpenVINO would open."""
    _replace(folder / "model.fp32.xml", (folder / "model.fp32.onnx").read_bytes())


def logits(folder: Path) -> None:
    """A network without its softmax."""
    import onnx

    path = folder / "model.fp32.onnx"
    model = onnx.load(path)
    model.graph.node[-1].op_type = "Identity"
    _replace(path, model.SerializeToString())


def not_a_number(folder: Path) -> None:
    """A network that gives NaN."""
    import onnx

    path = folder / "model.fp32.onnx"
    model = onnx.load(path)
    bias = next(each for each in model.graph.initializer if each.name == "head_b")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(2, np.nan, np.float32), "head_b"))
    _replace(path, model.SerializeToString())


def golden_bomb(folder: Path) -> None:
    """Golden predictions that expand to gigabytes."""
    import io

    path = folder / "bomb.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (HUGE,)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("images.npy", "w") as member:
        member.write(header.getvalue() + bytes(1 << 24))
    artifact = Artifact.at(folder / "model.fp32.onnx")
    _write_card(artifact, artifact.card.changed(golden=FileReference(path.name, sha256_of(path))))
    read_golden(Artifact.at(artifact.path))


def keras_bomb(folder: Path) -> None:
    """A .keras file whose weights expand to many times its size."""
    path = folder / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", bytes(1 << 26))):
            file.writestr(name, content)
    check_keras_file(path, path)


def keras_shapes(folder: Path) -> None:
    """A .keras file whose weights declare terabytes and store none."""
    import io

    import h5py

    path, weights = folder / "shapes.keras", io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_dataset("layers/dense/vars/0", shape=(1 << 20, 1 << 20), dtype=np.float32)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (
            ("metadata.json", b"{}"),
            ("config.json", b"{}"),
            ("model.weights.h5", weights.getvalue()),
        ):
            archive.writestr(name, content)
    check_keras_file(path, path)


def gigabyte_card(folder: Path) -> None:
    """A card of gigabytes."""
    path = folder / "model.fp32.onnx.json"
    path.unlink()
    with path.open("wb") as stream:
        stream.truncate(HUGE)
    predict(Artifact.at(folder / "model.fp32.onnx"))


def gigabyte_artifact(folder: Path) -> None:
    """An artifact of gigabytes where the card describes another one."""
    path = folder / "model.fp32.onnx"
    path.unlink()
    with path.open("wb") as stream:
        stream.truncate(1 << 29)
    predict(Artifact.at(path))


def pipe_as_artifact(folder: Path) -> None:
    """A pipe in place of an artifact."""
    _pipe(folder / "model.fp32.onnx")


def pipe_as_card(folder: Path) -> None:
    """A pipe in place of a card."""
    _pipe(folder / "model.fp32.onnx.json")


def linked_folder(folder: Path) -> None:
    """A SavedModel with a folder that is a symbolic link."""
    path = folder / "model.savedmodel"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"graph")
    artifact = Artifact.at(path)
    write_card(path, Card(labels=("blue", "red"), size=16, sha256=artifact.sha256()))
    (path / "variables").symlink_to(folder)
    copy_checked(artifact)


def foreign_card_of_labels(folder: Path) -> None:
    """A card whose labels were exchanged by hand."""
    path = folder / "model.fp32.onnx.json"
    text = path.read_text().replace('"blue",\n    "red"', '"red",\n    "blue"')
    path.unlink()
    path.write_text(text)
    predict(Artifact.at(folder / "model.fp32.onnx"))


ATTACKS: tuple[Attack, ...] = (
    external_weights, external_weights_outside, external_weights_hard_link, external_weights_in_a_branch,
    onnx_as_network, logits, not_a_number, golden_bomb, keras_bomb, keras_shapes, gigabyte_card, gigabyte_artifact,
    pipe_as_artifact, pipe_as_card, linked_folder, foreign_card_of_labels,
)  # fmt: skip


def _external(folder: Path, location: str) -> None:
    import onnx

    path = folder / "model.fp32.onnx"
    model = onnx.load(path)
    weights = bytearray()
    for tensor in model.graph.initializer:
        content = onnx.numpy_helper.to_array(tensor).tobytes()
        fields = {"location": location, "offset": str(len(weights)), "length": str(len(content))}
        weights += content
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in fields.items():
            tensor.external_data.add(key=key, value=value)
    (folder / location).write_bytes(weights)
    _replace(path, model.SerializeToString())


def _replace(path: Path, content: bytes) -> None:
    """Write an artifact with the checksum that fits, and use it."""
    # The folder holds hard links to the intact files.
    path.unlink()
    path.write_bytes(content)
    artifact = Artifact.at(path)
    _write_card(artifact, artifact.card.changed(sha256=artifact.sha256()))
    predict(artifact)


def _write_card(artifact: Artifact, card: Card) -> None:
    artifact.card_path.unlink()
    write_card(artifact.path, card)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    predict(Artifact.at(path.with_name("model.fp32.onnx")))


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
