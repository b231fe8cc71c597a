"""Products of several vectors with columns that lie along memory, against numpy."""

import numpy as np
import pytest

from riata.kernels import dots

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
    dots.columns_dots(X, columns, vectors, mean, out, 0, 9, 0, n)
    size = np.abs(vectors) @ np.abs(centred)
    assert (np.abs(out - vectors @ centred) <= 4 * EPS * np.sqrt(n) * size + 1e-300).all()

    coef = rng.standard_normal((m, 9))
    image = np.full((m, n), np.nan)
    dots.columns_images(X, columns, coef, mean, image, 0, n)
    size = np.abs(coef) @ np.abs(centred).T
    assert (np.abs(image - coef @ centred.T) <= 40 * EPS * size).all()


def test_bits_do_not_depend_on_how_the_work_is_cut():
    X, mean, rng = problem(1300, 40, np.float64)
    columns, vectors = rng.permutation(40)[:31], rng.standard_normal((6, 1300))
    whole, parts = np.empty((6, 31)), np.empty((6, 31))
    dots.columns_dots(X, columns, vectors, mean, whole, 0, 31, 0, 1300)
    for a, b in [(0, 5), (5, 6), (6, 31)]:
        dots.columns_dots(X, columns, vectors, mean, parts, a, b, 0, 1300)
    assert np.array_equal(whole, parts)
    alone = np.empty((1, 31))
    dots.columns_dots(X, columns, vectors[3:4], mean, alone, 0, 31, 0, 1300)
    assert np.array_equal(alone[0], whole[3])

    coef = rng.standard_normal((6, 31))
    whole, parts = np.empty((6, 1300)), np.empty((6, 1300))
    dots.columns_images(X, columns, coef, mean, whole, 0, 1300)
    for a, b in [(0, 3), (3, 700), (700, 1300)]:
        dots.columns_images(X, columns, coef, mean, parts, a, b)
    assert np.array_equal(whole, parts)
