/* Sums over one column, with explicit accumulators so that the compiler may use any vector width
 * and the bits stay the same on each of them (measured: a plain loop runs at a quarter the speed).
 *
 *   riata_dot_*    sum_i (x_i - shift) u_i
 *   riata_norm_*   sum_i w_i (x_i - shift)^2
 *   riata_sum_*    sum_i w_i (x_i - shift)
 *   riata_max_*    max_i |x_i|, and NaN where any x_i is NaN
 *   riata_moments_*  three of these in one read
 *
 * x has n float or double entries, contiguous; u and w are double. */
#ifndef RIATA_SIMD_H
#define RIATA_SIMD_H
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "clones.h"

#define RIATA_LANES 32 /* accumulators of a sum */

/* TERM(d, u) is a summand, of vectors or of numbers; lanes are added in a fixed tree. */
#define RIATA_REDUCTION(CLONE, TARGET, WIDTH, NAME, T, TERM)                                      \
  TARGET static double NAME##_##CLONE(const T *x, const double *u, double shift, ptrdiff_t n) {   \
    enum { ACROSS = RIATA_LANES / WIDTH };                                                        \
    riata_double##WIDTH sums[ACROSS] = {{0.0}};                                                   \
    double lane[RIATA_LANES];                                                                     \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + RIATA_LANES <= n; i += RIATA_LANES)                                                \
      _Pragma("GCC unroll 16") for (k = 0; k < ACROSS; k++) {                                     \
        riata_double##WIDTH d = RIATA_LOAD_##T(WIDTH, x + i + WIDTH * k) - shift;                 \
        sums[k] += TERM(d, RIATA_LOAD_double(WIDTH, u + i + WIDTH * k));                          \
      }                                                                                           \
    memcpy(lane, sums, sizeof lane);                                                              \
    for (k = 0; i < n; i++, k++) lane[k] += TERM(((double)x[i] - shift), u[i]);                   \
    for (ptrdiff_t half = RIATA_LANES / 2; half > 0; half /= 2)                                   \
      for (k = 0; k < half; k++) lane[k] += lane[k + half];                                       \
    return lane[0];                                                                               \
  }

#define RIATA_DOT_TERM(d, u) ((d) * (u))
#define RIATA_NORM_TERM(d, u) ((d) * (d) * (u))

#define RIATA_REDUCTIONS(NAME, T, TERM)                                                           \
  RIATA_EACH(RIATA_REDUCTION, NAME, T, TERM)                                                      \
  RIATA_CHOOSE(double, NAME, (const T *x, const double *u, double shift, ptrdiff_t n),            \
               (x, u, shift, n))
RIATA_REDUCTIONS(riata_dot_f64, double, RIATA_DOT_TERM)
RIATA_REDUCTIONS(riata_dot_f32, float, RIATA_DOT_TERM)
RIATA_REDUCTIONS(riata_norm_f64, double, RIATA_NORM_TERM)
RIATA_REDUCTIONS(riata_norm_f32, float, RIATA_NORM_TERM)

/* *sum = sum_i w_i x_i and *square = sum_i w_i x_i^2 in one read, each as above */
#define RIATA_SUMS(CLONE, TARGET, WIDTH, NAME)                                                    \
  TARGET static void NAME##_##CLONE(const double *x, const double *w, ptrdiff_t n, double *sum,   \
                                    double *square) {                                             \
    enum { ACROSS = RIATA_LANES / WIDTH };                                                        \
    riata_double##WIDTH s[ACROSS] = {{0.0}}, q[ACROSS] = {{0.0}};                                 \
    double of_sum[RIATA_LANES], of_square[RIATA_LANES];                                           \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + RIATA_LANES <= n; i += RIATA_LANES)                                                \
      _Pragma("GCC unroll 16") for (k = 0; k < ACROSS; k++) {                                     \
        riata_double##WIDTH d = RIATA_LOAD_double(WIDTH, x + i + WIDTH * k);                      \
        riata_double##WIDTH u = RIATA_LOAD_double(WIDTH, w + i + WIDTH * k);                      \
        s[k] += RIATA_DOT_TERM(d, u);                                                             \
        q[k] += RIATA_NORM_TERM(d, u);                                                            \
      }                                                                                           \
    memcpy(of_sum, s, sizeof of_sum);                                                             \
    memcpy(of_square, q, sizeof of_square);                                                       \
    for (k = 0; i < n; i++, k++) {                                                                \
      of_sum[k] += RIATA_DOT_TERM(x[i], w[i]);                                                    \
      of_square[k] += RIATA_NORM_TERM(x[i], w[i]);                                                \
    }                                                                                             \
    for (ptrdiff_t half = RIATA_LANES / 2; half > 0; half /= 2)                                   \
      for (k = 0; k < half; k++) {                                                                \
        of_sum[k] += of_sum[k + half];                                                            \
        of_square[k] += of_square[k + half];                                                      \
      }                                                                                           \
    *sum = of_sum[0];                                                                             \
    *square = of_square[0];                                                                       \
  }

