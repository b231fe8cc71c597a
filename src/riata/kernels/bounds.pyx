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

from libc.math cimport fabs, sqrt
from libc.stdint cimport int32_t, uint8_t

from .scalar cimport best_response, fenchel_young, scale_limit
from .simd cimport riata_dot_f64, riata_norm_f64

cdef extern from "bounds.h" nogil:
    void riata_bounds(
        const int32_t *slot, const double *last, const double *with_y, const double *norm_sq,
        const double *magnitude_sq, const double *along, const double *inverse,
        const double *scale, const double *rest, double first, double inverse_y, double slack,
        double *estimate, double *radius, Py_ssize_t p)
    Py_ssize_t riata_above(
        const double *z, const double *r, const double *limit, Py_ssize_t stride, double share,
        int32_t *out, Py_ssize_t p)

cdef double NEXT = 0.95          # share of the threshold above which outsiders are listed
cdef double ORTHOGONAL = 1e-8   # a residual with less than this share of its square off y is y


cdef class Bounds:
    """The present residual, and for every feature what is known of its z there.

    with_y, norm_sq, magnitude_sq : (p,), c_j, |x_j|^2 and its summands; kept, not copied
    skip, member : (p,), not 0 for features whose z nobody wants, and for those whose z is exact;
        kept, and read when they are needed
    z, radius : (p,), estimate and bound of its error; 0 where z is exact
    last, slot : (p,), the z of its last read, and the slot of the residual there
    weighted : (n,), w r
    """

    cdef readonly object z, radius, last, slot, weighted
    cdef double[::1] _z, _radius, _last, _weighted, with_y, along, inverse, scale, rest
    cdef const double[::1] y, weights, norm_sq, magnitude_sq
    cdef int32_t[::1] _slot
    cdef double[:, ::1] residuals
    cdef const double[:] l1, l2, lower, upper
    cdef const uint8_t[::1] skip, member
    cdef object resid, _loud_array
    cdef double y_sq, inverse_y, slack, resid_sq
    cdef Py_ssize_t[::1] counts   # of the features of each slot
    cdef int32_t[::1] _near, _loud   # near: above the threshold, or nearly
    cdef Py_ssize_t here, n_near, n_loud

    def __init__(
        self, double[::1] with_y, const double[::1] norm_sq, const double[::1] magnitude_sq,
        y, const double[::1] weights, double y_sq, Py_ssize_t slots, double slack,
        const uint8_t[::1] skip, const uint8_t[::1] member
    ):
        cdef Py_ssize_t p = with_y.shape[0]
        self.with_y, self.y, self.weights = with_y, y, weights
        self.norm_sq, self.magnitude_sq = norm_sq, magnitude_sq
        self.z, self.last, self.radius = np.array(with_y), np.array(with_y), np.zeros(p)
        self.slot = np.zeros(p, dtype=np.int32)
        self.weighted = np.empty(self.y.shape[0])
        self._z, self._last, self._radius = self.z, self.last, self.radius
        self._slot, self._weighted = self.slot, self.weighted
        self.counts = np.zeros(slots + 1, dtype=np.intp)
        self.counts[0] = p
        self.residuals = np.zeros((slots + 1, self.y.shape[0]))
        self.along, self.inverse, self.scale, self.rest = np.zeros((4, slots + 1))
        self.y_sq, self.inverse_y = y_sq, 1.0 / y_sq if y_sq > 0.0 else 0.0
        self.slack, self.n_near, self.n_loud = slack, 0, 0
        self.skip, self.member = skip, member
        self._near = np.empty(p, dtype=np.int32)
        self._loud = self._loud_array = np.empty(p, dtype=np.int32)
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
        cdef double rest
        with nogil:
            for k in range(2, self.counts.shape[0]):
                if self.counts[k] < self.counts[slot]:
                    slot = k
            for j in range(self._slot.shape[0] if self.counts[slot] else 0):
                if self._slot[j] == slot:
                    self._slot[j] = 0
            self.counts[0] += self.counts[slot]
            self.counts[slot] = 0
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

    def penalise(
        self, const double[:] l1, const double[:] l2, const double[:] lower,
        const double[:] upper
    ):
        """Take the penalty (p,) that the next calls are about."""
        self.l1, self.l2, self.lower, self.upper = l1, l2, lower, upper

    def hear(self, double threshold):
        """Return how many features pass l1, or may, and are uncertain; all of them are `loud`.

        threshold : share of l1, at most 1, which `certificate` will ask for
        """
        cdef Py_ssize_t a, unread = 0
        if self._z.shape[0] == 0:
            return 0
        with nogil:
            self.n_near = riata_above(
                &self._z[0], &self._radius[0], &self.l1[0],
                self.l1.strides[0] // <Py_ssize_t>sizeof(double), NEXT * threshold, &self._near[0],
                self._z.shape[0])
            self.listen()
            for a in range(self.n_loud):
                unread += self._radius[self._loud[a]] > 0.0
        return unread

    cdef void listen(self) noexcept nogil:
        """List who of those near passes l1, or may, in a direction open to it."""
        cdef Py_ssize_t a, j, near = 0
        cdef double z, r, limit
        self.n_loud = 0
        for a in range(self.n_near):
            j = self._near[a]
            if self.skip[j] or self.member[j]:
                continue
            self._near[near] = j
            near += 1
            z, r, limit = self._z[j], self._radius[j], self.l1[j]
            if (z + r > limit and self.upper[j] > 0.0) or (r - z > limit and self.lower[j] < 0.0):
                self._loud[self.n_loud] = j
                self.n_loud += 1
        self.n_near = near

    @property
    def near(self):
        """The outsiders above the threshold of the last `hear`, and those next in line."""
        return np.asarray(self._near)[: self.n_near].astype(np.intp)

    @property
    def loud(self):
        """The features that the last `hear` or `certificate` found."""
        return self._loud_array[: self.n_loud].astype(np.intp)

    @property
    def uncertain(self):
        """Those among them whose z is not exact."""
        loud = self.loud
        return loud[self.radius[loud] > 0.0]

    def certificate(
        self, const double[::1] coef, const Py_ssize_t[::1] members, double threshold
    ):
        """Return what can be said of coef (p,), non-zero among the members alone, at the present
        residual, once those whom `hear` found uncertain were read: (gap, slope, expected,
        violators).

        gap : with the residual scaled by the largest feasible c
        slope : of the gap in c; above 0 a smaller c is better
        expected, violators : outsiders that stand above threshold l1, and above l1
        """
        cdef Py_ssize_t a, j, expected = 0, violators = 0, total
        cdef double c = 1.0, z, gap, slope
        with nogil:
            self.listen()
            for a in range(self.n_near):
                j = self._near[a]
                z = self._z[j]
                if fabs(z) > threshold * self.l1[j] and (
                        self.upper[j] if z > 0.0 else -self.lower[j]) != 0.0:
                    expected += 1
                    violators += fabs(z) > self.l1[j]
            total = members.shape[0] + self.n_loud
            for a in range(total):
                j = members[a] if a < members.shape[0] else self._loud[a - members.shape[0]]
                if fabs(self._z[j]) > self.l1[j]:
                    c = min(c, scale_limit(
                        self._z[j], self.l1[j], self.l2[j], self.lower[j], self.upper[j]))
            gap = 0.5 * (1.0 - c) * (1.0 - c) * self.resid_sq
            slope = -(1.0 - c) * self.resid_sq
            for a in range(total):
                j = members[a] if a < members.shape[0] else self._loud[a - members.shape[0]]
                z = c * self._z[j]
                if coef[j] == 0.0 and fabs(z) <= self.l1[j]:
                    continue
                gap += fenchel_young(
                    coef[j], z, self.l1[j], self.l2[j], self.lower[j], self.upper[j])
                slope += self._z[j] * (best_response(
                    z, self.l1[j], self.l2[j], self.lower[j], self.upper[j]) - coef[j])
        return gap, slope, expected, violators

    def gather(
        self, const double[::1] coef, const Py_ssize_t[::1] members, double[:, ::1] terms
    ):
        """Put what concerns the members in the rows of terms (7, |W|): their coef, z, |x_j|^2, l1,
        l2, lower and upper."""
        cdef Py_ssize_t a, j
        with nogil:
            for a in range(members.shape[0]):
                j = members[a]
                terms[0, a] = coef[j]
                terms[1, a] = self._z[j]
                terms[2, a] = self.norm_sq[j]
                terms[3, a] = self.l1[j]
                terms[4, a] = self.l2[j]
                terms[5, a] = self.lower[j]
                terms[6, a] = self.upper[j]

    def advance(
        self, double[::1] coef, const Py_ssize_t[::1] members, const double[:, ::1] terms, fitted,
        bint centred
    ):
        """Move coef (p,) to those of the members in terms[0], and the present residual with it.

        terms[1] : z of the members there
        fitted (n,) : X_W b; overwritten by the residual y - X_W b, less its mean where `centred`

        Returns (|r|^2, sum_j |x_j| |b_j|, the same of the magnitudes).
        """
        cdef double[::1] resid = fitted
        cdef Py_ssize_t a, i, j, n = resid.shape[0]
        cdef double mean = 0.0, resid_sq, size = 0.0, magnitude = 0.0
        with nogil:
            for i in range(n):
                resid[i] = self.y[i] - resid[i]
            if centred:
                mean = riata_dot_f64(&resid[0], &self.weights[0], 0.0, n)
                for i in range(n):
                    resid[i] -= mean
            resid_sq = riata_norm_f64(&resid[0], &self.weights[0], 0.0, n)
        self.move(fitted, resid_sq)
        with nogil:
            for a in range(members.shape[0]):
                j = members[a]
                coef[j] = terms[0, a]
                self._z[j] = terms[1, a]
                self._radius[j] = 0.0
                if terms[0, a] != 0.0:
                    size += sqrt(self.norm_sq[j]) * fabs(terms[0, a])
                    magnitude += sqrt(self.magnitude_sq[j]) * fabs(terms[0, a])
        return resid_sq, size, magnitude

    def note(self, const Py_ssize_t[::1] index, const double[::1] values):
        """Take values as z at the present residual, exact for now, of the features `index`."""
        cdef Py_ssize_t a, j
        for a in range(index.shape[0]):
            j = index[a]
            self._z[j] = values[a]
            self._radius[j] = 0.0

    def note_read(self, const Py_ssize_t[::1] index, const double[::1] values):
        """The same, of features that were read at the present residual."""
        cdef Py_ssize_t a, j
        self.open()
        self.note(index, values)
        for a in range(index.shape[0]):
            j = index[a]
            self._last[j] = values[a]
            self.counts[self._slot[j]] -= 1
            self._slot[j] = self.here
        self.counts[self.here] += index.shape[0]

    def note_all(self, const double[::1] values):
        """The same, of all features."""
        cdef Py_ssize_t j
        self.open()
        for j in range(values.shape[0]):
            self._z[j] = self._last[j] = values[j]
            self._radius[j] = 0.0
            self._slot[j] = self.here
        self.counts[:] = 0
        self.counts[self.here] = values.shape[0]
