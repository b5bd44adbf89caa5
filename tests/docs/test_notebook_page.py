"""What becomes of a notebook on the site."""

import base64
import json
from pathlib import Path
from typing import Any

from docs.notebook_page import fenced, page

PNG = base64.b64encode(b"pixels").decode()


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": list(outputs)}


def written(folder: Path, *cells: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    path = folder / "lesson.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return page(path)


def test_text_code_and_outputs_follow_each_other_as_in_the_notebook(tmp_path: Path) -> None:
    text = {"cell_type": "markdown", "source": ["# A\n", "\n", "text"]}
    printed = {"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}
    value = {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}}
    content, images = written(tmp_path, text, code("print(1)\nprint(2)", printed), code("%%bash\nls a", value))
    assert not images
    blocks = ["python\nprint(1)\nprint(2)", "text\n1\n2", "bash\nls a", "text\n3"]
    assert content == "\n\n".join(["# A\n\ntext", *(f"```{block}\n```" for block in blocks)]) + "\n"


def test_images_are_files_that_the_page_describes(tmp_path: Path) -> None:
    shown = {"output_type": "display_data", "data": {"image/png": PNG}, "metadata": {"image/png": {"alt": "a cat"}}}
    plain = {"output_type": "display_data", "data": {"image/png": PNG}, "metadata": {}}
    content, images = written(tmp_path, code("show()", shown), code("plot()", plain))
    assert images == {"lesson-1.png": b"pixels", "lesson-2.png": b"pixels"}
    assert "![a cat](lesson-1.png)" in content
    assert "![What the lines above draw](lesson-2.png)" in content


def test_an_output_with_a_fence_does_not_end_its_block() -> None:
    assert fenced("```\ninside\n```", "text") == "````text\n```\ninside\n```\n````"
