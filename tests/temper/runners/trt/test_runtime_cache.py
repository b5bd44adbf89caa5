from pathlib import Path

import pytest

from temper.runners.trt.runtime_cache import RuntimeCache
from tests.temper.runners.simulated_gpu import SimulatedCache, SimulatedRuntimeConfig


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "temper"


def compiled(key: str, gpu: str = "L4") -> list[str]:
    """What a new process has for a key before it compiles."""
    config = SimulatedRuntimeConfig(gpu)
    RuntimeCache(config, key).use(config)
    assert config.cache
    return config.cache.kernels


def test_what_was_compiled_is_there_in_the_next_process_for_the_same_key_and_gpu() -> None:
    config = SimulatedRuntimeConfig("L4")
    cache = RuntimeCache(config, "one")
    cache.use(config)
    assert config.cache
    config.cache.kernels.append("conv")
    cache.save()
    assert compiled("one") == ["conv"]
    assert compiled("two") == []
    assert compiled("one", "H100") == []


def test_nothing_is_written_where_nothing_new_was_compiled(folder: Path) -> None:
    config = SimulatedRuntimeConfig("L4")
    RuntimeCache(config, "one").save()
    (stored,) = folder.iterdir()
    stored.touch()
    before = stored.stat().st_mtime_ns
    RuntimeCache(config, "one").save()
    assert [path.stat().st_mtime_ns for path in folder.iterdir()] == [before]


def test_a_cache_that_is_not_serialized_is_not_stored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedCache, "serialize", lambda self: None)
    RuntimeCache(SimulatedRuntimeConfig("L4"), "one").save()
    assert not list(folder.glob("*"))
