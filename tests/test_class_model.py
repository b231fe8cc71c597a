"""The full curvature of classes: Hessian by loops, optimum by KKT, whole fits by the oracle."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn
from problems import FEW_STORAGES, weights
from scipy.special import log_softmax, softmax
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression as Saga
from test_multi_paths import Oracle, judged

import riata
from riata import multi_descent
from riata.class_model import ClassModel
from riata.design import make_design
from riata.estimators import LogisticRegression
from riata.families import Multinomial
from riata.multi_descent import Descent
from riata.rowwise import Rowwise

n, p = 60, 20
MEMBERS = np.array([7, 0, 12, 3, 19, 5, 14, 8, 2, 16])
size = len(MEMBERS)


def place(storage="C order", K=3, fit_intercept=True):
    """Return a ClassModel away from any optimum, and all that it was made of.

    Z : (n, |W|), the members' columns as the model centres them, and a constant
    """
    rng = np.random.default_rng(4)
    X = (rng.random((n, p)) < 0.7) * rng.standard_normal((n, p)) + 0.3
    w = weights(n) / weights(n).sum()
    design = make_design(FEW_STORAGES[storage](X), w, centred=fit_intercept, n_threads=1)
    rows, centre = np.zeros((size, K)), np.zeros(size)
    rows[:5] = rng.standard_normal((5, K))
    mu = softmax(X[:, MEMBERS] @ rows + rng.standard_normal(K), axis=1)
    Z = X[:, MEMBERS]
    if fit_intercept:
        centre = 0.5 * rng.standard_normal(size)
        Z = np.column_stack([Z - w @ Z - centre, np.ones(n)])
    u = w[:, None] * (np.eye(K)[rng.integers(K, size=n)] - mu)
    pull = Z.T @ u
    panel = design.panel(w)
    panel.extend(MEMBERS)
    panel.mean = centre
    model = ClassModel.of_classes(panel, design.centred, w, mu)
    return SimpleNamespace(**locals())


def naive_hessian(Z, w, mu):
    """Return d2 sum_i w_i log sum_k exp(eta_ik) in the coefficients of Z, by rows, then classes."""
    side = Z.shape[1] * mu.shape[1]
    H = np.zeros((side, side))
    for i in range(len(Z)):
        bend = np.diag(mu[i]) - np.outer(mu[i], mu[i])
        H += w[i] * np.kron(np.outer(Z[i], Z[i]), bend)
    return H


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("K", [2, 3, 5])
def test_the_curvature_is_that_of_the_softmax_less_what_intercepts_take(storage, fit_intercept, K):
    here = place(storage, K, fit_intercept)
    H = naive_hessian(here.Z, here.w, here.mu)
    side = size * K
    if fit_intercept:
        assert np.abs(here.Z[:, :size].T @ here.w).max() > 0.1  # not about the weighted means
        H = H[:side, :side] - H[:side, side:] @ np.linalg.pinv(H[side:, side:]) @ H[side:, :side]
    assert (here.w == 0.0).any()
    np.testing.assert_allclose(here.model._gram, H, atol=1e-13)


def assert_optimal(here, new, step, shift, penalty):
    """Assert the KKT conditions of the quadratic at rows `new`, `step` and `shift` away."""
    K = here.K
    moved = np.vstack([step, shift]) if here.fit_intercept else step
    slope = here.pull - (naive_hessian(here.Z, here.w, here.mu) @ moved.ravel()).reshape(-1, K)
    np.testing.assert_allclose(slope[size:], 0.0, atol=1e-9)  # of the intercepts
    if not here.fit_intercept:
        assert not shift.any()
    slope = slope[:size] - penalty.l2[:, None] * new
    l1 = penalty.l1[:, None]
    if penalty.grouped:
        length = np.linalg.norm(new, axis=1, keepdims=True)
        off = new.any(axis=1)
        unit, excess = new / np.where(length > 0, length, 1), np.linalg.norm(slope, axis=1)
        assert (excess[~off] <= penalty.l1[~off] + 1e-8).all()
    else:
        off, unit = new != 0.0, np.sign(new)
        assert (np.abs(slope) <= l1 + 1e-8).all()
    np.testing.assert_allclose(slope[off], (l1 * unit)[off], atol=1e-8)
    free = penalty.l1 == 0.0
    np.testing.assert_allclose(slope[free], 0.0, atol=1e-8)


PENALTIES = {
    "l1": (np.full(size, 0.02), np.zeros(size)),
    "l1 and l2": (np.linspace(0.01, 0.04, size), np.linspace(0.1, 0.0, size)),
    "an unpenalised row": (np.r_[0.0, np.full(size - 1, 0.02)], np.zeros(size)),
    "unpenalised rows, and l2": (
        np.r_[np.full(size - 2, 0.02), 0.0, 0.0], np.r_[np.full(size - 1, 0.05), 0.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("l1", "l2"), PENALTIES.values(), ids=PENALTIES)
def test_a_step_leads_to_the_optimum_of_the_quadratic(grouped, fit_intercept, l1, l2):
    here = place(fit_intercept=fit_intercept)
    penalty = Rowwise(2.5 * l1 if grouped else l1, l2, grouped)
    rows, grad, total = here.rows.copy(), here.pull[:size].copy(), here.u.sum(axis=0)
    solves, step, shift = here.model.step(rows, grad, total, 1.0, penalty, 1e-18, 200)
    new = rows + step
    assert 1 <= solves <= 30
    assert_optimal(here, new, step, shift, penalty)
    assert 0 < np.count_nonzero(new) < new.size
    assert np.array_equal(rows, here.rows)  # nothing that it was given has changed
    assert np.array_equal(grad, here.pull[:size])
    bare = (l1 == 0.0) & (l2 == 0.0)
    if not grouped:
        assert not step[bare, -1].any()  # what the same for all classes changes nothing of


@pytest.mark.parametrize("grouped", [False, True])
def test_one_curvature_serves_penalty_after_penalty(grouped):
    """Danger: what it knows of its last step is taken for what is asked now."""
    here = place()
    total, rows = here.u.sum(axis=0), here.rows
    sizes = []
    for l1 in (0.08, 0.02, 0.002, 0.03):
        penalty = Rowwise(np.full(size, l1), np.zeros(size), grouped)
        _, step, shift = here.model.step(rows, here.pull[:size], total, 1.0, penalty, 1e-18, 200)
        assert_optimal(here, rows + step, step, shift, penalty)
        sizes.append(np.count_nonzero(rows + step))
        here.pull = here.pull - (
            naive_hessian(here.Z, here.w, here.mu) @ np.vstack([step, shift]).ravel()
        ).reshape(here.pull.shape)
        rows, total = rows + step, total * 0.0
    assert sizes[0] < sizes[1] < sizes[2] > sizes[3]


@pytest.mark.parametrize("grouped", [False, True])
def test_no_more_is_done_than_the_limit(grouped):
    here = place()
    penalty = Rowwise(np.full(size, 1e-4), np.zeros(size), grouped)
    total = here.u.sum(axis=0)
    assert here.model.step(here.rows, here.pull[:size], total, 1.0, penalty, 0.0, 1)[0] == 1


def test_newton_steps_on_rows_know_what_l2_bends():
    here = place()
    penalty = Rowwise(np.full(size, 1e-3), np.full(size, 0.02), True)
    total = here.u.sum(axis=0)
    assert here.model.step(here.rows, here.pull[:size], total, 1.0, penalty, 1e-12, 200)[0] <= 3


# -- whole fits ----------------------------------------------------------------------------------


def hard():
    """Return X and labels of which a small penalty leaves probabilities near 0 and 1."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 25))
    eta = X[:, :4] @ [0.8, -0.6, 0.5, -0.4]
    return X, np.digitize(eta + 2 * rng.standard_normal(60), [-1, 1])


