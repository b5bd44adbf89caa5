"""Keras to TensorFlow SavedModel."""

from collections.abc import Iterator

from convert.exporters.keras_model import export
from convert.job import CardFields, Job
from temper.cli.progress import running


def convert(job: Job) -> Iterator[CardFields]:
    """Export a SavedModel folder with the endpoint `serving_default`, for any batch size."""
    with running(job.progress, f"exporting {job.source.name} to a SavedModel"):
        export(job.source.path, job.target, "tf_saved_model")
    yield CardFields()
