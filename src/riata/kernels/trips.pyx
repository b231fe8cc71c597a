"""A loss along a line: what a line search asks for, and all else that a Newton step needs there.

A round trip goes from a point eta along t (X_P d + offset), P some columns of X, and back:

    eta_t = eta + t (X_P d + offset)     loss, u = -w f', h = w f'' there
    z = X_P'u,  bent = X_P'h             total = sum u,  mass = sum h

block by block of rows, so that X is read once. The blocks are fixed by the sizes, and bits do not
depend on who makes them. The point there is overwritten by the next trip.
Cost: a read of the columns, 3 n |P| multiply-adds.
"""

import numpy as np

from . cimport dense
from .dots cimport few_dots
from .pool cimport parallel
from .rows cimport Rows
from .simd cimport riata_dot_f64


cdef class Trip:
    """A loss along a line, natively or by a call.

    call : takes t, returns the loss there and how fast it falls along the line
    loss, fall : these here
    """

    def __init__(self, call, double loss, double fall):
        self.call, self.loss, self.fall = call, loss, fall

    cdef bint go(self, double t) except -1 nogil:
        """Take loss_there and fall_there at t."""
        with gil:
            self.loss_there, self.fall_there = self.call(t)
        return True


cdef class Place:
    """A loss somewhere, and what some columns see of it.

    vectors : eta, -f' and f'', (n,) each, rows of an array (3, n)
    sums : z and bent, (2, P)
    """

    def __init__(self, vectors, sums, double loss=0.0, double total=0.0, double mass=0.0):
        self.vectors, self.sums = vectors, sums
        self.at, self.seen = vectors, sums
        self.loss, self.total, self.mass = loss, total, mass

    cdef void exchange(self, Place other) noexcept nogil:
        """Change places with another; whose arrays they are is left to `RoundTrip.settle`."""
        self.at, other.at = other.at, self.at
        self.seen, other.seen = other.seen, self.seen
        self.loss, other.loss = other.loss, self.loss
        self.total, other.total = other.total, self.total
        self.mass, other.mass = other.mass, self.mass

    cdef double fall(self, const double[::1] step, double offset) noexcept nogil:
        """How fast the loss falls along X_P step + offset."""
        cdef Py_ssize_t n = step.shape[0]
        if n == 0:
            return offset * self.total
        return riata_dot_f64(&step[0], &self.seen[0, 0], 0.0, n) + offset * self.total


