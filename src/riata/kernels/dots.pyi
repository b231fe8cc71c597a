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
    a0: int,
    a1: int,
    r0: int,
    r1: int,
) -> None: ...
def columns_images(
    X: NDArray[Any],
    columns: NDArray[np.intp],
    coef: Floats,
    shift: Floats,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...

class Columns:
    few: int
    def __init__(self, X: NDArray[Any], shift: Floats, few: int) -> None: ...
