"""cross_validate: no leakage, and every number as its definition says."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from certified import fingerprint, judge
from problems import FEW_STORAGES, SPARSE, interrupt_at, regression, weights
from scipy.sparse import csc_array, csr_array

import riata

TIGHT = {"tol": 1e-12}


def splits(n, n_folds=4, seed=3):
    """Return (train, test) pairs of a partition."""
    order = np.random.default_rng(seed).permutation(n)
    return [(np.sort(np.setdiff1d(order, test)), np.sort(test))
            for test in np.array_split(order, n_folds)]  # fmt: skip


def refit(X, y, train, test, alphas, *, sample_weight=None, offset=None, **settings):
    """Return predictions for the test rows (m, L) of a path on a copy of the training rows."""
    for name, value in (("sample_weight", sample_weight), ("offset", offset)):
        if value is not None:
            settings[name] = value[train]
    path = riata.fit_path(X[train], y[train], alphas=alphas, **settings)
    return path.predict(X[test], offset=None if offset is None else offset[test])


def naive_scores(X, y, folds, alphas, *, sample_weight=None, **settings):
    """Return (L, K) mean squared errors of explicit refits."""
    w = np.ones(len(y)) if sample_weight is None else sample_weight
    columns = []
    for train, test in folds:
        eta = refit(X, y, train, test, alphas, sample_weight=sample_weight, **settings)
        columns.append(np.average((y[test, None] - eta) ** 2, axis=0, weights=w[test]))
    return np.array(columns).T


def settings_of(kind, n, p):
    rng = np.random.default_rng(9)
    return {
        "plain": {},
        "no intercept": {"fit_intercept": False},
        "standardize": {"standardize": True},
        "weights": {"sample_weight": weights(n)},
        "offset": {"offset": rng.standard_normal(n)},
        "factors and bounds": {
            "penalty_factor": np.r_[0.0, np.inf, rng.random(p - 2)],
            "lower_bounds": -0.3,
        },
        "elastic net": {"l1_ratio": 0.4},
        "ridge": {"l1_ratio": 0.0, "alpha_min_ratio": 1e-3},
        "everything": {
            "standardize": True,
            "sample_weight": weights(n),
            "offset": rng.standard_normal(n),
            "penalty_factor": np.r_[0.0, rng.random(p - 1)],
            "upper_bounds": 0.5,
            "l1_ratio": 0.7,
        },
    }[kind]


KINDS = ("plain", "no intercept", "standardize", "weights", "offset", "factors and bounds",
         "elastic net", "ridge", "everything")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(60, 12), (40, 70)])
def test_scores_are_those_of_refits_on_copied_training_rows(kind, shape):
    X, y = regression(*shape, seed=4)
    settings = {**settings_of(kind, *shape), **TIGHT, "n_alphas": 12}
    folds = splits(len(y))
    cv = riata.cross_validate(X, y, cv=folds, keep_predictions=True, **settings)
    settings.pop("alpha_min_ratio", None)
    expected = naive_scores(X, y, folds, cv.alphas[0], **settings)
    scale = np.var(y)
    np.testing.assert_allclose(cv.scores[0], expected, rtol=0, atol=1e-8 * scale)
    for train, test in folds:
        eta = refit(X, y, train, test, cv.alphas[0], **settings)
        np.testing.assert_allclose(cv.predictions[0, test], eta, rtol=0, atol=1e-8 * np.std(y))


@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_every_fold_is_certified_against_a_copy_of_its_training_rows(storage):
    dense, y = regression(50, 30, seed=5, density=0.4)
    w = weights(50)
    X = FEW_STORAGES[storage](dense)
    before = fingerprint(X)
    folds = splits(50, 3)
    cv = riata.cross_validate(
        X, y, cv=folds, keep_fold_paths=True, standardize=True, sample_weight=w, n_alphas=20
    )
    assert fingerprint(X) == before
    judge(cv.paths[0], X, y, truth=dense, standardize=True, sample_weight=w, n_alphas=20)
    for (train, _), path in zip(folds, cv.fold_paths[0], strict=True):
        judge(path, X, y[train], truth=dense[train], standardize=True, sample_weight=w[train],
              alphas=cv.alphas[0])  # fmt: skip


@pytest.mark.parametrize("storage", [*FEW_STORAGES, *SPARSE])
def test_storages_agree(storage):
    dense, y = regression(40, 60, seed=6, density=0.3)
    make = {**SPARSE, **FEW_STORAGES}[storage]
    expected = riata.cross_validate(dense, y, cv=splits(40), n_alphas=8, **TIGHT)
    cv = riata.cross_validate(make(dense), y, cv=splits(40), n_alphas=8, **TIGHT)
    np.testing.assert_allclose(cv.scores, expected.scores, rtol=1e-8)


def test_float32_is_read_in_place():
    X, y = regression(40, 60, seed=6)
    X = X.astype(np.float32)
    expected = riata.cross_validate(X.astype(float), y, cv=splits(40), n_alphas=8, **TIGHT)
    cv = riata.cross_validate(X, y, cv=splits(40), n_alphas=8, **TIGHT)
    np.testing.assert_allclose(cv.scores, expected.scores, rtol=1e-8)


def test_a_training_fold_with_a_constant_target_does_not_see_the_held_out_one():
    """Danger: what is left of a constant y is rounding and set to 0, for held-out rows as well."""
    X = np.random.default_rng(0).standard_normal((12, 3))
    y = np.r_[np.full(8, 0.1), 5.0, 6.0, 7.0, 8.0]
    cv = riata.cross_validate(X, y, cv=[(np.arange(8), np.arange(8, 12))], n_alphas=3)
    np.testing.assert_allclose(cv.scores[0, :, 0], np.mean((y[8:] - 0.1) ** 2))


def test_a_held_out_row_may_be_anything():
    """Danger: a weight of zero times something huge."""
    X, y = regression(40, 10, seed=2)
    X[-1], y[-1] = 1e9, 1e9
    folds = [(np.arange(39), [39]), (np.arange(20), np.arange(20, 39))]
    cv = riata.cross_validate(X, y, cv=folds, alphas=[1.0, 0.1, 0.01], standardize=True, **TIGHT)
    expected = naive_scores(X, y, [(t, np.asarray(s)) for t, s in folds], cv.alphas[0],
                            standardize=True, **TIGHT)  # fmt: skip
    np.testing.assert_allclose(cv.scores[0], expected, rtol=1e-8)


def test_a_repeated_training_row_is_a_weight():
    X, y = regression(30, 8, seed=1)
    rng = np.random.default_rng(0)
    folds = []
    for _ in range(3):
        train = rng.integers(0, 30, 30)
        folds.append((train, np.setdiff1d(np.arange(30), train)))
    cv = riata.cross_validate(X, y, cv=folds, n_alphas=10, **TIGHT)
    expected = naive_scores(X, y, folds, cv.alphas[0], **TIGHT)
    np.testing.assert_allclose(cv.scores[0], expected, rtol=1e-8)


def test_weights_are_copies_with_given_folds():
    X, y = regression(30, 40, seed=1)
    counts = np.random.default_rng(3).integers(0, 4, 30)
    rows = np.repeat(np.arange(30), counts)
    label = np.arange(30) % 3
    weighted = riata.cross_validate(
        X, y, cv=[(label != k, label == k) for k in range(3)], sample_weight=counts, n_alphas=10,
        **TIGHT,
    )  # fmt: skip
    copied = riata.cross_validate(
        X[rows], y[rows], cv=[(label[rows] != k, label[rows] == k) for k in range(3)], n_alphas=10,
        **TIGHT,
    )  # fmt: skip
    for name in ("alphas", "scores", "mean", "se", "fold_weights"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(copied, name), rtol=1e-8)


def test_a_row_of_weight_zero_is_a_row_removed():
    X, y = regression(41, 10, seed=1)
    w = weights(41)
    kept = w > 0
    full = riata.cross_validate(X, y, cv=5, sample_weight=w, n_alphas=10, **TIGHT)
    less = riata.cross_validate(X[kept], y[kept], cv=5, sample_weight=w[kept], n_alphas=10, **TIGHT)
    for name in ("alphas", "scores", "mean", "se"):
        np.testing.assert_allclose(getattr(full, name), getattr(less, name), rtol=1e-8)


def test_mean_and_se_weigh_the_folds():
    X, y = regression(50, 10, seed=1)
    w = weights(50)
    label = np.random.default_rng(0).integers(0, 4, 50)
    cv = riata.cross_validate(
        X, y, cv=[(label != k, label == k) for k in range(4)], sample_weight=w, n_alphas=6
    )
    total = np.array([w[label == k].sum() for k in range(4)])
    for k in range(6):
        scores = cv.scores[0, k]
        mean = np.average(scores, weights=total)
        assert cv.mean[0, k] == pytest.approx(mean, rel=1e-12)
        variance = np.average((scores - mean) ** 2, weights=total)
        assert cv.se[0, k] == pytest.approx(np.sqrt(variance / 3), rel=1e-12)


def test_several_l1_ratios_are_so_many_calls():
    X, y = regression(40, 60, seed=1)
    ratios = [0.5, 1.0, 0.9]
    cv = riata.cross_validate(X, y, cv=splits(40), l1_ratio=ratios, n_alphas=10, **TIGHT)
    assert cv.alphas.shape == (3, 10)
    for r, ratio in enumerate(ratios):
        alone = riata.cross_validate(X, y, cv=splits(40), l1_ratio=ratio, n_alphas=10, **TIGHT)
        np.testing.assert_allclose(cv.alphas[r], alone.alphas[0])
        np.testing.assert_allclose(cv.scores[r], alone.scores[0], rtol=1e-8)
        assert cv.paths[r].l1_ratio == ratio
        np.testing.assert_allclose(
            cv.paths[r].coefs.toarray(), alone.path.coefs.toarray(), atol=1e-8
        )
    r, k = np.unravel_index(np.argmin(cv.mean), cv.mean.shape)
    assert (cv.l1_ratio_min, cv.alpha_min) == (ratios[r], cv.alphas[r, k])
    assert cv.path is cv.paths[r]


@pytest.mark.parametrize("n_threads", [2, 3, 5])
@pytest.mark.parametrize("storage", FEW_STORAGES)
def test_bits_do_not_depend_on_threads(n_threads, storage):
    dense, y = regression(60, 200, seed=7, density=0.5)
    X = FEW_STORAGES[storage](dense)
    one = riata.cross_validate(X, y, cv=5, n_alphas=20, n_threads=1, keep_predictions=True)
    more = riata.cross_validate(X, y, cv=5, n_alphas=20, n_threads=n_threads, keep_predictions=True)
    for name in ("alphas", "scores", "mean", "se", "predictions"):
        assert np.array_equal(getattr(one, name), getattr(more, name)), name
    assert np.array_equal(one.path.coefs.data, more.path.coefs.data)
    assert one.n_passes == more.n_passes


def test_many_folds_go_in_batches():
    X, y = regression(40, 6, seed=8)
    folds = [(np.delete(np.arange(40), i), [i]) for i in range(40)]
    cv = riata.cross_validate(X, y, cv=folds, n_alphas=5, keep_predictions=True, **TIGHT)
    expected = naive_scores(X, y, [(t, np.array(s)) for t, s in folds], cv.alphas[0], **TIGHT)
    np.testing.assert_allclose(cv.scores[0], expected, rtol=1e-7, atol=1e-12)
    squares = (y[:, None] - cv.predictions[0]) ** 2
    np.testing.assert_allclose(cv.mean[0], squares.mean(axis=0), rtol=1e-10)


def test_a_row_held_out_twice_has_the_mean_of_its_predictions():
    X, y = regression(20, 4, seed=8)
    folds = [(np.arange(10), np.arange(10, 20)), (np.arange(5), np.arange(5, 15))]
    cv = riata.cross_validate(X, y, cv=folds, n_alphas=3, keep_predictions=True, **TIGHT)
    found = cv.predictions[0]
    assert np.isnan(found[:5]).all()
    both = [np.full((20, 3), np.nan), np.full((20, 3), np.nan)]
    for out, (train, test) in zip(both, folds, strict=True):
        out[test] = refit(X, y, train, test, cv.alphas[0], **TIGHT)
    np.testing.assert_allclose(found[5:], np.nanmean(np.array(both)[:, 5:], axis=0), rtol=1e-8)


def test_a_limit_of_time_keeps_the_grid_and_says_so():
    X, y = regression(200, 400, seed=1)
    with pytest.warns(riata.exceptions.convergence_warning(), match="max_time") as caught:
        cv = riata.cross_validate(X, y, max_time=1e-9)
    assert len(caught) == 1
    assert cv.alphas.shape == (1, 100)
    assert np.isnan(cv.scores).all()
    assert np.isnan(cv.alpha_min)
    assert (cv.status == "time_limit").all()
    with pytest.raises(ValueError, match="no alpha has been solved"):
        cv.coef()


def test_one_warning_for_all_folds():
    X, y = regression(80, 100, seed=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        riata.cross_validate(X, y, cv=3, max_iter=1, tol=1e-12, n_alphas=20)
    assert len(caught) == 1
    assert "max_iter" in str(caught[0].message)


def test_what_came_before_ctrl_c_is_in_the_exception(monkeypatch):
    X, y = regression(50, 90, seed=1)
    whole = riata.cross_validate(X, y, cv=3, n_alphas=10)
    interrupt_at(monkeypatch, 18)
    with pytest.raises(KeyboardInterrupt) as caught:
        riata.cross_validate(X, y, cv=3, n_alphas=10, n_threads=1, l1_ratio=[1.0, 0.5])
    cv = caught.value.path
    assert np.array_equal(cv.scores[0, :4], whole.scores[0, :4])
    assert np.isnan(cv.scores[0, 4:]).all()
    assert np.isnan(cv.scores[1]).all()
    assert (cv.status[0, 4:] == "interrupted").all()
    assert (cv.path.status[:4] == "converged").all()
    assert (cv.path.status[4:] == "interrupted").all()


def test_ctrl_c_spares_the_folds_that_have_not_begun(monkeypatch):
    """A second one, while the next folds are got ready, loses nothing."""
    X, y = regression(60, 20, seed=1)
    monkeypatch.setattr(riata.cv_run, "MOST_LANES", 3)
    solve, starts_of, solved, started = riata.cv_run.Run._solve, riata.cv_run.starts_of, [], []

    def solving(self, batch, starts):
        solve(self, batch, starts)
        solved.append(batch)

    def starting(*arguments):
        started.append(1)
        if len(started) == 3:
            raise KeyboardInterrupt
        return starts_of(*arguments)

    monkeypatch.setattr(riata.cv_run.Run, "_solve", solving)
    monkeypatch.setattr(riata.cv_run, "starts_of", starting)
    with pytest.raises(KeyboardInterrupt) as caught:
        riata.cross_validate(X, y, cv=10, n_alphas=5)
    cv = caught.value.path
    assert len(started) == 3
    done = [fold for batch in solved for fold in batch if fold is not None]
    assert len(done) == 5
    assert (cv.path.status == "converged").all()
    assert np.isfinite(cv.scores[:, :, done]).all()
    rest = [fold for fold in range(10) if fold not in done]
    assert np.isnan(cv.scores[:, :, rest]).all()
    assert (cv.status[:, :, rest] == "interrupted").all()


def test_tall_folds_keep_whole_rows_of_results(monkeypatch):
    """They go down several alphas each before they meet, in whatever order."""
    X, y = regression(200, 30, seed=1)
    whole = riata.cross_validate(X, y, cv=3, n_alphas=50)
    step, calls, meetings = riata.path.Lane.step, [], []

    def interrupted(lane, alpha, *, last):
        calls.append(alpha)
        if len(calls) == 130:  # all four have solved 30
            raise KeyboardInterrupt
        return step(lane, alpha, last=last)

    def counted(jobs, *rest):
        meetings.append(len(jobs))
        return riata.threads.run(jobs, *rest)

    monkeypatch.setattr(riata.lockstep, "run", counted)
    monkeypatch.setattr(riata.path.Lane, "step", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        riata.cross_validate(X, y, cv=3, n_alphas=50, n_threads=1)
    assert len(meetings) <= 5
    cv = caught.value.path
    assert np.array_equal(cv.scores[0, :30], whole.scores[0, :30])
    assert np.isnan(cv.scores[0, 30:]).all()
    assert (cv.status[0, 30:] == "interrupted").all()


@pytest.mark.parametrize("kept", [False, True])
def test_degrees_of_freedom_of_folds_are_computed_where_they_are_kept(kept, monkeypatch):
    """With an L2 part each takes a triangular inverse."""
    X, y = regression(200, 30, seed=1)
    trace, calls = riata.working_set.WorkingSet.smoother_trace, []

    def counted(working, coef, l2):
        calls.append(len(coef))
        return trace(working, coef, l2)

    monkeypatch.setattr(riata.working_set.WorkingSet, "smoother_trace", counted)
    cv = riata.cross_validate(X, y, cv=3, n_alphas=20, l1_ratio=0.5, keep_fold_paths=kept)
    assert len(calls) == (80 if kept else 20)
    paths = [cv.path, *(cv.fold_paths[0] if kept else [])]
    assert all(np.isfinite(path.df).all() for path in paths)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gram_matrices_of_parts(order, dtype):
    """Danger: parts of any size, rows anywhere: some in runs, one part empty, some in none."""
    rng = np.random.default_rng(0)
    n, p = 1500, 11
    X = np.array(rng.standard_normal((n, p)), dtype=dtype, order=order)
    part = rng.choice([-1, 0, 1, 3], n)
    part[:700] = 1
    mean, scale, vectors = rng.standard_normal(p), rng.random(n), rng.standard_normal((2, n))
    out, sums = np.ones((4, 16, 16)), np.ones((4, 2, 16))
    riata.kernels.gram.grams_of_parts(X, part, mean, scale, vectors, out, sums, 5, n)
    part[:5] = -1
    for k in range(4):
        Z = (X[part == k] - mean) * scale[part == k, None]
        expected = np.triu(1.0 + Z.T @ Z)
        np.testing.assert_allclose(np.triu(out[k, :p, :p]), expected, rtol=1e-10, atol=1e-10)
        expected = 1.0 + vectors[:, part == k] @ Z
        np.testing.assert_allclose(sums[k, :, :p], expected, rtol=1e-10, atol=1e-10)


def test_sparse_structure_is_checked_once(monkeypatch):
    calls = []
    parts = riata.design.Compressed
    original = parts._check_data
    monkeypatch.setattr(parts, "_check_data", lambda self: (calls.append(1), original(self)))
    X, y = regression(40, 20, density=0.3)
    riata.cross_validate(sp.csr_array(X), y, cv=5, n_alphas=3)
    assert len(calls) == 1


def test_relaxed_scores_are_those_of_relaxed_refits():
    X, y = regression(50, 20, seed=2)
    folds, gammas = splits(50), [0.0, 0.5, 1.0]
    cv = riata.cross_validate(
        X, y, cv=folds, relaxed=gammas, l1_ratio=[0.8, 1.0], n_alphas=8, keep_predictions=True,
        **TIGHT,
    )  # fmt: skip
    assert np.array_equal(cv.gammas, gammas * 2)
    assert np.array_equal(cv.l1_ratios, [0.8] * 3 + [1.0] * 3)
    for row, (ratio, gamma) in enumerate(zip(cv.l1_ratios, cv.gammas, strict=True)):
        for f, (train, test) in enumerate(folds):
            path = riata.fit_path(X[train], y[train], l1_ratio=ratio, alphas=cv.alphas[row],
                                  relaxed=True, **TIGHT)  # fmt: skip
            eta = path.predict(X[test], gamma=gamma)
            np.testing.assert_allclose(cv.predictions[row, test], eta, atol=1e-8)
            expected = np.mean((y[test, None] - eta) ** 2, axis=0)
            np.testing.assert_allclose(cv.scores[row, :, f], expected, rtol=1e-8)
    row, k = cv.select("min")
    assert cv.mean[row, k] == cv.mean.min()
    assert (cv.l1_ratio_min, cv.gamma_min) == (cv.l1_ratios[row], cv.gammas[row])
    coef = cv.paths[row].coef(cv.alphas[row, k], cv.gammas[row])
    assert np.array_equal(cv.coef(), coef)
    np.testing.assert_allclose(cv.predict(X), X @ coef + cv.intercept())


@pytest.mark.parametrize("relaxed", [0.5, [], [[0.5]], [2.0], ["a"]])
def test_wrong_gammas_are_refused(relaxed):
    with pytest.raises((ValueError, TypeError), match="relaxed must be"):
        riata.cross_validate(np.eye(9), np.arange(9.0), cv=3, relaxed=relaxed)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["plain", "no intercept", "weights", "everything"])
@pytest.mark.parametrize("far", [0.0, 1e6])
def test_tall_folds_from_moments_are_refits(order, kind, far):
    """n >> p: the folds' Gram matrices in one read of X, held-out errors from them."""
    X, y = regression(900, 11, seed=4)
    X = np.asarray(X + far, order=order)
    settings = {**settings_of(kind, 900, 11), "tol": 1e-12 if far == 0.0 else 1e-8, "n_alphas": 9}
    folds = splits(900, 5)
    cv = riata.cross_validate(X, y, cv=folds, **settings)
    expected = naive_scores(X, y, folds, cv.alphas[0], **settings)
    error = 1e-8 if far == 0.0 else 1e-4  # without an intercept, columns of 1e6 are nearly alike
    np.testing.assert_allclose(cv.scores[0], expected, rtol=0, atol=error * np.var(y))


