from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH: int

def csc_sums(
    data: NDArray[Any],
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    w: Floats,
    shift: Floats,
    first: Floats,
    second: Floats,
    weight: Floats,
    count: NDArray[np.int32],
    repeats: NDArray[np.int32],
    increasing: bool,
) -> None: ...
def csr_sums(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    w: Floats,
    shift: Floats,
    first: Floats,
    second: Floats,
    weight: Floats,
    count: NDArray[np.int32],
    repeats: NDArray[np.int32],
    increasing: bool,
) -> None: ...
def csc_transpose_dot(
    data: NDArray[Any],
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    shift: Floats,
    rest: Floats,
    index: NDArray[np.intp] | None,
    place: NDArray[np.int32] | None,
    u: Floats,
    total: float,
    out: Floats,
    n_threads: int,
) -> None: ...
def csr_transpose_dot(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    u: Floats,
    shift: Floats | None,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...
def csc_transpose_dots(
    data: NDArray[Any],
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    vectors: Floats,
    shift: Floats,
    out: Floats,
    c0: int,
    c1: int,
) -> None: ...
def csr_transpose_dots(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    vectors: Floats,
    shift: Floats | None,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...
def csc_dot(
    data: NDArray[Any],
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    active: NDArray[np.intp],
    coef: Floats,
    shift: Floats,
    out: Floats,
) -> None: ...
def csr_dot(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[np.int64],
    seen: NDArray[np.uint64] | None,
    before: NDArray[np.int32] | None,
    coef: Floats,
    shift: Floats,
    out: Floats,
    r0: int,
    r1: int,
) -> None: ...
