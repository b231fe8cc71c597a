/* The inner block of a Gram matrix: columns in packed groups of eight.
 *
 * A group holds K rows of 8 columns, row by row: g[8 k + c]. With a one group and b NJ groups,
 * `stride` doubles apart,
 *
 *     c[i][8 j + l] += sum_k a[8 k + i] b_j[8 k + l]      i < 8, j < NJ, l < 8
 *
 * c has `ldc` doubles per row. Which clone runs is the CPU's choice alone, so the bits are the same on
 * one machine whatever the threads (fused multiply-adds where the CPU has them). */
#ifndef RIATA_TILE_H
#define RIATA_TILE_H
#include "simd.h"
#include <stddef.h>
#include <string.h>

#define RIATA_GROUP 8

/* NI rows and NV vectors of a tile of NJ groups at a time, as many as there are registers for */
#define RIATA_TILE(NAME, TARGET, T, WIDTH, NI, NV, NJ)                                            \
  TARGET static void NAME(const T *a, const T *b, ptrdiff_t stride, ptrdiff_t rows, double *c,    \
                          ptrdiff_t ldc) {                                                        \
    typedef riata_##T##WIDTH vec;                                                                 \
    for (int left = 0; left < RIATA_GROUP * NJ; left += WIDTH * NV)                               \
      for (int top = 0; top < RIATA_GROUP; top += NI) {                                           \
        vec acc[NI][NV];                                                                          \
        const T *from[NV];                                                                        \
        for (int v = 0; v < NV; v++) {                                                            \
          int at = left + WIDTH * v;                                                              \
          from[v] = b + at / RIATA_GROUP * stride + at % RIATA_GROUP;                             \
        }                                                                                         \
        for (int i = 0; i < NI; i++)                                                              \
          for (int v = 0; v < NV; v++) acc[i][v] = (vec){0};                                      \
        for (ptrdiff_t k = 0; k < rows; k++) {                                                    \
          vec y[NV];                                                                              \
          _Pragma("GCC unroll 8") for (int v = 0; v < NV; v++)                                    \
              y[v] = *(const vec *)(from[v] + RIATA_GROUP * k);                                   \
          _Pragma("GCC unroll 8") for (int i = 0; i < NI; i++)                                    \
              _Pragma("GCC unroll 8") for (int v = 0; v < NV; v++)                                \
                  acc[i][v] += a[RIATA_GROUP * k + top + i] * y[v];                               \
        }                                                                                         \
        for (int i = 0; i < NI; i++)                                                              \
          for (int v = 0; v < NV; v++)                                                            \
            RIATA_ADD_##T(WIDTH, c + (top + i) * ldc + left + WIDTH * v, acc[i][v])               \
      }                                                                                           \
  }
#define RIATA_ADD_double(WIDTH, c, acc) *(riata_double##WIDTH *)(c) += (acc);
#define RIATA_ADD_float(WIDTH, c, acc)                                                            \
  {                                                                                               \
    float sums[WIDTH];                                                                            \
    memcpy(sums, &(acc), sizeof sums);                                                            \
    _Pragma("GCC unroll 8") for (int l = 0; l < WIDTH; l += 4)                                    \
        *(riata_double4 *)((c) + l) += RIATA_LOAD_float(4, sums + l);                             \
  }

typedef void (*riata_tile_fn)(const double *, const double *, ptrdiff_t, ptrdiff_t, double *,
                              ptrdiff_t);
typedef void (*riata_single_fn)(const float *, const float *, ptrdiff_t, ptrdiff_t, double *,
                                ptrdiff_t);
typedef struct {
  riata_tile_fn wide, narrow; /* `width` groups of b at once, and one */
  riata_single_fn wide_single, narrow_single;
  int width;
} riata_tile;

