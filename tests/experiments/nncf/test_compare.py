from pathlib import Path

import pytest

from experiments.nncf.compare import parse, speed_rows
from tests.temper.serve.serving import noise

pytest.importorskip("openvino", reason="OpenVINO is not installed: pip install openvino")


def test_the_environment_of_nncf_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["model.int8.xml"])
    assert "--nncf" in capsys.readouterr().err


def test_every_network_number_of_threads_and_batch_size_has_a_row(made_bundle: Path) -> None:
    network = made_bundle.with_name("model.fp32.onnx")
    images = noise(9)
    rows = speed_rows(network, {"a": network, "b": network}, images, rounds=2)
    cases = [("all", "1"), ("all", "8"), ("1", "1"), ("1", "8")]
    assert [row[:3] for row in rows] == [(name, *case) for name in "ab" for case in cases]
    assert all(float(ratio.split()[0]) > 0 for row in rows for ratio in row[5:])
