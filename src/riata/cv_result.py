"""What cross-validation gives back, and the rules that choose from it."""

from collections.abc import Callable
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .result import RegularizationPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

ONE_FOLD = 'rule="1se" needs two folds at least, got one: use rule="min"'


class CrossValidatedPath:
    """Scores of held-out rows along grids of alphas, and the paths on all data.

    Made by `cross_validate`. R rows, one for each l1_ratio (and for each gamma of it, where the
    paths are relaxed), L alphas each, K folds.

    Attributes
    ----------
    l1_ratios, gammas : ndarray of shape (R,)
        The l1_ratio and the gamma (1: not relaxed) of each row.
    alphas : ndarray of shape (R, L)
        The grids, descending; every fold is fitted on the grid of all data.
    scores : ndarray of shape (R, L, K)
        The score of a fold's held-out rows; NaN where the alpha was not solved, or the
        held-out rows weigh nothing.
    fold_weights : ndarray of shape (K,)
        Weight of the held-out rows of each fold, as a share of all rows' weight.
    mean : ndarray of shape (R, L)
        Mean over folds, with the folds' weights; NaN where a fold's score is missing.
    se : ndarray of shape (R, L)
        Its standard error: the root of the weighted variance of the folds' scores over K - 1.
    scoring : str
    greater_is_better : bool
    l1_ratio_min, gamma_min, alpha_min : float
        Where the mean is best; of equal ones the largest l1_ratio, then gamma, then alpha.
    alpha_1se : float
        The largest alpha in the row of ``l1_ratio_min`` and ``gamma_min`` whose mean is no worse
        than the best by more than the best one's standard error; NaN where there is one fold only.
    l1_ratio, gamma, alpha : float
        What `rule` chose.
    rule : str or callable
    paths : list of R RegularizationPath
        The fits on all data; rows of one l1_ratio have the same.
    path : RegularizationPath
        The one of ``l1_ratio``.
    fold_paths : list of R lists of K RegularizationPath, or None
        Kept on request; after Ctrl-C those of the folds that had begun.
    predictions : ndarray of shape (R, n, L), or (R, n, L, K) for K responses, or None
        Kept on request: the linear predictor of each row while it was held out, offset included
        (the mean, where that was more than once; NaN where it never was).
    status : ndarray of shape (R, L, K), of str
        As `RegularizationPath.status`, for every fold.
    n_iter : ndarray of shape (R, L, K), of int
        As `RegularizationPath.n_iter`, for every fold.
    n_passes : float
        Work of all fits together: passes over X, in units of a full one.
    """

    l1_ratios: Floats
    gammas: Floats
    alphas: Floats
    scores: Floats
    fold_weights: Floats
    mean: Floats
    se: Floats
    scoring: str
    greater_is_better: bool
    l1_ratio_min: float
    gamma_min: float
    alpha_min: float
    alpha_1se: float
    l1_ratio: float
    gamma: float
    alpha: float
    rule: Any
    paths: list[RegularizationPath]
    path: RegularizationPath
    fold_paths: list[list[RegularizationPath]] | None
    predictions: Floats | None
    status: NDArray[np.str_]
    n_iter: NDArray[np.int64]
    n_passes: float

    @classmethod
    def from_scores(cls, rule: Any, **parts: Any) -> "CrossValidatedPath":
        """Build a result from what the folds gave; `rule` is one that `check_rule` let through."""
        self = cls()
        self.__dict__.update(parts)
        self.mean, self.se = mean_and_error(self.scores, self.fold_weights)
        self.rule = rule
        best = best_of(self)
        self._choose(best)  # a rule of the caller's may look at everything
        self.l1_ratio_min, self.gamma_min, self.alpha_min = self._place(best)
        self.alpha_1se = np.nan if np.isnan(self.se).all() else self._place(one_se(self))[2]
        self._choose(self.select(rule))
        return self

    _chosen: tuple[int, int] | None

    def _choose(self, place: tuple[int, int] | None) -> None:
        self._chosen = place
        self.l1_ratio, self.gamma, self.alpha = self._place(place)
        self.path = self.paths[0 if place is None else place[0]]

    def _place(self, place: tuple[int, int] | None) -> tuple[float, float, float]:
        if place is None:
            return np.nan, np.nan, np.nan
        row = place[0]
        return float(self.l1_ratios[row]), float(self.gammas[row]), float(self.alphas[place])

    def select(self, rule: Any) -> tuple[int, int] | None:
        """Return the place (number of the row, number of the alpha) that a rule chooses.

        Parameters
        ----------
        rule : {"min", "1se"}, a percentage, or callable
            As in `cross_validate`.

        Returns
        -------
        tuple of two int, or None where no alpha has been solved in all folds

        Raises
        ------
        ValueError, TypeError
            Where the rule is none of these, or needs what is not there.
        """
        rule = check_rule(rule)
        if best_of(self) is None:
            return None
        if rule == "min":
            return best_of(self)
        if rule == "1se":
            return one_se(self)
        if isinstance(rule, str):
            return sparsest_within(self, float(rule[:-1]) / 100.0)
        place = rule(self)
        try:
            r, k = (index(number) for number in place)
            rows, alphas = (range(length) for length in self.alphas.shape)
            return rows[r], alphas[k]
        except (TypeError, ValueError, IndexError):
            raise ValueError(
                "rule must return the numbers of a row and of an alpha, two integers within "
                f"{self.alphas.shape}, got {place!r}"
            ) from None

    def __repr__(self) -> str:
        words, counts = np.unique(self.status, return_counts=True)
        status = ", ".join(f"{n} {word}" for word, n in zip(words, counts, strict=True))
        R, L, K = self.scores.shape
        return (
            f"CrossValidatedPath({self.path.family}, {self.scoring}, {K} folds, {R} x {L} alphas; "
            f"best mean at l1_ratio={self.l1_ratio_min:g}, gamma={self.gamma_min:g}, "
            f"alpha={self.alpha_min:.4g}, one se at {self.alpha_1se:.4g}: {status})"
        )

    def _model(self, rule: Any) -> tuple[RegularizationPath, float, float]:
        place = self._chosen if rule is None else self.select(rule)
        if place is None:
            raise ValueError("no alpha has been solved in all folds, so there is none to choose")
        return self.paths[place[0]], float(self.alphas[place]), float(self.gammas[place[0]])

    def coef(self, rule: Any = None) -> Floats:
        """Return the coefficients of the chosen model, fitted to all data: (p,), or (K, p).

        Parameters
        ----------
        rule : optional
            As in `cross_validate`; default: the one that was given there.
        """
        path, alpha, gamma = self._model(rule)
        return path.coef(alpha, gamma)

    def intercept(self, rule: Any = None) -> Any:
        """Return the intercept of the chosen model, fitted to all data: a number, or (K,).

        Parameters
        ----------
        rule : optional
            As in `cross_validate`; default: the one that was given there.
        """
        path, alpha, gamma = self._model(rule)
        return path.intercept(alpha, gamma)

    def predict(
        self, X: Any, rule: Any = None, *, offset: Any = None, type: str = "response"
    ) -> NDArray[Any]:
        """Return the chosen model's predictions for the rows of X: (m,), or (m, K).

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (m, p)
        rule : optional
            As in `cross_validate`; default: the one that was given there.
        offset : array of shape (m,), or (m, K)
            Needed where the data came with an offset, refused elsewhere.
        type : {"response", "link", "class", "probability"}
            As in `RegularizationPath.predict`.
        """
        path, alpha, gamma = self._model(rule)
        return path.predict(X, alpha, offset=offset, gamma=gamma, type=type)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Plot the mean score against -log(alpha), with bars of one standard error.

        Dotted lines stand at ``alpha_min`` and ``alpha_1se``, counts of non-zero coefficients on
        top; of several rows the best one has the bars, the others are lines.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; default: a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ImportError
            Where matplotlib is missing.
        """
        from .plotting import plot_cross_validation

        return plot_cross_validation(self, ax)


# -- means and rules -------------------------------------------------------------------------------


def mean_and_error(scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weighted mean over the last axis and its standard error.

        mean = sum_k W_k s_k / sum_k W_k
        se^2 = sum_k W_k (s_k - mean)^2 / sum_k W_k / (K - 1)

    over the K folds of positive weight; NaN where a score is missing, or K = 1.

    Friedman, Hastie, Tibshirani, J. Stat. Softw. 33(1), 2010, and its package: cv.glmnet.
    """
    counted = weights > 0.0
    share = weights[counted] / weights[counted].sum()
    s = scores[..., counted]
    mean = s @ share
    with np.errstate(invalid="ignore"):  # an infinite mean has no error
        apart = s - mean[..., None]
    unit = np.ldexp(1.0, np.frexp(np.abs(apart).max(axis=-1))[1])  # squares of any size are finite
    variance = ((apart / unit[..., None]) ** 2) @ share
    n_folds = int(np.count_nonzero(counted))
    if n_folds == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, unit * np.sqrt(variance / (n_folds - 1))


