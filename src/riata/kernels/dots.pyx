"""Several vectors against columns of a dense matrix that lie along memory.

    few_dots        X_J'U
    few_images      X_J D
    image           X_J d

Method: register tiles, as for a matrix product (Goto and van de Geijn, "Anatomy of
high-performance matrix multiplication", ACM TOMS 34(3), 2008), without packing: a column is used
while it is in the first-level cache, the vectors stay in the second. Packing costs more than the
products where the vectors are few (measured: below about forty).
"""

from libc.string cimport memset

from .simd cimport real

cdef extern from "dots.h" nogil:
    ctypedef void (*riata_dots_f64_fn)(
        const double *const *, const double *const *, const double *, const double *const *,
        Py_ssize_t, double *, Py_ssize_t) noexcept
    ctypedef void (*riata_dots_f32_fn)(
        const double *const *, const float *const *, const double *, const float *const *,
        Py_ssize_t, double *, Py_ssize_t) noexcept
    ctypedef void (*riata_images_f64_fn)(
        const double *, const double *const *, const double *, const double *const *, Py_ssize_t,
        double *const *) noexcept
    ctypedef void (*riata_images_f32_fn)(
        const double *, const float *const *, const double *, const float *const *, Py_ssize_t,
        double *const *) noexcept
    ctypedef struct riata_dots:
        riata_dots_f64_fn most_f64
        riata_dots_f64_fn f64
        riata_dots_f64_fn two_f64
        riata_dots_f64_fn one_f64
        riata_dots_f32_fn most_f32
        riata_dots_f32_fn f32
        riata_dots_f32_fn two_f32
        riata_dots_f32_fn one_f32
        riata_images_f64_fn images_f64
        riata_images_f64_fn pair_f64
        riata_images_f64_fn image_f64
        riata_images_f32_fn images_f32
        riata_images_f32_fn pair_f32
        riata_images_f32_fn image_f32
        int most
        int ni
        int nj
    riata_dots riata_choose_dots()

cdef enum:
    MOST = 4        # columns in a tile, and vectors but for inner products
    WIDEST = 6      # vectors in a tile of inner products
    ROWS = 512      # at a time: a tile's columns fill half of the first-level cache
    LINE = 8        # doubles in a line of the cache
    STRIP = 2048    # of an image, half of the first-level cache
    VECTORS = 64    # at a time: ROWS of them stay in the second, and so many entries of fewer

cdef riata_dots DOTS = riata_choose_dots()


cdef Py_ssize_t columns_for(Py_ssize_t m) noexcept nogil:
    """The columns that a tile is made for with m vectors: one or two leave registers for all."""
    return MOST if m <= 2 else DOTS.nj


cdef void dots_of_tile(
    const real *const *x, const real *const *following, const double *shifts, Py_ssize_t columns,
    const double *vectors, Py_ssize_t apart, Py_ssize_t m, Py_ssize_t rows, double *out,
    Py_ssize_t out_apart
) noexcept nogil:
    """out_vj += sum_i vectors_vi (x_j[i] - shifts_j) for the columns of one tile; m vectors, and
    their sums, lie so far apart.

    Where fewer vectors are left than a tile takes, the last one stands in, and is not counted.
    """
    cdef Py_ssize_t i, j, v = 0, left, width
    cdef const double *u[WIDEST]
    cdef double tile[WIDEST * MOST]
    while v < m:
        left = m - v
        width = DOTS.most if left > 8 or 4 < left < 7 else DOTS.ni   # eight are two fours
        for i in range(width):
            u[i] = vectors + min(v + i, m - 1) * apart
        if real is double:
            (DOTS.most_f64 if width > DOTS.ni else DOTS.f64 if left > 2
             else DOTS.two_f64 if left > 1 else DOTS.one_f64)(
                u, x, shifts, following if v == 0 else NULL, rows, tile, MOST)
        else:
            (DOTS.most_f32 if width > DOTS.ni else DOTS.f32 if left > 2
             else DOTS.two_f32 if left > 1 else DOTS.one_f32)(
                u, x, shifts, following if v == 0 else NULL, rows, tile, MOST)
        for i in range(min(width, left)):
            for j in range(columns):
                out[(v + i) * out_apart + j] += tile[i * MOST + j]
        v += width


cdef void add_tile(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] vectors,
    const double[::1] shift, double *out, Py_ssize_t apart, Py_ssize_t a, Py_ssize_t a1,
    Py_ssize_t v0, Py_ssize_t v1, Py_ssize_t row, Py_ssize_t rows
) noexcept nogil:
    """Add a few rows' part of the products of one tile's columns with the vectors v0:v1; of
    columns, too, the last one stands in."""
    cdef Py_ssize_t j, width = columns_for(v1 - v0)
    cdef const real *x[MOST]
    cdef const real *following[MOST]
    cdef double shifts[MOST]
    for j in range(MOST):
        x[j] = &X[row, columns[min(a + j, a1 - 1)]]
        following[j] = &X[row, columns[min(a + width + j, a1 - 1)]]
        shifts[j] = shift[columns[min(a + j, a1 - 1)]]
    dots_of_tile(
        x, following, shifts, min(width, a1 - a), &vectors[v0, row],
        vectors.shape[1], v1 - v0, rows, out + v0 * apart + a, apart)


