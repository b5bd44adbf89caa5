from pathlib import Path

import pytest

from experiments.adopt.torch_models import export, load_train, parse, train
from tests import tiny


def test_the_options_name_network_batch_and_exporter() -> None:
    options = parse(["resnet18", "10", "photos", "net.onnx", "--batch", "free", "--exporter", "one-file"])
    assert (options.network, options.classes, options.batch, options.exporter) == ("resnet18", 10, "free", "one-file")


@pytest.mark.slow
def test_a_network_is_trained_and_exported(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: the experiment has a Python of its own")
    tiny.draw(tmp_path / "train", 32)
    data = load_train(torch, tmp_path, 16)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    train(torch, model, data, epochs=2, rate=0.01)
    options = parse(["linear", "2", str(tmp_path), str(tmp_path / "net.onnx"), "--size", "16"])
    export(torch, model.eval(), options)
    assert (tmp_path / "net.onnx").exists()
