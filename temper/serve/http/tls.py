"""A check of the certificate and its key, with sentences that name the file at fault."""

import ssl
from pathlib import Path

from temper.errors import UsageError

# The reasons of OpenSSL for a key of another certificate; the last two are of a key of another kind.
MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


def check_certificate(certfile: Path, keyfile: Path | None) -> None:
    """Raises UsageError when a server cannot use these PEM files; without a keyfile, certfile contains the key too."""
    key = keyfile or certfile
    for option, path in (("--ssl-certfile", certfile), ("--ssl-keyfile", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read ({error.strerror})", fix=f"Check the path of {option}.") from None

    def refuse() -> str:
        # Without this, OpenSSL asks on the terminal, and a service waits for ever.
        raise UsageError(f"the key in {key} is encrypted", fix=f"Decrypt it:\n    openssl pkey -in {key} -out NEW")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile, key, refuse)
    except ssl.SSLError as error:
        if error.reason in MISMATCH:
            what, fix = f"{key} is not the key of the certificate {certfile}", "Name the key that belongs to it."
        elif keyfile:
            what, fix = f"{certfile} is no certificate in PEM form, or {key} no key", "Check both files."
        else:
            what = f"{certfile} does not contain a certificate and its key in PEM form"
            fix = "Name the file of the key with --ssl-keyfile."
        raise UsageError(what, fix=fix) from error
