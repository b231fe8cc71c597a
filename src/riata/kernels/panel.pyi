from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def csc_count(
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    count: NDArray[np.int64],
) -> None: ...
def csr_count(
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    number: NDArray[np.int32],
    count: NDArray[np.int64],
    r0: int,
    r1: int,
) -> None: ...
def csc_gather(
    data: NDArray[Any],
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    shift: Floats,
    first: int,
    cursor: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
) -> None: ...
def csr_gather(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    number: NDArray[np.int32],
    shift: Floats,
    cursor: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    r0: int,
    r1: int,
) -> None: ...
def csr_column_counts(
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    left: NDArray[np.int32],
) -> None: ...
def csr_columns(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    place: NDArray[np.int32],
    first: int,
    cursor: NDArray[np.int64],
    rows: NDArray[np.int32],
    values: NDArray[Any],
    r0: int,
    r1: int,
) -> None: ...
