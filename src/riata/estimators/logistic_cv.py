"""LogisticRegressionCV: scikit-learn's C, which makes every fold's alpha its own."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import check_count, check_weights
from ..cross_validation import check_ratios
from ..cv_result import CrossValidatedPath
from ..families import get_family
from ..scoring import get_scoring
from ._folds import _CrossValidated
from .generalized import Floats
from .logistic import _Logistic, check_strength, logistic_alpha


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
        `class_weight`.
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
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which model is taken, as in `riata.cross_validate`: the best, the one of the smallest C
        within one standard error of it, or the sparsest within so many percent ("5%").
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf. Bounds are for two classes only.
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
    scores_ : ndarray of shape (n_folds, n_l1_ratios, n_cs)
        Scores of the held-out rows.
    C_ : float
        The chosen C.
    l1_ratio_ : float
        The chosen l1_ratio.
    coef_ : ndarray of shape (1, n_features), or (n_classes, n_features) for more than two
        Coefficients at `C_`, fitted to all data.
    sparse_coef_ : sparse array of the same shape
        The same in CSR.
    intercept_ : ndarray of shape (1,), or (n_classes,)
        b0; 0.0 without an intercept.
    dual_gap_ : float
        The duality gap at `C_`, on all data, on the scale of `riata.fit_path`.
    n_iter_ : ndarray of shape (n_folds, n_l1_ratios, n_cs)
        Coordinate sweeps plus linear solves, 1 at least.
    status_ : str
        Of the fit to all data at `C_`: "converged", "precision_floor" (as near as rounding lets
        it) or "max_iter".
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
    alpha = 1 / (C S_k). Attributes have the shapes of scikit-learn's
    ``use_legacy_attributes=False``; of equally good models the one with the largest l1_ratio is
    taken, then with the smallest C.

    Examples
    --------
    >>> import numpy as np
    >>> from riata.estimators import LogisticRegressionCV
    >>> X = np.random.default_rng(0).standard_normal((60, 8))
    >>> y = np.where(X[:, 0] > 0, "yes", "no")
    >>> model = LogisticRegressionCV(Cs=5, l1_ratios=(1.0,), scoring="neg_log_loss").fit(X, y)
    >>> model.C_
    10000.0
    """

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
        random_state: Any = None,
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
        self.random_state = random_state
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _choose(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
        Cs, ratios = self._strengths(), check_ratios(self.l1_ratios, "l1_ratios")
        X, y, classes, s = self._labelled(X, y, sample_weight)
        if len(lost := np.setdiff1d(classes, y[s > 0.0])):
            raise ValueError(
                f"sample_weight and class_weight must leave every class weight, got none for "
                f"{lost.tolist()[0]!r}: drop its rows"
            )
        alphas = np.array([logistic_alpha(C, s.sum()) for C in Cs])
        cv = self._search(
            X, y, sample_weight, params, classifier=True, family=_family(classes),
            alphas=alphas, l1_ratio=ratios, scoring=self._measure(), summed=True,
            sample_weight=s,
            scoring_weight=1.0 if sample_weight is None else sample_weight,
        )  # fmt: skip
        self.classes_, self.Cs_, self.l1_ratios_ = classes, Cs, ratios
        self._take(cv, alphas)

    def _strengths(self) -> Floats:
        """Return the values of C, in the caller's order."""
        if isinstance(self.Cs, int | np.integer) and not isinstance(self.Cs, bool):
            return np.logspace(-4, 4, check_count(self.Cs, "Cs", 1))
        Cs = np.ravel(np.asarray(self.Cs, dtype=np.float64))
        if len(Cs) == 0:
            raise ValueError("Cs must be an integer >= 1 or numbers > 0, got an empty list")
        return np.array([check_strength(float(C), "Cs") for C in Cs])

    def _measure(self) -> Any:
        return "accuracy" if self.scoring is None else self.scoring

    def _take(self, cv: CrossValidatedPath, alphas: Floats) -> None:
        """Keep what scikit-learn's class keeps, for every C its alpha."""
        k = self._keep(cv)
        self.coef_, self.intercept_ = np.atleast_2d(self.coef_), np.ravel(self.intercept_)
        place = np.searchsorted(-cv.path.alphas, -alphas)
        self.scores_ = cv.scores[:, place].transpose(2, 0, 1)
        self.n_iter_ = np.maximum(cv.n_iter[:, place].transpose(2, 0, 1), 1)
        self.C_ = float(self.Cs_[int(np.flatnonzero(place == k)[0])])
        self.l1_ratio_ = cv.l1_ratio

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return the score of `scoring` on these rows.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        score : float
        """
        eta, classes = self._link(X), self.classes_
        y = np.asarray(y)
        codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        if (unknown := classes[codes] != y).any():
            raise ValueError(f"y must hold labels that were fitted, got {y[unknown].tolist()[0]!r}")
        numbers = (codes[:, None] == np.arange(len(classes))).astype(np.float64)
        family = get_family(_family(classes))
        scoring = get_scoring(self._measure(), family, classes)
        weights = check_weights(sample_weight, len(y))
        return scoring.score(numbers if eta.ndim == 2 else numbers[:, 1], eta, weights)


def _family(classes: NDArray[Any]) -> str:
    return "binomial" if len(classes) == 2 else "multinomial"