HARD, LABELS = hard()
COPIES = np.hstack([HARD, HARD[:, :6]])
DATA = {  # X, labels, alphas, settings; by whether grouped, most systems of a path and one alpha
    "random": (HARD, LABELS, 100, {}, {False: (820, 200), True: (880, 130)}),
    "columns twice": (COPIES, LABELS, 20, {}, {False: (330, 200), True: (700, 400)}),
    "far from 0": (
        HARD + 10, LABELS, 20, {"fit_intercept": False}, {False: (300, 180), True: (300, 160)},
    ),
    "iris": (*load_iris(return_X_y=True), 20, {}, {False: (160, 90), True: (130, 60)}),
    "wine": (*load_wine(return_X_y=True), 20, {}, {False: (160, 90), True: (140, 70)}),
}  # fmt: skip
EACH = pytest.mark.parametrize(
    ("A", "labels", "n_alphas", "settings", "bounds"), DATA.values(), ids=DATA
)


def certified(A, labels, grouped, alphas, **settings):
    """Return the path, judged by the oracle, every alpha of it converged."""
    family = Multinomial(grouped=True) if grouped else "multinomial"
    one_hot = np.eye(3)[labels]
    path = judged(family, labels, one_hot, grouped, A, A, alphas=alphas, **settings)
    assert set(path.status) == {"converged"}
    return path


@pytest.mark.parametrize("grouped", [False, True])
@EACH
def test_a_path_of_classes_takes_few_steps(A, labels, n_alphas, settings, bounds, grouped):
    """Danger: one curvature for all classes took thousands of steps where probabilities come near
    0 and 1, and gave up far from the optimum."""
    top = riata.alpha_max(A, labels, family=Multinomial(grouped=grouped), **settings)
    path = certified(A, labels, grouped, np.geomspace(top, 1e-4 * top, n_alphas), **settings)
    assert path.deviance_ratio[-1] > 0.7
    assert n_alphas <= path.n_iter.sum() <= bounds[grouped][0]