def check_rule(rule: Any) -> str | Callable[..., Any]:
    """Return "min", "1se", a percentage such as "5%", or a callable."""
    if callable(rule) or (isinstance(rule, str) and rule in ("min", "1se")):
        return rule
    if isinstance(rule, str) and rule.endswith("%"):
        try:
            if 0.0 <= float(rule[:-1]) < np.inf:
                return rule
        except ValueError:
            pass
    kind = ValueError if isinstance(rule, str) else TypeError
    raise kind(
        'rule must be "min", "1se", a percentage such as "5%" (the sparsest model whose mean score '
        f"is no more than that worse than the best), or a callable, got {rule!r}"
    )


def _worse(cv: CrossValidatedPath, scores: Floats | None = None) -> Floats:
    """Return by how much each mean, or other score (R, L), is worse than the best one; inf where
    unsolved."""
    scores = cv.mean if scores is None else scores
    losses = -scores if cv.greater_is_better else scores
    losses = np.where(np.isnan(losses), np.inf, losses)
    low = losses.min()
    return losses - low if np.isfinite(low) else np.full_like(losses, np.inf)


def _largest(cv: CrossValidatedPath, places: NDArray[np.intp]) -> tuple[int, int]:
    """Return of some places (m, 2) the one with the largest l1_ratio, then gamma, then alpha."""

    def order(place: list[int]) -> tuple[float, float, int]:
        return cv.l1_ratios[place[0]], cv.gammas[place[0]], -place[1]

    r, k = max(places.tolist(), key=order)
    return r, k


