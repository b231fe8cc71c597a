# cython: language_level=3
"""Active-set Newton in Gram space; see active_set.pyx."""

from .factored_set cimport FactoredSet


cdef class ActiveSet(FactoredSet):
    cdef double[::1] coef, grad     # of a call, over the working set, as is its penalty
    cdef const double[::1] norm_sq, l1, l2, lower, upper
    cdef double resid_sq
    cdef double[::1] rhs, step, stopped
    cdef double[::1] image, trial   # H_:A times a step, over the working set
    cdef double[::1] gain, ranked   # what each would gain by joining, signed; room to rank them
    cdef double work                # multiply-adds since the last look at the signals
    cdef const double *first_row    # of H; how far apart rows are; of the image that is made
    cdef const double *direction
    cdef Py_ssize_t apart, share

    cdef Py_ssize_t minimise(
        self, const double[:, ::1] gram, double[:, ::1] terms, double *resid_sq, double target,
        Py_ssize_t max_solves, bint *finished
    ) except -1 nogil
    cdef bint reconcile(self, const double[:, ::1] gram) except -1 nogil
    cdef int newton_step(self, const double[:, ::1] gram) except -1 nogil
    cdef bint is_between(self, Py_ssize_t j) noexcept nogil
    cdef double room(self, Py_ssize_t i, double d) noexcept nogil
    cdef void take_image(self, const double[:, ::1] gram, const double *d) noexcept nogil
    cdef void some_image(self, Py_ssize_t k) noexcept nogil
    cdef double gain_of_stopped(
        self, const double[:, ::1] gram, const double *d
    ) noexcept nogil
    cdef void move(self, const double *d, const double *image, double t) noexcept nogil
    cdef bint join(self, const double[:, ::1] gram, bint alone) except -1 nogil
    cdef bint exchange(
        self, const double[:, ::1] gram, Py_ssize_t j, double direction
    ) except -1 nogil
