"""Figures that are limits, defaults or examples, by document: each with the file of the repository that has it."""

MEANS = dict.fromkeys(
    ("103.939", "116.779", "123.68", "0.485", "0.456", "0.406", "0.229", "0.224", "0.225", "0.5", "0.25"),
    "convert/adopt/normalization.py",
)
SELF_TEST = dict.fromkeys(("1.5 times", "0.01", "0.5"), "temper/runners/self_test.py")
CONTROL = dict.fromkeys(("1.00", "0.02"), "benchmarks/analysis/report.py")
METHODS = "convert/precision/calibration.py"
SERVER = dict.fromkeys(("64 MiB", "512 MiB", "8 MiB", "16 KiB", "10 seconds"), "temper/serve/settings.py")
PRECISION_CHECK = "convert/trt/precision_check.py"
END_OF_A_COMMAND = {"5 seconds": "temper/system/interrupts.py"}

LIMITS: dict[str, dict[str, str]] = {
    "docs/adopt.md": {
        "0.001": "convert/adopt/publication.py",
        "2 GB": "convert/adopt/originals/onnx_file.py",
        **MEANS,
    },
    "docs/artifacts.md": {
        "8 MiB": "temper/card/files.py",
        "100 MB": "convert/trt/build_options.py",
        "99.99 %": METHODS,
        **SELF_TEST,
    },
    "docs/benchmark.md": {
        "10 %": "benchmarks/measurement/session.py",
        "10 ms": "benchmarks/measurement/requests.py",
        "50 ms": "benchmarks/measurement/session.py",
        "0.25 s": "benchmarks/measurement/timing.py",
        "12 megapixels": "benchmarks/evaluation_set.py",
        "2.5 %": "benchmarks/analysis/report.py",
        "0.5 points": "benchmarks/analysis/verdict.py",
        "5 %": "benchmarks/analysis/verdict.py",
        "1.02 times": "benchmarks/measurement/latency_budget.py",
        **CONTROL,
    },
    "docs/calibration.md": dict.fromkeys(("99.999 %", "99.99 %"), METHODS),
    "docs/choose.md": {"1 point": "choose/rule.py", **CONTROL},
    "docs/gpu.md": {"90 %": PRECISION_CHECK},
    "docs/how-it-works.md": {"90 %": PRECISION_CHECK, **CONTROL},
    "docs/int8-accuracy.md": dict.fromkeys(("0.5", "99.9"), "convert/verification/accuracy_gate.py"),
    "docs/many-images.md": {
        "64 MiB": "temper/infer/sources/urls.py",
        "30 seconds": "temper/infer/sources/urls.py",
        "0.5 points": "temper/choose/best.py",
    },
    # The test computes them.
    "docs/own-images.md": dict.fromkeys(("95 %", "98 %", "97 %"), "tests/docs/test_guides.py"),
    "docs/preprocessing.md": {
        "10 megapixels": "temper/images/decode.py",
        "384 MiB": "temper/images/budget.py",
        "64 MiB": "temper/images/budget.py",
    },
    "docs/ray.md": {"1 GiB": "temper/cluster/session.py"},
    "docs/read-a-report.md": CONTROL,
    "docs/serving.md": {**SERVER, **END_OF_A_COMMAND},
    "docs/training.md": {
        "0.05": "train/evaluation/temperature_scaling.py",
        "5 %": "train/evaluation/metrics.py",
        "0.9": "train/config.py",
    },
    "docs/troubleshooting.md": {"10 %": PRECISION_CHECK, **CONTROL, **END_OF_A_COMMAND},
}
