# cython: language_level=3
"""One coordinate of the elastic net: its minimiser, and its part of the duality gap.

    g(b) = l1 |b| + l2/2 b^2   for lower <= b <= upper,  with lower <= 0 <= upper and l1, l2 >= 0
"""

from libc.math cimport INFINITY, fabs


cdef inline double soft_threshold(double z, double level) noexcept nogil:
    """sign(z) max(|z| - level, 0)"""
    if z > level:
        return z - level
    if z < -level:
        return z + level
    return 0.0


cdef inline double clip(double b, double lower, double upper) noexcept nogil:
    if b < lower:
        return lower
    return upper if b > upper else b


cdef inline double minimiser(
    double rho, double curvature, double l1, double l2, double lower, double upper
) noexcept nogil:
    """argmin_b  curvature/2 b^2 - rho b + g(b);  needs curvature + l2 > 0"""
    return clip(soft_threshold(rho, l1) / (curvature + l2), lower, upper)


cdef inline double scale_limit(
    double z, double l1, double l2, double lower, double upper
) noexcept nogil:
    """The largest c with g*(c z) finite: l1 / |z| where nothing but l1 holds b, else infinity."""
    if l2 > 0.0 or fabs(z) <= l1:
        return INFINITY
    if (upper if z > 0.0 else -lower) < INFINITY:
        return INFINITY
    return l1 / fabs(z)


cdef inline double urgency_of(double z, double l1, double lower, double upper) noexcept nogil:
    """|z| / l1 where a feature at zero could move that way, else 0; infinite if l1 = 0.

    Above 1, it violates its optimality condition.
    """
    if z == 0.0 or (upper if z > 0.0 else -lower) == 0.0:
        return 0.0
    return fabs(z) / l1 if l1 > 0.0 else INFINITY


cdef inline double best_response(
    double z, double l1, double l2, double lower, double upper
) noexcept nogil:
    """argmax_b' z b' - g(b'), of several the one nearest to 0; so the derivative of g* from within.

    Where g*(z) is infinite the caller has scaled z to |z| = l1 (within rounding): then 0, too.
    """
    cdef double s = soft_threshold(z, l1)
    if l2 > 0.0:
        return clip(s / l2, lower, upper)
    if s > 0.0 and upper < INFINITY:
        return upper
    if s < 0.0 and lower > -INFINITY:
        return lower
    return 0.0


cdef inline double fenchel_young(
    double b, double z, double l1, double l2, double lower, double upper
) noexcept nogil:
    """g(b) + g*(z) - z b >= 0, as a sum of terms that are each >= 0, so that nothing cancels.

    With k = clip(z, -l1, l1), s = soft(z, l1) = z - k and b' = best_response(z):
        (l1 |b| - k b)  +  l2/2 (b - b')^2  +  (b - b') (l2 b' - s)
    The last term is 0 but for a b' at a bound; what rounding leaves there below 0 is cut off.
    """
    cdef double s = soft_threshold(z, l1)
    cdef double k = clip(z, -l1, l1)
    cdef double d = b - best_response(z, l1, l2, lower, upper)
    return (l1 * fabs(b) - k * b) + 0.5 * l2 * d * d + max(d * (l2 * (b - d) - s), 0.0)
