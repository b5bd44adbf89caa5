"""Executes a notebook, and stores it with its outputs: without paths of the machine, and with small images.

The cells run in an empty folder that has links to the folders of the clone. So their commands are those of a clone,
nothing that an earlier execution made is used again, and nothing is left.
"""

import base64
import hashlib
import io
import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from temper.errors import DataError, MissingRuntime
from temper.images import EncodedImage, open_image
from temper.storage.atomic import atomic_write

if TYPE_CHECKING:
    from nbformat import NotebookNode

LOGGER = logging.getLogger("temper.docs")
ROOT = Path(__file__).resolve().parents[1]
# What the commands of a clone need beside them.
LINKED = ("Makefile", "temper", "data", "train", "convert", "infer", "benchmarks")
# A code that a terminal obeys.
COLOR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Of a chart: it has few colors.
COLORS, MAX_WIDTH = 64, 800
CELL_SECONDS = 300
# Where the notebook records which code its outputs are of.
RECORD = "temper"


def execute(path: Path, replaced: Mapping[str, str] | None = None) -> "NotebookNode":
    """Execute a notebook in a process of its own; returns it with its outputs, as they are stored.

    replaced: what is executed in place of a part of the code. Raises DataError when a cell fails, MissingRuntime when
    what executes it is not installed.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
        from traitlets.config import Config
    except ModuleNotFoundError as error:
        raise MissingRuntime(
            f"{error.name}, which executes notebooks, is not installed", fix="Run `make tutorial`, which installs it."
        ) from None
    notebook = nbformat.read(path, as_version=4)
    for old, new in (replaced or {}).items():
        _replace(notebook, old, new)
    with tempfile.TemporaryDirectory(prefix="temper-") as scratch, mock.patch.dict(os.environ, environment()):
        folder = Path(scratch).resolve()
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        # Sockets in the folder: no port is opened.
        sockets = Config(KernelManager={"transport": "ipc", "ip": str(folder / ".kernel")})
        client = NotebookClient(
            notebook, config=sockets, kernel_name="python3", timeout=CELL_SECONDS, record_timing=False
        )
        client.on_cell_execute = _report
        try:
            client.execute(cwd=str(folder))
        except CellExecutionError as error:
            raise DataError(f"a cell of {path.name} failed:\n{error}", fix="Correct it, or what it calls.") from None
        _clean(notebook, folder)
    return notebook


def write(notebook: "NotebookNode", path: Path) -> None:
    """Write an executed notebook."""
    import nbformat

    with atomic_write(path) as new:
        nbformat.write(notebook, new)


def environment() -> dict[str, str]:
    """What the cells see: `python` is this one."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def hash_of_code(notebook: dict[str, Any]) -> str:
    """SHA-256 of the code of all cells: outputs belong to it."""
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    text = ["".join(each) for each in code]
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()


def _replace(notebook: "NotebookNode", old: str, new: str) -> None:
    """Replace a part of the code that occurs once. Raises ValueError where it does not."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source]
    if len(cells) != 1:
        raise ValueError(f"{old!r} is in {len(cells)} cells, and not in one")
    cells[0].source = cells[0].source.replace(old, new)


def _report(cell: "NotebookNode", cell_index: int) -> None:
    first = cell.source.partition("\n")[2 if cell.source.startswith("%%") else 0].partition("\n")[0]
    LOGGER.info("cell %s: %s", cell_index, first or cell.source)


def _clean(notebook: "NotebookNode", folder: Path) -> None:
    """Leave nothing that depends on the machine or the day, and record which code the outputs are of."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [_cleaned(each, folder) for each in _joined(cell.outputs)]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        RECORD: {"code_sha256": hash_of_code(notebook)},
    }


def _joined(outputs: list[Any]) -> list[Any]:
    """Text that follows text is one output: messages and results in the order in which they came."""
    joined: list[Any] = []
    for output in outputs:
        if (text := _text_of(output)) is None:
            joined.append(output)
        elif joined and joined[-1].output_type == "stream":
            joined[-1].text += text
        else:
            joined.append(type(output)(output_type="stream", name="stdout", text=text))
    return joined


def _text_of(output: Any) -> str | None:
    """An output that is nothing but text; Keras shows a summary as text and as HTML."""
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "display_data" and output.data.keys() <= {"text/plain", "text/html"}:
        return str(output.data["text/plain"])
    return None


def _cleaned(output: Any, folder: Path) -> Any:
    if output.output_type == "stream":
        output.text = _plain(output.text, folder)
    elif "image/png" in output.data:
        output.data = {"image/png": smaller(output.data["image/png"])}
    else:
        output.data = {"text/plain": _plain(output.data["text/plain"], folder)}
    return output


def _plain(text: str, folder: Path) -> str:
    """Text without colors and without paths of this machine."""
    text = COLOR.sub("", text)
    for path in (folder, ROOT):
        text = text.replace(f"{path}/", "").replace(str(path), ".")
    return text


def smaller(png: str) -> str:
    """A chart in base64, with fewer colors, and not wider than a page."""
    image = open_image(EncodedImage("chart.png", base64.b64decode(png))).convert("RGB")
    image.thumbnail((MAX_WIDTH, 10 * MAX_WIDTH))
    stored = io.BytesIO()
    image.quantize(COLORS).save(stored, "PNG", optimize=True)
    return base64.b64encode(stored.getvalue()).decode()
