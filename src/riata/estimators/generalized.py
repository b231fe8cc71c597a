"""Generalised linear regression as scikit-learn estimators: any family, Poisson."""

from numpy.typing import ArrayLike

from ..families import Family
from ._generalized import _GeneralizedRegressor, _PoissonTargets, one_response


class GeneralizedLinearRegressor(_GeneralizedRegressor):
    """Fit a generalised linear model of any family of one response, to a certified duality gap.

    Minimises over b0 and b, with sample weights s (1 where none are given)::

        (1 / sum_i s_i) sum_i s_i f(y_i, o_i + b0 + x_i'b)
            + alpha sum_j v_j (l1_ratio sd_j |b_j| + (1 - l1_ratio) / 2 sd_j^2 b_j^2)
        subject to  lower_j <= b_j <= upper_j

    f is half the unit deviance of the family: `riata.fit_path` at one alpha.

    Parameters
    ----------
    family : str or riata.families.Family, default="gaussian"
        "gaussian", "binomial" (two labels, or y in [0, 1]), "poisson", "gamma", "tweedie",
        "huber", "squared_hinge" (two labels), or an object such as ``Tweedie(1.7)``.
    alpha : float, default=1.0
        Strength of the penalty, a finite number >= 0. 0 is maximum likelihood.
    l1_ratio : float, default=1.0
        Share of the L1 penalty, in [0, 1].
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    max_iter : int, default=1000
        Most coordinate sweeps plus linear solves; >= 1.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features).
    warm_start : bool, default=False
        Whether `fit` starts from `coef_`, where there is one of the right size.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation instead of 1.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        float64.
    sparse_coef_ : sparse array of shape (1, n_features)
        The same in CSR.
    intercept_ : float
        b0; 0.0 without an intercept.
    dual_gap_ : float
        The duality gap reached: no coefficients have an objective lower by more than this.
    n_iter_ : int
        Coordinate sweeps plus linear solves.
    status_ : str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.fit_path : The same for a whole path of alphas.
    riata.families : The losses.

    Notes
    -----
    Multiplying all sample weights by a constant changes nothing. Cost: `riata.fit_path` at one
    alpha.

    References
    ----------
    .. [1] McCullagh, Nelder, "Generalized Linear Models", 2nd ed. (1989), section 2.3: deviance.

    Examples
    --------
    >>> from riata.estimators import GeneralizedLinearRegressor
    >>> model = GeneralizedLinearRegressor(family="gamma", alpha=0.01)
    >>> model.fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0]).status_
    'converged'
    """

    def __init__(
        self,
        family: str | Family = "gaussian",
        *,
        alpha: float = 1.0,
        l1_ratio: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
        warm_start: bool = False,
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.family = family
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _get_family(self) -> Family:
        return one_response(self.family)


class PoissonRegressor(_PoissonTargets):
    """Fit a Poisson regression with a log link, to a certified duality gap.

    Minimises over b0 and b, with mu_i = exp(o_i + b0 + x_i'b)::

        (1 / sum_i s_i) sum_i s_i (y_i log(y_i / mu_i) - y_i + mu_i)
            + alpha sum_j v_j (l1_ratio sd_j |b_j| + (1 - l1_ratio) / 2 sd_j^2 b_j^2)
        subject to  lower_j <= b_j <= upper_j

    scikit-learn's `PoissonRegressor` and its answers; l1_ratio, offset, v, sd and bounds besides.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, a finite number >= 0. 0 is maximum likelihood.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, in [0, 1]; 0, scikit-learn's penalty, is L2 alone.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    max_iter : int, default=1000
        Most coordinate sweeps plus linear solves; >= 1.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features). Not scikit-learn's meaning of it.
    warm_start : bool, default=False
        Whether `fit` starts from `coef_`, where there is one of the right size.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation instead of 1.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        float64.
    sparse_coef_ : sparse array of shape (1, n_features)
        The same in CSR.
    intercept_ : float
        b0; 0.0 without an intercept.
    dual_gap_ : float
        The duality gap reached: no coefficients have an objective lower by more than this.
    n_iter_ : int
        Coordinate sweeps plus linear solves.
    status_ : str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    GeneralizedLinearRegressor : Any family.
    riata.fit_path : The same for a whole path of alphas.

    Notes
    -----
    Multiplying all sample weights by a constant changes nothing. Cost: `riata.fit_path` at one
    alpha.

    References
    ----------
    .. [1] McCullagh, Nelder, "Generalized Linear Models", 2nd ed. (1989), section 6.2.

    Examples
    --------
    >>> from riata.estimators import PoissonRegressor
    >>> model = PoissonRegressor(alpha=0.1).fit([[0.0], [1.0], [2.0]], [1, 2, 6])
    >>> model.status_
    'converged'
    """

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
        warm_start: bool = False,
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads
