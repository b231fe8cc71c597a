/* Inner products of several vectors with several columns where both lie along memory: nothing is
 * packed, and a column is read once for all vectors.
 *
 *     c[i * ldc + j] = sum_k u_i[k] (x_j[k] - shift_j)      i < NI, j < NJ, k < rows
 *
 * Each sum has its own WIDTH accumulators, added in a fixed tree: its bits depend on nothing but
 * its own two columns. One clone per vector width; which one runs is decided once, by the CPU. */
#ifndef RIATA_DOTS_H
#define RIATA_DOTS_H
#include "simd.h"
#include <stddef.h>
#include <string.h>

#define RIATA_DOTS_MOST 4 /* of NI and NJ */

/* sums[0:4] of four accumulators, each added in the order of a tree of halves, as numbers would be */
#define RIATA_FOUR_SUMS_2(a, sums)                                                                \
  for (int h = 0; h < 4; h += 2)                                                                  \
    *(riata_double2 *)((sums) + h) = RIATA_PICK(2, (a)[h], (a)[h + 1], 0, 2) +                    \
                                     RIATA_PICK(2, (a)[h], (a)[h + 1], 1, 3);
#define RIATA_FOUR_SUMS_4(a, sums)                                                                \
  {                                                                                               \
    riata_double4 b[2];                                                                           \
    for (int h = 0; h < 2; h++)                                                                   \
      b[h] = RIATA_PICK(4, (a)[2 * h], (a)[2 * h + 1], 0, 1, 4, 5) +                              \
             RIATA_PICK(4, (a)[2 * h], (a)[2 * h + 1], 2, 3, 6, 7);                               \
    *(riata_double4 *)(sums) =                                                                    \
        RIATA_PICK(4, b[0], b[1], 0, 2, 4, 6) + RIATA_PICK(4, b[0], b[1], 1, 3, 5, 7);            \
  }
#define RIATA_FOUR_SUMS_8(a, sums)                                                                \
  {                                                                                               \
    riata_double8 b[2], c, d;                                                                     \
    for (int h = 0; h < 2; h++)                                                                   \
      b[h] = RIATA_PICK(8, (a)[2 * h], (a)[2 * h + 1], 0, 1, 2, 3, 8, 9, 10, 11) +                \
             RIATA_PICK(8, (a)[2 * h], (a)[2 * h + 1], 4, 5, 6, 7, 12, 13, 14, 15);               \
    c = RIATA_PICK(8, b[0], b[1], 0, 1, 4, 5, 8, 9, 12, 13) +                                     \
        RIATA_PICK(8, b[0], b[1], 2, 3, 6, 7, 10, 11, 14, 15);                                    \
    d = RIATA_PICK(8, c, c, 0, 2, 4, 6, 0, 2, 4, 6) + RIATA_PICK(8, c, c, 1, 3, 5, 7, 1, 3, 5, 7);\
    memcpy((sums), &d, 4 * sizeof(double));                                                       \
  }

