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

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#define RIATA_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define RIATA_CLONES
#endif

#define RIATA_LANES 32 /* accumulators of a sum: four vectors of eight */

typedef double riata_eight __attribute__((vector_size(64), aligned(8), may_alias));

/* Eight entries as doubles. Floats one by one: of that gcc makes one conversion, of a plain loop,
 * and of __builtin_convertvector, halves that are taken apart and put together again. */
#define RIATA_LOAD_double(x) (*(const riata_eight *)(x))
#define RIATA_LOAD_float(x)                                                                       \
  ({                                                                                              \
    riata_eight d_;                                                                               \
    for (int k_ = 0; k_ < 8; k_++) d_[k_] = (x)[k_];                                              \
    d_;                                                                                           \
  })

/* TERM(d, u) is a summand, of vectors or of numbers; lanes are added in a fixed tree. */
#define RIATA_REDUCTION(NAME, T, TERM)                                                            \
  RIATA_CLONES static double NAME(const T *x, const double *u, double shift, ptrdiff_t n) {       \
    riata_eight four[RIATA_LANES / 8] = {{0.0}};                                                  \
    double lane[RIATA_LANES];                                                                     \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + RIATA_LANES <= n; i += RIATA_LANES)                                                \
      _Pragma("GCC unroll 4") for (k = 0; k < RIATA_LANES / 8; k++) {                             \
        riata_eight d = RIATA_LOAD_##T((x + i + 8 * k)) - shift;                                  \
        four[k] += TERM(d, RIATA_LOAD_double(u + i + 8 * k));                                     \
      }                                                                                           \
    memcpy(lane, four, sizeof lane);                                                              \
    for (k = 0; i < n; i++, k++) lane[k] += TERM(((double)x[i] - shift), u[i]);                   \
    for (ptrdiff_t half = RIATA_LANES / 2; half > 0; half /= 2)                                   \
      for (k = 0; k < half; k++) lane[k] += lane[k + half];                                       \
    return lane[0];                                                                               \
  }

#define RIATA_DOT_TERM(d, u) ((d) * (u))
#define RIATA_NORM_TERM(d, u) ((d) * (d) * (u))

RIATA_REDUCTION(riata_dot_f64, double, RIATA_DOT_TERM)
RIATA_REDUCTION(riata_dot_f32, float, RIATA_DOT_TERM)
RIATA_REDUCTION(riata_norm_f64, double, RIATA_NORM_TERM)
RIATA_REDUCTION(riata_norm_f32, float, RIATA_NORM_TERM)

/* *sum = sum_i w_i x_i and *square = sum_i w_i x_i^2 in one read, each as above */
RIATA_CLONES static void riata_sums_f64(const double *x, const double *w, ptrdiff_t n, double *sum,
                                        double *square) {
  riata_eight s[RIATA_LANES / 8] = {{0.0}}, q[RIATA_LANES / 8] = {{0.0}};
  double of_sum[RIATA_LANES], of_square[RIATA_LANES];
  ptrdiff_t i = 0, k;
  for (; i + RIATA_LANES <= n; i += RIATA_LANES)
    _Pragma("GCC unroll 4") for (k = 0; k < RIATA_LANES / 8; k++) {
      riata_eight d = RIATA_LOAD_double(x + i + 8 * k), u = RIATA_LOAD_double(w + i + 8 * k);
      s[k] += RIATA_DOT_TERM(d, u);
      q[k] += RIATA_NORM_TERM(d, u);
    }
  memcpy(of_sum, s, sizeof of_sum);
  memcpy(of_square, q, sizeof of_square);
  for (k = 0; i < n; i++, k++) {
    of_sum[k] += RIATA_DOT_TERM(x[i], w[i]);
    of_square[k] += RIATA_NORM_TERM(x[i], w[i]);
  }
  for (ptrdiff_t half = RIATA_LANES / 2; half > 0; half /= 2)
    for (k = 0; k < half; k++) {
      of_sum[k] += of_sum[k + half];
      of_square[k] += of_square[k + half];
    }
  *sum = of_sum[0];
  *square = of_square[0];
}

/* The three sums over a column that is in cache: out = sum_i w_i d_i, sum_i w_i d_i^2 and, where u is
 * not NULL, sum_i u_i d_i, d = x - shift. `next`, n entries that will be read after these, is asked
 * for on the way. */
