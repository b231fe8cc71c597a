from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Columns
from .references import References

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

class Bounds(References):
    size: float
    magnitude: float
    def __init__(
        self,
        with_y: Floats,
        norm_sq: Floats,
        magnitude_sq: Floats,
        y: Floats,
        weights: Floats,
        y_sq: float,
        slots: int,
        keeps_older: bool,
        slack: float,
        skip: NDArray[np.uint8],
        member: NDArray[np.uint8],
        columns: Columns | None,
        few: int,
        read: Callable[[Bounds, Any, Indices], None],
        design: Any,
    ) -> None: ...
    def penalise(self, l1: Floats, l2: Floats, lower: Floats, upper: Floats) -> None: ...
    def hear(self, threshold: float) -> int: ...
    def settle(self, threshold: float) -> bool: ...
    def guess(self, threshold: float, last: float, alpha: float) -> None: ...
    def near(self) -> tuple[Indices, Floats]: ...
    @property
    def loud(self) -> Indices: ...
    @property
    def uncertain(self) -> Indices: ...
    def certificate(
        self, coef: Floats, members: Indices, threshold: float
    ) -> tuple[float, float]: ...
    def gap_of_members(self, coef: Floats, members: Indices) -> float: ...
    def gather(self, coef: Floats, members: Indices, terms: Floats) -> None: ...
    def advance(
        self,
        coef: Floats,
        members: Indices,
        terms: Floats,
        image: Callable[[Floats], Floats],
        centred: bool,
    ) -> None: ...
    def support(self) -> Indices: ...
