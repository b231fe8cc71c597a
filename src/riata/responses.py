"""Checks of y, as its family takes it: numbers, labels, proportions, several responses."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import check_vector
from .design.base import LARGEST
from .families import Family, Gaussian, MultipleFamily, check_family, get_family

Floats = NDArray[np.float64]

SEVERAL = (
    ": call once for each column, or take a family of several responses, as family='multigaussian'"
)


def as_column(y: Any, n: int) -> NDArray[Any]:
    """Return y as an array of shape (n,), whatever it holds."""
    if y is None:
        raise ValueError("y must be given: requires y to be passed, but the target y is None")
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) != n:
        advice = SEVERAL if values.ndim == 2 and len(values) == n else ""
        raise ValueError(
            f"y must have shape ({n},), one number per row of X, got shape {values.shape}{advice}"
        )
    return values


def are_targets(y: Any, family: Any) -> bool:
    """Whether y holds targets of their own: two columns or more, for the gaussian family."""
    if y is None or not isinstance(get_family(family), Gaussian):
        return False
    shape = y.shape if hasattr(y, "shape") else np.shape(y)
    return len(shape) == 2 and shape[1] > 1


def check_response(
    y: Any, n: int, family: Any, weights: Floats
) -> tuple[Floats, NDArray[Any] | None]:
    """Return y (n,) as float64, and the labels that 0 and 1 stand for where it held labels."""
    if isinstance(family, MultipleFamily):
        return check_responses(y, n, family, weights)
    values, classes = as_column(y, n), None
    if family.labelled and not _is_proportion(values, family):
        values, classes = check_labels(values, family.name, weights)
    else:
        values = check_y(values, n)
        family.check(values)
        check_positive(values, family, weights)
    check_family(family, values, weights)
    return values, classes


def _is_proportion(values: NDArray[Any], family: Family) -> bool:
    """Whether y holds a number strictly between 0 and 1, for a family that takes shares."""
    if values.dtype.kind != "f" or not family.proportions:
        return False
    return bool(np.any((values > 0.0) & (values < 1.0)))


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
    """Return labels (n,), none of them missing, and those of rows that count, sorted."""
    if values.dtype.kind == "f":
        values = check_vector(values, "y", len(values))
    if values.dtype.kind == "O":
        missing = np.array([_is_missing(label) for label in values])
        first = int(np.argmax(missing & (weights > 0.0)))
        if missing[first] and weights[first] > 0.0:
            raise ValueError(
                f"y must hold a label in every row, got {values[first]} at position {first}: drop "
                "the rows without one"
            )
        values = values.copy()
        values[missing] = None  # which equals no label
    try:
        return values, np.unique(values[weights > 0.0])
    except TypeError:
        raise TypeError("y must hold labels that can be sorted, got a mixture of types") from None


def _is_missing(label: Any) -> bool:
    """Whether a label is None, a NaN, or what pandas has in their place."""
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, Real) and label != label


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


def one_hot(values: NDArray[Any], family: str, weights: Floats) -> tuple[Floats, NDArray[Any]]:
    """Return y (n, K) as 0 and 1, and the K labels, sorted, of the rows that count."""
    values, classes = _labels(values, weights)
    if len(classes) < 2:
        raise ValueError(
            f"y must hold two classes or more for family={family!r}, got one: "
            f"{classes.tolist()[0]!r}"
        )
    return (values[:, None] == classes).astype(np.float64), classes


def check_positive(
    y: Floats, family: Family, weights: Floats, where: str = "", advice: str = ""
) -> None:
    """Refuse y whose rows of positive weight are all zero, where the family needs another one."""
    if family.needs_a_positive and not np.any(y[weights > 0.0] > 0.0):
        raise ValueError(
            f"y must have a positive entry{where} for family={family.name!r}, got all zero: the "
            f"fitted mean would be 0{advice and ': '}{advice}"
        )


def check_training(
    y: Floats,
    family: Any,
    weights: Floats,
    classes: NDArray[Any] | None,
    part: str,
    rule: str,
    advice: str,
    positive: str = "",
) -> None:
    """Refuse training rows without what all rows have: every class, a positive entry.

    part, rule, advice : whose rows these are, what they must have, and what to do, for the message
    positive : what to do where there is no positive entry
    """
    if not (family.labelled or family.proportions):
        if isinstance(family, Family):
            where = f" among the training rows of {part}"
            check_positive(y, family, weights, where, positive)
        return
    shares = y if y.ndim == 2 else np.stack([1.0 - y, y], axis=1)
    lacking = np.flatnonzero((shares[weights > 0.0] <= 0.0).all(axis=0))
    if len(lacking):
        found = lacking[0] if classes is None else classes.tolist()[lacking[0]]
        raise ValueError(
            f"{rule}, got none of class {found!r} in {part}: {advice}, or merge rare classes"
        )
