"""Keras to TensorFlow SavedModel."""

from collections.abc import Iterator

from convert.exporters.keras_model import load_keras_model
from convert.job import CardFields, Job


def convert(job: Job) -> Iterator[CardFields]:
    """Export a SavedModel folder with the endpoint `serving_default`, for any batch size."""
    load_keras_model(job.source.path).export(str(job.target), format="tf_saved_model", verbose=False)
    yield CardFields()
