"""Steps on a working set whose features have K coefficients: several responses, or classes.

    f_i(eta_i + d_i) ~ f_i - v_i'd_i + h_i/2 |d_i|^2,      h_i about the largest eigenvalue of f_i''

so that one Gram matrix X_W' diag(w h) X_W serves all K, and block coordinate descent solves it. h_i
is scaled by what line searches (Armijo, on the true objective) have accepted: it need not be a
bound. Where the Gram matrix would be too large, a multiple of its diagonal stands for it; a Newton
step on the support, by conjugate gradients, follows either. Working sets of classes that are small
enough take whole Newton steps instead (class_model.py): what couples the classes makes the others
thousands where probabilities come near 0 and 1. Several responses come here only where there is no
Gram matrix (response_descent.py).

Source: Simon, Friedman, Hastie, "A blockwise descent algorithm for group-penalized multiresponse
and multinomial regression", arXiv:1311.6529, sections 2 and 3 (one curvature for all classes).
"""

from dataclasses import dataclass

import numpy as np

from .class_model import SIZE, ClassModel
from .families import MultipleFamily
from .kernels import bends, coordinate, dual, groups
from .problem import Problem
from .rowwise import Rowwise
from .solver import EPS, Floats
from .working_set import WorkingSet

ARMIJO = 1e-4
SMALLEST_STEP = 1e-9
LOOSEST, TIGHTEST = 0.5, 4.0  # the scale of h, relative to the family's
ROUGHLY = 1e-2  # share of the present gap to which the quadratic is solved at least
EXACT = 0.3  # share of the target to which it is solved
FALLEN = 0.2  # a step that leaves more than this share of the gap asks for a fresh curvature
SPENT = 1e-4  # the same of a ClassModel
SLOW = 0.9  # a step that leaves more than this share of the gap has gained little
PATIENCE = 30  # such steps in a row, before it is as far as it goes
CG_STEPS = 30  # of conjugate gradients in a Newton step
CG_SHARE = 0.02  # of the gradient that they leave
SWEEPS = 2000  # of one quadratic
SOLVES = 200  # of one ClassModel
CLOSELY = 1e-4  # share of the present gap to which its quadratic is solved


@dataclass
class Here:
    """A point on the working set: rows (|W|, K), and the loss there; see `Rows` in multi.py."""

    rows: Floats
    intercept: Floats
    eta: Floats
    loss: float
    pull: Floats
    curvature: Floats


