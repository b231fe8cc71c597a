"""Gram matrices of columns of a dense matrix, centred and weighted while they are packed.

    G_ab = sum_k s_k^2 (x_k,a - m_a - q_k) (x_k,b - m_b - q_k)      a in left, b in right
    Z_vb = sum_k u_vk (x_kb - m_b)                                   for several vectors u_v

Rows may be dealt out to several matrices G, each row to one, while they are packed.

The means are subtracted before any product is formed: corrected afterwards, G is off by
(mean / sd)^2 eps. The rows go by in fixed blocks and each block is added to G in turn: the bits
depend on the row range alone, not on how the columns are shared out among threads.

Method: packed panels and register tiles, after Goto and van de Geijn, "Anatomy of
high-performance matrix multiplication", ACM TOMS 34(3), 2008, section 4. Cost: n |left| |right|
multiply-adds (half of it where left is right) and one read of the columns.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport fabs
from libc.stdlib cimport free

from .pool cimport parallel
from .simd cimport real

cdef extern from "<stdlib.h>" nogil:
    void *aligned_alloc(size_t alignment, size_t size)

cdef extern from "tile.h" nogil:
    ctypedef void (*riata_tile_fn)(
        const double *, const double *, Py_ssize_t, Py_ssize_t, double *, Py_ssize_t) noexcept
    ctypedef void (*riata_single_fn)(
        const float *, const float *, Py_ssize_t, Py_ssize_t, double *, Py_ssize_t) noexcept
    ctypedef struct riata_tile:
        riata_tile_fn wide
        riata_tile_fn narrow
        riata_single_fn wide_single
        riata_single_fn narrow_single
        int width
    riata_tile riata_choose_tile()
    void riata_pack_f64(
        const double *, Py_ssize_t, Py_ssize_t, const Py_ssize_t *, Py_ssize_t, const double *,
        const double *, const double *, Py_ssize_t, double *, Py_ssize_t, const Py_ssize_t *)
    void riata_round_panel(double *, Py_ssize_t, Py_ssize_t, Py_ssize_t)
    void riata_panel_sums(
        const double *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, double *)
    void riata_pack_f32(
        const float *, Py_ssize_t, Py_ssize_t, const Py_ssize_t *, Py_ssize_t, const double *,
        const double *, const double *, Py_ssize_t, double *, Py_ssize_t, const Py_ssize_t *)

cdef enum:
    GROUP = 8
    ROWS = 128   # of a packed block: four groups fill the first-level cache
    STRIDE = GROUP * ROWS + 8   # between groups: a power of two would put all in one cache set
    SECOND_LEVEL = 384   # columns of a packed block that stay in the second-level cache
    SHARE = 96   # rows of each part in a packed block

cdef double BETWEEN_LOOKS = 2e9   # multiply-adds between two looks for Ctrl-C: some 50 ms

cdef riata_tile TILE = riata_choose_tile()


cdef void pack(
    const real *x, Py_ssize_t row, Py_ssize_t column, const Py_ssize_t[::1] columns,
    const double *mean, const double *row_mean, const double *scale, Py_ssize_t rows,
    double *panel, Py_ssize_t stride, const Py_ssize_t *to
) noexcept nogil:
    cdef const Py_ssize_t *which = &columns[0]
    if column == 1 and neighbours(columns):
        x += columns[0]
        which = NULL
    if real is float:
        riata_pack_f32(x, row, column, which, columns.shape[0], mean, row_mean, scale, rows,
                       panel, stride, to)
    else:
        riata_pack_f64(x, row, column, which, columns.shape[0], mean, row_mean, scale, rows,
                       panel, stride, to)


cdef void multiply(
    const real *left, Py_ssize_t n_left, const real *right, Py_ssize_t n_right,
    Py_ssize_t stride, Py_ssize_t rows, bint symmetric, Py_ssize_t first, double *out,
    Py_ssize_t ldc
) noexcept nogil:
    """Add what packed rows give to `out` from column `first` on; symmetric: on and above the
    diagonal."""
    cdef Py_ssize_t i, j = first // GROUP if symmetric else 0, width
    if not symmetric:
        out += first
    while j < n_right:
        width = TILE.width if j + TILE.width <= n_right else 1
        for i in range(min(n_left, j + width) if symmetric else n_left):
            if real is double:
                (TILE.wide if width > 1 else TILE.narrow)(
                    left + i * stride, right + j * stride, stride, rows,
                    out + i * GROUP * ldc + j * GROUP, ldc)
            else:
                (TILE.wide_single if width > 1 else TILE.narrow_single)(
                    left + i * stride, right + j * stride, stride, rows,
                    out + i * GROUP * ldc + j * GROUP, ldc)
        j += width


cdef bint neighbours(const Py_ssize_t[::1] columns) noexcept nogil:
    """Whether the columns are j, j + 1, j + 2, ..."""
    cdef Py_ssize_t a
    for a in range(1, columns.shape[0]):
        if columns[a] != columns[0] + a:
            return False
    return True


cdef double *new_panel(
    const Py_ssize_t[::1] columns, const double[::1] column_mean, Py_ssize_t stride=STRIDE
) noexcept nogil:
    """Room for a packed block of the columns, and their means behind it; NULL where there is none.
    """
    cdef Py_ssize_t groups = (columns.shape[0] + GROUP - 1) // GROUP, j
    cdef double *panel = <double *>aligned_alloc(
        64, groups * (stride + GROUP) * sizeof(double))
    if panel != NULL:
        for j in range(columns.shape[0]):
            panel[groups * stride + j] = (
                0.0 if column_mean is None else column_mean[columns[j]])
    return panel


cdef class Blocks:
    """Gram matrices by runs of their columns, each run a job of its own; see `gram`."""

    cdef const float[:, :] floats
    cdef const double[:, :] doubles
    cdef bint is_double, symmetric, single, failed
    cdef const Py_ssize_t[::1] left, right, runs
    cdef const Py_ssize_t[:, :] rows
    cdef const double[::1] column_mean, row_mean
    cdef const double[:, :] scale
    cdef const double[:, ::1] vectors
    cdef double[:, :, ::1] out, sums
    cdef Py_ssize_t begin, share     # of each block's rows, those of one call

    cdef void add(self, Py_ssize_t job) noexcept nogil:
        cdef Py_ssize_t of_runs = self.runs.shape[0] - 1
        cdef Py_ssize_t block = job // of_runs, run = job % of_runs
        if self.is_double:
            self.add_block(&self.doubles[0, 0], self.doubles.strides[0] // 8,
                           self.doubles.strides[1] // 8, block, run, run == of_runs - 1)
        else:
            self.add_block(&self.floats[0, 0], self.floats.strides[0] // 4,
                           self.floats.strides[1] // 4, block, run, run == of_runs - 1)

    cdef void add_block(
        self, const real *x, Py_ssize_t row, Py_ssize_t column, Py_ssize_t block, Py_ssize_t run,
        bint sums_up
    ) noexcept nogil:
        """Add what a block's rows give to a run of the right columns."""
        cdef Py_ssize_t first = self.runs[run], last = self.runs[run + 1], k, rows, v, end
        cdef const Py_ssize_t[::1] left = self.left[:last] if self.symmetric else self.left
        cdef const Py_ssize_t[::1] right = left if self.symmetric else self.right[first:last]
        cdef Py_ssize_t n_left = (left.shape[0] + GROUP - 1) // GROUP
        cdef Py_ssize_t n_right = (right.shape[0] + GROUP - 1) // GROUP
        cdef const double *q
        cdef const double *s
        cdef double *panel_left = new_panel(left, self.column_mean)
        cdef double *panel_right = panel_left
        if not self.symmetric:
            panel_right = new_panel(right, self.column_mean)
        if panel_left == NULL or panel_right == NULL:
            self.failed = True
        k = self.rows[block, 0] + self.begin
        end = self.rows[block, 0] if self.failed else min(self.rows[block, 1], k + self.share)
        while k < end:
            rows = min(<Py_ssize_t>ROWS, end - k)
            q = NULL if self.row_mean is None else &self.row_mean[k]
            s = &self.scale[block, k]
            pack(x + k * row, row, column, left, panel_left + n_left * STRIDE, q, s, rows,
                 panel_left, STRIDE, NULL)
            if not self.symmetric:
                pack(x + k * row, row, column, right, panel_right + n_right * STRIDE, q, s,
                     rows, panel_right, STRIDE, NULL)
            if sums_up and self.vectors is not None:
                for v in range(self.vectors.shape[0]):
                    riata_panel_sums(panel_left, n_left, STRIDE, rows, &self.vectors[v, k],
                                     &self.sums[block, v, 0])
            if self.single:
                riata_round_panel(panel_left, n_left, STRIDE, rows)
                multiply(<const float *>panel_left, n_left, <const float *>panel_left, n_left,
                         2 * STRIDE, rows, True, first, &self.out[block, 0, 0], self.out.shape[2])
            else:
                multiply(panel_left, n_left, panel_right, n_right, STRIDE, rows, self.symmetric,
                         first, &self.out[block, 0, 0], self.out.shape[2])
            k += rows
        free(panel_left)
        if not self.symmetric:
            free(panel_right)


