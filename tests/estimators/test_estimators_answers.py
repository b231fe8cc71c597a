"""scikit-learn's answers, with a certificate: every fit is judged by the oracle."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from judging import fit, objectives
from sklearn.datasets import make_classification

from riata.estimators import ElasticNet, Lasso, LogisticRegression, Ridge, ridge_alpha

CLASSES = [Lasso, ElasticNet, Ridge]
TIGHT = 1e-13
STORAGES = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csr": sp.csr_array,
    "csc": sp.csc_array,
    "csr_matrix": sp.csr_matrix,
    "coo": sp.coo_array,
}


def data(n=60, p=25, seed=0, density=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < density)
    y = X[:, :5] @ np.array([3.0, -2.0, 1.0, 0.5, -0.2]) + 4 + 0.3 * rng.normal(size=n)
    return X, y


def weights(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4, n) * rng.uniform(0.5, 2.0, n)


def reference(model):
    """Return scikit-learn's model of the same name and parameters, at its tightest."""
    theirs = getattr(sklearn.linear_model, type(model).__name__)
    names = theirs().get_params()
    params = {k: v for k, v in model.get_params().items() if k in names}
    params["tol"] = 1e-15 if params["positive"] else 1e-14
    params["max_iter"] = 100_000
    return theirs(**params)


@pytest.mark.parametrize("alpha", [0.003, 0.05, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("cls", CLASSES)
def test_the_answer_is_scikit_learns(cls, positive, fit_intercept, weighted, alpha):
    X, y = data()
    s = weights(len(y)) if weighted else None
    model = cls(alpha=alpha, fit_intercept=fit_intercept, positive=positive, tol=TIGHT)
    fit(model, X, y, s)
    theirs = reference(model).fit(X, y, sample_weight=s)
    ours_P, theirs_P = objectives(model, theirs, X, y, s)
    assert (ours_P <= theirs_P * (1 + 1e-11)).all()
    # positive ridge there is L-BFGS, which stops at about 1e-6
    rtol = 1e-4 if cls is Ridge and positive else 2e-6
    scale = np.abs(theirs.coef_).max(initial=1.0)
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), rtol=0, atol=10 * rtol * scale)
    assert model.score(X, y, s) == pytest.approx(theirs.score(X, y, s), abs=100 * rtol)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.01, 0.5, 1.0])
