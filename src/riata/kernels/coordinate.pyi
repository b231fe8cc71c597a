from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def gram_descent(
    gram: Floats,
    coef: Floats,
    grad: Floats,
    resid_sq: float,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
    target: float,
    max_sweeps: int,
) -> tuple[int, float]: ...
def dense_descent(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    shift: Floats,
    w: Floats,
    weighted: Floats,
    coef: Floats,
    grad: Floats,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
    sweeps: int,
) -> float: ...
def sparse_descent(
    data: Floats,
    indices: NDArray[np.intc],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    first: Floats,
    rest: Floats,
    root: Floats,
    resid: Floats,
    coef: Floats,
    grad: Floats,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    lower: Floats,
    upper: Floats,
    sweeps: int,
) -> float: ...
