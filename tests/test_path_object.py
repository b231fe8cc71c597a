"""What a RegularizationPath holds, and what its methods do."""

import copy
import pickle
import re
import time

import numpy as np
import pytest
import scipy.sparse as sp
from certified import certified_extend, certified_fit
from problems import FEW_STORAGES, regression, weights

import riata
from riata.centring import centre
from riata.data import check_data
from riata.engine import Engine
from riata.lane import Lane
from riata.problem import Problem

X, Y = regression(40, 10, seed=81, density=0.7)
SETTINGS = {
    "l1_ratio": 0.8,
    "standardize": True,
    "sample_weight": weights(40),
    "penalty_factor": np.r_[0.0, np.inf, np.linspace(0.5, 2, 8)],
    "lower_bounds": -1.0,
    "tol": 1e-9,
}


@pytest.fixture(scope="module")
def fitted():
    return certified_fit(X, Y, n_alphas=12, tol=1e-9)


def test_shapes_types_and_words():
    path = certified_fit(X, Y, n_alphas=12)
    assert isinstance(path, riata.RegularizationPath)
    assert isinstance(path.coefs, sp.csc_array)
    assert path.coefs.shape == (10, 12)
    for name in ("alphas", "intercepts", "dual_gaps", "df", "deviance_ratio"):
        assert getattr(path, name).dtype == np.float64
        assert getattr(path, name).shape == (12,)
    assert path.n_iter.dtype.kind == "i"
    assert path.status.dtype.kind == "U"
    assert (path.n_iter >= 0).all()
    assert type(path.n_passes) is float
    assert path.n_passes > 0
    assert path.n_features_in_ == 10
    assert (path.family, path.l1_ratio, path.tol) == ("gaussian", 1.0, 1e-6)
    assert path.feature_names_in_ is None


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_coefficients_are_float64_whatever_X_is(dtype):
    path = certified_fit(np.round(3 * X).astype(dtype), Y, n_alphas=3)
    assert path.coefs.dtype == path.coef(path.alphas[1]).dtype == np.float64


def test_stored_coefficients_are_the_non_zero_ones():
    path = certified_fit(X, Y, n_alphas=12)
    assert (path.coefs.data != 0).all()
    assert path.coefs.has_canonical_format
    np.testing.assert_array_equal(np.diff(path.coefs.indptr), path.df)


@pytest.mark.parametrize("l1_ratio", [0.5, 0.0])
def test_df_is_that_of_every_alpha_where_one_solution_serves_several(l1_ratio):
    for A, y in ((X, Y), regression(10, 40, seed=82)):
        path = certified_fit(A, y, l1_ratio=l1_ratio, alphas=[0.1, 1e-2, 1e-3, 1e-4], tol=1e-2)
        assert (np.diff(path.df) > 0).all()


def test_coef_and_intercept_at_grid_points_are_the_solutions(fitted):
    for k, alpha in enumerate(fitted.alphas):
        np.testing.assert_array_equal(fitted.coef(alpha), fitted.coefs.toarray()[:, k])
        assert fitted.intercept(alpha) == fitted.intercepts[k]


def test_coef_and_intercept_between_grid_points_are_linear_in_alpha(fitted):
    coefs = fitted.coefs.toarray()
    for share in (0.25, 0.5):
        alpha = share * fitted.alphas[4] + (1 - share) * fitted.alphas[5]
        expected = share * coefs[:, 4] + (1 - share) * coefs[:, 5]
        np.testing.assert_allclose(fitted.coef(alpha), expected, rtol=1e-12, atol=1e-14)
        intercept = share * fitted.intercepts[4] + (1 - share) * fitted.intercepts[5]
        assert fitted.intercept(alpha) == pytest.approx(intercept, rel=1e-12)


@pytest.mark.parametrize("factor", [1.01, 0.0, -1.0, np.nan, np.inf])
def test_alphas_outside_of_the_grid_are_refused(fitted, factor):
    for method in (fitted.coef, fitted.intercept, lambda a: fitted.predict(X, alpha=a)):
        with pytest.raises(ValueError, match=r"^alpha "):
            method(factor * fitted.alphas[0])


@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_predict_gives_every_alpha_or_one(fitted, storage):
    stored = FEW_STORAGES[storage](X)
    everything = fitted.predict(stored)
    expected = X @ fitted.coefs.toarray() + fitted.intercepts
    np.testing.assert_allclose(everything, expected, atol=1e-12)
    one = fitted.predict(stored, alpha=fitted.alphas[5])
    np.testing.assert_allclose(one, everything[:, 5], atol=1e-12)
    between = 0.5 * (fitted.alphas[5] + fitted.alphas[6])
    expected = 0.5 * (everything[:, 5] + everything[:, 6])
    np.testing.assert_allclose(fitted.predict(stored, between), expected, atol=1e-12)
    assert fitted.predict(stored[:7]).shape == (7, 12)


