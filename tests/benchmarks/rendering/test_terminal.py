import pytest
from rich.cells import cell_len

from benchmarks.analysis.verdict import with_verdicts
from benchmarks.rendering.table import columns
from benchmarks.rendering.terminal import fitting_columns, terminal_text
from tests.benchmarks.sample_reports import KERAS, case_result, complete, estimate, report

ALWAYS = ["top-1 %", "agreement %", "p50 ms", f"speedup vs {KERAS}"]


def test_noise_comes_first_and_a_passed_control_after_the_table() -> None:
    noisy = terminal_text(with_verdicts(report(case_result(KERAS, 80), control=1.2)))
    assert noisy.startswith("The machine is too noisy")
    quiet = terminal_text(with_verdicts(complete()))
    assert quiet.index("A/A control") > quiet.index("top-1 %")


def test_the_recommendation_comes_first_and_once() -> None:
    made = with_verdicts(report(case_result(KERAS, 80), case_result("model.onnx", 20, estimate(4.0))))
    text = terminal_text(made)
    assert text.startswith(f"{made.cases[1].verdict}\nTemper on <images> & more: 400 held-out images at 224 pixels.\n")
    assert text.count("Recommended.") == 1


def test_without_a_terminal_every_column_is_shown_and_nothing_is_wrapped() -> None:
    made = with_verdicts(complete())
    text = terminal_text(made)
    assert all(column.heading in text for column in columns(made))
    assert "more column" not in text
    assert all(case.verdict in text.splitlines() for case in made.cases)


@pytest.mark.parametrize("width", [100, 120, 160])
def test_in_a_terminal_no_line_is_wider_than_it(width: int) -> None:
    made = with_verdicts(complete())
    text = terminal_text(made, width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    hidden = len(columns(made)) - len(fitting_columns(made, width))
    assert (f"{hidden} more column" in text) is bool(hidden)


def test_a_narrow_terminal_shows_the_most_important_columns_in_the_order_of_the_table() -> None:
    made = complete()
    assert [column.heading for column in fitting_columns(made, 10)] == ALWAYS
    wide = [column.heading for column in fitting_columns(made, 150)]
    assert set(ALWAYS) < set(wide)
    assert wide == [column.heading for column in columns(made) if column.heading in wide]
    assert len(fitting_columns(made, 1000)) == len(columns(made))
