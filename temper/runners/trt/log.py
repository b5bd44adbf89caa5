"""What TensorRT logs while it works, stored instead of printed: its errors, and its list of layers."""

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

LAYERS = "Layers:"


@dataclass
class Log:
    """errors: in order. layers: the list that a builder logs at detailed verbosity."""

    errors: list[str] = field(default_factory=list)
    layers: str = ""

    @property
    def reason(self) -> str:
        """The first error in one line, without a final full stop."""
        first = self.errors[0].strip().splitlines()[0] if self.errors else "it gives no reason"
        return first.rstrip(".")


def make_logger(trt: ModuleType, log: Log) -> Any:
    """An ILogger that fills `log`. It must live as long as the TensorRT objects that use it."""
    severe = (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR)

    class Logger(trt.ILogger):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in severe:
                log.errors.append(message)
            elif message.startswith(LAYERS):
                log.layers = message

    return Logger()
