"""Bounds on z_j = x_j'(w r) from what was read before; see riata.correlations for the formula.

A slot holds a residual q at which some features were read last. With y'wr = t, q'wr = s,
B = y'wq / |y|^2, V = 1 / |q - B y|^2 (0 where q is y but for rounding) and P = (s - B t) V,

    z_j  ~  P (last_j - B c_j) + (t / |y|^2) c_j                     c_j = x_j'(w y)

    error  <=  sqrt(|x_j|^2 - c_j^2 / |y|^2 - (last_j - B c_j)^2 V)
               sqrt(|r|^2 - t^2 / |y|^2 - (s - B t)^2 V)

with `slack` times |r|^2, and times the magnitude of the summands of |x_j|^2, added inside the
roots: what rounding makes of them.

Cost: a read of p features and of the slots' residuals.
"""

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int16_t, uint8_t

from .simd cimport riata_dot_f64

cdef double ORTHOGONAL = 1e-8   # a residual with less than this share of its square off y is y


cdef class Bounds:
    """Slots of residuals, and for every feature its last z and the slot it was read at.

    with_y, norm_sq, magnitude_sq : (p,), c_j, |x_j|^2 and its summands; kept, not copied
    epoch : (p,), -1 where only y is known
    """

    cdef readonly object last, epoch
    cdef double[::1] _last, with_y, weighted, along, inverse, scale, rest
    cdef const double[::1] y, weights, norm_sq, magnitude_sq
    cdef int16_t[::1] _epoch
    cdef double[:, ::1] residuals
    cdef double y_sq, inverse_y, slack
    cdef object now
    cdef readonly Py_ssize_t slot

    def __init__(
        self, double[::1] with_y, const double[::1] norm_sq, const double[::1] magnitude_sq,
        const double[::1] y, const double[::1] weights, double y_sq, Py_ssize_t slots, double slack
    ):
        self.with_y, self.y, self.weights = with_y, y, weights
        self.norm_sq, self.magnitude_sq = norm_sq, magnitude_sq
        self.last = np.array(with_y)
        self.epoch = np.full(with_y.shape[0], -1, dtype=np.int16)
        self._last, self._epoch = self.last, self.epoch
        self.residuals = np.zeros((slots, y.shape[0]))
        self.along, self.inverse, self.scale = np.zeros(slots), np.zeros(slots), np.zeros(slots)
        self.rest = np.zeros(slots + 1)
        self.weighted = np.empty(y.shape[0])
        self.y_sq, self.inverse_y = y_sq, 1.0 / y_sq if y_sq > 0.0 else 0.0
        self.slack, self.slot, self.now = slack, -1, None

    cdef double with_resid(self, const double[::1] other) noexcept nogil:
        return riata_dot_f64(&other[0], &self.weighted[0], 0.0, other.shape[0])

    cdef void weigh(self, const double[::1] resid) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(resid.shape[0]):
            self.weighted[i] = self.weights[i] * resid[i]

    def open(self, resid, double resid_sq):
        """Return the slot of resid (n,): the present one, or that of the fewest features."""
        if self.now is resid:
            return self.slot
        cdef const double[::1] values = resid
        cdef Py_ssize_t j, k, slot = 0
        cdef Py_ssize_t[::1] counts = np.zeros(self.along.shape[0], dtype=np.intp)
        cdef double rest
        with nogil:
            for j in range(self._epoch.shape[0]):
                if self._epoch[j] >= 0:
                    counts[self._epoch[j]] += 1
            for k in range(1, counts.shape[0]):
                if counts[k] < counts[slot]:
                    slot = k
            for j in range(self._epoch.shape[0] if counts[slot] else 0):
                if self._epoch[j] == slot:
                    self._epoch[j] = -1
            self.residuals[slot, :] = values
            self.weigh(values)
            self.along[slot] = self.with_resid(self.y) * self.inverse_y
            rest = resid_sq - self.along[slot] * self.along[slot] * self.y_sq
            self.inverse[slot] = 1.0 / rest if rest > ORTHOGONAL * resid_sq else 0.0
        self.now, self.slot = resid, slot
        return slot

    def bound(
        self, resid, double resid_sq, const double[:] l1, const double[:] lower,
        const double[:] upper, const uint8_t[::1] skip, const uint8_t[::1] member,
        double[::1] out, Py_ssize_t[::1] unsure
    ):
        """Fill out (p,) with estimates; return how many may pass l1, their numbers in unsure.

        Features with skip or member set are left as they are; so is the doubt about one that was
        read at this very residual: its last z is the estimate.
        """
        cdef const double[::1] values = resid
        cdef bint here = self.now is resid
        cdef Py_ssize_t j, k, count = 0
        cdef double t, part, first, fresh, estimate, radius
        with nogil:
            self.weigh(values)
            t = self.with_resid(self.y)
            first = t * self.inverse_y
            for k in range(self.along.shape[0]):
                part = 0.0
                if self.inverse[k] > 0.0:
                    part = self.with_resid(self.residuals[k]) - self.along[k] * t
                self.scale[k] = part * self.inverse[k]
                self.rest[k + 1] = sqrt(
                    max(resid_sq - t * first - part * self.scale[k], 0.0) + self.slack * resid_sq)
            self.rest[0] = sqrt(max(resid_sq - t * first, 0.0) + self.slack * resid_sq)
            for j in range(self._last.shape[0]):
                if skip[j] or member[j]:
                    continue
                k = self._epoch[j]
                if here and k == self.slot:
                    out[j] = self._last[j]
                    continue
                estimate = first * self.with_y[j]
                radius = self.norm_sq[j] - self.with_y[j] * self.with_y[j] * self.inverse_y
                if k >= 0:
                    fresh = self._last[j] - self.along[k] * self.with_y[j]
                    estimate += self.scale[k] * fresh
                    radius -= fresh * fresh * self.inverse[k]
                radius = self.rest[k + 1] * sqrt(
                    max(radius, 0.0) + self.slack * self.magnitude_sq[j])
                out[j] = estimate
                if (estimate + radius > l1[j] and upper[j] > 0.0) or (
                        radius - estimate > l1[j] and lower[j] < 0.0):
                    unsure[count] = j
                    count += 1
        return count
