"""What a plan's compiler may be told besides the graph: `--builder name=value`."""

from dataclasses import dataclass, replace
from typing import Any

from temper.errors import UserError

Batch = tuple[int, int, int]
PORTABLE = ("version", "ampere", "capability")
EXPLAINED = (
    "level=0..5: how long to search for kernels (TensorRT's own default: 3); "
    "workspace=MiB: most scratch memory a kernel may take; "
    "profiles=1:1:1+8:8:8: more batch ranges, each with kernels of its own; "
    "portable=version (loads in later releases; slower, and carries 100 MB of runtime), "
    "ampere (any GPU since compute capability 8.0; slower), capability (any GPU of this one's); "
    "for=8.6+8.9: compute capabilities of a TensorRT-RTX plan"
)


@dataclass(frozen=True)
class BuildOptions:
    """Settings of the builder; what is None or empty is left to TensorRT.

    level: 0 to 5. workspace_mib: MiB. profiles: (smallest, best, largest) batches besides the main one.
    portable: some of PORTABLE. compute_capabilities: targets of TensorRT-RTX, such as "8.9".
    """

    level: int | None = None
    workspace_mib: int | None = None
    profiles: tuple[Batch, ...] = ()
    portable: tuple[str, ...] = ()
    compute_capabilities: tuple[str, ...] = ()


def parse_options(words: list[str]) -> BuildOptions:
    """Options from words such as "level=5". Raises UserError that names the word and what is possible."""
    options = BuildOptions()
    for word in words:
        name, _, value = word.partition("=")
        try:
            options = replace(options, **_parse(name, value))
        except (KeyError, ValueError):
            raise UserError(f"--builder {word} is not understood. Expected one of: {EXPLAINED}.") from None
    return options


def parse_batch(text: str) -> Batch:
    """(smallest, best, largest) of "1:8:32". Raises ValueError when it is none, or not in order."""
    smallest, best, largest = (int(part) for part in text.split(":"))
    if not 1 <= smallest <= best <= largest:
        raise ValueError(text)
    return smallest, best, largest


def _parse(name: str, value: str) -> dict[str, Any]:
    parts = tuple(value.split("+"))
    if name == "level" and 0 <= int(value) <= 5:
        return {"level": int(value)}
    if name == "workspace" and int(value) > 0:
        return {"workspace_mib": int(value)}
    if name == "profiles":
        return {"profiles": tuple(parse_batch(part) for part in parts)}
    if name == "portable" and set(parts) <= set(PORTABLE):
        return {"portable": parts}
    if name == "for":
        return {"compute_capabilities": tuple(f"{float(part):.1f}" for part in parts)}
    raise KeyError(name)
