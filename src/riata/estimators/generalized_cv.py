"""GeneralizedLinearRegressorCV and PoissonRegressorCV: any family, alpha chosen by folds."""

from typing import Any, Self

from numpy.typing import ArrayLike

from ..families import Family
from ._base import unchanged_on_error
from ._folds import _CrossValidated
from ._generalized import _GeneralizedRegressor, _PoissonTargets, one_response


class _RegressorCV(_CrossValidated, _GeneralizedRegressor):
    """Paths of one family."""

    l1_ratio: Any
    scoring: Any

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | float | None = None,
        offset: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Fit the paths of all folds and of all data, and choose a model.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            float64 and float32, dense in either order, CSR and CSC are used where they lie;
            other dtypes and sparse formats are converted first.
        y : array-like of shape (n_samples,)
            What the family takes; "binomial" and "squared_hinge" take two labels of any kind.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, of the fits and within each fold's score; folds count the same in the
            mean.
        offset : array-like of shape (n_samples,), default=None
            Known part of the linear predictor, the logarithm of an exposure say.
        **params : dict
            What metadata routing hands to the splitter: `groups`, for one.

        Returns
        -------
        self : object
            The fitted estimator. Where `fit` raises, interrupted with Ctrl-C for one, the
            estimator stays what it was before.

        Raises
        ------
        ValueError, TypeError
            For parameters or data out of range; the message begins with the argument's name.

        Warns
        -----
        ConvergenceWarning
            Once, where `max_iter` ended a fit before `tol` was met.
        """
        with unchanged_on_error(self):
            family = self._get_family()
            X, y = self._targets(X, y, family)
            cv = self._search(
                X, y, sample_weight, params, classifier=family.labelled, family=family,
                l1_ratio=self.l1_ratio, scoring=self.scoring, offset=offset, **self._grid(),
            )  # fmt: skip
            self.scores_ = self._keep_path(cv)
            self.l1_ratio_ = cv.l1_ratio
            self._offset_needed, self._classes = offset is not None, cv.path.classes_
        return self


class GeneralizedLinearRegressorCV(_RegressorCV):
    """Generalised linear model whose alpha and l1_ratio are chosen by cross-validation.

    `GeneralizedLinearRegressor`'s objective on every training fold; the mean over folds of the
    held-out rows' scores says which alpha and l1_ratio are best.

    Parameters
    ----------
    family : str or riata.families.Family, default="gaussian"
        "gaussian", "binomial" (two labels, or y in [0, 1]), "poisson", "gamma", "tweedie",
        "huber", "squared_hinge" (two labels), or an object such as ``Tweedie(1.7)``.
    l1_ratio : float or list of float, default=1.0
        Share of the L1 penalty, in [0, 1]; several are searched jointly with alpha.
    eps : float, default=1e-3
        The smallest alpha of the automatic grid, as a share of the largest.
    alphas : int or array-like, default=100
        Length of the automatic grid, or the alphas for every l1_ratio.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    max_iter : int or None, default=1000
        Most coordinate sweeps plus linear solves, for each fit and alpha; >= 1. None is
        `fit_path`'s default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features).
    cv : int, splitter or iterable, default=None
        As in scikit-learn: None is 5 folds, not shuffled, but stratified where y holds labels.
    scoring : str or callable, default="deviance"
        As in `riata.cross_validate`: "deviance", "mse", "mae", or a scorer of scikit-learn.
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which model is taken, as in `riata.cross_validate`: the best, the one of the largest alpha
        within one standard error of it, or the sparsest within so many percent ("5%").
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf.
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
    scores_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratios, n_alphas, n_folds)
        Scores of the held-out rows.
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
    GeneralizedLinearRegressor : One alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from riata.estimators import GeneralizedLinearRegressorCV
    >>> X = np.random.default_rng(0).standard_normal((60, 8))
    >>> model = GeneralizedLinearRegressorCV("gamma").fit(X, np.exp(X[:, 0]))
    >>> model.status_
    'converged'
    """

    def __init__(
        self,
        family: str | Family = "gaussian",
        *,
        l1_ratio: float | ArrayLike = 1.0,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-6,
        cv: Any = None,
        scoring: Any = "deviance",
        rule: Any = "min",
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.family = family
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _get_family(self) -> Family:
        return one_response(self.family)


class PoissonRegressorCV(_PoissonTargets, _RegressorCV):
    """Poisson regression whose alpha and l1_ratio are chosen by cross-validation.

    `PoissonRegressor`'s objective on every training fold; the mean over folds of the held-out
    rows' scores says which alpha and l1_ratio are best.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.0
        Share of the L1 penalty, in [0, 1]; several are searched jointly with alpha.
    eps : float, default=1e-3
        The smallest alpha of the automatic grid, as a share of the largest.
    alphas : int or array-like, default=100
        Length of the automatic grid, or the alphas for every l1_ratio.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    max_iter : int or None, default=1000
        Most coordinate sweeps plus linear solves, for each fit and alpha; >= 1. None is
        `fit_path`'s default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features).
    cv : int, splitter or iterable, default=None
        As in scikit-learn: None is 5 folds, not shuffled.
    scoring : str or callable, default="deviance"
        As in `riata.cross_validate`: "deviance", "mse", "mae", or a scorer of scikit-learn.
    rule : {"min", "1se"}, percentage or callable, default="min"
        Which model is taken, as in `riata.cross_validate`: the best, the one of the largest alpha
        within one standard error of it, or the sparsest within so many percent ("5%").
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf.
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
    scores_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratios, n_alphas, n_folds)
        Scores of the held-out rows.
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
    PoissonRegressor : One alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from riata.estimators import PoissonRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 8))
    >>> model = PoissonRegressorCV(l1_ratio=[0.5, 1.0]).fit(X, rng.poisson(np.exp(X[:, 0])))
    >>> model.status_
    'converged'
    """

    def __init__(
        self,
        *,
        l1_ratio: float | ArrayLike = 0.0,
        eps: float = 1e-3,
        alphas: int | ArrayLike = 100,
        fit_intercept: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-6,
        cv: Any = None,
        scoring: Any = "deviance",
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
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads
