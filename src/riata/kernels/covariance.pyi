from typing import Any

import numpy as np
from numpy.typing import NDArray

from .active_set import ActiveSet

Floats = NDArray[np.float64]

def certificate(
    gram: Floats, correlation: Floats, y_sq: float, terms: Floats, skip: NDArray[Any]
) -> tuple[float, float, float, float]: ...
def solve_ahead(
    active: ActiveSet,
    gram: Floats,
    correlation: Floats,
    y_sq: float,
    terms: Floats,
    skip: NDArray[Any],
    unit: Floats,
    alphas: Floats,
    target: float,
    negligible: float,
    hidden: float,
    y_size: float,
    max_iter: int,
    coefs: Floats,
    facts: Floats,
) -> int: ...
