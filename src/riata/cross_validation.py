"""Cross-validation of whole paths: cross_validate."""

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import (
    Data,
    check_alphas,
    check_count,
    check_data,
    check_flag,
    check_least_squares,
    check_number,
)
from .cv_result import CrossValidatedPath, check_rule
from .design import Moments, read_moments, read_once, together
from .exceptions import convergence_warning
from .folds import Fold, make_folds, parts_of
from .grid import automatic_grid, with_bar
from .lane import Lane
from .lockstep import MOST_LANES, Start, descend
from .path import MODEL
from .result import RegularizationPath
from .scoring import Scoring, get_scoring
from .solver import Fit
from .stopping import Rule
from .stopping import check_rule as check_stopping
from .threads import run

Floats = NDArray[np.float64]

EXACT = 1e-9  # relative error of a score that may come from moments


def cross_validate(
    X: Any,
    y: Any,
    *,
    cv: Any = 10,
    groups: Any = None,
    scoring: Any = "deviance",
    rule: Any = "min",
    keep_predictions: bool = False,
    keep_fold_paths: bool = False,
    family: Any = "gaussian",
    alphas: Any = None,
    n_alphas: int = 100,
    alpha_min_ratio: float | None = None,
    l1_ratio: Any = 1.0,
    fit_intercept: bool = True,
    standardize: bool = False,
    sample_weight: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    lower_bounds: Any = None,
    upper_bounds: Any = None,
    relaxed: Any = False,
    tol: float = 1e-6,
    max_iter: int = 10_000,
    max_time: float | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> CrossValidatedPath:
    """Choose alpha, and l1_ratio, by the score of held-out rows; fit the path on all data.

    Every fold is a fit of `fit_path` with weight 0 on its held-out rows: X is not copied, and
    centring, standardisation, the null model and the intercept are each fold's own. All folds and
    the fit on all data go down the same grid together.

    Parameters
    ----------
    X, y, family, alphas, n_alphas, alpha_min_ratio, fit_intercept, standardize, sample_weight, \
offset, penalty_factor, lower_bounds, upper_bounds, tol, max_iter, n_threads
        As in `fit_path`, of the gaussian family. The grid is that of all data, one for each
        l1_ratio.
    cv : int, splitter, or iterable of (train, test)
        An int >= 2: so many folds, dealt at random and the same way every time among the rows of
        positive weight; whole groups where `groups` are given. Else a splitter of scikit-learn, or
        pairs of row numbers (or masks). A row that occurs k times in `train` has k times its
        weight.
    groups : array of shape (n,), optional
        Labels for `cv`.
    scoring : {"deviance", "mse", "mae"}, or a scorer of scikit-learn or its name
        How held-out rows are scored; weighted by `sample_weight`.
    rule : {"min", "1se"}, percentage, or callable
        What ``alpha``, ``coef`` and ``predict`` of the result stand for. "min": the best mean
        score. "1se": the largest alpha, for the l1_ratio of the best, whose mean is within one
        standard error of it. A percentage such as "5%": the sparsest model whose mean is no more
        than that worse than the best. A callable is given the result and returns the numbers of an
        row and an alpha.
    keep_predictions : bool
        Whether to keep the predictions of held-out rows, R G n L numbers.
    keep_fold_paths : bool
        Whether to keep the coefficients of every fold.
    l1_ratio : float or sequence of float in [0, 1]
        Several are searched jointly with alpha.
    relaxed : bool or sequence of float in [0, 1]
        Values of gamma to be searched jointly with alpha and l1_ratio: the share of the penalised
        fit in a mixture with the unpenalised one on the same support. True is
        (0, 0.25, 0.5, 0.75, 1), False is 1 alone.
    max_time : float > 0, optional
        Seconds after which the work ends; what is not solved is NaN.
    progress : bool
        Whether to show a bar (with tqdm, where it is installed).

    Returns
    -------
    CrossValidatedPath

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as above; the message names it.
    KeyboardInterrupt
        On Ctrl-C, with what was solved in all folds so far in its attribute ``path``.

    Warns
    -----
    ConvergenceWarning
        Once, where a fit ended above its tolerance.

    Notes
    -----
    Memory beyond X: for each of at most 16 fits at a time, a Gram matrix of its working set and a
    dozen numbers per row and column.

    References
    ----------
    Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2009, section 7.10.

    Examples
    --------
    >>> import numpy as np, riata
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> cv = riata.cross_validate(X, X[:, 0] + 0.1 * X[:, 1], cv=5)
    >>> cv.coef("1se").nonzero()[0]
    array([0, 1])
    """
    return cross_validated(**locals())


def cross_validated(
    X: Any, y: Any, *, equal_folds: bool = False, **settings: Any
) -> CrossValidatedPath:
    """cross_validate with every setting given.

    equal_folds : whether every fold counts the same in the mean, whatever its rows weigh
        (scikit-learn's way)
    """
    try:
        return _Run(X, y, equal_folds, settings).result()
    except KeyboardInterrupt as stop:
        vars(stop).setdefault("path", None)  # before there was anything to keep
        raise


def check_ratios(l1_ratio: Any) -> Floats:
    """Return the l1_ratios (R,), in the caller's order."""
    ratios = np.asarray(l1_ratio)
    if ratios.ndim > 1 or ratios.size == 0:
        raise ValueError(
            f"l1_ratio must be a number in [0, 1] or a list of them, got shape {ratios.shape}"
        )
    found = [check_number(ratio, "l1_ratio", 0.0, 1.0) for ratio in np.atleast_1d(ratios)]
    if len(set(found)) < len(found):
        raise ValueError(f"l1_ratio must not hold a number twice, got {found}")
    return np.array(found)


def check_gammas(relaxed: Any) -> Floats:
    """Return the values of gamma (G,) that `relaxed` stands for, ascending."""
    if isinstance(relaxed, bool | np.bool_):
        return np.array([0.0, 0.25, 0.5, 0.75, 1.0] if relaxed else [1.0])
    gammas = np.asarray(relaxed)
    if gammas.ndim != 1 or gammas.size == 0:
        raise ValueError(
            f"relaxed must be True, False or a list of numbers in [0, 1], got {relaxed!r}"
        )
    return np.unique([check_number(gamma, "relaxed", 0.0, 1.0) for gamma in gammas])


class _Run:
    """One call of cross_validate: arguments checked, then all folds down every grid."""

    def __init__(self, X: Any, y: Any, equal_folds: bool, settings: dict[str, Any]) -> None:
        self._equal_folds = equal_folds
        self.ratios = check_ratios(settings["l1_ratio"])
        self.gammas = check_gammas(settings["relaxed"])
        self.settings = {name: settings[name] for name in MODEL}
        self.settings["l1_ratio"] = float(self.ratios[0])
        self.choice = check_rule(settings["rule"])
        self.keep_predictions = check_flag(settings["keep_predictions"], "keep_predictions")
        self.keep_paths = check_flag(settings["keep_fold_paths"], "keep_fold_paths")
        self.rule: Rule = check_stopping(settings)
        given = settings["alphas"]
        self._given = None if given is None else check_alphas(given)
        self._n_alphas = check_count(settings["n_alphas"], "n_alphas", 1)
        ratio = settings["alpha_min_ratio"]
        if ratio is not None:
            ratio = check_number(ratio, "alpha_min_ratio", 0.0, 1.0, above=True)
        self._min_ratio = ratio
        data = check_data(X, y, **self.settings)
        advice = "fit a path for each fold by fit_path, weight 0 on the held-out rows"
        check_least_squares(data.family, "cross_validate", advice)
        self.folds = make_folds(settings["cv"], X, data.y, settings["groups"], data.weights, None)
        self.test_weights = [fold.test_weights(data.weights) for fold in self.folds]
        self.scoring: Scoring = get_scoring(settings["scoring"], data.family)
        self._gathered = data.X if self.gammas[0] < 1.0 else None
        self.data: Data = replace(data, X=read_once(data.X))
        self.interrupt: KeyboardInterrupt | None = None

    def result(self) -> CrossValidatedPath:
        """Solve everything, and put it together."""
        numbers: list[int | None] = [None, *range(len(self.folds))]
        batches = [numbers[a : a + MOST_LANES] for a in range(0, len(numbers), MOST_LANES)]
        self._moments = self._read_moments() if len(batches) == 1 else None
        starts = self._starts(batches[0])
        self._set_grids(starts[0])
        self._allocate()
        for b, batch in enumerate(batches):
            starts = starts if b == 0 else self._starts(batch)
            for r in range(len(self.ratios)):
                self._descend(r, batch, starts)
            self.n_passes += sum(start.centred.design.n_passes for start in starts)
        return self._finish()

    def _starts(self, batch: list[int | None]) -> list[Start]:
        """Return the problems of some folds (None: of all data), on one X."""
        found: list[Any] = [None] * len(batch)

        def job(k: int, data: Data) -> None:
            found[k] = Start(data, self.rule, self._gathered, self._moments_without(batch[k]))

        sets = [self.data if k is None else self._training(self.folds[k]) for k in batch]
        run([partial(job, k, data) for k, data in enumerate(sets)], self.rule.n_threads)
        return found

    def _read_moments(self) -> list[Moments] | None:
        """Return the moments of the folds' held-out rows, where X is tall and they part it."""
        data = self.data
        part = parts_of(self.folds, data.weights)
        if part is None:
            return None
        y = data.y if data.offset is None else data.y - data.offset
        return read_moments(data.X, data.weights, y, part, len(self.folds), self.rule.n_threads)

    def _moments_without(self, f: int | None) -> Moments | None:
        """Return the moments of all rows but those of fold f."""
        if self._moments is None:
            return None
        kept = [moments for k, moments in enumerate(self._moments) if k != f and moments.weight]
        return together(kept) if kept else None

    def _training(self, fold: Fold) -> Data:
        return replace(self.data, weights=fold.train_weights(self.data.weights))

    def _set_grids(self, start: Start) -> None:
        if self._given is not None:
            self.alphas = np.tile(self._given, (len(self.ratios), 1))
            return
        self.alphas = np.array([
            automatic_grid(
                start.lane(ratio).engine.alpha_max(), start.centred.design, self._n_alphas,
                self._min_ratio,
            )
            for ratio in self.ratios
        ])  # fmt: skip

    def _allocate(self) -> None:
        R, L = self.alphas.shape
        G, K, n = len(self.gammas), len(self.folds), len(self.data.y)
        self.scores = np.full((R, G, L, K), np.nan)
        self.status = np.full((R, L, K), "time_limit", dtype="<U16")
        self.paths: list[RegularizationPath] = []
        self.fold_paths: list[list[RegularizationPath]] = [[] for _ in range(R)]
        self.n_passes = 1.0 if self._moments is not None else 0.0
        self.predictions: Floats | None = None
        if self.keep_predictions:
            times = np.zeros(n)
            for fold in self.folds:
                times[fold.test] += fold.test_counts
            self._share = 1.0 / np.where(times > 0.0, times, np.nan)
            self.predictions = np.zeros((R, G, L, n)) + np.where(times > 0.0, 0.0, np.nan)

    def _descend(self, r: int, batch: list[int | None], starts: list[Start]) -> None:
        """Take some folds down the grid of one l1_ratio."""
        alphas = self.alphas[r]
        settings = {**self.settings, **self.rule.as_settings(), "l1_ratio": float(self.ratios[r])}
        lanes = self._lanes(r, starts)
        held: dict[int, Floats] = {}

        def visit(number: int, lane: Lane, fit: Fit) -> None:
            f = batch[number]
            if f is None:
                return
            k = len(lane.fits) - 1
            self.status[r, k, f] = fit.status
            scores = self._moment_scores(f, lane, fit)
            if scores is None:
                held[f] = self._held_out(lane, self.folds[f])
                scores = [self._score(f, eta) for eta in held[f]]
            if fit.status != "time_limit":
                self.scores[r, :, k, f] = scores

        def done() -> None:
            if self.predictions is not None:
                for f in sorted(held):
                    fold = self.folds[f]
                    share = self._share[fold.test] * fold.test_counts
                    k = len(lanes[0].fits) - 1
                    for row, eta in zip(self.predictions[r, :, k], held[f], strict=True):
                        row[fold.test] += share * eta

        if self.interrupt is None:
            bar = with_bar(alphas, self.rule.progress)
            self.interrupt = descend(
                lanes, bar, float(alphas[-1]), self.rule.n_threads, visit, done
            )
        self._leave(r, batch, lanes, settings)

    def _lanes(self, r: int, starts: list[Start]) -> list[Lane]:
        found: list[Any] = [None] * len(starts)

        def job(k: int) -> None:
            found[k] = starts[k].lane(float(self.ratios[r]))

        run([partial(job, k) for k in range(len(starts))], self.rule.n_threads)
        return found

    def _held_out(self, lane: Lane, fold: Fold) -> Floats:
        """Return the linear predictors of a fold's held-out rows for every gamma, (G, m)."""
        eta = lane.predictor()[fold.test]
        if self._gathered is None:
            return eta[None]
        refit = lane.refits[-1].eta[fold.test]
        return np.array([gamma * eta + (1.0 - gamma) * refit for gamma in self.gammas])

    def _moment_scores(self, f: int, lane: Lane, fit: Fit) -> list[float] | None:
        """Return the mean squared error of a fold from its moments, where that is what is wanted
        and rounding leaves enough of it."""
        squares = self.scoring.name in ("mse", "deviance")
        plain = self._gathered is None and not self.keep_predictions
        if self._moments is None or not squares or not plain:
            return None
        moments = self._moments[f]
        if moments.weight == 0.0:
            return [np.nan]
        intercept = lane.centred.intercept(fit.index, fit.coef)
        loss, error = moments.loss(fit.coef, fit.index, intercept)
        return [loss / moments.weight] if error <= EXACT * loss else None

    def _score(self, f: int, eta: Floats) -> float:
        weights = self.test_weights[f]
        if not weights.any():
            return np.nan
        counted = weights > 0.0
        y = self.data.y[self.folds[f].test]
        return self.scoring.score(y[counted], eta[counted], weights[counted])

    def _leave(
        self, r: int, batch: list[int | None], lanes: list[Lane], settings: dict[str, Any]
    ) -> None:
        """Keep what the lanes of a batch found; what was not solved by all of it is NaN."""
        solved = len(lanes[0].fits)
        unsolved = "interrupted" if self.interrupt else "time_limit"
        of_folds = [f for f in batch if f is not None]
        self.scores[r, :, solved:, of_folds] = np.nan
        self.status[r, solved:, of_folds] = unsolved
        if self.predictions is not None:
            for f in of_folds:
                self.predictions[r, :, solved:, self.folds[f].test] = np.nan
        for member, lane in zip(batch, lanes, strict=True):
            if member is None:
                self.paths.append(lane.result(self.alphas[r], unsolved, settings))
            elif self.keep_paths:
                weights = lane.centred.data.weights
                own = {**settings, "sample_weight": weights}
                self.fold_paths[r].append(lane.result(self.alphas[r], unsolved, own))

    def _finish(self) -> CrossValidatedPath:
        kept, G = self.predictions, len(self.gammas)
        fold_weights = np.array([weights.sum() for weights in self.test_weights])
        if self._equal_folds:
            fold_weights = np.where(fold_weights > 0.0, 1.0 / len(fold_weights), 0.0)
        fold_paths = [paths for paths in self.fold_paths for _ in range(G)]
        result = CrossValidatedPath.from_scores(
            self.choice,
            l1_ratios=np.repeat(self.ratios, G),
            gammas=np.tile(self.gammas, len(self.ratios)),
            alphas=np.repeat(self.alphas, G, axis=0),
            scores=self.scores.reshape(-1, *self.scores.shape[2:]),
            fold_weights=fold_weights,
            scoring=self.scoring.name,
            greater_is_better=self.scoring.greater_is_better,
            paths=[path for path in self.paths for _ in range(G)],
            fold_paths=fold_paths if self.keep_paths else None,
            predictions=None if kept is None else kept.reshape(-1, *kept.shape[2:]).swapaxes(1, 2),
            status=np.repeat(self.status, G, axis=0),
            n_passes=self.n_passes,
        )
        if self.interrupt is not None:
            vars(self.interrupt)["path"] = result
            raise self.interrupt
        _warn(result)
        return result


def _warn(result: CrossValidatedPath) -> None:
    """Say once how many fits ended above their tolerance."""
    status = np.concatenate(
        [np.array([path.status for path in result.paths])[..., None], result.status], axis=2
    )
    late = np.isin(status, ["max_iter", "time_limit"])
    if not late.any():
        return
    r, k, f = np.argwhere(late)[0]
    where = "on all data" if f == 0 else f"in fold {f - 1}"
    advice = {
        "max_iter": "raise max_iter, standardize X or use a larger alpha",
        "time_limit": "raise max_time or loosen tol",
    }[str(status[r, k, f])]
    warnings.warn(
        f"{np.count_nonzero(late)} of {late.size} fits ended above the tolerance, the first at "
        f"alpha={result.alphas[r, k]:.6g} {where} ({status[r, k, f]}); {advice}",
        convergence_warning(),
        stacklevel=5,
    )
