"""One gaussian fit at one alpha, warm: working set, descent in Gram space, stop on the certificate.

    minimise over b   1/2 |y - X b|_w^2 + g(b)        X and y centred where there is an intercept

    repeat   certify: z = X'(w r), the duality gap; stop where it is small enough
             let violators (and those about to be) join the working set
             coordinate descent on the working set, to a share of the tolerance
             r = y - X b from scratch

The certificate is the only stopping rule.
"""

import numpy as np
from numpy.typing import NDArray

from .certify import certified_gap
from .correlations import Correlations
from .kernels import ahead, dual
from .lookahead import FAR, on_the_way
from .penalty import Box
from .problem import Fit, Problem
from .state import State
from .without_gram import WithoutGram
from .working_set import NOW, SOON, Near, WorkingSet, refill

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

EPS = float(np.finfo(float).eps)
SAFE = 0.1  # share of the tolerance that the rounding of Gram algebra may take
INNER = 0.3  # share of the tolerance that the working set's own gap may keep
ROUGH = 1e-3  # relative gap that is good enough on the way
STALLS = 6  # certificates without progress, nothing left to do: the precision floor
RISE = 1e-3  # share of itself by which rounding may raise the objective
RESIDUAL_SWEEPS = 100  # of descent on the residual between two looks at the clock and the true one


