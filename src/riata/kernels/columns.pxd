# cython: language_level=3
"""Columns of a dense matrix that lie along memory, on threads; see columns.pyx."""


cdef class Columns:
    cdef const double[:, :] doubles
    cdef const float[:, :] floats
    cdef const double[::1] shift
    cdef bint is_double
    cdef Py_ssize_t n_threads
    cdef const Py_ssize_t[::1] index      # of what is being made, see columns.pyx
    cdef const double[:, ::1] given
    cdef const double[::1] coef
    cdef double *to                       # a product's rows, so far apart
    cdef Py_ssize_t apart
    cdef double[:, ::1] made
    cdef double[::1] moved
    cdef const double[::1] weights
    cdef double[:, ::1] weighed
    cdef double[:, :] across              # the same of the first so many columns, transposed
    cdef Py_ssize_t n_across
    cdef const Py_ssize_t[::1] new
    cdef Py_ssize_t share                 # columns or rows of a job

    cdef void dots(
        self, const Py_ssize_t[::1] index, const double[:, ::1] vectors, double[:, ::1] out
    ) noexcept nogil
    cdef void images(
        self, const Py_ssize_t[::1] index, const double[:, ::1] coef, double[:, ::1] out
    ) noexcept nogil
    cdef void image(
        self, const Py_ssize_t[::1] index, const double[::1] coef, double[::1] out
    ) noexcept nogil
    cdef void gram_rows(
        self, const Py_ssize_t[::1] new, const Py_ssize_t[::1] index, const double[::1] weights,
        double[:, ::1] weighed, double[:, :] out, double[:, :] across
    ) noexcept nogil
    cdef void dots_to(
        self, const Py_ssize_t[::1] index, const double[:, ::1] vectors, double *to,
        Py_ssize_t apart
    ) noexcept nogil
    cdef void weigh(self, Py_ssize_t k) noexcept nogil
    cdef void some_dots(self, Py_ssize_t k) noexcept nogil
    cdef void some_images(self, Py_ssize_t k) noexcept nogil
    cdef void some_image(self, Py_ssize_t k) noexcept nogil