#define RIATA_TILES(CLONE, TARGET, WIDTH, NI, NV, NV_OF_ONE, SINGLE, NI_SINGLE, NJ)               \
  RIATA_TILE(riata_tile_##CLONE, TARGET, double, WIDTH, NI, NV, NJ)                               \
  RIATA_TILE(riata_tile_##CLONE##_1, TARGET, double, WIDTH, NI, NV_OF_ONE, 1)                     \
  RIATA_TILE(riata_single_##CLONE, TARGET, float, SINGLE, NI_SINGLE, NJ * (8 / SINGLE), NJ)       \
  RIATA_TILE(riata_single_##CLONE##_1, TARGET, float, SINGLE, NI, 8 / SINGLE, 1)                  \
  static riata_tile riata_tiles_##CLONE(void) {                                                   \
    return (riata_tile){riata_tile_##CLONE, riata_tile_##CLONE##_1, riata_single_##CLONE,         \
                        riata_single_##CLONE##_1, NJ};                                            \
  }

RIATA_TILES(base, , 2, 2, 4, 4, 4, 4, 1)
#if defined(__x86_64__)
RIATA_TILES(avx2, RIATA_AVX2, 4, 4, 3, 2, 8, 4, 3)
RIATA_TILES(avx512, RIATA_AVX512, 8, 8, 3, 1, 8, 8, 3)
#endif

static riata_tile riata_choose_tile(void) { return RIATA_BEST(riata_tiles)(); }

/* to[i][c] = v[c][i] of WIDTH vectors: halves of pairs, then pairs, then fours change places */
#define RIATA_TRANSPOSE_2(v, to)                                                                  \
  {                                                                                               \
    *(riata_double2 *)(to)[0] = RIATA_PICK(2, v[0], v[1], 0, 2);                                  \
    *(riata_double2 *)(to)[1] = RIATA_PICK(2, v[0], v[1], 1, 3);                                  \
  }
#define RIATA_TRANSPOSE_4(v, to)                                                                  \
  {                                                                                               \
    riata_double4 a[4];                                                                           \
    for (int c = 0; c < 4; c += 2) {                                                              \
      a[c] = RIATA_PICK(4, v[c], v[c + 1], 0, 4, 2, 6);                                           \
      a[c + 1] = RIATA_PICK(4, v[c], v[c + 1], 1, 5, 3, 7);                                       \
    }                                                                                             \
    for (int i = 0; i < 2; i++) {                                                                 \
      *(riata_double4 *)(to)[i] = RIATA_PICK(4, a[i], a[i + 2], 0, 1, 4, 5);                      \
      *(riata_double4 *)(to)[i + 2] = RIATA_PICK(4, a[i], a[i + 2], 2, 3, 6, 7);                  \
    }                                                                                             \
  }
#define RIATA_TRANSPOSE_8(v, to)                                                                  \
  {                                                                                               \
    riata_double8 a[8], b[8];                                                                     \
    for (int c = 0; c < 8; c += 2) {                                                              \
      a[c] = RIATA_PICK(8, v[c], v[c + 1], 0, 8, 2, 10, 4, 12, 6, 14);                            \
      a[c + 1] = RIATA_PICK(8, v[c], v[c + 1], 1, 9, 3, 11, 5, 13, 7, 15);                        \
    }                                                                                             \
    for (int c = 0; c < 8; c += 4)                                                                \
      for (int i = 0; i < 2; i++) {                                                               \
        b[c + i] = RIATA_PICK(8, a[c + i], a[c + i + 2], 0, 1, 8, 9, 4, 5, 12, 13);               \
        b[c + i + 2] = RIATA_PICK(8, a[c + i], a[c + i + 2], 2, 3, 10, 11, 6, 7, 14, 15);         \
      }                                                                                           \
    for (int i = 0; i < 4; i++) {                                                                 \
      *(riata_double8 *)(to)[i] = RIATA_PICK(8, b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);        \
      *(riata_double8 *)(to)[i + 4] = RIATA_PICK(8, b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);  \
    }                                                                                             \
  }

/* panel[g][8 to[k] + c] = (x[k row + columns[8 g + c] column] - mean[8 g + c] - row_mean[k])
 * scale[k], zero behind the last column; groups `stride` doubles apart. The loops go along memory:
 * down the columns of a group where column > row, along the rows through all groups elsewhere. to
 * may be NULL (0, 1, 2, ...), columns where column == 1 (the same), row_mean and scale (0 and 1). */
#define RIATA_PACK(CLONE, TARGET, WIDTH, NAME, T)                                                 \
  TARGET static void NAME##_##CLONE(                                                              \
      const T *x, ptrdiff_t row, ptrdiff_t column, const ptrdiff_t *columns, ptrdiff_t count,     \
      const double *mean, const double *row_mean, const double *scale, ptrdiff_t rows,            \
      double *panel, ptrdiff_t stride, const ptrdiff_t *to) {                                     \
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
      for (; k + WIDTH <= rows; k += WIDTH) {                                                     \
        riata_double##WIDTH s = {0.0}, m = {0.0}, v[WIDTH];                                       \
        double *lines[WIDTH];                                                                     \
        if (scale) s = RIATA_LOAD_double(WIDTH, scale + k);                                       \
        if (row_mean) m = RIATA_LOAD_double(WIDTH, row_mean + k);                                 \
        for (int r = 0; r < WIDTH; r++) lines[r] = group + RIATA_GROUP * (to ? to[k + r] : k + r);\
        for (int left = 0; left < RIATA_GROUP; left += WIDTH) {                                   \
          _Pragma("GCC unroll 8") for (int c = 0; c < WIDTH; c++) {                               \
            const T *from = start[left + c] + k;                                                  \
            v[c] = RIATA_LOAD_##T(WIDTH, from) - mean[j + left + c];                              \
            if (row_mean) v[c] -= m;                                                              \
            if (scale) v[c] *= s;                                                                 \
            __builtin_prefetch(from + rows); /* eight streams are more than CPUs follow */        \
          }                                                                                       \
          RIATA_TRANSPOSE_##WIDTH(v, lines)                                                       \
          for (int r = 0; r < WIDTH; r++) lines[r] += WIDTH;                                      \
        }                                                                                         \
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

#define RIATA_PACKS(NAME, T)                                                                      \
  RIATA_EACH(RIATA_PACK, NAME, T)                                                                 \
  RIATA_CHOOSE(void, NAME,                                                                        \
               (const T *x, ptrdiff_t row, ptrdiff_t column, const ptrdiff_t *columns,            \
                ptrdiff_t count, const double *mean, const double *row_mean, const double *scale, \
                ptrdiff_t rows, double *panel, ptrdiff_t stride, const ptrdiff_t *to),            \
               (x, row, column, columns, count, mean, row_mean, scale, rows, panel, stride, to))
RIATA_PACKS(riata_pack_f64, double)
RIATA_PACKS(riata_pack_f32, float)

/* sums[8 g + c] += sum_k v[k] panel[g][8 k + c] */
#define RIATA_PANEL_SUMS(CLONE, TARGET, WIDTH, NAME)                                              \
  TARGET static void NAME##_##CLONE(const double *panel, ptrdiff_t groups, ptrdiff_t stride,      \
                                    ptrdiff_t rows, const double *v, double *sums) {              \
    enum { ACROSS = RIATA_GROUP / WIDTH };                                                        \
    for (ptrdiff_t g = 0; g < groups; g++) {                                                      \
      const double *from = panel + g * stride;                                                    \
      riata_double##WIDTH acc[4][ACROSS] = {{{0.0}}}, *to = (riata_double##WIDTH *)(sums + 8 * g);\
      ptrdiff_t k = 0;                                                                            \
      for (; k + 4 <= rows; k += 4)                                                               \
        _Pragma("GCC unroll 4") for (int a = 0; a < 4; a++)                                       \
            _Pragma("GCC unroll 4") for (int c = 0; c < ACROSS; c++) acc[a][c] +=                 \
            v[k + a] * RIATA_LOAD_double(WIDTH, from + RIATA_GROUP * (k + a) + WIDTH * c);        \
      for (; k < rows; k++)                                                                       \
        for (int c = 0; c < ACROSS; c++)                                                          \
          acc[0][c] += v[k] * RIATA_LOAD_double(WIDTH, from + RIATA_GROUP * k + WIDTH * c);       \
      for (int c = 0; c < ACROSS; c++)                                                            \
        to[c] += (acc[0][c] + acc[1][c]) + (acc[2][c] + acc[3][c]);                               \
    }                                                                                             \
  }

RIATA_EACH(RIATA_PANEL_SUMS, riata_panel_sums)
RIATA_CHOOSE(void, riata_panel_sums,
             (const double *panel, ptrdiff_t groups, ptrdiff_t stride, ptrdiff_t rows,
              const double *v, double *sums),
             (panel, groups, stride, rows, v, sums))

/* The rows of packed groups in single precision, where they are: a float takes half the room, and
 * `stride` floats is then half as far. */
static void riata_round_panel(double *panel, ptrdiff_t groups, ptrdiff_t stride, ptrdiff_t rows) {
  for (ptrdiff_t g = 0; g < groups; g++) {
    const double *from = panel + g * stride;
    float *to = (float *)from;
    for (ptrdiff_t i = 0; i < RIATA_GROUP * rows; i += RIATA_GROUP) {
      float line[RIATA_GROUP];
      for (int c = 0; c < RIATA_GROUP; c++) line[c] = (float)from[i + c];
      memcpy(to + i, line, sizeof line);
    }
  }
}

#endif
