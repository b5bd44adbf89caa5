"""report.json: written and read with a check of every field."""

from pathlib import Path
from typing import Any

import msgspec

from benchmarks.analysis.report import SCHEMA, Report
from temper.errors import DataError

FIX = "Name a report.json that `python benchmarks/run.py` of this version wrote."


def report_text(report: Report) -> str:
    """The report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1).decode() + "\n"


def read_report(path: Path) -> Report:
    """A report from its file. Raises DataError for anything else."""
    if not path.is_file():
        # A device or a pipe may have no end.
        raise DataError(f"{path} is not a report (it is no file)", fix=FIX)
    try:
        fields: Any = msgspec.json.decode(path.read_bytes())
        schema = fields.get("schema") if isinstance(fields, dict) else None
        if schema not in (None, SCHEMA):
            raise DataError(f"{path} has report schema {schema!r}; this version reads schema {SCHEMA}", fix=FIX)
        return msgspec.convert(fields, Report)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not a report ({error})", fix=FIX) from None
