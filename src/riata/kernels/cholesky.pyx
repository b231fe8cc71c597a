"""L L' = G + c I of a whole matrix, on threads, and solves with it: see factor.pyx and
substitution.pyx."""

import numpy as np

from libc.stdint cimport uint8_t

from .factor cimport Factor
from .substitution cimport Triangle


cdef class Cholesky:
    """The factor of G + c I.

    whole : whether it is positive definite by more than rounding, or there are no solves
    factor : L
    """

    cdef readonly Factor factor
    cdef readonly bint whole
    cdef Triangle triangle

    def __init__(self, const double[:, ::1] gram, double c, Py_ssize_t n_threads):
        """gram (n, n) : G, on and below the diagonal. Cost: n^3 / 6 multiply-adds."""
        cdef Py_ssize_t n = gram.shape[0]
        cdef Py_ssize_t[::1] index = np.arange(n, dtype=np.intp)
        cdef double[::1] shift = np.full(n, c)
        cdef uint8_t[::1] dependent = np.empty(n, dtype=np.uint8)
        self.factor, self.triangle = Factor(0.0, n_threads), Triangle(n_threads)
        self.factor.reserve(n)
        with nogil:
            self.whole = n == 0 or self.factor.extend(
                gram, &index[0], &shift[0], n, &dependent[0]) == 0

    def solve(self, const double[::1] target):
        """Return (G + c I)^-1 target, (n,). Cost: n^2 multiply-adds."""
        cdef double[::1] x = np.array(target)
        if not self.whole or target.shape[0] != self.factor.size:
            raise ValueError(
                f"target must have the {self.factor.size} rows of a definite matrix, "
                f"got {target.shape[0]}")
        if target.shape[0]:
            with nogil:
                self.triangle.forward(&self.factor.packed[0], self.factor.size, &x[0])
                self.triangle.backward(&self.factor.packed[0], self.factor.size, &x[0])
        return np.asarray(x)
