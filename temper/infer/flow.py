"""How a stream of images is classified, and how long its stages took."""

from collections.abc import Callable
from dataclasses import dataclass, field

from temper.images import Decoding

# Whether an image is done already: its name, and the SHA-256 of its content, "" before it is known.
IsDone = Callable[[str, str], bool]
DEFAULT_DECODING = Decoding()


@dataclass(kw_only=True)
class StageTimes:
    """Seconds of each stage, and the images that were left out because they were done before.

    decoding: reading and decoding, the sum of all threads. waiting: of the network for pixels. writing: rows to a file.
    """

    decoding: float = 0.0
    waiting: float = 0.0
    network: float = 0.0
    writing: float = 0.0
    done_before: int = 0


def _never(name: str, sha256: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Flow:
    """How a stream of images is classified.

    is_done: which images to leave out. is_live: each image is classified as soon as it is there, and none is read
    ahead. decoding: how much of an image is decoded. times: is added to.
    """

    is_done: IsDone = _never
    is_live: bool = False
    decoding: Decoding = DEFAULT_DECODING
    times: StageTimes = field(default_factory=StageTimes)
