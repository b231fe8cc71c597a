# cython: language_level=3
"""How far to go along a step; see line_search.pyx."""

from .trips cimport Trip


cdef double search(
    Trip trip, const double[::1] coef, const double[::1] step, const double[:] l1,
    const double[:] l2, bint straight, double[::1] new
) except -1.0 nogil
