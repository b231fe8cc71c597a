/* The rows of a gathered working set, entry by entry: columns in `local`, values in `value`.
 *
 * Most rows are short, and no CPU foresees where they end, which costs more than their entries do.
 * Eight at a time are read, as far as there are any: those of the next rows too, whose products are
 * put out by a mask. */
#ifndef RIATA_ROWS_H
#define RIATA_ROWS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "gather.h"

typedef double riata_pair __attribute__((vector_size(16), aligned(8), may_alias));

static const int64_t riata_kept[8] = {-1, -1, -1, -1, 0, 0, 0, 0};   /* from 4 - k on: k, then none */

/* sum_k value_k coef[local_k], k < count, of a row; `room` entries are there before the panel ends */
static inline double riata_row_dot_base(
    const int32_t *local, const double *value, ptrdiff_t count, ptrdiff_t room,
    const double *coef) {
  (void)room;
  return riata_gather_f64_int_base(value, (const int *)local, count, 0.0, coef);
}

#if defined(__x86_64__)
RIATA_AVX512 static inline double riata_row_dot_avx512(
    const int32_t *local, const double *value, ptrdiff_t count, ptrdiff_t room,
    const double *coef) {
  (void)room;
  return riata_gather_f64_int_avx512(value, (const int *)local, count, 0.0, coef);
}

RIATA_AVX2 static inline double riata_row_dot_avx2(
    const int32_t *local, const double *value, ptrdiff_t count, ptrdiff_t room,
    const double *coef) {
  riata_double4 sums[2] = {{0.0}, {0.0}};
  ptrdiff_t k = 0;
  for (; k < count && k + 8 <= room; k += 8)
    for (int c = 0; c < 2; c++) {
      const int32_t *at = local + k + 4 * c;
      ptrdiff_t left = count - k - 4 * c;
      left = left > 4 ? 4 : left < 0 ? 0 : left;
      __m256d v = {coef[at[0]], coef[at[1]], coef[at[2]], coef[at[3]]};
      __m256d mask = _mm256_loadu_pd((const double *)(riata_kept + 4 - left));
      v = _mm256_mul_pd(v, _mm256_loadu_pd(value + k + 4 * c));
      sums[c] += (riata_double4)_mm256_and_pd(v, mask);
    }
  sums[0] += sums[1];
  double sum = (sums[0][0] + sums[0][2]) + (sums[0][1] + sums[0][3]);
  for (; k < count; k++) sum += value[k] * coef[local[k]];
  return sum;
}
#endif

/* out_a = x_i'coef of `count` rows i = rows_a, or first + a where rows is NULL; the panel has `stored`
 * entries, those of row i at start_i to start_(i + 1) */
#define RIATA_DOTS_OF_ROWS(CLONE, TARGET, WIDTH, NAME)                                            \
  TARGET static void NAME##_##CLONE(                                                              \
      const int64_t *start, const int32_t *local, const double *value, ptrdiff_t stored,          \
      const ptrdiff_t *rows, ptrdiff_t first, ptrdiff_t count, const double *coef, double *out) { \
    for (ptrdiff_t a = 0; a < count; a++) {                                                       \
      const int64_t *at = start + (rows ? rows[a] : first + a);                                   \
      out[a] = riata_row_dot_##CLONE(local + at[0], value + at[0], at[1] - at[0], stored - at[0], \
                                     coef);                                                       \
    }                                                                                             \
  }
RIATA_EACH(RIATA_DOTS_OF_ROWS, riata_row_dots)
RIATA_CHOOSE(void, riata_row_dots,
             (const int64_t *start, const int32_t *local, const double *value, ptrdiff_t stored,
              const ptrdiff_t *rows, ptrdiff_t first, ptrdiff_t count, const double *coef,
              double *out),
             (start, local, value, stored, rows, first, count, coef, out))

/* out_(a - first) += value_k (u, v) for the column a of each entry */
static inline void riata_add_pairs(
    const int32_t *local, const double *value, ptrdiff_t count, ptrdiff_t first, double u,
    double v, double *out) {
  riata_pair *pairs = (riata_pair *)out, both = {u, v};
  for (ptrdiff_t k = 0; k < count; k++) pairs[local[k] - first] += value[k] * both;
}

/* Moves the entries of a row from `from` on to `to`, behind that: the last ones first, eight by eight,
 * which are few enough to be read before any is written. */
static inline void riata_move_row(
    int32_t *local, double *value, ptrdiff_t from, ptrdiff_t to, ptrdiff_t count) {
  int32_t columns[8];
  double values[8];
  ptrdiff_t k = count;
  for (; k >= 8; k -= 8) {
    memcpy(columns, local + from + k - 8, sizeof columns);
    memcpy(values, value + from + k - 8, sizeof values);
    memcpy(local + to + k - 8, columns, sizeof columns);
    memcpy(value + to + k - 8, values, sizeof values);
  }
  while (k-- > 0) {
    local[to + k] = local[from + k];
    value[to + k] = value[from + k];
  }
}

#endif
