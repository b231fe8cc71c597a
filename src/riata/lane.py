"""One problem on its way down a grid."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .centring import Centred
from .engine import Engine
from .freedom import degrees_of_freedom
from .problem import Fit
from .relaxed import Refit, Refitter
from .result import RegularizationPath
from .result_multi import MultiResponsePath

Floats = NDArray[np.float64]


class Lane:
    """One problem on its way down a grid: its engine, its fits so far.

    before : passes over X that its design had made for others
    scale : its alphas, as multiples of the grid's
    refitter : fits the supports again, where the path is to be relaxed
    relaxed_eta : then the linear predictor of the last of these fits
    """

    refitter: Refitter | None = None
    relaxed_eta: Floats
    scale: float = 1.0

    def __init__(self, centred: Centred, engine: Engine, before: float = 0.0) -> None:
        self.centred, self.engine, self._before = centred, engine, before
        self.fits: list[Fit] = []
        self.refits: list[Refit] = []

    def expect(self, alphas: Floats) -> None:
        """Take the grid, descending, that `step` is going to walk."""
        self.engine.expect(alphas * self.scale)

    def step(self, alpha: float, *, last: bool) -> Fit:
        """Solve the next alpha, warm from the one before."""
        fit = self.engine.solve(alpha * self.scale, last=last)
        if self.engine.problem.counts_df:
            fit.df = degrees_of_freedom(self.engine.problem, fit, self.engine.fitted)
        if self.refitter is not None:
            self.refits.append(self._refit(fit, self.refitter))
        self.fits.append(fit)
        return fit

    def _refit(self, fit: Fit, refitter: Refitter) -> Refit:
        """Return the fit without penalty on the support; on none it is the fit itself."""
        index = self.centred.expand(fit.index)
        if len(index):
            refit = refitter.fit(index)
            self.relaxed_eta = refitter.eta
        else:
            refit = Refit(index, fit.coef, self.centred.intercept_of(fit), fit.status)
            self.relaxed_eta = self.predictor()
        return refit

    def forget(self) -> None:
        """Drop the coefficients of the last fits, which nobody will ask for."""
        none = np.empty(0, dtype=np.intp)
        self.fits[-1].index, self.fits[-1].coef = none, np.empty(0)
        if self.refits:
            self.refits[-1] = replace(self.refits[-1], index=none, coef=np.empty(0))

    def cut(self, size: int) -> None:
        """Forget what came after the first `size` alphas."""
        del self.fits[size:], self.refits[size:]

    def predictor(self, rows: NDArray[np.intp] | None = None) -> Floats:
        """Return o + b0 + X b, (n,) or (n, K), at the last alpha, for all or some rows, those of
        weight 0 as any others."""
        return self.centred.predictor(self.engine.fitted(rows), rows)

    @property
    def separated(self) -> bool:
        """Whether what nothing penalises, here or in a support fitted again, fits y perfectly."""
        refitter = self.refitter
        return self.engine.problem.separated or (refitter is not None and refitter.separated)

    def result(self, alphas: Floats, unsolved: str, settings: dict[str, Any]) -> RegularizationPath:
        """Return the path; `unsolved` is the status of the alphas that were not reached."""
        centred, problem = self.centred, self.engine.problem
        settings = {
            **settings,
            "family": centred.data.family,
            "relaxed": self.refitter is not None,
        }
        kind = RegularizationPath
        if problem.y.ndim == 2:
            kind, settings["n_responses"] = MultiResponsePath, problem.y.shape[1]
        return kind.from_fits(
            alphas * self.scale,
            [(centred.expand(fit.index), centred.intercept_of(fit), fit) for fit in self.fits],
            None if self.refitter is None else self.refits,
            n_features=centred.design.n_features,
            names=centred.data.names,
            classes=centred.data.classes,
            null_objective=problem.null_objective,
            unsolved=unsolved,
            n_rows=int(np.count_nonzero(centred.design.weights)),
            n_passes=centred.design.n_passes - self._before,
            settings=settings,
        )
