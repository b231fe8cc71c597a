"""What the rules choose, ties included."""

import numpy as np
import pytest
from problems import interrupt_at, regression

import riata
from riata.cv_result import CrossValidatedPath


def made(mean, se=0.0, *, counts=None, ratios=(1.0,), greater=False, rule="min"):
    """Return a result with these means (R, L); two folds that lie se to both sides of them."""
    mean = np.atleast_2d(np.asarray(mean, float))
    R, L = mean.shape
    spread = np.broadcast_to(se, mean.shape)
    X, y = regression(20, 8)
    alphas = np.logspace(0, -2, L)
    paths = [riata.fit_path(X, y, alphas=alphas) for _ in range(R)]
    if counts is not None:
        for path, row in zip(paths, np.atleast_2d(counts), strict=True):
            path.coefs.indptr[1:] = np.cumsum(row)
    return CrossValidatedPath.from_scores(
        rule, l1_ratios=np.array(ratios), gammas=np.ones(R), alphas=np.tile(alphas, (R, 1)),
        scores=np.stack([mean - spread, mean + spread], axis=2), fold_weights=np.ones(2) / 2,
        scoring="mse", greater_is_better=greater, paths=paths, fold_paths=None, predictions=None,
        status=np.full((R, L, 2), "converged"), n_iter=np.ones((R, L, 2), dtype=int), n_passes=1.0,
    )  # fmt: skip


def test_min_takes_the_largest_alpha_of_equal_means():
    cv = made([3.0, 1.0, 1.0, 2.0])
    assert cv.select("min") == (0, 1)
    assert cv.alpha_min == cv.alphas[0, 1]


def test_min_takes_the_largest_l1_ratio_of_equal_means():
    cv = made([[3.0, 1.0], [1.0, 3.0], [1.0, 1.0]], ratios=(0.5, 0.9, 0.1))
    assert cv.select("min") == (1, 0)


def test_one_se_is_the_largest_alpha_within_the_error_of_the_best():
    cv = made([9.0, 3.0, 2.5, 2.0, 2.4], [5.0, 1.0, 1.0, 1.0, 1.0])
    assert cv.se[0, 3] == pytest.approx(1.0)
    assert cv.select("1se") == (0, 1)  # 3.0 <= 2.0 + 1.0; the error of 9.0 itself doesn't count
    assert cv.alpha_1se == cv.alphas[0, 1]


def test_one_se_of_a_score_that_should_be_large():
    cv = made([-9.0, 0.5, 0.9, 0.6], 0.4, greater=True)
    assert cv.select("min") == (0, 2)
    assert cv.select("1se") == (0, 1)


def test_one_se_stays_in_the_grid_of_the_best_l1_ratio():
    cv = made([[2.0, 2.0, 2.0], [9.0, 2.5, 1.5]], 1.0, ratios=(1.0, 0.5))
    assert cv.select("1se") == (1, 1)
    assert cv.l1_ratio_min == 0.5


def test_a_percentage_takes_the_sparsest_model_near_the_best():
    cv = made([[5.0, 1.04, 1.0], [1.05, 1.03, 1.2]], counts=[[0, 3, 7], [9, 2, 1]],
              ratios=(1.0, 0.5))  # fmt: skip
    assert cv.select("5%") == (1, 1)
    assert cv.select("0%") == (0, 2)
    assert cv.select("20%") == (1, 2)


def test_equally_sparse_models_are_told_apart_by_their_mean():
    cv = made([1.0, 1.04, 1.03], counts=[5, 2, 2])
    assert cv.select("5%") == (0, 2)


def test_a_callable_chooses():
    cv = made([3.0, 2.0, 1.0], rule=lambda cv: (0, np.argmax(cv.alphas[0] < 0.5)))
    assert cv.alpha == cv.alphas[0, 1]
    assert np.array_equal(cv.coef(), cv.path.coef(cv.alpha))
    assert np.array_equal(cv.coef("min"), cv.path.coef(cv.alphas[0, 2]))
    assert cv.select(lambda cv: (-1, -1)) == (0, 2)