RIATA_EACH(RIATA_SUMS, riata_sums_f64)
RIATA_CHOOSE(void, riata_sums_f64,
             (const double *x, const double *w, ptrdiff_t n, double *sum, double *square),
             (x, w, n, sum, square))

/* The three sums over a column that is in cache: out = sum_i w_i d_i, sum_i w_i d_i^2 and, where u is
 * not NULL, sum_i u_i d_i, d = x - shift. `next`, n entries that will be read after these, is asked
 * for on the way. Half as many accumulators as above, or registers would not do for three sums. */
#define RIATA_FEWER (RIATA_LANES / 2)
#define RIATA_MOMENTS(CLONE, TARGET, WIDTH, NAME, T)                                              \
  TARGET static void NAME##_##CLONE(const T *x, const T *next, const double *w, const double *u,  \
                                    double shift, ptrdiff_t n, double *out) {                     \
    enum { ACROSS = RIATA_FEWER / WIDTH };                                                        \
    riata_double##WIDTH sums[3][ACROSS] = {{{0.0}}};                                              \
    double lane[3][RIATA_FEWER];                                                                  \
    ptrdiff_t i = 0, k;                                                                           \
    const double *v = u == NULL ? w : u;                                                          \
    for (; i + RIATA_FEWER <= n; i += RIATA_FEWER) {                                              \
      for (k = 0; k < RIATA_FEWER; k += 64 / (ptrdiff_t)sizeof(T))                                \
        __builtin_prefetch(next + i + k);                                                         \
      _Pragma("GCC unroll 16") for (k = 0; k < ACROSS; k++) {                                     \
        riata_double##WIDTH d = RIATA_LOAD_##T(WIDTH, x + i + WIDTH * k) - shift;                 \
        riata_double##WIDTH wd = d * RIATA_LOAD_double(WIDTH, w + i + WIDTH * k);                 \
        sums[0][k] += wd;                                                                         \
        sums[1][k] += d * wd;                                                                     \
        sums[2][k] += d * RIATA_LOAD_double(WIDTH, v + i + WIDTH * k);                            \
      }                                                                                           \
    }                                                                                             \
    memcpy(lane, sums, sizeof lane);                                                              \
    for (k = 0; i < n; i++, k++) {                                                                \
      double d = (double)x[i] - shift, wd = d * w[i];                                             \
      lane[0][k] += wd;                                                                           \
      lane[1][k] += d * wd;                                                                       \
      lane[2][k] += d * v[i];                                                                     \
    }                                                                                             \
    for (int a = 0; a < 3; a++) {                                                                 \
      for (ptrdiff_t half = RIATA_FEWER / 2; half > 0; half /= 2)                                 \
        for (k = 0; k < half; k++) lane[a][k] += lane[a][k + half];                               \
      out[a] = lane[a][0];                                                                        \
    }                                                                                             \
  }

#define RIATA_MOMENTS_OF(NAME, T)                                                                 \
  RIATA_EACH(RIATA_MOMENTS, NAME, T)                                                              \
  RIATA_CHOOSE(void, NAME,                                                                        \
               (const T *x, const T *next, const double *w, const double *u, double shift,        \
                ptrdiff_t n, double *out),                                                        \
               (x, next, w, u, shift, n, out))
RIATA_MOMENTS_OF(riata_moments_f64, double)
RIATA_MOMENTS_OF(riata_moments_f32, float)

#define RIATA_MAXIMUM(NAME, T)                                                                    \
  RIATA_BODY double NAME##_body(const T *x, ptrdiff_t n) {                                        \
    T lane[RIATA_LANES] = {0}, nan = 0, largest = 0;                                              \
    T poison[RIATA_LANES] = {0};                                                                  \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + RIATA_LANES <= n; i += RIATA_LANES)                                                \
      for (k = 0; k < RIATA_LANES; k++) {                                                         \
        T a = x[i + k] < 0 ? -x[i + k] : x[i + k];                                                \
        lane[k] = a > lane[k] ? a : lane[k];                                                      \
        poison[k] += x[i + k] - x[i + k];                                                         \
      }                                                                                           \
    for (; i < n; i++) {                                                                          \
      T a = x[i] < 0 ? -x[i] : x[i];                                                              \
      largest = a > largest ? a : largest;                                                        \
      nan += x[i] - x[i];                                                                         \
    }                                                                                             \
    for (k = 0; k < RIATA_LANES; k++) {                                                           \
      largest = lane[k] > largest ? lane[k] : largest;                                            \
      nan += poison[k];                                                                           \
    }                                                                                             \
    return nan == 0 ? (double)largest : (double)NAN;                                              \
  }                                                                                               \
  RIATA_CLONED(double, NAME, (const T *x, ptrdiff_t n), (x, n))

