import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.card import FileReference, Host, Provenance
from temper.errors import ArtifactError, MissingRuntime, ResourceError, UserError
from temper.runners import tensorrt
from temper.runners.base import Images, RuntimeInfo
from temper.runners.load import load_runner
from temper.system.gpu import find_gpu
from tests.temper.runners.simulated_runner import Simulation, plan_info


@pytest.fixture
def images() -> Images:
    return np.random.default_rng(3).integers(0, 255, (30, 16, 16, 3), dtype=np.uint8)


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_without_a_gpu_the_error_names_what_to_run_instead(bundle: Path) -> None:
    onnx = Artifact.at(bundle).sibling("fp32", ".onnx")
    provenance = Provenance(source=FileReference(onnx.name, onnx.card.sha256))
    card = onnx.card.changed(provenance=provenance, plan=plan_info(), host=Host())
    plan = onnx.path.with_suffix(".plan")
    shutil.copy(onnx.path, plan)
    with pytest.raises(MissingRuntime, match="there is none here") as caught:
        load_runner(Artifact.with_card(plan, card))
    assert str(caught.value).endswith(f"\n    {onnx.path}")


@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 9, 30])
def test_each_image_gets_its_own_probabilities_however_batches_overlap(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images, n: int
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 2, 4)])
    with simulation.open() as runner:
        for _ in range(3):
            assert np.abs(runner.predict(images[:n]) - simulation.expected(images[:n])).max() < 1e-6


def test_while_one_batch_is_computed_the_next_is_enqueued(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 4, 4)])
    enqueued: list[int] = []
    synchronize = simulation.cuda.synchronize

    def watch(event: Any) -> None:
        enqueued.append(len(simulation.engine.batches))
        synchronize(event)

    monkeypatch.setattr(simulation.cuda, "synchronize", watch)
    with simulation.open() as runner:
        simulation.engine.batches.clear()
        monkeypatch.setattr(tensorrt, "MAX_GRAPHS", 0)
        runner.predict(images[:16])
    assert enqueued[:2] == [2, 3], "the second batch was enqueued before the first was awaited"


def test_the_narrowest_profile_that_fits_runs_a_batch(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 8, 16), (1, 1, 1), (8, 8, 8)])
    with simulation.open() as runner:
        for n, profile in ((1, 1), (3, 0), (8, 2), (12, 0)):
            simulation.engine.batches.clear()
            runner.predict(images[:n])
            assert set(simulation.engine.batches) == {(profile, n)}


def test_a_batch_below_the_smallest_is_padded_and_its_padding_is_dropped(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(4, 4, 8)])
    with simulation.open() as runner:
        probabilities = runner.predict(images[:9])
        assert set(simulation.engine.batches) == {(0, 8), (0, 4)}
    assert np.abs(probabilities - simulation.expected(images[:9])).max() < 1e-6


def test_a_shape_is_recorded_once_and_launched_from_then_on(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    with simulation.open() as runner:
        for i in range(5):
            assert np.abs(runner.predict(images[i : i + 1]) - simulation.expected(images[i : i + 1])).max() < 1e-6
        assert simulation.graphs.launches == 4
        assert len(simulation.engine.batches) == 2, "run once, recorded once"
    assert simulation.graphs.freed == 1


def test_the_network_alone_copies_nothing_and_is_awaited(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 4, 8)])
    copied: list[str] = []
    with simulation.open() as runner:
        runner.predict(images[:4])
        for name in ("memcpy_h2d", "memcpy_d2h"):
            monkeypatch.setattr(simulation.cuda, name, lambda *_, name=name: copied.append(name))
        simulation.graphs.launches = 0
        runner.run_on_device(4)
        assert (copied, simulation.graphs.launches) == ([], 1)
        assert not simulation.cuda.queues[2], "everything on the compute stream is done"
        runner.run_on_device(3)
        assert simulation.engine.batches[-1] == (0, 3)


def test_several_threads_get_their_own_probabilities(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 2, 4)])
    monkeypatch.setattr(tensorrt, "MAX_GRAPHS", 0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    wrong: list[int] = []
    with simulation.open() as runner:
        expected = simulation.expected(images)

        def predict(i: int) -> None:
            for _ in range(10):
                if np.abs(runner.predict(images[i : i + 3]) - expected[i : i + 3]).max() > 1e-6:
                    wrong.append(i)

        threads = [threading.Thread(target=predict, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sys.setswitchinterval(interval)
    assert not wrong


def test_memory_is_freed_on_close_and_closing_twice_does_nothing(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    runner = simulation.open()
    assert simulation.cuda.memory
    runner.close()
    runner.close()
    assert not simulation.cuda.memory


def test_memory_is_freed_when_loading_fails(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    monkeypatch.setattr(simulation.engine, "create_execution_context", lambda: None)
    with pytest.raises(ResourceError, match="does not fit"):
        simulation.open()
    assert simulation.cuda.closed == 1


def test_a_failed_execution_is_an_error(bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    with simulation.open() as runner:
        simulation.engine.broken = True
        with pytest.raises(UserError, match="could not run it"):
            runner.predict(images[:1])


def test_the_executed_precision_is_the_one_that_was_read_back_at_the_build(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulation(bundle, monkeypatch, [(1, 1, 1)], kernels="53 int8, 2 fp32").open() as runner:
        assert runner.runtime_info() == RuntimeInfo(
            runtime="tensorrt 11.4.0.106", device="NVIDIA L4", executed="53 int8, 2 fp32"
        )


def test_a_plan_from_another_machine_that_crashes_its_runtime_is_an_error(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)], driver="550.1")
    monkeypatch.setattr(tensorrt, "try_loading", crash)
    with pytest.raises(ArtifactError, match=r"crashes tensorrt \(SIGSEGV\)"):
        simulation.open()
    assert not simulation.cuda.closed, "nothing was opened in this process"


def crash(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_a_plan_that_was_built_on_this_machine_is_not_tried_in_a_child(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)])
    monkeypatch.setattr(tensorrt, "try_loading", crash)
    simulation.open().close()


def test_tensorrt_rtx_compiles_for_the_first_process_only(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, images: Images
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    simulation = Simulation(bundle, monkeypatch, [(1, 4, 4), (8, 8, 8)], module="tensorrt_rtx")
    for _ in range(2):
        with simulation.open() as runner:
            assert np.abs(runner.predict(images[:9]) - simulation.expected(images[:9])).max() < 1e-6
    assert simulation.engine.compiled == ["kernels"]
    assert not simulation.graphs.launches, "TensorRT-RTX records graphs itself"
    simulation.engine.gpu = "NVIDIA H100"
    simulation.open().close()
    assert len(simulation.engine.compiled) == 2, "what was compiled for another GPU is refused"


def test_a_damaged_cache_of_tensorrt_rtx_is_not_used(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)], module="tensorrt_rtx")
    simulation.open().close()
    (cached,) = (tmp_path / "cache" / "temper").glob("*.rtxcache")
    cached.write_bytes(cached.read_bytes()[:-1] + b"x")
    simulation.open().close()
    assert len(simulation.engine.compiled) == 2
