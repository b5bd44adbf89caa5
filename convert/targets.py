"""Which targets there are: how each is converted, which can be made here, which existing files may be replaced."""

import importlib
import json
from importlib.util import find_spec
from typing import Any

from temper.artifact import Artifact
from temper.card import PRECISIONS, Precision
from temper.errors import ArtifactError, UsageError
from temper.formats import FORMATS, Conversion, Format
from temper.storage.publish import finish_publication


def conversion_of(target: Artifact, precision: Precision) -> Conversion:
    """How a target is converted in a precision.

    Raises UsageError for a format or precision that is not possible, or a name that claims another precision.
    """
    conversions = target.format.conversions
    if not conversions:
        possible = ", ".join(each.suffix for each in FORMATS if each.conversions)
        raise UsageError(f"{target.path} is no target of a conversion", fix=f"Expected one of {possible}.")
    if precision not in conversions:
        raise UsageError(
            f"{target.path}: {target.format.title} is always {' or '.join(conversions)}",
            fix=f"Use --precision {next(iter(conversions))}, or another format.",
        )
    stem = target.name.removesuffix(target.format.suffix)
    if named := next((each for each in PRECISIONS if each != precision and stem.endswith(f".{each}")), ""):
        raise UsageError(
            f"{target.path} is named for {named}, but the precision is {precision}",
            fix=f"Use --precision {named}, or another name.",
        )
    return conversions[precision]


def default_targets(model: Artifact, precision: Precision) -> list[Artifact]:
    """The targets that can be made and are useful on this machine, in the order of FORMATS."""
    possible = [each for each in FORMATS if precision in each.conversions and not each.on_request and _buildable(each)]
    return [model.sibling(precision, each.suffix) for each in possible]


def load_function(name: str) -> Any:
    """The function that "module:function" names, as formats refer to functions of this stage."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def refuse_foreign(target: Artifact) -> None:
    """Raise ArtifactError when the target exists and Temper did not make it: it is never replaced."""
    finish_publication(target.path)
    there = next((file for file in target.files if file.exists() or file.is_symlink()), None)
    if there is None:
        return
    fix = "Move it away, or name another target."
    if target.path.exists() and target.path.is_dir() != target.format.is_folder:
        kind = "a folder" if target.path.is_dir() else "a file"
        raise ArtifactError(f"{target.path} is {kind}, which is not what Temper writes under this name", fix=fix)
    if not _is_card_or_damaged(target):
        raise ArtifactError(f"{there} exists and has no card beside it, so Temper did not make it", fix=fix)


def _buildable(chosen: Format) -> bool:
    if chosen.buildable:
        return bool(load_function(chosen.buildable)())
    return all(find_spec(module) for module in chosen.requires)


def _is_card_or_damaged(target: Artifact) -> bool:
    try:
        fields = json.loads(target.card_path.read_bytes())
    except FileNotFoundError:
        return False
    except (ValueError, OSError):
        # A damaged card is a reason to convert again, not to stop.
        return target.card_path.is_file()
    return isinstance(fields, dict) and {"labels", "sha256", "schema"} <= fields.keys()
