# cython: language_level=3
"""The sums of simd.h, one name for float and double columns."""

cdef extern from "simd.h" nogil:
    double riata_dot_f64(const double *x, const double *u, double shift, Py_ssize_t n)
    double riata_dot_f32(const float *x, const double *u, double shift, Py_ssize_t n)
    double riata_norm_f64(const double *x, const double *w, double shift, Py_ssize_t n)
    void riata_sums_f64(
        const double *x, const double *w, Py_ssize_t n, double *sum, double *square)
    double riata_norm_f32(const float *x, const double *w, double shift, Py_ssize_t n)
    void riata_moments_f64(
        const double *x, const double *next, const double *w, const double *u, double shift,
        Py_ssize_t n, double *out)
    void riata_moments_f32(
        const float *x, const float *next, const double *w, const double *u, double shift,
        Py_ssize_t n, double *out)
    double riata_max_f64(const double *x, Py_ssize_t n)
    double riata_max_f32(const float *x, Py_ssize_t n)
    void riata_axpy_f64(double u, const double *x, double *out, Py_ssize_t n)
    int ROWS_AT_ONCE "RIATA_ROWS_AT_ONCE"
    void riata_rows_f64(const double *u, const double *x, Py_ssize_t stride,
                        const double *shift, double *out, Py_ssize_t n)
    void riata_rows_f32(const double *u, const float *x, Py_ssize_t stride,
                        const double *shift, double *out, Py_ssize_t n)
    void riata_add_eight(double x, const double *u, double *out)
    double riata_row_dot_f64(const double *x, const double *u, const double *shift, Py_ssize_t n)
    double riata_row_dot_f32(const float *x, const double *u, const double *shift, Py_ssize_t n)
    void riata_row_stats_f64(double w, const double *x, const double *shift, double *out,
                             Py_ssize_t n, int square)
    void riata_row_stats_f32(double w, const float *x, const double *shift, double *out,
                             Py_ssize_t n, int square)

    void riata_four_f64(const double *u, const double *const *x, double *out, Py_ssize_t n)

ctypedef fused real:
    float
    double


cdef inline double dot(const real *x, const double *u, double shift, Py_ssize_t n) noexcept nogil:
    if real is float:
        return riata_dot_f32(x, u, shift, n)
    else:
        return riata_dot_f64(x, u, shift, n)


cdef inline double norm(const real *x, const double *w, double shift, Py_ssize_t n) noexcept nogil:
    if real is float:
        return riata_norm_f32(x, w, shift, n)
    else:
        return riata_norm_f64(x, w, shift, n)


cdef inline void moments(
    const real *x, const real *next, const double *w, const double *u, double shift,
    Py_ssize_t n, double *out
) noexcept nogil:
    if real is float:
        riata_moments_f32(x, next, w, u, shift, n, out)
    else:
        riata_moments_f64(x, next, w, u, shift, n, out)


cdef inline double maximum(const real *x, Py_ssize_t n) noexcept nogil:
    if real is float:
        return riata_max_f32(x, n)
    else:
        return riata_max_f64(x, n)


cdef inline void add_rows(
    const double *u, const real *x, Py_ssize_t stride, const double *shift, double *out,
    Py_ssize_t n
) noexcept nogil:
    if real is float:
        riata_rows_f32(u, x, stride, shift, out, n)
    else:
        riata_rows_f64(u, x, stride, shift, out, n)


cdef inline void row_stats(
    double w, const real *x, const double *shift, double *out, Py_ssize_t n, int square
) noexcept nogil:
    if real is float:
        riata_row_stats_f32(w, x, shift, out, n, square)
    else:
        riata_row_stats_f64(w, x, shift, out, n, square)


cdef inline double row_dot(
    const real *x, const double *u, const double *shift, Py_ssize_t n
) noexcept nogil:
    if real is float:
        return riata_row_dot_f32(x, u, shift, n)
    else:
        return riata_row_dot_f64(x, u, shift, n)
