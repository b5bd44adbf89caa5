"""The head without a hidden layer is multinomial logistic regression: L-BFGS computes its only optimum."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]
# One-hot targets may have a byte for each class.
Targets = NDArray[np.float32] | NDArray[np.uint8]
# L2 penalties, strongest first: each solution is the start of the next.
PENALTIES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
MAX_ITERATIONS = 300
# Relative change of the loss in one iteration: a smaller one changes no prediction.
TOLERANCE = 1e-6
# Penalties in a row that do not lower the validation loss before weaker ones are left out.
PATIENCE = 2
# Logits of so many numbers are in memory at a time, 8 MB in double precision; more are computed in blocks of rows.
BLOCK_NUMBERS = 1 << 20


@dataclass(frozen=True)
class Solution:
    """Weights [d, classes] and bias [classes] of a linear head, its penalty and its validation loss."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    penalty: float
    loss: float

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits [n, classes] of features [n, d]."""
        logits: NDArray[np.float32] = features @ self.weights + self.bias
        return logits

    def evaluate(self, features: NDArray[np.float32], targets: Targets) -> tuple[float, float]:
        """Mean cross-entropy and accuracy for features [n, d] and targets [n, classes]."""
        loss, correct = 0.0, 0
        for rows in blocks(targets.shape):
            logits = self.logits(features[rows]).astype(np.float64)
            loss -= float((targets[rows] * log_softmax(logits, axis=1)).sum())
            correct += int((logits.argmax(axis=1) == targets[rows].argmax(axis=1)).sum())
        return loss / len(targets), correct / len(targets)


def blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of the rows of an array [n, classes], each of BLOCK_NUMBERS numbers at most, or of one row."""
    step = max(1, BLOCK_NUMBERS // shape[1])
    for start in range(0, shape[0], step):
        yield slice(start, start + step)


def solve_head(
    features: NDArray[np.float32],
    targets: Targets,
    val_features: NDArray[np.float32],
    val_targets: Targets,
    sample_weights: NDArray[np.float32] | None = None,
    penalties: Sequence[float] = PENALTIES,
) -> Solution:
    """The linear head from features [n, d] to targets [n, classes] with the penalty that is best on validation.

    sample_weights: [n], 1 on average; None for equal weights. penalties: those that are tried, strongest first.
    Features are standardized for the solver; the returned weights include the standardization.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    x = (features - mean) / scale
    start = np.zeros((features.shape[1] + 1, targets.shape[1]))
    weights = np.ones(len(x), np.float32) if sample_weights is None else sample_weights
    solutions: list[Solution] = []
    # NumPy and SciPy have separate thread pools that wait for each other: one thread is four times as fast.
    with threadpool_limits(1, user_api="blas"):
        for penalty in penalties:
            start = _fit(x, targets, weights, penalty, start)
            scaled = start[:-1] / scale[:, None]
            bias = start[-1] - mean @ scaled
            solution = Solution(scaled.astype(np.float32), bias.astype(np.float32), penalty, np.inf)
            solutions.append(replace(solution, loss=solution.evaluate(val_features, val_targets)[0]))
            losses = [each.loss for each in solutions]
            if min(losses[:-PATIENCE], default=np.inf) < min(losses[-PATIENCE:]):
                break
    return min(solutions, key=lambda solution: solution.loss)


def _fit(x: NDArray[np.float32], targets: Targets, weights: NDArray[np.float32], penalty: float, start: Array) -> Array:
    def objective(flat: Array) -> tuple[float, Array]:
        parameters = flat.reshape(start.shape)
        loss, gradient = _loss_and_gradient(x, targets, weights, parameters)
        kernel = parameters[:-1]
        gradient[:-1] += penalty * kernel
        return loss + penalty / 2 * float((kernel**2).sum()), gradient.ravel()

    result = minimize(
        objective, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE}
    )
    solution: Array = result.x.reshape(start.shape)
    return solution


def _loss_and_gradient(
    x: NDArray[np.float32], targets: Targets, weights: NDArray[np.float32], parameters: Array
) -> tuple[float, Array]:
    """The mean cross-entropy of a kernel with its bias as last row, and its gradient; sample weights [n]."""
    kernel, bias = parameters[:-1].astype(np.float32), parameters[-1]
    loss, gradient = 0.0, np.zeros_like(parameters)
    for rows in blocks(targets.shape):
        logs = log_softmax(x[rows] @ kernel + bias, axis=1)
        loss -= float(((targets[rows] * logs).sum(axis=1) * weights[rows]).sum())
        error = (np.exp(logs) - targets[rows]) * weights[rows, None] / len(x)
        gradient[:-1] += x[rows].T @ error.astype(np.float32)
        gradient[-1] += error.sum(axis=0)
    return loss / len(x), gradient
