"""Stability selection: which features enter the path on most halves of the data.

The rows are cut B times at random into two halves. On each half a path goes down the grid of all
data; feature j is selected at an alpha if it has entered by then. With Pi_j the share of the 2 B
halves that select j, and q the mean number of features selected, the expected number of features
with Pi_j >= tau that a random half selects with a probability of at most q / p is at most

    worst case     q^2 / (p (2 tau - 1))                                   (theorem 1)
    unimodal       C(tau, B) q^2 / p     for q / p <= 1 / sqrt 3           (theorem 2)

    C(tau, B) = 1 / (2 (2 tau - 1 - 1/(2 B)))      1/2 + 1/(2 B) + 3/4 (q/p)^2 < tau <= 3/4
                4 (1 - tau + 1/(2 B)) / (1 + 1/B)  tau > 3/4

Source: Shah, Samworth, "Variable selection with error control: another look at stability
selection", J. R. Stat. Soc. B 75(1), 2013.
"""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .arguments import (
    Data,
    check_alphas,
    check_count,
    check_data,
    check_flag,
    check_number,
    check_training,
)
from .blas import one_blas_thread
from .design import read_once
from .exceptions import convergence_warning
from .grid import automatic_grid, with_bar
from .lane import Lane
from .lockstep import MOST_LANES, descend
from .path import LATE, MODEL
from .problem import Fit
from .starts import Start, lanes_of, starts_of
from .stopping import Rule
from .stopping import check_rule as check_stopping

Floats = NDArray[np.float64]


class StabilitySelection:
    """Selection probabilities along a grid of alphas, with a bound on false selections.

    Made by `stability_selection`.

    Attributes
    ----------
    alphas : ndarray of shape (L,)
        Descending.
    probabilities : csc_array of shape (p, L)
        Share of the halves on which a feature has entered by that alpha.
    n_selected : ndarray of shape (L,)
        q: the mean number of features that have entered.
    error_bounds : ndarray of shape (L,)
        Bound of the expected number of false selections at `threshold`; infinite where the theory
        has none.
    threshold, error : float
    n_candidates : int
        p: the features that can be selected, those that are penalised.
    alpha : float
        The smallest alpha whose bound, like those of all larger alphas, is at most `error`.
    selected : ndarray of int
        The features whose probability at ``alpha`` is at least `threshold`, ascending.
    n_pairs : int
    """

    alphas: Floats
    probabilities: sp.csc_array
    n_selected: Floats
    error_bounds: Floats
    threshold: float
    error: float
    n_candidates: int
    alpha: float
    selected: NDArray[np.intp]
    n_pairs: int

    def __repr__(self) -> str:
        return (
            f"StabilitySelection({len(self.selected)} of {self.probabilities.shape[0]} features "
            f"selected in {self.threshold:.0%} of {2 * self.n_pairs} halves, at alpha="
            f"{self.alpha:.4g}; expected false selections <= {self.error:g})"
        )


def stability_selection(
    X: Any,
    y: Any,
    *,
    threshold: float = 0.75,
    error: float = 1.0,
    n_pairs: int = 50,
    unimodal: bool = True,
    random_state: int = 0,
    family: Any = "gaussian",
    alphas: Any = None,
    n_alphas: int = 100,
    alpha_min_ratio: float | None = None,
    l1_ratio: float = 1.0,
    fit_intercept: bool = True,
    standardize: bool = False,
    sample_weight: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    lower_bounds: Any = None,
    upper_bounds: Any = None,
    tol: float = 1e-4,
    max_iter: int = 10_000,
    n_threads: int | None = None,
    progress: bool = False,
) -> StabilitySelection:
    """Select the features that enter the path on most halves of the rows.

    Parameters
    ----------
    X, y, family, alphas, n_alphas, alpha_min_ratio, l1_ratio, fit_intercept, standardize, \
sample_weight, offset, penalty_factor, lower_bounds, upper_bounds, tol, max_iter, n_threads, \
progress
        As in `fit_path`; the grid is that of all data. The default of `tol` is looser: what counts
        is who has entered.
    threshold : float in (0.5, 1]
        Share of the halves that must select a feature.
    error : float > 0
        Most false selections to expect: a feature is false if a random half selects it with a
        probability of no more than the average feature's.
    n_pairs : int >= 1
        B: how often the rows are cut in two.
    unimodal : bool
        Whether to assume, for the bound, that the share of halves that select a false feature has
        a unimodal distribution; False is the worst case.
    random_state : int
        Seed of the cuts.

    Returns
    -------
    StabilitySelection

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as above; the message names it.

    Notes
    -----
    Cost: 2 `n_pairs` paths on half of the rows; X is not copied.

    References
    ----------
    Shah, Samworth, "Variable selection with error control: another look at stability selection",
    J. R. Stat. Soc. B 75(1), 2013, theorems 1 and 2; Meinshausen, Bühlmann, "Stability selection",
    J. R. Stat. Soc. B 72(4), 2010.

    Examples
    --------
    >>> import numpy as np, riata
    >>> X = np.random.default_rng(0).standard_normal((100, 20))
    >>> riata.stability_selection(X, X[:, 3] - X[:, 7], n_pairs=10, n_threads=1).selected
    array([3, 7])
    """
    settings = dict(locals())
    X, y = settings.pop("X"), settings.pop("y")
    threshold = check_number(threshold, "threshold", 0.5, 1.0, above=True)
    error = check_number(error, "error", 0.0, above=True)
    n_pairs = check_count(n_pairs, "n_pairs", 1)
    unimodal = check_flag(unimodal, "unimodal")
    seed = check_count(random_state, "random_state", 0)
    rule = check_stopping({**settings, "max_time": None})
    data = check_data(X, y, **{name: settings[name] for name in MODEL})
    data = replace(data, X=read_once(data.X))
    halves = _halves(data, n_pairs, seed)
    with one_blas_thread():
        lane = Start(data, rule).lane(data.l1_ratio)
    if alphas is None:
        ratio = alpha_min_ratio
        if ratio is not None:
            ratio = check_number(ratio, "alpha_min_ratio", 0.0, 1.0, above=True)
        count = check_count(n_alphas, "n_alphas", 1)
        grid = automatic_grid(lane.engine.alpha_max(), lane.centred.design, count, ratio)
    else:
        grid = check_alphas(alphas)
    candidates = _candidates(lane)
    with one_blas_thread():
        entered, late = _entries(data, halves, grid, rule)
    if late:
        warnings.warn(
            f"{late} of {len(halves) * len(grid)} fits ended above the tolerance: who has entered "
            "may be wrong; raise max_iter, loosen tol or leave out the smallest alphas",
            convergence_warning(),
            stacklevel=2,
        )

    found = StabilitySelection()
    found.alphas, found.n_pairs, found.n_candidates = grid, n_pairs, len(candidates)
    found.threshold, found.error = threshold, error
    found.probabilities, found.n_selected = _shares(entered, data.X.shape[1], len(grid), candidates)
    found.error_bounds = error_bound(
        found.n_selected, len(candidates), threshold, n_pairs, unimodal
    )
    within = np.minimum.accumulate(found.error_bounds <= error)
    k = int(np.count_nonzero(within)) - 1
    found.alpha = float(grid[max(k, 0)])
    column = found.probabilities[:, [max(k, 0)]].toarray()[:, 0]
    found.selected = np.flatnonzero(column >= threshold) if k >= 0 else np.empty(0, dtype=np.intp)
    return found


