# cython: language_level=3
"""Bounds on X'(w r) from what was read before; see references.pyx."""

from libc.stdint cimport int32_t

cdef enum:
    FEATURES = 1 << 13   # a job, of their bounds: fewer are sooner bounded than fetched

cdef Py_ssize_t share_of(Py_ssize_t count, Py_ssize_t least) noexcept nogil


cdef class References:
    cdef readonly object z, radius, pair, weighted
    cdef double[::1] _z, _radius, _weighted, with_y
    cdef double[::1] fresh, older, reach   # of its last reads, and the first root of the bound
    cdef Py_ssize_t S, M             # slots, the empty one included; those for older reads
    cdef Py_ssize_t bits, mask       # of a pair of them
    cdef double[::1] along, inverse, length, part   # of each slot: B, V, |q|, and q'wr off y
    cdef double[:, ::1] mix, inverse_older          # of each pair of slots: G and U
    cdef double[:, ::1] scale, scale_older, rest    # the same: P, Q, the second root of the bound
    cdef const double[::1] y, weights, norm_sq, magnitude_sq, _resid
    cdef int32_t[::1] _pair
    cdef double[:, ::1] residuals
    cdef readonly object resid
    cdef double y_sq, inverse_y, slack, root_slack, with_y_here
    cdef Py_ssize_t n_threads, share         # slots, features or notes of a job
    cdef const Py_ssize_t *noted     # what `note_some` is to note, see `note_here`
    cdef const double *now
    cdef const double *then
    cdef Py_ssize_t n_noted
    cdef Py_ssize_t vacated          # the slot that `forget` is about
    cdef bint passes_on              # whether the residual left has a slot, to become `previous`
    cdef readonly double resid_sq
    cdef Py_ssize_t[:, ::1] counts   # of the features of each pair of slots
    cdef Py_ssize_t here, previous
    cdef double[:, ::1] vectors      # (2, n), what is read with columns

    cdef void anchor(
        self, Py_ssize_t j, Py_ssize_t last, double fresh, Py_ssize_t before, double older
    ) noexcept nogil
    cdef void anchor_some(self, Py_ssize_t k) noexcept nogil
    cdef void assign(self, Py_ssize_t j, Py_ssize_t last, Py_ssize_t before) noexcept nogil
    cdef Py_ssize_t in_slot(self, Py_ssize_t slot) noexcept nogil
    cdef void vacate(self, Py_ssize_t slot) noexcept nogil
    cdef void forget(self, Py_ssize_t k) noexcept nogil
    cdef void fill(self, Py_ssize_t slot) noexcept nogil
    cdef void take_part(self, Py_ssize_t k) noexcept nogil
    cdef void project(self, Py_ssize_t last, Py_ssize_t before, double left) noexcept nogil
    cdef double lost(
        self, double P, double Q, Py_ssize_t last, Py_ssize_t before
    ) noexcept nogil
    cdef double with_resid(self, const double[::1] other) noexcept nogil
    cdef void place(self, const double[::1] values, double resid_sq) noexcept nogil
    cdef void weigh(self, Py_ssize_t k) noexcept nogil
    cdef void keep(self, Py_ssize_t k) noexcept nogil
    cdef void bound(self) noexcept nogil
    cdef void bound_some(self, Py_ssize_t k) noexcept nogil
    cdef void note_here(
        self, const Py_ssize_t *index, const double *now, const double *then, Py_ssize_t count
    ) noexcept nogil
    cdef Py_ssize_t slot_before(self, Py_ssize_t j) noexcept nogil
    cdef void note_some(self, Py_ssize_t k) noexcept nogil