@pytest.mark.parametrize("wrong", [X[:, :9], X[0], np.ones((2, 11)), X * np.nan, X * 1j])
def test_predict_refuses_another_matrix(fitted, wrong):
    with pytest.raises((ValueError, TypeError), match=r"^X "):
        fitted.predict(wrong)


def test_a_model_fitted_with_an_offset_wants_one_to_predict():
    offset = np.linspace(-1, 1, 40)
    path = certified_fit(X, Y, offset=offset, n_alphas=5)
    with pytest.raises(ValueError, match=r"^offset "):
        path.predict(X)
    expected = X @ path.coefs.toarray() + path.intercepts + offset[:, None]
    np.testing.assert_allclose(path.predict(X, offset=offset), expected, atol=1e-12)
    alpha = path.alphas[2]
    np.testing.assert_allclose(path.predict(X, alpha, offset=offset), expected[:, 2], atol=1e-12)
    with pytest.raises(ValueError, match=r"^offset "):
        path.predict(X, offset=offset[:5])


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize(
    "alphas",
    [[0.3], 0.3, [0.3, 0.2, 0.001], [1e3, 1e-6], [0.0], "between"],
    ids=["list", "scalar", "inside", "both ends", "zero", "between"],
)
def test_extend_solves_more_alphas_as_exactly_as_a_direct_fit(storage, alphas):
    stored = FEW_STORAGES[storage](X)
    path = certified_fit(stored, Y, n_alphas=6, **SETTINGS)
    alphas = path.alphas[:-1] * 0.8 if isinstance(alphas, str) else alphas
    before = pickle.dumps(path)
    merged = certified_extend(path, stored, Y, alphas, **SETTINGS)
    assert pickle.dumps(path) == before
    direct = certified_fit(stored, Y, alphas=merged.alphas, **SETTINGS)
    np.testing.assert_allclose(merged.predict(X), direct.predict(X), atol=1e-3)


def test_extend_keeps_what_was_solved():
    path = certified_fit(X, Y, n_alphas=6)
    merged = certified_extend(path, X, Y, [*path.alphas, 0.9 * path.alphas[2]])
    assert len(merged.alphas) == 7
    kept = np.isin(merged.alphas, path.alphas)
    np.testing.assert_array_equal(merged.coefs.toarray()[:, kept], path.coefs.toarray())
    np.testing.assert_array_equal(merged.dual_gaps[kept], path.dual_gaps)


def test_extend_with_an_offset():
    settings = {"offset": np.linspace(-3, 3, 40), "fit_intercept": False}
    path = certified_fit(X, Y, n_alphas=4, **settings)
    certified_extend(path, X, Y, [0.01], **settings)


@pytest.mark.parametrize(
    ("A", "y", "name"),
    [(X[:, :9], Y, "X"), (X, Y[:-1], "y"), (X[:30], Y[:30], "X|y|sample_weight")],
)
def test_extend_refuses_data_of_another_shape(A, y, name):
    path = certified_fit(X, Y, n_alphas=4, **SETTINGS)
    with pytest.raises(ValueError, match=f"^({name}) "):
        path.extend(A, y, [0.1])


@pytest.mark.parametrize("clone", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy])
def test_a_path_survives_pickling_and_copying(clone):
    path = certified_fit(X, Y, n_alphas=6, **SETTINGS)
    twin = clone(path)
    np.testing.assert_array_equal(twin.coefs.toarray(), path.coefs.toarray())
    np.testing.assert_array_equal(twin.status, path.status)
    np.testing.assert_array_equal(twin.predict(X), path.predict(X))
    certified_extend(twin, X, Y, [0.01], **SETTINGS)


def test_feature_names_of_a_data_frame_are_kept():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"feature {j}" for j in range(10)])
    path = certified_fit(frame, Y, truth=X, n_alphas=4)
    assert path.feature_names_in_.tolist() == list(frame.columns)
    np.testing.assert_array_equal(path.predict(frame), path.predict(X))


def test_a_path_says_what_it_is_in_one_line(fitted):
    assert "RegularizationPath" in repr(fitted)
    assert len(repr(fitted)) < 300


@pytest.mark.parametrize("shape", [(40, 1), (40,)])
def test_y_may_be_one_column(shape):
    path = certified_fit(X, Y.reshape(shape), n_alphas=4)
    assert path.predict(X).shape == (40, 4)


@pytest.mark.parametrize("shape", [(50, 300), (600, 20)], ids=["by columns", "in Gram space"])
def test_what_an_engine_predicts_is_that_of_its_last_fit(shape):
    """Solvers run ahead of what they are asked for."""
    X, y = regression(*shape, seed=79, correlation=2.0)
    data = check_data(
        X, y, family="gaussian", l1_ratio=1.0, fit_intercept=True, standardize=False,
        sample_weight=None, offset=None, penalty_factor=None, lower_bounds=None, upper_bounds=None,
    )  # fmt: skip
    centred = centre(data, 1)
    problem = Problem(centred.design, centred.y, data.family, centred.penalty, 1e-9, 10_000)
    engine = Engine(problem)
    grid = engine.alpha_max() * np.geomspace(1.0, 0.01, 12)
    engine.expect(grid)
    for alpha in grid:
        fit = engine.solve(float(alpha), last=False)
        expected = (X - X.mean(axis=0))[:, fit.index] @ fit.coef
        np.testing.assert_allclose(engine.fitted(), expected, atol=1e-9)


