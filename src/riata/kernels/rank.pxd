# cython: language_level=3
"""Numbers for the columns that are not empty, in a fortieth of the memory of a table.

Bit (c mod 64) of seen[c div 64] says whether column c holds an entry; before[w] counts the bits of
all words in front of w. The number of column c is its rank among the set bits.

Source: Jacobson, "Space-efficient static trees and graphs", FOCS 1989, section 2 (rank).
"""

from libc.stdint cimport int32_t, uint64_t

cdef extern from *:
    """
    #define riata_popcount(word) __builtin_popcountll(word)
    """
    int popcount "riata_popcount"(uint64_t word) noexcept nogil


cdef inline Py_ssize_t number_of(
    const uint64_t[::1] seen, const int32_t[::1] before, Py_ssize_t c
) noexcept nogil:
    """The number of column c, which must be set; c itself where seen is None."""
    if seen is None:
        return c
    return before[c >> 6] + popcount(seen[c >> 6] & ((<uint64_t>1 << (c & 63)) - 1))
