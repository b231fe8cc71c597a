from typing import Any

import numpy as np
from numpy.typing import NDArray

def check_indptr(indptr: NDArray[Any], n_stored: int) -> str | None: ...
def filled_segments(
    indptr: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...
def check_indices(
    indices: NDArray[Any],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    limit: int,
    seen: NDArray[np.uint64] | None,
) -> tuple[int, bool]: ...
def rank_table(seen: NDArray[np.uint64] | None) -> tuple[NDArray[np.int32], NDArray[np.int64]]: ...
def largest(data: NDArray[Any]) -> float: ...
