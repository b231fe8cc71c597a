"""LogisticRegressionCV: scikit-learn's C, which makes every fold's alpha its own.

What the folds fitted is kept sparse; scikit-learn's dense arrays are made of it when asked for.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metadata_routing import UNUSED, MethodMapping
from sklearn.utils.validation import check_is_fitted

from ..arguments import check_count, check_flag, check_weights
from ..cross_validation import check_ratios
from ..cv_result import CrossValidatedPath, best_of
from ..design import as_matrix
from ..families import get_family
from ..responses import as_column
from ..scoring import get_scoring, shown
from ..stopping import WORST_FIRST
from ._folds import _CrossValidated, route
from .logistic import _Logistic, check_left, check_strength, logistic_alpha

Floats = NDArray[np.float64]


class LogisticRegressionCV(_CrossValidated, _Logistic):
    """Logistic regression whose C and l1_ratio are chosen by cross-validation.

    `LogisticRegression`'s objective, a sum, on every training fold, with the same C; the mean over
    folds of the held-out rows' scores says which C and l1_ratio are best. scikit-learn's
    `LogisticRegressionCV`, its parameters, folds and scores, and `rule`, v, sd and bounds besides.

    Parameters
    ----------
    Cs : int or array-like, default=10
        So many numbers from 1e-4 to 1e4, evenly spaced in their logarithm, or the values of C:
        > 0, inf is maximum likelihood.
    l1_ratios : array-like of float, default=(0.0,)
        Shares of the L1 penalty, in [0, 1], to be searched jointly with C.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    cv : int, splitter or iterable, default=None
        As in scikit-learn: None is 5 folds, stratified, not shuffled.
    scoring : str, callable or None, default=None
        A scorer of scikit-learn or its name, or "deviance", "misclassification", "auc", "mse" or
        "mae" as in `riata.cross_validate`. None is "accuracy". Weighted by `sample_weight`, not by
        `class_weight`; with metadata routing as the scorer asks.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features). Not scikit-learn's meaning of it.
    max_iter : int or None, default=1000
        Most coordinate sweeps plus linear solves, for each fit and C; >= 1. None is `fit_path`'s
        default.
    class_weight : dict, "balanced" or None, default=None
        As in `LogisticRegression`; "balanced" looks at all data.
    n_jobs : int or None, default=None
        Without effect: folds share X and `n_threads`.
    verbose : int, default=0
        Without effect.
    refit : bool, default=True
        True: the C and l1_ratio with the best mean score, fitted to all data. False: the mean over
        folds of the coefficients, intercepts, C and l1_ratio of every fold's own best.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    use_legacy_attributes : bool, default=False
        As in scikit-learn 1.9: True for the shapes that attributes had before 1.10, with classes
        as the keys of dicts (of two classes the second alone). With k the number of keys `C_` and
        `l1_ratio_` are (k,), `scores_` and `coefs_paths_` dicts of (n_folds, n_cs, n_l1_ratios)
        and (n_folds, n_cs, n_l1_ratios, n_features + fit_intercept), `n_iter_` is
        (1, n_folds, n_cs, n_l1_ratios).
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which model is taken, as in `riata.cross_validate`: the best, the one of the smallest C
        within one standard error of it, or the sparsest within so many percent ("5%"). Only "min"
        with `refit=False`.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf. Of more than two classes those with bounds must be penalised.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation in the training fold instead of 1.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    Cs_ : ndarray of shape (n_cs,)
        The values of C, as they were given.
    l1_ratios_ : ndarray of shape (n_l1_ratios,)
        As they were given.
    coefs_paths_ : ndarray of shape (n_folds, n_l1_ratios, n_cs, k, n_features + fit_intercept)
        What every fold fitted, the intercept last; k is 1 for two classes, else n_classes. Made
        anew each time it is asked for.
    scores_ : ndarray of shape (n_folds, n_l1_ratios, n_cs)
        Scores of the held-out rows.
    C_ : float
        The chosen C; with `refit=False` the mean of the folds'.
    l1_ratio_ : float
        The chosen l1_ratio; with `refit=False` the mean of the folds'.
    coef_ : ndarray of shape (1, n_features), or (n_classes, n_features) for more than two
        Coefficients at `C_`, fitted to all data; with `refit=False` the mean of the folds' best.
    sparse_coef_ : sparse array of the same shape
        The same in CSR.
    intercept_ : ndarray of shape (1,), or (n_classes,)
        b0; 0.0 without an intercept.
    dual_gap_ : float
        The duality gap at `C_`, on all data, on the scale of `riata.fit_path`; with `refit=False`
        the largest of the fits that are averaged, each on its training rows.
    n_iter_ : ndarray of shape (n_folds, n_l1_ratios, n_cs)
        Coordinate sweeps plus linear solves, 1 at least.
    status_ : str
        Of the fit to all data at `C_`: "converged", "precision_floor" (as near as rounding lets
        it) or "max_iter"; with `refit=False` the worst of the fits that are averaged.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.cross_validate : All scores, their standard errors, and a plot; alpha is a mean's.
    LogisticRegression : One C.

    Notes
    -----
    In riata's terms a fold whose training rows have the total weight S_k is fitted at
    alpha = 1 / (C S_k). Of equally good models the one with the largest l1_ratio is taken, then
    with the smallest C. Memory: 16 bytes for each coefficient of the folds that is not zero, and
    the n_folds x n_l1_ratios x n_cs x k x n_features numbers of `coefs_paths_` where it is used.

    Examples
    --------
    >>> import numpy as np
    >>> from riata.estimators import LogisticRegressionCV
    >>> X = np.random.default_rng(0).standard_normal((60, 8))
    >>> y = np.where(X[:, 0] > 0, "yes", "no")
    >>> model = LogisticRegressionCV(Cs=5, l1_ratios=(1.0,), scoring="neg_log_loss").fit(X, y)
    >>> model.C_
    100.0
    """

    __metadata_request__score: ClassVar[Any] = {"sample_weight": UNUSED}  # the scorer has it
    _default_scorer = "accuracy"
    scores_: Any
    n_iter_: Any
    C_: Any
    l1_ratio_: Any

    def __init__(
        self,
        *,
        Cs: int | ArrayLike = 10,
        l1_ratios: ArrayLike = (0.0,),
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: Any = None,
        tol: float = 1e-6,
        max_iter: int | None = 1000,
        class_weight: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        refit: bool = True,
        random_state: Any = None,
        use_legacy_attributes: bool = False,
        rule: Any = "min",
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.scoring = scoring
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.refit = refit
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _choose(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
        Cs, ratios = self._strengths(), check_ratios(self.l1_ratios, "l1_ratios")
        refit = check_flag(self.refit, "refit")
        legacy = check_flag(self.use_legacy_attributes, "use_legacy_attributes")
        if not refit and self.rule != "min":
            raise ValueError(
                f'rule must be "min" with refit=False, which takes the best of every fold, got '
                f"{self.rule!r}: use refit=True"
            )
        X, y, classes, s = self._labelled(X, y, sample_weight)
        check_left(y, classes, s, len(classes))
        alphas = np.array([logistic_alpha(C, s.sum()) for C in Cs.flat])
        cv = self._search(
            X, y, sample_weight, params, classifier=True, family=_family(classes),
            alphas=alphas, l1_ratio=ratios, scoring=self._measure(),
            total_weight=float(s.sum()), sample_weight=s, keep_fold_paths=True,
            scoring_weight=1.0 if sample_weight is None else sample_weight,
        )  # fmt: skip
        self.classes_, self.Cs_, self.l1_ratios_ = classes, Cs, ratios
        self._place = np.searchsorted(-cv.path.alphas, -alphas)
        self._take_folds(cv)
        if refit:
            self._take(cv)
        else:
            self._average(cv)
        if legacy:
            self._restore()

    def _strengths(self) -> Floats:
        """Return the values of C, in the caller's order."""
        if isinstance(self.Cs, int | np.integer) and not isinstance(self.Cs, bool):
            return np.logspace(-4, 4, check_count(self.Cs, "Cs", 1))
        Cs = np.asarray(self.Cs, dtype=object)
        if Cs.ndim == 0:
            raise TypeError(
                "Cs must be an integer >= 1, the length of the automatic grid, or a list of "
                f"numbers > 0, got {self.Cs!r}: put a single C into a list"
            )
        if Cs.size == 0:
            raise ValueError("Cs must be an integer >= 1 or numbers > 0, got an empty list")
        return np.array([check_strength(C, "Cs") for C in Cs.flat])

    def _measure(self) -> Any:
        return self._default_scorer if self.scoring is None else self.scoring

    def _scored_by(self) -> MethodMapping:
        return super()._scored_by().add(caller="score", callee="score")

    def _take_folds(self, cv: CrossValidatedPath) -> None:
        """Keep what the folds found, for every C its alpha."""
        assert cv.fold_paths is not None
        self.scores_ = cv.scores[:, self._place].transpose(2, 0, 1)
        self.n_iter_ = np.maximum(cv.n_iter[:, self._place].transpose(2, 0, 1), 1)
        self._folds = [
            [_Coefs(_as_list(path.coefs), path.intercepts) for path in paths]
            for paths in zip(*cv.fold_paths, strict=True)
        ]

    def _take(self, cv: CrossValidatedPath) -> None:
        """Keep the model that the rule chooses."""
        k = self._keep(cv)
        self.coef_, self.intercept_ = np.atleast_2d(self.coef_), np.ravel(self.intercept_)
        self.C_ = self._strength_at(k)
        self.l1_ratio_ = cv.l1_ratio

    def _strength_at(self, k: int) -> float:
        """Return the C of the alpha with number k."""
        return float(self.Cs_[int(np.flatnonzero(self._place == k)[0])])

    def _average(self, cv: CrossValidatedPath) -> None:
        """Keep the mean of the folds' own best models."""
        assert cv.fold_paths is not None
        best = [best_of(cv, f) for f in range(len(self._folds))]
        found = [(f, r, k) for f, place in enumerate(best) if place for r, k in [place]]
        models = np.mean([_dense(self._folds[f][r], [k])[0] for f, r, k in found], axis=0)
        self.coef_, self.intercept_ = models[:, :-1], models[:, -1]
        self.C_ = float(np.mean([self._strength_at(k) for *_, k in found]))
        self.l1_ratio_ = float(np.mean([cv.l1_ratios[r] for _, r, _ in found]))
        paths = [(cv.fold_paths[r][f], k) for f, r, k in found]
        self.dual_gap_ = max(float(path.dual_gaps[k]) for path, k in paths)
        status = {str(path.status[k]) for path, k in paths}
        self.status_ = next(word for word in WORST_FIRST if word in status)

    @property
    def coefs_paths_(self) -> Any:
        """What every fold fitted, dense; see the class."""
        check_is_fitted(self)
        fitted = [[_dense(path, self._place) for path in paths] for paths in self._folds]
        whole = np.array(fitted)
        whole = whole if self.fit_intercept else whole[..., :-1]
        return self._by_class(whole.transpose(3, 0, 2, 1, 4)) if self._legacy() else whole

    # -- the attributes of scikit-learn before 1.10 ----------------------------------------------

    def _legacy(self) -> bool:
        return isinstance(self.scores_, dict)

    def _by_class(self, values: Any) -> dict[Any, Any]:
        """Return values, one for each class, the first of two left out, by label."""
        labels = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        return dict(zip(labels, values, strict=True))

    def _restore(self) -> None:
        """Put the attributes into their former shapes."""
        scores, k = self.scores_.swapaxes(1, 2), len(self.coef_)
        self.scores_ = self._by_class([scores.copy() for _ in range(k)])
        self.n_iter_ = self.n_iter_.swapaxes(1, 2)[None]
        self.C_, self.l1_ratio_ = np.repeat(self.C_, k), np.repeat(self.l1_ratio_, k)

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, **params: Any) -> float:
        """Return the score of `scoring` on these rows.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        **params : dict
            What metadata routing hands to the scorer.

        Returns
        -------
        score : float
        """
        eta, classes = self._link(X), self.classes_
        y = as_column(y, len(eta))
        known = y[:, None] == classes
        if (unknown := ~known.any(axis=1)).any():
            raise ValueError(f"y must hold labels that were fitted, got {y[unknown].tolist()[0]!r}")
        numbers = known.astype(np.float64)
        family = get_family(_family(classes))
        routed = route(self, "score", {**params, "sample_weight": sample_weight}).score
        if routed is not None:
            sample_weight = routed.pop("sample_weight", None)
        scoring = get_scoring(self._measure(), family, classes, shown(X, as_matrix(X)), routed)
        weights = check_weights(sample_weight, len(y))
        scoring.check_weights([weights])
        numbers = numbers if eta.ndim == 2 else numbers[:, 1]
        rows = np.flatnonzero(weights)
        return scoring.score(numbers[rows], eta[rows], weights[rows], rows)


class _Coefs(NamedTuple):
    """One fold's path: a list of K sparse (p, L), 1 for two classes; intercepts (L,) or (L, K)."""

    parts: Any
    intercepts: Floats


def _as_list(coefs: Any) -> list[Any]:
    return coefs if isinstance(coefs, list) else [coefs]


def _dense(path: _Coefs, place: Any) -> Floats:
    """Return coefficients and, last, intercepts at some alphas, (m, K, p + 1)."""
    coefs = [part[:, place].toarray().T for part in path.parts]
    intercepts = path.intercepts[place].reshape(len(place), -1)
    return np.concatenate([np.stack(coefs, axis=1), intercepts[:, :, None]], axis=2)


def _family(classes: NDArray[Any]) -> str:
    return "binomial" if len(classes) == 2 else "multinomial"
