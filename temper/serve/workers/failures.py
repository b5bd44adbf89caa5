"""What a client gets when its images are not predicted."""

from temper.serve.http.errors import RequestError

RESTART_SECONDS = 1.0


def too_late() -> RequestError:
    """The error of a request whose deadline has passed."""
    return RequestError(504, "the deadline of the request passed before it was predicted", cause="deadline")


def no_probabilities() -> RequestError:
    """The error of a request whose predictions are none."""
    return RequestError(500, "the model gives values that are no probabilities", cause="invalid_predictions")


def crashed() -> RequestError:
    """The error of a request that was with the process when it ended."""
    return RequestError(
        503, "the process that predicts has ended and is started again", cause="crash", retry_seconds=RESTART_SECONDS
    )
