"""Cross-validation of every family: no leakage, scores by their formulas, what is refused."""

import warnings

import numpy as np
import pytest
from problems import FEW_STORAGES, interrupt_at, weights
from scipy.special import expit, logsumexp, xlogy
from sklearn import metrics
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from test_family_paths import data

import riata
from riata.families import Family, Multinomial

TIGHT = {"tol": 1e-12}
GRID = {"n_alphas": 4, "alpha_min_ratio": 0.03, "n_threads": 1}
SINGLE = ("binomial", "poisson", "gamma", "tweedie", "huber", "squared_hinge")
K = 3


class Cubic(Family):
    """A family of a user's own: |r|^3 / 3, r = y - eta."""

    name = "cubic"

    def loss(self, y, eta):
        return np.abs(y - eta) ** 3 / 3

    def negative_gradient(self, y, eta):
        return (y - eta) * np.abs(y - eta)

    def curvature(self, y, eta):
        return 2 * np.abs(y - eta)

    def mean(self, eta):
        return eta


def responses(kind):
    """Return X and y of three responses, or classes."""
    X, _ = data("binomial", n=72, p=12)
    rng = np.random.default_rng(5)
    eta = X[:, :4] @ rng.standard_normal((4, K)) + np.array([0.5, 0.0, -0.5])
    if kind == "multigaussian":
        return X, eta + 0.5 * rng.standard_normal(eta.shape)
    return X, np.array(["low", "mid", "top"])[(eta + rng.gumbel(size=eta.shape)).argmax(axis=1)]


def problem(name):
    """Return (family, X, y)."""
    if name == "cubic":
        return Cubic(), *data("huber")
    if name in SINGLE:
        return name, *data(name)
    family = Multinomial(grouped=True) if name == "multinomial, grouped" else name
    return family, *responses(name)


EVERY = pytest.mark.parametrize(
    "name", [*SINGLE, "cubic", "multigaussian", "multinomial", "multinomial, grouped"]
)


def splits(n, n_folds=3, seed=3):
    order = np.random.default_rng(seed).permutation(n)
    return [(np.sort(np.setdiff1d(order, test)), np.sort(test))
            for test in np.array_split(order, n_folds)]  # fmt: skip


def settings_of(kind, n, p, several):
    rng = np.random.default_rng(9)
    return {
        "plain": {},
        "weights": {"sample_weight": weights(n), "standardize": True},
        "offset": {"offset": 0.3 * rng.standard_normal((n, K) if several else n)},
        "factors": {"penalty_factor": np.r_[0.0, np.inf, rng.random(p - 2) + 0.5],
                    "l1_ratio": 0.6},
        "ridge": {"l1_ratio": 0.0, "fit_intercept": False},
        "alpha 0": {"alphas": [0.1, 0.0],
                    "penalty_factor": np.r_[np.ones(3), np.full(p - 3, np.inf)]},
        "bounds": {} if several else {"lower_bounds": -0.2, "upper_bounds": 0.3},
    }[kind]  # fmt: skip


KINDS = ("plain", "weights", "offset", "factors", "ridge", "alpha 0", "bounds")


def of_rows(settings, rows):
    """Return settings with what belongs to rows taken for some of them, without the grid."""
    taken = {k: v[rows] if k in ("sample_weight", "offset") else v for k, v in settings.items()}
    for name in ("alphas", "n_alphas", "alpha_min_ratio"):
        taken.pop(name, None)
    return taken


def settled(eta):
    """Return linear predictors; of classes less what shifts all of a row alike."""
    return eta - eta.mean(axis=-1, keepdims=True) if eta.ndim == 3 else eta


def refit(X, y, family, train, test, alphas, settings):
    """Return linear predictors for the test rows of a path on a copy of the training rows."""
    path = riata.fit_path(X[train], y[train], family=family, alphas=alphas,
                          **of_rows(settings, train))  # fmt: skip
    offset = settings["offset"][test] if "offset" in settings else None
    return path.predict(X[test], type="link", offset=offset)


