from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.suspects import run as experiment

pytestmark = pytest.mark.tensorflow


def test_the_report_has_a_row_for_each_seed_and_the_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Imported here: other tests do without TensorFlow, whose import takes seconds.
    from tests.train import tiny

    tiny.add_tiny()
    tiny.build(include_top=False, weights=None).save_weights(tmp_path / "tiny.weights.h5")
    random = np.random.default_rng(0)
    for label, shade in (("day", 200), ("night", 40)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for index in range(30):
            pixels = random.integers(shade - 30, shade + 30, (32, 32, 3)).astype(np.uint8)
            if (label, index) == ("day", 3):
                pixels -= 160
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{index}.png")
    verdicts = tmp_path / "looked_at.csv"
    verdicts.write_text("path,verdict\nday/3.png,wrong: at night\n")
    monkeypatch.setattr(experiment, "LOOKED_AT", verdicts)
    names = {"photos": "photos", "weights": "tiny.weights.h5", "work": "work", "sheet": "sheet.png", "out": "table.md"}
    paths = [word for option, name in names.items() for word in (f"--{option}", str(tmp_path / name))]
    options = experiment.parse([*paths, "--backbone", "tiny", "--size", "32", "--seeds", "2", "--cost-images"])
    assert experiment.run(options) == 0
    text = (tmp_path / "table.md").read_text()
    assert "60 photos of 2 labels, tiny at 32 px, frozen (tiny.weights.h5). 5.0 % of the labels" in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| 256 dimensions")]
    assert [row[1:3] for row in rows] == [["0", "3"], ["1", "3"]]
    assert "| day/3.png | day | night |" in text
    assert "| wrong: at night |" in text
    assert "1 of 60 photos are listed: 1 wrong." in text
    assert (tmp_path / "sheet.png").stat().st_size > 5000
