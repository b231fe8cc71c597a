"""Stability selection: which features enter the path on most halves of the data.

The rows are cut B times at random into two halves, class by class. On each half a path goes down
the grid of all data; feature j is selected at an alpha if it has entered by then. With Pi_j the
share of the 2 B halves that select j, and q the mean number of features selected, the expected
number of features with Pi_j >= tau that a random half selects with a probability of at most q / p
is at most

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

from .arguments import check_count, check_flag, check_number
from .blas import one_blas_thread
from .data import check_data
from .design import read_once
from .exceptions import convergence_warning
from .grid import check_grid
from .halves import Entries, draw_halves, entries
from .lane import Lane
from .path import MODEL
from .starts import Start
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
        Share of the halves on which a feature has entered by that alpha; the column of an unsolved
        alpha is empty.
    n_selected : ndarray of shape (L,)
        q: the mean number of features that have entered; NaN where an alpha was not solved.
    error_bounds : ndarray of shape (L,)
        Bound of the expected number of false selections at `threshold`; infinite where the theory
        has none, NaN where an alpha was not solved.
    threshold, error : float
    n_candidates : int
        p: the features that can be selected, those that are penalised.
    alpha : float
        The smallest alpha whose bound, like those of all larger alphas, is at most `error`; NaN
        where none was solved.
    selected : ndarray of int
        The features whose probability at ``alpha`` is at least `threshold`, ascending.
    feature_names_in_ : ndarray of str, or None
        Column names, where X was a data frame.
    n_pairs : int
        The pairs of halves that count: all of them, unless `status` says otherwise.
    status : str
        "converged"; "max_iter": some fits ended above their tolerance; "time_limit",
        "interrupted": `max_time` or Ctrl-C came before all pairs were done. Those that were count,
        the others do not; where that was none, there are fewer alphas of fewer pairs.
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
    feature_names_in_: NDArray[np.object_] | None
    n_pairs: int
    status: str

    def __repr__(self) -> str:
        return (
            f"StabilitySelection({len(self.selected)} of {self.probabilities.shape[0]} features "
            f"selected in {self.threshold:.0%} of {2 * self.n_pairs} halves, at alpha="
            f"{self.alpha:.4g}; expected false selections <= {self.error:g}: {self.status})"
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
    max_time: float | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> StabilitySelection:
    """Select the features that enter the path on most halves of the rows.

    Parameters
    ----------
    X, y, family, alphas, n_alphas, alpha_min_ratio, l1_ratio, fit_intercept, standardize, \
sample_weight, offset, penalty_factor, lower_bounds, upper_bounds, tol, max_iter, n_threads, \
progress
        As in `fit_path`, but y is one target, or the K responses of one family; the grid is that of
        all data. The default of `tol` is looser: what counts
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
        Seed of the cuts. Halves are as alike as they can be in the classes of y, or in how many of
        its counts are positive ("poisson", "tweedie").
    max_time : float > 0, optional
        Seconds after which the work ends: the pairs of halves that are done by then count, and
        ``status`` is "time_limit".

    Returns
    -------
    StabilitySelection

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as above; the message names it.
    KeyboardInterrupt
        On Ctrl-C, with what the pairs that were done say in its attribute ``path``; None where
        that was before the first of them was begun.

    Warns
    -----
    ConvergenceWarning
        Once, where a fit ended above its tolerance, or `max_time` before all pairs were done.

    Notes
    -----
    Cost: 2 `n_pairs` paths on half of the rows; X is not copied. Halves go in batches of 16, so
    pairs are done eight at a time.

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
    try:
        found, stopped_by = _selected(**locals())
        if stopped_by is not None:
            vars(stopped_by)["path"] = found
            raise stopped_by
    except KeyboardInterrupt as stop:
        vars(stop).setdefault("path", None)  # before there was anything to keep
        raise
    return found


def _selected(
    X: Any, y: Any, threshold: Any, error: Any, n_pairs: Any, unimodal: Any, random_state: Any,
    **settings: Any,
) -> tuple[StabilitySelection, KeyboardInterrupt | None]:  # fmt: skip
    """Return the selection, as far as it went, and what stopped it."""
    threshold = check_number(threshold, "threshold", 0.5, 1.0, above=True)
    error = check_number(error, "error", 0.0, above=True)
    n_pairs = check_count(n_pairs, "n_pairs", 1)
    unimodal = check_flag(unimodal, "unimodal")
    seed = check_count(random_state, "random_state", 0)
    rule, grid = check_stopping(settings), check_grid(settings)
    data = check_data(X, y, **{name: settings[name] for name in MODEL})
    data = replace(data, X=read_once(data.X))
    halves = draw_halves(data, n_pairs, seed)
    with one_blas_thread():
        lane = Start(data, rule).lane(data.l1_ratio)
        alphas = grid.of(lane.engine.alpha_max(), lane.centred.design)
        entered = entries(data, halves, alphas, rule)
    candidates = _candidates(lane)
    found = StabilitySelection()
    found.alphas, found.n_pairs = alphas, len(entered.first) // 2
    found.feature_names_in_ = data.names
    found.n_candidates, found.threshold, found.error = len(candidates), threshold, error
    found.status = _status(entered, len(halves), len(alphas))
    found.probabilities, found.n_selected = entered.shares(data.X.shape[1], len(alphas), candidates)
    found.error_bounds = error_bound(
        found.n_selected, len(candidates), threshold, max(found.n_pairs, 1), unimodal
    )
    within = np.minimum.accumulate(found.error_bounds <= error)
    k = int(np.count_nonzero(within)) - 1
    found.alpha = float(alphas[max(k, 0)]) if entered.solved else np.nan
    column = found.probabilities[:, [max(k, 0)]].toarray()[:, 0]
    found.selected = np.flatnonzero(column >= threshold) if k >= 0 else np.empty(0, dtype=np.intp)
    _warn(found, entered, n_pairs)
    return found, entered.stopped_by


def _status(entered: Entries, n_halves: int, L: int) -> str:
    if len(entered.first) < n_halves or entered.solved < L:
        return "time_limit" if entered.stopped_by is None else "interrupted"
    return "max_iter" if entered.late else "converged"


def _warn(found: StabilitySelection, entered: Entries, n_pairs: int) -> None:
    """Say once what makes the answer less than what was asked for."""
    said = []
    if found.status == "time_limit":
        said.append(
            f"max_time was over before all pairs of halves were done: {found.n_pairs} of {n_pairs} "
            f"count, with {entered.solved} of {len(found.alphas)} alphas; raise max_time, or ask "
            "for fewer pairs or alphas"
        )
    if entered.late:
        said.append(
            f"{entered.late} of {len(entered.first) * entered.solved} fits ended above the "
            "tolerance: who has entered may be wrong; raise max_iter, loosen tol or leave out the "
            "smallest alphas"
        )
    if said and entered.stopped_by is None:
        warnings.warn("; ".join(said), convergence_warning(), stacklevel=4)


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
