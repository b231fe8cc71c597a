"""RidgeCV: leave-one-out by one decomposition, or scikit-learn's folds and scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import check_flag, check_number
from ..cv_result import check_rule, mean_and_error
from ..path import MODEL
from ..ridge_cv import RidgeFits, cross_validate_ridge
from ..scorers import Judge, Predictions
from ..scoring import alike, check_scores, shown, warn_unweighted
from ..stopping import check_rule as check_stopping
from ._base import Y_CHECKS, _LinearModel, total_weight
from ._folds import _Routed, route, splits

Floats = NDArray[np.float64]

ONE_SCORE = 'rule="1se" needs scores of several rows or folds, got one: use rule="min"'


class RidgeCV(_Routed, _LinearModel):
    """Ridge regression whose alpha is chosen by leave-one-out or by folds.

    `Ridge`'s objective, a sum: its alpha stays the same where rows are left out. scikit-learn's
    `RidgeCV`, its parameters, folds and scores, and `rule` and `penalty_factor` besides.

    Parameters
    ----------
    alphas : float or array-like of shape (n_alphas,), default=(0.1, 1.0, 10.0)
        The alphas to try, > 0 (with folds: >= 0); of equally good ones the first is taken.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    scoring : str, callable or None, default=None
        A scorer of scikit-learn or its name; called with sample_weight where `fit` was and it takes
        some, with metadata routing as it asks. None is minus the mean squared error where rows are
        left out one by one (each times its weight), the coefficient of determination with folds.
    cv : int, splitter, iterable or None, default=None
        None leaves out every row once, exactly, from one decomposition; else as in scikit-learn.
    gcv_mode : {"auto", "svd", "eigen"} or None, default=None
        Without effect: the smaller of X'X and XX' is decomposed.
    store_cv_results : bool, default=False
        Whether to keep `cv_results_`; with cv=None only.
    alpha_per_target : bool, default=False
        Whether each target has an alpha of its own; with cv=None only.
    rule : {"min", "1se"}, default="min"
        Which alpha is taken: the one of the best score, or the largest within one standard error
        of it (over rows or folds).
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0, the penalty's factor for each feature: 0 leaves one unpenalised, inf excludes
        it. Never rescaled. None is 1.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    alpha_ : float or ndarray of shape (n_targets,)
        The chosen alpha; one for each target where `alpha_per_target`.
    best_score_ : float or ndarray of shape (n_targets,)
        Its score.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_targets, n_alphas)
        Where `store_cv_results`: squared errors of the rows left out, times their weights, or,
        with `scoring`, what was predicted for them.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients at `alpha_`, fitted to all data.
    sparse_coef_ : sparse array of shape (n_targets, n_features)
        The same in CSR.
    intercept_ : float or ndarray of shape (n_targets,)
        b0; 0.0 without an intercept.
    dual_gap_ : float or ndarray of shape (n_targets,)
        The duality gap at `alpha_`, on the scale of `riata.fit_path`.
    n_iter_ : int or list of n_targets int
        Linear solves there.
    status_ : str or list of n_targets str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.cross_validate : With `l1_ratio=0`, ridge on the scale of a mean.

    References
    ----------
    .. [1] Golub, Heath, Wahba, "Generalized cross-validation as a method for choosing a good
       ridge parameter", Technometrics 21 (1979), section 2.

    Examples
    --------
    >>> from riata.estimators import RidgeCV
    >>> RidgeCV().fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]).alpha_
    0.1
    """

    _default_scorer = "r2"
    max_iter = None
    positive = False
    lower_bounds = upper_bounds = None
    standardize = False

    def __init__(
        self,
        alphas: float | ArrayLike = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        rule: str = "min",
        penalty_factor: ArrayLike | None = None,
        tol: float = 1e-6,
        n_threads: int | None = None,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.tol = tol
        self.n_threads = n_threads

    def _choose(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
        given = self._alphas()
        given_X, (X, y) = X, self._validated(X, y, Y_CHECKS)
        settings = {**self._settings(), "sample_weight": sample_weight, "l1_ratio": 0.0}
        total = total_weight(sample_weight, X.shape[0])
        routed = route(self, "fit", {**params, "sample_weight": sample_weight})
        cv = None if self.cv is None else splits(self, X, y, routed.split)
        if self.rule == "1se" and (self.scoring is not None if cv is None else len(cv) == 1):
            raise ValueError(ONE_SCORE)
        scorer = self._weighted_scorer(shown(given_X, X), routed.score, sample_weight)
        grid = np.unique(given)[::-1]
        targets = np.ascontiguousarray(np.atleast_2d(np.asarray(y, dtype=np.float64).T))
        fits = cross_validate_ridge(
            X, targets, grid / total, cv, check_stopping(settings),
            {name: settings[name] for name in MODEL},
        )  # fmt: skip
        place = np.searchsorted(-grid, -given)  # of each given alpha on the grid
        fits.predictions = [(test, eta[:, place]) for test, eta in fits.predictions]
        scores, counted = self._scores(y, fits, sample_weight, scorer)
        mean, error = mean_and_error(scores, counted)
        best = np.array([self._select(m, e, given) for m, e in zip(mean, error, strict=True)])
        self._keep(y, fits, given, place, best)
        chosen = mean[np.arange(len(best)), best]
        if cv is None:
            chosen = chosen * counted.mean()  # over all rows, those of weight 0 too
        several = self.alpha_per_target and y.ndim == 2
        self.alpha_: Any = given[best] if several and len(best) > 1 else float(given[best[0]])
        self.best_score_: Any = chosen if several else float(chosen[0])

    def _alphas(self) -> Floats:
        """Return the alphas as they were given, checked."""
        if self.rule not in ("min", "1se"):
            check_rule(self.rule)
            raise ValueError(f'rule must be "min" or "1se" here, got {self.rule!r}')
        for name in ("store_cv_results", "alpha_per_target"):
            if check_flag(getattr(self, name), name) and self.cv is not None:
                raise ValueError(f"{name}=True goes with cv=None only, got cv={self.cv!r}")
        alphas = np.atleast_1d(np.asarray(self.alphas, dtype=object))
        if alphas.ndim != 1 or len(alphas) == 0:
            raise ValueError(f"alphas must be numbers, got shape {alphas.shape}")
        above = self.cv is None
        return np.array([
            check_number(alpha, f"alphas[{k}]", 0.0, above=above) for k, alpha in enumerate(alphas)
        ])  # fmt: skip

    def _weighted_scorer(
        self, X: Any, routed: dict[str, Any] | None, sample_weight: Any
    ) -> "_WeightedScorer":
        """Return what scores folds, or with `scoring` rows, checked."""
        if routed is not None:
            sample_weight = routed.pop("sample_weight", None)
        name = self._default_scorer if self.scoring is None else self.scoring
        judge = Judge(name, "a scorer of scikit-learn for numbers, or its name", X, routed)
        s = None
        if sample_weight is not None:
            s = np.broadcast_to(np.asarray(sample_weight, float), X.shape[0])
        if s is not None and not judge.takes_weights and not alike(s):
            warn_unweighted(judge.name)
        return _WeightedScorer(judge, s)

    def _scores(
        self, y: Any, fits: RidgeFits, sample_weight: Any, scorer: "_WeightedScorer"
    ) -> tuple[Floats, Floats]:
        """Return scores that should be large, (T, L, K), and whether each counts, (K,), as 0 or 1.

        T = 1 where all targets share an alpha, K = 1 where a scorer judges all rows left out at
        once; else K folds or rows.
        """
        if self.cv is None and self.scoring is None:
            return self._row_scores(y, fits, sample_weight)
        columns = []
        for test, eta in fits.predictions:
            if self.store_cv_results:
                self._keep_results(y, eta)
            eta = eta[:, :, 0] if y.ndim == 1 else eta
            if self.alpha_per_target and y.ndim == 2:
                pairs = [(eta[:, :, t], y[test, t]) for t in range(y.shape[1])]
            else:
                pairs = [(eta, y[test])]
            columns.append([scorer(found, target, test) for found, target in pairs])
        scores = np.moveaxis(np.array(columns), 0, -1)
        counted = ~np.isnan(scores).any(axis=(0, 1))
        if not counted.any():
            raise ValueError("cv must hold out rows of positive weight, got none in any fold")
        check_scores(scores[..., counted], scorer.judge.name)
        return scores, counted.astype(np.float64)

    def _row_scores(self, y: Any, fits: RidgeFits, sample_weight: Any) -> tuple[Floats, Floats]:
        """Return minus the squared errors of rows left out, times their weights."""
        s = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        s = np.broadcast_to(s, len(y))
        eta = fits.predictions[0][1]
        targets = np.asarray(y, dtype=np.float64).reshape(len(eta), 1, -1)
        squares = s[:, None, None] * (targets - eta) ** 2
        if self.store_cv_results:
            self._keep_results(y, squares)
        squares = squares if self.alpha_per_target else squares.mean(axis=2, keepdims=True)
        return -squares.transpose(2, 1, 0), (s > 0.0).astype(np.float64)

    def _keep_results(self, y: Any, values: Floats) -> None:
        """Keep values (n, L, T) in scikit-learn's shape."""
        self.cv_results_: Floats = values[:, :, 0] if y.ndim == 1 else values.transpose(0, 2, 1)

    def _select(self, mean: Floats, error: Floats, alphas: Floats) -> int:
        """Return the number of the alpha that the rule takes."""
        best = int(np.argmax(mean))
        if self.rule == "min":
            return best
        if np.isnan(error[best]):
            raise ValueError(ONE_SCORE)
        within = mean >= mean[best] - error[best]
        return int(np.argmax(np.where(within, alphas, -1.0)))

    def _keep(
        self, y: Any, fits: RidgeFits, given: Floats, place: Any, best: NDArray[np.intp]
    ) -> None:
        """Keep the chosen fits of all targets, in the shapes of `Ridge`."""
        paths = fits.paths
        ks = np.broadcast_to(place[best], len(paths))
        chosen = list(zip(paths, ks, strict=True))
        coefs = np.array([path.coefs[:, [k]].toarray()[:, 0] for path, k in chosen])
        intercepts = np.array([path.intercepts[k] for path, k in chosen])
        gaps = np.array([path.dual_gaps[k] for path, k in chosen])
        single = len(paths) == 1
        self.coef_ = coefs[0] if single else coefs
        self.dual_gap_ = float(gaps[0]) if single else gaps
        self.n_iter_ = [int(path.n_iter[k]) for path, k in chosen]
        self.status_ = [str(path.status[k]) for path, k in chosen]
        if single:
            self.n_iter_, self.status_ = self.n_iter_[0], self.status_[0]
        self.intercept_ = 0.0
        if self.fit_intercept:
            self.intercept_ = float(intercepts[0]) if y.ndim == 1 else intercepts


@dataclass
class _WeightedScorer:
    """A scorer and the weights of all rows, None where all count alike."""

    judge: Judge
    weights: Floats | None

    def __call__(self, eta: Floats, y: Any, rows: NDArray[np.intp]) -> list[float]:
        """Return the score of predictions (m, L) or (m, L, T) at every alpha; NaN where no row
        counts."""
        own = None
        if self.weights is not None:
            kept = np.flatnonzero(self.weights[rows])
            if len(kept) == 0:
                return [np.nan] * eta.shape[1]
            eta, y, rows = eta[kept], y[kept], rows[kept]
            own = self.weights[rows]
        scores = [self.judge(Predictions(eta[:, k]), y, own, rows) for k in range(eta.shape[1])]
        if np.isnan(scores).any() or np.max(scores) == np.inf:
            found = "nan" if np.isnan(scores).any() else "inf"
            raise ValueError(
                f"scoring must give held-out rows a number, got {found} from {self.judge.name!r}: "
                "use fewer folds, or another scoring"
            )
        return scores
