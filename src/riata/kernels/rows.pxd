# cython: language_level=3
"""A gathered working set in row form, for native loops; see rows.pyx."""

from libc.stdint cimport int32_t, int64_t

from .pool cimport job_fn


cdef class Rows:
    cdef const int64_t[::1] indptr
    cdef int32_t[::1] row, local
    cdef double[::1] value
    cdef Py_ssize_t n_threads
    # what the jobs of a loop are about; see the methods that set them
    cdef const Py_ssize_t[::1] ends           # job k is about ends[k]:ends[k + 1]
    cdef int64_t[::1] moved, cursor
    cdef const int32_t[::1] number
    cdef Py_ssize_t[::1] kept, aside
    cdef int32_t[::1] local_aside
    cdef double[::1] value_aside
    cdef const double[::1] weights, mean, coef
    cdef double mass
    cdef Py_ssize_t first
    cdef bint upper, is_double, is_int
    cdef const void *data
    cdef const void *indices
    cdef const int64_t[::1] start, end
    cdef const double[::1] shift
    cdef const double[:, ::1] vectors
    cdef double[:, ::1] sums
    cdef double[:, :, ::1] parts
    cdef double[::1] out

    cdef void loop(self, job_fn job) noexcept nogil
    cdef void spread_run(self, Py_ssize_t k) noexcept nogil
    cdef void keep_run(self, Py_ssize_t k) noexcept nogil
    cdef void close_ranks(self) noexcept nogil
    cdef void number_run(self, Py_ssize_t k) noexcept nogil
    cdef void gram_run(self, Py_ssize_t k) noexcept nogil
    cdef void columns_run(self, Py_ssize_t k) noexcept nogil
    cdef void products_run(self, Py_ssize_t k) noexcept nogil
    cdef void image_run(self, Py_ssize_t k) noexcept nogil
    cdef void add_row(self, Py_ssize_t i, Py_ssize_t k) noexcept nogil
    cdef void products(
        self, const double[:, ::1] vectors, double *out, Py_ssize_t columns, Py_ssize_t r0,
        Py_ssize_t r1
    ) noexcept nogil
    cdef void image(
        self, const double[::1] coef, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
    ) noexcept nogil
