"""What `import temper` promises: its names, their documentation, and how fast it is."""

import inspect
import subprocess
import sys

import pytest

import temper
from tests.source import ROOT

PUBLIC = {"Artifact", "Card", "Classifier", "Prediction", "Result", "UserError", "__version__", "load"}
MAX_IMPORT_SECONDS = 0.15
LIBRARIES = (
    "numpy", "PIL", "msgspec", "rich", "platformdirs", "keras", "tensorflow", "onnx", "onnxruntime",
    "openvino", "tensorrt", "jax", "torch",
)  # fmt: skip
MEASURE = """
import sys, time
started = time.perf_counter()
import temper
print(time.perf_counter() - started)
print(*(name for name in {libraries!r} if name in sys.modules))
"""
documented = pytest.mark.parametrize("name", sorted(PUBLIC - {"__version__"}))


def test_the_public_names_are_these_and_no_others() -> None:
    assert set(temper.__all__) == PUBLIC
    assert len(temper.__all__) == len(PUBLIC)
    assert dir(temper) == sorted(PUBLIC)
    assert temper.__version__.count(".") == 2


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from temper import *", names)
    assert names.keys() >= PUBLIC


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = temper.no_such_name


@documented
def test_a_public_name_has_a_docstring_with_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(getattr(temper, name)) or "")


@documented
def test_the_public_methods_of_a_name_have_docstrings(name: str) -> None:
    members = inspect.getmembers(getattr(temper, name), lambda each: callable(each) or isinstance(each, property))
    public = {member: value for member, value in members if not member.startswith("_")}
    assert not [member for member, value in public.items() if not inspect.getdoc(value)]


def import_in_a_process_of_its_own() -> tuple[float, list[str]]:
    """Seconds that `import temper` takes, and which of LIBRARIES it loads."""
    command = [sys.executable, "-c", MEASURE.format(libraries=LIBRARIES)]
    seconds, loaded = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split("\n")[
        :2
    ]
    return float(seconds), loaded.split()


@pytest.mark.programs
def test_the_import_is_immediate_and_loads_no_library() -> None:
    # The minimum: other work on the machine makes single runs slower.
    runs = [import_in_a_process_of_its_own() for _ in range(5)]
    assert min(seconds for seconds, _ in runs) < MAX_IMPORT_SECONDS
    assert runs[0][1] == []


@pytest.mark.programs
def test_loading_an_artifact_imports_its_own_runtime_only(bundle: object) -> None:
    code = (
        "import sys, temper\n"
        f"temper.load({str(bundle)!r}.replace('.keras', '.fp32.onnx'))\n"
        "print(*(name for name in ('keras', 'tensorflow', 'openvino', 'torch') if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
