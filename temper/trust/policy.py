"""Whether an artifact may be loaded: a program only with an origin that is known, data from anywhere."""

import os
from dataclasses import dataclass
from typing import Literal

from temper.artifact import Artifact
from temper.errors import ArtifactError, UserError
from temper.trust.records import is_recorded, record

# Set to 1 on a server or a device: nothing is loaded without a signature by a trusted key.
VARIABLE = "TEMPER_REQUIRE_SIGNATURE"
Kind = Literal["made here", "signed", "trusted by hand", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where an artifact comes from. signer: the name of the trusted key. problem: of the signature beside it."""

    kind: Kind
    signer: str = ""
    problem: UserError | None = None

    @property
    def is_authentic(self) -> bool:
        """True when the card may decide how its artifact is loaded: this user or a trusted key stands for it."""
        return self.kind in ("made here", "signed")

    def __str__(self) -> str:
        return f"signed by {self.signer}" if self.kind == "signed" else self.kind


def origin_of(artifact: Artifact) -> Origin:
    """Where an artifact comes from; the signature is read only when it was not made here.

    From then on `artifact.card` is the card that the origin is of. Raises ArtifactError without a card.
    """
    sha256 = artifact.card_sha256()
    if is_recorded("made-here", artifact, sha256):
        return Origin(kind="made here")
    # Most starts need none of it.
    from temper.trust.signature import find_signer

    problem: UserError | None = None
    try:
        if signer := find_signer(artifact, sha256):
            return Origin(kind="signed", signer=signer)
    except UserError as error:
        problem = error
    by_hand = is_recorded("trusted-by-hand", artifact, sha256)
    return Origin(kind="trusted by hand" if by_hand else "unknown", problem=problem)


def authenticate(artifact: Artifact, require_signature: bool = False) -> bool:
    """Refuse what may not be loaded; otherwise say whether its card may decide how (Origin.is_authentic).

    Raises ArtifactError for a program of unknown origin, and with `require_signature` or TEMPER_REQUIRE_SIGNATURE for
    everything without a valid signature by a trusted key.
    """
    if require_signature or is_signature_required():
        check_signature(artifact)
        return True
    if not artifact.format.is_program:
        return False
    origin = origin_of(artifact)
    if origin.kind == "unknown":
        # Nobody is asked to trust what is damaged.
        artifact.verified()
        raise _refusal(artifact, origin)
    return origin.is_authentic


def check_signature(artifact: Artifact) -> str:
    """The name of the trusted key that signed an artifact. Raises ArtifactError without a valid signature."""
    from temper.trust.signature import find_signer

    signer = find_signer(artifact, artifact.card_sha256())
    if not signer:
        raise ArtifactError(
            f"{artifact.path} is not signed, and a signature is required",
            fix=f"Sign it where it was made, and copy its .sig file too:\n    temper sign {artifact.path}",
        )
    return signer


def trust_by_hand(artifact: Artifact) -> None:
    """Remember that the user trusts an artifact with this card. Raises ArtifactError for a damaged one."""
    sha256 = artifact.card_sha256()
    artifact.verified()
    record("trusted-by-hand", artifact, sha256)


def is_signature_required() -> bool:
    """Whether the environment variable asks for signatures."""
    return os.environ.get(VARIABLE, "0") not in ("", "0")


def _refusal(artifact: Artifact, origin: Origin) -> UserError:
    what = (
        f"{artifact.path} can run any code on this machine, and it was neither made here by this user nor signed by a "
        "trusted key"
    )
    by_hand = f"If you know who made it, trust it by hand, once:\n    temper verify {artifact.path} --trust"
    if origin.problem is None:
        return ArtifactError(what, fix=by_hand)
    kind = type(origin.problem)
    return kind(f"{what}: {origin.problem.what}", fix=f"{origin.problem.fix}\n{by_hand}")
