"""Paths of every family, judged by an oracle that knows nothing of riata."""

import warnings

import numpy as np
import pytest
from family_oracle import check_family_path
from problems import FEW_STORAGES, weights

import riata
from riata.design.dense_panel import DensePanel
from riata.expansion import LossAlong

N, P = 60, 25


def data(family, n=N, p=P, seed=0):
    """Return X and y: a few features of moderate effect, some columns sparse."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    X[:, ::2] *= rng.random((n, len(X[0, ::2]))) < 0.4
    eta = X[:, :4] @ np.array([0.8, -0.6, 0.5, -0.4]) - 0.2
    if family in ("binomial", "squared_hinge"):
        return X, (rng.random(n) < 1 / (1 + np.exp(-2 * eta))).astype(int)
    if family == "poisson":
        return X, rng.poisson(np.exp(eta))
    if family == "gamma":
        return X, rng.gamma(2.0, np.exp(eta) / 2) + 1e-3
    if family == "tweedie":
        return X, rng.poisson(np.exp(eta)) * rng.gamma(2.0, 0.5, n)
    return X, eta + rng.standard_t(2, n)


EACH_FAMILY = pytest.mark.parametrize(
    "family", ["binomial", "poisson", "gamma", "tweedie", "huber", "squared_hinge"]
)


def family_path(X, y, family, *, truth=None, numbers=None, **settings):
    settings = {"n_alphas": 8, "alpha_min_ratio": 0.02, **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = riata.fit_path(X, y, family=family, **settings)
    for name in ("n_alphas", "alpha_min_ratio", "max_iter", "max_time", "n_threads"):
        settings.pop(name, None)
    alphas = settings.pop("alphas", None)
    numbers = y if numbers is None else numbers
    problem = check_family_path(path, X if truth is None else truth, numbers, family, **settings)
    if alphas is None:
        np.testing.assert_allclose(path.alphas[0], problem.alpha_max(), rtol=1e-6)
    return path


@EACH_FAMILY
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_lasso_in_every_storage(family, storage, fit_intercept):
    X, y = data(family)
    family_path(FEW_STORAGES[storage](X), y, family, truth=X, fit_intercept=fit_intercept)


SETTINGS = {
    "elastic net": {"l1_ratio": 0.6},
    "ridge": {"l1_ratio": 0.0},
    "weights": {"sample_weight": weights(N), "l1_ratio": 0.9},
    "offset": {"offset": np.linspace(-1, 1, N)},
    "offset, no intercept": {"offset": np.linspace(-1, 1, N), "fit_intercept": False},
    "unpenalised": {"penalty_factor": np.r_[0.0, 0.0, np.ones(P - 2)]},
    "factors, one excluded": {"penalty_factor": np.r_[0.0, np.inf, np.linspace(0.5, 2, P - 2)]},
    "non-negative": {"lower_bounds": 0.0, "l1_ratio": 0.8},
    "box": {"lower_bounds": -0.1, "upper_bounds": 0.2},
    "standardised": {"standardize": True, "sample_weight": weights(N)},
    "everything": {
        "standardize": True, "sample_weight": weights(N), "offset": np.linspace(-1, 1, N),
        "penalty_factor": np.r_[0.0, 0.0, np.ones(P - 2)], "l1_ratio": 0.7,
        "lower_bounds": np.r_[-np.inf, -np.inf, np.full(P - 2, -0.05)],
    },
}  # fmt: skip


@EACH_FAMILY
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_everything_that_the_gaussian_has(family, settings):
    X, y = data(family)
    family_path(X, y, family, **settings)


@EACH_FAMILY
def test_more_features_than_rows(family):
    X, y = data(family, n=30, p=120)
    family_path(X, y, family)


@EACH_FAMILY
def test_a_tight_tolerance(family):
    X, y = data(family)
    path = family_path(X, y, family, tol=1e-9)
    assert (path.dual_gaps <= 1e-9 * path.null_objective).all()


@EACH_FAMILY
def test_float32(family):
    X, y = data(family)
    X = X.astype(np.float32)
    family_path(X, y, family)


@EACH_FAMILY
def test_the_gap_of_any_coefficients_bounds_their_error(family):
    X, y = data(family)
    path = riata.fit_path(X, y, family=family, alphas=[0.05], tol=1e-10)
    best = path.coef(0.05)
    from family_oracle import FamilyProblem

    problem = FamilyProblem(X, y, family)
    least = problem.objective(best, path.intercept(0.05), 0.05)
    rng = np.random.default_rng(3)
    for size in (1e-4, 1e-2, 1.0):
        coef = best + size * rng.standard_normal(P)
        intercept = path.intercept(0.05) + size * rng.standard_normal()
        gap = riata.duality_gap(X, y, coef, intercept, 0.05, family=family)
        excess = problem.objective(coef, intercept, 0.05) - least
        assert gap >= excess - 1e-9
        assert np.isfinite(gap)
        assert gap <= 100 * excess + 2 * np.sqrt(excess)  # scaling costs the first order


@EACH_FAMILY
def test_a_weight_of_two_is_two_rows_and_of_zero_none(family):
    X, y = data(family)
    s = np.random.default_rng(0).integers(0, 3, N).astype(float)
    rows = np.repeat(np.arange(N), s.astype(int))
    settings = {"family": family, "alphas": [0.1, 0.03], "tol": 1e-11}
    weighted = riata.fit_path(X, y, sample_weight=s, **settings)
    repeated = riata.fit_path(X[rows], y[rows], **settings)
    np.testing.assert_allclose(
        weighted.coefs.toarray(), repeated.coefs.toarray(), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(weighted.intercepts, repeated.intercepts, atol=1e-6)


@EACH_FAMILY
def test_alpha_zero_is_maximum_likelihood(family):
    if family == "squared_hinge":
        X, y = data(family, n=400, p=4)
    else:
        X, y = data(family, n=200, p=4)
    path = family_path(X, y, family, alphas=[0.0], tol=1e-10)
    problem_gradient = riata.families.get_family(family).negative_gradient(
        np.asarray(y, float), X @ path.coef(0.0) + path.intercept(0.0)
    )
    np.testing.assert_allclose(X.T @ problem_gradient / len(y), 0, atol=1e-6)
    np.testing.assert_allclose(problem_gradient.mean(), 0, atol=1e-8)


@pytest.mark.parametrize("family", ["binomial", "huber"])
def test_threads_share_out_many_rows_without_changing_bits(family):
    rng = np.random.default_rng(109)
    X = np.asfortranarray(rng.standard_normal((40_000, 12)))
    y = X[:, :4].sum(axis=1) + rng.logistic(size=len(X))
    y = (y > 0.0).astype(float) if family == "binomial" else y
    settings = {"n_alphas": 6, "alpha_min_ratio": 0.05}
    one, two = (family_path(X, y, family, n_threads=k, **settings) for k in (1, 3))
    np.testing.assert_array_equal(one.coefs.toarray(), two.coefs.toarray())
    np.testing.assert_array_equal(one.dual_gaps, two.dual_gaps)


def test_labels_of_any_kind_give_the_same_path():
    X, y = data("binomial")
    settings = {"family": "binomial", "n_alphas": 5, "alpha_min_ratio": 0.05}
    first = riata.fit_path(X, y, **settings)
    for labels in (
        y.astype(bool),
        np.where(y == 1, "yes", "no"),
        np.where(y == 1, 7, -3),
        np.array(["b" if v else "a" for v in y], dtype=object),
        y.astype(float),
    ):
        other = riata.fit_path(X, labels, **settings)
        np.testing.assert_array_equal(other.coefs.toarray(), first.coefs.toarray())


def test_proportions_with_weights_are_the_labels_they_summarise():
    rng = np.random.default_rng(5)
    X, _ = data("binomial", n=40, p=6)
    totals = rng.integers(1, 9, 40)
    hits = rng.binomial(totals, 0.4)
    hits[0], totals[0] = 1, 3
    rows = np.repeat(np.arange(40), totals)
    labels = np.concatenate([[1] * k + [0] * (m - k) for k, m in zip(hits, totals, strict=True)])
    settings = {"family": "binomial", "alphas": [0.05, 0.01], "tol": 1e-12}
    short = riata.fit_path(X, hits / totals, sample_weight=totals, **settings)
    long = riata.fit_path(X[rows], labels, **settings)
    np.testing.assert_allclose(short.coefs.toarray(), long.coefs.toarray(), atol=1e-6)


def test_a_family_of_ones_own():
    class Cosh(riata.families.Family):
        name = "cosh"

        def loss(self, y, eta):
            return np.cosh(y - eta) - 1

        def negative_gradient(self, y, eta):
            return np.sinh(y - eta)

        def curvature(self, y, eta):
            return np.cosh(y - eta)

        def mean(self, eta):
            return eta

    X, _ = data("huber")
    y = X[:, 0] - 0.5 * X[:, 1] + 0.1 * np.random.default_rng(0).standard_normal(N)
    path = riata.fit_path(X, y, family=Cosh(), n_alphas=10, alpha_min_ratio=0.01, tol=1e-8)
    assert set(path.status) == {"converged"}
    coef, b0 = path.coef(path.alphas[-1]), path.intercepts[-1]
    z = X.T @ np.sinh(y - X @ coef - b0) / N
    assert np.abs(z).max() <= path.alphas[-1] * (1 + 1e-3)
    np.testing.assert_allclose(z[coef != 0], path.alphas[-1] * np.sign(coef[coef != 0]), rtol=1e-2)


def test_all_coefficients_zero_at_the_optimum_with_few_of_one_class():
    X, _ = data("binomial", n=110)
    y = np.r_[np.ones(100), np.zeros(10)]
    path = family_path(X, y, "binomial", alphas=[10.0])
    assert path.coefs.nnz == 0
    np.testing.assert_allclose(path.intercepts[0], np.log(10), rtol=1e-9)


def test_separable_classes_are_certified():
    X = np.linspace(-1, 1, 40).reshape(-1, 1)
    y = (X[:, 0] > 0.1).astype(int)
    family_path(X, y, "binomial", alphas=[1e-2, 1e-4, 1e-6])


def test_separation_by_unpenalised_features_is_said_once():
    X = np.c_[np.linspace(-1, 1, 40), np.random.default_rng(0).standard_normal(40)]
    y = (X[:, 0] > 0.1).astype(int)
    with pytest.warns(UserWarning, match="separate") as caught:
        path = riata.fit_path(X, y, family="binomial", penalty_factor=[0, 1], n_alphas=5)
    assert len(caught) == 1
    assert np.isfinite(path.dual_gaps).all()
    with pytest.warns(UserWarning, match="separate"):
        path = riata.fit_path(X, y, family="binomial", alphas=[0.0])
    assert path.status[0] == "converged"


@pytest.mark.parametrize(
    ("family", "y", "message"),
    [
        ("binomial", [0, 0, 0, 0], "two classes"),
        ("binomial", [0, 1, 2, 1], "two classes"),
        ("binomial", [0.0, 0.5, 1.0, 1.5], "proportions"),
        ("binomial", [0.0, np.nan, 1.0, 0.0], "position 1"),
        ("squared_hinge", [0.0, 0.5, 1.0, 1.0], "two classes"),
        ("poisson", [0, 1, -1, 2], "position 2"),
        ("poisson", [0, 0, 0, 0], "positive entry"),
        ("gamma", [1, 2, 0, 3], "position 2"),
        ("tweedie", [1, 2, -1, 3], "position 2"),
    ],
)
def test_responses_outside_of_the_domain_are_refused(family, y, message):
    X = np.arange(8.0).reshape(4, 2)
    with pytest.raises(ValueError, match=message):
        riata.fit_path(X, y, family=family)


@EACH_FAMILY
def test_newton_steps_are_few(family, monkeypatch):
    counted = []

    def count(cls, name):
        method = getattr(cls, name)

        def counting(self, *arguments):
            counted.append(name)
            return method(self, *arguments)

        monkeypatch.setattr(cls, name, counting)

    arrived, trips = LossAlong.arrived, []

    def arriving(self, panel, trip):
        trips.append(trip.made)
        return arrived(self, panel, trip)

    monkeypatch.setattr(LossAlong, "arrived", arriving)
    count(LossAlong, "at")  # a point from scratch; elsewhere each trip asks for one
    count(DensePanel, "dot")
    count(DensePanel, "transpose_dot")
    count(DensePanel, "transpose_dots")
    X, y = data(family, n=300, p=60)
    path = riata.fit_path(X, y, family=family, n_alphas=50, alpha_min_ratio=0.02)
    assert set(path.status) == {"converged"}
    kind = riata.families.get_family(family)
    native = kind.kernel is not None
    steps = 2.6 if not kind.straight else 4
    assert 50 <= counted.count("at") + native * sum(trips) <= steps * 50
    assert path.n_passes <= 50
    if native:
        assert counted.count("transpose_dots") <= 2 * len(trips)  # who joins is looked at once
        assert counted.count("dot") + counted.count("transpose_dot") <= 10  # eta from scratch


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
def test_large_counts_whose_loss_is_mostly_rounding_need_few_steps(family):
    rng = np.random.default_rng(8)
    X = rng.standard_normal((150, 10))
    y = 150.0 + 3.0 * X[:, 0] + 10.0 * rng.random(150)
    path = family_path(X, y, family, tol=1e-12, n_alphas=10, alpha_min_ratio=1e-4)
    assert (path.status == "converged").all()
    assert path.n_iter.max() <= 30


@EACH_FAMILY
@pytest.mark.parametrize("mean", [1e4, 1e6, 1e8])
def test_columns_alike_without_an_intercept(family, mean):
    """Whoever violates hardly gains: the working set is content where the certificate is not."""
    X, y = data(family, n=60, p=300)
    family_path(X + mean, y, family, fit_intercept=False, max_time=60.0)


@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.01])
def test_a_row_at_the_edge_of_the_domain_is_certified(family, l1_ratio):
    """Its negative gradient y - mu rounds to y, where the conjugate's slope is infinite."""
    rng = np.random.default_rng(9)
    X = rng.standard_normal((500, 5))
    eta = 1.5 * X[:, 0] + 0.5 * X[:, 1]
    y = {
        "binomial": (rng.random(500) < 1 / (1 + np.exp(-2 * eta))).astype(float),
        "poisson": rng.poisson(np.exp(eta)).astype(float),
        "gamma": np.exp(eta) * rng.gamma(1.0, 1.0, 500) + 1e-3,
    }[family]
    X[0] = 0.0
    X[0, 0], y[0] = (40.0, 1e-20) if family == "gamma" else (-60.0, 1.0)
    path = family_path(X, y, family, l1_ratio=l1_ratio, n_alphas=30)
    assert (path.status == "converged").all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("seed", range(6))