cdef void add_strip(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] vectors,
    const double[::1] shift, double *out, Py_ssize_t apart, Py_ssize_t a0, Py_ssize_t a1,
    Py_ssize_t v0, Py_ssize_t v1, Py_ssize_t row, Py_ssize_t rows
) noexcept nogil:
    """Add some rows' part of the products of the columns a0:a1 with the vectors v0:v1."""
    cdef Py_ssize_t a = a0, r
    while a < a1:
        r = 0
        while r < rows:
            add_tile(X, columns, vectors, shift, out, apart, a, a1, v0, v1, row + r,
                     min(<Py_ssize_t>ROWS, rows - r))
            r += ROWS
        a += columns_for(v1 - v0)


cdef void add_dots(
    const double *const *x, Py_ssize_t columns, const double *vectors, Py_ssize_t apart,
    Py_ssize_t m, Py_ssize_t rows, double *out
) noexcept nogil:
    """out_va += sum_i vectors_vi x_a[i], i < rows, for a few columns; m vectors, and their sums,
    lie so far apart."""
    cdef Py_ssize_t j, a, row = 0, width = columns_for(m)
    cdef const double *tile[MOST]
    cdef const double *following[MOST]
    cdef double[MOST] shifts = [0.0, 0.0, 0.0, 0.0]
    while row < rows:
        a = 0
        while a < columns:
            for j in range(MOST):
                tile[j] = x[min(a + j, columns - 1)] + row
                following[j] = x[min(a + width + j, columns - 1)] + row
            dots_of_tile(
                tile, following, shifts, min(width, columns - a), vectors + row,
                apart, m, min(<Py_ssize_t>ROWS, rows - row), out + a, apart)
            a += width
        row += ROWS


cdef void few_dots(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] vectors,
    const double[::1] shift, double *out, Py_ssize_t apart, Py_ssize_t a0, Py_ssize_t a1,
    Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil:
    """out_va = sum_i vectors_vi (x_i,columns[a] - shift_columns[a]), i in r0:r1, a0 <= a < a1; the
    sums of two vectors lie so far apart.

    The bits of a sum depend on nothing but its column, vector and rows. Cost: m (r1 - r0) (a1 - a0)
    multiply-adds, and one read of the columns for every VECTORS.
    """
    cdef Py_ssize_t m = vectors.shape[0], v, row, strip
    for v in range(m):
        memset(out + v * apart + a0, 0, (a1 - a0) * sizeof(double))
    v = 0
    while v < m:
        row, strip = r0, VECTORS // min(<Py_ssize_t>VECTORS, m - v) * ROWS
        while row < r1:
            add_strip(X, columns, vectors, shift, out, apart, a0, a1, v, min(v + VECTORS, m), row,
                      min(strip, r1 - row))
            row += strip
        v += VECTORS


cdef void images_of_tile(
    const real *const *x, const double *shifts, Py_ssize_t columns, const double *coef,
    Py_ssize_t coef_apart, Py_ssize_t m, Py_ssize_t rows, double *out, Py_ssize_t apart
) noexcept nogil:
    """out_vi += sum_j coef_vj (x_j[i] - shifts_j) for the columns of one tile; m rows of coef and m
    images lie so far apart. As for dots_of_tile."""
    cdef Py_ssize_t i, j, v = 0, width
    cdef double *images[MOST]
    cdef double anywhere[ROWS + LINE]
    cdef double d[MOST * MOST]
    cdef Py_ssize_t off = (<size_t>anywhere // sizeof(double)) % LINE
    cdef double *nowhere = anywhere + LINE - off   # stores that cross a line are slow to be reread
    while v < m:
        memset(d, 0, sizeof(d))
        width = DOTS.ni if m - v > 2 else 2
        for i in range(width):
            images[i] = out + (v + i) * apart if v + i < m else nowhere
            if v + i < m:
                for j in range(columns):
                    d[i * MOST + j] = coef[(v + i) * coef_apart + j]
            else:
                memset(nowhere, 0, rows * sizeof(double))
        if real is double:
            (DOTS.images_f64 if m - v > 2 else DOTS.pair_f64)(d, x, shifts, NULL, rows, images)
        else:
            (DOTS.images_f32 if m - v > 2 else DOTS.pair_f32)(d, x, shifts, NULL, rows, images)
        v += width


cdef void add_image_tile(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] coef,
    const double[::1] shift, double[:, ::1] out, Py_ssize_t a, Py_ssize_t row, Py_ssize_t rows
) noexcept nogil:
    """Add what one tile's columns give to a few rows of every image; as for add_tile."""
    cdef Py_ssize_t j, last = columns.shape[0] - 1
    cdef const real *x[MOST]
    cdef double shifts[MOST]
    for j in range(DOTS.nj):
        x[j] = &X[row, columns[min(a + j, last)]]
        shifts[j] = shift[columns[min(a + j, last)]]
    images_of_tile(
        x, shifts, min(<Py_ssize_t>DOTS.nj, last + 1 - a), &coef[0, a], coef.shape[1],
        coef.shape[0], rows, &out[0, row], out.shape[1])


