"""Fits in Gram space: all that is known of X and y are H = X'diag(w)X, X'(w y) and |y|_w^2.

    z = X'(w y) - H b          |r|_w^2 = |y|_w^2 - b'(X'(w y) + z)

with an error of the order of eps (|r|^2 / 2 + s (|y| + s)), s = sum_j |x_j| |b_j|; see
riata.covariance.
"""

from libc.math cimport fabs, sqrt
from libc.stdint cimport uint8_t

from .active_set cimport ActiveSet
from .dual cimport gap_at, gram_rounding, scale_of
from .simd cimport riata_axpy_f64

cdef double MOST_WORK = 1e8   # multiply-adds of one call


cdef double explained_by(
    const double[:, ::1] gram, const double[::1] correlation, const double[::1] coef,
    double[::1] out
) noexcept nogil:
    """out = X'(w r); returns |y|^2 - |r|^2."""
    cdef Py_ssize_t a, size = out.shape[0]
    cdef double explained = 0.0
    out[:] = correlation
    for a in range(size):
        if coef[a] != 0.0:
            riata_axpy_f64(-coef[a], &gram[a, 0], &out[0], size)
    for a in range(size):
        explained += coef[a] * (correlation[a] + out[a])
    return explained


cdef double certify(
    const double[:, ::1] gram, const double[::1] correlation, double y_sq, double[:, ::1] terms,
    const uint8_t[:] skip, double *resid_sq, double *size, double *slope
) noexcept nogil:
    """`certificate`, for native loops; returns the gap."""
    cdef double[::1] coef = terms[0], z = terms[1]
    cdef const double[::1] norm_sq = terms[2], l1 = terms[3], l2 = terms[4]
    cdef const double[::1] lower = terms[5], upper = terms[6]
    cdef Py_ssize_t j
    cdef double c, gap
    resid_sq[0] = max(y_sq - explained_by(gram, correlation, coef, z), 0.0)
    size[0] = 0.0
    for j in range(coef.shape[0]):
        if coef[j] != 0.0:
            size[0] += sqrt(norm_sq[j]) * fabs(coef[j])
    c = scale_of(z, l1, l2, lower, upper, skip)
    gap = gap_at(coef, z, c, l1, l2, lower, upper, skip, slope)
    slope[0] -= (1.0 - c) * resid_sq[0]
    return gap + 0.5 * (1.0 - c) ** 2 * resid_sq[0]


def certificate(
    const double[:, ::1] gram, const double[::1] correlation, double y_sq, double[:, ::1] terms,
    const uint8_t[:] skip
):
    """Take the gradient from scratch; return (|r|^2, sum_j |x_j| |b_j|, gap, slope).

    gap, slope : those of the residual at its largest feasible scale c <= 1, and their sum with
        (1 - c)^2 |r|^2 / 2; where the slope is above 0, a smaller scale has a smaller gap
    gram : H, at least (p, p), symmetric;  correlation : X'(w y), (p,)
    terms : (7, p), rows coef, gradient (overwritten), |x_j|_w^2, l1, l2, lower and upper
    """
    cdef double resid_sq, size, gap, slope
    with nogil:
        gap = certify(gram, correlation, y_sq, terms, skip, &resid_sq, &size, &slope)
    return resid_sq, size, gap, slope


def solve_ahead(
    ActiveSet active, const double[:, ::1] gram, const double[::1] correlation, double y_sq,
    double[:, ::1] terms, const uint8_t[:] skip, const double[:, ::1] unit,
    const double[::1] alphas, double target, double negligible, double hidden, double y_size,
    Py_ssize_t max_iter, double[:, ::1] coefs, double[:, ::1] facts
):
    """Solve alpha after alpha, warm, for as long as each ends as it should; return how many did.

    Whatever asks for more (another round, another dual scale, rounding that hides the gap) is left
    to the caller, at the point that was reached.

    unit : (2, p), l1 and l2 at alpha = 1
    target, negligible : the gaps that the descent and the certificate are to reach
    hidden : the gap that rounding may hide
    coefs : (L, p), the fits
    facts : (L + 1, 4), gap, |r|^2, sum_j |x_j| |b_j| and number of iterations of each, and of the
        one that was left; all but the gap of the first are given, as they are at the start
    """
    cdef Py_ssize_t k, j, p = terms.shape[1], solved = 0
    cdef double resid_sq = facts[0, 1], size = facts[0, 2], gap, slope, work = 0.0
    cdef bint finished
    with nogil:
        for k in range(alphas.shape[0]):
            for j in range(p):
                terms[3, j] = alphas[k] * unit[0, j]
                terms[4, j] = alphas[k] * unit[1, j]
            facts[k, 3] += active.minimise(gram, terms, &resid_sq, target, max_iter, &finished)
            gap = certify(gram, correlation, y_sq, terms, skip, &resid_sq, &size, &slope)
            facts[k, 0], facts[k, 1], facts[k, 2] = gap, resid_sq, size
            if not finished or slope > 0.0 or not gap <= negligible:
                break
            if gram_rounding(resid_sq, size, y_size) > hidden:
                break
            coefs[k, :] = terms[0]
            facts[k + 1, 1], facts[k + 1, 2] = resid_sq, size
            solved = k + 1
            work += facts[k, 3] * p * p
            if work > MOST_WORK:
                break
    return solved
