/* Stored entries against a dense vector: sum_k (x_k - shift) u[rows_k].
 *
 * x float or double, rows int or long long. Where the CPU has AVX-512, eight at a time and the last
 * ones under a mask: most columns of text are shorter than a vector is worth otherwise. */
#ifndef RIATA_GATHER_H
#define RIATA_GATHER_H
#include "clones.h"
#include <stddef.h>

#define RIATA_GATHER_BASE(NAME, T, I)                                                             \
  static double NAME##_base(const T *x, const I *rows, ptrdiff_t count, double shift,             \
                            const double *u) {                                                    \
    double sums[4] = {0.0};                                                                       \
    ptrdiff_t k = 0;                                                                              \
    for (; k + 4 <= count; k += 4)                                                                \
      _Pragma("GCC unroll 4") for (int c = 0; c < 4; c++)                                         \
        sums[c] += ((double)x[k + c] - shift) * u[rows[k + c]];                                   \
    for (; k < count; k++) sums[0] += ((double)x[k] - shift) * u[rows[k]];                    \
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);                                             \
  }

#define RIATA_GATHER_AVX512(NAME, T, I, LOAD, INDEX, GATHER)                                      \
  RIATA_AVX512 static double NAME##_avx512(                                                       \
      const T *x, const I *rows, ptrdiff_t count, double shift, const double *u) {                \
    __m512d sum = _mm512_setzero_pd(), less = _mm512_set1_pd(shift);                              \
    for (ptrdiff_t k = 0; k < count; k += 8) {                                                    \
      __mmask8 some = count - k >= 8 ? 0xff : (__mmask8)((1u << (count - k)) - 1);                \
      __m512d v = GATHER(_mm512_setzero_pd(), some, INDEX(some, rows + k), u, 8);                 \
      sum = _mm512_mask3_fmadd_pd(_mm512_sub_pd(LOAD(some, x + k), less), v, sum, some);          \
    }                                                                                             \
    return _mm512_reduce_add_pd(sum);                                                             \
  }
#define RIATA_FLOATS(some, x) _mm512_cvtps_pd(_mm256_maskz_loadu_ps(some, x))

#if defined(__x86_64__)
#define RIATA_GATHER(NAME, T, I, ...)                                                             \
  RIATA_GATHER_BASE(NAME, T, I)                                                                   \
  RIATA_GATHER_AVX512(NAME, T, I, __VA_ARGS__)                                                    \
  static inline double NAME(const T *x, const I *rows, ptrdiff_t count, double shift,             \
                            const double *u) {                                                    \
    return (RIATA_HAS_AVX512 ? NAME##_avx512 : NAME##_base)(x, rows, count, shift, u);            \
  }
#else
#define RIATA_GATHER(NAME, T, I, ...)                                                             \
  RIATA_GATHER_BASE(NAME, T, I)                                                                   \
  RIATA_CHOOSE(double, NAME,                                                                      \
               (const T *x, const I *rows, ptrdiff_t count, double shift, const double *u),       \
               (x, rows, count, shift, u))
#endif

RIATA_GATHER(riata_gather_f64_int, double, int, _mm512_maskz_loadu_pd, _mm256_maskz_loadu_epi32,
             _mm512_mask_i32gather_pd)
RIATA_GATHER(riata_gather_f64_long, double, long long, _mm512_maskz_loadu_pd,
             _mm512_maskz_loadu_epi64, _mm512_mask_i64gather_pd)
RIATA_GATHER(riata_gather_f32_int, float, int, RIATA_FLOATS, _mm256_maskz_loadu_epi32,
             _mm512_mask_i32gather_pd)
RIATA_GATHER(riata_gather_f32_long, float, long long, RIATA_FLOATS, _mm512_maskz_loadu_epi64,
             _mm512_mask_i64gather_pd)

#endif
