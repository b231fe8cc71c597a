"""Bounds on z_j = x_j'(w r) from what was read before; see riata.correlations for the formula.

A slot holds a residual q at which some features were read last, or an older one of theirs: the
solver's residual before that, where both were read together, else that of the read before. With
y'wr = t, c_j = x_j'(w y) and q made orthogonal to y, and where it is the older one to the last one:

    a = q - B y            B = y'wq / |y|^2         fresh_j = x_j'(w a)     V = 1 / |a|^2
    o = q' - B' y - G a    G = V a'w(q' - B' y)     older_j = x_j'(w o)     U = 1 / |o|^2

    z_j  ~  (t / |y|^2) c_j + P fresh_j + Q older_j          P = V a'wr,   Q = U o'wr

    error  <=  sqrt(|x_j|^2 - c_j^2 / |y|^2 - fresh_j^2 V - older_j^2 U)
               sqrt(|r|^2 - t^2 / |y|^2 - P a'wr - Q o'wr)

V or U is 0 where next to nothing is left of q. What rounding makes of it: `slack` times |r|^2, and
times the magnitude of the summands of |x_j|^2, are added inside the roots. What fresh and older are
off by, slack |x_j| |q|, and P and Q multiply, goes on top of the second root, over the least that
the first one is; what V and U are off by, slack |q|^2 of either, and fresh and older multiply, on
top of the first root. That is the feature's own, formed when it is read. Slot 0 stands for none.

Cost: a read of p features and of the slots' residuals.
"""

import numpy as np

from libc.math cimport fabs, sqrt
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from .pool cimport parallel
from .simd cimport riata_dot_f64

cdef extern from "bounds.h" nogil:
    void riata_bounds(
        const int32_t *pair, const double *fresh, const double *older, const double *with_y,
        const double *reach, const double *scale, const double *scale_older, const double *rest,
        double first, double *estimate, double *radius, Py_ssize_t p)
    Py_ssize_t riata_users(
        const int32_t *pair, int bits, int32_t mask, int32_t slot, int32_t *out, Py_ssize_t p)

cdef enum:
    RUN = 512   # features that are looked at in one go
    ROWS = 1 << 13       # at a time, of what is done to residuals
    PARTS = 1 << 15      # multiply-adds of a job of their inner products
    NOTES = 1 << 12      # of what was read, a job
    LINE = 8             # doubles in a line of the cache

cdef double ORTHOGONAL = 1e-8   # a residual with less than this share of its square off y is y
cdef double APART = 1e-6        # the same, of an older one off y and the last one


cdef void take_part(void *references, Py_ssize_t k) noexcept nogil:
    (<References>references).take_part(k)


cdef void weigh(void *references, Py_ssize_t k) noexcept nogil:
    (<References>references).weigh(k)


cdef void keep(void *references, Py_ssize_t k) noexcept nogil:
    (<References>references).keep(k)


cdef void anchor_some(void *references, Py_ssize_t k) noexcept nogil:
    (<References>references).anchor_some(k)


cdef void forget(void *references, Py_ssize_t k) noexcept nogil:
    (<References>references).forget(k)


cdef void bound_some(void *references, Py_ssize_t k) noexcept nogil:
    (<References>references).bound_some(k)


cdef void note_some(void *references, Py_ssize_t k) noexcept nogil:
    (<References>references).note_some(k)


