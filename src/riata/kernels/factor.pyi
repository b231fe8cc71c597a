import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class Factor:
    size: int
    downdates: int
    def __init__(self, tolerance: float, n_threads: int) -> None: ...
    def inverse_diagonal(self, out: Floats, begin: int, end: int) -> None: ...
