import io
import zipfile
from typing import Any

import numpy as np
import pytest

from temper.storage.arrays import load_arrays

LIMIT = 10_000


def npz(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def member(content: bytes, name: str = "a.npy") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, content)
    return archive.getvalue()


def header(shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return content.getvalue()


def test_arrays_are_read_by_name() -> None:
    arrays = load_arrays(npz(a=np.arange(3), b=np.array(["x", "yz"])), LIMIT)
    assert arrays["a"].tolist() == [0, 1, 2] and arrays["b"].tolist() == ["x", "yz"]


def test_what_expands_to_more_than_allowed_is_not_unpacked() -> None:
    content = npz(a=np.zeros(LIMIT, np.float32))
    assert len(content) < 1000
    assert load_arrays(content, LIMIT) == {}
    assert load_arrays(npz(a=np.zeros(LIMIT - 1000, np.uint8), b=np.zeros(1000, np.uint8)), LIMIT) == {}


def test_what_declares_more_than_allowed_is_not_allocated() -> None:
    assert load_arrays(member(header((1 << 40,))), 1 << 50) == {}
    assert load_arrays(member(header((1 << 40,))), LIMIT) == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", member(b"no array"), member(b"text", "a.txt"), npz(a=np.zeros(3))[:-9], npz(a=np.array([{}]))],
)
def test_what_is_damaged_or_holds_objects_is_empty(content: bytes) -> None:
    assert load_arrays(content, LIMIT) == {}
