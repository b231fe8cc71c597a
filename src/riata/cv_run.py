"""One run of cross-validation: all folds, and all data, down every grid."""

import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cv_result import CrossValidatedPath
from .data import Data
from .design import Moments, read_moments, read_once, together
from .exceptions import convergence_warning
from .families import Gaussian
from .folds import Fold, parts_of
from .grid import automatic_grid, with_bar
from .lane import Lane
from .lockstep import MOST_LANES, descend
from .path import SEPARATED
from .problem import Fit
from .relaxed import LATE_REFITS
from .result import RegularizationPath
from .scoring import Scoring, check_scores, outside
from .starts import Start, lanes_of, starts_of
from .stopping import Rule
from .threads import run

Floats = NDArray[np.float64]

EXACT = 1e-9  # relative error of a score that may come from moments


@dataclass
class Plan:
    """What is to be done, checked.

    test_weights : those of each fold's held-out rows in its score
    choice : the rule that chooses from the scores;  rule : when a fit stops
    alphas : the caller's grid, or None for automatic ones
    settings : the model's, as `fit_path` takes them, for the paths
    equal_folds, total_weight, counts_df : see `cross_validated`
    """

    data: Data
    ratios: Floats
    gammas: Floats
    folds: list[Fold]
    test_weights: list[Floats]
    scoring: Scoring
    choice: Any
    rule: Rule
    settings: dict[str, Any]
    alphas: Floats | None
    n_alphas: int
    min_ratio: float | None
    keep_predictions: bool
    keep_paths: bool
    equal_folds: bool = False
    total_weight: float | None = None
    counts_df: bool = True

    def strength(self, alpha: float) -> str:
        """Return an alpha as its caller knows it."""
        if self.total_weight is None:
            return f"alpha={alpha:.6g}"
        return f"C={1.0 / (alpha * self.total_weight) if alpha > 0.0 else np.inf:.6g}"


