# cython: language_level=3
"""The duality gap from z (p,), and what rounding hides of it, for native loops; see dual.pyx."""

from libc.stdint cimport uint8_t

cdef double scale_of(
    const double[::1] z, const double[:] l1, const double[:] l2, const double[:] lower,
    const double[:] upper, const uint8_t[:] skip
) noexcept nogil
cdef double gap_at(
    const double[::1] coef, const double[::1] z, double c, const double[:] l1,
    const double[:] l2, const double[:] lower, const double[:] upper, const uint8_t[:] skip,
    double *slope
) noexcept nogil
cpdef double penalty(
    const double[::1] coef, const double[:] l1, const double[:] l2
) noexcept nogil
cpdef double penalty_slope(
    const double[::1] coef, const double[::1] step, const double[:] l1, const double[:] l2
) noexcept nogil
cpdef double rounding(double resid_sq, double size) noexcept nogil
cpdef double gram_rounding(double resid_sq, double magnitude, double y_size) noexcept nogil
