"""Coordinate descent in Gram space where a coefficient is a row of K numbers, one a response.

    minimise over B   1/2 tr B'H B - tr B'C + sum_j l1_j |b_j| + l2_j/2 |b_j|^2,   b_j the rows of B

|b_j| is the Euclidean norm where rows are `grouped` (they enter together), else the sum of absolute
values. Both minimisers of a row are closed: with r = c_j - sum_(k != j) h_jk b_k,

    b_j = max(1 - l1_j / |r|, 0) r / (h_jj + l2_j)     grouped
    b_jk = soft(r_k, l1_j) / (h_jj + l2_j)             else

Method: everybody at zero is looked at once, and all are told of who moves. Those and who is not
zero, the support S, are then swept over. Its part of H, below the diagonal, lies in panels of BLOCK
rows; of each

    grad_b += H_b d            what the rows before it have moved by in this sweep
    grad_b, d_b                coordinate descent inside the block
    grad += H_b' d_b           what the block moves, for the rows before it

so that a sweep reads half of H_SS from memory, for all K. The gradient of the others is not looked
at meanwhile; they are told of the sum of all moves before the gap is taken.

The two products with a panel, and telling the others, are shared out to threads, by rows and by who
is told: no sum is cut.

Cost: |S|^2 K a sweep; |W| |S| K to tell the others, |W| K for whoever leaves zero; room for up to
|W|^2 / 2 numbers, |S|^2 / 2 of them touched. coef and grad = C - H B are overwritten.

Source: Yuan and Lin, J. R. Stat. Soc. B 68(1), 2006, section 2 (groups); Friedman, Hastie,
Tibshirani, J. Stat. Softw. 33(1), 2010, section 2.2.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, sqrt
from libc.string cimport memset

from .dots cimport add_dots, add_images
from .pool cimport job_fn, parallel
from .scalar cimport best_response, fenchel_young, scale_limit, soft_threshold
from .signals cimport BETWEEN_SIGNALS
from .simd cimport riata_axpy_f64

cdef enum:
    BLOCK = 16                  # rows of a panel
    SUPPORT_SWEEPS = 20         # between two looks at everybody
    LEAST = 1 << 16             # multiply-adds of a job
    LINE = 8                    # doubles in a line of the cache


cdef double norm(const double *x, Py_ssize_t K) noexcept nogil:
    cdef Py_ssize_t k
    cdef double s = 0.0
    for k in range(K):
        s += x[k] * x[k]
    return sqrt(s)


cdef (double, double) gap_of(
    const double[::1] diagonal, const double[:, ::1] coef, const double[:, ::1] grad,
    double resid_sq, const double[::1] l1, const double[::1] l2, bint grouped
) noexcept nogil:
    """The duality gap of the quadratic problem on the working set, as restricted.pxd has it, from
    the diagonal of H: at the largest feasible scale c of the residual, and its slope in c there."""
    cdef Py_ssize_t a, k, K = coef.shape[1]
    cdef double c = 1.0, gap = 0.0, slope, z, b, turned
    for a in range(coef.shape[0]):
        z = norm(&grad[a, 0], K)
        if l1[a] == 0.0 and l2[a] == 0.0:
            if diagonal[a] > 0.0:
                gap += 0.5 * z * z / diagonal[a]
        elif grouped:
            c = min(c, scale_limit(z, l1[a], l2[a], -INFINITY, INFINITY))
        else:
            for k in range(K):
                c = min(c, scale_limit(grad[a, k], l1[a], l2[a], -INFINITY, INFINITY))
    gap += 0.5 * (1.0 - c) * (1.0 - c) * resid_sq
    slope = -(1.0 - c) * resid_sq
    for a in range(coef.shape[0]):
        if l1[a] == 0.0 and l2[a] == 0.0:
            continue
        if not grouped:
            for k in range(K):
                z, b = grad[a, k], coef[a, k]
                gap += fenchel_young(b, c * z, l1[a], l2[a], -INFINITY, INFINITY)
                slope += z * (best_response(c * z, l1[a], l2[a], -INFINITY, INFINITY) - b)
            continue
        z, b = norm(&grad[a, 0], K), norm(&coef[a, 0], K)
        turned = z * b
        for k in range(K):
            turned -= coef[a, k] * grad[a, k]
        turned = max(turned, 0.0)
        gap += fenchel_young(b, c * z, l1[a], l2[a], -INFINITY, INFINITY) + c * turned
        slope += z * (best_response(c * z, l1[a], l2[a], -INFINITY, INFINITY) - b) + turned
    return gap, slope


cdef double settle(
    double *b, double *moves, const double *grad, Py_ssize_t apart, Py_ssize_t K, double d,
    double l1, double l2, bint grouped, double *size_sq
) noexcept nogil:
    """Put its minimiser in place of a row b; return (d + l2) |moves|^2, moves what b falls by.

    grad, moves : their K entries lie so far apart
    size_sq : d |b|^2 is added
    """
    cdef Py_ssize_t k
    cdef double r, kept = 1.0, change = 0.0, square = 0.0
    if grouped:
        for k in range(K):
            r = grad[k * apart] + d * b[k]
            square += r * r
        kept = 1.0 - l1 / sqrt(square) if square > l1 * l1 else 0.0
    for k in range(K):
        r = grad[k * apart] + d * b[k]
        r = (kept * r if grouped else soft_threshold(r, l1)) / (d + l2)
        moves[k * apart] = b[k] - r
        size_sq[0] += d * r * r
        change += moves[k * apart] * moves[k * apart]
        b[k] = r
    return (d + l2) * change


cdef class Descent:
    """A problem on its way down: the arrays of `descend`, and those of its support.

    all_grad (K, apart) : grad by response, as far as its rows know
    n : rows in the support;  place (|W|,) : of whom, in the order they came;  listed (|W|,) : who
    panels : H_SS, see panel
    grad, moves, total (K, apart) : of the support: the gradient, what rows fell by in this sweep,
        and since all_grad was right
    first, count, rows : a panel's, for the jobs; each takes `share` of what there is
    """
    cdef const double[:, ::1] gram
    cdef double[:, ::1] coef, all_grad, grad, moves, total
    cdef const double[::1] stiffness, l1, l2
    cdef bint grouped
    cdef Py_ssize_t size, K, apart, n
    cdef Py_ssize_t[::1] place
    cdef unsigned char[::1] listed
    cdef double[::1] panels
    cdef Py_ssize_t n_threads, share, first, count
    cdef const double *rows[BLOCK]

    def __init__(
        self, const double[:, ::1] gram, double[:, ::1] coef, const double[:, ::1] grad,
        const double[::1] norm_sq, const double[::1] l1, const double[::1] l2, bint grouped,
        Py_ssize_t n_threads
    ):
        cdef Py_ssize_t size = coef.shape[0], K = coef.shape[1], a, k
        cdef Py_ssize_t blocks = (size + BLOCK - 1) // BLOCK
        cdef Py_ssize_t apart = blocks * BLOCK + 8    # never a multiple of a page
        cdef double[:, :, ::1] rows = np.zeros((4, K, apart))
        cdef double[::1] stiffness = np.empty(size)
        self.gram, self.coef, self.l1, self.l2, self.grouped = gram, coef, l1, l2, grouped
        self.size, self.K, self.apart, self.n = size, K, apart, 0
        self.all_grad, self.grad, self.moves, self.total = rows[0], rows[1], rows[2], rows[3]
        self.panels = np.empty(BLOCK * BLOCK * (blocks * (blocks + 1) // 2))
        self.place, self.listed = np.empty(size, dtype=np.intp), np.zeros(size, dtype=np.uint8)
        self.stiffness, self.n_threads = stiffness, n_threads
        for a in range(size):
            stiffness[a] = gram[a, a] if gram[a, a] > 1e-12 * norm_sq[a] else 0.0
            for k in range(K):
                self.all_grad[k, a] = grad[a, k]
            for k in range(K):
                if coef[a, k] != 0.0:
                    self.join(a)
                    break

    cdef double *panel(self, Py_ssize_t first) noexcept nogil:
        """H of the support's rows first:first + BLOCK against rows 0:first + BLOCK."""
        cdef Py_ssize_t b = first // BLOCK
        return &self.panels[BLOCK * BLOCK * (b * (b + 1) // 2)]

    cdef void join(self, Py_ssize_t a) noexcept nogil:
        """Let a row into the support."""
        cdef Py_ssize_t first = self.n // BLOCK * BLOCK, width = first + BLOCK, i
        cdef double *x = self.panel(first)
        cdef double *row = x + (self.n - first) * width
        cdef const double *whole = &self.gram[a, 0]
        cdef const Py_ssize_t *place = &self.place[0]
        self.place[self.n] = a
        self.listed[a] = 1
        for i in range(self.n + 1):
            row[i] = whole[place[i]]
        for i in range(first, self.n):
            x[(i - first) * width + self.n] = row[i]
        self.n += 1

    cdef bint held(self, Py_ssize_t a) noexcept nogil:
        """Whether anything bounds the quadratic along row a; else it stays."""
        return self.stiffness[a] > 0.0 or self.l2[a] > 0.0

    cdef double visit(self, double *size_sq) noexcept nogil:
        """Let everybody outside the support move, once; return the sum of (h_jj + l2_j)
        |moves_j|^2."""
        cdef Py_ssize_t a, k, i
        cdef double moved = 0.0, gain
        cdef double *moves = &self.moves[0, 0]
        for a in range(self.size):
            if self.listed[a] or not self.held(a):
                continue
            gain = settle(
                &self.coef[a, 0], moves, &self.all_grad[0, a], self.apart, self.K,
                self.stiffness[a], self.l1[a], self.l2[a], self.grouped, size_sq)
            if gain > 0.0:
                moved += gain
                self.join(a)
                for k in range(self.K):
                    riata_axpy_f64(
                        moves[k * self.apart], &self.gram[a, 0], &self.all_grad[k, 0],
                        self.size)
        for k in range(self.K):
            for i in range(self.n):
                self.grad[k, i] = self.all_grad[k, self.place[i]]
        return moved

    cdef double sweep(self, double *size_sq) noexcept nogil:
        """Let every row of the support move, once; return as visit does."""
        cdef Py_ssize_t k, i
        cdef double moved = 0.0, gain
        self.first = 0
        while self.first < self.n:
            self.count = min(<Py_ssize_t>BLOCK, self.n - self.first)
            for i in range(self.count):
                self.rows[i] = self.panel(self.first) + i * (self.first + BLOCK)
            if self.first > 0:
                self.hand_out(hear_some, self.count, self.first * self.K, LINE)
            gain = self.sweep_block(size_sq)
            if self.first > 0 and gain > 0.0:
                self.hand_out(tell_some, self.first, self.count * self.K, LINE)
            moved += gain
            self.first += BLOCK
        for k in range(self.K):
            for i in range(self.n):
                self.total[k, i] += self.moves[k, i]
        return moved

    cdef void hand_out(
        self, job_fn job, Py_ssize_t length, Py_ssize_t work, Py_ssize_t multiple
    ) noexcept nogil:
        """Cut range(length) into jobs, `work` multiply-adds each of its numbers."""
        cdef Py_ssize_t most = <Py_ssize_t>(<double>length * work / LEAST)
        cdef Py_ssize_t jobs = max(<Py_ssize_t>1, min(self.n_threads, most))
        self.share = max(<Py_ssize_t>1, (length + jobs - 1) // jobs)
        self.share = (self.share + multiple - 1) // multiple * multiple
        parallel(job, <void *>self, (length + self.share - 1) // self.share, self.n_threads)

    cdef void hear_some(self, Py_ssize_t k) noexcept nogil:
        """Tell some rows of a panel what those before it have moved by."""
        cdef Py_ssize_t a = k * self.share
        add_dots(self.rows + a, min(self.share, self.count - a), &self.moves[0, 0], self.apart,
                 self.K, self.first, &self.grad[0, self.first + a])

    cdef void tell_some(self, Py_ssize_t k) noexcept nogil:
        """Tell some rows before a panel what it has moved by."""
        cdef Py_ssize_t a = k * self.share, i
        cdef const double *rows[BLOCK]
        for i in range(self.count):
            rows[i] = self.rows[i] + a
        add_images(rows, self.count, &self.moves[0, self.first], self.apart, self.K,
                   min(self.share, self.first - a), &self.grad[0, a])

    cdef double sweep_block(self, double *size_sq) noexcept nogil:
        """As `sweep`, for the rows of one panel, which see one another."""
        cdef Py_ssize_t i, j, k, a, first = self.first, count = self.count
        cdef double moved = 0.0, gain, d
        cdef double *grad
        cdef const double *row
        for i in range(count):
            a = self.place[first + i]
            for k in range(self.K):
                self.moves[k, first + i] = 0.0
            if not self.held(a):
                continue
            gain = settle(
                &self.coef[a, 0], &self.moves[0, first + i], &self.grad[0, first + i], self.apart,
                self.K, self.stiffness[a], self.l1[a], self.l2[a], self.grouped, size_sq)
            if gain > 0.0:
                moved += gain
                row = self.rows[i] + first
                for k in range(self.K):
                    d = self.moves[k, first + i]
                    grad = &self.grad[k, first]
                    for j in range(count):
                        grad[j] += d * row[j]
        return moved

    cdef void tell_all(self) noexcept nogil:
        """Make all_grad right."""
        self.hand_out(tell_others, self.size, self.n * self.K, 64 * LINE)
        memset(&self.total[0, 0], 0, self.K * self.apart * sizeof(double))

    cdef void tell_others(self, Py_ssize_t k) noexcept nogil:
        """Make some of it right."""
        cdef Py_ssize_t a = k * self.share, first = 0, count, i
        cdef const double *rows[BLOCK]
        while first < self.n:
            count = min(<Py_ssize_t>BLOCK, self.n - first)
            for i in range(count):
                rows[i] = &self.gram[self.place[first + i], a]
            add_images(rows, count, &self.total[0, first], self.apart, self.K,
                       min(self.share, self.size - a), &self.all_grad[0, a])
            first += BLOCK


cdef void hear_some(void *descent, Py_ssize_t k) noexcept nogil:
    (<Descent>descent).hear_some(k)


cdef void tell_some(void *descent, Py_ssize_t k) noexcept nogil:
    (<Descent>descent).tell_some(k)


cdef void tell_others(void *descent, Py_ssize_t k) noexcept nogil:
    (<Descent>descent).tell_others(k)


def descend(
    const double[:, ::1] gram, double[:, ::1] coef, double[:, ::1] grad, double resid_sq,
    const double[::1] norm_sq, const double[::1] l1, const double[::1] l2, bint grouped,
    double target, Py_ssize_t max_sweeps, Py_ssize_t n_threads
):
    """Descend until the gap on the working set is at most target; return (sweeps, gap).

    gram : (at least |W|, at least |W|), symmetric
    coef, grad : (|W|, K), both updated
    norm_sq : (|W|,), of the columns as measured: rows with gram_jj <= 1e-12 norm_sq_j and no l2
        stay
    """
    cdef Descent at = Descent(gram, coef, grad, norm_sq, l1, l2, grouped, n_threads)
    cdef const double[::1] diagonal = np.diagonal(gram)[:coef.shape[0]].copy()
    cdef Py_ssize_t size = coef.shape[0], K = coef.shape[1], a, k, sweep = 0, inner
    cdef double gap, moved, last, size_sq, work = 0.0
    with nogil:
        while True:
            size_sq = 0.0
            moved = at.visit(&size_sq)
            inner = 0
            while True:
                last = at.sweep(&size_sq)
                moved += last
                sweep += 1
                inner += 1
                work += (<double>at.n * at.n + size) * K
                if work > BETWEEN_SIGNALS:
                    work = 0.0
                    with gil:
                        PyErr_CheckSignals()
                if inner >= SUPPORT_SWEEPS or last <= 0.01 * target or sweep >= max_sweeps:
                    break
            at.tell_all()
            work += <double>at.n * size * K
            for a in range(size):
                for k in range(K):
                    grad[a, k] = at.all_grad[k, a]
            gap = gap_of(diagonal, coef, grad, resid_sq, l1, l2, grouped)[0]
            if gap <= target or sweep >= max_sweeps or moved <= 1e-30 * (size_sq + resid_sq):
                break
    return sweep, gap


def sweep_coupled(
    const double[:, ::1] gram, double[:, ::1] coef, double[:, ::1] grad,
    const double[::1] stiffness, const double[::1] l1, const double[::1] l2, Py_ssize_t sweeps
):
    """Let every grouped row move, so many times, where H couples the responses as well.

    gram : (|W| K, |W| K), symmetric, by rows and then by responses
    coef, grad : (|W|, K), both updated
    stiffness : (|W|,), bounds of the K x K blocks on the diagonal; rows of 0 without l2 stay
    Cost: |W| K for each of the K numbers of whoever moves.
    """
    cdef Py_ssize_t size = coef.shape[0], K = coef.shape[1], a, k, _sweep
    cdef double unused = 0.0
    cdef double[::1] moves = np.empty(K)
    with nogil:
        for _sweep in range(sweeps):
            for a in range(size):
                if not (stiffness[a] > 0.0 or l2[a] > 0.0):
                    continue
                settle(&coef[a, 0], &moves[0], &grad[a, 0], 1, K, stiffness[a], l1[a], l2[a], True,
                       &unused)
                for k in range(K):
                    if moves[k] != 0.0:
                        riata_axpy_f64(moves[k], &gram[a * K + k, 0], &grad[0, 0], size * K)


def certificate(
    const double[::1] diagonal, const double[:, ::1] coef, const double[:, ::1] grad,
    double resid_sq, const double[::1] l1, const double[::1] l2, bint grouped
):
    """Return the duality gap of the quadratic problem on the working set, from the diagonal of H,
    and its slope in the scale of the residual, of which it takes the largest that is feasible:
    where the slope is above 0 a smaller one is better."""
    return gap_of(diagonal, coef, grad, resid_sq, l1, l2, grouped)
