"""Generalised linear regression as scikit-learn estimators: any family, Poisson."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d

from ..arguments import check_flag, check_number, check_vector, check_weights
from ..families import Family, MultipleFamily, get_family
from ..path import solve_path
from ..result import RegularizationPath
from ._base import Y_CHECKS, _Model, unchanged_on_error

Floats = NDArray[np.float64]

SPAN = 50.0  # beyond the values of y, where the best intercept lies: exp of it is anything


class _GeneralizedModel(_Model):
    """One fit of one family."""

    warm_start: bool

    def _solve(
        self, X: Any, y: Any, family: Any, alpha: float, l1_ratio: float, **data: Any
    ) -> RegularizationPath:
        """Solve one alpha; set what every class has."""
        warm = check_flag(self.warm_start, "warm_start")
        start = np.array(self.coef_, ndmin=2).T if warm and hasattr(self, "coef_") else None
        shape = (X.shape[1], data.pop("n_responses", 1))
        if start is not None:
            start = None if start.shape != shape else start[:, 0] if shape[1] == 1 else start
        settings = {**self._settings(), "family": family, "l1_ratio": l1_ratio, **data}
        path = solve_path(X, y, start=start, counts_df=False, **settings | {"alphas": [alpha]})
        self.dual_gap_ = float(path.dual_gaps[0])
        self.status_ = str(path.status[0])
        return path


class _GeneralizedRegressor(RegressorMixin, _GeneralizedModel):
    """A family, an alpha and an l1_ratio; prediction of the mean."""

    alpha: float
    l1_ratio: float

    def _get_family(self) -> Family:
        raise NotImplementedError

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | float | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Minimise the objective of the class, to a certified duality gap.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            float64 and float32, dense in either order, CSR and CSC are used where they lie;
            other dtypes and sparse formats are converted first.
        y : array-like of shape (n_samples,)
            What the family takes.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, not all zero; None for 1. Multiplying all by a constant changes nothing.
        offset : array-like of shape (n_samples,), default=None
            Known part of the linear predictor, the logarithm of an exposure say.

        Returns
        -------
        self : object
            The fitted estimator. Where `fit` raises, it stays what it was before.

        Raises
        ------
        ValueError, TypeError
            For parameters or data out of range; the message begins with the argument's name.

        Warns
        -----
        ConvergenceWarning
            Once, where `max_iter` ended the work before `tol` was met.

        Notes
        -----
        Cost: that of `riata.fit_path` at one alpha.
        """
        with unchanged_on_error(self):
            X, y = self._validated(X, y, Y_CHECKS)
            y = column_or_1d(y, warn=True)
            path = self._solve(
                X, y, self._get_family(), check_number(self.alpha, "alpha", 0.0), self.l1_ratio,
                sample_weight=sample_weight, offset=offset,
            )  # fmt: skip
            self.coef_ = path.coefs.toarray()[:, 0]
            self.intercept_ = float(path.intercepts[0]) if self.fit_intercept else 0.0
            self.n_iter_ = int(path.n_iter[0])
            self._offset_needed, self._classes = offset is not None, path.classes_
        return self

    def predict(self, X: Any, offset: ArrayLike | None = None) -> Floats:
        """Return the expected y.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.
        offset : array-like of shape (n_samples,), default=None
            Needed where the model was fitted with one.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        eta = self._link(X)
        if offset is None and self._offset_needed:
            raise ValueError("offset must be given: the model was fitted with one")
        if offset is not None:
            eta = eta + check_vector(offset, "offset", len(eta))
        return self._get_family().mean(eta)

    def score(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return D^2, the share of the deviance that is explained.

        1 - (deviance of the model) / (that of the best intercept alone, the offset included); R^2
        for the gaussian family.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.
        y : array-like of shape (n_samples,)
            True values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        offset : array-like of shape (n_samples,), default=None
            Needed where the model was fitted with one.

        Returns
        -------
        score : float
            At most 1.
        """
        family = self._get_family()
        mean = self.predict(X, offset)
        y = check_vector(self._coded(column_or_1d(y)), "y", len(mean))
        family.check(y)
        w = check_weights(sample_weight, len(y))
        known = np.zeros(len(y)) if offset is None else np.asarray(offset, dtype=np.float64)
        null = _null_loss(family, y, w, known)
        left = float(w @ family.loss(y, self._link(X) + known))
        return 1.0 - left / null if null > 0.0 else float(left == 0.0)

    def _coded(self, y: Any) -> Any:
        """Return labels as `fit` took them, 0 and 1; other values as they are."""
        if self._classes is None:
            return y
        strange = ~np.isin(y, self._classes)
        if strange.any():
            raise ValueError(
                f"y must hold the labels of fit, {self._classes.tolist()}, got {y[strange][0]!r}"
            )
        return (y == self._classes[1]).astype(np.float64)


def _one_response(family: Any) -> Family:
    """Return the family; refuse one of several responses."""
    found = get_family(family)
    if isinstance(found, MultipleFamily):
        raise ValueError(
            f"family must be one of a single response, got {found.name!r}: use LogisticRegression, "
            "MultiTaskLasso or riata.fit_path"
        )
    return found


def _null_loss(family: Family, y: Floats, w: Floats, offset: Floats) -> float:
    """Return sum_i w_i f(y_i, o_i + b) at the best b."""

    def loss(b: float) -> float:
        return float(w @ family.loss(y, offset + b))

    start, rest = family.start(y, w), y - offset
    low, high = min(start, float(rest.min())) - SPAN, max(start, float(rest.max())) + SPAN
    precise = {"xatol": 1e-12 * (high - low), "maxiter": 1000}
    with np.errstate(over="ignore", invalid="ignore"):  # of losses it multiplies; it bisects then
        found = minimize_scalar(loss, bounds=(low, high), method="bounded", options=precise)
    return min(loss(start), float(found.fun))


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
        "gaussian", "binomial" (y in [0, 1]), "poisson", "gamma", "tweedie", "huber",
        "squared_hinge", or an object such as ``Tweedie(1.7)``.
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
        return _one_response(self.family)


class _PoissonTargets(_GeneralizedRegressor):
    """Counts."""

    def _get_family(self) -> Family:
        return get_family("poisson")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


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
