"""Elastic nets that keep more features than X has rows: Newton steps on the dual, in row space."""

import numpy as np
import pytest
import scipy.sparse as sp
from certified import certified_extend, certified_fit
from problems import FEW_STORAGES, regression, weights
from test_family_paths import EACH_FAMILY, data, family_path

import riata
from riata import row_descent, without_gram
from riata.design import make_design
from riata.problem import Problem
from riata.row_space import RowSpace

EACH_STORAGE = pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
N, P = 30, 200
X, Y = regression(N, P, seed=181, density=0.6)
NET = {"l1_ratio": 0.05, "n_alphas": 12, "alpha_min_ratio": 0.01, "tol": 1e-9}


class Steps:
    """How many steps were made in row space."""

    made = 0


@pytest.fixture
def steps(monkeypatch):
    """Count steps in row space, which small data take to as well."""
    counted, step = Steps(), row_descent.RestrictedDual.step

    def counting(problem):
        counted.made += 1
        step(problem)

    monkeypatch.setattr(row_descent.RestrictedDual, "step", counting)
    monkeypatch.setattr(without_gram, "CALLS", 0.0)
    return counted


@EACH_STORAGE
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_certified_in_every_storage(steps, store, fit_intercept):
    path = certified_fit(store(X), Y, truth=X, fit_intercept=fit_intercept, **NET)
    assert np.count_nonzero(path.coef(path.alphas[-1])) > 1.5 * N
    assert 0 < steps.made <= 4 * len(path.alphas)
    assert set(path.status) == {"converged"}


SETTINGS = {
    "weights, some of them 0": {"sample_weight": weights(N)},
    "offset": {"offset": np.linspace(-3.0, 3.0, N)},
    "unpenalised": {"penalty_factor": np.r_[0.0, 0.0, np.ones(P - 2)]},
    "unpenalised, no intercept": {
        "penalty_factor": np.r_[0.0, 0.0, np.ones(P - 2)], "fit_intercept": False,
    },
    "dependent unpenalised": {"penalty_factor": np.r_[0.0, 1.0, 0.0, np.ones(P - 3)]},
    "factors, one excluded": {"penalty_factor": np.r_[np.inf, np.linspace(0.5, 2.0, P - 1)]},
    "bounds": {"lower_bounds": -0.05, "upper_bounds": 0.1},
    "non-negative": {"lower_bounds": 0.0},
    "standardised": {"standardize": True, "sample_weight": weights(N)},
    "a tight tolerance": {"tol": 1e-12},
    "a loose one": {"tol": 1e-2},
    "nearly ridge": {"l1_ratio": 1e-4, "alphas": np.geomspace(100.0, 0.01, 8)},
    "ten alphas apart": {"alphas": np.geomspace(10.0, 1e-3, 4)},
}  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_certified_whatever_else_is_asked(steps, settings):
    A = X.copy()
    A[:, 2] = A[:, 0]
    certified_fit(A, Y, **{**NET, **settings})
    assert steps.made > 0


def test_columns_that_are_alike_far_from_zero_or_of_other_units(steps):
    twice = np.column_stack([X, X[:, :50], X[:, 50:80] - X[:, 80:110]])
    for A in (twice, X + 1e4, X * np.geomspace(1e-3, 1e3, P), X.astype(np.float32)):
        certified_fit(A, Y, **NET)
    assert steps.made > 0


def test_an_l2_part_near_nothing_stays_in_gram_space(steps):
    certified_fit(X, Y, l1_ratio=1.0 - 1e-10, n_alphas=5, tol=1e-7)
    assert steps.made == 0


def test_threads_change_no_bit(steps):
    one, two = (certified_fit(X, Y, n_threads=k, **NET) for k in (1, 3))
    np.testing.assert_array_equal(one.coefs.toarray(), two.coefs.toarray())
    np.testing.assert_array_equal(one.df, two.df)


def test_an_alpha_costs_few_steps_however_many_features_there_are():
    A, y = regression(40, 3000, seed=182)
    path = certified_fit(A, y, l1_ratio=0.02, n_alphas=30, tol=1e-9, alpha_min_ratio=0.01)
    assert np.count_nonzero(path.coef(path.alphas[-1])) > 400
    assert path.n_iter.sum() <= 3 * len(path.alphas)
    assert path.n_passes <= 1.5 * len(path.alphas)


