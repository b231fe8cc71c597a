"""The plot of a path shows the path's numbers."""

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from certified import certified_fit
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from problems import regression
from sklearn.datasets import load_diabetes

import riata
from riata.plotting import _spread, plot_path

mpl.use("Agg")


@pytest.fixture(scope="module")
def diabetes():
    data = load_diabetes()
    return certified_fit(data.data, data.target), list(data.feature_names)


@pytest.fixture(scope="module")
def wide():
    X, y = regression(n=50, p=200, seed=2)
    return certified_fit(X, y)


def new_axes(height=5.5):
    return Figure(figsize=(9, height), layout="constrained").add_subplot()


def coloured(ax):
    """Return the named lines by their names (not the zero line)."""
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def grey(ax):
    (collection,) = (c for c in ax.collections if isinstance(c, LineCollection))
    return collection.get_segments()


def top_axis(ax):
    (top,) = ax.child_axes
    return top


def test_small_path_has_every_feature_as_a_named_line(diabetes):
    path, names = diabetes
    ax = plot_path(path, new_axes(), feature_names=names)
    lines = coloured(ax)
    assert sorted(lines) == sorted(names)
    coefs = path.coefs.toarray()
    for name, line in lines.items():
        np.testing.assert_array_equal(line.get_xdata(), -np.log(path.alphas))
        np.testing.assert_array_equal(line.get_ydata(), coefs[names.index(name)])
    assert ax.get_xlabel() == "-log(alpha)"
    assert ax.get_xlim() == pytest.approx((-np.log(path.alphas[0]), -np.log(path.alphas[-1])))


def test_wide_path_names_the_strongest_and_greys_the_others(wide):
    ax = plot_path(wide, new_axes(), n_labels=5)
    coefs = wide.coefs.toarray()
    strongest = np.argsort(-np.abs(coefs[:, -1]), kind="stable")[:5]
    assert list(coloured(ax)) == [str(j) for j in strongest]
    active = np.flatnonzero((coefs != 0).any(axis=1))
    others = np.setdiff1d(active, strongest)
    segments = grey(ax)
    assert len(segments) == len(others)
    for j, segment in zip(others, segments, strict=True):
        np.testing.assert_array_equal(segment, np.column_stack([-np.log(wide.alphas), coefs[j]]))
    low, high = ax.get_ylim()
    assert low < coefs.min() < coefs.max() < high


def test_top_axis_counts_the_non_zeros(wide):
    ax = plot_path(wide, new_axes())
    top = top_axis(ax)
    counts = (wide.coefs.toarray() != 0).sum(axis=0)
    places = top.get_xticks()
    labels = [label.get_text() for label in top.get_xticklabels()]
    assert len(places) == 8
    for place, label in zip(places, labels, strict=True):
        (k,) = np.flatnonzero(-np.log(wide.alphas) == place)
        assert int(label) == counts[k]
    assert top.get_xlabel() == "non-zero coefficients"


@pytest.mark.parametrize("n_labels", [3, 10, 100])
def test_names_are_right_of_the_axes_in_order_and_do_not_overlap(wide, n_labels):
    names = [f"a long name for feature {j}" for j in range(200)]
    ax = plot_path(wide, new_axes(height=4), n_labels, feature_names=names)
    figure = ax.figure
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in ax.texts]  # without the line to the curve
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)
    for box in boxes:
        assert box.x0 >= ax.get_window_extent().x1
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1
    heights = [text.get_position()[1] for text in ax.texts]
    ends = [coloured(ax)[text.get_text()].get_ydata()[-1] for text in ax.texts]
    assert np.argsort(heights).tolist() == np.argsort(ends, kind="stable").tolist()
    assert len(boxes) == n_labels if n_labels < 100 else 10 < len(boxes) < 50


