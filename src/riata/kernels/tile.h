/* The inner block of a Gram matrix: columns in packed groups of eight.
 *
 * A group holds K rows of 8 columns, row by row: g[8 k + c]. With a one group and b NJ groups,
 * `stride` doubles apart,
 *
 *     c[i][8 j + l] += sum_k a[8 k + i] b_j[8 k + l]      i < 8, j < NJ, l < 8
 *
 * c has `ldc` doubles per row. One clone per vector width; which one runs is decided once, by the
 * CPU, so the bits are the same on one machine whatever the threads (fused multiply-adds where the
 * CPU has them). */
#ifndef RIATA_TILE_H
#define RIATA_TILE_H
#include "simd.h"
#include <stddef.h>
#include <string.h>

#define RIATA_GROUP 8

#if defined(__GNUC__)
typedef double riata_vec __attribute__((vector_size(64), aligned(8), may_alias));

#define RIATA_TILE(NAME, TARGET, NI, NJ)                                                          \
  TARGET static void NAME(const double *a, const double *b, ptrdiff_t stride, ptrdiff_t rows,     \
                          double *c, ptrdiff_t ldc) {                                             \
    for (int half = 0; half < RIATA_GROUP; half += NI) {                                          \
      riata_vec acc[NI][NJ];                                                                      \
      for (int i = 0; i < NI; i++)                                                                \
        for (int j = 0; j < NJ; j++) acc[i][j] = (riata_vec){0.0};                                \
      for (ptrdiff_t k = 0; k < rows; k++) {                                                      \
        riata_vec y[NJ];                                                                          \
        _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++)                                      \
            y[j] = *(const riata_vec *)(b + j * stride + RIATA_GROUP * k);                        \
        _Pragma("GCC unroll 8") for (int i = 0; i < NI; i++)                                      \
            _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++)                                  \
                acc[i][j] += a[RIATA_GROUP * k + half + i] * y[j];                                \
      }                                                                                           \
      for (int i = 0; i < NI; i++)                                                                \
        for (int j = 0; j < NJ; j++)                                                              \
          *(riata_vec *)(c + (half + i) * ldc + RIATA_GROUP * j) += acc[i][j];                    \
    }                                                                                             \
  }
#else
#error "riata needs a compiler with GNU vector extensions (gcc or clang)"
#endif

typedef void (*riata_tile_fn)(const double *, const double *, ptrdiff_t, ptrdiff_t, double *,
                              ptrdiff_t);
typedef struct {
  riata_tile_fn wide, narrow; /* `width` groups of b at once, and one */
  int width;
} riata_tile;

RIATA_TILE(riata_tile_base, , 2, 1)
#if defined(__x86_64__)
RIATA_TILE(riata_tile_avx2, __attribute__((target("avx2,fma"))), 4, 1)
RIATA_TILE(riata_tile_avx512, __attribute__((target("avx512f,fma"))), 8, 3)
RIATA_TILE(riata_tile_avx512_1, __attribute__((target("avx512f,fma"))), 8, 1)
#endif

static riata_tile riata_choose_tile(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f"))
    return (riata_tile){riata_tile_avx512, riata_tile_avx512_1, 3};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return (riata_tile){riata_tile_avx2, riata_tile_avx2, 1};
#endif
  return (riata_tile){riata_tile_base, riata_tile_base, 1};
}

#if defined(__clang__)
#define RIATA_PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef long long riata_places __attribute__((vector_size(64)));
#define RIATA_PICK(a, b, ...) __builtin_shuffle(a, b, (riata_places){__VA_ARGS__})
#endif

