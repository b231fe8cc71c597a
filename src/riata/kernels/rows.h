/* The rows of a gathered working set, entry by entry: rows in `row`, columns in `local`, values in
 * `value`.
 *
 * Most rows are short, and no CPU foresees where they end, which costs more than their entries do: so
 * loops go over entries, which say what row they are of. */
#ifndef RIATA_ROWS_H
#define RIATA_ROWS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef double riata_pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef int64_t riata_both __attribute__((vector_size(16), may_alias));

/* row_e = i for the entries e of every row i in r0:r1. Eight at a time: what is too much is written
 * over by the next row. */
static void riata_number_rows(
    const int64_t *start, int32_t *row, ptrdiff_t r0, ptrdiff_t r1) {
  ptrdiff_t stop = start[r1], i = r0;
  for (; i < r1 && start[i] + 8 <= stop; i++) {
    int32_t *to = row + start[i];
    for (int k = 0; k < 8; k++) to[k] = (int32_t)i;
    for (ptrdiff_t k = 8; k < start[i + 1] - start[i]; k++) to[k] = (int32_t)i;
  }
  for (; i < r1; i++)
    for (ptrdiff_t e = start[i]; e < start[i + 1]; e++) row[e] = (int32_t)i;
}

/* out_i = sum over the entries of row i of value coef_local, i in r0:r1; what follows the last entry
 * in `row` is read as well.
 *
 * Two halves side by side, as a sum waits for the one before: each entry adds to the sum so far, none
 * where a row begins, and leaves it in its row. */
static void riata_row_dots(
    const int64_t *start, const int32_t *row, const int32_t *local, const double *value,
    ptrdiff_t r0, ptrdiff_t r1, const double *coef, double *out) {
  ptrdiff_t middle = r0, above = r1, half = start[r0] + (start[r1] - start[r0]) / 2;
  while (middle < above) {
    ptrdiff_t i = middle + (above - middle) / 2;
    if (start[i] < half) middle = i + 1;
    else above = i;
  }
  ptrdiff_t at[3] = {start[r0], start[middle], start[r1]}, first = at[1] - at[0];
  ptrdiff_t both = first < at[2] - at[1] ? first : at[2] - at[1];
  riata_pair sums = {0.0};
  riata_both same = {0};
  memset(out + r0, 0, (r1 - r0) * sizeof(double));
  for (ptrdiff_t k = 0; k < both; k++) {
    ptrdiff_t a = at[0] + k, b = at[1] + k;
    riata_pair more = {value[a] * coef[local[a]], value[b] * coef[local[b]]};
    sums = (riata_pair)((riata_both)sums & same) + more;
    out[row[a]] = sums[0];
    out[row[b]] = sums[1];
    same = (riata_both){-(int64_t)(row[a + 1] == row[a]), -(int64_t)(row[b + 1] == row[b])};
  }
  for (int q = 0; q < 2; q++) {
    double sum = sums[q];
    for (ptrdiff_t e = at[q] + both; e < at[q + 1]; e++) {
      sum = (e > at[q] && row[e] == row[e - 1] ? sum : 0.0) + value[e] * coef[local[e]];
      out[row[e]] = sum;
    }
  }
}

/* out_a = sum over the entries of column a < columns of value (u, v) of their row */
static void riata_add_pairs(
    const int32_t *row, const int32_t *local, const double *value, ptrdiff_t count,
    const double *u, const double *v, double *out, ptrdiff_t columns) {
  riata_pair *pairs = (riata_pair *)out;
  memset(out, 0, columns * sizeof(riata_pair));
  for (ptrdiff_t e = 0; e < count; e++) {
    riata_pair both = {u[row[e]], v[row[e]]};
    pairs[local[e]] += value[e] * both;
  }
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
