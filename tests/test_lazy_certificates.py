"""What is certified without being read must hold: no true correlation passes its bound."""

import numpy as np
import pytest
from certified import certified_fit
from problems import FEW_STORAGES, regression, weights

from riata.correlations import Correlations

SETTINGS = {
    "lasso": {},
    "no intercept": {"fit_intercept": False},
    "elastic net": {"l1_ratio": 0.6},
    "standardised": {"standardize": True},
    "weights, some zero": {"sample_weight": weights(80)},
    "non-negative": {"lower_bounds": 0.0},
    "bounds on some": {"upper_bounds": np.where(np.arange(600) % 2, 0.05, np.inf)},
    "factors": {"penalty_factor": 0.5 + np.arange(600) % 3},
    "a fine tolerance": {"tol": 1e-13},
}


@pytest.fixture
def violations(monkeypatch):
    """Compare what Correlations.certify lets pass with X'(w r), in numpy from the design's X."""
    found, known = [], {"claims": 0, "certified": 0}
    certify, move = Correlations.certify, Correlations.move

    def moved(self, resid, resid_sq, index, values):
        move(self, resid, resid_sq, index, values)
        resid_of[0], members[0] = resid, index

    def checked(self, box, skip, member):
        refreshed = certify(self, box, skip, member)
        design, resid, z = self._design, resid_of[0], self.z
        X = np.column_stack([design.dot(np.array([j]), np.ones(1)) for j in range(design.p)])
        truth = X.T @ (design.weights * resid)
        size = np.sqrt(design.weights @ y_of[0] ** 2)
        rounding = 1e-13 * np.sqrt(design.norm_sq) * size
        held = (skip == 0) & (np.abs(z - truth) > rounding)  # estimates
        assert not held[members[0]].any()
        assert not held[refreshed].any()
        known["claims"] += int(np.sum(skip == 0))
        known["certified"] += int(held.sum())
        over = np.where(box.upper > 0, truth - box.l1, -np.inf)
        under = np.where(box.lower < 0, -truth - box.l1, -np.inf)
        found.extend(np.flatnonzero(held & (np.maximum(over, under) > rounding)))
        return refreshed

    y_of, resid_of, members, start = [None], [None], [[]], Correlations.__init__

    def noted(self, design, y, y_sq, correlation):
        y_of[0] = resid_of[0] = y
        members[0] = []
        start(self, design, y, y_sq, correlation)

    monkeypatch.setattr(Correlations, "__init__", noted)
    monkeypatch.setattr(Correlations, "move", moved)
    monkeypatch.setattr(Correlations, "certify", checked)
    yield known
    assert not found, f"{len(found)} certified features violate: {found[:5]}"


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("name", SETTINGS)
def test_no_certified_feature_violates_its_bound(violations, storage, name):
    X, y = regression(80, 600, seed=141, density=0.5, correlation=0.5)
    certified_fit(FEW_STORAGES[storage](X), y, n_alphas=25, **SETTINGS[name])
    if storage in ("Fortran order", "csc_array"):  # single columns are cheap
        assert violations["certified"] > 0.3 * violations["claims"]


def test_near_duplicates_at_the_boundary_are_certified_or_read(violations):
    X, y = regression(50, 200, seed=142)
    rng = np.random.default_rng(0)
    X = np.hstack([X, X + 1e-7 * rng.standard_normal(X.shape), X])
    certified_fit(X, y, n_alphas=40)


@pytest.mark.parametrize("storage", ["Fortran order", "csc_array"])
def test_a_fine_grid_takes_few_passes(storage):
    X, y = regression(80, 3000, seed=143, correlation=0.0)
    path = certified_fit(FEW_STORAGES[storage](X), y, n_alphas=100)
    assert path.n_passes <= 30


def test_twice_as_many_alphas_take_hardly_more_passes():
    X, y = regression(80, 3000, seed=144, correlation=0.0)
    few = certified_fit(np.asfortranarray(X), y, n_alphas=50)
    many = certified_fit(np.asfortranarray(X), y, n_alphas=200)
    assert many.n_passes <= 2.0 * few.n_passes


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_tall_path_reads_X_twice(order):
    X, y = regression(3000, 40, seed=145)
    path = certified_fit(np.array(X, order=order), y, n_alphas=100)
    assert path.n_passes == 2.0


def test_rows_in_order_cost_a_tall_path_one_more_read():
    X, y = regression(3000, 10, seed=146)
    X[:, 3] = np.arange(3000) ** 3.0
    X[1500:, 4] += 1e6
    path = certified_fit(X, y)
    assert path.n_passes <= 3.0
