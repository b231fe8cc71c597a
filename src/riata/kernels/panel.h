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

#endif
