"""What goes in: frames, targets of two dimensions, read-only arrays; and what is refused."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model
from judging import fit
from test_estimators_answers import CLASSES, STORAGES, TIGHT, data, reference, weights

import riata.estimators
import riata.estimators._base as base
from riata.estimators import ElasticNet, Lasso, Ridge

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}
SERIES = {"pandas": pd.Series, "polars": pl.Series}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("cls", CLASSES)
def test_frames_bring_their_names(cls, kind):
    X, y = data()
    names = [f"gene {j}" for j in range(X.shape[1])]
    frame = FRAMES[kind](dict(zip(names, X.T, strict=True)))
    model = fit(cls(alpha=0.1), frame, SERIES[kind](y), SERIES[kind](weights(len(y))))
    assert model.n_features_in_ == len(names)
    theirs = sklearn.linear_model.Lasso().fit(frame, y)
    if not hasattr(theirs, "feature_names_in_"):
        assert not hasattr(model, "feature_names_in_")
        return  # this scikit-learn reads no names from such a frame: nor do we
    assert list(model.feature_names_in_) == names
    array = fit(cls(alpha=0.1, tol=1e-6), X, y, weights(len(y)))
    np.testing.assert_allclose(model.coef_, array.coef_, rtol=1e-2, atol=1e-3)
    assert not hasattr(array, "feature_names_in_")
    assert model.predict(frame).shape == y.shape
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[names[::-1]])
    fit(model, X, y)
    assert not hasattr(model, "feature_names_in_")


def test_a_frame_of_mixed_types():
    X, y = data()
    frame = pd.DataFrame(X).add_prefix("x").assign(flag=X[:, 0] > 0, count=np.arange(len(y)))
    frame["maybe"] = pd.array(np.arange(len(y)) % 3, dtype="Int64")
    frame["single"] = X[:, 1].astype(np.float32)
    model = Lasso(alpha=0.1, tol=TIGHT).fit(frame, y)
    twin = fit(Lasso(alpha=0.1, tol=TIGHT), frame.astype(float).to_numpy(), y)
    np.testing.assert_allclose(model.coef_, twin.coef_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("storage", ["C", "csr"])
@pytest.mark.parametrize("cls", CLASSES)
def test_targets_have_the_shapes_of_scikit_learn(cls, storage, n_targets, fit_intercept, recwarn):
    X, y = data()
    if n_targets is not None:
        y = y[:, None] * np.linspace(1, 2, n_targets) + np.sin(np.arange(len(y)))[:, None]
    X = STORAGES[storage](X)
    model = fit(cls(alpha=0.1, fit_intercept=fit_intercept, tol=TIGHT), X, y)
    assert not recwarn.list
    theirs = reference(model).fit(X, y)
    for name in ("coef_", "intercept_"):
        assert np.shape(getattr(model, name)) == np.shape(getattr(theirs, name)), name
        np.testing.assert_allclose(
            getattr(model, name), getattr(theirs, name), rtol=1e-5, atol=1e-5, err_msg=name
        )
    assert type(model.intercept_) is type(theirs.intercept_)
    if cls is not Ridge:
        for name in ("dual_gap_", "n_iter_"):
            assert np.shape(getattr(model, name)) == np.shape(getattr(theirs, name)), name
        assert type(model.n_iter_) is type(theirs.n_iter_)
        assert model.sparse_coef_.shape == theirs.sparse_coef_.shape
    assert model.predict(X).shape == theirs.predict(X).shape
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), atol=1e-4)


def test_ridge_takes_an_alpha_per_target():
    X, y = data()
    Y = np.column_stack([y, -2 * y])
    model = fit(Ridge(alpha=np.array([0.1, 10.0]), tol=TIGHT), X, Y, weights(len(y)))
    theirs = sklearn.linear_model.Ridge(alpha=np.array([0.1, 10.0]))
    theirs.fit(X, Y, sample_weight=weights(len(y)))
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-6, atol=1e-8)
    with pytest.raises(ValueError, match=r"^alpha must be a number or one for each target"):
        Ridge(alpha=[1.0, 2.0]).fit(X, y)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("cls", CLASSES)
def test_arrays_are_read_and_left_alone(cls, storage):
    X, y = data()
    X = STORAGES[storage](X)
    s = weights(len(y))
    parts = [X] if isinstance(X, np.ndarray) else [
        getattr(X, name) for name in ("data", "indices", "indptr", "row", "col")
        if hasattr(X, name)
    ]  # fmt: skip
    extra = {"penalty_factor": np.ones(25), "upper_bounds": np.full(25, 2.0)}
    parts += [y, s, *extra.values()]
    before = [part.copy() for part in parts]
    for part in parts:
        part.flags.writeable = False
    model = fit(cls(alpha=0.1, **extra), X, y, s)
    model.predict(X)
    for part, old in zip(parts, before, strict=True):
        np.testing.assert_array_equal(part, old)
    assert model.get_params()["penalty_factor"] is extra["penalty_factor"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("storage", ["C", "F", "csr", "csc", "csr_matrix"])
def test_X_reaches_the_solver_uncopied(storage, dtype, monkeypatch):
    X, y = data()
    X = STORAGES[storage](X.astype(dtype))
    seen = []
    solve_path = base.solve_path

    def noting(X, *args, **settings):
        seen.append(X)
        return solve_path(X, *args, **settings)

    monkeypatch.setattr(base, "solve_path", noting)
    fit(Lasso(alpha=0.1), X, y)
    for name in ("data", "indices", "indptr") if sp.issparse(X) else ("T",):
        assert np.shares_memory(getattr(seen[0], name), getattr(X, name))


def test_int64_indices_are_kept():
    X, y = data()
    wide = sp.csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for cls in CLASSES:
        model = fit(cls(alpha=0.1, tol=TIGHT), wide, y)
        twin = fit(cls(alpha=0.1, tol=TIGHT), sp.csr_array(X), y)
        np.testing.assert_array_equal(model.coef_, twin.coef_)
        assert model.predict(wide).shape == y.shape


def _with(array, value, at):
    array = np.array(array, dtype=np.result_type(array, type(value)))
    array[at] = value
    return array


X0, Y0 = data()
N, P = X0.shape
BROKEN = sp.csr_array(X0)
BROKEN.indices = _with(BROKEN.indices, P + 7, -1)
BROKEN_COO = sp.coo_array(X0)
BROKEN_COO.coords = (BROKEN_COO.row, _with(BROKEN_COO.col, -N * P, 0))

# (argument that the message begins with, what is passed)
WRONG_PARAMETERS = [
    ("alpha", {"alpha": -1.0}),
    ("alpha", {"alpha": np.nan}),
    ("alpha", {"alpha": np.inf}),
    ("alpha", {"alpha": "1"}),
    ("alpha", {"alpha": None}),
    ("alpha", {"alpha": True}),
    ("alpha", {"alpha": 1j}),
    ("tol", {"tol": -1e-3}),
    ("tol", {"tol": np.nan}),
    ("tol", {"tol": "small"}),
    ("max_iter", {"max_iter": 0}),
    ("max_iter", {"max_iter": 1.5}),
    ("positive", {"positive": "yes"}),
    ("fit_intercept", {"fit_intercept": "yes"}),
    ("standardize", {"standardize": None}),
    ("penalty_factor", {"penalty_factor": -1.0}),
    ("penalty_factor", {"penalty_factor": np.ones(P - 1)}),
    ("penalty_factor", {"penalty_factor": _with(np.ones(P), np.nan, 3)}),
    ("lower_bounds", {"lower_bounds": 0.5}),
    ("lower_bounds", {"lower_bounds": np.nan}),
    ("lower_bounds", {"lower_bounds": -1.0, "positive": True}),
    ("upper_bounds", {"upper_bounds": -0.5}),
    ("upper_bounds", {"upper_bounds": np.zeros((P, 1))}),
    ("n_threads", {"n_threads": 0}),
    ("n_threads", {"n_threads": "all"}),
]
WRONG_DATA = [
    ("X", {"X": _with(X0, np.nan, (3, 7))}),
    ("X", {"X": _with(X0, np.inf, (3, 7))}),
    ("X", {"X": sp.csr_array(_with(X0, np.nan, (3, 7)))}),
    ("X", {"X": sp.csc_array(_with(X0, -np.inf, (3, 7)))}),
    ("X", {"X": BROKEN}),
    ("X", {"X": BROKEN_COO}),
    ("y", {"y": _with(Y0, np.nan, 5)}),
    ("y", {"y": _with(Y0, np.inf, 5)}),
    ("y", {"y": _with(np.column_stack([Y0, Y0]), np.inf, (5, 1))}),
    ("y", {"y": Y0[:-1]}),
    ("sample_weight", {"sample_weight": np.ones(N - 1)}),
    ("sample_weight", {"sample_weight": np.ones((N, 1))}),
    ("sample_weight", {"sample_weight": _with(np.ones(N), -1.0, 4)}),
    ("sample_weight", {"sample_weight": _with(np.ones(N), np.nan, 4)}),
    ("sample_weight", {"sample_weight": _with(np.ones(N), np.inf, 4)}),
    ("sample_weight", {"sample_weight": np.zeros(N)}),
    ("sample_weight", {"sample_weight": 0.0}),
    ("sample_weight", {"sample_weight": -1.0}),
    ("sample_weight", {"sample_weight": np.nan}),
    ("sample_weight", {"sample_weight": "balanced"}),
    ("sample_weight", {"sample_weight": np.ones(N) * 1j}),
]
# refused by scikit-learn's validation, in its words
WRONG_FOR_SCIKIT_LEARN = [
    ("Complex data not supported", {"X": X0 * 1j}),
    ("Complex data not supported", {"y": Y0 * 1j}),
    ("Expected 2D array", {"X": X0[:, 0]}),
    ("dim 3", {"X": X0[None]}),
    ("0 feature", {"X": X0[:, :0]}),
    ("0 sample", {"X": X0[:0], "y": Y0[:0]}),
    ("could not convert", {"X": np.array([["a"] * P] * N, dtype=object)}),
    ("y", {"y": np.array(["a"] * N)}),
    ("y", {"y": None}),
    ("y", {"y": sp.csr_array(Y0[:, None])}),
]


def _case(value):
    """Return a test id that is short whatever the array."""
    if isinstance(value, str):
        return value
    return ", ".join(
        f"{name}={part if np.ndim(part) == 0 and not sp.issparse(part) else type(part).__name__}"
        for name, part in value.items()
    )


@pytest.mark.parametrize(("name", "params"), WRONG_PARAMETERS, ids=_case)
@pytest.mark.parametrize("cls", CLASSES)
def test_wrong_parameters_are_named(cls, name, params):
    model = cls(**params)
    with pytest.raises((ValueError, TypeError), match=rf"^{name}(\.\w+)? (must|contains|has) "):
        model.fit(X0, Y0)
    assert vars(model) == vars(cls(**params))


def test_wrong_parameters_of_one_class():
    for value in (-0.1, 1.5, np.nan, "half", None):
        with pytest.raises((ValueError, TypeError), match=r"^l1_ratio must"):
            ElasticNet(l1_ratio=value).fit(X0, Y0)
    with pytest.raises(TypeError, match=r"^warm_start must"):
        Lasso(warm_start="no").fit(X0, Y0)
    with pytest.raises(ValueError, match=r"^solver must be .auto., got 'lsqr'"):
        Ridge(solver="lsqr").fit(X0, Y0)
    for value in ([], [[1.0]], ["1"], [np.nan]):
        with pytest.raises((ValueError, TypeError), match=r"^alpha must"):
            Ridge(alpha=value).fit(X0, Y0)
    for value in ([1.0], np.array([1.0])):
        with pytest.raises(TypeError, match=r"^alpha must"):
            Lasso(alpha=value).fit(X0, Y0)


@pytest.mark.parametrize(("name", "wrong"), WRONG_DATA, ids=_case)
@pytest.mark.parametrize("cls", CLASSES)
def test_wrong_data_are_named(cls, name, wrong):
    model = cls()
    with pytest.raises((ValueError, TypeError), match=rf"^{name}(\.\w+)? (must|contains|has) "):
        model.fit(**{"X": X0, "y": Y0, **wrong})
    assert vars(model) == vars(cls())


@pytest.mark.parametrize(("words", "wrong"), WRONG_FOR_SCIKIT_LEARN, ids=_case)
@pytest.mark.parametrize("cls", CLASSES)
def test_wrong_data_in_scikit_learns_words(cls, words, wrong):
    model = cls()
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(**{"X": X0, "y": Y0, **wrong})
    assert vars(model) == vars(cls())


@pytest.mark.parametrize("bad", [wrong["X"] for _, wrong in WRONG_DATA if "X" in wrong])
def test_predict_refuses_what_fit_refuses(bad):
    model = fit(Lasso(alpha=0.1), X0, Y0)
    with pytest.raises(ValueError, match="X"):
        model.predict(bad)


def test_the_first_bad_position_is_named():
    with pytest.raises(ValueError, match=r"^X .*(?i:nan) at row 3, column 7"):
        Lasso().fit(_with(X0, np.nan, (3, 7)), Y0)
    with pytest.raises(ValueError, match=r"^y .*5"):
        Lasso().fit(X0, _with(Y0, np.nan, 5))
    with pytest.raises(ValueError, match=r"^sample_weight .*4"):
        Ridge().fit(X0, Y0, _with(np.ones(N), -1.0, 4))


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("name", [name for name in riata.estimators.__all__ if name[0].isupper()])
def test_every_estimator_refuses_columns_that_are_not_those_of_fit(name, kind):
    X, y = data(40, 5)
    y = {
        "Poisson": np.abs(y).round(), "Logistic": y > 0, "MultiTask": np.column_stack([y, X[:, 0]])
    }.get(re.match("Poisson|Logistic|MultiTask|", name)[0], y)  # fmt: skip
    frame = FRAMES[kind](dict(zip("abcde", X.T, strict=True)))
    model = getattr(riata.estimators, name)().fit(frame, y)
    if not hasattr(model, "feature_names_in_"):
        return  # as above
    methods = [getattr(model, method, None) for method in (
        "predict", "decision_function", "predict_proba", "predict_log_proba"
    )]  # fmt: skip
    asked = [method for method in methods if method] + [lambda X: model.score(X, y)]
    for method in asked:
        method(frame)
        with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
            method(frame[["b", "a", "c", "d", "e"]])
        with pytest.raises(ValueError, match="Feature names unseen at fit time:\n- z\n"):
            method(FRAMES[kind](dict(zip("abcdz", X.T, strict=True))))
