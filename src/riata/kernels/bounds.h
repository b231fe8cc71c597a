/* The loops of bounds.pyx, in C so that they may use any vector width: one read of p features, no
 * branches. Every feature is on its own, so the bits are the same on all of them. */
#ifndef RIATA_BOUNDS_H
#define RIATA_BOUNDS_H
#include <math.h>
#include <stdint.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#include "simd.h"

/* estimate = (t / |y|^2) c + P fresh + Q older and radius = reach |r_perp|: three table lookups; older
 * NULL where none is kept */
RIATA_CLONES static void riata_bounds(
    const int32_t *restrict pair, const double *restrict fresh, const double *restrict older,
    const double *restrict with_y, const double *restrict reach, const double *restrict scale,
    const double *restrict scale_older, const double *restrict rest, double first,
    double *restrict estimate, double *restrict radius, ptrdiff_t p) {
  if (older == NULL) {
    for (ptrdiff_t j = 0; j < p; j++) {
      int32_t k = pair[j];
      estimate[j] = first * with_y[j] + scale[k] * fresh[j];
      radius[j] = rest[k] * reach[j];
    }
    return;
  }
  for (ptrdiff_t j = 0; j < p; j++) {
    int32_t k = pair[j];
    estimate[j] = first * with_y[j] + scale[k] * fresh[j] + scale_older[k] * older[j];
    radius[j] = rest[k] * reach[j];
  }
}

/* Lists of features, by a comparison each: those with
 *
 *   above    |z_j| + doubt r_j > share limit_j            limit_j = limit[j * stride]
 *   users    pair_j >> bits = slot, or pair_j & mask = slot
 *
 * Returns how many; out (p + 8,) is overwritten. Where the CPU has AVX-512, eight comparisons make a
 * mask, and those that hold are written in one go: there is no branch, which would be foreseen badly.
 * Which one runs is decided once, by the CPU. */
typedef ptrdiff_t (*riata_above_fn)(
    const double *, const double *, const double *, ptrdiff_t, double, double, int32_t *, ptrdiff_t);
typedef ptrdiff_t (*riata_users_fn)(
    const int32_t *, int, int32_t, int32_t, int32_t *, ptrdiff_t);
typedef struct {
  riata_above_fn above;
  riata_users_fn users;
} riata_lists;

static ptrdiff_t riata_above_any(
    const double *z, const double *r, const double *limit, ptrdiff_t stride, double doubt,
    double share, int32_t *out, ptrdiff_t p) {
  ptrdiff_t count = 0;
  for (ptrdiff_t j = 0; j < p; j++) {
    out[count] = (int32_t)j;
    count += fabs(z[j]) + doubt * r[j] > share * limit[j * stride];
  }
  return count;
}

static ptrdiff_t riata_users_any(
    const int32_t *pair, int bits, int32_t mask, int32_t slot, int32_t *out, ptrdiff_t p) {
  ptrdiff_t count = 0;
  for (ptrdiff_t j = 0; j < p; j++) {
    out[count] = (int32_t)j;
    count += (pair[j] >> bits == slot) | ((pair[j] & mask) == slot);
  }
  return count;
}

#if defined(__x86_64__) && defined(__GNUC__)
#define RIATA_WIDE __attribute__((target("avx512f,avx512vl,popcnt")))
#define RIATA_LIST(held, j)                                                                       \
  _mm256_storeu_si256((__m256i *)(out + count), _mm256_maskz_compress_epi32(                      \
      held, _mm256_add_epi32(_mm256_set1_epi32(j), order)));                                      \
  count += __builtin_popcount(held)

RIATA_WIDE static ptrdiff_t riata_above_wide(
    const double *z, const double *r, const double *limit, ptrdiff_t stride, double doubt,
    double share, int32_t *out, ptrdiff_t p) {
  __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m512d level = _mm512_set1_pd(share * limit[0]), part = _mm512_set1_pd(share);
  __m512d uncertain = _mm512_set1_pd(doubt);
  ptrdiff_t count = 0;
  if (stride > 1) return riata_above_any(z, r, limit, stride, doubt, share, out, p);
  for (ptrdiff_t j = 0; j < p; j += 8) {
    __mmask8 some = p - j >= 8 ? 0xff : (__mmask8)((1u << (p - j)) - 1);
    __m512d size = _mm512_abs_pd(_mm512_maskz_loadu_pd(some, z + j));
    size = _mm512_add_pd(size, _mm512_mul_pd(uncertain, _mm512_maskz_loadu_pd(some, r + j)));
    if (stride == 1) level = _mm512_mul_pd(part, _mm512_maskz_loadu_pd(some, limit + j));
    __mmask8 held = _mm512_mask_cmp_pd_mask(some, size, level, _CMP_GT_OQ);
    RIATA_LIST(held, (int32_t)j);
  }
  return count;
}

RIATA_WIDE static ptrdiff_t riata_users_wide(
    const int32_t *pair, int bits, int32_t mask, int32_t slot, int32_t *out, ptrdiff_t p) {
  __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), wanted = _mm256_set1_epi32(slot);
  __m256i low = _mm256_set1_epi32(mask);
  __m128i shift = _mm_cvtsi32_si128(bits);
  ptrdiff_t count = 0;
  for (ptrdiff_t j = 0; j < p; j += 8) {
    __mmask8 some = p - j >= 8 ? 0xff : (__mmask8)((1u << (p - j)) - 1);
    __m256i both = _mm256_maskz_loadu_epi32(some, pair + j);
    __mmask8 held = _mm256_mask_cmpeq_epi32_mask(some, _mm256_sra_epi32(both, shift), wanted);
    held |= _mm256_mask_cmpeq_epi32_mask(some, _mm256_and_si256(both, low), wanted);
    RIATA_LIST(held, (int32_t)j);
  }
  return count;
}
#endif

static inline riata_lists riata_choose_lists(void) {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
    return (riata_lists){riata_above_wide, riata_users_wide};
#endif
  return (riata_lists){riata_above_any, riata_users_any};
}

#endif
