"""The relaxed lasso: the fits of a path again without penalty, each on its own support.

    b(gamma) = gamma b_path + (1 - gamma) b_refit        gamma in [0, 1]

The columns of the support are gathered; bounds (of classes there may be none), weights, offset and
intercept stay. A support that has not changed is not fitted again. Cost: the fit of n rows and
|support| columns at alpha = 0, by least squares or maximum likelihood; several gaussian responses,
which only the penalty ties together, are as many fits. Of the multinomial fits that predict alike,
which differ by what is added to a feature's coefficients for all classes, it is the one where these
sum to 0.

Source: Meinshausen, "Relaxed lasso", Comput. Stat. Data Anal. 52(1), 2007; the mixture of the two
fits: Hastie, Tibshirani, Tibshirani, Statist. Sci. 35(4), 2020, eq. 4.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .centring import centre
from .data import Data
from .engine import Engine
from .families import Gaussian, MultiGaussian, Multinomial
from .multi import most_unpenalised
from .problem import Problem
from .stopping import LONG, WORST_FIRST, Rule
from .working_set import GRAM_LIMIT

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

LATE_REFITS = (
    "supports that were fitted again without penalty ended above the tolerance, see "
    "relaxed_status; raise max_iter, or use larger alphas"
)


@dataclass
class Refit:
    """The unpenalised fit on the features `index`: coef (|J|,) or (|J|, K), intercept likewise."""

    index: Indices
    coef: Floats
    intercept: Any
    status: str


class Refitter:
    """Fits the supports of one lane again, one after the other.

    last, eta : the last fit, and its linear predictor (n,) or (n, K), offset included
    separated : whether a support fitted y perfectly
    deadline : when its fits are to end
    """

    def __init__(self, X: Any, data: Data, rule: Rule) -> None:
        if data.y.ndim == 2 and np.any(np.isfinite(data.lower) | np.isfinite(data.upper)):
            raise ValueError(
                "relaxed must be False where the coefficients of classes have bounds: fits without "
                "penalty within bounds are for one response"
            )
        self._X, self._data, self._rule, self.deadline = X, data, rule, rule.deadline
        self.last: Refit | None = None
        self.eta: Floats = np.empty(0)
        self.separated = False

    def fit(self, index: Indices) -> Refit:
        """Return the fit on the support `index`, ascending, not empty."""
        if self.last is not None and np.array_equal(index, self.last.index):
            return self.last
        data = self._data
        classes = data.y.shape[1] if isinstance(data.family, Multinomial) else 1
        limit = GRAM_LIMIT if classes == 1 else most_unpenalised(classes)
        few = min(len(data.y), limit)
        if not isinstance(data.family, Gaussian | MultiGaussian) and len(index) > few:
            raise ValueError(
                f"relaxed must be False where supports have more than {few} features (rows of X, "
                f"and {limit}) under family={data.family.name!r}, got {len(index)}: use larger "
                "alphas, or a larger l1_ratio"
            )
        own = replace(
            data, X=self._X[:, index], factor=np.asarray(0.0), lower=_take(data.lower, index),
            upper=_take(data.upper, index),
        )  # fmt: skip
        if isinstance(data.family, MultiGaussian):
            coef, intercept, self.eta, status = _together(
                [self._solve(part) for part in _responses(own)]
            )
        else:
            coef, intercept, self.eta, status = self._solve(own)
        if isinstance(data.family, Multinomial):
            coef -= coef.mean(axis=1, keepdims=True)
            intercept = intercept - intercept.mean()
            shift = self.eta if data.offset is None else self.eta - data.offset
            self.eta = self.eta - shift.mean(axis=1, keepdims=True)
        self.last = Refit(index, coef, intercept, status)
        return self.last

    def _solve(self, own: Data) -> tuple[Floats, Any, Floats, str]:
        """Return coef (|J|,) or (|J|, K), intercept, eta (n,) or (n, K) and status of the fit to
        all columns of X."""
        rule = self._rule
        centred = centre(own, rule.n_threads)
        problem = Problem(
            centred.design, centred.y, own.family, centred.penalty, rule.tol, rule.max_iter,
            min(self.deadline, time.monotonic() + LONG), centred.offset,
            over=lambda: time.monotonic() > self.deadline,
        )  # fmt: skip
        engine = Engine(problem)
        fit = engine.solve(0.0, last=True)
        self.separated |= problem.separated
        coef = np.zeros((own.X.shape[1], *fit.coef.shape[1:]))
        coef[centred.expand(fit.index)] = fit.coef
        return coef, centred.intercept_of(fit), centred.predictor(engine.fitted()), fit.status


def _take(values: Floats, index: Indices) -> Floats:
    return values if values.ndim == 0 else values[index]


def _responses(data: Data) -> list[Data]:
    """Return the problem of each column of y (n, K), under least squares."""
    family = Gaussian()
    offsets = [None] * data.y.shape[1] if data.offset is None else data.offset.T
    return [
        replace(data, y=np.ascontiguousarray(y), offset=offset, family=family)
        for y, offset in zip(data.y.T, offsets, strict=True)
    ]


def _together(fits: list[tuple[Floats, Any, Floats, str]]) -> tuple[Floats, Floats, Floats, str]:
    """Return the fits of K responses as one, its status the worst of theirs."""
    coefs, intercepts, etas, status = zip(*fits, strict=True)
    worst = next(word for word in WORST_FIRST if word in status)
    return np.stack(coefs, axis=1), np.array(intercepts), np.stack(etas, axis=1), worst
