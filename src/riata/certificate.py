"""The duality gap of a weighted least-squares problem with separable penalty.

Primal      P(b) = 1/2 |y - X b|_w^2 + sum_j g_j(b_j)
Dual        D(u) = y'u - 1/2 sum_i u_i^2 / w_i - sum_j g_j*(x_j'u)

Let r = y - X b and u = c w t, where t is r minus its projection (in the metric w) on the columns
that nothing penalises, so that x_j'u = 0 for those, and c <= 1. Then
y'u = u'r + sum_j b_j x_j'u, and

    P - D = 1/2 |r - c t|_w^2  +  sum_j [ g_j(b_j) + g_j*(c z_j) - c z_j b_j ],   z_j = x_j'(w t)
          = 1/2 |r - t|_w^2 + 1/2 (1 - c)^2 |t|_w^2 + sum_j [ ... ]

because r - t and t are orthogonal. No term is negative (Fenchel and Young), so nothing cancels:
P and D are never formed. c is the best one in [0, c_max], c_max the largest that keeps every g_j*
finite. The gap bounds P(b) - min P, and |X (b - b_opt)|_w^2 <= 2 gap.

Sources: Fercoq, Gramfort, Salmon, "Mind the duality gap: safer rules for the Lasso", ICML 2015,
eq. 5 to 9 (lasso); Rockafellar, "Convex Analysis", 1970, theorem 31.1.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .kernels import dual

Floats = NDArray[np.float64]


def duality_gap_of(
    coef: Floats,
    z: Floats,
    resid_sq: float,
    lost_sq: float,
    box: tuple[Floats, Floats, Floats, Floats],
    skip: NDArray[np.uint8],
) -> float:
    """Return the duality gap at the best scaling of the projected residual.

    Parameters
    ----------
    coef : (p,), within the bounds
    z : (p,), x_j'(w t)
    resid_sq : |t|_w^2
    lost_sq : |r - t|_w^2
    box : l1, l2, lower and upper of every feature at alpha, each (p,)
    skip : (p,), 1 where a feature was projected out or is excluded

    Notes
    -----
    Cost: a few reads of p numbers; one where the largest feasible scale is the best.
    """
    arrays = (*box, skip)

    def at(c: float) -> tuple[float, float]:
        gap, slope = dual.gap_and_slope(coef, z, c, *arrays)
        return 0.5 * (1.0 - c) ** 2 * resid_sq + gap, slope - (1.0 - c) * resid_sq

    high = dual.dual_scale(z, *arrays)
    best, slope = at(high)
    if slope > 0.0 and high > 0.0:  # convex in c: the best one is where the slope changes sign
        best = min(best, _least(at, high, slope, best))
    return 0.5 * lost_sq + best


def _least(
    at: Callable[[float], tuple[float, float]], high: float, high_slope: float, best: float
) -> float:
    """Return the minimum over [0, high] of a convex function, by the Illinois secant."""
    low, (low_gap, low_slope) = 0.0, at(0.0)
    high_gap, last = best, 0
    low_pull, high_pull = low_slope, high_slope  # halved for the end that stays too long
    for _ in range(60):
        best = min(low_gap, high_gap, best)
        width = high - low
        bound = max(low_gap + low_slope * width, high_gap - high_slope * width)
        if low_slope >= 0.0 or best - bound <= 1e-9 * best:  # what is left to gain
            break
        middle = (low * high_pull - high * low_pull) / (high_pull - low_pull)
        gap, slope = at(middle)
        if slope > 0.0:
            high, high_gap, high_slope, high_pull = middle, gap, slope, slope
            low_pull *= 0.5 if last == 1 else 1.0
            last = 1
        else:
            low, low_gap, low_slope, low_pull = middle, gap, slope, slope
            high_pull *= 0.5 if last == -1 else 1.0
            last = -1
    return best
