"""Linear predictors far out: NumPy has nothing to warn of, and a constant offset moves b0 alone."""

import warnings

import numpy as np
import pytest
from family_oracle import check_family_path
from sklearn.exceptions import ConvergenceWarning

import riata
from riata.cv_result import mean_and_error
from riata.families import Multinomial, Tweedie, get_family
from riata.foresight import Foresight

RNG = np.random.default_rng(0)
N, P = 40, 5
X = RNG.standard_normal((N, P))
ETA = X @ np.array([1.0, -1.0, 0.5, 0.0, 0.0])
COUNTS = RNG.poisson(np.exp(0.5 * ETA)).astype(float)
Y = {
    "gaussian": ETA + RNG.standard_normal(N),
    "binomial": ETA + RNG.logistic(size=N) > 0,
    "poisson": COUNTS,
    "gamma": np.exp(ETA) * RNG.gamma(2, 0.5, N),
    "tweedie": COUNTS * RNG.gamma(2, 0.5, N),
    Tweedie(1.001): COUNTS * RNG.gamma(2, 0.5, N),
    "huber": ETA + RNG.standard_normal(N),
    "squared_hinge": ETA + RNG.logistic(size=N) > 0,
    "multigaussian": np.column_stack([ETA, -ETA, X[:, 0]]),
    "multinomial": RNG.integers(0, 3, N),
    Multinomial(grouped=True): RNG.integers(0, 3, N),
}
EACH = pytest.mark.parametrize("family", Y, ids=str)
OFFSETS = {
    "300": np.full(N, 300.0), "-300": np.full(N, -300.0), "-1e4": np.full(N, -1e4),
    "1e4": np.full(N, 1e4), "-1e8": np.full(N, -1e8),
    "both": np.where(np.arange(N) % 2, 300.0, -300.0), "one": np.where(np.arange(N) == 3, 400.0, 0),
    "spread": 1e4 * np.sin(np.arange(N)),
}  # fmt: skip


def quiet_fit(y, family, offset=None, **settings):
    """Fit with every warning an error, but for the one of what did not converge."""
    if offset is not None and getattr(get_family(family), "grouped", None) is not None:
        offset = offset[:, None] * np.array([1.0, 0.0, -1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        return riata.fit_path(X, y, family=family, offset=offset, **settings)


def check_says_how_far(path):
    """Whether what converged did, and nothing is claimed where a gap is infinite or NaN."""
    done = path.status == "converged"
    assert (path.dual_gaps[done] <= path.tol * path.null_objective).all()
    assert not (path.dual_gaps < 0.0).any()


@pytest.mark.parametrize("offset", OFFSETS.values(), ids=OFFSETS)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@EACH
def test_no_offset_makes_numpy_warn(family, offset, l1_ratio, fit_intercept):
    settings = {"n_alphas": 3, "alpha_min_ratio": 0.1, "max_iter": 30}
    path = quiet_fit(Y[family], family, offset, l1_ratio=l1_ratio, fit_intercept=fit_intercept,
                     **settings)  # fmt: skip
    check_says_how_far(path)


@pytest.mark.parametrize("offset", [-1e139, -1e100, -1e60, 1e60, 1e100, 1e139])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.0])
@EACH
def test_nor_does_one_that_no_intercept_takes_back(family, offset, l1_ratio):
    """Danger: the slope of the gap in the scale of the dual point overflows (gamma at -1e100)."""
    settings = {"n_alphas": 3, "alpha_min_ratio": 0.1, "max_iter": 30, "fit_intercept": False}
    path = quiet_fit(Y[family], family, np.full(N, offset), l1_ratio=l1_ratio, **settings)
    check_says_how_far(path)


@pytest.mark.parametrize("scale", [1e-100, 1e30, 1e130])
@pytest.mark.parametrize("offset", [None, *OFFSETS.values()], ids=["none", *OFFSETS])
@pytest.mark.parametrize("family", ["gamma", "tweedie", "poisson"])
def test_nor_does_a_large_or_small_y(family, offset, scale):
    path = quiet_fit(scale * Y[family], family, offset, n_alphas=3, max_iter=30)
    check_says_how_far(path)


@pytest.mark.parametrize("offset", [300.0, -300.0, 650.0])
@pytest.mark.parametrize("family", ["gaussian", "poisson", "gamma", "tweedie", "huber"])
def test_a_constant_offset_is_taken_back_by_the_intercept(family, offset):
    settings = {"n_alphas": 4, "alpha_min_ratio": 0.1, "tol": 1e-9}
    plain = quiet_fit(Y[family], family, **settings)
    check_family_path(plain, X, Y[family], family, tol=1e-9) if family != "gaussian" else None
    moved = quiet_fit(Y[family], family, np.full(N, offset), **settings)
    assert set(moved.status) == {"converged"}
    np.testing.assert_allclose(moved.coefs.toarray(), plain.coefs.toarray(), atol=2e-4)
    np.testing.assert_allclose(moved.intercepts + offset, plain.intercepts, atol=2e-4)


FAR = pytest.mark.parametrize("offset", [OFFSETS["spread"], OFFSETS["one"], OFFSETS["-1e4"]])


def test_standard_errors_of_huge_scores_are_finite_and_those_of_others_the_same():
    rng = np.random.default_rng(3)
    scores, weights = rng.random((2, 4, 5)), rng.random(5)
    mean = scores @ weights / weights.sum()
    se = np.sqrt(((scores - mean[..., None]) ** 2) @ weights / weights.sum() / 4)
    for scale in (1.0, 1e-200, 1e250):
        found = mean_and_error(scores * scale, weights)
        np.testing.assert_allclose(found[0], mean * scale, rtol=1e-12)
        np.testing.assert_allclose(found[1], se * scale, rtol=1e-12)
    assert (mean_and_error(np.zeros((1, 2, 5)), weights)[1] == 0.0).all()
    scores[0, 1, 2] = np.nan
    assert np.isnan(mean_and_error(scores, weights)[1]).sum() == 1


@FAR
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@EACH
def test_nor_do_folds_and_refits(family, offset):
    settings = {"family": family, "n_alphas": 3, "max_iter": 30}
    if getattr(get_family(family), "grouped", None) is not None:
        offset = offset[:, None] * np.array([1.0, 0.0, -1.0])
    cv = riata.cross_validate(X, Y[family], cv=3, offset=offset, relaxed=True, **settings)
    assert cv.scores.shape[1:] == (3, 3)


@FAR
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
def test_nor_does_a_score(family, offset):
    model = riata.GeneralizedLinearRegressor(family, alpha=0.1, max_iter=30)
    model.fit(X, Y[family], offset=offset)
    assert model.score(X, Y[family], offset=offset) <= 1.0


def test_what_can_not_be_compared_leaves_the_next_expectation_alone():
    """Danger: infinity over infinity made the next gradient NaN."""
    ahead = Foresight(3)
    members, far = np.arange(3), np.array([1e200, -1e200, 1.0])
    for alpha in (1.0, 0.5, 0.25):
        ahead.take(alpha)
        ahead.set_out(2.0 * alpha, alpha)
        expected, _ = ahead.expect(members)
        assert np.isfinite(expected).all()
        ahead.learn(members, far, 0.0)
