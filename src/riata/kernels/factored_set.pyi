import numpy as np
from numpy.typing import NDArray

from .factor import Factor

Floats = NDArray[np.float64]

class FactoredSet:
    weakest: float
    def __init__(self, n_threads: int) -> None: ...
    def clear(self) -> None: ...
    def renumber(self, kept: NDArray[np.intp]) -> None: ...
    def factor_of(
        self, gram: Floats, support: NDArray[np.intp], l2: Floats
    ) -> tuple[Factor, Floats]: ...
