"""Commands about trust: sign, verify, trustkey."""

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper.cli.console import add_verbosity_options
from temper.errors import ArtifactError, UserError
from temper.exit_codes import ExitCode
from temper.formats import suffixes

if TYPE_CHECKING:
    from temper.artifact import Artifact

LOGGER = logging.getLogger("temper.cli")


def add_parsers(commands: Any) -> None:
    """Add the commands `sign`, `verify` and `trustkey`."""
    text = f"path of an artifact ({', '.join(suffixes())})"
    parser = commands.add_parser(
        "sign",
        help="sign an artifact",
        description="Sign an artifact and its card: writes ARTIFACT.sig. Whoever trusts your public key can then load "
        "it on other machines. The first call makes your key.",
    )
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT", help=text)
    parser.add_argument("--key", type=Path, metavar="FILE", help="private key (PEM, ECDSA) instead of your own")
    add_verbosity_options(parser)
    parser = commands.add_parser(
        "verify",
        help="show where an artifact comes from",
        description="Check that an artifact is undamaged, and show whether it was made here, is signed by a trusted "
        "key, or was trusted by hand. The exit code is 4 when nothing of this holds, or its signature is not valid. "
        "The artifact is not loaded.",
    )
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT", help=text)
    parser.add_argument("--trust", action="store_true", help="trust it from now on; it can run any code")
    parser.add_argument("--require-signature", action="store_true", help="accept nothing but a valid signature")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_verbosity_options(parser)
    parser = commands.add_parser(
        "trustkey",
        help="trust what a key signs",
        description="Load artifacts that are signed by the owner of a public key, from now on. Such an artifact can "
        f"run any code. The command works for artifacts of all formats ({', '.join(suffixes())}).",
    )
    parser.add_argument("key", type=Path, metavar="FILE", help="public key (PEM), as `temper sign` names it")
    add_verbosity_options(parser)


def run_sign(options: argparse.Namespace) -> int:
    """Sign, and print the path of the signature."""
    from temper.artifact import Artifact
    from temper.trust.keys import load_private_key, own_key, own_public_key
    from temper.trust.signature import sign

    key = load_private_key(options.key) if options.key else own_key()
    print(sign(Artifact.at(options.artifact), key))
    if not options.key:
        LOGGER.info("your public key, for `temper trustkey` on other machines: %s", own_public_key(key))
    return ExitCode.OK


def run_verify(options: argparse.Namespace) -> int:
    """Print the origin of an artifact; raise ArtifactError when it is unknown or its signature is not valid."""
    from temper.artifact import Artifact
    from temper.trust.policy import is_signature_required

    artifact = Artifact.at(options.artifact).verified()
    origin, signature, problem = describe_trust(artifact)
    if origin == "unknown" and problem is None:
        problem = ArtifactError(
            "it was neither made here by this user, nor signed by a trusted key, nor trusted by hand",
            fix=f"If you know who made it, trust it by hand, once:\n    temper verify {artifact.path} --trust",
        )
    elif is_signature_required() and signature == "none":
        problem = ArtifactError("it is not signed", fix=f"Sign it:\n    temper sign {artifact.path}")
    if options.json:
        print(json.dumps({"origin": origin, "signature": signature, "problem": str(problem or "")}))
    else:
        print(f"{artifact.name}: undamaged\norigin: {origin}\nsignature: {signature}")
    if problem:
        raise type(problem)(f"{artifact.path}: {problem.what}", fix=problem.fix)
    return ExitCode.OK


def describe_trust(artifact: "Artifact") -> "tuple[str, str, UserError | None]":
    """The origin of an artifact, its signature ("none", "valid, by KEY", "not valid"), and what is wrong with it."""
    from temper.trust.policy import origin_of
    from temper.trust.signature import find_signer

    origin = origin_of(artifact)
    try:
        signer = find_signer(artifact, artifact.card_sha256())
    except UserError as error:
        return str(origin), "not valid", error
    return str(origin), f"valid, by {signer}" if signer else "none", None


def run_trust_key(options: argparse.Namespace) -> int:
    """Store a public key among the trusted ones, and print where."""
    from temper.trust.keys import add_trusted_key

    print(add_trusted_key(options.key))
    return ExitCode.OK
