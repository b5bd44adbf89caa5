from temper.cli.tables import Table

TABLE = Table(headings=("name", "ms"), rows=[("a.onnx", "1.5"), ("b", "12.25")], right=frozenset({1}))


def test_columns_are_aligned_and_lines_have_no_trailing_space() -> None:
    assert TABLE.plain().splitlines() == ["name       ms", "a.onnx    1.5", "b       12.25"]
    left = Table(headings=("a", "b"), rows=[("long", ""), ("", "x")])
    assert left.plain().splitlines() == ["a     b", "long", "      x"]


def test_wide_characters_take_two_columns() -> None:
    table = Table(headings=("label", "n"), rows=[("猫猫猫", "1"), ("cat", "2")])
    assert table.plain().splitlines() == ["label   n", "猫猫猫  1", "cat     2"]


def test_a_table_without_rows_is_its_headings() -> None:
    assert Table(headings=("name", "ms"), rows=[]).plain() == "name  ms"


def test_markdown_marks_columns_that_are_aligned_to_the_right_and_escapes_bars() -> None:
    table = Table(headings=("name", "ms"), rows=[("a|b", "1.5")], right=frozenset({1}))
    assert table.markdown().splitlines() == ["| name | ms |", "| --- | ---: |", "| a\\|b | 1.5 |"]


def test_a_cell_forges_no_row_and_is_no_html() -> None:
    table = Table(headings=("image",), rows=[("a\nb \x1b[2J<img src=x>",)])
    assert table.plain().splitlines()[1:] == [r"a\nb \x1b[2J<img src=x>"]
    assert table.markdown().splitlines()[2:] == [r"| a\nb \x1b[2J&lt;img src=x> |"]
