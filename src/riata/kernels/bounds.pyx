"""Who passes l1, or may, as far as bounds tell: lists, certificates, and what descends by them.

z and its uncertainty are those of references.pyx. Features outside the working set that stand above
a share of l1 are `near`; those that pass it, or may, are `loud`. A certificate reads the columns of
the loud ones whose z is not exact, and adds what they and the members give to the duality gap: the
others are 0, and pass nothing.
"""

import numpy as np

from libc.math cimport INFINITY, fabs, sqrt
from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memmove

from .pool cimport parallel
from .references cimport FEATURES, References, share_of
from .scalar cimport best_response, fenchel_young, scale_limit, urgency_of
from .simd cimport riata_dot_f64, riata_norm_f64

cdef extern from "bounds.h" nogil:
    Py_ssize_t riata_above(
        const double *z, const double *r, const double *limit, Py_ssize_t stride, double doubt,
        double share, int32_t *out, Py_ssize_t p)

cdef double NEXT = 0.95         # share of the threshold above which outsiders are listed
cdef double GUESSED = 0.8       # the same, where estimates alone decide
cdef double FARTHEST = 2.0      # times the way from one alpha to the next that z is followed on


cdef void list_some(void *bounds, Py_ssize_t k) noexcept nogil:
    (<Bounds>bounds).list_some(k)


cdef class Bounds(References):
    """What is known of every feature's z, against the penalty.

    with_y, norm_sq, magnitude_sq, y, weights, y_sq, slots, keeps_older, slack : see References
    skip, member : (p,), not 0 for features whose z nobody wants, and for those whose z is exact;
        kept, and read when they are needed
    columns : reads columns natively, or None
    few : columns; for more, or without `columns`,
    read : read(self, design, index) reads any columns at the present residual, and notes them
    design : counts its passes
    """

    def __init__(
        self, double[::1] with_y, const double[::1] norm_sq, const double[::1] magnitude_sq,
        y, const double[::1] weights, double y_sq, Py_ssize_t slots, bint keeps_older,
        double slack, const uint8_t[::1] skip, const uint8_t[::1] member, Columns columns,
        Py_ssize_t few, read, design
    ):
        super().__init__(
            with_y, norm_sq, magnitude_sq, y, weights, y_sq, slots, keeps_older, slack,
            design.loop_threads)
        self.n_near, self.n_loud = 0, 0
        self.skip, self.member = skip, member
        self._near = self._listed = np.empty(len(with_y) + 8, dtype=np.int32)   # written by eights
        self.listed = np.empty((2, len(with_y) // FEATURES + 1), dtype=np.intp)
        self.columns, self.read, self.design = columns, read, design
        self.few = few
        self.some, self.values = np.empty(0, dtype=np.intp), np.empty((2, 0))
        self.residual = np.empty((1, self.y.shape[0]))
        self.image, self.row = self.residual, self.residual[0]
        self.n_active, self.size, self.magnitude = 0, 0.0, 0.0
        self.mark, self.foresees = 0.0, False
        self.seen, self.z_seen = np.empty(0, dtype=np.int32), np.empty(0)

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
        included; where that is not 0, those first who pass l1, or may."""
        cdef Py_ssize_t a, k, first, jobs, loud, quiet
        self.least, self.doubt, self.n_near, self.n_loud = share, doubt, 0, 0
        self.share = share_of(self._z.shape[0], FEATURES)
        jobs = (self._z.shape[0] + self.share - 1) // self.share
        parallel(list_some, <void *>self, jobs, self.n_threads)
        for k in range(jobs):
            first, loud, quiet = k * self.share, self.listed[1, k], self.n_near - self.n_loud
            memmove(&self._near[self.n_near], &self._near[first],
                    self.listed[0, k] * sizeof(int32_t))
            for a in range(min(loud, quiet)):   # its last loud ones go where quiet ones are
                self.change_places(self.n_loud + a, self.n_near + loud - 1 - a)
            self.n_near += self.listed[0, k]
            self.n_loud += loud

    cdef void list_some(self, Py_ssize_t k) noexcept nogil:
        """List those of some features in their part of `near`, in doubt the loud ones first."""
        cdef Py_ssize_t a, j, first = k * self.share, near = first
        cdef Py_ssize_t stride = self.l1.strides[0] // <Py_ssize_t>sizeof(double)
        cdef Py_ssize_t end = first + riata_above(
            &self._z[first], &self._radius[first], &self.l1[first], stride, self.doubt, self.least,
            &self._near[first], min(self.share, self._z.shape[0] - first))
        for a in range(first, end):
            j = first + self._near[a]
            self._near[near] = j
            near += not (self.skip[j] or self.member[j])
        self.listed[0, k] = near - first
        self.listed[1, k] = self.louder(first, near) if self.doubt > 0.0 else 0

    cdef Py_ssize_t louder(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
        """Bring those of near[first:end] to the front that pass l1, or may; return how many do."""
        cdef Py_ssize_t a, to = first
        for a in range(first, end):
            self.change_places(a, to)
            to += self.passes(self._near[to])
        return to - first

    cdef void change_places(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        self._near[a], self._near[b] = self._near[b], self._near[a]

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
            self.read(self, self.design, self.uncertain)
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
            self.n_loud = self.louder(0, self.n_loud)
        return True

    cdef bint make_room(self, Py_ssize_t count) except -1:
        """Have `some` and `values` hold that many."""
        cdef Py_ssize_t room = count + count // 4
        if len(self.some) < count:
            self.some, self.values = np.empty(room, dtype=np.intp), np.empty((2, room))
        return True

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
