"""Forward and backward substitution with a factor that is stored in groups of eight rows.

Block after block of BLOCK groups: a triangle, then what it takes off all others, on threads where
there are many. The blocks are fixed by the size, and bits do not depend on who makes them.

Cost: one read of the factor, |A|^2 / 2 multiply-adds.
Source: Golub, Van Loan, "Matrix Computations", 4th ed., section 3.1.4 (block substitution).
"""

import numpy as np

from libc.string cimport memcpy, memset

from .packed cimport GROUP, last_group, start_of
from .pool cimport parallel

cdef extern from "factor.h" nogil:
    void riata_group_forward(const double *g, const double *x, Py_ssize_t count, double *y)
    void riata_group_backward(const double *g, const double *y, Py_ssize_t count, double *x)
    void riata_four_backward(
        const double *const *g, const double *y, Py_ssize_t count, double *x)

cdef enum:
    BLOCK = 32      # groups
    TOGETHER = 4    # groups that are summed at a time
    ROWS = 16       # groups of rows that make a job: 2^15 multiply-adds
    COLUMNS = 128   # columns that make one
    FEW = 128       # groups up to which one thread is as fast, and whose factor it alone then holds


cdef inline Py_ssize_t width_of(Py_ssize_t group, Py_ssize_t size) noexcept nogil:
    return min(GROUP, size - GROUP * group)


cdef class Triangle:
    """What substitution needs besides the factor and the right-hand side.

    n_threads : that take part
    """

    def __init__(self, Py_ssize_t n_threads):
        self.n_threads = n_threads
        self.room = np.empty(BLOCK * GROUP + 8)
        self.y = <double *><size_t>((self.room.ctypes.data + 63) // 64 * 64)

    cdef void forward(self, const double *packed, Py_ssize_t size, double *x) noexcept nogil:
        """x = L^-1 x, x (size,)"""
        cdef Py_ssize_t group, c, e
        cdef const double *d
        cdef double *y = self.y
        self.packed, self.x, self.size, self.groups = packed, x, size, last_group(size)
        self.begin = 0
        while self.begin < self.groups:
            self.end = min(self.begin + BLOCK, self.groups)
            for group in range(self.begin, self.end):
                d = &packed[start_of(group)]
                memset(y, 0, GROUP * sizeof(double))
                memcpy(y, x + GROUP * group, width_of(group, size) * sizeof(double))
                riata_group_forward(
                    d + GROUP * GROUP * self.begin, x + GROUP * self.begin,
                    GROUP * (group - self.begin), y)
                d += GROUP * GROUP * group
                for c in range(width_of(group, size)):
                    for e in range(c):
                        y[c] -= d[GROUP * e + c] * y[e]
                    y[c] /= d[GROUP * c + c]
                memcpy(x + GROUP * group, y, width_of(group, size) * sizeof(double))
            parallel(
                some_rows, <void *>self, (self.groups - self.end + ROWS - 1) // ROWS,
                self.n_threads if self.groups > FEW else 1)
            self.begin = self.end

    cdef void forward_beyond(self, Py_ssize_t k) noexcept nogil:
        """Take what a block gives off some groups below it."""
        cdef Py_ssize_t group, first = self.end + k * ROWS
        cdef double y[GROUP]
        for group in range(first, min(first + ROWS, self.groups)):
            memset(y, 0, sizeof(y))
            memcpy(y, self.x + GROUP * group, width_of(group, self.size) * sizeof(double))
            riata_group_forward(
                self.packed + start_of(group) + GROUP * GROUP * self.begin,
                self.x + GROUP * self.begin, GROUP * (self.end - self.begin), y)
            memcpy(self.x + GROUP * group, y, width_of(group, self.size) * sizeof(double))

    cdef void backward(self, const double *packed, Py_ssize_t size, double *x) noexcept nogil:
        """x = L'^-1 x, x (size,)"""
        cdef Py_ssize_t group, c, e, width
        cdef const double *d
        cdef double *y
        self.packed, self.x, self.size = packed, x, size
        self.end = last_group(size)
        while self.end > 0:
            self.begin = (self.end - 1) // BLOCK * BLOCK
            for group in range(self.end - 1, self.begin - 1, -1):
                d = &packed[start_of(group) + GROUP * GROUP * group]
                y, width = self.y + GROUP * (group - self.begin), width_of(group, size)
                memset(y, 0, GROUP * sizeof(double))
                memcpy(y, x + GROUP * group, width * sizeof(double))
                for c in range(width - 1, -1, -1):
                    for e in range(c + 1, width):
                        y[c] -= d[GROUP * c + e] * y[e]
                    y[c] /= d[GROUP * c + c]
                memcpy(x + GROUP * group, y, width * sizeof(double))
                riata_group_backward(
                    d - GROUP * GROUP * (group - self.begin), y, GROUP * (group - self.begin),
                    x + GROUP * self.begin)
            parallel(
                some_columns, <void *>self, (GROUP * self.begin + COLUMNS - 1) // COLUMNS,
                self.n_threads if last_group(size) > FEW else 1)
            self.end = self.begin

    cdef void backward_beyond(self, Py_ssize_t k) noexcept nogil:
        """Take what a block gives off some entries above it."""
        cdef Py_ssize_t first = k * COLUMNS, group = self.begin, a
        cdef Py_ssize_t count = min(<Py_ssize_t>COLUMNS, GROUP * self.begin - first)
        cdef const double *rows[TOGETHER]
        while group + TOGETHER <= self.end:
            for a in range(TOGETHER):
                rows[a] = self.packed + start_of(group + a) + GROUP * first
            riata_four_backward(
                rows, self.y + GROUP * (group - self.begin), count, self.x + first)
            group += TOGETHER
        while group < self.end:
            riata_group_backward(
                self.packed + start_of(group) + GROUP * first,
                self.y + GROUP * (group - self.begin), count, self.x + first)
            group += 1


cdef void some_rows(void *triangle, Py_ssize_t k) noexcept nogil:
    (<Triangle>triangle).forward_beyond(k)


cdef void some_columns(void *triangle, Py_ssize_t k) noexcept nogil:
    (<Triangle>triangle).backward_beyond(k)
