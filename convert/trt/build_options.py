"""Options of TensorRT's builder besides the graph: `--builder-option name=value`."""

from dataclasses import dataclass, replace
from typing import Any

from convert.settings import parse_batch
from temper.card import BatchRange
from temper.errors import UsageError

PORTABLE = ("version", "ampere", "capability")
HELP = """
    level=0..5: how long to search for kernels (TensorRT's default: 3)
    workspace=MiB: scratch memory that a kernel may use
    profiles=1:1:1+8:8:8: more batch ranges, each with kernels of its own
    compatibility=version: loads in later releases; slower, and contains 100 MB of runtime
    compatibility=ampere: any GPU since compute capability 8.0; slower
    compatibility=capability: any GPU of the same compute capability
    compute_capabilities=8.6+8.9: targets of a TensorRT-RTX plan
    float=fp16: half precision for what an int8 file leaves in floating point"""


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """Settings of the builder; what is None or empty is left to TensorRT.

    level: 0 to 5. workspace_mib: MiB. profiles: batch ranges besides the main one. portable: some of PORTABLE.
    compute_capabilities: targets of TensorRT-RTX, such as "8.9". has_half_floats: floating point in an int8 file
    becomes half precision.
    """

    level: int | None = None
    workspace_mib: int | None = None
    profiles: tuple[BatchRange, ...] = ()
    portable: tuple[str, ...] = ()
    compute_capabilities: tuple[str, ...] = ()
    has_half_floats: bool = False


def parse_options(words: tuple[str, ...]) -> BuildOptions:
    """Options from words such as "level=5". Raises UsageError that names the word and what is possible.

    >>> parse_options(("level=5",)).level
    5
    """
    options = BuildOptions()
    for word in words:
        name, _, value = word.partition("=")
        try:
            options = replace(options, **_parse(name, value))
        except (KeyError, ValueError, UsageError):
            raise UsageError(f"--builder-option {word} is not valid", fix=f"Expected one of:{HELP}") from None
    return options


def _parse(name: str, value: str) -> dict[str, Any]:
    parts = tuple(value.split("+"))
    if name == "level" and 0 <= int(value) <= 5:
        return {"level": int(value)}
    if name == "workspace" and int(value) > 0:
        return {"workspace_mib": int(value)}
    if name == "profiles":
        return {"profiles": tuple(parse_batch(part) for part in parts)}
    if name == "compatibility" and set(parts) <= set(PORTABLE):
        return {"portable": parts}
    if name == "compute_capabilities":
        return {"compute_capabilities": tuple(f"{float(part):.1f}" for part in parts)}
    if (name, value) == ("float", "fp16"):
        return {"has_half_floats": True}
    raise KeyError(name)
