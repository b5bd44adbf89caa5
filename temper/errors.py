"""What can go wrong and the user can mend. Anything else is a bug and keeps its traceback.

UserError               one message at the door, exit 1
├── MissingRuntime      the library or the device that a format needs is not there
└── UnreadableImage     one picture; the others go on

A message says what happened, what was expected and how to fix it.
"""


class UserError(Exception):
    """A mistake or a circumstance the user can mend; its text is shown without a traceback."""

    @property
    def in_short(self) -> str:
        """What happened, without the remedy: the first sentence."""
        return str(self).splitlines()[0].partition(". ")[0]


class MissingRuntime(UserError):
    """The library or the device that makes or runs a format is not on this machine."""


class UnreadableImage(UserError):
    """A file that cannot be decoded to a picture."""