@pytest.mark.parametrize("n_folds", [3, 10])
def test_tall_folds_read_x_twice(n_folds):
    X, y = regression(3000, 8)
    cv = riata.cross_validate(X, y, cv=n_folds)
    assert cv.n_passes == 2.0
    assert cv.path.n_passes == 1.0


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_folds_of_other_losses_read_x_together(order, family):
    X, eta = regression(120, 900, seed=19, correlation=0.3)
    y = (eta > np.median(eta)) * 1.0 if family == "binomial" else np.floor(np.exp(eta.clip(-2, 2)))
    settings = {"family": family, "n_alphas": 30, "alpha_min_ratio": 0.1}
    X = np.asarray(X, order=order)
    cv = riata.cross_validate(X, y, cv=5, **settings)
    assert cv.n_passes <= 3.0 * riata.fit_path(X, y, **settings).n_passes
    assert (cv.status == "converged").all()


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("store", [csc_array, csr_array])
@pytest.mark.parametrize("empty", [0, 3000])
def test_sparse_folds_read_x_together(family, store, empty):
    rng = np.random.default_rng(20)
    filled = sp.random_array((400, 1500), density=0.03, rng=rng)
    X = store(sp.hstack([filled, csr_array((400, empty))]))
    eta = filled @ (rng.standard_normal(1500) * (rng.random(1500) < 0.02))
    y = eta + rng.standard_normal(400)
    y = (y > np.median(y)) * 1.0 if family == "binomial" else y
    settings = {"family": family, "n_alphas": 40, "alpha_min_ratio": 0.1}
    cv, path = riata.cross_validate(X, y, cv=10, **settings), riata.fit_path(X, y, **settings)
    assert (cv.status == "converged").all()
    assert path.n_passes <= 2.0 * 40
    # where the solvers start, and the columns that any is in doubt about, once for eleven vectors
    assert cv.n_passes <= 2.0 * path.n_passes
    np.testing.assert_array_equal(cv.path.coefs.toarray() != 0, path.coefs.toarray() != 0)


