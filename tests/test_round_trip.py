"""A step and what the columns make of it, in one read of the working set, against numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
from problems import FEW_STORAGES, weights

from riata import threads
from riata.centring import centre
from riata.data import check_data
from riata.newton import NewtonSolver
from riata.problem import Problem

ROWS = {"few rows": 60, "many rows": 20000}
MODEL = {
    "l1_ratio": 1.0, "fit_intercept": True, "standardize": False, "offset": None,
    "penalty_factor": None, "lower_bounds": None, "upper_bounds": None,
}  # fmt: skip


def mean_of(family, eta):
    return 1.0 / (1.0 + np.exp(-eta)) if family == "binomial" else np.exp(eta)


def trip(X, y, w, family, members, n_threads):
    """Return the intercept before some steps over members, the steps, and what is seen there."""
    centred = centre(check_data(X, y, family=family, sample_weight=w, **MODEL), n_threads)
    problem = Problem(centred.design, centred.y, centred.data.family, centred.penalty, 1e-9, 1000)
    solver = NewtonSolver(problem)
    solver.working.extend(members)
    start = solver.state.intercept
    here = solver._here(problem.penalty.at(1e-3))
    trips = solver._begin(here)
    solver._steps.descend(0.0, 20)
    assert trips.made >= solver._steps.taken >= 1
    return start, solver._steps, solver._loss.arrived(solver.working.panel, trips)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_there_and_back_are_products(family, storage, dtype, rows, monkeypatch):
    n = ROWS[rows]
    rng = np.random.default_rng(n)
    dense = (rng.random((n, 60)) < 0.4) * rng.standard_normal((n, 60))
    dense[:, 7] += 3.0
    X = FEW_STORAGES[storage](dense.astype(dtype))
    as_float = (X.toarray() if sp.issparse(X) else X).astype(float)
    eta = 0.3 * as_float[:, :9].sum(axis=1) - 0.9
    y = (rng.random(n) < mean_of("binomial", eta)).astype(float)
    w, members = weights(n), rng.permutation(60)[:33]
    handed, executor = [], threads._executor
    monkeypatch.setattr(threads, "_executor", lambda size: handed.append(size) or executor(size))
    start, steps, seen = trip(X, y, w, family, members, 1)
    assert handed == []

    w = w / w.sum()
    Z = (as_float - w @ as_float)[:, members]
    counted = w > 0.0
    eta = (Z @ steps.coef + steps.intercept)[counted]
    mu = mean_of(family, eta)
    assert np.abs(steps.coef).max() > 0.01
    assert steps.intercept != start
    np.testing.assert_allclose(seen.at.eta[counted], eta, atol=1e-12)
    np.testing.assert_allclose(seen.at.pull[counted], y[counted] - mu, atol=1e-12)
    h = mu * (1.0 - mu) if family == "binomial" else mu
    np.testing.assert_allclose(seen.at.curvature[counted], h, atol=1e-12)
    Z, u, h = Z[counted], (w[counted] * (y[counted] - mu)), w[counted] * h
    np.testing.assert_allclose(seen.z, Z.T @ u, atol=1e-13)
    np.testing.assert_allclose(seen.bent, Z.T @ h, atol=1e-12)
    np.testing.assert_allclose([seen.total, seen.mass], [u.sum(), h.sum()], rtol=1e-12, atol=1e-14)

    again = trip(X, y, weights(n), family, members, 4)[2]
    assert (len(handed) > 0) == (n > 1000)
    for one, other in zip(seen[1:], again[1:], strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(seen.at.eta, again.at.eta)
    assert seen.loss == again.loss
