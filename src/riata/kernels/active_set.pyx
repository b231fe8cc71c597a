"""Active-set Newton on the working set, in Gram space.

    minimise over b   1/2 b'H b - b'h + sum_j l1_j |b_j| + l2_j/2 b_j^2,    lower <= b <= upper

by a sequence of equality-constrained quadratics: the active features A keep their signs s, the
others stay where they are (at 0 or at a bound), and

    (H_AA + diag(l2_A)) d = g_A - l1_A s_A - l2_A b_A,      g = h - H b

is one step to the optimum of A. Where coefficients would change their sign or pass a bound, the
step ends at the first of these limits, or every coefficient stops at its own, whichever gains more,
and who is at a limit leaves A. After a full step the worst violators join A, at most
max(10, |A|) at once; those that would move against their sign leave before anything moves, and
where none is left, the worst one joins alone, which always descends. A violator that depends on
A (see factored_set.pyx) moves along the null direction, where no fitted value
changes, until the first active coefficient is zero and can leave.

Every step lowers the objective, so no active set recurs.

Sources: Lee, Battle, Raina, Ng, "Efficient sparse coding algorithms", NIPS 2006, algorithm 1
(sign search); Osborne, Presnell, Turlach, IMA J. Numer. Anal. 20(3), 2000, section 3 (active set,
dependent columns).
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, fabs
from libc.string cimport memcpy, memset

from .factored_set cimport FactoredSet
from .limits cimport join_sign, limit_of, sign_of, violation
from .pool cimport parallel
from .restricted cimport restricted_gap
from .signals cimport BETWEEN_SIGNALS
from .simd cimport riata_axpy_f64, riata_four_f64

cdef enum:
    LEAST_BATCH = 10
    REFACTOR_AFTER = 200   # downdates beyond the size of A
    PATIENCE = 8           # full steps without a smaller gap
    LEAST_JOB = 1 << 16    # multiply-adds with H that are handed to another thread
    LEAST_SHARE = 64       # entries of a row, the same


cdef class ActiveSet(FactoredSet):
    """The active features of a working set, which move as Newton steps tell.

    n_threads : that multiply with H
    """

    def __init__(self, Py_ssize_t n_threads):
        self.image = self.trial = self.gain = self.ranked = np.empty(0)
        self.rhs = self.step = self.stopped = np.empty(0)
        self.work = 0.0
        super().__init__(n_threads)

    cdef bint reserve(self, Py_ssize_t size) except -1 nogil:
        FactoredSet.reserve(self, size)
        if self.rhs.shape[0] < self.active.shape[0]:
            with gil:
                self.rhs, self.step, self.stopped = np.empty((3, self.active.shape[0]))
        return True

    cdef bint cover(self, Py_ssize_t size) except -1 nogil:
        FactoredSet.cover(self, size)
        if size > self.image.shape[0]:
            with gil:
                self.image, self.trial, self.gain, self.ranked = np.empty((4, 2 * size))
        return True

    def descend(
        self, const double[:, ::1] gram, double[:, ::1] terms, double resid_sq, double target,
        Py_ssize_t max_solves
    ):
        """Descend until the restricted gap is at most target; return (solves, |r|^2, finished).

        Arguments as in coordinate.gram_descent. finished is False where `max_solves` was reached
        or the gap stopped falling: coordinate descent should go on from there.
        """
        cdef bint finished = False
        cdef Py_ssize_t solves
        with nogil:
            solves = self.minimise(gram, terms, &resid_sq, target, max_solves, &finished)
        return solves, resid_sq, bool(finished)

    cdef Py_ssize_t minimise(
        self, const double[:, ::1] gram, double[:, ::1] terms, double *resid_sq, double target,
        Py_ssize_t max_solves, bint *finished
    ) except -1 nogil:
        """The same, for native loops; returns solves."""
        cdef Py_ssize_t size = terms.shape[1], solves = 0, stale = 0
        cdef double gap = INFINITY, best = INFINITY
        finished[0] = False
        self.coef, self.grad, self.resid_sq = terms[0], terms[1], resid_sq[0]
        self.norm_sq, self.l1, self.l2 = terms[2], terms[3], terms[4]
        self.lower, self.upper = terms[5], terms[6]
        self.cover(size)
        self.reconcile(gram)
        while solves < max_solves:
            self.work += (self.factor.size + 1.0) * size
            if self.work > BETWEEN_SIGNALS:
                self.work = 0.0
                with gil:
                    PyErr_CheckSignals()
            solves += 1
            if not self.newton_step(gram):
                continue
            gap = restricted_gap(
                self.coef, self.grad, self.resid_sq, self.norm_sq, self.l1, self.l2, self.lower,
                self.upper)
            if gap <= target:
                finished[0] = True
                break
            stale = 0 if gap < 0.9 * best else stale + 1
            best = min(best, gap)
            if stale > PATIENCE:
                break
            if self.factor.downdates > self.factor.size + REFACTOR_AFTER:
                self.leaves[:] = 0
                self.remove_leaving(gram, True)
            self.join(gram, stale > 1)
        resid_sq[0] = self.resid_sq
        return solves

    cdef bint reconcile(self, const double[:, ::1] gram) except -1 nogil:
        """Make A the features strictly between their limits, and L their factor."""
        cdef Py_ssize_t i, j, size = self.factor.size
        cdef bint changed = False
        for i in range(size):
            j = self.active[i]
            self.leaves[i] = (self.coef[j] == 0.0 and self.l1[j] > 0.0
                              or self.coef[j] <= self.lower[j] or self.coef[j] >= self.upper[j])
            if not self.leaves[i]:
                self.sign[i] = sign_of(self.coef[j], self.l1[j])
                changed = changed or self.ridge[i] != self.l2[j]
                self.ridge[i] = self.l2[j]
        self.remove_leaving(gram, changed)
        size = self.factor.size
        for j in range(self.coef.shape[0]):
            if self.place[j] < 0 and self.is_between(j):
                self.reserve(size + 1)
                self.note(size, j, self.l2[j], sign_of(self.coef[j], self.l1[j]))
                size += 1
        self.admit(gram, size)
        return True

    cdef int newton_step(self, const double[:, ::1] gram) except -1 nogil:
        """Step towards the optimum of A as far as signs and bounds allow; whether that was all.

        Features that stand at a limit and would cross it leave before anything moves. Where the
        whole step d crosses limits, of two steps the one that gains more is taken: up to the first
        limit (t d, which gains t (1 - t/2) d'rhs), or d with every coefficient stopped at its own.
        Whoever is at its limit then leaves.
        """
        cdef Py_ssize_t i, j
        cdef double t = 1.0, gain = 0.0, space
        cdef double *d = &self.step[0]
        cdef double *stopped = &self.stopped[0]
        cdef bint crossed = False
        for i in range(self.factor.size):
            j = self.active[i]
            d[i] = self.grad[j] - self.l1[j] * self.sign[i] - self.l2[j] * self.coef[j]
            self.rhs[i] = d[i]
        self.solve(d)
        for i in range(self.factor.size):
            space = self.room(i, d[i])
            self.leaves[i] = d[i] != 0.0 and space <= 0.0
            crossed = crossed or self.leaves[i]
            stopped[i] = d[i]
            if space < fabs(d[i]):
                t = min(t, space / fabs(d[i]))
                stopped[i] = space if d[i] > 0.0 else -space
            gain += d[i] * self.rhs[i]
        if crossed:
            self.remove_leaving(gram, False)
            return False
        self.take_image(gram, d)
        if t == 1.0:
            self.move(d, &self.image[0], 1.0)
            return True
        if self.gain_of_stopped(gram, d) > t * (1.0 - 0.5 * t) * gain:
            self.move(stopped, &self.trial[0], 1.0)
            for i in range(self.factor.size):
                self.leaves[i] = stopped[i] != d[i]
        else:
            self.move(d, &self.image[0], t)
            for i in range(self.factor.size):
                space = self.room(i, d[i])
                self.leaves[i] = space <= 1e-14 * fabs(d[i])
        for i in range(self.factor.size):
            if self.leaves[i]:
                j = self.active[i]
                self.coef[j] = limit_of(self.sign[i], d[i], self.lower[j], self.upper[j])
        self.remove_leaving(gram, False)
        return False

    cdef bint is_between(self, Py_ssize_t j) noexcept nogil:
        """Whether feature j is at none of its limits."""
        return self.coef[j] != 0.0 and self.lower[j] < self.coef[j] < self.upper[j]

    cdef double room(self, Py_ssize_t i, double d) noexcept nogil:
        """How far active feature i may move in the direction of d."""
        cdef Py_ssize_t j = self.active[i]
        cdef double limit = limit_of(self.sign[i], d, self.lower[j], self.upper[j])
        return limit - self.coef[j] if d > 0.0 else self.coef[j] - limit

    cdef void take_image(self, const double[:, ::1] gram, const double *d) noexcept nogil:
        """image = H_:A d."""
        cdef Py_ssize_t size = self.coef.shape[0]
        cdef Py_ssize_t jobs = self.factor.size * size // LEAST_JOB + 1
        self.direction = d
        self.first_row, self.apart = &gram[0, 0], gram.strides[0] // <Py_ssize_t>sizeof(double)
        self.share = (size // jobs // LEAST_SHARE + 1) * LEAST_SHARE
        parallel(
            make_image, <void *>self, (size + self.share - 1) // self.share, self.n_threads)

    cdef void some_image(self, Py_ssize_t k) noexcept nogil:
        """The k-th part of image, four rows of H at a time."""
        cdef Py_ssize_t i, first = k * self.share, count = 0
        cdef Py_ssize_t width = min(self.share, self.coef.shape[0] - first)
        cdef const double *rows[4]
        cdef double part[4]
        cdef double *image = &self.image[first]
        memset(image, 0, width * sizeof(double))
        for i in range(self.factor.size):
            if self.direction[i] == 0.0:
                continue
            rows[count] = self.first_row + self.active[i] * self.apart + first
            part[count] = self.direction[i]
            count += 1
            if count == 4:
                riata_four_f64(part, rows, image, width)
                count = 0
        for i in range(count):
            riata_axpy_f64(part[i], rows[i], image, width)

    cdef double gain_of_stopped(
        self, const double[:, ::1] gram, const double *d
    ) noexcept nogil:
        """trial = H_:A stopped, from the image of d; what the step `stopped` gains."""
        cdef Py_ssize_t i, j, size = self.coef.shape[0]
        cdef double gain = 0.0
        cdef double *stopped = &self.stopped[0]
        memcpy(&self.trial[0], &self.image[0], size * sizeof(double))
        for i in range(self.factor.size):
            if stopped[i] != d[i]:
                riata_axpy_f64(
                    stopped[i] - d[i], &gram[self.active[i], 0], &self.trial[0], size)
        for i in range(self.factor.size):
            j = self.active[i]
            gain += stopped[i] * (self.rhs[i] - 0.5 * (self.trial[j] + self.l2[j] * stopped[i]))
        return gain

    cdef void move(self, const double *d, const double *image, double t) noexcept nogil:
        """coef_A += t d, and gradient and residual norm with it; image = H_:A d."""
        cdef Py_ssize_t i, j
        cdef double before = 0.0, after = 0.0
        for i in range(self.factor.size):
            before += d[i] * self.grad[self.active[i]]
        riata_axpy_f64(-t, image, &self.grad[0], self.grad.shape[0])
        for i in range(self.factor.size):
            j = self.active[i]
            self.coef[j] += t * d[i]
            after += d[i] * self.grad[j]
        self.resid_sq -= t * (before + after)   # |r - X t d|^2 = |r|^2 - t d'(g_before + g_after)

    # -- who joins ------------------------------------------------------------------------------

    cdef bint join(self, const double[:, ::1] gram, bint alone) except -1 nogil:
        """Let the worst violators join A; where all depend on it, move the worst one in."""
        cdef Py_ssize_t j, worst = -1, count = 0, size = self.factor.size
        cdef Py_ssize_t batch = 1 if alone else max(<Py_ssize_t>LEAST_BATCH, size)
        cdef double pivot, g, least = 0.0
        for j in range(self.coef.shape[0]):
            self.gain[j] = 0.0
            pivot = gram[j, j] + self.l2[j]
            if self.place[j] >= 0 or pivot <= 1e-12 * self.norm_sq[j]:
                continue
            g = violation(
                self.coef[j], self.grad[j], self.l1[j], self.l2[j], self.lower[j], self.upper[j])
            if g == 0.0:
                continue
            self.gain[j] = g * fabs(g) / pivot
            self.ranked[count] = fabs(self.gain[j])
            count += 1
            if worst < 0 or fabs(self.gain[j]) > fabs(self.gain[worst]):
                worst = j
        if count > batch:
            least = largest(&self.ranked[0], count, batch)
            count = batch
        if worst < 0:
            return True
        self.reserve(size + count)
        for j in range(self.coef.shape[0]):
            if self.gain[j] != 0.0 and fabs(self.gain[j]) >= least and count > 0:
                self.note(size, j, self.l2[j], join_sign(self.coef[j], self.gain[j], self.l1[j]))
                size += 1
                count -= 1
        if self.admit(gram, size) == 0:
            self.exchange(gram, worst, self.gain[worst])
        return True

    cdef bint exchange(
        self, const double[:, ::1] gram, Py_ssize_t j, double direction
    ) except -1 nogil:
        """Move a feature that depends on A along the null direction until one of A is at a limit.

        With v = H_AA^-1 H_Aj, b_j + t and b_A - t v leave every fitted value as it is. Whoever
        meets its limit leaves A; j joins if it is independent of the rest.
        """
        cdef Py_ssize_t i, k, size = self.factor.size
        cdef double way = 1.0 if direction > 0.0 else -1.0
        cdef double t = self.upper[j] - self.coef[j]
        cdef double *v = &self.step[0]
        if way < 0.0:
            t = self.coef[j] - self.lower[j]
        if join_sign(self.coef[j], way, self.l1[j]) * way < 0.0:
            t = min(t, fabs(self.coef[j]))
        for i in range(size):
            v[i] = gram[j, self.active[i]]
        self.solve(v)
        for i in range(size):
            v[i] *= -way
            if fabs(v[i]) > 1e-12:
                t = min(t, self.room(i, v[i]) / fabs(v[i]))
        if not t < INFINITY:
            return True
        self.take_image(gram, v)
        self.move(v, &self.image[0], t)
        self.coef[j] += way * t
        self.resid_sq -= 2.0 * way * t * self.grad[j]
        self.resid_sq += t * t * gram[j, j]
        riata_axpy_f64(-way * t, &gram[j, 0], &self.grad[0], self.grad.shape[0])
        for i in range(size):
            self.leaves[i] = fabs(v[i]) > 1e-12 and (
                self.room(i, v[i]) <= 1e-14 * t * fabs(v[i]))
            if self.leaves[i]:
                k = self.active[i]
                self.coef[k] = limit_of(self.sign[i], v[i], self.lower[k], self.upper[k])
        self.remove_leaving(gram, False)
        if self.is_between(j):
            size = self.factor.size
            self.note(size, j, self.l2[j], sign_of(self.coef[j], self.l1[j]))
            self.admit(gram, size + 1)
        return True


cdef void make_image(void *active, Py_ssize_t k) noexcept nogil:
    (<ActiveSet>active).some_image(k)


cdef double largest(double *values, Py_ssize_t count, Py_ssize_t k) noexcept nogil:
    """The k-th largest of some values, which change places; 1 <= k <= count.

    Source: Hoare, "Algorithm 65: find", Comm. ACM 4(7), 1961.
    """
    cdef Py_ssize_t first = 0, last = count - 1, i, j
    cdef double pivot
    while first < last:
        pivot = values[k - 1]
        i, j = first, last
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < k - 1:
            first = i
        if i > k - 1:
            last = j
    return values[k - 1]