def test_long_names_lose_their_middle(diabetes):
    """Danger: names that begin alike were all cut to the same text."""
    path, _ = diabetes
    names = [f"expression of the gene number {j}" for j in range(10)]
    ax = plot_path(path, new_axes(), feature_names=names)
    assert {text.get_text() for text in ax.texts} == {
        f"expression o...gene number {j}" for j in range(10)
    }
    ax = plot_path(path, new_axes(), feature_names=[f"{'x' * 27}{j}" for j in range(10)])
    assert {text.get_text() for text in ax.texts} == {f"{'x' * 27}{j}" for j in range(10)}


@pytest.mark.parametrize("style", ["default", "grayscale"])  # the second has a cycle of five
def test_named_features_look_different(style, wide):
    """Danger: two of the ten names that are the default had one colour."""
    import matplotlib.pyplot as plt

    with plt.style.context(style):
        ax = plot_path(wide, new_axes(height=8), 30)
    looks = [(to_rgb(line.get_color()), line.get_linestyle()) for line in coloured(ax).values()]
    assert len(looks) == len(set(looks)) == 30
    assert len({color for color, _ in looks[:10]}) == 10


def test_names_come_from_the_path_and_are_the_method_s():
    import pandas as pd

    data = load_diabetes()
    frame = pd.DataFrame(data.data, columns=data.feature_names)
    path = certified_fit(frame, data.target, truth=data.data)
    ax = path.plot(new_axes())
    assert sorted(coloured(ax)) == sorted(data.feature_names)
    assert sorted(text.get_text() for text in ax.texts) == sorted(data.feature_names)


def test_without_axes_a_figure_is_made(diabetes):
    import matplotlib.pyplot as plt

    path, _ = diabetes
    before = set(plt.get_fignums())
    ax = path.plot()
    made = set(plt.get_fignums()) - before
    assert [plt.figure(number).axes[0] for number in made] == [ax]
    for number in made:
        plt.close(number)


def test_alpha_zero_and_unsolved_alphas_are_left_out(diabetes):
    data = load_diabetes()
    path = certified_fit(data.data, data.target, alphas=[1.0, 0.5, 0.1, 0.0])
    path.dual_gaps[1] = np.nan  # as max_time and Ctrl-C leave it
    ax = plot_path(path, new_axes())
    for line in coloured(ax).values():
        np.testing.assert_allclose(line.get_xdata(), [0.0, -np.log(0.1)], atol=1e-15)


def test_one_alpha_is_drawn_as_points():
    data = load_diabetes()
    path = certified_fit(data.data, data.target, alphas=[0.1])
    ax = plot_path(path, new_axes(), n_labels=2)
    assert len(coloured(ax)) == 2
    assert all(line.get_marker() == "." for line in coloured(ax).values())
    assert ax.get_xlim() == pytest.approx((-np.log(0.1) - 0.5, -np.log(0.1) + 0.5))
    (points,) = ax.collections
    assert len(points.get_offsets()) == np.count_nonzero(path.coefs.toarray()) - 2


def test_a_path_of_zeros_is_drawn():
    X, _ = regression(n=20, p=4)
    path = certified_fit(X, np.ones(20), n_alphas=5)
    ax = plot_path(path, new_axes())
    assert coloured(ax) == {}
    assert [label.get_text() for label in top_axis(ax).get_xticklabels()] == ["0"] * 5


def test_one_alpha_without_a_coefficient_stands_in_the_middle():
    data = load_diabetes()
    ax = plot_path(certified_fit(data.data, data.target, alphas=[1e6]), new_axes())
    assert ax.get_xlim() == pytest.approx((-np.log(1e6) - 0.5, -np.log(1e6) + 0.5))


@pytest.mark.parametrize(
    "given",
    [
        *({"n_labels": value} for value in ("x", None, 2.5, -1, True)),
        *({"ax": value} for value in ("x", 3, Figure(), [1])),
        *({"path": value} for value in ("x", None, 3)),
        *({"feature_names": value} for value in (3, "abcdefghij", 2.5)),
    ],
    ids=str,
)
def test_an_argument_of_the_wrong_kind_is_refused_by_name(given, diabetes):
    (name,) = given
    kind = ValueError if given == {"n_labels": -1} else TypeError
    with pytest.raises(kind, match=f"^{name} must be .*, got "):
        plot_path(**{"path": diabetes[0], "ax": new_axes(), **given})