@pytest.mark.parametrize(
    "place", [7, None, (0, 0.0), (0.9, 0.05), (0, 3), (1, 0), (0,), (0, 0, 0), ("0", 1)]
)
def test_what_a_callable_returns_is_two_integers(place):
    """Danger: (l1_ratio, alpha) was cut to (0, 0), the largest alpha."""
    with pytest.raises(ValueError, match=r"rule must return .* within \(1, 3\)"):
        made([3.0, 2.0, 1.0]).select(lambda cv: place)


def test_a_callable_is_given_a_result_that_is_whole():
    """Danger: it had no path yet."""

    def rule(cv):
        assert (cv.alpha, cv.l1_ratio, cv.gamma) == (cv.alpha_min, cv.l1_ratio_min, cv.gamma_min)
        assert np.array_equal(cv.coef(), cv.path.coef(cv.alpha_min))
        assert "best mean" in repr(cv)
        return 0, int(np.argmin(cv.path.bic()))

    X, y = regression(30, 5)
    cv = riata.cross_validate(X, y, cv=3, rule=rule)
    assert cv.alpha == cv.alphas[0, np.argmin(cv.path.bic())]


def test_a_rule_that_fails_does_not_hide_ctrl_c(monkeypatch):
    """Danger: its exception was raised instead, and what had been solved was lost."""
    X, y = regression(50, 90, seed=1)
    interrupt_at(monkeypatch, 18)
    with pytest.raises(KeyboardInterrupt) as caught:
        riata.cross_validate(X, y, cv=3, n_alphas=10, n_threads=1, rule=lambda cv: 1 // 0)
    assert caught.value.path.rule == "min"
    assert caught.value.path.alpha == caught.value.path.alpha_min


def test_one_se_of_one_fold_is_refused_before_the_work(monkeypatch):
    X, y = regression(30, 5)
    monkeypatch.setattr(riata.path.Lane, "step", None)
    pairs = [(np.arange(20), np.arange(20, 30)), (np.arange(10, 30), np.arange(10))]
    for cv, w in ((pairs[:1], None), (pairs, np.r_[np.zeros(10), np.ones(20)])):
        with pytest.raises(ValueError, match="two folds"):
            riata.cross_validate(X, y, cv=cv, sample_weight=w, rule="1se")


def test_some_held_out_row_must_count():
    X, y = regression(30, 5)
    pairs = [(np.arange(20), np.arange(20, 30))]
    with pytest.raises(ValueError, match="cv must hold out rows of positive weight"):
        riata.cross_validate(X, y, cv=pairs, sample_weight=np.r_[np.ones(20), np.zeros(10)])


def test_unsolved_alphas_are_never_chosen():
    mean = [3.0, np.nan, 1.0, np.nan]
    assert made(mean).select("min") == (0, 2)
    assert made(mean, 5.0).select("1se") == (0, 0)


def test_one_fold_has_no_standard_error():
    X, y = regression(30, 5)
    cv = riata.cross_validate(X, y, cv=[(np.arange(20), np.arange(20, 30))])
    assert np.isnan(cv.se).all()
    assert np.isnan(cv.alpha_1se)
    with pytest.raises(ValueError, match="two folds"):
        cv.coef("1se")
    assert np.isfinite(cv.alpha_min)


@pytest.mark.parametrize("rule", ["best", "-5%", "x%", "nan%", "inf%"])
def test_wrong_rules_are_refused(rule):
    with pytest.raises(ValueError, match="rule must be"):
        riata.cross_validate(np.eye(5), np.arange(5.0), rule=rule)


def test_a_rule_that_is_no_word_is_refused():
    with pytest.raises(TypeError, match="rule must be"):
        riata.cross_validate(np.eye(5), np.arange(5.0), rule=3)
