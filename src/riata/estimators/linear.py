"""Lasso and ElasticNet: parameters and objective of each."""

from typing import Any

from numpy.typing import ArrayLike

from ..arguments import check_number
from ._base import _LinearModel


class Lasso(_LinearModel):
    """Fit a linear model with an L1 penalty, to a certified duality gap.

    Minimises over b0 and b, with sample weights s (1 where none are given)::

        1 / (2 sum_i s_i) sum_i s_i (y_i - b0 - x_i'b)^2  +  alpha sum_j v_j sd_j |b_j|
        subject to  lower_j <= b_j <= upper_j

    scikit-learn's `Lasso`, its parameters and its answers, and v, sd and bounds besides.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, a finite number >= 0. 0 is least squares, of minimum norm where
        that is not unique.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    precompute : bool, "auto" or array-like of shape (n_features, n_features), default=False
        Without effect; taken because scikit-learn's tools pass it.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    max_iter : int or None, default=1000
        Most coordinate sweeps plus linear solves, for each target; >= 1. None is `fit_path`'s
        default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features); >= 0. Not scikit-learn's meaning of it.
    warm_start : bool, default=False
        Whether `fit` starts from `coef_`, where there is one of the right size. Arrays that an
        earlier fit returned are not written to.
    positive : bool, default=False
        Whether coefficients are held >= 0; the same as `lower_bounds=0`.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0, the penalty's factor for each feature: 0 leaves one unpenalised, inf excludes
        it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf. Must be None where `positive=True`.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation (about its mean, divided by
        sum(s)) instead of 1. Coefficients and bounds stay in X's own units.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        float64. One row per target where there are several.
    sparse_coef_ : sparse array of shape (n_targets, n_features)
        The same in CSR.
    intercept_ : float or ndarray of shape (n_targets,)
        b0; 0.0 without an intercept.
    dual_gap_ : float or ndarray of shape (n_targets,)
        The duality gap reached: no coefficients have an objective lower by more than this.
    n_iter_ : int or list of n_targets int
        Coordinate sweeps plus linear solves.
    status_ : str or list of n_targets str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.fit_path : The same for a whole path of alphas, with offsets.
    ElasticNet : L1 and L2 penalty.

    Notes
    -----
    Multiplying all sample weights by a constant changes nothing. Cost: `riata.fit_path` at one
    alpha; a path of many alphas costs far less than as many fits.

    References
    ----------
    .. [1] Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B 58 (1996),
       eq. 2.
    .. [2] Kim, Koh, Lustig, Boyd, Gorinevsky, "An interior-point method for large-scale
       l1-regularized least squares", IEEE J-STSP 1 (2007), section III.A: the duality gap.

    Examples
    --------
    >>> from riata.estimators import Lasso
    >>> model = Lasso(alpha=0.1).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.5]], [0.0, 1.0, 2.0])
    >>> model.status_
    'converged'
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-6,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _objective(self, target: int, n_targets: int, total_weight: float) -> tuple[float, float]:
        return check_number(self.alpha, "alpha", 0.0), 1.0


class ElasticNet(_LinearModel):
    """Fit a linear model with L1 and L2 penalties, to a certified duality gap.

    Minimises over b0 and b, with sample weights s (1 where none are given)::

        1 / (2 sum_i s_i) sum_i s_i (y_i - b0 - x_i'b)^2
            + alpha sum_j v_j (l1_ratio sd_j |b_j| + (1 - l1_ratio) / 2 sd_j^2 b_j^2)
        subject to  lower_j <= b_j <= upper_j

    scikit-learn's `ElasticNet`, its parameters and its answers, and v, sd and bounds besides.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, a finite number >= 0. 0 is least squares, of minimum norm where
        that is not unique.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, in [0, 1]: 1 is the lasso, 0 a ridge on this scale.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    precompute : bool, "auto" or array-like of shape (n_features, n_features), default=False
        Without effect; taken because scikit-learn's tools pass it.
    max_iter : int or None, default=1000
        Most coordinate sweeps plus linear solves, for each target; >= 1. None is `fit_path`'s
        default.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features); >= 0. Not scikit-learn's meaning of it.
    warm_start : bool, default=False
        Whether `fit` starts from `coef_`, where there is one of the right size. Arrays that an
        earlier fit returned are not written to.
    positive : bool, default=False
        Whether coefficients are held >= 0; the same as `lower_bounds=0`.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0, the penalty's factor for each feature: 0 leaves one unpenalised, inf excludes
        it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf. Must be None where `positive=True`.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation (about its mean, divided by
        sum(s)) instead of 1. Coefficients and bounds stay in X's own units.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        float64. One row per target where there are several.
    sparse_coef_ : sparse array of shape (n_targets, n_features)
        The same in CSR.
    intercept_ : float or ndarray of shape (n_targets,)
        b0; 0.0 without an intercept.
    dual_gap_ : float or ndarray of shape (n_targets,)
        The duality gap reached: no coefficients have an objective lower by more than this.
    n_iter_ : int or list of n_targets int
        Coordinate sweeps plus linear solves.
    status_ : str or list of n_targets str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.fit_path : The same for a whole path of alphas, with offsets.
    Lasso : L1 penalty alone.
    Ridge : L2 penalty alone, on scikit-learn's other scale.

    Notes
    -----
    Multiplying all sample weights by a constant changes nothing. Cost: `riata.fit_path` at one
    alpha; a path of many alphas costs far less than as many fits.

    References
    ----------
    .. [1] Zou, Hastie, "Regularization and variable selection via the elastic net", JRSS B 67
       (2005), eq. 3, in the scale of Friedman, Hastie, Tibshirani, "Regularization paths for
       generalized linear models via coordinate descent", J. Stat. Softw. 33 (2010), eq. 1-3.

    Examples
    --------
    >>> from riata.estimators import ElasticNet
    >>> model = ElasticNet(alpha=0.1).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.5]], [0.0, 1.0, 2.0])
    >>> model.status_
    'converged'
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int | None = 1000,
        copy_X: bool = True,
        tol: float = 1e-6,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _objective(self, target: int, n_targets: int, total_weight: float) -> tuple[float, float]:
        return check_number(self.alpha, "alpha", 0.0), self.l1_ratio
