"""LassoCV, ElasticNetCV, RidgeCV: scikit-learn's contract, scores and choices."""

import inspect
import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model
from problems import regression, weights
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from riata.estimators import ElasticNetCV, LassoCV, Ridge, RidgeCV

NEW = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)
CLASSES = [LassoCV, ElasticNetCV, RidgeCV]
VARIANTS = [
    LassoCV(),
    LassoCV(cv=3, alphas=5, tol=1e-12, rule="1se"),
    LassoCV(cv=3, alphas=[0.1, 0.01], tol=1e-12, positive=True),
    LassoCV(cv=3, alphas=5, tol=1e-12, standardize=True, fit_intercept=False),
    ElasticNetCV(cv=3, alphas=5, tol=1e-12),
    ElasticNetCV(cv=3, alphas=5, tol=1e-12, l1_ratio=[0.0, 0.5, 1.0], rule="5%"),
    RidgeCV(),
    RidgeCV(alphas=[0.5, 5.0], fit_intercept=False, tol=1e-12),
    RidgeCV(cv=3, rule="1se", scoring="neg_mean_squared_error"),
]


@parametrize_with_checks(VARIANTS)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", CLASSES)
def test_scikit_learns_parameters_names_and_defaults(cls):
    theirs = inspect.signature(getattr(sklearn.linear_model, cls.__name__)).parameters
    ours = inspect.signature(cls).parameters
    for name, parameter in theirs.items():
        if not NEW and name in ("alphas", "n_alphas", "store_cv_values", "store_cv_results"):
            continue  # as they were before 1.9
        assert ours[name].kind == parameter.kind
        if name != "tol":
            assert ours[name].default == parameter.default, name
    assert list(inspect.signature(cls.fit).parameters) == [
        "self", "X", "y", "sample_weight", "params",
    ]  # fmt: skip


@pytest.mark.parametrize("cls", CLASSES)
def test_documented_parameters_are_the_actual_ones(cls):
    sections = re.split(r"\n    (\w[\w ]*)\n    -+\n", cls.__doc__)
    text = dict(zip(sections[1::2], sections[2::2], strict=True))
    documented = re.findall(r"^    (\w+) :", text["Parameters"], flags=re.M)
    assert documented == list(inspect.signature(cls).parameters)
    model = cls(**({"store_cv_results": True} if cls is RidgeCV else {})).fit(*regression(30, 5))
    attributes = {name for name in vars(model) if name.endswith("_")} | {"sparse_coef_"}
    documented = set(re.findall(r"^    (\w+_) :", text["Attributes"], flags=re.M))
    assert documented == attributes | {"feature_names_in_"}


def theirs_like(model):
    """Return scikit-learn's class with the same parameters, its tolerance out of the way."""
    cls = getattr(sklearn.linear_model, type(model).__name__)
    known = inspect.signature(cls).parameters
    params = {name: value for name, value in model.get_params().items() if name in known}
    params |= {"tol": 1e-13, "max_iter": 200_000}
    if not NEW and "n_alphas" in known and np.ndim(params["alphas"]) == 0:
        params |= {"n_alphas": params["alphas"], "alphas": None}
        if params["positive"]:  # its grid began at the two-sided alpha_max then
            params["alphas"] = model.alphas_
    return cls(**params)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        LassoCV(alphas=20),
        LassoCV(alphas=20, fit_intercept=False, cv=KFold(4, shuffle=True, random_state=1)),
        LassoCV(alphas=[0.5, 0.05, 0.1]),
        LassoCV(alphas=15, positive=True, eps=0.01),
        ElasticNetCV(alphas=15, cv=3),
        ElasticNetCV(alphas=10, l1_ratio=[0.2, 0.9, 1.0]),
        ElasticNetCV(alphas=[0.5, 0.05, 0.1], l1_ratio=[0.2, 0.9]),
    ],
    ids=lambda model: re.sub(r"\s+", "", repr(model)),
)
def test_scores_and_answers_are_scikit_learns(model, sparse, weighted):
    X, y = regression(60, 25, seed=11, density=0.5 if sparse else 1.0)
    w = weights(60) + 0.1 if weighted else None
    X = sp.csc_matrix(X) if sparse else X
    model = clone(model).set_params(tol=1e-12)
    model.fit(X, y, sample_weight=w)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = theirs_like(model).fit(X, y, sample_weight=w)
    scale = np.var(y)
    np.testing.assert_allclose(model.alphas_, theirs.alphas_, rtol=1e-9)
    assert model.mse_path_.shape == theirs.mse_path_.shape
    np.testing.assert_allclose(model.mse_path_, theirs.mse_path_, rtol=0, atol=1e-6 * scale)
    assert model.alpha_ == pytest.approx(theirs.alpha_, rel=1e-9)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-5)
    assert model.intercept_ == pytest.approx(theirs.intercept_, abs=1e-5)
    if isinstance(model, ElasticNetCV):
        assert model.l1_ratio_ == theirs.l1_ratio_
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), atol=1e-5)


def test_one_se_is_sparser():
    X, y = regression(60, 25, seed=11)
    best, sparser = LassoCV().fit(X, y), LassoCV(rule="1se").fit(X, y)
    assert sparser.alpha_ > best.alpha_
    mean = best.mse_path_.mean(axis=1)
    error = best.mse_path_.std(axis=1) / np.sqrt(4)
    low = np.argmin(mean)
    within = best.alphas_[mean <= mean[low] + error[low]]
    assert sparser.alpha_ == within.max()


