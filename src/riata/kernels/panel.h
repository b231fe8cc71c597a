/* The rows of a gathered working set, entry by entry: columns in `local`, values in `value`. */
#ifndef RIATA_PANEL_H
#define RIATA_PANEL_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef double riata_pair __attribute__((vector_size(16), aligned(8), may_alias));

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
