/* The loops of bounds.pyx, in C so that they may use any vector width: one read of p features, no
 * branches. Every feature is on its own, so the bits are the same on all of them. */
#ifndef RIATA_BOUNDS_H
#define RIATA_BOUNDS_H
#include <math.h>
#include <stdint.h>
#include <string.h>

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

#define RIATA_RUN 512

/* Lists the j with |z_j| + doubt r_j > share limit_j, where limit_j = limit[j * stride]; returns how
 * many; out (p + 1,). A run at a time: comparisons without branches first, then the few that hold, of
 * which a word of eight says whether there are any. */
RIATA_CLONES static ptrdiff_t riata_above(
    const double *restrict z, const double *restrict r, const double *restrict limit,
    ptrdiff_t stride, double doubt, double share, int32_t *restrict out, ptrdiff_t p) {
  ptrdiff_t count = 0;
  uint8_t above[RIATA_RUN];
  for (ptrdiff_t j = 0; j < p; j += RIATA_RUN) {
    ptrdiff_t width = p - j < RIATA_RUN ? p - j : RIATA_RUN, k;
    const double *zj = z + j, *rj = r + j, *lj = limit + j * stride;
    if (stride == 0) {
      double level = share * limit[0];
      for (k = 0; k < width; k++) above[k] = fabs(zj[k]) + doubt * rj[k] > level;
    } else if (stride == 1) {
      for (k = 0; k < width; k++) above[k] = fabs(zj[k]) + doubt * rj[k] > share * lj[k];
    } else {
      for (k = 0; k < width; k++) above[k] = fabs(zj[k]) + doubt * rj[k] > share * lj[k * stride];
    }
    memset(above + width, 0, RIATA_RUN - width);
    for (k = 0; k < width; k += 8) {
      uint64_t word;
      memcpy(&word, above + k, 8);
      if (word == 0) continue;
      for (ptrdiff_t i = k; i < k + 8; i++) {
        out[count] = (int32_t)(j + i);
        count += above[i];
      }
    }
  }
  return count;
}

#endif
