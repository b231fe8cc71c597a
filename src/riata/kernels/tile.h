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
      memset(acc, 0, sizeof acc);                                                                 \
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

/* panel[g][8 k + c] = (x[k row + columns[8 g + c] column] - column_mean - row_mean[k]) scale[k],
 * zero behind the last column; groups `stride` doubles apart. The loops go along memory: down the
 * columns of a group where column > row, along the rows through all groups elsewhere. column_mean,
 * row_mean and scale may be NULL (0, 0 and 1). */
#define RIATA_PACK(NAME, T)                                                                       \
  RIATA_CLONES static void NAME(const T *x, ptrdiff_t row, ptrdiff_t column,                      \
                                const ptrdiff_t *columns, ptrdiff_t count,                        \
                                const double *column_mean, const double *row_mean,                \
                                const double *scale, ptrdiff_t rows, double *panel,               \
                                ptrdiff_t stride) {                                               \
    ptrdiff_t whole = count / RIATA_GROUP * RIATA_GROUP;                                          \
    if (whole < count) memset(panel + whole / RIATA_GROUP * stride, 0,                            \
                              (size_t)(rows * RIATA_GROUP) * sizeof(double));                     \
    if (row == 1) {                                                                               \
      for (ptrdiff_t j = 0; j < whole; j += RIATA_GROUP) {                                        \
        double *group = panel + j / RIATA_GROUP * stride;                                         \
        const T *start[RIATA_GROUP];                                                              \
        double mean[RIATA_GROUP];                                                                 \
        for (int c = 0; c < RIATA_GROUP; c++) {                                                   \
          start[c] = x + columns[j + c] * column;                                                 \
          mean[c] = column_mean ? column_mean[columns[j + c]] : 0.0;                              \
        }                                                                                         \
        for (ptrdiff_t k = 0; k < rows; k++) {                                                    \
          double s = scale ? scale[k] : 1.0, m = row_mean ? row_mean[k] : 0.0;                    \
          for (int c = 0; c < RIATA_GROUP; c++)                                                   \
            group[RIATA_GROUP * k + c] = ((double)start[c][k] - mean[c] - m) * s;                 \
        }                                                                                         \
      }                                                                                           \
    } else {                                                                                      \
      whole = 0;                                                                                  \
    }                                                                                             \
    for (ptrdiff_t k = 0; k < rows; k++) {                                                        \
      double s = scale ? scale[k] : 1.0, m = row_mean ? row_mean[k] : 0.0;                        \
      const T *from = x + k * row;                                                                \
      for (ptrdiff_t j = whole; j < count; j += RIATA_GROUP) {                                    \
        double *to = panel + j / RIATA_GROUP * stride + RIATA_GROUP * k;                          \
        const ptrdiff_t *which = columns + j;                                                     \
        int width = count - j < RIATA_GROUP ? (int)(count - j) : RIATA_GROUP;                     \
        for (int c = 0; c < width; c++) {                                                         \
          double mean = column_mean ? column_mean[which[c]] : 0.0;                                \
          to[c] = ((double)from[which[c] * column] - mean - m) * s;                               \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

RIATA_PACK(riata_pack_f64, double)
RIATA_PACK(riata_pack_f32, float)

#endif
