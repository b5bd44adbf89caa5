"""Classify images with a trained classifier, in whatever format it is stored.

>>> import temper
>>> classifier = temper.load("model.onnx")
>>> for result in classifier("photos/*.jpg"):
...     print(result.label, result.probability > 0.5)
blue True
"""

import importlib

from temper.system.telemetry import disable_telemetry

# As typing has it, whose import would take longer than all else that comes before the first line of a command.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from temper.artifact import Artifact
    from temper.card import Card
    from temper.classifier import Classifier, load
    from temper.errors import UserError
    from temper.infer.results import Prediction, Result

__version__ = "0.3.0"
__all__ = ["Artifact", "Card", "Classifier", "Prediction", "Result", "UserError", "__version__", "load"]

# Here, because it must precede every import of a runtime, in every process.
disable_telemetry()

# Imported when they are first used, so that `import temper` is immediate and loads no library.
_MODULES = {
    "Artifact": "temper.artifact",
    "Card": "temper.card",
    "Classifier": "temper.classifier",
    "Prediction": "temper.infer.results",
    "Result": "temper.infer.results",
    "UserError": "temper.errors",
    "load": "temper.classifier",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'temper' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
