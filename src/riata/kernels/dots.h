/* Inner products of several vectors with several columns where both lie along memory: nothing is
 * packed, and a column is read once for all vectors.
 *
 *     c[i * ldc + j] += sum_k u_i[k] (x_j[k] - shift_j)      i < NI, j < NJ, k < rows
 *
 * Each sum has its own WIDTH accumulators, added in a fixed tree: its bits depend on nothing but
 * its own two columns. One clone per vector width; which one runs is decided once, by the CPU. */
#ifndef RIATA_DOTS_H
#define RIATA_DOTS_H
#include "simd.h"
#include <stddef.h>
#include <string.h>

#define RIATA_DOTS_MOST 4 /* of NI and NJ */

/* next : NJ columns to ask the cache for on the way, or NULL */
#define RIATA_DOTS(NAME, T, TARGET, WIDTH, NI, NJ)                                                \
  TARGET static void NAME(const double *const *u, const T *const *x, const double *shift,         \
                          const T *const *next, ptrdiff_t rows, double *c, ptrdiff_t ldc) {       \
    typedef riata_double##WIDTH vec;                                                              \
    vec acc[NI][NJ];                                                                              \
    for (int i = 0; i < NI; i++)                                                                  \
      for (int j = 0; j < NJ; j++) acc[i][j] = (vec){0.0};                                        \
    ptrdiff_t k = 0;                                                                              \
    for (; k + WIDTH <= rows; k += WIDTH) {                                                       \
      vec y[NJ];                                                                                  \
      _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) {                                      \
        y[j] = RIATA_LOAD_##T(WIDTH, x[j] + k) - shift[j];                                        \
        if (next != NULL) __builtin_prefetch(next[j] + k);                                        \
      }                                                                                           \
      _Pragma("GCC unroll 8") for (int i = 0; i < NI; i++) {                                      \
        vec v = *(const vec *)(u[i] + k);                                                         \
        _Pragma("GCC unroll 8") for (int j = 0; j < NJ; j++) acc[i][j] += v * y[j];               \
      }                                                                                           \
    }                                                                                             \
    for (int lane = 0; k < rows; k++, lane++)                                                     \
      for (int i = 0; i < NI; i++)                                                                \
        for (int j = 0; j < NJ; j++)                                                              \
          acc[i][j][lane] += u[i][k] * ((double)x[j][k] - shift[j]);                              \
    for (int i = 0; i < NI; i++)                                                                  \
      for (int j = 0; j < NJ; j++) {                                                              \
        double sum[WIDTH];                                                                        \
        memcpy(sum, &acc[i][j], sizeof sum);                                                      \
        for (int half = WIDTH / 2; half > 0; half /= 2)                                           \
          for (int lane = 0; lane < half; lane++) sum[lane] += sum[lane + half];                  \
        c[i * ldc + j] += sum[0];                                                                 \
      }                                                                                           \
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
  riata_images_f64_fn images_f64, image_f64; /* ni, and one */
  riata_images_f32_fn images_f32, image_f32;
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
  RIATA_IMAGES(riata_image_##CLONE##_f64, double, TARGET, WIDTH, 1, RIATA_DOTS_MOST)              \
  RIATA_IMAGES(riata_image_##CLONE##_f32, float, TARGET, WIDTH, 1, RIATA_DOTS_MOST)               \
  static riata_dots riata_dots_##CLONE(void) {                                                    \
    return (riata_dots){                                                                          \
        riata_most_##CLONE##_f64,   riata_dots_##CLONE##_f64,                                     \
        riata_two_##CLONE##_f64,    riata_one_##CLONE##_f64,                                      \
        riata_most_##CLONE##_f32,   riata_dots_##CLONE##_f32,                                     \
        riata_two_##CLONE##_f32,    riata_one_##CLONE##_f32,                                      \
        riata_images_##CLONE##_f64, riata_image_##CLONE##_f64,                                    \
        riata_images_##CLONE##_f32, riata_image_##CLONE##_f32,                                    \
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
