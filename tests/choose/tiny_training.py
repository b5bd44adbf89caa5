"""The training of a network with the tiny backbone, for the process that trains."""

from choose.steps import train_network
from temper.dataset.split import Example
from temper.system.quiet import quiet_stderr


def train_tiny(words: list[str], examples: list[Example]) -> None:
    """Train as choose/ does."""
    with quiet_stderr():
        from tests.train.tiny import add_tiny

    add_tiny()
    train_network(words, examples)
