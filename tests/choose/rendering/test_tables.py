from choose.records import Failure
from choose.rendering.tables import failure_table, main_table
from choose.rule import Limits
from tests.choose.sample_choices import report, several


def test_a_row_has_validation_and_test_figures_with_the_intervals_of_the_latter() -> None:
    table = main_table(report(*several()))
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["small-224 int8.xml"] == [
        "96.5", "95.0 [93.0, 97.0]", "+0.5 [-0.7, +1.7]", "2.00", "615.6", "3.50 [3.43, 3.57]", "3.50 [3.43, 3.57]",
        "5.0", "chosen; Pareto front",
    ]  # fmt: skip
    # The baseline is not compared with itself.
    assert rows["resnet50-224 int8.xml"][2::3] == ["–", "–", "baseline; Pareto front"]
    assert rows["small-160 int8.xml"][-1] == "Pareto front; 4.5 points below the most accurate, more than 1"


def test_every_failure_is_a_row_with_its_reason() -> None:
    made = report(*several(), limits=Limits(), failures=(Failure(name="big-224", reason="no weights"),))
    assert failure_table(made).rows == [["big-224", "no weights"]]


def test_what_the_rule_takes_is_not_confirmed_where_the_control_failed() -> None:
    rows = {row[0]: row for row in main_table(report(*several(), control=1.05)).rows}
    assert rows["small-224 int8.xml"][-1] == "chosen, not confirmed; Pareto front"
