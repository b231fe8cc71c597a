"""What a fit is given, checked: X, y, the model, all but the grid and the stopping rule."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import (
    check_bounds,
    check_factor,
    check_flag,
    check_number,
    check_offset,
    check_weights,
    feature_names,
)
from .design import as_matrix
from .families import MultipleFamily, get_family
from .responses import check_response, check_y

Floats = NDArray[np.float64]


@dataclass
class Data:
    """What a fit is given, checked; arrays are float64 and in the caller's features."""

    X: Any
    y: Floats  # 0 and 1 where the family takes labels
    classes: NDArray[Any] | None  # the two labels, sorted, that stand for 0 and 1
    weights: Floats  # sum to 1
    offset: Floats | None
    names: NDArray[np.object_] | None
    family: Any  # a Family or a MultipleFamily
    l1_ratio: float
    fit_intercept: bool
    standardize: bool
    factor: Floats  # () or (p,)
    lower: Floats
    upper: Floats


def check_data(
    X: Any,
    y: Any,
    *,
    family: Any,
    l1_ratio: Any,
    fit_intercept: Any,
    standardize: Any,
    sample_weight: Any,
    offset: Any,
    penalty_factor: Any,
    lower_bounds: Any,
    upper_bounds: Any,
) -> Data:
    """Check everything about a fit but the grid and the stopping rule."""
    ratio = check_number(
        l1_ratio, "l1_ratio", 0.0, 1.0, advice=": 1 is the lasso, 0 is ridge regression"
    )
    names = feature_names(X)
    X = as_matrix(X)
    n, p = X.shape
    lower, upper = check_bounds(lower_bounds, upper_bounds, p)
    family = get_family(family)
    weights = check_weights(sample_weight, n)
    response, classes = check_response(y, n, family, weights)
    rowwise = isinstance(family, MultipleFamily) and family.grouped
    if rowwise and np.any(np.isfinite(lower) | np.isfinite(upper)):
        raise ValueError(
            f"lower_bounds and upper_bounds must be None for family={family!r}: rows have no bounds"
        )
    return Data(
        X=X,
        y=response,
        classes=classes,
        weights=weights,
        offset=None if offset is None else check_offset(offset, n, response),
        names=names,
        family=family,
        l1_ratio=ratio,
        fit_intercept=check_flag(fit_intercept, "fit_intercept"),
        standardize=check_flag(standardize, "standardize"),
        factor=check_factor(penalty_factor, p),
        lower=lower,
        upper=upper,
    )


def check_targets(X: Any, y: Any, *, offset: Any, **model: Any) -> "list[Data]":
    """Return the data of every column of y (n, m); they share everything but y and the offset.

    offset : None, (n,) for all alike, or (n, m)
    """
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    first = check_data(X, values[:, 0], offset=None, **model)
    n, m = values.shape
    offsets: list[Floats | None] = [None] * m
    if offset is not None and np.ndim(offset) == 1:
        offsets = [check_offset(offset, n, values[:, 0])] * m
    elif offset is not None:
        offsets = list(np.ascontiguousarray(check_offset(offset, n, values).T))
    return [replace(first, y=check_y(values[:, t], n), offset=offsets[t]) for t in range(m)]
