"""The intercept that fits best where everything else is held, and the fit without features."""

import math

import numpy as np
from numpy.typing import NDArray

from .certify import at_rest
from .families import Family
from .kernels import dual
from .problem import Problem

Floats = NDArray[np.float64]

EPS = float(np.finfo(float).eps)


def best_intercept(family: Family, y: Floats, w: Floats, eta: Floats, start: float) -> float:
    """Return the b0 that minimises sum_i w_i f(y_i, eta_i + b0), by Newton within a bracket.

    Cost: O(n) an iteration. Where there is no minimum (one class only), a point far out.
    """
    b, low, high, reach = start, -np.inf, np.inf, 4.0
    size = 1.0 + float(np.abs(eta).max(initial=0.0))
    for _ in range(200):
        _, pull, bends = family.evaluate(y, eta + b, w)
        slope, pull_sq = dual.weighted_sums(w, pull)
        curvature = dual.weighted_sums(w, bends)[0]
        if slope * slope <= 16 * EPS**2 * pull_sq < math.inf:
            break
        low, high = (b, high) if slope > 0.0 else (low, b)
        step = slope / curvature if curvature > 0.0 else math.copysign(reach, slope)
        if abs(step) > reach:
            step, reach = math.copysign(reach, slope), 2.0 * reach
        new = b + step
        if not low < new < high:
            new = 0.5 * (low + high)
        if abs(new - b) <= EPS * (size + abs(b)) or not math.isfinite(new):
            break
        b = new
    return b


def intercept_at(problem: Problem, eta: Floats, start: float) -> float:
    """Return the best intercept beside eta (n,), found from `start`; 0 where there is none."""
    if not problem.design.centred:
        return 0.0
    return best_intercept(problem.family, problem.y, problem.design.weights, eta, start)


def start_of(problem: Problem) -> tuple[Floats, float]:
    """Return the offset (n,) and the intercept of a fit without features; rows of weight 0 rest."""
    w = problem.design.weights
    offset = at_rest(np.zeros(len(w)) if problem.offset is None else problem.offset, w)
    problem.y = at_rest(problem.y, w)
    start = problem.family.start(problem.y, w) - dual.weighted_sums(w, offset)[0]
    return offset, intercept_at(problem, offset, start)
