"""Send the same requests to a real Triton server and to `temper serve`: equal predictions? and how many in a second?

    python experiments/triton/compare.py artifacts/model.int8.onnx photos/ --environment ~/.cache/temper-triton

Triton runs the published configuration around ONNX Runtime (experiments/triton/server.py). CPU only.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.serving.clients import Target, closed_loop
from experiments.serving.running import RunningServer, running_server
from experiments.support import make_parser, write_report
from experiments.triton.server import TritonServer, add_environment, build_environment, copy_for_python, running_triton
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from temper.artifact import Artifact

BEST_BATCH = 8


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "triton.md")
    add = parser.add_argument
    add("artifact", type=Path, help="a .onnx artifact")
    add("images", type=Path, help="folder of image files")
    add_environment(parser)
    add("--requests", type=int, default=200, metavar="N", help="requests that are compared (default: %(default)s)")
    add("--clients", type=int, default=64, metavar="N", help="clients of the throughput (default: %(default)s)")
    add("--rounds", type=int, default=5, metavar="N", help="rounds of the throughput (default: %(default)s)")
    add("--seconds", type=float, default=10.0, metavar="S", help="of each server in a round (default: %(default)g)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Start both servers, compare, and write the report."""
    from convert.triton.write import write_models
    from temper.artifact import Artifact
    from temper.card import BatchRange

    artifact = Artifact.at(options.artifact)
    if artifact.format.suffix != ".onnx":
        raise UsageError(f"{artifact.name} is no ONNX file", fix="Name a .onnx artifact.")
    python = build_environment(options.environment)
    waits = ("--max-batch", str(BEST_BATCH), "--max-wait-ms", "1")
    with tempfile.TemporaryDirectory() as folder:
        published, models = Path(folder, "published"), Path(folder, "models")
        write_models(artifact, published, batch=BatchRange(1, BEST_BATCH, BEST_BATCH), with_jpeg=True)
        copy_for_python(published, models)
        with running_triton(python, models) as triton, running_server(artifact.path, *waits) as served:
            _measure(options, artifact, triton, served)
    return 0


def _measure(options: argparse.Namespace, artifact: "Artifact", triton: TritonServer, served: RunningServer) -> None:
    import numpy as np

    from temper.images import images_in, load_images

    paths = images_in(options.images)[: options.requests]
    if not paths:
        raise DataError(f"{options.images} has no images", fix="Name another folder.")
    images = np.stack(list(load_images(paths, artifact.card.size)))
    rows = _differences(artifact, paths, images, triton, served)
    rates = _rates(options, artifact, images, triton, served)
    ratios = [ours / theirs for theirs, ours in rates]
    write_report(
        options.out,
        "Triton and `temper serve`: equal requests",
        f"{artifact.name}. Triton 2.51 (nvidia-pytriton 0.7.0) on the CPU, with the published configuration; a Python "
        "model around ONNX Runtime stands in for the backends tensorrt_plan and "
        "onnxruntime_onnx, which were not run. "
        f"`python experiments/triton/compare.py {artifact.name} IMAGES --environment DIR` repeats the measurement.",
        "## Models in Triton's log",
        f"```\n{triton.table()}\n```",
        f"## Predictions of {len(paths)} images",
        "One image in each request, compared with tensors sent to `temper serve`.",
        Table(
            headings=("request", "images", "other label", "largest difference"), rows=rows, right=frozenset({1, 2, 3})
        ),
        "## Requests per second",
        f"{options.clients} clients of tritonclient.http, one image as tensor in each request, largest batch "
        f"{BEST_BATCH}, {options.seconds:g} s of each server in each round, alternating order.",
        Table(
            headings=("round", "Triton", "temper serve", "ratio"),
            rows=[(str(i), f"{a:.1f}", f"{b:.1f}", f"{b / a:.2f}") for i, (a, b) in enumerate(rates, 1)],
            right=frozenset({1, 2, 3}),
        ),
        f"Median ratio {np.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}.",
        packages=("onnxruntime", "tritonclient", "numpy"),
    )


def _differences(
    artifact: "Artifact", paths: list[Path], images: "NDArray[np.uint8]", triton: TritonServer, served: RunningServer
) -> list[tuple[str, ...]]:
    import numpy as np
    from tritonclient import grpc, http

    files = [np.array([[path.read_bytes()]], object) for path in paths]
    tensors, name = [image[None] for image in images], artifact.model_name
    expected = _ask(http, served.address, name, "images", tensors)
    labels = expected.argmax(1)
    cases = {
        "Triton, tensor, HTTP": _ask(http, triton.http, name, "images", tensors),
        "Triton, tensor, gRPC": _ask(grpc, triton.grpc, name, "images", tensors),
        "Triton, file to the ensemble, HTTP": _ask(http, triton.http, f"{name}_jpeg", "file", files),
        "Triton, file to the ensemble, gRPC": _ask(grpc, triton.grpc, f"{name}_jpeg", "file", files),
        "temper serve, file to classify": _classify(artifact, served, paths),
    }
    return [
        (
            case,
            str(len(given)),
            str((given.argmax(1) != labels).sum()),
            f"{abs(given - expected).max():.2g}",
        )
        for case, given in cases.items()
    ]


def _ask(library: Any, address: str, model: str, tensor: str, values: "list[NDArray[Any]]") -> "NDArray[np.float32]":
    import numpy as np

    client, results = library.InferenceServerClient(address), []
    for each in values:
        given = library.InferInput(tensor, list(each.shape), "BYTES" if each.dtype == object else "UINT8")
        given.set_data_from_numpy(each)
        results.append(client.infer(model, [given]).as_numpy("probabilities"))
    return np.concatenate(results)


def _classify(artifact: "Artifact", served: RunningServer, paths: list[Path]) -> "NDArray[np.float32]":
    import urllib.request

    import msgspec
    import numpy as np

    labels, rows = artifact.card.labels, []
    url = f"http://{served.address}/v2/models/{served.name}/classify?top_k={len(labels)}"
    for path in paths:
        with urllib.request.urlopen(urllib.request.Request(url, data=path.read_bytes()), timeout=60) as response:
            predictions = msgspec.json.decode(response.read())["predictions"]
        by_label = {each["label"]: each["probability"] for each in predictions}
        rows.append([by_label[label] for label in labels])
    return np.array(rows, np.float32)


def _rates(
    options: argparse.Namespace,
    artifact: "Artifact",
    images: "NDArray[np.uint8]",
    triton: TritonServer,
    served: RunningServer,
) -> list[tuple[float, float]]:
    """Requests per second of Triton and `temper serve` in each round."""
    from temper.runners.load import open_runner

    with open_runner(artifact) as runner:
        known = runner.predict(images[:16])[None]
    targets = [
        Target(address=address, name=artifact.model_name, images=images[:16], known=known)
        for address in (triton.http, served.address)
    ]
    rates = []
    for number in range(options.rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        outcomes = {which: closed_loop(targets[which], options.clients, options.seconds) for which in order}
        if any(each.wrong or set(each.statuses) != {200} for each in outcomes.values()):
            raise RuntimeError(f"a request failed or was wrong: {[each.statuses for each in outcomes.values()]}")
        rates.append((outcomes[0].per_second, outcomes[1].per_second))
    return rates


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
