"""Losses of whole vectors in one read: value, negative gradient and curvature; divergences.

    logistic      f = log(1 + exp(eta)) - y eta     -f' = y - mu     f'' = mu (1 - mu)
    poisson       f = exp(eta) - y eta              -f' = y - mu     f'' = mu
    divergence    sum_i w_i (a_i log(a_i / b_i) - a_i + b_i)

Sums are in eight lanes, so that bits depend on nothing but the length.
"""

cdef extern from "loss.h" nogil:
    double riata_logistic(const double *, const double *, const double *, double *, double *,
                          Py_ssize_t)
    double riata_poisson(const double *, const double *, const double *, double *, double *,
                         Py_ssize_t)
    double riata_divergence(double a, double b)
    double riata_logistic_divergence(const double *, const double *, const double *,
                                     const double *, double, const double *, Py_ssize_t)
    double riata_poisson_divergence(const double *, const double *, const double *,
                                    const double *, double, const double *, Py_ssize_t)


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


def divergence(const double[::1] a, const double[::1] b, double[::1] out):
    """out_i = a_i log(a_i / b_i) - a_i + b_i for b_i >= 0, infinite where a_i < 0; nothing cancels.
    """
    cdef Py_ssize_t i
    with nogil:
        for i in range(a.shape[0]):
            out[i] = riata_divergence(a[i], b[i])


def logistic_divergence(
    const double[::1] y, const double[::1] curvature, const double[::1] pull,
    const double[::1] v, double c, const double[::1] w
):
    """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i eta_i ] from pull and curvature at eta."""
    cdef double total
    with nogil:
        total = riata_logistic_divergence(
            &y[0], &curvature[0], &pull[0], &v[0], c, &w[0], y.shape[0])
    return total


def poisson_divergence(
    const double[::1] y, const double[::1] mu, const double[::1] v, double c, const double[::1] w
):
    """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i eta_i ] from mu at eta."""
    cdef double total
    with nogil:
        total = riata_poisson_divergence(&y[0], &mu[0], NULL, &v[0], c, &w[0], y.shape[0])
    return total
