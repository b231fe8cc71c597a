"""The columns that a working set takes out of a compressed sparse matrix.

The matrix is as in sparse.pyx. What becomes of them is a panel of rows, see rows.pyx.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t

from .gather cimport integer
from .rank cimport number_of
from .simd cimport real


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
