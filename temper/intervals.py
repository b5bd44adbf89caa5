"""95 % intervals of proportions, and of a drop in accuracy that is measured on the same images."""

import math

Z95 = 1.959964


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Interval of a proportion, bounds in [0, 1] (Wilson 1927).

    >>> [round(bound, 3) for bound in wilson(81, 263)]
    [0.255, 0.366]
    """
    proportion, z2 = successes / n, Z95**2
    center = (proportion + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(proportion * (1 - proportion) / n + z2 / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)


def drop_interval(regressed: int, improved: int, n: int) -> tuple[float, float]:
    """Interval of the paired drop in accuracy, (regressed - improved) / n (Agresti and Min 2005)."""
    b, c, m = regressed + 0.5, improved + 0.5, n + 2
    center = (b - c) / m
    half = Z95 * math.sqrt(b + c - (b - c) ** 2 / m) / m
    return max(-1.0, center - half), min(1.0, center + half)