class Solver:
    """Solves one problem for alpha after alpha; what one leaves behind starts the next."""

    _inner = INNER
    _threshold = 1.0  # urgency of those who are expected in the working set
    _begun = 0  # iterations of `begin`, and of fits that were begun and left
    _pending = False  # whether X'(w r) at the present point is still to come
    _known: Correlations | None = None  # z, where it is bounded rather than read
    _listed = False  # whether its bounds have listed who is near l1 here, under this penalty
    _near: Near | None = None  # the same by z itself

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        design, penalty = problem.design, problem.penalty
        free = np.flatnonzero(penalty.free & (problem.never == 0))
        self.working = WorkingSet(design, free)
        self.without_gram = WithoutGram(problem, self.working)
        self.skip = problem.never.copy()
        self.skip[free] = 1
        self._last_alpha = float("inf")
        assert design.correlation is not None  # the design was made for a y
        z, design.correlation = design.correlation, None
        self.state = State(
            np.zeros(design.p), np.empty(0, dtype=np.intp), problem.y, z, problem.y_sq, 0.0
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
        n_iter, self._begun = self._come_near(alpha) + self._begun, 0
        box = self.problem.penalty.at(alpha)
        gap, status, more = self._approach(
            alpha, box, self.problem.negligible_gap(), self.problem.max_iter - n_iter
        )
        return self.fit(alpha, gap, status, n_iter + more, self._degrees_of_freedom(box))

    def _degrees_of_freedom(self, box: Box) -> float:
        """Return the trace of the smoother at the present point."""
        members, coef = self.working.members, self.state.coef
        if self._without_gram(box) and self.without_gram.in_rows:
            return self.without_gram.trace(coef, box, self.problem.design.weights)
        return self.working.smoother_trace(coef[members], box.l2[members])

    def begin(self, alpha: float) -> Floats | None:
        """Make the first round of `solve` before its first certificate, and return u = w r (n,) at
        the new point, whose X'u `take` is to be given; None where there is no such round.

        For whoever reads X once for the u of several problems.
        """
        problem, working = self.problem, self.working
        if not self._may_begin(alpha):
            return None
        box = problem.penalty.at(alpha)
        self._expect(alpha, box)
        self._guess()
        self._refill(box)
        if len(working) == 0 or working.gram is None:
            return None
        self._pending = True
        target = self._inner * max(problem.negligible_gap(), self.rounding())
        self._begun = self._descend(box, target, problem.max_iter)[0]
        return problem.design.weights * self.state.resid

    def _may_begin(self, alpha: float) -> bool:
        """Whether the next alpha is near, and its first round one in Gram space."""
        problem, working = self.problem, self.working
        if self._last_alpha == float("inf"):
            self._last_alpha = max(problem.penalty.alpha_max(self.state.z, self.skip), alpha)
        near = FAR * self._last_alpha <= alpha
        solvable = len(working.free) == 0 and working.gram is not None
        return near and solvable and problem.null_objective > 0.0

    def wanted(self, alpha: float) -> tuple[Indices, Indices]:
        """Return the features that may join in `begin`, and those that may soon after."""
        none = np.empty(0, dtype=np.intp)
        if self._known is not None or not self._may_begin(alpha):
            return none, none
        box, working = self.problem.penalty.at(alpha), self.working
        near = working.near(self.state.z, box, self.skip, SOON)
        return working.due(near, NOW), working.due(near, SOON)

    def doubtful(self) -> NDArray[np.intp] | None:
        """Return whose X'u is wanted at the point that `begin` came to, None for all."""
        if self._known is None:
            return None
        self._known.bounds.hear(1.0)
        return self._known.bounds.uncertain

    def take(self, z: Floats, index: NDArray[np.intp] | None = None) -> None:
        """Take X'u at the point that `begin` came to: (p,), or of the features `index`."""
        self._pending = False
        if self._known is None:
            assert index is None  # nobody is in doubt about some alone
            self.state.z = z
        elif index is None:
            self._known.take_all(z)
        else:
            self._known.bounds.note_read(index, z)

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

        Where the working set's own measure is content and the certificate is not, whoever joined,
        the next round asks a hundredth of it, the one after that a ten-thousandth of this, and so
        on: the measure may be of second order where the certificate is of first (huber).
        """
        n_iter, best = self._set_out(alpha, box, negligible, max_iter), float("inf")
        stalls, settled = 0, False
        while True:
            gap, floor = self.certify(alpha, box), self.rounding()
            stalls = stalls + 1 if settled and gap >= 0.5 * best else 0
            best = min(best, gap)
            status = self.problem.verdict(
                gap, negligible, floor, max_iter - n_iter, stalled=stalls >= STALLS
            )
            if status:
                return gap, status, n_iter
            joined = self._refill(box)
            self._threshold = 1.0
            target = self._inner * max(negligible, floor) * 0.01 ** (stalls * (stalls + 1) // 2)
            more, finished = self._descend(box, target, max_iter - n_iter)
            n_iter += more
            settled = finished and (joined == 0 or more == 0)

    def _set_out(self, alpha: float, box: Box, negligible: float, max_iter: int) -> int:
        """Get ready for the first certificate at alpha; return n_iter.

        Where z is bounded, make a first round if the members alone show that a certificate would
        fail. Who joins goes by bounds and estimates: nobody is read at a point that is left anyway.
        """
        self._expect(alpha, box)
        if self._known is None or max_iter <= 0:
            return 0
        bounds, enough = self._known.bounds, max(negligible, self.rounding())
        if not self.problem.penalty.has_l1(alpha):
            return 0
        if bounds.gap_of_members(self.state.coef, self.working.members) <= enough:
            return 0
        self._guess()
        self._refill(box)
        self._threshold = 1.0
        return self._descend(box, self._inner * enough, max_iter)[0]

    def _expect(self, alpha: float, box: Box) -> None:
        """Set the urgency of those who are expected in the working set at the next alpha, whose
        penalty is `box`."""
        self._threshold, self._listed, self._near = 0.5, False, None
        self._way = self._last_alpha, alpha
        if alpha > 0.0 and 0.0 < self._last_alpha < float("inf"):
            self._threshold = ahead.threshold_at(alpha, self._last_alpha)
        self._last_alpha = alpha
        if self._known is not None:
            self._known.bounds.penalise(*box)

    def _guess(self) -> None:
        """List who may join, where z is bounded, as far as estimates tell."""
        if self._known is not None:
            self._known.bounds.guess(self._threshold, *self._way)
            self._listed = True

    def _refill(self, box: Box) -> int:
        """Let those join the working set who should; return how many did."""
        working, state, known, skip = self.working, self.state, self._known, self.skip
        near = self._near_here(box)
        self._listed, self._near = False, None
        joined = refill(
            working, state.coef, len(state.active), state.z, box, skip, self._threshold, near
        )  # fmt: skip
        if known is not None and joined:
            known.refresh(working.members[-joined:])
        return joined

    def _near_here(self, box: Box) -> Near:
        """Return who may join at the present point, as its bounds have listed it, or by z."""
        if self._known is not None and self._listed:
            return Near(*self._known.bounds.near())
        if self._near is None:
            self._near = self.working.near(self.state.z, box, self.skip, self._threshold)
        return self._near

    def rounding(self) -> float:
        """Return the gap that double precision cannot tell from zero at the present point."""
        return dual.rounding(self.state.resid_sq, self.state.size)

    def certify(self, alpha: float, box: Box) -> float:
        """Return the duality gap at the present point."""
        state, skip = self.state, self.skip
        bare = self.problem.penalty.bare(alpha)
        return certified_gap(
            self.problem.design, self.working.space, state.coef, state.resid, state.z, box,
            bare[skip[bare] == 0], skip, self._who_counts(alpha, box),
        )  # fmt: skip

    def _who_counts(self, alpha: float, box: Box) -> Indices | None:
        """Return the features that may add to the duality gap, members and who passes l1, None for
        all. z is certified, and those who may join are listed."""
        if self._known is not None:
            self._known.certify(box)
            self._listed, others = True, self._known.bounds.loud
        else:
            self._near = self.working.near(self.state.z, box, self.skip, self._threshold)
            others = self._near.features[self._near.urgency > 1.0]
        if not self.problem.penalty.has_l1(alpha):
            return None
        return np.concatenate([self.working.members, others])

    def _descend(self, box: Box, target: float, max_iter: int) -> tuple[int, bool]:
        """Minimise on the working set; return (n_iter, whether it got to the target or its floor).

        Active-set Newton, and coordinate descent where that stops short.
        """
        working, state = self.working, self.state
        if self._without_gram(box):
            return self._descend_on_residual(box, target, max_iter)
        work, norm_sq = working.members, self.problem.design.norm_sq
        terms = np.array([state.coef[work], state.z[work], norm_sq[work], *box.take(work)])
        n_iter, finished = working.descend(
            terms, state.resid_sq, target, max_iter, clocked=self.problem.deadline < float("inf")
        )
        new = state.coef.copy()
        new[work] = terms[0]
        if len(working.free):
            new[working.free] += working.free_step(terms[0] - state.coef[work])
        self.move_to(new)
        return n_iter, finished

    def _descend_on_residual(self, box: Box, target: float, max_sweeps: int) -> tuple[int, bool]:
        """The same without a Gram matrix; free features are coordinates like any other."""
        working, state = self.working, self.state
        work = np.concatenate([working.free, working.members])
        coef = state.coef[work]
        terms = (self.problem.design.norm_sq[work], *box.take(work))
        limit = max(1, min(max_sweeps, RESIDUAL_SWEEPS))
        sweeps, gap = self.without_gram.descend(
            working.residual_view(work), self.problem.design.weights, coef, state.resid, terms,
            target, limit,
        )  # fmt: skip
        new = state.coef.copy()
        new[work] = coef
        before = self._objective(box)
        self.move_to(new)
        if not self._objective(box) <= (1.0 + RISE) * before:  # x_j'(w r) is nothing but rounding
            self.move_to(state.coef)
            return sweeps, True
        return sweeps, gap <= target

    def _without_gram(self, box: Box) -> bool:
        """Whether to do without a Gram matrix: it is given up where row space is smaller, and taken
        up again where that won't do."""
        working, rows = self.working, self.without_gram
        before = rows.in_rows
        if rows.choose(len(self.state.active), box.take(working.members)):
            if working.gram is not None:
                working.give_up()
        elif before:
            self._take_up()
        return working.gram is None

    def _take_up(self) -> None:
        """Form a Gram matrix again, after it was given up."""
        self.working.take_up()

    @np.errstate(over="ignore", invalid="ignore")
    def _objective(self, box: Box) -> float:
        """Return the objective at the present point."""
        state = self.state
        return state.loss + box.take(state.active).value(state.coef[state.active])

    def start_from(self, coef: Floats) -> None:
        """Take coef (p,), within the bounds, as the point to start from."""
        self.working.extend(np.flatnonzero((coef != 0.0) & ~self.working.is_member))
        self.move_to(coef)
        self._last_alpha = 0.0  # near enough to any

    # -- the state -------------------------------------------------------------------------------

    def move_to(self, coef: Floats) -> None:
        """Make coef (p,) the present point, from the data; refit its free part where it is off."""
        free, space = self.working.free, self.working.space
        self.state = self._state(coef)
        for _ in range(2 if len(free) else 0):
            step, lost = space.fit(self.state.resid, self.state.z[free])
            if lost <= 1e-24 * self.state.resid_sq:
                break
            coef = coef.copy()
            coef[free] += step
            self.state = self._state(coef)

    def _state(self, coef: Floats) -> State:
        """Return the state at coef from the data: r from scratch, and a pass for z, unless that is
        pending."""
        problem, design, w = self.problem, self.problem.design, self.problem.design.weights
        active = np.flatnonzero(coef)
        resid = problem.y - self.working.fitted(coef, active)
        if design.centred:
            resid -= dual.weighted_sums(w, resid)[0]
        resid_sq = dual.weighted_sums(w, resid)[1]
        size = float(np.sqrt(design.norm_sq[active]) @ np.abs(coef[active]))
        z = np.zeros(design.p) if self._pending else design.transpose_dot(w * resid)
        return State(coef, active, resid, z, resid_sq, size)

    def expect(self, alphas: Floats) -> None:
        """Take the alphas that will be asked for, descending; nobody need look ahead."""

    def fitted(self, rows: Indices | None = None) -> Floats:
        """Return the linear predictor of the problem at the last fit, (n,), or some of its rows."""
        fitted = self.problem.y - self.state.resid
        return fitted if rows is None else fitted[rows]

    def fit(self, alpha: float, gap: float, status: str, n_iter: int, df: float) -> Fit:
        """Return the present point as a result."""
        state = self.state
        coef = state.coef[state.active]
        return Fit(alpha, state.active, coef, gap, status, n_iter, df, state.loss)
