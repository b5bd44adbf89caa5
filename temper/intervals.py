"""95 % intervals of shares, and of a fall in accuracy measured on the same pictures."""

import math

Z95 = 1.959964


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Interval of a share (Wilson 1927), bounds in [0, 1]."""
    share, z2 = successes / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def drop_interval(lost: int, won: int, n: int) -> tuple[float, float]:
    """Interval of the paired fall in accuracy, (lost - won) / n, after Agresti and Min 2005."""
    b, c, m = lost + 0.5, won + 0.5, n + 2
    middle = (b - c) / m
    half = Z95 * math.sqrt(b + c - (b - c) ** 2 / m) / m
    return max(-1.0, middle - half), min(1.0, middle + half)