@pytest.mark.parametrize("family", ["gaussian", "poisson", "multinomial"])
def test_extend_refuses_other_data_of_the_same_shape(family):
    """Danger: rows in another order, or another X with the same y, were merged as converged."""
    A, y = regression(60, 20, seed=5)
    y = {"gaussian": y, "poisson": np.abs(y).round(), "multinomial": np.digitize(y, [-1, 1])}[
        family
    ]
    path = riata.fit_path(A, y, family=family, n_alphas=8)
    more = path.alphas[-1] / 2
    for other, labels in ((A[::-1] * 3.0, y), (A, y[::-1]), (A + 1e-3 * A[::-1], y)):
        with pytest.raises(ValueError, match="must be the data that this path was fitted on"):
            path.extend(other, labels, [more])
    assert path.extend(A, y, [more]).status[-1] == "converged"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", ["gaussian", "multinomial"])
def test_extend_completes_a_path_that_ran_out_of_time(family, monkeypatch):
    """Danger: what `max_time` had left unsolved counted as there, and stayed so."""
    A, y = regression(60, 20, seed=6)
    y = y if family == "gaussian" else np.digitize(y, [-1, 1])
    settings = {"family": family, "n_alphas": 8, "max_time": 1e6}
    now, clock = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + now[0])
    step = Lane.step

    def slower(lane, alpha, *, last):
        now[0] += 3e5
        return step(lane, alpha, last=last)

    monkeypatch.setattr(Lane, "step", slower)
    cut = riata.fit_path(A, y, **settings)
    left = cut.status == "time_limit"
    assert 1 <= left.sum() < 8
    monkeypatch.setattr(Lane, "step", step)
    whole = cut.extend(A, y, cut.alphas)
    np.testing.assert_array_equal(whole.alphas, cut.alphas)
    assert set(whole.status) == {"converged"}
    assert whole.extend(A, y, cut.alphas) is whole
    for k in np.flatnonzero(~left):
        np.testing.assert_array_equal(whole.coef(cut.alphas[k]), cut.coef(cut.alphas[k]))


def test_the_ends_that_a_message_prints_are_taken():
    path = riata.fit_path(*regression(30, 5, seed=3), n_alphas=7)
    with pytest.raises(ValueError, match="alpha must lie within") as caught:
        path.coef(2.0 * path.alphas[0])
    ends = re.search(r"\[(\S+), (\S+)\]", str(caught.value)).groups()
    for end, k in zip(ends, (-1, 0), strict=True):
        np.testing.assert_array_equal(path.coef(float(end)), path.coefs[:, [k]].toarray()[:, 0])


@pytest.mark.parametrize("several", [False, True])
def test_what_a_path_remembers_is_its_own(several):
    """Danger: weights and offset that changed after the fit changed criteria, and the alphas that
    `extend` added were those of another problem."""
    rng = np.random.default_rng(5)
    shares = rng.random(40)
    y, family = (np.c_[Y, -Y], "gaussian") if several else (shares, "binomial")
    given = {"sample_weight": rng.uniform(1.0, 5.0, 40), "offset": rng.standard_normal(40),
             "penalty_factor": rng.uniform(0.5, 2.0, 10), "lower_bounds": np.full(10, -0.5),
             "upper_bounds": np.full(10, 0.5)}  # fmt: skip
    kept = {name: values.copy() for name, values in given.items()}

    def fitted(settings):
        path = riata.fit_path(X, y, family=family, n_alphas=4, alpha_min_ratio=0.2, **settings)
        return path[1] if several else path

    path, twin = fitted(given), fitted(kept)
    given["sample_weight"] *= np.arange(40)
    given["offset"] += np.arange(40)
    given["penalty_factor"][:5] = 7.0
    given["lower_bounds"][:] = given["upper_bounds"][:] = 0.0
    np.testing.assert_array_equal(path.bic(), twin.bic())
    y = y[:, 1] if several else y
    more = [path.extend(X, y, path.alphas[-1] / 3) for path in (path, twin)]
    np.testing.assert_array_equal(more[0].coefs.toarray(), more[1].coefs.toarray())


def test_extend_refuses_a_data_frame_of_other_columns():
    pandas = pytest.importorskip("pandas")
    names = [f"feature {j}" for j in range(10)]
    frame = pandas.DataFrame(X, columns=names)
    path = riata.fit_path(frame, Y, n_alphas=4)
    for wrong in (names[::-1], ["other", *names[1:]]):
        with pytest.raises(ValueError, match=r"^X must have (its|the) columns"):
            path.extend(frame.set_axis(wrong, axis=1), Y, 1e-3)
    for right in (frame, X):
        assert len(path.extend(right, Y, 1e-3).alphas) == 5
