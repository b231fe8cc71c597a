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

H_AA + diag(l2) = L L' is kept: a feature that joins appends a row (forward substitution), one that
leaves costs Givens rotations. Every step lowers the objective, so no active set recurs.

Sources: Lee, Battle, Raina, Ng, "Efficient sparse coding algorithms", NIPS 2006, algorithm 1
(sign search); Osborne, Presnell, Turlach, IMA J. Numer. Anal. 20(3), 2000, section 3 (active set,
dependent columns); Gill, Golub, Murray, Saunders, Math. Comp. 28, 1974, method C1 (downdating).
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, fabs, hypot, sqrt
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from .restricted cimport restricted_gap
from .simd cimport riata_axpy_f64, riata_dot_f64

cdef enum:
    LEAST_BATCH = 10
    REFACTOR_AFTER = 200   # downdates
    PATIENCE = 8           # full steps without a smaller gap

cdef double DEPENDENT = 1e-10


cdef class ActiveSet:
    """The active features of a working set and the factor of their Gram matrix.

    Positions are those of the working set, which may grow between calls. L is (capacity, capacity),
    a quarter larger than was needed.
    """

    cdef double[:, ::1] factor
    cdef double[::1] factor_l2      # the l2 that is in L, by position in A
    cdef double[::1] sign           # by position in A; 0 where nothing forbids a change of sign
    cdef Py_ssize_t[::1] active     # positions in the working set, in the order of L
    cdef Py_ssize_t[::1] place      # position in A by position in the working set, or -1
    cdef double[::1] rhs, step, stopped, scratch, rotation_c, rotation_s
    cdef uint8_t[::1] leaves        # by position in A
    cdef Py_ssize_t size, downdates

    def __init__(self):
        self.factor = np.empty((0, 0))
        self.factor_l2 = self.sign = np.empty(0)
        self.active = self.place = np.empty(0, dtype=np.intp)
        self.size = self.downdates = 0
        self._reserve(16)

    def _reserve(self, Py_ssize_t capacity):
        """Make room for `capacity` active features."""
        if capacity <= self.factor.shape[0]:
            return
        capacity += capacity // 4
        factor = np.empty((capacity, capacity))
        factor[: self.size, : self.size] = np.asarray(self.factor)[: self.size, : self.size]
        self.factor = factor
        self.factor_l2 = longer(self.factor_l2, capacity)
        self.sign = longer(self.sign, capacity)
        self.active = longer(self.active, capacity)
        self.rhs, self.step, self.stopped, self.scratch, self.rotation_c, self.rotation_s = (
            np.empty(capacity) for _ in range(6))
        self.leaves = np.zeros(capacity, dtype=np.uint8)

    def renumber(self, const Py_ssize_t[::1] kept):
        """The working set keeps only these positions, in order; all of A is among them."""
        cdef Py_ssize_t i
        self.place = np.full(kept.shape[0], -1, dtype=np.intp)
        position = np.searchsorted(kept, self.active[: self.size])
        for i in range(self.size):
            self.active[i] = position[i]
            self.place[self.active[i]] = i

    # -- the factor -----------------------------------------------------------------------------

    cdef double project(
        self, const double[:, ::1] gram, Py_ssize_t j, double l2
    ) noexcept nogil:
        """scratch = L^-1 H_Aj; return what is left of H_jj + l2."""
        cdef Py_ssize_t i
        cdef double pivot = gram[j, j] + l2
        cdef double *x = &self.scratch[0]
        for i in range(self.size):
            x[i] = (gram[j, self.active[i]] - riata_dot_f64(&self.factor[i, 0], x, 0.0, i)) \
                / self.factor[i, i]
        return pivot - riata_dot_f64(x, x, 0.0, self.size)

    cdef void append(self, Py_ssize_t j, double pivot, double l2, double sign) noexcept nogil:
        """Add the row that `project` left in scratch."""
        cdef Py_ssize_t k = self.size
        memcpy(&self.factor[k, 0], &self.scratch[0], k * sizeof(double))
        self.factor[k, k] = sqrt(pivot)
        self.factor_l2[k] = l2
        self.active[k] = j
        self.sign[k] = sign
        self.place[j] = k
        self.size = k + 1

    cdef void remove(self, Py_ssize_t q) noexcept nogil:
        """Take row q out of L; rotations make the rows below it triangular again."""
        cdef Py_ssize_t i, k
        cdef double c, s, a, b, r
        cdef double *row
        self.place[self.active[q]] = -1
        for i in range(q + 1, self.size):
            row = &self.factor[i, 0]
            a = row[q]
            for k in range(q, i - 1):
                c, s = self.rotation_c[k], self.rotation_s[k]
                b = row[k + 1]
                row[k] = c * a + s * b
                a = c * b - s * a
            b = row[i]
            r = hypot(a, b)
            self.rotation_c[i - 1] = a / r
            self.rotation_s[i - 1] = b / r
            row[i - 1] = r
            memcpy(&self.factor[i - 1, 0], row, i * sizeof(double))
            self.active[i - 1] = self.active[i]
            self.sign[i - 1] = self.sign[i]
            self.factor_l2[i - 1] = self.factor_l2[i]
            self.place[self.active[i - 1]] = i - 1
        self.size -= 1
        self.downdates += 1

    cdef void refactor(self, const double[:, ::1] gram) noexcept nogil:
        """Form L anew, with the l2 that is noted; whoever depends on the others leaves."""
        cdef Py_ssize_t i, j, size = self.size
        cdef double pivot, l2
        self.size = self.downdates = 0
        for i in range(size):
            j, l2 = self.active[i], self.factor_l2[i]
            pivot = self.project(gram, j, l2)
            if pivot > DEPENDENT * (gram[j, j] + l2):
                self.append(j, pivot, l2, self.sign[i])
            else:
                self.place[j] = -1

    cdef void substitute(self, double *x) noexcept nogil:
        """x = (L L')^-1 x"""
        cdef Py_ssize_t i
        for i in range(self.size):
            x[i] = (x[i] - riata_dot_f64(&self.factor[i, 0], x, 0.0, i)) / self.factor[i, i]
        for i in range(self.size - 1, -1, -1):
            x[i] /= self.factor[i, i]
            riata_axpy_f64(-x[i], &self.factor[i, 0], 0.0, x, i)

    def smoother_trace(
        self, const double[:, ::1] gram, const Py_ssize_t[::1] support, const double[::1] l2
    ):
        """Return tr H_SS (H_SS + diag(l2))^-1 = rank - sum_a l2_a |L^-1 e_a|^2.

        Cost: |S|^3 / 6 multiply-adds, three times that where A is not the support. Features without
        l2 that depend on others don't count.
        """
        cdef Py_ssize_t j
        cdef double pivot
        cdef ActiveSet other
        cdef bint same = self.size == support.shape[0]
        for j in support:
            same = same and self.place[j] >= 0 and self.factor_l2[self.place[j]] == l2[j]
        if not same:
            other = ActiveSet()
            other._reserve(support.shape[0])
            other.place = np.empty(l2.shape[0], dtype=np.intp)
            for j in support:
                pivot = other.project(gram, j, l2[j])
                if pivot > 1e-14 * (gram[j, j] + l2[j]):
                    other.append(j, pivot, l2[j], 0.0)
            return other._trace_of_factor()
        return self._trace_of_factor()

    def _trace_of_factor(self):
        cdef Py_ssize_t i, k
        cdef double trace = self.size
        cdef double[::1] column = np.empty(self.size)
        with nogil:
            for k in range(self.size):
                if self.factor_l2[k] == 0.0:
                    continue
                column[k] = 1.0 / self.factor[k, k]
                for i in range(k + 1, self.size):
                    column[i] = -riata_dot_f64(
                        &self.factor[i, k], &column[k], 0.0, i - k) / self.factor[i, i]
                trace -= self.factor_l2[k] * riata_dot_f64(
                    &column[k], &column[k], 0.0, self.size - k)
        return trace

    # -- one call -------------------------------------------------------------------------------

    def descend(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double resid_sq,
        const double[::1] norm_sq, const double[::1] l1, const double[::1] l2,
        const double[::1] lower, const double[::1] upper, double target, Py_ssize_t max_solves
    ):
        """Descend until the restricted gap is at most target; return (solves, gap, finished).

        Arguments as in coordinate.gram_descent. finished is False where `max_solves` was reached
        or the gap stopped falling: coordinate descent should go on from there.
        """
        cdef Py_ssize_t size = coef.shape[0], solves = 0, stale = 0
        cdef double gap = INFINITY, best = INFINITY
        cdef bint whole
        cdef double[::1] trial = np.empty(size)
        self.place = longer(self.place, size, -1)
        self._reconcile(gram, coef, l1, l2, lower, upper)
        while solves < max_solves:
            PyErr_CheckSignals()
            with nogil:
                whole = self.newton_step(
                    gram, coef, grad, trial, &resid_sq, l1, l2, lower, upper)
            solves += 1
            if not whole:
                continue
            gap = restricted_gap(coef, grad, resid_sq, norm_sq, l1, l2, lower, upper)
            if gap <= target:
                return solves, gap, True
            stale = 0 if gap < 0.9 * best else stale + 1
            best = min(best, gap)
            if stale > PATIENCE:
                break
            if self.downdates > REFACTOR_AFTER:
                self.refactor(gram)
            self._join(gram, coef, grad, &resid_sq, norm_sq, l1, l2, lower, upper, stale > 1)
        return solves, gap, False

    def _reconcile(
        self, const double[:, ::1] gram, const double[::1] coef, const double[::1] l1,
        const double[::1] l2, const double[::1] lower, const double[::1] upper
    ):
        """Make A the features strictly between their limits, and L their factor."""
        cdef Py_ssize_t i, j
        cdef bint changed = False
        cdef double pivot
        for i in range(self.size - 1, -1, -1):
            j = self.active[i]
            if coef[j] == 0.0 and l1[j] > 0.0 or coef[j] <= lower[j] or coef[j] >= upper[j]:
                self.remove(i)
            else:
                self.sign[i] = sign_of(coef[j], l1[j])
                changed = changed or self.factor_l2[i] != l2[j]
                self.factor_l2[i] = l2[j]
        if changed:
            self.refactor(gram)
        for j in range(coef.shape[0]):
            if self.place[j] < 0 and coef[j] != 0.0 and lower[j] < coef[j] < upper[j]:
                self._reserve(self.size + 1)
                pivot = self.project(gram, j, l2[j])
                if pivot > DEPENDENT * (gram[j, j] + l2[j]):
                    self.append(j, pivot, l2[j], sign_of(coef[j], l1[j]))

    cdef bint newton_step(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double[::1] trial,
        double *resid_sq, const double[::1] l1, const double[::1] l2, const double[::1] lower,
        const double[::1] upper
    ) noexcept nogil:
        """Step towards the optimum of A as far as signs and bounds allow; whether that was all.

        Features that stand at a limit and would cross it leave before anything moves. Where the
        whole step d crosses limits, of two steps the one that gains more is taken: up to the first
        limit (t d, which gains t (1 - t/2) d'rhs), or d with every coefficient stopped at its own.
        Whoever is at its limit then leaves.
        """
        cdef Py_ssize_t i, j
        cdef double t = 1.0, short_gain = 0.0, long_gain = 0.0, space
        cdef double *d = &self.step[0]
        cdef double *stopped = &self.stopped[0]
        cdef bint crossed = False
        for i in range(self.size):
            j = self.active[i]
            self.rhs[i] = d[i] = grad[j] - l1[j] * self.sign[i] - l2[j] * coef[j]
        self.substitute(d)
        for i in range(self.size):
            space = self.room(i, d[i], coef, lower, upper)
            self.leaves[i] = d[i] != 0.0 and space <= 0.0
            crossed = crossed or self.leaves[i]
            stopped[i] = d[i]
            if space < fabs(d[i]):
                t = min(t, space / fabs(d[i]))
                stopped[i] = space if d[i] > 0.0 else -space
            short_gain += d[i] * self.rhs[i]
        if crossed:
            self.remove_leaving(gram)
            return False
        if t == 1.0:
            self.move(gram, coef, grad, resid_sq, d, 1.0)
            return True
        short_gain *= t * (1.0 - 0.5 * t)
        memcpy(&trial[0], &grad[0], grad.shape[0] * sizeof(double))
        for i in range(self.size):
            if stopped[i] != 0.0:
                riata_axpy_f64(
                    -stopped[i], &gram[self.active[i], 0], 0.0, &trial[0], trial.shape[0])
        for i in range(self.size):
            j = self.active[i]
            long_gain += stopped[i] * (
                self.rhs[i] - 0.5 * (grad[j] - trial[j] + l2[j] * stopped[i]))
        if long_gain > short_gain:
            for i in range(self.size):
                j = self.active[i]
                resid_sq[0] -= stopped[i] * (grad[j] + trial[j])
                coef[j] += stopped[i]
                self.leaves[i] = stopped[i] != d[i]
            memcpy(&grad[0], &trial[0], grad.shape[0] * sizeof(double))
        else:
            self.move(gram, coef, grad, resid_sq, d, t)
            for i in range(self.size):
                space = self.room(i, d[i], coef, lower, upper)
                self.leaves[i] = space <= 1e-14 * fabs(d[i])
        for i in range(self.size):
            if self.leaves[i]:
                self.stop_at_limit(i, d[i], coef, lower, upper)
        self.remove_leaving(gram)
        return False

    cdef void stop_at_limit(
        self, Py_ssize_t i, double d, double[::1] coef, const double[::1] lower,
        const double[::1] upper
    ) noexcept nogil:
        """Put active feature i exactly at the limit that it moved to."""
        cdef Py_ssize_t j = self.active[i]
        if self.sign[i] != 0.0 and d * self.sign[i] < 0.0:
            coef[j] = 0.0
        else:
            coef[j] = upper[j] if d > 0.0 else lower[j]

    cdef void remove_leaving(self, const double[:, ::1] gram) noexcept nogil:
        """Take those marked in `leaves` out of A: one by one, or by a new factor where many go."""
        cdef Py_ssize_t i, many = 0, stay = 0
        for i in range(self.size):
            many += self.leaves[i]
        if 8 * many <= self.size:
            for i in range(self.size - 1, -1, -1):
                if self.leaves[i]:
                    self.remove(i)
            return
        for i in range(self.size):
            if self.leaves[i]:
                self.place[self.active[i]] = -1
            else:
                self.active[stay] = self.active[i]
                self.sign[stay] = self.sign[i]
                self.factor_l2[stay] = self.factor_l2[i]
                stay += 1
        self.size = stay
        self.refactor(gram)

    cdef double room(
        self, Py_ssize_t i, double d, const double[::1] coef, const double[::1] lower,
        const double[::1] upper
    ) noexcept nogil:
        """How far active feature i may move in the direction of d."""
        cdef Py_ssize_t j = self.active[i]
        cdef double limit = upper[j] if d > 0.0 else lower[j]
        if self.sign[i] != 0.0 and d * self.sign[i] < 0.0:
            limit = 0.0
        return limit - coef[j] if d > 0.0 else coef[j] - limit

    cdef void move(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        const double *d, double t
    ) noexcept nogil:
        """coef_A += t d, and gradient and residual norm with it."""
        cdef Py_ssize_t i, j
        cdef double before = 0.0, after = 0.0
        for i in range(self.size):
            before += d[i] * grad[self.active[i]]
        for i in range(self.size):
            j = self.active[i]
            coef[j] += t * d[i]
            riata_axpy_f64(-t * d[i], &gram[j, 0], 0.0, &grad[0], grad.shape[0])
        for i in range(self.size):
            after += d[i] * grad[self.active[i]]
        resid_sq[0] -= t * (before + after)   # |r - X t d|^2 = |r|^2 - t d'(g_before + g_after)

    # -- who joins ------------------------------------------------------------------------------

    cdef _join(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        const double[::1] norm_sq, const double[::1] l1, const double[::1] l2,
        const double[::1] lower, const double[::1] upper, bint alone
    ):
        """Let the worst violators join A; where all depend on it, move the worst one in."""
        cdef Py_ssize_t j, k, joined = 0, batch = 1 if alone else max(LEAST_BATCH, self.size)
        cdef double pivot
        gains = np.zeros(coef.shape[0])
        cdef double[::1] gain = gains
        with nogil:
            for j in range(coef.shape[0]):
                pivot = gram[j, j] + l2[j]
                if self.place[j] < 0 and pivot > 1e-12 * norm_sq[j]:
                    gain[j] = violation(coef[j], grad[j], l1[j], l2[j], lower[j], upper[j])
                    gain[j] *= fabs(gain[j]) / pivot
        worst = np.flatnonzero(gains)
        if len(worst) > batch:
            worst = worst[np.argpartition(-np.abs(gains[worst]), batch)[:batch]]
        if len(worst) == 0:
            return
        self._reserve(self.size + len(worst))
        for j in worst:
            pivot = self.project(gram, j, l2[j])
            if pivot > DEPENDENT * (gram[j, j] + l2[j]):
                self.append(j, pivot, l2[j], join_sign(coef[j], gain[j], l1[j]))
                joined += 1
        if joined == 0:
            k = worst[np.argmax(np.abs(gains[worst]))]
            self.exchange(gram, coef, grad, resid_sq, k, gain[k], l1, l2, lower, upper)

    cdef void exchange(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        Py_ssize_t j, double direction, const double[::1] l1, const double[::1] l2,
        const double[::1] lower, const double[::1] upper
    ) noexcept nogil:
        """Move a feature that depends on A along the null direction until one of A is at a limit.

        With v = H_AA^-1 H_Aj, b_j + t and b_A - t v leave every fitted value as it is. Whoever
        meets its limit leaves A; j joins if it is independent of the rest.
        """
        cdef Py_ssize_t i
        cdef double way = 1.0 if direction > 0.0 else -1.0
        cdef double t = (upper[j] - coef[j]) if way > 0.0 else (coef[j] - lower[j])
        cdef double pivot = self.project(gram, j, l2[j])
        cdef double *v = &self.step[0]
        if join_sign(coef[j], way, l1[j]) * way < 0.0:
            t = min(t, fabs(coef[j]))
        for i in range(self.size):   # (L L')^-1 H_Aj = L'^-1 scratch
            v[i] = self.scratch[i]
        for i in range(self.size - 1, -1, -1):
            v[i] /= self.factor[i, i]
            riata_axpy_f64(-v[i], &self.factor[i, 0], 0.0, v, i)
        for i in range(self.size):
            v[i] *= -way
            if fabs(v[i]) > 1e-12:
                t = min(t, self.room(i, v[i], coef, lower, upper) / fabs(v[i]))
        if not t < INFINITY:
            return
        self.move(gram, coef, grad, resid_sq, v, t)
        coef[j] += way * t
        resid_sq[0] -= 2.0 * way * t * grad[j]
        resid_sq[0] += t * t * gram[j, j]
        riata_axpy_f64(-way * t, &gram[j, 0], 0.0, &grad[0], grad.shape[0])
        for i in range(self.size - 1, -1, -1):
            if fabs(v[i]) > 1e-12:
                if self.room(i, v[i], coef, lower, upper) <= 1e-14 * t * fabs(v[i]):
                    self.stop_at_limit(i, v[i], coef, lower, upper)
                    self.remove(i)
        if coef[j] != 0.0 and lower[j] < coef[j] < upper[j]:
            pivot = self.project(gram, j, l2[j])
            if pivot > DEPENDENT * (gram[j, j] + l2[j]):
                self.append(j, pivot, l2[j], sign_of(coef[j], l1[j]))


