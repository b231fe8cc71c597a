"""One fit at one alpha where every feature has K coefficients: several responses, or classes.

    minimise over b0, B   sum_i w_i f_i(eta_i) + sum_j l1_j |b_j| + l2_j/2 |b_j|_2^2
                          eta_i = o_i + b0 + B'x_i,   b_j the rows of B (p, K)

with |b_j| the Euclidean norm (grouped) or the sum of absolute values. The working-set loop is that
of solver.py, which sees of every row its norm, or its largest entry. On the working set

    f_i(eta_i + d_i) ~ f_i - v_i'd_i + h_i/2 |d_i|^2,      h_i about the largest eigenvalue of f_i''

so that one Gram matrix X_W' diag(w h) X_W serves all K, and block coordinate descent solves it. h_i
is scaled by what line searches (Armijo, on the true objective) have accepted: it need not be a
bound. The certificate is that of certificate.py with |z_j| for z_j; by

    g(b) + g*(z) - b'z = [ g(|b|) + g*(|z|) - |b||z| ] + ( |b||z| - b'z )

the scalar formula serves rows as well.

Source: Simon, Friedman, Hastie, "A blockwise descent algorithm for group-penalized multiresponse
and multinomial regression", arXiv:1311.6529, sections 2 and 3 (one curvature for all classes).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .certificate import gap_at_best_scale
from .certify import PRECISION
from .families import MultipleFamily
from .kernels import dual, groups
from .penalty import Box
from .solver import EPS, Fit, Floats, Problem, Solver, State
from .working_set import GRAM_LIMIT, WorkingSet

ARMIJO = 1e-4
SMALLEST_STEP = 1e-9
LOOSEST, TIGHTEST = 0.5, 2.0  # the scale of h, relative to the family's
ROUGHLY = 1e-2  # share of the present gap to which the quadratic is solved at least
EXACT = 0.3  # share of the target to which it is solved
SLOW = 0.9  # a step that leaves more than this share of the gap has gained little
PATIENCE = 30  # such steps in a row, before it is as far as it goes
SWEEPS = 2000  # of one quadratic
LARGEST_PROJECTION = 1024  # unknowns


@dataclass
class Rows(State):
    """A point. coef and z (p,) are the sizes of the rows of B and of Z = X'(w v); resid_sq is twice
    the loss; resid (n, K) is v, the projected negative gradient.

    rows, z_rows : B and Z, (p, K)
    eta, pull : (n, K), the latter -f';  curvature (n,);  intercept (K,) of the design's columns
    """

    rows: Floats
    z_rows: Floats
    eta: Floats
    pull: Floats
    curvature: Floats
    intercept: Floats


class MultiSolver(Solver):
    """Solves one problem of K responses for alpha after alpha."""

    state: Rows

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, penalty, family = problem.design, problem.penalty, problem.family
        assert isinstance(family, MultipleFamily)
        if not penalty.unbounded:
            raise ValueError(
                f"lower_bounds and upper_bounds must be None for family={family.name!r}: there are "
                "no bounds on rows of coefficients"
            )
        self.family: Any = family
        self.K = problem.y.shape[1]
        self.skip = problem.never.copy()
        self._free = np.flatnonzero(penalty.free & (problem.never == 0))
        if (len(self._free) + 1) * self.K > LARGEST_PROJECTION or len(self._free) > design.n:
            raise ValueError(
                f"alpha and penalty_factor must leave fewer than {LARGEST_PROJECTION // self.K} "
                f"features unpenalised with {self.K} responses, got {len(self._free)}: penalise some"
            )
        self._columns = self._unpenalised_columns()
        self._scale = 1.0
        self._last_alpha = float("inf")
        self._offset = np.zeros((1, self.K)) if problem.offset is None else problem.offset
        start = family.start(problem.y, design.weights) if design.centred else np.zeros(self.K)
        if problem.offset is not None and design.centred:
            start = start - design.weights @ problem.offset
        at = self._evaluate(np.broadcast_to(self._offset + start, problem.y.shape).copy())
        self._h = at[2]
        none = np.empty(0, dtype=np.intp)
        self.working = WorkingSet(design, none, None if family.constant else design.weights * self._h)
        self.state = self._point(np.zeros((design.p, self.K)), start, at)
        self._fit_null_model()

    def _unpenalised_columns(self) -> Floats:
        """Return the constant, where there is an intercept, and the free features, (n, q)."""
        design, one = self.problem.design, np.ones(1)
        columns = [np.ones(design.n)] if design.centred else []
        columns += [design.dot(np.array([j]), one) for j in self._free]
        return np.array(columns).reshape(-1, design.n).T

    def _fit_null_model(self) -> None:
        """Fit intercepts and free features, everybody else at zero; set the null objective."""
        problem = self.problem
        if self._columns.shape[1] and (len(self._free) or problem.offset is not None):
            skip, self.skip = self.skip, np.ones_like(self.skip)
            self.working.extend(self._free)
            best = float("inf")
            for _ in range(200):
                self._descend(problem.penalty.at(0.0), 0.0, 1)
                if self.state.resid_sq >= best * (1 - 4 * EPS):
                    break
                best = self.state.resid_sq
            self.skip = skip
        problem.null_objective = 0.5 * self.state.resid_sq
        self.skip[self._free] = 1

    # -- points ------------------------------------------------------------------------------------

    def _evaluate(self, eta: Floats) -> tuple[float, Floats, Floats]:
        problem = self.problem
        return self.family.evaluate(problem.y, eta, problem.design.weights)

    def _sizes(self, rows: Floats) -> Floats:
        return np.linalg.norm(rows, axis=1) if self.family.grouped else np.abs(rows).max(axis=1)

    def _point(self, rows: Floats, intercept: Floats, at: Any = None, eta: Any = None) -> Rows:
        """Return the point with everything that is known of it; K passes over X."""
        problem, design = self.problem, self.problem.design
        active = np.flatnonzero(rows.any(axis=1))
        if eta is None:
            eta = self._offset + intercept + self._image(active, rows[active])
        loss, pull, curvature = self._evaluate(eta) if at is None else at
        v = pull
        if self._columns.shape[1]:
            v = self.family.projected(problem.y, pull, design.weights, self._columns)
        u = design.weights[:, None] * v
        z = np.empty((design.p, self.K))
        for k in range(self.K):
            z[:, k] = design.transpose_dot(np.ascontiguousarray(u[:, k]))
        return Rows(
            self._sizes(rows), active, v, self._sizes(z), 2.0 * loss, rows, z, eta, pull,
            curvature, intercept,
        )  # fmt: skip

    def _image(self, columns: Any, rows: Floats) -> Floats:
        """Return X_J B_J, (n, K)."""
        design = self.problem.design
        image = [design.dot(columns, np.ascontiguousarray(rows[:, k])) for k in range(self.K)]
        return np.array(image).T

    def start_from(self, coef: Floats) -> None:
        """Take rows (p, K) as the point to start from."""
        self.working.extend(np.flatnonzero(coef.any(axis=1) & ~self.working.is_member))
        self.state = self._point(coef, self.state.intercept)
        self._last_alpha = 0.0

    def rounding(self) -> float:
        """Return the gap that double precision cannot tell from zero; see Solver."""
        state, design = self.state, self.problem.design
        size = float(np.sqrt(design.norm_sq[state.active]) @ state.coef[state.active])
        scale = float(design.weights @ (state.resid**2).sum(axis=1)) ** 0.5
        return 8 * EPS * (0.5 * state.resid_sq + size * scale)

    def solve(self, alpha: float) -> Fit:
        """Return the certified fit at alpha, warm from the one before."""
        n_iter = self._come_near(alpha)
        box = self.problem.penalty.at(alpha)
        gap, status, more = self._approach(
            alpha, box, self.problem.negligible_gap(), self.problem.max_iter - n_iter
        )
        state = self.state
        rows = state.rows[state.active]
        df = float(np.count_nonzero(rows)) if not box.l2.any() else float("nan")
        return Fit(
            alpha, state.active, rows, gap, status, n_iter + more, df, 0.5 * state.resid_sq,
            state.intercept,
        )  # fmt: skip

    # -- the certificate ---------------------------------------------------------------------------

    def certify(self, alpha: float, box: Box) -> float:
        """Return the duality gap at the present point."""
        state, skip = self.state, self.skip
        return gap_of_rows(
            self.family, self.problem.y, self.problem.design.weights, state.pull, state.resid,
            state.rows, state.z_rows, box, skip,
        )  # fmt: skip

    # -- the working set -----------------------------------------------------------------------------

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        """Minimise on the working set; return (n_iter, whether it got to the target or its floor)."""
        problem, working, state, family = self.problem, self.working, self.state, self.family
        if working.gram is None:
            raise ValueError(
                f"X must have fewer than {GRAM_LIMIT} features that matter at one alpha: use a "
                "larger one"
            )
        work = working.members
        w = problem.design.weights
        l1, l2 = box.l1[work], box.l2[work]
        rows, eta, intercept = state.rows[work], state.eta, state.intercept
        at: Any = 0.5 * state.resid_sq, state.pull, state.curvature
        n_iter, last, slow, fresh, finished = 0, float("inf"), 0, False, False
        while True:
            loss, pull, curvature = at
            grad, total = working.gradients(w[:, None] * pull)
            mass = self._scale * float(w @ self._h)
            shift = total / mass if problem.design.centred else np.zeros(self.K)
            gram = working.gram if self._scale == 1.0 else self._scale * working.gram
            gap = 0.5 * float(shift @ total)
            gap += groups.gap_of_members(gram, rows, grad, 2.0 * loss, l1, l2, family.grouped)
            slow = slow + 1 if gap > SLOW * last else 0
            if gap <= target or slow >= PATIENCE:
                finished = True
                break
            if n_iter >= max_iter or problem.expired():
                break
            if not family.constant and not fresh and gap > 0.3 * last:
                self._refresh(curvature)
                fresh, last = True, float("inf")
                continue
            fresh, last = False, gap
            new, image = rows.copy(), grad.copy()
            limit = max(1, min(SWEEPS, max_iter - n_iter))
            sweeps, _ = groups.descend(
                gram, new, image, 2.0 * loss, mass * problem.design.norm_sq[work], l1, l2,
                family.grouped, max(EXACT * target, ROUGHLY * gap), limit,
            )  # fmt: skip
            n_iter += sweeps
            step = new - rows
            along = working.images(step) + shift
            t, eta, at = self._search(l1, l2, rows, step, eta, along, at)
            if t == 0.0:
                if self._scale >= TIGHTEST:
                    finished = True
                    break
                self._scale *= 2.0
                continue
            if t < 1.0:
                self._scale = min(2.0 * self._scale, TIGHTEST)
            elif not family.constant:
                self._scale = max(0.9 * self._scale, LOOSEST)
            rows = new if t == 1.0 else rows + t * step
            intercept = intercept + t * (shift - working.mean_at(np.empty((0, self.K)), step))
        full = np.zeros_like(state.rows)
        full[work] = rows
        intercept = intercept if problem.design.centred else np.zeros(self.K)
        self.state = self._point(full, intercept, at, eta)
        return n_iter, finished

    def _refresh(self, curvature: Floats) -> None:
        self._h = curvature
        self.working.reweigh(self.problem.design.weights * curvature)

    def _search(
        self, l1: Floats, l2: Floats, rows: Floats, step: Floats, eta: Floats, along: Floats, at: Any
    ) -> tuple[float, Floats, Any]:
        """Return the first t = 1, 1/2, ... that Armijo accepts, 0 where none, and what is there."""
        w = self.problem.design.weights

        def penalty(b: Floats) -> float:
            size = np.linalg.norm(b, axis=1) if self.family.grouped else np.abs(b).sum(axis=1)
            return float(l1 @ size + 0.5 * l2 @ (b**2).sum(axis=1))

        before = penalty(rows)
        fall = float(w @ (at[1] * along).sum(axis=1))
        predicted = min(penalty(rows + step) - before - fall, 0.0)
        slack = 8 * EPS * (at[0] + before)
        t = 1.0
        while t >= SMALLEST_STEP:
            new_eta = eta + t * along
            new = self._evaluate(new_eta)
            rise = new[0] - at[0] + penalty(rows + t * step) - before
            if rise <= ARMIJO * t * predicted + slack:
                return t, new_eta, new
            t *= 0.5
        return 0.0, eta, at


def gap_of_rows(
    family: MultipleFamily,
    y: Floats,
    w: Floats,
    pull: Floats,
    v: Floats,
    rows: Floats,
    z: Floats,
    box: Box,
    skip: Any,
) -> float:
    """Return the duality gap of rows (p, K) from the dual point v (n, K), Z = X'(w v) (p, K)."""
    if family.grouped:
        size, z_size = np.linalg.norm(rows, axis=1), np.linalg.norm(z, axis=1)
        angle = size * z_size - (rows * z).sum(axis=1)
        turned = max(float(angle[skip == 0].sum()), 0.0)
    else:
        K, turned = rows.shape[1], 0.0
        size, z_size = np.ravel(rows), np.ravel(z)
        box, skip = Box(*(np.repeat(part, K) for part in box)), np.repeat(skip, K)

    def loss_part(c: float, sloped: bool) -> tuple[float, float]:
        value = family.gap(y, pull, v, c, w) + c * turned
        if not sloped:
            return value, 0.0
        below = family.gap(y, pull, v, c * (1.0 - 1e-6), w) + c * (1.0 - 1e-6) * turned
        return value, (value - below) / max(1e-6 * c, 1e-300)

    size, z_size = np.ascontiguousarray(size), np.ascontiguousarray(z_size)
    return gap_at_best_scale(loss_part, size, z_size, box, skip, PRECISION)