/* next : NJ columns to ask the cache for on the way, or NULL. NI NJ is a multiple of four. */
#define RIATA_DOTS(NAME, T, TARGET, WIDTH, NI, NJ)                                                \
  TARGET static void NAME(const double *const *u, const T *const *x, const double *shift,         \
                          const T *const *next, ptrdiff_t rows, double *c, ptrdiff_t ldc) {       \
    typedef riata_double##WIDTH vec;                                                              \
    vec acc[NI * NJ];                                                                             \
    double sums[NI * NJ];                                                                         \
    _Pragma("GCC unroll 32") for (int i = 0; i < NI * NJ; i++) acc[i] = (vec){0.0};               \
    ptrdiff_t k = 0;                                                                              \
    for (; k + WIDTH <= rows; k += WIDTH) {                                                       \
      vec y[NJ];                                                                                  \
      _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) {                                      \
        y[j] = RIATA_LOAD_##T(WIDTH, x[j] + k) - shift[j];                                        \
        if (next != NULL) __builtin_prefetch(next[j] + k);                                        \
      }                                                                                           \
      _Pragma("GCC unroll 8") for (int i = 0; i < NI; i++) {                                      \
        vec v = RIATA_LOAD_double(WIDTH, u[i] + k);                                               \
        _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) acc[i * NJ + j] += v * y[j];         \
      }                                                                                           \
    }                                                                                             \
    if (k < rows) { /* what is left, and zeros behind it */                                       \
      vec y[NJ];                                                                                  \
      _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) {                                      \
        T left[WIDTH] = {0};                                                                      \
        memcpy(left, x[j] + k, (size_t)(rows - k) * sizeof(T));                                   \
        y[j] = RIATA_LOAD_##T(WIDTH, left) - shift[j];                                            \
      }                                                                                           \
      _Pragma("GCC unroll 8") for (int i = 0; i < NI; i++) {                                      \
        double left[WIDTH] = {0.0};                                                               \
        memcpy(left, u[i] + k, (size_t)(rows - k) * sizeof(double));                              \
        vec v = RIATA_LOAD_double(WIDTH, left);                                                   \
        _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) acc[i * NJ + j] += v * y[j];         \
      }                                                                                           \
    }                                                                                             \
    _Pragma("GCC unroll 8") for (int i = 0; i < NI * NJ; i += 4)                                  \
        RIATA_FOUR_SUMS_##WIDTH(acc + i, sums + i)                                                \
    for (int i = 0; i < NI; i++)                                                                  \
      for (int j = 0; j < NJ; j++) c[i * ldc + j] = sums[i * NJ + j];                             \
  }

/* out_i[k] += sum_j d[i * MOST + j] (x_j[k] - shift_j)      i < NI, j < NJ, k < rows
 *
 * next : as above. All that the outputs might overlap is copied first, or it would be read again for
 * every row. */
#define RIATA_IMAGES(NAME, T, TARGET, WIDTH, NI, NJ)                                              \
  TARGET static void NAME(const double *d, const T *const *x, const double *shift,                \
                          const T *const *next, ptrdiff_t rows, double *const *out) {             \
    typedef riata_double##WIDTH vec;                                                              \
    ptrdiff_t k = 0;                                                                              \
    double *to[NI], e[NI][NJ];                                                                    \
    const T *from[NJ], *after[NJ];                                                                \
    vec less[NJ];                                                                                 \
    for (int i = 0; i < NI; i++) to[i] = out[i];                                                  \
    for (int j = 0; j < NJ; j++) from[j] = x[j], less[j] = (vec){0.0} + shift[j];                 \
    for (int j = 0; j < NJ; j++) after[j] = next != NULL ? next[j] : x[j];                        \
    for (int i = 0; i < NI; i++)                                                                  \
      for (int j = 0; j < NJ; j++) e[i][j] = d[i * RIATA_DOTS_MOST + j];                          \
    for (; k + WIDTH <= rows; k += WIDTH) {                                                       \
      vec y[NJ];                                                                                  \
      _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) {                                      \
        y[j] = RIATA_LOAD_##T(WIDTH, from[j] + k) - less[j];                                      \
        __builtin_prefetch(after[j] + k);                                                         \
      }                                                                                           \
      _Pragma("GCC unroll 8") for (int i = 0; i < NI; i++) {                                      \
        vec sum = *(vec *)(to[i] + k);                                                            \
        _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) sum += e[i][j] * y[j];               \
        *(vec *)(to[i] + k) = sum;                                                                \
      }                                                                                           \
    }                                                                                             \
    for (; k < rows; k++)                                                                         \
      for (int i = 0; i < NI; i++) {                                                              \
        double sum = to[i][k];                                                                    \
        for (int j = 0; j < NJ; j++) sum += e[i][j] * ((double)from[j][k] - shift[j]);            \
        to[i][k] = sum;                                                                           \
      }                                                                                           \
  }

typedef void (*riata_dots_f64_fn)(const double *const *, const double *const *, const double *,
                                  const double *const *, ptrdiff_t, double *, ptrdiff_t);
typedef void (*riata_dots_f32_fn)(const double *const *, const float *const *, const double *,
                                  const float *const *, ptrdiff_t, double *, ptrdiff_t);
