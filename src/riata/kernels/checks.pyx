"""Checks of a compressed sparse matrix, before any other kernel indexes with it.

`indptr` (m + 1,) delimits m segments (columns of CSC, rows of CSR) of `indices`, each of which
must lie in [0, limit). Cost: one read of the indices; nothing is changed.
"""

from libc.stdint cimport uint8_t

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


def check_indices(
    const integer[::1] indices, const long long[::1] indptr, Py_ssize_t limit, uint8_t[::1] seen
):
    """Return (position of the first index out of range or -1, strictly increasing throughout?).

    Where `seen` is given (limit bytes, or None), seen[index] becomes 1 for every index stored.
    """
    cdef Py_ssize_t k, s, bad = -1
    cdef long long previous, index
    cdef bint increasing = True
    cdef bint mark = seen is not None
    with nogil:
        for s in range(indptr.shape[0] - 1):
            previous = -1
            for k in range(indptr[s], indptr[s + 1]):
                index = indices[k]
                if index < 0 or index >= limit:
                    bad = k
                    break
                if index <= previous:
                    increasing = False
                previous = index
                if mark:
                    seen[index] = 1
            if bad >= 0:
                break
    return bad, increasing


def largest(const real[::1] data):
    """Return max |data_k|, NaN where an entry is NaN or infinite."""
    if data.shape[0] == 0:
        return 0.0
    return maximum(&data[0], data.shape[0])
