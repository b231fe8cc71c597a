"""scikit-learn's contract: its own checks, and what they don't check."""

import copy
import inspect
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model
from judging import fit, judge
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_estimators_answers import CLASSES, data, weights

from riata import estimators
from riata.estimators import ElasticNet, Lasso, Ridge

VARIANTS = [cls(**extra) for cls in CLASSES for extra in (
    {},
    {"alpha": 0.01, "tol": 1e-13},
    {"alpha": 0.01, "tol": 1e-13, "positive": True},
    {"alpha": 0.01, "tol": 1e-13, "standardize": True},
    {"alpha": 0.01, "tol": 1e-13, "fit_intercept": False, "upper_bounds": 30.0},
)] + [
    Lasso(alpha=0.01, tol=1e-13, warm_start=True),
    ElasticNet(alpha=0.01, l1_ratio=0.0, tol=1e-13),
]  # fmt: skip


@parametrize_with_checks(VARIANTS)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", CLASSES)
def test_scikit_learns_parameters_names_and_defaults(cls):
    theirs = inspect.signature(getattr(sklearn.linear_model, cls.__name__)).parameters
    ours = inspect.signature(cls).parameters
    for name, parameter in theirs.items():
        assert ours[name].kind == parameter.kind
        if name != "tol":
            assert ours[name].default == parameter.default, name
    assert ours["tol"].default == 1e-6
    assert list(inspect.signature(cls.fit).parameters)[:4] == ["self", "X", "y", "sample_weight"]


@pytest.mark.parametrize("cls", CLASSES)
def test_documented_parameters_are_the_actual_ones(cls):
    sections = re.split(r"\n    (\w[\w ]*)\n    -+\n", cls.__doc__)
    text = dict(zip(sections[1::2], sections[2::2], strict=True))
    documented = re.findall(r"^    (\w+) :", text["Parameters"], flags=re.M)
    assert documented == list(inspect.signature(cls).parameters)
    X, y = data()
    model = fit(cls(alpha=0.1), X, y)
    attributes = {name for name in vars(model) if name.endswith("_")} | {"sparse_coef_"}
    documented = set(re.findall(r"^    (\w+_) :", text["Attributes"], flags=re.M))
    assert documented == attributes | {"feature_names_in_"}


@pytest.mark.parametrize("cls", CLASSES)
def test_no_linear_model_of_scikit_learns_is_a_parent(cls):
    theirs = {c for c in cls.__mro__ if c.__module__.startswith("sklearn.")}
    assert not any("linear_model" in c.__module__ for c in theirs)
    assert {BaseEstimator, RegressorMixin} <= theirs


def test_importing_riata_does_not_import_scikit_learn():
    code = "import sys, riata; assert 'sklearn' not in sys.modules; riata.Lasso; " \
           "assert 'sklearn' in sys.modules"  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("cls", CLASSES)
def test_pickle_copy_and_clone(cls):
    X, y = data()
    model = fit(cls(alpha=0.1, penalty_factor=np.ones(25), upper_bounds=[1.0] * 25), X, y)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        judge(twin, X, y)
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        assert vars(twin).keys() == vars(model).keys()
    fresh = clone(model)
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    np.testing.assert_array_equal(fit(fresh, X, y).coef_, model.coef_)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_same_fit_twice_gives_the_same_bits(cls):
    X, y = data()
    first = fit(cls(alpha=0.1), X, y).coef_
    np.testing.assert_array_equal(fit(cls(alpha=0.1, n_threads=2), X, y).coef_, first)


@pytest.mark.parametrize("cls", CLASSES)
def test_grid_search_in_a_pipeline(cls):
    X, y = data()
    pipe = make_pipeline(StandardScaler(), cls())
    name = cls.__name__.lower()
    search = GridSearchCV(pipe, {f"{name}__alpha": [0.01, 0.1, 1.0]}, cv=3).fit(X, y)
    theirs = make_pipeline(StandardScaler(), getattr(sklearn.linear_model, cls.__name__)())
    expected = GridSearchCV(theirs, search.param_grid, cv=3).fit(X, y)
    assert search.best_params_ == expected.best_params_
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"], atol=1e-3
    )


def test_scikit_learns_tools():
    X, y = data()
    kept = SelectFromModel(Lasso(alpha=0.3)).fit(X, y).get_support()
    np.testing.assert_array_equal(kept, fit(Lasso(alpha=0.3), X, y).coef_ != 0)
    scaled = TransformedTargetRegressor(Ridge(), transformer=StandardScaler()).fit(X, y)
    assert scaled.predict(X).shape == y.shape
    both = MultiOutputRegressor(ElasticNet(alpha=0.1)).fit(X, np.column_stack([y, -y]))
    np.testing.assert_allclose(both.predict(X).sum(axis=1), 0, atol=1e-6)
    assert cross_val_score(Lasso(alpha=0.1), sp.csr_array(X), y, cv=3, n_jobs=2).min() > 0.8


def test_metadata_routing_of_sample_weight():
    X, y = data()
    s = weights(len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = Lasso(alpha=0.1).set_fit_request(sample_weight=True)
        model = model.set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"alpha": [0.1]}, cv=3).fit(X, y, sample_weight=s)
    best = judge(search.best_estimator_, X, y, s)
    np.testing.assert_array_equal(best.coef_, fit(Lasso(alpha=0.1), X, y, s).coef_)


def test_one_warning_of_scikit_learns_kind_where_max_iter_ends_the_work():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 80)) @ rng.normal(size=(80, 80))
    y = X @ rng.normal(size=80)
    with pytest.warns(ConvergenceWarning) as caught:
        model = fit(Lasso(alpha=1e-3, max_iter=1, tol=1e-12), X, y)
    assert len(caught) == 1
    assert (model.status_, model.n_iter_) == ("max_iter", 1)
    with pytest.warns(ConvergenceWarning) as caught:
        model = fit(Lasso(alpha=1e-3, max_iter=1, tol=1e-12), X, np.column_stack([y, -y, y]))
    assert len(caught) == 1
    assert model.status_ == ["max_iter"] * 3


@pytest.mark.parametrize("name", estimators.__all__)
def test_public_names_have_a_docstring_with_examples(name):
    assert "Examples\n" in getattr(estimators, name).__doc__