cdef class RoundTrip(Trip):
    """Round trips over some columns.

    here, there : the point to start from, and one that is overwritten
    call : takes t d and t offset, returns the point there; asked where there is no native loss
    kernel : the native loss
    y, w : (n,), its response and weights
    weighted : (2, n), overwritten by u and h
    weighed : whether they are those where it is
    level : is added to the loss
    cuts : the rows where blocks begin and end
    parts : (blocks, ...), what each block adds to z and bent
    n_threads : by which blocks are turned
    """

    def __init__(
        self, Place here, Place there, call, kernel, y, w, weighted, double level, cuts=(0,),
        parts=None, Py_ssize_t n_threads=1
    ):
        self.here, self.there, self.call, self.kernel = here, there, call, kernel
        self.y, self.w, self.weighted, self.level = y, w, weighted, level
        self.step, self.moved = np.zeros((2, here.seen.shape[1]))
        self.cuts = np.array(cuts, dtype=np.intp)
        self.totals, self.parts, self.n_threads = np.empty((len(cuts), 3)), parts, n_threads

    @property
    def place(self):
        """The point where it is."""
        self.settle()
        return self.here

    @property
    def spare(self):
        """A point that nobody needs any more."""
        self.settle()
        return self.there

    cdef void set_out(self) noexcept nogil:
        """Begin trips along `step` and `offset`."""
        self.loss = self.here.loss
        self.fall = self.here.fall(self.step, self.offset)

    cdef void accept(self) noexcept nogil:
        """Stay there."""
        self.here.exchange(self.there)
        self.crossed, self.weighed = not self.crossed, self.kernel is not None

    cdef void settle(self) noexcept:
        """Let the arrays follow what is in them."""
        if self.crossed:
            self.here.vectors, self.there.vectors = self.there.vectors, self.here.vectors
            self.here.sums, self.there.sums = self.there.sums, self.here.sums
            self.crossed = False

    cdef bint go(self, double t) except -1 nogil:
        cdef Py_ssize_t a, blocks = self.cuts.shape[0] - 1
        self.made += 1
        self.weighed = False
        for a in range(self.step.shape[0]):
            self.moved[a] = t * self.step[a]
        if self.kernel is None:
            with gil:
                self.settle()
                self.there = self.call(np.asarray(self.moved), t * self.offset)
        else:
            self.moved_offset = t * self.offset
            parallel(turn_block, <void *>self, blocks, self.n_threads)
            self.add_up()
        self.loss_there = self.there.loss
        self.fall_there = self.there.fall(self.step, self.offset)
        return True

    cdef void turn(self, Py_ssize_t k) noexcept nogil:
        """Make block k: there, the loss, and what the columns make of it."""
        cdef Py_ssize_t a = self.cuts[k], b = self.cuts[k + 1]
        self.image(a, b)
        self.kernel.along(
            self.y, self.w, self.here.at[0], self.moved_offset, self.there.at[0],
            self.there.at[1], self.there.at[2], self.weighted, a, b, &self.totals[k, 0])
        self.products(k, a, b)

    cdef void image(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        """Make the rows a:b of eta there X_P moved, whatever they were."""

    cdef void products(self, Py_ssize_t k, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        """Make parts[k] of the rows a:b of `weighted`."""

    cdef void add_up(self) noexcept nogil:
        """Take loss, total and mass there from the blocks; subclasses, z and bent."""
        cdef Py_ssize_t k
        cdef double loss = 0.0
        self.there.total = self.there.mass = 0.0
        for k in range(self.parts.shape[0]):
            loss += self.totals[k, 0]
            self.there.total += self.totals[k, 1]
            self.there.mass += self.totals[k, 2]
        self.there.loss = max(loss + self.level, 0.0)


cdef void turn_block(void *trip, Py_ssize_t k) noexcept nogil:
    (<RoundTrip>trip).turn(k)


cdef class DenseTrip(RoundTrip):
    """Round trips over columns of a dense matrix, where they are.

    X (n, p), mean (p,), members (P,) : the matrix, what centring subtracts, the columns
    """

    def __init__(
        self, X, mean, members, Place here, Place there, loss, cuts, Py_ssize_t n_threads
    ):
        parts = np.empty((len(cuts) - 1, 2, len(members)))
        super().__init__(here, there, *loss, cuts, parts, n_threads)
        self.is_double, self.by_column = X.itemsize == 8, X.strides[0] == X.itemsize
        if self.is_double:
            self.doubles = X
        else:
            self.floats = X
        self.members, self.mean = members, mean

    cdef void image(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        cdef double[::1] eta = self.there.at[0]
        if self.is_double:
            dense.image(self.doubles, self.members, self.moved, self.mean, eta, a, b)
        else:
            dense.image(self.floats, self.members, self.moved, self.mean, eta, a, b)

    cdef void products(self, Py_ssize_t k, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        cdef double[:, ::1] out = self.parts[k]
        cdef double *to = &out[0, 0]
        cdef Py_ssize_t v, W = self.members.shape[0]
        if self.by_column and self.is_double:
            few_dots(self.doubles, self.members, self.weighted, self.mean, to, W, 0, W, a, b)
        elif self.by_column:
            few_dots(self.floats, self.members, self.weighted, self.mean, to, W, 0, W, a, b)
        for v in range(0 if self.by_column else 2):
            if self.is_double:
                dense.products_by_row(
                    self.doubles, self.members, self.weighted[v], self.mean, out[v], 0, W, a, b)
            else:
                dense.products_by_row(
                    self.floats, self.members, self.weighted[v], self.mean, out[v], 0, W, a, b)

    cdef void add_up(self) noexcept nogil:
        cdef Py_ssize_t k, v, j
        RoundTrip.add_up(self)
        self.there.seen[:, :] = 0.0
        for k in range(self.parts.shape[0]):
            for v in range(2):
                for j in range(self.members.shape[0]):
                    self.there.seen[v, j] += self.parts[k, v, j]


cdef class SparseTrip(RoundTrip):
    """Round trips over a gathered working set.

    rows : its rows, numbered
    rest (P,) : what centring subtracts of every row of a column, beside what the values are less
    """

    def __init__(
        self, Rows rows, rest, Place here, Place there, loss, cuts, Py_ssize_t n_threads
    ):
        parts = np.empty((len(cuts) - 1, len(rest), 2))
        super().__init__(here, there, *loss, cuts, parts, n_threads)
        self.rows, self.rest = rows, rest

    cdef void image(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        cdef double[::1] eta = self.there.at[0]
        cdef double less = 0.0
        cdef Py_ssize_t i, j
        self.rows.image(self.moved, eta, a, b)
        for j in range(self.rest.shape[0]):
            less += self.rest[j] * self.moved[j]
        for i in range(a, b):
            eta[i] -= less

    cdef void products(self, Py_ssize_t k, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        self.rows.products(self.weighted, &self.parts[k, 0, 0], self.rest.shape[0], a, b)

    cdef void add_up(self) noexcept nogil:
        cdef Py_ssize_t k, v, j, P = self.rest.shape[0]
        cdef double total
        RoundTrip.add_up(self)
        for v in range(2):
            total = self.there.total if v == 0 else self.there.mass
            for j in range(P):
                self.there.seen[v, j] = 0.0
                for k in range(self.parts.shape[0]):
                    self.there.seen[v, j] += self.parts[k, j, v]
                self.there.seen[v, j] -= self.rest[j] * total
