"""TensorRT, TensorRT-RTX and TensorRT's lean runtime on an NVIDIA GPU."""

import importlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.compatibility import check_compatibility, rebuild_command, runtime_of
from temper.errors import MissingRuntime, UserError
from temper.runners.base import Images, Probabilities, Runner
from temper.runners.cuda import Cuda, free_graph, launch_graph, open_cuda, record_graph
from temper.runners.trt_engine import load_engine, try_loading
from temper.runners.trt_log import Log
from temper.system.child_process import ChildCrashed, run_in_child
from temper.system.environment import Here, detect_environment

# While one lane computes, the other's pictures travel.
LANES = 2
MOST_GRAPHS = 16


@dataclass
class Lane:
    """Memory for one batch on its way: page-locked, on the device, and the events that order its three steps.

    pending: where its answers belong, (first row, rows); None when it is free.
    graphs: recorded executions, by profile and batch; None for what cannot be recorded.
    """

    images: NDArray[np.uint8]
    answers: NDArray[np.float32]
    device_images: int
    device_answers: int
    uploaded: Any
    computed: Any
    downloaded: Any
    pending: tuple[int, int] | None = None
    graphs: dict[tuple[int, int], Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """A range of batches that has kernels of its own, with the context that runs them."""

    index: int
    smallest: int
    largest: int
    context: Any


class TensorRtRunner(Runner):
    """Runs a plan: page-locked memory, copies beside the computation, CUDA graphs. Calls of several threads queue."""

    copies = True

    def _load(self) -> None:
        here = detect_environment()
        if problem := check_compatibility(self.artifact, self.card, here):
            raise MissingRuntime(problem)
        module = runtime_of(self.card, here)
        if not self._was_built_on(here, module):
            self._try_in_child(module)
        self._lock = threading.Lock()
        self._engine: Any = None
        self._lanes: list[Lane] = []
        self._profiles: list[Profile] = []
        self._log = Log()
        self._trt: ModuleType = importlib.import_module(module)
        self._cuda: Cuda = open_cuda()
        try:
            with self._cuda.current():
                self._open()
        except BaseException:
            self.close()
            raise

    def _run(self, images: Images) -> Probabilities:
        answers = np.empty((len(images), len(self.card.labels)), np.float32)
        largest = max(profile.largest for profile in self._profiles)
        with self._lock, self._cuda.current():
            try:
                for turn, start in enumerate(range(0, len(images), largest)):
                    lane = self._lanes[turn % LANES]
                    self._collect(lane, answers)
                    self._submit(lane, start, images[start : start + largest])
                for lane in self._lanes:
                    self._collect(lane, answers)
            finally:
                # After an error, answers of this call must not be waited for by the next.
                for lane in self._lanes:
                    lane.pending = None
        return answers

    def compute(self, n: int) -> None:
        """Run the network once on what lies on the device, and wait for it."""
        lane, profile = self._lanes[0], choose_profile(self._profiles, n)
        with self._lock, self._cuda.current():
            self._compute(lane, profile, max(n, profile.smallest))
            self._cuda.record(lane.computed, self._computes)
            self._cuda.finish(lane.computed)

    def facts(self) -> Mapping[str, str]:
        """What is executed was read back from the engine when it was built."""
        return {
            "runtime": f"{self._trt.__name__} {self._trt.__version__}",
            "device": self._device,
            "executed": self.card.made_on.get("kernels", self.card.precision),
        }

    def close(self) -> None:
        """Free graphs, contexts and engine, then the memory under them."""
        with self._cuda.current():
            for lane in self._lanes:
                for graph in filter(None, lane.graphs.values()):
                    free_graph(graph)
            self._lanes, self._profiles, self._engine = [], [], None
        self._cuda.close()

    def _batches(self, images: Images) -> Iterator[Images]:
        # Cut in `_run`, where the next batch travels while one computes.
        yield images

    def _was_built_on(self, here: Here, module: str) -> bool:
        made, gpu = self.card.made_on, here.gpu
        return (
            module in self.card.made_with
            and gpu is not None
            and ((made.get("gpu"), made.get("driver"), made.get("system")) == (gpu.name, gpu.driver, here.system))
        )

    def _try_in_child(self, module: str) -> None:
        """A plan from elsewhere may crash the process that loads it; here is one that may crash."""
        try:
            run_in_child(try_loading, module, self.artifact, self._carries_code())
        except ChildCrashed as crash:
            raise UserError(
                f"{self.artifact} crashes {module} ({crash}) when it is loaded. Build it here:\n"
                f"    {rebuild_command(self.artifact, self.card)}"
            ) from None

    def _carries_code(self) -> bool:
        return "version" in self.card.made_on.get("portable", "").split()

    def _open(self) -> None:
        self._engine = load_engine(self._trt, self.artifact, self._carries_code(), self._log)
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        modes = {self._engine.get_tensor_mode(name): name for name in names}
        self._input = modes[self._trt.TensorIOMode.INPUT]
        self._output = modes[self._trt.TensorIOMode.OUTPUT]
        self._uploads, self._computes, self._downloads = (self._cuda.stream() for _ in range(3))
        for index in range(self._engine.num_optimization_profiles):
            smallest, _, largest = self._engine.get_tensor_profile_shape(self._input, index)
            self._profiles.append(Profile(index, smallest[0], largest[0], self._make_context(index)))
        self._lanes = [self._make_lane(max(each.largest for each in self._profiles)) for _ in range(LANES)]
        gpu = detect_environment().gpu
        self._device = gpu.name if gpu else ""

    def _make_context(self, profile: int) -> Any:
        if self._trt.__name__ == "tensorrt_rtx":
            # It knows best when its kernels are finished and a graph can be recorded.
            config = self._engine.create_runtime_config()
            config.cuda_graph_strategy = self._trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            context = self._engine.create_execution_context(config)
        else:
            context = self._engine.create_execution_context()
        if context is None or not context.set_optimization_profile_async(profile, self._computes):
            raise UserError(f"{self.artifact}: the GPU has no room for it ({self._log.reason}). Look at `nvidia-smi`.")
        return context

    def _make_lane(self, largest: int) -> Lane:
        size, classes = self.card.size, len(self.card.labels)
        picture_bytes, answer_bytes = size * size * 3, classes * np.dtype(np.float32).itemsize
        cuda = self._cuda
        return Lane(
            images=cuda.pinned(largest * picture_bytes).reshape(largest, size, size, 3),
            answers=cuda.pinned(largest * answer_bytes).view(np.float32).reshape(largest, classes),
            device_images=cuda.allocate(largest * picture_bytes),
            device_answers=cuda.allocate(largest * answer_bytes),
            uploaded=cuda.event(),
            computed=cuda.event(),
            downloaded=cuda.event(),
        )

    def _submit(self, lane: Lane, start: int, images: Images) -> None:
        n, cuda = len(images), self._cuda
        profile = choose_profile(self._profiles, n)
        # A batch below the smallest is filled with what lies in the lane; those answers are not read.
        batch = max(n, profile.smallest)
        lane.images[:n] = images
        cuda.upload(lane.device_images, lane.images[:batch], self._uploads)
        cuda.record(lane.uploaded, self._uploads)
        cuda.wait(self._computes, lane.uploaded)
        self._compute(lane, profile, batch)
        cuda.record(lane.computed, self._computes)
        cuda.wait(self._downloads, lane.computed)
        cuda.download(lane.answers[:n], lane.device_answers, self._downloads)
        cuda.record(lane.downloaded, self._downloads)
        lane.pending = (start, n)

    def _collect(self, lane: Lane, answers: Probabilities) -> None:
        if lane.pending:
            start, n = lane.pending
            lane.pending = None
            self._cuda.finish(lane.downloaded)
            answers[start : start + n] = lane.answers[:n]

    def _compute(self, lane: Lane, profile: Profile, batch: int) -> None:
        key = (profile.index, batch)
        if graph := lane.graphs.get(key):
            launch_graph(graph, self._computes)
            return
        context = profile.context
        context.set_input_shape(self._input, (batch, *lane.images.shape[1:]))
        context.set_tensor_address(self._input, lane.device_images)
        context.set_tensor_address(self._output, lane.device_answers)
        self._execute(context)
        # TensorRT may be recorded only after it has run once with the same shape.
        if self._trt.__name__ != "tensorrt_rtx" and key not in lane.graphs and len(lane.graphs) < MOST_GRAPHS:
            lane.graphs[key] = record_graph(self._computes, lambda: bool(context.execute_async_v3(self._computes)))

    def _execute(self, context: Any) -> None:
        if not context.execute_async_v3(self._computes):
            raise UserError(f"{self.artifact}: TensorRT could not run it: {self._log.reason}. Look at `nvidia-smi`.")


def choose_profile(profiles: list[Profile], n: int) -> Profile:
    """The narrowest profile that takes n pictures, or, for fewer than any takes, that with the smallest batch."""
    fitting = [each for each in profiles if each.smallest <= n <= each.largest]
    if fitting:
        return min(fitting, key=lambda each: each.largest)
    return min((each for each in profiles if each.largest >= n), key=lambda each: each.smallest)
