from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def dual_scale(
    z: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
    skip: NDArray[Any],
) -> float: ...
def gap_and_slope(
    coef: Floats,
    z: Floats,
    c: float,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
    skip: NDArray[Any],
) -> tuple[float, float]: ...
def gap_of_members(
    coef: Floats,
    grad: Floats,
    resid_sq: float,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
) -> float: ...
def urgency(
    z: Floats,
    l1: Floats,
    lower: Floats,
    upper: Floats,
    skip: NDArray[Any],
    out: Floats,
) -> None: ...
def near(
    z: Floats,
    l1: Floats,
    lower: Floats,
    upper: Floats,
    skip: NDArray[Any],
    member: NDArray[Any],
    share: float,
) -> tuple[NDArray[np.intp], Floats]: ...
def penalty(coef: Floats, l1: Floats, l2: Floats) -> float: ...
def penalty_slope(coef: Floats, step: Floats, l1: Floats, l2: Floats) -> float: ...
def step_back(
    v: Floats,
    curvature: Floats,
    step: Floats,
    low: Floats,
    high: Floats,
    out: Floats,
    n_threads: int,
) -> bool: ...
def weighted_sums(w: Floats, values: Floats) -> tuple[float, float]: ...
def rounding(resid_sq: float, size: float) -> float: ...
def gram_rounding(resid_sq: float, magnitude: float, y_size: float) -> float: ...
