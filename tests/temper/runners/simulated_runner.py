"""The runner of TensorRT on the simulated GPU."""

import shutil
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from temper.artifact import Artifact
from temper.card import Host, PlanInfo
from temper.runners import tensorrt
from temper.runners.base import Images, Probabilities
from temper.runners.load import load_runner
from temper.runners.tensorrt import TensorRtRunner
from temper.system.environment import Environment, Runtime
from temper.system.gpu import Gpu
from tests.temper.runners.simulated_gpu import Batch, Graphs, SimulatedCuda, SimulatedEngine

L4 = Gpu(name="NVIDIA L4", compute_capability="8.9", driver="580.95.05", cuda="13.0")
VERSION = "11.4.0.106"
ENVIRONMENT = Environment(
    gpu=L4,
    tensorrt={name: Runtime(version=VERSION, cuda=13) for name in ("tensorrt", "tensorrt_rtx")},
    modules=frozenset({"cuda.bindings"}),
)


def plan_info(**changed: Any) -> PlanInfo:
    """Of a plan that was built on this very machine."""
    built_here = {"gpu": L4.name, "compute_capability": L4.compute_capability, "driver": L4.driver}
    return PlanInfo(**{"module": "tensorrt", "version": VERSION, **built_here, **changed})


class Simulation:
    """A runner on the simulated GPU, with what it is made of."""

    def __init__(self, bundle: Path, patch: pytest.MonkeyPatch, profiles: list[Batch], **changed: Any) -> None:
        module = changed.get("module", "tensorrt")
        self.onnx = Artifact.at(bundle).sibling("fp32", ".onnx")
        self.cuda = SimulatedCuda()
        self.graphs = Graphs(self.cuda)
        self.engine = SimulatedEngine(self.onnx.path, self.cuda, profiles)
        trt = SimpleNamespace(
            __name__=module,
            # The runner of the expected predictions looks for it, as that of every ONNX file.
            __spec__=ModuleSpec(module, None),
            __version__=VERSION,
            TensorIOMode=SimpleNamespace(INPUT="in", OUTPUT="out"),
            CudaGraphStrategy=SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole graph"),
        )
        patch.setitem(sys.modules, module, trt)
        patch.setattr(tensorrt, "detect_environment", lambda: ENVIRONMENT)
        patch.setattr(tensorrt, "open_cuda", lambda: self.cuda)
        patch.setattr(tensorrt, "load_engine", lambda *_: self.engine)
        for name in ("record", "launch", "free"):
            patch.setattr(tensorrt, f"{name}_graph", getattr(self.graphs, name))
        card = self.onnx.card.changed(plan=plan_info(**changed), host=Host(system=ENVIRONMENT.system))
        plan = self.onnx.path.with_suffix(".plan")
        shutil.copy(self.onnx.path, plan)
        self.plan = Artifact.with_card(plan, card)

    def open(self, is_authentic: bool = True) -> TensorRtRunner:
        return TensorRtRunner(self.plan, is_authentic=is_authentic)

    def expected(self, images: Images) -> Probabilities:
        return load_runner(self.onnx).predict(images)
