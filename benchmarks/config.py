"""What is measured and for how long."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """Settings of a benchmark.

    seconds: of latency samples for each case, and of throughput samples for each case and batch size.
    cold_starts: processes that are started for each case. scenario_seconds: of each LoadGen run; 0 for none.
    server_latency_bound_ms: of p99 in LoadGen's Server scenario. p99_ms: limit for which the rate is searched; 0 for no
    search. quick: leave out end-to-end runs and peak compute.
    logs: folder of LoadGen's logs.
    """

    seconds: float = 8.0
    batch_sizes: tuple[int, ...] = (1, 8)
    cold_starts: int = 1
    scenario_seconds: float = 0.0
    server_latency_bound_ms: float = 100.0
    p99_ms: float = 0.0
    quick: bool = False
    logs: Path = Path("loadgen")