@pytest.mark.filterwarnings("error")  # every fit gets to 1e-12
@EVERY
@pytest.mark.parametrize("kind", KINDS)
def test_held_out_predictions_are_those_of_refits_on_copied_rows(name, kind):
    family, X, y = problem(name)
    several = name.startswith("multi")
    settings = {**TIGHT, **GRID, **settings_of(kind, *X.shape, several)}
    folds = splits(len(X), 2)
    cv = riata.cross_validate(X, y, family=family, cv=folds, keep_predictions=True, **settings)
    assert cv.predictions.shape == (1, len(X), len(cv.alphas[0]), *((K,) if several else ()))
    for train, test in folds:
        expected = refit(X, y, family, train, test, cv.alphas[0], settings)
        found = cv.predictions[0, test]
        if name.startswith("multinomial"):
            found, expected = settled(found), settled(expected)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@EVERY
def test_storages_agree(name):
    family, X, y = problem(name)
    settings = {"family": family, "cv": splits(len(X)), **GRID, **TIGHT}
    expected = riata.cross_validate(X, y, **settings)
    for storage, store in FEW_STORAGES.items():
        cv = riata.cross_validate(store(X), y, **settings)
        np.testing.assert_allclose(cv.scores, expected.scores, rtol=1e-7, err_msg=storage)


@EVERY
def test_a_held_out_row_may_be_anything(name):
    """Danger: exp(1e9) times a weight of zero."""
    family, X, y = problem(name)
    train = np.arange(len(X) - 1)
    far, w = X.copy(), np.ones(len(X))
    far[-1] *= 1e9
    w[-1] = 0.0
    if np.issubdtype(y.dtype, np.number) and name not in ("binomial", "squared_hinge"):
        y = y.astype(float)
        y[-1] = 1e9
    settings = {"family": family, "alphas": [0.1, 0.02], "n_threads": 1, **TIGHT}
    path = riata.fit_path(far, y, sample_weight=w, **settings)
    copied = riata.fit_path(X[train], y[train], **settings)
    for alpha in path.alphas:
        np.testing.assert_allclose(path.coef(alpha), copied.coef(alpha), atol=1e-7)


# -- scores, by their formulas ---------------------------------------------------------------------


def deviances(name, y, eta):
    """Return the unit deviance of each row, twice the loss."""
    mu = np.exp(eta)
    if name == "binomial":
        return -2 * (xlogy(y, expit(eta)) + xlogy(1 - y, expit(-eta)))
    if name == "poisson":
        return 2 * (xlogy(y, y) - y * eta - y + mu)
    if name == "gamma":
        return 2 * (y / mu - 1 - np.log(y / mu))
    if name == "tweedie":
        return 2 * (2 * y / np.sqrt(mu) + 2 * np.sqrt(mu) - 4 * np.sqrt(y))
    if name == "huber":
        r = np.abs(y - eta)
        return np.where(r <= 1.35, r**2, 2 * 1.35 * r - 1.35**2)
    if name == "squared_hinge":
        return np.maximum(0, 1 - (2 * y - 1) * eta) ** 2
    if name == "cubic":
        return 2 * np.abs(y - eta) ** 3 / 3
    if name == "multigaussian":
        return ((y - eta) ** 2).sum(axis=1)
    return 2 * (logsumexp(eta, axis=1) - (y * eta).sum(axis=1))


def expected_y(name, eta):
    if name == "binomial":
        return expit(eta)
    if name.startswith("multinomial"):
        return np.exp(eta - logsumexp(eta, axis=1, keepdims=True))
    return np.exp(eta) if name in ("poisson", "gamma", "tweedie") else eta


def numbers(y):
    """Return y, labels of three classes as columns of 0 and 1."""
    if y.dtype.kind != "U":
        return y
    return (y[:, None] == np.unique(y)).astype(float)