def test_a_cross_validation_is_sent_to_its_own_plot():
    X, y = regression(n=20, p=4)
    cv = riata.cross_validate(X, y, cv=2, n_alphas=3)
    with pytest.raises(TypeError, match=r"^path must .*got CrossValidatedPath: call plot_cross"):
        plot_path(cv)


@pytest.mark.parametrize("family", ["multigaussian", "multinomial"])
def test_of_several_responses_the_norm_of_each_feature_is_drawn(family):
    X, y = regression(n=40, p=6, seed=4)
    Y = np.c_[y, X[:, 1], -y] if family == "multigaussian" else np.digitize(y, [-1.0, 1.0])
    path = riata.fit_path(X, Y, family=family, n_alphas=8, alpha_min_ratio=0.05)
    ax = path.plot(new_axes())
    norms = np.linalg.norm([part.toarray() for part in path.coefs], axis=0)
    lines = coloured(ax)
    assert sorted(lines) == [str(j) for j in np.flatnonzero(norms.any(axis=1))]
    for name, line in lines.items():
        np.testing.assert_allclose(line.get_ydata(), norms[int(name)], rtol=1e-14)
    assert ax.get_ylabel() == "norm of a feature's coefficients"
    assert top_axis(ax).get_xlabel() == "features in the model"
    counts = [int(tick.get_text()) for tick in top_axis(ax).get_xticklabels()]
    assert counts == list(path.support_sizes())


def test_wrong_arguments_are_refused(diabetes):
    path, _ = diabetes
    with pytest.raises(ValueError, match=r"feature_names must be 10 names.*got 2"):
        plot_path(path, new_axes(), feature_names=["a", "b"])
    data = load_diabetes()
    least_squares = certified_fit(data.data, data.target, alphas=[0.0])
    with pytest.raises(ValueError, match="solved alpha > 0"):
        plot_path(least_squares, new_axes())


def test_a_missing_matplotlib_is_named_with_the_command(diabetes, monkeypatch):
    path, _ = diabetes
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'riata\[plot\]'"):
        path.plot()


def test_matplotlib_is_loaded_only_to_draw():
    program = "import sys, riata, riata.plotting, riata.cli; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("seed", range(20))
def test_spread_is_the_nearest_places_that_keep_their_distance(seed):
    rng = np.random.default_rng(seed)
    heights = np.sort(rng.random(7) * rng.choice([0.1, 1.0]) + rng.choice([0.0, 0.5]))
    heights = np.clip(heights, 0, 1)
    step = 0.1
    places = _spread(heights, step)
    assert (np.diff(places) >= step - 1e-12).all()
    assert places.min() >= -1e-12
    assert places.max() <= 1 + 1e-12
    # nothing admissible nearby is closer, in the sum of squares
    cost = np.sum((places - heights) ** 2)
    for _ in range(500):
        other = np.sort(np.clip(places + 0.02 * rng.standard_normal(7), 0, 1))
        if (np.diff(other) >= step).all():
            assert np.sum((other - heights) ** 2) >= cost - 1e-12


def test_dollars_in_a_name_are_no_mathematics(tmp_path):
    """Danger: a column "cost_$_$" ended the drawing in a parser's error."""
    X, y = regression(40, 3, seed=3)
    path = certified_fit(X, y, n_alphas=5)
    ax = plot_path(path, new_axes(), feature_names=["cost_$_$", "$x$", "100 %"])
    ax.figure.savefig(tmp_path / "names.png")
    assert {"cost_$_$", "$x$", "100 %"} <= {text.get_text() for text in ax.texts}
