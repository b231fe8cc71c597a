"""One fit at one alpha under any convex loss: Newton on the loss outside, the quadratic inside.

    minimise over b0, b   sum_i w_i f_i(eta_i) + g(b),     eta = o + b0 + X b

At a point, u = -w f' is the dual vector and h = w f'' the curvature. On the working set W

    F(b + d) ~ F(b) - d'X_W'u + 1/2 d' X_W' diag(h) X_W d + g(b + d)

is the problem that the active-set Newton of the gaussian fit solves, X_W centred by its h-weighted
means where there is an intercept, whose step is then sum(u) / sum(h). Features that nothing
penalises are eliminated as there. A line search on the true objective (Armijo) makes each step
safe (kernels/line_search.pyx); where steps keep failing, the curvature's upper bound takes its
place, or more of it.

The curvature h of an earlier point, its Gram matrix and its factor serve as long as they bring the
gap down: their first step at a new alpha is the derivative of the path. No pass over X is made
before the working set is solved; then one, for the certificate.

Sources: Lee, Sun, Saunders, SIAM J. Optim. 24(3), 2014, algorithm 1 (proximal Newton, its line
search); Friedman, Hastie, Tibshirani, J. Stat. Softw. 33(1), 2010, section 3 (logistic paths).
"""

from dataclasses import dataclass

import numpy as np

from .certify import (
    LossAt,
    at_rest,
    certified_loss_gap,
    domain_of,
    dual_of,
    gap_of_loss,
    off_their_bound,
)
from .correlations import Correlations
from .curvature import Curvature, is_moderate
from .expansion import Expansion, LossAlong
from .foresight import Foresight
from .intercept import intercept_at, start_of
from .kernels import dual
from .kernels.steps import DONE, LIMIT, SPENT, STUCK, UNMOVED, Steps
from .kernels.trips import RoundTrip
from .penalty import Box
from .problem import Fit, Problem
from .solver import EPS, Floats, Indices, Solver
from .state import Point
from .without_gram import WithoutGram
from .working_set import CLOCKED, GRAM_LIMIT, WorkingSet

EXACT = 0.1  # share of the target to which the quadratic on the working set is solved
INNER = 0.8  # share of the gap wanted that the working set may keep: nobody else adds to it
ROUGHLY = 1e-3  # share of the present gap to which it is solved at least
NEAR = 0.93  # a member at zero whose gradient is below this share of l1 leaves before its Gram
CROWDED = 0.9  # matrix is formed anew, where no more than this share would stay
POOR = 3  # steps with the present curvature that gain less than a tenth, before it is damped
MOST_STEPS = 30  # whose sum eta may be
HARD = 100  # iterations by which a model of straight pieces should have been solved
NULL_STEPS = 100
SEPARATED = 1e-9  # share of the intercept's loss below which a fit is taken for perfect


@dataclass
class _Here:
    """A point on the working set, on the way down.

    box : the penalty of the members
    coef, free_coef : of the members and of the features that nothing penalises
    seen : what the working set's columns know of it
    """

    box: Box
    coef: Floats
    free_coef: Floats
    intercept: float
    seen: Expansion


