"""Cards of schema 1 (Temper 0.1), converted to schema 2.

What schema 1 did not record stays empty. Its preprocessing was that of schema 2, so the default is right.
"""

from typing import Any

Fields = dict[str, Any]
PLAN_MODULES = ("tensorrt_rtx", "tensorrt")


def migrate(old: Fields) -> Fields:
    """The fields of a schema 2 card. Raises KeyError, TypeError or ValueError for what is no card of schema 1."""
    recipe, made_on, made_from = (old.get(name) or {} for name in ("recipe", "made_on", "made_from"))
    new: Fields = {name: old[name] for name in ("labels", "size", "precision", "batch", "sha256") if name in old}
    new |= {
        "golden": old.get("golden") or None,
        "confidence_threshold": old.get("unknown_below"),
        "dataset": _dataset(old.get("split"), recipe),
        "provenance": {
            "source": {"file": made_from["file"], "sha256": made_from["sha256"]} if made_from else None,
            "model_sha256": made_from.get("keras_sha256", ""),
            "settings": recipe if made_from else {},
            "versions": old.get("made_with") or {},
            "build_seconds": float(made_on.get("build_seconds", 0)),
        },
        "host": _host(made_on),
        "training": None if made_from else _training(recipe),
        "calibration": _calibration(old.get("calibration")),
        "plan": _plan(old.get("made_with") or {}, made_on),
        **_agreement(old.get("agreement")),
        "schema": 2,
    }
    return new


def _dataset(split: Fields | None, recipe: Fields) -> Fields | None:
    if not split:
        return None
    title = recipe.get("pictures", "")
    return {
        "split": {"file": split["file"], "sha256": split["sha256"]},
        "folder": split["folder"],
        "title": title if isinstance(title, str) else "",
    }


def _host(made_on: Fields) -> Fields:
    return {
        "processor": made_on.get("processor", ""),
        "cores": int(made_on.get("cores", 0)),
        "memory_gib": int(made_on.get("memory_gib", 0)),
        "system": made_on.get("system", ""),
        "device": made_on.get("device", ""),
    }


def _training(recipe: Fields) -> Fields | None:
    test = recipe.get("found")
    if not test:
        return None
    # The configuration stays under its former names, so the training stage treats it as another configuration.
    config = {name: value for name, value in recipe.items() if name not in ("found", "pictures")}
    result = {
        "images": test["pictures"],
        "accuracy": test["accuracy"],
        "interval": test["accuracy_interval"],
        "temperature": test.get("temperature", 1.0),
        "ece_before": test.get("calibration_error_before", 0.0),
        "ece_after": test.get("calibration_error", 0.0),
        "seconds": test.get("learning_seconds", 0.0),
    }
    return {"config": config, "result": result}


def _calibration(old: Fields | None) -> Fields | None:
    if not old:
        return None
    # Layers with their sensitivity in int8, names of nodes in fp16.
    excluded = old.get("kept", [])
    return {
        "images": old["pictures"],
        "seed": old["seed"],
        "sha256": old["sha256"],
        "files": old.get("files", []),
        "method": old.get("method", ""),
        "mean_abs_diff": old.get("mean_difference", {}),
        "max_activation": old.get("largest_activation"),
        "excluded": [
            {"layer": each["layer"], "mean_abs_diff": each["damage"]} for each in excluded if isinstance(each, dict)
        ],
        "excluded_nodes": [each for each in excluded if isinstance(each, str)],
        "slowdown": old.get("slower"),
    }


def _plan(made_with: Fields, made_on: Fields) -> Fields | None:
    module = next((name for name in PLAN_MODULES if name in made_with), "")
    if not module or "compute_capability" not in made_on:
        return None
    named = {name: made_on.get(name, "") for name in ("gpu", "compute_capability", "driver", "kernels", "timing_cache")}
    return {
        "module": module,
        "version": made_with[module],
        "portable": made_on.get("portable", "").split(),
        "compute_capabilities": made_on.get("targets", "").split(),
        **named,
    }


def _agreement(old: Fields | None) -> Fields:
    reason = (old or {}).get("not_run", "")
    if not old or "flips" not in old:
        return {"agreement": None, "not_run": reason}
    renamed = {"pictures": "images", "lost": "regressed", "won": "improved"}
    new = {renamed.get(name, name): value for name, value in old.items() if name != "not_run"}
    new["flips"] = [
        {"file": each["file"], "truth": each["label"], "keras": each["keras"], "predicted": each["answer"]}
        for each in old["flips"]
    ]
    return {"agreement": new, "not_run": reason}
