from pathlib import Path

import numpy as np

from temper.dataset.split import Example
from train.evaluation.metrics import evaluate
from train.page.label_rows import LabelRow, label_rows


def test_the_label_with_the_lowest_recall_is_first_and_one_without_held_out_images_last() -> None:
    probabilities = np.eye(3, dtype=np.float32)[[0, 0, 0]]
    evaluation = evaluate(probabilities, np.array([0, 0, 1]), ("cat", "dog", "owl"))
    subsets = {"cat": ("train", "train", "val", "test"), "dog": ("train", "test"), "owl": ("train",)}
    examples = [
        Example(path=Path(f"{label}{i}"), label=label, subset=subset, sha256="")  # type: ignore[arg-type]
        for label, names in subsets.items()
        for i, subset in enumerate(names)
    ]
    assert label_rows(evaluation, examples) == [
        LabelRow(label="dog", counts=(1, 0, 1), part=0.5, recall="0.0 %", precision="never predicted"),
        LabelRow(label="cat", counts=(2, 1, 1), part=1.0, recall="100.0 %", precision="66.7 %"),
        LabelRow(label="owl", counts=(1, 0, 0), part=0.25, recall="no image", precision="never predicted"),
    ]
