"""Passes over a dense matrix, in either order, by block.

X is (n, p) float or double with unit stride along one axis and any stride along the other;
every sum is in double. A pass is called once per block (rows r0:r1, columns c0:c1) and the blocks
are fixed by the matrix alone, so that the bits do not depend on who runs them.

    measure_columns     mean, rest of the mean, variance and X'u of contiguous columns
    column_moments      sum_i w_i (x_ij - shift_j) and sum_i w_i (x_ij - shift_j)^2
    largest             max |x_ij|, NaN where an entry is NaN or infinite
    transpose_dot       out_j = sum_i (x_ij - shift_j) u_i, rows contiguous
    columns_dot         out_a = sum_i (x_i,columns[a] - shift_columns[a]) u_i
    dot                 out_i = sum_a (x_i,columns[a] - shift_columns[a]) coef_a
    residual            r_i = y_i - sum_j (x_ij - shift_j) coef_j and X'(w r), in one read
    first_nonfinite     (i, j) of the first entry in row order that is NaN or infinite

All release the GIL. Cost: one read of the block.
"""

import numpy as np

from libc.math cimport isfinite
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from .dots cimport add_image, add_strip, image as column_image
from .simd cimport ROWS_AT_ONCE, add_rows, dot as column_dot, maximum, moments, norm, real
from .simd cimport row_dot, row_stats

cdef enum:
    COLUMNS_AT_ONCE = 1024   # entries of an output vector that stay in the first-level cache
    SECOND_LEVEL = 1 << 16   # entries of X that a second-level cache keeps between two uses
    LINE = 8                 # entries that share a line: of so many columns, one is as dear as all


cdef double *row_of_zeros(Py_ssize_t some, Py_ssize_t p) noexcept nogil:
    """Room for a row, where `some` columns of p cost as much memory traffic as all; else, or where
    there is none, NULL: they are taken one by one."""
    return <double *>calloc(p, sizeof(double)) if some * LINE >= p else NULL


def largest(const real[:, :] X, Py_ssize_t r0, Py_ssize_t r1, Py_ssize_t c0, Py_ssize_t c1):
    """Return max |x_ij| over the block, NaN where one is NaN or infinite."""
    cdef double top = 0.0, m
    cdef Py_ssize_t i, j
    cdef bint by_column = X.strides[0] == sizeof(real)
    with nogil:
        if by_column:
            for j in range(c0, c1):
                m = maximum(&X[r0, j], r1 - r0)
                if not m <= top:
                    top = m
                    if m != m:
                        break
        else:
            for i in range(r0, r1):
                m = maximum(&X[i, c0], c1 - c0)
                if not m <= top:
                    top = m
                    if m != m:
                        break
    return top


def measure_columns(
    const real[:, :] X, const double[:, ::1] w, const double[:, ::1] u, bint centred,
    double[:, ::1] mean, double[:, ::1] rest, double[:, ::1] second, double[:, ::1] cross,
    Py_ssize_t c0, Py_ssize_t c1
):
    """The moments of the contiguous columns c0:c1 under several weights, while one is in cache.

    mean_kj = sum_i w_ki x_ij, rest_kj = sum_i w_ki (x_ij - mean_kj), second_kj the same of squares,
    cross_kj = sum_i u_ki (x_ij - mean_kj), or sum_i u_ki x_ij; all (K, p), overwritten.
    w, u : (K, n), u None for no cross; rows of u sum to 0 where centred
    """
    cdef Py_ssize_t j, k, n = X.shape[0]
    cdef double[::1] total = np.zeros(len(w)) if centred or u is None else np.sum(u, axis=1)
    cdef const real *x
    cdef const real *following
    cdef const double *v = NULL
    cdef double[3] sums
    with nogil:
        for j in range(c0, c1):
            x = &X[0, j]
            following = &X[0, j + 1] if j + 1 < c1 else x
            for k in range(w.shape[0]):
                mean[k, j] = column_dot(x, &w[k, 0], 0.0, n)
                if u is not None:
                    v = &u[k, 0]
                moments(x, following, &w[k, 0], v, mean[k, j], n, sums)
                rest[k, j], second[k, j] = sums[0], sums[1]
                if v != NULL:
                    cross[k, j] = sums[2] + mean[k, j] * total[k]


