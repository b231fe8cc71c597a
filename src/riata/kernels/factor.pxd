# cython: language_level=3
"""The Cholesky factor of some rows and columns of a matrix H + diag(l2); see factor.pyx."""

from libc.stdint cimport uint8_t


cdef class Factor:
    cdef double tolerance        # share of a pivot below which a row depends on others
    cdef double[::1] packed      # groups of eight rows
    cdef double[::1] turns       # the rotations of one `drop`
    cdef Py_ssize_t capacity     # rows there is room for
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t downdates   # since the last time that all of L was formed
    cdef double weakest          # the smallest share of a pivot that was left, since it was set

    cdef Py_ssize_t n_threads
    cdef Py_ssize_t begin, end, first, share   # the groups that are formed, see eliminate
    cdef double work             # multiply-adds since the last look at the signals

    cdef bint reserve(self, Py_ssize_t rows) except -1
    cdef Py_ssize_t extend(
        self, const double[:, ::1] gram, const Py_ssize_t *index, const double *l2,
        Py_ssize_t last, uint8_t *dependent
    ) except -1 nogil
    cdef void gather(
        self, const double[:, ::1] gram, const Py_ssize_t *index, const double *l2,
        Py_ssize_t first, Py_ssize_t last, Py_ssize_t begin, Py_ssize_t end
    ) noexcept nogil
    cdef bint eliminate(
        self, Py_ssize_t first, Py_ssize_t last, Py_ssize_t begin, Py_ssize_t end,
        uint8_t *dependent
    ) except -1 nogil
    cdef void eliminate_left(self, Py_ssize_t k) noexcept nogil
    cdef void finish(
        self, Py_ssize_t group, Py_ssize_t first, Py_ssize_t last, const double *product,
        uint8_t *dependent
    ) noexcept nogil
    cdef bint dropping_is_cheaper(self, Py_ssize_t first, Py_ssize_t count) noexcept nogil
    cdef bint drop(self, const uint8_t *leaves) except -1 nogil
    cdef bint turn_out(self, const Py_ssize_t *gone, Py_ssize_t width) except -1 nogil
    cdef Py_ssize_t close_ranks(
        self, Py_ssize_t group, Py_ssize_t old, Py_ssize_t size, const Py_ssize_t *gone,
        Py_ssize_t width, double *lost
    ) noexcept nogil
    cdef bint truncate(self, Py_ssize_t size) except -1 nogil
    cdef void invert(
        self, double[::1] columns, Py_ssize_t first, Py_ssize_t last, double[::1] out
    ) noexcept nogil
