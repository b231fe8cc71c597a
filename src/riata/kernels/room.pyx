"""Room for doubles: arrays that begin at a cache line, and a square that grows where it is, without
the interpreter's lock and without zeros.

Growing by a copy would hold two of them at once, and NumPy's own resize fills what is new with
zeros, all other threads waiting.

What fits free is for the next one. glibc gives freed memory back to the system from twice the
largest block on that was ever mapped and freed, 128 kB at first, and who asks for it again has a
page fault every 4 kB. One such block, as large as it counts (32 MB), is freed at import, untouched.
"""

import numpy as np

from libc.string cimport memmove

cdef extern from "Python.h" nogil:
    void *PyMem_RawRealloc(void *room, size_t size)   # which tracemalloc sees
    void PyMem_RawFree(void *room)

cdef enum:
    LINE = 8   # doubles in a line of the cache
    MAPPED = 32 << 20   # bytes of a block that glibc always maps, DEFAULT_MMAP_THRESHOLD_MAX
    HEADER = 1 << 13    # what it may add to one

PyMem_RawFree(PyMem_RawRealloc(NULL, MAPPED - HEADER))


def aligned(size):
    """Return an array of `size` float64 that begins at a cache line."""
    whole = np.empty(size + LINE)
    start = -whole.ctypes.data % (8 * LINE) // 8
    return whole[start : start + size]


def aligned_rows(rows, size):
    """Return an array of `rows` rows that each begin at one, of at least `size` float64."""
    width = -(-size // LINE) * LINE
    return aligned(rows * width).reshape(rows, width)


cdef class Square:
    """Room for a matrix (side, side), rows contiguous; numpy.asarray gives it, not a copy.

    Arrays of it must be made anew after each `grow`: the memory may be somewhere else.
    """

    cdef double *data
    cdef readonly Py_ssize_t side
    cdef Py_ssize_t shape[2]
    cdef Py_ssize_t strides[2]

    def __dealloc__(self):
        PyMem_RawFree(self.data)

    def grow(self, Py_ssize_t side, Py_ssize_t kept):
        """Make it (side, side), no smaller than it is; the leading (kept, kept) block stays, the
        rest is arbitrary. MemoryError, and nothing has changed, where there is no room."""
        cdef Py_ssize_t i, old = self.side
        cdef double *data
        if side < old or kept > old:
            raise ValueError(f"a square of {old} can't become one of {side} that keeps {kept}")
        with nogil:
            data = <double *>PyMem_RawRealloc(self.data, <size_t>side * side * sizeof(double))
            if data != NULL:
                for i in range(kept - 1, 0, -1):   # the last row first: it goes where no other is
                    memmove(data + i * side, data + i * old, kept * sizeof(double))
        if data == NULL:
            raise MemoryError(f"could not allocate {side} x {side} numbers")
        self.data, self.side = data, side

    def keep(self, const Py_ssize_t[::1] kept):
        """Move the rows and columns at these positions, ascending, to the front, in order."""
        cdef Py_ssize_t a, b, size = kept.shape[0]
        cdef double *to
        cdef const double *row
        if size and not 0 <= kept[0] <= kept[size - 1] < self.side:
            raise ValueError(f"positions must lie in [0, {self.side})")
        with nogil:
            for a in range(size):   # nobody comes from where somebody has gone
                to, row = self.data + a * self.side, self.data + kept[a] * self.side
                for b in range(size):
                    to[b] = row[kept[b]]

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        self.shape[0] = self.shape[1] = self.side
        self.strides[0], self.strides[1] = self.side * sizeof(double), sizeof(double)
        buffer.buf, buffer.obj, buffer.len = self.data, self, self.side * self.side * sizeof(double)
        buffer.itemsize, buffer.readonly, buffer.ndim = sizeof(double), 0, 2
        buffer.format, buffer.shape, buffer.strides = b"d", self.shape, self.strides
        buffer.suboffsets = buffer.internal = NULL

    def __releasebuffer__(self, Py_buffer *buffer):
        pass
