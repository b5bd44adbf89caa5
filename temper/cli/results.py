"""Results on stdout: as text, JSON or a table."""

import logging
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from temper.escaping import visible
from temper.exit_codes import ExitCode

if TYPE_CHECKING:
    from temper.infer.results import Result

HEADER = ("file", "rank", "label", "probability", "unknown", "error")
LOGGER = logging.getLogger("temper.cli")


def show(results: Iterable["Result"], form: str) -> int:
    """Print results as they come ("text", "json" or "csv"); returns the exit code."""
    code, is_terminal = ExitCode.OK, sys.stdout.isatty()
    is_utf8 = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    write_row = _table_writer(is_terminal) if form == "csv" else None
    for result in results:
        if result.error:
            code = ExitCode.SOME_FAILED
            sys.stdout.flush()
            LOGGER.error("%s", visible(result.error))
        if form == "json":
            print(_as_json(result.as_dict(), is_utf8, is_terminal))
        elif write_row:
            write_row(result)
        elif not result.error:
            print(visible(f"{result.source}: {result.text()} ({result.milliseconds:.1f} ms)"))
    # Before the runtime is closed, which takes OpenVINO as long as an inference.
    sys.stdout.flush()
    return code


def _table_writer(is_terminal: bool) -> Callable[["Result"], None]:
    """Write the heading to stdout; returns what writes the rows of a result."""
    import csv

    from temper.infer.rows import rows_by_rank

    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEADER)

    def write(result: "Result") -> None:
        # In files and pipes every name can be restored; a terminal would obey it.
        rows = rows_by_rank(result)
        table.writerows([[visible(str(cell)) for cell in row] for row in rows] if is_terminal else rows)

    return write


def _as_json(fields: dict[str, Any], is_utf8: bool, is_terminal: bool) -> str:
    import json

    text = json.dumps(fields, ensure_ascii=not is_utf8)
    # JSON itself escapes only some of the codes that a terminal obeys.
    return json.dumps(fields) if is_terminal and not text.isprintable() else text