def column_moments(
    const real[:, :] X, const double[::1] w, const double[::1] shift, double[::1] first,
    double[::1] second, Py_ssize_t r0, Py_ssize_t r1, Py_ssize_t c0, Py_ssize_t c1
):
    """first_j = sum_i w_i (x_ij - shift_j), second_j = sum_i w_i (x_ij - shift_j)^2, one read."""
    cdef Py_ssize_t i, j, a, width
    cdef bint by_column = X.strides[0] == sizeof(real)
    with nogil:
        if by_column:
            for j in range(c0, c1):
                first[j] = column_dot(&X[r0, j], &w[r0], shift[j], r1 - r0)
                second[j] = norm(&X[r0, j], &w[r0], shift[j], r1 - r0)
        else:
            memset(&first[c0], 0, (c1 - c0) * sizeof(double))
            memset(&second[c0], 0, (c1 - c0) * sizeof(double))
            a = c0
            while a < c1:
                width = min(<Py_ssize_t>COLUMNS_AT_ONCE, c1 - a)
                for i in range(r0, r1):
                    row_stats(w[i], &X[i, a], &shift[a], &first[a], width, 0)
                    row_stats(w[i], &X[i, a], &shift[a], &second[a], width, 1)
                a += width


def transpose_dot(
    const real[:, :] X, const double[::1] u, const double[::1] shift, double[::1] out,
    Py_ssize_t r0, Py_ssize_t r1, Py_ssize_t c0, Py_ssize_t c1
):
    """out_j = sum_i (x_ij - shift_j) u_i over a block, rows contiguous; out[c0:c1] overwritten.

    Where columns are contiguous dots.pyx does it. Rows that follow one another are read one by one:
    memory is then read from one end to the other, which it does best.
    """
    cdef Py_ssize_t i, a, width, stride = X.strides[0] // <Py_ssize_t>sizeof(real)
    with nogil:
        memset(&out[c0], 0, (c1 - c0) * sizeof(double))
        a = c0
        while a < c1:
            width = min(<Py_ssize_t>COLUMNS_AT_ONCE, c1 - a)
            i = r0
            while i + ROWS_AT_ONCE <= r1 and width < stride:
                add_rows(&u[i], &X[i, a], stride, &shift[a], &out[a], width)
                i += ROWS_AT_ONCE
            while i < r1:
                row_stats(u[i], &X[i, a], &shift[a], &out[a], width, 0)
                i += 1
            a += width


cdef void products_by_row(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] u,
    const double[::1] shift, double[::1] out, Py_ssize_t a0, Py_ssize_t a1, Py_ssize_t r0,
    Py_ssize_t r1
) noexcept nogil:
    """See columns_dot."""
    cdef Py_ssize_t i, a, p = X.shape[1]
    cdef double *sums = row_of_zeros(a1 - a0, p)
    if sums != NULL:
        i = r0   # eight rows at a time, not one: round trips have just read them
        while i + ROWS_AT_ONCE <= r1:
            add_rows(&u[i], &X[i, 0], X.strides[0] // <Py_ssize_t>sizeof(real), &shift[0], sums, p)
            i += ROWS_AT_ONCE
        while i < r1:
            row_stats(u[i], &X[i, 0], &shift[0], sums, p, 0)
            i += 1
        for a in range(a0, a1):
            out[a] = sums[columns[a]]
        free(sums)
        return
    memset(&out[a0], 0, (a1 - a0) * sizeof(double))
    for i in range(r0, r1):
        for a in range(a0, a1):
            out[a] += (X[i, columns[a]] - shift[columns[a]]) * u[i]


def columns_dot(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] u,
    const double[::1] shift, double[::1] out, Py_ssize_t a0, Py_ssize_t a1, Py_ssize_t r0,
    Py_ssize_t r1
):
    """out_a = sum_i (x_i,columns[a] - shift_columns[a]) u_i, i in r0:r1; out[a0:a1] is overwritten.

    Row by row; where columns are contiguous dots.pyx does it.
    """
    with nogil:
        products_by_row(X, columns, u, shift, out, a0, a1, r0, r1)


