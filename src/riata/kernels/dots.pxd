# cython: language_level=3
"""A few columns of a dense matrix that lie along memory; see dots.pyx."""

from .simd cimport real

cdef void few_dots(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] vectors,
    const double[::1] shift, double *out, Py_ssize_t apart, Py_ssize_t a0, Py_ssize_t a1,
    Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil
cdef void add_strip(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] vectors,
    const double[::1] shift, double *out, Py_ssize_t apart, Py_ssize_t a0, Py_ssize_t a1,
    Py_ssize_t v0, Py_ssize_t v1, Py_ssize_t row, Py_ssize_t rows
) noexcept nogil
cdef void few_images(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] coef,
    const double[::1] shift, double[:, ::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil
cdef void add_dots(
    const double *const *x, Py_ssize_t columns, const double *vectors, Py_ssize_t apart,
    Py_ssize_t m, Py_ssize_t rows, double *out
) noexcept nogil
cdef void add_images(
    const double *const *x, Py_ssize_t columns, const double *coef, Py_ssize_t apart, Py_ssize_t m,
    Py_ssize_t rows, double *out
) noexcept nogil
cdef void add_image(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] coef, double sign,
    const double[::1] shift, double *out, Py_ssize_t row, Py_ssize_t rows
) noexcept nogil
cdef void image(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] coef,
    const double[::1] shift, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil
