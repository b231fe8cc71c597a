"""Checks of a family that is not one of riata's: that it has what is asked for, and means it.

With e one of a few eta and h small, f convex and -f' its negative gradient,

    f'(e - h) <= ( f(e + h) - f(e - h) ) / (2 h) <= f'(e + h)

which holds at kinks, too; and f at the root of f', or as far out as it was followed, is 0. Both are
asked of a few rows; what overflows there says nothing.
"""

import numpy as np
from numpy.typing import NDArray

from .base import Family
from .multiple import MultipleFamily

Floats = NDArray[np.float64]

NEEDED: dict[type, tuple[str, ...]] = {
    Family: ("loss", "negative_gradient", "curvature", "mean"),
    MultipleFamily: ("start", "evaluate", "bend", "projected", "gap_along", "mean"),
}
ROWS = 9  # that are looked at
STEP = 1e-3  # h, as a share of 1 + |e|
WRONG = 1e-3  # share of a slope, beyond which it is another one
ROUNDING = 1e-12  # share of the loss that its rounding may be
CONSTANT = 1e-6  # share of the loss nearby, beyond which its infimum is not 0


def check_members(family: Family | MultipleFamily) -> None:
    """Raise TypeError where a family lacks a method or its name."""
    kind = type(family).__name__
    for base, names in NEEDED.items():
        for name in names:
            own = getattr(family, name, None)
            own = getattr(own, "__func__", own)
            if isinstance(family, base) and own is getattr(base, name):
                raise TypeError(
                    f"family must have a method {name}, got {kind} without one: define it, see "
                    f"riata.families.{base.__name__}"
                )
    if not isinstance(getattr(family, "name", None), str):
        raise TypeError(
            f'family must have a name, a string, got {kind} without one: give it name = "..."'
        )


def check_values(family: Family, y: Floats, weights: Floats) -> None:
    """Raise TypeError or ValueError where what a family says of some rows cannot be.

    y : (n,), as the family sees it
    """
    y = np.sort(y[weights > 0.0])
    y = y[np.linspace(0, len(y) - 1, min(ROWS, len(y))).astype(np.intp)]
    with np.errstate(all="ignore"):
        start = np.full(len(y), family.start(y, np.full(len(y), 1.0 / len(y))))
        _check_arrays(family, y, start)
        for shift in (-1.0, 0.3, 1.0):
            _check_slope(family, y, start + shift)
        _check_infimum(family, y, start)


def _check_arrays(family: Family, y: Floats, eta: Floats) -> None:
    """Refuse what is no array (m,) of float64, a loss that is NaN, a curvature below 0."""
    for name in NEEDED[Family]:
        method = getattr(family, name)
        values = method(eta) if name == "mean" else method(y, eta)
        found = type(values).__name__
        if isinstance(values, np.ndarray):
            found = f"shape {values.shape} of {values.dtype}"
        if found != f"shape {y.shape} of float64":
            raise TypeError(
                f"family must have a {name} that returns a float64 array of the shape of eta, "
                f"{y.shape}, got {found} of {family.name!r}: return one number for each row"
            )
        wrong = np.isnan(values) | ((values < 0.0) & (name == "curvature"))
        if wrong.any() and name != "mean":
            i = int(np.argmax(wrong))
            wanted = "numbers >= 0" if name == "curvature" else "numbers"
            raise ValueError(
                f"family must have a {name} of {wanted}, got {values[i]} of {family.name!r} for "
                f"y={y[i]:g} at eta={eta[i]:g}: the loss must be convex, and finite for every y "
                "that its `check` lets pass"
            )


def _check_slope(family: Family, y: Floats, eta: Floats) -> None:
    """Refuse a gradient between whose values, a little left and right, the loss has no slope."""
    h = STEP * (1.0 + np.abs(eta))
    left, right = family.loss(y, eta - h), family.loss(y, eta + h)
    slope = (right - left) / (2.0 * h)
    low, high = -family.negative_gradient(y, eta - h), -family.negative_gradient(y, eta + h)
    slack = WRONG * (np.abs(low) + np.abs(high))
    slack += ROUNDING * (1.0 + np.abs(left) + np.abs(right)) / h
    wrong = (slope < low - slack) | (slope > high + slack)
    wrong &= np.isfinite(slope) & np.isfinite(low) & np.isfinite(high)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"family must have a negative_gradient that is minus the slope of its loss, got "
            f"{family.negative_gradient(y, eta)[i]:.6g} where the slope is {slope[i]:.6g} "
            f"of {family.name!r}, for y={y[i]:g} at eta={eta[i]:g}: check its sign and its factor"
        )


def _check_infimum(family: Family, y: Floats, eta: Floats) -> None:
    """Refuse a loss that is not 0 where its gradient vanishes, or negative there or at `eta`."""
    best = Family.preimage(family, y, np.zeros_like(eta), eta)
    found = np.isfinite(best)
    best = np.where(found, best, eta)
    middle = np.full_like(eta, np.median(best))
    lowest = family.loss(y, best)
    nearby = np.array([family.loss(y, e) for e in (middle, best - 1.0, best + 1.0)])
    nearby = np.where(np.isfinite(nearby), nearby, lowest)
    slack = CONSTANT * (nearby.max(axis=0) - lowest) + ROUNDING
    wrong = (lowest < -slack) | (found & (lowest > slack))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"family must have a loss whose infimum over eta is 0 for every y, got {lowest[i]:.6g} "
            f"of {family.name!r} for y={y[i]:g} at eta={best[i]:g}: add the constant that makes it "
            "0, as in half the unit deviance"
        )
