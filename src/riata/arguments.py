"""Checks of what a caller passes, before any work: wanted, what came, what to do."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import as_matrix, as_real
from .design.base import LARGEST
from .families import Family, Gaussian, MultipleFamily, get_family

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


def check_number(
    value: Any,
    name: str,
    low: float,
    high: float = float("inf"),
    *,
    above: bool = False,
    advice: str = "",
) -> float:
    """Return a finite real number in [low, high], or in (low, high] where `above`."""
    wanted = f"a finite number {'>' if above else '>='} {low:g}"
    if low == -float("inf"):
        wanted = "a finite number"
    if high < float("inf"):
        wanted = f"a number in {'(' if above else '['}{low:g}, {high:g}]"
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {wanted}, got {value!r}{advice}")
    number = float(value)
    if not np.isfinite(number) or number > high or number < low or (above and number == low):
        raise ValueError(f"{name} must be {wanted}, got {number!r}{advice}")
    return number


def check_count(value: Any, name: str, low: int) -> int:
    """Return an integer >= low."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer >= {low}, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be an integer >= {low}, got {value}")
    return int(value)


def check_flag(value: Any, name: str) -> bool:
    """Return a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_vector(values: Any, name: str, length: int, per: str = "sample") -> Floats:
    """Return finite numbers (length,) as float64; a copy only where the dtype or layout asks."""
    values = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array: fill or drop the masked entries")
    values = as_real(values, name)
    if values.ndim != 1 or len(values) != length:
        raise ValueError(
            f"{name} must have shape ({length},), one number per {per}, got shape {values.shape}"
        )
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(
            f"{name} must hold finite numbers, got {values[bad[0]]} at position {bad[0]}: "
            "drop or impute it"
        )
    return np.ascontiguousarray(values, dtype=np.float64)


def as_column(y: Any, n: int) -> NDArray[Any]:
    """Return y as an array of shape (n,), whatever it holds."""
    if y is None:
        raise ValueError("y must be given: requires y to be passed, but the target y is None")
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) != n:
        raise ValueError(
            f"y must have shape ({n},), one number per row of X, got shape {values.shape}"
        )
    return values


def check_response(
    y: Any, n: int, family: Any, weights: Floats
) -> tuple[Floats, NDArray[Any] | None]:
    """Return y (n,) as float64, and the labels that 0 and 1 stand for where it held labels."""
    if isinstance(family, MultipleFamily):
        return check_responses(y, n, family, weights)
    values = as_column(y, n)
    if family.labelled and not _is_proportion(values, family):
        return check_labels(values, family.name, weights)
    values = check_y(values, n)
    family.check(values)
    check_positive(values, family, weights)
    return values, None


def are_targets(y: Any, family: Any) -> bool:
    """Whether y holds targets of their own: two columns or more, for the gaussian family."""
    if y is None or not isinstance(get_family(family), Gaussian):
        return False
    shape = y.shape if hasattr(y, "shape") else np.shape(y)
    return len(shape) == 2 and shape[1] > 1


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


def check_positive(y: Floats, family: Family, weights: Floats, where: str = "") -> None:
    """Refuse y whose rows of positive weight are all zero, where the family needs another one."""
    if family.needs_a_positive and not np.any(y[weights > 0.0] > 0.0):
        raise ValueError(
            f"y must have a positive entry{where} for family={family.name!r}, got all zero: the "
            "fitted mean would be 0"
        )


def check_training(
    y: Floats,
    family: Any,
    weights: Floats,
    classes: NDArray[Any] | None,
    part: str,
    rule: str,
    advice: str,
) -> None:
    """Refuse training rows without what all rows have: every class, a positive entry.

    part, rule, advice : whose rows these are, what they must have, and what to do, for the message
    """
    if not (family.labelled or family.proportions):
        if isinstance(family, Family):
            check_positive(y, family, weights, f" among the training rows of {part}")
        return
    shares = y if y.ndim == 2 else np.stack([1.0 - y, y], axis=1)
    lacking = np.flatnonzero((shares[weights > 0.0] <= 0.0).all(axis=0))
    if len(lacking):
        found = lacking[0] if classes is None else classes.tolist()[lacking[0]]
        raise ValueError(
            f"{rule}, got none of class {found!r} in {part}: {advice}, or merge rare classes"
        )


def check_responses(
    y: Any, n: int, family: MultipleFamily, weights: Floats
) -> tuple[Floats, NDArray[Any] | None]:
    """Return y (n, K) as float64, and the labels of its columns where it held labels."""
    if y is None:
        raise ValueError("y must be given: requires y to be passed, but the target y is None")
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if family.labelled and (values.ndim == 1 or values.shape[1:] == (1,)):
        return one_hot(as_column(y, n), family.name, weights)
    if values.ndim != 2 or len(values) != n:
        raise ValueError(
            f"y must have shape ({n}, K), K numbers per row of X, for family={family.name!r}, "
            f"got shape {values.shape}"
        )
    columns = [check_y(values[:, k], n) for k in range(values.shape[1])]
    values = np.ascontiguousarray(np.array(columns).T)
    family.check(values)
    return values, None


def _labels(values: NDArray[Any], weights: Floats) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return labels (n,), checked where they are floats, and those of rows that count, sorted."""
    if values.dtype.kind == "f":
        values = check_vector(values, "y", len(values))
    try:
        return values, np.unique(values[weights > 0.0])
    except TypeError:
        raise TypeError("y must hold labels that can be sorted, got a mixture of types") from None