def best_of(cv: CrossValidatedPath, fold: int | None = None) -> tuple[int, int] | None:
    """Return the place of the best mean, or of a fold's best score; None where there is none."""
    scores = None if fold is None else cv.scores[:, :, fold]
    places = np.argwhere(_worse(cv, scores) == 0.0)
    return _largest(cv, places) if len(places) else None


def one_se(cv: CrossValidatedPath) -> tuple[int, int] | None:
    """Return the largest alpha within one standard error, in the row of the best."""
    best = best_of(cv)
    if best is None:
        return None
    if np.isnan(cv.se[best]):
        raise ValueError(ONE_FOLD)
    return best[0], int(np.argmax(_worse(cv)[best[0]] <= cv.se[best]))


def sparsest_within(cv: CrossValidatedPath, share: float) -> tuple[int, int] | None:
    """Return the sparsest model no more than `share` worse than the best, among all rows.

    Of equally sparse ones the one with the better mean.
    """
    best = best_of(cv)
    if best is None:
        return None
    worse = _worse(cv)
    counts = np.array([path.support_sizes() for path in cv.paths])
    places = np.argwhere(worse <= share * abs(cv.mean[best]))
    return _sparsest(cv, places, counts, worse)


def _sparsest(
    cv: CrossValidatedPath, places: NDArray[np.intp], counts: NDArray[np.intp], worse: Floats
) -> tuple[int, int]:
    fewest = min(counts[r, k] for r, k in places)
    places = np.array([place for place in places if counts[tuple(place)] == fewest])
    least = min(worse[r, k] for r, k in places)
    return _largest(cv, np.array([place for place in places if worse[tuple(place)] == least]))