#define RIATA_MOMENTS(NAME, T)                                                                    \
  RIATA_CLONES static void NAME(const T *x, const T *next, const double *w, const double *u,      \
                                double shift, ptrdiff_t n, double *out) {                         \
    enum { ACROSS = RIATA_LANES / 8 };                                                            \
    riata_eight four[3][ACROSS] = {{{0.0}}};                                                      \
    double lane[3][RIATA_LANES];                                                                  \
    ptrdiff_t i = 0, k;                                                                           \
    const double *v = u == NULL ? w : u;                                                          \
    for (; i + RIATA_LANES <= n; i += RIATA_LANES) {                                              \
      for (k = 0; k < RIATA_LANES; k += 64 / (ptrdiff_t)sizeof(T)) __builtin_prefetch(next + i + k);\
      _Pragma("GCC unroll 4") for (k = 0; k < ACROSS; k++) {                                      \
        riata_eight d = RIATA_LOAD_##T((x + i + 8 * k)) - shift;                                  \
        riata_eight wd = d * RIATA_LOAD_double(w + i + 8 * k);                                    \
        four[0][k] += wd;                                                                         \
        four[1][k] += d * wd;                                                                     \
        four[2][k] += d * RIATA_LOAD_double(v + i + 8 * k);                                       \
      }                                                                                           \
    }                                                                                             \
    memcpy(lane, four, sizeof lane);                                                              \
    for (k = 0; i < n; i++, k++) {                                                                \
      double d = (double)x[i] - shift, wd = d * w[i];                                             \
      lane[0][k] += wd;                                                                           \
      lane[1][k] += d * wd;                                                                       \
      lane[2][k] += d * v[i];                                                                     \
    }                                                                                             \
    for (int a = 0; a < 3; a++) {                                                                 \
      for (ptrdiff_t half = RIATA_LANES / 2; half > 0; half /= 2)                                 \
        for (k = 0; k < half; k++) lane[a][k] += lane[a][k + half];                               \
      out[a] = lane[a][0];                                                                        \
    }                                                                                             \
  }

RIATA_MOMENTS(riata_moments_f64, double)
RIATA_MOMENTS(riata_moments_f32, float)

#define RIATA_MAXIMUM(NAME, T)                                                                    \
  RIATA_CLONES static double NAME(const T *x, ptrdiff_t n) {                                      \
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
  }

RIATA_MAXIMUM(riata_max_f64, double)
RIATA_MAXIMUM(riata_max_f32, float)

/* out_k += u x_k */
RIATA_CLONES static void riata_axpy_f64(double u, const double *x, double *out, ptrdiff_t n) {
  for (ptrdiff_t k = 0; k < n; k++) out[k] += u * x[k];
}

/* out_k += sum_{a<4} u_a x_a[k], four vectors wherever they are */
RIATA_CLONES static void riata_four_f64(const double *u, const double *const *x, double *out,
                                        ptrdiff_t n) {
  const double *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
  double u0 = u[0], u1 = u[1], u2 = u[2], u3 = u[3];
  for (ptrdiff_t k = 0; k < n; k++)
    out[k] += (u0 * x0[k] + u1 * x1[k]) + (u2 * x2[k] + u3 * x3[k]);
}

/* out_k += sum_{a<4} u_a (x_a[k] - shift_k), four rows of a row-major block added to a vector */
#define RIATA_ROWS_TERM(K, LOAD, LOAD_double)                                                     \
  ((u0 * (LOAD(x0 + K) - LOAD_double(shift + K)) + u1 * (LOAD(x1 + K) - LOAD_double(shift + K))) +\
   (u2 * (LOAD(x2 + K) - LOAD_double(shift + K)) + u3 * (LOAD(x3 + K) - LOAD_double(shift + K))))
