"""A working set's Gram matrix under other weights, against numpy, whatever the threads."""

import numpy as np
import pytest
from family_oracle import check_family_path
from problems import FEW_STORAGES

import riata
from riata.design import make_design
from riata.design.dense import DenseDesign


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("n", "size"), [(1, 3), (700, 7), (700, 25), (700, 47), (700, 301), (9000, 40)]
)
def test_gram_matrices_are_products_with_the_same_bits_on_any_threads(n, size, order, dtype):
    rng = np.random.default_rng(size)
    X = np.array(2.0 + rng.standard_normal((n, 320)), dtype=dtype, order=order)
    members, weights = rng.permutation(320)[:size], rng.random(n)
    found = []
    for n_threads in (1, 2, 5):
        design = make_design(X, np.full(n, 1.0 / n), centred=True, n_threads=n_threads)
        panel = design.panel(weights)
        grown = panel.extend(members[: size // 2]), panel.extend(members[size // 2 :])
        found.append((panel.reweigh(weights), *grown))
    columns = X[:, members].astype(float)
    columns -= weights @ columns / weights.sum()
    truth = columns.T @ (weights[:, None] * columns)
    for whole, first, rest in found:
        np.testing.assert_allclose(whole, truth, atol=1e-11 * n)
        np.testing.assert_allclose(first, truth[: size // 2, : size // 2], atol=1e-11 * n)
        np.testing.assert_allclose(rest, truth[size // 2 :], atol=1e-11 * n)
        assert np.array_equal(whole, whole.T)
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("size", [1, 7, 30])
def test_gram_matrices_under_several_weights_about_one_centre(storage, centred, size):
    rng = np.random.default_rng(size)
    X = (rng.random((70, 40)) < 0.6) * (1.0 + rng.standard_normal((70, 40)))
    w, h = np.full(70, 1.0 / 70), rng.random((3, 70))
    h[1, :20] = 0.0
    members, centre = rng.permutation(40)[:size], centred * rng.standard_normal(size)
    panel = make_design(FEW_STORAGES[storage](X), w, centred=centred, n_threads=2).panel(w)
    panel.extend(members)
    found = panel.grams_about(h, centre)
    Z = X[:, members] - centre - (w @ X[:, members] if centred else 0.0)
    assert found.shape == (3, size, size)
    for one, weights in zip(found, h, strict=True):
        np.testing.assert_allclose(one, Z.T @ (weights[:, None] * Z), atol=1e-11)


@pytest.mark.parametrize(("n", "size"), [(1, 3), (130, 8), (700, 25), (700, 301), (9000, 40)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_rough_gram_matrix_is_right_to_single_precision_on_any_threads(n, size, dtype):
    rng = np.random.default_rng(size)
    X = np.asfortranarray(1e4 + rng.standard_normal((n, 320)), dtype=dtype)
    members, weights = rng.permutation(320)[:size], rng.random(n)
    found = []
    for n_threads in (1, 2, 5):
        panel = make_design(X, np.full(n, 1.0 / n), centred=True, n_threads=n_threads).panel()
        panel.extend(members)
        found.append(panel.reweigh(weights, rough=True))
        exact = panel.reweigh(weights)
    size_of = np.sqrt(np.diagonal(exact))
    assert (np.abs(found[0] - exact) <= 1e-6 * np.outer(size_of, size_of)).all()
    assert n == 1 or not np.array_equal(found[0], exact)
    assert all(np.array_equal(found[0], other) for other in found[1:])


def asked_for(monkeypatch, X, y, **settings):
    """Return whether the Gram matrices of a fit, in turn, were allowed to be rough."""
    found, gram = [], DenseDesign.gram

    def spy(design, index, weights, mean, out=None, *, rough=False):
        found.append(rough)
        return gram(design, index, weights, mean, out, rough=rough)

    monkeypatch.setattr(DenseDesign, "gram", spy)
    path = riata.fit_path(
        X, y, family="binomial", n_alphas=30, alpha_min_ratio=1e-3, tol=1e-9, **settings
    )
    monkeypatch.undo()
    assert set(path.status) == {"converged"}
    check_family_path(path, X, y, "binomial", tol=1e-9, **settings)
    return found


def test_gram_matrices_of_a_loss_are_rough_until_features_nearly_depend_on_others(monkeypatch):
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((300, 60)))
    y = X[:, :5].sum(axis=1) + rng.logistic(size=300) > 0
    assert all(asked_for(monkeypatch, X, y)[1:])
    X[:, 40:] = X[:, 20:40] + 1e-2 * X[:, 40:]  # noise, which enters late
    rough = asked_for(monkeypatch, X, y)[1:]
    assert rough[0]
    assert not rough[-1]
    assert rough == sorted(rough, reverse=True)  # never again


def test_gram_matrices_of_columns_beyond_single_precision_are_never_rough(monkeypatch):
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((300, 60)))
    y = X[:, :5].sum(axis=1) + rng.logistic(size=300) > 0
    for scale in (1e-30, 1e30):
        scaled = X.copy()
        scaled[:, 3] *= scale
        assert not any(asked_for(monkeypatch, scaled, y))
    assert not any(asked_for(monkeypatch, X, y, penalty_factor=np.arange(60) > 0))