@pytest.mark.parametrize("order", ["C", "F"])
def test_wide_folds_read_x_together(order):
    X, y = regression(100, 3000, seed=5)
    X = np.array(X, order=order)
    cv = riata.cross_validate(X, y, cv=5)
    one = riata.fit_path(X, y)
    # by rows all folds share a full pass an alpha; a path alone reads less, in scattered columns
    assert cv.n_passes <= (1.2 * cv.alphas.size if order == "C" else 1.6 * one.n_passes)
    csr = riata.cross_validate(csr_array(X), y, cv=5)
    assert csr.n_passes <= 3.0 * riata.fit_path(csr_array(X), y).n_passes


def test_tall_folds_with_a_perfect_fit_are_scored_row_by_row():
    """Danger: y_sq - b'(...) of a good fit is a difference of numbers that agree."""
    X, y = regression(400, 5, noise=0.0)
    folds = splits(400, 4)
    cv = riata.cross_validate(X, y, cv=folds, alphas=[1.0, 1e-9], **TIGHT)
    expected = naive_scores(X, y, folds, cv.alphas[0], **TIGHT)
    assert expected.min() < 1e-15
    np.testing.assert_allclose(cv.scores[0], expected, rtol=1e-4)


def test_a_nan_in_tall_data_is_found():
    X, y = regression(400, 5)
    X[17, 3] = np.nan
    with pytest.raises(ValueError, match="row 17, column 3"):
        riata.cross_validate(X, y, cv=4)


