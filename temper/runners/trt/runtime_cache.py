"""Kernels that TensorRT-RTX compiled on this GPU, stored so that the next process does not compile them again.

A plan of TensorRT-RTX holds no machine code for the GPU: the runtime compiles it when a context is made, and when a
shape is new (https://docs.nvidia.com/deeplearning/tensorrt-rtx/latest/inference-library/work-with-runtime-cache.html).
"""

from typing import Any

from temper.storage.cache import get_cached, store

SUFFIX = ".rtxcache"


class RuntimeCache:
    """What was compiled for one plan. TensorRT-RTX itself refuses the cache of another GPU, driver or version.

    config: a runtime configuration of the plan's engine. key: of `temper.storage.cache.cache_key`.
    """

    def __init__(self, config: Any, key: str) -> None:
        self._cache, self._key, self._stored = config.create_runtime_cache(), key, b""
        if (stored := get_cached(key, SUFFIX)) and self._cache.deserialize(content := bytes(stored.view)):
            self._stored = content

    def use(self, config: Any) -> None:
        """Contexts that are made with this configuration take kernels from the cache, and add theirs."""
        config.set_runtime_cache(self._cache)

    def save(self) -> None:
        """Store what was compiled since; nothing where nothing was, or where TensorRT-RTX does not serialize it."""
        content = bytes(self._cache.serialize() or b"")
        if content and content != self._stored and store(self._key, SUFFIX, lambda path: path.write_bytes(content)):
            self._stored = content
