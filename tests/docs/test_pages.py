"""What the site is built of."""

import re
from pathlib import Path
from typing import Any

import yaml

from docs.pages import GENERATED, documents
from temper.formats import FORMATS
from tests.source import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def targets(part: Any) -> list[str]:
    """The pages that a part of the navigation names."""
    if isinstance(part, str):
        return [part]
    return [page for each in (part.values() if isinstance(part, dict) else part) for page in targets(each)]


def test_the_navigation_names_every_page_but_the_results_once(pages: Path) -> None:
    named = targets(yaml.safe_load(CONFIG)["nav"])
    collected = {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}
    assert sorted(named) == sorted(name for name in collected if not name.startswith("benchmarks/"))


def test_every_link_between_pages_leads_to_a_file(pages: Path) -> None:
    for page in pages.rglob("*.md"):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            path = target.partition("#")[0]
            assert "://" in target or not path or (page.parent / path).is_file(), (page.name, target)


def test_pages_of_the_repository_are_copied_but_for_links_to_the_notebook(pages: Path) -> None:
    assert len(documents()) > 40
    for page in documents():
        copied = (pages / page.relative_to(ROOT)).read_text(encoding="utf-8")
        assert copied == page.read_text(encoding="utf-8").replace("tutorial.ipynb)", "tutorial.md)")
    assert "](docs/tutorial.md)" in (pages / "index.md").read_text(encoding="utf-8")


def test_the_notebook_is_a_page_with_its_images(pages: Path) -> None:
    text = (pages / "docs" / "tutorial.md").read_text(encoding="utf-8")
    images = re.findall(r"!\[[^\]]+\]\((.+?)\)", text)
    assert len(images) == 7
    assert all((pages / "docs" / name).read_bytes().startswith(b"\x89PNG") for name in images)


def test_what_is_generated_is_not_in_the_repository(pages: Path) -> None:
    for name in GENERATED:
        assert (pages / "docs" / "reference" / name).stat().st_size
        assert not (ROOT / "docs" / "reference" / name).exists()


def test_files_that_the_configuration_adds_to_the_theme_are_there(pages: Path) -> None:
    config = yaml.safe_load(CONFIG)
    for name in (*config["extra_css"], *config["extra"]["polyfills"]):
        assert (pages / name).is_file()


def test_the_diagram_names_formats_that_exist() -> None:
    text = re.sub(r"<[^>]+>", "\n", (ROOT / "docs" / "pipeline.svg").read_text(encoding="utf-8"))
    named = set(re.findall(r"(?<!\S)\.[a-z]+", text))
    assert {".keras", ".onnx", ".plan"} <= named <= {each.suffix for each in FORMATS}
