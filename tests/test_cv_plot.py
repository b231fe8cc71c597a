"""The plot of a cross-validation: what stands where."""

import warnings

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from problems import regression

import riata
from riata.plotting import plot_cross_validation


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def dotted(ax):
    return sorted(line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":")


def test_means_bars_dotted_lines_and_counts():
    X, y = regression(60, 20)
    cv = riata.cross_validate(X, y, cv=5, n_alphas=30)
    ax = cv.plot()
    (container,) = ax.containers
    x, mean = container.lines[0].get_data()
    np.testing.assert_allclose(x, -np.log(cv.alphas[0]))
    np.testing.assert_allclose(mean, cv.mean[0])
    bars = np.array(container.lines[2][0].get_segments())
    np.testing.assert_allclose(bars[:, 1, 1] - bars[:, 0, 1], 2 * cv.se[0])
    assert dotted(ax) == pytest.approx(sorted(-np.log([cv.alpha_min, cv.alpha_1se])))
    top = ax.child_axes[0]
    counts = [int(label.get_text()) for label in top.get_xticklabels()]
    assert counts[0] == 0
    assert counts[-1] == np.count_nonzero(cv.path.coef(cv.alphas[0, -1]))
    assert ax.get_ylabel() == "deviance"


def test_other_l1_ratios_are_lines():
    X, y = regression(60, 20)
    cv = riata.cross_validate(X, y, cv=5, n_alphas=10, l1_ratio=[0.2, 1.0, 0.5])
    _, given = plt.subplots()
    ax = cv.plot(given)
    assert ax is given
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(labels) == ["l1_ratio 0.2", "l1_ratio 0.5", "l1_ratio 1"]
    assert len(ax.containers) == 1


def test_of_too_many_rows_the_best_gamma_of_each_l1_ratio_is_drawn():
    """Danger: a legend of 35 rows left no room for the axes."""
    X, y = regression(60, 20)
    ratios = [0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 1.0]
    cv = riata.cross_validate(X, y, cv=5, n_alphas=10, l1_ratio=ratios, relaxed=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that a layout could not be applied
        ax = cv.plot()
        ax.figure.draw_without_rendering()
    assert ax.get_window_extent().height > 0.7 * ax.figure.bbox.height
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "7 of 35 rows"
    labels = [text.get_text() for text in legend.get_texts()]
    for ratio in ratios:
        rows = np.flatnonzero(cv.l1_ratios == ratio)
        best = rows[np.argmin(np.nanmin(cv.mean[rows], axis=1))]
        assert f"l1_ratio {ratio:g}, gamma {cv.gammas[best]:g}" in labels
    assert len(labels) == 7


@pytest.mark.parametrize("scoring", ["mse", "r2"])
def test_of_too_many_l1_ratios_the_ten_best_are_drawn_each_in_its_colour(scoring):
    X, y = regression(60, 20)
    ratios = np.linspace(0.1, 1, 13).round(3)
    cv = riata.cross_validate(X, y, cv=5, n_alphas=10, l1_ratio=ratios, scoring=scoring)
    ax = cv.plot()
    assert ax.get_legend().get_title().get_text() == "10 of 13 rows"
    losses = (-cv.mean if scoring == "r2" else cv.mean).min(axis=1)
    wanted = {f"l1_ratio {cv.l1_ratios[r]:g}" for r in np.argsort(losses)[:10]}
    assert {text.get_text() for text in ax.get_legend().get_texts()} == wanted
    lines = [line for line in ax.lines if line.get_label() in wanted]
    colours = {line.get_color() for line in (*lines, ax.containers[0].lines[0])}
    assert len(colours) == 10


@pytest.mark.parametrize("ax", ["x", 3, plt.Figure()], ids=str)
def test_an_argument_of_the_wrong_kind_is_refused_by_name(ax):
    X, y = regression(40, 5)
    cv = riata.cross_validate(X, y, cv=3, n_alphas=5)
    with pytest.raises(TypeError, match=r"^ax must be a matplotlib Axes or None, got .*: pass"):
        cv.plot(ax)
    with pytest.raises(TypeError, match=r"^cv must be a CrossValidatedPath, .*, got Regul"):
        plot_cross_validation(cv.path)


def test_several_responses_count_the_features_of_any():
    X, _ = regression(60, 20)
    Y = X[:, :3] @ np.diag([2.0, 1.0, 0.5])
    cv = riata.cross_validate(X, Y, family="multigaussian", cv=3, n_alphas=8, scoring="mae")
    ax = cv.plot()
    top = ax.child_axes[0]
    counts = [int(label.get_text()) for label in top.get_xticklabels()]
    assert counts[-1] == np.count_nonzero(cv.path.coef(cv.alphas[0, -1]).any(axis=0))
    assert (top.get_xlabel(), ax.get_ylabel()) == ("features in the model", "mae")


def test_one_fold_has_no_bars_and_alpha_zero_no_place():
    X, y = regression(40, 5)
    cv = riata.cross_validate(X, y, cv=[(np.arange(30), np.arange(30, 40))], alphas=[1.0, 0.1, 0])
    ax = cv.plot()
    assert len(ax.containers[0].lines[0].get_xdata()) == 2
    assert all(np.isfinite(x) for x in dotted(ax))


def test_nothing_solved_is_nothing_to_draw():
    X, y = regression(40, 5)
    with pytest.warns(riata.exceptions.convergence_warning()):
        cv = riata.cross_validate(X, y, max_time=1e-9)
    with pytest.raises(ValueError, match="solved"):
        cv.plot()
