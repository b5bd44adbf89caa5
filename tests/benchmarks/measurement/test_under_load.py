"""With runners whose behavior is known, in real processes."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cases import Case
from benchmarks.config import BenchmarkConfig
from benchmarks.measurement.samples import Samples
from benchmarks.measurement.session import BenchmarkSession
from benchmarks.measurement.under_load import search_rates_within_limit
from temper.artifact import Artifact
from temper.card import BatchRange, Card
from temper.cli.progress import no_progress
from tests.benchmarks.measurement.test_session import images, sleeping

pytestmark = pytest.mark.programs
CONFIG = BenchmarkConfig(seconds=0.2, p99_ms=500)
__all__ = ["images"]


def of(samples: Samples, artifact: str = "model.onnx", mode: str = "", batch: BatchRange | None = None) -> Samples:
    card = Card(labels=("a", "b"), size=2, batch=batch)
    case = Case(name=samples.name, artifact=Artifact.with_card(Path(artifact), card), mode=mode)
    samples.case = replace(case, mode=mode or case.artifact.format.modes[0])
    return samples


def test_the_rate_is_searched_in_the_mode_in_which_an_artifact_is_served(images: dict[int, Path]) -> None:
    served, other = of(sleeping(0.001)), of(sleeping(0.002), "model.keras", "predict")
    limited = of(sleeping(0.003), batch=BatchRange(1, 1, 2))
    dying = of(sleeping(0.004, dies_at=3))
    everyone = [served, other, limited, dying]
    with BenchmarkSession(everyone, images, CONFIG) as session:
        search_rates_within_limit(session, CONFIG, no_progress)
    assert served.within_limit and served.within_limit.images_per_second > 0
    assert other.within_limit is None
    assert limited.within_limit and limited.within_limit.max_batch <= 2
    assert dying.within_limit is None
    assert "died" in dying.skipped
