"""Steps on a working set of several responses under squared error: the whole way in Gram space.

    minimise over B (|W|, K)   1/2 tr B'H B - tr B'C + sum_j l1_j |b_j| + l2_j/2 |b_j|^2

with H = X_W' diag(w) X_W for all responses is the loss itself, so that nothing of length n is
looked at before the optimum. Block descent comes first (kernels/groups.pyx). Where it is slow, as
where columns are correlated, Newton steps on the rows off zero take turns with it: to the optimum
where the working set is small enough (class_model.py), else one by conjugate gradients.
"""

import numpy as np

from .class_model import SIZE, ClassModel
from .kernels import bends, groups
from .problem import Problem
from .rowwise import Rowwise
from .solver import Floats
from .working_set import WorkingSet

SWEEPS = 50  # of block descent between two Newton steps, or more
CHEAP = 5e4  # multiply-adds, for which sweeps are sooner done than a Newton step
SOLVES = 200  # Newton steps of one ClassModel
CG_STEPS = 30  # of conjugate gradients in a Newton step
CG_SHARE = 0.02  # of the gradient that they leave
SMALLEST_STEP = 1e-9
SLOW = 0.9  # rounds of sweeps and a Newton step that leave more than this share gain little
PATIENCE = 5  # such rounds in a row, before it is as far as Gram algebra goes


class ResponseDescent:
    """The steps of one problem."""

    def __init__(self, problem: Problem, working: WorkingSet) -> None:
        self._problem, self._working = problem, working
        self._model: ClassModel | None = None
        self._slow = False  # whether sweeps have been

    def run(
        self, rows: Floats, grad: Floats, loss: float, penalty: Rowwise, target: float,
        max_iter: int,
    ) -> tuple[int, bool]:  # fmt: skip
        """Move the rows (|W|, K) and their gradient to the optimum; return (n_iter, whether the
        gap got to target or its floor: the gradient is only moved along, and rounding adds up).

        grad (|W|, K) : X_W'(w r), loss : half the weighted sum of squares of r, where the rows are
        """
        design, working = self._problem.design, self._working
        assert working.gram is not None  # who descends here has seen to it
        n_iter, finished, (size, K) = 0, False, rows.shape
        last, stalls = float("inf"), 0
        at_once = max(SWEEPS, int(CHEAP / max(1, size * size * K)))
        norm_sq = design.norm_sq[working.members]
        small = 0 < size * K <= SIZE and bool((penalty.l1 + penalty.l2).any())
        if self._slow and small and max_iter > 0:
            n_iter = self._solve(rows, grad, loss, penalty, target, max_iter)
        while n_iter < max_iter and not (finished or self._problem.expired()):
            limit = min(SWEEPS if self._slow else at_once, max_iter - n_iter)
            sweeps, gap = groups.descend(
                working.gram, rows, grad, 2.0 * loss, norm_sq, penalty.l1, penalty.l2,
                penalty.grouped, target, limit, design.loop_threads,
            )  # fmt: skip
            n_iter += sweeps
            stalls = stalls + 1 if gap > SLOW * last else 0
            last = min(gap, last)
            finished = gap <= target or sweeps < limit or stalls >= PATIENCE
            self._slow = self._slow or sweeps >= at_once
            if not finished and n_iter < max_iter:
                if small:
                    n_iter += self._solve(rows, grad, loss, penalty, target, max_iter - n_iter)
                else:
                    self._newton_step(rows, grad, penalty)
        return n_iter, finished

    def _solve(
        self, rows: Floats, grad: Floats, loss: float, penalty: Rowwise, aim: float, limit: int
    ) -> int:
        """Move the rows, and their gradient with them, to the optimum; return the steps it took."""
        working, model, K = self._working, self._model, rows.shape[1]
        if model is None or not np.array_equal(model.members, working.members):
            assert working.gram is not None
            model = self._model = ClassModel.of_responses(working.members, working.gram, K)
        solves, step, _ = model.step(
            rows, grad, np.zeros(K), loss, penalty, aim, min(SOLVES, limit)
        )
        rows += step
        grad -= self._image(step)
        return solves

    def _newton_step(self, rows: Floats, grad: Floats, penalty: Rowwise) -> None:
        """Take a Newton step on the rows off zero, by conjugate gradients, as far as the objective
        falls; rows and their gradient move."""
        assert self._working.gram is not None
        some = np.flatnonzero(rows.any(axis=1) | (penalty.l1 == 0.0))
        size, K, part, old = len(some), rows.shape[1], penalty.take(some), rows[some]
        moving, pulled, unit, stiff = part.smooth(old)
        H = self._working.gram[np.ix_(some, some)]
        floor = 1e-12 * float(np.diagonal(H).max(initial=0.0))
        moves, r, diagonal = np.zeros((3, K, size + 1))  # the last is for intercepts
        moves[:, :size] = moving.T
        r[:, :size] = (grad[some] - pulled).T * moves[:, :size]
        diagonal[:] = 1.0
        diagonal[:, :size] = np.maximum(np.diagonal(H) + stiff + part.l2, floor)

        def call(direction: Floats, out: Floats) -> None:
            out[:, :size], out[:, size] = direction[:, :size] @ H, 0.0

        found = bends.conjugate_gradients(
            bends.Product(call), r, moves, diagonal, unit, stiff, part.l2, CG_SHARE**2, CG_STEPS
        )
        step = np.zeros_like(rows)
        step[some] = found.T[:size]
        image = self._image(step)
        bent, fall, before, t = (image * step).sum(), (grad * step).sum(), part.value(old), 1.0
        while t >= SMALLEST_STEP:
            if t * (0.5 * t * bent - fall) + part.value(old + t * step[some]) < before:
                rows += t * step
                grad -= t * image
                return
            t *= 0.5

    def _image(self, step: Floats) -> Floats:
        """Return H D, (|W|, K), from a step D."""
        assert self._working.gram is not None
        size = len(step)
        return np.asarray(self._working.gram[:size, :size] @ step)