def test_a_column_that_is_constant_within_a_fold_leaves_rounding_only():
    """Danger: the fold's variance of the column comes out as -1e-17."""
    X = np.array([[1.0, 3.0], [1.0, 3.0], [2.0, 1.0], [2.0, 1.0], [3.0, 5.0], [4.0, 2.0]])
    y = np.array([1.0, 1.0, 2.0, 2.0, 1.0, 3.0])
    folds = [
        (np.setdiff1d(np.arange(6), part), np.array(part)) for part in ([0, 1], [2, 3], [4, 5])
    ]
    cv = riata.cross_validate(X, y, cv=folds, n_alphas=4, **TIGHT)
    expected = naive_scores(X, y, folds, cv.alphas[0], **TIGHT)
    np.testing.assert_allclose(cv.scores[0], expected, rtol=1e-8, atol=1e-14)


def test_late_fits_are_counted_once_whatever_the_gammas():
    """Danger: five times, once for each gamma."""
    X, y = regression(60, 10)
    with pytest.warns(riata.exceptions.convergence_warning()) as caught:
        riata.cross_validate(X, y, cv=5, n_alphas=20, max_iter=1, relaxed=True)
    assert len(caught) == 1
    assert " of 120 fits" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_groups_beside_pairs_are_refused():
    """Danger: they were ignored."""
    X, y = regression(30, 5)
    with pytest.raises(ValueError, match=r"groups must be None where cv holds pairs"):
        riata.cross_validate(X, y, cv=[(np.arange(20), np.arange(20, 30))], groups=np.arange(30))


@pytest.mark.parametrize(("missing", "error"), [(None, TypeError), (np.nan, ValueError)])
def test_a_row_without_a_group_is_refused(missing, error):
    X, y = regression(30, 5)
    groups = [missing, *(float(k % 5) for k in range(29))]
    with pytest.raises(error, match="groups must hold"):
        riata.cross_validate(X, y, cv=3, groups=groups)
