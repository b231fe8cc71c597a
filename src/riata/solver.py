"""One gaussian fit at one alpha, warm: working set, descent in Gram space, stop on the certificate.

    minimise over b   1/2 |y - X b|_w^2 + g(b)        X and y centred where there is an intercept

    repeat   certify: z = X'(w r), the duality gap; stop where it is small enough
             let violators (and those about to be) join the working set
             coordinate descent on the working set, to a share of the tolerance
             r = y - X b from scratch

The certificate is the only stopping rule.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .certify import certified_gap
from .correlations import Correlations
from .design import Design
from .kernels import dual
from .penalty import Box, ElasticNet
from .residual_descent import descend_on_residual
from .working_set import WorkingSet, refill

Floats = NDArray[np.float64]

EPS = float(np.finfo(float).eps)
SAFE = 0.1  # share of the tolerance that the rounding of Gram algebra may take
INNER = 0.3  # share of the tolerance that the working set's own gap may keep
FAR = 0.6  # an alpha below this share of the last one is approached in steps
ROUGH = 1e-3  # relative gap that is good enough on the way
STALLS = 6  # certificates without progress, nothing left to do: the precision floor
RESIDUAL_SWEEPS = 100  # of descent on the residual between two looks at the clock and the true one


@dataclass
class State:
    """A point and what is known about it: coef and z (p,), resid (n,), active the non-zeros."""

    coef: Floats
    active: NDArray[np.intp]
    resid: Floats
    z: Floats
    resid_sq: float

    @property
    def loss(self) -> float:
        """sum_i w_i f_i, here half of resid_sq."""
        return 0.5 * self.resid_sq


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
    intercept: Any = 0.0  # beside what the means of y and of the columns give


@dataclass
class Problem:
    """Centred data, penalty and stopping rule of one path."""

    design: Design
    y: Floats
    family: Any  # a Family or a MultipleFamily
    penalty: ElasticNet
    tol: float
    max_iter: int
    deadline: float = float("inf")
    offset: Floats | None = None  # where it is not a part of y
    null_objective: float = field(init=False)
    separated: bool = field(init=False, default=False)  # what nothing penalises fits y perfectly

    def __post_init__(self) -> None:
        if self.y.ndim == 1:
            self.y_sq = dual.weighted_sums(self.design.weights, self.y)[1]
        self.never = (self.penalty.excluded | (self.design.norm_sq == 0.0)).astype(np.uint8)

    def expired(self) -> bool:
        """Whether the caller's time is up."""
        return time.monotonic() > self.deadline

    def negligible_gap(self) -> float:
        """Return the absolute gap that the tolerance allows."""
        return self.tol * self.null_objective

    def verdict(
        self, gap: float, negligible: float, floor: float, left: int, *, stalled: bool
    ) -> str:
        """Return the status to stop with, or '' to go on.

        negligible, floor : the gap that is small enough, and the one that double precision cannot
            tell from zero
        left : iterations
        """
        if gap <= negligible:
            return "converged"
        if gap <= floor or (stalled and gap <= 1e3 * floor):
            return "precision_floor"
        if left <= 0 or stalled:
            return "max_iter"
        return "time_limit" if self.expired() else ""


def on_the_way(last: float, alpha: float) -> Iterator[float]:
    """Yield the alphas to solve roughly before `alpha`, where the last one is far above it.

    Warm starts cost less than the many exchanges of a cold one: 1000 x 5000 at alpha_max / 1000
    takes a third of the solves.
    """
    while alpha < FAR * last:
        last = FAR * last
        if last > alpha:
            yield last


