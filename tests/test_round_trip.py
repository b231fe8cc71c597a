"""A step and what the columns make of it, in one read of the working set, against numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
from problems import FEW_STORAGES, weights

from riata.design import make_design

ROWS = {"few rows": 60, "many rows": 9000}


def trip(X, members, vectors_of, n_threads, w):
    """Return image, vectors and products of a round trip, and the rows that each call turned."""
    design = make_design(X, w, centred=True, n_threads=n_threads)
    panel = design.panel(w)
    panel.extend(members)
    image, vectors, calls = np.full(len(w), np.nan), np.full((2, len(w)), np.nan), []

    def turn(a, b):
        calls.append((a, b))
        vectors[:, a:b] = vectors_of(image[a:b])

    coef = np.linspace(-1.0, 1.0, len(members))
    return image, vectors, panel.round_trip(coef, image, turn, vectors), sorted(calls)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_there_and_back_are_products(storage, dtype, rows):
    n = ROWS[rows]
    rng = np.random.default_rng(n)
    dense = (rng.random((n, 60)) < 0.4) * rng.standard_normal((n, 60))
    dense[:, 7] += 3.0
    X = FEW_STORAGES[storage](dense.astype(dtype))
    w = weights(n) / weights(n).sum()
    members = rng.permutation(60)[:33]
    image, vectors, products, calls = trip(X, members, lambda e: (np.tanh(e), e**2), 1, w)

    as_float = (X.toarray() if sp.issparse(X) else X).astype(float)
    centred = (as_float - w @ as_float)[:, members]
    truth = centred @ np.linspace(-1.0, 1.0, 33)
    np.testing.assert_allclose(image, truth, atol=1e-12)
    np.testing.assert_allclose(vectors, [np.tanh(truth), truth**2], atol=1e-11)
    np.testing.assert_allclose(products, vectors @ centred, atol=1e-9)
    assert calls[0][0] == 0
    assert calls[-1][1] == n
    assert [b for _, b in calls[:-1]] == [a for a, _ in calls[1:]]
    assert len(calls) > 1 or n < 1000

    again = trip(X, members, lambda e: (np.tanh(e), e**2), 4, w)
    assert np.array_equal(image, again[0])
    assert np.array_equal(products, again[2])
