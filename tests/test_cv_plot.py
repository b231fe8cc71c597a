"""The plot of a cross-validation: what stands where."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from problems import regression

import riata


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