class NewtonSolver(Solver):
    """Solves one problem for alpha after alpha, under a loss that is not least squares."""

    state: Point
    _inner = INNER
    _certifies = True  # whether points are to have what certificates need

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, penalty = problem.design, problem.penalty
        free = np.flatnonzero(penalty.free & (problem.never == 0))
        if len(free) > min(design.n, GRAM_LIMIT):
            raise ValueError(
                f"alpha and penalty_factor must leave no more than {min(design.n, GRAM_LIMIT)} "
                f"features unpenalised (rows of X, and {GRAM_LIMIT}), got {len(free)}: there may "
                "be no best fit; use a small alpha, or a small factor"
            )
        self.skip = problem.never.copy()
        self.skip[free] = 1
        self._last_alpha = float("inf")
        self._reachable = int(np.count_nonzero(problem.never == 0))
        problem.y, self._offset, intercept = start_of(
            problem.family, problem.y, design.weights, problem.offset, centred=design.centred
        )
        self._curvature = Curvature(problem.family, design.weights)
        self._known = None
        self._null_steps = 0
        self._loss, self._foresight = LossAlong(problem), Foresight(design.p)
        self._domain = domain_of(problem.family, problem.y)
        eta = self._offset + intercept
        curvature = self._curvature.of(problem.family.curvature(problem.y, eta))
        weights = design.weights * curvature
        self.working = WorkingSet(design, free, weights)
        self.without_gram = WithoutGram(problem, self.working)
        if self.working.panel.may_round and len(free) == 0:
            self._curvature.allow_rough(design.norm_sq)
        self._steps = Steps(
            float(weights.sum()), problem.family.straight, design.centred, problem.expired,
            EXACT, ROUGHLY, POOR,
        )  # fmt: skip
        self._free_panel = design.panel(design.weights)
        if len(free):
            self._free_panel.extend(free)
        self._certifies = len(free) == 0  # else somebody has to be fitted first
        self.state = self._point(np.zeros(design.p), intercept)
        self._fit_null_model()
        state = self.state
        if design.column_cost < float("inf") and not np.any(penalty.unpenalised):
            self._known = Correlations(
                design, state.resid, state.resid_sq, state.z, self.skip, self.working.is_member
            )
            state.z = self._known.z

    def _fit_null_model(self) -> None:
        """Fit intercept and free features to machine precision, then what only bounds hold.

        Where these separate the classes, or fit the rows exactly, there is no best fit: it ends
        where the loss is down to a share SEPARATED of what the intercept alone leaves.
        """
        problem, free = self.problem, self.working.free
        none = problem.penalty.at(0.0)
        best, start = float("inf"), self.state.at.loss
        while len(free) and self._null_steps < NULL_STEPS and not problem.expired():
            self._begin(self._here(none))
            loss, lost = self.state.at.loss, self._steps.lost()
            problem.separated = loss <= SEPARATED * start
            flat = lost >= 0.5 * best and lost <= EPS * start
            if problem.separated or flat or lost <= EPS**2 * loss:
                break
            best = lost
            self._refresh(self.state.at)
            self._descend(none, 0.0, 1)
            self._null_steps += 1
        self._certifies = True
        super()._fit_null_model()

    def solve(self, alpha: float) -> Fit:
        """Return the certified fit at alpha, warm from the one before; at 0 the null model of a
        problem without penalty."""
        if alpha > 0.0:
            return super().solve(alpha)
        problem, other = self.problem, self
        if not np.all(problem.penalty.unpenalised | problem.penalty.excluded):
            other = type(self)(problem.lifted())
        if not problem.expired():
            other.move_to(other.state.coef)
        problem.separated = problem.separated or other.problem.separated
        other.problem.null_objective = problem.null_objective
        box = other.problem.penalty.at(0.0)
        gap = other.certify(0.0, box)
        status = problem.verdict(gap, problem.negligible_gap(), other.rounding(), 1, stalled=True)
        members = other.working.members
        df = other.working.smoother_trace(other.state.coef[members], box.l2[members])
        self.state = other.state
        return other.fit(0.0, gap, status, max(other._null_steps, 1), df)

    # -- curvature -------------------------------------------------------------------------------

    def _refresh(self, at: LossAt, seen: Expansion | None = None) -> None:
        """Take the curvature at a point, and the working set's Gram matrix under it.

        seen : what the working set's columns know of the point
        """
        curvature, mean = self._curvature.of(at.curvature), None
        if seen is not None and curvature is at.curvature and self.problem.design.centred:
            mean = seen.bent / seen.mass
        weights = self.problem.design.weights * curvature
        mass = float(weights.sum())
        rough = self._curvature.rough and is_moderate(mass)
        self.working.reweigh(weights, mean, rough=rough)
        self._steps.renew(mass)
        self._foresight.take(self._last_alpha)

    def _take_up(self) -> None:
        at = self.state.at
        self.working.take_up(self.problem.design.weights * self._curvature.of(at.curvature))
        self._refresh(at)

    # -- points ----------------------------------------------------------------------------------

    def move_to(self, coef: Floats) -> None:
        """Make coef (p,) with its best intercept the present point."""
        eta = self._offset + self.working.fitted(coef, np.flatnonzero(coef))
        eta = at_rest(eta, self.problem.design.weights)
        self.state = self._point(coef, intercept_at(self.problem, eta, self.state.intercept))

    def _point(
        self, coef: Floats, intercept: float, at: LossAt | None = None, steps: int = 0,
        seen: Expansion | None = None, active: Indices | None = None,
    ) -> Point:  # fmt: skip
        """Return the point, from scratch, or from what is known there; X'(w v) by a pass, or by the
        working set where that is everybody.

        active : the features that are not zero, ascending, where they are known
        """
        problem, working, w = self.problem, self.working, self.problem.design.weights
        active = np.flatnonzero(coef) if active is None else active
        if at is None or steps > MOST_STEPS:
            seen, steps = None, 0
            at = self._loss.at(working.fitted(coef, active) + (self._offset + intercept))
        if not self._certifies:
            problem.design.correlation = None
            unknown = np.zeros(problem.design.p)
            return Point(coef, active, at.pull, unknown, 0.0, 0.0, at, intercept, steps, seen)
        resid, shift = dual_of(
            self._free_panel, problem.design, at.pull, at.curvature, self._domain,
            None if seen is None else (seen.total, seen.mass),
        )  # fmt: skip
        resid_sq = dual.weighted_sums(w, resid)[1]
        everybody = len(working) + len(working.free) == self._reachable
        by_members = working.gram is not None and (
            everybody or self._known is not None or self._pending
        )
        z, problem.design.correlation = problem.design.correlation, None  # where the solver starts
        if z is not None:
            by_members = False
        elif not by_members:
            z = problem.design.transpose_dot(w * resid)
        elif seen is None or shift is None:
            z = working.panel.transpose_dot(w * resid)
        else:
            z = seen.z - shift * seen.bent
        if self._known is not None:
            self._known.move(resid, resid_sq)
            if by_members:  # nobody is free
                self._known.take(working.members, z)
            else:
                self._known.take_all(z)
            z = self._known.z
        elif by_members:  # the others', if any, are left for `certify`
            of_members, z = z, np.zeros(problem.design.p)
            z[working.panel.members] = of_members
        size = float(np.sqrt(problem.design.norm_sq[active]) @ np.abs(coef[active]))
        return Point(coef, active, resid, z, resid_sq, size, at, intercept, steps, seen)

    def rounding(self) -> float:
        """Return the gap that double precision cannot tell from zero; see Solver."""
        state = self.state
        of_terms = state.loss + state.size * state.resid_sq**0.5
        of_eta = EPS * self._steps.mass * max(1.0, state.intercept**2)  # where y is fitted exactly
        return 4 * EPS * (of_terms + 16 * of_eta)

    def fitted(self, rows: Indices | None = None) -> Floats:
        """Return the linear predictor at the present point, offset and intercept included, (n,),
        or some of its rows."""
        state, offset = self.state, self.problem.offset
        eta = self.working.fitted(state.coef, state.active, rows) + state.intercept
        if offset is None:
            return eta
        return eta + (offset if rows is None else offset[rows])

    def fit(self, alpha: float, gap: float, status: str, n_iter: int, df: float) -> Fit:
        fit = super().fit(alpha, gap, status, n_iter, df)
        fit.intercept = self.state.intercept
        return fit

    def _degrees_of_freedom(self, box: Box) -> float:
        """Return the size of the support; where an L2 part asks for the curvature of the fit, its
        trace if that is at hand, else NaN, see freedom.py."""
        active = self.state.active
        if box.l2[active].any():
            h = self.problem.design.weights * self.state.at.curvature
            if self.problem.counts_df and self.without_gram.in_rows and h.any():
                return self.without_gram.trace(self.state.coef, box, h)
            return float("nan")
        held = np.count_nonzero(~self.problem.penalty.free[active])
        return float(held + self.working.space.rank)

    def _expect(self, alpha: float, box: Box) -> None:
        """Expect nobody but those who are asked for, a Gram matrix serves an alpha or two; unless
        another look at the others costs a pass."""
        if alpha != self._last_alpha and not self.problem.family.straight:
            self._foresight.set_out(self._last_alpha, alpha)
        super()._expect(alpha, box)
        if self._known is not None:
            self._threshold = 1.0

    # -- the certificate -------------------------------------------------------------------------

    def certify(self, alpha: float, box: Box) -> float:
        """Return the duality gap at the present point."""
        problem, state, skip = self.problem, self.state, self.skip
        some = self._who_counts(alpha, box)
        bare = problem.penalty.bare(alpha)
        bare = bare[skip[bare] == 0]
        if len(bare):
            bare = bare if len(off_their_bound(state.coef, state.z, box, bare)) else bare[:0]
        if len(bare) == 0:
            coef, z = state.coef, state.z
            if some is not None:
                coef, z, box, skip = coef[some], z[some], box.take(some), skip[some]
            return gap_of_loss(
                problem.family, problem.y, problem.design.weights, state.at, state.resid,
                coef, z, box, skip, problem.design.n_threads,
            )  # fmt: skip
        return certified_loss_gap(
            problem.design, problem.family, problem.y, self.working.free, state.coef, state.at, box,
            bare, skip,
        )  # fmt: skip

    # -- the working set -------------------------------------------------------------------------

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        """Minimise on the working set; return (n_iter, whether it got to the target or its floor).

        Newton steps under one curvature, then under the next: where a new one is worth its Gram
        matrix, where steps gain little, and where none descends, with what is there or damped.
        """
        working, steps, here = self.working, self._steps, self._here(box)
        straight = self.problem.family.straight
        n_iter, taken = 0, self.state.steps
        while True:
            trip = self._begin(here)
            left = max_iter - n_iter
            end, more = steps.descend(target, min(left, HARD) if straight else left)
            if straight:
                hard = end == LIMIT and more < left
                self._curvature.firm_up(hard=hard)
                end = SPENT if hard and not self.problem.expired() else end
            n_iter, taken = n_iter + more, taken + steps.taken
            if steps.compared:
                self._foresight.learn(working.members, steps.missed, steps.missed_total)
            here = _Here(
                here.box, steps.coef, steps.free_coef, steps.intercept,
                self._loss.arrived(working.panel, trip),
            )  # fmt: skip
            if end in (DONE, LIMIT):
                break
            if self._curvature.distrust(working.active.weakest):
                end = SPENT
            if end == SPENT:
                self._thin_out(here, steps.grad)
            elif self._curvature.damping > 0.0 and (end == STUCK or steps.age == 0):
                end = DONE  # no curvature helps: that is as far as it goes
                break
            else:
                self._curvature.damping = 0.0 if end == UNMOVED and steps.age else 1.0
            self._refresh(here.seen.at, here.seen)
        self._curvature.damping = 0.0
        new = np.zeros(self.problem.design.p)
        new[working.members], new[working.free] = here.coef, here.free_coef
        intercept = here.intercept if self.problem.design.centred else 0.0
        active = working.support(new)
        self.state = self._point(new, intercept, here.seen.at, taken, here.seen, active)
        return n_iter, end == DONE

    def _here(self, box: Box) -> _Here:
        """Return the present point, as the working set sees it."""
        working, state = self.working, self.state
        seen = self._loss.expand(working.panel, state.at, state.seen)
        return _Here(
            box.take(working.members), state.coef[working.members], state.coef[working.free],
            state.intercept, seen,
        )  # fmt: skip

    def _begin(self, here: _Here) -> RoundTrip:
        """Get steps from a point ready; return the trips that they make."""
        problem, working, panel = self.problem, self.working, self.working.panel
        assert working.gram is not None  # see newton_wide.py
        design, clocked = problem.design, problem.deadline < float("inf")
        trip = self._loss.round_trip(panel, here.seen)
        self._steps.begin(
            trip, working.active, working.gram, working.loads, working.space.inverse, panel.mean,
            design.norm_sq[working.members], here.box, here.coef, here.free_coef, here.intercept,
            working.sweep, CLOCKED if clocked else problem.max_iter, panel.gram_in_trips(),
            design.entries * len(panel.members) / design.p,
            *self._foresight.expect(working.members),
        )  # fmt: skip
        return trip

    def _thin_out(self, here: _Here, grad: Floats) -> None:
        """Let members at zero leave that will hardly be wanted, if that makes a Gram matrix of
        fewer; grad (|W|,) : X_W'u."""
        kept = np.flatnonzero((here.coef != 0.0) | (np.abs(grad) > NEAR * here.box.l1))
        if len(kept) < CROWDED * len(here.coef):
            here.seen = here.seen.take(self.working.retain(kept))
            here.box, here.coef = here.box.take(kept), here.coef[kept]
