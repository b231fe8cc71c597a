"""Coordinate descent in Gram space where a coefficient is a row of K numbers, one a response.

    minimise over B   1/2 tr B'H B - tr B'C + sum_j l1_j |b_j| + l2_j/2 |b_j|^2,   b_j the rows of B

|b_j| is the Euclidean norm where rows are `grouped` (they enter together), else the sum of absolute
values. Both minimisers of a row are closed: with r = c_j - sum_(k != j) h_jk b_k,

    b_j = max(1 - l1_j / |r|, 0) r / (h_jj + l2_j)     grouped
    b_jk = soft(r_k, l1_j) / (h_jj + l2_j)             else

Cost: O(|W| K) a sweep, as much again for every row that moves. coef and grad = C - H B are
overwritten. Source: Yuan and Lin, J. R. Stat. Soc. B 68(1), 2006, section 2 (groups); Friedman,
Hastie, Tibshirani, J. Stat. Softw. 33(1), 2010, section 2.2.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, sqrt

from .scalar cimport fenchel_young, scale_limit, soft_threshold
from .signals cimport BETWEEN_SIGNALS
from .simd cimport riata_axpy_f64

cdef enum:
    SUPPORT_SWEEPS = 20         # over the non-zero rows only, between two over everything


cdef double norm(const double *x, Py_ssize_t K) noexcept nogil:
    cdef Py_ssize_t k
    cdef double s = 0.0
    for k in range(K):
        s += x[k] * x[k]
    return sqrt(s)


cdef double gap_of(
    const double[::1] diagonal, const double[:, ::1] coef, const double[:, ::1] grad,
    double resid_sq, const double[::1] l1, const double[::1] l2, bint grouped
) noexcept nogil:
    """The duality gap of the quadratic problem on the working set, as restricted.pxd has it, from
    the diagonal of H."""
    cdef Py_ssize_t a, k, K = coef.shape[1]
    cdef double c = 1.0, gap = 0.0, z, b, product
    for a in range(coef.shape[0]):
        z = norm(&grad[a, 0], K)
        if l1[a] == 0.0 and l2[a] == 0.0:
            if diagonal[a] > 0.0:
                gap += 0.5 * z * z / diagonal[a]
        elif grouped:
            c = min(c, scale_limit(z, l1[a], l2[a], -INFINITY, INFINITY))
        else:
            for k in range(K):
                c = min(c, scale_limit(grad[a, k], l1[a], l2[a], -INFINITY, INFINITY))
    gap += 0.5 * (1.0 - c) * (1.0 - c) * resid_sq
    for a in range(coef.shape[0]):
        if l1[a] == 0.0 and l2[a] == 0.0:
            continue
        if not grouped:
            for k in range(K):
                gap += fenchel_young(
                    coef[a, k], c * grad[a, k], l1[a], l2[a], -INFINITY, INFINITY)
            continue
        z, b, product = norm(&grad[a, 0], K), norm(&coef[a, 0], K), 0.0
        for k in range(K):
            product += coef[a, k] * grad[a, k]
        gap += fenchel_young(b, c * z, l1[a], l2[a], -INFINITY, INFINITY)
        gap += c * max(z * b - product, 0.0)
    return gap


def descend(
    const double[:, ::1] gram, double[:, ::1] coef, double[:, ::1] grad, double resid_sq,
    const double[::1] norm_sq, const double[::1] l1, const double[::1] l2, bint grouped,
    double target, Py_ssize_t max_sweeps
):
    """Descend until the gap on the working set is at most target; return (sweeps, gap).

    gram : (at least |W|, at least |W|), symmetric
    coef, grad : (|W|, K), both updated
    norm_sq : (|W|,), of the columns as measured: rows with gram_jj <= 1e-12 norm_sq_j and no l2
        stay
    """
    cdef Py_ssize_t size = coef.shape[0], K = coef.shape[1], a, k, i, sweep = 0, inner = 0
    cdef Py_ssize_t n_support = 0
    cdef double d, r, length, moved, size_sq, gap = INFINITY, work = 0.0, change
    cdef bint everything = True
    cdef Py_ssize_t[::1] support = np.empty(size, dtype=np.intp)
    cdef const double[::1] diagonal = np.diagonal(gram)[:size].copy()
    cdef double[::1] step = np.empty(K), rho = np.empty(K)
    by_response = np.ascontiguousarray(np.asarray(grad).T)   # whole vectors take a row of H each
    cdef double[:, ::1] g = by_response
    with nogil:
        while True:
            moved = size_sq = 0.0
            for i in range(size if everything else n_support):
                a = i if everything else support[i]
                d = gram[a, a]
                if d <= 1e-12 * norm_sq[a]:
                    d = 0.0
                    if l2[a] == 0.0:
                        continue
                for k in range(K):
                    rho[k] = g[k, a] + d * coef[a, k]
                length = norm(&rho[0], K) if grouped else 0.0
                change = 0.0
                for k in range(K):
                    if grouped:
                        r = rho[k] * (1.0 - l1[a] / length) if length > l1[a] else 0.0
                    else:
                        r = soft_threshold(rho[k], l1[a])
                    r /= d + l2[a]
                    step[k] = r - coef[a, k]
                    size_sq += d * r * r
                    change += step[k] * step[k]
                    coef[a, k] = r
                if change == 0.0:
                    continue
                moved += (d + l2[a]) * change
                for k in range(K):
                    if step[k] != 0.0:
                        riata_axpy_f64(-step[k], &gram[a, 0], 0.0, &g[k, 0], size)
                work += size * K
            sweep += 1
            work += size * K
            if work > BETWEEN_SIGNALS:
                work = 0.0
                with gil:
                    PyErr_CheckSignals()
            if everything:
                for k in range(K):
                    grad[:, k] = g[k]
                gap = gap_of(diagonal, coef, grad, resid_sq, l1, l2, grouped)
                if gap <= target or sweep >= max_sweeps:
                    break
                n_support = inner = 0
                for a in range(size):
                    for k in range(K):
                        if coef[a, k] != 0.0:
                            support[n_support] = a
                            n_support += 1
                            break
                everything = n_support == 0
            else:
                inner += 1
                everything = inner >= SUPPORT_SWEEPS or moved <= 0.01 * target
                everything = everything or sweep + 1 >= max_sweeps
            if moved <= 1e-30 * (size_sq + resid_sq):
                for k in range(K):
                    grad[:, k] = g[k]
                gap = gap_of(diagonal, coef, grad, resid_sq, l1, l2, grouped)
                break
    return sweep, gap


def gap_of_members(
    const double[::1] diagonal, const double[:, ::1] coef, const double[:, ::1] grad,
    double resid_sq, const double[::1] l1, const double[::1] l2, bint grouped
):
    """Return the duality gap of the quadratic problem on the working set, from the diagonal of H.
    """
    return gap_of(diagonal, coef, grad, resid_sq, l1, l2, grouped)
