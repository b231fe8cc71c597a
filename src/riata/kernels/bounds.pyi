import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class Bounds:
    last: Floats
    epoch: NDArray[np.int16]
    slot: int
    def __init__(
        self,
        with_y: Floats,
        norm_sq: Floats,
        magnitude_sq: Floats,
        y: Floats,
        weights: Floats,
        y_sq: float,
        slots: int,
        slack: float,
    ) -> None: ...
    def open(self, resid: Floats, resid_sq: float) -> int: ...
    def bound(
        self,
        resid: Floats,
        resid_sq: float,
        l1: Floats,
        lower: Floats,
        upper: Floats,
        skip: NDArray[np.uint8],
        member: NDArray[np.uint8],
        out: Floats,
        unsure: NDArray[np.intp],
    ) -> int: ...
