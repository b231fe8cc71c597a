"""Losses of whole vectors in one read: value, negative gradient and curvature; divergences.

    logistic      f = log(1 + exp(eta)) - y eta     -f' = y - mu     f'' = mu (1 - mu)
    poisson       f = exp(eta) - y eta              -f' = y - mu     f'' = mu
    divergence    sum_i w_i (a_i log(a_i / b_i) - a_i + b_i)

Sums are in eight lanes, so that bits depend on nothing but the length.
"""

from libc.math cimport INFINITY, fabs, log

cdef extern from "loss.h" nogil:
    double riata_logistic(const double *, const double *, const double *, double *, double *,
                          Py_ssize_t)
    double riata_poisson(const double *, const double *, const double *, double *, double *,
                         Py_ssize_t)


def logistic(
    const double[::1] y, const double[::1] eta, const double[::1] w, double[::1] pull,
    double[::1] curvature
):
    """Return sum_i w_i f_i; pull (n,) = -f' and curvature (n,) = f'' are overwritten."""
    cdef double out
    with nogil:
        out = riata_logistic(&y[0], &eta[0], &w[0], &pull[0], &curvature[0], y.shape[0])
    return out


def poisson(
    const double[::1] y, const double[::1] eta, const double[::1] w, double[::1] pull,
    double[::1] curvature
):
    """Return sum_i w_i f_i; pull (n,) = -f' and curvature (n,) = f'' are overwritten."""
    cdef double out
    with nogil:
        out = riata_poisson(&y[0], &eta[0], &w[0], &pull[0], &curvature[0], y.shape[0])
    return out


cdef inline double divergence_of(double a, double b) noexcept nogil:
    """a log(a / b) - a + b >= 0, by its series in x = (a - b) / b where that is small; infinite
    where a < 0.
    """
    cdef double x
    if a <= 0.0:
        return b if a == 0.0 else INFINITY
    if b <= 0.0:
        return INFINITY
    x = (a - b) / b
    if fabs(x) < 1e-3:
        return b * (x * x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 12.0 - x * (
            1.0 / 20.0 - x * (1.0 / 30.0))))))
    return a * log(a / b) - (a - b)


def divergence(const double[::1] a, const double[::1] b, double[::1] out):
    """out_i = a_i log(a_i / b_i) - a_i + b_i for b_i >= 0, infinite where a_i < 0; nothing cancels.
    """
    cdef Py_ssize_t i
    with nogil:
        for i in range(a.shape[0]):
            out[i] = divergence_of(a[i], b[i])


def logistic_divergence(
    const double[::1] y, const double[::1] curvature, const double[::1] pull,
    const double[::1] v, double c, const double[::1] w
):
    """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i eta_i ] from pull and curvature at eta.

    Of mu and 1 - mu the one that y - pull loses digits of is curvature / the other.
    """
    cdef Py_ssize_t i
    cdef double mu, rest, total = 0.0
    with nogil:
        for i in range(y.shape[0]):
            mu = y[i] - pull[i]
            rest = (1.0 - y[i]) + pull[i]
            if mu < 0.5:
                mu = curvature[i] / rest
            else:
                rest = curvature[i] / mu
            total += w[i] * (divergence_of(y[i] - c * v[i], mu)
                             + divergence_of((1.0 - y[i]) + c * v[i], rest))
    return total


def poisson_divergence(
    const double[::1] y, const double[::1] mu, const double[::1] v, double c, const double[::1] w
):
    """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i eta_i ] from mu at eta."""
    cdef Py_ssize_t i
    cdef double total = 0.0
    with nogil:
        for i in range(y.shape[0]):
            total += w[i] * divergence_of(y[i] - c * v[i], mu[i])
    return total