def one_hot(values: NDArray[Any], family: str, weights: Floats) -> tuple[Floats, NDArray[Any]]:
    """Return y (n, K) as 0 and 1, and the K labels, sorted, of the rows that count."""
    values, classes = _labels(values, weights)
    if len(classes) < 2:
        raise ValueError(
            f"y must hold two classes or more for family={family!r}, got one: "
            f"{classes.tolist()[0]!r}"
        )
    return (values[:, None] == classes).astype(np.float64), classes


def check_offset(offset: Any, n: int, y: Floats) -> Floats:
    """Return an offset of the linear predictor, (n,) or (n, K) as y is."""
    if y.ndim == 1:
        shift = check_vector(offset, "offset", n)
        if (top := np.abs(shift).max()) > LARGEST:
            raise ValueError(f"offset must not exceed {LARGEST:g} in magnitude, got {top:g}")
        return shift
    values = np.asarray(offset.to_numpy() if hasattr(offset, "to_numpy") else offset)
    if values.shape != y.shape:
        raise ValueError(
            f"offset must have shape {y.shape}, one number per response, got {values.shape}"
        )
    columns = [check_offset(column, n, column) for column in values.T]
    return np.ascontiguousarray(np.array(columns).T)


def _is_proportion(values: NDArray[Any], family: Family) -> bool:
    """Whether y holds a number strictly between 0 and 1, for a family that takes shares."""
    if values.dtype.kind != "f" or not family.proportions:
        return False
    return bool(np.any((values > 0.0) & (values < 1.0)))


def check_labels(values: NDArray[Any], family: str, weights: Floats) -> tuple[Floats, NDArray[Any]]:
    """Return y as 0 and 1, and the two labels, sorted, of the rows that count."""
    values, classes = _labels(values, weights)
    if len(classes) != 2:
        found = ", ".join(repr(label) for label in classes[:5].tolist())
        raise ValueError(
            f"y must hold two classes for family={family!r}, got {len(classes)} "
            f"class{'es' if len(classes) != 1 else ''}: {found}"
        )
    return (values == classes[1]).astype(np.float64), classes


