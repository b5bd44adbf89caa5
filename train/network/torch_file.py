"""Reads the arrays of a file that torch.save wrote in its older format, without torch, and executes nothing of it.

Such a file is a sequence of pickles and then the bytes of each storage. A pickle is a program: it is read only if it
consists of the few instructions that torch writes for named tensors, and every name in it has an inert stand-in here.
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from temper.errors import DataError

Arrays = dict[str, NDArray[Any]]

# Written by torch.save before version 1.6: the first two pickles of a file.
MAGIC_NUMBER, PROTOCOL_VERSION = 0x1950A86A20F9469CFC6C, 1001
# ResNet152, the largest network of torchvision in this format, has 241 MB.
MAX_FILE_BYTES = 1 << 28
MAX_DIMENSIONS = 8
# In one pickle. The 932 tensors of ResNet152 have four each. Python computes the hash of tuples in tuples recursively,
# without a limit: a million of them end the process.
MAX_TUPLES = 1 << 14
# The instructions in the pickle of a dict of tensors. Those that are missing import by a string from the stack, or
# allocate what they are asked for.
INSTRUCTIONS = {
    "PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BUILD", "BINPERSID",
    "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET",
    "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE",
    "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "SETITEM", "SETITEMS", "APPEND", "APPENDS",
}  # fmt: skip
TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}
# Little-endian; an integer counts batches.
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
# What a damaged pickle raises, whose instructions are all allowed.
PICKLE_ERRORS = (
    pickle.UnpicklingError, ValueError, TypeError, AttributeError, LookupError, EOFError, OverflowError,
)  # fmt: skip


class _Refused(Exception):
    """The reason, as the end of a sentence that begins with the file's name."""


class _Storage(NamedTuple):
    key: str
    dtype: str
    length: int


class _Tensor(NamedTuple):
    """A view of a storage: its first element, and for each dimension the length and the step, in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Dict(dict[Any, Any]):
    """Stands for an OrderedDict. Attributes that a pickle sets, such as torch's _metadata, are dropped."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class _Function:
    """What a pickle may call. Of a class or a function it could set attributes, which would outlast it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise _Refused("sets attributes of a function")


def read_torch_file(content: bytes, name: str) -> Arrays:
    """The arrays of a file's dict of tensors, in its order; each is a copy in C order.

    name: what messages call the file. Raises DataError for everything that is not such a dict: other objects, views
    outside of their storage, values that are not finite, missing or surplus bytes.
    """
    try:
        return _read(content)
    except _Refused as error:
        raise DataError(f"{name} {error}", fix="Download it again, from where it was published.") from None


def _read(content: bytes) -> Arrays:
    if len(content) > MAX_FILE_BYTES:
        raise _Refused(f"has {len(content)} bytes. Expected at most {MAX_FILE_BYTES}")
    file = io.BytesIO(content)
    if (_load(file), _load(file)) != (MAGIC_NUMBER, PROTOCOL_VERSION):
        raise _Refused("is not a file that torch.save wrote in its format before version 1.6")
    system, tensors, keys = _load(file), _load(file), _load(file)
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise _Refused("was not written on a little-endian machine")
    if not (isinstance(tensors, dict) and all(isinstance(each, _Tensor) for each in tensors.values())):
        raise _Refused("does not hold a dict of tensors alone")
    if not all(isinstance(each, str) for each in tensors):
        raise _Refused("has a tensor without a name")
    storages = _read_storages(file, {each.storage for each in tensors.values()}, keys)
    # Each view becomes an array of its own: many of one storage would become gigabytes.
    elements = sum(map(_elements, tensors.values()))
    if elements > sum(map(len, storages.values())):
        raise _Refused(f"describes tensors of {elements} elements, more than its storages have")
    return {name: _array(name, tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _load(file: io.BytesIO) -> Any:
    """The next pickle, which is checked before a single instruction is followed."""
    start, memo_limit, tuples = file.tell(), len(file.getbuffer()), 0
    try:
        for instruction, argument, _ in pickletools.genops(file):
            if instruction.name not in INSTRUCTIONS:
                raise _Refused(f"contains the pickle instruction {instruction.name}, which tensors do not need")
            tuples += instruction.name in TUPLES
            if tuples > MAX_TUPLES:
                raise _Refused(f"contains more than {MAX_TUPLES} tuples")
            # Python allocates memory for every smaller number too.
            if instruction.name == "LONG_BINPUT" and int(argument or 0) > memo_limit:
                raise _Refused(f"numbers an object {argument}, more than it has bytes")
        file.seek(start)
        return _Unpickler(file).load()
    except PICKLE_ERRORS as error:
        raise _Refused(f"is damaged ({str(error).rstrip('.')})") from None


class _Unpickler(pickle.Unpickler):
    """Knows four names, and calls two functions of this file."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for an allowed name."""
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return _Function(_new_dict)
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Function(_rebuild_tensor)
        raise _Refused(f"names {f'{module}.{name}'!r}, which weights do not need: it could execute anything")

    def persistent_load(self, pid: Any) -> _Storage:
        """The storage that an identifier describes."""
        if not (isinstance(pid, tuple) and len(pid) == 6):
            raise _Refused("describes a storage in a form that is not known")
        kind, dtype, key, _, length, view = pid
        is_known = kind == "storage" and dtype in STORAGES.values() and isinstance(key, str) and view is None
        if not (is_known and _is_size(length)):
            raise _Refused("describes a storage in a form that is not known")
        return _Storage(key, dtype, length)


