/* The loop of bounds.pyx, in C so that it may use any vector width: one read of p features, no
 * branches, four table lookups and one square root for each. Every feature is on its own, so the
 * bits are the same on all of them. */
#ifndef RIATA_BOUNDS_H
#define RIATA_BOUNDS_H
#include <math.h>
#include <stdint.h>

#include "simd.h"

RIATA_CLONES static void riata_bounds(
    const int32_t *restrict slot, const double *restrict last, const double *restrict with_y,
    const double *restrict norm_sq, const double *restrict magnitude_sq,
    const double *restrict along, const double *restrict inverse, const double *restrict scale,
    const double *restrict rest, double first, double inverse_y, double slack,
    double *restrict estimate, double *restrict radius, ptrdiff_t p) {
  for (ptrdiff_t j = 0; j < p; j++) {
    int32_t k = slot[j];
    double fresh = last[j] - along[k] * with_y[j];
    double left = norm_sq[j] - with_y[j] * with_y[j] * inverse_y - fresh * fresh * inverse[k];
    left = left > 0.0 ? left : 0.0;
    estimate[j] = first * with_y[j] + scale[k] * fresh;
    radius[j] = rest[k] * sqrt(left + slack * magnitude_sq[j]);
  }
}

#define RIATA_RUN 512

/* Lists the j with |z_j| + r_j > share * limit_j, where limit_j = limit[j * stride]; returns how
 * many. A run at a time: comparisons without branches first, then the few that hold. */
RIATA_CLONES static ptrdiff_t riata_above(
    const double *restrict z, const double *restrict r, const double *restrict limit,
    ptrdiff_t stride, double share, int32_t *restrict out, ptrdiff_t p) {
  ptrdiff_t count = 0;
  int64_t above[RIATA_RUN]; /* as wide as what is compared */
  for (ptrdiff_t j = 0; j < p; j += RIATA_RUN) {
    ptrdiff_t width = p - j < RIATA_RUN ? p - j : RIATA_RUN, k;
    const double *zj = z + j, *rj = r + j, *lj = limit + j * stride;
    if (stride == 0) {
      double level = share * limit[0];
      for (k = 0; k < width; k++) above[k] = fabs(zj[k]) + rj[k] > level;
    } else if (stride == 1) {
      for (k = 0; k < width; k++) above[k] = fabs(zj[k]) + rj[k] > share * lj[k];
    } else {
      for (k = 0; k < width; k++) above[k] = fabs(zj[k]) + rj[k] > share * lj[k * stride];
    }
    for (k = 0; k < width; k++)
      if (above[k]) out[count++] = (int32_t)(j + k);
  }
  return count;
}

#endif
