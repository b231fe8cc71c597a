/* The rows of a gathered working set, entry by entry: columns in `local`, values in `value`. */
#ifndef RIATA_PANEL_H
#define RIATA_PANEL_H
#include <stddef.h>
#include <stdint.h>

typedef double riata_pair __attribute__((vector_size(16), aligned(8), may_alias));

/* out_(a - first) += value_k (u, v) for the column a of each entry */
static inline void riata_add_pairs(
    const int32_t *local, const double *value, ptrdiff_t count, ptrdiff_t first, double u,
    double v, double *out) {
  riata_pair *pairs = (riata_pair *)out, both = {u, v};
  for (ptrdiff_t k = 0; k < count; k++) pairs[local[k] - first] += value[k] * both;
}

/* sum_k value_k coef_local[k] */
static double riata_row_dot_any(
    const int32_t *local, const double *value, ptrdiff_t count, const double *coef) {
  double sum = 0.0;
  for (ptrdiff_t k = 0; k < count; k++) sum += value[k] * coef[local[k]];
  return sum;
}

typedef double (*riata_row_dot_fn)(const int32_t *, const double *, ptrdiff_t, const double *);

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512vl"))) static double riata_row_dot_avx512(
    const int32_t *local, const double *value, ptrdiff_t count, const double *coef) {
  __m512d sum = _mm512_setzero_pd();
  for (ptrdiff_t k = 0; k < count; k += 8) {
    __mmask8 some = count - k >= 8 ? 0xff : (__mmask8)((1u << (count - k)) - 1);
    __m256i columns = _mm256_maskz_loadu_epi32(some, local + k);
    __m512d b = _mm512_mask_i32gather_pd(_mm512_setzero_pd(), some, columns, coef, 8);
    sum = _mm512_fmadd_pd(_mm512_maskz_loadu_pd(some, value + k), b, sum);
  }
  return _mm512_reduce_add_pd(sum);
}

static inline riata_row_dot_fn riata_choose_row_dot(void) {
  int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
  return wide ? riata_row_dot_avx512 : riata_row_dot_any;
}
#else
static inline riata_row_dot_fn riata_choose_row_dot(void) { return riata_row_dot_any; }
#endif
#endif
