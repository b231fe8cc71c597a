"""The cross-validated classes of other losses: scikit-learn's contract, scores and choices."""

import inspect
import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model
from problems import regression, weights
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

import riata
from riata import estimators
from riata.estimators import (
    GeneralizedLinearRegressor,
    GeneralizedLinearRegressorCV,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskElasticNetCV,
    MultiTaskLassoCV,
    PoissonRegressorCV,
)
from riata.families import Tweedie

NEW = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)
REGRESSORS = [GeneralizedLinearRegressorCV, PoissonRegressorCV]
MULTITASK = [MultiTaskLassoCV, MultiTaskElasticNetCV]
CLASSES = [*REGRESSORS, *MULTITASK, LogisticRegressionCV]
VARIANTS = [
    GeneralizedLinearRegressorCV(alphas=10, tol=1e-12, n_threads=1),
    PoissonRegressorCV(alphas=10, cv=3, l1_ratio=[0.0, 1.0], rule="1se", tol=1e-12, n_threads=1),
    MultiTaskLassoCV(alphas=10, tol=1e-12, n_threads=1),
    MultiTaskElasticNetCV(alphas=5, cv=3, l1_ratio=[0.5, 1.0], tol=1e-12, n_threads=1),
    LogisticRegressionCV(Cs=[0.01, 1.0], cv=3, n_threads=1),  # one check has 3 rows in a class
    LogisticRegressionCV(Cs=[0.1, 1.0], cv=3, l1_ratios=[0.5, 1.0], tol=1e-10, n_threads=1,
                         scoring="deviance", rule="1se"),
    LogisticRegressionCV(Cs=[0.1, 1.0], cv=3, refit=False, n_threads=1),
    LogisticRegressionCV(Cs=[0.1, 1.0], cv=3, use_legacy_attributes=True, n_threads=1),
]  # fmt: skip


@parametrize_with_checks(VARIANTS)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def data(cls, n=60, p=10, seed=11):
    """Return X and y that a class can fit."""
    X, eta = regression(n, p, seed=seed)
    eta, rng = (eta - eta.mean()) / eta.std(), np.random.default_rng(seed)
    if cls in MULTITASK:
        return X, np.column_stack([eta, X[:, 0], -eta]) + 0.3 * rng.standard_normal((n, 3))
    if cls is LogisticRegressionCV:
        return X, np.where(rng.random(n) < 1 / (1 + np.exp(-2 * eta)), "yes", "no")
    return X, rng.poisson(np.exp(eta))


def three(n=90, p=8):
    X, _ = regression(n, p, seed=3)
    rng = np.random.default_rng(3)
    eta = X @ rng.standard_normal((p, 3)) * 0.5
    return X, np.array(["one", "three", "two"])[(eta + rng.gumbel(size=(n, 3))).argmax(axis=1)]


@pytest.mark.parametrize("cls", MULTITASK + [LogisticRegressionCV])
def test_scikit_learns_parameters_names_and_defaults(cls):
    theirs = inspect.signature(getattr(sklearn.linear_model, cls.__name__)).parameters
    ours = inspect.signature(cls).parameters
    elsewhere = {"tol", "max_iter", "alphas", "n_alphas"}
    if cls is LogisticRegressionCV:  # its l1_ratios are the ones that 1.10 has
        elsewhere |= {"dual", "penalty", "solver", "intercept_scaling"}
        elsewhere |= {"use_legacy_attributes", "l1_ratios", "scoring", "multi_class"}
    for name in set(theirs) - elsewhere:
        assert ours[name].kind == theirs[name].kind, name
        assert ours[name].default == theirs[name].default, name


@pytest.mark.parametrize("cls", CLASSES)
def test_documented_parameters_are_the_actual_ones(cls):
    sections = re.split(r"\n    (\w[\w ]*)\n    -+\n", cls.__doc__)
    text = dict(zip(sections[1::2], sections[2::2], strict=True))
    documented = re.findall(r"^    (\w+) :", text["Parameters"], flags=re.M)
    assert documented == list(inspect.signature(cls).parameters)
    model = cls(**{"Cs": 3} if cls is LogisticRegressionCV else {"alphas": 5}).fit(*data(cls))
    attributes = {name for name in vars(model) if name.endswith("_")} | {"sparse_coef_"}
    attributes |= {"coefs_paths_"} if cls is LogisticRegressionCV else set()
    documented = set(re.findall(r"^    (\w+_) :", text["Attributes"], flags=re.M))
    assert documented == attributes | {"feature_names_in_"}
    assert cls.__name__ in estimators.__all__
    assert getattr(riata, cls.__name__) is cls


