import dataclasses
import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from temper.card import Card, read_card
from temper.errors import MissingRuntime, UserError
from temper.formats import load_runner
from temper.runners import tensorrt
from temper.runners.base import Images
from temper.runners.tensorrt import Profile, TensorRtRunner, choose_profile
from temper.system.environment import Here, Runtime
from temper.system.gpu import Gpu, find_gpu
from tests.temper.runners.simulated_gpu import Batch, Graphs, SimulatedCuda, SimulatedEngine

L4 = Gpu("NVIDIA L4", "8.9", "580.95.05", "13.0")
HERE = Here(gpu=L4, tensorrt={"tensorrt": Runtime("11.4.0.106", 13)}, modules=frozenset({"cuda.bindings"}))
BUILT_HERE = {"gpu": L4.name, "compute_capability": "8.9", "driver": L4.driver, "system": "Linux x86_64"}
PLAN_CARD = {"made_with": {"tensorrt": "11.4.0.106"}, "made_on": BUILT_HERE}


class Simulation:
    """A runner on the simulated GPU, with what it is made of."""

    def __init__(self, bundle: Path, patch: pytest.MonkeyPatch, profiles: list[Batch], **card: Any) -> None:
        self.onnx = bundle.with_name("model.fp32.onnx")
        self.cuda = SimulatedCuda()
        self.graphs = Graphs(self.cuda)
        self.engine = SimulatedEngine(self.onnx, self.cuda, profiles)
        trt = SimpleNamespace(
            __name__="tensorrt", __version__="11.4.0.106", TensorIOMode=SimpleNamespace(INPUT="in", OUTPUT="out")
        )
        patch.setitem(sys.modules, "tensorrt", trt)
        patch.setattr(tensorrt, "detect_environment", lambda: HERE)
        patch.setattr(tensorrt, "open_cuda", lambda: self.cuda)
        patch.setattr(tensorrt, "load_engine", lambda *_: self.engine)
        for name in ("record", "launch", "free"):
            patch.setattr(tensorrt, f"{name}_graph", getattr(self.graphs, name))
        self.card: Card = dataclasses.replace(read_card(self.onnx), **{**PLAN_CARD, **card})
        self.plan = bundle.with_name("model.fp32.plan")

    def open(self) -> TensorRtRunner:
        return TensorRtRunner(self.plan, self.card)

    def expected(self, images: Images) -> Any:
        return load_runner(self.onnx, read_card(self.onnx)).predict(images)


@pytest.fixture
def images() -> Images:
    return np.random.default_rng(3).integers(0, 255, (30, 16, 16, 3), dtype=np.uint8)


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_without_a_gpu_a_plan_is_one_sentence_and_what_to_run_instead(bundle: Path) -> None:
    fp32 = bundle.with_name("model.fp32.onnx")
    card = dataclasses.replace(read_card(fp32), made_from={"file": fp32.name})
    with pytest.raises(MissingRuntime, match="there is none here") as caught:
        load_runner(bundle.with_name("model.fp32.plan"), card)
    assert str(caught.value).endswith(f"--engine {fp32}")


@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 9, 30])
def test_each_picture_gets_its_own_answer_however_batches_overlap(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images, n: int
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 2, 4)])
    with simulation.open() as runner:
        for _ in range(3):
            assert np.abs(runner.predict(images[:n]) - simulation.expected(images[:n])).max() < 1e-6


def test_while_one_batch_computes_the_next_is_on_its_way(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 4, 4)])
    submitted: list[int] = []
    finish = simulation.cuda.finish

    def watch(event: Any) -> None:
        submitted.append(len(simulation.engine.batches))
        finish(event)

    monkeypatch.setattr(simulation.cuda, "finish", watch)
    with simulation.open() as runner:
        simulation.engine.batches.clear()
        monkeypatch.setattr(tensorrt, "MOST_GRAPHS", 0)
        runner.predict(images[:16])
    assert submitted[:2] == [2, 3], "the second batch was submitted before the first was waited for"


def test_the_narrowest_profile_that_fits_runs_a_batch(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 8, 16), (1, 1, 1), (8, 8, 8)])
    with simulation.open() as runner:
        for n, profile in ((1, 1), (3, 0), (8, 2), (12, 0)):
            simulation.engine.batches.clear()
            runner.predict(images[:n])
            assert set(simulation.engine.batches) == {(profile, n)}


