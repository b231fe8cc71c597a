"""Newton on the dual, where an elastic net keeps more features than X has rows.

    minimise over b, a   1/2 |y - X b - F a|_h^2 + sum_j l1_j |b_j| + l2_j/2 b_j^2,
                         lower <= b <= upper

F holds the columns that nothing penalises, the constant among them where there is an intercept. As
every l2_j > 0, the dual

    maximise over t, F'(h t) = 0     <y, t>_h - 1/2 |t|_h^2 - sum_j g_j*(z_j),   z = X'(h t)

is smooth, its maximiser is the residual, and the slope of g_j* is

    b_j(z) = clip(sign(z_j) max(|z_j| - l1_j, 0) / l2_j, lower_j, upper_j)

    repeat   s = y - t - X b(z) - F a, a so that F'(h s) = 0
             |s|_h^2 / 2 is the duality gap of b(z) and t
             (I + K h) d + F a = s,  F'(h d) = 0,  K = sum_j x_j x_j' / l2_j, j whose b_j moves
             t + step d, z + step X'(h d), the step that maximises the dual along d

From one alpha to the next l1 and l2 become c times what they were, c < 1. With c t for the last
solution, b(c z) is what b(z) was and s = (1 - c) t; a step from there by the last system is, to
first order, the path's derivative.

A step costs n^3 / 6 multiply-adds, n^2 / 2 for each feature whose b_j begins or ceases to move, and
two products with X_W, whatever the size of the support; in Gram space it is the cube of that.

Source: Li, Sun, Toh, "A highly efficient semismooth Newton augmented Lagrangian method for solving
Lasso problems", SIAM J. Optim. 28(1), 2018, section 3 (the system, and its size); Boschi, Reimherr,
Chiaromonte, "An efficient semi-smooth Newton augmented Lagrangian method for elastic net", 2020.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .design import Design, ResidualView
from .kernels import dual
from .penalty import Box
from .row_space import RowSpace, WeightedRows
from .working_set import GRAM_LIMIT

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

LEAST_L2 = 1e-8  # share of |x_j|^2; below, b(z) is mostly rounding
CALLS = 1e7  # multiply-adds that an alpha's calls cost, besides
ENOUGH = 0.1  # share of the dual's slope that a step may leave at its end
SEARCHES = 40  # looks at that slope, at most
NEAR = 0.6  # c, from which on the next alpha's solution is foreseen
STALLS = 8  # steps that don't halve the gap, before it is left to others


def is_crowded(n: int, support: int) -> bool:
    """Whether steps in row space are cheaper than in Gram space."""
    return float(n) ** 3 + CALLS < float(support) ** 3 and n <= GRAM_LIMIT


def coef_at(z: Floats, box: Box) -> Floats:
    """Return b(z), (|W|,)."""
    return np.clip(
        np.copysign(np.maximum(np.abs(z) - box.l1, 0.0), z) / box.l2, box.lower, box.upper
    )


class RestrictedDual:
    """The problem on a working set, and a point of its dual.

    view : the columns of F but the constant, then those of W
    members : W
    h : weights (n,), summing to 1
    y : (n,)
    box : the penalty of W
    """

    def __init__(
        self, design: Design, rows: RowSpace, view: ResidualView, members: Indices, h: Floats,
        y: Floats, box: Box,
    ) -> None:  # fmt: skip
        self._design, self.rows, self._view, self._members = design, rows, view, members
        self._h, self._y, self._box = h, y, box
        root = np.sqrt(h)[:, None]
        self._on_columns = np.linalg.pinv(root * rows.columns) * root.T

    def off_columns(self, values: Floats) -> tuple[Floats, Floats]:
        """Return values - F a (n,) and a, F'(h (values - F a)) = 0."""
        a = self._on_columns @ values
        return values - self.rows.columns @ a, a

    def start(self, resid: Floats) -> None:
        """Take resid (n,) for the point, or foresee from it where the next alpha leads."""
        self._t = self.off_columns(resid)[0]
        self._z = self._gradient(self._t)
        last = self.rows.last(self._h, self._members, self._box.l2)
        if last is not None and NEAR <= last[1] < 1.0:
            system, c = last
            d = self._solve(system, (1.0 - c) * self._t)
            self._t, self._z = c * self._t + d, c * self._z + self._gradient(d)
        self._evaluate()

    def _gradient(self, t: Floats) -> Floats:
        """Return X_W'(h t)."""
        return self._view.gradient(self._view.state(t))[self.rows.n_free :]

    def _evaluate(self) -> None:
        """Form what there is to know of the point."""
        self.coef = coef_at(self._z, self._box)
        active = np.flatnonzero(self.coef)
        fitted = self._design.dot(self._members[active], self.coef[active])
        self._lack, self.of_columns = self.off_columns(self._y - self._t - fitted)
        self.gap = 0.5 * dual.weighted_sums(self._h, self._lack)[1]

    @property
    def resid(self) -> Floats:
        """y - X coef - F a, (n,)"""
        return self._t + self._lack

    def step(self) -> None:
        """Make a Newton step."""
        box, z = self._box, self._z
        moves = (np.abs(z) > box.l1) & (box.lower < self.coef) & (self.coef < box.upper)
        some = np.flatnonzero(moves)
        d = self._lack
        if len(some):
            c = self.rows.hold(self._members[some], box.l2[some])
            d = self._solve(self.rows.at(self._h, c), self._lack)
        along = self._gradient(d)
        t = self._length(d, along)
        self._t = self._t + t * d
        self._z = z + t * along
        self._evaluate()

    def _solve(self, system: WeightedRows, s: Floats) -> Floats:
        """Return d with (I + K h) d + F a = s, F'(h d) = 0, 0 in rows without weight."""
        root = np.sqrt(self._h)
        d = system.solve(root * s)[0]
        return np.divide(d, root, out=np.zeros_like(d), where=root > 0.0)

    def _length(self, d: Floats, along: Floats) -> float:
        """Return how far to go along d, which moves z by `along`: all of it, or to where the dual,
        of which it is a concave function, is about as large as it gets."""
        less = dual.weighted_sums(self._h * (self._y - self._t), d)[0]
        bend = dual.weighted_sums(self._h, d)[1]

        def slope(t: float) -> float:
            moved = dual.weighted_sums(along, coef_at(self._z + t * along, self._box))[0]
            return less - t * bend - moved

        first, last = slope(0.0), slope(1.0)
        if last >= -ENOUGH * first:
            return 1.0
        low, high, at_low, at_high = 0.0, 1.0, first, last
        for _ in range(SEARCHES):
            t = low + (high - low) * min(max(at_low / (at_low - at_high), 0.1), 0.9)
            here = slope(t)
            if abs(here) <= ENOUGH * first:
                return t
            if here > 0.0:
                low, at_low = t, here
            else:
                high, at_high = t, here
        return low if low > 0.0 else high


def descend_in_rows(
    problem: RestrictedDual, resid: Floats, target: float, most: int, expired: Callable[[], bool]
) -> int:
    """Step from resid (n,) until the gap is at most target; return the number of steps.

    The end is `problem.coef`, `problem.of_columns` and `problem.gap`; the gap is larger than
    `target` where steps stopped gaining, or time or steps ran out.
    """
    problem.start(resid)
    steps, poor, best = 0, 0, problem.gap
    while problem.gap > target and steps < most and poor < STALLS and not expired():
        problem.step()
        steps += 1
        poor = poor + 1 if problem.gap > 0.5 * best else 0
        best = min(best, problem.gap)
        if poor == STALLS // 2:
            problem.rows.forget()
    return steps