# -- scikit-learn's scores and answers -------------------------------------------------------------


@pytest.mark.skipif(not NEW, reason="parameters and class weights are those of 1.9")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"yes": 3.0, "one": 2.0}])
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", None, "roc_auc_ovr"])
@pytest.mark.parametrize("several", [False, True])
def test_logistic_scores_and_answers_are_scikit_learns(several, scoring, class_weight, weighted):
    X, y = three() if several else data(LogisticRegressionCV, n=90)
    if scoring == "roc_auc_ovr":
        scoring = "roc_auc_ovr" if several else "roc_auc"
    if isinstance(class_weight, dict):
        class_weight = {k: v for k, v in class_weight.items() if k in y}
    w = weights(90) + 0.1 if weighted else None
    params = {"Cs": [1.0, 0.01, 30.0, 0.1], "class_weight": class_weight, "scoring": scoring}
    if scoring == "accuracy":
        params["cv"] = KFold(4, shuffle=True, random_state=0)
    model = LogisticRegressionCV(**params, tol=1e-13, n_threads=1).fit(X, y, sample_weight=w)
    theirs = sklearn.linear_model.LogisticRegressionCV(
        **params, l1_ratios=(0.0,), tol=1e-12, max_iter=1000, solver="newton-cholesky",
        use_legacy_attributes=False,
    ).fit(X, y, sample_weight=w)  # fmt: skip
    np.testing.assert_allclose(model.scores_, theirs.scores_, rtol=0, atol=1e-6)
    assert model.scores_.shape == theirs.scores_.shape
    assert model.n_iter_.shape == theirs.n_iter_.shape
    np.testing.assert_array_equal(model.Cs_, theirs.Cs_)
    assert type(model.C_) is type(theirs.C_)
    totals = theirs.scores_.sum(axis=(0, 1))
    chosen = totals[list(model.Cs_).index(model.C_)]
    assert chosen == pytest.approx(totals.max(), rel=1e-9)
    if model.C_ == theirs.C_:  # accuracies tie
        np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-5)
        shift = 0.0 if not several else model.intercept_.mean() - theirs.intercept_.mean()
        np.testing.assert_allclose(model.intercept_ - shift, theirs.intercept_, atol=1e-5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs.score(X, y, sample_weight=w)
        assert model.score(X, y, sample_weight=w) == pytest.approx(expected, rel=1e-5)
    assert list(model.classes_) == list(theirs.classes_)


@pytest.mark.parametrize("several", [False, True])
def test_logistic_folds_are_fits_to_copies_with_the_same_c(several):
    """Any l1_ratio: `LogisticRegression` itself is held to scikit-learn's answers elsewhere."""
    X, y = three() if several else data(LogisticRegressionCV, n=90)
    w = weights(90) + 0.1
    folds = list(KFold(3, shuffle=True, random_state=2).split(X))
    Cs, ratios = [0.5, 5.0, 0.05], [1.0, 0.3]
    model = LogisticRegressionCV(
        Cs=Cs, l1_ratios=ratios, cv=folds, scoring="neg_log_loss", class_weight="balanced",
        tol=1e-13, n_threads=1,
    ).fit(X, y, sample_weight=w)  # fmt: skip
    shares = np.array([w[y == label].sum() for label in model.classes_])
    factor = dict(zip(model.classes_, w.sum() / (len(shares) * shares), strict=True))
    for f, (train, test) in enumerate(folds):
        for r, ratio in enumerate(ratios):
            for k, C in enumerate(Cs):
                one = LogisticRegression(C=C, l1_ratio=ratio, class_weight=factor, tol=1e-13)
                one.fit(X[train], y[train], sample_weight=w[train])
                log_p = one.predict_log_proba(X[test])
                held = log_p[np.arange(len(test)), np.searchsorted(one.classes_, y[test])]
                expected = np.average(held, weights=w[test])
                assert model.scores_[f, r, k] == pytest.approx(expected, rel=1e-7)
    mean = model.scores_.mean(axis=0)
    r, k = np.unravel_index(np.argmax(mean), mean.shape)
    assert (model.C_, model.l1_ratio_) == (Cs[k], ratios[r])
    one = LogisticRegression(C=Cs[k], l1_ratio=ratios[r], class_weight="balanced", tol=1e-13)
    np.testing.assert_allclose(model.coef_, one.fit(X, y, sample_weight=w).coef_, atol=1e-6)


def centred(coefs):
    """Return coefficients (..., K, p) of a softmax without what all K have in common."""
    return coefs - coefs.mean(axis=-2, keepdims=True) if coefs.shape[-2] > 1 else coefs


@pytest.mark.skipif(not NEW, reason="shapes are those of 1.9")
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_what_folds_fitted_and_its_mean_are_scikit_learns(several, refit, fit_intercept, legacy):
    X, y = three() if several else data(LogisticRegressionCV, n=90)
    w = weights(90) + 0.1
    params = {
        "Cs": [1.0, 0.01, 30.0, 0.1], "scoring": "neg_log_loss", "refit": refit, "cv": 3,
        "fit_intercept": fit_intercept, "use_legacy_attributes": legacy, "l1_ratios": (0.0,),
    }  # fmt: skip
    model = LogisticRegressionCV(**params, tol=1e-13, n_threads=1).fit(X, y, sample_weight=w)
    theirs = sklearn.linear_model.LogisticRegressionCV(
        **params, tol=1e-12, max_iter=1000, solver="newton-cholesky"
    ).fit(X, y, sample_weight=w)
    for name in ("scores_", "coefs_paths_"):
        ours, wanted = getattr(model, name), getattr(theirs, name)
        assert type(ours) is type(wanted)
        if legacy:
            assert list(ours) == list(wanted)
            ours, wanted = (np.array(list(values.values())) for values in (ours, wanted))
        if name == "coefs_paths_":
            axis = 0 if legacy else -2
            ours, wanted = (centred(np.moveaxis(v, axis, -2)) for v in (ours, wanted))
        assert ours.shape == wanted.shape
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-5)
    for name in ("C_", "l1_ratio_"):
        assert np.shape(getattr(model, name)) == np.shape(getattr(theirs, name))
        np.testing.assert_allclose(getattr(model, name), getattr(theirs, name), rtol=1e-12)
    assert model.n_iter_.shape == theirs.n_iter_.shape
    np.testing.assert_allclose(centred(model.coef_), centred(theirs.coef_), atol=1e-5)
    shift = model.intercept_.mean() - theirs.intercept_.mean() if several else 0.0
    np.testing.assert_allclose(model.intercept_ - shift, theirs.intercept_, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_means_over_folds_of_several_l1_ratios_are_those_of_explicit_fits():
    X, y = data(LogisticRegressionCV, n=90)
    folds = list(KFold(3, shuffle=True, random_state=2).split(X))
    Cs, ratios = [0.5, 5.0, 0.05], [1.0, 0.3]
    model = LogisticRegressionCV(
        Cs=Cs, l1_ratios=ratios, cv=folds, scoring="neg_log_loss", refit=False, tol=1e-13,
        n_threads=1,
    ).fit(X, y)  # fmt: skip
    chosen = []
    for f, (train, test) in enumerate(folds):
        fits = {}
        for r, ratio in enumerate(ratios):
            for k, C in enumerate(Cs):
                one = LogisticRegression(C=C, l1_ratio=ratio, tol=1e-13).fit(X[train], y[train])
                score = -sklearn.metrics.log_loss(y[test], one.predict_proba(X[test]))
                fits[r, k] = score, C, ratio, one.coef_, one.intercept_
                whole = np.hstack([one.coef_, one.intercept_[:, None]])
                np.testing.assert_allclose(model.coefs_paths_[f, r, k], whole, atol=1e-6)
        chosen.append(max(fits.values(), key=lambda fit: fit[0]))
    _, strengths, ratio, coef, intercept = zip(*chosen, strict=True)
    np.testing.assert_allclose(model.C_, np.mean(strengths))
    assert model.l1_ratio_ == pytest.approx(np.mean(ratio))
    np.testing.assert_allclose(model.coef_, np.mean(coef, axis=0), atol=1e-6)
    np.testing.assert_allclose(model.intercept_, np.mean(intercept, axis=0), atol=1e-6)
    assert model.status_ in ("converged", "precision_floor")
    assert 0.0 <= model.dual_gap_ < 1e-12


@pytest.mark.parametrize("cls", MULTITASK)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_multitask_scores_and_answers_are_scikit_learns(cls, fit_intercept):
    X, Y = data(cls)
    params = {"alphas": [0.5, 0.05, 0.2, 0.01], "fit_intercept": fit_intercept}
    if cls is MultiTaskElasticNetCV:
        params["l1_ratio"] = [0.3, 1.0]
    model = cls(**params, tol=1e-12, n_threads=1).fit(X, Y)
    theirs = getattr(sklearn.linear_model, cls.__name__)(**params, tol=1e-13, max_iter=100_000)
    theirs.fit(X, Y)
    np.testing.assert_allclose(model.alphas_, theirs.alphas_, rtol=1e-12)
    assert model.mse_path_.shape == theirs.mse_path_.shape
    np.testing.assert_allclose(model.mse_path_, theirs.mse_path_, rtol=0, atol=1e-6 * Y.var())
    assert model.alpha_ == theirs.alpha_
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=1e-5)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), atol=1e-5)