def rows(values):
    return values if values.ndim == 1 else values.mean(axis=1)


def naive_auc(y, eta, w):
    first, second = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    won = [w[i] * w[j] * (1.0 if eta[j] > eta[i] else 0.5 if eta[j] == eta[i] else 0.0)
           for i in first for j in second]  # fmt: skip
    return sum(won) / (w[first].sum() * w[second].sum())


def by_formula(name, scoring, y, eta, w):
    if scoring == "auc":
        return naive_auc(y, eta, w)
    if scoring == "deviance":
        values = deviances(name, y, eta)
    elif scoring == "misclassification":
        values = (y.argmax(axis=1) != eta.argmax(axis=1)) if y.ndim == 2 else (eta > 0) != (y == 1)
    else:
        power = 2 if scoring == "mse" else 1
        values = rows(np.abs(y - expected_y(name, eta)) ** power)
    return np.average(values, weights=w)


def scorings(name):
    found = ["deviance"] + ([] if name == "squared_hinge" else ["mse", "mae"])
    if name in ("binomial", "squared_hinge"):
        found += ["misclassification", "auc"]
    return found + (["misclassification"] if name.startswith("multinomial") else [])


@EVERY
def test_scores_are_their_formulas_of_the_held_out_predictions(name):
    family, X, y = problem(name)
    w, folds = weights(len(X)), splits(len(X))
    for scoring in scorings(name):
        cv = riata.cross_validate(
            X, y, family=family, cv=folds, scoring=scoring, sample_weight=w, keep_predictions=True,
            **GRID,
        )  # fmt: skip
        assert cv.greater_is_better is (scoring == "auc")
        for f, (_, test) in enumerate(folds):
            test = test[w[test] > 0]
            for k in range(4):
                eta = cv.predictions[0, test, k]
                expected = by_formula(name, scoring, numbers(y)[test], eta, w[test])
                assert cv.scores[0, k, f] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        worst = cv.mean[0].min() if scoring == "auc" else cv.mean[0].max()
        assert cv.mean[cv.select("min")] != worst or np.ptp(cv.mean) == 0


@EVERY
def test_scorings_that_a_family_cannot_have_are_refused(name):
    family, X, y = problem(name)
    for scoring in {"deviance", "mse", "mae", "misclassification", "auc"} - set(scorings(name)):
        with pytest.raises(ValueError, match=r"scoring must be one of \['deviance'") as caught:
            riata.cross_validate(X, y, family=family, cv=3, scoring=scoring)
        assert all(repr(known) in str(caught.value) for known in scorings(name))


def test_proportions_are_scored_as_so_many_of_each_class():
    X, y = data("binomial")
    y = np.where(y == 1, 0.8, 0.25)
    twice, halves = np.vstack([X, X]), np.r_[np.ones(60), np.zeros(60)]
    both = [(np.r_[a, a + 60], np.r_[b, b + 60]) for a, b in splits(60)]
    for scoring in ("misclassification", "auc"):
        settings = {"family": "binomial", "scoring": scoring, "alphas": [0.05, 0.01],
                    "n_threads": 1, **TIGHT}  # fmt: skip
        cv = riata.cross_validate(X, y, cv=splits(60), **settings)
        same = riata.cross_validate(twice, halves, cv=both, sample_weight=np.r_[y, 1 - y],
                                    **settings)  # fmt: skip
        np.testing.assert_allclose(cv.scores, same.scores, atol=1e-6)


