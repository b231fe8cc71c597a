"""One gaussian fit at one alpha, warm: working set, descent in Gram space, stop on the certificate.

    minimise over b   1/2 |y - X b|_w^2 + g(b)        X and y centred where there is an intercept

    repeat   certify: z = X'(w r), the duality gap; stop where it is small enough
             let violators (and those about to be) join the working set
             coordinate descent on the working set, to a share of the tolerance
             r = y - X b from scratch

The certificate is the only stopping rule. Where the working set is everybody and n >> p, z and |r|
come from Gram algebra as long as its rounding stays below a tenth of the tolerance, and X is not
read at all.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .certificate import duality_gap_of
from .certify import certified_gap, off_their_bound
from .design import Design
from .families import Family
from .kernels import coordinate, dual
from .penalty import Box, ElasticNet
from .working_set import FULL_GRAM_LIMIT, WorkingSet, refill

Floats = NDArray[np.float64]

EPS = float(np.finfo(float).eps)
INNER = 0.3  # share of the tolerance that the working set's own gap may keep
CLOCKED = 20  # Newton steps between two looks at the clock, where there is a deadline
CHUNK = 2e8  # multiply-adds of descent between two looks at the clock and the true residual
FAR = 0.6  # an alpha below this share of the last one is approached in steps
ROUGH = 1e-3  # relative gap that is good enough on the way
STALLS = 6  # certificates without progress, nothing left to do: the precision floor
RESIDUAL_SWEEPS = 50  # of descent on the residual between two looks at the true one


@dataclass
class State:
    """A point and what is known about it: coef and z (p,), resid (n,), active the non-zeros."""

    coef: Floats
    active: NDArray[np.intp]
    resid: Floats
    z: Floats
    resid_sq: float
    exact: bool  # from a pass over X, not from Gram algebra


@dataclass
class Fit:
    """What one alpha gave: index and coef of the non-zeros, and its certificate."""

    alpha: float
    index: NDArray[np.intp]
    coef: Floats
    gap: float
    status: str
    n_iter: int
    df: float
    loss: float
    intercept: float = 0.0  # beside what the means of y and of the columns give


@dataclass
class Problem:
    """Centred data, penalty and stopping rule of one path."""

    design: Design
    y: Floats
    family: Family
    penalty: ElasticNet
    tol: float
    max_iter: int
    deadline: float = float("inf")
    offset: Floats | None = None  # where it is not a part of y
    null_objective: float = field(init=False)

    def __post_init__(self) -> None:
        self.y_sq = dual.weighted_sums(self.design.weights, self.y)[1]
        self.never = (self.penalty.excluded | (self.design.norm_sq == 0.0)).astype(np.uint8)

    def expired(self) -> bool:
        """Whether the caller's time is up."""
        return time.monotonic() > self.deadline

    def negligible_gap(self) -> float:
        """Return the absolute gap that the tolerance allows."""
        return self.tol * self.null_objective


