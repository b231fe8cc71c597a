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
A (its pivot is below 1e-10 of its norm) moves along the null direction, where no fitted value
changes, until the first active coefficient is zero and can leave.

H_AA + diag(l2) = L L' is kept (factor.pyx): rows join and leave in blocks. Every step
lowers the objective, so no active set recurs.

Sources: Lee, Battle, Raina, Ng, "Efficient sparse coding algorithms", NIPS 2006, algorithm 1
(sign search); Osborne, Presnell, Turlach, IMA J. Numer. Anal. 20(3), 2000, section 3 (active set,
dependent columns); Gill, Golub, Murray, Saunders, Math. Comp. 28, 1974, method C1 (downdating).
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, fabs
from libc.string cimport memcpy, memset

from .factor cimport Factor
from .limits cimport join_sign, limit_of, sign_of, violation
from .pool cimport parallel
from .restricted cimport restricted_gap
from .signals cimport BETWEEN_SIGNALS
from .simd cimport riata_axpy_f64, riata_four_f64
from .substitution cimport Triangle

cdef enum:
    LEAST_BATCH = 10
    REFACTOR_AFTER = 200   # downdates beyond the size of A
    PATIENCE = 8           # full steps without a smaller gap
    LEAST_JOB = 1 << 16    # multiply-adds with H that are handed to another thread
    LEAST_SHARE = 64       # entries of a row, the same

cdef double DEPENDENT = 1e-10   # share of a pivot
cdef double FREE = 1e-12        # the same, where only dimensions are counted