def longer(old, size, fill=None):
    """Return an array of `size` entries that starts with those of old."""
    if len(old) >= size:
        return old
    new = np.empty(size, dtype=np.asarray(old).dtype)
    new[: len(old)] = old
    if fill is not None:
        new[len(old) :] = fill
    return new


cdef double sign_of(double b, double l1) noexcept nogil:
    """The sign that an active feature keeps: 0 where it has no L1 part, and may change it."""
    if l1 == 0.0 or b == 0.0:
        return 0.0
    return 1.0 if b > 0.0 else -1.0


cdef double join_sign(double b, double direction, double l1) noexcept nogil:
    """The sign of a feature that joins at b and wants to move in a direction."""
    return sign_of(direction if b == 0.0 else b, l1)


cdef double violation(
    double b, double g, double l1, double l2, double lower, double upper
) noexcept nogil:
    """How far an inactive feature is from its optimality condition, signed as it wants to move.

    What is within rounding of the condition counts as 0.
    """
    cdef double m
    if b == 0.0:
        m = max(g - l1, 0.0) + min(g + l1, 0.0)
    else:
        m = g - (l1 if b > 0.0 else -l1) - l2 * b
    if fabs(m) <= 1e-14 * (fabs(g) + l1) or (upper <= b if m > 0.0 else lower >= b):
        return 0.0
    return m