def test_a_rare_feature_without_penalty_does_not_run_away(family, seed):
    """Danger: whose rows are all of one class (no count) has no best coefficient. It ran off to
    1e16, and the rest of the fit was lost in its rounding, as `precision_floor`."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 7))
    X[:, 0] = np.arange(40) < 4
    y = (X[:, 1] + rng.standard_normal(40) > 0).astype(float)
    y[:4] = family == "binomial"
    settings = {"family": family, "penalty_factor": [0.0] + [1.0] * 6}
    path = riata.fit_path(X, y, **settings)
    assert set(path.status) == {"converged"}
    assert 20 < abs(path.coef(path.alphas[-1])[0]) < 100

    def objective(fit, alpha):
        eta = X @ fit.coef(alpha) + fit.intercept(alpha)
        loss = np.logaddexp(0.0, eta) if family == "binomial" else np.exp(eta)
        return (loss - y * eta).mean() + alpha * np.abs(fit.coef(alpha)[1:]).sum()

    for alpha in path.alphas[[30, -1]]:
        cold = riata.fit_path(X, y, alphas=[alpha], tol=1e-9, **settings)
        assert objective(path, alpha) <= objective(cold, alpha) + 1e-6 * path.null_objective


@pytest.mark.parametrize("apart", [1e-6, 1e-8])
@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma", "huber"])
def test_a_fit_that_misses_a_direction_is_not_called_converged(family, apart):
    """Danger: unpenalised columns that nearly repeat one another were projected out by their Gram
    matrix, which does not know their difference: 0.4 above the optimum was called converged."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 100))
    y = (b + 0.5 * rng.standard_normal(100) > 0) + (0.5 if family == "gamma" else 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        near = riata.fit_path(np.c_[a, a + apart * b], y, family=family, alphas=0)
    exact = riata.fit_path(np.c_[a, b], y, family=family, alphas=0, tol=1e-10)
    lost = exact.deviance_ratio[0] - near.deviance_ratio[0]
    assert lost < 1e-5 or near.status[0] not in ("converged", "precision_floor")
    assert near.dual_gaps[0] >= 0.99 * lost * near.null_objective


@pytest.mark.parametrize("family", ["poisson", "tweedie", "gamma", "huber"])
@pytest.mark.parametrize("value", [3.0, 5.0, 9.0])
def test_a_null_model_that_fits_exactly_ends_at_once(family, value):
    path = riata.fit_path([[1.0], [2.0]], [value, value], family=family, n_alphas=3)
    assert set(path.status) <= {"converged", "precision_floor"}
    assert path.n_iter.sum() == 0
    assert np.abs(path.coefs.toarray()).max() == 0.0


@EACH_FAMILY
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_short_columns_are_read_once_before_a_feature_enters(family, fit_intercept):
    """Their moments and the gradient without features come from one read, by column."""
    X, y = data(family, 60, 200)
    given = {
        "fit_intercept": fit_intercept, "offset": np.linspace(-0.3, 0.3, 60),
        "sample_weight": weights(60), "standardize": True, "l1_ratio": 0.9,
    }  # fmt: skip
    columns = np.asfortranarray(X)
    path = family_path(columns, y, family, **given)
    again = family_path(X, y, family, **given)  # where rows are read, the gradient is by itself
    assert path.alphas[0] == pytest.approx(again.alphas[0], rel=1e-12)
    top = family_path(columns, y, family, alphas=[1.01 * path.alphas[0]], **given)
    assert top.coefs.nnz == 0
    assert top.n_passes == 1.0


@EACH_FAMILY
def test_a_gradient_without_features_is_of_no_use_where_some_are_free(family):
    """Without an intercept nothing penalises a constant column once columns are standardised."""
    X, y = data(family, n=64)  # whose weights sum to 1 without rounding
    X = np.asfortranarray(np.column_stack([np.ones(64), X]))
    path = family_path(X, y, family, fit_intercept=False, standardize=True)
    assert path.coefs[0, 0] != 0.0
