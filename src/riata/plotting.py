"""Draw a path or its cross-validation.  matplotlib is imported when something is drawn."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from riata.arguments import check_count
from riata.cv_result import CrossValidatedPath
from riata.result import RegularizationPath
from riata.result_multi import MultiResponsePath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

LABEL_SIZE = 8.0  # points
LONGEST_NAME = 28  # characters
MOST_ROWS = 10  # of a cross-validation, drawn and named
BEST = "tab:red"
# By name, for a style may have fewer than ten; grey is for the unnamed lines.
COLOURS = [
    *("tab:blue", "tab:orange", "tab:green", BEST, "tab:purple", "tab:brown", "tab:pink"),
    *("tab:olive", "tab:cyan", "navy", "gold", "darkgreen"),
]


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError("plotting needs matplotlib: pip install 'riata[plot]'") from error
    return matplotlib


def image_formats() -> list[str]:
    """Return the endings of the image files that matplotlib can write here, in order."""
    _matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    return sorted(FigureCanvasBase.get_supported_filetypes())


def plot_path(
    path: RegularizationPath,
    ax: Axes | None = None,
    n_labels: int = 10,
    *,
    feature_names: Sequence[str] | None = None,
) -> Axes:
    """Draw the coefficients against -log(alpha), with the count of non-zeros on top.

    Of several responses or classes the Euclidean norm of each feature's coefficients.

    Parameters
    ----------
    path : RegularizationPath
    ax : matplotlib Axes or None
        Where to draw; None: a new figure of matplotlib.pyplot.
    n_labels : int >= 0
        The `n_labels` features whose coefficients are largest in absolute value at the last solved
        alpha are drawn in colour and named at the right edge (fewer where the axes are too low);
        the others are grey.
    feature_names : sequence of p str or None
        Names for the labels; default: `path.feature_names_in_`, or the features' numbers.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If an argument is of another type than said above.
    ValueError
        If no alpha > 0 is solved, the number of names is not the number of features, or `n_labels`
        is negative.

    Notes
    -----
    alpha = 0 has no place on a logarithmic axis and is left out, as are alphas without a solution.
    Features that are zero on the whole path are not drawn.
    """
    ax = _check_axes(ax)
    _check_path(path)
    n_labels = check_count(n_labels, "n_labels", 0)
    names = _names(path, feature_names)
    from matplotlib.collections import LineCollection

    drawn = np.flatnonzero((path.alphas > 0) & np.isfinite(path.dual_gaps))
    if not len(drawn):
        raise ValueError("path must have a solved alpha > 0 to be drawn, got none")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(9, 5.5), layout="constrained")

    x = -np.log(path.alphas[drawn])
    several = isinstance(path, MultiResponsePath)
    coefs = (_norms(path.coefs) if several else path.coefs)[:, drawn].tocsr()
    counts = (coefs != 0).sum(axis=0)
    active = np.flatnonzero((coefs != 0).sum(axis=1))
    heights = coefs[active].toarray()
    # Strongest first; equal ones in the order of the features.
    order = np.argsort(-np.abs(heights[:, -1]), kind="stable")
    n_labels = min(n_labels, _labels_that_fit(ax))
    named = [k for k in order[:n_labels] if heights[k, -1] != 0]
    others = np.setdiff1d(np.arange(len(active)), named)

    ax.axhline(0.0, color="0.4", linewidth=1.5, zorder=2.5)  # hides lines while they are 0
    style: dict[str, Any] = {"marker": "."} if len(x) == 1 else {}
    if len(x) == 1:
        ax.scatter(np.full(len(others), x[0]), heights[others, 0], color="0.75", s=8)
    else:
        segments = [np.column_stack([x, heights[k]]) for k in others]
        ax.add_collection(
            LineCollection(segments, colors="0.75", linewidths=0.6, zorder=1.5, label="_others")
        )
    looks = itertools.cycle(itertools.product(("-", "--", ":"), COLOURS))
    lines = [
        ax.plot(x, heights[k], ls=ls, color=color, lw=1.4, label=names[active[k]], **style)[0]
        for k, (ls, color) in zip(named, looks, strict=False)
    ]
    ax.autoscale_view()
    ax.set_xlim((x[0], x[-1]) if len(x) > 1 else (x[0] - 0.5, x[0] + 0.5))
    ax.set_xlabel("-log(alpha)")
    ax.set_ylabel("norm of a feature's coefficients" if several else "coefficient")
    _mark_counts(ax, x, counts, _what_counts(path))
    _write_names(ax, lines)
    return ax


def plot_cross_validation(cv: CrossValidatedPath, ax: Axes | None = None) -> Axes:
    """Draw mean scores against -log(alpha), with bars of one standard error.

    Parameters
    ----------
    cv : CrossValidatedPath
    ax : matplotlib Axes or None
        Where to draw; None: a new figure of matplotlib.pyplot.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If an argument is of another type than said above.
    ValueError
        If no alpha > 0 is solved in all folds.

    Notes
    -----
    The row of the best mean has the bars, the dotted lines at ``alpha_min`` and ``alpha_1se``
    and the counts of non-zeros; each of the others is a line. Of more than ten rows the best gamma
    of each l1_ratio is drawn, and of these the ten best. alpha = 0 is left out.
    """
    ax = _check_axes(ax)
    if not isinstance(cv, CrossValidatedPath):
        raise TypeError(
            f"cv must be a CrossValidatedPath, as cross_validate returns it, got {_kind_of(cv)}"
        )
    solved = (cv.alphas > 0) & np.isfinite(cv.mean)
    if not solved.any():
        raise ValueError("an alpha > 0 must be solved in all folds to be drawn, got none")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(9, 5.5), layout="constrained")

    mixed = len(set(cv.gammas)) > 1
    labels = [
        f"l1_ratio {ratio:g}" + (f", gamma {gamma:g}" if mixed else "")
        for ratio, gamma in zip(cv.l1_ratios, cv.gammas, strict=True)
    ]
    at_best = (cv.l1_ratios == cv.l1_ratio_min) & (cv.gammas == cv.gamma_min)
    best = int(np.flatnonzero(at_best)[0])
    rows = _rows_to_draw(cv, solved, best)
    others = [r for r in rows if r != best]
    for r, color in zip(others, [c for c in COLOURS if c != BEST], strict=False):
        x = -np.log(cv.alphas[r, solved[r]])
        ax.plot(x, cv.mean[r, solved[r]], lw=1.0, zorder=1.5, color=color, label=labels[r])
    drawn = solved[best]
    x = -np.log(cv.alphas[best, drawn])
    errors = None if np.isnan(cv.se[best, drawn]).all() else cv.se[best, drawn]
    ax.errorbar(
        x, cv.mean[best, drawn], errors, fmt="o", markersize=3.5, color=BEST, ecolor="0.65",
        elinewidth=0.8, capsize=2, label=labels[best],
    )  # fmt: skip
    for alpha in {cv.alpha_min, cv.alpha_1se} - {0.0}:
        if np.isfinite(alpha):
            ax.axvline(-np.log(alpha), color="0.3", linestyle=":", linewidth=1.2)
    ax.set_xlabel("-log(alpha)")
    ax.set_ylabel(cv.scoring)
    if len(cv.l1_ratios) > 1:
        left_out = len(rows) < len(labels)
        title = f"{len(rows)} of {len(labels)} rows" if left_out else None
        ax.legend(frameon=False, title=title, fontsize=LABEL_SIZE, title_fontsize=LABEL_SIZE)
    path = cv.paths[best]
    _mark_counts(ax, x, path.support_sizes()[drawn], _what_counts(path))
    return ax


def _kind_of(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else type(value).__name__


def _check_axes(ax: Any) -> Any:
    _matplotlib()
    from matplotlib.axes import Axes

    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be a matplotlib Axes or None, got {_kind_of(ax)}: "
            "pass one of those that plt.subplots() or figure.add_subplot() return"
        )
    return ax


def _check_path(path: Any) -> None:
    if not isinstance(path, RegularizationPath):
        advice = ": call plot_cross_validation" if isinstance(path, CrossValidatedPath) else ""
        raise TypeError(
            "path must be a RegularizationPath, as fit_path returns it, "
            f"got {_kind_of(path)}{advice}"
        )


def _norms(coefs: list[Any]) -> Any:
    """Return the Euclidean norms over all responses, sparse, (p, L)."""
    return sum(part.power(2) for part in coefs).sqrt()


def _what_counts(path: RegularizationPath) -> str:
    several = isinstance(path, MultiResponsePath)
    return "features in the model" if several else "non-zero coefficients"


def _names(path: RegularizationPath, feature_names: Sequence[str] | None) -> list[str]:
    p = path.n_features_in_
    given = path.feature_names_in_ if feature_names is None else feature_names
    if given is None:
        return [str(j) for j in range(p)]
    wanted = f"feature_names must be {p} names, one per feature, got"
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise TypeError(f"{wanted} {given!r}: pass a list of them")
    if len(given) != p:
        raise ValueError(f"{wanted} {len(given)}")
    return [str(name) for name in given]


def _shortened(name: str) -> str:
    """Cut the middle, for names often begin alike."""
    half = (LONGEST_NAME - 3) // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}...{name[-half - 1 :]}"


def _rows_to_draw(cv: CrossValidatedPath, solved: Any, best: int) -> list[int]:
    """Return all solved rows; of too many the best gamma of each l1_ratio, of these the best."""
    losses = np.where(solved, -cv.mean if cv.greater_is_better else cv.mean, np.inf).min(axis=1)
    order = np.argsort(losses, kind="stable")
    rows = [best, *(int(r) for r in order if np.isfinite(losses[r]) and r != best)]
    if len(rows) > MOST_ROWS:
        _, first = np.unique(cv.l1_ratios[rows], return_index=True)
        rows = [rows[k] for k in np.sort(first)[:MOST_ROWS]]
    return sorted(rows)


def _mark_counts(ax: Axes, x: Any, counts: Any, what: str) -> None:
    """Give the top axis ticks at some eight alphas of the path, labelled with their counts."""
    places = np.unique(np.linspace(0, len(x) - 1, 8).round().astype(int))
    top = ax.secondary_xaxis("top")
    top.set_xticks(x[places], [f"{counts[k]:d}" for k in places])
    top.set_xlabel(what)


def _height_in_points(ax: Axes) -> float:
    return float(ax.get_window_extent().height / ax.figure.dpi * 72.0)


def _labels_that_fit(ax: Axes) -> int:
    return int(_height_in_points(ax) / (1.3 * LABEL_SIZE))


def _write_names(ax: Axes, lines: list[Any]) -> None:
    """Name each line right of the axes at its last height, moved apart where they would overlap."""
    if not lines:
        return
    low, high = ax.get_ylim()
    ends = np.array([line.get_ydata()[-1] for line in lines])
    order = np.argsort(ends, kind="stable")
    step = 1.3 * LABEL_SIZE / _height_in_points(ax)
    places = _spread((ends[order] - low) / (high - low), step)
    for k, place in zip(order, places, strict=True):
        ax.annotate(
            _shortened(lines[k].get_label()),
            xy=(1.0, (ends[k] - low) / (high - low)),
            xytext=(1.03, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=lines[k].get_color(),
            fontsize=LABEL_SIZE,
            verticalalignment="center",
            annotation_clip=False,
            parse_math=False,  # a dollar is a dollar
            arrowprops={"arrowstyle": "-", "color": lines[k].get_color(), "linewidth": 0.6,
                        "shrinkA": 0.0, "shrinkB": 0.0, "relpos": (0.0, 0.5)},
        )  # fmt: skip


def _spread(heights: Any, step: float) -> Any:
    """Return the places in [0, 1] nearest to `heights` (ascending) that are `step` apart.

    With h_k = heights_k - k step the condition is that h is non-decreasing: least squares under it
    is isotonic regression, done by pooling neighbours that are in the wrong order.
    """
    offsets = step * np.arange(len(heights))
    pools: list[list[float]] = []  # [mean, count], means increasing
    for height in heights - offsets:
        pools.append([float(height), 1.0])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            mean, count = pools.pop()
            total = pools[-1][1] + count
            pools[-1] = [(pools[-1][0] * pools[-1][1] + mean * count) / total, total]
    spread = np.concatenate([np.full(int(count), mean) for mean, count in pools])
    return np.clip(spread, 0.0, max(0.0, 1.0 - offsets[-1])) + offsets
