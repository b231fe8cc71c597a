/* The inner loops of a Cholesky factor whose rows are stored in groups of eight: group q holds rows
 * 8q to 8q + 7 column by column, g[8 k + c] = L[8q + c][k], k < 8 (q + 1).
 *
 * Every loop goes along memory with eight rows at a time; sums are taken in a fixed order. */
#ifndef RIATA_FACTOR_H
#define RIATA_FACTOR_H
#include "simd.h"
#include "tile.h"

/* y_c -= sum_k g[8 k + c] x_k, k < count, which is a multiple of eight */
#define RIATA_FORWARD(CLONE, TARGET, WIDTH, NAME)                                                 \
  TARGET static void NAME##_##CLONE(const double *g, const double *x, ptrdiff_t count,            \
                                    double *y) {                                                  \
    enum { ACROSS = RIATA_GROUP / WIDTH };                                                        \
    riata_double##WIDTH sum[4][ACROSS] = {{{0.0}}}, *to = (riata_double##WIDTH *)y;               \
    for (ptrdiff_t k = 0; k < count; k += 4)                                                      \
      _Pragma("GCC unroll 4") for (int a = 0; a < 4; a++)                                         \
          _Pragma("GCC unroll 4") for (int c = 0; c < ACROSS; c++) sum[a][c] +=                   \
          RIATA_LOAD_double(WIDTH, g + RIATA_GROUP * (k + a) + WIDTH * c) * x[k + a];             \
    for (int c = 0; c < ACROSS; c++)                                                              \
      to[c] -= (sum[0][c] + sum[1][c]) + (sum[2][c] + sum[3][c]);                                 \
  }

RIATA_EACH(RIATA_FORWARD, riata_group_forward)
RIATA_CHOOSE(void, riata_group_forward,
             (const double *g, const double *x, ptrdiff_t count, double *y), (g, x, count, y))

/* The sum of eight products, in the same order whatever vectors hold them */
#define RIATA_OF_EIGHT_8(p)                                                                       \
  (((p[0][0] + p[0][4]) + (p[0][2] + p[0][6])) + ((p[0][1] + p[0][5]) + (p[0][3] + p[0][7])))
#define RIATA_OF_EIGHT_4(p)                                                                       \
  ({                                                                                              \
    riata_double4 q = p[0] + p[1];                                                                \
    (q[0] + q[2]) + (q[1] + q[3]);                                                                \
  })
#define RIATA_OF_EIGHT_2(p)                                                                       \
  ({                                                                                              \
    riata_double2 q = (p[0] + p[2]) + (p[1] + p[3]);                                              \
    q[0] + q[1];                                                                                  \
  })

/* x_k -= sum_c g[8 k + c] y_c, k < count */
#define RIATA_BACKWARD(CLONE, TARGET, WIDTH, NAME)                                                \
  TARGET static void NAME##_##CLONE(const double *g, const double *y, ptrdiff_t count,            \
                                    double *x) {                                                  \
    enum { ACROSS = RIATA_GROUP / WIDTH };                                                        \
    riata_double##WIDTH right[ACROSS], p[ACROSS];                                                 \
    for (int c = 0; c < ACROSS; c++) right[c] = RIATA_LOAD_double(WIDTH, y + WIDTH * c);          \
    for (ptrdiff_t k = 0; k < count; k++) {                                                       \
      for (int c = 0; c < ACROSS; c++)                                                            \
        p[c] = RIATA_LOAD_double(WIDTH, g + RIATA_GROUP * k + WIDTH * c) * right[c];              \
      x[k] -= RIATA_OF_EIGHT_##WIDTH(p);                                                          \
    }                                                                                             \
  }

RIATA_EACH(RIATA_BACKWARD, riata_group_backward)
RIATA_CHOOSE(void, riata_group_backward,
             (const double *g, const double *y, ptrdiff_t count, double *x), (g, y, count, x))

/* The same of four groups at once, a sum over 32 products taken as late as it can be:
 * x_k -= sum_a sum_c g_a[8 k + c] y_{8 a + c} */
