"""Counted work, never seconds: passes over X, and sweeps."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from certified import certified_fit
from problems import FEW_STORAGES, regression

import riata
from riata import certificate, threads
from riata.kernels import ahead, covariance, dual
from riata.lane import Lane
from riata.working_set import WorkingSet

WIDE, WIDE_Y = regression(60, 400, seed=131)
TALL, TALL_Y = regression(600, 30, seed=132)
EACH_STORAGE = pytest.mark.parametrize("storage", FEW_STORAGES)


@EACH_STORAGE
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_wide_lasso_path_takes_two_passes_an_alpha_at_most(storage, fit_intercept):
    path = certified_fit(FEW_STORAGES[storage](WIDE), WIDE_Y, fit_intercept=fit_intercept)
    assert path.n_passes <= 2.0 * len(path.alphas)


@EACH_STORAGE
def test_a_tall_lasso_path_takes_two_passes_an_alpha_at_most(storage):
    path = certified_fit(FEW_STORAGES[storage](TALL), TALL_Y)
    assert path.n_passes <= 2.0 * len(path.alphas)


@pytest.mark.parametrize("correlation", [0.0, 1.0, 10.0])
def test_correlated_columns_take_no_more_passes(correlation):
    A, y = regression(60, 400, seed=133, correlation=correlation)
    path = certified_fit(A, y)
    assert path.n_passes <= 2.0 * len(path.alphas)


@pytest.mark.parametrize("l1_ratio", [0.9, 0.5])
def test_an_elastic_net_path_takes_two_passes_an_alpha_at_most(l1_ratio):
    path = certified_fit(WIDE, WIDE_Y, l1_ratio=l1_ratio)
    assert path.n_passes <= 2.0 * len(path.alphas)


def test_twice_as_many_alphas_take_no_more_passes_each():
    few = certified_fit(WIDE, WIDE_Y, n_alphas=100)
    many = certified_fit(WIDE, WIDE_Y, n_alphas=200)
    assert many.n_passes / 200 <= 1.05 * few.n_passes / 100


def test_a_tighter_tolerance_takes_few_more_passes():
    loose = certified_fit(WIDE, WIDE_Y, tol=1e-4)
    tight = certified_fit(WIDE, WIDE_Y, tol=1e-10)
    assert tight.n_passes <= 2 * loose.n_passes


def test_a_ridge_path_takes_no_sweep_for_each_alpha():
    path = certified_fit(TALL, TALL_Y, l1_ratio=0.0, n_alphas=30)
    assert path.n_passes <= 2.0 * len(path.alphas)


def test_sweeps_stay_within_budget():
    path = certified_fit(WIDE, WIDE_Y)
    assert np.median(path.n_iter) <= 100
    assert path.n_iter.sum() <= 200 * len(path.alphas)


def test_a_warm_start_makes_a_path_cheaper_than_its_alphas_alone():
    path = certified_fit(WIDE, WIDE_Y, n_alphas=30)
    alone = sum(
        certified_fit(WIDE, WIDE_Y, alphas=[alpha]).n_iter.sum() for alpha in path.alphas[::5]
    )
    assert path.n_iter[::5].sum() <= alone


def test_nothing_is_solved_above_alpha_max():
    path = certified_fit(WIDE, WIDE_Y, alphas=[1e4, 1e3, 1e2])
    assert path.coefs.nnz == 0
    assert path.n_passes <= 2.0 * 3


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_max_iter_is_kept_and_reported(fit_intercept):
    A, y = regression(60, 400, seed=134, correlation=10.0)
    path = certified_fit(
        A,
        y,
        alphas=[0.001],
        max_iter=3,
        tol=1e-12,
        fit_intercept=fit_intercept,
        statuses=("max_iter",),
    )
    assert path.n_iter[0] <= 3


def test_tall_alphas_are_solved_many_at_a_time(monkeypatch):
    """Python runs once for ten alphas or so, on a path and in every fold."""
    calls, solve_ahead = [], covariance.solve_ahead
    counted = SimpleNamespace(
        certificate=covariance.certificate,
        solve_ahead=lambda *given: calls.append(solve_ahead(*given)) or calls[-1],
    )
    monkeypatch.setattr("riata.covariance.covariance", counted)
    path = certified_fit(TALL, TALL_Y, n_alphas=100)
    assert sum(calls) >= 99
    assert len(calls) <= 20
    assert path.n_passes <= 3.0
    calls.clear()
    riata.cross_validate(TALL, TALL_Y, cv=5, n_alphas=100, n_threads=1)
    assert sum(calls) >= 6 * 99
    assert len(calls) <= 6 * 20


def test_wide_alphas_are_solved_many_at_a_time(monkeypatch):
    """Python runs once for ten alphas or so, and where somebody joins the working set."""
    fits, solve_ahead = [], ahead.solve_ahead

    def counted(*given):
        result = solve_ahead(*given)
        fits.append(len(result[0]))
        return result

    monkeypatch.setattr("riata.lazy_solver.ahead", SimpleNamespace(solve_ahead=counted))
    certified_fit(WIDE, WIDE_Y, n_alphas=100)
    assert sum(fits) >= 80
    assert len(fits) <= 30


def test_small_steps_call_no_other_thread(monkeypatch):
    """Work of less than 0.2 ms is done sooner than handed over."""
    calls, executor = [], threads._executor
    monkeypatch.setattr(threads, "_executor", lambda size: calls.append(size) or executor(size))
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((4500, 40)))
    y = (X[:, :10].sum(axis=1) + rng.logistic(size=4500) > 0).astype(float)
    path = riata.fit_path(X, y, family="binomial", n_threads=2, n_alphas=50, alpha_min_ratio=0.01)
    assert path.n_iter.sum() > 50
    assert len(calls) <= 3  # the first reads of X


@pytest.mark.parametrize("store", [np.asfortranarray, sp.csc_array])
@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial"])
def test_problems_on_small_data_take_turns(family, store, monkeypatch):
    """Two threads would wait for the interpreter more often than they work."""
    ran = set()
    step = Lane.step

    def stepping(self, *arguments, **settings):
        ran.add(threading.get_ident())
        return step(self, *arguments, **settings)

    monkeypatch.setattr(Lane, "step", stepping)
    rng = np.random.default_rng(0)
    X = store(rng.standard_normal((100, 30)))
    y = rng.integers(0, 3 if family == "multinomial" else 2, 100)
    settings = {"n_threads": 3, "n_alphas": 20, "alpha_min_ratio": 0.5}
    for _ in range(20):  # a thread may find that all is done
        riata.cross_validate(X, y, family=family, cv=6, **settings)
        if len(ran) > 1:
            break
    assert len(ran) > 1  # nothing is small in these tests
    ran.clear()
    monkeypatch.undo()
    monkeypatch.setattr(Lane, "step", stepping)
    riata.cross_validate(X, y, family=family, cv=6, **settings)
    if family == "gaussian":
        riata.fit_path(X, np.c_[y, 1 - y, 2 * y], **settings)
    assert ran == {threading.get_ident()}


@pytest.mark.parametrize("clocked", [1, 3])
def test_looks_at_the_clock_do_not_undo_the_work(monkeypatch, clocked):
    """Who had joined and not moved between two looks was forgotten, and joined again for ever."""
    monkeypatch.setattr("riata.working_set.CLOCKED", clocked)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 300))
    y = X[:, :20] @ rng.standard_normal(20) + rng.standard_normal(200)
    path = riata.fit_path(X, y, n_alphas=3, alpha_min_ratio=1e-4, max_time=60)
    assert path.status.tolist() == ["converged"] * 3


def test_few_join_a_newton_solver_that_stay_at_zero(monkeypatch):
    """Who joins goes by where z will be at the next alpha: by where it is, twice as many join."""
    A, eta = regression(600, 8000, seed=151, correlation=0.5)
    joined, extend = [], WorkingSet.extend

    def counted(self, new):
        joined.extend(new)
        extend(self, new)

    monkeypatch.setattr(WorkingSet, "extend", counted)
    path = riata.fit_path(
        np.asfortranarray(A), (eta > np.median(eta)).astype(float), family="binomial",
        n_alphas=50, alpha_min_ratio=0.05, tol=1e-6,
    )  # fmt: skip
    assert set(path.status) == {"converged"}
    active = np.unique(path.coefs.indices)
    assert len(joined) < 1.6 * len(active)


def test_the_scale_of_a_dual_point_is_looked_for_no_further_than_numbers_go(monkeypatch):
    """Gaps of 1e-28, whose scale is within a few numbers of 1."""
    calls = []

    class Counted:
        def __getattr__(self, name):
            return getattr(dual, name)

        def gap_and_slope(self, *arguments):
            calls.append(1)
            return dual.gap_and_slope(*arguments)

    monkeypatch.setattr(certificate, "dual", Counted())
    X, y = regression(40, 400, seed=9)
    path = riata.fit_path(X, y, l1_ratio=0.1, tol=1e-9)
    assert set(path.status) == {"converged"}
    assert len(calls) <= 12 * len(path.alphas)
