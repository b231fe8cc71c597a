/* exp and log(1 + x) that a compiler can vectorise, and the losses made of them.
 *
 * No branch, no table: the same operations for every row, multiply-adds fused where the CPU can.
 * Errors are below 2 units in the last place. */
#ifndef RIATA_LOSS_H
#define RIATA_LOSS_H
#include "simd.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

#define RIATA_FARTHEST 700.0 /* |x| up to which exp(x) is computed */

/* exp(x) for -700 <= x <= 700, clamped to that: x = k log 2 + r, |r| <= log(2) / 2, and the Taylor
 * series of exp(r), whose remainder is below 2^-57. */
static inline double riata_exp(double x) {
  x = x < -RIATA_FARTHEST ? -RIATA_FARTHEST : x;
  x = x > RIATA_FARTHEST ? RIATA_FARTHEST : x;
  const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
  double shifted = x * 1.4426950408889634074 + magic;
  double k = shifted - magic;
  double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  /* (exp(r) - 1 - r) / r^2, even and odd powers apart: half as long a chain of multiply-adds */
  double t = r * r;
  double even = 2.0876756987868098979e-09, odd = 1.6059043836821614599e-10;
  even = even * t + 2.7557319223985890653e-07;
  odd = odd * t + 2.5052108385441718775e-08;
  even = even * t + 2.4801587301587301587e-05;
  odd = odd * t + 2.7557319223985890653e-06;
  even = even * t + 1.3888888888888888889e-03;
  odd = odd * t + 1.9841269841269841270e-04;
  even = even * t + 4.1666666666666666667e-02;
  odd = odd * t + 8.3333333333333333333e-03;
  even = even * t + 0.5;
  odd = odd * t + 1.6666666666666666667e-01;
  double p = even + odd * r;
  p = p * t + r + 1.0;
  uint64_t bits, scale; /* which may overflow */
  memcpy(&bits, &p, 8);
  memcpy(&scale, &shifted, 8);
  bits += scale << 52;
  memcpy(&p, &bits, 8);
  return p;
}

/* (artanh(s) / s - 1) / t, t = s^2 <= 1/9: 1/3 + t/5 + t^2/7 + ... to 1/35, as above. */
static inline double riata_artanh_rest(double t) {
  double square = t * t, even = 1.0 / 35.0, odd = 1.0 / 33.0;
  even = even * square + 1.0 / 31.0;
  odd = odd * square + 1.0 / 29.0;
  even = even * square + 1.0 / 27.0;
  odd = odd * square + 1.0 / 25.0;
  even = even * square + 1.0 / 23.0;
  odd = odd * square + 1.0 / 21.0;
  even = even * square + 1.0 / 19.0;
  odd = odd * square + 1.0 / 17.0;
  even = even * square + 1.0 / 15.0;
  odd = odd * square + 1.0 / 13.0;
  even = even * square + 1.0 / 11.0;
  odd = odd * square + 1.0 / 9.0;
  even = even * square + 1.0 / 7.0;
  odd = odd * square + 1.0 / 5.0;
  return (even * square + 1.0 / 3.0) + odd * t;
}

/* log(1 + e) for 0 <= e <= 1: 2 artanh(s), s = e / (2 + e) <= 1/3, its series to s^35. */
static inline double riata_log1p(double e) {
  double s = e / (2.0 + e), t = s * s, p = riata_artanh_rest(t);
  return 2.0 * s + 2.0 * s * (t * p);
}

/* eta += start + offset; 0 where w is 0: nobody asks for the loss there */
RIATA_BODY void riata_go_body(const double *restrict w, const double *restrict start, double offset,
                              double *restrict eta, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    double there = eta[i] + start[i] + offset;
    eta[i] = w[i] > 0.0 ? there : 0.0;
  }
}
RIATA_CLONED(void, riata_go,
             (const double *restrict w, const double *restrict start, double offset,
              double *restrict eta, ptrdiff_t n),
             (w, start, offset, eta, n))

/* out = w v; returns its sum, lanes added in a fixed tree, as in simd.h */
RIATA_BODY double riata_weigh_body(const double *restrict w, const double *restrict v,
                                   double *restrict out, ptrdiff_t n) {
  double lane[8] = {0.0};
  ptrdiff_t i = 0, k;
  for (; i + 8 <= n; i += 8)
    for (k = 0; k < 8; k++) lane[k] += out[i + k] = w[i + k] * v[i + k];
  for (k = 0; i < n; i++, k++) lane[k] += out[i] = w[i] * v[i];
  for (ptrdiff_t half = 4; half > 0; half /= 2)
    for (k = 0; k < half; k++) lane[k] += lane[k + half];
  return lane[0];
}
RIATA_CLONED(double, riata_weigh,
             (const double *restrict w, const double *restrict v, double *restrict out, ptrdiff_t n),
             (w, v, out, n))

