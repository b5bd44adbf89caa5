"""The head without a hidden layer: multinomial logistic regression, its one optimum found by L-BFGS."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]
# Ridge penalties, strongest first: each solution starts the next.
PENALTIES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
ITERATIONS = 300
# Of the loss, from one iteration to the next: later digits change no answer.
TOLERANCE = 1e-6
# Penalties in a row that do no better on validation before weaker ones are left out.
GIVE_UP = 2


@dataclass(frozen=True)
class Solution:
    """Weights [d, classes] and bias [classes] of a linear head, and what they were chosen by."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    penalty: float
    loss: float

    def judge(self, features: NDArray[np.float32], targets: NDArray[np.float32]) -> tuple[float, float]:
        """Mean cross-entropy to targets [n, classes] and the share of pictures whose likeliest label is right."""
        logits = (features @ self.weights + self.bias).astype(np.float64)
        right = logits.argmax(axis=1) == targets.argmax(axis=1)
        return _cross_entropy(logits, targets), float(right.mean())


def solve_head(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    val_features: NDArray[np.float32],
    val_targets: NDArray[np.float32],
    weights: NDArray[np.float32] | None = None,
) -> Solution:
    """The linear head, features [n, d] to targets [n, classes], whose penalty does best on validation.

    weights: what each picture counts, [n], 1 on average; None for alike.
    Features are standardised for the solver, and the scaling is folded into the weights it returns.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    x, val_x = (features - mean) / scale, (val_features - mean) / scale
    start = np.zeros((features.shape[1] + 1, targets.shape[1]))
    counts = np.ones(len(x), np.float32) if weights is None else weights
    found: list[Solution] = []
    # NumPy and SciPy bring a pool of threads each, and wait for one another: alone each is four times as fast.
    with threadpool_limits(1, user_api="blas"):
        for penalty in PENALTIES:
            start = _fit(x, targets, counts, penalty, start)
            loss = _cross_entropy(val_x @ start[:-1] + start[-1], val_targets)
            scaled = start[:-1] / scale[:, None]
            bias = start[-1] - mean @ scaled
            found.append(Solution(scaled.astype(np.float32), bias.astype(np.float32), penalty, loss))
            if min(each.loss for each in found) < min(each.loss for each in found[-GIVE_UP:]):
                break
    return min(found, key=lambda solution: solution.loss)


def _fit(
    x: NDArray[np.float32], targets: NDArray[np.float32], counts: NDArray[np.float32], penalty: float, start: Array
) -> Array:
    def objective(flat: Array) -> tuple[float, Array]:
        solution = flat.reshape(start.shape)
        weights, bias = solution[:-1].astype(np.float32), solution[-1]
        logits = x @ weights + bias
        error = (np.exp(log_softmax(logits, axis=1)) - targets) * counts[:, None] / len(x)
        slope = np.vstack([x.T @ error.astype(np.float32) + penalty * weights, error.sum(axis=0)])
        return _cross_entropy(logits, targets, counts) + penalty / 2 * float((weights**2).sum()), slope.ravel()

    result = minimize(
        objective, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "ftol": TOLERANCE}
    )
    solution: Array = result.x.reshape(start.shape)
    return solution


def _cross_entropy(logits: Array, targets: NDArray[np.float32], counts: NDArray[np.float32] | float = 1.0) -> float:
    return float(-((targets * log_softmax(logits, axis=1)).sum(axis=1) * counts).mean())
