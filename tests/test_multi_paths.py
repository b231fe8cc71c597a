"""Several responses and classes: paths judged by an oracle that knows nothing of riata.

P(b0, B) = sum_i w_i f_i(o_i + b0 + B'x_i) + sum_j l1_j |b_j| + l2_j/2 |b_j|_2^2
D(U)     = -sum_i [ w_i f_i*(-u_i / w_i) + u_i'o_i ] - sum_j g_j*(U'x_j)
"""

import warnings

import numpy as np
import pytest
from oracle import dense64
from problems import FEW_STORAGES, weights
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, xlogy

import riata
from riata.families import Multinomial
from riata.multi_descent import Descent
from riata.working_set import WorkingSet

N, P, K = 70, 20, 3
RNG = np.random.default_rng(11)
X = RNG.standard_normal((N, P))
X[:, ::2] *= RNG.random((N, P // 2)) < 0.5
B = np.zeros((P, K))
B[:4] = RNG.standard_normal((4, K))
Y = X @ B + 1.0 + 0.5 * RNG.standard_normal((N, K))
LABELS = np.argmax(X @ B + RNG.gumbel(size=(N, K)), axis=1)
ONE_HOT = (LABELS[:, None] == np.arange(K)).astype(float)
CASES = {
    "multigaussian": ("multigaussian", Y, Y, True),
    "multinomial": ("multinomial", LABELS, ONE_HOT, False),
    "multinomial, grouped": (Multinomial(grouped=True), LABELS, ONE_HOT, True),
}
SIGNALLING = np.uint64(0x7FF4000000000000)  # the bits of a NaN that every operation complains of
EACH = pytest.mark.parametrize(("family", "y", "numbers", "grouped"), CASES.values(), ids=CASES)


class Oracle:
    def __init__(
        self, A, y, gaussian, grouped, *, l1_ratio=1.0, fit_intercept=True, standardize=False,
        sample_weight=None, offset=None, penalty_factor=None, lower_bounds=-np.inf,
        upper_bounds=np.inf,
    ):  # fmt: skip
        A = dense64(A)
        s = np.ones(len(A)) if sample_weight is None else sample_weight
        o = np.zeros(y.shape) if offset is None else offset
        kept = s > 0
        self.X, self.y, self.o, self.w = A[kept], y[kept], o[kept], s[kept] / s.sum()
        self.gaussian, self.grouped, self.l1_ratio = gaussian, grouped, l1_ratio
        self.fit_intercept = fit_intercept
        sd = (
            np.sqrt(self.w @ (self.X - self.w @ self.X) ** 2)
            if standardize
            else np.ones(A.shape[1])
        )
        v = np.ones(A.shape[1]) if penalty_factor is None else penalty_factor
        self.out = np.isinf(v)
        self.unit, self.v = sd, np.where(self.out, 0, v)
        self.lower, self.upper = (
            np.broadcast_to(bound, A.shape[1]) for bound in (lower_bounds, upper_bounds)
        )
        self.bounded = np.isfinite(self.lower).any() or np.isfinite(self.upper).any()

    def loss(self, eta):
        if self.gaussian:
            return self.w @ (self.y - eta) ** 2 @ np.ones(self.y.shape[1]) / 2
        entropy = xlogy(self.y, self.y).sum(axis=1)
        return self.w @ (logsumexp(eta, axis=1) - (self.y * eta).sum(axis=1) + entropy)

    def penalty(self, coef, alpha):
        l1 = alpha * self.l1_ratio * self.v * self.unit
        l2 = alpha * (1 - self.l1_ratio) * self.v * self.unit**2
        size = np.linalg.norm(coef, axis=0) if self.grouped else np.abs(coef).sum(axis=0)
        return l1, l2, l1 @ size + l2 @ (coef**2).sum(axis=0) / 2

    def objective(self, coef, intercept, alpha):
        if (coef < self.lower).any() or (coef > self.upper).any():
            return np.inf
        eta = self.o + intercept + self.X @ coef.T
        return self.loss(eta) + self.penalty(coef, alpha)[2]

    def gap(self, coef, intercept, alpha):
        eta = self.o + intercept + self.X @ coef.T
        mean = eta if self.gaussian else np.exp(eta - logsumexp(eta, axis=1, keepdims=True))
        V = self.y - mean
        free = (self.v == 0) & ~self.out
        Z = np.hstack([np.ones((len(V), int(self.fit_intercept))), self.X[:, free]])
        for _ in range(3 if Z.shape[1] else 0):  # in the metric of the curvature, all at once
            if self.gaussian:
                weighted = self.w[:, None] * Z
                a = np.linalg.lstsq(weighted.T @ Z, weighted.T @ V, rcond=1e-12)[0]
                V = V - Z @ a
                continue
            mu = self.y - V
            H = np.einsum("i,ik,kl->ikl", self.w, mu, np.eye(mu.shape[1]))
            H -= np.einsum("i,ik,il->ikl", self.w, mu, mu)
            system = np.einsum("iq,ikl,ir->qkrl", Z, H, Z).reshape(Z.shape[1] * mu.shape[1], -1)
            a = np.linalg.lstsq(system, (Z.T @ (self.w[:, None] * V)).ravel(), rcond=1e-12)[0]
            S = Z @ a.reshape(-1, mu.shape[1])
            V = V - mu * (S - (mu * S).sum(axis=1, keepdims=True))
        l1, l2, _ = self.penalty(coef, alpha)
        kept = ~free & ~self.out
        z, l1, l2 = (self.X.T @ (self.w[:, None] * V))[kept], l1[kept], l2[kept]
        size = np.linalg.norm(z, axis=1) if self.grouped else np.abs(z).max(axis=1)
        lower, upper = self.lower[kept, None], self.upper[kept, None]
        if self.bounded:
            size = (np.abs(z) * np.isinf(np.where(z > 0, upper, lower))).max(axis=1)
        hard = (l2 == 0) & (size > 0)
        top = min(1.0, (l1[hard] / size[hard]).min(initial=np.inf))

        def dual(c):
            if self.gaussian:
                f = (c**2 * V**2 / 2 - c * V * self.y).sum(axis=1)
            else:
                q = np.maximum(self.y - c * V, 0)
                f = (xlogy(q, q) - xlogy(self.y, self.y)).sum(axis=1)
            over = np.linalg.norm(c * z, axis=1) if self.grouped else np.abs(c * z)
            over = np.maximum(over - (l1 if self.grouped else l1[:, None]), 0) ** 2
            over = over if self.grouped else over.sum(axis=1)
            conjugate = np.where(l2 > 0, over / (2 * np.where(l2 > 0, l2, 1)), 0)
            if self.bounded:
                conjugate = bounded_conjugate(c * z, l1[:, None], l2[:, None], lower, upper)
            return -self.w @ f - c * (self.w @ (V * self.o).sum(axis=1)) - conjugate.sum()

        best = max(dual(c) for c in top * np.r_[0, 1 - np.logspace(-12, -1, 40), 1])
        if self.bounded:
            found = minimize_scalar(lambda c: -dual(c), bounds=(0, top), options={"xatol": 1e-11})
            steep = (l2 == 0) & (l1 > 0)
            kink = (l1[steep] / np.abs(z[steep]).max(axis=1)).min(initial=1.0)
            near = np.minimum(kink * np.r_[1 - 1e-15, 1, 1 + 1e-9], top)
            best = max(best, -found.fun, *(dual(c) for c in near))
        return self.objective(coef, intercept, alpha) - best


def bounded_conjugate(z, l1, l2, lower, upper):
    """max over lower <= b <= upper of z b - l1 |b| - l2/2 b^2, where it is finite"""
    soft = np.sign(z) * np.maximum(np.abs(z) - l1, 0)
    soft = np.where(np.abs(soft) <= 1e-13 * np.abs(z), 0, soft)
    far = np.where(soft > 0, upper, np.where(soft < 0, lower, 0.0))
    best = np.clip(np.where(l2 > 0, soft / np.where(l2 > 0, l2, 1), far), lower, upper)
    return z * best - l1 * np.abs(best) - l2 * best**2 / 2


def judged(family, y, numbers, grouped, A=X, truth=X, tol=1e-6, **settings):
    given = {"n_alphas": 7, "alpha_min_ratio": 0.02, "tol": tol, **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = riata.fit_path(A, y, family=family, **given)
    for name in ("alphas", "n_alphas", "alpha_min_ratio"):
        settings.pop(name, None)
    oracle = Oracle(truth, numbers, family == "multigaussian", grouped, **settings)
    for k, alpha in enumerate(path.alphas):
        coef, intercept = path.coef(alpha), path.intercept(alpha)
        assert path.status[k] in ("converged", "precision_floor")
        gap, null = oracle.gap(coef, intercept, alpha), path.null_objective
        assert gap <= 1.05 * tol * null + 1e-12, (alpha, gap)
        assert abs(path.dual_gaps[k] - gap) <= 0.1 * gap + 0.02 * tol * null + 1e-12
        loss = oracle.loss(oracle.o + intercept + oracle.X @ coef.T)
        np.testing.assert_allclose(path.deviance_ratio[k], 1 - loss / null, atol=1e-9)
        again = riata.duality_gap(A, y, coef, intercept, alpha, family=family, **settings)
        np.testing.assert_allclose(again, path.dual_gaps[k], rtol=1e-3, atol=1e-3 * tol * null)
    return path


@EACH
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_storage(family, y, numbers, grouped, storage, fit_intercept):
    judged(family, y, numbers, grouped, FEW_STORAGES[storage](X), fit_intercept=fit_intercept)


SETTINGS = {
    "elastic net": {"l1_ratio": 0.6},
    "ridge": {"l1_ratio": 0.0},
    "weights": {"sample_weight": weights(N), "l1_ratio": 0.9},
    "offset": {"offset": 0.3 * RNG.standard_normal((N, K))},
    "unpenalised": {"penalty_factor": np.r_[0.0, 0.0, np.ones(P - 2)]},
    "factors, one excluded": {"penalty_factor": np.r_[np.inf, np.linspace(0.5, 2, P - 1)]},
    "standardised": {"standardize": True, "sample_weight": weights(N)},
}


@EACH
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_settings(family, y, numbers, grouped, settings):
    judged(family, y, numbers, grouped, **settings)


@EACH
def test_a_tight_tolerance(family, y, numbers, grouped):
    judged(family, y, numbers, grouped, tol=1e-9)


@EACH
def test_shapes_and_predictions(family, y, numbers, grouped):
    path = judged(family, y, numbers, grouped)
    L, alpha = len(path.alphas), path.alphas[3]
    assert len(path.coefs) == K
    assert all(part.shape == (P, L) for part in path.coefs)
    assert path.coef(alpha).shape == (K, P)
    assert path.intercepts.shape == (L, K)
    eta = X @ path.coef(alpha).T + path.intercept(alpha)
    np.testing.assert_allclose(path.predict(X, alpha, type="link"), eta)
    assert path.predict(X).shape == (N, L, K)
    if grouped:
        zero = path.coef(alpha) == 0
        assert (zero.all(axis=0) | ~zero.any(axis=0)).all()
    if family == "multigaussian":
        np.testing.assert_allclose(path.predict(X, alpha), eta)
        with pytest.raises(ValueError, match="labels"):
            path.predict(X, alpha, type="class")
        return
    probability = path.predict(X, alpha, type="probability")
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_array_equal(path.predict(X, alpha, type="class"), eta.argmax(axis=1))


@EACH
def test_extend_and_interpolate(family, y, numbers, grouped):
    path = riata.fit_path(X, y, family=family, n_alphas=5, alpha_min_ratio=0.05, tol=1e-9)
    between = 0.5 * (path.alphas[2] + path.alphas[3])
    longer = path.extend(X, y, [between])
    assert len(longer.alphas) == 6
    assert longer.status[3] == "converged"
    np.testing.assert_allclose(longer.coef(between), path.coef(between), atol=0.3)


@EACH
def test_alpha_max_is_the_least_that_empties_the_model(family, y, numbers, grouped):
    top = riata.alpha_max(X, y, family=family)
    path = riata.fit_path(X, y, family=family, alphas=[top, 0.98 * top], tol=1e-10)
    assert not path.coef(top).any()
    assert path.coef(0.98 * top).any()


def test_two_classes_grouped_or_not_are_the_binomial_path():
    y = np.where(LABELS == 0, "a", "b")
    alpha = 0.05
    binary = riata.fit_path(X, y, family="binomial", l1_ratio=0.0, alphas=[alpha], tol=1e-12)
    # symmetric coefficients +-b/2: twice (b/2)^2 is half of b^2
    double = riata.fit_path(X, y, family="multinomial", l1_ratio=0.0, alphas=[2 * alpha], tol=1e-12)
    coef = double.coef(2 * alpha)
    np.testing.assert_allclose(coef[1] - coef[0], binary.coef(alpha), atol=1e-6)


def test_bounds_on_rows_are_refused_and_wrong_y():
    with pytest.raises(ValueError, match="rows have no bounds"):
        riata.fit_path(X, Y, family="multigaussian", lower_bounds=0)
    with pytest.raises(ValueError, match="rows have no bounds"):
        riata.fit_path(X, LABELS, family=Multinomial(grouped=True), upper_bounds=1)
    with pytest.raises(ValueError, match="y must have shape"):
        riata.fit_path(X, Y[:, 0], family="multigaussian")
    with pytest.raises(ValueError, match="two classes or more"):
        riata.fit_path(X, np.zeros(N), family="multinomial")
    with pytest.raises(ValueError, match="sum to 1"):
        riata.fit_path(X, np.abs(Y), family="multinomial")


def test_shares_with_weights_are_the_labels_they_summarise():
    totals = RNG.integers(1, 6, N)
    counts = np.array([RNG.multinomial(m, [0.5, 0.3, 0.2]) for m in totals])
    rows = np.repeat(np.arange(N), totals)
    labels = np.concatenate([np.repeat(np.arange(K), c) for c in counts])
    settings = {"family": "multinomial", "alphas": [0.05], "tol": 1e-12, "l1_ratio": 0.5}
    short = riata.fit_path(X, counts / totals[:, None], sample_weight=totals, **settings)
    long = riata.fit_path(X[rows], labels, **settings)
    np.testing.assert_allclose(short.coef(0.05), long.coef(0.05), atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_degrees_of_freedom_of_several_numbers_are_a_trace_for_each(l1_ratio, fit_intercept):
    factor = np.r_[0.0, np.ones(P - 1)]
    path = riata.fit_path(
        X, Y, family="multigaussian", l1_ratio=l1_ratio, n_alphas=5, sample_weight=weights(N),
        fit_intercept=fit_intercept, penalty_factor=factor,
    )  # fmt: skip
    w = weights(N) / weights(N).sum()
    A = X - w @ X if fit_intercept else X
    for k, alpha in enumerate(path.alphas):
        support = np.flatnonzero(path.coef(alpha).any(axis=0))
        G = A[:, support].T @ (w[:, None] * A[:, support])
        smoother = np.linalg.solve(G + np.diag(alpha * (1 - l1_ratio) * factor[support]), G)
        np.testing.assert_allclose(path.df[k], K * np.trace(smoother), rtol=1e-8)


def test_degrees_of_freedom_of_a_lasso_count():
    path = riata.fit_path(X, Y, family="multigaussian", n_alphas=4)
    counts = [np.count_nonzero(path.coef(alpha)) for alpha in path.alphas]
    np.testing.assert_array_equal(path.df, counts)


@pytest.mark.parametrize("spread", [2, 4, 6])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_free_features_are_fitted_exactly_under_any_weights(spread, fit_intercept):
    """Weights that span many powers of ten make steps on the features slow; none are needed."""
    rng = np.random.default_rng(0)
    A, targets = rng.standard_normal((20, 6)), rng.standard_normal((20, 3))
    w = 10.0 ** rng.uniform(-spread, spread, 20)
    factor = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    path = riata.fit_path(
        A, targets, family="multigaussian", sample_weight=w, penalty_factor=factor, alphas=[1e9],
        fit_intercept=fit_intercept,
    )  # fmt: skip
    root = np.sqrt(w / w.sum())[:, None]
    free = root * np.column_stack([A[:, :5], np.ones(20)])[:, : 5 + fit_intercept]
    left = root * targets - free @ np.linalg.lstsq(free, root * targets, rcond=None)[0]
    assert abs(path.null_objective - 0.5 * (left**2).sum()) <= 1e-12 * path.null_objective
    assert path.status == ["converged"]


@pytest.mark.parametrize("grouped", [False, True])
def test_steps_of_classes_are_few(grouped, monkeypatch):
    counted, step = [], Descent._coupled_step

    def counting(self, *arguments):
        counted.append(self.K)
        return step(self, *arguments)

    monkeypatch.setattr(Descent, "_coupled_step", counting)
    rng = np.random.default_rng(12)
    A, effects = rng.standard_normal((500, 100)), np.zeros((100, 4))
    effects[:8] = rng.standard_normal((8, 4))
    labels = np.argmax(A @ effects + rng.gumbel(size=(500, 4)), axis=1)
    family = Multinomial(grouped=grouped)
    path = riata.fit_path(A, labels, family=family, n_alphas=50, alpha_min_ratio=0.05)
    assert set(path.status) == {"converged"}
    assert 50 <= len(counted) <= 2.6 * 50


@EACH
def test_nothing_is_read_of_a_gram_matrix_beyond_the_working_set(
    family, y, numbers, grouped, monkeypatch
):
    """Danger: a warning of NumPy's, now and then, about what memory happened to hold."""
    settings = {"family": family, "n_alphas": 12, "alpha_min_ratio": 0.05, "tol": 1e-10}
    expected = riata.fit_path(X, y, **settings)
    grow = WorkingSet._grow

    def poisoned(self, side, size):
        grow(self, side, size)
        bits = self.gram.view(np.uint64)
        bits[size:], bits[:, size:] = SIGNALLING, SIGNALLING

    monkeypatch.setattr(WorkingSet, "_grow", poisoned)
    with np.errstate(invalid="raise"):
        path = riata.fit_path(X, y, **settings)
    assert set(path.status) == {"converged"}
    last = path.alphas[-1]
    assert np.array_equal(path.coef(last), expected.coef(last))


@pytest.fixture
def small_gram_limit(monkeypatch):
    """Make everything beyond 5 members too large for a Gram matrix."""
    monkeypatch.setattr(riata.working_set, "GRAM_LIMIT", 5)


@EACH
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_more_features_than_a_gram_matrix_has(
    small_gram_limit, family, y, numbers, grouped, storage, fit_intercept
):
    path = judged(
        family, y, numbers, grouped, FEW_STORAGES[storage](X), fit_intercept=fit_intercept
    )
    assert np.count_nonzero(path.coef(path.alphas[-1]).any(axis=0)) > 5
    assert path.n_iter.max() <= 100


@EACH
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_settings_with_more_features_than_a_gram_matrix_has(
    small_gram_limit, family, y, numbers, grouped, settings
):
    judged(family, y, numbers, grouped, **settings)


@EACH
def test_more_than_4096_features(family, y, numbers, grouped):
    wide = np.hstack([X, np.random.default_rng(3).standard_normal((N, 4200))])
    path = judged(family, y, numbers, grouped, wide, wide, l1_ratio=1e-4, alphas=[1.0, 0.1])
    assert np.count_nonzero(path.coef(0.1).any(axis=0)) > 4096


@pytest.mark.parametrize("explicit", [1, 1 << 20], ids=["by their squares", "as they are"])
def test_null_model_of_free_features_is_least_squares(monkeypatch, explicit):
    monkeypatch.setattr("riata.least_squares.EXPLICIT", explicit)
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((80, 6)))
    X[:, 0] += 0.5 * X[:, 1]
    Y = X[:, :2] @ rng.standard_normal((2, 2)) + X[:, -1:] + rng.standard_normal((80, 2))
    path = riata.fit_path(
        X, Y, family="multigaussian", penalty_factor=[0, 0, 0, 1, 1, 1], n_alphas=4
    )
    Z = np.column_stack([np.ones(80), X[:, :3]])
    left = Y - Z @ np.linalg.lstsq(Z, Y, rcond=None)[0]
    np.testing.assert_allclose(path.null_objective, (left**2).sum() / 160, rtol=1e-12)
    assert abs(path.deviance_ratio[0]) < 1e-12


@pytest.mark.parametrize("correlation", [0.9, 0.99])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("small", [True, False])
def test_correlated_columns_take_newton_steps(correlation, l1_ratio, small, monkeypatch):
    rng = np.random.default_rng(401)
    if not small:  # working sets of more coefficients than one matrix of them serves
        monkeypatch.setattr("riata.multi_descent.SIZE", 20)
    A = np.sqrt(1.0 - correlation) * rng.standard_normal((100, 30))
    A += np.sqrt(correlation) * rng.standard_normal((100, 1)) + 1.0
    y = A[:, :K] + rng.standard_normal((100, K))
    path = riata.fit_path(A, y, family="multigaussian", n_alphas=30, l1_ratio=l1_ratio, tol=1e-8)
    assert set(path.status) == {"converged"}
    oracle = Oracle(A, y, True, True, l1_ratio=l1_ratio)
    for alpha in path.alphas[::5]:
        gap = oracle.gap(path.coef(alpha), path.intercept(alpha), alpha)
        assert gap <= 1.05e-8 * path.null_objective
    # 136,149 sweeps for 100 alphas without Newton steps at .9, and no end to them at .99
    assert path.n_iter.sum() <= (40 if small else 400) * len(path.alphas)


def test_responses_of_few_correlated_columns_without_intercept():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((40, 20)) + 3.0
    y = A[:, :K] + rng.standard_normal((40, K))
    model = riata.MultiTaskLasso(alpha=0.01, fit_intercept=False).fit(A, y)  # 1000 at most
    assert model.n_iter_ < 300
    gap = Oracle(A, y, True, True, fit_intercept=False).gap(model.coef_, np.zeros(K), 0.01)
    assert gap <= 1e-4 * (y**2).sum() / (2 * len(y))


def test_unpenalised_responses_that_resemble_the_others():
    """Where the free ones are members, the working set's gap does not know what they hide."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((50, 13)) + 1e5
    y = A[:, :3] @ rng.standard_normal((3, 4)) + rng.standard_normal((50, 4))
    settings = {"standardize": True, "fit_intercept": False, "l1_ratio": 0.5}
    settings["penalty_factor"] = np.r_[0.0, 0.0, np.ones(11)]
    path = judged("multigaussian", y, y, True, A, A, 1e-4, alpha_min_ratio=1e-3, **settings)
    assert path.n_iter.sum() < 300  # 10,000, and not solved


def test_a_row_that_turns_near_zero_is_followed_by_newton_steps_in_a_row():
    rng = np.random.default_rng(94)
    A = rng.standard_normal((60, 40)) + rng.choice([1, 5, 30]) * rng.standard_normal((60, 1))
    y = A[:, :3] @ rng.standard_normal((3, 4))
    y += rng.choice([0, 0.1, 1]) * rng.standard_normal((60, 4))
    w = rng.random(60) * (rng.random(60) < 0.8)
    path = judged("multigaussian", y, y, True, A, A, 1e-9, n_alphas=8, alpha_min_ratio=0.01,
                  standardize=True, sample_weight=w)  # fmt: skip
    assert path.n_iter.max() < 1000  # 2,650 in all with sweeps between the steps, and not solved


@pytest.mark.parametrize("grouped", [False, True])
def test_shares_that_the_null_model_fits_exactly(grouped):
    shares = np.tile([0.2, 0.5, 0.3], (3, 1))
    A = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])
    path = riata.fit_path(A, shares, family=Multinomial(grouped=grouped), alphas=[1.0, 0.1])
    assert set(path.status) <= {"converged", "precision_floor"}
    assert np.all(path.dual_gaps < 1e-25)


@pytest.mark.filterwarnings("ignore:.*ended above the tolerance")
@pytest.mark.parametrize("seed", [5, 8, 12, 30])
def test_unpenalised_columns_without_curvature_stay_finite(seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((60, 130)) * (rng.random((60, 130)) < 0.05)
    labels, factor = rng.integers(3, size=60), np.r_[np.zeros(14), np.ones(116)]
    path = riata.fit_path(
        A, labels, family=Multinomial(grouped=True), penalty_factor=factor, l1_ratio=0.0,
        standardize=True, alphas=[1.0, 0.25], tol=1e-3, max_iter=200,
    )  # fmt: skip
    for coefs in path.coefs:
        assert np.isfinite(coefs.data).all()
