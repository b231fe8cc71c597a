"""Passes over a compressed sparse matrix.

The p columns a caller sees are the non-empty ones. CSC: column j is stored at start[j]:end[j]. CSR:
row i at indptr[i]:indptr[i + 1], and column c of an entry is numbered by (seen, before): see
rank.pxd. indices are int32 or int64, data float or double; entries may be unsorted and hold
duplicates, whose values add up. Every sum is in double.

Centring costs O(1) a column: x_j - mean_j is stored entries minus shift_j, less rest_j in every
row, with shift_j + rest_j = mean_j. shift_j is mean_j for a full column, whose mean may exceed its
deviation by far, and 0 for the others, whose zeros must stay unstored.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from .gather cimport gather_dot, integer
from .pool cimport parallel
from .rank cimport number_of
from .simd cimport real, riata_add_eight

cdef extern from *:
    void __builtin_prefetch(const void *address, int to_write) nogil

cdef extern from "simd.h" nogil:
    enum:
        AHEAD "RIATA_AHEAD"   # entries between the call for a cache line and its use
    void riata_eight_dots_f64_int(
        const double *x, const int *rows, Py_ssize_t count, Py_ssize_t stored, double shift,
        const double *u, double *out)
    void riata_eight_dots_f64_long(
        const double *x, const long long *rows, Py_ssize_t count, Py_ssize_t stored, double shift,
        const double *u, double *out)
    void riata_eight_dots_f32_int(
        const float *x, const int *rows, Py_ssize_t count, Py_ssize_t stored, double shift,
        const double *u, double *out)
    void riata_eight_dots_f32_long(
        const float *x, const long long *rows, Py_ssize_t count, Py_ssize_t stored, double shift,
        const double *u, double *out)

cdef enum:
    EIGHT = 8   # vectors that lie side by side: their sums fill a cache line
    LEAST = 1 << 14   # entries of columns that are a job
    SOON = 4          # columns between the call for one and its use

WIDTH = EIGHT


# -- start-up: weighted sums of the stored entries ----------------------------------------------

def csc_sums(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] start,
    const int64_t[::1] end, const double[::1] w, const double[::1] shift,
    double[::1] first, double[::1] second, double[::1] weight, int32_t[::1] count,
    int32_t[::1] repeats, bint increasing
):
    """Over the distinct stored rows of column j, where w_i > 0 is counted:

        first_j = sum w (x - shift_j)    second_j = sum w (x - shift_j)^2
        weight_j = sum w                 count_j = number of rows with w_i > 0
        repeats_j = number of entries beyond one a row
    """
    cdef Py_ssize_t j, k, i, n = w.shape[0]
    cdef double s1, s2, s0, d
    cdef int64_t c, again
    cdef double *row = NULL
    cdef int64_t *owner = NULL
    if not increasing:   # entries of one row are added up before they are squared
        row = <double *>malloc(n * sizeof(double))
        owner = <int64_t *>malloc(n * sizeof(int64_t))
        if row == NULL or owner == NULL:
            free(row)
            free(owner)
            raise MemoryError(f"could not allocate 2 x {n} numbers")
        memset(owner, 255, n * sizeof(int64_t))
    with nogil:
        for j in range(first.shape[0]):
            s0 = s1 = s2 = 0.0
            c = again = 0
            if not increasing:
                for k in range(start[j], end[j]):
                    i = indices[k]
                    row[i] = data[k] if owner[i] != j else row[i] + data[k]
                    owner[i] = j
            for k in range(start[j], end[j]):
                i = indices[k]
                if increasing:
                    d = data[k] - shift[j]
                elif owner[i] == j:
                    d = row[i] - shift[j]
                    owner[i] = -1
                else:
                    again += 1
                    continue
                s0 += w[i]
                s1 += w[i] * d
                s2 += w[i] * d * d
                c += w[i] > 0.0
            first[j], second[j], weight[j], count[j], repeats[j] = s1, s2, s0, c, again
    free(row)
    free(owner)


def csr_sums(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] indptr,
    const uint64_t[::1] seen, const int32_t[::1] before, const double[::1] w,
    const double[::1] shift, double[::1] first, double[::1] second, double[::1] weight,
    int32_t[::1] count, int32_t[::1] repeats, bint increasing
):
    """As csc_sums, from the rows; the five outputs are overwritten."""
    cdef Py_ssize_t i, j, k, p = first.shape[0]
    cdef double d
    cdef double *cell = NULL
    cdef int64_t *owner = NULL
    if not increasing:
        cell = <double *>malloc(p * sizeof(double))
        owner = <int64_t *>malloc(p * sizeof(int64_t))
        if cell == NULL or owner == NULL:
            free(cell)
            free(owner)
            raise MemoryError(f"could not allocate 2 x {p} numbers")
        memset(owner, 255, p * sizeof(int64_t))
    with nogil:
        first[:] = 0.0
        second[:] = 0.0
        weight[:] = 0.0
        count[:] = 0
        repeats[:] = 0
        for i in range(w.shape[0]):
            if not increasing:
                for k in range(indptr[i], indptr[i + 1]):
                    j = number_of(seen, before, indices[k])
                    cell[j] = data[k] if owner[j] != i else cell[j] + data[k]
                    owner[j] = i
            for k in range(indptr[i], indptr[i + 1]):
                j = number_of(seen, before, indices[k])
                if increasing:
                    d = data[k] - shift[j]
                elif owner[j] == i:
                    d = cell[j] - shift[j]
                    owner[j] = -1
                else:
                    repeats[j] += 1
                    continue
                weight[j] += w[i]
                first[j] += w[i] * d
                second[j] += w[i] * d * d
                count[j] += w[i] > 0.0
    free(cell)
    free(owner)


# -- full passes ----------------------------------------------------------------------------------

cdef struct Products:
    const void *data
    const void *indices
    bint is_double, is_int
    const int64_t *start
    const int64_t *end
    const double *shift
    const double *rest
    const Py_ssize_t *index
    const int32_t *place
    const double *u
    double total
    double *out
    Py_ssize_t count, share


cdef void some_products(void *context, Py_ssize_t k) noexcept nogil:
    cdef Products *of = <Products *>context
    if of.is_double and of.is_int:
        column_products(of, <const double *>of.data, <const int *>of.indices, k)
    elif of.is_double:
        column_products(of, <const double *>of.data, <const long long *>of.indices, k)
    elif of.is_int:
        column_products(of, <const float *>of.data, <const int *>of.indices, k)
    else:
        column_products(of, <const float *>of.data, <const long long *>of.indices, k)


cdef void column_products(
    const Products *of, const real *data, const integer *indices, Py_ssize_t k
) noexcept nogil:
    cdef Py_ssize_t a, j, at, first
    for a in range(k * of.share, min((k + 1) * of.share, of.count)):
        if of.index != NULL and a + SOON < of.count:   # others follow one another
            j = of.index[a + SOON]
            at = j if of.place == NULL else of.place[j]
            __builtin_prefetch(indices + of.start[at], 0)
            __builtin_prefetch(data + of.start[at], 0)
            __builtin_prefetch(data + of.start[at] + 8, 0)
        j = a if of.index == NULL else of.index[a]
        at = j if of.place == NULL else of.place[j]
        first = of.start[at]
        of.out[a] = gather_dot(
            data + first, indices + first, of.end[at] - first, of.shift[j], of.u)
        if of.total != 0.0:
            of.out[a] -= of.rest[j] * of.total


def csc_transpose_dot(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] start,
    const int64_t[::1] end, const double[::1] shift, const double[::1] rest,
    const Py_ssize_t[::1] index, const int32_t[::1] place, const double[::1] u, double total,
    double[::1] out, Py_ssize_t n_threads
):
    """out_a = sum over the stored entries of column j = index_a of (x_ij - shift_j) u_i, less
    rest_j total; on native threads.

    index : (|out|,), None for 0, 1, 2, ..
    place : column j is stored at start[place_j]:end[place_j]; None for start[j]:end[j]
    """
    cdef Products of
    cdef double each = data.shape[0] / max(start.shape[0], 1.0)
    if out.shape[0] == 0 or data.shape[0] == 0:
        out[:] = 0.0   # columns without entries have no mean
        return
    of.data, of.indices = &data[0], &indices[0]
    of.is_double, of.is_int = real is double, integer is int
    of.start, of.end, of.shift, of.rest = &start[0], &end[0], &shift[0], &rest[0]
    of.index = NULL if index is None else &index[0]
    of.place = NULL if place is None else &place[0]
    of.u, of.total, of.out, of.count = &u[0], total, &out[0], out.shape[0]
    of.share = max(1, <Py_ssize_t>(LEAST / (each + 16.0)))
    with nogil:
        parallel(some_products, &of, (of.count + of.share - 1) // of.share, n_threads)


def csr_transpose_dot(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] indptr,
    const uint64_t[::1] seen, const int32_t[::1] before, const double[::1] u,
    const double[::1] shift, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
):
    """out_j = sum over the stored entries of rows r0:r1 of (x_ij - shift_j) u_i; overwritten.

    `shift` None means 0.
    """
    cdef Py_ssize_t i, j, k
    cdef double v
    with nogil:
        out[:] = 0.0
        for i in range(r0, r1):
            v = u[i]
            if v == 0.0:
                continue
            for k in range(indptr[i], indptr[i + 1]):
                j = number_of(seen, before, indices[k])
                out[j] += (data[k] - shift[j] if shift is not None else data[k]) * v


cdef inline void eight_dots(
    const real *x, const integer *rows, Py_ssize_t count, Py_ssize_t stored, double shift,
    const double *u, double *out
) noexcept nogil:
    if real is double and integer is int:
        riata_eight_dots_f64_int(x, rows, count, stored, shift, u, out)
    elif real is double:
        riata_eight_dots_f64_long(x, rows, count, stored, shift, u, out)
    elif integer is int:
        riata_eight_dots_f32_int(x, rows, count, stored, shift, u, out)
    else:
        riata_eight_dots_f32_long(x, rows, count, stored, shift, u, out)


def csc_transpose_dots(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] start,
    const int64_t[::1] end, const double[:, :, ::1] vectors, const double[::1] shift,
    double[:, :, ::1] out, Py_ssize_t c0, Py_ssize_t c1
):
    """csc_transpose_dot for several times EIGHT vectors, (m, n, EIGHT), in one read; out
    (m, p, EIGHT). A column is in the cache when the second eight come to it."""
    cdef Py_ssize_t j, k, m
    with nogil:
        for j in range(c0, c1):
            k = start[j]
            for m in range(vectors.shape[0]):
                eight_dots(&data[k], &indices[k], end[j] - k, indices.shape[0] - k, shift[j],
                           &vectors[m, 0, 0], &out[m, j, 0])


def csr_transpose_dots(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] indptr,
    const uint64_t[::1] seen, const int32_t[::1] before, const double[:, :, ::1] vectors,
    const double[::1] shift, double[:, :, ::1] out, Py_ssize_t r0, Py_ssize_t r1
):
    """csr_transpose_dot for several times EIGHT vectors, (m, n, EIGHT), in one read; out
    (m, p, EIGHT).

    Eight sums of a column share a cache line, which is what an entry costs.
    """
    cdef Py_ssize_t i, j, k, m, stop = indptr[r1]
    cdef double x
    cdef double u[EIGHT]
    with nogil:
        out[:, :, :] = 0.0
        for i in range(r0, r1):
            for m in range(vectors.shape[0]):
                memcpy(&u[0], &vectors[m, i, 0], EIGHT * sizeof(double))
                for k in range(indptr[i], indptr[i + 1]):
                    if k + AHEAD < stop:
                        __builtin_prefetch(
                            &out[m, number_of(seen, before, indices[k + AHEAD]), 0], 1)
                    j = number_of(seen, before, indices[k])
                    x = data[k] - shift[j] if shift is not None else data[k]
                    riata_add_eight(x, &u[0], &out[m, j, 0])


def csc_dot(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] start,
    const int64_t[::1] end, const Py_ssize_t[::1] active, const double[::1] coef,
    const double[::1] shift, double[::1] out
):
    """out_i = sum_a (x_i,active[a] - shift) coef_a over stored entries; out is overwritten."""
    cdef Py_ssize_t j, k, b
    cdef double centre, v
    with nogil:
        out[:] = 0.0
        for b in range(active.shape[0]):
            j = active[b]
            centre, v = shift[j], coef[b]
            for k in range(start[j], end[j]):
                out[indices[k]] += (data[k] - centre) * v


def csr_dot(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] indptr,
    const uint64_t[::1] seen, const int32_t[::1] before, const double[::1] coef,
    const double[::1] shift, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
):
    """out_i = sum_j (x_ij - shift_j) coef_j over stored entries, coef (p,), for i in r0:r1."""
    cdef Py_ssize_t i, j, k
    cdef double s
    with nogil:
        for i in range(r0, r1):
            s = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                j = number_of(seen, before, indices[k])
                s += (data[k] - shift[j]) * coef[j]
            out[i] = s