typedef void (*riata_images_f64_fn)(const double *, const double *const *, const double *,
                                    const double *const *, ptrdiff_t, double *const *);
typedef void (*riata_images_f32_fn)(const double *, const float *const *, const double *,
                                    const float *const *, ptrdiff_t, double *const *);
typedef struct {
  riata_dots_f64_fn most_f64, f64, two_f64, one_f64; /* most vectors at once, ni, two, and one */
  riata_dots_f32_fn most_f32, f32, two_f32, one_f32;
  riata_images_f64_fn images_f64, pair_f64, image_f64; /* ni, two, and one */
  riata_images_f32_fn images_f32, pair_f32, image_f32;
  int most, ni, nj;
} riata_dots;

#define RIATA_DOTS_ALL(CLONE, TARGET, WIDTH, MOST, NI, NJ)                                        \
  RIATA_DOTS(riata_most_##CLONE##_f64, double, TARGET, WIDTH, MOST, NJ)                           \
  RIATA_DOTS(riata_most_##CLONE##_f32, float, TARGET, WIDTH, MOST, NJ)                            \
  RIATA_DOTS(riata_dots_##CLONE##_f64, double, TARGET, WIDTH, NI, NJ)                             \
  RIATA_DOTS(riata_dots_##CLONE##_f32, float, TARGET, WIDTH, NI, NJ)                              \
  RIATA_DOTS(riata_two_##CLONE##_f64, double, TARGET, WIDTH, 2, RIATA_DOTS_MOST)                  \
  RIATA_DOTS(riata_two_##CLONE##_f32, float, TARGET, WIDTH, 2, RIATA_DOTS_MOST)                   \
  RIATA_DOTS(riata_one_##CLONE##_f64, double, TARGET, WIDTH, 1, RIATA_DOTS_MOST)                  \
  RIATA_DOTS(riata_one_##CLONE##_f32, float, TARGET, WIDTH, 1, RIATA_DOTS_MOST)                   \
  RIATA_IMAGES(riata_images_##CLONE##_f64, double, TARGET, WIDTH, NI, NJ)                         \
  RIATA_IMAGES(riata_images_##CLONE##_f32, float, TARGET, WIDTH, NI, NJ)                          \
  RIATA_IMAGES(riata_pair_##CLONE##_f64, double, TARGET, WIDTH, 2, NJ)                            \
  RIATA_IMAGES(riata_image_##CLONE##_f64, double, TARGET, WIDTH, 1, RIATA_DOTS_MOST)              \
  RIATA_IMAGES(riata_pair_##CLONE##_f32, float, TARGET, WIDTH, 2, NJ)                             \
  RIATA_IMAGES(riata_image_##CLONE##_f32, float, TARGET, WIDTH, 1, RIATA_DOTS_MOST)               \
  static riata_dots riata_dots_##CLONE(void) {                                                    \
    return (riata_dots){                                                                          \
        riata_most_##CLONE##_f64,   riata_dots_##CLONE##_f64,                                     \
        riata_two_##CLONE##_f64,    riata_one_##CLONE##_f64,                                      \
        riata_most_##CLONE##_f32,   riata_dots_##CLONE##_f32,                                     \
        riata_two_##CLONE##_f32,    riata_one_##CLONE##_f32,                                      \
        riata_images_##CLONE##_f64, riata_pair_##CLONE##_f64, riata_image_##CLONE##_f64,          \
        riata_images_##CLONE##_f32, riata_pair_##CLONE##_f32, riata_image_##CLONE##_f32,          \
        MOST, NI, NJ};                                                                            \
  }

RIATA_DOTS_ALL(base, , 2, 2, 2, 2)
#if defined(__x86_64__)
RIATA_DOTS_ALL(avx2, RIATA_AVX2, 4, 4, 4, 3)
RIATA_DOTS_ALL(avx512, RIATA_AVX512, 8, 6, 4, 4)
#endif

static riata_dots riata_choose_dots(void) {
#if defined(__x86_64__)
  if (RIATA_HAS_AVX512) return riata_dots_avx512();
  if (RIATA_HAS_AVX2) return riata_dots_avx2();
#endif
  return riata_dots_base();
}

#endif