def check_y(y: Any, n: int) -> Floats:
    """Return numbers y (n,) as float64."""
    values = check_vector(as_column(y, n), "y", n)
    top = np.abs(values).max()
    if top > LARGEST or 0.0 < top < 1.0 / LARGEST:
        raise ValueError(
            f"y must have its largest value, in magnitude, within {1 / LARGEST:g} and {LARGEST:g}, "
            f"or be all 0, got {top:g}: rescale it"
        )
    return values


def check_weights(weights: Any, n: int) -> Floats:
    """Return weights (n,) that sum to 1; None means all alike."""
    if weights is None:
        return np.full(n, 1.0 / n)
    values = weights.to_numpy() if hasattr(weights, "to_numpy") else np.asarray(weights)
    if values.ndim == 0:
        values = np.full(n, values[()])
    values = check_vector(values, "sample_weight", n)
    bad = np.flatnonzero(values < 0.0)
    if len(bad):
        raise ValueError(
            f"sample_weight must be >= 0, got {values[bad[0]]} at position {bad[0]}: "
            "drop the row or set its weight to 0"
        )
    top = values.max()
    if top == 0.0:
        raise ValueError("sample_weight must have a positive entry, got all zero: nothing to fit")
    values = values / top
    return values / values.sum()


def check_per_feature(values: Any, name: str, p: int, default: float) -> Floats:
    """Return () or (p,) numbers without NaN; None means `default` for every feature."""
    if values is None:
        return np.asarray(default)
    values = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    values = as_real(values, name).astype(np.float64, copy=False)
    if values.shape not in ((), (p,)):
        raise ValueError(
            f"{name} must be one number or have shape ({p},), one per feature, "
            f"got shape {values.shape}"
        )
    bad = np.flatnonzero(np.isnan(values))
    if len(bad):
        raise ValueError(f"{name} must not hold NaN, got one at position {bad[0]}")
    return values


def check_bounds(lower: Any, upper: Any, p: int) -> tuple[Floats, Floats]:
    """Return (lower, upper), each () or (p,), with lower <= 0 <= upper."""
    lower = check_per_feature(lower, "lower_bounds", p, -np.inf)
    upper = check_per_feature(upper, "upper_bounds", p, np.inf)
    for values, name, wrong, sign in (
        (lower, "lower_bounds", lower > 0.0, "<="),
        (upper, "upper_bounds", upper < 0.0, ">="),
    ):
        if np.any(wrong):
            first = int(np.argmax(wrong)) if np.ndim(wrong) else 0
            value = values[first] if np.ndim(values) else values[()]
            raise ValueError(
                f"{name} must be {sign} 0, so that the zero model is allowed, got {value} at "
                f"feature {first}: shift y by X @ b for a start b that is inside the bounds"
            )
    return lower, upper


def check_factor(values: Any, p: int) -> Floats:
    """Return penalty factors, () or (p,), >= 0; inf excludes."""
    factor = check_per_feature(values, "penalty_factor", p, 1.0)
    if np.any(factor < 0.0):
        first = int(np.argmax(factor < 0.0)) if factor.ndim else 0
        raise ValueError(
            f"penalty_factor must be >= 0, got {factor[first] if factor.ndim else factor[()]} at "
            f"feature {first}: 0 leaves a feature unpenalised, inf leaves it out"
        )
    return factor


def check_alphas(alphas: Any) -> Floats:
    """Return the caller's grid, descending, without duplicates."""
    values = np.atleast_1d(np.asarray(alphas))
    values = as_real(values, "alphas").astype(np.float64, copy=False)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"alphas must be one number or a list of them, got shape {values.shape}")
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
    if len(bad):
        raise ValueError(
            f"alphas must be finite numbers >= 0, got {values[bad[0]]} at position {bad[0]}"
        )
    return np.unique(values)[::-1].copy()


def feature_names(X: Any) -> NDArray[np.object_] | None:
    """Return the column names of a data frame, where all are strings."""
    names = getattr(X, "columns", None)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return np.asarray(list(names), dtype=object)


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