def _candidates(lane: Lane) -> NDArray[np.intp]:
    """Return the features that can be selected, by the caller's numbers: those penalised."""
    penalty = lane.centred.penalty
    return lane.centred.expand(np.flatnonzero(~penalty.excluded & ~penalty.unpenalised))


def error_bound(
    n_selected: Floats, p: int, threshold: float, n_pairs: int, unimodal: bool
) -> Floats:
    """Return the bounds of the module's head, for each mean number selected (L,)."""
    share = n_selected / max(p, 1)
    worst = n_selected * share / (2.0 * threshold - 1.0)
    if not unimodal:
        return worst
    half = 0.5 / n_pairs
    if threshold > 0.75:
        factor = 4.0 * (1.0 - threshold + half) / (1.0 + 2.0 * half)
        holds = share <= 1.0 / np.sqrt(3.0)
    else:
        factor = 0.5 / max(2.0 * threshold - 1.0 - half, 1e-300)
        holds = (share <= 1.0 / np.sqrt(3.0)) & (threshold > 0.5 + half + 0.75 * share**2)
    return np.where(holds, np.minimum(factor * n_selected * share, worst), worst)


def _halves(data: Data, n_pairs: int, seed: int) -> list[Floats]:
    """Return the weights (n,) of 2 B halves of the rows of positive weight."""
    weights = data.weights
    rows = np.flatnonzero(weights > 0.0)
    size = len(rows) // 2
    if size == 0:
        raise ValueError(f"X must have two rows of positive weight at least, got {len(rows)}")
    rng = np.random.default_rng(seed)
    halves: list[Floats] = []
    for _ in range(n_pairs):
        shuffled = rng.permutation(rows)
        for part in (shuffled[:size], shuffled[size : 2 * size]):
            own = np.zeros_like(weights)
            own[part] = weights[part]
            check_training(
                data.y, data.family, own, data.classes, f"half {len(halves)}",
                "every half must have rows of every class", "choose another random_state",
            )  # fmt: skip
            halves.append(own / own.sum())
    return halves


def _entries(
    data: Data, halves: list[Floats], grid: Floats, rule: Rule
) -> tuple[list[dict[int, int]], int]:
    """Return for each half the features that enter, with the number of the alpha where they do; and
    how many fits ended above their tolerance."""
    first: list[dict[int, int]] = [{} for _ in halves]
    late = [0] * len(halves)
    for begin in range(0, len(halves), MOST_LANES):
        some = [replace(data, weights=own) for own in halves[begin : begin + MOST_LANES]]
        lanes = lanes_of(starts_of(some, rule), data.l1_ratio, rule.n_threads)

        def visit(k: int, lane: Lane, fit: Fit, begin: int = begin) -> None:
            number = len(lane.fits) - 1
            late[begin + k] += fit.status in LATE
            for j in lane.centred.expand(fit.index).tolist():
                first[begin + k].setdefault(j, number)
            lane.forget()  # who has entered is known now

        bar = with_bar(grid, rule.progress)
        stop = descend(lanes, grid, bar, rule.n_threads, visit, lambda: None)
        if stop is not None:
            raise stop
    return first, sum(late)


def _shares(
    entered: list[dict[int, int]], p: int, L: int, candidates: NDArray[np.intp]
) -> tuple[sp.csc_array, Floats]:
    """Return (share of the halves that a feature has entered by each alpha, (p, L); its sum over
    the candidates, (L,))."""
    features = np.array([j for half in entered for j in half], dtype=np.intp)
    numbers = np.array([k for half in entered for k in half.values()], dtype=np.intp)
    ever, rows = np.unique(features, return_inverse=True)
    counts = np.zeros((len(ever), L))
    np.add.at(counts, (rows, numbers), 1.0)
    counts = np.cumsum(counts, axis=1) / len(entered)
    table = sp.csc_array(counts).tocoo()
    whole = sp.csc_array((table.data, (ever[table.row], table.col)), shape=(p, L))
    return whole, counts[np.isin(ever, candidates)].sum(axis=0)
