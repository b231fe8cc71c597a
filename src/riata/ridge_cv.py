"""Held-out predictions of ridge regression: one decomposition for all rows left out one by one.

Alphas here are those of `fit_path` on all data. A sum of squares penalised by alpha has another
alpha per unit of weight in every fold, as scikit-learn's Ridge does: alpha over the share of the
weight that trains.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blas import one_blas_thread
from .data import Data, check_data
from .design import read_once
from .folds import Fold, make_folds
from .lane import Lane
from .result import RegularizationPath
from .starts import Start
from .stopping import Rule
from .threads import run

Floats = NDArray[np.float64]


@dataclass
class RidgeFits:
    """What the folds of several targets gave.

    paths : the fits on all data, one for each target
    predictions : for each fold its test rows and what was predicted for them, (m, L, T)
    weights : (n,), summing to 1
    """

    paths: list[RegularizationPath]
    predictions: list[tuple[NDArray[np.intp], Floats]]
    weights: Floats


@one_blas_thread()
def cross_validate_ridge(
    X: Any, targets: Floats, alphas: Floats, cv: Any, rule: Rule, settings: dict[str, Any]
) -> RidgeFits:
    """Fit ridge paths on all data, and predict the held-out rows of every fold.

    Parameters
    ----------
    X : matrix of shape (n, p)
    targets : (T, n)
    alphas : (L,), descending
    cv : iterable of (train, test), or None: every row is left out once, by algebra
    rule : when to stop
    settings : the model, keywords of `check_data`

    Notes
    -----
    Cost: min(n, p)^2 max(n, p) multiply-adds for all data and for each fold, whatever T and L; for
    cv=None once, and once more for the leverages.
    """
    data = check_data(X, targets[0], **settings)
    data = replace(data, X=read_once(data.X))
    lanes = _walk(data, targets, alphas, rule)
    if cv is None:
        predictions = [(np.arange(len(data.y)), _left_out(lanes, alphas))]
    else:
        folds = make_folds(cv, X, targets[0], None, data.weights, None)
        predictions = _of_folds(data, targets, alphas, folds, rule)
    paths = [lane.result(alphas, "time_limit", {**settings, **rule.as_settings()})
             for lane, _ in lanes]  # fmt: skip
    return RidgeFits(paths, predictions, data.weights)


def _walk(data: Data, targets: Floats, alphas: Floats, rule: Rule) -> list[tuple[Lane, Floats]]:
    """Fit every target; return its lane and linear predictors (n, L)."""
    found: list[tuple[Lane, Floats]] = []
    for y in targets:
        lane = Start(replace(data, y=y), rule).lane(0.0)
        if found:
            lane.engine.ridge.adopt(found[0][0].engine.ridge)
        eta = np.empty((len(y), len(alphas)))
        for k, alpha in enumerate(alphas):
            lane.step(float(alpha), last=k == len(alphas) - 1)
            eta[:, k] = lane.predictor()
        found.append((lane, eta))
    return found


def _left_out(lanes: list[tuple[Lane, Floats]], alphas: Floats) -> Floats:
    """Return what a fit without row i predicts for it, (n, L, T): y_i - r_i / (1 - h_i)."""
    kept = 1.0 - lanes[0][0].engine.ridge.leverages(alphas).T
    etas = []
    for lane, eta in lanes:
        y = lane.centred.data.y[:, None]
        etas.append(y - (y - eta) / kept)
    return np.stack(etas, axis=2)


def _of_folds(
    data: Data, targets: Floats, alphas: Floats, folds: list[Fold], rule: Rule
) -> list[tuple[NDArray[np.intp], Floats]]:
    found: list[Any] = [None] * len(folds)

    def job(fold: Fold) -> None:
        training = replace(data, weights=fold.train_weights(data.weights))
        scaled = alphas / fold.train_share(data.weights)
        etas = [eta[fold.test] for _, eta in _walk(training, targets, scaled, rule)]
        found[fold.number] = fold.test, np.stack(etas, axis=2)

    run([partial(job, fold) for fold in folds], rule.n_threads)
    return found
