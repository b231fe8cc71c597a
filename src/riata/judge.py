"""What a caller may ask of a problem without solving it: alpha_max and the duality gap."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import check_count, check_number, check_vector
from .blas import one_blas_thread
from .centring import centre
from .certify import LossAt, at_rest, certified_gap, certified_loss_gap
from .data import Data, check_data
from .engine import Engine
from .families import Gaussian
from .kernels import dual
from .least_squares import ColumnSpace
from .multi import correlations, refuse_bare_bounds, span_of
from .problem import Problem
from .rowwise import Rowwise, gap_of_rows
from .threads import available_threads

Floats = NDArray[np.float64]


@one_blas_thread()
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


@one_blas_thread()
def duality_gap(
    X: Any,
    y: Any,
    coef: Any,
    intercept: Any,
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
    coef : array of shape (p,), or (K, p) for several responses or classes
        Coefficients to judge.
    intercept : float, or array of shape (K,)
        Their intercept, a single one for all of several; with ``fit_intercept=False`` the model has
        none, and anything but 0 is an error.
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
    data = check_data(X, y, **settings)
    if data.y.ndim == 2:
        intercept = check_vector(np.atleast_1d(intercept), "intercept", np.size(intercept))
    else:
        intercept = check_number(intercept, "intercept", -float("inf"))
    if not fit_intercept and np.any(intercept):
        raise ValueError(
            f"intercept must be 0 where fit_intercept=False, got {intercept}: subtract it from y"
        )
    n_threads = None if n_threads is None else check_count(n_threads, "n_threads", 1)
    if data.y.ndim == 1:
        coef = check_vector(coef, "coef", data.X.shape[1], "feature")
    find = _gap_of if data.y.ndim == 1 else _gap_of_rows
    with np.errstate(over="ignore", invalid="ignore"):  # far out it is infinite
        gap = find(data, coef, intercept, alpha, available_threads(n_threads))
    return float("inf") if np.isnan(gap) else gap


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
    bare = bare[mask[bare] == 0]
    fitted = design.dot(active, b[active])
    missed = intercept - centred.intercept(active, b[active])
    if not isinstance(data.family, Gaussian):
        eta = fitted + missed + (0.0 if data.offset is None else data.offset)
        eta, y = (at_rest(values, design.weights) for values in (eta, centred.y))
        at = LossAt(eta, *data.family.evaluate(y, eta, design.weights))
        return rest + certified_loss_gap(design, data.family, y, members, b, at, box, bare, mask)
    resid = centred.y - fitted
    if design.centred:
        resid -= dual.weighted_sums(design.weights, resid)[0]
    z = design.transpose_dot(design.weights * resid)
    space = ColumnSpace(design, members)
    gap = certified_gap(design, space, b, resid, z, box, bare, mask)
    return gap + (0.5 * missed * missed if design.centred else 0.0) + rest


def _gap_of_rows(data: Data, coef: Any, intercept: Any, alpha: float, n_threads: int) -> float:
    """The gap of coef (K, p) and intercept (K,)."""
    K, p = data.y.shape[1], data.X.shape[1]
    if np.size(intercept) == 1:  # as some libraries give 0
        intercept = np.full(K, intercept[0])
    if np.shape(coef) != (K, p) or np.shape(intercept) != (K,):
        raise ValueError(
            f"coef must have shape ({K}, {p}) and intercept ({K},), got {np.shape(coef)} and "
            f"{np.shape(intercept)}"
        )
    full = np.array([check_vector(row, "coef", p, "feature") for row in np.asarray(coef)]).T
    lower, upper = np.reshape(data.lower, (-1, 1)), np.reshape(data.upper, (-1, 1))
    excluded = np.isinf(data.factor) & full.any(axis=1)
    if np.any((full < lower) | (full > upper)) or np.any(excluded):
        return float("inf")
    centred = centre(data, n_threads, to_solve=False)
    design, penalty, family = centred.design, centred.penalty, data.family
    rows = np.ascontiguousarray(centred.take(full))
    active = np.flatnonzero(rows.any(axis=1))
    box = penalty.at(alpha)
    skip = penalty.excluded | (design.norm_sq == 0.0)
    held = (penalty.unpenalised | (alpha == 0.0)) & ~skip
    refuse_bare_bounds(held & (np.isfinite(box.lower) | np.isfinite(box.upper)), K)
    free = np.flatnonzero(held)
    offset = 0.0 if data.offset is None else data.offset
    image = [design.dot(active, np.ascontiguousarray(part)) for part in rows[active].T]
    eta = offset + (intercept - centred.intercept(active, rows[active])) + np.array(image).T
    _, pull, _ = family.evaluate(data.y, eta, design.weights)
    v = pull
    if design.centred or len(free):
        v = family.projected(data.y, pull, span_of(design, free))
    z = correlations(design, design.weights[:, None] * v)
    constant = np.flatnonzero(skip & ~penalty.excluded)
    rest = Rowwise(box.l1[constant], box.l2[constant], family.grouped).value(rows[constant])
    mask = skip.copy()
    mask[free] = True
    along = family.gap_along(data.y, eta, v, design.weights)
    gap = gap_of_rows(along, rows, z, box, mask.astype(np.uint8), grouped=family.grouped)
    return gap + rest
