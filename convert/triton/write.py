"""From a published artifact to the models of Triton's repository."""

from pathlib import Path

import msgspec

from convert.triton.check import check_ensemble, check_network
from convert.triton.config import LABELS_FILE, decode_config, ensemble_config, network_config
from convert.triton.network import FILES, PLATFORMS, Network, check_target, network_of
from convert.triton.repository import CARD, TritonModel, publish_model
from convert.trt.find import find_tensorrt
from temper import dataset, errors, exit_codes, images
from temper.artifact import Artifact
from temper.card import BatchRange
from temper.dataset import image_files
from temper.errors import UsageError
from temper.trust.policy import authenticate

JPEG = ",jpeg"
DECODE_MODEL = Path(__file__).with_name("decode_model.py")
PACKAGE = b'"""What decoding needs of Temper."""\n'


def parse_triton(text: str) -> tuple[Path, bool]:
    """Folder and whether the ensemble is wanted, of "FOLDER" or "FOLDER,jpeg". Raises UsageError for no folder.

    >>> parse_triton("models,jpeg")[1]
    True
    """
    folder = text.removesuffix(JPEG)
    if not folder.strip():
        raise UsageError(f"--triton {text!r} names no folder", fix="Expected a folder, such as models or models,jpeg.")
    return Path(folder), text.endswith(JPEG)


def triton_target(targets: list[Artifact], is_named: bool) -> Artifact:
    """The only target that is named; of the default ones the plan where TensorRT builds it, else the ONNX file.

    Raises UsageError for several named targets, and where Triton runs none.
    """
    if not is_named:
        runnable = [each for each in targets if each.format.suffix in PLATFORMS]
        if not runnable:
            raise UsageError(
                "Triton runs none of the default targets of this precision",
                fix="Convert in another precision: --precision int8.",
            )
        targets = [runnable[-1] if runnable[-1].format.suffix == ".onnx" or _builds_plans() else runnable[0]]
    if len(targets) > 1:
        names = ", ".join(each.name for each in targets)
        raise UsageError(f"--triton takes one target, and there are {names}", fix="Name one target in each command.")
    check_target(targets[0])
    return targets[0]


def _builds_plans() -> bool:
    # Triton has no TensorRT-RTX.
    return find_tensorrt().module == "tensorrt"


def write_models(
    artifact: Artifact, repository: Path, *, batch: BatchRange, with_jpeg: bool, force: bool = False
) -> list[str]:
    """Write an artifact into a model repository; returns the names of the models.

    batch: sizes for a network that accepts any. with_jpeg: also an ensemble that takes image files. Raises UsageError
    for a format without a backend, ArtifactError for an artifact that is damaged or may not be loaded, and for a folder
    that is not Temper's.
    """
    # Triton asks nobody where a plan comes from.
    authenticate(artifact.verified())
    network = network_of(artifact, batch)
    models = [_network_model(network, artifact)]
    check_network(models[0].config, network)
    if with_jpeg:
        models += [_decode_model(network), _ensemble_model(network)]
        check_ensemble(models[2].config, [each.config for each in models[:2]])
    for model in models:
        publish_model(model, repository, force)
    return [each.name for each in models]


def _network_model(network: Network, artifact: Artifact) -> TritonModel:
    content = artifact.path.read_bytes()
    if not network.needs_gpu and network.card.precision == "int8":
        # As Temper's own runner: on a CPU the file as it is takes several times as long.
        from temper.runners.onnx_x86 import rewrite_for_x86

        content = rewrite_for_x86(artifact.path.read_bytes())
    files = {FILES[network.platform]: content, CARD: _card(network)}
    return TritonModel(config=network_config(network), version=files, shared=_labels(network))


def _decode_model(network: Network) -> TritonModel:
    files = {"model.py": DECODE_MODEL.read_bytes()}
    package = Path(str(images.__file__)).parent
    for path in [
        *package.glob("*.py"),
        *(Path(str(module.__file__)) for module in (errors, exit_codes, dataset, image_files)),
    ]:
        files[f"temper/{path.relative_to(package.parent)}"] = path.read_bytes()
    return TritonModel(config=decode_config(network), version={**files, "temper/__init__.py": PACKAGE})


def _ensemble_model(network: Network) -> TritonModel:
    # Triton expects a version folder, and not every file system stores an empty one.
    return TritonModel(config=ensemble_config(network), version={CARD: _card(network)}, shared=_labels(network))


def _labels(network: Network) -> dict[str, bytes]:
    return {LABELS_FILE: "".join(f"{label}\n" for label in network.card.labels).encode()}


def _card(network: Network) -> bytes:
    return msgspec.json.format(msgspec.json.encode(network.card), indent=1)
