from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def largest(X: NDArray[Any], r0: int, r1: int, c0: int, c1: int) -> float: ...
def measure_columns(
    X: NDArray[Any],
    w: Floats,
    u: Floats | None,
    centred: bool,
    mean: Floats,
    rest: Floats,
    second: Floats,
    cross: Floats,
    c0: int,
    c1: int,
) -> None: ...
def column_moments(
    X: NDArray[Any],
    w: Floats,
    shift: Floats,
    first: Floats,
    second: Floats,
    r0: int,
    r1: int,
    c0: int,
    c1: int,
) -> None: ...
def transpose_dot(
    X: NDArray[Any],
    u: Floats,
    shift: Floats,
    out: Floats,
    r0: int,
    r1: int,
    c0: int,
    c1: int,
) -> None: ...
def columns_dot(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    u: Floats,
    shift: Floats,
    out: Floats,
    a0: int,
    a1: int,
    r0: int,
    r1: int,
) -> None: ...
def dot(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    coef: Floats,
    shift: Floats,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...
def residual(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    y: Floats,
    w: Floats,
    coef: Floats,
    shift: Floats,
    resid: Floats,
    weighted: Floats,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...
def first_nonfinite(X: NDArray[Any]) -> tuple[int, int] | None: ...
