from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def gram_descent(
    gram: Floats, terms: Floats, resid_sq: float, target: float, max_sweeps: int
) -> tuple[int, float]: ...
def dense_sweep(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    shift: Floats,
    w: Floats,
    weighted: Floats,
    coef: Floats,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
) -> None: ...
def sparse_sweep(
    data: Floats,
    indices: NDArray[np.intc],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    first: Floats,
    rest: Floats,
    root: Floats,
    resid: Floats,
    coef: Floats,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
) -> None: ...
def gap_on_working_set(
    coef: Floats,
    grad: Floats,
    resid_sq: float,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
) -> float: ...