cdef void add_images(
    const double *const *x, Py_ssize_t columns, const double *coef, Py_ssize_t apart, Py_ssize_t m,
    Py_ssize_t rows, double *out
) noexcept nogil:
    """out_vi += sum_a coef_va x_a[i], i < rows, for a few columns; m rows of coef, and m images,
    lie so far apart."""
    cdef Py_ssize_t j, a, row = 0
    cdef const double *tile[MOST]
    cdef double[MOST] shifts = [0.0, 0.0, 0.0, 0.0]
    while row < rows:
        a = 0
        while a < columns:
            for j in range(DOTS.nj):
                tile[j] = x[min(a + j, columns - 1)] + row
            images_of_tile(
                tile, shifts, min(<Py_ssize_t>DOTS.nj, columns - a), coef + a, apart, m,
                min(<Py_ssize_t>ROWS, rows - row), out + row, apart)
            a += DOTS.nj
        row += ROWS


cdef void few_images(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[:, ::1] coef,
    const double[::1] shift, double[:, ::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil:
    """out_vi = sum_a coef_va (x_i,columns[a] - shift_columns[a]) for r0 <= i < r1.

    Cost: m |columns| (r1 - r0) multiply-adds, and one read of the columns.
    """
    cdef Py_ssize_t v, a, row = r0, rows
    for v in range(coef.shape[0]):
        memset(&out[v, r0], 0, (r1 - r0) * sizeof(double))
    while row < r1:
        rows = min(<Py_ssize_t>ROWS, r1 - row)
        a = 0
        while a < columns.shape[0]:
            add_image_tile(X, columns, coef, shift, out, a, row, rows)
            a += DOTS.nj
        row += rows


cdef Py_ssize_t next_tile(
    const double[::1] coef, Py_ssize_t *a, Py_ssize_t *tile
) noexcept nogil:
    """Fill a tile with the numbers, from a on, of coefficients that are not 0, the last one in
    place of those that are wanting; return how many there are, and leave a behind them."""
    cdef Py_ssize_t size = 0, j
    while size < MOST and a[0] < coef.shape[0]:
        if coef[a[0]] != 0.0:
            tile[size] = a[0]
            size += 1
        a[0] += 1
    for j in range(size, MOST if size else 0):
        tile[j] = tile[size - 1]
    return size


cdef void add_image(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] coef, double sign,
    const double[::1] shift, double *out, Py_ssize_t row, Py_ssize_t rows
) noexcept nogil:
    """out_i += sign sum_a coef_a (x_row+i,columns[a] - shift_columns[a]) for i < rows, the columns
    contiguous; those whose coefficient is 0 are not read."""
    cdef Py_ssize_t a = 0, j, size
    cdef Py_ssize_t tile[MOST]
    cdef Py_ssize_t following[MOST]
    cdef const real *x[MOST]
    cdef const real *ahead[MOST]
    cdef double shifts[MOST]
    cdef double d[MOST]
    cdef Py_ssize_t more = next_tile(coef, &a, following)
    while more:
        tile, size = following, more
        more = next_tile(coef, &a, following)
        for j in range(MOST):
            x[j], ahead[j] = &X[row, columns[tile[j]]], &X[row, columns[following[j]]]
            shifts[j] = shift[columns[tile[j]]]
            d[j] = sign * coef[tile[j]] if j < size else 0.0
        if real is double:
            DOTS.image_f64(d, x, shifts, ahead if more else NULL, rows, &out)
        else:
            DOTS.image_f32(d, x, shifts, ahead if more else NULL, rows, &out)


cdef void image(
    const real[:, :] X, const Py_ssize_t[::1] columns, const double[::1] coef,
    const double[::1] shift, double[::1] out, Py_ssize_t r0, Py_ssize_t r1
) noexcept nogil:
    """out_i = sum_a coef_a (x_i,columns[a] - shift_columns[a]) for r0 <= i < r1, as add_image."""
    cdef Py_ssize_t row = r0
    memset(&out[r0], 0, (r1 - r0) * sizeof(double))
    while row < r1:
        add_image(X, columns, coef, 1.0, shift, &out[row], row, min(<Py_ssize_t>STRIP, r1 - row))
        row += STRIP
