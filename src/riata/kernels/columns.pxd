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
    cdef double[:, ::1] made
    cdef double[::1] moved
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
    cdef void some_dots(self, Py_ssize_t k) noexcept nogil
    cdef void some_images(self, Py_ssize_t k) noexcept nogil
    cdef void some_image(self, Py_ssize_t k) noexcept nogil