@pytest.mark.skipif(not NEW, reason="`alphas` takes the length of the grid since 1.7")
@pytest.mark.parametrize("cls", MULTITASK)
def test_multitask_grids_are_scikit_learns(cls):
    X, Y = data(cls)
    model = cls(alphas=12, tol=1e-12, n_threads=1).fit(X, Y)
    theirs = getattr(sklearn.linear_model, cls.__name__)(alphas=12, tol=1e-13, max_iter=100_000)
    theirs.fit(X, Y)
    np.testing.assert_allclose(model.alphas_, theirs.alphas_, rtol=1e-9)
    np.testing.assert_allclose(model.mse_path_, theirs.mse_path_, rtol=0, atol=1e-6 * Y.var())


@pytest.mark.parametrize(
    ("model", "family"),
    [
        (GeneralizedLinearRegressorCV("gamma", alphas=8), "gamma"),
        (GeneralizedLinearRegressorCV(Tweedie(1.3), alphas=8, scoring="mae"), Tweedie(1.3)),
        (PoissonRegressorCV(l1_ratio=[0.5, 1.0], alphas=8, eps=0.01), "poisson"),
    ],
    ids=["gamma", "tweedie", "poisson"],
)
def test_regressors_are_cross_validate_on_scikit_learns_folds(model, family):
    X, y = data(PoissonRegressorCV)
    y = y + 0.5 if family == "gamma" else y
    w, offset = weights(60) + 0.1, 0.2 * np.sin(np.arange(60.0))
    model.set_params(tol=1e-12, n_threads=1).fit(X, y, sample_weight=w, offset=offset)
    cv = riata.cross_validate(
        X, y, family=family, cv=KFold(5), scoring=model.scoring, l1_ratio=model.l1_ratio,
        n_alphas=8, alpha_min_ratio=model.eps, sample_weight=w, offset=offset, tol=1e-12,
        n_threads=1,
    )  # fmt: skip
    scores = cv.scores if np.ndim(model.l1_ratio) else cv.scores[0]
    assert np.array_equal(model.scores_, scores)
    mean = cv.scores.mean(axis=2)
    r, k = np.unravel_index(np.argmin(mean), mean.shape)
    assert (model.alpha_, model.l1_ratio_) == (cv.alphas[r, k], cv.l1_ratios[r])
    one = GeneralizedLinearRegressor(
        family, alpha=model.alpha_, l1_ratio=model.l1_ratio_, tol=1e-12
    )
    one.fit(X, y, sample_weight=w, offset=offset)
    np.testing.assert_allclose(model.coef_, one.coef_, atol=1e-6)
    np.testing.assert_allclose(model.predict(X, offset), one.predict(X, offset), rtol=1e-6)
    assert model.score(X, y, w, offset) == pytest.approx(one.score(X, y, w, offset), rel=1e-6)
    with pytest.raises(ValueError, match="offset must be given"):
        model.predict(X)