cdef void image(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] coef,
    const double[::1] shift, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil:
    """See dot."""
    cdef Py_ssize_t i, a, p = X.shape[1]
    cdef double eta
    cdef double *whole
    if X.strides[0] == sizeof(real):
        column_image(X, columns, coef, shift, out, r0, r1)
        return
    whole = row_of_zeros(columns.shape[0], p)
    if whole != NULL:
        for a in range(columns.shape[0]):
            whole[columns[a]] += coef[a]
        for i in range(r0, r1):
            out[i] = row_dot(&X[i, 0], whole, &shift[0], p)
        free(whole)
        return
    for i in range(r0, r1):
        eta = 0.0
        for a in range(columns.shape[0]):
            eta += (X[i, columns[a]] - shift[columns[a]]) * coef[a]
        out[i] = eta


def dot(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] coef,
    const double[::1] shift, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
):
    """out_i = sum_a (x_i,columns[a] - shift_columns[a]) coef_a; out[r0:r1] is overwritten.

    Columns whose coefficient is 0 are not read where they are contiguous.
    """
    with nogil:
        image(X, columns, coef, shift, out, r0, r1)


def residual(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] y, const double[::1] w,
    const double[::1] coef, const double[::1] shift, double[::1] resid, double[:, ::1] weighted,
    double[:, ::1] out, Py_ssize_t r0, Py_ssize_t r1
):
    """resid_i = y_i - sum_j (x_ij - shift_j) coef_j; out_0j = sum_i (x_ij - shift_j) w_i resid_i.

    columns : all, 0, 1, ..., p - 1;  coef (p,)
    Overwritten: rows r0:r1 of resid and of weighted (1, n), w resid; out (1, p), this block's part
    of the sum.
    """
    cdef Py_ssize_t i, k, height, p = X.shape[1]
    cdef Py_ssize_t step = X.strides[0] // <Py_ssize_t>sizeof(real)
    cdef bint by_column = X.strides[0] == sizeof(real)
    with nogil:
        memset(&out[0, 0], 0, p * sizeof(double))
        i = r0
        while i < r1:
            height = max(<Py_ssize_t>64, SECOND_LEVEL // p) if by_column else ROWS_AT_ONCE
            height = min(height, r1 - i)
            for k in range(i, i + height):
                resid[k] = y[k] if by_column else (
                    y[k] - row_dot(&X[k, 0], &coef[0], &shift[0], p))
            if by_column:
                add_image(X, columns, coef, -1.0, shift, &resid[i], i, height)
            for k in range(i, i + height):
                weighted[0, k] = w[k] * resid[k]
            if by_column:
                add_strip(X, columns, weighted, shift, &out[0, 0], p, 0, p, 0, 1, i, height)
            elif height == ROWS_AT_ONCE:
                add_rows(&weighted[0, i], &X[i, 0], step, &shift[0], &out[0, 0], p)
            else:
                for k in range(i, i + height):
                    row_stats(weighted[0, k], &X[k, 0], &shift[0], &out[0, 0], p, 0)
            i += height


def first_nonfinite(const real[:, :] X):
    """Return (i, j) of the first NaN or infinite entry in row order, or None."""
    cdef Py_ssize_t i, j
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            if not isfinite(X[i, j]):
                return i, j
    return None