def test_elastic_net_spans_ridge_to_lasso(l1_ratio):
    X, y = data()
    model = fit(ElasticNet(alpha=0.1, l1_ratio=l1_ratio, tol=TIGHT), X, y)
    if l1_ratio == 1.0:
        twin = fit(Lasso(alpha=0.1, tol=TIGHT), X, y)
    elif l1_ratio == 0.0:
        twin = fit(Ridge(alpha=0.1 * len(y), tol=TIGHT), X, y)
    else:
        twin = reference(model).fit(X, y)
    np.testing.assert_allclose(model.coef_, twin.coef_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, twin.intercept_, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("cls", CLASSES)
def test_storage_and_dtype_do_not_matter(cls, storage, dtype):
    X, y = data()
    X = X.astype(np.float32)  # so that both dtypes hold the same numbers
    s = weights(len(y))
    dense = fit(cls(alpha=0.05, tol=TIGHT), X.astype(np.float64), y, s)
    stored = STORAGES[storage](X.astype(dtype))
    other = fit(cls(alpha=0.05, tol=TIGHT), stored, y, s)
    assert other.coef_.dtype == np.float64
    np.testing.assert_allclose(other.coef_, dense.coef_, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(other.predict(stored), dense.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("cls", CLASSES)
def test_weights_are_copies_and_zero_is_absence(cls):
    X, y = data()
    s = np.random.default_rng(2).integers(0, 4, len(y))
    weighted = fit(cls(alpha=0.05, tol=TIGHT), X, y, s)
    copied = fit(cls(alpha=0.05, tol=TIGHT), np.repeat(X, s, axis=0), np.repeat(y, s))
    np.testing.assert_allclose(weighted.coef_, copied.coef_, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(weighted.intercept_, copied.intercept_, rtol=1e-6)


@pytest.mark.parametrize("weight", [2.5, np.float32(2.5), 2])
def test_a_number_weighs_every_row(weight):
    X, y = data()
    for cls in CLASSES:
        scalar = fit(cls(alpha=0.05, tol=TIGHT), X, y, weight)
        vector = fit(cls(alpha=0.05, tol=TIGHT), X, y, np.full(len(y), float(weight)))
        np.testing.assert_array_equal(scalar.coef_, vector.coef_)
    for cls in (Lasso, ElasticNet):  # a mean: the factor cancels; scikit-learn has it so too
        plain = fit(cls(alpha=0.05, tol=TIGHT), X, y)
        weighted = fit(cls(alpha=0.05, tol=TIGHT), X, y, weight)
        np.testing.assert_allclose(weighted.coef_, plain.coef_, rtol=1e-6, atol=1e-7)
    theirs = sklearn.linear_model.Ridge(alpha=0.05).fit(X, y, sample_weight=float(weight))
    ridge = fit(Ridge(alpha=0.05, tol=TIGHT), X, y, weight)
    np.testing.assert_allclose(ridge.coef_, theirs.coef_, rtol=1e-6, atol=1e-6)


def test_ridge_alpha_is_the_one_conversion():
    X, y = data()
    s = weights(len(y))
    model = fit(Ridge(alpha=3.0, tol=TIGHT), X, y, s)
    twin = ElasticNet(alpha=ridge_alpha(3.0, s.sum()), l1_ratio=0, tol=TIGHT)
    np.testing.assert_array_equal(model.coef_, fit(twin, X, y, s).coef_)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "extra",
    [
        {"penalty_factor": [0.0, np.inf] + [1.0] * 22 + [3.0]},
        {"penalty_factor": 2.0},
        {"lower_bounds": -0.1, "upper_bounds": 0.2},
        {"upper_bounds": [0.0] * 5 + [np.inf] * 20},
        {"positive": True, "upper_bounds": 1.0},
        {"standardize": True},
        {"standardize": True, "fit_intercept": False, "penalty_factor": np.linspace(0, 2, 25)},
        {"n_threads": 1},
        {"n_threads": 2},
    ],
    ids=lambda extra: ", ".join(extra),
)
def test_what_scikit_learn_has_not(cls, extra):
    X, y = data()
    model = fit(cls(alpha=0.1, tol=TIGHT, **extra), X, y, weights(len(y)))
    assert np.abs(model.coef_).max() > 0


@pytest.mark.parametrize("cls", [Lasso, Ridge])  # L1 and L2 together scale differently
def test_penalty_factor_is_what_scaling_a_column_does(cls):
    X, y = data()
    v = np.random.default_rng(3).uniform(0.5, 2.0, X.shape[1])
    power = 1.0 if cls is Lasso else 0.5
    factor = fit(cls(alpha=0.05, penalty_factor=v, tol=TIGHT), X, y)
    theirs = reference(cls(alpha=0.05)).fit(X / v**power, y)
    np.testing.assert_allclose(factor.coef_, theirs.coef_ / v**power, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cls", CLASSES)
def test_standardize_is_a_scaler_undone(cls):
    X, y = data()
    X = X * np.linspace(0.1, 10, X.shape[1])
    model = fit(cls(alpha=0.05, standardize=True, tol=TIGHT), X, y)
    sd = X.std(axis=0)
    theirs = reference(cls(alpha=0.05)).fit(X / sd, y)
    np.testing.assert_allclose(model.coef_ * sd, theirs.coef_, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("p", [25, 100])
@pytest.mark.parametrize("cls", CLASSES)
def test_alpha_zero_is_least_squares(cls, p):
    X, y = data(p=p, density=1.0)
    model = fit(cls(alpha=0.0, tol=1e-12), X, y)
    theirs = sklearn.linear_model.LinearRegression().fit(X, y)  # minimum norm where p > n
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, rtol=1e-6)


@pytest.mark.parametrize("cls", CLASSES)
def test_default_tol_is_a_relative_gap_of_1e_6(cls):
    X, y = data()
    assert cls().tol == 1e-6
    model = fit(cls(alpha=0.05), X, y)  # the oracle holds it to its tol
    assert model.status_ == "converged"


def test_W1_appended_empty_columns_change_nothing():
    X, y = data()
    X = sp.csr_array(X.astype(np.float32))
    wide = sp.hstack([X, sp.csr_array((X.shape[0], 500), dtype=np.float32)], format="csr")
    for cls in CLASSES:
        narrow = fit(cls(alpha=0.05, tol=TIGHT), X, y)
        model = fit(cls(alpha=0.05, tol=TIGHT), wide, y)
        np.testing.assert_allclose(model.coef_[:25], narrow.coef_, rtol=1e-6, atol=1e-7)
        assert not model.coef_[25:].any()


def test_W3_duplicate_and_unsorted_entries():
    X, y = data()
    coo = sp.coo_array(X)
    order = np.random.default_rng(4).permutation(coo.nnz)
    row, col, value = coo.row[order], coo.col[order], coo.data[order]
    twice = (np.concatenate([value / 2] * 2), (np.tile(row, 2), np.tile(col, 2)))
    for cls in CLASSES:
        plain = fit(cls(alpha=0.05, tol=TIGHT), X, y)
        for kind in (sp.csr_array, sp.csc_array):
            raw = _without_summing(kind, twice, X.shape)
            assert raw.nnz == 2 * coo.nnz
            model = fit(cls(alpha=0.05, tol=TIGHT), raw, y)
            np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(model.predict(raw), plain.predict(X), rtol=1e-6)
            assert raw.nnz == 2 * coo.nnz


def _without_summing(kind, entries, shape):
    value, (row, col) = entries
    major, minor = (row, col) if kind is sp.csr_array else (col, row)
    order = np.argsort(major, kind="stable")
    counts = np.bincount(major, minlength=shape[0] if kind is sp.csr_array else shape[1])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return kind((value[order], minor[order], indptr), shape=shape)


@pytest.mark.parametrize("C", [100.0, 1e4])
def test_classes_of_dependent_features_have_scikit_learns_coefficients(C):
    """Danger: ridge fits of four classes ended max_iter, or .3 away within their tolerance."""
    X, y = make_classification(200, 20, n_informative=5, n_classes=4, random_state=1)
    model = LogisticRegression(C=C, tol=1e-9).fit(X, y)
    assert model.status_ == "converged"
    theirs = sklearn.linear_model.LogisticRegression(C=C, tol=1e-10, max_iter=20000).fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=2e-4)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=2e-4)
