"""ONNX → OpenVINO IR, in whatever precision the ONNX has."""

from pathlib import Path

import openvino as ov

from temper.storage.atomic import atomic_write


def to_openvino(source: Path, target: Path) -> None:
    """Write `target` (.xml) and its weights (.bin) from an ONNX model; nothing is compressed on the way."""
    model = ov.convert_model(source)
    with atomic_write(target) as path:
        ov.save_model(model, path, compress_to_fp16=False)
