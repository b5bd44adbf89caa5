"""Nothing is sent to the makers of a runtime: their telemetry is turned off before they are imported."""

import os
import sys

# ONNX Runtime (1.29 and later) would write a device number and events below the cache folder, and send them.
# Ray would send statistics of its clusters.
VARIABLES = {"ORT_DISABLE_TELEMETRY": "1", "RAY_USAGE_STATS_ENABLED": "0"}
# OpenVINO would write ~/intel and send an event with every import. It asks for no variable; without this package it
# uses a stub of its own.
PACKAGES = ("openvino_telemetry",)


def disable_telemetry() -> None:
    """Turn telemetry off, in this process and for those that it starts; to be called before a runtime is imported.

    A variable that is set already is not changed: that is a decision of the user.
    """
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
    for name in PACKAGES:
        # An import of it fails, as if it were not installed; a program that has imported it keeps it.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
