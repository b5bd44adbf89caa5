"""Serve artifacts over HTTP: the Open Inference Protocol (version 2), image files to labels, a page at /, metrics.

    %(prog)s artifacts/model.int8.onnx
    %(prog)s artifacts/ --host 0.0.0.0 --token-file token.txt
    curl --data-binary @cat.jpg http://127.0.0.1:8000/v2/models/model/classify

Of a folder, the best artifact that runs on this machine is served. A new artifact under the same name is checked,
and replaces the former one without a lost request. Ctrl-C or SIGTERM answers what was accepted, and stops.
"""

import argparse
import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper.cli.console import add_verbosity_options
from temper.cli.options import add_decoding_options, decoding_of, whole_number
from temper.errors import MissingRuntime, UsageError
from temper.exit_codes import ExitCode
from temper.formats import suffixes

if TYPE_CHECKING:
    from temper.artifact import Artifact

LOGGER = logging.getLogger("temper.cli")
INSTALL = "pip install starlette uvicorn httptools prometheus-client"


def add_parsers(commands: Any) -> None:
    """Add the command `serve`."""
    parser = commands.add_parser(
        "serve",
        help="serve artifacts over HTTP",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    text = f"artifacts ({', '.join(suffixes())}), or folders of artifacts"
    add("artifacts", nargs="+", type=Path, metavar="ARTIFACT", help=text)
    add(
        "--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all (default: %(default)s, this machine)"
    )
    add("--port", type=whole_number(0, 65535), default=8000, help="port; 0 for any free one (default: %(default)s)")
    text = "file with a token that requests must send as `Authorization: Bearer TOKEN`"
    add("--token-file", type=Path, metavar="FILE", help=text)
    add("--ssl-certfile", type=Path, metavar="FILE", help="certificate (PEM): serve https")
    add("--ssl-keyfile", type=Path, metavar="FILE", help="its key (PEM), if it is not in the same file")
    text = (
        "largest number of images in a call of the runtime (default: that of the card's latency budget, which is then "
        "the limit; else the card's best one; 8 on a CPU)"
    )
    add("--max-batch", type=whole_number(1, 4096), metavar="N", help=text)
    text = "let an idle runtime wait for a fuller batch (default: %(default)g)"
    add("--max-wait-ms", type=_milliseconds, default=0.0, metavar="MS", help=text)
    text = "images that may wait, for each model; further ones get 503 (default: %(default)s)"
    add("--max-queue", type=whole_number(1, 1_000_000), default=256, metavar="N", help=text)
    text = "a request that is not answered within this time gets 504 (default: %(default)g)"
    add("--deadline-ms", type=_milliseconds, default=5000.0, metavar="MS", help=text)
    text = "labels that `classify` returns, unless the request says (default: %(default)s)"
    add("--top-k", type=whole_number(1, 1_000_000), default=5, metavar="K", help=text)
    add_decoding_options(parser)
    add_verbosity_options(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until the process is stopped."""
    try:
        from temper.serve.http.access import read_token
        from temper.serve.server import serve
        from temper.serve.settings import Limits, Settings
    except ModuleNotFoundError as error:
        raise MissingRuntime(
            f"the server needs {error.name}, which is not installed", fix=f"Install it:\n    {INSTALL}"
        ) from None
    if options.ssl_keyfile and not options.ssl_certfile:
        raise UsageError("--ssl-keyfile needs --ssl-certfile", fix="Name both.")
    if not options.deadline_ms:
        raise UsageError("--deadline-ms is 0", fix="Name a time in which a request can be answered, such as 5000.")
    if options.max_wait_ms >= options.deadline_ms:
        raise UsageError(
            f"--max-wait-ms is {options.max_wait_ms:g}, and --deadline-ms {options.deadline_ms:g}: "
            "a request would wait until its deadline has passed",
            fix="Name a shorter wait, or a later deadline.",
        )
    settings = Settings(
        host=options.host,
        port=options.port,
        token=read_token(options.token_file) if options.token_file else "",
        certfile=options.ssl_certfile,
        keyfile=options.ssl_keyfile,
        max_batch=options.max_batch,
        max_wait_ms=options.max_wait_ms,
        max_queue=options.max_queue,
        deadline_ms=options.deadline_ms,
        top_k=options.top_k,
        full_decode=options.full_decode,
        limits=Limits(max_pixels=decoding_of(options).max_pixels),
    )
    serve(named(options.artifacts), settings)
    return ExitCode.OK


def named(paths: list[Path]) -> "dict[str, Artifact]":
    """Artifacts by the name in their URL: that of the model, or of the file where several belong to one model.

    Raises UserError when a path is no artifact, and UsageError for two files of one name.
    """
    from temper.choose import choose

    artifacts = [choose(path) for path in dict.fromkeys(paths)]
    count = Counter(each.model_name for each in artifacts)
    names = [each.model_name if count[each.model_name] == 1 else each.name for each in artifacts]
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        raise UsageError(f"two artifacts are called {twice[0]}", fix="Rename one: its name is a part of the URL.")
    return dict(zip(names, artifacts, strict=True))


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3_600_000:
        raise argparse.ArgumentTypeError(f"expected milliseconds from 0 to 3600000, got {text!r}")
    return value
