"""How held-out predictions are scored: by name, or by a scorer of scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .families import Family

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scoring:
    """A measure of held-out predictions.

    score(y, eta, weights) -> float : targets, linear predictors and weights of some rows
    """

    name: str
    greater_is_better: bool
    score: Callable[[Floats, Floats, Floats], float]


def _weighted_mean(loss: Callable[[Floats, Floats], Floats]) -> Callable[..., float]:
    def score(y: Floats, eta: Floats, weights: Floats) -> float:
        return float(np.average(loss(y, eta), weights=weights))

    return score


def get_scoring(scoring: Any, family: Family) -> Scoring:
    """Return the scoring that a name or a scorer stands for.

    Parameters
    ----------
    scoring : {"deviance", "mse", "mae"}, name of a scikit-learn scorer, or scorer
        A scorer is called as ``scorer(estimator, rows, y, sample_weight=...)``, where
        ``estimator.predict(rows)`` gives the held-out predictions.
    """
    losses: dict[str, Callable[[Floats, Floats], Floats]] = {
        "deviance": lambda y, eta: 2.0 * family.loss(y, eta),
        "mse": lambda y, eta: (y - eta) ** 2,
        "mae": lambda y, eta: np.abs(y - eta),
    }
    if isinstance(scoring, str) and scoring in losses:
        return Scoring(scoring, False, _weighted_mean(losses[scoring]))
    if isinstance(scoring, str):
        return _scorer(_by_name(scoring, list(losses)), scoring)
    if callable(scoring):
        return _scorer(scoring, getattr(scoring, "__name__", None) or repr(scoring))
    raise TypeError(
        f"scoring must be one of {list(losses)}, the name of a scikit-learn scorer, or a scorer, "
        f"got {scoring!r}"
    )


def _by_name(name: str, ours: list[str]) -> Callable[..., float]:
    from sklearn.metrics import get_scorer, get_scorer_names

    if name not in get_scorer_names():
        raise ValueError(
            f"scoring must be one of {ours} or the name of a scikit-learn scorer, got {name!r}"
        )
    return get_scorer(name)


def _scorer(scorer: Callable[..., float], name: str) -> Scoring:
    from .scorers import Predictions, row_numbers

    def score(y: Floats, eta: Floats, weights: Floats) -> float:
        even = bool((weights == weights[0]).all())
        weighted = {} if even else {"sample_weight": weights}
        return float(scorer(Predictions(eta), row_numbers(len(y)), y, **weighted))

    return Scoring(name, True, score)
