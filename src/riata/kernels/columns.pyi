from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def columns_dots(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    vectors: Floats,
    shift: Floats,
    out: Floats,
    n_threads: int,
) -> None: ...
def columns_images(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    coef: Floats,
    shift: Floats,
    out: Floats,
    n_threads: int,
) -> None: ...
def gram_rows(
    X: NDArray[Any],
    new: NDArray[np.intp],
    columns: NDArray[np.intp],
    shift: Floats,
    weights: Floats,
    out: Floats,
    across: Floats,
    n_threads: int,
) -> None: ...

class Columns:
    def __init__(self, X: NDArray[Any], shift: Floats, n_threads: int) -> None: ...
