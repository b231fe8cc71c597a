"""The Cholesky factor of a matrix whose rows and columns come and go.

    L L' = H_AA + diag(l2_A),    H_ik = gram[index_i, index_k]

Rows join as a block (`extend`: a triangular solve with all of them at once, then the small Schur
complement) and leave as a block (`drop`). L is stored in groups of eight rows, each column by
column: half a square is all the memory, and every loop runs along it.

`extend`  |new| |A|^2 / 2 multiply-adds, through the tiles of tile.h; left-looking, by groups:
          Golub, Van Loan, "Matrix Computations", 4th ed., algorithm 4.2.2 in blocks
`drop`    without rows p_1 < .. < p_m, the rows below p_1 owe the columns V = L[:, p] that left:
          L L' + V V' is formed by m plane rotations a column, 2 m |A|^2 / 2 multiply-adds at most
          (no downdate in the unstable sense: V V' is added); Gill, Golub, Murray, Saunders,
          Math. Comp. 28, 1974, method C1
solves    see substitution.pyx

A row that depends on those before it is left out: what is left of its pivot is below `tolerance`
times the pivot.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, hypot, sqrt
from libc.stdint cimport uint8_t
from libc.string cimport memset

from .packed cimport GROUP, last_group, start_of
from .pool cimport parallel
from .room import aligned
from .signals cimport BETWEEN_SIGNALS

cdef extern from "factor.h" nogil:
    ctypedef void (*riata_tile_fn)(
        const double *, const double *, Py_ssize_t, Py_ssize_t, double *, Py_ssize_t) noexcept
    ctypedef struct riata_tile:
        riata_tile_fn narrow
    riata_tile riata_choose_tile()
    void riata_group_solve(const double *d, const double *t, int width, int keep, double *b)
    void riata_group_take(
        const double *const *rows, Py_ssize_t first, Py_ssize_t count, double *g)
    void riata_group_rotate(
        double *g, Py_ssize_t count, const double *turn, Py_ssize_t stride, int width, double *v)

cdef enum:
    BATCH = 8                   # groups that pass through L together, on each of four threads
    LEAST = 1 << 16             # multiply-adds of a thread
    AT_ONCE = 16                # rows that one sweep of rotations takes out

# What a multiply-add costs, measured in those of `extend`:
cdef double ROTATING = 6.0   # of `drop`, one element turned (measured at |A| = 500 to 4000)
cdef riata_tile TILE = riata_choose_tile()


cdef class Factor:
    """L, of `size` rows; room for more is made by `reserve`.

    n_threads : by which rows join
    """

    def __init__(self, double tolerance, Py_ssize_t n_threads):
        self.tolerance, self.n_threads = tolerance, n_threads
        self.packed = self.turns = np.empty(0)
        self.capacity = self.size = self.downdates = 0
        self.weakest = 1.0

    cdef bint reserve(self, Py_ssize_t rows) except -1:
        """Make room for that many rows, or a quarter more."""
        cdef Py_ssize_t groups
        if rows <= self.capacity:
            return True
        groups = (rows + rows // 4) // GROUP + 1
        packed = aligned(start_of(groups))
        used = start_of(last_group(self.size))
        packed[:used] = self.packed[:used]
        self.packed = packed
        self.turns = np.empty(groups * GROUP * 2 * AT_ONCE)
        self.capacity = groups * GROUP
        return True

    cdef bint truncate(self, Py_ssize_t size) except -1 nogil:
        """Keep only the first `size` rows."""
        self.size = size
        if size == 0:
            self.downdates = 0
        return True

    # -- rows that join -------------------------------------------------------------------------

    cdef Py_ssize_t extend(
        self, const double[:, ::1] gram, const Py_ssize_t *index, const double *l2,
        Py_ssize_t last, uint8_t *dependent
    ) except -1 nogil:
        """Add the rows `size` to last - 1; return how many were left out.

        index (last,), l2 (last,) : of old and new rows
        dependent (last,) : overwritten: 1 for the rows that were left out, 0 for the others
        """
        cdef Py_ssize_t first = self.size, group, i, out = 0, some
        cdef Py_ssize_t end = last_group(last), together = BATCH * min(self.n_threads, 4)
        memset(dependent, 0, last)
        group = first // GROUP
        while group < end:
            some = min(group + together, end)
            self.gather(gram, index, l2, first, last, group, some)
            self.eliminate(first, last, group, some, dependent)
            group = some
        for i in range(first, last):
            out += dependent[i]
        self.size = last
        if out:   # nothing is left in their columns: the others only close ranks
            self.drop(dependent)
            self.downdates -= out
        return out

    cdef void gather(
        self, const double[:, ::1] gram, const Py_ssize_t *index, const double *l2,
        Py_ssize_t first, Py_ssize_t last, Py_ssize_t begin, Py_ssize_t end
    ) noexcept nogil:
        """Put H + diag(l2) where L will be, in the groups from begin to end; 0 right of it."""
        cdef Py_ssize_t group, row, k
        cdef double *to
        cdef const double *source
        for group in range(begin, end):
            for row in range(max(first, group * GROUP), (group + 1) * GROUP):
                to = &self.packed[start_of(group) + row % GROUP]
                if row >= last:
                    for k in range((group + 1) * GROUP):
                        to[GROUP * k] = 0.0
                    continue
                source = &gram[index[row], 0]
                for k in range(row):
                    to[GROUP * k] = source[index[k]]
                to[GROUP * row] = source[index[row]] + l2[row]
                for k in range(row + 1, (group + 1) * GROUP):
                    to[GROUP * k] = 0.0

    cdef bint eliminate(
        self, Py_ssize_t first, Py_ssize_t last, Py_ssize_t begin, Py_ssize_t end,
        uint8_t *dependent
    ) except -1 nogil:
        """From H to L in the groups from begin to end, rows `first` and beyond; those above are L.

        A dependent row is given an infinite diagonal, so that nothing is left in its column.
        """
        cdef Py_ssize_t i, j, count = end - begin
        cdef double[64] product
        cdef double *left
        cdef double *right
        self.begin, self.end, self.first = begin, end, first
        self.share = BATCH
        if GROUP * GROUP * GROUP // 2 * begin * begin * count < LEAST * self.n_threads:
            self.share = count
        elif count < BATCH * self.n_threads:
            self.share = (count + self.n_threads - 1) // self.n_threads
        parallel(some_groups, <void *>self, (count + self.share - 1) // self.share, self.n_threads)
        self.work += GROUP * GROUP * GROUP * (0.5 * begin * (begin + 1.0) + begin) * count
        for j in range(begin, end):
            left = &self.packed[start_of(j)]
            for i in range(j, end):
                right = &self.packed[start_of(i)]
                memset(product, 0, sizeof(product))
                TILE.narrow(left, right, 0, GROUP * j, product, GROUP)
                right += GROUP * GROUP * j
                if i > j:
                    riata_group_solve(
                        left + GROUP * GROUP * j, product, GROUP,
                        <int>max(first - GROUP * i, 0), right)
                else:
                    self.finish(j, first, last, product, dependent)
        if self.work > BETWEEN_SIGNALS:
            self.work = 0.0
            with gil:
                PyErr_CheckSignals()
        return True

    cdef void eliminate_left(self, Py_ssize_t k) noexcept nogil:
        """The same in some of these groups, of the columns before the first of them."""
        cdef Py_ssize_t i, j, a = self.begin + k * self.share, b = min(a + self.share, self.end)
        cdef double[64] product
        cdef const double *left
        cdef double *right
        for j in range(self.begin):
            left = &self.packed[start_of(j)]
            for i in range(a, b):
                right = &self.packed[start_of(i)]
                memset(product, 0, sizeof(product))
                TILE.narrow(left, right, 0, GROUP * j, product, GROUP)
                riata_group_solve(
                    left + GROUP * GROUP * j, product, GROUP,
                    <int>max(self.first - GROUP * i, 0), right + GROUP * GROUP * j)

    cdef void finish(
        self, Py_ssize_t group, Py_ssize_t first, Py_ssize_t last, const double *product,
        uint8_t *dependent
    ) noexcept nogil:
        """Factor the triangle at the end of a group."""
        cdef double *rows = &self.packed[start_of(group)]
        cdef double *b = rows + GROUP * GROUP * group
        cdef Py_ssize_t row, r, c, e, k
        cdef double v, whole
        for row in range(max(first, group * GROUP), min(last, (group + 1) * GROUP)):
            r = row % GROUP
            whole = b[GROUP * r + r]
            for c in range(r + 1):
                v = b[GROUP * c + r] - product[GROUP * c + r]
                for e in range(c):
                    v -= b[GROUP * e + r] * b[GROUP * e + c]
                if c < r:
                    b[GROUP * c + r] = v / b[GROUP * c + c]
                    continue
                self.weakest = min(self.weakest, v / whole if whole > 0.0 else 0.0)
                if v > self.tolerance * whole:
                    b[GROUP * c + r] = sqrt(v)
                else:
                    dependent[row] = 1
                    for k in range(row):
                        rows[GROUP * k + r] = 0.0
                    b[GROUP * c + r] = INFINITY

    # -- rows that leave ------------------------------------------------------------------------

    cdef bint dropping_is_cheaper(self, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
        """Whether to `drop` count rows, the first of them `first`, or to form anew what is below.

        `drop` turns (size - first)^2 / 2 elements for each row (half of that on average, where they
        leave all over), a new factor takes (size^3 - first^3) / 6 multiply-adds.
        """
        cdef double size = self.size - count, start = first
        cdef double turns = 0.25 * (size - start) * (size - start) * (1.0 + 1.0 / count) * count
        return ROTATING * turns < (size * size * size - start * start * start) / 6.0

    cdef bint drop(self, const uint8_t *leaves) except -1 nogil:
        """Take the rows marked in `leaves` (size,) out, the last ones first."""
        cdef Py_ssize_t[16] gone
        cdef Py_ssize_t row = self.size - 1, count = 0, k
        while row >= 0:
            if leaves[row]:
                count += 1
                gone[AT_ONCE - count] = row
            row -= 1
            if count == AT_ONCE or (row < 0 and count > 0):
                for k in range(count):
                    gone[k] = gone[AT_ONCE - count + k]
                self.turn_out(gone, count)
                count = 0
        return True

    cdef bint turn_out(self, const Py_ssize_t *gone, Py_ssize_t width) except -1 nogil:
        """Take the rows gone_0 < gone_1 < .. out and rotate their columns into the others."""
        cdef Py_ssize_t group, k, a, start = gone[0], size = self.size - width
        cdef Py_ssize_t old = start // GROUP * GROUP, stop, done
        cdef double[128] lost
        cdef double *rows
        cdef double *turn = &self.turns[0]
        cdef double work = 0.0
        for group in range(start // GROUP, last_group(size)):
            memset(lost, 0, sizeof(lost))
            old = self.close_ranks(group, old, size, gone, width, lost)
            rows = &self.packed[start_of(group)]
            done = start
            for a in range(width):   # the columns that left up to gone_a are owed from here on
                stop = gone[a + 1] - a - 1 if a + 1 < width else group * GROUP
                stop = min(stop, group * GROUP)
                if stop > done:
                    riata_group_rotate(
                        rows + GROUP * done, stop - done, turn + 2 * (done - start) * width, width,
                        <int>(a + 1), lost)
                    done = stop
            for k in range(max(start, group * GROUP), min(size, (group + 1) * GROUP)):
                make_turns(rows + GROUP * k, k % GROUP, lost, width, turn + 2 * (k - start) * width)
            work += GROUP * (group * GROUP - start + 1.0) * width
            if work > BETWEEN_SIGNALS:
                work = 0.0
                with gil:
                    PyErr_CheckSignals()
        self.size = size
        self.downdates += width
        return True

    cdef Py_ssize_t close_ranks(
        self, Py_ssize_t group, Py_ssize_t old, Py_ssize_t size, const Py_ssize_t *gone,
        Py_ssize_t width, double *lost
    ) noexcept nogil:
        """Move the rows that a group will have there, without the columns `gone`: none goes where
        one is that has yet to move.

        old : the row that comes next; returned for the group after. lost_ac : what row c has in
        column gone_a.
        """
        cdef Py_ssize_t c, a, b, i, j, k = 0, to = 0, some, whole = group * GROUP
        cdef Py_ssize_t count = min(size - whole, <Py_ssize_t>GROUP)
        cdef double *rows = &self.packed[start_of(group)]
        cdef const double *source[GROUP]
        cdef Py_ssize_t[GROUP] was
        for c in range(GROUP):
            if c < count:
                for a in range(width):   # skip those who leave
                    old += gone[a] == old
                old += 1
            was[c] = old - 1
            source[c] = &self.packed[start_of(was[c] // GROUP) + was[c] % GROUP]
        a = 0
        while to < whole:   # the columns that all of them have
            some = min(gone[a] - k, whole - to) if a < width else whole - to
            riata_group_take(source, k, some, rows + GROUP * to)
            k += some
            to += some
            if to < whole:
                for c in range(count):
                    lost[GROUP * a + c] = source[c][GROUP * k]
                a += 1
                k += 1
        for c in range(count):
            b, i = a, to
            for j in range(k, was[c] + 1):
                if b < width and gone[b] == j:
                    lost[GROUP * b + c] = source[c][GROUP * j]
                    b += 1
                else:
                    rows[GROUP * i + c] = source[c][GROUP * j]
                    i += 1
        for c in range(count, GROUP):
            for k in range(GROUP * (group + 1)):
                rows[GROUP * k + c] = 0.0
        return old

    # -- its inverse ----------------------------------------------------------------------------

    def inverse_diagonal(self, double[::1] out, Py_ssize_t begin, Py_ssize_t end):
        """out_i = (L L')^-1_ii = |L^-1 e_i|^2 for begin <= i < end, begin a multiple of eight.

        Cost: |A|^3 / 6 multiply-adds for all of them.
        """
        cdef Py_ssize_t first = begin // GROUP, last = last_group(end)
        cdef double[::1] columns = aligned(BATCH * GROUP * GROUP * (last_group(self.size) - first))
        while first < last:
            PyErr_CheckSignals()
            with nogil:
                self.invert(columns, first, min(first + BATCH, last), out)
            first += BATCH

    cdef void invert(
        self, double[::1] columns, Py_ssize_t first, Py_ssize_t last, double[::1] out
    ) noexcept nogil:
        """The same for a few groups; columns holds L^-1 e of each, eight at a time."""
        cdef Py_ssize_t groups = last_group(self.size), stride = GROUP * GROUP * (groups - first)
        cdef Py_ssize_t i, j, k, r
        cdef double[64] product
        cdef const double *left
        cdef double *y
        for i in range(first, last):
            y = &columns[(i - first) * stride]
            memset(y, 0, stride * sizeof(double))
            for r in range(GROUP):
                y[GROUP * GROUP * (i - first) + GROUP * r + r] = 1.0
        for j in range(first, groups):
            left = &self.packed[start_of(j)]
            for i in range(first, min(j + 1, last)):
                y = &columns[(i - first) * stride + GROUP * GROUP * (i - first)]
                memset(product, 0, sizeof(product))
                TILE.narrow(left + GROUP * GROUP * i, y, 0, GROUP * (j - i), product, GROUP)
                riata_group_solve(
                    left + GROUP * GROUP * j, product, <int>min(GROUP, self.size - GROUP * j), 0,
                    y + GROUP * GROUP * (j - i))
        for i in range(first, last):
            y = &columns[(i - first) * stride]
            for r in range(min(GROUP, self.size - GROUP * i)):
                out[GROUP * i + r] = 0.0
                for k in range(self.size - GROUP * first):
                    out[GROUP * i + r] += y[GROUP * k + r] * y[GROUP * k + r]


cdef void some_groups(void *factor, Py_ssize_t k) noexcept nogil:
    (<Factor>factor).eliminate_left(k)


cdef void make_turns(
    double *column, Py_ssize_t r, double *lost, Py_ssize_t width, double *turn
) noexcept nogil:
    """Rotate what row r has in `lost` into its diagonal, and the eight rows along with it."""
    cdef Py_ssize_t a, c
    cdef double x, y, length
    for a in range(width):
        y = lost[GROUP * a + r]
        length = hypot(column[r], y)
        turn[2 * a] = 1.0 if y == 0.0 else column[r] / length
        turn[2 * a + 1] = 0.0 if y == 0.0 else y / length
        for c in range(r + 1, GROUP):
            x, y = column[c], lost[GROUP * a + c]
            column[c] = turn[2 * a] * x + turn[2 * a + 1] * y
            lost[GROUP * a + c] = turn[2 * a] * y - turn[2 * a + 1] * x
        column[r] = length
        lost[GROUP * a + r] = 0.0
