from temper.cli.text import percent, plural


def test_one_has_no_plural() -> None:
    assert [plural(count, "epoch") for count in (0, 1, 2)] == ["0 epochs", "1 epoch", "2 epochs"]
    assert plural(3, "image is", "images are") == "3 images are"


def test_a_percentage_has_one_decimal_and_a_space() -> None:
    assert [percent(each) for each in (0, 0.5625, 1)] == ["0.0 %", "56.2 %", "100.0 %"]
