# cython: language_level=3
"""How often native loops look for Ctrl-C."""

cdef enum:
    # multiply-adds, some milliseconds: a look takes the GIL, for which other threads may wait
    BETWEEN_SIGNALS = 10000000
