"""The duality gap of a convex loss with separable penalty; least squares first.

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

Other losses: with f_i the loss of row i and any dual u that is orthogonal to what nothing
penalises (x_j'u = 0; sum u = 0 where there is an intercept), eta = o + b0 + X b,

    P - D = sum_i w_i [ f_i(eta_i) + f_i*(-u_i / w_i) + (u_i / w_i) eta_i ]
            + sum_j [ g_j(b_j) + g_j*(x_j'u) - b_j x_j'u ]

because sum_i u_i eta_i = o'u + sum_j b_j x_j'u, in which the penalised j alone are left. The
offset is a part of eta on both sides and needs no term of its own. Again no term is negative. u is
c w v, v the negative gradient of the loss, projected (certify.py); for c in [0, 1] c v is in the
domain of f* where v is, because 0 is. The gaussian formula is this one with f = (y - eta)^2 / 2.

Sources: Fercoq, Gramfort, Salmon, "Mind the duality gap: safer rules for the Lasso", ICML 2015,
eq. 5 to 9 (lasso); Rockafellar, "Convex Analysis", 1970, theorem 31.1.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .kernels import dual

Floats = NDArray[np.float64]

EPS = float(np.finfo(float).eps)


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

    def quadratic(c: float, sloped: bool) -> tuple[float, float]:
        return 0.5 * (1.0 - c) ** 2 * resid_sq, -(1.0 - c) * resid_sq

    return 0.5 * lost_sq + gap_at_best_scale(quadratic, coef, z, box, skip, 1e-9)


def gap_at_best_scale(
    loss_part: Callable[[float, bool], tuple[float, float]],
    coef: Floats,
    z: Floats,
    box: tuple[Floats, Floats, Floats, Floats],
    skip: NDArray[np.uint8],
    precision: float,
) -> float:
    """Return the least over c of loss_part(c) + sum_j [ g_j(b_j) + g_j*(c z_j) - c z_j b_j ].

    loss_part(c, sloped) gives value and derivative (0 will do unless `sloped`), is convex, and
    falls from c = 0 to 1; `precision` is the share of itself to which the least is found.
    """
    arrays = (*box, skip)

    def at(c: float, sloped: bool = True) -> tuple[float, float]:
        gap, slope = dual.gap_and_slope(coef, z, c, *arrays)
        value, fall = loss_part(c, sloped or slope > 0.0)
        return value + gap, fall + slope

    high = dual.dual_scale(z, *arrays)
    best, slope = at(high, False)
    if slope > 0.0 and high > 0.0:  # convex in c: the best one is where the slope changes sign
        best = min(best, _least(at, high, slope, best, precision))
        within = _scale_within(z, box, skip)
        if within < high:  # where bounds are far away, the least is there, and steep on one side
            best = min(best, at(within, False)[0])
    return best


def _scale_within(
    z: Floats, box: tuple[Floats, Floats, Floats, Floats], skip: NDArray[np.uint8]
) -> float:
    """Return the largest c <= 1 with |c z_j| at most l1_j wherever l1_j alone is the penalty."""
    l1, l2, _, _ = box
    size = np.abs(z)
    over = (size > l1) & (l1 > 0.0) & (l2 == 0.0) & (skip == 0)
    return float((1.0 - 4.0 * EPS) * np.min(l1[over] / size[over], initial=1.0))


def _least(
    at: Callable[[float], tuple[float, float]],
    high: float,
    high_slope: float,
    best: float,
    precision: float,
) -> float:
    """Return the minimum over [0, high] of a convex function, by the Illinois secant."""
    high_gap, reach, last = best, max(best / high_slope, EPS * high), 0
    while True:  # a bracket, wider at every try
        low = high - reach if reach < high else 0.0
        low_gap, low_slope = at(low)
        if low_slope <= 0.0 or low == 0.0:
            break
        high, high_gap, high_slope, reach = low, low_gap, low_slope, 8.0 * reach
    low_pull, high_pull = low_slope, high_slope  # halved for the end that stays too long
    for _ in range(60):
        best = min(low_gap, high_gap, best)
        width = high - low
        bound = max(low_gap + low_slope * width, high_gap - high_slope * width)
        if low_slope >= 0.0 or best - bound <= precision * best:  # what is left to gain
            break
        if np.isfinite(high_pull - low_pull):
            middle = (low * high_pull - high * low_pull) / (high_pull - low_pull)
        else:  # the slope of a loss at the edge of its domain
            middle = 0.5 * (low + high)
        if not low < middle < high:  # they are as near as numbers can be
            break
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