class Run:
    """The work of one plan, and what it has found so far."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._gathered = plan.data.X if plan.gammas[0] < 1.0 else None
        self.data: Data = replace(plan.data, X=read_once(plan.data.X))
        self.interrupt: KeyboardInterrupt | None = None
        self._separated = self._late_refits = False

    def result(self) -> CrossValidatedPath:
        """Solve everything, and put it together."""
        numbers: list[int | None] = [None, *range(len(self.plan.folds))]
        batches = [numbers[a : a + MOST_LANES] for a in range(0, len(numbers), MOST_LANES)]
        self._moments = self._read_moments() if len(batches) == 1 else None
        starts = self._starts(batches[0])
        self._set_grids(starts[0])
        self._allocate()
        self._solve(batches[0], starts)
        for batch in batches[1:]:
            try:
                starts = [] if self.interrupt else self._starts(batch)
            except KeyboardInterrupt as interrupt:
                self.interrupt = interrupt
            if self.interrupt is None:
                self._solve(batch, starts)
            else:  # nobody need be told where these would start
                self.status[:, :, [f for f in batch if f is not None]] = "interrupted"
        return self._finish()

    def _solve(self, batch: list[int | None], starts: list[Start]) -> None:
        """Take some folds down the grids of all l1_ratios."""
        for r in range(len(self.plan.ratios)):
            self._descend(r, batch, starts)
        self.n_passes += sum(start.centred.design.n_passes for start in starts)

    def _starts(self, batch: list[int | None]) -> list[Start]:
        """Return the problems of some folds (None: of all data), on one X."""
        sets = [self.data if k is None else self._training(self.plan.folds[k]) for k in batch]
        moments = [self._moments_without(k) for k in batch]
        scales = [self._scale(k) for k in batch]
        return starts_of(sets, self.plan.rule, self._gathered, moments, scales)

    def _scale(self, f: int | None) -> float:
        """Return a fold's alphas as multiples of the grid's."""
        if f is None or self.plan.total_weight is None:
            return 1.0
        return 1.0 / self.plan.folds[f].train_share(self.data.weights)

    def _read_moments(self) -> list[Moments] | None:
        """Return the moments of the folds' held-out rows, where X is tall and they part it."""
        data, folds = self.data, self.plan.folds
        part = parts_of(folds, data.weights)
        if part is None or not isinstance(data.family, Gaussian):
            return None
        y = data.y if data.offset is None else data.y - data.offset
        return read_moments(data.X, data.weights, y, part, len(folds), self.plan.rule.n_threads)

    def _moments_without(self, f: int | None) -> Moments | None:
        """Return the moments of all rows but those of fold f."""
        if self._moments is None:
            return None
        kept = [moments for k, moments in enumerate(self._moments) if k != f and moments.weight]
        return together(kept) if kept else None

    def _training(self, fold: Fold) -> Data:
        return replace(self.data, weights=fold.train_weights(self.data.weights))

    def _set_grids(self, start: Start) -> None:
        if self.plan.alphas is not None:
            self.alphas = np.tile(self.plan.alphas, (len(self.plan.ratios), 1))
            return
        self.alphas = np.array([
            automatic_grid(
                start.lane(ratio).engine.alpha_max(), start.centred.design, self.plan.n_alphas,
                self.plan.min_ratio,
            )
            for ratio in self.plan.ratios
        ])  # fmt: skip

    def _allocate(self) -> None:
        R, L = self.alphas.shape
        G, K = len(self.plan.gammas), len(self.plan.folds)
        self.scores = np.full((R, G, L, K), np.nan)
        self.status = np.full((R, L, K), "time_limit", dtype="<U16")
        self.n_iter = np.zeros((R, L, K), dtype=np.int64)
        self.paths: list[RegularizationPath] = []
        self.fold_paths: list[list[RegularizationPath]] = [[] for _ in range(R)]
        self.n_passes = 1.0 if self._moments is not None else 0.0
        self.predictions: Floats | None = None
        if self.plan.keep_predictions:
            y = self.data.y
            times = np.zeros((len(y), *(1 for _ in y.shape[1:])))
            for fold in self.plan.folds:
                times[fold.test, ...] += _beside(fold.test_counts, y)
            self._share = 1.0 / np.where(times > 0.0, times, np.nan)
            self.predictions = np.zeros((R, G, L, *y.shape)) + np.where(times > 0.0, 0.0, np.nan)

    def _descend(self, r: int, batch: list[int | None], starts: list[Start]) -> None:
        """Take some folds down the grid of one l1_ratio."""
        alphas = self.alphas[r]
        plan, ratio = self.plan, float(self.plan.ratios[r])
        settings = {**plan.settings, **plan.rule.as_settings(), "l1_ratio": ratio}
        lanes = lanes_of(starts, ratio, plan.rule.n_threads)
        for f, lane in zip(batch, lanes, strict=True):
            kept = f is None or plan.keep_paths
            lane.engine.problem.counts_df = plan.counts_df and kept
        held: dict[tuple[int, int], Floats] = {}

        def visit(number: int, lane: Lane, fit: Fit) -> None:
            f = batch[number]
            if f is None:
                return
            k = len(lane.fits) - 1
            self.status[r, k, f], self.n_iter[r, k, f] = fit.status, fit.n_iter
            if self._scores_at_the_end:
                return
            etas = self._held_out(lane, plan.folds[f])
            if "time_limit" not in (fit.status, *(refit.status for refit in lane.refits[-1:])):
                self.scores[r, :, k, f] = [self._score(f, eta, fit.alpha) for eta in etas]
            if self.predictions is not None:
                held[f, k] = etas
            if not plan.keep_paths:
                lane.forget()

        def done() -> None:
            for f, k in sorted(held):
                assert self.predictions is not None
                fold = plan.folds[f]
                share = self._share[fold.test] * _beside(fold.test_counts, self.data.y)
                for row, eta in zip(self.predictions[r, :, k], held[f, k], strict=True):
                    row[fold.test] += share * eta
            held.clear()

        if self.interrupt is None:
            bar = with_bar(alphas, plan.rule.progress)
            self.interrupt = descend(lanes, alphas, bar, plan.rule.n_threads, visit, done)
        self._leave(r, batch, lanes, settings)

    def _held_out(self, lane: Lane, fold: Fold) -> Floats:
        """Return the linear predictors of a fold's held-out rows for every gamma, (G, m), or
        (G, m, K) for several responses."""
        eta = lane.predictor(fold.test)
        if self._gathered is None:
            return eta[None]
        refit = lane.relaxed_eta[fold.test]
        return np.array([gamma * eta + (1.0 - gamma) * refit for gamma in self.plan.gammas])

    @property
    def _scores_at_the_end(self) -> bool:
        """Whether the scores are squared errors that the folds' moments tell, of all alphas at
        once and without their rows."""
        plan = self.plan
        squares = plan.scoring.ours and plan.scoring.name in ("mse", "deviance")
        plain = self._gathered is None and not plan.keep_predictions
        return self._moments is not None and squares and plain

    def _score_fold(self, r: int, f: int, lane: Lane) -> None:
        """Take the mean squared errors of a fold at a lane's alphas from its moments, and from its
        rows where rounding leaves too little of them."""
        assert self._moments is not None
        moments, centred, fits = self._moments[f], lane.centred, lane.fits
        if moments.weight == 0.0 or not fits:
            return
        coefs = np.zeros((len(fits), centred.design.p))
        for row, fit in zip(coefs, fits, strict=True):
            row[fit.index] = fit.coef
        intercepts = np.array([centred.intercept_of(fit) for fit in fits])
        losses, errors = moments.losses(coefs, intercepts)
        scores = losses / moments.weight
        for k in np.flatnonzero(errors > EXACT * losses):
            eta = centred.predictor(centred.design.dot(fits[k].index, fits[k].coef))
            scores[k] = self._score(f, eta[self.plan.folds[f].test], fits[k].alpha)
        scores[[fit.status == "time_limit" for fit in fits]] = np.nan
        self.scores[r, 0, : len(fits), f] = scores

    def _score(self, f: int, eta: Floats, alpha: float) -> float:
        weights, scoring = self.plan.test_weights[f], self.plan.scoring
        if not weights.any():
            return np.nan
        counted = weights > 0.0
        rows = self.plan.folds[f].test[counted]
        score = scoring.score(self.data.y[rows], eta[counted], weights[counted], rows)
        if np.isnan(score) or score == (np.inf if scoring.greater_is_better else -np.inf):
            raise ValueError(
                f"scoring must give every fold a number, got {score} from {scoring.name!r} in fold "
                f"{f} at {self.plan.strength(alpha)}: use fewer folds, or another scoring"
            )
        return score

    def _leave(
        self, r: int, batch: list[int | None], lanes: list[Lane], settings: dict[str, Any]
    ) -> None:
        """Keep what the lanes of a batch found; what was not solved by all of it is NaN."""
        solved = len(lanes[0].fits)
        unsolved = "interrupted" if self.interrupt else "time_limit"
        of_folds = [f for f in batch if f is not None]
        if self._scores_at_the_end:
            jobs = [
                partial(self._score_fold, r, f, lane)
                for f, lane in zip(batch, lanes, strict=True)
                if f is not None
            ]
            run(jobs, self.plan.rule.n_threads)
        self.scores[r, :, solved:, of_folds] = np.nan
        self.status[r, solved:, of_folds] = unsolved
        self.n_iter[r, solved:, of_folds] = 0
        if self.predictions is not None:
            for f in of_folds:
                self.predictions[r, :, solved:, self.plan.folds[f].test] = np.nan
        for member, lane in zip(batch, lanes, strict=True):
            self._separated |= lane.separated
            self._late_refits |= any(refit.status == "max_iter" for refit in lane.refits)
            if member is None:
                self.paths.append(lane.result(self.alphas[r], unsolved, settings))
            elif self.plan.keep_paths:
                given = settings["sample_weight"]
                units = np.broadcast_to(1.0 if given is None else given, len(self.data.y))
                own = {**settings, "sample_weight": self.plan.folds[member].row_weights(units)}
                self.fold_paths[r].append(lane.result(self.alphas[r], unsolved, own))

    def _finish(self) -> CrossValidatedPath:
        plan, kept, G = self.plan, self.predictions, len(self.plan.gammas)
        fold_weights = np.array([weights.sum() for weights in plan.test_weights])
        if plan.equal_folds:
            fold_weights = np.where(fold_weights > 0.0, 1.0 / len(fold_weights), 0.0)
        scores = self.scores.reshape(-1, *self.scores.shape[2:])
        if kept is not None:
            kept = kept.reshape(-1, *kept.shape[2:]).swapaxes(1, 2)
        fold_paths = [paths for paths in self.fold_paths for _ in range(G)]
        parts = {
            "l1_ratios": np.repeat(plan.ratios, G),
            "gammas": np.tile(plan.gammas, len(plan.ratios)),
            "alphas": np.repeat(self.alphas, G, axis=0),
            "scores": scores,
            "fold_weights": fold_weights,
            "scoring": plan.scoring.name,
            "greater_is_better": plan.scoring.greater_is_better,
            "paths": [path for path in self.paths for _ in range(G)],
            "fold_paths": fold_paths if plan.keep_paths else None,
            "predictions": kept,
            "status": np.repeat(self.status, G, axis=0),
            "n_iter": np.repeat(self.n_iter, G, axis=0),
            "n_passes": self.n_passes,
        }
        if self.interrupt is not None:
            attached = vars(self.interrupt)
            attached["path"] = CrossValidatedPath.from_scores("min", **parts)
            with suppress(Exception):  # a rule of the caller's that asks for what is not there
                attached["path"] = CrossValidatedPath.from_scores(plan.choice, **parts)
            raise self.interrupt
        check_scores(scores[..., fold_weights > 0.0], plan.scoring.name)
        result = CrossValidatedPath.from_scores(plan.choice, **parts)
        self._warn()
        return result

    def _warn(self) -> None:
        """Say once how many fits ended above their tolerance, or that there may be no best one."""
        whole = np.array([path.status for path in self.paths])
        status = np.concatenate([whole[..., None], self.status], axis=2)
        late = np.isin(status, ["max_iter", "time_limit"])
        if late.any():
            r, k, f = np.argwhere(late)[0]
            where = "on all data" if f == 0 else f"in fold {f - 1}"
            stronger = "larger alpha" if self.plan.total_weight is None else "smaller C"
            advice = {
                "max_iter": f"raise max_iter, standardize X or use a {stronger}",
                "time_limit": "raise max_time or loosen tol",
            }[str(status[r, k, f])]
            said = (
                f"{np.count_nonzero(late)} of {late.size} fits ended above the tolerance, the "
                f"first at {self.plan.strength(self.alphas[r, k])} {where} ({status[r, k, f]}); "
                f"{advice}"
            )
        elif self._separated or self._late_refits:
            said = SEPARATED if self._separated else LATE_REFITS
        else:
            return
        warnings.warn(said, convergence_warning(), stacklevel=outside())


def _beside(counts: NDArray[Any], y: Floats) -> NDArray[Any]:
    """Return counts (m,) in a shape that goes with rows of y."""
    return counts if y.ndim == 1 else counts[:, None]
