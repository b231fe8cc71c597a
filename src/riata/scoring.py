"""How held-out predictions are scored: by name, or by a scorer of scikit-learn.

y is what the family fits: labels are 0 and 1, or a column per class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .families import MultipleFamily
from .kernels import dual

Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats, Floats], float]

NAMES = ("deviance", "mse", "mae", "misclassification", "auc")
# scikit-learn's names for what is a score here, less which it is, at a fraction of the cost
THEIRS = {
    "accuracy": ("misclassification", 1.0),
    "neg_mean_squared_error": ("mse", 0.0),
    "neg_mean_absolute_error": ("mae", 0.0),
}


@dataclass(frozen=True)
class Scoring:
    """A measure of held-out predictions.

    score(y, eta, weights) -> float : targets, linear predictors and weights of some rows
    """

    name: str
    greater_is_better: bool
    score: Score

    def check(self, y: Floats, fold: int) -> None:
        """Refuse held-out rows that have no such score."""
        if self.name == "auc" and (y.max() == 0.0 or y.min() == 1.0):
            raise ValueError(
                f"cv must hold out rows of both classes for scoring='auc', got one class in fold "
                f"{fold}: stratify the splits (as an integer cv does), or use fewer of them"
            )


def get_scoring(scoring: Any, family: Any, classes: NDArray[Any] | None) -> Scoring:
    """Return the scoring that a name or a scorer stands for.

    Parameters
    ----------
    scoring : one of NAMES, name of a scikit-learn scorer, or scorer
        A scorer is called as ``scorer(estimator, rows, y, sample_weight=...)``, where
        ``estimator.predict(rows)`` gives the held-out predictions; where y held labels, the
        estimator is a classifier and y are labels.
    family : Family or MultipleFamily
    classes : the labels of y, None where it held numbers
    """
    ours = _ours(family)
    if isinstance(scoring, str) and scoring in ours:
        return Scoring(scoring, scoring == "auc", ours[scoring])
    if isinstance(scoring, str) and scoring in NAMES:
        raise ValueError(
            f"scoring must be one of {list(ours)} or a scorer of scikit-learn for "
            f"family={family.name!r}, got {scoring!r}"
        )
    if isinstance(scoring, str):
        name, most = THEIRS.get(scoring, ("", 0.0))
        if name in ours and (name == "misclassification") == (classes is not None):
            return Scoring(scoring, True, _less(most, ours[name]))
        return _scorer(_by_name(scoring, list(ours)), scoring, family, classes)
    if callable(scoring):
        name = getattr(scoring, "__name__", None) or repr(scoring)
        return _scorer(scoring, name, family, classes)
    raise TypeError(
        f"scoring must be one of {list(ours)}, the name of a scikit-learn scorer, or a scorer, "
        f"got {scoring!r}"
    )


def _ours(family: Any) -> dict[str, Score]:
    """Return the scores that a family can have."""
    several = isinstance(family, MultipleFamily)
    found: dict[str, Score] = {
        "deviance": _deviance_of_rows(family) if several else _deviance(family)
    }
    if family.proportions or not family.labelled:  # the linear predictor says what y is expected
        found["mse"] = _mean(lambda y, eta: (y - family.mean(eta)) ** 2)
        found["mae"] = _mean(lambda y, eta: np.abs(y - family.mean(eta)))
    if family.labelled:
        found["misclassification"] = _share_missed
    if family.labelled and not several:
        found["auc"] = area_under_curve
    return found


def _mean(loss: Callable[[Floats, Floats], Floats]) -> Score:
    """Return the weighted mean of a loss over rows, and its plain one over responses."""

    def score(y: Floats, eta: Floats, weights: Floats) -> float:
        losses = loss(y, eta)
        losses = losses if losses.ndim == 1 else losses.mean(axis=1)
        return dual.weighted_sums(weights, losses)[0] / float(weights.sum())

    return score


def _deviance(family: Any) -> Score:
    return _mean(lambda y, eta: 2.0 * family.loss(y, eta))


def _deviance_of_rows(family: MultipleFamily) -> Score:
    def score(y: Floats, eta: Floats, weights: Floats) -> float:
        return 2.0 * family.evaluate(y, eta, weights / weights.sum())[0]

    return score


def _less(most: float, score: Score) -> Score:
    return lambda y, eta, weights: most - score(y, eta, weights)


def _share_missed(y: Floats, eta: Floats, weights: Floats) -> float:
    """Return the weighted share that is not of the likeliest class; of equal weights a count, so
    that as many misses are as bad to the last bit."""
    even = bool((weights == weights[0]).all())
    return _mean(_missed)(y, eta, np.ones(len(y)) if even else weights)


def _missed(y: Floats, eta: Floats) -> Floats:
    """Return the share of each row that is not of the likeliest class."""
    if y.ndim == 1:
        return np.where(eta > 0.0, 1.0 - y, y)
    return 1.0 - np.take_along_axis(y, eta.argmax(axis=1)[:, None], axis=1)[:, 0]


def area_under_curve(y: Floats, eta: Floats, weights: Floats) -> float:
    """Return how probably a row of the second class has the larger eta; equal ones count half.

    Two rows are drawn, each with the probability of its weight in its class.

    Hanley, McNeil, Radiology 143(1), 1982.
    """
    _, place = np.unique(eta, return_inverse=True)
    second, first = np.bincount(place, weights * y), np.bincount(place, weights * (1.0 - y))
    below = np.cumsum(first) - 0.5 * first
    return float(second @ below / (second.sum() * first.sum()))


def _by_name(name: str, ours: list[str]) -> Callable[..., float]:
    from sklearn.metrics import get_scorer, get_scorer_names

    if name not in get_scorer_names():
        raise ValueError(
            f"scoring must be one of {ours} or the name of a scikit-learn scorer, got {name!r}"
        )
    return get_scorer(name)


def _scorer(
    scorer: Callable[..., float], name: str, family: Any, classes: NDArray[Any] | None
) -> Scoring:
    from .scorers import predictions, row_numbers, with_labels

    asked = scorer if classes is None else with_labels(scorer, classes)

    def score(y: Floats, eta: Floats, weights: Floats) -> float:
        even = bool((weights == weights[0]).all())
        weighted = {} if even else {"sample_weight": weights}
        known = predictions(eta, family, classes)
        labels = y if classes is None else classes[_codes(y)]
        try:
            return float(asked(known, row_numbers(len(y)), labels, **weighted))
        except AttributeError as error:  # scikit-learn's word for a method that is not there
            raise ValueError(
                f"scoring must be one of {list(_ours(family))} or a scorer of scikit-learn that "
                f"can do with what family={family.name!r} predicts, got {name!r}: {error}"
            ) from error

    return Scoring(name, True, score)


def _codes(y: Floats) -> NDArray[np.intp]:
    """Return the number of each row's class."""
    return (y.argmax(axis=1) if y.ndim == 2 else y).astype(np.intp)
