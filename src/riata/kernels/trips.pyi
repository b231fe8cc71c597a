from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rows import Rows

Floats = NDArray[np.float64]

class Trip:
    def __init__(
        self, call: Callable[[float], tuple[float, float]], loss: float, fall: float
    ) -> None: ...

class Place:
    vectors: Floats
    sums: Floats
    loss: float
    total: float
    mass: float
    def __init__(
        self,
        vectors: Floats,
        sums: Floats,
        loss: float = ...,
        total: float = ...,
        mass: float = ...,
    ) -> None: ...

class RoundTrip(Trip):
    made: int
    weighed: bool
    def __init__(
        self,
        here: Place,
        there: Place,
        call: Callable[[Floats, float], Place],
        kernel: Any,
        y: Floats,
        w: Floats,
        weighted: Floats,
        level: float,
        cuts: Sequence[int] | NDArray[np.intp] = ...,
        parts: Any = ...,
        n_threads: int = ...,
    ) -> None: ...
    @property
    def place(self) -> Place: ...
    @property
    def spare(self) -> Place: ...

class DenseTrip(RoundTrip):
    def __init__(
        self,
        X: NDArray[Any],
        mean: Floats,
        members: NDArray[np.intp],
        here: Place,
        there: Place,
        loss: Any,
        cuts: Sequence[int] | NDArray[np.intp],
        n_threads: int,
    ) -> None: ...

class SparseTrip(RoundTrip):
    def __init__(
        self,
        rows: Rows,
        rest: Floats,
        here: Place,
        there: Place,
        loss: Any,
        cuts: Sequence[int] | NDArray[np.intp],
        n_threads: int,
    ) -> None: ...
