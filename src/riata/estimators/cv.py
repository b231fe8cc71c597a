"""LassoCV and ElasticNetCV: scikit-learn's scores on scikit-learn's folds, by riata's engine."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import column_or_1d

from ..cv_result import CrossValidatedPath
from ._base import Y_CHECKS, _LinearModel
from ._folds import _CrossValidated


class _PathCV(_CrossValidated, _LinearModel):
    """Gaussian paths, scored by their squared error."""

    def _ratios(self) -> Any:
        """Return the l1_ratios to search."""
        raise NotImplementedError

    def _choose(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
        X, y = self._validated(X, y, Y_CHECKS)
        if y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                f"y must be one target, got shape {y.shape}: fit one {type(self).__name__} each, "
                "or MultiTaskLassoCV or MultiTaskElasticNetCV to all"
            )
        y = column_or_1d(y, warn=True)
        grid = self._grid()
        self._take(self._search(X, y, sample_weight, params, l1_ratio=self._ratios(), **grid))

    def _take(self, cv: CrossValidatedPath) -> None:
        """Keep what scikit-learn's classes keep."""
        self.mse_path_ = self._keep_path(cv)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


class LassoCV(_PathCV):
    """Lasso whose alpha is chosen by cross-validation.

    `Lasso`'s objective on every training fold; the mean over folds of the held-out rows' mean
    squared error says which alpha is best. scikit-learn's `LassoCV`, its parameters, folds and
    scores, and `rule`, v, sd and bounds besides.

    Parameters
    ----------
    eps : float, default=1e-3
        The smallest alpha of the automatic grid, as a share of the largest.
    alphas : int or array-like, default=100
        Length of the automatic grid, or the alphas.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    precompute : bool, "auto" or array-like of shape (n_features, n_features), default="auto"
        Without effect; taken because scikit-learn's tools pass it.
    max_iter : int or None, default=1000
        Most coordinate sweeps plus linear solves, for each fit and alpha; >= 1. None is
        `fit_path`'s default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features); > 0. Not scikit-learn's meaning of it.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    cv : int, splitter or iterable, default=None
        As in scikit-learn: None is 5 folds, not shuffled.
    verbose : bool or int, default=False
        Without effect.
    n_jobs : int or None, default=None
        Without effect: folds share X and `n_threads`.
    positive : bool, default=False
        Whether coefficients are held >= 0; the same as `lower_bounds=0`.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which alpha is taken, as in `riata.cross_validate`: the best, the largest within one
        standard error of it, or the sparsest model within so many percent ("5%").
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0, the penalty's factor for each feature: 0 leaves one unpenalised, inf excludes
        it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf. Must be None where `positive=True`.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation in the training fold instead of 1.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    alpha_ : float
        The chosen alpha.
    alphas_ : ndarray of shape (n_alphas,)
        The grid, descending.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error of the held-out rows.
    coef_ : ndarray of shape (n_features,)
        Coefficients at `alpha_`, fitted to all data.
    sparse_coef_ : sparse array of shape (1, n_features)
        The same in CSR.
    intercept_ : float
        b0; 0.0 without an intercept.
    dual_gap_ : float
        The duality gap at `alpha_`, on all data.
    n_iter_ : int
        Coordinate sweeps plus linear solves there.
    status_ : str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.cross_validate : All scores, their standard errors, and a plot.

    Examples
    --------
    >>> import numpy as np
    >>> from riata.estimators import LassoCV
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> model = LassoCV(rule="1se").fit(X, X[:, 0] + 0.1 * X[:, 1])
    >>> model.coef_.nonzero()[0]
    array([0, 1])
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int | None = 1000,
        tol: float = 1e-6,
        copy_X: bool = True,
        cv: Any = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        rule: Any = "min",
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _ratios(self) -> Any:
        return 1.0


class ElasticNetCV(_PathCV):
    """Elastic net whose alpha and l1_ratio are chosen by cross-validation.

    `ElasticNet`'s objective on every training fold; the mean over folds of the held-out rows' mean
    squared error says which alpha and l1_ratio are best. scikit-learn's `ElasticNetCV`, its
    parameters, folds and scores, and `rule`, v, sd and bounds besides.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the L1 penalty, in [0, 1]; several are searched jointly with alpha.
    eps : float, default=1e-3
        The smallest alpha of the automatic grid, as a share of the largest.
    alphas : int or array-like, default=100
        Length of the automatic grids, or the alphas for every l1_ratio.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    precompute : bool, "auto" or array-like of shape (n_features, n_features), default="auto"
        Without effect; taken because scikit-learn's tools pass it.
    max_iter : int or None, default=1000
        Most coordinate sweeps plus linear solves, for each fit and alpha; >= 1. None is
        `fit_path`'s default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features); > 0. Not scikit-learn's meaning of it.
    cv : int, splitter or iterable, default=None
        As in scikit-learn: None is 5 folds, not shuffled.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    verbose : bool or int, default=0
        Without effect.
    n_jobs : int or None, default=None
        Without effect: folds share X and `n_threads`.
    positive : bool, default=False
        Whether coefficients are held >= 0; the same as `lower_bounds=0`.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which model is taken, as in `riata.cross_validate`: the best, the one of the largest alpha
        within one standard error of it, or the sparsest within so many percent ("5%").
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0, the penalty's factor for each feature: 0 leaves one unpenalised, inf excludes
        it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf. Must be None where `positive=True`.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation in the training fold instead of 1.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    alpha_ : float
        The chosen alpha.
    l1_ratio_ : float
        The chosen l1_ratio.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratios, n_alphas)
        The grids, descending.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratios, n_alphas, n_folds)
        Mean squared error of the held-out rows.
    coef_ : ndarray of shape (n_features,)
        Coefficients at `alpha_`, fitted to all data.
    sparse_coef_ : sparse array of shape (1, n_features)
        The same in CSR.
    intercept_ : float
        b0; 0.0 without an intercept.
    dual_gap_ : float
        The duality gap at `alpha_`, on all data.
    n_iter_ : int
        Coordinate sweeps plus linear solves there.
    status_ : str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.cross_validate : All scores, their standard errors, and a plot.

    Examples
    --------
    >>> import numpy as np
    >>> from riata.estimators import ElasticNetCV
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> model = ElasticNetCV(l1_ratio=[0.5, 1.0]).fit(X, X[:, 0] + 0.1 * X[:, 1])
    >>> model.l1_ratio_
    1.0
    """

    def __init__(
        self,
        *,
        l1_ratio: float | ArrayLike = 0.5,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int | None = 1000,
        tol: float = 1e-6,
        cv: Any = None,
        copy_X: bool = True,
        verbose: bool | int = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        rule: Any = "min",
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _ratios(self) -> Any:
        return self.l1_ratio

    def _take(self, cv: CrossValidatedPath) -> None:
        super()._take(cv)
        self.l1_ratio_ = cv.l1_ratio
