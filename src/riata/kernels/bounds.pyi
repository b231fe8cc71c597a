import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

class Bounds:
    z: Floats
    radius: Floats
    last: Floats
    slot: NDArray[np.int32]
    weighted: Floats
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
    def open(self) -> int: ...
    def move(self, resid: Floats, resid_sq: float) -> None: ...
    def hear(
        self,
        l1: Floats,
        lower: Floats,
        upper: Floats,
        skip: NDArray[np.uint8],
        member: NDArray[np.uint8],
    ) -> int: ...
    @property
    def loud(self) -> Indices: ...
    @property
    def uncertain(self) -> Indices: ...
    def certificate(
        self,
        coef: Floats,
        members: Indices,
        l1: Floats,
        l2: Floats,
        lower: Floats,
        upper: Floats,
        skip: NDArray[np.uint8],
        member: NDArray[np.uint8],
        threshold: float,
    ) -> tuple[int, float, float, int, int]: ...
    def note(self, index: Indices, values: Floats) -> None: ...
    def note_read(self, index: Indices, values: Floats) -> None: ...
    def note_all(self, values: Floats) -> None: ...
