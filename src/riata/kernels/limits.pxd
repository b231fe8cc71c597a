# cython: language_level=3
"""What keeps an active feature to its side, and what an inactive one wants."""

from libc.math cimport fabs


cdef inline double sign_of(double b, double l1) noexcept nogil:
    """The sign that an active feature keeps: 0 where it has no L1 part, and may change it."""
    if l1 == 0.0 or b == 0.0:
        return 0.0
    return 1.0 if b > 0.0 else -1.0


cdef inline double join_sign(double b, double direction, double l1) noexcept nogil:
    """The sign of a feature that joins at b and wants to move in a direction."""
    return sign_of(direction if b == 0.0 else b, l1)


cdef inline double violation(
    double b, double g, double l1, double l2, double lower, double upper
) noexcept nogil:
    """How far an inactive feature is from its optimality condition, signed as it wants to move.

    What is within rounding of the condition counts as 0.
    """
    cdef inline double m
    if b == 0.0:
        m = max(g - l1, 0.0) + min(g + l1, 0.0)
    else:
        m = g - (l1 if b > 0.0 else -l1) - l2 * b
    if fabs(m) <= 1e-14 * (fabs(g) + l1) or (upper <= b if m > 0.0 else lower >= b):
        return 0.0
    return m