cdef void add_one(void *blocks, Py_ssize_t k) noexcept nogil:
    (<Blocks>blocks).add(k)


def gram(
    X, const Py_ssize_t[::1] left, const Py_ssize_t[::1] right, const double[::1] column_mean,
    const double[::1] row_mean, const double[:, :] scale, double[:, :, ::1] out,
    const Py_ssize_t[:, :] rows, const Py_ssize_t[::1] runs, Py_ssize_t n_threads,
    const double[:, ::1] vectors=None, double[:, :, ::1] sums=None, bint single=False
):
    """Add B Gram matrices, each of some rows, to `out`, on threads.

    X : (n, p), unit stride along one axis
    left, right : columns; `right` None means those of `left`, and only tiles on or above the
        diagonal are then computed
    column_mean (p,), row_mean (n,) : or None for 0
    scale (B, n) : entries of a row contiguous; one row may stand for all
    out : (B, >= 8 ceil(|left| / 8), >= 8 ceil(|right| / 8))
    rows (B, 2) : where the rows of each begin and end
    runs : where runs of the right columns begin and end, at multiples of 8: jobs for threads, which
        change no bits
    vectors (m, n), sums (B, m, 8 ceil(|left| / 8)) : or None; in the same read,
        sums_vj += sum_k vectors_vk s_k (x_kj - m_j - q_k)
    single : form products in single precision, where right is None and no entry, scaled, or product
        of two is beyond its range; each G_ab is then off by some 1e-6 sqrt(G_aa G_bb)
    """
    cdef Blocks blocks = Blocks()
    cdef Py_ssize_t jobs = rows.shape[0] * (runs.shape[0] - 1), block, most = 0
    cdef double products
    if left.shape[0] == 0 or runs[runs.shape[0] - 1] == 0:
        return
    blocks.is_double, blocks.symmetric, blocks.failed = X.itemsize == 8, right is None, False
    blocks.single = single and blocks.symmetric
    if blocks.is_double:
        blocks.doubles = X
    else:
        blocks.floats = X
    blocks.left, blocks.right, blocks.rows, blocks.runs = left, right, rows, runs
    blocks.column_mean, blocks.row_mean, blocks.scale = column_mean, row_mean, scale
    blocks.vectors, blocks.out, blocks.sums = vectors, out, sums
    products = <double>rows.shape[0] * left.shape[0] * runs[runs.shape[0] - 1]
    blocks.begin, blocks.share = 0, (<Py_ssize_t>(BETWEEN_LOOKS / products) // ROWS + 1) * ROWS
    with nogil:
        for block in range(rows.shape[0]):
            most = max(most, rows[block, 1] - rows[block, 0])
        while blocks.begin < most and not blocks.failed:
            parallel(add_one, <void *>blocks, jobs, n_threads)
            blocks.begin += blocks.share
            if blocks.begin < most:
                with gil:
                    PyErr_CheckSignals()
    if blocks.failed:
        raise MemoryError(f"could not allocate packed blocks of {left.shape[0]} columns")


def misses_norms(
    const double[:, :] block, const double[::1] norm_sq, const Py_ssize_t[::1] features,
    double share
):
    """Return whether |block_aa - norm_sq_j| > share norm_sq_j of any feature j = features[a]."""
    cdef Py_ssize_t a
    cdef double wanted
    for a in range(features.shape[0]):
        wanted = norm_sq[features[a]]
        if fabs(block[a, a] - wanted) > share * wanted:
            return True
    return False


def mirror(double[:, ::1] out, Py_ssize_t size):
    """Make the leading (size, size) block symmetric: what is above the diagonal holds."""
    cdef Py_ssize_t i, j, a = 0, b
    with nogil:
        while a < size:
            b = 0
            while b <= a:
                for i in range(a, min(a + GROUP, size)):
                    for j in range(b, min(b + GROUP, i)):
                        out[i, j] = out[j, i]
                b += GROUP
            a += GROUP


def grams_of_parts(
    const real[:, :] X, const Py_ssize_t[::1] part, const double[::1] column_mean,
    const double[::1] scale, const double[:, ::1] vectors, double[:, :, ::1] out,
    double[:, :, ::1] sums, Py_ssize_t r0, Py_ssize_t r1
):
    """Add the Gram matrices of the parts of rows r0:r1 to `out`, and their sums to `sums`.

    X : (n, p), unit stride along one axis
    part : (n,), which of the K parts a row is in; -1 for rows that are in none
    column_mean (p,), scale (n,)
    vectors : (m, n)
    out : (K, 8 ceil(p / 8), the same), on and above the diagonal
    sums : (K, m, 8 ceil(p / 8)); as in `gram`

    Rows are read in order and packed in the order of their parts, SHARE of each part at a time: a
    gather would read every cache line once for each part.
    """
    cdef Py_ssize_t p = X.shape[1], K = out.shape[0], m = vectors.shape[0]
    cdef Py_ssize_t window = SHARE * K, stride = GROUP * (window + 1)
    cdef Py_ssize_t groups = (p + GROUP - 1) // GROUP, ldc = out.shape[2]
    cdef Py_ssize_t row = X.strides[0] // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t column = X.strides[1] // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t k, i, f, v, rows, count
    cdef const Py_ssize_t[::1] columns = np.arange(p, dtype=np.intp)
    cdef Py_ssize_t[::1] place = np.empty(window, dtype=np.intp)
    cdef Py_ssize_t[::1] ends = np.empty(K + 1, dtype=np.intp)  # the last: of those in no part
    cdef double[:, ::1] sorted_vectors = np.empty((m, window))
    cdef double *panel
    cdef double work = 0.0
    if p == 0 or r1 <= r0:
        return
    panel = new_panel(columns, column_mean, stride)
    if panel == NULL:
        raise MemoryError(f"could not allocate a packed block of {p} columns")
    with nogil:
        k = r0
        while k < r1:
            rows = min(window, r1 - k)
            sort_by_part(part[k:k + rows], place, ends)
            pack(&X[0, 0] + k * row, row, column, columns, panel + groups * stride, NULL,
                 &scale[k], rows, panel, stride, &place[0])
            for v in range(m):
                for i in range(rows):
                    sorted_vectors[v, place[i]] = vectors[v, k + i]
            for f in range(K):
                i = ends[f - 1] if f > 0 else 0
                while i < ends[f]:
                    count = min(<Py_ssize_t>ROWS, ends[f] - i)
                    multiply(panel + i * GROUP, groups, panel + i * GROUP, groups, stride, count,
                             True, 0, &out[f, 0, 0], ldc)
                    for v in range(m):
                        riata_panel_sums(panel + i * GROUP, groups, stride, count,
                                         &sorted_vectors[v, i], &sums[f, v, 0])
                    i += count
            k += rows
            work += <double>rows * p * p
            if work > BETWEEN_LOOKS:
                work = 0.0
                with gil:
                    try:
                        PyErr_CheckSignals()
                    except BaseException:
                        free(panel)
                        raise
    free(panel)


cdef void sort_by_part(
    const Py_ssize_t[::1] part, Py_ssize_t[::1] place, Py_ssize_t[::1] ends
) noexcept nogil:
    """place: where each row stands once they are in the order of their parts, -1 behind the last;
    ends: where each part ends."""
    cdef Py_ssize_t i, f, last = ends.shape[0] - 1, begin = 0, count
    ends[:] = 0
    for i in range(part.shape[0]):
        ends[part[i] if part[i] >= 0 else last] += 1
    for f in range(last + 1):
        count, ends[f] = ends[f], begin
        begin += count
    for i in range(part.shape[0]):
        f = part[i] if part[i] >= 0 else last
        place[i] = ends[f]
        ends[f] += 1


def transpose_dots(
    const real[:, :] X, const double[:, ::1] vectors, const double[::1] column_mean,
    double[:, ::1] out, Py_ssize_t c0, Py_ssize_t c1
):
    """Add vectors (X - mean), of the columns c0:c1, to `out`: one read of them for all vectors.

    X : (n, p), unit stride along one axis
    vectors : (m, n)
    column_mean : (p,)
    out : at least (8 ceil(m / 8), 8 ceil(p / 8)), zeros in c0:c1; c0 is a multiple of 8

    A sum goes over the rows in order and in blocks of ROWS, so its bits depend neither on c0 and c1
    nor on the other vectors.  Cost: m n (c1 - c0) multiply-adds.
    """
    cdef Py_ssize_t n = X.shape[0], m = vectors.shape[0]
    cdef Py_ssize_t n_left = (m + GROUP - 1) // GROUP, n_right
    cdef Py_ssize_t row = X.strides[0] // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t column = X.strides[1] // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t ldc = out.strides[0] // <Py_ssize_t>sizeof(double)
    cdef Py_ssize_t k, rows, c, count
    cdef const Py_ssize_t[::1] which = np.arange(max(m, X.shape[1]), dtype=np.intp)
    cdef double *left = new_panel(which[:m], None)
    cdef double *right = new_panel(which[:SECOND_LEVEL], None)
    if left == NULL or right == NULL:
        free(left)
        free(right)
        raise MemoryError(f"could not allocate packed blocks of {m} vectors")
    with nogil:
        k = 0
        while k < n:
            rows = min(<Py_ssize_t>ROWS, n - k)
            pack(&vectors[0, 0] + k, 1, n, which[:m], left + n_left * STRIDE, NULL, NULL, rows,
                 left, STRIDE, NULL)
            c = c0
            while c < c1:
                count = min(<Py_ssize_t>SECOND_LEVEL, c1 - c)
                n_right = (count + GROUP - 1) // GROUP
                pack(&X[0, 0] + k * row, row, column, which[c:c + count], &column_mean[c], NULL,
                     NULL, rows, right, STRIDE, NULL)
                multiply(left, n_left, right, n_right, STRIDE, rows, False, c, &out[0, 0], ldc)
                c += count
            k += rows
    free(left)
    free(right)
