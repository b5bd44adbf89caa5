import builtins
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper.errors import DataError
from tests.train.network.torch_files import SYSTEM, Storage, Tensor, as_pickle, tensor, torch_file
from train.network import torch_file as module
from train.network.torch_file import read_torch_file

VALUES = np.arange(24, dtype=np.float32)
PREFIX = b"".join(as_pickle(each) for each in (module.MAGIC_NUMBER, module.PROTOCOL_VERSION, SYSTEM))


def view(offset: Any, shape: Any, strides: Any) -> bytes:
    return torch_file({"a": Tensor(Storage("1", VALUES), offset, shape, strides)})


def refused(content: bytes) -> str:
    with pytest.raises(DataError, match=r"^weights\.pth ") as error:
        read_torch_file(content, "weights.pth")
    return error.value.what


def test_arrays_are_read_with_their_names_types_and_strides() -> None:
    permuted = VALUES.copy().reshape(2, 3, 4).transpose(2, 0, 1)
    count = np.array([7], dtype=np.int64)
    content = torch_file({"b": tensor("1", permuted), "a.count": Tensor(Storage("2", count), 0, (), ())})
    arrays = read_torch_file(content, "weights.pth")
    assert list(arrays) == ["b", "a.count"]
    assert np.array_equal(arrays["b"], permuted) and arrays["b"].flags.c_contiguous
    assert arrays["b"].dtype == np.float32
    assert arrays["a.count"] == 7 and arrays["a.count"].shape == ()


def test_two_tensors_may_share_a_storage() -> None:
    storage = Storage("1", VALUES)
    arrays = read_torch_file(
        torch_file({"a": Tensor(storage, 0, (4,), (1,)), "b": Tensor(storage, 4, (2, 3), (3, 1))}), ""
    )
    assert np.array_equal(arrays["a"], VALUES[:4])
    assert np.array_equal(arrays["b"], VALUES[4:10].reshape(2, 3))


