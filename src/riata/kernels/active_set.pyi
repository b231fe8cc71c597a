import numpy as np
from numpy.typing import NDArray

from .factored_set import FactoredSet

Floats = NDArray[np.float64]

class ActiveSet(FactoredSet):
    def descend(
        self,
        gram: Floats,
        terms: Floats,
        resid_sq: float,
        target: float,
        max_solves: int,
    ) -> tuple[int, float, bool]: ...
