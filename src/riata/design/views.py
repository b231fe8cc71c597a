"""Columns laid out for descent on the residual; see base.ResidualView."""

from copy import copy
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..kernels import columns, coordinate, dense, dual, sparse
from ..threads import cut, run
from .base import Floats, Indices, ResidualView, Terms

BLOCK = 1 << 18  # entries in one job


class DenseView(ResidualView):
    """Columns of a dense matrix, in place. State vectors are weighted: w r."""

    def __init__(
        self, X: NDArray[Any], work: Indices, mean: Floats, weights: Floats, n_threads: int, *,
        centred: bool,
    ) -> None:  # fmt: skip
        self._X, self._work, self._mean, self._centred = X, work, mean, centred
        self._weights, self._n_threads = weights, n_threads

    def reweighed(self, weights: Floats) -> "DenseView":
        mean = self._mean
        if self._centred:
            mean = mean.copy()
            mean[self._work] += self.gradient(weights)
        return DenseView(self._X, self._work, mean, weights, self._n_threads, centred=self._centred)

    def column_norms(self) -> Floats:
        p = self._X.shape[1]
        sums, squares = np.empty(p), np.empty(p)
        dense.column_moments(
            self._X, self._weights, self._mean, sums, squares, 0, len(self._X), 0, p
        )
        return squares[self._work]

    def state(self, resid: Floats) -> Floats:
        return self._weights * resid

    def sweep(self, state: Floats, coef: Floats, terms: Terms) -> None:
        coordinate.dense_sweep(self._X, self._work, self._mean, self._weights, state, coef, *terms)

    def gradient(self, state: Floats) -> Floats:
        out = np.empty((1, len(self._work)))
        if self._X.strides[0] == self._X.itemsize:
            columns.columns_dots(self._X, self._work, state[None], self._mean, out, self._n_threads)
            return out[0]
        jobs = [
            partial(
                dense.columns_dot, self._X, self._work, state, self._mean, out[0], a, b, 0,
                len(state),
            )
            for a, b in cut(out.size, len(state) * out.size // BLOCK)
        ]  # fmt: skip
        run(jobs, self._n_threads)
        return out[0]

    def norm_sq(self, state: Floats) -> float:
        seen = self._weights > 0.0
        return dual.weighted_sums(1.0 / self._weights[seen], state[seen])[1]


class SparseView(ResidualView):
    """Gathered sparse columns in column form, rows scaled by root = w^1/2, and states likewise.

    rows : the columns in row form, (n, |work|)
    rest : what centring subtracts from every row of each of them
    """

    def __init__(
        self, rows: sp.csr_array, rest: Floats, weights: Floats, n_threads: int, *, centred: bool
    ) -> None:
        self._columns, self._centred, self._n_threads = rows.tocsc(), centred, n_threads
        self._indices = self._columns.indices.astype(np.intc, copy=False)
        indptr = self._columns.indptr.astype(np.int64, copy=False)
        self._start, self._end = indptr[:-1], indptr[1:]
        self._no_shift = np.zeros(len(rest))
        self._weigh(weights, rest)

    def _weigh(self, weights: Floats, rest: Floats | None) -> None:
        """Take weights (n,); `rest` None: the means under them."""
        self._root = np.sqrt(weights)
        self._data = self._columns.data * self._root[self._indices]
        self._first = self._products(self._root)
        self._rest = self._first if rest is None else rest

    def reweighed(self, weights: Floats) -> "SparseView":
        other = copy(self)
        other._weigh(weights, None if self._centred else self._rest)
        return other

    def column_norms(self) -> Floats:
        squares = np.bincount(
            np.repeat(np.arange(len(self._rest)), self._end - self._start),
            weights=self._data**2, minlength=len(self._rest),
        )  # fmt: skip
        return np.maximum(squares + self._rest * (self._rest - 2.0 * self._first), 0.0)

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
        out = np.empty(len(self._no_shift))
        sparse.csc_transpose_dot(
            self._data, self._indices, self._start, self._end, self._no_shift, self._no_shift, None,
            None, u, 0.0, out, self._n_threads,
        )  # fmt: skip
        return out

    def norm_sq(self, state: Floats) -> float:
        return dual.weighted_sums(np.ones(len(state)), state)[1]
