# cython: language_level=3
"""The duality gap of the problem restricted to the working set, which stops the inner solvers."""

from libc.math cimport INFINITY, fabs

from .scalar cimport fenchel_young, scale_limit


cdef inline double scale_within(double z, double l1) noexcept nogil:
    """The largest c with |c z| at most l1, short of it by more than rounding."""
    return (1.0 - 8.9e-16) * l1 / fabs(z)


cdef inline double gap_at(
    double c, const double[::1] coef, const double[::1] grad, double resid_sq,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper
) noexcept nogil:
    """That of a scale c, of all that is penalised or bounded."""
    cdef Py_ssize_t a
    cdef double gap = 0.5 * (1.0 - c) * (1.0 - c) * max(resid_sq, 0.0), z
    for a in range(coef.shape[0]):
        z = c * grad[a]
        if l1[a] > 0.0 or l2[a] > 0.0 or (upper[a] if z > 0.0 else -lower[a]) < INFINITY:
            gap += fenchel_young(coef[a], z, l1[a], l2[a], lower[a], upper[a])
    return gap


cdef inline double restricted_gap(
    const double[::1] coef, const double[::1] grad, double resid_sq, const double[::1] norm_sq,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper
) noexcept nogil:
    """The duality gap on the working set, at the residual scaled into the dual domain.

    A feature that has no penalty and is off its bounds would force that scale to 0 for a gradient
    of one rounding error: it counts with what a step along it would gain instead. One with a finite
    bound forces no scale, but adds (|z| - l1) times that: where it is far away, as where there is
    none, the scale that leaves every |z| at l1 gives less.
    """
    cdef Py_ssize_t a
    cdef double c = 1.0, within = 1.0, free = 0.0, gap, z
    for a in range(coef.shape[0]):
        z = grad[a]
        if l1[a] == 0.0 and l2[a] == 0.0 and (upper[a] if z > 0.0 else -lower[a]) == INFINITY:
            if norm_sq[a] > 0.0:
                free += 0.5 * z * z / norm_sq[a]
            continue
        c = min(c, scale_limit(z, l1[a], l2[a], lower[a], upper[a]))
        if fabs(z) > l1[a] > 0.0 == l2[a] and (upper[a] if z > 0.0 else -lower[a]) < INFINITY:
            within = min(within, scale_within(z, l1[a]))
    gap = gap_at(c, coef, grad, resid_sq, l1, l2, lower, upper)
    if within < c:
        gap = min(gap, gap_at(within, coef, grad, resid_sq, l1, l2, lower, upper))
    return free + gap
