"""Checks of a compressed sparse matrix, before any other kernel indexes with it.

`indptr` (m + 1,) delimits m segments (columns of CSC, rows of CSR) of `indices`, each of which
must lie in [0, limit). Cost: one read; nothing is changed.
"""

import numpy as np

from libc.limits cimport INT_MAX
from libc.stdint cimport int32_t, int64_t, uint64_t

from .rank cimport popcount
from .simd cimport maximum, real

ctypedef fused integer:
    int
    long long


def check_indptr(const integer[::1] indptr, Py_ssize_t n_stored):
    """Return a message that says what is wrong with indptr, or None."""
    cdef Py_ssize_t k
    if indptr[0] != 0:
        return f"indptr must start at 0, got {indptr[0]}"
    for k in range(indptr.shape[0] - 1):
        if indptr[k + 1] < indptr[k]:
            return f"indptr must not decrease, got {indptr[k + 1]} after {indptr[k]} at {k + 1}"
    if indptr[indptr.shape[0] - 1] > n_stored:
        return (f"indptr must end at {n_stored} or less, the number of stored entries, got "
                f"{indptr[indptr.shape[0] - 1]}")
    return None


def filled_segments(const integer[::1] indptr):
    """Return (which, start, end): the segments that are not empty, int64."""
    cdef Py_ssize_t k, filled = 0
    for k in range(indptr.shape[0] - 1):
        filled += indptr[k + 1] > indptr[k]
    which, start, end = (np.empty(filled, dtype=np.int64) for _ in range(3))
    cdef int64_t[::1] w = which, s = start, e = end
    filled = 0
    for k in range(indptr.shape[0] - 1):
        if indptr[k + 1] > indptr[k]:
            w[filled], s[filled], e[filled] = k, indptr[k], indptr[k + 1]
            filled += 1
    return which, start, end


def check_indices(
    const integer[::1] indices, const int64_t[::1] start, const int64_t[::1] end,
    Py_ssize_t limit, uint64_t[::1] seen
):
    """Return (position of the first index out of range or -1, strictly increasing throughout?).

    start, end : of segments that follow one another without a gap
    seen : bit (index mod 64) of word (index div 64) is set for every index stored; or None
    """
    cdef Py_ssize_t k, s, first, last, segments = start.shape[0]
    cdef Py_ssize_t outside = 0, falls = 0   # counted without a branch, by vectors
    cdef integer most = <integer>(limit - 1)
    if integer is int and limit > INT_MAX:   # any index is below
        most = INT_MAX
    if segments == 0:
        return -1, True
    first, last = start[0], end[segments - 1]
    with nogil:
        for k in range(first, last):
            outside += (indices[k] < 0) | (indices[k] > most)
        for k in range(first + 1, last):
            falls += indices[k] <= indices[k - 1]
        for s in range(segments):   # from one segment to the next it may fall
            k = start[s]
            if first < k < end[s]:
                falls -= indices[k] <= indices[k - 1]
        if seen is not None and outside == 0:
            for k in range(first, last):
                seen[indices[k] >> 6] |= <uint64_t>1 << (indices[k] & 63)
    if outside:
        some = np.asarray(indices[first:last])
        return first + int(np.argmax((some < 0) | (some >= limit))), False
    return -1, falls == 0


def rank_table(const uint64_t[::1] seen):
    """Return (before, which): the bits set in earlier words, and the positions of all that are."""
    cdef Py_ssize_t w, bit, filled = 0
    table = np.empty(seen.shape[0], dtype=np.int32)
    cdef int32_t[::1] before = table
    for w in range(seen.shape[0]):
        before[w] = <int32_t>filled
        filled += popcount(seen[w])
    positions = np.empty(filled, dtype=np.int64)
    cdef int64_t[::1] which = positions
    filled = 0
    for w in range(seen.shape[0]):
        for bit in range(64):
            if seen[w] >> bit & 1:
                which[filled] = 64 * w + bit
                filled += 1
    return table, positions


def largest(const real[::1] data):
    """Return max |data_k|, NaN where an entry is NaN or infinite."""
    if data.shape[0] == 0:
        return 0.0
    return maximum(&data[0], data.shape[0])
