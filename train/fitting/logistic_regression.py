"""The head without a hidden layer is multinomial logistic regression: L-BFGS computes its only optimum."""

import math
from collections.abc import Callable, Iterator, Sequence
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
# A feature whose deviation is this part of its mean is constant: products in single precision, of features as they are,
# have relative errors of 6e-8, and divided by a smaller deviation they would be the gradient.
CONSTANT = 1e-5
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
        """Logits [..., classes] of features [..., d]."""
        logits: NDArray[np.float32] = features @ self.weights + self.bias
        return logits

    def evaluate(self, features: NDArray[np.float32], targets: Targets) -> tuple[float, float]:
        """Mean cross-entropy and accuracy for features [..., d] and targets [..., classes]."""
        loss, correct = 0.0, 0
        for rows in blocks(targets.shape):
            logits = self.logits(features[rows]).astype(np.float64)
            loss -= float((targets[rows] * log_softmax(logits, axis=1)).sum())
            correct += int((logits.argmax(axis=1) == targets[rows].argmax(axis=1)).sum())
        n_rows = math.prod(targets.shape[:-1])
        return loss / n_rows, correct / n_rows


@dataclass(frozen=True)
class Standardization:
    """Mean and standard deviation [d] of features: the solver's parameters are those of standardized features.

    Instead of the features, which are many, the parameters are converted. The deviation of a feature that is constant,
    or nearly so, is infinite: it has no part in the solution.
    """

    mean: Array
    scale: Array

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> "Standardization":
        """That of features [..., d]."""
        shift = features.reshape(-1, features.shape[-1])[0].astype(np.float64)
        total, squares = np.zeros_like(shift), np.zeros_like(shift)
        for rows in blocks(features.shape):
            # Relative to a row, and in double precision: the mean may be much larger than the deviation.
            differences = features[rows] - shift
            total += differences.sum(axis=0)
            squares += np.einsum("nd,nd->d", differences, differences)
        n_rows = math.prod(features.shape[:-1])
        mean, variance = shift + total / n_rows, np.maximum(squares / n_rows - (total / n_rows) ** 2, 0)
        deviation = np.sqrt(variance)
        return cls(mean, np.where(deviation > CONSTANT * np.abs(mean), deviation + 1e-6, np.inf))

    def kernel_and_bias(self, parameters: Array) -> tuple[Array, Array]:
        """Kernel [d, classes] and bias [classes] for the features as they are; parameters: [d + 1, classes]."""
        kernel = parameters[:-1] / self.scale[:, None]
        return kernel, parameters[-1] - self.mean @ kernel

    def gradient(self, products: Array, errors: Array) -> Array:
        """The gradient of the parameters, from features.T @ error [d, classes] and the sum of the errors [classes]."""
        return np.concatenate([(products - np.outer(self.mean, errors)) / self.scale[:, None], errors[None]])


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[int | slice, ...]]:
    """Indices of rows of an array [..., n, numbers], each of BLOCK_NUMBERS numbers at most, or of one row."""
    step = max(1, BLOCK_NUMBERS // shape[-1])
    for outer in np.ndindex(shape[:-2]):
        for start in range(0, shape[-2], step):
            yield (*outer, slice(start, start + step))


def solve_head(
    features: NDArray[np.float32],
    targets: Targets,
    val_features: NDArray[np.float32],
    val_targets: Targets,
    sample_weights: NDArray[np.float32] | None = None,
    penalties: Sequence[float] = PENALTIES,
) -> Solution:
    """The linear head from features [..., n, d] to targets [..., n, classes], with the penalty best on validation.

    sample_weights: [..., n], 1 on average; None for equal weights. penalties: those that are tried, strongest first.
    Features are standardized for the solver; the returned weights include the standardization. Features and targets
    are not copied, and may be mapped files.
    """
    weights = np.ones(features.shape[:-1], np.float32) if sample_weights is None else sample_weights
    standardization = Standardization.of(features)
    start = np.zeros((features.shape[-1] + 1, targets.shape[-1]))
    solutions: list[Solution] = []

    def loss_and_gradient(parameters: Array) -> tuple[float, Array]:
        return _loss_and_gradient(features, targets, weights, parameters, standardization)

    # NumPy and SciPy have separate thread pools that wait for each other: one thread is four times as fast.
    with threadpool_limits(1, user_api="blas"):
        for penalty in penalties:
            start = _minimize(loss_and_gradient, penalty, start)
            kernel, bias = standardization.kernel_and_bias(start)
            solution = Solution(kernel.astype(np.float32), bias.astype(np.float32), penalty, np.inf)
            solutions.append(replace(solution, loss=solution.evaluate(val_features, val_targets)[0]))
            losses = [each.loss for each in solutions]
            if min(losses[:-PATIENCE], default=np.inf) < min(losses[-PATIENCE:]):
                break
    return min(solutions, key=lambda solution: solution.loss)


def _minimize(loss_and_gradient: Callable[[Array], tuple[float, Array]], penalty: float, start: Array) -> Array:
    def objective(flat: Array) -> tuple[float, Array]:
        loss, gradient = loss_and_gradient(flat.reshape(start.shape))
        kernel = flat.reshape(start.shape)[:-1]
        gradient[:-1] += penalty * kernel
        return loss + penalty / 2 * float((kernel**2).sum()), gradient.ravel()

    result = minimize(
        objective, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE}
    )
    solution: Array = result.x.reshape(start.shape)
    return solution


def _loss_and_gradient(
    features: NDArray[np.float32],
    targets: Targets,
    weights: NDArray[np.float32],
    parameters: Array,
    standardization: Standardization,
) -> tuple[float, Array]:
    """The mean cross-entropy of the parameters of standardized features, and its gradient."""
    exact, bias = standardization.kernel_and_bias(parameters)
    kernel, n_rows = exact.astype(np.float32), weights.size
    loss, products, errors = 0.0, np.zeros_like(exact), np.zeros_like(bias)
    for rows in blocks(targets.shape):
        logs = log_softmax(features[rows] @ kernel + bias, axis=1)
        loss -= float(((targets[rows] * logs).sum(axis=1) * weights[rows]).sum())
        error = (np.exp(logs) - targets[rows]) * weights[rows][:, None] / n_rows
        products += features[rows].T @ error.astype(np.float32)
        errors += error.sum(axis=0)
    return loss / n_rows, standardization.gradient(products, errors)
