"""Keras to TensorFlow SavedModel."""

from collections.abc import Iterator

from convert.exporters.keras_model import export
from convert.job import CardFields, Job


def convert(job: Job) -> Iterator[CardFields]:
    """Export a SavedModel folder with the endpoint `serving_default`, for any batch size."""
    export(job.source.path, job.target, "tf_saved_model")
    yield CardFields()
