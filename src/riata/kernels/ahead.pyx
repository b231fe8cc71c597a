"""Alpha after alpha where X'(w r) is bounded: what riata.lazy_solver does at each, for as long as
one round will do. A gap that the members show to be too large, a descent in Gram space, the
residual and the bounds there, the certificate.
"""

from time import monotonic

import numpy as np

from .active_set cimport ActiveSet
from .bounds cimport Bounds
from .dual cimport gram_rounding, rounding


cpdef Py_ssize_t room_for(
    Py_ssize_t support, Py_ssize_t violators, Py_ssize_t least, Py_ssize_t limit
) noexcept:
    """The largest working set that takes in features which are merely expected: the support and a
    quarter, and `least`, no more than the `limit` of a Gram matrix where that can be kept."""
    cdef Py_ssize_t room = support + support // 4 + least
    return min(room, limit) if support + violators <= limit else room


cpdef Py_ssize_t joining(
    Py_ssize_t expected, Py_ssize_t violators, Py_ssize_t room, Py_ssize_t size
) noexcept:
    """How many features should join a working set of `size`: all that violate, and of the expected
    ones, violators included, as many as there is room for."""
    return max(violators, min(expected, room - size), 0)


cpdef double threshold_at(double alpha, double last) noexcept:
    """The urgency above which a feature is expected to join at alpha, from what it is at the last
    one: the sequential strong rule, at least half of what makes it join."""
    return min(max(2.0 - last / alpha, 0.5), 1.0)


cdef void penalise(
    double scale, const double[:] few, const double[:] many, double[::1] out
) noexcept nogil:
    """out_j = scale few_j many_j, the last 1 where there are none."""
    cdef Py_ssize_t j
    for j in range(out.shape[0]):
        out[j] = scale * few[j]
        if many is not None:
            out[j] *= many[j]


def solve_ahead(
    Bounds bounds, ActiveSet active, gram, coefs, features, moving, const double[::1] alphas,
    double last, double size, join, image, Py_ssize_t least, Py_ssize_t limit,
    double inner, double negligible, double hidden, double y_size, Py_ssize_t max_iter,
    double deadline, bint centred
):
    """Solve alpha after alpha, warm; return their fits, and where that ended: the non-zero
    features, sum_j |x_j| |b_j|, the iterations beyond the last fit, and whether z is too coarse.

    Whatever asks for another round is left to the caller. A fit is (non-zero features, their coef,
    gap, iterations, |r|^2).

    gram, coefs (p,), features (|W|,) : H, coef, non-zero among the members alone, and these
    moving : the penalty that `bounds` looks at, see riata.penalty
    last, size : the alpha before, and sum_j |x_j| |b_j|
    join : lets those join who should, from a threshold, the non-zero features and size; returns H,
        or None, and the members
    image : returns X_W b from b (|W|,), where that is not done natively
    least, limit : see `room_for`
    inner : share of the gap wanted that the descent may leave
    hidden : the gap that Gram algebra may hide
    """
    cdef double[::1] coef = coefs
    cdef const Py_ssize_t[::1] members = features
    cdef const double[:, ::1] H = gram
    cdef double[:, ::1] terms = np.empty((7, len(features)))
    cdef double l1_ratio = moving.l1_ratio
    cdef double[::1] l1 = moving.l1, l2 = moving.l2
    cdef const double[:] few = moving.few, many = moving.many, each = moving.each
    cdef Py_ssize_t k, expected, violators, n_iter = 0
    cdef double threshold, enough, gap, slope, resid_sq
    cdef bint finished
    index = np.sort(features[coefs[features] != 0.0])
    values, fits = coefs[index], []
    for k in range(alphas.shape[0]):
        if monotonic() > deadline:
            break
        threshold = threshold_at(alphas[k], last)
        penalise(alphas[k] * l1_ratio, few, many, l1)
        penalise(alphas[k] * (1.0 - l1_ratio), each, None, l2)
        resid_sq = bounds.resid_sq
        enough = max(negligible, rounding(resid_sq, size))
        gap, slope = bounds.gap_of(coef, members, 0)
        if gap > enough:
            bounds.guess(threshold, last, alphas[k])
            expected, violators = bounds.outside(threshold)
            if joining(
                expected, violators, room_for(len(index), violators, least, limit),
                members.shape[0],
            ) > 0:
                gram, features = join(threshold, index, size)
                if gram is None:
                    break
                H, members, terms = gram, features, np.empty((7, len(features)))
            bounds.gather(coef, members, terms)
            with nogil:
                n_iter = active.minimise(H, terms, &resid_sq, inner * enough, max_iter, &finished)
            if not finished:
                break
            if not bounds.arrive(coef, members, terms, None, centred):
                bounds.arrive(coef, members, terms, image(np.asarray(terms[0])), centred)
            threshold, size, index = 1.0, bounds.size, bounds.support()
            if gram_rounding(bounds.resid_sq, bounds.magnitude, y_size) > hidden:
                return fits, index, size, n_iter, True
            values = coefs[index]
        bounds.settle(threshold)
        gap, slope = bounds.gap_of(coef, members, bounds.n_loud)
        if slope > 0.0 or not gap <= negligible:
            break
        fits.append((index, values, gap, n_iter, bounds.resid_sq))
        last, n_iter = alphas[k], 0
    return fits, index, size, n_iter, False
