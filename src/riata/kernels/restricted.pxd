# cython: language_level=3
"""The duality gap of the problem restricted to the working set, which stops the inner solvers."""

from libc.math cimport INFINITY

from .scalar cimport fenchel_young, scale_limit


cdef inline double restricted_gap(
    const double[::1] coef, const double[::1] grad, double resid_sq, const double[::1] norm_sq,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper
) noexcept nogil:
    """The duality gap on the working set, at the residual scaled into the dual domain.

    A feature that has no penalty and is off its bounds would force that scale to 0 for a gradient
    of one rounding error: it counts with what a step along it would gain instead.
    """
    cdef Py_ssize_t a
    cdef double c = 1.0, gap = 0.0, z
    for a in range(coef.shape[0]):
        z = grad[a]
        if l1[a] == 0.0 and l2[a] == 0.0 and (upper[a] if z > 0.0 else -lower[a]) == INFINITY:
            if norm_sq[a] > 0.0:
                gap += 0.5 * z * z / norm_sq[a]
        else:
            c = min(c, scale_limit(z, l1[a], l2[a], lower[a], upper[a]))
    gap += 0.5 * (1.0 - c) * (1.0 - c) * max(resid_sq, 0.0)
    for a in range(coef.shape[0]):
        z = c * grad[a]
        if l1[a] > 0.0 or l2[a] > 0.0 or (upper[a] if z > 0.0 else -lower[a]) < INFINITY:
            gap += fenchel_young(coef[a], z, l1[a], l2[a], lower[a], upper[a])
    return gap
