# cython: language_level=3
"""The sums of gather.h, one name for all types of entries and indices."""

from .simd cimport real

cdef extern from "gather.h" nogil:
    double riata_gather_f64_int(
        const double *x, const int *rows, Py_ssize_t count, double shift, const double *u)
    double riata_gather_f64_long(
        const double *x, const long long *rows, Py_ssize_t count, double shift, const double *u)
    double riata_gather_f32_int(
        const float *x, const int *rows, Py_ssize_t count, double shift, const double *u)
    double riata_gather_f32_long(
        const float *x, const long long *rows, Py_ssize_t count, double shift, const double *u)

ctypedef fused integer:
    int
    long long


cdef inline double gather_dot(
    const real *x, const integer *rows, Py_ssize_t count, double shift, const double *u
) noexcept nogil:
    """sum_k (x_k - shift) u[rows_k], k < count."""
    if real is double and integer is int:
        return riata_gather_f64_int(x, rows, count, shift, u)
    elif real is double:
        return riata_gather_f64_long(x, rows, count, shift, u)
    elif integer is int:
        return riata_gather_f32_int(x, rows, count, shift, u)
    else:
        return riata_gather_f32_long(x, rows, count, shift, u)
