"""Bounds on z_j = x_j'(w r) from what was read before; see riata.correlations for the formula.

A slot holds a residual q at which some features were read last. With y'wr = t, q'wr = s,
B = y'wq / |y|^2, V = 1 / |q - B y|^2 (0 where q is y but for rounding) and P = (s - B t) V,

    z_j  ~  P (last_j - B c_j) + (t / |y|^2) c_j                     c_j = x_j'(w y)

    error  <=  sqrt(|x_j|^2 - c_j^2 / |y|^2 - (last_j - B c_j)^2 V)
               sqrt(|r|^2 - t^2 / |y|^2 - (s - B t)^2 V)

with `slack` times |r|^2, and times the magnitude of the summands of |x_j|^2, added inside the
roots: what rounding makes of them. Slot 0 is that of features of which only c_j is known.

Cost: a read of p features and of the slots' residuals.
"""

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int32_t, uint8_t

from .simd cimport riata_dot_f64

cdef extern from "bounds.h" nogil:
    void riata_bounds(
        const int32_t *slot, const double *last, const double *with_y, const double *norm_sq,
        const double *magnitude_sq, const double *along, const double *inverse,
        const double *scale, const double *rest, double first, double inverse_y, double slack,
        double *estimate, double *radius, Py_ssize_t p)

cdef double ORTHOGONAL = 1e-8   # a residual with less than this share of its square off y is y


cdef class Bounds:
    """The present residual, and for every feature what is known of its z there.

    with_y, norm_sq, magnitude_sq : (p,), c_j, |x_j|^2 and its summands; kept, not copied
    z, radius : (p,), estimate and bound of its error; 0 where z is exact
    last, slot : (p,), the z of its last read, and the slot of the residual there
    weighted : (n,), w r
    """

    cdef readonly object z, radius, last, slot, weighted
    cdef double[::1] _z, _radius, _last, _weighted, with_y, along, inverse, scale, rest
    cdef const double[::1] y, weights, norm_sq, magnitude_sq
    cdef int32_t[::1] _slot
    cdef double[:, ::1] residuals
    cdef object resid
    cdef double y_sq, inverse_y, slack, resid_sq
    cdef Py_ssize_t here

    def __init__(
        self, double[::1] with_y, const double[::1] norm_sq, const double[::1] magnitude_sq,
        y, const double[::1] weights, double y_sq, Py_ssize_t slots, double slack
    ):
        cdef Py_ssize_t p = with_y.shape[0]
        self.with_y, self.y, self.weights = with_y, y, weights
        self.norm_sq, self.magnitude_sq = norm_sq, magnitude_sq
        self.z, self.last, self.radius = np.array(with_y), np.array(with_y), np.zeros(p)
        self.slot = np.zeros(p, dtype=np.int32)
        self.weighted = np.empty(self.y.shape[0])
        self._z, self._last, self._radius = self.z, self.last, self.radius
        self._slot, self._weighted = self.slot, self.weighted
        self.residuals = np.zeros((slots + 1, self.y.shape[0]))
        self.along, self.inverse, self.scale, self.rest = np.zeros((4, slots + 1))
        self.y_sq, self.inverse_y = y_sq, 1.0 / y_sq if y_sq > 0.0 else 0.0
        self.slack = slack
        self._place(y, y_sq)

    cdef double with_resid(self, const double[::1] other) noexcept nogil:
        return riata_dot_f64(&other[0], &self._weighted[0], 0.0, other.shape[0])

    cdef void _place(self, resid, double resid_sq):
        cdef const double[::1] values = resid
        cdef Py_ssize_t i
        for i in range(values.shape[0]):
            self._weighted[i] = self.weights[i] * values[i]
        self.resid, self.resid_sq, self.here = resid, resid_sq, 0

    def open(self):
        """Return the slot of the present residual: its own, or that of the fewest features."""
        if self.here:
            return self.here
        cdef const double[::1] values = self.resid
        cdef Py_ssize_t j, k, slot = 1
        cdef Py_ssize_t[::1] counts = np.zeros(self.along.shape[0], dtype=np.intp)
        cdef double rest
        with nogil:
            for j in range(self._slot.shape[0]):
                counts[self._slot[j]] += 1
            for k in range(2, counts.shape[0]):
                if counts[k] < counts[slot]:
                    slot = k
            for j in range(self._slot.shape[0] if counts[slot] else 0):
                if self._slot[j] == slot:
                    self._slot[j] = 0
            self.residuals[slot, :] = values
            self.along[slot] = self.with_resid(self.y) * self.inverse_y
            rest = self.resid_sq - self.along[slot] * self.along[slot] * self.y_sq
            self.inverse[slot] = 1.0 / rest if rest > ORTHOGONAL * self.resid_sq else 0.0
        self.here = slot
        return slot

    def move(self, resid, double resid_sq):
        """Make resid (n,) the present residual: z and radius of every feature from its last read.
        """
        self._place(resid, resid_sq)
        cdef Py_ssize_t k
        cdef double t, first, part
        if self._z.shape[0] == 0:
            return
        with nogil:
            t = self.with_resid(self.y)
            first = t * self.inverse_y
            for k in range(self.along.shape[0]):
                part = 0.0
                if self.inverse[k] > 0.0:
                    part = self.with_resid(self.residuals[k]) - self.along[k] * t
                self.scale[k] = part * self.inverse[k]
                self.rest[k] = sqrt(
                    max(resid_sq - t * first - part * self.scale[k], 0.0) + self.slack * resid_sq)
            riata_bounds(
                &self._slot[0], &self._last[0], &self.with_y[0], &self.norm_sq[0],
                &self.magnitude_sq[0], &self.along[0], &self.inverse[0], &self.scale[0],
                &self.rest[0], first, self.inverse_y, self.slack, &self._z[0], &self._radius[0],
                self._z.shape[0])

    def loud(
        self, const double[:] l1, const double[:] lower, const double[:] upper,
        const uint8_t[::1] skip, const uint8_t[::1] member, Py_ssize_t[::1] out
    ):
        """Return how many features pass l1, or may, in a direction open to them; their numbers in
        out.

        Features with skip or member set are left out.
        """
        cdef Py_ssize_t j, count = 0
        cdef double z, r
        with nogil:
            for j in range(self._z.shape[0]):
                z, r = self._z[j], self._radius[j]
                if not (z + r > l1[j] or r - z > l1[j]) or skip[j] or member[j]:
                    continue
                if (z + r > l1[j] and upper[j] > 0.0) or (r - z > l1[j] and lower[j] < 0.0):
                    out[count] = j
                    count += 1
        return count

    def note(self, const Py_ssize_t[::1] index, const double[::1] values):
        """Take values as z at the present residual, exact for now, of the features `index`."""
        cdef Py_ssize_t a, j
        for a in range(index.shape[0]):
            j = index[a]
            self._z[j] = values[a]
            self._radius[j] = 0.0