def _new_dict() -> _Dict:
    return _Dict()


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    is_view = isinstance(storage, _Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)
    if not (
        is_view and len(shape) == len(strides) <= MAX_DIMENSIONS and all(map(_is_size, (offset, *shape, *strides)))
    ):
        raise _Refused("describes a tensor in a form that is not known")
    return _Tensor(storage, offset, shape, strides)


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0


def _read_storages(file: io.BytesIO, described: set[_Storage], keys: Any) -> Arrays:
    """The storages one after the other, each as its length and its elements; they end where the file ends."""
    by_key = {each.key: each for each in described}
    if not (isinstance(keys, list) and all(isinstance(each, str) for each in keys)):
        raise _Refused("does not list its storages by name")
    if len(by_key) < len(described) or sorted(keys) != sorted(by_key):
        raise _Refused("lists other storages than its tensors use")
    buffer, position, storages = file.getbuffer(), file.tell(), {}
    for key in keys:
        storage = by_key[key]
        dtype = np.dtype(storage.dtype)
        start = position + 8
        position = start + storage.length * dtype.itemsize
        if int.from_bytes(buffer[start - 8 : start], "little") != storage.length or position > len(buffer):
            raise _Refused(f"is damaged: storage {key!r} does not have {storage.length} elements")
        storages[key] = np.frombuffer(buffer, dtype, storage.length, start)
    if position != len(buffer):
        raise _Refused(f"has {len(buffer) - position} bytes after the last storage")
    return storages


def _elements(tensor: _Tensor) -> int:
    return int(np.prod(tensor.shape, dtype=object))


def _array(name: str, tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    shape, strides = tensor.shape, tensor.strides
    elements = _elements(tensor)
    last = tensor.offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    # A stride of 0 would repeat elements: a few bytes would become gigabytes.
    if not 0 < elements <= len(storage) or last >= len(storage):
        raise _Refused(f"describes {name!r} as a view that does not fit into its storage of {len(storage)} elements")
    view = np.lib.stride_tricks.as_strided(
        storage[tensor.offset :], shape, [each * storage.itemsize for each in strides], writeable=False
    )
    if not np.isfinite(view).all():
        raise _Refused(f"holds values in {name!r} that are not finite")
    return np.array(view, order="C")
