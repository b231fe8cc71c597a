"""How held-out predictions are scored: by name, or by a scorer of scikit-learn.

y is what the family fits: labels are 0 and 1, or a column per class.
"""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .families import MultipleFamily
from .kernels import dual

Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats, Floats], float]
ScoreOfRows = Callable[[Floats, Floats, Floats, NDArray[np.intp]], float]

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

    score(y, eta, weights, rows) -> float : targets, linear predictors and weights of some rows,
        and their numbers
    ours : whether it is one of NAMES, which a caller's function may be called, too
    takes_weights : False for a scorer that has no sample_weight
    """

    name: str
    greater_is_better: bool
    score: ScoreOfRows
    ours: bool = True
    takes_weights: bool = True

    def check(self, y: Floats, fold: int) -> None:
        """Refuse held-out rows that have no such score."""
        if self.ours and self.name == "auc" and (y.max() == 0.0 or y.min() == 1.0):
            raise ValueError(
                f"cv must hold out rows of both classes for scoring='auc', got one class in fold "
                f"{fold}: stratify the splits (as an integer cv does), or use fewer of them"
            )

    def check_weights(self, weights: list[Floats]) -> None:
        """Say once that a scorer cannot use weights, where those of some rows differ."""
        if not self.takes_weights and not all(map(alike, weights)):
            warn_unweighted(self.name)


def get_scoring(
    scoring: Any,
    family: Any,
    classes: NDArray[Any] | None,
    X: Any,
    metadata: dict[str, Any] | None = None,
) -> Scoring:
    """Return the scoring that a name or a scorer stands for.

    Parameters
    ----------
    scoring : one of NAMES, name of a scikit-learn scorer, or scorer
        A scorer is called as ``scorer(estimator, X, y, sample_weight=...)`` with rows of X, for
        which ``estimator.predict(X)`` gives the held-out predictions; where y held labels, the
        estimator is a classifier and y are labels.
    family : Family or MultipleFamily
    classes : the labels of y, None where it held numbers
    X : all rows, a matrix or a data frame
    metadata : what else a scorer is called with; of arrays with an entry per row those of its rows
    """
    ours = _ours(family)
    if isinstance(scoring, str) and scoring in ours:
        return Scoring(scoring, scoring == "auc", _of_any_rows(ours[scoring]))
    if isinstance(scoring, str) and scoring in NAMES:
        raise ValueError(
            f"scoring must be one of {list(ours)} or a scorer of scikit-learn for "
            f"family={family.name!r}, got {scoring!r}"
        )
    if isinstance(scoring, str):
        name, most = THEIRS.get(scoring, ("", 0.0))
        if name in ours and (name == "misclassification") == (classes is not None):
            return Scoring(scoring, True, _of_any_rows(_less(most, ours[name])))
    if isinstance(scoring, str) or callable(scoring):
        return _scorer(scoring, family, classes, X, metadata)
    raise TypeError(
        f"scoring must be one of {list(ours)}, the name of a scikit-learn scorer, or a scorer, "
        f"got {scoring!r}"
    )


def shown(X: Any, matrix: Any) -> Any:
    """Return what scorers see of X: the caller's data frame, or else the matrix made of X."""
    return X if hasattr(X, "columns") else matrix


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
    counts = (weights > 0.0).astype(np.float64)
    return _mean(_missed)(y, eta, counts if alike(weights) else weights)


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


def _of_any_rows(score: Score) -> ScoreOfRows:
    return lambda y, eta, weights, rows: score(y, eta, weights)


def _scorer(
    scoring: Any, family: Any, classes: NDArray[Any] | None, X: Any, metadata: dict[str, Any] | None
) -> Scoring:
    from .scorers import Judge, predictions

    wanted = (
        f"one of {list(_ours(family))}, or a scorer of scikit-learn or its name, that can do with "
        f"what family={family.name!r} predicts"
    )
    judge = Judge(scoring, wanted, X, metadata, classes)

    def score(y: Floats, eta: Floats, weights: Floats, rows: NDArray[np.intp]) -> float:
        labels = y if classes is None else classes[_codes(y)]
        known = predictions(eta, family, classes)
        return judge(known, labels, None if alike(weights) else weights, rows)

    return Scoring(judge.name, True, score, ours=False, takes_weights=judge.takes_weights)


def _codes(y: Floats) -> NDArray[np.intp]:
    """Return the number of each row's class."""
    return (y.argmax(axis=1) if y.ndim == 2 else y).astype(np.intp)


# -- what is refused, and what is said -------------------------------------------------------------


def alike(weights: Floats) -> bool:
    """Return whether all weights that are not 0 are the same."""
    weights = weights[weights > 0.0]
    return bool((weights == weights[:1]).all())


def check_scores(scores: Floats, name: str) -> None:
    """Refuse scores (..., K), NaN where unsolved, of which none is finite in every fold."""
    solved = scores[~np.isnan(scores).any(axis=-1)]
    if len(solved) and not np.isfinite(solved).all(axis=-1).any():
        found = solved[~np.isfinite(solved)][0]
        raise ValueError(
            f"scoring must give one alpha at least a finite score in every fold, got {found} from "
            f"{name!r} at every alpha: use other alphas, or another scoring"
        )


def warn_unweighted(name: str) -> None:
    """Say that a scorer is not called with the weights that there are."""
    warnings.warn(
        f"scoring={name!r} takes no sample_weight: held-out rows of positive weight count alike in "
        "its scores, but not in the fits",
        UserWarning,
        stacklevel=outside(),
    )


def outside() -> int:
    """Return the stacklevel of whoever called riata, for a warning that the caller gives."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "riata":
        frame, level = frame.f_back, level + 1
    return level
