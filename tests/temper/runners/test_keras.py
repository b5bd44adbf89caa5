import os
import sys

from temper.system.child_process import run_in_child


def test_importing_the_module_imports_no_framework_and_changes_no_variable() -> None:
    assert run_in_child(_effects_of_importing) == set()


def _effects_of_importing() -> set[str]:
    modules, variables = set(sys.modules), dict(os.environ)
    import temper.runners.keras
    import temper.runners.saved_model  # noqa: F401

    changed = {name for name, value in os.environ.items() if variables.get(name) != value}
    return changed | ({"keras", "tensorflow", "jax", "torch"} & (set(sys.modules) - modules))
