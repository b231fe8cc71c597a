"""Active features and the factor of their Gram matrix, which join and leave in blocks.

L L' = H_AA + diag(l2_A) is kept (factor.pyx) while features of a working set join A and leave it.
Who depends on A, with a pivot below DEPENDENT of its own square, doesn't join.

Source: Gill, Golub, Murray, Saunders, Math. Comp. 28, 1974, method C1 (downdating).
"""

import numpy as np

from .factor cimport Factor
from .substitution cimport Triangle

cdef double DEPENDENT = 1e-10   # share of a pivot
cdef double FREE = 1e-12        # the same, where only dimensions are counted


cdef class FactoredSet:
    """Features A of a working set, the sign each keeps, and the factor of their Gram matrix.

    Positions are those of the working set, which may grow between calls.

    n_threads : that work on the factor
    """

    def __init__(self, Py_ssize_t n_threads):
        self.factor, self.triangle = Factor(DEPENDENT, n_threads), Triangle(n_threads)
        self.n_threads = n_threads
        self.ridge = self.sign = np.empty(0)
        self.active = self.place = np.empty(0, dtype=np.intp)
        self.reserve(16)

    cdef bint reserve(self, Py_ssize_t size) except -1 nogil:
        """Make room for `size` active features."""
        if 0 < size <= self.active.shape[0]:
            return True
        with gil:
            self.factor.reserve(size)
            self.ridge = longer(self.ridge, self.factor.capacity)
            self.sign = longer(self.sign, self.factor.capacity)
            self.active = longer(self.active, self.factor.capacity)
            self.leaves = np.zeros(self.factor.capacity, dtype=np.uint8)
        return True

    cdef bint cover(self, Py_ssize_t size) except -1 nogil:
        """The working set has `size` features."""
        if size > self.place.shape[0]:
            with gil:
                self.place = longer(self.place, size, -1)
        return True

    @property
    def weakest(self):
        """The smallest share of a pivot that was left to any feature since `clear`: how near it was
        to depending on the others."""
        return self.factor.weakest

    def clear(self):
        """Let everybody leave: H is to be another matrix."""
        self.factor.truncate(0)
        self.factor.weakest = 1.0
        self.place[:] = -1

    def renumber(self, const Py_ssize_t[::1] kept):
        """The working set keeps only these positions, ascending; of A stays what comes before the
        first feature that is not among them."""
        cdef Py_ssize_t last = kept[kept.shape[0] - 1] if kept.shape[0] else -1
        number = np.full(max(self.place.shape[0], last + 1), -1, dtype=np.intp)
        number[np.asarray(kept)] = np.arange(kept.shape[0])
        active = number[self.active.base[: self.factor.size]]
        self.factor.truncate(int(np.argmin(np.append(active, -1))))
        active = self.active.base[: self.factor.size] = active[: self.factor.size]
        self.place = np.full(kept.shape[0], -1, dtype=np.intp)
        self.place.base[active] = np.arange(len(active))

    cdef void note(self, Py_ssize_t i, Py_ssize_t j, double l2, double sign) noexcept nogil:
        """Feature j is to be the i-th of A, once `admit` has formed its row."""
        self.active[i] = j
        self.ridge[i] = l2
        self.sign[i] = sign

    cdef Py_ssize_t admit(self, const double[:, ::1] gram, Py_ssize_t size) except -1 nogil:
        """Let those noted behind A join, up to `size`; who depends on the others doesn't.

        Returns how many joined.
        """
        cdef Py_ssize_t i, first = self.factor.size, stay = self.factor.size
        if size == first:
            return 0
        self.factor.extend(gram, &self.active[0], &self.ridge[0], size, &self.leaves[0])
        for i in range(first, size):
            self.place[self.active[i]] = -1
            if not self.leaves[i]:
                self.note(stay, self.active[i], self.ridge[i], self.sign[i])
                self.place[self.active[stay]] = stay
                stay += 1
        return stay - first

    cdef bint remove_leaving(self, const double[:, ::1] gram, bint anew) except -1 nogil:
        """Take those marked in `leaves` out of A, by rotations or by a new factor of the rest.

        anew : form all of the factor, with the l2 that is noted; who depends on others leaves
        """
        cdef Py_ssize_t i, first = 0 if anew else -1, stay = 0, size = self.factor.size
        for i in range(size):
            if self.leaves[i]:
                self.place[self.active[i]] = -1
                first = i if first < 0 else first
            else:
                self.note(stay, self.active[i], self.ridge[i], self.sign[i])
                self.place[self.active[stay]] = stay
                stay += 1
        if first < 0:
            return True
        if not anew and self.factor.dropping_is_cheaper(first, size - stay):
            self.factor.drop(&self.leaves[0])
        else:
            self.factor.truncate(first)
            self.admit(gram, stay)
        return True

    cdef void solve(self, double *x) noexcept nogil:
        """x = (H_AA + diag(l2))^-1 x"""
        cdef const double *packed = &self.factor.packed[0]
        self.triangle.forward(packed, self.factor.size, x)
        self.triangle.backward(packed, self.factor.size, x)

    def factor_of(
        self, const double[:, ::1] gram, const Py_ssize_t[::1] support, const double[::1] l2
    ):
        """Return the factor of H_SS + diag(l2_S), and l2 in its order.

        Cost: nothing where S is A, else |S|^3 / 6 multiply-adds; dependent features are left out.
        """
        cdef Py_ssize_t i, j
        cdef FactoredSet other = self
        cdef bint same = self.factor.size == support.shape[0]
        for j in support:
            same = same and self.place[j] >= 0 and self.ridge[self.place[j]] == l2[j]
        if not same:
            other = FactoredSet(self.n_threads)
            other.reserve(support.shape[0])
            other.factor = Factor(FREE, self.n_threads)
            other.factor.reserve(other.active.shape[0])
            other.place = np.empty(l2.shape[0], dtype=np.intp)
            for i in range(support.shape[0]):
                other.note(i, support[i], l2[support[i]], 0.0)
            with nogil:
                other.admit(gram, support.shape[0])
        return other.factor, np.asarray(other.ridge)[: other.factor.size]


cdef longer(old, Py_ssize_t size, fill=None):
    """Return an array of `size` entries that starts with those of the one that `old` views."""
    array = old.base
    if len(array) >= size:
        return array
    new = np.empty(size, dtype=array.dtype)
    new[: len(array)] = array
    if fill is not None:
        new[len(array) :] = fill
    return new
