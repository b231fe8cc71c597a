"""Newton steps of a loss of K responses, by conjugate gradients.

    A D = [X_S, 1]' diag(w) f''([X_S, 1] D) + D P           D (K, |S| + 1), the last its intercepts
    solve M (A (M D)) = R, M who moves

f'' acts on the K numbers of a row, P on those of a feature: l2_j + stiff_j (1 - u_j u_j'), u_j a
unit vector. Of dense columns a product goes block by block of rows, so that X is read once: what
the columns make of D, f'' of that, and what the columns see of it, while they are in the
second-level cache. The blocks are fixed by the sizes, and bits do not depend on who makes them.

`couple` writes down all of f'' in the coefficients, from the Gram matrices of pairs of classes.

Cost of a product: a read of the columns, 2 n |S| K multiply-adds, and 4 n K for f''. R and the
arrays of a product are overwritten.

Source: Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49(6), 1952, section 3, preconditioned by a
diagonal.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals

from .dots cimport few_dots, few_images
from .pool cimport parallel
from .signals cimport BETWEEN_SIGNALS
from .simd cimport riata_axpy_f64, riata_dot_f64

cdef enum:
    ROWS = 128    # at a time, which stay in the first-level cache

cdef double FLAT = 1e-14    # curvature along a direction, over what it would be at scale


cdef class Bend:
    """diag(w) f'' where f'' is the identity.

    w : (n,)
    """

    def __init__(self, const double[::1] w):
        self.w = w

    def __call__(self, double[:, ::1] d):
        """Overwrite d (K, n) by w_i f_i'' d_i."""
        with nogil:
            self.bend(d, 0, d.shape[1])

    cdef void bend(self, double[:, ::1] d, Py_ssize_t r0, Py_ssize_t r1) noexcept nogil:
        """The same of the rows r0:r1."""
        cdef Py_ssize_t i, k
        for k in range(d.shape[0]):
            for i in range(r0, r1):
                d[k, i] *= self.w[i]


cdef class Softmax(Bend):
    """diag(w) f'' of the softmax: f'' = diag(mu) - mu mu'.

    mu : (K, n)
    """

    def __init__(self, const double[::1] w, const double[:, ::1] mu):
        super().__init__(w)
        self.mu = mu

    cdef void bend(self, double[:, ::1] d, Py_ssize_t r0, Py_ssize_t r1) noexcept nogil:
        cdef Py_ssize_t i, k, rows
        cdef double mean[ROWS]
        cdef double *x
        cdef const double *mu
        cdef const double *w
        while r0 < r1:
            rows, w = min(<Py_ssize_t>ROWS, r1 - r0), &self.w[r0]
            for i in range(rows):
                mean[i] = 0.0
            for k in range(d.shape[0]):
                x, mu = &d[k, r0], &self.mu[k, r0]
                for i in range(rows):
                    mean[i] += mu[i] * x[i]
            for k in range(d.shape[0]):
                x, mu = &d[k, r0], &self.mu[k, r0]
                for i in range(rows):
                    x[i] = w[i] * (mu[i] * (x[i] - mean[i]))
            r0 += rows


cdef class Product:
    """[X_S, 1]' diag(w) f''([X_S, 1] D), natively or by a call.

    call : takes D and what to overwrite by that, (K, |S| + 1) each
    """

    def __init__(self, call):
        self.call = call

    def __call__(self, double[:, ::1] direction, double[:, ::1] out):
        """Overwrite `out` by the product with `direction`."""
        with nogil:
            self.make(direction, out)

    cdef bint make(self, double[:, ::1] direction, double[:, ::1] out) except -1 nogil:
        with gil:
            self.call(np.asarray(direction), np.asarray(out))
        return True


cdef class DenseProduct(Product):
    """The same over columns of a dense matrix that lie along memory.

    X (n, p), mean (p,), columns (|S|,) : the matrix, what is subtracted from its columns, which
    K : responses
    cuts : the rows where blocks begin and end
    n_threads : by which blocks are turned
    """

    def __init__(
        self, X, mean, columns, Bend bend, Py_ssize_t K, cuts, Py_ssize_t n_threads
    ):
        self.is_double = X.itemsize == 8
        if self.is_double:
            self.doubles = X
        else:
            self.floats = X
        self.mean, self.columns, self.bend, self.n_threads = mean, columns, bend, n_threads
        self.cost = 2.0 * X.shape[0] * len(columns) * K
        self.cuts = np.array(cuts, dtype=np.intp)
        self.images = np.empty((K, X.shape[0]))
        self.parts = np.empty((len(cuts) - 1, K, len(columns) + 1))

    cdef bint make(self, double[:, ::1] direction, double[:, ::1] out) except -1 nogil:
        cdef Py_ssize_t b, k, j, blocks = self.parts.shape[0]
        self.direction = direction
        parallel(turn_block, <void *>self, blocks, self.n_threads)
        out[:, :] = 0.0
        for b in range(blocks):
            for k in range(out.shape[0]):
                for j in range(out.shape[1]):
                    out[k, j] += self.parts[b, k, j]
        return True

    cdef void turn(self, Py_ssize_t b) noexcept nogil:
        """Make parts[b]."""
        cdef Py_ssize_t a = self.cuts[b], end = self.cuts[b + 1], i, k, S = self.columns.shape[0]
        cdef double[:, ::1] part = self.parts[b]
        cdef double *to = &part[0, 0]
        cdef double total
        if self.is_double:
            few_images(self.doubles, self.columns, self.direction, self.mean, self.images, a, end)
        else:
            few_images(self.floats, self.columns, self.direction, self.mean, self.images, a, end)
        for k in range(part.shape[0]):
            for i in range(a, end):
                self.images[k, i] += self.direction[k, S]
        self.bend.bend(self.images, a, end)
        for k in range(part.shape[0]):
            total = 0.0
            for i in range(a, end):
                total += self.images[k, i]
            part[k, S] = total
        if self.is_double:
            few_dots(self.doubles, self.columns, self.images, self.mean, to, S + 1, 0, S, a, end)
        else:
            few_dots(self.floats, self.columns, self.images, self.mean, to, S + 1, 0, S, a, end)


cdef void turn_block(void *product, Py_ssize_t b) noexcept nogil:
    (<DenseProduct>product).turn(b)


cdef void add_penalty(
    const double[:, ::1] direction, const double[:, ::1] unit, const double[::1] stiff,
    const double[::1] l2, double[:, ::1] out
) noexcept nogil:
    """out += direction P."""
    cdef Py_ssize_t j, k
    cdef double along
    for j in range(l2.shape[0]):
        along = 0.0
        if stiff[j] > 0.0:
            for k in range(out.shape[0]):
                along += unit[j, k] * direction[k, j]
        for k in range(out.shape[0]):
            out[k, j] += l2[j] * direction[k, j] + stiff[j] * (direction[k, j] - along * unit[j, k])


def conjugate_gradients(
    Product product, double[:, ::1] r, const double[:, ::1] moving, const double[:, ::1] diagonal,
    const double[:, ::1] unit, const double[::1] stiff, const double[::1] l2, double share,
    Py_ssize_t most
):
    """Return D (K, |S| + 1) that leaves a share of R, |R|^2 measured over the diagonal.

    r : (K, |S| + 1), 0 who does not move; overwritten by what is left
    moving, diagonal : (K, |S| + 1), the former 1 and 0, the latter about that of A, > 0
    unit : (|S|, K);  stiff, l2 : (|S|,)
    most : products
    """
    cdef double[:, :, ::1] room = np.zeros((4, *np.shape(r)))
    cdef double[:, ::1] step = room[0], direction = room[1], s = room[2], image = room[3]
    cdef Py_ssize_t size = r.shape[0] * r.shape[1], i, made = 0
    cdef double rho = 1.0, previous, goal = 0.0, curvature, kept, work = 0.0
    cdef double *x = &r[0, 0]
    cdef const double *moves = &moving[0, 0]
    cdef const double *scale = &diagonal[0, 0]
    with nogil:
        while True:
            for i in range(size):
                (&s[0, 0])[i] = x[i] / scale[i]
            previous, rho = rho, riata_dot_f64(&s[0, 0], x, 0.0, size)
            if made == 0:
                goal = share * rho
            if rho <= goal or made == most:
                break
            kept = rho / previous if made else 0.0
            for i in range(size):
                (&direction[0, 0])[i] = (&s[0, 0])[i] + kept * (&direction[0, 0])[i]
            product.make(direction, image)
            add_penalty(direction, unit, stiff, l2, image)
            made += 1
            for i in range(size):
                (&image[0, 0])[i] *= moves[i]
            curvature = riata_dot_f64(&direction[0, 0], &image[0, 0], 0.0, size)
            if not curvature > FLAT * rho:
                break
            riata_axpy_f64(rho / curvature, &direction[0, 0], &step[0, 0], size)
            riata_axpy_f64(-rho / curvature, &image[0, 0], x, size)
            work += product.cost
            if work > BETWEEN_SIGNALS:
                work = 0.0
                with gil:
                    PyErr_CheckSignals()
    return np.asarray(step)


def couple(const double[:, :, :] of_pairs, double[:, ::1] out):
    """out_(a k, b q) = -g_kq,ab for k != q, and the sum over q of g_kq,ab at q = k: the second
    derivative of a softmax by pairs of classes, whose mu_k mu_q went into g_kq.

    of_pairs : (K (K - 1) / 2, A, B), those of k > q in the order (1, 0), (2, 0), (2, 1), ..
    out : (A K, B K), overwritten
    """
    cdef Py_ssize_t A = of_pairs.shape[1], B = of_pairs.shape[2], K = out.shape[0] // A
    cdef Py_ssize_t a, b, k, q, pair
    cdef double g
    with nogil:
        for a in range(A):
            for b in range(B):
                pair = 0
                for k in range(K):
                    out[a * K + k, b * K + k] = 0.0
                    for q in range(k):
                        g = of_pairs[pair, a, b]
                        out[a * K + k, b * K + q] = out[a * K + q, b * K + k] = -g
                        out[a * K + k, b * K + k] += g
                        out[a * K + q, b * K + q] += g
                        pair += 1
