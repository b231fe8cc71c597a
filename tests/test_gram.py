"""A working set's Gram matrix under other weights, against numpy, whatever the threads."""

import numpy as np
import pytest
from problems import FEW_STORAGES

from riata.design import make_design


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
