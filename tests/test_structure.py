"""The tests mirror the tree: a reader finds the tests of a file by its name."""

import re
from pathlib import Path

from tests.source import FILES, FOLDERS, ROOT, name_of

# Files without a test file of their name, each with the test that covers them.
COVERED_BY = {
    "temper/card/agreement.py": "tests/temper/card/test_records.py",
    "temper/card/latency_budget.py": "tests/benchmarks/test_latency_budgets.py",
    "temper/serve/workers/failures.py": "tests/temper/serve/workers/test_batching.py",
    # Constants only.
    "temper/runners/onnx_metadata.py": "tests/temper/runners/test_onnx_x86.py",
    "temper/cli/plot_style.py": "tests/train/evaluation/test_charts.py",
    "temper/infer/flow.py": "tests/temper/infer/test_classify.py",
    "temper/dataset/image_files.py": "tests/temper/images/test_decode.py",
    # Records without a method.
    "benchmarks/config.py": "tests/benchmarks/test_run.py",
    "convert/job.py": "tests/convert/test_pipeline.py",
    "train/trained_model.py": "tests/train/test_pipeline.py",
    "train/fitting/training_data.py": "tests/train/fitting/test_strategies.py",
    # One call, of an exporter that has tests of its own; the contract of runners checks its result.
    "convert/exporters/saved_model.py": "tests/temper/runners/test_contract.py",
    # The contract is that of all runners, and is checked for each one alike.
    "temper/runners/saved_model.py": "tests/temper/runners/test_contract.py",
    # TensorRT's builder runs inside a conversion only.
    "convert/trt/builder.py": "tests/convert/trt/test_to_tensorrt.py",
    # A table.
    "docs/figures/limits.py": "tests/docs/figures/test_sources.py",
    # What an experiment measures; tested together with the experiment.
    "experiments/chaos/publications/publish.py": "tests/experiments/chaos/publications/test_crash_points.py",
    "experiments/dirty_dataset.py": "tests/experiments/test_dirty_scan.py",
    "experiments/killed_training.py": "tests/experiments/test_kills.py",
    # Runs where NNCF is installed.
    "experiments/nncf/quantize.py": "tests/experiments/nncf/test_compare.py",
    "experiments/suspects/features.py": "tests/experiments/suspects/test_run.py",
    # What the suites are directed at.
    "experiments/chaos/artifacts/hostile_archives.py": "tests/experiments/chaos/artifacts/test_hostile.py",
    "experiments/chaos/artifacts/hostile_files.py": "tests/experiments/chaos/artifacts/test_hostile.py",
    "experiments/chaos/artifacts/hostile_networks.py": "tests/experiments/chaos/artifacts/test_hostile.py",
    "experiments/chaos/artifacts/targets.py": "tests/experiments/chaos/artifacts/test_flips.py",
    "experiments/triton/onnx_model.py": "tests/experiments/triton/test_server.py",
}
SOURCES = [path for path in FILES if path.name != "__init__.py"]


def mirrored(source: Path) -> Path:
    return ROOT / "tests" / source.relative_to(ROOT).with_name(f"test_{source.name}")


def test_a_source_file_has_a_test_file_of_its_name() -> None:
    untested = {name_of(source) for source in SOURCES if not mirrored(source).is_file()}
    assert not untested - COVERED_BY.keys()


def test_an_exception_is_needed_and_names_the_test_that_covers_it() -> None:
    for source, test in COVERED_BY.items():
        assert (ROOT / source).is_file(), source
        assert not mirrored(ROOT / source).exists(), source
        assert (ROOT / test).is_file(), source


def rows_of_the_tree() -> list[tuple[str, str]]:
    """Folders and what CONTRIBUTING.md says of them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([\w/]+)/` \| (.+) \|$", text, re.MULTILINE)


def test_the_tree_has_one_row_for_a_folder() -> None:
    folders = [folder for folder, _ in rows_of_the_tree()]
    assert "temper/dataset" in folders
    assert sorted(set(folders)) == sorted(folders)
    assert not [folder for folder in folders if not (ROOT / folder).is_dir()]


def test_every_folder_has_a_row_or_is_named_in_the_row_of_a_folder_above() -> None:
    packages = {name_of(path.parent) for folder in FOLDERS for path in (ROOT / folder).rglob("__init__.py")}
    rows = rows_of_the_tree()
    assert not [
        package
        for package in sorted(packages)
        if not any(
            folder == package or (package.startswith(f"{folder}/") and f"`{package.rsplit('/')[-1]}/`" in text)
            for folder, text in rows
        )
    ]
