# cython: language_level=3
"""Where the rows of a factor are: groups of eight, column by column; see factor.h."""

cdef enum:
    GROUP = 8


cdef inline Py_ssize_t last_group(Py_ssize_t size) noexcept nogil:
    """How many groups hold `size` rows."""
    return (size + GROUP - 1) // GROUP


cdef inline Py_ssize_t start_of(Py_ssize_t group) noexcept nogil:
    """Where a group begins: those before it have 8, 16, ... columns of eight rows."""
    return GROUP * GROUP // 2 * group * (group + 1)
