/* One function for three instruction sets, of which the CPU's best is taken at each call.
 *
 * A loop that the compiler vectorises by itself is a NAME_body, and RIATA_CLONED makes the rest of it.
 * One with vectors of its own is a macro of (CLONE, TARGET, WIDTH, NAME, ...), which RIATA_EACH calls
 * once for each set: vectors have WIDTH doubles, as many as its registers hold, since gcc takes wider
 * ones apart through memory (a tile of a Gram matrix by vectors of eight took ten times as long with
 * AVX2). RIATA_CHOOSE then makes the NAME that is called. */
#ifndef RIATA_CLONES_H
#define RIATA_CLONES_H

#if !defined(__GNUC__)
#error "riata needs a compiler with GNU vector extensions (gcc or clang)"
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#define RIATA_AVX2 __attribute__((target("avx2,fma")))
#define RIATA_AVX512 __attribute__((target("avx2,fma,avx512f,avx512vl,popcnt")))
#define RIATA_HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define RIATA_HAS_AVX512 (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
#define RIATA_EACH(MAKE, ...)                                                                     \
  MAKE(base, , 2, __VA_ARGS__)                                                                    \
  MAKE(avx2, RIATA_AVX2, 4, __VA_ARGS__)                                                          \
  MAKE(avx512, RIATA_AVX512, 8, __VA_ARGS__)
#define RIATA_BEST(NAME)                                                                          \
  (RIATA_HAS_AVX512 ? NAME##_avx512 : RIATA_HAS_AVX2 ? NAME##_avx2 : NAME##_base)
#else
#define RIATA_EACH(MAKE, ...) MAKE(base, , 2, __VA_ARGS__)
#define RIATA_BEST(NAME) NAME##_base
#endif

#define RIATA_CHOOSE(RETURNS, NAME, PARAMETERS, ARGUMENTS)                                        \
  static inline RETURNS NAME PARAMETERS { return RIATA_BEST(NAME) ARGUMENTS; }

#define RIATA_BODY static inline __attribute__((always_inline))
#define RIATA_INLINED(CLONE, TARGET, WIDTH, RETURNS, NAME, PARAMETERS, ARGUMENTS)                 \
  TARGET static RETURNS NAME##_##CLONE PARAMETERS { return NAME##_body ARGUMENTS; }
#define RIATA_CLONED(RETURNS, NAME, PARAMETERS, ARGUMENTS)                                        \
  RIATA_EACH(RIATA_INLINED, RETURNS, NAME, PARAMETERS, ARGUMENTS)                                 \
  RIATA_CHOOSE(RETURNS, NAME, PARAMETERS, ARGUMENTS)

typedef double riata_double2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef double riata_double4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef double riata_double8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef float riata_float2 __attribute__((vector_size(8), aligned(4), may_alias));
typedef float riata_float4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float riata_float8 __attribute__((vector_size(32), aligned(4), may_alias));

/* WIDTH entries as doubles, each conversion one instruction: gcc 12 makes three of its generic one for
 * eight floats */
#define RIATA_LOAD_double(WIDTH, x) (*(const riata_double##WIDTH *)(x))
#define RIATA_LOAD_float(WIDTH, x) RIATA_WIDENED_##WIDTH(x)
#define RIATA_WIDENED_2(x) __builtin_convertvector(*(const riata_float2 *)(x), riata_double2)
#define RIATA_WIDENED_4(x) __builtin_convertvector(*(const riata_float4 *)(x), riata_double4)
#define RIATA_WIDENED_8(x) ((riata_double8)_mm512_cvtps_pd(_mm256_loadu_ps(x)))

/* Of the entries of a, then b, those with these numbers */
#if defined(__clang__)
#define RIATA_PICK(WIDTH, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef long long riata_places2 __attribute__((vector_size(16)));
typedef long long riata_places4 __attribute__((vector_size(32)));
typedef long long riata_places8 __attribute__((vector_size(64)));
#define RIATA_PICK(WIDTH, a, b, ...)                                                              \
  __builtin_shuffle(a, b, (riata_places##WIDTH){__VA_ARGS__})
#endif

#endif
