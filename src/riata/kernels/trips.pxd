# cython: language_level=3
"""A loss along a line, and over a working set's columns; see trips.pyx."""

from .loss cimport Kernel
from .rows cimport Rows


cdef class Trip:
    cdef object call
    cdef double loss, fall                # here
    cdef double loss_there, fall_there

    cdef bint go(self, double t) except -1 nogil


cdef class Place:
    cdef readonly object vectors, sums
    cdef double[:, ::1] at      # eta, pull and curvature, (3, n)
    cdef double[:, ::1] seen    # z and bent, (2, P)
    cdef readonly double loss, total, mass

    cdef void exchange(self, Place other) noexcept nogil
    cdef double fall(self, const double[::1] step, double offset) noexcept nogil


cdef class RoundTrip(Trip):
    cdef Place here, there
    cdef bint crossed                  # whether each holds the other's arrays
    cdef readonly Py_ssize_t made      # trips
    cdef readonly bint weighed
    cdef double[::1] step, moved       # (P,), the latter t times the former
    cdef double offset, moved_offset   # of the intercept
    cdef Kernel kernel
    cdef const double[::1] y, w
    cdef double[:, ::1] weighted
    cdef double level
    cdef Py_ssize_t[::1] cuts          # rows cuts[k]:cuts[k + 1] are block k
    cdef double[:, ::1] totals         # (blocks, 3)
    cdef double[:, :, ::1] parts       # (blocks, ...), what the columns see of each
    cdef Py_ssize_t n_threads

    cdef void set_out(self) noexcept nogil
    cdef void accept(self) noexcept nogil
    cdef void settle(self) noexcept
    cdef void turn(self, Py_ssize_t k) noexcept nogil
    cdef void image(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil
    cdef void products(self, Py_ssize_t k, Py_ssize_t a, Py_ssize_t b) noexcept nogil
    cdef void add_up(self) noexcept nogil


cdef class DenseTrip(RoundTrip):
    cdef const double[:, :] doubles
    cdef const float[:, :] floats
    cdef bint is_double, by_column
    cdef const Py_ssize_t[::1] members
    cdef const double[::1] mean


cdef class SparseTrip(RoundTrip):
    cdef Rows rows
    cdef const double[::1] rest
