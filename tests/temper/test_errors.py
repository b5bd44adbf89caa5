import inspect
import pickle
import re

import pytest

from temper import errors
from temper.errors import MissingRuntime, UserError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, UserError)]


def test_what_leaves_out_the_fix() -> None:
    error = MissingRuntime("model.int8.plan runs on a GPU, and there is none", fix="Run the ONNX file:\n    x.onnx")
    assert error.what == "model.int8.plan runs on a GPU, and there is none"
    assert error.fix == "Run the ONNX file:\n    x.onnx"
    assert str(error) == "model.int8.plan runs on a GPU, and there is none. Run the ONNX file:\n    x.onnx"


def test_an_error_without_a_fix_is_what_happened() -> None:
    assert str(UserError("there is nothing")) == "there is nothing"


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_reaches_another_process_as_it_is(kind: type[UserError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("no such thing", fix="Make one.")))
    assert type(copy) is kind
    assert (copy.what, copy.fix, str(copy)) == ("no such thing", "Make one.", "no such thing. Make one.")


def test_the_tree_in_the_docstring_lists_every_class() -> None:
    assert not [kind.__name__ for kind in CLASSES if not re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "")]
