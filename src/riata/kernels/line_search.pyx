"""How far to go along a step that a model proposes, on the true objective.

The first t = 1, 1/2, ... that Armijo accepts; of a loss of straight pieces, where it is lowest
along the way. Where the objective moves by no more than its rounding, its slope decides.

Source: Hager and Zhang, SIAM J. Optim. 16(1), 2005, eq. 4.1 (the slope where the loss is rounding).
"""

import numpy as np

from libc.math cimport fabs

from .dual cimport penalty, penalty_slope
from .trips cimport Trip

cdef double EPS = 2.0 ** -52
cdef double ARMIJO = 1e-4           # share of the predicted decrease that a step must bring
cdef double NOISE = 1e-6            # share of the objective that its terms' rounding may move it by
cdef double SMALLEST_STEP = 1e-9
cdef double FLAT = 0.1              # share of the first slope at which a line is at its bottom
cdef Py_ssize_t TRIALS = 30         # along a line whose bottom is looked for


cdef bint go(
    Trip trip, const double[::1] coef, const double[::1] step, double t, double[::1] new
) except -1 nogil:
    """Go to t; `new` is overwritten by coef + t step."""
    cdef Py_ssize_t a
    trip.go(t)
    for a in range(coef.shape[0]):
        new[a] = coef[a] + t * step[a]
    return True


cdef double bottom(
    Trip trip, const double[::1] coef, const double[::1] step, const double[:] l1,
    const double[:] l2, double slope, double[::1] new
) except -1.0 nogil:
    """Go back from 1, to where the objective hardly falls or rises any more; return that t. `slope`
    at 0 is below 0.

    Regula falsi on the slope, an end that stays put counted half (Illinois).
    """
    cdef double low = 0.0, high = 1.0, at_low = slope, at_high = 0.0, t = 1.0, here
    cdef Py_ssize_t _k
    cdef int stays = 0   # 1 the lower end, -1 the upper
    for _k in range(TRIALS):
        here = penalty_slope(new, step, l1, l2) - trip.fall_there
        if fabs(here) <= -FLAT * slope or (t == 1.0 and here <= 0.0):
            break
        if here > 0.0:
            high, at_high = t, here
            at_low *= 0.5 if stays == 1 else 1.0
            stays = 1
        else:
            low, at_low = t, here
            at_high *= 0.5 if stays == -1 else 1.0
            stays = -1
        here = low + (high - low) * at_low / (at_low - at_high)
        if not low < here < high:
            break
        t = here
        go(trip, coef, step, t, new)
    return t


cdef double search(
    Trip trip, const double[::1] coef, const double[::1] step, const double[:] l1,
    const double[:] l2, bint straight, double[::1] new
) except -1.0 nogil:
    """See line_search; `new` is overwritten by coef + t step."""
    cdef double before = penalty(coef, l1, l2), t = 1.0, predicted, slope, slack, noise, rise
    cdef Py_ssize_t a
    for a in range(coef.shape[0]):
        new[a] = coef[a] + step[a]
    predicted = min(penalty(new, l1, l2) - before - trip.fall, 0.0)
    slope = penalty_slope(coef, step, l1, l2) - trip.fall
    slack, noise = 8.0 * EPS * (trip.loss + before), NOISE * (trip.loss + before)
    go(trip, coef, step, t, new)
    while True:
        rise = trip.loss_there - trip.loss + penalty(new, l1, l2) - before
        if rise <= ARMIJO * t * predicted + slack:
            return t
        if rise <= noise and (
            penalty_slope(new, step, l1, l2) - trip.fall_there <= (2.0 * ARMIJO - 1.0) * slope
        ):
            return t
        if straight and t == 1.0 and slope < 0.0:
            t = bottom(trip, coef, step, l1, l2, slope, new)
            if t < 1.0:
                continue
        t *= 0.5
        if t < SMALLEST_STEP:
            return 0.0
        go(trip, coef, step, t, new)


def line_search(
    Trip trip, const double[::1] coef, const double[::1] step, const double[:] l1,
    const double[:] l2, bint straight
):
    """Return the first t = 1, 1/2, ... that Armijo accepts; 0 where none. Of a loss of straight
    pieces the bottom of the line is next to 1, wherever it lies: the model knows of no kink.

    Where the loss moves by no more than its terms' rounding may be, the slope decides: it may not
    rise behind t by more than it fell before.

    trip : the loss along the step
    coef, step, l1, l2 : (|W|,), of the features that move
    """
    return search(trip, coef, step, l1, l2, straight, np.empty(coef.shape[0]))
