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

#endif
