"""Which solver for which alpha of a path; the only place that chooses.

several responses           MultiSolver
another loss                WideNewtonSolver, which is NewtonSolver where a Gram matrix will do
no L1 part, no bounds       RidgeSolver, from the general solver's state
tall dense X                CovarianceSolver, or ResponseCovarianceSolver of several responses, for
                            as long as Gram algebra is exact enough
everything else             LazySolver where X is read by the column and all is penalised, else
                            Solver
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .covariance import CovarianceSolver
from .families import Gaussian, MultipleFamily
from .lazy_solver import LazySolver
from .multi import MultiSolver
from .newton_wide import WideNewtonSolver
from .problem import Fit, Problem
from .response_covariance import ResponseCovarianceSolver
from .ridge import RidgeSolver
from .solver import Solver

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class Engine:
    """Solves one problem for alpha after alpha, each solver warm from where the last one ended."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._covariance = _by_gram_alone(problem)
        self._made: Solver | None = None
        self._expected = np.empty(0)
        if self._covariance is None:
            self._solver()

    def _solver(self) -> Solver:
        """Return the general solver; the first call fits the null model."""
        if self._made is None:
            family = self.problem.family
            if isinstance(family, Gaussian):
                lazy = LazySolver.suits(self.problem)
                self._made = (LazySolver if lazy else Solver)(self.problem)
            else:
                multiple = isinstance(family, MultipleFamily)
                self._made = (MultiSolver if multiple else WideNewtonSolver)(self.problem)
            self._made.expect(self._expected)
        return self._made

    @cached_property
    def ridge(self) -> RidgeSolver:
        """What solves the alphas without an L1 part."""
        return RidgeSolver(self._solver())

    def alpha_max(self) -> float:
        """Return the smallest alpha with no penalised feature in the model."""
        if self._covariance is not None:
            return self._covariance.alpha_max()
        return self.problem.penalty.alpha_max(self._solver().state.z, self._solver().skip)

    def start_from(self, coef: Floats) -> None:
        """Take coef (p,), put within the bounds, as the point to start from."""
        box = self.problem.penalty.at(0.0)
        never, lower, upper = self.problem.never, box.lower, box.upper
        if coef.ndim == 2:
            never, lower, upper = never[:, None], lower[:, None], upper[:, None]
        coef = np.where(never == 0, np.clip(coef, lower, upper), 0.0)
        if self._covariance is not None:
            self._covariance.start_from(coef)
        else:
            self._solver().start_from(coef)

    def direct(self, alpha: float) -> bool:
        """Whether `ridge` solves alpha: least squares without an L1 part and without bounds."""
        penalty = self.problem.penalty
        least_squares = isinstance(self.problem.family, Gaussian)
        return least_squares and penalty.unbounded and not penalty.has_l1(alpha)

    def expect(self, alphas: Floats) -> None:
        """Take the alphas that `solve` will be asked for, descending: some may be solved ahead."""
        self._expected = alphas
        for solver in (self._covariance, self._made):
            if solver is not None:
                solver.expect(alphas)

    @property
    def apart(self) -> bool:
        """Whether X will hardly be read, so that nobody need wait for others who read it too."""
        return self._covariance is not None

    def begin(self, alpha: float) -> Floats | None:
        """Go ahead towards alpha, and return the u (n,) whose X'u is wanted before `solve`; None
        where `solve` does all. For whoever solves several problems on one X."""
        return self._solver().begin(alpha) if self._goes_ahead(alpha) else None

    def _goes_ahead(self, alpha: float) -> bool:
        several = isinstance(self.problem.family, MultipleFamily)
        return not several and self.problem.penalty.has_l1(alpha) and self._covariance is None

    def wanted(self, alpha: float) -> tuple[Indices, Indices] | None:
        """Return the features that may join in `begin`, and those that may soon after; None where
        `begin` does nothing."""
        return self._solver().wanted(alpha) if self._goes_ahead(alpha) else None

    def make_room(self, side: int) -> None:
        """Give working sets room for `side` features from the start, where there will be some."""
        if self._made is not None:
            self._made.working.room = side

    def doubtful(self) -> NDArray[np.intp] | None:
        """Return the features whose X'u `take` should be given; None for all."""
        return self._solver().doubtful()

    def take(self, z: Floats, index: NDArray[np.intp] | None = None) -> None:
        """Take X'u of what `begin` returned: (p,), or of the features `index`, the doubtful ones
        at least."""
        self._solver().take(z, index)

    def solve(self, alpha: float, *, last: bool) -> Fit:
        """Return the certified fit at alpha.

        last : whether its certificate must come from X, even where Gram algebra would do
        """
        if self.direct(alpha):
            return self.ridge.solve(alpha)
        if self._covariance is not None and alpha > 0.0:
            fit = self._covariance.solve(alpha)
            if fit is not None and last:
                fit = self._covariance.verify(fit)
            if fit is not None:
                return fit
            coef, self._covariance = self._covariance.coef(), None
            self._solver().start_from(coef)
        return self._solver().solve(alpha)

    def fitted(self, rows: Indices | None = None) -> Floats:
        """Return the linear predictor at the last fit, (n,) or (n, K), or some of its rows, those
        of weight 0 as any others; less what centring has taken out of y.

        From what a certificate from X leaves behind, where there was one.
        """
        if self._covariance is not None and self._made is None:
            return self._covariance.fitted(rows)
        return self._solver().fitted(rows)


def _by_gram_alone(problem: Problem) -> CovarianceSolver | None:
    """Return who solves without reading X, if anybody can."""
    for kind in (CovarianceSolver, ResponseCovarianceSolver):
        if kind.suits(problem):
            solver = kind(problem)
            return solver if solver.sound else None
    return None
