"""Checks of the numbers and arrays a caller passes: what was wanted, what came, what to do."""

import sys
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import as_real
from .design.base import LARGEST

Floats = NDArray[np.float64]


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
    return min(int(value), sys.maxsize)  # more is no more to native loops


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


def refuse_flags(values: Any, name: str) -> None:
    """Refuse True and False, which numpy takes for 1 and 0."""
    if np.asarray(values).dtype == bool:
        raise TypeError(f"{name} must hold numbers, got bool: give the numbers themselves")


def check_bounds(lower: Any, upper: Any, p: int) -> tuple[Floats, Floats]:
    """Return (lower, upper), each () or (p,), with lower <= 0 <= upper."""
    refuse_flags(lower, "lower_bounds")
    refuse_flags(upper, "upper_bounds")
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
    refuse_flags(alphas, "alphas")
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
