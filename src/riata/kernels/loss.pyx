"""Losses of whole vectors in one read: value, negative gradient and curvature; divergences.

    logistic      f = log(1 + exp(eta)) - y eta     -f' = y - mu     f'' = mu (1 - mu)
    poisson       f = exp(eta) - y eta              -f' = y - mu     f'' = mu
    softmax       f = log sum_k exp(eta_k) - y'eta  -f' = y - mu     2 max_k mu_k (1 - mu_k)
    divergence    sum_i w_i (a_i log(a_i / b_i) - a_i + b_i)

Sums are in eight lanes, so that bits depend on nothing but the length.
"""

import numpy as np

from .pool cimport parallel

cdef extern from "loss.h" nogil:
    double riata_logistic(const double *, const double *, const double *, double *, double *,
                          Py_ssize_t)
    double riata_poisson(const double *, const double *, const double *, double *, double *,
                         Py_ssize_t)
    void riata_go(const double *, const double *, double, double *, Py_ssize_t)
    double riata_weigh(const double *, const double *, double *, Py_ssize_t)
    void riata_softmax(const double *, const double *, double, double *, double *, double *,
                       Py_ssize_t, Py_ssize_t, Py_ssize_t)
    double riata_exp(double x)
    double riata_divergence(double a, double b, double log_b)
    double riata_logistic_divergence(const double *, const double *, const double *,
                                     const double *, const double *, double, const double *,
                                     Py_ssize_t) noexcept
    double riata_poisson_divergence(const double *, const double *, const double *,
                                    const double *, const double *, double, const double *,
                                    Py_ssize_t) noexcept

cdef enum:
    ROWS = 512       # at a time, which stay in the first-level cache
    JOB = 1 << 14    # rows of a job


cdef class Divergence:
    """What `Kernel.gap` adds up, block by block of rows; see there.

    sums : of each block
    """

    cdef divergence_fn f
    cdef double c
    cdef const double[::1] y, eta, pull, curvature, v, w
    cdef double[::1] sums

    cdef void block(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t a = k * JOB
        self.sums[k] = self.f(
            &self.y[a], &self.eta[a], &self.curvature[a], &self.pull[a], &self.v[a], self.c,
            &self.w[a], min(<Py_ssize_t>JOB, self.y.shape[0] - a))


cdef void diverge(void *divergence, Py_ssize_t k) noexcept nogil:
    (<Divergence>divergence).block(k)


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

    def gap(
        self, const double[::1] y, const double[::1] eta, const double[::1] pull,
        const double[::1] curvature, const double[::1] v, double c, const double[::1] w,
        Py_ssize_t n_threads
    ):
        """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i eta_i ]; pull, curvature: those at eta."""
        cdef Divergence of = Divergence()
        cdef Py_ssize_t k, blocks = (y.shape[0] + JOB - 1) // JOB
        cdef double out = 0.0
        of.f, of.c = self.divergence, c
        of.y, of.eta, of.pull, of.curvature, of.v, of.w = y, eta, pull, curvature, v, w
        of.sums = np.empty(blocks)
        with nogil:
            parallel(diverge, <void *>of, blocks, n_threads)
            for k in range(blocks):
                out += of.sums[k]
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
        cdef Py_ssize_t k = r0, end
        sums[0] = sums[1] = sums[2] = 0.0
        while k < r1:
            end = min(k + ROWS, r1)
            riata_go(&w[k], &start[k], offset, &eta[k], end - k)
            sums[0] += self.f(&y[k], &eta[k], &w[k], &pull[k], &curvature[k], end - k)
            sums[1] += riata_weigh(&w[k], &pull[k], &weighted[0, k], end - k)
            sums[2] += riata_weigh(&w[k], &curvature[k], &weighted[1, k], end - k)
            k = end


cdef Kernel kernel_of(loss_fn f, divergence_fn divergence):
    cdef Kernel kernel = Kernel.__new__(Kernel)
    kernel.f, kernel.divergence = f, divergence
    return kernel


logistic = kernel_of(riata_logistic, riata_logistic_divergence)
poisson = kernel_of(riata_poisson, riata_poisson_divergence)


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
