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

from libc.math cimport INFINITY, fabs, sqrt
from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memcpy

from .pool cimport parallel
from .scalar cimport best_response, fenchel_young, scale_limit, urgency_of
from .simd cimport riata_dot_f64, riata_norm_f64

cdef extern from "bounds.h" nogil:
    void riata_bounds(
        const int32_t *pair, const double *fresh, const double *older, const double *with_y,
        const double *reach, const double *scale, const double *scale_older, const double *rest,
        double first, double *estimate, double *radius, Py_ssize_t p)
    Py_ssize_t riata_above(
        const double *z, const double *r, const double *limit, Py_ssize_t stride, double doubt,
        double share, int32_t *out, Py_ssize_t p)
    Py_ssize_t riata_users(
        const int32_t *pair, int bits, int32_t mask, int32_t slot, int32_t *out, Py_ssize_t p)

cdef enum:
    RUN = 512   # features that are looked at in one go
    ROWS = 1 << 13       # at a time, of what is done to residuals
    PARTS = 1 << 15      # multiply-adds of a job of their inner products
    FEATURES = 1 << 13   # a job, of their bounds: fewer are sooner bounded than fetched
    NOTES = 1 << 12      # the same, of what was read

cdef double NEXT = 0.95         # share of the threshold above which outsiders are listed
cdef double GUESSED = 0.8       # the same, where estimates alone decide
cdef double FARTHEST = 2.0      # times the way from one alpha to the next that z is followed on
cdef double ORTHOGONAL = 1e-8   # a residual with less than this share of its square off y is y
cdef double APART = 1e-6        # the same, of an older one off y and the last one


cdef void take_part(void *bounds, Py_ssize_t k) noexcept nogil:
    (<Bounds>bounds).take_part(k)


cdef void weigh(void *bounds, Py_ssize_t k) noexcept nogil:
    (<Bounds>bounds).weigh(k)


cdef void keep(void *bounds, Py_ssize_t k) noexcept nogil:
    (<Bounds>bounds).keep(k)


cdef void bound_some(void *bounds, Py_ssize_t k) noexcept nogil:
    (<Bounds>bounds).bound_some(k)


cdef void note_some(void *bounds, Py_ssize_t k) noexcept nogil:
    (<Bounds>bounds).note_some(k)


