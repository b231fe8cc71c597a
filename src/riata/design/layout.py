"""How dense X lies in memory: the blocks in which it is read, and what a first read of it finds."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels import dense
from ..threads import cut, run
from .base import LARGEST, Floats, not_finite, too_large

BLOCK = 1 << 18  # entries of X in one job: about 0.2 ms, twice what handing it over costs
BLOCKS = 16
ROWS = 8  # that passes over C order take at once
WHOLE = 1024  # columns; up to here, where n >= p, the Gram matrix of all is made at the start
NEIGHBOURS = 16  # rows side by side, which share cache lines, of
PILOT = 256  # whose mean stands in for the mean while the moments are summed
IN_CACHE = 1 << 16  # rows of a column that the second-level cache keeps


def plan_blocks(X: NDArray[Any]) -> list[tuple[int, int, int, int]]:
    """Return the blocks (r0, r1, c0, c1) of a pass, by the shape and layout alone.

    By columns where a column or a wide run of a row is contiguous; else by rows, whose sums are
    then added in order.
    """
    n, p = X.shape
    parts = max(1, min(BLOCKS, X.size // BLOCK))
    by_column = X.strides[0] == X.itemsize
    if by_column or p >= 4096:
        return [(0, n, a, b) for a, b in cut(p, parts, 1 if by_column else 1024)]
    return [(a, b, 0, p) for a, b in cut(n, parts, ROWS)]


def check_finite(X: NDArray[Any], n_threads: int) -> None:
    """Raise ValueError where an entry of X is NaN, infinite or too large to be squared."""
    blocks = plan_blocks(X)
    tops = np.zeros(len(blocks))

    def job(k: int) -> None:
        tops[k] = dense.largest(X, *blocks[k])

    run([partial(job, k) for k in range(len(blocks))], n_threads)
    top = tops.max()
    if np.isnan(top):
        place = dense.first_nonfinite(X)
        assert place is not None  # `largest` saw one
        raise ValueError(not_finite(X[place], *place))
    if top > LARGEST:
        raise ValueError(too_large(top))


class Measured(NamedTuple):
    """The moments of contiguous columns under one of several weights; see dense.measure_columns.

    mean, rest, second, cross : (p,), the last None where there is no target
    passes : that it took; the first of several counts the one of all
    """

    mean: Floats
    rest: Floats
    second: Floats
    cross: Floats | None
    passes: float


def makes_whole_gram(X: NDArray[Any]) -> bool:
    """Whether least squares on X start from the Gram matrix of all columns."""
    return X.shape[1] <= min(X.shape[0], WHOLE)


def stays_in_cache(X: Any) -> bool:
    """Whether a column of X is contiguous and short enough to be read once for all its moments."""
    dense_x = isinstance(X, np.ndarray)
    return dense_x and X.strides[0] == X.itemsize and len(X) <= IN_CACHE


def pilot_mean(X: NDArray[Any], weights: Floats) -> Floats:
    """Return the mean of PILOT rows, those that count: some runs of neighbours, which share cache
    lines."""
    starts = np.linspace(0, len(X), PILOT // NEIGHBOURS, endpoint=False, dtype=np.intp)
    rows = np.minimum(starts[:, None] + np.arange(NEIGHBOURS), len(X) - 1).ravel()
    rows = rows[weights[rows] > 0.0]
    return X[rows].mean(axis=0, dtype=np.float64) if len(rows) else np.zeros(X.shape[1])


def measure(
    X: NDArray[Any], weights: Floats, u: Floats | None, centred: bool, n_threads: int
) -> list[Measured]:
    """Return the moments of X under each row of weights (K, n), and X'u_k (K, n), in one read."""
    K, p = len(weights), X.shape[1]
    mean, rest, second, cross = (np.empty((K, p)) for _ in range(4))  # cross stays
    jobs = [
        partial(dense.measure_columns, X, weights, u, centred, mean, rest, second, cross, c0, c1)
        for _, _, c0, c1 in plan_blocks(X)
    ]
    run(jobs, n_threads)
    return [
        Measured(mean[k], rest[k], second[k], None if u is None else cross[k], float(k == 0))
        for k in range(K)
    ]
