"""A sign of life while a compiler is silent: the seconds, and no promise of how many are left."""

import sys

FRAMES = "|/-\\"


class Clock:
    """Draws a line such as `/ building model.plan 0:42` on a terminal's stderr, and nothing elsewhere."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._shown = sys.stderr.isatty()
        self._turns = 0

    def __call__(self, seconds: float) -> None:
        """Draw the line again."""
        if not self._shown:
            return
        self._turns += 1
        frame = FRAMES[self._turns % len(FRAMES)]
        print(
            f"\r{frame} {self._text} {int(seconds) // 60}:{int(seconds) % 60:02}", end="", file=sys.stderr, flush=True
        )

    def erase(self) -> None:
        """Take the line away."""
        if self._shown and self._turns:
            print(f"\r{' ' * (len(self._text) + 12)}\r", end="", file=sys.stderr, flush=True)
