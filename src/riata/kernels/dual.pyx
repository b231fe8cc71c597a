"""One read of the p features for the certificate and for the choice of the working set; sums.

z (p,) is X'u, the correlation of every feature with the dual vector; l1, l2, lower and upper are
(p,) of any stride, so that a scalar is an array of stride 0. Features with skip_j != 0 are left
out (they are projected out of u, or excluded from the model).
"""

import numpy as np

from libc.math cimport fabs, sqrt
from libc.stdint cimport uint8_t

from .pool cimport parallel
from .restricted cimport restricted_gap
from .scalar cimport best_response, fenchel_young, scale_limit, urgency_of
from .simd cimport riata_sums_f64

cdef enum:
    ROWS = 1 << 14   # that make a job

cdef double EPS = 2.0 ** -52


cdef double scale_of(
    const double[::1] z, const double[:] l1, const double[:] l2, const double[:] lower,
    const double[:] upper, const uint8_t[:] skip
) noexcept nogil:
    cdef Py_ssize_t j
    cdef double c = 1.0
    for j in range(z.shape[0]):
        if fabs(z[j]) > l1[j] and not skip[j]:
            c = min(c, scale_limit(z[j], l1[j], l2[j], lower[j], upper[j]))
    return c


cdef double gap_at(
    const double[::1] coef, const double[::1] z, double c, const double[:] l1,
    const double[:] l2, const double[:] lower, const double[:] upper, const uint8_t[:] skip,
    double *slope
) noexcept nogil:
    cdef Py_ssize_t j
    cdef double gap = 0.0, v
    slope[0] = 0.0
    for j in range(z.shape[0]):
        if skip[j] or coef[j] == 0.0 and fabs(c * z[j]) <= l1[j]:
            continue
        v = c * z[j]
        gap += fenchel_young(coef[j], v, l1[j], l2[j], lower[j], upper[j])
        slope[0] += z[j] * (
            best_response(v, l1[j], l2[j], lower[j], upper[j]) - coef[j])
    return gap


def dual_scale(
    const double[::1] z, const double[:] l1, const double[:] l2, const double[:] lower,
    const double[:] upper, const uint8_t[:] skip
):
    """Return the largest c <= 1 for which c u is dual feasible."""
    cdef double c
    with nogil:
        c = scale_of(z, l1, l2, lower, upper, skip)
    return c


def gap_and_slope(
    const double[::1] coef, const double[::1] z, double c, const double[:] l1,
    const double[:] l2, const double[:] lower, const double[:] upper, const uint8_t[:] skip
):
    """Return sum_j g_j(b_j) + g_j*(c z_j) - c z_j b_j, and its derivative in c."""
    cdef double gap, slope
    with nogil:
        gap = gap_at(coef, z, c, l1, l2, lower, upper, skip, &slope)
    return gap, slope


def gap_of_members(
    const double[::1] coef, const double[::1] grad, double resid_sq, const double[::1] norm_sq,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper
):
    """Return the gap of the quadratic problem on the working set; see restricted.pxd."""
    return restricted_gap(coef, grad, resid_sq, norm_sq, l1, l2, lower, upper)


def urgency(
    const double[::1] z, const double[:] l1, const double[:] lower, const double[:] upper,
    const uint8_t[:] skip, double[::1] out
):
    """out_j = the urgency of feature j, 0 where it is skipped; see scalar.pxd."""
    cdef Py_ssize_t j
    with nogil:
        for j in range(z.shape[0]):
            out[j] = 0.0 if skip[j] else urgency_of(z[j], l1[j], lower[j], upper[j])


