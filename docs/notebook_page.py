"""A notebook that was executed, as a page of the site: its text, its code, and the outputs that are stored in it."""

import base64
import json
from pathlib import Path
from typing import Any

# A line that begins a cell, and the language of such a cell.
MAGICS = {"%%bash\n": "bash"}


def page(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """The page as Markdown, and the PNG files that it shows, by name."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    images: dict[str, bytes] = {}
    parts: list[str] = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(_code(source))
        for output in cell["outputs"]:
            parts.append(_output(output, f"{notebook.stem}-{len(images) + 1}.png", images))
    return "\n\n".join(parts) + "\n", images


def _code(source: str) -> str:
    for magic, language in MAGICS.items():
        if source.startswith(magic):
            return fenced(source.removeprefix(magic), language)
    return fenced(source, "python")


def _output(output: dict[str, Any], name: str, images: dict[str, bytes]) -> str:
    """An output as Markdown; an image becomes a file of this name."""
    if output["output_type"] == "stream":
        return fenced("".join(output["text"]), "text")
    data = output["data"]
    if "image/png" in data:
        images[name] = base64.b64decode("".join(data["image/png"]))
        return f"![{_description(output)}]({name})"
    return fenced("".join(data["text/plain"]), "text")


def _description(output: dict[str, Any]) -> str:
    """What an image shows, for those who do not see it: what the code says, or that the code draws it."""
    return str(output["metadata"].get("image/png", {}).get("alt", "What the lines above draw"))


def fenced(text: str, language: str) -> str:
    """A block of code.

    >>> print(fenced("a = 1\\n", "python"))
    ```python
    a = 1
    ```
    """
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"
