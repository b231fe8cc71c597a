"""More alphas for a path: what is left to solve, and the path that has both."""

from copy import copy
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .arguments import check_alphas
from .judge import duality_gap
from .path import MODEL
from .prediction import check_columns
from .result import RegularizationPath

OTHERS = "X and y must be the data that this path was fitted on, got others"


def continuation(
    path: RegularizationPath, settings: dict[str, Any], X: Any, y: Any, alphas: Any
) -> dict[str, Any] | None:
    """Return the keywords of `solve_path` for the alphas that a path lacks; None if it has all.

    settings : those that the path was fitted with
    """
    wanted, p = check_alphas(alphas), path.n_features_in_
    check_columns(X, path.feature_names_in_)
    if getattr(X, "shape", (0, p))[1:] != (p,):
        raise ValueError(
            f"X must be the data that this path was fitted on, {p} features, got shape {X.shape}"
        )
    solved = np.flatnonzero(~np.isin(path.status, ["time_limit", "interrupted"]))
    new = wanted[~np.isin(wanted, path.alphas[solved])]
    if len(new) == 0:
        return None
    if len(solved):
        _check_data(path, settings, X, y, int(solved[-1]))
    above = solved[path.alphas[solved] > new[0]]
    start = path.coef(path.alphas[above[-1]]).T if len(above) else None
    found = {**settings, "n_alphas": 1, "alpha_min_ratio": None, "alphas": new, "start": start}
    found.pop("n_responses", None)
    return found


def _check_data(path: RegularizationPath, settings: dict[str, Any], X: Any, y: Any, k: int) -> None:
    """Refuse data of which the k-th fit is not the solution it is of the path's."""
    model = {name: settings[name] for name in MODEL}
    coef, intercept = path.coef(path.alphas[k]), path.intercept(path.alphas[k])
    gap = duality_gap(X, y, coef, intercept, path.alphas[k], **model)
    known = max(path.dual_gaps[k], path.tol * path.null_objective)
    if not gap <= 10.0 * known + 1e-12 * path.null_objective:
        raise ValueError(OTHERS)


def merged(first: RegularizationPath, second: RegularizationPath) -> RegularizationPath:
    """Return a path with the alphas of both, the second's fit where both have one.

    Refuse a second one of other data.
    """
    if not np.isclose(second.null_objective, first.null_objective, rtol=1e-9, atol=0.0):
        raise ValueError(OTHERS)
    path = copy(first)
    alphas = np.concatenate([first.alphas, second.alphas])
    order = np.argsort(-alphas, kind="stable")
    order = order[(order >= len(first)) | ~np.isin(alphas[order], second.alphas)]
    path.alphas = alphas[order]
    path.coefs = _side_by_side(first.coefs, second.coefs, order)
    vectors = ["intercepts", "dual_gaps", "status", "n_iter", "df", "deviance_ratio", "_loss"]
    if first.relaxed_coefs is not None:
        path.relaxed_coefs = _side_by_side(first.relaxed_coefs, second.relaxed_coefs, order)
        vectors += ["relaxed_intercepts", "relaxed_status"]
    for name in vectors:
        both = np.concatenate([getattr(first, name), getattr(second, name)])
        setattr(path, name, both[order])
    path.n_passes = first.n_passes + second.n_passes
    return path


def _side_by_side(first: Any, second: Any, order: NDArray[np.intp]) -> Any:
    """Return the columns of both coefficient arrays, in an order; of a list, array by array."""
    if isinstance(first, list):
        return [_side_by_side(a, b, order) for a, b in zip(first, second, strict=True)]
    return sp.csc_array(sp.hstack([first, second], format="csc")[:, order])