cdef class ActiveSet:
    """The active features of a working set and the factor of their Gram matrix.

    Positions are those of the working set, which may grow between calls.

    n_threads : that multiply with H
    """

    def __init__(self, Py_ssize_t n_threads):
        self.factor, self.triangle = Factor(DEPENDENT, n_threads), Triangle(n_threads)
        self.n_threads = n_threads
        self.l2 = self.sign = np.empty(0)
        self.image = self.trial = self.gain = self.ranked = np.empty(0)
        self.active = self.place = np.empty(0, dtype=np.intp)
        self.work = 0.0
        self.reserve(16)

    cdef bint reserve(self, Py_ssize_t size) except -1 nogil:
        """Make room for `size` active features."""
        if 0 < size <= self.active.shape[0]:
            return True
        with gil:
            self.factor.reserve(size)
            self.l2 = longer(self.l2, self.factor.capacity)
            self.sign = longer(self.sign, self.factor.capacity)
            self.active = longer(self.active, self.factor.capacity)
            self.rhs, self.step, self.stopped = (np.empty(self.factor.capacity) for _ in range(3))
            self.leaves = np.zeros(self.factor.capacity, dtype=np.uint8)
        return True

    @property
    def weakest(self):
        """The smallest share of a pivot that was left to any feature since `clear`: how near it was
        to depending on the others."""
        return self.factor.weakest

    def clear(self):
        """Let everybody leave: H is to be another matrix."""
        self.factor.truncate(0)
        self.factor.weakest = 1.0
        self.place[:] = -1

    def renumber(self, const Py_ssize_t[::1] kept):
        """The working set keeps only these positions, ascending; of A stays what comes before the
        first feature that is not among them."""
        cdef Py_ssize_t last = kept[kept.shape[0] - 1] if kept.shape[0] else -1
        number = np.full(max(self.place.shape[0], last + 1), -1, dtype=np.intp)
        number[np.asarray(kept)] = np.arange(kept.shape[0])
        active = number[self.active.base[: self.factor.size]]
        self.factor.truncate(int(np.argmin(np.append(active, -1))))
        active = self.active.base[: self.factor.size] = active[: self.factor.size]
        self.place = np.full(kept.shape[0], -1, dtype=np.intp)
        self.place.base[active] = np.arange(len(active))

    # -- the factor -----------------------------------------------------------------------------

    cdef void note(self, Py_ssize_t i, Py_ssize_t j, double l2, double sign) noexcept nogil:
        """Feature j is to be the i-th of A, once `admit` has formed its row."""
        self.active[i] = j
        self.l2[i] = l2
        self.sign[i] = sign

    cdef Py_ssize_t admit(self, const double[:, ::1] gram, Py_ssize_t size) except -1 nogil:
        """Let those noted behind A join, up to `size`; who depends on the others doesn't.

        Returns how many joined.
        """
        cdef Py_ssize_t i, first = self.factor.size, stay = self.factor.size
        if size == first:
            return 0
        self.factor.extend(gram, &self.active[0], &self.l2[0], size, &self.leaves[0])
        for i in range(first, size):
            self.place[self.active[i]] = -1
            if not self.leaves[i]:
                self.note(stay, self.active[i], self.l2[i], self.sign[i])
                self.place[self.active[stay]] = stay
                stay += 1
        return stay - first

    cdef bint remove_leaving(self, const double[:, ::1] gram, bint anew) except -1 nogil:
        """Take those marked in `leaves` out of A, by rotations or by a new factor of the rest.

        anew : form all of the factor, with the l2 that is noted; who depends on others leaves
        """
        cdef Py_ssize_t i, first = 0 if anew else -1, stay = 0, size = self.factor.size
        for i in range(size):
            if self.leaves[i]:
                self.place[self.active[i]] = -1
                first = i if first < 0 else first
            else:
                self.note(stay, self.active[i], self.l2[i], self.sign[i])
                self.place[self.active[stay]] = stay
                stay += 1
        if first < 0:
            return True
        if not anew and self.factor.dropping_is_cheaper(first, size - stay):
            self.factor.drop(&self.leaves[0])
        else:
            self.factor.truncate(first)
            self.admit(gram, stay)
        return True

    cdef void solve(self, double *x) noexcept nogil:
        """x = (H_AA + diag(l2))^-1 x"""
        cdef const double *packed = &self.factor.packed[0]
        self.triangle.forward(packed, self.factor.size, x)
        self.triangle.backward(packed, self.factor.size, x)

    def factor_of(
        self, const double[:, ::1] gram, const Py_ssize_t[::1] support, const double[::1] l2
    ):
        """Return the factor of H_SS + diag(l2_S), and l2 in its order.

        Cost: nothing where S is A, else |S|^3 / 6 multiply-adds; dependent features are left out.
        """
        cdef Py_ssize_t i, j
        cdef ActiveSet other = self
        cdef bint same = self.factor.size == support.shape[0]
        for j in support:
            same = same and self.place[j] >= 0 and self.l2[self.place[j]] == l2[j]
        if not same:
            other = ActiveSet(self.n_threads)
            other.reserve(support.shape[0])
            other.factor = Factor(FREE, self.n_threads)
            other.factor.reserve(other.active.shape[0])
            other.place = np.empty(l2.shape[0], dtype=np.intp)
            for i in range(support.shape[0]):
                other.note(i, support[i], l2[support[i]], 0.0)
            with nogil:
                other.admit(gram, support.shape[0])
        return other.factor, np.asarray(other.l2)[: other.factor.size]

    # -- one call -------------------------------------------------------------------------------

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
        cdef double[::1] coef = terms[0], grad = terms[1]
        cdef const double[::1] norm_sq = terms[2], l1 = terms[3], l2 = terms[4]
        cdef const double[::1] lower = terms[5], upper = terms[6]
        cdef Py_ssize_t size = terms.shape[1], solves = 0, stale = 0
        cdef double gap = INFINITY, best = INFINITY
        finished[0] = False
        if size > self.place.shape[0] or size > self.image.shape[0]:
            with gil:
                self.place = longer(self.place, size, -1)
                if size > self.image.shape[0]:
                    self.image, self.trial, self.gain, self.ranked = np.empty((4, 2 * size))
        self.reconcile(gram, coef, l1, l2, lower, upper)
        while solves < max_solves:
            self.work += (self.factor.size + 1.0) * size
            if self.work > BETWEEN_SIGNALS:
                self.work = 0.0
                with gil:
                    PyErr_CheckSignals()
            solves += 1
            if not self.newton_step(gram, coef, grad, resid_sq, l1, l2, lower, upper):
                continue
            gap = restricted_gap(coef, grad, resid_sq[0], norm_sq, l1, l2, lower, upper)
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
            self.join(gram, coef, grad, resid_sq, norm_sq, l1, l2, lower, upper, stale > 1)
        return solves

    cdef bint reconcile(
        self, const double[:, ::1] gram, const double[::1] coef, const double[::1] l1,
        const double[::1] l2, const double[::1] lower, const double[::1] upper
    ) except -1 nogil:
        """Make A the features strictly between their limits, and L their factor."""
        cdef Py_ssize_t i, j, size = self.factor.size
        cdef bint changed = False
        for i in range(size):
            j = self.active[i]
            self.leaves[i] = (coef[j] == 0.0 and l1[j] > 0.0
                              or coef[j] <= lower[j] or coef[j] >= upper[j])
            if not self.leaves[i]:
                self.sign[i] = sign_of(coef[j], l1[j])
                changed = changed or self.l2[i] != l2[j]
                self.l2[i] = l2[j]
        self.remove_leaving(gram, changed)
        size = self.factor.size
        for j in range(coef.shape[0]):
            if self.place[j] < 0 and coef[j] != 0.0 and lower[j] < coef[j] < upper[j]:
                self.reserve(size + 1)
                self.note(size, j, l2[j], sign_of(coef[j], l1[j]))
                size += 1
        self.admit(gram, size)
        return True

    cdef int newton_step(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        const double[::1] l1, const double[::1] l2, const double[::1] lower,
        const double[::1] upper
    ) except -1 nogil:
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
            self.rhs[i] = d[i] = grad[j] - l1[j] * self.sign[i] - l2[j] * coef[j]
        self.solve(d)
        for i in range(self.factor.size):
            space = self.room(i, d[i], coef, lower, upper)
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
        self.take_image(gram, d, coef.shape[0])
        if t == 1.0:
            self.move(coef, grad, resid_sq, d, &self.image[0], 1.0)
            return True
        if self.gain_of_stopped(gram, d, l2, coef.shape[0]) > t * (1.0 - 0.5 * t) * gain:
            self.move(coef, grad, resid_sq, stopped, &self.trial[0], 1.0)
            for i in range(self.factor.size):
                self.leaves[i] = stopped[i] != d[i]
        else:
            self.move(coef, grad, resid_sq, d, &self.image[0], t)
            for i in range(self.factor.size):
                space = self.room(i, d[i], coef, lower, upper)
                self.leaves[i] = space <= 1e-14 * fabs(d[i])
        for i in range(self.factor.size):
            if self.leaves[i]:
                j = self.active[i]
                coef[j] = limit_of(self.sign[i], d[i], lower[j], upper[j])
        self.remove_leaving(gram, False)
        return False

    cdef double room(
        self, Py_ssize_t i, double d, const double[::1] coef, const double[::1] lower,
        const double[::1] upper
    ) noexcept nogil:
        """How far active feature i may move in the direction of d."""
        cdef Py_ssize_t j = self.active[i]
        cdef double limit = limit_of(self.sign[i], d, lower[j], upper[j])
        return limit - coef[j] if d > 0.0 else coef[j] - limit

    cdef void take_image(
        self, const double[:, ::1] gram, const double *d, Py_ssize_t size
    ) noexcept nogil:
        """image = H_:A d."""
        cdef Py_ssize_t jobs = self.factor.size * size // LEAST_JOB + 1
        self.direction, self.size = d, size
        self.first_row, self.apart = &gram[0, 0], gram.strides[0] // <Py_ssize_t>sizeof(double)
        self.share = (size // jobs // LEAST_SHARE + 1) * LEAST_SHARE
        parallel(
            make_image, <void *>self, (size + self.share - 1) // self.share, self.n_threads)

    cdef void some_image(self, Py_ssize_t k) noexcept nogil:
        """The k-th part of image, four rows of H at a time."""
        cdef Py_ssize_t i, first = k * self.share, count = 0
        cdef Py_ssize_t width = min(self.share, self.size - first)
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
        self, const double[:, ::1] gram, const double *d, const double[::1] l2, Py_ssize_t size
    ) noexcept nogil:
        """trial = H_:A stopped, from the image of d; what the step `stopped` gains."""
        cdef Py_ssize_t i, j
        cdef double gain = 0.0
        cdef double *stopped = &self.stopped[0]
        memcpy(&self.trial[0], &self.image[0], size * sizeof(double))
        for i in range(self.factor.size):
            if stopped[i] != d[i]:
                riata_axpy_f64(
                    stopped[i] - d[i], &gram[self.active[i], 0], &self.trial[0], size)
        for i in range(self.factor.size):
            j = self.active[i]
            gain += stopped[i] * (self.rhs[i] - 0.5 * (self.trial[j] + l2[j] * stopped[i]))
        return gain

    cdef void move(
        self, double[::1] coef, double[::1] grad, double *resid_sq, const double *d,
        const double *image, double t
    ) noexcept nogil:
        """coef_A += t d, and gradient and residual norm with it; image = H_:A d."""
        cdef Py_ssize_t i, j
        cdef double before = 0.0, after = 0.0
        for i in range(self.factor.size):
            before += d[i] * grad[self.active[i]]
        riata_axpy_f64(-t, image, &grad[0], grad.shape[0])
        for i in range(self.factor.size):
            j = self.active[i]
            coef[j] += t * d[i]
            after += d[i] * grad[j]
        resid_sq[0] -= t * (before + after)   # |r - X t d|^2 = |r|^2 - t d'(g_before + g_after)

    # -- who joins ------------------------------------------------------------------------------

    cdef bint join(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        const double[::1] norm_sq, const double[::1] l1, const double[::1] l2,
        const double[::1] lower, const double[::1] upper, bint alone
    ) except -1 nogil:
        """Let the worst violators join A; where all depend on it, move the worst one in."""
        cdef Py_ssize_t j, worst = -1, count = 0, size = self.factor.size
        cdef Py_ssize_t batch = 1 if alone else max(<Py_ssize_t>LEAST_BATCH, size)
        cdef double pivot, g, least = 0.0
        for j in range(coef.shape[0]):
            self.gain[j] = 0.0
            pivot = gram[j, j] + l2[j]
            if self.place[j] >= 0 or pivot <= 1e-12 * norm_sq[j]:
                continue
            g = violation(coef[j], grad[j], l1[j], l2[j], lower[j], upper[j])
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
        for j in range(coef.shape[0]):
            if self.gain[j] != 0.0 and fabs(self.gain[j]) >= least and count > 0:
                self.note(size, j, l2[j], join_sign(coef[j], self.gain[j], l1[j]))
                size += 1
                count -= 1
        if self.admit(gram, size) == 0:
            self.exchange(
                gram, coef, grad, resid_sq, worst, self.gain[worst], l1, l2, lower, upper)
        return True

    cdef bint exchange(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        Py_ssize_t j, double direction, const double[::1] l1, const double[::1] l2,
        const double[::1] lower, const double[::1] upper
    ) except -1 nogil:
        """Move a feature that depends on A along the null direction until one of A is at a limit.

        With v = H_AA^-1 H_Aj, b_j + t and b_A - t v leave every fitted value as it is. Whoever
        meets its limit leaves A; j joins if it is independent of the rest.
        """
        cdef Py_ssize_t i, k, size = self.factor.size
        cdef double way = 1.0 if direction > 0.0 else -1.0
        cdef double t = (upper[j] - coef[j]) if way > 0.0 else (coef[j] - lower[j])
        cdef double *v = &self.step[0]
        if join_sign(coef[j], way, l1[j]) * way < 0.0:
            t = min(t, fabs(coef[j]))
        for i in range(size):
            v[i] = gram[j, self.active[i]]
        self.solve(v)
        for i in range(size):
            v[i] *= -way
            if fabs(v[i]) > 1e-12:
                t = min(t, self.room(i, v[i], coef, lower, upper) / fabs(v[i]))
        if not t < INFINITY:
            return True
        self.take_image(gram, v, coef.shape[0])
        self.move(coef, grad, resid_sq, v, &self.image[0], t)
        coef[j] += way * t
        resid_sq[0] -= 2.0 * way * t * grad[j]
        resid_sq[0] += t * t * gram[j, j]
        riata_axpy_f64(-way * t, &gram[j, 0], &grad[0], grad.shape[0])
        for i in range(size):
            self.leaves[i] = fabs(v[i]) > 1e-12 and (
                self.room(i, v[i], coef, lower, upper) <= 1e-14 * t * fabs(v[i]))
            if self.leaves[i]:
                k = self.active[i]
                coef[k] = limit_of(self.sign[i], v[i], lower[k], upper[k])
        self.remove_leaving(gram, False)
        if coef[j] != 0.0 and lower[j] < coef[j] < upper[j]:
            size = self.factor.size
            self.note(size, j, l2[j], sign_of(coef[j], l1[j]))
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


def longer(old, size, fill=None):
    """Return an array of `size` entries that starts with those of the one that `old` views."""
    array = old.base
    if len(array) >= size:
        return array
    new = np.empty(size, dtype=array.dtype)
    new[: len(array)] = array
    if fill is not None:
        new[len(array) :] = fill
    return new