cdef Py_ssize_t share_of(Py_ssize_t count, Py_ssize_t least) noexcept nogil:
    """The size of equal jobs of at least that many."""
    cdef Py_ssize_t jobs = max(<Py_ssize_t>1, count // least)
    return max(<Py_ssize_t>1, (count + jobs - 1) // jobs)


cdef class Bounds:
    """The present residual, and for every feature what is known of its z there.

    with_y, norm_sq, magnitude_sq : (p,), c_j, |x_j|^2 and its summands; kept, not copied
    skip, member : (p,), not 0 for features whose z nobody wants, and for those whose z is exact;
        kept, and read when they are needed
    keeps_older : whether an older residual is kept
    columns : reads columns natively, or None
    few : columns; for more, or without `columns`,
    read : reads any columns `index` at the present residual, and notes them
    design : counts its passes
    z, radius : (p,), estimate and bound of its error; 0 where z is exact
    pair : (p,), the slots of the residual at its last read, shifted by `bits`, and of the older one
    weighted : (n,), w r; in `vectors` beside that of the residual before, which is in slot
        `previous`
    """

    def __init__(
        self, double[::1] with_y, const double[::1] norm_sq, const double[::1] magnitude_sq,
        y, const double[::1] weights, double y_sq, Py_ssize_t slots, bint keeps_older,
        double slack, const uint8_t[::1] skip, const uint8_t[::1] member, Columns columns,
        Py_ssize_t few, read, design
    ):
        cdef Py_ssize_t p = with_y.shape[0], j
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
        self.n_threads = design.loop_threads
        self.scale, self.scale_older, self.rest = np.zeros((3, self.S, side))
        self.mix, self.inverse_older = np.zeros((2, self.S, side))
        self.y_sq, self.inverse_y = y_sq, 1.0 / y_sq if y_sq > 0.0 else 0.0
        self.slack, self.root_slack, self.n_near, self.n_loud = slack, sqrt(slack), 0, 0
        self.skip, self.member = skip, member
        self._near = self._listed = np.empty(p + 8, dtype=np.int32)   # eight are written at a time
        self.columns, self.read, self.design = columns, read, design
        self.few = few
        self.some, self.values = np.empty(0, dtype=np.intp), np.empty((2, 0))
        self.residual = np.empty((1, self.y.shape[0]))
        self.image, self.row = self.residual, self.residual[0]
        self.n_active, self.size, self.magnitude = 0, 0.0, 0.0
        self.mark, self.foresees = 0.0, False
        self.seen, self.z_seen = np.empty(0, dtype=np.int32), np.empty(0)
        self.resid = y
        self.place(self.y, y_sq)
        self.with_y_here = self.with_resid(self.y)
        for j in range(p):
            self.anchor(j, 0, 0.0, 0, 0.0)

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
        cdef int32_t users[RUN + 8]
        cdef Py_ssize_t a, j, last, listed, first = 0, count = self.in_slot(slot)
        while count > 0 and first < self._pair.shape[0]:
            listed = riata_users(
                &self._pair[first], self.bits, self.mask, slot, users,
                min(<Py_ssize_t>RUN, self._pair.shape[0] - first))
            for a in range(listed):
                j = first + users[a]
                last = self._pair[j] >> self.bits
                if last == slot:
                    last, self.fresh[j] = 0, 0.0
                self.anchor(j, last, self.fresh[j], 0, 0.0)
                self.assign(j, last, 0)
            first, count = first + RUN, count - listed

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

    cpdef bint penalise(
        self, const double[:] l1, const double[:] l2, const double[:] lower,
        const double[:] upper
    ) except -1:
        """Take the penalty (p,) that the next calls are about."""
        self.l1, self.l2, self.lower, self.upper = l1, l2, lower, upper
        return True

    cpdef Py_ssize_t hear(self, double threshold) except -1:
        """Return how many features pass l1, or may, and are uncertain; all of them are `loud`.

        threshold : share of l1, at most 1, above which `near` are listed
        """
        cdef Py_ssize_t a, unread = 0
        self.foresees = False
        with nogil:
            self.list_near(NEXT * threshold, 1.0)
            self.n_loud = self.n_near
            self.keep_loud()
            for a in range(self.n_loud):
                unread += self._radius[self._near[a]] > 0.0
        return unread

    cpdef bint guess(self, double threshold, double last, double alpha) except -1:
        """List as `near` who stands above the threshold at alpha, or nearly, if estimates are right
        and z goes on from the last alpha as it came there from the one before."""
        cdef double way = 0.0
        with nogil:
            self.list_near(GUESSED * threshold, 0.0)
        self.foresees = alpha < last < INFINITY
        if self.foresees:
            if last < self.mark:
                way = min((last - alpha) / (self.mark - last), FARTHEST)
            self.mark = last
            self.follow(way)
        return True

    cdef bint follow(self, double way) except -1:
        """Take z of those near where it leads, `way` times as far as it came since the last time,
        if it was near then."""
        cdef Py_ssize_t a, b = 0, j, count = self.seen.shape[0]
        cdef int32_t[::1] seen = np.empty(self.n_near, dtype=np.int32)
        cdef double[::1] z = np.empty(self.n_near), ahead = np.empty(self.n_near)
        with nogil:
            for a in range(self.n_near):
                j = seen[a] = self._near[a]
                z[a] = ahead[a] = self._z[j]
                while b < count and self.seen[b] < j:
                    b += 1
                if b < count and self.seen[b] == j:
                    ahead[a] += way * (z[a] - self.z_seen[b])
        self.seen, self.z_seen, self.ahead = seen, z, ahead
        return True

    cdef double foreseen(self, Py_ssize_t a) noexcept nogil:
        """z of the a-th of those near, where `guess` sees it or where it is."""
        return self.ahead[a] if self.foresees else self._z[self._near[a]]

    cdef void list_near(self, double share, double doubt) noexcept nogil:
        """List the outsiders that stand above a share of l1, their uncertainty times `doubt`
        included."""
        cdef Py_ssize_t a, j, listed
        self.n_near = 0
        if self._z.shape[0] == 0:
            return
        listed = riata_above(
            &self._z[0], &self._radius[0], &self.l1[0],
            self.l1.strides[0] // <Py_ssize_t>sizeof(double), doubt, share, &self._near[0],
            self._z.shape[0])
        for a in range(listed):
            j = self._near[a]
            self._near[self.n_near] = j
            self.n_near += not (self.skip[j] or self.member[j])

    cdef bint passes(self, Py_ssize_t j) noexcept nogil:
        """Whether z_j passes l1, or may, in a direction open to it."""
        cdef double z = self._z[j], r = self._radius[j], limit = self.l1[j]
        cdef bint up = z + r > limit, down = r - z > limit   # no branches: they can't be foreseen
        return (up & (self.upper[j] > 0.0)) | (down & (self.lower[j] < 0.0))

    def near(self):
        """Return the outsiders above the threshold of the last `hear` or `guess`, and those next in
        line, and the urgency of each; see scalar.pxd."""
        cdef Py_ssize_t a, j
        index, urgency = np.empty(self.n_near, dtype=np.intp), np.empty(self.n_near)
        cdef Py_ssize_t[::1] which = index
        cdef double[::1] urgencies = urgency
        for a in range(self.n_near):
            j = which[a] = self._near[a]
            urgencies[a] = urgency_of(
                self.foreseen(a), self.l1[j], self.lower[j], self.upper[j])
        return index, urgency

    @property
    def loud(self):
        """The features that the last `hear` or `certificate` found."""
        return self._listed[: self.n_loud].astype(np.intp)

    @property
    def uncertain(self):
        """Those among them whose z is not exact."""
        loud = self.loud
        return loud[self.radius[loud] > 0.0]

    cpdef bint settle(self, double threshold) except -1:
        """Make z exact, or certified not to pass l1; threshold as for `hear`."""
        cdef Py_ssize_t a, j, vectors, count = self.hear(threshold)
        cdef Py_ssize_t[::1] unread
        if count == 0:
            return True
        if count > self.few:
            self.read(self.uncertain)
        else:
            self.make_room(count)
            unread = self.some
            self.open()
            with nogil:
                count = 0
                for a in range(self.n_loud):
                    j = self._near[a]
                    if self._radius[j] > 0.0:
                        unread[count] = j
                        count += 1
                vectors = 2 if self.previous else 1
                self.columns.dots(unread[:count], self.vectors[:vectors], self.values)
                self.note_here(&unread[0], &self.values[0, 0],
                               &self.values[1, 0] if vectors == 2 else NULL, count)
            self.design.n_passes += count / <double>self._z.shape[0]
        with nogil:
            self.keep_loud()
        return True

    cdef bint make_room(self, Py_ssize_t count) except -1:
        """Have `some` and `values` hold that many."""
        cdef Py_ssize_t room = count + count // 4
        if len(self.some) < count:
            self.some, self.values = np.empty(room, dtype=np.intp), np.empty((2, room))
        return True

    cdef void keep_loud(self) noexcept nogil:
        """Bring those of the first n_loud of `near` that pass l1, or may, to the front."""
        cdef Py_ssize_t a, j, count = 0
        for a in range(self.n_loud):
            j = self._near[a]
            self._near[a], self._near[count] = self._near[count], j
            count += self.passes(j)
        self.n_loud = count

    cdef (double, double) gap_of(
        self, const double[::1] coef, const Py_ssize_t[::1] members, Py_ssize_t loud
    ) noexcept nogil:
        """The duality gap of coef (p,) on the members and the first `loud` features, the residual
        scaled by the largest feasible c, and the slope of the gap in c."""
        cdef Py_ssize_t a, j, total = members.shape[0] + loud
        cdef double c = 1.0, z, gap, slope
        for a in range(total):
            j = members[a] if a < members.shape[0] else self._near[a - members.shape[0]]
            if fabs(self._z[j]) > self.l1[j]:
                c = min(c, scale_limit(
                    self._z[j], self.l1[j], self.l2[j], self.lower[j], self.upper[j]))
        gap = 0.5 * (1.0 - c) * (1.0 - c) * self.resid_sq
        slope = -(1.0 - c) * self.resid_sq
        for a in range(total):
            j = members[a] if a < members.shape[0] else self._near[a - members.shape[0]]
            z = c * self._z[j]
            if coef[j] == 0.0 and fabs(z) <= self.l1[j]:
                continue
            gap += fenchel_young(
                coef[j], z, self.l1[j], self.l2[j], self.lower[j], self.upper[j])
            slope += self._z[j] * (best_response(
                z, self.l1[j], self.l2[j], self.lower[j], self.upper[j]) - coef[j])
        return gap, slope

    cdef (Py_ssize_t, Py_ssize_t) outside(self, double threshold) noexcept nogil:
        """How many of those near stand above threshold l1, and above l1, as far as is known."""
        cdef Py_ssize_t a, j, expected = 0, violators = 0
        cdef double z
        for a in range(self.n_near):
            j = self._near[a]
            z = self.foreseen(a)
            if fabs(z) > threshold * self.l1[j] and (
                    self.upper[j] if z > 0.0 else -self.lower[j]) != 0.0:
                expected += 1
                violators += fabs(z) > self.l1[j]
        return expected, violators

    def gap_of_members(self, const double[::1] coef, const Py_ssize_t[::1] members):
        """Return the duality gap of coef (p,) on the members: that of all is no smaller, or
        hardly."""
        return self.gap_of(coef, members, 0)[0]

    def certificate(
        self, const double[::1] coef, const Py_ssize_t[::1] members, double threshold
    ):
        """Return the duality gap of coef (p,), non-zero among the members alone, at the present
        residual, and its slope: with the residual scaled by the largest feasible c, and in c. Where
        the slope is above 0 a smaller c is better.

        threshold : as for `hear`
        """
        self.settle(threshold)
        return self.gap_of(coef, members, self.n_loud)

    cpdef void gather(
        self, const double[::1] coef, const Py_ssize_t[::1] members, double[:, ::1] terms
    ) noexcept:
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
        self, double[::1] coef, const Py_ssize_t[::1] members, const double[:, ::1] terms, image,
        bint centred
    ):
        """Move coef (p,) to those of the members in terms[0], and the present residual with it.

        terms[1] : z of the members there
        image : returns X_W b from b (|W|,), where that is not done natively
        centred : whether the mean of the residual is to be taken off

        What is there: `resid`, which the next call overwrites, `resid_sq`, `size`, `magnitude`,
        `support()`.
        """
        if not self.arrive(coef, members, terms, None, centred):
            self.arrive(coef, members, terms, image(np.asarray(terms[0])), centred)

    def support(self):
        """Return the non-zero features, ascending, that the last `advance` came to."""
        index = self.some[: self.n_active].copy()
        index.sort()
        return index

    cdef bint arrive(
        self, double[::1] coef, const Py_ssize_t[::1] members, const double[:, ::1] terms, given,
        bint centred
    ) except -1:
        """`advance`, X_W b given or made natively; False, and nothing moves, where it can't be."""
        cdef Py_ssize_t a, i, j, n = self._weighted.shape[0], count = 0
        cdef double mean = 0.0, resid_sq
        cdef double[::1] resid = self.image[0]
        cdef const double[::1] image
        cdef Py_ssize_t[::1] active
        self.make_room(members.shape[0])
        active = self.some
        for a in range(members.shape[0]):
            if terms[0, a] != 0.0:
                active[count] = members[a]
                count += 1
        if given is None and self.columns is None:
            return False
        if given is not None:
            image = given
            resid[:] = image
        with nogil:
            for a in range(members.shape[0]):
                coef[members[a]] = terms[0, a]
            if given is None:
                for a in range(count):
                    self.values[0, a] = coef[active[a]]
                self.columns.image(active[:count], self.values[0, :count], resid)
            for i in range(n):
                resid[i] = self.y[i] - resid[i]
            if centred:
                mean = riata_dot_f64(&resid[0], &self.weights[0], 0.0, n)
                for i in range(n):
                    resid[i] -= mean
            resid_sq = riata_norm_f64(&resid[0], &self.weights[0], 0.0, n)
            self.place(resid, resid_sq)
            self.bound()
            self.size = self.magnitude = 0.0
            for a in range(members.shape[0]):
                j = members[a]
                self._z[j] = terms[1, a]
                self._radius[j] = 0.0
                if terms[0, a] != 0.0:
                    self.size += sqrt(self.norm_sq[j]) * fabs(terms[0, a])
                    self.magnitude += sqrt(self.magnitude_sq[j]) * fabs(terms[0, a])
        self.n_active, self.resid = count, self.row
        return True

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
