# cython: language_level=3
"""The active features of a working set and the factor of their Gram matrix; see active_set.pyx."""

from libc.stdint cimport uint8_t

from .factor cimport Factor
from .substitution cimport Triangle


cdef class ActiveSet:
    cdef Factor factor              # of H_AA + diag(l2); its size is that of A
    cdef Triangle triangle          # solves with it
    cdef double[::1] l2             # the l2 that is in the factor, by position in A
    cdef double[::1] sign           # by position in A; 0 where nothing forbids a change of sign
    cdef Py_ssize_t[::1] active     # positions in the working set, in the order of the factor
    cdef Py_ssize_t[::1] place      # position in A by position in the working set, or -1
    cdef double[::1] rhs, step, stopped
    cdef double[::1] image, trial   # H_:A times a step, over the working set
    cdef double[::1] gain, ranked   # what each would gain by joining, signed; room to rank them
    cdef uint8_t[::1] leaves        # by position in A
    cdef double work                # multiply-adds since the last look at the signals
    cdef Py_ssize_t n_threads
    cdef const double *first_row    # of H; how far apart rows are; of the image that is made
    cdef const double *direction
    cdef Py_ssize_t apart, size, share

    cdef bint reserve(self, Py_ssize_t size) except -1 nogil
    cdef void note(self, Py_ssize_t i, Py_ssize_t j, double l2, double sign) noexcept nogil
    cdef Py_ssize_t admit(self, const double[:, ::1] gram, Py_ssize_t size) except -1 nogil
    cdef bint remove_leaving(self, const double[:, ::1] gram, bint anew) except -1 nogil
    cdef void solve(self, double *x) noexcept nogil
    cdef Py_ssize_t minimise(
        self, const double[:, ::1] gram, double[:, ::1] terms, double *resid_sq, double target,
        Py_ssize_t max_solves, bint *finished
    ) except -1 nogil
    cdef bint reconcile(
        self, const double[:, ::1] gram, const double[::1] coef, const double[::1] l1,
        const double[::1] l2, const double[::1] lower, const double[::1] upper
    ) except -1 nogil
    cdef int newton_step(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        const double[::1] l1, const double[::1] l2, const double[::1] lower,
        const double[::1] upper
    ) except -1 nogil
    cdef double room(
        self, Py_ssize_t i, double d, const double[::1] coef, const double[::1] lower,
        const double[::1] upper
    ) noexcept nogil
    cdef void take_image(
        self, const double[:, ::1] gram, const double *d, Py_ssize_t size
    ) noexcept nogil
    cdef void some_image(self, Py_ssize_t k) noexcept nogil
    cdef double gain_of_stopped(
        self, const double[:, ::1] gram, const double *d, const double[::1] l2, Py_ssize_t size
    ) noexcept nogil
    cdef void move(
        self, double[::1] coef, double[::1] grad, double *resid_sq, const double *d,
        const double *image, double t
    ) noexcept nogil
    cdef bint join(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        const double[::1] norm_sq, const double[::1] l1, const double[::1] l2,
        const double[::1] lower, const double[::1] upper, bint alone
    ) except -1 nogil
    cdef bint exchange(
        self, const double[:, ::1] gram, double[::1] coef, double[::1] grad, double *resid_sq,
        Py_ssize_t j, double direction, const double[::1] l1, const double[::1] l2,
        const double[::1] lower, const double[::1] upper
    ) except -1 nogil
