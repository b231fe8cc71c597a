# cython: language_level=3
"""Some columns of a dense matrix, for native loops; see dense.pyx."""

from .simd cimport real

cdef void products_by_row(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] u,
    const double[::1] shift, double[::1] out, Py_ssize_t a0, Py_ssize_t a1, Py_ssize_t r0,
    Py_ssize_t r1
) noexcept nogil
cdef void image(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] coef,
    const double[::1] shift, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil
