# cython: language_level=3
"""The sums of gather.h, one name for all types of entries and indices."""

from .simd cimport real

cdef extern from "gather.h" nogil:
    ctypedef double (*riata_gather_f64_int_fn)(
        const double *, const int *, Py_ssize_t, double, const double *) noexcept
    ctypedef double (*riata_gather_f64_long_fn)(
        const double *, const long long *, Py_ssize_t, double, const double *) noexcept
    ctypedef double (*riata_gather_f32_int_fn)(
        const float *, const int *, Py_ssize_t, double, const double *) noexcept
    ctypedef double (*riata_gather_f32_long_fn)(
        const float *, const long long *, Py_ssize_t, double, const double *) noexcept
    ctypedef struct riata_gathers:
        riata_gather_f64_int_fn f64_int
        riata_gather_f64_long_fn f64_long
        riata_gather_f32_int_fn f32_int
        riata_gather_f32_long_fn f32_long
    riata_gathers riata_choose_gathers()

ctypedef fused integer:
    int
    long long


cdef inline double gather_dot(
    const riata_gathers *gathers, const real *x, const integer *rows, Py_ssize_t count,
    double shift, const double *u
) noexcept nogil:
    """sum_k (x_k - shift) u[rows_k], k < count."""
    if real is double and integer is int:
        return gathers.f64_int(x, rows, count, shift, u)
    elif real is double:
        return gathers.f64_long(x, rows, count, shift, u)
    elif integer is int:
        return gathers.f32_int(x, rows, count, shift, u)
    else:
        return gathers.f32_long(x, rows, count, shift, u)
