"""Relaxed paths of other families: refits judged by their optimality conditions."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from family_oracle import FAMILIES
from problems import weights
from scipy.special import softmax
from test_cv_families import K, responses, splits
from test_family_paths import EACH_FAMILY, data

import riata
from riata.families import Multinomial

GRID = {"n_alphas": 5, "alpha_min_ratio": 0.1, "n_threads": 1, "tol": 1e-13}
SETTINGS = {
    "plain": {},
    "elastic net": {"l1_ratio": 0.5, "standardize": True},
    "weights and offset": {"sample_weight": weights(60), "offset": np.linspace(-1, 1, 60)},
    "no intercept": {"fit_intercept": False},
    "bounds": {"lower_bounds": -0.2, "upper_bounds": 0.3},
    "factors": {"penalty_factor": np.r_[0.0, np.inf, np.ones(23)]},
}


def check_refit(X, y, family, support, coef, intercept, status, settings):
    """The gradient vanishes on the support, but for what a bound holds back; nobody else moved."""
    if status == "max_iter":  # the support separates the classes, or nearly: that has been said
        assert family in ("binomial", "squared_hinge")
        return
    assert status in ("converged", "precision_floor")
    w = np.broadcast_to(settings.get("sample_weight", 1.0), len(y)).astype(float)
    eta = X @ coef + intercept + settings.get("offset", 0.0)
    slope = FAMILIES[family](y.astype(float))[1](eta) * w / w.sum()
    gradient = X.T @ slope
    low, high = (settings.get(f"{side}_bounds", np.inf) for side in ("lower", "upper"))
    held = (coef == low) & (gradient > 0) | (coef == high) & (gradient < 0)
    free = support & ~held
    np.testing.assert_allclose(gradient[free], 0.0, atol=3e-6)
    assert (coef[~support] == 0.0).all()
    if settings.get("fit_intercept", True):
        assert slope.sum() == pytest.approx(0.0, abs=3e-6)


@EACH_FAMILY
@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.filterwarnings("ignore:(features|supports) that")
def test_refits_are_maximum_likelihood_on_the_support(family, kind):
    X, y = data(family)
    settings = SETTINGS[kind]
    path = riata.fit_path(sp.csr_array(X), y, family=family, relaxed=True, **settings, **GRID)
    sizes = []
    for alpha in path.alphas:
        penalised, coef = path.coef(alpha), path.coef(alpha, 0.0)
        support = penalised != 0
        sizes.append(support.sum())
        status = path.relaxed_status[len(sizes) - 1]
        check_refit(X, y, family, support, coef, path.intercept(alpha, 0.0), status, settings)
        mixed = 0.3 * penalised + 0.7 * coef
        eta = X @ mixed + 0.3 * path.intercept(alpha) + 0.7 * path.intercept(alpha, 0.0)
        offset = settings.get("offset")
        eta += 0.0 if offset is None else offset
        found = path.predict(X, alpha, gamma=0.3, type="link", offset=offset)
        np.testing.assert_allclose(found, eta, atol=1e-12)
    assert sizes[-1] >= 3


@pytest.mark.parametrize("with_offset", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_refits_of_several_responses_are_least_squares_on_the_support(with_offset, fit_intercept):
    X, y = responses("multigaussian")
    w = weights(len(y)) + 0.1
    shift = np.outer(np.cos(np.arange(len(y))), [1.0, -1.0, 0.5]) if with_offset else None
    settings = {
        "family": "multigaussian", "relaxed": True, "sample_weight": w, "offset": shift,
        "fit_intercept": fit_intercept,
    }  # fmt: skip
    path = riata.fit_path(X, y, **settings, **GRID)
    merged = path.extend(X, y, [0.7 * path.alphas[1]])
    for alpha in merged.alphas:
        penalised = merged.coef(alpha)
        support = np.flatnonzero(penalised.any(axis=0))
        A = np.hstack([np.ones((len(y), int(fit_intercept))), X[:, support]])
        root = np.sqrt(w)[:, None]
        expected = np.linalg.lstsq(root * A, root * (y - (0.0 if shift is None else shift)))[0]
        coef, intercept = np.zeros((K, X.shape[1])), np.zeros(K)
        coef[:, support] = expected[int(fit_intercept) :].T
        if fit_intercept:
            intercept = expected[0]
        np.testing.assert_allclose(merged.coef(alpha, 0.0), coef, atol=1e-7)
        np.testing.assert_allclose(merged.intercept(alpha, 0.0), intercept, atol=1e-7)
        eta = X @ (0.4 * penalised + 0.6 * coef).T
        eta += 0.4 * merged.intercept(alpha) + 0.6 * intercept
        eta += 0.0 if shift is None else shift
        found = merged.predict(X, alpha, gamma=0.4, offset=shift)
        np.testing.assert_allclose(found, eta, atol=1e-6)
        k = int(np.flatnonzero(merged.alphas == alpha)[0])
        whole = merged.predict(X, gamma=0.4, offset=shift)[:, k]
        np.testing.assert_allclose(whole, found, atol=1e-12)


@EACH_FAMILY
@pytest.mark.filterwarnings("ignore:(features|supports) that")
def test_relaxed_folds_are_refits_on_their_training_rows(family):
    X, y = data(family)
    folds, gammas, offset = splits(60, 3), [0.0, 0.5, 1.0], np.linspace(-0.5, 0.5, 60)
    cv = riata.cross_validate(
        X, y, family=family, cv=folds, relaxed=gammas, offset=offset, keep_predictions=True,
        keep_fold_paths=True, **GRID,
    )  # fmt: skip
    loss = FAMILIES[family]
    for f, (train, test) in enumerate(folds):
        path = cv.fold_paths[0][f]
        for k, alpha in enumerate(cv.alphas[0]):
            penalised, coef = path.coef(alpha), path.coef(alpha, 0.0)
            intercept = path.intercept(alpha, 0.0)
            own = {"offset": offset[train]}
            check_refit(
                X[train], y[train], family, penalised != 0, coef, intercept,
                path.relaxed_status[k], own,
            )  # fmt: skip
            first = X[test] @ penalised + path.intercept(alpha) + offset[test]
            second = X[test] @ coef + intercept + offset[test]
            for row, gamma in enumerate(gammas):
                eta = gamma * first + (1 - gamma) * second
                np.testing.assert_allclose(cv.predictions[row, test, k], eta, atol=1e-10)
                deviance = 2 * np.mean(loss(y[test].astype(float))[0](eta))
                assert cv.scores[row, k, f] == pytest.approx(deviance, rel=1e-9)


def test_supports_that_separate_the_classes_are_said_once():
    X, _ = data("binomial")
    y = (X[:, 0] + 0.05 * X[:, 1] > 0).astype(int)
    with pytest.warns(riata.exceptions.convergence_warning()) as caught:
        path = riata.fit_path(X, y, family="binomial", relaxed=True, n_alphas=8)
    assert len(caught) == 1
    assert "separate" in str(caught[0].message)
    assert np.isfinite(path.relaxed_coefs.data).all()
    eta = path.predict(X, path.alphas[-1], gamma=0.0, type="link")
    assert ((eta > 0) == y).all()


CLASSES = {
    "plain": {},
    "grouped": {"family": Multinomial(grouped=True)},
    "weights and offset": {
        "sample_weight": weights(72) + 0.1,
        "offset": np.outer(np.cos(np.arange(72)), [1.0, -1.0, 0.5]),
    },
    "no intercept": {"fit_intercept": False},
    "standardised": {"standardize": True, "l1_ratio": 0.5},
    "factors": {"penalty_factor": np.r_[0.0, np.inf, np.ones(10)]},
}


def check_refit_of_classes(X, y, support, coef, intercept, settings):
    """The gradient vanishes on the support, whose coefficients sum to 0; nobody else moved."""
    w = np.broadcast_to(settings.get("sample_weight", 1.0), len(y)).astype(float)
    eta = X @ coef.T + intercept + settings.get("offset", 0.0)
    slope = (softmax(eta, axis=1) - (y[:, None] == np.unique(y))) * (w / w.sum())[:, None]
    np.testing.assert_allclose(X[:, support].T @ slope, 0.0, atol=3e-6)
    np.testing.assert_allclose(coef.sum(axis=0), 0.0, atol=1e-12)
    assert (coef[:, ~support] == 0.0).all()
    if settings.get("fit_intercept", True):
        np.testing.assert_allclose(slope.sum(axis=0), 0.0, atol=3e-6)


@pytest.mark.parametrize("kind", CLASSES)
def test_refits_of_classes_are_maximum_likelihood_on_the_support(kind):
    X, y = responses("multinomial")
    settings = {"family": "multinomial", **CLASSES[kind]}
    path = riata.fit_path(sp.csc_array(X), y, relaxed=True, **settings, **GRID)
    sizes = []
    for k, alpha in enumerate(path.alphas):
        support = path.coef(alpha).any(axis=0)
        sizes.append(support.sum())
        assert path.relaxed_status[k] in ("converged", "precision_floor")
        coef, intercept = path.coef(alpha, 0.0), path.intercept(alpha, 0.0)
        if sizes[-1] == 0:  # then it is the null model, and alpha_max ends at it
            np.testing.assert_array_equal(intercept, path.intercept(alpha))
            continue
        check_refit_of_classes(X, y, support, coef, intercept, settings)
        eta = X @ (0.4 * path.coef(alpha) + 0.6 * coef).T
        eta += 0.4 * path.intercept(alpha) + 0.6 * intercept + settings.get("offset", 0.0)
        found = path.predict(X, alpha, gamma=0.4, type="link", offset=settings.get("offset"))
        np.testing.assert_allclose(found, eta, atol=1e-9)
    assert sizes[-1] >= 3


@pytest.mark.filterwarnings("ignore:(features|supports) that")
def test_relaxed_folds_of_classes_are_refits_on_their_training_rows():
    X, y = responses("multinomial")
    folds, gammas = splits(len(y), 3), [0.0, 0.5, 1.0]
    offset = np.outer(np.cos(np.arange(len(y))), [0.5, -0.5, 0.2])
    cv = riata.cross_validate(
        X, y, family="multinomial", cv=folds, relaxed=gammas, offset=offset,
        keep_fold_paths=True, **GRID,
    )  # fmt: skip
    refitted = 0
    for f, (train, test) in enumerate(folds):
        path, hot = cv.fold_paths[0][f], y[test][:, None] == np.unique(y)
        for k, alpha in enumerate(cv.alphas[0]):
            support, refit = path.coef(alpha).any(axis=0), path.coef(alpha, 0.0)
            if support.any() and path.relaxed_status[k] == "converged":
                check_refit_of_classes(
                    X[train], y[train], support, refit, path.intercept(alpha, 0.0),
                    {"offset": offset[train]},
                )  # fmt: skip
                refitted += 1
            for row, gamma in enumerate(gammas):
                coef, intercept = path.coef(alpha, gamma), path.intercept(alpha, gamma)
                share = softmax(X[test] @ coef.T + intercept + offset[test], axis=1)
                deviance = -2 * np.log(share[hot]).mean()
                assert cv.scores[row, k, f] == pytest.approx(deviance, rel=1e-8)
    assert refitted >= 6


def test_a_support_of_more_features_than_rows_is_refused():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 200)), rng.poisson(2.0, 30)
    with pytest.raises(ValueError, match="relaxed must be False where supports have more than 30"):
        riata.fit_path(X, y, family="poisson", relaxed=True, l1_ratio=0.1)
    with pytest.raises(ValueError, match=r"more than 30 features .*'multinomial'"):
        riata.fit_path(X, y % 3, family="multinomial", relaxed=True, l1_ratio=0.01)


def test_a_limit_of_time_leaves_nan():
    X, y = responses("multigaussian")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = riata.fit_path(X, y, family="multigaussian", relaxed=True, max_time=1e-9)
    assert np.isnan(path.relaxed_intercepts).all()
    assert path.relaxed_intercepts.shape == (100, K)
