"""Which targets there are: how each is converted, which can be made here, where its files are."""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from temper.artifact import Artifact
from temper.card import PRECISIONS, Precision, card_path
from temper.card.ownership import refuse_foreign
from temper.errors import UsageError
from temper.formats import FORMATS, Conversion, Format, format_of
from temper.storage.publish import finish_publication

REJECTED = ".rejected"


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
            f"{target.name} is not possible: a {target.format.suffix} artifact is always {' or '.join(conversions)}",
            fix=f"Use --precision {next(iter(conversions))}, or another format.",
        )
    stem = target.name.removesuffix(target.format.suffix)
    if named := next((each for each in PRECISIONS if each != precision and stem.endswith(f".{each}")), ""):
        raise UsageError(
            f"{target.path} is named for {named}, but the precision is {precision}",
            fix=f"Use --precision {named}, or another name.",
        )
    return conversions[precision]


def source_of(model: Artifact, conversion: Conversion) -> Artifact:
    """What a conversion reads: the model itself, or an artifact that is converted from it before.

    Raises UsageError for a conversion that begins with Keras, where the model was adopted from another library.
    """
    known = format_of(conversion.source)
    if known and known.conversions:
        return model.sibling(conversion.source_precision, conversion.source)
    if conversion.source != model.format.suffix:
        raise UsageError(
            f"{model.name} was not adopted from Keras, and this format is exported by Keras",
            fix="Name another target, such as .onnx or .xml.",
        )
    return model


def default_targets(model: Artifact, precision: Precision) -> list[Artifact]:
    """The targets that can be made and are useful on this machine, in the order of FORMATS."""
    possible = [each for each in FORMATS if precision in each.conversions and not each.on_request and _buildable(each)]
    targets = [model.sibling(precision, each.suffix) for each in possible]
    return [each for each in targets if each != model and _begins_with(model, each.format.conversions[precision])]


def load_function(name: str) -> Any:
    """The function that "module:function" names, as formats refer to functions of this stage."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def layers_path(path: Path) -> Path:
    """Where the converter of an artifact at a path may list the layers that were built."""
    return path.with_name(f"{path.name}.layers.json")


def rejected_path(path: Path) -> Path:
    """Where a candidate's file is stored when the accuracy gate rejects it: under a name that no format knows."""
    return path.with_name(path.name + REJECTED)


def rejected_paths(target: Artifact) -> list[Path]:
    """All paths of a rejected candidate, with its card. Raises ArtifactError when one is not Temper's."""
    rejected = rejected_path(target.path)
    finish_publication(rejected)
    written = [*map(rejected_path, [*target.files, layers_path(target.path)]), card_path(rejected)]
    refuse_foreign(rejected, written, is_folder=target.format.is_folder)
    return written


def _begins_with(model: Artifact, conversion: Conversion) -> bool:
    """Whether the conversions that lead to a target begin with the model."""
    try:
        source = source_of(model, conversion)
    except UsageError:
        return False
    return source == model or _begins_with(model, source.format.conversions[conversion.source_precision])


def _buildable(chosen: Format) -> bool:
    if chosen.buildable:
        return bool(load_function(chosen.buildable)())
    return all(find_spec(module) for module in chosen.requires)
