"""The penalty on the rows of B (p, K), and what it makes of the duality gap.

    g(B) = sum_j l1_j |b_j| + l2_j/2 |b_j|_2^2

|b_j| is the Euclidean norm where rows are grouped (they enter together), else the sum of absolute
values. Then all K numbers of a row may have bounds, the same for each.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .certificate import gap_at_best_scale
from .certify import PRECISION
from .families.multiple import Along, inner
from .penalty import Box

Floats = NDArray[np.float64]


@dataclass
class Rowwise:
    """sum_j l1_j |b_j| + l2_j/2 |b_j|_2^2 over rows b_j; |b_j| is Euclidean where grouped.

    bounds : lower and upper, each (|W|,), of every number in a row; None where there are none
    """

    l1: Floats
    l2: Floats
    grouped: bool
    bounds: tuple[Floats, Floats] | None = None

    def take(self, index: Any) -> "Rowwise":
        bounds = self.bounds and (self.bounds[0][index], self.bounds[1][index])
        return Rowwise(self.l1[index], self.l2[index], self.grouped, bounds)

    def each(self, K: int) -> Box:
        """Return the penalty of the single coefficients, in the order of the rows."""
        size = len(self.l1)
        lower, upper = self.bounds or (np.full(size, -np.inf), np.full(size, np.inf))
        return Box(*(np.repeat(part, K) for part in (self.l1, self.l2, lower, upper)))

    def within(self, rows: Floats) -> Floats:
        """Return rows put within the bounds."""
        if self.bounds is None:
            return rows
        return np.clip(rows, self.bounds[0][:, None], self.bounds[1][:, None])

    def value(self, rows: Floats, e: float = 0.0) -> float:
        """Return g; infinite or NaN, which no step is taken for, where squares overflow.

        e : under sqrt(|b_j|^2 + e^2) for |b_j|, where rows are grouped
        """
        square = inner(rows, rows)
        with np.errstate(over="ignore", invalid="ignore"):
            size = np.sqrt(square + e * e) if self.grouped else np.einsum("jk->j", np.abs(rows))
            return float(self.l1 @ size + 0.5 * (self.l2 @ square))

    def shrunk(self, rows: Floats, grad: Floats, stiffness: Floats) -> Floats:
        """Return the minimiser over B of -tr grad'(B - rows) + sum_j stiffness_j/2 |b_j - rows_j|^2
        + g(B) within the bounds, stiffness (|W|,); rows that nothing holds stay."""
        pull = stiffness[:, None] * rows + grad
        l1, hold = self.l1[:, None], (stiffness + self.l2)[:, None]
        if self.grouped:
            size = lengths(pull)[:, None]
            kept = np.divide(size - l1, size, out=np.zeros_like(size), where=size > l1)
            pull = kept * pull
        else:
            pull = np.sign(pull) * np.maximum(np.abs(pull) - l1, 0.0)
        return self.within(np.divide(pull, hold, out=rows.copy(), where=hold > 0.0))

    def smooth(self, rows: Floats) -> tuple[Any, Floats, Floats, Floats]:
        """Return who moves smoothly (off 0, or without l1, and off the bounds), the gradient there,
        and what bends it: units u (|W|, K) and stiff (|W|,), the second derivative of a row
        l2 + stiff (1 - u u')."""
        if self.grouped:
            size = lengths(rows)[:, None]
            unit = np.divide(rows, size, out=np.zeros_like(rows), where=size > 0.0)
            stiff = np.divide(self.l1, size[:, 0], out=np.zeros(len(size)), where=size[:, 0] > 0.0)
            moving = np.broadcast_to(size > 0.0, rows.shape) | (self.l1 == 0.0)[:, None]
        else:
            unit, stiff = np.sign(rows), np.zeros(len(rows))
            moving = (rows != 0.0) | (self.l1 == 0.0)[:, None]
        if self.bounds is not None:
            moving &= (rows > self.bounds[0][:, None]) & (rows < self.bounds[1][:, None])
        pull = self.l1[:, None] * unit + self.l2[:, None] * rows
        return moving, pull, unit, stiff


def lengths(rows: Floats) -> Floats:
    """Return the Euclidean norm of every row."""
    return np.sqrt(inner(rows, rows))


def gap_of_rows(
    along: Along, rows: Floats, z: Floats, box: Box, skip: Any, *, grouped: bool
) -> float:
    """Return the duality gap of rows (p, K) whose dual point v has Z = X'(w v) (p, K).

    along : the loss's part of it, of c v; see `MultipleFamily.gap_along`
    """
    if grouped:
        size, z_size = lengths(rows), lengths(z)
        angle = size * z_size - inner(rows, z)
        turned = max(float(angle[skip == 0].sum()), 0.0)
    else:
        K, turned = rows.shape[1], 0.0
        size, z_size = np.ravel(rows), np.ravel(z)
        box, skip = Box(*(np.repeat(part, K) for part in box)), np.repeat(skip, K)

    def loss_part(c: float, sloped: bool) -> tuple[float, float]:
        value, slope = along(c, sloped)
        return value + c * turned, slope + turned

    size, z_size = np.ascontiguousarray(size), np.ascontiguousarray(z_size)
    return gap_at_best_scale(loss_part, size, z_size, box, skip, PRECISION)
