"""What an estimator remembers: warm starts, and fits that did not end."""

import numpy as np
import pytest
from judging import fit, judge
from test_estimators_answers import CLASSES, TIGHT, data, weights

import riata.estimators._base as base
from riata.estimators import ElasticNet, Lasso

WARM = [Lasso, ElasticNet]


@pytest.mark.parametrize("cls", WARM)
def test_W11_a_warm_start_never_writes_to_an_earlier_coef(cls):
    X, y = data()
    model = fit(cls(alpha=0.5, warm_start=True), X, y)
    earlier, copy = model.coef_, model.coef_.copy()
    fit(model.set_params(alpha=0.01), X, y)
    np.testing.assert_array_equal(earlier, copy)
    assert model.coef_ is not earlier
    assert not np.shares_memory(model.coef_, earlier)
    assert np.abs(model.coef_ - earlier).max() > 0.1


@pytest.mark.parametrize("cls", WARM)
def test_a_warm_start_saves_work_and_ends_at_the_same_answer(cls):
    X, y = data(n=200, p=100)
    cold = fit(cls(alpha=0.01, tol=1e-10), X, y)
    warm = fit(cls(alpha=0.01, tol=1e-10, warm_start=True), X, y)
    fit(warm, X, y)
    assert warm.n_iter_ <= 1 < cold.n_iter_
    np.testing.assert_allclose(warm.coef_, cold.coef_, rtol=1e-4, atol=1e-5)


def test_the_start_is_the_users_to_set(monkeypatch):
    X, y = data()
    seen = []
    solve_path = base.solve_path

    def noting(*args, start, **settings):
        seen.append(start)
        return solve_path(*args, start=start, **settings)

    monkeypatch.setattr(base, "solve_path", noting)
    model = fit(Lasso(alpha=0.1, warm_start=True), X, y)
    model.coef_ = np.ones(25, dtype=np.float32)
    fit(model, X, y)
    fit(model, X[:, :20], y)  # another size: a cold start
    fit(model, X[:, :20], np.column_stack([y, -y]))
    kept = model.coef_
    fit(model, X[:, :20], np.column_stack([y, -y]))
    fit(model.set_params(warm_start=False), X[:, :20], y)
    assert seen[0] is None
    np.testing.assert_array_equal(seen[1], np.ones(25))
    assert seen[2:5] == [None] * 3
    np.testing.assert_array_equal(seen[5:7], kept)
    assert seen[7] is None


@pytest.mark.parametrize("cls", WARM)
def test_a_start_out_of_bounds_is_no_danger(cls):
    X, y = data()
    model = fit(cls(alpha=0.1, warm_start=True, tol=TIGHT), X, y)
    model.set_params(positive=True, upper_bounds=0.5, penalty_factor=[np.inf] + [1.0] * 24)
    fit(model, X, y)
    fresh = fit(cls(**{**model.get_params(), "warm_start": False}), X, y)
    np.testing.assert_allclose(model.coef_, fresh.coef_, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ValueError])
@pytest.mark.parametrize("cls", CLASSES)
def test_a_fit_that_does_not_end_leaves_the_estimator_as_it_was(cls, error, monkeypatch):
    X, y = data()
    s = weights(len(y))
    model = fit(cls(alpha=0.1), X, y, s)
    before = dict(vars(model))

    def stopped(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(base, "solve_path", stopped)
        with pytest.raises(error):
            model.fit(X[:, :7], y)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    judge(model, X, y, s)
    fresh = cls()
    with monkeypatch.context() as patch:
        patch.setattr(base, "solve_path", stopped)
        with pytest.raises(error):
            fresh.fit(X, y)
    assert vars(fresh) == vars(cls())
