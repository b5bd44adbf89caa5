from pathlib import Path

import pytest

from convert.exporters.keras_model import export
from temper.errors import ArtifactError


@pytest.mark.tensorflow
def test_a_file_that_keras_cannot_open_is_reported_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match=r"model\.keras cannot be opened by Keras: .*train it again"):
        export(tmp_path / "model.keras", tmp_path / "model.onnx", "onnx")
