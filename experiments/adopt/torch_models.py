"""Train a network of torchvision on a folder of images, and export it with PyTorch's exporter.

Started by table.py with a Python that has torch, torchvision, onnx and onnxscript; it imports nothing of this project.

  python experiments/adopt/torch_models.py resnet18 10 photos net.onnx --batch fixed
"""

import argparse
import sys
from pathlib import Path
from typing import Any

BATCH = 32
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="a name in torchvision.models")
    parser.add_argument("classes", type=int, help="of which as many are trained as there are labels")
    parser.add_argument("data", type=Path, help="a folder with train/LABEL")
    parser.add_argument("target", type=Path, help="the .onnx file that is written")
    parser.add_argument("--size", type=int, default=64, metavar="PIXELS")
    parser.add_argument("--epochs", type=int, default=4, metavar="N")
    parser.add_argument("--rate", type=float, default=0.02, metavar="FRACTION", help="the highest learning rate")
    parser.add_argument("--batch", choices=("fixed", "free"), default="fixed")
    parser.add_argument("--exporter", choices=("default", "one-file", "torchscript"), default="default")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Train and export."""
    import torch

    torch.manual_seed(0)
    # On a busy machine two threads wait for each other: a step takes four times as much processor time.
    torch.set_num_threads(1)
    models = import_models(torch)
    model = getattr(models, options.network)(num_classes=options.classes)
    train(torch, model, load_train(torch, options.data, options.size), options.epochs, options.rate)
    export(torch, model.eval(), options)
    return 0


def import_models(torch: Any) -> Any:
    """torchvision.models, also where torchvision was built for another torch, so that its own operators are missing."""
    try:
        from torchvision import models
    except RuntimeError:
        for name in [each for each in sys.modules if each.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        from torchvision import models
    return models


def load_train(torch: Any, folder: Path, size: int) -> tuple[Any, Any]:
    """The images of train/, normalized, float32 [n, 3, size, size], and their labels."""
    import numpy as np
    from PIL import Image

    files = sorted(path for path in (folder / "train").glob("*/*") if path.is_file())
    labels = sorted({path.parent.name for path in files})
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB").resize((size, size), 2)) for path in files])
    mean, deviation = np.array(MEAN, np.float32), np.array(DEVIATION, np.float32)
    values = (pixels.astype(np.float32) / 255 - mean) / deviation
    return (
        torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2), dtype=np.float32)),
        torch.tensor([labels.index(path.parent.name) for path in files]),
    )


def train(torch: Any, model: Any, data: tuple[Any, Any], epochs: int, rate: float) -> None:
    """SGD with momentum and a rate that falls to zero. data: as `load_train` gives it."""
    images, truth = data
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * (len(images) // BATCH))
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            loss = torch.nn.functional.cross_entropy(model(images[chosen]), truth[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def export(torch: Any, model: Any, options: argparse.Namespace) -> None:
    """With the exporter's own defaults, which keep the weights in a file beside the graph, or without them."""
    is_free = options.batch == "free"
    example = torch.zeros(2 if is_free else 1, 3, options.size, options.size)
    if options.exporter == "torchscript":
        axes = {"input": {0: "batch"}, "output": {0: "batch"}} if is_free else None
        names = {"input_names": ["input"], "output_names": ["output"]}
        torch.onnx.export(model, (example,), options.target, dynamo=False, opset_version=13, dynamic_axes=axes, **names)
        return
    shapes = ({0: torch.export.Dim("batch")},) if is_free else None
    inside = {"external_data": False} if options.exporter == "one-file" else {}
    torch.onnx.export(model, (example,), str(options.target), dynamic_shapes=shapes, verbose=False, **inside)


if __name__ == "__main__":
    sys.exit(run(parse()))
