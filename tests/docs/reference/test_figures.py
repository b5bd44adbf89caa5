from docs.reference.figures import page


def test_every_figure_is_listed_with_its_file() -> None:
    lines = page().splitlines()
    row = next(line for line in lines if "47.6 times" in line)
    assert row.startswith("| `docs/training.md` | 47.6 times |")
    assert "(../../benchmarks/results/training-time.md)" in row
    assert "| – |" not in "\n".join(lines)