RIATA_MAXIMUM(riata_max_f64, double)
RIATA_MAXIMUM(riata_max_f32, float)

/* out_k += u x_k */
RIATA_BODY void riata_axpy_f64_body(double u, const double *x, double *out, ptrdiff_t n) {
  for (ptrdiff_t k = 0; k < n; k++) out[k] += u * x[k];
}
RIATA_CLONED(void, riata_axpy_f64, (double u, const double *x, double *out, ptrdiff_t n),
             (u, x, out, n))

/* out_k += sum_{a<4} u_a x_a[k], four vectors wherever they are */
RIATA_BODY void riata_four_f64_body(const double *u, const double *const *x, double *out,
                                    ptrdiff_t n) {
  const double *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
  double u0 = u[0], u1 = u[1], u2 = u[2], u3 = u[3];
  for (ptrdiff_t k = 0; k < n; k++)
    out[k] += (u0 * x0[k] + u1 * x1[k]) + (u2 * x2[k] + u3 * x3[k]);
}
RIATA_CLONED(void, riata_four_f64,
             (const double *u, const double *const *x, double *out, ptrdiff_t n), (u, x, out, n))

/* out_k += sum_{a<8} u_a (x_a[k] - shift_k), eight rows of a row-major block added to a vector; the
 * next eight are asked for on the way: so many short runs are more than CPUs follow. */
#define RIATA_ROWS_AT_ONCE 8
#define RIATA_ROWS(CLONE, TARGET, WIDTH, NAME, T)                                                 \
  TARGET static void NAME##_##CLONE(const double *u, const T *x, ptrdiff_t stride,                \
                                    const double *shift, double *out, ptrdiff_t n) {              \
    typedef riata_double##WIDTH vec;                                                              \
    enum { AT_ONCE = RIATA_ROWS_AT_ONCE };                                                        \
    ptrdiff_t k = 0;                                                                              \
    vec by[AT_ONCE];                                                                              \
    for (int a = 0; a < AT_ONCE; a++) by[a] = (vec){0.0} + u[a];                                  \
    for (; k + WIDTH <= n; k += WIDTH) {                                                          \
      vec less = RIATA_LOAD_double(WIDTH, shift + k), sum = {0.0};                                \
      _Pragma("GCC unroll 8") for (int a = 0; a < AT_ONCE; a += 2) {                              \
        const T *row = x + a * stride + k;                                                        \
        __builtin_prefetch(row + AT_ONCE * stride);                                               \
        __builtin_prefetch(row + (AT_ONCE + 1) * stride);                                         \
        sum += by[a] * (RIATA_LOAD_##T(WIDTH, row) - less) +                                      \
               by[a + 1] * (RIATA_LOAD_##T(WIDTH, row + stride) - less);                          \
      }                                                                                           \
      *(vec *)(out + k) += sum;                                                                   \
    }                                                                                             \
    for (; k < n; k++) {                                                                          \
      double sum = 0.0;                                                                           \
      for (int a = 0; a < AT_ONCE; a += 2)                                                        \
        sum += u[a] * ((double)x[a * stride + k] - shift[k]) +                                    \
               u[a + 1] * ((double)x[(a + 1) * stride + k] - shift[k]);                           \
      out[k] += sum;                                                                              \
    }                                                                                             \
  }

#define RIATA_ROWS_OF(NAME, T)                                                                    \
  RIATA_EACH(RIATA_ROWS, NAME, T)                                                                 \
  RIATA_CHOOSE(void, NAME,                                                                        \
               (const double *u, const T *x, ptrdiff_t stride, const double *shift, double *out,  \
                ptrdiff_t n),                                                                     \
               (u, x, stride, shift, out, n))
RIATA_ROWS_OF(riata_rows_f64, double)
RIATA_ROWS_OF(riata_rows_f32, float)

/* out_k += w (x_k - shift_k)^p for p = 1, 2: one row's part of the column sums */
#define RIATA_ROW_STATS(NAME, T)                                                                  \
  RIATA_BODY void NAME##_body(double w, const T *x, const double *shift, double *out,             \
                              ptrdiff_t n, int square) {                                          \
    if (square)                                                                                   \
      for (ptrdiff_t k = 0; k < n; k++) {                                                         \
        double d = (double)x[k] - shift[k];                                                       \
        out[k] += w * d * d;                                                                      \
      }                                                                                           \
    else                                                                                          \
      for (ptrdiff_t k = 0; k < n; k++) out[k] += w * ((double)x[k] - shift[k]);                  \
  }                                                                                               \
  RIATA_CLONED(void, NAME,                                                                        \
               (double w, const T *x, const double *shift, double *out, ptrdiff_t n, int square), \
               (w, x, shift, out, n, square))

/* sum_k (x_k - shift_k) u_k, one row against a vector */
#define RIATA_ROW_DOT(CLONE, TARGET, WIDTH, NAME, T)                                              \
  TARGET static double NAME##_##CLONE(const T *x, const double *u, const double *shift,           \
                                      ptrdiff_t n) {                                              \
    enum { ACROSS = RIATA_LANES / WIDTH };                                                        \
    riata_double##WIDTH sums[ACROSS] = {{0.0}};                                                   \
    double lane[RIATA_LANES];                                                                     \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + RIATA_LANES <= n; i += RIATA_LANES)                                                \
      _Pragma("GCC unroll 16") for (k = 0; k < ACROSS; k++) {                                     \
        ptrdiff_t at = i + WIDTH * k;                                                             \
        sums[k] += (RIATA_LOAD_##T(WIDTH, x + at) - RIATA_LOAD_double(WIDTH, shift + at)) *       \
                   RIATA_LOAD_double(WIDTH, u + at);                                              \
      }                                                                                           \
    memcpy(lane, sums, sizeof lane);                                                              \
    for (k = 0; i < n; i++, k++) lane[k] += ((double)x[i] - shift[i]) * u[i];                     \
    for (ptrdiff_t half = RIATA_LANES / 2; half > 0; half /= 2)                                   \
      for (k = 0; k < half; k++) lane[k] += lane[k + half];                                       \
    return lane[0];                                                                               \
  }

