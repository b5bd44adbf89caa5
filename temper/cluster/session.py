"""A connection to a Ray cluster, or a cluster of this command's own on this machine; ended in any case."""

import contextlib
import importlib.util
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import temper
from temper.errors import IncompatibleMachine, MissingRuntime, ResourceError, UsageError
from temper.formats import Format
from temper.storage.atomic import SCRATCH_SUFFIX, scratch_beside
from temper.storage.lock import lock_folder
from temper.system.interrupts import Stop

LOCAL = "local"
# The actor, a task that decodes and one that writes run at the same time: with fewer, Ray waits forever.
MIN_CPUS, LOCAL_CPUS = 3, 4
LOCAL_STORE_BYTES = 2**30
CONNECT_SECONDS = 5.0
# Paths of sockets have at most 107 bytes, and Ray adds 65 to this one.
LOCAL_FILES = Path("/tmp/ray")


@contextlib.contextmanager
def ray_session(address: str) -> Iterator[Any]:
    """Yield the module `ray`, connected to the cluster at an address; "local" starts one that ends with the block.

    SIGTERM ends the block as Ctrl-C does. Raises MissingRuntime without Ray, UsageError for an address of Ray
    Client, ResourceError when the cluster cannot be reached, IncompatibleMachine for one with fewer than 3 CPUs.
    """
    if address.startswith("ray://"):
        raise UsageError(
            f"{address} is an address of Ray Client", fix="Run the command on a node of the cluster, with --ray auto."
        )
    is_local = address == LOCAL
    with contextlib.ExitStack() as stack:
        # Ray reads these variables once, when it is imported.
        os.environ.update(_local_variables() if is_local else {})
        ray = _import_ray()
        options = _local_options(stack) if is_local else {"address": address}
        stack.enter_context(_without_native_messages())
        stack.enter_context(_terminable())
        stack.callback(ray.shutdown)
        # Ray ends the process three seconds after SIGTERM, which may be too early for the shutdown.
        stack.callback(signal.alarm, 0)
        _connect(ray, address, options)
        # Again: Ray has set a handler of its own.
        stack.enter_context(_terminable())
        if ray.cluster_resources().get("CPU", 0) < MIN_CPUS:
            raise IncompatibleMachine(
                f"the cluster at {address} has fewer than {MIN_CPUS} CPUs", fix="Start its nodes with more --num-cpus."
            )
        yield ray


def check_ray() -> None:
    """Raise MissingRuntime where Ray Data is not installed; imports nothing."""
    missing = [name for name in ("ray", "pyarrow", "pandas") if not importlib.util.find_spec(name)]
    if missing:
        raise MissingRuntime(
            f"--ray needs Ray Data, and {missing[0]} is not installed",
            fix="Install it:\n    pip install 'ray[data]'",
        )


def _import_ray() -> Any:
    """The module of Ray, which prints nothing."""
    import ray
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # The error that a task raised, and not one that only quotes its text.
    context.raise_original_map_exception = True
    return ray


def count_actors(ray: Any, format: Format) -> int:
    """How many processes load the artifact: one for each GPU, or one for each node where it needs none.

    Raises IncompatibleMachine for an artifact that needs a GPU and a cluster without one.
    """
    if not format.needs_gpu:
        return sum(1 for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1)
    gpus = int(ray.cluster_resources().get("GPU", 0))
    if not gpus:
        raise IncompatibleMachine(
            f"a {format.suffix} artifact needs a GPU, and the cluster has none", fix="Use an .onnx or .xml artifact."
        )
    return gpus


def _local_variables() -> dict[str, str]:
    """A token for this run alone, and addresses of the loopback interface alone, in spite of the variable's name."""
    token = secrets.token_hex(32)
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


def _local_options(stack: contextlib.ExitStack) -> dict[str, Any]:
    _end_killed_runs()
    # What a killed command leaves there is removed by the next one.
    files = stack.enter_context(scratch_beside(LOCAL_FILES))
    stack.callback(_end_processes_of, files)
    return {
        "address": LOCAL,
        "num_cpus": max(LOCAL_CPUS, os.cpu_count() or 1),
        "include_dashboard": False,
        "object_store_memory": LOCAL_STORE_BYTES,
        "_temp_dir": str(files),
        "_node_ip_address": "127.0.0.1",
    }


def _end_killed_runs() -> None:
    """End what a killed command has left running, before its files are removed: it would wait for them forever."""
    for folder in LOCAL_FILES.parent.glob(f".{LOCAL_FILES.name}.*{SCRATCH_SUFFIX}"):
        with contextlib.suppress(OSError), lock_folder(folder, wait=False) as is_killed:
            if is_killed:
                _end_processes_of(folder)


def _end_processes_of(files: Path) -> None:
    """End Ray's processes that have files open in a folder, such as workers that were starting during a shutdown."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_open = any(str(each.readlink()).startswith(f"{files}/") for each in (process / "fd").iterdir())
            if is_open and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)


def _connect(ray: Any, address: str, options: dict[str, Any]) -> None:
    try:
        host, separator, port = address.rpartition(":")
        if separator:
            # Ray itself would try for minutes.
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        ray.init(
            **options,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            # Every node runs the code of this command; libraries must be installed there.
            runtime_env={"py_modules": [str(Path(temper.__file__).parent)]},
        )
    except (OSError, OverflowError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ResourceError(
            f"the Ray cluster at {address!r} cannot be used: {str(error).strip().rstrip('.')}",
            fix="Check the address, the versions of Ray and Python, and the token (RAY_AUTH_TOKEN_PATH).",
        ) from error


@contextlib.contextmanager
def _without_native_messages() -> Iterator[None]:
    """Discard what native code writes to stderr: Ray's advice to its developers, and reports of what it repairs."""
    sys.stderr.flush()
    former = sys.stderr
    with contextlib.ExitStack() as stack:
        stderr = os.dup(2)
        sys.stderr = stack.enter_context(os.fdopen(os.dup(stderr), "w", buffering=1, errors="backslashreplace"))
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            sys.stderr = former


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt; Ray's own handler would do so only where it was not replaced."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not Stop.current or Stop.current.note(number):
        raise KeyboardInterrupt