#define RIATA_ONE(x) ((double)*(x))
#define RIATA_ROWS(NAME, T)                                                                       \
  RIATA_CLONES static void NAME(const double *u, const T *x, ptrdiff_t stride,                    \
                                const double *shift, double *out, ptrdiff_t n) {                  \
    const T *x0 = x, *x1 = x + stride, *x2 = x + 2 * stride, *x3 = x + 3 * stride;                \
    double u0 = u[0], u1 = u[1], u2 = u[2], u3 = u[3];                                            \
    ptrdiff_t k = 0;                                                                              \
    for (; k + 8 <= n; k += 8)                                                                    \
      *(riata_eight *)(out + k) += RIATA_ROWS_TERM(k, RIATA_LOAD_##T, RIATA_LOAD_double);         \
    for (; k < n; k++) out[k] += RIATA_ROWS_TERM(k, RIATA_ONE, RIATA_ONE);                        \
  }

RIATA_ROWS(riata_rows_f64, double)
RIATA_ROWS(riata_rows_f32, float)

/* out_k += w (x_k - shift_k)^p for p = 1, 2: one row's part of the column sums */
#define RIATA_ROW_STATS(NAME, T)                                                                  \
  RIATA_CLONES static void NAME(double w, const T *x, const double *shift, double *out,           \
                                ptrdiff_t n, int square) {                                        \
    if (square)                                                                                   \
      for (ptrdiff_t k = 0; k < n; k++) {                                                         \
        double d = (double)x[k] - shift[k];                                                       \
        out[k] += w * d * d;                                                                      \
      }                                                                                           \
    else                                                                                          \
      for (ptrdiff_t k = 0; k < n; k++) out[k] += w * ((double)x[k] - shift[k]);                  \
  }

/* sum_k (x_k - shift_k) u_k, one row against a vector */
#define RIATA_ROW_DOT(NAME, T)                                                                    \
  RIATA_CLONES static double NAME(const T *x, const double *u, const double *shift,               \
                                  ptrdiff_t n) {                                                  \
    double lane[RIATA_LANES] = {0.0};                                                             \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + RIATA_LANES <= n; i += RIATA_LANES)                                                \
      for (k = 0; k < RIATA_LANES; k++)                                                           \
        lane[k] += ((double)x[i + k] - shift[i + k]) * u[i + k];                                  \
    for (k = 0; i < n; i++, k++) lane[k] += ((double)x[i] - shift[i]) * u[i];                     \
    for (ptrdiff_t half = RIATA_LANES / 2; half > 0; half /= 2)                                   \
      for (k = 0; k < half; k++) lane[k] += lane[k + half];                                       \
    return lane[0];                                                                               \
  }

RIATA_ROW_DOT(riata_row_dot_f64, double)
RIATA_ROW_DOT(riata_row_dot_f32, float)

RIATA_ROW_STATS(riata_row_stats_f64, double)
RIATA_ROW_STATS(riata_row_stats_f32, float)

/* out_k = sum_e (x_e - shift) u[rows_e]_k for eight k: a sparse column against eight vectors, whose
 * entries of a row share a cache line; rows are those of `stored` entries, some of the next columns,
 * whose lines are asked for ahead. The sums stay in registers. */
#define RIATA_AHEAD 12 /* entries between the call for a line and its use */
#define RIATA_EIGHT_DOTS(NAME, T, I)                                                              \
  RIATA_CLONES static void NAME(const T *x, const I *rows, ptrdiff_t count, ptrdiff_t stored,     \
                                double shift, const double *u, double *out) {                     \
    riata_eight s = {0.0};                                                                        \
    for (ptrdiff_t e = 0; e < count; e++) {                                                       \
      if (e + RIATA_AHEAD < stored) __builtin_prefetch(u + 8 * (ptrdiff_t)rows[e + RIATA_AHEAD]); \
      s += ((double)x[e] - shift) * RIATA_LOAD_double(u + 8 * (ptrdiff_t)rows[e]);                \
    }                                                                                             \
    *(riata_eight *)out = s;                                                                      \
  }

RIATA_EIGHT_DOTS(riata_eight_dots_f64_int, double, int)
RIATA_EIGHT_DOTS(riata_eight_dots_f64_long, double, long long)
RIATA_EIGHT_DOTS(riata_eight_dots_f32_int, float, int)
RIATA_EIGHT_DOTS(riata_eight_dots_f32_long, float, long long)

/* out_k += x u_k for eight k: one entry of a sparse matrix against eight vectors */
static inline void riata_add_eight(double x, const double *u, double *out) {
  *(riata_eight *)out += x * *(const riata_eight *)u;
}

#endif
