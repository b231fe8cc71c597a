# cython: language_level=3
"""Active features and the factor of their Gram matrix; see factored_set.pyx."""

from libc.stdint cimport uint8_t

from .factor cimport Factor
from .substitution cimport Triangle


cdef class FactoredSet:
    cdef Factor factor              # of H_AA + diag(l2); its size is that of A
    cdef Triangle triangle          # solves with it
    cdef double[::1] ridge          # the l2 that is in the factor, by position in A
    cdef double[::1] sign           # by position in A; 0 where nothing forbids a change of sign
    cdef Py_ssize_t[::1] active     # positions in the working set, in the order of the factor
    cdef Py_ssize_t[::1] place      # position in A by position in the working set, or -1
    cdef uint8_t[::1] leaves        # by position in A
    cdef Py_ssize_t n_threads

    cdef bint reserve(self, Py_ssize_t size) except -1 nogil
    cdef bint cover(self, Py_ssize_t size) except -1 nogil
    cdef void note(self, Py_ssize_t i, Py_ssize_t j, double l2, double sign) noexcept nogil
    cdef Py_ssize_t admit(self, const double[:, ::1] gram, Py_ssize_t size) except -1 nogil
    cdef bint remove_leaving(self, const double[:, ::1] gram, bint anew) except -1 nogil
    cdef void solve(self, double *x) noexcept nogil
