"""The relaxed lasso: the fits of a path again without penalty, each on its own support.

    b(gamma) = gamma b_path + (1 - gamma) b_refit        gamma in [0, 1]

The columns of the support are gathered; bounds, weights, offset and intercept stay. A support that
has not changed is not fitted again. Cost: the least-squares fit of n rows and |support| columns.

Source: Meinshausen, "Relaxed lasso", Comput. Stat. Data Anal. 52(1), 2007; the mixture of the two
fits: Hastie, Tibshirani, Tibshirani, Statist. Sci. 35(4), 2020, eq. 4.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import Data
from .centring import centre
from .engine import Engine
from .problem import Problem
from .stopping import Rule

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass
class Refit:
    """The unpenalised fit on the features `index`."""

    index: Indices
    coef: Floats
    intercept: float
    status: str
    eta: Floats  # (n,), offset included


class Refitter:
    """Fits the supports of one lane again, one after the other."""

    def __init__(self, X: Any, data: Data, y_mean: float, rule: Rule) -> None:
        self._X, self._data, self._rule = X, data, rule
        offset = np.zeros(len(data.y)) if data.offset is None else data.offset
        self._null = Refit(
            np.empty(0, dtype=np.intp), np.empty(0), y_mean, "converged", y_mean + offset
        )
        self.last = self._null

    def fit(self, index: Indices) -> Refit:
        """Return the fit on the support `index`, ascending."""
        if len(index) == 0:
            self.last = self._null
        elif not np.array_equal(index, self.last.index):
            self.last = self._solve(index)
        return self.last

    def _solve(self, index: Indices) -> Refit:
        data, rule = self._data, self._rule

        def take(values: Floats) -> Floats:
            return values if values.ndim == 0 else values[index]

        own = replace(
            data, X=self._X[:, index], factor=np.asarray(0.0), lower=take(data.lower),
            upper=take(data.upper),
        )  # fmt: skip
        centred = centre(own, rule.n_threads)
        problem = Problem(
            centred.design, centred.y, data.family, centred.penalty, rule.tol, rule.max_iter,
            min(rule.deadline, time.monotonic() + 1e9),
        )  # fmt: skip
        engine = Engine(problem)
        fit = engine.solve(0.0, last=True)
        coef = np.zeros(len(index))
        coef[centred.expand(fit.index)] = fit.coef
        eta = centred.y_mean + engine.fitted()
        return Refit(
            index, coef, centred.intercept(fit.index, fit.coef), fit.status,
            eta if data.offset is None else eta + data.offset,
        )  # fmt: skip