/* to[i][c] = v[c][i]: halves of pairs, then pairs, then fours change places */
static inline __attribute__((always_inline)) void riata_transpose(const riata_vec *v,
                                                                  double *const *to) {
  riata_vec a[RIATA_GROUP], b[RIATA_GROUP];
  for (int c = 0; c < RIATA_GROUP; c += 2) {
    a[c] = RIATA_PICK(v[c], v[c + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    a[c + 1] = RIATA_PICK(v[c], v[c + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int c = 0; c < RIATA_GROUP; c += 4)
    for (int i = 0; i < 2; i++) {
      b[c + i] = RIATA_PICK(a[c + i], a[c + i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      b[c + i + 2] = RIATA_PICK(a[c + i], a[c + i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; i++) {
    *(riata_vec *)to[i] = RIATA_PICK(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *(riata_vec *)to[i + 4] = RIATA_PICK(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/* panel[g][8 to[k] + c] = (x[k row + columns[8 g + c] column] - mean[8 g + c] - row_mean[k])
 * scale[k], zero behind the last column; groups `stride` doubles apart. The loops go along memory:
 * down the columns of a group where column > row, along the rows through all groups elsewhere. to
 * may be NULL (0, 1, 2, ...), columns where column == 1 (the same), row_mean and scale (0 and 1). */
#define RIATA_PACK(NAME, T)                                                                       \
  RIATA_CLONES static void NAME(const T *x, ptrdiff_t row, ptrdiff_t column,                      \
                                const ptrdiff_t *columns, ptrdiff_t count, const double *mean,    \
                                const double *row_mean, const double *scale, ptrdiff_t rows,      \
                                double *panel, ptrdiff_t stride, const ptrdiff_t *to) {           \
    typedef T raw                                                                                 \
        __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T)), may_alias));               \
    ptrdiff_t whole = count / RIATA_GROUP * RIATA_GROUP;                                          \
    if (whole < count) memset(panel + whole / RIATA_GROUP * stride, 0,                            \
                              (size_t)(rows * RIATA_GROUP) * sizeof(double));                     \
    if (columns == NULL) {                                                                        \
      for (ptrdiff_t k = 0; k < rows; k++) {                                                      \
        double s = scale ? scale[k] : 1.0, m = row_mean ? row_mean[k] : 0.0;                      \
        const T *from = x + k * row;                                                              \
        double *line = panel + RIATA_GROUP * (to ? to[k] : k);                                    \
        ptrdiff_t j = 0;                                                                          \
        for (; j < whole; j += RIATA_GROUP, line += stride)                                       \
          for (int c = 0; c < RIATA_GROUP; c++)                                                   \
            line[c] = ((double)from[j + c] - mean[j + c] - m) * s;                                \
        for (; j < count; j++) line[j - whole] = ((double)from[j] - mean[j] - m) * s;             \
      }                                                                                           \
      return;                                                                                     \
    }                                                                                             \
    for (ptrdiff_t j = 0; row == 1 && j < whole; j += RIATA_GROUP) {                              \
      double *group = panel + j / RIATA_GROUP * stride;                                           \
      const T *start[RIATA_GROUP];                                                                \
      for (int c = 0; c < RIATA_GROUP; c++) start[c] = x + columns[j + c] * column;               \
      ptrdiff_t k = 0;                                                                            \
      for (; k + RIATA_GROUP <= rows; k += RIATA_GROUP) {                                         \
        riata_vec s = {0.0}, m = {0.0}, v[RIATA_GROUP];                                           \
        double *lines[RIATA_GROUP];                                                               \
        if (scale) s = *(const riata_vec *)(scale + k);                                           \
        if (row_mean) m = *(const riata_vec *)(row_mean + k);                                     \
        for (int c = 0; c < RIATA_GROUP; c++) {                                                   \
          v[c] = __builtin_convertvector(*(const raw *)(start[c] + k), riata_vec) - mean[j + c];  \
          if (row_mean) v[c] -= m;                                                                \
          if (scale) v[c] *= s;                                                                   \
          lines[c] = group + RIATA_GROUP * (to ? to[k + c] : k + c);                              \
          __builtin_prefetch(start[c] + k + rows); /* eight streams are more than CPUs follow */  \
        }                                                                                         \
        riata_transpose(v, lines);                                                                \
      }                                                                                           \
      for (; k < rows; k++) {                                                                     \
        double s = scale ? scale[k] : 1.0, m = row_mean ? row_mean[k] : 0.0;                      \
        double *line = group + RIATA_GROUP * (to ? to[k] : k);                                    \
        for (int c = 0; c < RIATA_GROUP; c++)                                                     \
          line[c] = ((double)start[c][k] - mean[j + c] - m) * s;                                  \
      }                                                                                           \
    }                                                                                             \
    for (ptrdiff_t k = 0; k < rows; k++) {                                                        \
      double s = scale ? scale[k] : 1.0, m = row_mean ? row_mean[k] : 0.0;                        \
      const T *from = x + k * row;                                                                \
      for (ptrdiff_t j = row == 1 ? whole : 0; j < count; j += RIATA_GROUP) {                     \
        double *line = panel + j / RIATA_GROUP * stride + RIATA_GROUP * (to ? to[k] : k);         \
        int width = count - j < RIATA_GROUP ? (int)(count - j) : RIATA_GROUP;                     \
        for (int c = 0; c < width; c++)                                                           \
          line[c] = ((double)from[columns[j + c] * column] - mean[j + c] - m) * s;                \
      }                                                                                           \
    }                                                                                             \
  }

RIATA_PACK(riata_pack_f64, double)
RIATA_PACK(riata_pack_f32, float)

/* sums[8 g + c] += sum_k v[k] panel[g][8 k + c] */
RIATA_CLONES static void riata_panel_sums(const double *panel, ptrdiff_t groups, ptrdiff_t stride,
                                          ptrdiff_t rows, const double *v, double *sums) {
  for (ptrdiff_t g = 0; g < groups; g++) {
    const double *from = panel + g * stride;
    double acc[4][RIATA_GROUP] = {{0.0}};
    ptrdiff_t k = 0;
    for (; k + 4 <= rows; k += 4)
      for (int a = 0; a < 4; a++)
        for (int c = 0; c < RIATA_GROUP; c++)
          acc[a][c] += v[k + a] * from[RIATA_GROUP * (k + a) + c];
    for (; k < rows; k++)
      for (int c = 0; c < RIATA_GROUP; c++) acc[0][c] += v[k] * from[RIATA_GROUP * k + c];
    for (int c = 0; c < RIATA_GROUP; c++)
      sums[RIATA_GROUP * g + c] += (acc[0][c] + acc[1][c]) + (acc[2][c] + acc[3][c]);
  }
}

#endif
