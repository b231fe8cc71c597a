/* The inner loops of a Cholesky factor whose rows are stored in groups of eight: group q holds rows
 * 8q to 8q + 7 column by column, g[8 k + c] = L[8q + c][k], k < 8 (q + 1).
 *
 * Every loop goes along memory with one vector of eight rows; sums are taken in a fixed order. */
#ifndef RIATA_FACTOR_H
#define RIATA_FACTOR_H
#include "simd.h"
#include "tile.h"

/* y_c -= sum_k g[8 k + c] x_k, k < count */
RIATA_CLONES static void riata_group_forward(const double *g, const double *x, ptrdiff_t count,
                                             double *y) {
  riata_vec sum[4];
  memset(sum, 0, sizeof sum);
  for (ptrdiff_t k = 0; k < count; k += 4) /* count is a multiple of eight */
    for (int a = 0; a < 4; a++)
      sum[a] += *(const riata_vec *)(g + RIATA_GROUP * (k + a)) * x[k + a];
  *(riata_vec *)y -= (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* x_k -= sum_c g[8 k + c] y_c, k < count */
RIATA_CLONES static void riata_group_backward(const double *g, const double *y, ptrdiff_t count,
                                              double *x) {
  riata_vec right = *(const riata_vec *)y;
  for (ptrdiff_t k = 0; k < count; k++) {
    riata_vec p = *(const riata_vec *)(g + RIATA_GROUP * k) * right;
    x[k] -= ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
  }
}

/* The same of four groups at once, a sum over 32 products taken as late as it can be:
 * x_k -= sum_a sum_c g_a[8 k + c] y_{8 a + c} */
RIATA_CLONES static void riata_four_backward(const double *const *g, const double *y,
                                             ptrdiff_t count, double *x) {
  const riata_vec *right = (const riata_vec *)y;
  riata_vec y0 = right[0], y1 = right[1], y2 = right[2], y3 = right[3];
  const double *a = g[0], *b = g[1], *c = g[2], *d = g[3];
  for (ptrdiff_t k = 0; k < RIATA_GROUP * count; k += RIATA_GROUP) {
    riata_vec p = *(const riata_vec *)(a + k) * y0 + *(const riata_vec *)(b + k) * y1;
    p += *(const riata_vec *)(c + k) * y2 + *(const riata_vec *)(d + k) * y3;
    x[k / RIATA_GROUP] -= ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
  }
}

/* b = (b - t) D'^-1 on rows `keep` to 7: eight rows of a right-hand side, b[8 c + r] and
 * t[8 c + r], against the triangle D, d[8 e + c] = D[c][e], of `width` <= 8 columns. */
RIATA_CLONES static void riata_group_solve(const double *d, const double *t, int width, int keep,
                                           double *b) {
  for (int c = 0; c < width; c++) {
    double row[RIATA_GROUP];
    for (int r = 0; r < RIATA_GROUP; r++) row[r] = b[RIATA_GROUP * c + r] - t[RIATA_GROUP * c + r];
    for (int e = 0; e < c; e++)
      for (int r = 0; r < RIATA_GROUP; r++)
        row[r] -= b[RIATA_GROUP * e + r] * d[RIATA_GROUP * e + c];
    for (int r = 0; r < RIATA_GROUP; r++) {
      double old = b[RIATA_GROUP * c + r];
      b[RIATA_GROUP * c + r] = r >= keep ? row[r] / d[RIATA_GROUP * c + c] : old;
    }
  }
}

/* Rotate `count` columns of a group into the columns v[8 a + c], a < width:
 *
 *     (g_k, v_a) = (c g_k + s v_a, c v_a - s g_k)      (c, s) = turn[2 (k stride + a)], + 1 */
RIATA_CLONES static void riata_group_rotate(double *g, ptrdiff_t count, const double *turn,
                                            ptrdiff_t stride, int width, double *v) {
  for (ptrdiff_t k = 0; k < count; k++) {
    riata_vec x = *(riata_vec *)(g + RIATA_GROUP * k);
    const double *pair = turn + 2 * k * stride;
    for (int a = 0; a < width; a++) {
      riata_vec y = *(riata_vec *)(v + RIATA_GROUP * a);
      double c = pair[2 * a], s = pair[2 * a + 1];
      *(riata_vec *)(v + RIATA_GROUP * a) = c * y - s * x;
      x = c * x + s * y;
    }
    *(riata_vec *)(g + RIATA_GROUP * k) = x;
  }
}

#endif
