"""Fits without an L1 part and without bounds: one factorisation for every alpha, or CG.

    minimise over b   1/2 |y - X b|_w^2 + alpha/2 sum_j d_j^-2 b_j^2        (d_j = infinity: free)

    p <= n       X~ = X diag(d) made orthogonal to the free features, X~'diag(w)X~ = V L V':
                 b = diag(d) V (L + alpha)^-1 V' diag(d) z0
    n < p        K = diag(w)^1/2 X diag(d)^2 X' diag(w)^1/2 = V L V':
                 b = diag(d)^2 X' diag(w)^1/2 V (L + alpha)^-1 V' diag(w)^1/2 y
    both large   conjugate gradients on the normal equations, preconditioned by their diagonal
    alpha = 0    least squares of minimum norm (least_squares.py)

Each is refined on the true residual until the certificate is met. Cost of a factorisation:
min(n, p)^2 max(n, p) multiply-adds, then O(np) an alpha.

Source: Hastie and Tibshirani, "Efficient quadratic regularization for expression arrays",
Biostatistics 5(3), 2004, section 2 (the dual form); Hestenes and Stiefel, J. Res. NBS 49, 1952.
"""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from .least_squares import ColumnSpace
from .problem import Fit, OutOfTime, Problem
from .row_space import add_row_gram
from .solver import Solver
from .state import State
from .working_set import GRAM_LIMIT

Floats = NDArray[np.float64]

REFINEMENTS = 4


