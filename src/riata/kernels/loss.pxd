# cython: language_level=3
"""A loss of whole vectors, for native loops; see loss.pyx."""

ctypedef double (*loss_fn)(const double *, const double *, const double *, double *, double *,
                           Py_ssize_t) noexcept nogil
ctypedef double (*divergence_fn)(const double *, const double *, const double *, const double *,
                                 const double *, double, const double *, Py_ssize_t) noexcept nogil


cdef class Kernel:
    cdef loss_fn f
    cdef divergence_fn divergence

    cdef void along(
        self, const double[::1] y, const double[::1] w, const double[::1] start, double offset,
        double[::1] eta, double[::1] pull, double[::1] curvature, double[:, ::1] weighted,
        Py_ssize_t r0, Py_ssize_t r1, double *sums
    ) noexcept nogil