# -- the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_sparse_x_gives_the_same_scores(cls):
    X, y = data(cls)
    X = np.where(np.abs(X) > 0.7, X, 0.0)
    grid = {"Cs": 4, "scoring": "deviance"} if cls is LogisticRegressionCV else {"alphas": 6}
    name = "mse_path_" if cls in MULTITASK else "scores_"
    dense = cls(**grid, tol=1e-12, n_threads=1).fit(X, y)
    sparse = cls(**grid, tol=1e-12, n_threads=1).fit(sp.csr_array(X), y)
    np.testing.assert_allclose(getattr(sparse, name), getattr(dense, name), rtol=1e-6)


@pytest.mark.parametrize("cls", CLASSES)
def test_one_se_takes_a_stronger_penalty(cls):
    X, y = data(cls)
    grid = {"Cs": 10, "scoring": "auc"} if cls is LogisticRegressionCV else {"alphas": 20}
    best, sparser = cls(**grid).fit(X, y), cls(**grid, rule="1se").fit(X, y)
    if cls is LogisticRegressionCV:
        assert sparser.C_ < best.C_
    else:
        assert sparser.alpha_ > best.alpha_


@pytest.mark.parametrize("cls", CLASSES)
def test_routing_hands_groups_to_the_splitter_and_weights_to_fit(cls):
    X, y = data(cls)
    groups, w = np.arange(60) % 6, weights(60) + 0.1
    grid = {"Cs": 3} if cls is LogisticRegressionCV else {"alphas": 4}
    name = "mse_path_" if cls in MULTITASK else "scores_"
    splitter = StratifiedGroupKFold(3) if cls is LogisticRegressionCV else GroupKFold(3)
    model = cls(cv=splitter, **grid)
    with pytest.raises(ValueError, match="groups"):
        model.fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
        model.fit(X, y, sample_weight=w, groups=groups)
        expected = cls(cv=list(splitter.split(X, y, groups)), **grid)
        expected.fit(X, y, sample_weight=w)
    assert np.array_equal(getattr(model, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"Cs": 0}, "Cs must be"),
        ({"Cs": [1.0, -1.0]}, "Cs must be"),
        ({"Cs": []}, "Cs must be"),
        ({"l1_ratios": [0.5, 2.0]}, "l1_ratios must be"),
        ({"l1_ratios": [1.0, 1.0]}, "l1_ratios must not hold"),
        ({"scoring": "r3"}, "scoring must be one of"),
        ({"rule": "best"}, "rule must be"),
        ({"rule": "1se", "refit": False}, 'rule must be "min" with refit=False'),
        ({"class_weight": {"yes": 0.0}}, "must leave every class weight"),
    ],
)
def test_wrong_parameters_of_the_logistic_class(wrong, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegressionCV(**wrong).fit(*data(LogisticRegressionCV))


def test_maximum_likelihood_may_be_among_the_values_of_c():
    X, y = data(LogisticRegressionCV, n=120, p=3)
    model = LogisticRegressionCV(Cs=[1.0, np.inf], scoring="neg_log_loss", tol=1e-12).fit(X, y)
    assert np.isfinite(model.scores_).all()
    assert model.C_ in (1.0, np.inf)


def test_labels_that_were_not_fitted_have_no_score():
    X, y = data(LogisticRegressionCV)
    model = LogisticRegressionCV(Cs=2).fit(X, y)
    with pytest.raises(ValueError, match="'maybe'"):
        model.score(X[:2], ["yes", "maybe"])


@pytest.mark.parametrize("cls", CLASSES)
def test_a_fit_that_raises_leaves_the_estimator_alone(cls):
    X, y = data(cls)
    grid = {"Cs": 3} if cls is LogisticRegressionCV else {"alphas": 4}
    model = cls(**grid).fit(X, y)
    before = dict(vars(model))
    X[3, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, y)
    assert vars(model) == before or set(vars(model)) == set(before)
