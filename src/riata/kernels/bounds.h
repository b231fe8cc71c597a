/* The loops of bounds.pyx, in C so that they may use any vector width: one read of p features, no
 * branches. Every feature is on its own, so the bits are the same on all of them. */
#ifndef RIATA_BOUNDS_H
#define RIATA_BOUNDS_H
#include <math.h>
#include <stdint.h>
#include "simd.h"

/* estimate = (t / |y|^2) c + P fresh + Q older and radius = reach |r_perp|: three table lookups; older
 * NULL where none is kept */
RIATA_BODY void riata_bounds_body(
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
RIATA_CLONED(void, riata_bounds,
             (const int32_t *restrict pair, const double *restrict fresh,
              const double *restrict older, const double *restrict with_y,
              const double *restrict reach, const double *restrict scale,
              const double *restrict scale_older, const double *restrict rest, double first,
              double *restrict estimate, double *restrict radius, ptrdiff_t p),
             (pair, fresh, older, with_y, reach, scale, scale_older, rest, first, estimate, radius,
              p))

/* Lists of features, by a comparison each: those with
 *
 *   above    |z_j| + doubt r_j > share limit_j            limit_j = limit[j * stride]
 *   users    pair_j >> bits = slot, or pair_j & mask = slot
 *
 * Returns how many; out (p + 8,) is overwritten. Comparisons make a mask, and those that hold are
 * written in one go: there is no branch, which would be foreseen badly. The plain loops begin at
 * the feature `first`. */
static ptrdiff_t riata_above_any(
    const double *z, const double *r, const double *limit, ptrdiff_t stride, double doubt,
    double share, ptrdiff_t first, int32_t *out, ptrdiff_t p) {
  ptrdiff_t count = 0;
  for (ptrdiff_t j = first; j < p; j++) {
    out[count] = (int32_t)j;
    count += fabs(z[j]) + doubt * r[j] > share * limit[j * stride];
  }
  return count;
}

static ptrdiff_t riata_users_any(
    const int32_t *pair, int bits, int32_t mask, int32_t slot, ptrdiff_t first, int32_t *out,
    ptrdiff_t p) {
  ptrdiff_t count = 0;
  for (ptrdiff_t j = first; j < p; j++) {
    out[count] = (int32_t)j;
    count += (pair[j] >> bits == slot) | ((pair[j] & mask) == slot);
  }
  return count;
}

#if defined(__x86_64__)
/* AVX2: the numbers of the bits that are set in each four, one to a byte */
static const uint32_t riata_set[16] = {
    0,          0,          0x00000001, 0x00000100, 0x00000002, 0x00000200, 0x00000201, 0x00020100,
    0x00000003, 0x00000300, 0x00000301, 0x00030100, 0x00000302, 0x00030200, 0x00030201, 0x03020100};
#define RIATA_LIST_FOUR(held, j)                                                                  \
  _mm_storeu_si128((__m128i *)(out + count),                                                      \
                   _mm_add_epi32(_mm_set1_epi32(j),                                               \
                                 _mm_cvtepu8_epi32(_mm_cvtsi32_si128((int)riata_set[held]))));    \
  count += __builtin_popcount(held)

RIATA_AVX2 static ptrdiff_t riata_above_avx2(
    const double *z, const double *r, const double *limit, ptrdiff_t stride, double doubt,
    double share, int32_t *out, ptrdiff_t p) {
  __m256d level = _mm256_set1_pd(share * limit[0]), part = _mm256_set1_pd(share);
  __m256d uncertain = _mm256_set1_pd(doubt), sign = _mm256_set1_pd(-0.0);
  ptrdiff_t count = 0, j = 0;
  if (stride > 1) return riata_above_any(z, r, limit, stride, doubt, share, 0, out, p);
  for (; j + 4 <= p; j += 4) {
    __m256d size = _mm256_andnot_pd(sign, _mm256_loadu_pd(z + j));
    size = _mm256_add_pd(size, _mm256_mul_pd(uncertain, _mm256_loadu_pd(r + j)));
    if (stride == 1) level = _mm256_mul_pd(part, _mm256_loadu_pd(limit + j));
    int held = _mm256_movemask_pd(_mm256_cmp_pd(size, level, _CMP_GT_OQ));
    RIATA_LIST_FOUR(held, (int32_t)j);
  }
  return count + riata_above_any(z, r, limit, stride, doubt, share, j, out + count, p);
}

RIATA_AVX2 static ptrdiff_t riata_users_avx2(
    const int32_t *pair, int bits, int32_t mask, int32_t slot, int32_t *out, ptrdiff_t p) {
  __m128i wanted = _mm_set1_epi32(slot), low = _mm_set1_epi32(mask), shift = _mm_cvtsi32_si128(bits);
  ptrdiff_t count = 0, j = 0;
  for (; j + 4 <= p; j += 4) {
    __m128i both = _mm_loadu_si128((const __m128i *)(pair + j));
    __m128i one = _mm_cmpeq_epi32(_mm_sra_epi32(both, shift), wanted);
    __m128i other = _mm_cmpeq_epi32(_mm_and_si128(both, low), wanted);
    int held = _mm_movemask_ps(_mm_castsi128_ps(_mm_or_si128(one, other)));
    RIATA_LIST_FOUR(held, (int32_t)j);
  }
  return count + riata_users_any(pair, bits, mask, slot, j, out + count, p);
}

/* AVX-512: a store that compresses */
#define RIATA_LIST(held, j)                                                                       \
  _mm256_storeu_si256((__m256i *)(out + count), _mm256_maskz_compress_epi32(                      \
      held, _mm256_add_epi32(_mm256_set1_epi32(j), order)));                                      \
  count += __builtin_popcount(held)

RIATA_AVX512 static ptrdiff_t riata_above_avx512(
    const double *z, const double *r, const double *limit, ptrdiff_t stride, double doubt,
    double share, int32_t *out, ptrdiff_t p) {
  __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m512d level = _mm512_set1_pd(share * limit[0]), part = _mm512_set1_pd(share);
  __m512d uncertain = _mm512_set1_pd(doubt);
  ptrdiff_t count = 0;
  if (stride > 1) return riata_above_any(z, r, limit, stride, doubt, share, 0, out, p);
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

RIATA_AVX512 static ptrdiff_t riata_users_avx512(
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

static ptrdiff_t riata_above_base(
    const double *z, const double *r, const double *limit, ptrdiff_t stride, double doubt,
    double share, int32_t *out, ptrdiff_t p) {
  return riata_above_any(z, r, limit, stride, doubt, share, 0, out, p);
}

static ptrdiff_t riata_users_base(
    const int32_t *pair, int bits, int32_t mask, int32_t slot, int32_t *out, ptrdiff_t p) {
  return riata_users_any(pair, bits, mask, slot, 0, out, p);
}

RIATA_CHOOSE(ptrdiff_t, riata_above,
             (const double *z, const double *r, const double *limit, ptrdiff_t stride, double doubt,
              double share, int32_t *out, ptrdiff_t p),
             (z, r, limit, stride, doubt, share, out, p))
RIATA_CHOOSE(ptrdiff_t, riata_users,
             (const int32_t *pair, int bits, int32_t mask, int32_t slot, int32_t *out, ptrdiff_t p),
             (pair, bits, mask, slot, out, p))

#endif