cdef Py_ssize_t share_of(Py_ssize_t count, Py_ssize_t least) noexcept nogil:
    """The size of equal jobs of at least that many, whole lines of the cache."""
    cdef Py_ssize_t jobs = max(<Py_ssize_t>1, count // least)
    return max(<Py_ssize_t>1, ((count + jobs - 1) // jobs + LINE - 1) // LINE) * LINE


cdef class References:
    """The present residual, and for every feature what is known of its z there.

    with_y, norm_sq, magnitude_sq : (p,), c_j, |x_j|^2 and its summands; kept, not copied
    keeps_older : whether an older residual is kept
    n_threads : by which residuals and features are gone through
    z, radius : (p,), estimate and bound of its error; 0 where z is exact
    pair : (p,), the slots of the residual at its last read, shifted by `bits`, and of the older one
    weighted : (n,), w r; in `vectors` beside that of the residual before, which is in slot
        `previous`
    """

    def __init__(
        self, double[::1] with_y, const double[::1] norm_sq, const double[::1] magnitude_sq,
        y, const double[::1] weights, double y_sq, Py_ssize_t slots, bint keeps_older,
        double slack, Py_ssize_t n_threads
    ):
        cdef Py_ssize_t p = with_y.shape[0]
        self.with_y, self.y, self.weights = with_y, y, weights
        self.norm_sq, self.magnitude_sq = norm_sq, magnitude_sq
        self.z, self.radius = np.array(with_y), np.zeros(p)
        self.pair = np.zeros(p, dtype=np.int32)
        vectors = np.zeros((2, self.y.shape[0]))
        self.vectors, self.weighted = vectors, vectors[0]
        self._z, self._radius = self.z, self.radius
        self.fresh, self.reach = np.zeros(p), np.empty(p)
        self.older = np.zeros(p if keeps_older else 0)
        self._pair, self._weighted = self.pair, self.weighted
        self.S, self.M = slots + 1, slots + 1 if keeps_older else 1
        self.bits = int(self.M - 1).bit_length()
        side = 1 << self.bits
        self.mask = side - 1
        self.counts = np.zeros((self.S, side), dtype=np.intp)
        self.counts[0, 0] = p
        self.residuals = np.zeros((self.S, self.y.shape[0]))
        self.along, self.inverse, self.length, self.part = np.zeros((4, self.S))
        self.n_threads = n_threads
        self.scale, self.scale_older, self.rest = np.zeros((3, self.S, side))
        self.mix, self.inverse_older = np.zeros((2, self.S, side))
        self.y_sq, self.inverse_y = y_sq, 1.0 / y_sq if y_sq > 0.0 else 0.0
        self.slack, self.root_slack = slack, sqrt(slack)
        self.resid = y
        self.place(self.y, y_sq)
        self.with_y_here = self.with_resid(self.y)
        self.share = share_of(p, FEATURES)
        parallel(anchor_some, <void *>self, (p + self.share - 1) // self.share, self.n_threads)

    cdef void anchor(
        self, Py_ssize_t j, Py_ssize_t last, double fresh, Py_ssize_t before, double older
    ) noexcept nogil:
        """Feature j was read last at the residual of a slot, then or before that at the older one
        of another: x_j'w times these, the part along y taken off each. `assign` notes the slots."""
        cdef double left = self.norm_sq[j] - self.with_y[j] * self.with_y[j] * self.inverse_y
        cdef double P, Q
        older -= self.mix[last, before] * fresh
        P, Q = fresh * self.inverse[last], older * self.inverse_older[last, before]
        left -= fresh * P + older * Q
        self.fresh[j] = fresh
        if self.M > 1:
            self.older[j] = older
        self.reach[j] = (
            sqrt(max(left, 0.0) + self.slack * self.magnitude_sq[j])
            + self.root_slack * self.lost(P, Q, last, before))

    cdef void anchor_some(self, Py_ssize_t k) noexcept nogil:
        """The same at y, for some features."""
        cdef Py_ssize_t j
        for j in range(k * self.share, min((k + 1) * self.share, self._pair.shape[0])):
            self.anchor(j, 0, 0.0, 0, 0.0)

    cdef void assign(self, Py_ssize_t j, Py_ssize_t last, Py_ssize_t before) noexcept nogil:
        self.counts[self._pair[j] >> self.bits, self._pair[j] & self.mask] -= 1
        self.counts[last, before] += 1
        self._pair[j] = (last << self.bits) | before

    cdef double with_resid(self, const double[::1] other) noexcept nogil:
        return riata_dot_f64(&other[0], &self._weighted[0], 0.0, other.shape[0])

    cdef void place(self, const double[::1] values, double resid_sq) noexcept nogil:
        self.passes_on = self.M > 1 and self.here != 0
        self.previous = self.here if self.passes_on else self.previous
        self._resid, self.resid_sq, self.here = values, resid_sq, 0
        parallel(weigh, <void *>self, (values.shape[0] + ROWS - 1) // ROWS, self.n_threads)

    cdef void weigh(self, Py_ssize_t k) noexcept nogil:
        """Take a block of w r, and pass that of the residual before on."""
        cdef Py_ssize_t i, end = min((k + 1) * ROWS, self._resid.shape[0])
        if self.passes_on:
            memcpy(&self.vectors[1, k * ROWS], &self._weighted[k * ROWS],
                   (end - k * ROWS) * sizeof(double))
        for i in range(k * ROWS, end):
            self._weighted[i] = self.weights[i] * self._resid[i]

    def open(self):
        """Return the slot of the present residual: its own, or that of the fewest features, other
        than the one before."""
        if self.here:
            return self.here
        cdef Py_ssize_t k, slot = 0, fewest = -1, count
        with nogil:
            for k in range(1, self.S):
                count = self.in_slot(k)
                if k != self.previous and (fewest < 0 or count < fewest):
                    slot, fewest = k, count
            self.vacate(slot)
            self.here = slot
            parallel(keep, <void *>self, (self._resid.shape[0] + ROWS - 1) // ROWS, self.n_threads)
            self.fill(slot)
        return slot

    cdef void keep(self, Py_ssize_t k) noexcept nogil:
        """Copy a block of the present residual to its slot."""
        cdef Py_ssize_t i = k * ROWS
        memcpy(&self.residuals[self.here, i], &self._resid[i],
               min(<Py_ssize_t>ROWS, self._resid.shape[0] - i) * sizeof(double))

    cdef Py_ssize_t in_slot(self, Py_ssize_t slot) noexcept nogil:
        """How many features a slot serves, be it by the last residual or by the older one."""
        cdef Py_ssize_t k, count = 0
        for k in range(self.M):
            count += self.counts[slot, k]
        for k in range(self.S if slot < self.M else 0):
            count += self.counts[k, slot]
        return count

    cdef void vacate(self, Py_ssize_t slot) noexcept nogil:
        """Let every feature forget a read at the residual of a slot."""
        cdef Py_ssize_t k
        if self.in_slot(slot) == 0:
            return
        self.vacated = slot
        self.share = share_of(self._pair.shape[0], FEATURES)
        parallel(forget, <void *>self, (self._pair.shape[0] + self.share - 1) // self.share,
                 self.n_threads)
        for k in range(self.M):
            self.counts[0, 0] += self.counts[slot, k]
            self.counts[slot, k] = 0
        for k in range(self.S if slot < self.M else 0):
            self.counts[k, 0] += self.counts[k, slot]
            self.counts[k, slot] = 0

    cdef void forget(self, Py_ssize_t k) noexcept nogil:
        """The same for some features, which are counted there."""
        cdef int32_t users[RUN + 8]
        cdef Py_ssize_t a, j, last, listed, first = k * self.share
        cdef Py_ssize_t end = min(first + self.share, self._pair.shape[0])
        while first < end:
            listed = riata_users(
                &self._pair[first], self.bits, self.mask, self.vacated, users,
                min(<Py_ssize_t>RUN, end - first))
            for a in range(listed):
                j = first + users[a]
                last = self._pair[j] >> self.bits
                if last == self.vacated:
                    last, self.fresh[j] = 0, 0.0
                self.anchor(j, last, self.fresh[j], 0, 0.0)
                self._pair[j] = last << self.bits
            first += RUN

    cdef void fill(self, Py_ssize_t slot) noexcept nogil:
        """Take the inner products of the present residual, which is in a slot, with y and with the
        residuals of the others, which may be the older ones of features read here."""
        cdef Py_ssize_t k
        cdef double left
        self.along[slot] = self.with_y_here * self.inverse_y
        self.length[slot] = sqrt(self.resid_sq)
        left = self.resid_sq - self.along[slot] * self.along[slot] * self.y_sq
        self.inverse[slot] = 1.0 / left if left > ORTHOGONAL * self.resid_sq else 0.0
        for k in range(self.M):
            self.mix[slot, k] = self.inverse_older[slot, k] = 0.0
            if k == slot or self.inverse[k] == 0.0:
                continue
            self.mix[slot, k] = self.part[k] * self.inverse[slot]
            left = 1.0 / self.inverse[k] - self.part[k] * self.mix[slot, k]
            if left > APART * self.length[k] * self.length[k]:
                self.inverse_older[slot, k] = 1.0 / left

    def move(self, resid, double resid_sq):
        """Make resid (n,) the present residual: z and radius of every feature from its last read.
        """
        self.resid = resid
        self.place(resid, resid_sq)
        with nogil:
            self.bound()

    cdef void bound(self) noexcept nogil:
        """z and radius of every feature at the present residual, from its last reads."""
        cdef Py_ssize_t k, m
        cdef double t, first
        if self._z.shape[0] == 0:
            return
        self.share = max(<Py_ssize_t>1, PARTS // max(<Py_ssize_t>1, self.y.shape[0]))
        parallel(take_part, <void *>self, (self.S + self.share - 1) // self.share, self.n_threads)
        t = self.with_y_here
        first = t * self.inverse_y
        for k in range(self.S):
            if self.inverse[k] > 0.0:
                self.part[k] -= self.along[k] * t
        for k in range(self.S):
            for m in range(self.M):
                if self.counts[k, m] > 0:
                    self.project(k, m, self.resid_sq - t * first)
        self.share = share_of(self._z.shape[0], FEATURES)
        parallel(bound_some, <void *>self, (self._z.shape[0] + self.share - 1) // self.share,
                 self.n_threads)

    cdef void take_part(self, Py_ssize_t k) noexcept nogil:
        """What the residuals of some slots have in common with this one; of slot 0, which has none,
        y."""
        cdef Py_ssize_t slot
        for slot in range(k * self.share, min((k + 1) * self.share, self.S)):
            self.part[slot] = 0.0
            if slot == 0:
                self.with_y_here = self.with_resid(self.y)
            elif self.inverse[slot] > 0.0:
                self.part[slot] = self.with_resid(self.residuals[slot])

    cdef void bound_some(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t j = k * self.share
        riata_bounds(
            &self._pair[j], &self.fresh[j], &self.older[j] if self.M > 1 else NULL,
            &self.with_y[j], &self.reach[j], &self.scale[0, 0], &self.scale_older[0, 0],
            &self.rest[0, 0], self.with_y_here * self.inverse_y, &self._z[j], &self._radius[j],
            min(self.share, self._z.shape[0] - j))

    cdef void project(self, Py_ssize_t last, Py_ssize_t before, double left) noexcept nogil:
        """P, Q and the second root of the bound, for features of two slots; left = |r|^2 less what
        y takes of it."""
        cdef double older = self.part[before] - self.mix[last, before] * self.part[last]
        cdef double P = self.part[last] * self.inverse[last]
        cdef double Q = older * self.inverse_older[last, before]
        left -= self.part[last] * P + older * Q
        self.scale[last, before], self.scale_older[last, before] = P, Q
        self.rest[last, before] = (
            sqrt(max(left, 0.0) + self.slack * self.resid_sq)
            + self.root_slack * self.lost(P, Q, last, before))

    cdef double lost(
        self, double P, double Q, Py_ssize_t last, Py_ssize_t before
    ) noexcept nogil:
        """The size of what is summed up in P a + Q o, for the residuals of two slots."""
        cdef double size = self.length[before] + fabs(self.mix[last, before]) * self.length[last]
        return fabs(P) * self.length[last] + fabs(Q) * size

    def note(self, const Py_ssize_t[::1] index, const double[::1] values):
        """Take values as z at the present residual, exact for now, of the features `index`."""
        cdef Py_ssize_t a
        with nogil:
            for a in range(index.shape[0]):
                self._z[index[a]] = values[a]
                self._radius[index[a]] = 0.0

    cdef void note_here(
        self, const Py_ssize_t *index, const double *now, const double *then, Py_ssize_t count
    ) noexcept nogil:
        """Take `now` as the last read of the features `index`, or of all, at the present residual,
        which has a slot, and `then`, unless NULL, as one at the residual before."""
        cdef Py_ssize_t a, j
        self.noted, self.now, self.then, self.n_noted = index, now, then, count
        self.share = share_of(count, NOTES)
        parallel(note_some, <void *>self, (count + self.share - 1) // self.share, self.n_threads)
        for a in range(count):
            j = a if index == NULL else index[a]
            self.assign(j, self.here, self.slot_before(j))

    cdef Py_ssize_t slot_before(self, Py_ssize_t j) noexcept nogil:
        """The slot of the older residual of a feature that is noted: the one before, where that was
        read too, else that of its last read elsewhere."""
        cdef Py_ssize_t last = self._pair[j] >> self.bits
        if self.then != NULL:
            return self.previous
        return last if self.M > 1 and last != self.here else self._pair[j] & self.mask

    cdef void note_some(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t a, j, last, before, end = min((k + 1) * self.share, self.n_noted)
        cdef double older
        for a in range(k * self.share, end):
            j = a if self.noted == NULL else self.noted[a]
            last, before, older = self._pair[j] >> self.bits, self.slot_before(j), 0.0
            if self.then != NULL:
                older = self.then[a] - self.along[before] * self.with_y[j]
            elif self.M > 1 and last == self.here:
                older = self.older[j] + self.mix[last, before] * self.fresh[j]
            elif self.M > 1:
                older = self.fresh[j]
            self._z[j] = self.now[a]
            self._radius[j] = 0.0
            self.anchor(
                j, self.here, self.now[a] - self.along[self.here] * self.with_y[j], before, older)

    def note_read(self, const Py_ssize_t[::1] index, const double[::1] values):
        """Take values as z of the features `index`, which were read at the present residual."""
        self.open()
        if index.shape[0]:
            with nogil:
                self.note_here(&index[0], &values[0], NULL, index.shape[0])

    def note_all(self, const double[::1] values):
        """The same, of all features."""
        self.open()
        if values.shape[0]:
            with nogil:
                self.note_here(NULL, &values[0], NULL, values.shape[0])

    def elsewhere(self, index):
        """Return those of the features `index` that were not read at the present residual."""
        here = self.open()  # which may make features forget where they were read
        return index[self.pair[index] >> self.bits != here]