class RidgeSolver:
    """Solves the problem of a Solver at alphas that leave no L1 part, from the solver's state."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self._problem: Problem = solver.problem
        self._factor: _Factor | None = None
        self._least_squares: ColumnSpace | None = None

    def solve(self, alpha: float) -> Fit:
        """Return the certified fit at alpha."""
        if alpha == 0.0:
            return self._solve_least_squares()
        problem, solver = self._problem, self._solver
        box = problem.penalty.at(alpha)
        n_iter, gaps, status, moved = 0, [float("inf")], "", False
        while not status:
            state, negligible = solver.state, problem.negligible_gap()
            gradient = np.where(problem.never == 0, state.z - box.l2 * state.coef, 0.0)
            if moved or problem.expired() or not _is_far(gradient, box.l2, negligible):
                gap = solver.certify(alpha, box)
                status = problem.verdict(
                    gap, negligible, solver.rounding(), problem.max_iter - n_iter,
                    stalled=len(gaps) > REFINEMENTS,
                )  # fmt: skip
                if status:
                    break
                gaps = [*gaps, gap] if gap >= 0.5 * min(gaps) else [gap]
            try:
                step, iterations = self._take_factor().solve(
                    state, gradient, alpha, problem.max_iter - n_iter
                )
            except OutOfTime:
                gap, status = solver.certify(alpha, box), "time_limit"
                break
            n_iter, moved = n_iter + iterations, True
            solver.move_to(state.coef + step)
        df = float("nan")
        with suppress(OutOfTime):
            df = self._take_factor().trace(alpha)
        return solver.fit(alpha, gap, status, n_iter, df)

    def _take_factor(self) -> "_Factor":
        """Return the factorisation, made when it is first asked for."""
        if self._factor is None:
            self._problem.look()
            self._factor = _factorise(self._solver)
        return self._factor

    def adopt(self, other: "RidgeSolver") -> None:
        """Take the decomposition of another problem with the same design and penalty."""
        self._factor, self._least_squares = other._factor, other._least_squares

    def leverages(self, alphas: Floats) -> Floats:
        """Return how much of y_i is in its own fitted value, (L, n), intercept included.

        h_i = w_i (1 + x_i'(X'diag(w)X + alpha d^-2)^-1 x_i), without the 1 where nothing is
        centred; the residual of row i in a fit without it is r_i / (1 - h_i), for the same
        alpha * sum(s).

        Source: Golub, Heath, Wahba, Technometrics 21(2), 1979, section 2.
        """
        design = self._problem.design
        own = design.weights if design.centred else np.zeros(design.n)
        return own + self._take_factor().leverages(alphas)

    def _solve_least_squares(self) -> Fit:
        """The fit at alpha = 0: minimum norm, its gap |projection of the residual|_w^2 / 2."""
        problem, solver = self._problem, self._solver
        live = np.flatnonzero(problem.never == 0)
        if min(problem.design.n, len(live)) > GRAM_LIMIT:
            raise ValueError(
                f"alpha must be > 0 where both shape entries of X exceed {GRAM_LIMIT}: the minimum-"
                "norm least-squares fit would need a decomposition of that size; use a small alpha"
            )
        if self._least_squares is None:
            self._least_squares = ColumnSpace(problem.design, live)
        space = self._least_squares
        solver.move_to(np.zeros(problem.design.p))
        n_iter, best, stalls, status = 0, float("inf"), 0, ""
        while True:
            step, lost = space.fit(solver.state.resid, solver.state.z[live])
            gap = 0.5 * lost
            stalls = stalls + 1 if gap >= 0.5 * best else 0
            best = min(best, gap)
            if status := problem.verdict(
                gap,
                problem.negligible_gap(),
                solver.rounding(),
                problem.max_iter - n_iter,
                stalled=stalls > REFINEMENTS,
            ):
                break
            coef = solver.state.coef.copy()
            coef[live] += step
            solver.move_to(coef)
            n_iter += 1
        return solver.fit(0.0, gap, status, n_iter, float(space.rank))


def _is_far(gradient: NDArray[np.float64], l2: NDArray[np.float64], negligible: float) -> bool:
    """Whether the duality gap, the residual not scaled, is more than negligible, so that no
    certificate is needed to go on."""
    held = l2 > 0.0
    with np.errstate(over="ignore"):  # it is far
        gap = 0.5 * float((gradient[held] ** 2 / l2[held]).sum())
    return gap > negligible


class _Factor:
    """A way to solve (X'diag(w)X + alpha d^-2) step = gradient; None of them reads alpha early."""

    def solve(
        self, state: State, gradient: Floats, alpha: float, max_iter: int
    ) -> tuple[Floats, int]:
        raise NotImplementedError

    def trace(self, alpha: float) -> float:
        """Return the degrees of freedom at alpha, NaN where they would cost a factorisation."""
        raise NotImplementedError

    def leverages(self, alphas: Floats) -> Floats:
        """Return RidgeSolver.leverages but for the intercept."""
        raise NotImplementedError


def _factorise(solver: Solver) -> _Factor:
    """Choose by size: p^2 n, n^2 p, or iterations that cost two passes each."""
    design, free = solver.problem.design, solver.working.free
    live = np.flatnonzero(solver.skip == 0)
    if len(live) + len(free) <= min(design.n, GRAM_LIMIT):
        return _ColumnFactor(solver, live)
    if design.n <= min(GRAM_LIMIT, len(live) + len(free)):
        return _RowFactor(solver, live)
    return _ConjugateGradients(solver, live)


def _units(solver: Solver, live: NDArray[np.intp]) -> Floats:
    """Return d: 1 / sqrt(l2 at alpha = 1) of the penalised features."""
    return 1.0 / np.sqrt(solver.problem.penalty.at(1.0).l2[live])


class _ColumnFactor(_Factor):
    """p <= n: the free features eliminated, the Gram matrix of the others decomposed."""

    def __init__(self, solver: Solver, live: NDArray[np.intp]) -> None:
        self._free, self._space = solver.working.free, solver.working.space
        self._live, self._d = live, _units(solver, live)
        panel = solver.problem.design.panel()
        if len(self._free):
            panel.extend(self._free)
        k = len(self._free)
        rows = panel.extend(live)
        cross = np.ascontiguousarray(rows[:, :k].T)
        self._loads = self._space.solve(cross)
        gram = rows[:, k:] - cross.T @ self._loads
        solver.problem.look()
        self._values, self._vectors = eigh(self._d[:, None] * gram * self._d, driver="evd")
        self._values = np.maximum(self._values, 0.0)
        self._design = solver.problem.design

    def solve(
        self, state: State, gradient: Floats, alpha: float, max_iter: int
    ) -> tuple[Floats, int]:
        step = np.zeros_like(gradient)
        load = gradient[self._live] - self._loads.T @ gradient[self._free]
        part = (self._vectors.T @ (self._d * load)) / (self._values + alpha)
        step[self._live] = self._d * (self._vectors @ part)
        step[self._free] = self._space.solve(gradient[self._free])
        step[self._free] -= self._loads @ step[self._live]
        return step, 1

    def trace(self, alpha: float) -> float:
        return float(np.sum(self._values / (self._values + alpha)) + self._space.rank)

    def leverages(self, alphas: Floats) -> Floats:
        axes = self._d[:, None] * self._vectors
        axes = np.vstack([axes, -self._loads @ axes]).T
        members = np.concatenate([self._live, self._free])
        shares = 1.0 / (self._values + alphas[:, None])
        own = self._design.weights * self._design.squared_dots(members, axes, shares)
        return self._space.leverage() + own


class _RowFactor(_Factor):
    """n < p: the inner products of the rows decomposed.

    With A = (I - QQ') diag(w)^1/2 X diag(d), Q an orthonormal basis of the free features,
    (A'A + alpha) s = h  has the solution  s = (h - A'(A A' + alpha)^-1 A h) / alpha.
    The free features are refitted by whoever moves to the new point.
    """

    def __init__(self, solver: Solver, live: NDArray[np.intp]) -> None:
        self._design, self._free = solver.problem.design, solver.working.free
        self._live, self._d = live, _units(solver, live)
        self._root = np.sqrt(self._design.weights)
        one = np.ones(1)
        columns = [
            self._root * self._design.dot(self._free[[k]], one) for k in range(len(self._free))
        ]
        left, sizes, _ = np.linalg.svd(np.array(columns).reshape(-1, self._design.n).T, False)
        self._basis = left[:, sizes > 1e-10 * sizes.max(initial=0.0)]
        gram, look = np.zeros((self._design.n, self._design.n)), solver.problem.look
        add_row_gram(self._design, gram, live, self._d, 1.0, look)
        gram = np.tril(gram) + np.tril(gram, -1).T
        gram = self._project(self._project(gram).T)
        look()
        self._values, self._vectors = eigh(gram, driver="evd")
        self._values = np.maximum(self._values, 0.0)

    def _project(self, values: Floats) -> Floats:
        """Return (I - QQ') values."""
        return values - self._basis @ (self._basis.T @ values)

    def solve(
        self, state: State, gradient: Floats, alpha: float, max_iter: int
    ) -> tuple[Floats, int]:
        live, d = self._live, self._d
        step = np.zeros_like(gradient)
        if not state.coef[live].any():  # from zero: h = A'(w^1/2 r), without the cancellation
            part = self._vectors.T @ self._project(self._root * state.resid)
            dual = self._project(self._vectors @ (part / (self._values + alpha)))
            step[live] = d**2 * self._design.transpose_dot(self._root * dual)[live]
            return step, 1
        h = d * gradient[live]
        image = self._project(self._root * self._design.dot(live, d * h))
        dual = self._project(self._vectors @ ((self._vectors.T @ image) / (self._values + alpha)))
        back = d * self._design.transpose_dot(self._root * dual)[live]
        step[live] = d * (h - back) / alpha
        return step, 1

    def trace(self, alpha: float) -> float:
        return float(np.sum(self._values / (self._values + alpha)) + self._basis.shape[1])

    def leverages(self, alphas: Floats) -> Floats:
        shares = self._values / (self._values + alphas[:, None])
        return (self._basis**2).sum(axis=1) + shares @ (self._vectors**2).T


class _ConjugateGradients(_Factor):
    """Both n and p large: preconditioned conjugate gradients, two passes an iteration."""

    def __init__(self, solver: Solver, live: NDArray[np.intp]) -> None:
        self._problem = solver.problem
        self._all = np.sort(np.concatenate([solver.working.free, live]))

    def solve(
        self, state: State, gradient: Floats, alpha: float, max_iter: int
    ) -> tuple[Floats, int]:
        problem, design, index = self._problem, self._problem.design, self._all
        l2 = problem.penalty.at(alpha).l2[index]
        diagonal = design.norm_sq[index] + l2
        r = gradient[index].copy()
        # The gap at a point of gradient r is at most sum r^2 / (2 l2) where l2 > 0.
        inverse = 1.0 / np.where(l2 > 0.0, l2, diagonal)
        target = 0.3 * problem.negligible_gap()
        step, direction, rho, n_iter = np.zeros_like(r), np.zeros_like(r), 1.0, 0
        while n_iter < max_iter and 0.5 * float(r**2 @ inverse) > target:
            s = r / diagonal
            previous, rho = rho, float(r @ s)
            direction = s + (rho / previous if n_iter else 0.0) * direction
            image = design.transpose_dot(design.weights * design.dot(index, direction))[index]
            image += l2 * direction
            curvature = float(direction @ image)
            if not curvature > 0.0:
                break
            step += (rho / curvature) * direction
            r -= (rho / curvature) * image
            n_iter += 1
            if problem.expired():
                break
        full = np.zeros_like(gradient)
        full[index] = step
        return full, max(n_iter, 1)

    def trace(self, alpha: float) -> float:
        return float("nan")

    def leverages(self, alphas: Floats) -> Floats:
        raise ValueError(
            f"cv=None, leaving one row out, needs a decomposition of min(X.shape) = "
            f"{min(self._problem.design.n, self._problem.design.p)}, which must be at most "
            f"{GRAM_LIMIT}: give a number of folds"
        )
