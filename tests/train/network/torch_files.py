"""Writes files as torch.save wrote them before version 1.6, without torch."""

import io
import pickle
import sys
import types
from collections import OrderedDict
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

MAGIC_NUMBER, PROTOCOL_VERSION = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL_VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class FloatStorage:
    """Its name is pickled."""


class LongStorage:
    """Its name is pickled."""


class Storage(NamedTuple):
    """Elements in memory."""

    key: str
    elements: NDArray[Any]


def _rebuild_tensor_v2(*_: Any) -> None:
    raise AssertionError("only its name is pickled")


class Tensor:
    """A view of a storage, pickled as torch does it."""

    def __init__(self, storage: Storage, offset: Any, shape: Any, strides: Any) -> None:
        hooks: OrderedDict[str, Any] = OrderedDict()
        self.view = (storage, offset, shape, strides, False, hooks)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_tensor_v2, self.view


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        kind = LongStorage if obj.elements.dtype == np.int64 else FloatStorage
        return ("storage", kind, obj.key, "cpu", len(obj.elements), None)


def tensor(key: str, array: NDArray[Any]) -> Tensor:
    """A tensor over the array's memory, with its strides: those of a transposed array are not in C order."""
    assert array.base is None or array.base.base is None
    memory = array if array.base is None else array.base
    strides = tuple(each // array.itemsize for each in array.strides)
    return Tensor(Storage(key, memory.ravel()), 0, array.shape, strides)


def torch_file(tensors: dict[str, Tensor], system: dict[str, Any] | None = None) -> bytes:
    """The content of a file with these tensors."""
    state: OrderedDict[str, Tensor] = OrderedDict(tensors)
    # torch.nn.Module.state_dict sets an attribute.
    state._metadata = OrderedDict({"": {"version": 1}})  # type: ignore[attr-defined]
    storages = {each.view[0].key: each.view[0].elements for each in tensors.values()}
    content = [as_pickle(each) for each in (MAGIC_NUMBER, PROTOCOL_VERSION, system or SYSTEM, state, list(storages))]
    for elements in storages.values():
        content += [len(elements).to_bytes(8, "little"), elements.tobytes()]
    return b"".join(content)


def as_pickle(value: Any) -> bytes:
    """A pickle of protocol 2, in which the names of this file are those of torch."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    names: dict[Any, types.ModuleType] = {FloatStorage: torch, LongStorage: torch, _rebuild_tensor_v2: utils}
    for each, module in names.items():
        setattr(module, each.__name__, each)
        each.__module__ = module.__name__
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        stream = io.BytesIO()
        _Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()
