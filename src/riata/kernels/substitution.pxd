# cython: language_level=3
"""Triangular solves with a factor; see substitution.pyx."""

cdef class Triangle:
    cdef const double *packed
    cdef double *x
    cdef double *y          # of a block of groups: x there, at a cache line
    cdef object room        # what y points into
    cdef Py_ssize_t groups, size, begin, end
    cdef Py_ssize_t n_threads

    cdef void forward(
        self, const double *packed, Py_ssize_t size, double *x
    ) noexcept nogil
    cdef void backward(
        self, const double *packed, Py_ssize_t size, double *x
    ) noexcept nogil
    cdef void forward_beyond(self, Py_ssize_t k) noexcept nogil
    cdef void backward_beyond(self, Py_ssize_t k) noexcept nogil
