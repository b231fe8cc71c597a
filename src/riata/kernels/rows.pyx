"""The rows of a gathered working set, and loops over them on native threads.

Row i is what `local` (the columns' numbers) and `value` hold at indptr[i]:indptr[i + 1], as double
and already shifted (panel.pyx). Within a row columns come in the order in which they joined.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memmove

from .gather cimport integer
from .pool cimport job_fn, parallel
from .simd cimport real

cdef extern from "rows.h" nogil:
    void riata_number_rows(const int64_t *start, int32_t *row, Py_ssize_t r0, Py_ssize_t r1)
    void riata_row_dots(
        const int64_t *start, const int32_t *row, const int32_t *local, const double *value,
        Py_ssize_t r0, Py_ssize_t r1, const double *coef, double *out)
    void riata_add_pairs(
        const int32_t *row, const int32_t *local, const double *value, Py_ssize_t count,
        const double *u, const double *v, double *out, Py_ssize_t columns)
    void riata_move_row(
        int32_t *local, double *value, Py_ssize_t start, Py_ssize_t to, Py_ssize_t count)


cdef void spread_run(void *rows, Py_ssize_t k) noexcept nogil:
    (<Rows>rows).spread_run(k)


cdef void keep_run(void *rows, Py_ssize_t k) noexcept nogil:
    (<Rows>rows).keep_run(k)


cdef void number_run(void *rows, Py_ssize_t k) noexcept nogil:
    (<Rows>rows).number_run(k)


cdef void gram_run(void *rows, Py_ssize_t k) noexcept nogil:
    (<Rows>rows).gram_run(k)


cdef void columns_run(void *rows, Py_ssize_t k) noexcept nogil:
    (<Rows>rows).columns_run(k)


cdef void products_run(void *rows, Py_ssize_t k) noexcept nogil:
    (<Rows>rows).products_run(k)


cdef void image_run(void *rows, Py_ssize_t k) noexcept nogil:
    (<Rows>rows).image_run(k)


cdef void gram_of_some(
    Rows rows, const real *data, const integer *indices, Py_ssize_t k
) noexcept nogil:
    """See Rows.gram_of_columns."""
    cdef const int32_t *local = &rows.local[0]
    cdef const double *value = &rows.value[0]
    cdef Py_ssize_t i, b, c, e
    cdef double v
    cdef double *row
    for c in range(rows.ends[k], rows.ends[k + 1]):
        row = &rows.sums[c, 0]
        for b in range(rows.mean.shape[0]):
            row[b] = -rows.mass * (rows.mean[rows.first + c] * rows.mean[b])
        for e in range(rows.start[c], rows.end[c]):
            i = indices[e]
            v = rows.weights[i] * (data[e] - rows.shift[c])
            for b in range(rows.indptr[i], rows.indptr[i + 1]):
                row[local[b]] += v * value[b]


cdef class Rows:
    """indptr (n + 1,), local, value : as above; the latter two may have room for more
    n_threads : by which loops are shared out. Jobs are given by their ends: 0, .., and the last one
    row : that of every entry, and one more number, for products; None where there are to be none
    """

    def __init__(
        self, const int64_t[::1] indptr, int32_t[::1] local, double[::1] value,
        Py_ssize_t n_threads, int32_t[::1] row
    ):
        self.indptr, self.local, self.value, self.row = indptr, local, value, row
        self.n_threads = n_threads

    cdef void loop(self, job_fn job) noexcept nogil:
        parallel(job, <void *>self, self.ends.shape[0] - 1, self.n_threads)

    # -- columns that come and go ------------------------------------------------------------------

    def lengthen(self, int64_t[::1] longer):
        """Where rows begin and end that grow by longer[i + 1] entries each: overwrites `longer`."""
        cdef Py_ssize_t i
        cdef int64_t end = 0
        with nogil:
            longer[0] = 0
            for i in range(1, self.indptr.shape[0]):
                end += self.indptr[i] - self.indptr[i - 1] + longer[i]
                longer[i] = end

    def spread(self, int64_t[::1] longer, int64_t[::1] cursor, const Py_ssize_t[::1] ends):
        """Move the rows to the fronts of their longer new rows, in place; cursor_i points behind.

        Jobs are runs of rows. What an earlier run may overwrite is set aside first.
        """
        cdef Py_ssize_t k, start, to = 0, jobs = ends.shape[0] - 1
        self.moved, self.cursor, self.ends = longer, cursor, ends
        self.kept, self.aside = np.empty((2, jobs + 1), dtype=np.intp)
        for k in range(jobs):
            start = self.indptr[ends[k]]
            self.kept[k] = ends[k] + np.searchsorted(
                self.indptr[ends[k] : ends[k + 1]], longer[ends[k]])
            self.aside[k] = to
            to += self.indptr[self.kept[k]] - start
        self.aside[jobs] = to
        self.local_aside, self.value_aside = np.empty(to, dtype=np.int32), np.empty(to)
        with nogil:
            for k in range(jobs):
                start, to = self.indptr[ends[k]], self.aside[k]
                if self.aside[k + 1] > to:
                    memcpy(&self.local_aside[to], &self.local[start],
                           (self.aside[k + 1] - to) * sizeof(int32_t))
                    memcpy(&self.value_aside[to], &self.value[start],
                           (self.aside[k + 1] - to) * sizeof(double))
            self.loop(spread_run)

    cdef void spread_run(self, Py_ssize_t k) noexcept nogil:
        """The last row first: it goes where no other of the run is."""
        cdef Py_ssize_t i, size, start, to, first = self.ends[k]
        for i in range(self.ends[k + 1] - 1, first - 1, -1):
            start, to = self.indptr[i], self.moved[i]
            size = self.indptr[i + 1] - start
            self.cursor[i] = to + size
            if size == 0 or to == start:
                continue
            if i >= self.kept[k]:
                riata_move_row(&self.local[0], &self.value[0], start, to, size)
            else:
                start += self.aside[k] - self.indptr[first]
                memcpy(&self.local[to], &self.local_aside[start], size * sizeof(int32_t))
                memcpy(&self.value[to], &self.value_aside[start], size * sizeof(double))

    def keep(self, const int32_t[::1] number, int64_t[::1] shorter, const Py_ssize_t[::1] ends):
        """Keep the columns a with number[a] >= 0, their number from now on, in place: row i lies at
        shorter[i]:shorter[i + 1] then. Jobs are runs of rows."""
        self.number, self.moved, self.ends = number, shorter, ends
        with nogil:
            self.loop(keep_run)
            self.close_ranks()

    cdef void keep_run(self, Py_ssize_t k) noexcept nogil:
        """The same where the run begins; shorter[i] is where row i - 1 ends then."""
        cdef Py_ssize_t i, e = self.indptr[self.ends[k]], to = e
        cdef int32_t a
        cdef int32_t *local = &self.local[0]
        cdef double *value = &self.value[0]
        for i in range(self.ends[k] + 1, self.ends[k + 1] + 1):
            while e < self.indptr[i]:
                a = self.number[local[e]]
                local[to], value[to] = a, value[e]   # read before, or overwritten by the next
                to += a >= 0
                e += 1
            self.moved[i] = to

    cdef void close_ranks(self) noexcept nogil:
        """Move runs to where those before them end."""
        cdef Py_ssize_t i, k, start, size, to = 0
        self.moved[0] = 0
        for k in range(self.ends.shape[0] - 1):
            start = self.indptr[self.ends[k]]
            size = self.moved[self.ends[k + 1]] - start
            if start > to:
                memmove(&self.local[to], &self.local[start], size * sizeof(int32_t))
                memmove(&self.value[to], &self.value[start], size * sizeof(double))
                for i in range(self.ends[k] + 1, self.ends[k + 1] + 1):
                    self.moved[i] -= start - to
            to += size

    # -- the Gram matrix ---------------------------------------------------------------------------

    def pairs(self):
        """The number of pairs of entries that share a row, each with itself included, twice the
        others."""
        cdef Py_ssize_t i
        cdef double size, total = 0.0
        with nogil:
            for i in range(1, self.indptr.shape[0]):
                size = self.indptr[i] - self.indptr[i - 1]
                total += size * size
        return total

    def gram(
        self, const double[::1] weights, const double[::1] mean, double mass, Py_ssize_t first,
        double[:, ::1] out, bint upper, const Py_ssize_t[::1] ends
    ):
        """out_ab = sum_i w_i x_i,first+a x_ib - mass mean_first+a mean_b for the columns from
        `first` on against all; overwritten. Jobs are runs of a.

        upper : first is 0, columns ascend in every row, and b < a is not wanted
        Cost: sum over rows of (new entries) x (all entries), half of that where `upper`.
        """
        self.weights, self.mean, self.mass, self.first = weights, mean, mass, first
        self.sums, self.upper, self.ends = out, upper, ends
        with nogil:
            self.loop(gram_run)

    cdef void gram_run(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t i, a, b, c, start, c0 = self.ends[k], c1 = self.ends[k + 1]
        cdef const int32_t *local = &self.local[0]
        cdef const double *value = &self.value[0]
        cdef double v
        cdef double *row
        for a in range(c0, c1):
            v = self.mean[self.first + a]
            for b in range(a if self.upper else 0, self.mean.shape[0]):
                self.sums[a, b] = -self.mass * (v * self.mean[b])   # the same bits as out_ba
        for i in range(self.weights.shape[0]):
            for a in range(self.indptr[i + 1] - 1, self.indptr[i] - 1, -1):
                c = local[a] - self.first
                if c < (c0 if self.upper else 0):
                    break
                if not c0 <= c < c1:
                    continue
                start = self.indptr[i]
                if self.upper:
                    start = a
                    while start > self.indptr[i] and local[start - 1] == local[a]:   # stored twice
                        start -= 1
                v = self.weights[i] * value[a]
                row = &self.sums[c, 0]
                for b in range(start, self.indptr[i + 1]):
                    row[local[b]] += v * value[b]

    def gram_of_columns(
        self, const double[::1] weights, const double[::1] mean, double mass, Py_ssize_t first,
        double[:, ::1] out, const real[::1] data, const integer[::1] indices,
        const int64_t[::1] start, const int64_t[::1] end, const double[::1] shift,
        const Py_ssize_t[::1] ends
    ):
        """The same for columns that also lie one by one, at start[b]:end[b], less shift[b].

        Cost: the products alone, without a look at rows where they hold nothing.
        """
        if start.shape[0] == 0:
            return
        self.weights, self.mean, self.mass, self.first = weights, mean, mass, first
        self.data, self.indices = &data[0], &indices[0]
        self.is_double, self.is_int = real is double, integer is int
        self.start, self.end, self.shift = start, end, shift
        self.sums, self.ends = out, ends
        with nogil:
            self.loop(columns_run)

    cdef void columns_run(self, Py_ssize_t k) noexcept nogil:
        if self.is_double and self.is_int:
            gram_of_some(self, <const double *>self.data, <const int *>self.indices, k)
        elif self.is_double:
            gram_of_some(self, <const double *>self.data, <const long long *>self.indices, k)
        elif self.is_int:
            gram_of_some(self, <const float *>self.data, <const int *>self.indices, k)
        else:
            gram_of_some(self, <const float *>self.data, <const long long *>self.indices, k)

    # -- products ----------------------------------------------------------------------------------

    def number_rows(self, int32_t[::1] row, const Py_ssize_t[::1] ends):
        """Make row[e] the row of entry e. Jobs are runs of rows."""
        self.row, self.ends = row, ends
        with nogil:
            self.loop(number_run)

    cdef void number_run(self, Py_ssize_t k) noexcept nogil:
        riata_number_rows(&self.indptr[0], &self.row[0], self.ends[k], self.ends[k + 1])

    def transpose_dots(
        self, const double[:, ::1] vectors, Py_ssize_t first, double[:, :, ::1] out,
        const Py_ssize_t[::1] ends
    ):
        """out_kam = sum_i x_i,first+a vectors_mi over the rows of job k, one or two vectors; the
        last a: sum_i vectors_mi. Overwritten.

        Where first > 0 columns ascend in every row; no others are read.
        """
        self.vectors, self.first, self.parts, self.ends = vectors, first, out, ends
        with nogil:
            self.loop(products_run)

    cdef void products_run(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t i, m, r0 = self.ends[k], r1 = self.ends[k + 1]
        cdef Py_ssize_t last = self.parts.shape[1] - 1
        self.parts[k, :, :] = 0.0
        if self.first == 0 and self.vectors.shape[0] == 2:
            self.products(self.vectors, &self.parts[k, 0, 0], last, r0, r1)
        else:
            for i in range(r0, r1):
                self.add_row(i, k)
        for m in range(self.vectors.shape[0]):
            for i in range(r0, r1):
                self.parts[k, last, m] += self.vectors[m, i]

    cdef void add_row(self, Py_ssize_t i, Py_ssize_t k) noexcept nogil:
        """Add what row i makes of the vectors to the sums of job k."""
        cdef Py_ssize_t e, m, a
        for e in range(self.indptr[i + 1] - 1, self.indptr[i] - 1, -1):
            a = self.local[e] - self.first
            if a < 0:
                return
            for m in range(self.vectors.shape[0]):
                self.parts[k, a, m] += self.value[e] * self.vectors[m, i]

    cdef void products(
        self, const double[:, ::1] vectors, double *out, Py_ssize_t columns, Py_ssize_t r0,
        Py_ssize_t r1
    ) noexcept nogil:
        """out_am = sum_i x_ia vectors_mi over the rows r0:r1, of two vectors; overwritten."""
        cdef Py_ssize_t e = self.indptr[r0]
        riata_add_pairs(
            &self.row[e], &self.local[e], &self.value[e], self.indptr[r1] - e, &vectors[0, 0],
            &vectors[1, 0], out, columns)

    def dot(self, const double[::1] coef, double[::1] out, const Py_ssize_t[::1] ends):
        """out_i = sum_a x_ia coef_a. Jobs are runs of rows."""
        self.coef, self.out, self.ends = coef, out, ends
        with nogil:
            self.loop(image_run)

    cdef void image_run(self, Py_ssize_t k) noexcept nogil:
        self.image(self.coef, self.out, self.ends[k], self.ends[k + 1])

    cdef void image(
        self, const double[::1] coef, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
    ) noexcept nogil:
        """The same for i in r0:r1."""
        riata_row_dots(
            &self.indptr[0], &self.row[0], &self.local[0], &self.value[0], r0, r1, &coef[0],
            &out[0])

    def dot_of(self, const double[::1] coef, const Py_ssize_t[::1] rows, double[::1] out):
        """out_k = sum_a x_ia coef_a for the k-th of some rows i."""
        cdef Py_ssize_t k, e
        cdef double sum
        with nogil:
            for k in range(rows.shape[0]):
                sum = 0.0
                for e in range(self.indptr[rows[k]], self.indptr[rows[k] + 1]):
                    sum += self.value[e] * coef[self.local[e]]
                out[k] = sum
