"""Columns of a dense matrix that lie along memory against vectors, on threads.

    columns_dots        X_J'U
    columns_images      X_J D
    gram_rows           X_J'diag(w) X_W

All are cut into jobs of some ten microseconds; the bits don't depend on how.
"""

from .dots cimport few_dots, few_images, image as image_of
from .pool cimport parallel
from .room import aligned_rows
from .simd cimport real

cdef enum:
    LEAST = 1 << 15   # multiply-adds of a job
    MOST = 64         # jobs
    TILE = 4          # columns that are read side by side
    STRIP = 512       # rows, the same


cdef Py_ssize_t share_of(Py_ssize_t size, double work, Py_ssize_t together) noexcept nogil:
    """How many of `size` columns or rows, each so many multiply-adds, make a job; as many as are
    read together at least, or about that."""
    cdef Py_ssize_t share = max(size // MOST, <Py_ssize_t>(LEAST / max(work, 1.0))) + 1, jobs
    share = (share + together - 1) // together * together
    jobs = max((size + share - 1) // share, 1)
    return max((size + jobs - 1) // jobs, 1) if together == TILE else share


cdef class Columns:
    """X and what is subtracted from its columns, for native loops.

    X : (n, p), columns contiguous, finite
    shift : (p,)
    n_threads : which make a product
    """

    def __init__(self, X, const double[::1] shift, Py_ssize_t n_threads):
        self.is_double = X.itemsize == sizeof(double)
        if self.is_double:
            self.doubles = X
        else:
            self.floats = X
        self.shift, self.n_threads = shift, n_threads

    cdef void dots(
        self, const Py_ssize_t[::1] index, const double[:, ::1] vectors, double[:, ::1] out
    ) noexcept nogil:
        """See columns_dots."""
        self.dots_to(index, vectors, &out[0, 0], out.shape[1])

    cdef void dots_to(
        self, const Py_ssize_t[::1] index, const double[:, ::1] vectors, double *to,
        Py_ssize_t apart
    ) noexcept nogil:
        cdef Py_ssize_t size = index.shape[0]
        cdef double vectors_at_once = max(1, vectors.shape[0] // TILE)
        self.share = share_of(size, vectors_at_once * vectors.shape[1], TILE)
        self.index, self.given, self.to, self.apart = index, vectors, to, apart
        parallel(
            make_dots, <void *>self, (size + self.share - 1) // self.share, self.n_threads)

    cdef void gram_rows(
        self, const Py_ssize_t[::1] new, const Py_ssize_t[::1] index, const double[::1] weights,
        double[:, ::1] weighed, double[:, :] out, double[:, :] across
    ) noexcept nogil:
        """See gram_rows; weighed (|new|, at least n) is overwritten."""
        self.new, self.weights, self.weighed = new, weights, weighed
        parallel(weigh_column, <void *>self, new.shape[0], self.n_threads)
        self.across, self.n_across = across, across.shape[0]
        self.dots_to(index, weighed, &out[0, 0], out.strides[0] // <Py_ssize_t>sizeof(double))
        self.n_across = 0

    cdef void images(
        self, const Py_ssize_t[::1] index, const double[:, ::1] coef, double[:, ::1] out
    ) noexcept nogil:
        """See columns_images."""
        cdef Py_ssize_t n = out.shape[1]
        cdef double work = index.shape[0] * max(1, coef.shape[0] // TILE)
        self.share = share_of(n, work, STRIP)
        self.index, self.given, self.made = index, coef, out
        parallel(make_images, <void *>self, (n + self.share - 1) // self.share, self.n_threads)

    cdef void image(
        self, const Py_ssize_t[::1] index, const double[::1] coef, double[::1] out
    ) noexcept nogil:
        """out = X_J coef, columns whose coefficient is 0 not read."""
        cdef Py_ssize_t n = out.shape[0]
        self.share = share_of(n, index.shape[0], STRIP)
        self.index, self.coef, self.moved = index, coef, out
        parallel(make_image, <void *>self, (n + self.share - 1) // self.share, self.n_threads)

    cdef void weigh(self, Py_ssize_t k) noexcept nogil:
        """Make a new column's row of `weighed`."""
        cdef Py_ssize_t j = self.new[k]
        if self.is_double:
            weigh_one(&self.doubles[0, j], self.shift[j], self.weights, &self.weighed[k, 0])
        else:
            weigh_one(&self.floats[0, j], self.shift[j], self.weights, &self.weighed[k, 0])

    cdef void some_dots(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t a = k * self.share, b = min(a + self.share, self.index.shape[0]), v, j
        cdef Py_ssize_t n = self.doubles.shape[0] if self.is_double else self.floats.shape[0]
        if self.is_double:
            few_dots(
                self.doubles, self.index, self.given, self.shift, self.to, self.apart, a, b, 0, n)
        else:
            few_dots(
                self.floats, self.index, self.given, self.shift, self.to, self.apart, a, b, 0, n)
        for j in range(a, min(b, self.n_across)):
            for v in range(self.given.shape[0]):
                self.across[j, v] = self.to[v * self.apart + j]

    cdef void some_images(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t a = k * self.share, b = min(a + self.share, self.made.shape[1])
        if self.is_double:
            few_images(self.doubles, self.index, self.given, self.shift, self.made, a, b)
        else:
            few_images(self.floats, self.index, self.given, self.shift, self.made, a, b)

    cdef void some_image(self, Py_ssize_t k) noexcept nogil:
        cdef Py_ssize_t a = k * self.share, b = min(a + self.share, self.moved.shape[0])
        if self.is_double:
            image_of(self.doubles, self.index, self.coef, self.shift, self.moved, a, b)
        else:
            image_of(self.floats, self.index, self.coef, self.shift, self.moved, a, b)


cdef void weigh_one(
    const real *x, double shift, const double[::1] weights, double *out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(weights.shape[0]):
        out[i] = (x[i] - shift) * weights[i]


cdef void weigh_column(void *columns, Py_ssize_t k) noexcept nogil:
    (<Columns>columns).weigh(k)


cdef void make_dots(void *columns, Py_ssize_t k) noexcept nogil:
    (<Columns>columns).some_dots(k)


cdef void make_images(void *columns, Py_ssize_t k) noexcept nogil:
    (<Columns>columns).some_images(k)


cdef void make_image(void *columns, Py_ssize_t k) noexcept nogil:
    (<Columns>columns).some_image(k)


def columns_dots(
    X, const Py_ssize_t[::1] columns, const double[:, ::1] vectors, const double[::1] shift,
    double[:, ::1] out, Py_ssize_t n_threads
):
    """out_va = sum_i vectors_vi (x_i,columns[a] - shift_columns[a])

    X : (n, p), columns contiguous
    vectors : (m, n);  shift : (p,)
    out : (m, |columns|), overwritten

    The bits of a sum depend on nothing but its column and vector. Cost: m n |columns|
    multiply-adds, and one read of the columns for every 64 vectors.
    """
    cdef Columns of = Columns(X, shift, n_threads)
    with nogil:
        of.dots(columns, vectors, out)


def columns_images(
    X, const Py_ssize_t[::1] columns, const double[:, ::1] coef, const double[::1] shift,
    double[:, ::1] out, Py_ssize_t n_threads
):
    """out_vi = sum_a coef_va (x_i,columns[a] - shift_columns[a])

    X : (n, p), columns contiguous, finite
    coef : (m, |columns|);  shift : (p,)
    out : (m, n), overwritten

    Cost: m n |columns| multiply-adds, and one read of the columns.
    """
    cdef Columns of = Columns(X, shift, n_threads)
    with nogil:
        of.images(columns, coef, out)


def gram_rows(
    X, const Py_ssize_t[::1] new, const Py_ssize_t[::1] columns, const double[::1] shift,
    const double[::1] weights, double[:, :] out, double[:, :] across, Py_ssize_t n_threads
):
    """out_ab = sum_i w_i z_i,new[a] z_i,columns[b], z_ij = x_ij - shift_j; across_ba = out_ab

    X : (n, p), columns contiguous
    shift : (p,);  weights : (n,)
    out : (|new|, |columns|), rows contiguous;  across : (at most |columns|, |new|). Overwritten.

    Cost: as of columns_dots.
    """
    cdef Columns of = Columns(X, shift, n_threads)
    cdef double[:, ::1] weighed = aligned_rows(len(new), len(X))
    with nogil:
        of.gram_rows(new, columns, weights, weighed, out, across)
