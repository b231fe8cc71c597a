"""Newton steps on the working set under one curvature: the quadratic model, its optimum, the way.

    F(b + d) ~ F(b) - d'X_W'u + 1/2 c d' X_W' diag(h) X_W d + g(b + d)

X_W is centred by its h-weighted means where there is an intercept, whose step is then
sum(u) / sum(h); the features Z that nothing penalises are eliminated. c stretches the model to how
the loss bent along the last step: under an older curvature that is all that is known of the new
one. With an L2 part the whole of H + diag(l2) is stretched, so that its factor stays.

A step goes to the optimum of the model, found by the active set, as far as the true objective lets
(line_search.pyx). The present curvature serves until the steps that it would still take, at the
rate of the last, cost more than the Gram matrix under a new one.

Cost of a step: a round trip (trips.pyx) and what the active set takes (active_set.pyx).
Source: Lee, Sun, Saunders, SIAM J. Optim. 24(3), 2014, algorithm 1 (proximal Newton).
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, fabs, isfinite, log

from .active_set cimport ActiveSet
from .line_search cimport search
from .restricted cimport restricted_gap
from .signals cimport BETWEEN_SIGNALS
from .trips cimport RoundTrip

cdef double SMALL = 0.5             # share of the change of the gradient that may be foreseen
cdef double STRETCH = 2.0           # at most, either way

cpdef enum:   # how a descent ends
    DONE      # at its target
    LIMIT     # of iterations, or by the clock
    SPENT     # where a new curvature is worth its cost
    STUCK     # where steps gain little
    UNMOVED   # where none descends

cdef enum:   # rows of a table (13, |W|), the first seven as the active set takes them
    SOLVED, SOLVED_GRAD, NORM_SQ, L1_STRETCHED, L2, LOWER, UPPER, L1, COEF, GRAD, STRETCHED, NEW
    MISSED
    ROWS


cdef class Steps:
    """The model, and the point from which it is taken.

    stretch : c above
    age : steps taken since the curvature was taken
    """

    cdef readonly double mass
    cdef public double stretch
    cdef readonly Py_ssize_t age
    cdef RoundTrip trip
    cdef ActiveSet active
    cdef object sweep, expired
    cdef bint straight, centred
    cdef double exact, roughly
    cdef Py_ssize_t patience, most_solves
    cdef const double[:, ::1] gram, loads, inverse
    cdef const double[::1] mean
    cdef double gram_in_trips, cost, work
    cdef object rows                           # an array (13, |W|)
    cdef double[:, ::1] table                  # the same
    cdef object free_array                     # (|Z|,): b_Z
    cdef double[::1] of_free, free_slope       # the same; X_Z'u
    cdef double pace                           # log of what the last step took off the gap
    cdef double gain                           # of the best step of intercept and free features
    cdef double bend, stiffness                # of the model along the step; the part of l2 in it
    cdef readonly double intercept
    cdef readonly Py_ssize_t taken             # steps since `begin`
    cdef bint foresees                         # whether MISSED is expected of the next step
    cdef readonly bint compared                # whether MISSED is what the first step missed
    cdef readonly double missed_total          # the same of the intercept

    def __init__(
        self, double mass, bint straight, bint centred, expired, double exact, double roughly,
        Py_ssize_t patience
    ):
        """straight : the loss is of straight pieces, and has its own curvature but for jumps
        centred : whether there is an intercept
        expired : whether time is over
        exact, roughly : shares of the target, and of the present gap, to which the model is solved
        patience : steps in a row that gain less than a tenth
        """
        self.straight, self.centred, self.expired = straight, centred, expired
        self.exact, self.roughly, self.patience = exact, roughly, patience
        self.renew(mass)

    def renew(self, double mass):
        """A new curvature has been taken, of this sum."""
        self.mass, self.stretch, self.age, self.pace = mass, 1.0, 0, INFINITY

    def begin(
        self, RoundTrip trip, ActiveSet active, gram, loads, inverse, mean, norm_sq, box, coef,
        free_coef, double intercept, sweep, Py_ssize_t most_solves, double gram_in_trips,
        double cost, expected=None, double expected_total=0.0
    ):
        """Take a point and a working set.

        trip : from that point, over Z and the members
        active, gram : the active set and H, (>= |W|, >= |W|)
        loads, inverse, mean : G_ZZ^+ G_ZW, (|Z|, |W|), G_ZZ^+, and the means under h, (|Z| + |W|,)
        norm_sq, box, coef : (|W|,), |x_j|^2, the penalty and b, of the members
        free_coef, intercept : b_Z, (|Z|,), and b_0
        sweep : goes on where the active set gives up, see working_set.py
        most_solves : of the active set in one step
        gram_in_trips, cost : what a new curvature costs, in round trips; entries that one reads
        expected, expected_total : what the first step is expected to miss, see foresight.py: (|W|,)
            or None, and of the intercept
        """
        self.trip, self.active, self.gram = trip, active, gram
        self.loads, self.inverse, self.mean = loads, inverse, mean
        table = np.empty((ROWS, len(coef)))
        table[NORM_SQ] = self.mass * norm_sq
        table[L1], table[L2], table[LOWER], table[UPPER] = box
        table[COEF] = coef
        table[MISSED] = 0.0 if expected is None else expected
        self.missed_total, self.foresees = expected_total, expected is not None
        self.compared = False
        self.rows = self.table = table
        self.free_array = self.of_free = np.array(free_coef)
        self.free_slope = np.empty(len(free_coef))
        self.intercept, self.taken = intercept, 0
        self.sweep, self.most_solves = sweep, most_solves
        self.gram_in_trips, self.cost = gram_in_trips, cost
        self.work = INFINITY   # the first step looks at the clock

    @property
    def coef(self):
        """b of the members, (|W|,)."""
        return self.rows[COEF].copy()

    @property
    def grad(self):
        """X_W'u less its part in Z, (|W|,)."""
        return self.rows[GRAD].copy()

    @property
    def missed(self):
        """What the first step missed, (|W|,), where it was `compared`."""
        return self.rows[MISSED].copy()

    @property
    def free_coef(self):
        """b_Z, (|Z|,)."""
        return self.free_array.copy()

    def descend(self, double target, Py_ssize_t max_iter):
        """Take steps until the gap on the working set is at most target; return (how it ended,
        iterations)."""
        cdef Py_ssize_t n_iter = 0, poor = 0, solves
        cdef double gap, last = INFINITY
        cdef int end = DONE
        with nogil:
            while True:
                self.look()
                gap = self.gap()
                if gap <= target:
                    break
                if n_iter >= max_iter or self.out_of_time():
                    end = LIMIT
                    break
                if self.spent(gap, last, target):
                    end = SPENT
                    break
                poor = poor + 1 if gap > 0.9 * last else 0
                if poor >= self.patience:
                    end = STUCK
                    break
                last = gap
                solves = self.solve(max(self.exact * target, self.roughly * gap), max_iter - n_iter)
                n_iter += max(solves, 1)
                if not self.move():
                    if self.foresees:   # that misled
                        self.compare(0.0)
                        continue
                    end = UNMOVED
                    break
        return end, n_iter

    cdef bint out_of_time(self) except -1 nogil:
        """Whether time is over, as far as it is looked at."""
        self.work += 3.0 * self.cost
        if self.work <= BETWEEN_SIGNALS:
            return False
        self.work = 0.0
        with gil:
            PyErr_CheckSignals()
            return self.expired()

    cdef void look(self) noexcept nogil:
        """Take how the loss falls from here: GRAD = X_W'u and free_slope = X_Z'u, both centred, the
        former less its part in Z, and the gain of the step that solves the model for intercept and
        free features: half its squared norm in the metric of h."""
        cdef Py_ssize_t a, c, d, k = self.free_slope.shape[0]
        cdef const double[:, ::1] seen = self.trip.here.seen
        cdef double total = self.trip.here.total
        cdef double *grad = &self.table[GRAD, 0]
        self.gain = total * total / self.mass if self.centred else 0.0
        for a in range(self.table.shape[1]):
            grad[a] = seen[0, k + a] - self.mean[k + a] * total
        for c in range(k):
            self.free_slope[c] = seen[0, c] - self.mean[c] * total
        for c in range(k):
            for d in range(k):
                self.gain += self.free_slope[c] * self.inverse[c, d] * self.free_slope[d]
            for a in range(self.table.shape[1]):
                grad[a] -= self.loads[c, a] * self.free_slope[c]
        self.gain *= 0.5

    def lost(self):
        """Return what intercept and free features have left to gain at the point."""
        self.look()
        return self.gain

    cdef double gap(self) noexcept nogil:
        """What is left to gain here, a duality gap of the model."""
        cdef double[:, ::1] t = self.table
        return self.gain + restricted_gap(
            t[COEF], t[GRAD], 2.0 * self.trip.here.loss, t[NORM_SQ], t[L1], t[L2], t[LOWER],
            t[UPPER])

    cdef bint spent(self, double gap, double last, double target) noexcept nogil:
        """Whether steps from `last` to `gap` and on to `target` are worth less than the Gram matrix
        of a new curvature costs."""
        cdef double pace
        if self.age == 0 or last == INFINITY:
            return False
        if gap >= 0.5 * last:
            return True
        pace = log(last / gap)
        if self.compared and self.taken == 1:   # it gained what no other will
            pace = min(pace, self.pace)
        else:
            self.pace = pace
        return log(gap / max(target, 1e-300)) / pace > 1.0 + self.gram_in_trips

    cdef Py_ssize_t solve(self, double aim, Py_ssize_t max_iter) except -1 nogil:
        """Make `step` and `offset` of the trip lead to the optimum of the model, found to a gap of
        `aim`; return the linear systems solved."""
        cdef double[:, ::1] t = self.table
        cdef Py_ssize_t a, c, d, k = self.free_slope.shape[0], size = t.shape[1], solves
        cdef Py_ssize_t limit = min(max_iter, self.most_solves)
        cdef double resid_sq = 2.0 * self.trip.here.loss, stiff, way
        cdef double[::1] step = self.trip.step
        cdef double total = self.trip.here.total
        cdef bint finished = False
        if self.foresees:
            self.doubt()
            self.stretch = 1.0
            total += self.missed_total
        for a in range(size):
            stiff = t[L2, a] * t[COEF, a]
            t[SOLVED, a] = t[COEF, a]
            t[STRETCHED, a] = (t[GRAD, a] - stiff) / self.stretch + stiff
            if self.foresees:
                t[STRETCHED, a] += t[MISSED, a]
            t[SOLVED_GRAD, a] = t[STRETCHED, a]
            t[L1_STRETCHED, a] = t[L1, a] / self.stretch
        solves = self.active.minimise(
            self.gram, t[:L1], &resid_sq, aim, limit, &finished)
        if not finished and solves < limit:
            with gil:
                solves += self.sweep(self.rows[:L1], resid_sq, aim, max_iter - solves)[0]
        self.stiffness = self.bend = 0.0
        for a in range(size):
            way = step[k + a] = t[SOLVED, a] - t[COEF, a]
            self.stiffness += (t[L2, a] * way) * way
            self.bend += way * (t[STRETCHED, a] - t[SOLVED_GRAD, a])
        self.bend += self.stiffness + 2.0 * self.gain
        if self.centred:
            self.bend += (total * total - self.trip.here.total * self.trip.here.total) / self.mass
        for c in range(k):
            step[c] = 0.0
            for d in range(k):
                step[c] += self.inverse[c, d] * self.free_slope[d]
            for a in range(size):
                step[c] -= self.loads[c, a] * step[k + a]
        self.trip.offset = total / self.mass if self.centred else 0.0
        for a in range(k + size):
            self.trip.offset -= self.mean[a] * step[a]
        return solves

    cdef bint move(self) except -1 nogil:
        """Go along the step as far as Armijo lets; return whether that is anywhere."""
        cdef double[:, ::1] table = self.table
        cdef double[::1] step = self.trip.step
        cdef Py_ssize_t a, c, k = self.free_slope.shape[0], size = table.shape[1]
        cdef double t
        self.trip.set_out()
        t = search(
            self.trip, table[COEF], step[k:], table[L1], table[L2], self.straight, table[NEW])
        if t == 0.0:
            return False
        if t == 1.0:
            self.learn(self.trip.fall - self.trip.fall_there)
        self.age += 1
        self.taken += 1
        for a in range(size):
            table[COEF, a] = table[SOLVED, a] if t == 1.0 else table[NEW, a]
        for c in range(k):
            self.of_free[c] += t * step[c]
        self.intercept += t * self.trip.offset
        self.trip.accept()
        if self.foresees:
            self.compare(t)
        return True

    cdef void doubt(self) noexcept nogil:
        """Expect nothing of what is no small part of the way to go."""
        cdef double[:, ::1] t = self.table
        cdef double way = 0.0, most = 0.0
        cdef Py_ssize_t a
        for a in range(t.shape[1]):
            way = max(way, fabs(t[GRAD, a] - t[L2, a] * t[COEF, a]) - t[L1, a])
            most = max(most, fabs(t[MISSED, a]))
        if not most <= SMALL * way:
            t[MISSED, :], self.missed_total = 0.0, 0.0

    cdef void compare(self, double t) noexcept nogil:
        """Take what the first step missed, of which t was gone; nothing unless that is all."""
        cdef double[:, ::1] table = self.table
        cdef Py_ssize_t a
        self.foresees, self.compared = False, True
        if t < 1.0:
            table[MISSED, :], self.missed_total = 0.0, 0.0
            return
        for a in range(table.shape[1]):
            table[MISSED, a] = (table[STRETCHED, a] - table[SOLVED_GRAD, a]) - table[GRAD, a]
        self.look()
        for a in range(table.shape[1]):
            table[MISSED, a] += table[GRAD, a]
        self.missed_total += self.trip.here.total

    cdef void learn(self, double bent) noexcept nogil:
        """Stretch the model to a loss that bent by so much along a whole step; rounding makes
        anything of steps that are too small, and their square may overflow."""
        cdef double ratio
        if self.straight or not self.bend > 0.0:
            return
        ratio = (bent + self.stiffness) / self.bend
        if isfinite(ratio):
            self.stretch = min(max(ratio, 1.0 / STRETCH), STRETCH)
