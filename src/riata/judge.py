"""What a caller may ask of a problem without solving it: alpha_max and the duality gap."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import Data, check_count, check_data, check_number, check_vector
from .centring import centre
from .certify import LossAt, certified_gap, certified_loss_gap
from .engine import Engine
from .families import Gaussian
from .kernels import dual
from .least_squares import ColumnSpace
from .solver import Problem
from .threads import available_threads

Floats = NDArray[np.float64]


def alpha_max(
    X: Any,
    y: Any,
    *,
    family: Any = "gaussian",
    l1_ratio: float = 1.0,
    fit_intercept: bool = True,
    standardize: bool = False,
    sample_weight: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    lower_bounds: Any = None,
    upper_bounds: Any = None,
    n_threads: int | None = None,
) -> float:
    """Return the smallest alpha at which every penalised coefficient is zero.

        max_j |x_j' S r_0| / (sum_i s_i  l1_ratio v_j u_j)      over 0 < v_j < inf

    where r_0 is the residual of the null model (intercept, offset, weights and unpenalised
    features), x_j centred where there is an intercept, and one-sided bounds count one side.

    Parameters
    ----------
    X, y, family, l1_ratio, fit_intercept, standardize, sample_weight, offset, penalty_factor, \
lower_bounds, upper_bounds, n_threads
        As in `fit_path`. For l1_ratio < 0.001, where no alpha zeroes the coefficients (or only a
        meaninglessly large one), the value of l1_ratio = 0.001.

    Returns
    -------
    float
        >= 0; 0 where nothing penalised correlates with r_0 (a constant y, say).

    Raises
    ------
    ValueError, TypeError
        As `fit_path`.

    Notes
    -----
    Cost: the start-up passes and one more over X.
    """
    settings = dict(locals())
    X, y = settings.pop("X"), settings.pop("y")
    n_threads = settings.pop("n_threads")
    n_threads = None if n_threads is None else check_count(n_threads, "n_threads", 1)
    data = check_data(X, y, **settings)
    centred = centre(data, available_threads(n_threads))
    problem = Problem(
        centred.design, centred.y, data.family, centred.penalty, 0.0, 10_000,
        offset=centred.offset,
    )  # fmt: skip
    return Engine(problem).alpha_max()


def duality_gap(
    X: Any,
    y: Any,
    coef: Any,
    intercept: float,
    alpha: float,
    *,
    family: Any = "gaussian",
    l1_ratio: float = 1.0,
    fit_intercept: bool = True,
    standardize: bool = False,
    sample_weight: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    lower_bounds: Any = None,
    upper_bounds: Any = None,
    n_threads: int | None = None,
) -> float:
    """Return the duality gap of any coefficients, wherever they came from.

    An upper bound of P(coef, intercept) - min P, with P the objective of `fit_path`. Nothing is
    solved again: an intercept or unpenalised coefficients that are not the best count in the gap.

    Parameters
    ----------
    X, y, family, l1_ratio, fit_intercept, standardize, sample_weight, offset, penalty_factor, \
lower_bounds, upper_bounds, n_threads
        As in `fit_path`.
    coef : array of shape (p,)
        Coefficients to judge.
    intercept : float
        Their intercept; with ``fit_intercept=False`` the model has none, and anything but 0 is an
        error.
    alpha : float >= 0
        Penalty strength.

    Returns
    -------
    float
        >= 0; infinite where a coefficient is outside its bounds or excluded.

    Raises
    ------
    ValueError, TypeError
        As `fit_path`.

    Notes
    -----
    Cost: the start-up passes, one pass for X'r, and a decomposition of the unpenalised features,
    all of them where alpha = 0. See `riata.certificate` for the formula.
    """
    settings = dict(locals())
    X, y, n_threads = settings.pop("X"), settings.pop("y"), settings.pop("n_threads")
    del settings["coef"], settings["intercept"], settings["alpha"]
    alpha = check_number(alpha, "alpha", 0.0)
    intercept = check_number(intercept, "intercept", -float("inf"))
    if not fit_intercept and intercept != 0.0:
        raise ValueError(
            f"intercept must be 0 where fit_intercept=False, got {intercept}: subtract it from y"
        )
    n_threads = None if n_threads is None else check_count(n_threads, "n_threads", 1)
    data = check_data(X, y, **settings)
    coef = check_vector(coef, "coef", data.X.shape[1], "feature")
    return _gap_of(data, coef, intercept, alpha, available_threads(n_threads))


def _gap_of(data: Data, coef: Floats, intercept: float, alpha: float, n_threads: int) -> float:
    centred = centre(data, n_threads, to_solve=False)
    design, penalty = centred.design, centred.penalty
    outside = (coef < data.lower) | (coef > data.upper) | (np.isinf(data.factor) & (coef != 0.0))
    if np.any(outside):
        return float("inf")
    b = centred.take(coef)
    active = np.flatnonzero(b)
    box = penalty.at(alpha)
    held = penalty.unpenalised | (alpha == 0.0)
    skip = penalty.excluded | (design.norm_sq == 0.0)
    free = held & np.isinf(box.lower) & np.isinf(box.upper) & ~skip
    mask = (skip | free).astype(np.uint8)
    constant = (skip & ~penalty.excluded).nonzero()[0]  # columns of norm zero still cost penalty
    extra = box.take(constant)
    rest = float(extra[0] @ np.abs(b[constant]) + 0.5 * extra[1] @ b[constant] ** 2)
    bare, members = penalty.bare(alpha), np.flatnonzero(free)
    fitted = design.dot(active, b[active])
    missed = intercept - centred.intercept(active, b[active])
    if not isinstance(data.family, Gaussian):
        eta = fitted + missed + (0.0 if data.offset is None else data.offset)
        loss, *slopes = data.family.evaluate(centred.y, eta, design.weights)
        at = LossAt(eta, loss, *slopes)
        return rest + certified_loss_gap(
            design, data.family, centred.y, members, b, at, box, bare, mask
        )
    resid = centred.y - fitted
    if design.centred:
        resid -= dual.weighted_sums(design.weights, resid)[0]
    z = design.transpose_dot(design.weights * resid)
    space = ColumnSpace(design, members)
    gap = certified_gap(design, space, b, resid, z, box, bare, mask)
    return gap + (0.5 * missed**2 if design.centred else 0.0) + rest