class Solver:
    """Solves one problem for alpha after alpha; what one leaves behind starts the next."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, penalty = problem.design, problem.penalty
        free = np.flatnonzero(penalty.free & (problem.never == 0))
        self.working = WorkingSet(design, free)
        self.skip = problem.never.copy()
        self.skip[free] = 1
        self._last_alpha = float("inf")
        assert design.correlation is not None  # the design was made for a y
        z, design.correlation = design.correlation, None
        self._known: Correlations | None = None
        by_column = design.column_cost < float("inf")
        if by_column and len(free) == 0 and not np.any(penalty.unpenalised):
            self._known = Correlations(design, problem.y, problem.y_sq, z.copy())
        self.state = State(
            np.zeros(design.p), np.empty(0, dtype=np.intp), problem.y, z, problem.y_sq
        )
        self._fit_null_model()

    def _fit_null_model(self) -> None:
        """Fit what nothing penalises, everybody else at zero; set the null objective."""
        problem = self.problem
        if len(self.working.free):
            self.move_to(self.state.coef)
        problem.null_objective = self.state.loss
        bounded = np.flatnonzero(problem.penalty.unpenalised & (self.skip == 0))
        if len(bounded) == 0:
            return
        skip, self.skip = self.skip, np.ones_like(self.skip)
        self.skip[bounded] = 0
        self._approach(0.0, problem.penalty.at(0.0), 0.0, problem.max_iter)
        self._last_alpha, self.skip = float("inf"), skip
        problem.null_objective = self.state.loss

    # -- one alpha -------------------------------------------------------------------------------

    def solve(self, alpha: float) -> Fit:
        """Return the certified fit at alpha, warm from the one before."""
        n_iter = self._come_near(alpha)
        box = self.problem.penalty.at(alpha)
        gap, status, more = self._approach(
            alpha, box, self.problem.negligible_gap(), self.problem.max_iter - n_iter
        )
        members = self.working.members
        df = self.working.smoother_trace(self.state.coef[members], box.l2[members])
        return self.fit(alpha, gap, status, n_iter + more, df)

    def _come_near(self, alpha: float) -> int:
        """Solve alphas on the way, roughly, where the last one is far above; return n_iter."""
        problem, penalty = self.problem, self.problem.penalty
        if not penalty.has_l1(alpha):
            return 0
        if self._last_alpha == float("inf"):
            self._last_alpha = max(penalty.alpha_max(self.state.z, self.skip), alpha)
        n_iter = 0
        for step in on_the_way(self._last_alpha, alpha):
            rough = ROUGH * problem.null_objective
            _, status, more = self._approach(
                step, penalty.at(step), rough, problem.max_iter - n_iter
            )
            n_iter += more
            if status in ("max_iter", "time_limit"):
                break
        return n_iter

    def _approach(
        self, alpha: float, box: Box, negligible: float, max_iter: int
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
            status = self.problem.verdict(
                gap, negligible, floor, max_iter - n_iter, stalled=stalls >= STALLS
            )
            if status:
                return gap, status, n_iter
            state = self.state
            joined = refill(
                working, state.coef, len(state.active), state.z, box, self.skip, threshold
            )
            if self._known is not None and joined:
                self._known.refresh(state.resid, state.resid_sq, working.members[-joined:], state.z)
            threshold = 1.0
            target = INNER * max(negligible, floor) * 0.01**stalls
            more, finished = self._descend(box, target, max_iter - n_iter)
            n_iter += more
            settled = finished and joined == 0

    def rounding(self) -> float:
        """Return the gap that double precision cannot tell from zero at the present point.

        x_j'(w r) carries an error of eps |x_j| |r|, which does not change in proportion when X is
        rescaled.
        """
        state = self.state
        size = self._size(self.problem.design.norm_sq)
        return 4 * EPS * (0.5 * state.resid_sq + size * float(np.sqrt(state.resid_sq)))

    def _rounding_in_gram_space(self) -> float:
        """Return the same for z by Gram algebra: eps |x_j| (|y| + sum |x_k| |b_k|) for each."""
        size = self._size(self.problem.design.magnitude_sq)
        scale = float(np.sqrt(self.problem.y_sq)) + size
        return 4 * EPS * (0.5 * self.state.resid_sq + size * scale)

    def _size(self, norm_sq: Floats) -> float:
        """Return sum_j |x_j| |b_j|."""
        active = self.state.active
        return float(np.sqrt(norm_sq[active]) @ np.abs(self.state.coef[active]))

    def certify(self, alpha: float, box: Box) -> float:
        """Return the duality gap at the present point."""
        state, skip = self.state, self.skip
        if self._known is not None:
            member = self.working.is_member.view(np.uint8)
            self._known.at(state.resid, state.resid_sq, state.z, member, box, skip)
        bare = self.problem.penalty.bare(alpha)
        return certified_gap(
            self.problem.design, self.working.space, state.coef, state.resid, state.z, box,
            bare[skip[bare] == 0], skip,
        )  # fmt: skip

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
        n_iter, finished = working.descend(
            coef, grad, state.resid_sq, self.problem.design.norm_sq[work], box.take(work), target,
            max_iter, clocked=self.problem.deadline < float("inf"),
        )  # fmt: skip
        new = state.coef.copy()
        new[work] = coef
        new[working.free] += working.free_step(coef - old)
        self.move_to(new, grad)
        return n_iter, finished

    def _descend_on_residual(self, box: Box, target: float, max_sweeps: int) -> tuple[int, bool]:
        """The same without a Gram matrix; free features are coordinates like any other."""
        working, state = self.working, self.state
        work = np.concatenate([working.free, working.members])
        coef = state.coef[work]
        terms = (self.problem.design.norm_sq[work], *box.take(work))
        limit = max(1, min(max_sweeps, RESIDUAL_SWEEPS))
        sweeps, gap = descend_on_residual(
            working.residual_view(work), coef, state.resid, terms, target, limit
        )
        new = state.coef.copy()
        new[work] = coef
        self.move_to(new)
        return sweeps, gap <= target

    def start_from(self, coef: Floats) -> None:
        """Take coef (p,), within the bounds, as the point to start from."""
        self.working.extend(np.flatnonzero((coef != 0.0) & ~self.working.is_member))
        self.move_to(coef)
        self._last_alpha = 0.0  # near enough to any

    # -- the state -------------------------------------------------------------------------------

    def move_to(self, coef: Floats, grad: Floats | None = None) -> None:
        """Make coef (p,) the present point, from the data; refit its free part where it is off.

        grad : (|W|,), z of the members where it is known; the others' is then left for `certify`
        """
        free, space = self.working.free, self.working.space
        if grad is not None and self._known is not None:
            z = np.zeros(len(coef))
            z[self.working.members] = grad
            self.state = state = self._state(coef, z)
            if self._rounding_in_gram_space() > SAFE * self.problem.negligible_gap():
                self._known.refresh(state.resid, state.resid_sq, self.working.members, z)
            return
        self.state = self._state(coef)
        for _ in range(2 if len(free) else 0):
            step, lost = space.fit(self.state.resid, self.state.z[free])
            if lost <= 1e-24 * self.state.resid_sq:
                break
            coef = coef.copy()
            coef[free] += step
            self.state = self._state(coef)

    def _state(self, coef: Floats, z: Floats | None = None) -> State:
        """Return the state at coef from the data: r from scratch, one pass for z unless given."""
        problem = self.problem
        w = problem.design.weights
        active = np.flatnonzero(coef)
        resid = problem.family.negative_gradient(problem.y, self.working.fitted(coef, active))
        if problem.design.centred:
            resid -= dual.weighted_sums(w, resid)[0]
        resid_sq = dual.weighted_sums(w, resid)[1]
        if z is None:
            z = problem.design.transpose_dot(w * resid)
            if self._known is not None:
                self._known.take_all(resid, resid_sq, z)
        return State(coef, active, resid, z, resid_sq)

    def fitted(self) -> Floats:
        """Return the linear predictor of the problem at the present point, (n,)."""
        return self.problem.y - self.state.resid

    def fit(self, alpha: float, gap: float, status: str, n_iter: int, df: float) -> Fit:
        """Return the present point as a result."""
        state = self.state
        coef = state.coef[state.active]
        return Fit(alpha, state.active, coef, gap, status, n_iter, df, state.loss)