@pytest.mark.parametrize("grouped", [False, True])
@EACH
def test_a_small_alpha_by_itself_takes_few_steps(A, labels, n_alphas, settings, bounds, grouped):
    """Danger: one curvature for all classes took thousands of steps where probabilities come near
    0 and 1, and gave up far from the optimum."""
    top = riata.alpha_max(A, labels, family=Multinomial(grouped=grouped), **settings)
    path = certified(A, labels, grouped, [1e-3 * top], **settings)
    assert path.n_iter[0] <= bounds[grouped][1]


@pytest.mark.parametrize("grouped", [False, True])
def test_columns_of_other_scales_take_as_few_steps(grouped):
    """Danger: what holds the null space, a share of the largest column, outweighs the smallest."""
    settings = {"n_alphas": 20, "max_iter": 100, "standardize": True}
    family, scales = Multinomial(grouped=grouped), 10.0 ** np.linspace(-3, 3, 25)
    plain = riata.fit_path(HARD, LABELS, family=family, **settings)
    scaled = riata.fit_path(HARD * scales, LABELS, family=family, **settings)
    assert set(plain.status) == {"converged"}
    assert set(scaled.status) == {"converged"}
    assert scaled.n_iter.sum() <= 1.5 * plain.n_iter.sum()
    oracle = Oracle(HARD * scales, np.eye(3)[LABELS], False, grouped, standardize=True)
    for alpha in scaled.alphas[::5]:
        gap = oracle.gap(scaled.coef(alpha), scaled.intercept(alpha), alpha)
        assert gap <= 1.05e-6 * scaled.null_objective


@pytest.mark.parametrize("grouped", [False, True])
def test_a_curvature_serves_as_long_as_steps_bring_the_gap_down(grouped, monkeypatch):
    made, taken, step = [], [], Descent._coupled_step

    class Counted(ClassModel):
        def __init__(self, *arguments):
            made.append(1)
            super().__init__(*arguments)

    def counting(self, *arguments):
        taken.append(1)
        return step(self, *arguments)

    monkeypatch.setattr(multi_descent, "ClassModel", Counted)
    monkeypatch.setattr(Descent, "_coupled_step", counting)
    path = riata.fit_path(HARD, LABELS, family=Multinomial(grouped=grouped))
    assert set(path.status) == {"converged"}
    assert 0 < len(made) <= 0.75 * len(taken)


def test_the_grid_above_is_that_of_a_default_path():
    path = riata.fit_path(HARD, LABELS, family="multinomial")
    top = riata.alpha_max(HARD, LABELS, family="multinomial")
    np.testing.assert_allclose(path.alphas, np.geomspace(top, 1e-4 * top, 100))
    assert set(path.status) == {"converged"}


def test_full_curvature_and_one_for_all_classes_agree(monkeypatch):
    alphas = riata.alpha_max(HARD, LABELS, family="multinomial") * np.array([0.5, 0.2, 0.1])
    for grouped in (False, True):
        settings = {"family": Multinomial(grouped=grouped), "alphas": alphas, "tol": 1e-11}
        coupled = riata.fit_path(HARD, LABELS, **settings)
        with monkeypatch.context() as patch:
            patch.setattr("riata.multi_descent.SIZE", 0)
            other = riata.fit_path(HARD, LABELS, **settings)
        assert coupled.n_iter.sum() < other.n_iter.sum()
        for alpha in alphas:
            np.testing.assert_allclose(coupled.coef(alpha), other.coef(alpha), atol=1e-4)


@pytest.mark.parametrize(("C", "max_iter"), [(1.0, 100_000), (100.0, 10_000)])
def test_an_estimator_is_no_worse_than_saga(C, max_iter):
    """At C = 100 that is far from its optimum after 200 000 passes."""

    def objective(model):
        score = log_softmax(model.decision_function(HARD), axis=1)
        return -C * score[np.arange(60), LABELS].sum() + np.abs(model.coef_).sum()

    penalty = {} if sklearn.__version__ >= "1.8" else {"penalty": "elasticnet"}
    saga = Saga(
        C=C, l1_ratio=1, solver="saga", tol=1e-8, max_iter=max_iter, random_state=0, **penalty
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saga.fit(HARD, LABELS)
    model = LogisticRegression(C=C, l1_ratio=1, tol=1e-8).fit(HARD, LABELS)
    assert objective(model) <= objective(saga) * (1 + 1e-6)
    if C == 1.0:
        np.testing.assert_allclose(objective(model), objective(saga), rtol=1e-6)
    oracle = Oracle(HARD, np.eye(3)[LABELS], False, False)
    gap = oracle.gap(model.coef_, model.intercept_, 1.0 / (60 * C))
    assert gap <= 1e-7 * oracle.objective(model.coef_, model.intercept_, 1.0 / (60 * C))