class Call:
    """Its pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.called = (function, arguments)

    def __reduce__(self) -> Any:
        return self.called


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("position", range(5))
def test_a_pickle_that_calls_a_function_is_refused_and_calls_nothing(
    protocol: int, position: int, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    calls = (
        Call(os.system, f"touch {canary}"),
        Call(builtins.eval, f"open({str(canary)!r}, 'w')"),
        Call(subprocess.check_call, ["touch", str(canary)]),
        Call(getattr, Call(__import__, "os"), "system"),
        Call(Path.touch, canary),
    )
    for call in calls:
        content = pickle.dumps(call, protocol)
        values: tuple[Any, ...] = (module.MAGIC_NUMBER, module.PROTOCOL_VERSION, SYSTEM, {}, [])
        pickles = [as_pickle(each) for each in values]
        refused(b"".join([*pickles[:position], content, *pickles[position + 1 :]]))
        assert not canary.exists()
    # Without the reader, it would have been called.
    pickle.loads(pickle.dumps(calls[0], protocol))
    assert canary.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
        b"\x80\x02ccollections\nOrderedDict\n(K\x01tR.",
        b"\x80\x02ctorch\nload\n.",
        b"\x80\x02ctorch._utils\nos.system\n.",
        b"\x80\x02ccollections\nabc.sys\n.",
        b"\x80\x02cbuiltins\ngetattr\n.",
        b"\x80\x02X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93.",
        b"\x80\x02(ios\nsystem\n.",
        b"\x80\x02K\x01Q.",
        b"\x80\x02NQ.",
        b"\x80\x02K\x00r\xff\xff\xff\x7f.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00.",
        b"\x80\x02X\xff\xff\xff\x7fa.",
        b"\x80\x02j\xff\xff\xff\x00.",
        b"\x80\x02.",
        b"\x80\x02R.",
        b"\x80\x02}b.",
        b"\x80\x02]K\x01b.",
        b"\x80\x02}]K\x01s.",
        b"\x80\x02)))t.",
        b"",
    ],
)
def test_a_pickle_that_is_no_dict_of_tensors_is_refused(program: bytes) -> None:
    refused(PREFIX + program)
    refused(program)


def test_the_name_that_is_refused_is_shown_and_cannot_move_the_cursor() -> None:
    assert "names 'posix.system', which" in refused(b"\x80\x02cposix\nsystem\n.")
    assert "names 'a\\x1b[2Jb.c', which" in refused(b"\x80\x02ca\x1b[2Jb\nc\n.")


DICT, FUNCTION = b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n"


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


@pytest.mark.parametrize("target", [DICT, FUNCTION])
@pytest.mark.parametrize(
    "state", [b"}" + text("values") + text("x") + b"s", b"N}" + text("__defaults__") + b")s\x86"], ids=["dict", "slots"]
)
def test_attributes_of_what_a_pickle_may_call_are_not_set(target: bytes, state: bytes) -> None:
    assert "sets attributes of a function" in refused(PREFIX + b"\x80\x02" + target + state + b"b." + as_pickle([]))
    assert list(read_torch_file(torch_file({"a": tensor("1", VALUES)}), "")) == ["a"]


@pytest.mark.parametrize("value", [DICT, text("x")], ids=["function", "text"])
def test_attributes_of_a_dict_hide_nothing_of_it(value: bytes) -> None:
    # As of `values`, which would otherwise give nothing, or be no function.
    build = b"".join(b"}" + text(name) + value + b"sb" for name in ("values", "get", "items"))
    values = ({"little_endian": True}, {"a": tensor("1", VALUES)}, {"a": None})
    system, state, other = (as_pickle(each).replace(b"}", DICT + b")R", 1)[:-1] + build + b"." for each in values)
    start = b"".join(as_pickle(each) for each in (module.MAGIC_NUMBER, module.PROTOCOL_VERSION)) + system
    storage = len(VALUES).to_bytes(8, "little") + VALUES.tobytes()
    assert np.array_equal(read_torch_file(start + state + as_pickle(["1"]) + storage, "")["a"], VALUES)
    assert "a dict of tensors" in refused(start + other + as_pickle([]))


NESTED = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."


@pytest.mark.parametrize("keys", [as_pickle([1]), as_pickle("1"), NESTED], ids=["number", "text", "nested"])
def test_keys_of_storages_that_are_no_names_are_refused(keys: bytes) -> None:
    assert "does not list its storages by name" in refused(PREFIX + as_pickle({"a": tensor("1", VALUES)}) + keys)


def test_tuples_in_tuples_are_refused_before_their_hash_ends_the_process() -> None:
    assert "tuples" in refused(PREFIX + b"\x80\x02})" + b"\x85" * 1_000_000 + b"Ns.")


def test_tensors_that_share_a_storage_take_no_more_memory_than_it_has() -> None:
    storage = Storage("1", VALUES)
    views = {f"{i}": Tensor(storage, 0, (24,), (1,)) for i in range(2)}
    assert "48 elements, more than its storages have" in refused(torch_file(views))


def test_a_storage_that_is_a_view_of_another_one_is_refused() -> None:
    content = torch_file({"a": tensor("1", VALUES)})
    # The last part of what describes a storage, which torch.save leaves empty.
    assert content.count(b"cpu") == 1
    start = content.index(b"cpu")
    changed = content[:start] + content[start:].replace(b"N", b")", 1)
    assert "a storage in a form that is not known" in refused(changed)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (25,), (1,)),
        (1, (24,), (1,)),
        (0, (6, 4), (4, 2)),
        (0, (1000, 1000, 1000), (0, 0, 0)),
        (0, (2, 24), (0, 1)),
        (2**63, (1,), (1,)),
        (0, (2**40, 2**40), (2**60, 2**60)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (2, 2), (1,)),
        (0, [2], [1]),
        (0, (2.0,), (1,)),
        (True, (2,), (1,)),
        (0, (0,), (1,)),
        (0, (1,) * 9, (1,) * 9),
        ("0", (1,), (1,)),
    ],
)
def test_a_view_outside_of_its_storage_is_refused(offset: Any, shape: Any, strides: Any) -> None:
    refused(view(offset, shape, strides))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    values = VALUES.copy()
    values[5] = value
    assert "not finite" in refused(torch_file({"a": tensor("1", values)}))


def test_a_file_is_refused_wherever_it_is_cut_and_with_surplus_bytes() -> None:
    content = torch_file({"a": tensor("1", VALUES.copy()), "b": tensor("2", VALUES.copy())})
    assert len(read_torch_file(content, "")) == 2
    for length in range(len(content)):
        refused(content[:length])
    assert "after the last storage" in refused(content + b"\0")


def test_other_files_are_refused_with_the_reason() -> None:
    assert "little-endian" in refused(torch_file({"a": tensor("1", VALUES)}, system={"little_endian": False}))
    assert "before version 1.6" in refused(as_pickle(1) * 2)
    assert "a dict of tensors" in refused(PREFIX + as_pickle([1]) + as_pickle([]))
    assert "without a name" in refused(torch_file({5: tensor("1", VALUES)}))  # type: ignore[dict-item]
    assert "is damaged" in refused(b"PK\x03\x04 the newer format is an archive")
    different = torch_file({"a": tensor("1", VALUES), "b": Tensor(Storage("1", VALUES[:5]), 0, (2,), (1,))})
    assert "other storages" in refused(different)


def test_a_file_of_more_than_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 10)
    assert "at most 10" in refused(torch_file({"a": tensor("1", VALUES)}))


def test_random_changes_of_a_file_give_arrays_or_the_reason() -> None:
    content = torch_file({"a": tensor("1", VALUES.copy()), "b": tensor("2", VALUES.copy())})
    random = np.random.default_rng(0)
    outcomes = set[type]()
    for _ in range(300):
        changed = bytearray(content)
        changed[random.integers(len(content))] = random.integers(256)
        try:
            outcomes.add(type(read_torch_file(bytes(changed), "")))
        except DataError:
            outcomes.add(DataError)
    assert outcomes == {dict, DataError}
