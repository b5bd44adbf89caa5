from tests.choose.sample_choices import measured, measurement, report, several


def test_a_better_network_has_points_above_zero_and_an_interval_in_order() -> None:
    points = measured("small-224 int8.xml", 2.0, 96.5, points=0.5).points_from_baseline
    assert points and [round(each, 3) for each in (points.value, points.low, points.high)] == [0.5, -0.7, 1.7]


def test_the_throughput_is_that_of_the_best_batch_size() -> None:
    small = several()[2]
    assert small.images_per_second == max(each.images_per_second.value for each in small.test.throughput)
    assert small.milliseconds == 2.0


def test_an_artifact_is_read_by_its_name() -> None:
    made = measurement(*several())
    assert made.artifact("small-224 int8.xml") == several()[2]
    assert made.artifact("") is None
    assert next(each.name for each in report(*several()).front_artifacts) == "small-160 int8.xml"
