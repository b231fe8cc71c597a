"""Degrees of freedom of a fit whose curvature depends on where it is.

With A the features in the model, X_A less what the intercept takes, H = diag(w f'') at the fit and
L2 the quadratic part of the penalty, the trace of the smoother of the last Newton step,

    df = tr[ X_A' H X_A (X_A' H X_A + L2)^-1 ]

which counts the features where L2 = 0 and they are independent. The solvers' own traces are of the
curvature of an earlier point; those of constant curvature are final.

K classes have a block for each pair of them, H_km = diag(w (mu_k [k = m] - mu_k mu_m)), and a
feature's coefficients count K - 1 at most: what all classes have in common changes nothing.

Source: Hastie, Tibshirani, "Generalized Additive Models", 1990, section 6.8 (linearised smoothers);
Zou, Hastie, Tibshirani, Ann. Statist. 35(5), 2007, section 3.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from .certify import at_rest
from .families import Gaussian, Multinomial, MultipleFamily
from .multi import unpenalised_columns
from .problem import Fit, Problem
from .working_set import WorkingSet

Floats = NDArray[np.float64]

MOST = 1024  # unknowns of classes, whose matrix is decomposed
INDEPENDENT = 1e-10  # share of the largest eigenvalue


def degrees_of_freedom(problem: Problem, fit: Fit, fitted: Callable[[], Floats]) -> float:
    """Return df at a fit, without the intercept's.

    fitted : returns the linear predictor there, (n,) or (n, K), offset included

    Cost: n |A|^2 / 2 multiply-adds where there is an L2 part, n (K |A|)^2 for K classes; nothing
    where there is none. NaN above GRAM_LIMIT features, or MOST coefficients of classes, and where
    an L2 part would need this at a fit that time has cut short.
    """
    family = problem.family
    if isinstance(family, Gaussian):
        return fit.df
    l2 = problem.penalty.at(fit.alpha).l2[fit.index]
    if fit.status == "time_limit" and l2.any():
        return float("nan")
    if isinstance(family, Multinomial):
        if l2.any():
            return _of_classes(problem, fit, l2, family.mean(fitted()))
        return float(np.minimum(np.count_nonzero(fit.coef, axis=1), fit.coef.shape[1] - 1).sum())
    if isinstance(family, MultipleFamily) or not np.isnan(fit.df):
        return fit.df
    design = problem.design
    curvature = family.curvature(problem.y, at_rest(fitted(), design.weights))
    if not design.weights @ curvature > 0.0:
        return 0.0
    free = np.flatnonzero(problem.penalty.free & (problem.never == 0))
    held = ~np.isin(fit.index, free)
    working = WorkingSet(design, free, design.weights * curvature)
    working.extend(fit.index[held])
    return working.smoother_trace(fit.coef[held], l2[held])


def _of_classes(problem: Problem, fit: Fit, l2: Floats, mu: Floats) -> float:
    """Return df of K classes, at the probabilities mu (n, K); intercepts are unpenalised columns.

    Any generalised inverse serves: what X_A' H X_A + L2 maps to 0 X_A' H X_A does, too.
    """
    design, used = problem.design, fit.coef != 0.0
    K, intercept = mu.shape[1], int(design.centred)
    if np.count_nonzero(used) > MOST:
        return float("nan")
    columns = unpenalised_columns(design, fit.index)
    used = np.vstack([np.ones((intercept, K), dtype=bool), used])
    l2 = np.concatenate([np.zeros(intercept), l2])
    of_class = [columns[:, used[:, k]] for k in range(K)]
    weighted = design.weights[:, None] * mu

    def block(k: int, m: int) -> Any:
        curvature = weighted[:, k] * (float(k == m) - mu[:, m])
        return (of_class[k] * curvature[:, None]).T @ of_class[m]

    smooth = np.block([[block(k, m) for m in range(K)] for k in range(K)])
    whole = smooth + np.diag(np.concatenate([l2[used[:, k]] for k in range(K)]))
    size = np.sqrt(np.diag(whole))
    unit = 1.0 / np.where(size > 0.0, size, 1.0)
    values, vectors = eigh(unit[:, None] * whole * unit, driver="evd")
    kept = values > INDEPENDENT * values.max(initial=0.0)
    axes = unit[:, None] * vectors[:, kept]
    trace = ((axes.T @ smooth) * axes.T).sum(axis=1) @ (1.0 / values[kept])
    return float(trace) - intercept * (K - 1)