class Solver:
    """Solves one problem for alpha after alpha; what one leaves behind starts the next."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, penalty = problem.design, problem.penalty
        free = np.flatnonzero(penalty.free & (problem.never == 0))
        self.working = WorkingSet(design, free)
        self.skip = problem.never.copy()
        self.skip[free] = 1
        self._full_gram = design.gram_is_cheap and design.p <= min(design.n, FULL_GRAM_LIMIT)
        self._correlation: Floats | None = None  # X'(w y), where the working set is everybody
        self._last_alpha = float("inf")
        self.state = self._exact_state(np.zeros(design.p))
        self._fit_null_model()

    def _fit_null_model(self) -> None:
        """Fit what nothing penalises, everybody else at zero; set the null objective."""
        problem = self.problem
        if len(self.working.free):
            self.move_to(self.state.coef)
        problem.null_objective = 0.5 * self.state.resid_sq
        bounded = np.flatnonzero(problem.penalty.unpenalised & (self.skip == 0))
        if len(bounded) == 0:
            return
        skip, self.skip = self.skip, np.ones_like(self.skip)
        self.skip[bounded] = 0
        self._approach(0.0, problem.penalty.at(0.0), 0.0, problem.max_iter)
        self._last_alpha, self.skip = float("inf"), skip
        problem.null_objective = 0.5 * self.state.resid_sq

    # -- one alpha -------------------------------------------------------------------------------

    def solve(self, alpha: float, *, exact: bool) -> Fit:
        """Return the certified fit at alpha, warm from the one before.

        exact : whether the certificate must come from a pass over X, even where Gram algebra would
            do
        """
        if self._full_gram and self._correlation is None:
            self._admit_everybody()
        n_iter = self._come_near(alpha)
        box = self.problem.penalty.at(alpha)
        gap, status, more = self._approach(
            alpha, box, self.problem.negligible_gap(), self.problem.max_iter - n_iter, exact
        )
        return self.fit(
            alpha, gap, status, n_iter + more,
            self.working.smoother_trace(self.state.coef, box.l2),
        )  # fmt: skip

    def _come_near(self, alpha: float) -> int:
        """Solve alphas on the way, roughly, where the last one is far above; return n_iter.

        Warm starts cost less than the many exchanges of a cold one: 1000 x 5000 at alpha_max / 1000
        takes a third of the solves.
        """
        penalty = self.problem.penalty
        if not penalty.has_l1(alpha):
            return 0
        if self._last_alpha == float("inf"):
            self._last_alpha = max(penalty.alpha_max(self.state.z, self.skip), alpha)
        n_iter = 0
        while alpha < FAR * self._last_alpha:
            step = max(FAR * self._last_alpha, alpha)
            rough = ROUGH * self.problem.null_objective
            _, status, more = self._approach(
                step, penalty.at(step), rough, self.problem.max_iter - n_iter
            )
            n_iter += more
            if status in ("max_iter", "time_limit"):
                break
        return n_iter

    def _approach(
        self, alpha: float, box: Box, negligible: float, max_iter: int, exact: bool = False
    ) -> tuple[float, str, int]:
        """Descend until the gap is negligible; return (gap, status, n_iter).

        Where the working set's own measure is content and the certificate is not, the next round
        asks a hundredth of it.
        """
        working = self.working
        n_iter, best, stalls, settled = 0, float("inf"), 0, False
        threshold = 0.5
        if alpha > 0.0 and 0.0 < self._last_alpha < float("inf"):
            threshold = max(2.0 - self._last_alpha / alpha, 0.5)
        self._last_alpha = alpha
        while True:
            gap, floor = self.certify(alpha, box), self.rounding()
            stalls = stalls + 1 if settled and gap >= 0.5 * best else 0
            best = min(best, gap)
            status = self.verdict(gap, negligible, max_iter - n_iter, stalled=stalls >= STALLS)
            if not self.state.exact and (floor > 0.1 * negligible or (status and exact)):
                self.state = self._exact_state(self.state.coef)
                continue
            if status:
                return gap, status, n_iter
            state = self.state
            joined = refill(
                working, state.coef, len(state.active), state.z, box, self.skip, threshold
            )
            threshold = 1.0
            target = INNER * max(negligible, floor) * 0.01**stalls
            more, finished = self._descend(box, target, max_iter - n_iter)
            n_iter += more
            settled = finished and joined == 0

    def verdict(self, gap: float, negligible: float, left: int, *, stalled: bool) -> str:
        """Return the status to stop with at this gap, or '' to go on."""
        problem = self.problem
        if gap <= negligible:
            return "converged"
        floor = self.rounding()
        if gap <= floor or (stalled and gap <= 1e3 * floor):
            return "precision_floor"
        if left <= 0 or stalled:
            return "max_iter"
        return "time_limit" if problem.expired() else ""

    def rounding(self) -> float:
        """Return the gap that double precision cannot tell from zero at the present point.

        x_j'(w r) carries an error of eps |x_j| |r|, from Gram algebra one of
        eps |x_j| (|y| + sum |x_k| |b_k|); neither changes in proportion when X is rescaled.
        """
        problem, state = self.problem, self.state
        active = state.active
        size = float(np.sum(np.sqrt(problem.design.norm_sq[active]) * np.abs(state.coef[active])))
        scale = np.sqrt(state.resid_sq) if state.exact else np.sqrt(problem.y_sq) + size
        return 4 * EPS * (0.5 * state.resid_sq + size * float(scale))

    def certify(self, alpha: float, box: Box) -> float:
        """Return the duality gap at the present point."""
        state, skip = self.state, self.skip
        bare = self.problem.penalty.bare(alpha)
        bare = bare[skip[bare] == 0]
        if not state.exact:
            if len(off_their_bound(state.coef, state.z, box, bare)) == 0:
                return duality_gap_of(state.coef, state.z, state.resid_sq, 0.0, box, skip)
            self.state = state = self._exact_state(state.coef)
        space = self.working.space
        return certified_gap(
            self.problem.design, space, state.coef, state.resid, state.z, box, bare, skip
        )

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        """Minimise on the working set; return (n_iter, whether it got to the target or its floor).

        Active-set Newton, and coordinate descent where that stops short.
        """
        working, state = self.working, self.state
        if working.gram is None:
            return self._descend_on_residual(box, target, max_iter)
        work = working.members
        old = state.coef[work]
        coef, grad = old.copy(), state.z[work]
        arrays = (self.problem.design.norm_sq[work], *box.take(work), target)
        n_iter, finished = self.minimise(coef, grad, state.resid_sq, arrays, max_iter)
        new = state.coef.copy()
        new[work] = coef
        new[working.free] += working.free_step(coef - old)
        if self._correlation is None:
            self.move_to(new)
        else:
            self.state = self._algebraic_state(new, self._correlation)
        return n_iter, finished

    def minimise(
        self, coef: Floats, grad: Floats, resid_sq: float, arrays: tuple[Any, ...], max_iter: int
    ) -> tuple[int, bool]:
        """Minimise in Gram space; return (n_iter, whether it got to the target or its floor).

        coef and grad (|W|,) are updated; arrays are norm_sq, l1, l2, lower, upper and the target
        of kernels/active_set.
        """
        working, old, start = self.working, coef.copy(), grad.copy()
        assert working.gram is not None
        solves = max_iter if self.problem.deadline == float("inf") else min(max_iter, CLOCKED)
        n_iter, _, finished = working.active.descend(
            working.gram, coef, grad, resid_sq, *arrays, solves
        )
        if not finished and n_iter < solves:
            limit = min(max_iter - n_iter, max(10, int(CHUNK / max(1, len(coef)) ** 2)))
            resid_sq -= float((coef - old) @ (start + grad))
            sweeps, _ = coordinate.gram_descent(working.gram, coef, grad, resid_sq, *arrays, limit)
            n_iter += sweeps
            finished = sweeps < limit
        return n_iter, finished

    def _descend_on_residual(self, box: Box, target: float, max_sweeps: int) -> tuple[int, bool]:
        """The same without a Gram matrix; free features are coordinates like any other."""
        working, state = self.working, self.state
        work = np.concatenate([working.free, working.members])
        coef, resid = state.coef[work], state.resid.copy()
        limit = max(1, min(max_sweeps, RESIDUAL_SWEEPS))
        sweeps, gap = working.residual_view(work).descend(
            coef, resid, self.problem.design.norm_sq[work], *box.take(work), target, limit
        )
        new = state.coef.copy()
        new[work] = coef
        self.move_to(new)
        return sweeps, gap <= target

    def start_from(self, coef: Floats) -> None:
        """Take coef (p,), put within the bounds, as the point to start from."""
        box = self.problem.penalty.at(0.0)
        coef = np.where(self.problem.never == 0, np.clip(coef, box.lower, box.upper), 0.0)
        self.working.extend(np.flatnonzero((coef != 0.0) & ~self.working.is_member))
        self.move_to(coef)
        self._last_alpha = 0.0  # near enough to any

    # -- the state -------------------------------------------------------------------------------

    def move_to(self, coef: Floats) -> None:
        """Make coef (p,) the present point, from the data; refit its free part where it is off."""
        free, space = self.working.free, self.working.space
        self.state = self._exact_state(coef)
        for _ in range(2 if len(free) else 0):
            step, lost = space.fit(self.state.resid, self.state.z[free])
            if lost <= 1e-24 * self.state.resid_sq:
                break
            coef = coef.copy()
            coef[free] += step
            self.state = self._exact_state(coef)

    def _exact_state(self, coef: Floats) -> State:
        """Return the state at coef from the data: r from scratch, one pass for z."""
        problem = self.problem
        w = problem.design.weights
        active = np.flatnonzero(coef)
        resid = problem.family.negative_gradient(problem.y, self.working.fitted(coef, active))
        if problem.design.centred:
            resid -= dual.weighted_sums(w, resid)[0]
        z = problem.design.transpose_dot(w * resid)
        return State(coef, active, resid, z, dual.weighted_sums(w, resid)[1], exact=True)

    def _algebraic_state(self, coef: Floats, correlation: Floats) -> State:
        """Return the state at coef by Gram algebra: z_W = correlation - H b_W."""
        work = self.working.members
        b = coef[work]
        z = np.zeros_like(coef)
        z[work] = correlation - self.working.gram_times(b)
        resid_sq = self._null_sq - dual.weighted_sums(b, correlation + z[work])[0]
        return State(
            coef, np.flatnonzero(coef), self.state.resid, z, max(resid_sq, 0.0), exact=False
        )

    def _admit_everybody(self) -> None:
        """Make every feature a member, so that Gram algebra can stand in for passes."""
        working, state = self.working, self.state
        working.extend(np.flatnonzero((self.skip == 0) & ~working.is_member))
        if working.gram is None:
            self._full_gram = False
            return
        work = working.members
        b = state.coef[work]
        image = working.gram_times(b)
        self._correlation = state.z[work] + image
        self._null_sq = state.resid_sq + dual.weighted_sums(b, 2.0 * state.z[work] + image)[0]

    def fit(self, alpha: float, gap: float, status: str, n_iter: int, df: float) -> Fit:
        """Return the present point as a result."""
        state = self.state
        coef = state.coef[state.active]
        return Fit(alpha, state.active, coef, gap, status, n_iter, df, 0.5 * state.resid_sq)
