"""Dense X, read in place in either order (and with any stride along the other axis)."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

from ..kernels import columns, dense, dual, gram
from ..kernels.bends import Bend, DenseProduct, Product
from ..kernels.columns import Columns
from ..threads import cut, cut_triangle, ends, run
from .base import CONSTANT, LARGEST, Design, Floats, Indices
from .dense_panel import DensePanel, GatheredPanel, room_for_columns, rounds
from .layout import (
    BLOCK,
    BLOCKS,
    ROWS,
    WHOLE,
    Measured,
    check_finite,
    makes_whole_gram,
    measure,
    pilot_mean,
    plan_blocks,
    stays_in_cache,
)
from .views import DenseView

SMALL = 1 << 19  # entries: half a millisecond of work between two alphas
GROUP = 8  # columns in a packed group of the Gram kernel
IN_ONE_RUN = 384  # columns: a packed block and its products stay in the second-level cache
FEW = 1 << 17  # entries of columns that others are multiplied with where these lie
COPIED = 256  # columns at a time, for the inner products of their rows


def up(size: int) -> int:
    """Return size, rounded up to whole groups."""
    return -(-size // GROUP) * GROUP


class DenseDesign(Design):
    """X (n, p), float32 or float64, unit stride along one axis."""

    def __init__(
        self,
        X: NDArray[Any],
        weights: Floats,
        centred: bool,
        n_threads: int,
        y: Floats | None = None,
        u: Floats | None = None,
        measured: Measured | None = None,
    ) -> None:
        self._describe(X, weights, centred, n_threads)
        if measured is not None:
            self._take_measured(measured)
            return
        if y is not None and makes_whole_gram(X):
            self._measure_all(y)
            return
        u = u if y is None else weights * y
        if stays_in_cache(X):
            of_u = None if u is None else u[None]
            self._take_measured(measure(X, weights[None], of_u, centred, n_threads)[0])
            return
        self._measure_columns()
        if u is not None:
            self.correlation = self.transpose_dot(u)

    def _describe(self, X: NDArray[Any], weights: Floats, centred: bool, n_threads: int) -> None:
        self.X, self.weights, self.centred, self.n_threads = X, weights, centred, n_threads
        self.n, self.p = X.shape
        self.n_features = self.p
        self.entries, self.small, self.tall = X.size, X.size < SMALL, makes_whole_gram(X)
        self.reads_some_together = X.strides[0] == X.itemsize
        self.column_cost = 1.0 if self.reads_some_together else 64 / X.itemsize  # a cache line
        self._blocks = plan_blocks(X)
        self.n_passes = 0.0

    @classmethod
    def of_moments(
        cls, X: NDArray[Any], weights: Floats, centred: bool, n_threads: int,
        mean: Floats, y_mean: float, gram_of: Floats, correlation: Floats,
    ) -> "DenseDesign":  # fmt: skip
        """Return a design whose moments are known: X is not read.

        mean (p,), y_mean, gram_of (p, p) and correlation (p,): weighted means and, about them,
        X'diag(w)X and X'(w y); gram_of is overwritten
        """
        design = cls.__new__(cls)
        design._describe(X, weights, centred, n_threads)
        design._set_moments(mean, np.diag(gram_of).copy())
        if not centred:
            gram_of += np.outer(mean, mean)
            correlation = correlation + mean * y_mean
        design.whole_gram, design.correlation = gram_of, correlation
        return design

    def _measure_columns(self) -> None:
        """Set mean and variance, in two passes: the weighted sums say whether X is finite, and the
        moments about them are free of cancellation."""
        mean = self._dots_with(self.weights, np.zeros(self.p))
        if not np.isfinite(mean).all():
            check_finite(self.X, self.n_threads)
        rest, second = self._reduce(dense.column_moments, self.weights, mean, outputs=2)
        self._take_moments(mean, rest, second)

    def _take_measured(self, measured: Measured) -> None:
        self._take_moments(measured.mean, measured.rest, measured.second)
        self.correlation = measured.cross
        self.n_passes += measured.passes

    def _take_moments(self, mean: Floats, rest: Floats, second: Floats) -> None:
        """Set mean and variance from an approximate mean and the moments about it."""
        if not second.max() < LARGEST**2 or not np.abs(mean).max() < LARGEST:
            check_finite(self.X, self.n_threads)
        self._set_moments(mean + rest, second - rest**2)

    def _measure_all(self, y: Floats) -> None:
        """Set the moments, X'(w y) and the Gram matrix of all columns, in one read.

        The columns are shifted by the mean of a few rows while they are packed; the rest of the
        mean is taken off the sums afterwards, which costs (rest / deviation)^2 eps. Where that is
        too much (rows in some order), the read is repeated with the better shift.
        """
        vectors = np.empty((2, self.n))  # w^1/2 and w^1/2 y
        root = np.sqrt(self.weights, out=vectors[0])
        np.multiply(root, y, out=vectors[1])
        everything = np.arange(self.p)
        shift = pilot_mean(self.X, self.weights)
        for _ in range(3):
            whole, sums = self._gram(everything, everything, shift, root, vectors)
            self.n_passes += 1
            rest, diagonal = sums[0], np.diag(whole)
            if not diagonal.max() < LARGEST**2 or not root.all():
                check_finite(self.X, self.n_threads)
            spread = diagonal - rest**2
            if not np.any(rest**2 > np.maximum(4.0 * spread, (CONSTANT * shift) ** 2)):
                break
            shift = shift + rest
        whole -= np.outer(rest, rest)
        self._set_moments(shift + rest, np.diag(whole).copy())
        self.correlation = sums[1]
        if not self.centred:
            mean = shift + rest
            whole += np.outer(mean, mean)
            self.correlation = sums[1] + shift * dual.weighted_sums(self.weights, y)[0]
        self.whole_gram = whole

    def _reduce(self, kernel: Any, *arguments: Any, outputs: int = 1) -> Floats:
        """Run a column-sum kernel over the blocks; add up what blocks of rows give.

        Returns (p,), or (outputs, p) where there are several.
        """
        by_rows = self._blocks[-1][0] > 0
        out = np.empty((len(self._blocks) if by_rows else 1, outputs, self.p))
        jobs = [
            partial(kernel, self.X, *arguments, *out[k if by_rows else 0], *block)
            for k, block in enumerate(self._blocks)
        ]
        run(jobs, self.n_threads)
        self.n_passes += 1
        total = out.sum(axis=0) if by_rows else out[0]
        return total if outputs > 1 else total[0]

    def transpose_dot(self, u: Floats) -> Floats:
        return self._dots_with(u, self.mean)

    def _dots_with(self, u: Floats, shift: Floats) -> Floats:
        """Return sum_i (x_ij - shift_j) u_i, (p,)."""
        if not self.reads_some_together:
            return self._reduce(dense.transpose_dot, u, shift)
        out = np.empty((1, self.p))
        columns.columns_dots(self.X, np.arange(self.p), u[None], shift, out, self.n_threads)
        self.n_passes += 1
        return out[0]

    def transpose_dots(self, vectors: Floats) -> Floats:
        self.n_passes += 1
        if self.reads_some_together:
            return self.dots_of(np.arange(self.p), vectors)
        out = np.zeros((up(len(vectors)), up(self.p)))
        parts = max(1, min(BLOCKS, self.X.size // BLOCK))
        jobs = [
            partial(gram.transpose_dots, self.X, vectors, self.mean, out, a, b)
            for a, b in cut(self.p, parts, 3 * GROUP)
        ]
        run(jobs, self.n_threads)
        return out[: len(vectors), : self.p]

    def transpose_dots_of(self, index: Indices, vectors: Floats) -> Floats:
        self.n_passes += len(index) / self.p
        return self.dots_of(index, vectors)

    def dots_of(self, index: Indices, vectors: Floats) -> Floats:
        """transpose_dots_of, no pass counted."""
        if not self.reads_some_together:
            return np.array([self._transpose_dot_of(index, u) for u in vectors])
        out = np.empty((len(vectors), len(index)))
        columns.columns_dots(self.X, index, vectors, self.mean, out, self.n_threads)
        return out

    def _transpose_dot_of(self, index: Indices, u: Floats) -> Floats:
        if self.reads_some_together:
            return self.dots_of(index, u[None])[0]
        blocks = cut(self.n, max(1, min(BLOCKS, self.n * len(index) // BLOCK)), ROWS)
        out = np.empty((len(blocks), len(index)))
        jobs = [
            partial(dense.columns_dot, self.X, index, u, self.mean, part, 0, len(index), a, b)
            for part, (a, b) in zip(out, blocks, strict=True)
        ]
        run(jobs, self.n_threads)
        return out.sum(axis=0)

    def reader(self) -> Columns | None:
        return Columns(self.X, self.mean, self.loop_threads) if self.reads_some_together else None

    def product(self, index: Indices, mean: Floats, bend: Bend, K: int) -> Product | None:
        if not self.reads_some_together:
            return None
        shift = self.mean.copy()
        shift[index] += mean
        cuts, n_threads = rounds(self.n, len(index), self.n_threads)
        return DenseProduct(self.X, shift, index, bend, K, cuts, n_threads)

    def residual(self, y: Floats, coef: Floats) -> tuple[Floats, Floats]:
        if self.p > min(self.n, WHOLE):  # a block would not stay in cache between its two uses
            return super().residual(y, coef)
        resid, weighted, columns = np.empty(self.n), np.empty((1, self.n)), np.arange(self.p)
        blocks = cut(self.n, max(1, min(BLOCKS, self.X.size // BLOCK)), ROWS)
        out = np.empty((len(blocks), 1, self.p))
        jobs = [
            partial(
                dense.residual, self.X, columns, y, self.weights, coef, self.mean, resid, weighted,
                out[k], a, b,
            )
            for k, (a, b) in enumerate(blocks)
        ]  # fmt: skip
        run(jobs, self.n_threads)
        self.n_passes += 1
        return resid, out[:, 0].sum(axis=0)

    def dot(self, active: Indices, coef: Floats) -> Floats:
        out = np.empty(self.n)
        parts = min(BLOCKS, self.n * len(active) // BLOCK)
        if parts <= 1:
            dense.dot(self.X, active, coef, self.mean, out, 0, self.n)
            return out
        jobs = [
            partial(dense.dot, self.X, active, coef, self.mean, out, a, b)
            for a, b in cut(self.n, parts, 1024)
        ]
        run(jobs, self.n_threads)
        return out

    def dots(self, active: Indices, coefs: Floats) -> Floats:
        if not self.reads_some_together:
            return super().dots(active, coefs)
        out = np.empty((len(coefs), self.n))
        columns.columns_images(self.X, active, coefs, self.mean, out, self.n_threads)
        return out

    def squared_dots(self, active: Indices, axes: Floats, shares: Floats) -> Floats:
        out = np.empty((len(shares), self.n))
        for a, b in cut(self.n, -(-self.n // 1024)):
            rows = self.X[a:b, active] - self.mean[active]
            out[:, a:b] = shares @ ((rows @ axes.T) ** 2).T
        return out

    def panel(self, weights: Floats | None = None, *, working: bool = False) -> "DensePanel":
        room = room_for_columns(self) if working else 0
        return GatheredPanel(self, weights, room) if room else DensePanel(self, weights)

    def of_columns(self, X: NDArray[Any], index: Indices) -> "DenseDesign":
        """Return a design of copies X (n, |index|) of some columns, for products with them."""
        design = DenseDesign.__new__(DenseDesign)
        design._describe(X, self.weights, self.centred, self.n_threads)
        design.mean, design.whole_gram = self.mean[index], None
        return design

    def residual_view(self, work: Indices) -> DenseView:
        return DenseView(
            self.X, work, self.mean, self.weights, self.n_threads, centred=self.centred
        )

    def gram(
        self, index: Indices, weights: Floats, mean: Floats, out: Floats | None = None, *,
        rough: bool = False,
    ) -> Floats:  # fmt: skip
        """Return Z' diag(w) Z, Z = X_J - mean_J, from weights (n,) and mean (p,); out, rough : see
        `Panel.reweigh`."""
        if len(index) == 0:
            return np.zeros((0, 0))
        if self.whole_gram is not None and weights is self.weights:
            return self.whole_gram[np.ix_(index, index)]
        return self._gram(index, index, mean, np.sqrt(weights), room=out, single=rough)[0]

    def gram_rows(
        self, new: Indices, index: Indices, weights: Floats, mean: Floats, rows: Floats,
        across: Floats,
    ) -> None:  # fmt: skip
        """Put the rows `new` of that matrix into `rows` (|new|, |J|), and what they hold of the
        first m features into `across` (m, |new|), transposed."""
        if self.whole_gram is None and self.reads_some_together and len(new) * self.n <= FEW:
            columns.gram_rows(self.X, new, index, mean, weights, rows, across, self.n_threads)
            return
        if self.whole_gram is not None and weights is self.weights:
            rows[:] = self.whole_gram[np.ix_(new, index)]
        else:
            rows[:] = self._gram(new, index, mean, np.sqrt(weights))[0]
        across[:] = rows[:, : len(across)].T

    def _gram(
        self,
        left: Indices,
        right: Indices,
        shift: Floats,
        root: Floats,
        vectors: Floats | None = None,
        room: Floats | None = None,
        single: bool = False,
    ) -> tuple[Floats, Floats]:
        """Return (Z_left' Z_right, vectors Z_left), Z = diag(root) (X - shift), the first in a
        corner of `room` where that is given and large enough.

        Blocks of rows where X is tall against the result (fixed by the sizes alone, their sums
        added in order), else runs of the right columns, which change no bits. What is below the
        diagonal is not computed where left is right.
        """
        tall = min(8, self.n // (20 * len(right)))
        rows = cut(self.n, tall, 128) if tall > 1 else [(0, self.n)]
        work = self.n * len(left) * len(right) // (1 << 19)
        parts = 1 if tall > 1 or self.n_threads == 1 else min(self.n_threads, work)
        symmetric = left is right
        if tall <= 1 and not symmetric:
            parts = max(parts, -(-len(right) // IN_ONE_RUN))
        runs = (cut_triangle if symmetric else cut)(len(right), max(1, parts), 3 * GROUP)
        shape = up(len(left)), up(len(right))
        if room is not None and len(rows) == 1 and len(room) >= max(shape):
            out = room[None]
            out[0, : shape[0], : shape[1]] = 0.0
        else:
            out = np.zeros((len(rows), *shape))
        sums = np.zeros((len(rows), 0 if vectors is None else len(vectors), up(len(left))))
        gram.gram(
            self.X, left, None if symmetric else right, shift, None,
            np.broadcast_to(root, (len(rows), self.n)), out, np.array(rows, dtype=np.intp),
            ends(runs), self.n_threads, vectors, sums, single,
        )  # fmt: skip
        total = out.sum(axis=0) if len(rows) > 1 else out[0]
        if symmetric:
            gram.mirror(total, len(left))
        return total[: len(left), : len(right)], sums.sum(axis=0)[:, : len(left)]

    def grams(self, members: Indices, shift: Floats, weights: Floats) -> Floats:
        """Return (X_W - shift_W)' diag(h) (X_W - shift_W) of every row h of `weights` (m, n):
        (m, |W|, |W|)."""
        k, m = len(members), len(weights)
        out, rows = np.zeros((m, up(k), up(k))), np.broadcast_to([0, self.n], (m, 2))
        gram.gram(
            self.X, members, None, shift, None, np.sqrt(weights, order="C"), out, rows,
            ends([(0, k)]), self.loop_threads,
        )  # fmt: skip
        for one in out:
            gram.mirror(one, k)
        return out[:, :k, :k]

    def row_gram(self, members: Indices, scale: Floats | None = None) -> Floats:
        full = np.zeros(self.p)
        full[members] = 1.0 if scale is None else scale
        rows = np.arange(self.n)
        out = np.zeros((1, up(self.n), up(self.n)))
        all_columns, all_rows = np.array([[0, self.p]], dtype=np.intp), ends([(0, self.n)])
        gram.gram(self.X.T, rows, None, None, self.mean, full[None], out, all_columns, all_rows, 1)
        out = out[0, : self.n, : self.n]
        root = np.sqrt(self.weights)
        return root[:, None] * (np.triu(out) + np.triu(out, 1).T) * root

    def add_row_gram(self, out: Floats, members: Indices, scale: Floats, sign: float) -> None:
        root = np.sqrt(self.weights)
        for a, b in cut(len(members), -(-len(members) // COPIED)):
            some = members[a:b]
            rows = self.X.T[some] - self.mean[some, None]
            rows *= scale[a:b, None]
            rows *= root
            dsyrk(sign, rows.T, beta=1.0, c=out.T, lower=False, overwrite_c=True)
