import importlib.util
import io
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convert.triton import write
from convert.triton.network import Network
from temper import images
from temper.images import EncodedImage, load_image


class Message(types.SimpleNamespace):
    """A request, tensor or response; stands in for the server's classes."""

    def as_numpy(self) -> Any:
        return self.values


SERVER = types.SimpleNamespace(
    get_input_tensor_by_name=lambda request, name: request.tensors[name],
    Tensor=lambda name, values: Message(name=name, values=values),
    InferenceResponse=lambda output_tensors=(), error=None: Message(tensors=output_tensors, error=error),
    TritonError=str,
)


def encoded(mode: str, kind: str, **options: Any) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 4), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def deep(kind: str) -> bytes:
    """A gray image with 16 bits for each pixel."""
    noise = np.random.default_rng(1).integers(0, 65536, (90, 70), dtype=np.uint16)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, kind)
    return stream.getvalue()


def rotated() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_pixels_are_those_of_temper_and_a_damaged_file_fails_its_own_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", SERVER)
    spec = importlib.util.spec_from_file_location("model", write.DECODE_MODEL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.TritonPythonModel()
    model.initialize({"model_config": json.dumps({"output": [{"name": "images", "dims": ["16", "16", "3"]}]})})
    files = [
        encoded("RGB", "JPEG"), encoded("CMYK", "JPEG"), encoded("L", "PNG"), encoded("RGBA", "PNG"),
        encoded("P", "GIF"), encoded("LA", "PNG"), encoded("RGB", "JPEG", exif=rotated()), deep("PNG"), deep("TIFF"),
    ]  # fmt: skip
    good = Message(tensors={"file": Message(values=np.array(files, object)[:, None])})
    damaged = Message(tensors={"file": Message(values=np.array([[b"nonsense"]], object))})
    responses = model.execute([good, damaged])
    model.finalize()
    expected = np.stack([load_image(EncodedImage("file", each), 16) for each in files])
    # Clipped to 8 bits, as Pillow itself would do it, nearly all of them were white.
    assert 100 < expected[-2:].mean() < 156
    np.testing.assert_array_equal(responses[0].tensors[0].values, expected)
    assert "is not an image that can be read" in responses[1].error


@pytest.mark.programs
def test_the_copied_decoder_is_complete(network: Network, tmp_path: Path) -> None:
    for name, content in write._decode_model(network).version.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    package, copied = Path(str(images.__file__)).parent, tmp_path / "temper" / "images"
    assert {each.name: each.read_bytes() for each in copied.iterdir()} == {
        each.name: each.read_bytes() for each in package.glob("*.py")
    }
    code = "import sys, temper.images as m; print(m.__file__, 'msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(copied / "__init__.py"), "False"]
