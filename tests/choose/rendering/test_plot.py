import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from choose.records import Measured
from choose.rendering.plot import pareto_figure
from pages.figures import png
from tests.choose.sample_choices import measured, report, several


def lines(figure: Figure, name: str) -> list[tuple[list[float], list[float]]]:
    drawn = [line for line in figure.axes[0].lines if line.get_gid() == name]
    return [(np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()) for line in drawn]


def labels(figure: Figure) -> list[Text]:
    return [text for text in figure.axes[0].texts if text.get_gid() == "label"]


def test_points_are_latency_and_validation_accuracy_and_the_front_leads_through_its_artifacts() -> None:
    figure = pareto_figure(report(*several()))
    assert lines(figure, "mark-small-224 int8.xml") == [([2.0], [96.5])]
    assert lines(figure, "front") == [([1.0, 2.0, 7.0, 20.0], [93.0, 96.5, 97.0, 97.5])]
    assert figure.axes[0].get_xscale() == "log"
    assert png(figure).startswith(b"\x89PNG")


def test_the_front_and_the_baseline_have_names_and_the_choice_is_marked() -> None:
    beside = measured("small-160 fp32.xml", 3.0, 92.0)
    texts = [text.get_text() for text in labels(pareto_figure(report(*several(), beside)))]
    assert "small-224 int8.xml (chosen)" in texts and "resnet50-224 int8.xml" in texts
    assert beside.name not in texts


@pytest.mark.parametrize("distance", [0.001, 0.3])
def test_no_two_names_overlap(distance: float) -> None:
    close: list[Measured] = [
        measured(f"network{i}-224 int8.xml", 2.0 * (1 + distance) ** i, 95.0 + 0.5 * i) for i in range(8)
    ]
    boxes = [text.get_window_extent() for text in labels(pareto_figure(report(*several(), *close)))]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_without_artifacts_the_plot_is_empty() -> None:
    assert labels(pareto_figure(report())) == []


def test_the_choice_is_not_confirmed_where_the_control_failed() -> None:
    texts = [text.get_text() for text in labels(pareto_figure(report(*several(), control=1.05)))]
    assert "small-224 int8.xml (chosen, not confirmed)" in texts
