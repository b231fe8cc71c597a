"""Losses of whole vectors in one read: value, negative gradient and curvature; divergences.

    logistic      f = log(1 + exp(eta)) - y eta     -f' = y - mu     f'' = mu (1 - mu)
    poisson       f = exp(eta) - y eta              -f' = y - mu     f'' = mu
    softmax       f = log sum_k exp(eta_k) - y'eta  -f' = y - mu     2 max_k mu_k (1 - mu_k)
    divergence    sum_i w_i (a_i log(a_i / b_i) - a_i + b_i)

Sums are in eight lanes, so that bits depend on nothing but the length.
"""

from .simd cimport riata_dot_f64

cdef extern from "loss.h" nogil:
    double riata_logistic(const double *, const double *, const double *, double *, double *,
                          Py_ssize_t)
    double riata_poisson(const double *, const double *, const double *, double *, double *,
                         Py_ssize_t)
    void riata_softmax(const double *, const double *, double, double *, double *, double *,
                       Py_ssize_t, Py_ssize_t, Py_ssize_t)
    double riata_exp(double x)
    double riata_divergence(double a, double b, double log_b)
    double riata_logistic_divergence(const double *, const double *, const double *,
                                     const double *, const double *, double, const double *,
                                     Py_ssize_t)
    double riata_poisson_divergence(const double *, const double *, const double *,
                                    const double *, const double *, double, const double *,
                                    Py_ssize_t)

cdef enum:
    ROWS = 512   # at a time, which stay in the first-level cache


cdef class Kernel:
    """sum_i w_i f_i of one loss, with -f' and f''."""

    def __call__(
        self, const double[::1] y, const double[::1] eta, const double[::1] w, double[::1] pull,
        double[::1] curvature
    ):
        """Return sum_i w_i f_i; pull (n,) = -f' and curvature (n,) = f'' are overwritten."""
        cdef double out
        with nogil:
            out = self.f(&y[0], &eta[0], &w[0], &pull[0], &curvature[0], y.shape[0])
        return out

    cdef void along(
        self, const double[::1] y, const double[::1] w, const double[::1] start, double offset,
        double[::1] eta, double[::1] pull, double[::1] curvature, double[:, ::1] weighted,
        Py_ssize_t r0, Py_ssize_t r1, double *sums
    ) noexcept nogil:
        """The same of the rows r0:r1, at eta + start + offset, which eta becomes; 0 where w is 0.

        weighted : (2, n), w times pull and curvature; overwritten, like these
        sums : (3,), overwritten: the loss, and the sums of both rows of `weighted`
        """
        cdef Py_ssize_t i, k = r0, end
        sums[0] = sums[1] = sums[2] = 0.0
        while k < r1:
            end = min(k + ROWS, r1)
            for i in range(k, end):
                eta[i] = eta[i] + start[i] + offset if w[i] > 0.0 else 0.0
            sums[0] += self.f(&y[k], &eta[k], &w[k], &pull[k], &curvature[k], end - k)
            for i in range(k, end):
                weighted[0, i] = w[i] * pull[i]
                weighted[1, i] = w[i] * curvature[i]
            sums[1] += riata_dot_f64(&w[k], &pull[k], 0.0, end - k)
            sums[2] += riata_dot_f64(&w[k], &curvature[k], 0.0, end - k)
            k = end


cdef Kernel kernel_of(loss_fn f):
    cdef Kernel kernel = Kernel.__new__(Kernel)
    kernel.f = f
    return kernel


logistic = kernel_of(riata_logistic)
poisson = kernel_of(riata_poisson)


def softmax(
    const double[:, ::1] y, const double[:, ::1] eta, double smallest, double[::1] loss,
    double[:, ::1] pull, double[::1] curvature
):
    """Overwrite loss (n,) = f, pull (K, n) = -f' and curvature (n,), a bound on the eigenvalues of
    f''; from y and eta (K, n). No mu is below `smallest`."""
    with nogil:
        riata_softmax(&y[0, 0], &eta[0, 0], smallest, &loss[0], &pull[0, 0], &curvature[0],
                      y.shape[0], y.shape[1], y.shape[1])


def divergence(const double[::1] a, const double[::1] log_b, double[::1] out):
    """out_i = a_i log(a_i / b_i) - a_i + b_i, infinite where a_i < 0; nothing cancels."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(a.shape[0]):
            out[i] = riata_divergence(a[i], riata_exp(log_b[i]), log_b[i])


def logistic_divergence(
    const double[::1] y, const double[::1] eta, const double[::1] curvature,
    const double[::1] pull, const double[::1] v, double c, const double[::1] w
):
    """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i eta_i ]; pull and curvature are those at eta.
    """
    cdef double total
    with nogil:
        total = riata_logistic_divergence(
            &y[0], &eta[0], &curvature[0], &pull[0], &v[0], c, &w[0], y.shape[0])
    return total


def poisson_divergence(
    const double[::1] y, const double[::1] eta, const double[::1] mu, const double[::1] v, double c,
    const double[::1] w
):
    """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i eta_i ]; mu is the one at eta."""
    cdef double total
    with nogil:
        total = riata_poisson_divergence(
            &y[0], &eta[0], &mu[0], NULL, &v[0], c, &w[0], y.shape[0])
    return total