#define RIATA_FOUR_BACKWARD(CLONE, TARGET, WIDTH, NAME)                                           \
  TARGET static void NAME##_##CLONE(const double *const *g, const double *y, ptrdiff_t count,     \
                                    double *x) {                                                  \
    enum { ACROSS = RIATA_GROUP / WIDTH };                                                        \
    riata_double##WIDTH right[4][ACROSS], p[ACROSS];                                              \
    const double *a = g[0], *b = g[1], *c = g[2], *d = g[3];                                      \
    for (int m = 0; m < 4; m++)                                                                   \
      for (int e = 0; e < ACROSS; e++)                                                            \
        right[m][e] = RIATA_LOAD_double(WIDTH, y + RIATA_GROUP * m + WIDTH * e);                  \
    for (ptrdiff_t k = 0; k < RIATA_GROUP * count; k += RIATA_GROUP) {                            \
      _Pragma("GCC unroll 4") for (int e = 0; e < ACROSS; e++) {                                  \
        ptrdiff_t at = k + WIDTH * e;                                                             \
        p[e] = RIATA_LOAD_double(WIDTH, a + at) * right[0][e] +                                   \
               RIATA_LOAD_double(WIDTH, b + at) * right[1][e];                                    \
        p[e] += RIATA_LOAD_double(WIDTH, c + at) * right[2][e] +                                  \
                RIATA_LOAD_double(WIDTH, d + at) * right[3][e];                                   \
      }                                                                                           \
      x[k / RIATA_GROUP] -= RIATA_OF_EIGHT_##WIDTH(p);                                            \
    }                                                                                             \
  }

RIATA_EACH(RIATA_FOUR_BACKWARD, riata_four_backward)
RIATA_CHOOSE(void, riata_four_backward,
             (const double *const *g, const double *y, ptrdiff_t count, double *x),
             (g, y, count, x))

/* b = (b - t) D'^-1 on rows `keep` to 7: eight rows of a right-hand side, b[8 c + r] and
 * t[8 c + r], against the triangle D, d[8 e + c] = D[c][e], of `width` <= 8 columns. */
RIATA_BODY void riata_group_solve_body(const double *d, const double *t, int width, int keep,
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
RIATA_CLONED(void, riata_group_solve,
             (const double *d, const double *t, int width, int keep, double *b),
             (d, t, width, keep, b))

/* Rotate `count` columns of a group into the columns v[8 a + c], a < width:
 *
 *     (g_k, v_a) = (c g_k + s v_a, c v_a - s g_k)      (c, s) = turn[2 (k stride + a)], + 1 */
#define RIATA_ROTATE(CLONE, TARGET, WIDTH, NAME)                                                  \
  TARGET static void NAME##_##CLONE(double *g, ptrdiff_t count, const double *turn,               \
                                    ptrdiff_t stride, int width, double *v) {                     \
    enum { ACROSS = RIATA_GROUP / WIDTH };                                                        \
    for (ptrdiff_t k = 0; k < count; k++) {                                                       \
      const double *pair = turn + 2 * k * stride;                                                 \
      riata_double##WIDTH *column = (riata_double##WIDTH *)(g + RIATA_GROUP * k), x[ACROSS];      \
      for (int e = 0; e < ACROSS; e++) x[e] = column[e];                                          \
      for (int a = 0; a < width; a++) {                                                           \
        riata_double##WIDTH *other = (riata_double##WIDTH *)(v + RIATA_GROUP * a);                \
        double c = pair[2 * a], s = pair[2 * a + 1];                                              \
        _Pragma("GCC unroll 4") for (int e = 0; e < ACROSS; e++) {                                \
          riata_double##WIDTH y = other[e];                                                       \
          other[e] = c * y - s * x[e];                                                            \
          x[e] = c * x[e] + s * y;                                                                \
        }                                                                                         \
      }                                                                                           \
      for (int e = 0; e < ACROSS; e++) column[e] = x[e];                                          \
    }                                                                                             \
  }

RIATA_EACH(RIATA_ROTATE, riata_group_rotate)
RIATA_CHOOSE(void, riata_group_rotate,
             (double *g, ptrdiff_t count, const double *turn, ptrdiff_t stride, int width,
              double *v),
             (g, count, turn, stride, width, v))

/* g[8 k + c] = rows_c[8 (first + k)], k < count, c < 8; a column may become one before it */
static inline void riata_group_take(const double *const *rows, ptrdiff_t first, ptrdiff_t count,
                                    double *g) {
  const double *from[RIATA_GROUP];
  for (int c = 0; c < RIATA_GROUP; c++) from[c] = rows[c] + RIATA_GROUP * first;
  for (ptrdiff_t k = 0; k < RIATA_GROUP * count; k += RIATA_GROUP) {
    double column[RIATA_GROUP];
    _Pragma("GCC unroll 8") for (int c = 0; c < RIATA_GROUP; c++) column[c] = from[c][k];
    _Pragma("GCC unroll 8") for (int c = 0; c < RIATA_GROUP; c++) g[k + c] = column[c];
  }
}

#endif