# -- scorers of scikit-learn -----------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_scorers_see_a_classifier_with_the_users_labels(weighted):
    X, y = data("binomial")
    labels = np.array(["no", "yes"])[y]
    folds = splits(60)
    w = weights(60) + 0.1 if weighted else None
    settings = {"family": "binomial", "cv": folds, "sample_weight": w, "keep_predictions": True}
    measures = {
        "roc_auc": lambda truth, eta, s: roc_auc_score(truth, eta, sample_weight=s),
        "neg_log_loss": lambda truth, eta, s: -log_loss(truth, expit(eta), sample_weight=s),
        "accuracy": lambda truth, eta, s: np.average((eta > 0) == (truth == 1), weights=s),
        "f1_macro": lambda truth, eta, s: f1_score(
            truth, eta > 0, average="macro", sample_weight=s
        ),
    }
    for scoring, measure in measures.items():
        cv = riata.cross_validate(X, labels, scoring=scoring, **GRID, **settings)
        assert cv.greater_is_better
        for f, (_, test) in enumerate(folds):
            expected = measure(y[test], cv.predictions[0, test, 3], None if w is None else w[test])
            assert cv.scores[0, 3, f] == pytest.approx(expected, rel=1e-12)


def test_scorers_of_several_classes_and_of_numbers():
    X, y = responses("multinomial")
    folds = list(StratifiedKFold(3).split(X, y))
    one_hot = numbers(y)
    cv = riata.cross_validate(X, y, family="multinomial", cv=folds, scoring="neg_log_loss",
                              keep_predictions=True, **GRID)  # fmt: skip
    for f, (_, test) in enumerate(folds):
        eta = cv.predictions[0, test, 3]
        expected = -np.mean(logsumexp(eta, axis=1) - (one_hot[test] * eta).sum(axis=1))
        assert cv.scores[0, 3, f] == pytest.approx(expected, rel=1e-9)
    for scoring in ("roc_auc_ovr", "accuracy", "balanced_accuracy"):
        cv = riata.cross_validate(X, y, family="multinomial", cv=folds, scoring=scoring, **GRID)
        assert np.isfinite(cv.scores).all()
    X, y = data("poisson")
    theirs = riata.cross_validate(X, y, family="poisson", cv=splits(60), **GRID,
                                  scoring="neg_mean_poisson_deviance")  # fmt: skip
    ours = riata.cross_validate(X, y, family="poisson", cv=splits(60), **GRID)
    np.testing.assert_allclose(-theirs.scores, ours.scores, rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scoring", ["neg_mean_squared_error", "neg_mean_absolute_error"])
@pytest.mark.parametrize("family", ["huber", "poisson", "multigaussian"])
def test_errors_by_the_names_of_scikit_learn(family, scoring, weighted):
    X, y = responses(family) if family == "multigaussian" else data(family)
    n = len(y)
    folds, w = splits(n), weights(n) + 0.1 if weighted else None
    cv = riata.cross_validate(X, y, family=family, cv=folds, scoring=scoring, sample_weight=w,
                              keep_predictions=True, **GRID)  # fmt: skip
    metric = getattr(metrics, scoring.removeprefix("neg_"))
    assert (cv.scoring, cv.greater_is_better) == (scoring, True)
    for f, (_, test) in enumerate(folds):
        eta = cv.predictions[0, test, 3]
        mean = np.exp(eta) if family == "poisson" else eta
        expected = metric(y[test], mean, sample_weight=None if w is None else w[test])
        assert cv.scores[0, 3, f] == pytest.approx(-expected, rel=1e-12)


def test_as_many_misses_are_as_bad_to_the_last_bit():
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((97, 3)), rng.integers(3, size=97)
    w = np.full(97, 0.1)
    cv = riata.cross_validate(X, y, family="multinomial", cv=7, sample_weight=w,
                              scoring="accuracy")  # fmt: skip
    rows = np.bincount(np.arange(97) % 7)  # of the folds, in some order
    shares = {float(1.0 - k / size) for size in rows for k in range(size + 1)}
    assert set(cv.scores.ravel()) <= shares


def test_a_scorer_that_needs_what_a_family_does_not_predict_is_refused():
    X, y = data("squared_hinge")
    with pytest.raises(ValueError, match=r"scoring must be one of .*neg_log_loss"):
        riata.cross_validate(X, y, family="squared_hinge", cv=3, scoring="neg_log_loss")
    cv = riata.cross_validate(X, y, family="squared_hinge", cv=3, scoring="roc_auc", **GRID)
    assert np.isfinite(cv.scores).all()


def test_a_score_that_is_no_number_is_refused():
    X, y = data("poisson")
    with pytest.raises(ValueError, match=r"scoring must give every fold a number, got nan from"):
        riata.cross_validate(X, y, family="poisson", cv=3, scoring=lambda *_, **__: np.nan)


# -- splits ----------------------------------------------------------------------------------------


def test_an_int_deals_every_class_out_evenly():
    X, y = responses("multinomial")
    y = np.where(np.arange(72) < 6, "rare", y)
    held = []

    def note(estimator, rows, labels, **weighted):
        held.append(np.count_nonzero(labels == "rare"))
        return 0.0

    riata.cross_validate(X, y, family="multinomial", cv=3, alphas=[0.1], scoring=note, n_threads=1)
    assert held == [2, 2, 2]


def test_splitters_are_handed_the_users_labels():
    X, y = responses("multinomial")
    seen = []

    class Splitter:
        def split(self, X, y=None, groups=None):
            seen.append(y)
            return splits(len(y))

    riata.cross_validate(X, y, family="multinomial", cv=Splitter(), alphas=[0.1])
    assert np.array_equal(seen[0], y)


@pytest.mark.parametrize("family", ["binomial", "squared_hinge", "multinomial"])
def test_training_rows_that_lack_a_class_are_refused(family):
    X, y = responses("multinomial")
    y = np.where(y == "low", "mid", y) if family != "multinomial" else y
    top = np.flatnonzero(y == "top")
    folds = [(np.arange(0, 72, 2), np.arange(1, 72, 2)), (np.setdiff1d(np.arange(72), top), top)]
    with pytest.raises(ValueError, match=r"cv must .* none of class 'top' in fold 1"):
        riata.cross_validate(X, y, family=family, cv=folds)


@pytest.mark.parametrize("family", ["poisson", "tweedie"])
def test_training_rows_without_a_positive_count_are_refused(family):
    X, _ = data("poisson")
    y = np.r_[np.zeros(40), np.ones(20)]
    with pytest.raises(ValueError, match=r"y must have a positive entry among .* fold 0"):
        riata.cross_validate(X, y, family=family, cv=[(np.arange(40), np.arange(40, 60))])


def test_auc_of_one_class_is_refused_before_any_work():
    X, y = data("binomial")
    ones = np.flatnonzero(y == 1)[:5]
    folds = [(np.setdiff1d(np.arange(60), ones), ones)]
    with pytest.raises(ValueError, match=r"rows of both classes .* fold 0"):
        riata.cross_validate(X, y, family="binomial", cv=folds, scoring="auc")


def sparsest(cv):
    return 0, int(np.argmin(cv.paths[0].support_sizes()))


@EVERY
def test_rules_choose_and_the_plot_shows_every_family(name):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    family, X, y = problem(name)
    cv = riata.cross_validate(X, y, family=family, cv=3, n_alphas=10, alpha_min_ratio=0.03)
    mean, se = cv.scores[0] @ cv.fold_weights, cv.se[0]
    best = int(np.argmin(mean))
    sizes = [np.count_nonzero(np.atleast_2d(cv.path.coef(a)).any(axis=0)) for a in cv.alphas[0]]
    within = np.flatnonzero(mean <= 1.1 * mean[best])
    fewest = [k for k in within if sizes[k] == min(sizes[j] for j in within)]
    expected = {
        "min": best,
        "1se": int(np.argmax(mean <= mean[best] + se[best])),
        "10%": min(fewest, key=lambda k: mean[k]),
        sparsest: int(np.argmin(sizes)),
    }
    for rule, k in expected.items():
        assert cv.select(rule) == (0, k), rule
        assert np.array_equal(cv.coef(rule), cv.path.coef(cv.alphas[0, k]))
    figure, ax = pyplot.subplots()
    assert cv.plot(ax) is ax
    points = ax.containers[0].lines[0].get_xydata()
    np.testing.assert_allclose(points, np.column_stack([-np.log(cv.alphas[0]), mean]))
    figure.canvas.draw()
    pyplot.close(figure)


# -- the run ---------------------------------------------------------------------------------------


@EVERY
def test_bits_do_not_depend_on_threads(name):
    family, X, y = problem(name)
    settings = {"family": family, "cv": 4, "keep_predictions": True, **GRID}
    found = [riata.cross_validate(X, y, **settings | {"n_threads": k}) for k in (1, 2, 3)]
    for other in found[1:]:
        for part in ("alphas", "scores", "mean", "se", "predictions"):
            assert np.array_equal(getattr(found[0], part), getattr(other, part)), part
        assert np.array_equal(found[0].coef(), other.coef())


@pytest.mark.parametrize("name", ["binomial", "multinomial"])
def test_what_came_before_ctrl_c_is_in_the_exception(name, monkeypatch):
    family, X, y = problem(name)
    settings = {"family": family, "cv": 3, **GRID}
    whole = riata.cross_validate(X, y, **settings)
    interrupt_at(monkeypatch, 14)
    with pytest.raises(KeyboardInterrupt) as caught:
        riata.cross_validate(X, y, **settings)
    cv = caught.value.path
    assert np.array_equal(cv.scores[0, :3], whole.scores[0, :3])
    assert np.isnan(cv.scores[0, 3:]).all()
    assert (cv.status[0, 3:] == "interrupted").all()
    assert list(cv.path.status) == ["converged"] * 3 + ["interrupted"]


@pytest.mark.parametrize("name", ["poisson", "multinomial"])
def test_a_limit_of_time_keeps_the_grid_and_says_so(name):
    family, X, y = problem(name)
    with pytest.warns(riata.exceptions.convergence_warning(), match="max_time") as caught:
        cv = riata.cross_validate(X, y, family=family, max_time=1e-9)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isnan(cv.scores).all()
    assert (cv.status == "time_limit").all()
    assert (cv.n_iter == 0).all()


def test_a_bar_shows_how_far_it_is(capsys):
    X, y = data("binomial")
    riata.cross_validate(X, y, family="binomial", cv=3, progress=True, **GRID)
    assert "4/4" in capsys.readouterr().err


def test_classes_that_free_features_separate_are_said_once():
    X, y = data("binomial")
    X[:, 0] = np.where(y == 1, 1.0, -1.0)
    free = np.r_[0.0, np.ones(X.shape[1] - 1)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        riata.cross_validate(X, y, family="binomial", cv=3, penalty_factor=free, alphas=[0.1])
    assert len(caught) == 1
    assert "separate" in str(caught[0].message)


@EVERY
def test_the_chosen_model_predicts(name):
    family, X, y = problem(name)
    cv = riata.cross_validate(X, y, family=family, cv=3, **GRID)
    several = name.startswith("multi")
    assert cv.coef("1se").shape == ((K, X.shape[1]) if several else (X.shape[1],))
    eta = X @ cv.coef().T + cv.intercept()
    np.testing.assert_allclose(cv.predict(X, type="link"), eta, atol=1e-9)
    np.testing.assert_allclose(cv.predict(X), expected_y(name, eta), atol=1e-9)
    r, k = cv.select("5%")
    used = cv.path.support_sizes()
    coef = cv.path.coef(cv.alphas[r, k])
    assert used[k] == np.count_nonzero(coef.any(axis=0) if several else coef)
    near = cv.mean[0] <= 1.05 * cv.mean[0].min()
    assert used[k] == used[near].min()