def test_routing_hands_groups_to_the_splitter_and_weights_to_fit():
    X, y = regression(60, 10)
    groups, w = np.arange(60) % 6, weights(60) + 0.1
    model = LassoCV(cv=GroupKFold(3), alphas=5)
    with pytest.raises(ValueError, match="groups"):
        model.fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
        model.fit(X, y, sample_weight=w, groups=groups)
        expected = LassoCV(cv=list(GroupKFold(3).split(X, y, groups)), alphas=5)
        expected.fit(X, y, sample_weight=w)
    assert np.array_equal(model.mse_path_, expected.mse_path_)


def test_a_fit_that_raises_leaves_the_estimator_alone():
    X, y = regression(30, 5)
    model = LassoCV(cv=3).fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="cv"):
        model.set_params(cv=[(np.arange(10), [50])]).fit(X, y)
    model.cv = 3
    assert vars(model) == before
    with pytest.raises(ValueError, match="one target"):
        model.fit(X, np.c_[y, y])


@pytest.mark.parametrize("cls", CLASSES)
def test_no_linear_model_of_scikit_learns_is_a_parent(cls):
    theirs = {c for c in cls.__mro__ if c.__module__.startswith("sklearn.")}
    assert not any("linear_model" in c.__module__ for c in theirs)


RIDGES = [
    (shape, targets, weighted, options)
    for shape in ((40, 6), (20, 35))
    for targets in (None, 1, 3)
    for weighted in (False, True)
    for options in (
        {},
        {"fit_intercept": False},
        {"scoring": "neg_mean_absolute_error"},
        {"alpha_per_target": True},
        {"alpha_per_target": True, "scoring": "r2"},
        {"cv": 4},
        {"cv": KFold(3, shuffle=True, random_state=0), "scoring": "neg_mean_squared_error"},
    )
    if not ("alpha_per_target" in options and targets != 3)  # scikit-learn fails on one target
    and not (weighted and "cv" in options and not NEW)  # it did not weigh these scores before 1.9
]


@pytest.mark.parametrize(("shape", "targets", "weighted", "options"), RIDGES)
def test_ridge_scores_and_answers_are_scikit_learns(shape, targets, weighted, options):
    X, y = regression(*shape, seed=3)
    if targets:
        y = np.c_[y, X[:, 1], X[:, 0] * X[:, 2]][:, :targets]
    w = weights(len(X)) + 0.1 if weighted else None
    kept = {"store_cv_results": "cv" not in options, "alphas": [0.1, 30.0, 1.0, 10.0], **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sklearn.linear_model.RidgeCV(**kept).fit(X, y, sample_weight=w)
    model = RidgeCV(tol=1e-12, **kept).fit(X, y, sample_weight=w)
    np.testing.assert_array_equal(model.alpha_, theirs.alpha_)
    np.testing.assert_allclose(model.best_score_, theirs.best_score_, rtol=1e-8)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=1e-9)
    assert np.shape(model.coef_) == np.shape(theirs.coef_)
    assert np.shape(model.intercept_) == np.shape(theirs.intercept_)
    if kept["store_cv_results"]:
        assert model.cv_results_.shape == theirs.cv_results_.shape
        np.testing.assert_allclose(model.cv_results_, theirs.cv_results_, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("shape", [(30, 5), (15, 25)])
@pytest.mark.parametrize("factor", [None, [0.0, np.inf, 0.5]])
@pytest.mark.parametrize("weighted", [False, True])
def test_leave_one_out_is_leaving_one_out(make, shape, factor, weighted):
    X, y = regression(*shape, seed=5, density=0.6)
    factor = None if factor is None else np.r_[factor, np.ones(shape[1] - 3)]
    s = weights(len(y)) if weighted else np.ones(len(y))
    alphas = [0.3, 3.0]
    model = RidgeCV(alphas, store_cv_results=True, penalty_factor=factor, tol=1e-12)
    model.fit(make(X), y, sample_weight=s)
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        for k, alpha in enumerate(alphas):
            one = Ridge(alpha, penalty_factor=factor, tol=1e-13).fit(X[rest], y[rest], s[rest])
            expected = s[i] * (y[i] - one.predict(X[[i]])[0]) ** 2
            assert model.cv_results_[i, k] == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_the_one_se_rule_of_ridge_takes_a_larger_alpha():
    X, y = regression(40, 6, seed=3)
    alphas = np.logspace(-2, 3, 12)
    best = RidgeCV(alphas, cv=5).fit(X, y)
    larger = RidgeCV(alphas, cv=5, rule="1se").fit(X, y)
    assert larger.alpha_ > best.alpha_
    folds = list(KFold(5).split(X))
    scores = np.array([
        [Ridge(alpha).fit(X[a], y[a]).score(X[b], y[b]) for a, b in folds] for alpha in alphas
    ])  # fmt: skip
    mean, error = scores.mean(axis=1), scores.std(axis=1) / 2.0
    within = mean >= mean.max() - error[np.argmax(mean)]
    assert larger.alpha_ == alphas[within].max()
    with pytest.raises(ValueError, match="1se"):
        RidgeCV(rule="1se", scoring="r2").fit(X, y)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"alphas": [0.0, 1.0]}, r"alphas\[0\] must be a finite number > 0"),
        ({"alphas": []}, "alphas must be numbers"),
        ({"cv": 3, "store_cv_results": True}, "store_cv_results=True goes with cv=None"),
        ({"cv": 3, "alpha_per_target": True}, "alpha_per_target=True goes with cv=None"),
        ({"rule": "5%"}, 'rule must be "min" or "1se"'),
    ],
)
def test_wrong_parameters_of_ridge_are_refused(params, match):
    with pytest.raises(ValueError, match=match):
        RidgeCV(**params).fit(*regression(20, 3))