def test_alphas_added_to_a_path(steps):
    path = certified_fit(X, Y, **NET)
    before = steps.made
    settings = {"l1_ratio": 0.05, "tol": 1e-9}
    certified_extend(path, X, Y, [path.alphas[-1] / 2, path.alphas[-1] / 3], **settings)
    assert steps.made > before


@EACH_FAMILY
@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_other_losses(steps, family, storage):
    A, y = data(family, n=40, p=160)
    path = family_path(
        FEW_STORAGES[storage](A), y, family, truth=A, l1_ratio=0.02, alpha_min_ratio=0.1
    )
    assert steps.made > 0
    assert path.n_iter.mean() <= 12


OTHERS = {
    "weights and offset": {"sample_weight": weights(40), "offset": np.linspace(-0.5, 0.5, 40)},
    "unpenalised": {"penalty_factor": np.r_[0.0, np.linspace(0.5, 2.0, 159)]},
    "bounds": {"lower_bounds": -0.1, "upper_bounds": 0.05},
    "standardised, no intercept": {"standardize": True, "fit_intercept": False},
    "a tight tolerance": {"tol": 1e-9},
}


@EACH_FAMILY
@pytest.mark.parametrize("settings", OTHERS.values(), ids=OTHERS)
def test_other_losses_whatever_else_is_asked(steps, family, settings):
    A, y = data(family, n=40, p=160)
    family_path(A, y, family, l1_ratio=0.01, alpha_min_ratio=0.02, **settings)
    assert steps.made > 0


@pytest.mark.parametrize("density", [1.0, 0.05])
@pytest.mark.parametrize(
    "kind", [np.asfortranarray, np.ascontiguousarray, sp.csc_array, sp.csr_array]
)
def test_k_follows_the_features_that_come_and_go(kind, density):
    rng = np.random.default_rng(183)
    w = rng.random(N)
    w /= w.sum()
    A = X * (rng.random(X.shape) < density)
    A[0] = 1.0  # no column is empty
    design = make_design(kind(A), w, centred=True, n_threads=2)
    rows, l2 = RowSpace(design, np.empty(0, dtype=np.intp)), rng.random(P) + 0.1
    centred = A - w @ A
    for share in (0.3, 0.35, 0.3, 0.9, 0.85, 0.05):
        some = np.flatnonzero(rng.random(P) < share)
        scale = rng.random() + 0.5
        c = rows.hold(some, scale * l2[some])
        target, h = rng.standard_normal(N), w
        s, a = rows.at(h, c).solve(np.sqrt(h) * target)
        K = (centred[:, some] / (scale * l2[some])) @ centred[:, some].T
        t = s / np.sqrt(h)
        a = rows.span(h).of_columns(a)
        np.testing.assert_allclose(t + K @ (h * t) + a[0], target, atol=1e-9)
        np.testing.assert_allclose(h @ t, 0.0, atol=1e-12)
        root = np.sqrt(h)[:, None]
        Z = root * centred[:, some]
        df = np.trace(np.linalg.solve(Z.T @ Z + np.diag(scale * l2[some]), Z.T @ Z))
        np.testing.assert_allclose(rows.trace(h, c), df, rtol=1e-9)


def test_a_support_that_shrinks_again_stays_in_row_space(steps):
    """At the first of these alphas more features come than stay."""
    A, y = regression(300, 400, seed=174, correlation=2.0)
    A = np.column_stack([A, A[:, :100], A[:, 100:150] - A[:, 150:200]])
    path = certified_fit(A, y, l1_ratio=0.3, alphas=[0.3, 0.2, 0.1, 1e-4], tol=1e-9)
    assert steps.made > 0
    assert path.n_iter.max() <= 250


