import numpy as np
from numpy.typing import NDArray

from .factor import Factor

Floats = NDArray[np.float64]

class Cholesky:
    factor: Factor
    whole: bool
    def __init__(self, gram: Floats, c: float, n_threads: int) -> None: ...
    def solve(self, target: Floats) -> Floats: ...
