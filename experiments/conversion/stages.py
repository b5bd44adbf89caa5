"""Convert a model to int8 ONNX and OpenVINO, and write what each stage took to stdout, as JSON.

    PYTHONPATH=FOLDER python experiments/conversion/stages.py MODEL

FOLDER has the version of the project whose conversion is measured, which may be another one than this file's. The
stages are those that the conversion reports while it runs, so that any version can be measured.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any, Literal

PRECISION: Literal["int8"] = "int8"
SUFFIXES = (".onnx", ".xml")
# What a message says that ends a stage, and the stage that it ends.
ENDED_BY = {
    ": converting ": "start",
    ": verifying": "files",
    ": rejected: ": "verification",
    ": done in ": "verification",
}
# Steps that earlier versions did not report, and the stage in which those are.
STAGES_OF_STEPS = {
    "reading images to compare on": "measuring activation ranges",
    "exporting ": "files",
    "predicting with ": "verification",
}


class Clock(logging.Handler):
    """Measures the time between what a conversion reports; a stage is named for the report that ends it.

    Is called as a progress callback too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.target = ""
        self.stages: dict[str, dict[str, float]] = {}
        # What Python took to start belongs to the first stage.
        self._last = (0.0, time.monotonic())

    def __call__(self, step: str, done: int, total: int) -> None:
        """A step of the conversion."""
        stages = (stage for start, stage in STAGES_OF_STEPS.items() if step.startswith(start))
        self.end_stage(next(stages, step))

    def emit(self, record: logging.LogRecord) -> None:
        """A message of the conversion."""
        message = record.getMessage()
        for text, stage in ENDED_BY.items():
            if text in message:
                self.end_stage(stage)

    def end_stage(self, name: str) -> None:
        """Add the time since the last report to a stage of the target."""
        now = (sum(os.times()[:4]), time.monotonic())
        spent = self.stages.setdefault(f"{self.target}: {name}", {"cpu": 0.0, "seconds": 0.0})
        for unit, before, after in zip(spent, self._last, now, strict=True):
            spent[unit] += after - before
        self._last = now


def convert(model: Path) -> dict[str, Any]:
    """Convert a model; returns the stages and, for each target, its card or why it was rejected."""
    from convert.dataset import ModelDataset
    from convert.pipeline import ConversionRejected, Pipeline
    from convert.settings import ConversionSettings
    from convert.verification.accuracy_gate import GateLimits
    from temper.artifact import Artifact

    clock, source = Clock(), Artifact.at(model)
    logging.getLogger("temper").setLevel(logging.INFO)
    logging.getLogger("temper.convert").addHandler(clock)
    dataset = ModelDataset(model=source.verified())
    pipeline = Pipeline(dataset=dataset, limits=GateLimits(), settings=ConversionSettings(), progress=clock)
    cards: dict[str, Any] = {}
    for suffix in SUFFIXES:
        clock.target, target = suffix, source.sibling(PRECISION, suffix)
        try:
            pipeline.build(target, PRECISION)
        except ConversionRejected as rejected:
            cards[suffix] = {"rejected": rejected.what}
            break
        cards[suffix] = json.loads(target.card_path.read_text(encoding="utf-8"))
    return {"stages": clock.stages, "cards": cards}


if __name__ == "__main__":
    print(json.dumps(convert(Path(sys.argv[1]))))