def test_steps_that_stop_gaining_go_back_to_gram_space():
    """Of columns repeated four times, and an L2 part that hardly tells them apart."""
    rng = np.random.default_rng(5)
    A = np.hstack([rng.standard_normal((100, 250))] * 4)
    y = 0.5 * A[:, :20] @ rng.standard_normal(20) + 0.5 * rng.standard_normal(100)
    path = certified_fit(A, y, l1_ratio=0.9, alpha_min_ratio=1e-4)
    assert set(path.status) == {"converged"}
    assert path.n_iter.sum() <= 5 * len(path.alphas)


def test_a_common_factor_that_many_features_share():
    """More features than rows come, and go again."""
    rng = np.random.default_rng(184)
    A = rng.standard_normal((100, 2000)) + 3.0 * rng.standard_normal((100, 1))
    y = A[:, :10] @ rng.standard_normal(10) + rng.standard_normal(100)
    path = certified_fit(A, y, l1_ratio=0.05, alpha_min_ratio=1e-3)
    assert path.n_iter.sum() <= 5 * len(path.alphas)


@pytest.mark.parametrize("scale", [1e-8, 1e7])
def test_unpenalised_columns_of_other_units(steps, scale):
    factor = np.r_[0.0, 0.0, np.ones(P - 2)]
    settings = {**NET, "penalty_factor": factor}
    paths = [certified_fit(X * np.r_[unit, np.ones(P - 1)], Y, **settings) for unit in (1.0, scale)]
    np.testing.assert_allclose(paths[0].df, paths[1].df, rtol=1e-6)
    assert steps.made > 0


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_features_that_only_bounds_hold(steps, fit_intercept):
    factor = np.where(np.arange(P) % 20 == 0, 0.0, 1.0)
    lower = np.where(factor == 0.0, -0.3, -np.inf)
    for store in (np.asfortranarray, sp.csr_array):
        certified_fit(
            store(X), Y, truth=X, penalty_factor=factor, lower_bounds=lower,
            fit_intercept=fit_intercept, **NET,
        )  # fmt: skip


@pytest.mark.parametrize("kind", [np.asfortranarray, sp.csr_array])
def test_alpha_0_after_row_space(steps, kind):
    alphas = [0.5, 0.1, 0.0]
    certified_fit(kind(X), Y, truth=X, l1_ratio=0.05, alphas=alphas, lower_bounds=-0.2)
    assert steps.made > 0


@pytest.mark.parametrize("store", [np.asfortranarray, sp.csr_array])
def test_folds_are_refits_on_their_training_rows(steps, store):
    A, y = regression(48, 160, seed=185)
    settings = {"l1_ratio": 0.05, "tol": 1e-12, "alphas": np.geomspace(20.0, 0.5, 8)}
    part = np.arange(48) % 4
    splits = [(np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in range(4)]
    path = riata.cross_validate(
        store(A), y, cv=splits, keep_predictions=True, keep_fold_paths=True, **settings
    )
    assert steps.made > 0
    for k, fold in enumerate(path.fold_paths[0]):
        refit = certified_fit(A[part != k], y[part != k], **settings)
        np.testing.assert_allclose(fold.coefs.toarray(), refit.coefs.toarray(), atol=1e-8)


@pytest.mark.parametrize("made", range(1, 9))
def test_time_that_runs_out_ends_it_at_once(steps, monkeypatch, made):
    """No sweep is made after it, and the alphas before are solved."""

    def never(*_):
        raise AssertionError("time is up")

    monkeypatch.setattr(without_gram, "descend_on_residual", never)
    monkeypatch.setattr(Problem, "expired", lambda problem: steps.made >= made)
    statuses = ("converged", "time_limit")
    path = certified_fit(X, Y, statuses=statuses, max_time=1e6, **NET)
    assert steps.made == made
    assert set(path.status) == {"converged", "time_limit"}


@EACH_FAMILY
def test_coefficients_never_round_to_beyond_their_bounds(steps, family):
    for seed in (0, 7, 8, 9):
        A, y = data(family, n=40, p=160, seed=seed)
        path = riata.fit_path(
            A, y, family=family, l1_ratio=0.02, n_alphas=12, alpha_min_ratio=0.01, tol=1e-3,
            lower_bounds=-0.03, upper_bounds=0.013,
        )  # fmt: skip
        assert path.coefs.max() <= 0.013
        assert path.coefs.min() >= -0.03
    assert steps.made > 0
