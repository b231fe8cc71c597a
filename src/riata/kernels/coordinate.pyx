"""Cyclic coordinate descent on the working set.

    minimise over b   1/2 |y - X b|_w^2 + sum_j g_j(b_j)
    g_j(b) = l1_j |b| + l2_j/2 b^2  for lower_j <= b <= upper_j

in Gram space (a coordinate that does not move costs O(1), one that moves O(|W|)) or, where the
Gram matrix would be too large, on the residual. The first keeps the gradient c = X'w(y - X b) up to
date and stops when the duality gap of the restricted problem is at most `target`; the others make
one sweep. All let Ctrl-C through: signals are seen to as often as signals.pxd says.

Source: Friedman, Hastie, Tibshirani, "Regularization paths for generalized linear models via
coordinate descent", J. Stat. Softw. 33(1), 2010, section 2.2 (covariance updates) and 2.6.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY
from libc.stdint cimport int64_t

from .gather cimport gather_dot
from .restricted cimport restricted_gap
from .scalar cimport minimiser
from .signals cimport BETWEEN_SIGNALS
from .simd cimport dot, real

cdef enum:
    SUPPORT_SWEEPS = 20         # over the non-zeros only, between two sweeps over everything


def gram_descent(
    const double[:, ::1] gram, double[:, ::1] terms, double resid_sq, double target,
    Py_ssize_t max_sweeps
):
    """Descend in Gram space; return (sweeps, gap of the restricted problem).

    gram : (at least |W|, at least |W|), symmetric; read
    terms : (7, |W|), rows coef, grad = X'w(y - X coef), norm_sq, l1, l2, lower and upper; coef and
        grad are updated. norm_sq is |x_j|_w^2 as measured from the data: where
        gram_jj <= 1e-12 norm_sq_j and l2_j = 0, nothing is left of the column but rounding, and
        its coefficient stays
    resid_sq : |y - X coef|_w^2, kept up to date inside
    """
    cdef double[::1] coef = terms[0], grad = terms[1]
    cdef const double[::1] norm_sq = terms[2], l1 = terms[3], l2 = terms[4]
    cdef const double[::1] lower = terms[5], upper = terms[6]
    cdef Py_ssize_t size = terms.shape[1], a, b, k, sweep = 0, inner, n_support
    cdef Py_ssize_t[::1] support
    cdef double d, step, old, moved, size_sq, gap = INFINITY, work = 0.0
    cdef bint everything = True
    support = np.empty(size, dtype=np.intp)
    with nogil:
        inner = 0
        n_support = 0
        while True:
            moved = size_sq = 0.0
            for k in range(size if everything else n_support):
                a = k if everything else support[k]
                d = gram[a, a]
                if d <= 1e-12 * norm_sq[a]:
                    d = 0.0
                    if l2[a] == 0.0:
                        continue
                old = coef[a]
                coef[a] = minimiser(grad[a] + d * old, d, l1[a], l2[a], lower[a], upper[a])
                step = coef[a] - old
                size_sq += d * coef[a] * coef[a]
                if step != 0.0:
                    resid_sq += step * (d * step - 2.0 * grad[a])
                    moved += (d + l2[a]) * step * step
                    for b in range(size):
                        grad[b] -= step * gram[a, b]
                    work += size
            sweep += 1
            work += size
            if work > BETWEEN_SIGNALS:
                work = 0.0
                with gil:
                    PyErr_CheckSignals()
            if everything:
                gap = restricted_gap(coef, grad, resid_sq, norm_sq, l1, l2, lower, upper)
                if gap <= target or sweep >= max_sweeps:
                    break
                n_support = 0
                for a in range(size):
                    if coef[a] != 0.0:
                        support[n_support] = a
                        n_support += 1
                everything = n_support == 0
                inner = 0
            else:
                inner += 1
                everything = inner >= SUPPORT_SWEEPS or moved <= 0.01 * target
                everything = everything or sweep + 1 >= max_sweeps
            if moved <= 1e-30 * (size_sq + max(resid_sq, 0.0)):
                break   # a sweep that moved by rounding errors only
    return sweep, gap


cdef bint sees_signals(double *work, double done) except -1 nogil:
    work[0] += done
    if work[0] > BETWEEN_SIGNALS:
        work[0] = 0.0
        with gil:
            PyErr_CheckSignals()
    return True


def dense_sweep(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] shift,
    const double[::1] w, double[::1] weighted, double[::1] coef, const double[::1] norm_sq,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper
):
    """Sweep once over columns of a dense matrix.

    coef (|columns|,) and weighted (n,) = w (y - X coef): updated.
    """
    cdef Py_ssize_t a, i, n = weighted.shape[0]
    cdef Py_ssize_t row = X.strides[0] // <Py_ssize_t>sizeof(real)
    cdef double g, step, centre, work = 0.0
    cdef const real *x
    with nogil:
        for a in range(coef.shape[0]):
            if norm_sq[a] + l2[a] == 0.0:
                continue
            x = &X[0, columns[a]]
            centre = shift[columns[a]]
            if row == 1:
                g = dot(x, &weighted[0], centre, n)
            else:
                g = 0.0
                for i in range(n):
                    g += (x[i * row] - centre) * weighted[i]
            sees_signals(&work, 2.0 * n)
            step = minimiser(
                g + norm_sq[a] * coef[a], norm_sq[a], l1[a], l2[a], lower[a], upper[a]
            ) - coef[a]
            if step != 0.0:
                coef[a] += step
                for i in range(n):
                    weighted[i] -= step * w[i] * (x[i * row] - centre)


def sparse_sweep(
    const double[::1] data, const int[::1] indices, const int64_t[::1] start,
    const int64_t[::1] end, const double[::1] first, const double[::1] rest,
    const double[::1] root, double[::1] resid, double[::1] coef, const double[::1] norm_sq,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper
):
    """Sweep once over gathered sparse columns.

    Rows are scaled: resid (n,) = root (y - X coef), and data likewise, with root_i^2 = w_i.
    first (|W|,) : sum_i root_i data_ia;  rest (|W|,) : what centring subtracts in every row
    coef, resid : updated

    The residual is kept as resid + offset * root with one scalar, and its weighted sum as another,
    so that a step costs O(entries of the column).
    """
    cdef Py_ssize_t a, i
    cdef int64_t k
    cdef double g, step, total = 0.0, offset = 0.0, work = 0.0
    with nogil:
        for i in range(resid.shape[0]):   # total = sum_i root_i resid_i, without the offset
            total += root[i] * resid[i]
        for a in range(coef.shape[0]):
            if norm_sq[a] + l2[a] == 0.0:
                continue
            k = start[a]
            g = offset * first[a] - rest[a] * (total + offset)
            g += gather_dot(&data[k], &indices[k], end[a] - k, 0.0, &resid[0])
            sees_signals(&work, 2.0 * (end[a] - start[a]) + 1.0)
            step = minimiser(
                g + norm_sq[a] * coef[a], norm_sq[a], l1[a], l2[a], lower[a], upper[a]
            ) - coef[a]
            if step != 0.0:
                coef[a] += step
                for k in range(start[a], end[a]):
                    resid[indices[k]] -= step * data[k]
                total -= step * first[a]
                offset += step * rest[a]
        if offset != 0.0:
            for i in range(resid.shape[0]):
                resid[i] += offset * root[i]


def gap_on_working_set(
    const double[::1] coef, const double[::1] grad, double resid_sq, const double[::1] norm_sq,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper
):
    """Return the duality gap of the restricted problem; see restricted.pxd."""
    return restricted_gap(coef, grad, resid_sq, norm_sq, l1, l2, lower, upper)
