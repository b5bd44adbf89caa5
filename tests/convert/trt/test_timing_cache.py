from pathlib import Path

import pytest

from convert.trt.timing_cache import cache_path, load_cache, save_cache

trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")


@pytest.fixture
def config() -> object:
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    return builder.create_builder_config()


def test_each_gpu_driver_and_version_has_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    path = cache_path("tensorrt", "11.4.0.106", "NVIDIA L4", "580.95.05")
    assert path == Path("/caches/temper/tensorrt-11.4.0.106-NVIDIA-L4-580.95.05.timing")
    assert path != cache_path("tensorrt", "11.4.0.106", "NVIDIA L4", "580.95.06")


def test_a_stored_cache_is_loaded_and_not_rewritten(config: object, tmp_path: Path) -> None:
    path = tmp_path / "one.timing"
    load_cache(config, path)
    first = save_cache(config, path)
    written = path.stat().st_mtime_ns
    load_cache(config, path)
    assert save_cache(config, path) == first
    assert path.stat().st_mtime_ns == written


def test_a_damaged_cache_is_replaced(config: object, tmp_path: Path) -> None:
    path = tmp_path / "one.timing"
    path.write_bytes(b"damaged")
    load_cache(config, path)
    save_cache(config, path)
    assert path.read_bytes() != b"damaged"
