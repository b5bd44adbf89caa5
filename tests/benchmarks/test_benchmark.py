from pathlib import Path

from benchmarks.benchmark import _spread
from temper.dataset.split import Example


def test_files_are_taken_from_all_labels_in_whole_batches() -> None:
    examples = [Example(Path(f"{i}.jpg"), "cat" if i < 29 else "dog", "test", "") for i in range(58)]
    chosen = _spread(examples, 32)
    assert (len(chosen), len({each.path for each in chosen})) == (32, 32)
    assert [each.label for each in chosen].count("cat") == 16
    assert len(_spread(examples[:5], 32)) == 5