/* ROW fills pull[i], curvature[i] and `value`; lanes are added in a fixed tree, as in simd.h. */
#define RIATA_LOSS(NAME, ROW)                                                                     \
  RIATA_BODY double NAME##_body(const double *restrict y, const double *restrict eta,             \
                                const double *restrict w, double *restrict pull,                  \
                                double *restrict curvature, ptrdiff_t n) {                        \
    double lane[8] = {0.0};                                                                       \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + 8 <= n; i += 8)                                                                    \
      for (k = 0; k < 8; k++) {                                                                   \
        double value;                                                                             \
        ROW(i + k)                                                                                \
        lane[k] += w[i + k] * value;                                                              \
      }                                                                                           \
    for (k = 0; i < n; i++, k++) {                                                                \
      double value;                                                                               \
      ROW(i)                                                                                      \
      lane[k] += w[i] * value;                                                                    \
    }                                                                                             \
    for (ptrdiff_t half = 4; half > 0; half /= 2)                                                 \
      for (k = 0; k < half; k++) lane[k] += lane[k + half];                                       \
    return lane[0];                                                                               \
  }                                                                                               \
  RIATA_CLONED(double, NAME,                                                                      \
               (const double *restrict y, const double *restrict eta, const double *restrict w,   \
                double *restrict pull, double *restrict curvature, ptrdiff_t n),                  \
               (y, eta, w, pull, curvature, n))

/* log(1 + exp(eta)) - y eta; y - mu; mu (1 - mu) */
#define RIATA_LOGISTIC_ROW(j)                                                                     \
  double x = eta[j], far = x < 0.0 ? x : -x, e = riata_exp(far);                                  \
  double part = 1.0 / (1.0 + e), q = e * part;                                                    \
  double up = x < 0.0 ? 0.0 : 1.0, high = x < 0.0 ? 0.0 : x;                                      \
  pull[j] = (y[j] - up) + (x < 0.0 ? -q : q);                                                     \
  curvature[j] = q * part;                                                                        \
  value = riata_log1p(e) + (high - y[j] * x);

/* exp(eta) - y eta; y - mu; mu */
#define RIATA_POISSON_ROW(j)                                                                      \
  double mu = riata_exp(eta[j]);                                                                  \
  pull[j] = y[j] - mu;                                                                            \
  curvature[j] = mu;                                                                              \
  value = mu - y[j] * eta[j];

RIATA_LOSS(riata_logistic, RIATA_LOGISTIC_ROW)
RIATA_LOSS(riata_poisson, RIATA_POISSON_ROW)

/* log sum_k exp(eta_k) - y'eta; y - mu; 2 max_k mu_k (1 - mu_k). Of arrays (K, apart), n rows. */
#define RIATA_SOFTMAX_ROWS 128 /* at a time */

RIATA_BODY void riata_softmax_body(const double *restrict y, const double *restrict eta,
                                   double smallest, double *restrict loss, double *restrict pull,
                                   double *restrict curvature, ptrdiff_t K, ptrdiff_t apart,
                                   ptrdiff_t n) {
  double top[RIATA_SOFTMAX_ROWS], total[RIATA_SOFTMAX_ROWS], straight[RIATA_SOFTMAX_ROWS];
  for (ptrdiff_t a = 0, i, k; a < n; a += RIATA_SOFTMAX_ROWS) {
    ptrdiff_t rows = n - a < RIATA_SOFTMAX_ROWS ? n - a : RIATA_SOFTMAX_ROWS;
    for (i = 0; i < rows; i++) top[i] = eta[a + i], total[i] = straight[i] = 0.0;
    for (k = 1; k < K; k++)
      for (i = 0; i < rows; i++) {
        double x = eta[k * apart + a + i];
        top[i] = x > top[i] ? x : top[i];
      }
    for (k = 0; k < K; k++)
      for (i = 0; i < rows; i++) {
        ptrdiff_t at = k * apart + a + i;
        double e = riata_exp(eta[at] - top[i]);
        total[i] += e;
        straight[i] += y[at] * eta[at];
        pull[at] = e;
      }
    for (i = 0; i < rows; i++) {
      loss[a + i] = log(total[i]) + top[i] - straight[i];
      curvature[a + i] = 0.0;
    }
    for (k = 0; k < K; k++)
      for (i = 0; i < rows; i++) {
        ptrdiff_t at = k * apart + a + i;
        double mu = pull[at] / total[i];
        mu = mu < smallest ? smallest : mu;
        double bend = 2.0 * (mu * (1.0 - mu));
        curvature[a + i] = bend > curvature[a + i] ? bend : curvature[a + i];
        pull[at] = y[at] - mu;
      }
  }
}
RIATA_CLONED(void, riata_softmax,
             (const double *restrict y, const double *restrict eta, double smallest,
              double *restrict loss, double *restrict pull, double *restrict curvature,
              ptrdiff_t K, ptrdiff_t apart, ptrdiff_t n),
             (y, eta, smallest, loss, pull, curvature, K, apart, n))

/* a log(a / b) - a + b >= 0. With s = (a - b) / (a + b), log(a / b) = 2 artanh(s) and nothing
 * cancels in
 *
 *     (a - b)^2 / (a + b) (1 + s (1 + s) (1/3 + s^2/5 + s^4/7 + ...))
 *
 * used for |s| <= 1/3 to s^34. Infinite where a < 0, or b is 0 and a is not. */
