"""Numbers as text in messages and reports."""


def plural(number: int, one: str, many: str = "") -> str:
    """A number and what it counts. many: the plural, if it is not `one` with an s.

    >>> plural(1, "image"), plural(1200, "image"), plural(2, "pass", "passes")
    ('1 image', '1,200 images', '2 passes')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def percent(fraction: float) -> str:
    """A fraction as a percentage.

    >>> percent(0.5625)
    '56.2 %'
    """
    return f"{100 * fraction:.1f} %"
