from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def gram(
    X: NDArray[Any],
    left: NDArray[np.intp],
    right: NDArray[np.intp] | None,
    column_mean: Floats | None,
    row_mean: Floats | None,
    scale: Floats,
    out: Floats,
    rows: NDArray[np.intp],
    runs: NDArray[np.intp],
    n_threads: int,
    vectors: Floats | None = None,
    sums: Floats | None = None,
    single: bool = False,
) -> None: ...
def misses_norms(
    block: Floats, norm_sq: Floats, features: NDArray[np.intp], share: float
) -> bool: ...
def mirror(out: Floats, size: int) -> None: ...
def grams_of_parts(
    X: NDArray[Any],
    part: NDArray[np.intp],
    column_mean: Floats,
    scale: Floats,
    vectors: Floats,
    out: Floats,
    sums: Floats,
    r0: int,
    r1: int,
) -> None: ...
def transpose_dots(
    X: NDArray[Any], vectors: Floats, column_mean: Floats, out: Floats, c0: int, c1: int
) -> None: ...
