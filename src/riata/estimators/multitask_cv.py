"""MultiTaskLassoCV and MultiTaskElasticNetCV: several targets, alpha chosen by folds."""

from typing import Any

from numpy.typing import ArrayLike

from ..cv_result import CrossValidatedPath
from ._folds import _CrossValidated
from .multitask import _MultiTask


class _MultiTaskCV(_CrossValidated, _MultiTask):
    """Paths of the multigaussian family, scored by their squared error."""

    def _ratios(self) -> Any:
        """Return the l1_ratios to search."""
        raise NotImplementedError

    def _choose(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
        X, y = self._several(X, y)
        cv = self._search(
            X, y, sample_weight, params, family="multigaussian", l1_ratio=self._ratios(),
            **self._grid(),
        )  # fmt: skip
        self._take(cv)

    def _take(self, cv: CrossValidatedPath) -> None:
        """Keep what scikit-learn's classes keep."""
        self.mse_path_ = self._keep_path(cv)
        if not self.fit_intercept:
            self.intercept_ = 0.0


class MultiTaskElasticNetCV(_MultiTaskCV):
    """Multi-task elastic net whose alpha and l1_ratio are chosen by cross-validation.

    `MultiTaskElasticNet`'s objective on every training fold; the mean over folds of the held-out
    rows' mean squared error says which alpha and l1_ratio are best. scikit-learn's
    `MultiTaskElasticNetCV`, its parameters, folds and scores, and sparse X, `rule`, v and sd
    besides.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the L2,1 penalty, in [0, 1]; several are searched jointly with alpha.
    eps : float, default=1e-3
        The smallest alpha of the automatic grid, as a share of the largest.
    alphas : int or array-like, default=100
        Length of the automatic grid, or the alphas for every l1_ratio.
    fit_intercept : bool, default=True
        Whether intercepts are fitted (they are never penalised) or 0.
    max_iter : int or None, default=1000
        Most sweeps of block coordinate descent, for each fit and alpha; >= 1. None is
        `fit_path`'s default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercepts and unpenalised features). Not scikit-learn's meaning of it.
    cv : int, splitter or iterable, default=None
        As in scikit-learn: None is 5 folds, not shuffled.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    verbose : bool or int, default=0
        Without effect.
    n_jobs : int or None, default=None
        Without effect: folds share X and `n_threads`.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which model is taken, as in `riata.cross_validate`: the best, the one of the largest alpha
        within one standard error of it, or the sparsest within so many percent ("5%").
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
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
        Mean squared error of the held-out rows, over all targets.
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients at `alpha_`, fitted to all data; a feature is zero for all targets or for none.
    sparse_coef_ : sparse array of the same shape
        The same in CSR.
    intercept_ : ndarray of shape (n_targets,), or 0.0 without intercepts
        b0.
    dual_gap_ : float
        The duality gap at `alpha_`, on all data.
    n_iter_ : int
        Sweeps there.
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
    >>> from riata.estimators import MultiTaskElasticNetCV
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> model = MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0]).fit(X, X[:, :2] + 0.1 * X[:, 2:4])
    >>> model.coef_.shape
    (2, 8)
    """

    def __init__(
        self,
        *,
        l1_ratio: float | ArrayLike = 0.5,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-6,
        cv: Any = None,
        copy_X: bool = True,
        verbose: bool | int = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        rule: Any = "min",
        penalty_factor: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.standardize = standardize
        self.n_threads = n_threads

    def _ratios(self) -> Any:
        return self.l1_ratio

    def _take(self, cv: CrossValidatedPath) -> None:
        super()._take(cv)
        self.l1_ratio_ = cv.l1_ratio


class MultiTaskLassoCV(_MultiTaskCV):
    """Multi-task lasso whose alpha is chosen by cross-validation.

    `MultiTaskLasso`'s objective on every training fold; the mean over folds of the held-out rows'
    mean squared error says which alpha is best. scikit-learn's `MultiTaskLassoCV`, its parameters,
    folds and scores, and sparse X, `rule`, v and sd besides.

    Parameters
    ----------
    eps : float, default=1e-3
        The smallest alpha of the automatic grid, as a share of the largest.
    alphas : int or array-like, default=100
        Length of the automatic grid, or the alphas.
    fit_intercept : bool, default=True
        Whether intercepts are fitted (they are never penalised) or 0.
    max_iter : int or None, default=1000
        Most sweeps of block coordinate descent, for each fit and alpha; >= 1. None is
        `fit_path`'s default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercepts and unpenalised features). Not scikit-learn's meaning of it.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    cv : int, splitter or iterable, default=None
        As in scikit-learn: None is 5 folds, not shuffled.
    verbose : bool or int, default=False
        Without effect.
    n_jobs : int or None, default=None
        Without effect: folds share X and `n_threads`.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which model is taken, as in `riata.cross_validate`: the best, the one of the largest alpha
        within one standard error of it, or the sparsest within so many percent ("5%").
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
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
        Mean squared error of the held-out rows, over all targets.
    coef_ : ndarray of shape (n_targets, n_features)
        Coefficients at `alpha_`, fitted to all data; a feature is zero for all targets or for none.
    sparse_coef_ : sparse array of the same shape
        The same in CSR.
    intercept_ : ndarray of shape (n_targets,), or 0.0 without intercepts
        b0.
    dual_gap_ : float
        The duality gap at `alpha_`, on all data.
    n_iter_ : int
        Sweeps there.
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
    >>> from riata.estimators import MultiTaskLassoCV
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> model = MultiTaskLassoCV(alphas=20).fit(X, X[:, :2] + 0.1 * X[:, 2:4])
    >>> model.coef_.shape
    (2, 8)
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-6,
        copy_X: bool = True,
        cv: Any = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
        rule: Any = "min",
        penalty_factor: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.standardize = standardize
        self.n_threads = n_threads

    def _ratios(self) -> Any:
        return 1.0