def near(
    const double[::1] z, const double[:] l1, const double[:] lower, const double[:] upper,
    const uint8_t[:] skip, const uint8_t[:] member, double share
):
    """Return the features of an urgency above `share`, members left out, ascending, and how urgent
    each is; see scalar.pxd.
    """
    cdef Py_ssize_t a, j, listed = 0, count = 0
    index = np.empty(z.shape[0] + 1, dtype=np.intp)   # of which the first few are touched
    cdef Py_ssize_t[::1] which = index
    with nogil:
        for j in range(z.shape[0]):   # no branch: who passes can't be foreseen
            which[listed] = j
            listed += fabs(z[j]) > share * l1[j]
    of_those = np.empty(listed)
    cdef double[::1] urgencies = of_those
    with nogil:
        for a in range(listed):
            j = which[count] = which[a]
            if not (skip[j] or member[j]):
                urgencies[count] = urgency_of(z[j], l1[j], lower[j], upper[j])
                count += urgencies[count] > 0.0
    return index[:count].copy(), of_those[:count].copy()


cpdef double penalty(
    const double[::1] coef, const double[:] l1, const double[:] l2
) noexcept nogil:
    """Return sum_j l1_j |b_j| + l2_j/2 b_j^2; a square that overflows counts where l2_j > 0."""
    cdef Py_ssize_t j
    cdef double out = 0.0, b
    for j in range(coef.shape[0]):
        b = coef[j]
        out += l1[j] * fabs(b) + (0.5 * l2[j] * b) * b
    return out


cpdef double penalty_slope(
    const double[::1] coef, const double[::1] step, const double[:] l1, const double[:] l2
) noexcept nogil:
    """Return the derivative of `penalty` from coef on in the direction of step."""
    cdef Py_ssize_t j
    cdef double out = 0.0, b, d
    for j in range(coef.shape[0]):
        b, d = coef[j], step[j]
        out += l1[j] * (fabs(d) if b == 0.0 else d if b > 0.0 else -d) + (l2[j] * b) * d
    return out


cdef class StepBack:
    """What `step_back` makes block by block of rows.

    v, curvature, step, low, high, out : (n,), see there
    outside : of each block
    """

    cdef const double[::1] v, curvature
    cdef const double[:] step, low, high
    cdef double[::1] out
    cdef uint8_t[::1] outside

    cdef void block(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t i
        cdef bint outside = False
        for i in range(k * ROWS, min((k + 1) * ROWS, self.v.shape[0])):
            self.out[i] = self.v[i] - self.step[i] * self.curvature[i]
            outside |= (self.out[i] < self.low[i]) | (self.out[i] > self.high[i])
        self.outside[k] = outside


cdef void block_back(void *back, Py_ssize_t k) noexcept nogil:
    (<StepBack>back).block(k)


def step_back(
    const double[::1] v, const double[::1] curvature, const double[:] step, const double[:] low,
    const double[:] high, double[::1] out, Py_ssize_t n_threads
):
    """out_i = v_i - step_i curvature_i; return whether any of it is below low_i or above high_i."""
    cdef StepBack back = StepBack()
    cdef Py_ssize_t blocks = (v.shape[0] + ROWS - 1) // ROWS
    outside = np.empty(blocks, dtype=np.uint8)
    back.v, back.curvature, back.step, back.low, back.high = v, curvature, step, low, high
    back.out, back.outside = out, outside
    with nogil:
        parallel(block_back, <void *>back, blocks, n_threads)
    return bool(outside.any())


def weighted_sums(const double[::1] w, const double[::1] values):
    """Return (sum_i w_i values_i, sum_i w_i values_i^2)."""
    cdef double total = 0.0, square = 0.0
    if w.shape[0]:
        riata_sums_f64(&values[0], &w[0], w.shape[0], &total, &square)
    return total, square


cpdef double rounding(double resid_sq, double size) noexcept nogil:
    """The gap that double precision can't tell from zero: x_j'(w r) carries an error of
    eps |x_j| |r|, which does not change in proportion when X is rescaled; size = sum_j |x_j| |b_j|.
    """
    return 4.0 * EPS * (0.5 * resid_sq + size * sqrt(resid_sq))


cpdef double gram_rounding(double resid_sq, double magnitude, double y_size) noexcept nogil:
    """The gap that z by Gram algebra can hide: it is off by eps |x_j| (|y| + magnitude), with
    magnitude = sum_k |x_k| |b_k|, what is cancelled in a sparse column's norm included."""
    return 4.0 * EPS * (0.5 * resid_sq + magnitude * (y_size + magnitude))
