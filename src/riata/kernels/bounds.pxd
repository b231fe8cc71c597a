# cython: language_level=3
"""Who passes l1, or may, as far as bounds tell; see bounds.pyx."""

from libc.stdint cimport int32_t, uint8_t

from .columns cimport Columns
from .references cimport References


cdef class Bounds(References):
    cdef int32_t[::1] seen           # who was near at the last `guess`, ascending
    cdef double[::1] z_seen, ahead   # their z there; of those near now, where it leads
    cdef double mark                 # the alpha that was left then
    cdef bint foresees               # whether `near` are those of a `guess`
    cdef const double[:] l1, l2, lower, upper
    cdef const uint8_t[::1] skip, member
    cdef object _listed, row
    cdef int32_t[::1] _near          # above the threshold, or nearly; the loud ones first
    cdef Py_ssize_t n_near, n_loud
    cdef Py_ssize_t[:, ::1] listed   # how many every job of `list_near` found, and of these loud
    cdef double least, doubt         # by which it lists
    cdef Columns columns
    cdef object read, design
    cdef Py_ssize_t few              # columns that are read natively, at most; see bounds.pyx
    cdef object some, residual       # room for a list, and (1, n), what `advance` moves to
    cdef double[:, ::1] values, image   # what is read, and `residual`
    cdef readonly Py_ssize_t n_active   # non-zeros that the last `advance` came to
    cdef readonly double size, magnitude   # sum_j |x_j| |b_j| there, and of the magnitudes

    cpdef bint penalise(
        self, const double[:] l1, const double[:] l2, const double[:] lower,
        const double[:] upper
    ) except -1
    cpdef Py_ssize_t hear(self, double threshold) except -1
    cpdef bint guess(self, double threshold, double last, double alpha) except -1
    cdef bint follow(self, double way) except -1
    cdef double foreseen(self, Py_ssize_t a) noexcept nogil
    cdef void list_near(self, double share, double doubt) noexcept nogil
    cdef void list_some(self, Py_ssize_t k) noexcept nogil
    cdef bint passes(self, Py_ssize_t j) noexcept nogil
    cdef bint make_room(self, Py_ssize_t count) except -1
    cdef Py_ssize_t louder(self, Py_ssize_t first, Py_ssize_t end) noexcept nogil
    cdef void change_places(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil
    cpdef bint settle(self, double threshold) except -1
    cdef (double, double) gap_of(
        self, const double[::1] coef, const Py_ssize_t[::1] members, Py_ssize_t loud
    ) noexcept nogil
    cdef (Py_ssize_t, Py_ssize_t) outside(self, double threshold) noexcept nogil
    cpdef void gather(
        self, const double[::1] coef, const Py_ssize_t[::1] members, double[:, ::1] terms
    ) noexcept
    cdef bint arrive(
        self, double[::1] coef, const Py_ssize_t[::1] members, const double[:, ::1] terms, given,
        bint centred
    ) except -1
