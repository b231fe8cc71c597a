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

until the gap of b(z) and its own residual t + s is small as well.

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
from .kernels import coordinate, dual
from .penalty import Box
from .problem import OutOfTime
from .row_space import RowSpace, WeightedRows

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

ENOUGH = 0.1  # share of the dual's slope that a step may leave at its end
SEARCHES = 40  # looks at that slope, at most
NEAR = 0.6  # c, from which on the next alpha's solution is foreseen
STALLS = 8  # steps that don't halve the gap, before it is left to others


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
    norm_sq : |x_j|_h^2 of W
    box : the penalty of W
    """

    def __init__(
        self, design: Design, rows: RowSpace, view: ResidualView, members: Indices, h: Floats,
        y: Floats, norm_sq: Floats, box: Box,
    ) -> None:  # fmt: skip
        self._design, self._rows, self._view, self._members = design, rows, view, members
        self._h, self._root, self._y = h, np.sqrt(h), y
        self._norm_sq, self._box, self._span = norm_sq, box, rows.span(h)

    def _off_columns(self, values: Floats) -> tuple[Floats, Floats]:
        """Return values - F a (n,) and a, F'(h (values - F a)) = 0."""
        a = self._span.of_columns(self._span.basis.T @ (self._root * values))
        return values - self._rows.columns @ a, a

    def start(self, resid: Floats) -> None:
        """Take resid (n,) for the point, or foresee from it where the next alpha leads."""
        self._t = self._off_columns(resid)[0]
        self._z = self._gradient(self._t)
        last = self._rows.last(self._h, self._members, self._box.l2)
        if last is not None and NEAR <= last[1] < 1.0:
            system, c = last
            d = self._solve(system, (1.0 - c) * self._t)
            self._t, self._z = c * self._t + d, c * self._z + self._gradient(d)
        self._evaluate()

    def _gradient(self, t: Floats) -> Floats:
        """Return X_W'(h t)."""
        z = self._view.gradient(self._view.state(t))
        return z[len(z) - len(self._members) :]

    def _evaluate(self) -> None:
        """Form what there is to know of the point."""
        self.coef = coef_at(self._z, self._box)
        active = np.flatnonzero(self.coef)
        fitted = self._design.dot(self._members[active], self.coef[active])
        self._lack, self.of_columns = self._off_columns(self._y - self._t - fitted)
        self.gap = 0.5 * dual.weighted_sums(self._h, self._lack)[1]

    def gap_of_residual(self) -> float:
        """Return the gap of the coefficients and their own residual."""
        grad = self._z + self._gradient(self._lack)
        resid_sq = dual.weighted_sums(self._h, self._t + self._lack)[1]
        return coordinate.gap_on_working_set(self.coef, grad, resid_sq, self._norm_sq, *self._box)

    def step(self) -> None:
        """Make a Newton step, or raise OutOfTime."""
        box, z = self._box, self._z
        moves = (np.abs(z) > box.l1) & (box.lower < self.coef) & (self.coef < box.upper)
        some = np.flatnonzero(moves)
        d = self._lack
        if len(some):
            c = self._rows.hold(self._members[some], box.l2[some])
            self._rows.look()
            d = self._solve(self._rows.at(self._h, c, self._span), self._lack)
        along = self._gradient(d)
        t = self._length(d, along)
        self._t = self._t + t * d
        self._z = z + t * along
        self._evaluate()

    def _solve(self, system: WeightedRows, s: Floats) -> Floats:
        """Return d with (I + K h) d + F a = s, F'(h d) = 0, 0 in rows without weight."""
        d = system.solve(self._root * s)[0]
        return np.divide(d, self._root, out=np.zeros_like(d), where=self._root > 0.0)

    def _length(self, d: Floats, along: Floats) -> float:
        """Return how far to go along d, which moves z by `along`: all of it, or to where the dual,
        of which it is a concave function, is about as large as it gets; 0 where it only falls."""
        less = dual.weighted_sums(self._h * (self._y - self._t), d)[0]
        bend = dual.weighted_sums(self._h, d)[1]

        def slope(t: float) -> float:
            moved = dual.weighted_sums(along, coef_at(self._z + t * along, self._box))[0]
            return less - t * bend - moved

        first, last = slope(0.0), slope(1.0)
        if last >= -ENOUGH * first:
            return 1.0
        low, high, at_low, at_high = 0.0, 1.0, first, last
        for _ in range(SEARCHES if first > 0.0 else 0):
            t = low + (high - low) * min(max(at_low / (at_low - at_high), 0.1), 0.9)
            here = slope(t)
            if abs(here) <= ENOUGH * first:
                return t
            if here > 0.0:
                low, at_low = t, here
            else:
                high, at_high = t, here
        return low

    def forget(self) -> None:
        """Form the next system from nothing."""
        self._rows.forget()


def descend_in_rows(
    problem: RestrictedDual, resid: Floats, target: float, most: int, expired: Callable[[], bool]
) -> tuple[int, bool]:
    """Step from resid (n,) until both gaps are at most target; return (steps, whether they are).

    The end is `problem.coef` and `problem.of_columns`; where steps stopped gaining, or time or
    steps ran out, it may be worse than the start.
    """
    problem.start(resid)
    steps, poor, best = 0, 0, problem.gap
    while problem.gap > target or problem.gap_of_residual() > target:
        if steps >= most or poor >= STALLS or expired():
            return steps, False
        try:
            problem.step()
        except OutOfTime:
            return steps, False
        steps += 1
        poor = poor + 1 if problem.gap > 0.5 * best else 0
        best = min(best, problem.gap)
        if poor == STALLS // 2:
            problem.forget()
    return steps, True
