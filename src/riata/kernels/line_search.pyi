import numpy as np
from numpy.typing import NDArray

from .trips import Trip

Floats = NDArray[np.float64]

def line_search(
    trip: Trip, coef: Floats, step: Floats, l1: Floats, l2: Floats, straight: bool
) -> float: ...
