"""The columns that a working set takes out of a compressed sparse matrix, and their panel.

The matrix is as in sparse.pyx. A panel is the working set in row form, already shifted:
(indptr, local column, value), double.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy

from .gather cimport integer
from .rank cimport number_of
from .simd cimport real

cdef extern from "panel.h" nogil:
    void riata_add_pairs(
        const int32_t *local, const double *value, Py_ssize_t count, Py_ssize_t first, double u,
        double v, double *out)
    void riata_row_dots(
        const int64_t *start, const int32_t *local, const double *value, Py_ssize_t stored,
        const Py_ssize_t *rows, Py_ssize_t first, Py_ssize_t count, const double *coef,
        double *out)
    void riata_move_row(
        int32_t *local, double *value, Py_ssize_t start, Py_ssize_t to, Py_ssize_t count)


# -- columns of a matrix stored by rows -----------------------------------------------------------

def csr_column_counts(
    const integer[::1] indices, const int64_t[::1] indptr, const uint64_t[::1] seen,
    const int32_t[::1] before, int32_t[::1] left
):
    """left_j -= the number of entries of column j."""
    cdef Py_ssize_t k
    with nogil:
        for k in range(indptr[0], indptr[indptr.shape[0] - 1]):
            left[number_of(seen, before, indices[k])] -= 1


def csr_columns(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] indptr,
    const uint64_t[::1] seen, const int32_t[::1] before, const int32_t[::1] place,
    Py_ssize_t first, int64_t[::1] cursor, int32_t[::1] rows, real[::1] values,
    Py_ssize_t r0, Py_ssize_t r1
):
    """Put every entry of the rows r0:r1 whose column j has place[j] = first + a, a >= 0, at
    cursor[a] of rows and values; where r0 > r1, of the rows r1:r0, the last first, in front of
    cursor[a]."""
    cdef Py_ssize_t r, i, k, a, e
    cdef int64_t to
    cdef bint down = r0 > r1
    with nogil:
        for r in range(r0 - r1 if down else r1 - r0):
            i = r0 - 1 - r if down else r0 + r
            for e in range(indptr[i], indptr[i + 1]):
                k = indptr[i] + indptr[i + 1] - 1 - e if down else e
                a = place[number_of(seen, before, indices[k])] - first
                if a >= 0:
                    to = cursor[a] - down
                    cursor[a] += 1 - 2 * down
                    rows[to] = <int32_t>i
                    values[to] = data[k]


# -- the panel ------------------------------------------------------------------------------------

def csc_count(
    const integer[::1] indices, const int64_t[::1] start, const int64_t[::1] end,
    int64_t[::1] count
):
    """count_i += the number of entries of some columns, at start[b]:end[b], stored in row i."""
    cdef Py_ssize_t b, k
    with nogil:
        for b in range(start.shape[0]):
            for k in range(start[b], end[b]):
                count[indices[k]] += 1


def csr_count(
    const integer[::1] indices, const int64_t[::1] indptr, const uint64_t[::1] seen,
    const int32_t[::1] before, const int32_t[::1] number, int64_t[::1] count,
    Py_ssize_t r0, Py_ssize_t r1
):
    """count_i += the number of entries of row i in r0:r1 whose column j has number[j] >= 0."""
    cdef Py_ssize_t i, j, k
    with nogil:
        for i in range(r0, r1):
            for k in range(indptr[i], indptr[i + 1]):
                j = number_of(seen, before, indices[k])
                count[i] += number[j] >= 0


def lengthen(const int64_t[::1] indptr, int64_t[::1] longer):
    """Where rows begin and end that grow by longer[i + 1] entries each: overwrites `longer`."""
    cdef Py_ssize_t i
    cdef int64_t end = 0
    with nogil:
        longer[0] = 0
        for i in range(1, indptr.shape[0]):
            end += indptr[i] - indptr[i - 1] + longer[i]
            longer[i] = end


def spread_rows(
    const int64_t[::1] indptr, const int64_t[::1] new_indptr, int32_t[::1] local,
    double[::1] value, int64_t[::1] cursor, const int32_t[::1] local_aside,
    const double[::1] value_aside, Py_ssize_t aside, Py_ssize_t r0, Py_ssize_t r1
):
    """Move the rows r0:r1 to the fronts of their longer new rows, in place; cursor_i points behind.

    The last row first: it goes where no other of them is. The entries of the rows r0:aside come
    from `local_aside` and `value_aside`: where they were, earlier rows may be by now.
    """
    cdef Py_ssize_t i, size
    with nogil:
        for i in range(r1 - 1, r0 - 1, -1):
            size = indptr[i + 1] - indptr[i]
            cursor[i] = new_indptr[i] + size
            if size == 0 or new_indptr[i] == indptr[i]:
                continue
            if i >= aside:
                riata_move_row(&local[0], &value[0], indptr[i], new_indptr[i], size)
            else:
                memcpy(&local[new_indptr[i]], &local_aside[indptr[i] - indptr[r0]],
                       size * sizeof(int32_t))
                memcpy(&value[new_indptr[i]], &value_aside[indptr[i] - indptr[r0]],
                       size * sizeof(double))


def keep_columns(
    const int32_t[::1] number, const int64_t[::1] indptr, int32_t[::1] local, double[::1] value,
    int64_t[::1] end, Py_ssize_t r0, Py_ssize_t r1
):
    """Keep the entries of the rows r0:r1 whose column a has number[a] >= 0, its number from now on,
    from where row r0 begins, in place; end_i is where row i - 1 ends then."""
    cdef Py_ssize_t i, k = indptr[r0], to = k
    cdef int32_t a
    with nogil:
        for i in range(r0 + 1, r1 + 1):
            while k < indptr[i]:
                a = number[local[k]]
                local[to], value[to] = a, value[k]   # read before, or overwritten by the next
                to += a >= 0
                k += 1
            end[i] = to


def csc_gather(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] start,
    const int64_t[::1] end, const double[::1] shift, Py_ssize_t first, int64_t[::1] cursor,
    int32_t[::1] local, double[::1] value
):
    """Append some columns, at start[b]:end[b], numbered first + b, to the rows of the panel."""
    cdef Py_ssize_t b, k, to
    with nogil:
        for b in range(start.shape[0]):
            for k in range(start[b], end[b]):
                to = cursor[indices[k]]
                cursor[indices[k]] = to + 1
                local[to] = <int32_t>(first + b)
                value[to] = data[k] - shift[b]


def csr_gather(
    const real[::1] data, const integer[::1] indices, const int64_t[::1] indptr,
    const uint64_t[::1] seen, const int32_t[::1] before, const int32_t[::1] number,
    const double[::1] shift, int64_t[::1] cursor, int32_t[::1] local, double[::1] value,
    Py_ssize_t r0, Py_ssize_t r1
):
    """Append every entry of the rows r0:r1 whose column j has number[j] >= 0, its local number."""
    cdef Py_ssize_t i, j, k, to
    cdef int32_t a
    with nogil:
        for i in range(r0, r1):
            to = cursor[i]
            for k in range(indptr[i], indptr[i + 1]):
                j = number_of(seen, before, indices[k])
                a = number[j]
                if a >= 0:
                    local[to] = a
                    value[to] = data[k] - shift[j]
                    to += 1
            cursor[i] = to


def pairs(const int64_t[::1] indptr):
    """The number of pairs of entries that share a row, each with itself included, twice the others.
    """
    cdef Py_ssize_t i
    cdef double size, total = 0.0
    with nogil:
        for i in range(1, indptr.shape[0]):
            size = indptr[i] - indptr[i - 1]
            total += size * size
    return total


def gram(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[::1] w, const double[::1] mean, double mass, Py_ssize_t first,
    double[:, ::1] out, bint upper, Py_ssize_t c0, Py_ssize_t c1
):
    """out_ab = sum_i w_i x_i,first+a x_ib - mass mean_first+a mean_b for the columns from `first`
    on against all, a in c0:c1; overwritten.

    upper : first is 0, columns ascend in every row, and b < a is not wanted
    Within a row the new columns come last. Cost: sum over rows of (new entries) x (all entries),
    half of that where `upper`.
    """
    cdef Py_ssize_t i, a, b, c, start
    cdef double v
    cdef double *row
    with nogil:
        for a in range(c0, c1):
            v = mean[first + a]
            for b in range(a if upper else 0, mean.shape[0]):
                out[a, b] = -mass * (v * mean[b])   # the same bits as out_ba
        for i in range(w.shape[0]):
            for a in range(indptr[i + 1] - 1, indptr[i] - 1, -1):
                c = local[a] - first
                if c < (c0 if upper else 0):
                    break
                if not c0 <= c < c1:
                    continue
                start = indptr[i]
                if upper:
                    start = a
                    while start > indptr[i] and local[start - 1] == local[a]:   # stored twice
                        start -= 1
                v = w[i] * value[a]
                row = &out[c, 0]
                for b in range(start, indptr[i + 1]):
                    row[local[b]] += v * value[b]


def gram_of_columns(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[::1] w, const double[::1] mean, double mass, Py_ssize_t first,
    const real[::1] data, const integer[::1] indices, const int64_t[::1] start,
    const int64_t[::1] end, const double[::1] shift, double[:, ::1] out, Py_ssize_t c0,
    Py_ssize_t c1
):
    """The same as `gram` for columns that also lie one by one, at start[b]:end[b], less shift[b].

    Cost: the products alone, without a look at rows where they hold nothing.
    """
    cdef Py_ssize_t i, b, c, e
    cdef double v
    cdef double *row
    with nogil:
        for c in range(c0, c1):
            row = &out[c, 0]
            for b in range(mean.shape[0]):
                row[b] = -mass * (mean[first + c] * mean[b])
            for e in range(start[c], end[c]):
                i = indices[e]
                v = w[i] * (data[e] - shift[c])
                for b in range(indptr[i], indptr[i + 1]):
                    row[local[b]] += v * value[b]


cdef void products(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[:, ::1] vectors, Py_ssize_t first, double[:, ::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil:
    """See transpose_dots."""
    cdef Py_ssize_t i, k, start, last = out.shape[0] - 1
    cdef double u, v
    cdef bint two = vectors.shape[0] == 2
    out[:, :] = 0.0
    for i in range(r0, r1):
        start = indptr[i]
        if first > 0:
            start = indptr[i + 1]
            while start > indptr[i] and local[start - 1] >= first:
                start -= 1
        u = vectors[0, i]
        out[last, 0] += u
        if two:
            v = vectors[1, i]
            out[last, 1] += v
            riata_add_pairs(
                &local[start], &value[start], indptr[i + 1] - start, first, u, v, &out[0, 0])
        else:
            for k in range(start, indptr[i + 1]):
                out[local[k] - first, 0] += value[k] * u


def transpose_dots(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[:, ::1] vectors, Py_ssize_t first, double[:, ::1] out, Py_ssize_t r0, Py_ssize_t r1
):
    """out_am = sum_i x_i,first+a vectors_mi over the rows r0:r1, one or two vectors; its last row
    sum_i vectors_mi. Overwritten.

    Within a row the columns from `first` on come last: no others are read.
    """
    with nogil:
        products(indptr, local, value, vectors, first, out, r0, r1)


cdef void image(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[::1] coef, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil:
    """See dot."""
    riata_row_dots(
        &indptr[0], &local[0], &value[0], indptr[indptr.shape[0] - 1], NULL, r0, r1 - r0, &coef[0],
        &out[r0])


def dot(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[::1] coef, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
):
    """out_i = sum_a x_ia coef_a for i in r0:r1."""
    with nogil:
        image(indptr, local, value, coef, out, r0, r1)


def dot_of(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[::1] coef, const Py_ssize_t[::1] rows, double[::1] out
):
    """out_k = sum_a x_ia coef_a for the k-th of some rows i."""
    with nogil:
        riata_row_dots(
            &indptr[0], &local[0], &value[0], indptr[indptr.shape[0] - 1], &rows[0], 0,
            rows.shape[0], &coef[0], &out[0])
