from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

class Rows:
    def __init__(
        self,
        indptr: NDArray[np.int64],
        local: NDArray[np.int32],
        value: Floats,
        n_threads: int,
        row: NDArray[np.int32] | None,
    ) -> None: ...
    def lengthen(self, longer: NDArray[np.int64]) -> None: ...
    def spread(
        self, longer: NDArray[np.int64], cursor: NDArray[np.int64], ends: Indices
    ) -> None: ...
    def keep(
        self, number: NDArray[np.int32], shorter: NDArray[np.int64], ends: Indices
    ) -> None: ...
    def pairs(self) -> float: ...
    def gram(
        self,
        weights: Floats,
        mean: Floats,
        mass: float,
        first: int,
        out: Floats,
        upper: bool,
        ends: Indices,
    ) -> None: ...
    def gram_of_columns(
        self,
        weights: Floats,
        mean: Floats,
        mass: float,
        first: int,
        out: Floats,
        data: NDArray[Any],
        indices: NDArray[Any],
        start: NDArray[np.int64],
        end: NDArray[np.int64],
        shift: Floats,
        ends: Indices,
    ) -> None: ...
    def number_rows(self, row: NDArray[np.int32], ends: Indices) -> None: ...
    def transpose_dots(self, vectors: Floats, first: int, out: Floats, ends: Indices) -> None: ...
    def dot(self, coef: Floats, out: Floats, ends: Indices) -> None: ...
    def dot_of(self, coef: Floats, rows: Indices, out: Floats) -> None: ...
