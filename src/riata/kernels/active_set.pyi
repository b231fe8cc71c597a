from typing import Any

import numpy as np
from numpy.typing import NDArray

from .factor import Factor

Floats = NDArray[np.float64]

class ActiveSet:
    weakest: float
    def __init__(self, n_threads: int) -> None: ...
    def clear(self) -> None: ...
    def renumber(self, kept: NDArray[np.intp]) -> None: ...
    def factor_of(
        self, gram: Floats, support: NDArray[np.intp], l2: Floats
    ) -> tuple[Factor, Floats]: ...
    def descend(
        self,
        gram: Floats,
        terms: Floats,
        resid_sq: float,
        target: float,
        max_solves: int,
    ) -> tuple[int, float, bool]: ...

def longer(old: Any, size: Any, fill: Any = ...) -> NDArray[Any]: ...
