"""The Python API: `temper.load(path)` loads an artifact, and calling the result classifies images."""

import math
from collections.abc import Iterator
from pathlib import Path

from temper.artifact import Artifact
from temper.card import Card
from temper.choose import choose
from temper.closing import Closing
from temper.images import MAX_PIXELS, Decoding
from temper.infer.classify import classify
from temper.infer.flow import Flow
from temper.infer.results import Result
from temper.infer.sources import DEFAULT_FPS, Source, SourceOptions, is_live, iterate_sources
from temper.runners.base import RuntimeInfo
from temper.runners.load import open_runner
from temper.trust.policy import trust_by_hand


class Classifier(Closing):
    """An artifact that is loaded, ready to classify images; a context manager. `temper.load` makes one.

    >>> with load("model.onnx") as classifier:
    ...     for number, result in enumerate(classifier(["a.jpg", "photos/"], top_k=2)):
    ...         print(result.source, result.label, [each.label for each in result.predictions])
    ...         result.save(f"labeled/{number}.png")
    a.jpg red ['red', 'blue']
    photos/b.jpg blue ['blue', 'red']
    """

    def __init__(
        self, artifact: Artifact, mode: str = "", *, require_signature: bool = False, max_pixels: int = MAX_PIXELS
    ) -> None:
        if mode and mode not in artifact.format.modes:
            modes = ", ".join(filter(None, artifact.format.modes))
            expected = f"expected one of {modes}" if modes else "it has no modes"
            raise ValueError(f"{artifact.format.title} has no mode {mode!r}; {expected}")
        self._max_pixels = max_pixels
        self._runner = open_runner(artifact, mode, require_signature)

    def __call__(
        self,
        source: Source,
        *,
        top_k: int = 1,
        fps: float = DEFAULT_FPS,
        allow_private: bool = False,
        full_decode: bool = False,
    ) -> Iterator[Result]:
        """Classify images in batches, with bounded memory; yields results in the order of the images.

        source: the name of a file, a folder, a pattern ("photos/*.jpg"), a tar shard, a video, a camera ("/dev/video0")
        or a URL, or "-" for an image on stdin (temper.infer.sources.names says what a name stands for); a PIL image, an
        array uint8 RGB [height, width, 3]; or an iterable of those, which may be endless and is read a few batches
        ahead: change no array before its result is yielded. top_k: labels for each image. fps: frames to take of each
        second of a video. allow_private: whether a URL may lead to this machine or a private network.
        full_decode: decode large JPEG files at their full scale: several times as slow, and a few labels differ.

        An image that cannot be read gives a Result with an error. Result.unknown is set when the card has a confidence
        threshold. While results are read, DataError is raised for a folder without images and a pattern without a
        match, MissingRuntime for a video without PyAV, ValueError for another array, TypeError for any other object.
        """
        if top_k < 1:
            raise ValueError(f"top_k is {top_k}; expected 1 or more")
        if not 0 < fps < math.inf:
            raise ValueError(f"fps is {fps}; expected a number above 0")
        images = iterate_sources(source, SourceOptions(fps=fps, allow_private=allow_private))
        decoding = Decoding(full=full_decode, max_pixels=self._max_pixels)
        flow = Flow(is_live=is_live(source), decoding=decoding)
        return classify(self._runner, images, top_k, self.card.confidence_threshold, flow)

    @property
    def card(self) -> Card:
        """What the artifact means."""
        return self._runner.card

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the output."""
        return self.card.labels

    @property
    def runtime(self) -> RuntimeInfo:
        """What really runs: runtime, device and executed precision."""
        return self._runner.runtime_info()

    def close(self) -> None:
        """Release what the runtime holds."""
        self._runner.close()


def load(
    path: Path | str,
    *,
    mode: str = "",
    trust: bool = False,
    require_signature: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Classifier:
    """Load an artifact of any format (temper.formats.FORMATS) after checking it against its card.

    path: of the artifact, or of a folder, of which the best artifact that runs here is chosen (temper.choose). mode:
    how the runtime is called, where there are several ways (temper.formats.Format.modes); by default the first that
    works. trust: remember that you trust this artifact, which can run any code (docs/trust.md). require_signature: load
    nothing without a signature by a trusted key. max_pixels: an image with more is refused before it is decoded. Raises
    ArtifactError for a missing or damaged artifact and for one that may not be loaded, MissingRuntime when its library
    or device is not on this machine (both are a temper.UserError), ValueError for an unknown mode, and for `trust` with
    a folder or with `require_signature`.

    >>> load("model.onnx").labels
    ('blue', 'red')
    """
    artifact = choose(path, require_signature)
    if trust:
        if require_signature or artifact.path != Path(path):
            raise ValueError("trust is for one artifact that is named, and not for require_signature")
        trust_by_hand(artifact)
    return Classifier(artifact, mode, require_signature=require_signature, max_pixels=max_pixels)
