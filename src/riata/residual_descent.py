"""Descent on the residual, for supports whose Gram matrix would be too large.

    minimise over b   1/2 |y - X b|_w^2 + sum_j l1_j |b_j| + l2_j/2 b_j^2,    lower <= b <= upper

    repeat   five sweeps of coordinate descent, b_1 .. b_5 from b_0
             b = sum_k c_k b_k, sum_k c_k = 1, the c that minimises |sum_k c_k (b_k - b_{k-1})|,
             if it is within the bounds and lowers the objective (residuals combine alike)

Source: Bertrand, Massias, "Anderson acceleration of coordinate descent", AISTATS 2021, algorithm 2.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .design import ResidualView, Terms
from .kernels import coordinate, dual

Floats = NDArray[np.float64]

MEMORY = 5  # sweeps that are extrapolated from, and then measured
REGULAR = 1e-12  # added to the moves' Gram matrix, as a share of its trace


def descend_on_residual(
    view: ResidualView,
    coef: Floats,
    resid: Floats,
    terms: Terms,
    target: float,
    max_sweeps: int,
) -> tuple[int, float]:
    """Descend until the gap of the restricted problem is at most target.

    Parameters
    ----------
    view : the columns of the working set W
    coef : (|W|,), updated
    resid : (n,), y - X coef
    terms : norm_sq, l1, l2, lower and upper of the columns, (|W|,) each
    target : the gap to reach
    max_sweeps : most sweeps

    Returns
    -------
    sweeps, gap

    Notes
    -----
    Cost of a sweep: two products with every column that moves, one with every other; and a product
    with all of them every five sweeps.
    """
    state = view.state(resid)
    sweeps = 0
    while True:
        sweeps += accelerated_sweeps(view, state, coef, terms, max_sweeps - sweeps)
        gap = coordinate.gap_on_working_set(coef, view.gradient(state), view.norm_sq(state), *terms)
        if gap <= target or sweeps >= max_sweeps:
            return sweeps, gap


def accelerated_sweeps(
    view: ResidualView, state: Floats, coef: Floats, terms: Terms, most: int
) -> int:
    """Sweep MEMORY times (at most `most`) and extrapolate; return the number of sweeps."""
    coefs, states = [coef.copy()], [state.copy()]
    for _ in range(min(MEMORY, most)):
        view.sweep(state, coef, terms)
        coefs.append(coef.copy())
        states.append(state.copy())
    sweeps = len(coefs) - 1
    if sweeps < MEMORY:
        return sweeps
    moves = [after - before for before, after in pairwise(coefs)]
    products = np.array([[dual.weighted_sums(a, b)[0] for b in moves] for a in moves])
    size = float(np.trace(products))
    if not 0.0 < size < float("inf"):
        return sweeps
    c = np.linalg.solve(products / size + REGULAR * np.eye(sweeps), np.ones(sweeps))
    c /= c.sum()
    new = sum(a * b for a, b in zip(c, coefs[1:], strict=True))
    new_state = sum(a * r for a, r in zip(c, states[1:], strict=True))
    _, l1, l2, lower, upper = terms
    inside = bool(np.all((lower <= new) & (new <= upper)))
    if inside and objective(view, new_state, new, l1, l2) < objective(view, state, coef, l1, l2):
        coef[:], state[:] = new, new_state
    return sweeps


def objective(view: ResidualView, state: Floats, coef: Floats, l1: Floats, l2: Floats) -> float:
    """Return the objective of the restricted problem."""
    penalty = dual.weighted_sums(l1, np.abs(coef))[0] + 0.5 * dual.weighted_sums(l2, coef)[1]
    return 0.5 * view.norm_sq(state) + penalty
