# cython: language_level=3
"""A gathered working set, for native loops; see panel.pyx."""

from libc.stdint cimport int32_t, int64_t

cdef void products(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[:, ::1] vectors, Py_ssize_t first, double[:, ::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil
cdef void image(
    const int64_t[::1] indptr, const int32_t[::1] local, const double[::1] value,
    const double[::1] coef, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil
