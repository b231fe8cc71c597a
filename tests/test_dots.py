"""Products of several vectors with columns that lie along memory, against numpy."""

import numpy as np
import pytest

from riata.kernels import dense
from riata.kernels.columns import columns_dots, columns_images, gram_rows

EPS = np.finfo(float).eps


def problem(n, p, dtype):
    rng = np.random.default_rng(n + p)
    X = np.asfortranarray(3.0 + rng.standard_normal((n, p)), dtype=dtype)
    return X, X.mean(axis=0, dtype=np.float64), rng


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 7, 8, 511, 512, 1300])
@pytest.mark.parametrize("m", [1, 3, 4, 70])
def test_dots_and_images_are_products(n, m, dtype):
    X, mean, rng = problem(n, 23, dtype)
    columns = rng.permutation(23)[:9]
    centred = X[:, columns].astype(float) - mean[columns]
    vectors = rng.standard_normal((m, n))
    out = np.full((m, 9), np.nan)
    columns_dots(X, columns, vectors, mean, out, 1)
    size = np.abs(vectors) @ np.abs(centred)
    assert (np.abs(out - vectors @ centred) <= 4 * EPS * np.sqrt(n) * size + 1e-300).all()

    coef = rng.standard_normal((m, 9))
    image = np.full((m, n), np.nan)
    columns_images(X, columns, coef, mean, image, 1)
    size = np.abs(coef) @ np.abs(centred).T
    assert (np.abs(image - coef @ centred.T) <= 40 * EPS * size).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "size", "first"), [(1, 3, 2), (13, 9, 0), (700, 60, 41)])
def test_gram_rows_are_written_into_the_matrix_both_ways_round(n, size, first, dtype):
    X, mean, rng = problem(n, 80, dtype)
    members, weights = rng.permutation(80)[:size], rng.random(n)
    gram = np.full((size + 5, size + 5), np.nan)
    others = np.s_[:first, first:size]
    gram_rows(X, members[first:], members, mean, weights, gram[first:size, :size], gram[others], 2)
    centred = X[:, members].astype(float) - mean[members]
    want = centred.T @ (weights[:, None] * centred)
    scale = np.sqrt(np.outer(np.diagonal(want), np.diagonal(want)))
    for some in (np.s_[first:size, :size], others):
        assert (np.abs(gram[some] - want[some]) <= 4 * EPS * np.sqrt(n) * scale[some]).all()
    assert np.isnan(gram[:first, :first]).all()
    assert np.isnan(gram[size:]).all()
    assert np.isnan(gram[:, size:]).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("n", "p", "some"), [(1300, 400, 331), (90000, 12, 7), (0, 3, 2), (5, 3, 0)]
)
def test_bits_do_not_depend_on_how_the_work_is_cut(n, p, some, dtype):
    rng = np.random.default_rng(n + p)
    X = np.asfortranarray(3.0 + rng.standard_normal((n, p)), dtype=dtype)
    mean, columns = np.full(p, 3.0), rng.permutation(p)[:some]
    vectors, coef = rng.standard_normal((6, n)), rng.standard_normal((6, some))
    alone, image = np.empty((1, some)), np.empty((6, n))
    columns_images(X, columns, coef, mean, image, 1)
    for n_threads in (1, 2, 5):
        whole, moved = np.full((6, some), np.nan), np.full((6, n), np.nan)
        columns_dots(X, columns, vectors, mean, whole, n_threads)
        columns_images(X, columns, coef, mean, moved, n_threads)
        for v in range(6):
            columns_dots(X, columns, vectors[v : v + 1], mean, alone, 1)
            assert np.array_equal(alone[0], whole[v])
        for a in range(0, some, max(1, some // 5)):
            one = np.empty((6, 1))
            columns_dots(X, columns[a : a + 1], vectors, mean, one, 1)
            assert np.array_equal(one[:, 0], whole[:, a])
        assert np.array_equal(image, moved)


@pytest.mark.parametrize("order", "FC")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [2, 9, 511, 1300])
@pytest.mark.parametrize("some", [0, 1, 4, 5, 9])
def test_image_of_one_vector(n, some, dtype, order):
    X, mean, rng = problem(n, 23, dtype)
    columns, coef = rng.permutation(23)[:9], np.zeros(9)
    coef[rng.permutation(9)[:some]] = rng.standard_normal(some)
    centred = X[:, columns].astype(float) - mean[columns]
    if order == "F":  # columns whose coefficient is 0 are not read
        X[:, columns[coef == 0.0]] = np.nan
    image = np.full(n, np.nan)
    for a, b in [(0, n // 3), (n // 3, n)]:
        dense.dot(np.array(X, order=order), columns, coef, mean, image, a, b)
    size = np.abs(centred) @ np.abs(coef)
    assert (np.abs(image - centred @ coef) <= 40 * EPS * size).all()


@pytest.mark.parametrize("order", "FC")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "p"), [(1, 3), (700, 4), (1300, 150)])
def test_residual_and_its_products(n, p, dtype, order):
    X, mean, rng = problem(n, p, dtype)
    X = np.array(X, order=order)
    y, w, coef = rng.standard_normal(n), rng.random(n), rng.standard_normal(p)
    coef[::3] = 0.0
    resid, weighted, out = np.empty(n), np.empty((1, n)), np.empty((2, 1, p))
    for part, (a, b) in zip(out, [(0, n // 2), (n // 2, n)], strict=True):
        dense.residual(X, np.arange(p), y, w, coef, mean, resid, weighted, part, a, b)
    centred = X - mean
    wanted = y - centred @ coef
    size = np.abs(y) + np.abs(centred) @ np.abs(coef)
    assert (np.abs(resid - wanted) <= 40 * EPS * size).all()
    assert np.array_equal(weighted[0], w * resid)
    z, size = centred.T @ (w * wanted), np.abs(centred.T) @ (w * size)
    assert (np.abs(out.sum(axis=0)[0] - z) <= 40 * EPS * size).all()
