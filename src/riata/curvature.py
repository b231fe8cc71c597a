"""The curvature that Newton steps go by: f'' at a point, or what stands for it.

Where steps keep failing it is damped: the bound of f'' takes its place, or as much as its mean is
added. Where a loss of straight pieces has none, a share of the bound stands for it. Its Gram matrix
may be formed in single precision where columns and curvature are of moderate size, until a feature
nearly depends on others: steps are tried on the true objective, so that a rough model only makes
worse steps.
"""

import numpy as np
from numpy.typing import NDArray

from .families import Family
from .kernels import dual

Floats = NDArray[np.float64]

STRAIGHT = 1e-9  # share of the bound that stands for a curvature of 0, at least,
FIRMEST = 1e-2  # and at most
MODERATE = 1e12  # squares of columns and curvatures, and their inverses, for single precision
WEAK = 1e-3  # share of a pivot below which a feature nearly depends on others


class Curvature:
    """What stands for f'' of one problem, at one point after another.

    damping : 0 but where steps keep failing
    rough : whether Gram matrices may be formed in single precision
    """

    def __init__(self, family: Family, weights: Floats) -> None:
        self._family, self._weights = family, weights
        self.damping, self._firmness, self.rough = 0.0, STRAIGHT, False

    def of(self, curvature: Floats) -> Floats:
        """Return f'' (n,) itself, or what stands for it."""
        bound = self._family.curvature_bound
        if self._family.straight:
            curvature = np.maximum(curvature, self._firmness * bound)
        mean = dual.weighted_sums(self._weights, curvature)[0]
        if self.damping > 0.0 and not np.isfinite(bound):
            return curvature + self.damping * mean
        if np.isfinite(bound) and (self.damping > 0.0 or not mean > 0.0):
            return np.full_like(curvature, bound)
        return curvature

    def firm_up(self, *, hard: bool) -> None:
        """Let more stand for a curvature of 0 where the model was too hard to solve, hardly bent in
        some directions, else less, and steps go further."""
        share = 100.0 * self._firmness if hard else 0.1 * self._firmness
        self._firmness = min(max(share, STRAIGHT), FIRMEST)

    def allow_rough(self, norm_sq: Floats) -> None:
        """Let Gram matrices be formed in single precision, if columns of these |x_j|^2 can be."""
        self.rough = not self._family.straight and is_moderate(norm_sq[norm_sq > 0.0])

    def distrust(self, weakest: float) -> bool:
        """Return whether that has just become too rough, the smallest share of a pivot being
        `weakest`."""
        was, self.rough = self.rough, self.rough and weakest >= WEAK
        return was and not self.rough


def is_moderate(values: Floats | float) -> bool:
    """Whether single precision can hold squares of columns or curvatures, and their products."""
    return bool(np.all((values > 1.0 / MODERATE) & (values < MODERATE)))
