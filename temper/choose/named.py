"""From what a user names to one artifact."""

from pathlib import Path

from temper.artifact import Artifact
from temper.errors import ArtifactError
from temper.formats import format_of


def choose(path: Path | str, require_signature: bool = False) -> Artifact:
    """The artifact at a path; of a folder, the best one that runs on this machine, which is logged with the reason.

    Artifacts without a card and rejected ones never count. A benchmark's report in the folder decides by its measured
    throughput, where it is of the same files (SHA-256), of the same kind of machine (processor, cores, system), and
    shows no drop of top-1 beyond 0.5 points; otherwise Format.preference does. An artifact that is damaged, or may not
    be loaded (temper.trust.policy.authenticate), is left out with a warning. Raises ArtifactError for a path that is
    neither an artifact nor a folder, for a folder without artifacts or with those of several models,
    IncompatibleMachine when none runs here.

    >>> choose("model.onnx").name
    'model.onnx'
    """
    named = Path(path)
    if format_of(named.name) or named.is_file():
        return Artifact.at(named)
    if not named.is_dir():
        problem = "is a pipe, a socket or a device" if named.exists() else "does not exist"
        raise ArtifactError(f"{named} {problem}", fix="Name an artifact, or a folder of artifacts.")
    # Whoever names an artifact needs nothing of what compares several with this machine.
    from temper.choose.best import best_in

    return best_in(named, require_signature)
