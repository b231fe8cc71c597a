import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

class References:
    z: Floats
    radius: Floats
    pair: NDArray[np.int32]
    weighted: Floats
    resid: Floats
    resid_sq: float
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
        n_threads: int,
    ) -> None: ...
    def open(self) -> int: ...
    def move(self, resid: Floats, resid_sq: float) -> None: ...
    def note(self, index: Indices, values: Floats) -> None: ...
    def note_read(self, index: Indices, values: Floats) -> None: ...
    def note_all(self, values: Floats) -> None: ...
    def elsewhere(self, index: Indices) -> Indices: ...