class Descent:
    """The steps of one problem, and what they learn: h and its scale, the last ClassModel."""

    def __init__(
        self, problem: Problem, family: MultipleFamily, working: WorkingSet, h: Floats
    ) -> None:
        self.problem, self.family, self.working = problem, family, working
        self.K: int = problem.y.shape[1]
        self._h, self._scale = h, 1.0
        self._model: ClassModel | None = None

    def run(self, here: Here, penalty: Rowwise, target: float, max_iter: int) -> tuple[int, bool]:
        """Move `here` down until the working set's gap is at most target; return (n_iter, whether
        it got there or to its floor)."""
        problem, working = self.problem, self.working
        n_iter, last, slow, fresh, finished = 0, float("inf"), 0, self.family.constant, False
        while True:
            everybody = np.arange(len(working))
            grad, total = working.gradients(problem.design.weights[:, None] * here.pull, everybody)
            gap = self._gap_of_members(here, grad, total, penalty)
            slow = slow + 1 if gap > SLOW * last else 0
            if gap <= target or slow >= PATIENCE:
                finished = True
                break
            if n_iter >= max_iter or problem.expired():
                break
            coupled, fallen = self._couples(penalty), gap <= FALLEN * last
            if not (fresh or fallen or coupled):
                self._refresh(here.curvature)
                fresh, last = True, float("inf")
                continue
            before, last = last, gap
            roughly = CLOSELY if coupled else ROUGHLY
            aim, limit = max(EXACT * target, roughly * gap), max_iter - n_iter
            if coupled:
                anew = gap > SPENT * before
                more, moved = self._coupled_step(here, grad, total, penalty, aim, limit, anew)
                n_iter += more
                if moved:
                    continue
            more, moved = self._majorised_step(here, grad, total, penalty, aim, limit)
            n_iter += more
            if not moved and self._scale >= self._tightest:
                finished = True
                break
            self._newton_step(here, penalty)
        return n_iter, finished

    def _gap_of_members(self, here: Here, grad: Floats, total: Floats, penalty: Rowwise) -> float:
        """Return what the working set's quadratic has left to gain, its dual gap."""
        if penalty.bounds is None:
            gap, _ = groups.certificate(
                self._diagonal(), here.rows, grad, 2.0 * here.loss, penalty.l1, penalty.l2,
                penalty.grouped,
            )  # fmt: skip
        else:
            gap = coordinate.gap_on_working_set(
                here.rows.ravel(), grad.ravel(), 2.0 * here.loss,
                np.repeat(self._diagonal(), self.K), *penalty.each(self.K),
            )  # fmt: skip
        if self.problem.design.centred:
            mass = dual.weighted_sums(self.problem.design.weights, self._h)[0]
            gap += 0.5 * float(total @ total) / mass
        return gap

    def _diagonal(self) -> Floats:
        """Return the diagonal of the Gram matrix under h, (|W|,)."""
        working, design = self.working, self.problem.design
        if working.gram is not None:
            return np.diagonal(working.gram)[: len(working)].copy()
        mass = dual.weighted_sums(design.weights, self._h)[0]
        return mass * design.norm_sq[working.members]

    @property
    def _tightest(self) -> float:
        """The largest scale of h: what bounds the Gram matrix, or its diagonal."""
        return TIGHTEST if self.working.gram is not None else TIGHTEST * len(self.working)

    def _majorised_step(
        self, here: Here, grad: Floats, total: Floats, penalty: Rowwise, aim: float, limit: int
    ) -> tuple[int, bool]:
        """Move to the optimum of the quadratic, as far as Armijo lets; return (sweeps, moved)."""
        design, working = self.problem.design, self.working
        mass = self._scale * dual.weighted_sums(design.weights, self._h)[0]
        shift = total / mass if design.centred else np.zeros(self.K)
        if working.gram is None:
            sweeps, new = 1, penalty.shrunk(here.rows, grad, self._scale * self._diagonal())
        else:
            sweeps, new = self._descend(here, grad, penalty, aim, max(1, min(SWEEPS, limit)))
        step = new - here.rows
        slope = penalty.value(new) - penalty.value(here.rows) - float((grad * step).sum())
        t = self._search(here, penalty, step, shift, min(slope - float(total @ shift), 0.0))
        if t < 1.0:
            self._scale = min(2.0 * self._scale, self._tightest)
        else:
            self._scale = max(0.9 * self._scale, LOOSEST)
        return sweeps, t > 0.0

    def _descend(
        self, here: Here, grad: Floats, penalty: Rowwise, aim: float, limit: int
    ) -> tuple[int, Floats]:
        """Return (sweeps, the rows) at the optimum of the quadratic but for a gap of `aim`; all of
        it divided by the scale of H."""
        design, working, scale = self.problem.design, self.working, self._scale
        assert working.gram is not None
        mass = dual.weighted_sums(design.weights, self._h)[0]
        resid_sq, norm_sq = 2.0 * here.loss / scale, mass * design.norm_sq[working.members]
        l1, l2 = penalty.l1 / scale, penalty.l2 / scale
        if penalty.bounds is None:
            new = here.rows.copy()
            sweeps, _ = groups.descend(
                working.gram, new, grad / scale, resid_sq, norm_sq, l1, l2, penalty.grouped,
                aim / scale, limit, design.loop_threads,
            )  # fmt: skip
            return sweeps, new
        new, sweeps = np.empty_like(here.rows), 0
        for k in range(self.K):  # nothing couples the classes here
            terms = np.array(
                [here.rows[:, k], grad[:, k] / scale, norm_sq, l1, l2, *penalty.bounds]
            )
            more, _ = coordinate.gram_descent(
                working.gram, terms, resid_sq, aim / (scale * self.K), limit
            )
            new[:, k], sweeps = terms[0], max(sweeps, more)
        return sweeps, new

    def _couples(self, penalty: Rowwise) -> bool:
        """Whether whole Newton steps serve."""
        size = len(penalty.l1)
        return (
            self.working.gram is not None
            and 0 < size * self.K <= SIZE
            and bool((penalty.l1 + penalty.l2).any())
        )

    def _coupled_step(
        self, here: Here, grad: Floats, total: Floats, penalty: Rowwise, aim: float, limit: int,
        anew: bool,
    ) -> tuple[int, bool]:  # fmt: skip
        """Take a Newton step under the full curvature, that of an earlier point unless `anew`, as
        far as Armijo lets; return (solves, moved)."""
        model = self._model
        if anew or model is None or not np.array_equal(model.members, self.working.members):
            model = self._model = self._model_at(here)
        limit = min(SOLVES, limit)
        solves, step, shift = model.step(here.rows, grad, total, here.loss, penalty, aim, limit)
        new = here.rows + step
        slope = penalty.value(new) - penalty.value(here.rows) - float((grad * step).sum())
        t = self._search(here, penalty, step, shift, min(slope - float(total @ shift), 0.0))
        if t == 0.0:
            self._model = None
        return solves, t > 0.0

    def _model_at(self, here: Here) -> ClassModel:
        """Return the whole curvature at a point."""
        design = self.problem.design
        return ClassModel.of_classes(
            self.working.panel, design.centred, design.weights, self.problem.y - here.pull
        )

    def _newton_step(self, here: Here, penalty: Rowwise) -> None:
        """Take a Newton step on the support, by conjugate gradients; signs that change become 0."""
        problem, working, family = self.problem, self.working, self.family
        design, K = problem.design, self.K
        some = np.flatnonzero(here.rows.any(axis=1) | (penalty.l1 == 0.0))
        size, rows, part = len(some), here.rows[some], penalty.take(some)
        moving, pulled, unit, stiff = part.smooth(rows)
        grad, total = working.gradients(design.weights[:, None] * here.pull, some)
        mean_h = dual.weighted_sums(design.weights, self._h)[0]
        moves, r = np.empty((K, size + 1)), np.empty((K, size + 1))
        moves[:, :size], moves[:, size] = moving.T, design.centred
        r[:, :size], r[:, size] = (grad - pulled).T, total
        r *= moves
        diagonal = np.full((K, size + 1), 0.5 * mean_h)
        diagonal[:, :size] = np.maximum(
            0.5 * min(self._scale, TIGHTEST) * self._diagonal()[some] + stiff + part.l2,
            1e-12 * mean_h,
        )
        bend = family.bend(problem.y, here.pull, design.weights)
        step = bends.conjugate_gradients(
            working.product(bend, some, K), r, moves, diagonal, unit, stiff, part.l2,
            CG_SHARE**2, CG_STEPS,
        ).T  # fmt: skip
        if step.any():
            full = np.zeros_like(here.rows)
            full[some] = step[:size]
            self._search(here, penalty, full, step[size], 0.0, keep_signs=True)

    def _search(
        self, here: Here, penalty: Rowwise, step: Floats, shift: Floats, predicted: float, *,
        keep_signs: bool = False,
    ) -> float:  # fmt: skip
        """Move `here` by t step, the first t = 1, 1/2, ... that Armijo accepts; return t or 0."""
        working, problem = self.working, self.problem
        before = penalty.value(here.rows)
        slack = 8 * EPS * (here.loss + before)
        some = np.flatnonzero((here.rows != 0.0).any(axis=1) | step.any(axis=1))
        straight = None if keep_signs else working.images(step[some], some) + shift
        t = 1.0
        while t >= SMALLEST_STEP:
            new = penalty.within(here.rows + t * step)
            if keep_signs and not penalty.grouped:
                new[new * here.rows < 0.0] = 0.0
            moved = new - here.rows
            if straight is not None:
                along = t * straight
            else:
                along = working.images(moved[some], some) + t * shift
            eta = here.eta + along
            loss, pull, curvature = self.family.evaluate(problem.y, eta, problem.design.weights)
            if loss - here.loss + penalty.value(new) - before <= ARMIJO * t * predicted + slack:
                if problem.design.centred:
                    mean = working.mean_at(moved)
                    here.intercept = here.intercept + t * shift - mean
                here.rows, here.eta, here.loss = new, eta, loss
                here.pull, here.curvature = pull, curvature
                return t
            t *= 0.5
        return 0.0

    def _refresh(self, curvature: Floats) -> None:
        self._h, self._model = curvature, None
        self.working.reweigh(self.problem.design.weights * curvature)
