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
def lengthen(indptr: NDArray[np.int64], longer: NDArray[np.int64]) -> None: ...
def spread_rows(
    indptr: NDArray[np.int64],
    new_indptr: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    cursor: NDArray[np.int64],
    local_aside: NDArray[np.int32],
    value_aside: Floats,
    aside: int,
    r0: int,
    r1: int,
) -> None: ...
def keep_columns(
    number: NDArray[np.int32],
    indptr: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    end: NDArray[np.int64],
    r0: int,
    r1: int,
) -> None: ...
def gram_of_columns(
    indptr: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    w: Floats,
    mean: Floats,
    mass: float,
    first: int,
    data: NDArray[Any],
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    shift: Floats,
    out: Floats,
    c0: int,
    c1: int,
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
def pairs(indptr: NDArray[np.int64]) -> float: ...
def gram(
    indptr: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    w: Floats,
    mean: Floats,
    mass: float,
    first: int,
    out: Floats,
    upper: bool,
    c0: int,
    c1: int,
) -> None: ...
def transpose_dots(
    indptr: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    vectors: Floats,
    first: int,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...
def dot(
    indptr: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    coef: Floats,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...
def dot_of(
    indptr: NDArray[np.int64],
    local: NDArray[np.int32],
    value: Floats,
    coef: Floats,
    rows: NDArray[np.intp],
    out: Floats,
) -> None: ...
