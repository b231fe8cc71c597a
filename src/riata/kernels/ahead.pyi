from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .active_set import ActiveSet
from .bounds import Bounds

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Found = tuple[Indices, Floats, float, int, float]

def room_for(support: int, violators: int, least: int, limit: int) -> int: ...
def joining(expected: int, violators: int, room: int, size: int) -> int: ...
def threshold_at(alpha: float, last: float) -> float: ...
def solve_ahead(
    bounds: Bounds,
    active: ActiveSet,
    gram: Floats,
    coefs: Floats,
    features: Indices,
    moving: Any,
    alphas: Floats,
    last: float,
    size: float,
    join: Callable[[float, Indices, float], tuple[Floats | None, Indices]],
    image: Callable[[Floats], Floats],
    least: int,
    limit: int,
    inner: float,
    negligible: float,
    hidden: float,
    y_size: float,
    max_iter: int,
    deadline: float,
    centred: bool,
) -> tuple[list[Found], Indices, float, int, bool]: ...
