"""int8 that repairs itself: when the gate refuses, the layers that do the damage are given back to float."""

import dataclasses
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from convert.pipeline import ConversionRejected, Facts, Pipeline, Step
from convert.precision.calibration import METHODS, Method
from convert.precision.calibration_sample import FEW, describe_sample, draw_sample
from convert.precision.sensitivity import LayerSensitivity, Quantizer
from convert.settings import ConversionSettings
from temper.card import Card, read_card
from temper.formats import load_runner
from temper.runners.base import Images

JUDGED_PICTURES = 128
TIMED_CALLS = 30


def make_int8(pipeline: Pipeline, wish: ConversionSettings, source: Path, target: Path) -> None:
    """Make `target` in int8; leave 1, 2, 4, … layers in float until the gate is content.

    Raises ConversionRejected when `wish.most_kept` layers are not enough.
    """
    recipe = {"to": "onnx", "method": wish.method, "pictures": wish.pictures, "seed": wish.seed, "keep": wish.most_kept}
    step = Step(source, target, "int8", recipe, _nothing)
    if pipeline.is_current(step):
        pipeline.run(step)
        return
    quantizer, facts = _prepare(pipeline, wish, source)
    ranked: list[LayerSensitivity] = []
    counts = _doubling(wish.most_kept)
    for count in counts:
        convert = partial(_convert, quantizer, facts, ranked[:count])
        try:
            pipeline.run(dataclasses.replace(step, make=convert))
            return
        except ConversionRejected as refused:
            if count == counts[-1]:
                raise
            pipeline.say(f"{target.name}: refused, for {'; '.join(refused.violations)}")
            ranked = ranked or quantizer.damage(facts["calibration"]["method"])
            following = counts[counts.index(count) + 1]
            pipeline.say(f"left in float: {', '.join(each.layer for each in ranked[:following])}")


def _nothing(source: Path, target: Path) -> Facts:
    return {}


def _doubling(most: int) -> list[int]:
    counts = [0, *(1 << i for i in range(most.bit_length()))] if most else [0]
    return sorted({min(count, most) for count in counts})


def _convert(quantizer: Quantizer, facts: Facts, kept: list[LayerSensitivity], source: Path, target: Path) -> Facts:
    calibration = facts["calibration"]
    layers = tuple(each.layer for each in kept)
    quantizer.write(target, calibration["method"], layers)
    repair: Facts = {"kept": [dataclasses.asdict(each) for each in kept]}
    if layers:
        repair["slower"] = _slower(quantizer, source, target, calibration["method"])
    return {"calibration": {**calibration, **repair}}


def _prepare(pipeline: Pipeline, wish: ConversionSettings, source: Path) -> tuple[Quantizer, Facts]:
    """Measure ranges by every method asked for, and choose by the answers to pictures that do not calibrate."""
    pictures = pipeline.pictures
    training = pictures.examples("train")
    sample = draw_sample(training, wish.pictures, wish.seed)
    if len(sample) < FEW:
        pipeline.say(f"warning: {len(sample)} pictures calibrate; with fewer than {FEW} the ranges are a guess")
    # The test part is for the gate alone.
    others = pictures.examples("val") or [each for each in training if each not in sample] or training
    judged = np.concatenate(list(pictures.batches(draw_sample(others, JUDGED_PICTURES, wish.seed))))
    quantizer = Quantizer(source, lambda: pictures.batches(sample), judged, pipeline.say)
    attempts = quantizer.choose(METHODS if wish.method == "auto" else (cast(Method, wish.method),))
    chosen = {
        "method": attempts[0].method,
        "mean_difference": {each.method: each.mean_difference for each in attempts},
    }
    return quantizer, {"calibration": {**describe_sample(sample, wish.seed), **chosen}}


def _slower(quantizer: Quantizer, source: Path, kept: Path, method: Method) -> float:
    """CPU time of a call with layers kept in float over one without."""
    card = dataclasses.replace(read_card(source), precision="int8")
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        quantizer.write(plain, method)
        return _ratio((kept, plain), card, quantizer.judged[:1])


def _ratio(paths: tuple[Path, Path], card: Card, image: Images) -> float:
    """Ratio of the medians of interleaved calls."""
    seconds: tuple[list[float], list[float]] = ([], [])
    with load_runner(paths[0], card) as one, load_runner(paths[1], card) as other:
        for _ in range(TIMED_CALLS):
            for runner, spent in zip((one, other), seconds, strict=True):
                started = time.process_time()
                runner.predict(image)
                spent.append(time.process_time() - started)
    return statistics.median(seconds[0]) / statistics.median(seconds[1])
