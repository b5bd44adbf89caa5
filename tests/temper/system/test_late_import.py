import sys
from pathlib import Path

import pytest

from temper.system.late_import import left_out

PACKAGE = "package_with_a_slow_part"
SLOW = f"{PACKAGE}.tools.slow"
FILES = {
    "__init__.py": f"try:\n    from {SLOW} import convert\nexcept ImportError:\n    pass\n",
    "tools/__init__.py": "",
    "tools/slow.py": "def convert(): return 'converted'\n",
}


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that does without a part of it where that is not installed."""
    for name, text in FILES.items():
        file = tmp_path / PACKAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [each for each in sys.modules if each.startswith(PACKAGE)]:
        monkeypatch.delitem(sys.modules, name)


def test_a_part_is_imported_when_it_is_first_used() -> None:
    with left_out(SLOW, names=("convert",)):
        import package_with_a_slow_part as package  # type: ignore[import-not-found]
    assert SLOW not in sys.modules
    assert package.convert() == "converted"
    assert SLOW in sys.modules


def test_other_code_imports_the_part_as_ever() -> None:
    with left_out(SLOW, names=("convert",)):
        import package_with_a_slow_part  # noqa: F401
    from package_with_a_slow_part import convert
    from package_with_a_slow_part.tools.slow import convert as same  # type: ignore[import-not-found]

    assert convert is same


def test_another_name_is_an_attribute_error() -> None:
    with left_out(SLOW, names=("convert",)):
        import package_with_a_slow_part as package
    with pytest.raises(AttributeError, match=f"module '{PACKAGE}' has no attribute 'no_such_name'"):
        _ = package.no_such_name


def test_a_part_that_is_not_installed_is_no_attribute(tmp_path: Path) -> None:
    (tmp_path / PACKAGE / "tools" / "slow.py").write_text("import no_such_library\n")
    with left_out(SLOW, names=("convert",)):
        import package_with_a_slow_part as package
    assert not hasattr(package, "convert")
    with pytest.raises(ImportError):
        from package_with_a_slow_part import convert  # noqa: F401


def test_what_is_imported_already_stays() -> None:
    import package_with_a_slow_part as package

    with left_out(SLOW, names=("convert",)):
        assert package.convert() == "converted"
    assert SLOW in sys.modules and not hasattr(package, "__getattr__")


def test_after_a_failed_import_of_the_package_the_part_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / PACKAGE / "__init__.py").write_text("raise ImportError('no shared library')\n")
    with pytest.raises(ImportError, match="no shared library"), left_out(SLOW, names=("convert",)):
        import package_with_a_slow_part  # noqa: F401
    assert SLOW not in sys.modules