#define RIATA_ROW_DOTS(NAME, T)                                                                   \
  RIATA_EACH(RIATA_ROW_DOT, NAME, T)                                                              \
  RIATA_CHOOSE(double, NAME, (const T *x, const double *u, const double *shift, ptrdiff_t n),     \
               (x, u, shift, n))
RIATA_ROW_DOTS(riata_row_dot_f64, double)
RIATA_ROW_DOTS(riata_row_dot_f32, float)

RIATA_ROW_STATS(riata_row_stats_f64, double)
RIATA_ROW_STATS(riata_row_stats_f32, float)

/* out_k = sum_e (x_e - shift) u[rows_e]_k for eight k: a sparse column against eight vectors, whose
 * entries of a row share a cache line; rows are those of `stored` entries, some of the next columns,
 * whose lines are asked for ahead. The sums stay in registers. */
#define RIATA_AHEAD 12 /* entries between the call for a line and its use */
#define RIATA_EIGHT_DOT(CLONE, TARGET, WIDTH, NAME, T, I)                                         \
  TARGET static void NAME##_##CLONE(const T *x, const I *rows, ptrdiff_t count, ptrdiff_t stored, \
                                    double shift, const double *u, double *out) {                 \
    riata_double##WIDTH s[8 / WIDTH] = {{0.0}};                                                   \
    for (ptrdiff_t e = 0; e < count; e++) {                                                       \
      const double *at = u + 8 * (ptrdiff_t)rows[e];                                              \
      if (e + RIATA_AHEAD < stored) __builtin_prefetch(u + 8 * (ptrdiff_t)rows[e + RIATA_AHEAD]); \
      _Pragma("GCC unroll 4") for (int k = 0; k < 8 / WIDTH; k++)                                 \
          s[k] += ((double)x[e] - shift) * RIATA_LOAD_double(WIDTH, at + WIDTH * k);              \
    }                                                                                             \
    memcpy(out, s, sizeof s);                                                                     \
  }

#define RIATA_EIGHT_DOTS(NAME, T, I)                                                              \
  RIATA_EACH(RIATA_EIGHT_DOT, NAME, T, I)                                                         \
  RIATA_CHOOSE(void, NAME,                                                                        \
               (const T *x, const I *rows, ptrdiff_t count, ptrdiff_t stored, double shift,       \
                const double *u, double *out),                                                    \
               (x, rows, count, stored, shift, u, out))
RIATA_EIGHT_DOTS(riata_eight_dots_f64_int, double, int)
RIATA_EIGHT_DOTS(riata_eight_dots_f64_long, double, long long)
RIATA_EIGHT_DOTS(riata_eight_dots_f32_int, float, int)
RIATA_EIGHT_DOTS(riata_eight_dots_f32_long, float, long long)

/* out_k += x u_k for eight k: one entry of a sparse matrix against eight vectors */
static inline void riata_add_eight(double x, const double *u, double *out) {
  for (int k = 0; k < 8; k += 2)
    *(riata_double2 *)(out + k) += x * RIATA_LOAD_double(2, u + k);
}

#endif
