"""The page of the measured results."""

from docs.reference.results import FOLDER, page


def test_every_result_is_linked_once_by_its_title() -> None:
    text = page()
    files = list(FOLDER.rglob("*.md"))
    assert len(files) > 20
    assert all(text.count(f"](../../benchmarks/results/{each.relative_to(FOLDER).as_posix()})") == 1 for each in files)
    assert "* [What each precision costs](" in text
