"""TensorRT, TensorRT-RTX and TensorRT's lean runtime on an NVIDIA GPU."""

import importlib
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from temper.compatibility import REBUILD, check_compatibility, plan_info, rebuild_command, runtime_of
from temper.errors import ArtifactError, ResourceError, UserError
from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo, Shape
from temper.runners.trt.batches import Profile, Slot, allocate_slot, choose_profile
from temper.runners.trt.cuda import Cuda, free_graph, launch_graph, open_cuda, record_graph
from temper.runners.trt.engine import Log, Plan, load_engine, try_loading
from temper.runners.trt.runtime_cache import RuntimeCache
from temper.storage.cache import cache_key
from temper.system.child_process import ChildCrashed, run_in_child
from temper.system.environment import Environment, detect_environment

# While the batch in one slot is computed, the other's images are copied.
SLOTS = 2
MAX_GRAPHS = 16


class TensorRtRunner(Runner):
    """Runs a plan with page-locked memory, overlapped copies and CUDA graphs. Calls from several threads are queued."""

    has_device_copies = True

    def _load(self) -> None:
        (content,) = self.content.read()
        environment = detect_environment()
        if problem := check_compatibility(self.artifact, environment):
            raise problem
        module = runtime_of(self.artifact, environment)
        self._plan = plan_info(self.artifact)
        self._refuse_unknown_host_code()
        plan = Plan(content=bytes(content.view), path=self.artifact.path, has_host_code=self._has_host_code)
        if not self._was_built_on(environment, module):
            self._try_in_child(module, plan)
        self._device = environment.gpu.name if environment.gpu else ""
        self._lock = threading.Lock()
        self._engine: Any = None
        self._slots: list[Slot] = []
        self._profiles: list[Profile] = []
        self._log = Log()
        self._compiled: RuntimeCache | None = None
        self._trt: ModuleType = importlib.import_module(module)
        self._cuda: Cuda = open_cuda()
        try:
            with self._cuda.context():
                self._open(plan)
        except BaseException:
            self.close()
            raise

    def _run(self, images: Images) -> Probabilities:
        probabilities = np.empty((len(images), len(self.card.labels)), np.float32)
        step = max(profile.max_batch for profile in self._profiles)
        with self._lock, self._cuda.context():
            try:
                for index, start in enumerate(range(0, len(images), step)):
                    slot = self._slots[index % SLOTS]
                    self._dequeue(slot, probabilities)
                    self._enqueue(slot, start, images[start : start + step])
                for slot in self._slots:
                    self._dequeue(slot, probabilities)
            finally:
                # After an error, the next call must not wait for results of this one.
                for slot in self._slots:
                    slot.pending = None
        return probabilities

    def run_on_device(self, n: int) -> None:
        """Run the network once on n images that are on the device already, and wait for it."""
        slot, profile = self._slots[0], choose_profile(self._profiles, n)
        with self._lock, self._cuda.context():
            self._compute(slot, profile, max(n, profile.min_batch))
            self._cuda.record(slot.compute_done, self._compute_stream)
            self._cuda.synchronize(slot.compute_done)

    def shapes(self) -> tuple[Shape, Shape]:
        """Shapes of the engine's input and output: buffers of other sizes would be overrun."""
        images, probabilities = (self._engine.get_tensor_shape(name) for name in (self._input, self._output))
        return tuple(images)[1:], tuple(probabilities)[1:]

    def runtime_info(self) -> RuntimeInfo:
        """The executed precision was read back from the engine when it was built."""
        return RuntimeInfo(
            runtime=f"{self._trt.__name__} {self._trt.__version__}",
            device=self._device,
            executed=self._plan.kernels or self.card.precision,
        )

    def close(self) -> None:
        """Store what was compiled; free graphs, contexts and engine, then the memory that they use."""
        with self._cuda.context():
            if self._compiled:
                self._compiled.save()
            for slot in self._slots:
                for graph in filter(None, slot.graphs.values()):
                    free_graph(graph)
            self._slots, self._profiles, self._engine, self._compiled = [], [], None, None
        self._cuda.close()

    def _batches(self, images: Images) -> Iterator[Images]:
        # Divided in `_run`, where the next batch is copied while one is computed.
        yield images

    @property
    def _has_host_code(self) -> bool:
        return self._plan.module == "tensorrt" and "version" in self._plan.portable

    def _refuse_unknown_host_code(self) -> None:
        if self._has_host_code and not self.is_authentic:
            raise ArtifactError(
                f"{self.artifact.path} contains a runtime of its own, which is native code for the processor; it runs "
                "only when the plan was made here or is signed by a trusted key",
                fix=f"Sign it where it was made:\n    temper sign {self.artifact.path}\n"
                f"{REBUILD}\n    {rebuild_command(self.artifact)}",
            )

    def _was_built_on(self, environment: Environment, module: str) -> bool:
        plan, gpu = self._plan, environment.gpu
        if not self.is_authentic or module != plan.module or gpu is None or not gpu.driver:
            return False
        built = (plan.gpu, plan.driver, self.card.host.system)
        return built == (gpu.name, gpu.driver, environment.system)

    def _try_in_child(self, module: str, plan: Plan) -> None:
        """A plan from another machine may crash the process that loads it, so a child process loads it first."""
        try:
            run_in_child(try_loading, module, plan)
        except ChildCrashed as crash:
            raise ArtifactError(
                f"{self.artifact.path} crashes {module} ({crash}) when it is loaded",
                fix=f"{REBUILD}\n    {rebuild_command(self.artifact)}",
            ) from None

    def _open(self, plan: Plan) -> None:
        self._engine = load_engine(self._trt, plan, self._log)
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        modes = {self._engine.get_tensor_mode(name): name for name in names}
        self._input = modes[self._trt.TensorIOMode.INPUT]
        self._output = modes[self._trt.TensorIOMode.OUTPUT]
        self._h2d_stream, self._compute_stream, self._d2h_stream = (self._cuda.stream() for _ in range(3))
        for index in range(self._engine.num_optimization_profiles):
            smallest, _, largest = self._engine.get_tensor_profile_shape(self._input, index)
            context = self._make_context(index)
            self._profiles.append(Profile(index=index, min_batch=smallest[0], max_batch=largest[0], context=context))
        batch = max(profile.max_batch for profile in self._profiles)
        size, classes = self.card.size, len(self.card.labels)
        self._slots = [allocate_slot(self._cuda, batch, size, classes) for _ in range(SLOTS)]

    def _make_context(self, profile: int) -> Any:
        if self._trt.__name__ == "tensorrt_rtx":
            # TensorRT-RTX knows when its kernels are finished and a graph can be recorded.
            config = self._engine.create_runtime_config()
            config.cuda_graph_strategy = self._trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            if self._compiled is None:
                self._compiled = RuntimeCache(config, cache_key(self.card.sha256, self._device, self._trt.__version__))
            self._compiled.use(config)
            context = self._engine.create_execution_context(config)
        else:
            context = self._engine.create_execution_context()
        if context is None or not context.set_optimization_profile_async(profile, self._compute_stream):
            raise ResourceError(
                f"{self.artifact.path} does not fit into the GPU's memory ({self._log.reason})",
                fix="Check `nvidia-smi` for other programs on the GPU.",
            )
        return context

    def _enqueue(self, slot: Slot, start: int, images: Images) -> None:
        n, cuda = len(images), self._cuda
        profile = choose_profile(self._profiles, n)
        # A batch below the smallest is padded with the slot's old content; those results are not read.
        batch = max(n, profile.min_batch)
        slot.images[:n] = images
        cuda.memcpy_h2d(slot.device_images, slot.images[:batch], self._h2d_stream)
        cuda.record(slot.h2d_done, self._h2d_stream)
        cuda.wait(self._compute_stream, slot.h2d_done)
        self._compute(slot, profile, batch)
        cuda.record(slot.compute_done, self._compute_stream)
        cuda.wait(self._d2h_stream, slot.compute_done)
        cuda.memcpy_d2h(slot.probabilities[:n], slot.device_probabilities, self._d2h_stream)
        cuda.record(slot.d2h_done, self._d2h_stream)
        slot.pending = (start, n)

    def _dequeue(self, slot: Slot, probabilities: Probabilities) -> None:
        if slot.pending:
            start, n = slot.pending
            slot.pending = None
            self._cuda.synchronize(slot.d2h_done)
            probabilities[start : start + n] = slot.probabilities[:n]

    def _compute(self, slot: Slot, profile: Profile, batch: int) -> None:
        key = (profile.index, batch)
        if graph := slot.graphs.get(key):
            launch_graph(graph, self._compute_stream)
            return
        context = profile.context
        context.set_input_shape(self._input, (batch, *slot.images.shape[1:]))
        context.set_tensor_address(self._input, slot.device_images)
        context.set_tensor_address(self._output, slot.device_probabilities)
        self._execute(context)
        # TensorRT can be recorded only after it has run once with the same shape.
        if self._trt.__name__ != "tensorrt_rtx" and key not in slot.graphs and len(slot.graphs) < MAX_GRAPHS:
            stream = self._compute_stream
            slot.graphs[key] = record_graph(stream, lambda: bool(context.execute_async_v3(stream)))

    def _execute(self, context: Any) -> None:
        if not context.execute_async_v3(self._compute_stream):
            raise UserError(
                f"{self.artifact.path}: TensorRT could not run it: {self._log.reason}",
                fix="Check the GPU with `nvidia-smi`.",
            )
