"""Columns laid out for descent on the residual; see base.ResidualView."""

from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..kernels import coordinate, dense, dual, sparse
from ..threads import cut, run
from .base import Floats, Indices, ResidualView, Terms

BLOCK = 1 << 18  # entries in one job


class DenseView(ResidualView):
    """Columns of a dense matrix, in place. State vectors are weighted: w r."""

    def __init__(
        self, X: NDArray[Any], work: Indices, mean: Floats, weights: Floats, n_threads: int
    ) -> None:
        self._X, self._work, self._mean = X, work, mean
        self._weights, self._n_threads = weights, n_threads

    def state(self, resid: Floats) -> Floats:
        return self._weights * resid

    def sweep(self, state: Floats, coef: Floats, terms: Terms) -> None:
        coordinate.dense_sweep(self._X, self._work, self._mean, self._weights, state, coef, *terms)

    def gradient(self, state: Floats) -> Floats:
        out = np.empty(len(self._work))
        jobs = [
            partial(dense.columns_dot, self._X, self._work, state, self._mean, out, a, b)
            for a, b in cut(len(out), len(state) * len(out) // BLOCK)
        ]
        run(jobs, self._n_threads)
        return out

    def norm_sq(self, state: Floats) -> float:
        seen = self._weights > 0.0
        return dual.weighted_sums(1.0 / self._weights[seen], state[seen])[1]


class SparseView(ResidualView):
    """Gathered sparse columns in column form, rows scaled by root = w^1/2, and states likewise.

    indptr, local, value : the columns in row form, numbered 0, 1, ..
    rest : what centring subtracts from every row of each of them
    """

    def __init__(
        self, indptr: NDArray[np.int64], local: NDArray[np.int32], value: Floats, rest: Floats,
        weights: Floats, n_threads: int
    ) -> None:  # fmt: skip
        self._root, self._rest, self._n_threads = np.sqrt(weights), rest, n_threads
        scaled = value * np.repeat(self._root, np.diff(indptr))
        rows = sp.csr_array((scaled, local, indptr), shape=(len(weights), len(rest)))
        columns = rows.tocsc()
        self._data, self._indices = columns.data, columns.indices.astype(np.intc, copy=False)
        indptr = columns.indptr.astype(np.int64, copy=False)
        self._start, self._end = indptr[:-1], indptr[1:]
        self._no_shift = np.zeros(len(rest))
        self._first = self._products(self._root)

    def state(self, resid: Floats) -> Floats:
        return self._root * resid

    def sweep(self, state: Floats, coef: Floats, terms: Terms) -> None:
        coordinate.sparse_sweep(
            self._data, self._indices, self._start, self._end, self._first, self._rest, self._root,
            state, coef, *terms,
        )  # fmt: skip

    def gradient(self, state: Floats) -> Floats:
        return self._products(state) - dual.weighted_sums(self._root, state)[0] * self._rest

    def _products(self, u: Floats) -> Floats:
        """Return the sums over stored entries alone."""
        out = np.empty(len(self._rest))
        jobs = [
            partial(
                sparse.csc_transpose_dot, self._data, self._indices, self._start, self._end, u,
                self._no_shift, out, a, b,
            )
            for a, b in cut(len(out), len(self._data) // BLOCK)
        ]  # fmt: skip
        run(jobs, self._n_threads)
        return out

    def norm_sq(self, state: Floats) -> float:
        return dual.weighted_sums(np.ones(len(state)), state)[1]