static inline double riata_near_divergence(double a, double b, double s) {
  double p = riata_artanh_rest(s * s);
  return (a - b) * s * (1.0 + s * (1.0 + s) * p);
}

/* b is exp(log_b), computed as above: what the clamp cuts off log_b is made up for. */
static inline double riata_divergence(double a, double b, double log_b) {
  double s = (a - b) / (a + b), beyond = -RIATA_FARTHEST - log_b;
  if (a < 0.0 || log_b > RIATA_FARTHEST) return INFINITY;
  if (a == 0.0) return b;
  if (b <= 0.0) return INFINITY;
  if (fabs(s) <= 1.0 / 3.0) return riata_near_divergence(a, b, s);
  return a * log(a / b) - (a - b) + (beyond > 0.0 ? a * beyond : 0.0);
}

/* sum_i w_i (divergence of a_i, b_i, for TERMS pairs that PAIRS sets), lanes as above; eight rows at
 * a time without a branch where all their pairs are near. */
#define RIATA_DIVERGENCES(NAME, TERMS, PAIRS)                                                     \
  RIATA_BODY double NAME##_body(const double *y, const double *eta, const double *curvature,      \
                                const double *pull, const double *v, double c, const double *w,   \
                                ptrdiff_t n) {                                                    \
    double lane[8] = {0.0};                                                                       \
    ptrdiff_t i = 0, k;                                                                           \
    for (; i + 8 <= n; i += 8) {                                                                  \
      double far[8], sum[8];                                                                      \
      for (k = 0; k < 8; k++) {                                                                   \
        double a[TERMS], b[TERMS], log_b[TERMS];                                                  \
        PAIRS(i + k)                                                                              \
        far[k] = sum[k] = 0.0;                                                                    \
        for (int m = 0; m < TERMS; m++) {                                                         \
          double s = (a[m] - b[m]) / (a[m] + b[m]);                                               \
          far[k] += a[m] > 0.0 && fabs(s) <= 1.0 / 3.0 ? 0.0 : 1.0;                               \
          sum[k] += riata_near_divergence(a[m], b[m], s);                                         \
        }                                                                                         \
      }                                                                                           \
      for (k = 0; k < 8; k++)                                                                     \
        if (far[k] > 0.0) {                                                                       \
          double a[TERMS], b[TERMS], log_b[TERMS];                                                \
          PAIRS(i + k)                                                                            \
          sum[k] = 0.0;                                                                           \
          for (int m = 0; m < TERMS; m++) sum[k] += riata_divergence(a[m], b[m], log_b[m]);       \
        }                                                                                         \
      for (k = 0; k < 8; k++) lane[k] += w[i + k] * sum[k];                                       \
    }                                                                                             \
    for (k = 0; i < n; i++, k++) {                                                                \
      double a[TERMS], b[TERMS], log_b[TERMS];                                                    \
      PAIRS(i)                                                                                    \
      for (int m = 0; m < TERMS; m++)                                                             \
        lane[k] += w[i] * riata_divergence(a[m], b[m], log_b[m]);                                 \
    }                                                                                             \
    for (ptrdiff_t half = 4; half > 0; half /= 2)                                                 \
      for (k = 0; k < half; k++) lane[k] += lane[k + half];                                       \
    return lane[0];                                                                               \
  }                                                                                               \
  RIATA_CLONED(double, NAME,                                                                      \
               (const double *y, const double *eta, const double *curvature, const double *pull,  \
                const double *v, double c, const double *w, ptrdiff_t n),                         \
               (y, eta, curvature, pull, v, c, w, n))

/* Of mu and 1 - mu the one that y - pull loses digits of is curvature / the other. Where exp was
 * clamped, -|eta| is its logarithm. */
#define RIATA_LOGISTIC_PAIRS(j)                                                                   \
  double mu = y[j] - pull[j], rest = (1.0 - y[j]) + pull[j];                                      \
  int low = mu < 0.5;                                                                             \
  double other = curvature[j] / (low ? rest : mu);                                                \
  b[0] = low ? other : mu;                                                                        \
  b[1] = low ? rest : other;                                                                      \
  log_b[0] = eta[j] < 0.0 ? eta[j] : 0.0;                                                         \
  log_b[1] = eta[j] < 0.0 ? 0.0 : -eta[j];                                                        \
  a[0] = y[j] - c * v[j];                                                                         \
  a[1] = (1.0 - y[j]) + c * v[j];

/* curvature is mu; pull is not looked at */
#define RIATA_POISSON_PAIRS(j)                                                                    \
  b[0] = curvature[j];                                                                            \
  log_b[0] = eta[j];                                                                              \
  a[0] = y[j] - c * v[j];

RIATA_DIVERGENCES(riata_logistic_divergence, 2, RIATA_LOGISTIC_PAIRS)
RIATA_DIVERGENCES(riata_poisson_divergence, 1, RIATA_POISSON_PAIRS)

#endif
