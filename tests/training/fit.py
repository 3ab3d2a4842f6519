"""Trains the head: multinomial logistic regression on embeddings, the same each time.

Each feature is brought to mean 0 and deviation 1, each mode weighs the same, and the penalty and the temperature are
chosen by what five-fold cross-validation says of prompts that a fit has not seen. All of that is folded into the
weights, so that the head at run time is one product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]

_FOLDS: Final = 5
_STEPS: Final = 400
_PENALTIES: Final = (10.0, 30.0, 100.0)
_TEMPERATURES: Final = tuple(round(0.3 + 0.05 * step, 2) for step in range(35))
_DIGITS: Final = 3


@dataclass(frozen=True)
class Fit:
    """A head's numbers, and the probabilities of each prompt by a fit that had not seen it."""

    weights: list[list[float]]
    bias: list[float]
    unseen: Floats
    penalty: float
    temperature: float


def fit(vectors: Floats, modes: Whole, cells: list[tuple[str, str]]) -> Fit:
    """The best head for `vectors` labelled by `modes`; `cells` are what each fold has its share of."""
    folds = _folds(cells)
    best = min((_unseen(vectors, modes, folds, penalty) for penalty in _PENALTIES), key=lambda found: found[0])
    _, penalty, temperature, scores = best
    weights, bias = _regression(vectors, modes, penalty)
    return Fit(
        weights=_rounded(weights.T / temperature),
        bias=_rounded(bias[None, :] / temperature)[0],
        unseen=_softmax(scores / temperature),
        penalty=penalty,
        temperature=temperature,
    )


def _unseen(vectors: Floats, modes: Whole, folds: Whole, penalty: float) -> tuple[float, float, float, Floats]:
    """The loss on what the fits had not seen, at the best temperature; with penalty, temperature and scores."""
    scores = np.zeros((len(modes), int(modes.max()) + 1))
    for fold in range(_FOLDS):
        seen = folds != fold
        weights, bias = _regression(vectors[seen], modes[seen], penalty)
        scores[~seen] = vectors[~seen] @ weights + bias
    loss, temperature = min((_loss(scores / each, modes), each) for each in _TEMPERATURES)
    return loss, penalty, temperature, scores


def _regression(vectors: Floats, modes: Whole, penalty: float) -> tuple[Floats, Floats]:
    """Weights and bias for vectors as they are, by accelerated gradient descent."""
    mean, deviation = vectors.mean(0), vectors.std(0)
    features = (vectors - mean) / deviation
    count, width = features.shape
    wanted = np.eye(int(modes.max()) + 1)[modes]
    share = (count / (wanted.shape[1] * wanted.sum(0)))[modes][:, None]
    step = 1.0 / (np.linalg.norm(features, 2) ** 2 / (2 * count) + penalty / count)
    weights = before = np.zeros((width, wanted.shape[1]))
    bias = bias_before = np.zeros(wanted.shape[1])
    for number in range(_STEPS):
        swing = number / (number + 3)
        ahead, bias_ahead = weights + swing * (weights - before), bias + swing * (bias - bias_before)
        error = (_softmax(features @ ahead + bias_ahead) - wanted) * share / count
        before, bias_before = weights, bias
        weights = ahead - step * (features.T @ error + penalty / count * ahead)
        bias = bias_ahead - step * error.sum(0)
    plain = weights / deviation[:, None]
    return plain, bias - mean @ plain


def _folds(cells: list[tuple[str, str]]) -> Whole:
    """The n-th prompt of each cell goes to fold n modulo five."""
    counts: dict[tuple[str, str], int] = {}
    folds = []
    for cell in cells:
        counts[cell] = counts.get(cell, -1) + 1
        folds.append(counts[cell] % _FOLDS)
    return np.array(folds)


def _softmax(scores: Floats) -> Floats:
    powers: Floats = np.exp(scores - scores.max(1, keepdims=True))
    shares: Floats = powers / powers.sum(1, keepdims=True)
    return shares


def _loss(scores: Floats, modes: Whole) -> float:
    return float(-np.log(_softmax(scores)[np.arange(len(modes)), modes] + 1e-12).mean())


def _rounded(rows: Floats) -> list[list[float]]:
    return [[round(float(value), _DIGITS) for value in row] for row in rows]
