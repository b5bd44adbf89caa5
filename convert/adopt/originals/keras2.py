"""`.h5` files of Keras 2, which Keras 3 reads only in part: their configuration is rewritten in its words.

The weights are in the order of the layers in both, and stay as they are.
"""

import json
from pathlib import Path
from typing import Any

from temper.errors import ArtifactError

# What Keras 2 names a class of a model, and where Keras 3 has it.
MODELS = {
    "Functional": "keras.src.models.functional",
    "Model": "keras.src.models.functional",
    "Sequential": "keras.src.models.sequential",
}
# What an operation on a tensor outside of a layer becomes in Keras 2; Keras 3 has no such class.
OPERATIONS = ("TFOpLambda", "SlicingOpLambda")
# What stands for a tuple in the JSON of Keras 2.
TUPLES = ("TensorShape", "__tuple__")
# Arguments that Keras 3 does not have, and that change nothing: depthwise convolutions have one group for each channel.
REMOVED = {"groups": ("DepthwiseConv2D", "SeparableConv2D"), "rng_type": None}
EXPORT = "Export it where it was made, and adopt the folder:\n    tf.saved_model.save(model, 'folder')"
Config = dict[str, Any]


def translate_h5(path: Path, named: Path) -> Config:
    """Rewrite the configuration of a copy of an `.h5` file in place, where Keras 2 has written it.

    Returns it in the form in which `.keras` files have it. Raises ArtifactError for operations outside of layers, and
    ValueError for damage.
    """
    import h5py

    with h5py.File(path, "r+") as file:
        config = json.loads(_text(file.attrs["model_config"]))
        if not _text(file.attrs.get("keras_version", "")).startswith("2."):
            return _with_module(config)
        if operation := next((each for each in _classes(config) if each in OPERATIONS), ""):
            raise ArtifactError(
                f"{named} was made by Keras 2 and contains an operation outside of its layers ({operation}), which "
                "Keras 3 does not read",
                fix=EXPORT,
            )
        config = translated(config, _names_with_slashes(config))
        file.attrs["model_config"] = json.dumps(config)
        return _with_module(config)


def translated(value: Any, slashed: frozenset[str] = frozenset()) -> Any:
    """A configuration of Keras 2 in the words of Keras 3. slashed: names of layers with "/", which it does not take."""
    if isinstance(value, str):
        return value.replace("/", "_") if value in slashed else value
    if isinstance(value, list):
        return [translated(each, slashed) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "Policy":
        return value["config"]["name"]
    fields = {name: translated(each, slashed) for name, each in value.items()}
    kind, config = fields.get("class_name"), fields.get("config")
    if kind in MODELS and "module" in fields:
        fields |= {"module": MODELS[kind], "registered_name": None}
    if isinstance(config, dict):
        _translate_arguments(str(kind), config)
    return fields


def _with_module(config: Any) -> Config:
    """The configuration of a model with the place of its class, which Keras 3 otherwise takes for granted."""
    place = {"module": MODELS.get(config["class_name"], "keras.models"), "registered_name": None}
    made: Config = json.loads(json.dumps({**place, **config}), object_hook=_tuple)
    return made


def _tuple(value: Config) -> Any:
    return value["items"] if value.get("class_name") in TUPLES else value


def _translate_arguments(kind: str, config: Config) -> None:
    if kind.endswith("BatchNormalization") and isinstance(config.get("axis"), list):
        config["axis"] = config["axis"][0]
    for name, kinds in REMOVED.items():
        if kinds is None or kind in kinds:
            config.pop(name, None)
    layers = config.get("layers") or []
    shapes = [layer["config"].pop("batch_input_shape", None) for layer in layers if layer["class_name"] != "InputLayer"]
    # Before TensorFlow 2.2 the first layer has the shape of the input.
    if kind == "Sequential" and len(shapes) == len(layers) and any(shapes[:1]):
        layers.insert(0, {"class_name": "InputLayer", "config": {"batch_input_shape": shapes[0], "name": "input"}})
    for name in ("input_layers", "output_layers"):
        ends = config.get(name)
        # One tensor and a list of one tensor are not the same where the model is a layer of another one.
        if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list):
            config[name] = ends[0]


def _classes(value: Any) -> list[str]:
    inside = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    own = [str(value["class_name"])] if isinstance(value, dict) and "class_name" in value else []
    return own + [name for each in inside for name in _classes(each)]


def _names_with_slashes(value: Any) -> frozenset[str]:
    inside = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    name = value.get("name") if isinstance(value, dict) else None
    own = {name} if isinstance(name, str) and "/" in name else set()
    return frozenset(own.union(*(_names_with_slashes(each) for each in inside)))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
