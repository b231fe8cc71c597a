"""The intercept that fits best where everything else is held, and the fit without features."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .certify import at_rest, centred_dual, domain_of, loss_at
from .families import Family
from .kernels import dual
from .problem import Problem

if TYPE_CHECKING:
    from .data import Data

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


def start_of(
    family: Family, y: Floats, w: Floats, offset: Floats | None, *, centred: bool
) -> tuple[Floats, Floats, float]:
    """Return y and the offset (n,), rows of weight 0 at rest, and the intercept of a fit without
    features, 0 where there is none."""
    offset = at_rest(np.zeros(len(w)) if offset is None else offset, w)
    y = at_rest(y, w)
    if not centred:
        return y, offset, 0.0
    start = family.start(y, w) - dual.weighted_sums(w, offset)[0]
    return y, offset, best_intercept(family, y, w, offset, start)


def gradient_without_features(data: "Data", n_threads: int) -> Floats | None:
    """Return the u = w v (n,), v the dual point of a fit without features, under another loss than
    least squares; None where features that nothing penalises have a part in it.

    X'u is the first thing that a NewtonSolver reads, and known before X is.
    """
    if np.any((data.factor == 0.0) & np.isinf(data.lower) & np.isinf(data.upper)):
        return None
    w, family = data.weights, data.family
    y, offset, intercept = start_of(family, data.y, w, data.offset, centred=data.fit_intercept)
    at = loss_at(family, y, offset + intercept, w, n_threads)
    domain, centred = domain_of(family, y), data.fit_intercept
    return w * centred_dual(w, at.pull, at.curvature, domain, n_threads, centred)[0]