def test_a_batch_below_the_smallest_is_filled_and_cut_again(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(4, 4, 8)])
    with simulation.open() as runner:
        answers = runner.predict(images[:9])
        assert set(simulation.engine.batches) == {(0, 8), (0, 4)}
    assert np.abs(answers - simulation.expected(images[:9])).max() < 1e-6


def test_a_shape_is_recorded_once_and_launched_from_then_on(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    with simulation.open() as runner:
        for i in range(5):
            assert np.abs(runner.predict(images[i : i + 1]) - simulation.expected(images[i : i + 1])).max() < 1e-6
        assert simulation.graphs.launches == 4
        assert len(simulation.engine.batches) == 2, "once run, once recorded"
    assert simulation.graphs.freed == 1


def test_the_network_alone_copies_nothing_and_is_waited_for(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 4, 8)])
    copied: list[str] = []
    with simulation.open() as runner:
        runner.predict(images[:4])
        for name in ("upload", "download"):
            monkeypatch.setattr(simulation.cuda, name, lambda *_, name=name: copied.append(name))
        simulation.graphs.launches = 0
        runner.compute(4)
        assert (copied, simulation.graphs.launches) == ([], 1)
        assert not simulation.cuda.queues[2], "all that was asked of the computing stream is done"
        runner.compute(3)
        assert simulation.engine.batches[-1] == (0, 3)


def test_several_threads_get_their_own_answers(bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 2, 4)])
    monkeypatch.setattr(tensorrt, "MOST_GRAPHS", 0)
    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    wrong: list[int] = []
    with simulation.open() as runner:
        expected = simulation.expected(images)

        def ask(i: int) -> None:
            for _ in range(10):
                if np.abs(runner.predict(images[i : i + 3]) - expected[i : i + 3]).max() > 1e-6:
                    wrong.append(i)

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sys.setswitchinterval(patience)
    assert not wrong


def test_memory_is_given_back_on_close_and_closing_twice_is_harmless(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    runner = simulation.open()
    assert simulation.cuda.memory
    runner.close()
    runner.close()
    assert not simulation.cuda.memory


def test_memory_is_given_back_when_loading_fails(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    monkeypatch.setattr(simulation.engine, "create_execution_context", lambda: None)
    with pytest.raises(UserError, match="no room"):
        simulation.open()
    assert simulation.cuda.closed == 1


def test_a_failed_execution_is_an_error(bundle: Path, monkeypatch: pytest.MonkeyPatch, images: Images) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 4)])
    with simulation.open() as runner:
        simulation.engine.broken = True
        with pytest.raises(UserError, match="could not run it"):
            runner.predict(images[:1])


def test_facts_say_what_was_proven_when_it_was_built(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_on = {**BUILT_HERE, "kernels": "53 int8, 2 fp32"}
    with Simulation(bundle, monkeypatch, [(1, 1, 1)], made_on=made_on).open() as runner:
        assert runner.facts() == {
            "runtime": "tensorrt 11.4.0.106",
            "device": "NVIDIA L4",
            "executed": "53 int8, 2 fp32",
        }


def test_a_plan_from_elsewhere_that_crashes_its_runtime_is_an_error_here(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)], made_on={**BUILT_HERE, "driver": "550.1"})
    monkeypatch.setattr(tensorrt, "try_loading", crash)
    with pytest.raises(UserError, match=r"crashes tensorrt \(SIGSEGV\)"):
        simulation.open()
    assert not simulation.cuda.closed, "nothing was opened in this process"


def crash(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_a_plan_built_here_is_not_tried_first(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(bundle, monkeypatch, [(1, 1, 1)])
    monkeypatch.setattr(tensorrt, "try_loading", crash)
    simulation.open().close()


@pytest.mark.parametrize(("n", "index"), [(1, 1), (2, 0), (8, 2), (9, 0), (16, 0)])
def test_profiles_are_chosen_by_width(n: int, index: int) -> None:
    profiles = [Profile(0, 1, 16, None), Profile(1, 1, 1, None), Profile(2, 8, 8, None)]
    assert choose_profile(profiles, n).index == index


def test_fewer_pictures_than_any_profile_takes_go_to_the_smallest() -> None:
    assert choose_profile([Profile(0, 16, 32, None), Profile(1, 4, 8, None)], 2).index == 1
