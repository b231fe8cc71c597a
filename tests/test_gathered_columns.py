"""Columns of a working set that are copied where X has contiguous rows."""

import numpy as np
import pytest
from certified import certified_fit
from family_oracle import check_family_path

import riata
from riata.design import make_design
from riata.design.dense_panel import DensePanel, GatheredPanel, room_for_columns

N, P = 1000, 4000
EPS = np.finfo(float).eps


def panels(dtype, centred):
    """Return a panel that gathers, and one that does not, of the same X."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, P)).astype(dtype) + 3.0
    X, weights = X.astype(dtype), rng.random(N)
    weights[::9] = 0.0
    weights /= weights.sum()
    found = []
    for order in "CF":
        design = make_design(np.asarray(X, order=order), weights, centred=centred, n_threads=2)
        design.fetches = True
        found.append(design.panel(working=True))
    return found


def same(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=64 * EPS * N * np.abs(wanted).max())


def assert_alike(one, other):
    rng, size = np.random.default_rng(1), len(one.members)
    assert np.array_equal(one.members, other.members)
    coef, vectors, some = rng.standard_normal(size), rng.standard_normal((3, N)), np.arange(1, size)
    coefs = rng.standard_normal((3, len(some)))
    same(one.mean, other.mean)
    same(one.dot(coef), other.dot(coef))
    same(one.transpose_dot(vectors[0]), other.transpose_dot(vectors[0]))
    same(one.transpose_dots(vectors, some), other.transpose_dots(vectors, some))
    same(one.dots(coefs, some), other.dots(coefs, some))
    weights = rng.random((2, N))
    mean = np.zeros(size) if not one._centred else rng.standard_normal(size)
    same(one.grams_about(weights, mean), other.grams_about(weights, mean))


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_copies_do_what_the_columns_do(dtype, centred):
    """Who joins, leaves and joins again; weights of another curvature; and beyond the room."""
    one, other = panels(dtype, centred)
    assert isinstance(one, GatheredPanel)
    assert type(other) is DensePanel
    room, rng = room_for_columns(one._design), np.random.default_rng(2)
    everybody = rng.permutation(P)
    assert 64 <= room < P // 12
    for new in (everybody[:20], everybody[20:23], everybody[30:90]):
        same(one.extend(new), other.extend(new))
        assert_alike(one, other)
    kept = np.flatnonzero(rng.random(83) < 0.8)
    one.retain(kept)
    other.retain(kept)
    assert_alike(one, other)
    same(one.extend(everybody[200:210]), other.extend(everybody[200:210]))
    same(one.reweigh(rng.random(N)), other.reweigh(one.weights))
    assert_alike(one, other)
    same(one.extend(everybody[300 : 300 + room]), other.extend(everybody[300 : 300 + room]))
    assert one._columns is None  # there was no room
    assert_alike(one, other)


def test_nothing_is_gathered_where_others_work_on_X_or_columns_are_contiguous():
    one, other = panels(np.float64, centred=False)
    assert room_for_columns(other._design) == 0
    assert type(one._design.panel()) is DensePanel  # nobody will read it often
    one._design.fetches = False
    assert room_for_columns(one._design) == 0
    assert type(one._design.panel(working=True)) is DensePanel


@pytest.mark.parametrize("ratio", [0.3, 0.02])
def test_a_path_in_C_order_is_certified(ratio):
    """Within the room, 173 columns, and beyond it."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((400, P))
    y = X[:, :40] @ rng.standard_normal(40) + rng.standard_normal(400)
    path = certified_fit(X, y, n_alphas=12, alpha_min_ratio=ratio, tol=1e-9)
    assert (path.support_sizes()[-1] > 200) == (ratio < 0.1)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_a_loss_in_C_order_is_certified(family):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((400, P))
    eta = X[:, :10] @ rng.standard_normal(10) / 3.0
    y = rng.poisson(np.exp(eta)) if family == "poisson" else (eta > rng.standard_normal(400))
    y = y.astype(float)
    path = riata.fit_path(X, y, family=family, n_alphas=8, alpha_min_ratio=0.1)
    assert set(path.status) == {"converged"}
    check_family_path(path, X, y, family)
