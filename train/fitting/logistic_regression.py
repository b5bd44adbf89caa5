"""The head without a hidden layer is multinomial logistic regression: L-BFGS computes its only optimum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]
# L2 penalties, strongest first: each solution is the start of the next.
PENALTIES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
MAX_ITERATIONS = 300
# Relative change of the loss in one iteration: a smaller one changes no prediction.
TOLERANCE = 1e-6
# Penalties in a row that do not lower the validation loss before weaker ones are left out.
PATIENCE = 2


@dataclass(frozen=True)
class Solution:
    """Weights [d, classes] and bias [classes] of a linear head, its penalty and its validation loss."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    penalty: float
    loss: float

    def evaluate(self, features: NDArray[np.float32], targets: NDArray[np.float32]) -> tuple[float, float]:
        """Mean cross-entropy and accuracy for features [n, d] and targets [n, classes]."""
        logits = (features @ self.weights + self.bias).astype(np.float64)
        is_correct = logits.argmax(axis=1) == targets.argmax(axis=1)
        return _cross_entropy(logits, targets), float(is_correct.mean())


def solve_head(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    val_features: NDArray[np.float32],
    val_targets: NDArray[np.float32],
    sample_weights: NDArray[np.float32] | None = None,
    penalties: Sequence[float] = PENALTIES,
) -> Solution:
    """The linear head from features [n, d] to targets [n, classes] with the penalty that is best on validation.

    sample_weights: [n], 1 on average; None for equal weights. penalties: those that are tried, strongest first.
    Features are standardized for the solver; the returned weights include the standardization.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    x, val_x = (features - mean) / scale, (val_features - mean) / scale
    start = np.zeros((features.shape[1] + 1, targets.shape[1]))
    weights = np.ones(len(x), np.float32) if sample_weights is None else sample_weights
    solutions: list[Solution] = []
    # NumPy and SciPy have separate thread pools that wait for each other: one thread is four times as fast.
    with threadpool_limits(1, user_api="blas"):
        for penalty in penalties:
            start = _fit(x, targets, weights, penalty, start)
            loss = _cross_entropy(val_x @ start[:-1] + start[-1], val_targets)
            scaled = start[:-1] / scale[:, None]
            bias = start[-1] - mean @ scaled
            solutions.append(Solution(scaled.astype(np.float32), bias.astype(np.float32), penalty, loss))
            losses = [each.loss for each in solutions]
            if min(losses[:-PATIENCE], default=np.inf) < min(losses[-PATIENCE:]):
                break
    return min(solutions, key=lambda solution: solution.loss)


def _fit(
    x: NDArray[np.float32], targets: NDArray[np.float32], weights: NDArray[np.float32], penalty: float, start: Array
) -> Array:
    def objective(flat: Array) -> tuple[float, Array]:
        parameters = flat.reshape(start.shape)
        kernel, bias = parameters[:-1].astype(np.float32), parameters[-1]
        logits = x @ kernel + bias
        error = (np.exp(log_softmax(logits, axis=1)) - targets) * weights[:, None] / len(x)
        gradient = np.vstack([x.T @ error.astype(np.float32) + penalty * kernel, error.sum(axis=0)])
        return _cross_entropy(logits, targets, weights) + penalty / 2 * float((kernel**2).sum()), gradient.ravel()

    result = minimize(
        objective, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE}
    )
    solution: Array = result.x.reshape(start.shape)
    return solution


def _cross_entropy(logits: Array, targets: NDArray[np.float32], weights: NDArray[np.float32] | float = 1.0) -> float:
    return float(-((targets * log_softmax(logits, axis=1)).sum(axis=1) * weights).mean())
