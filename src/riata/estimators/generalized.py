"""Generalised linear models as scikit-learn estimators: any family, Poisson, logistic."""

from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ..arguments import check_flag, check_number, check_vector, check_weights
from ..design import as_matrix, check_matrix
from ..families import Family, get_family
from ..path import solve_path
from ..result import RegularizationPath
from ._base import PATH_DEFAULTS, X_CHECKS, Y_CHECKS, total_weight, unchanged_on_error

Floats = NDArray[np.float64]


class _GeneralizedModel(BaseEstimator):
    """One fit of one family, and its linear predictor."""

    fit_intercept: bool
    max_iter: int
    tol: float
    warm_start: bool
    penalty_factor: ArrayLike | None
    lower_bounds: ArrayLike | None
    upper_bounds: ArrayLike | None
    standardize: bool
    n_threads: int | None

    def _solve(
        self, X: Any, y: Any, family: Any, alpha: float, l1_ratio: float, **data: Any
    ) -> RegularizationPath:
        """Solve one alpha; set what every class has."""
        warm = check_flag(self.warm_start, "warm_start")
        start = np.array(self.coef_, ndmin=2).T if warm and hasattr(self, "coef_") else None
        shape = (X.shape[1], data.pop("n_responses", 1))
        if start is not None:
            start = None if start.shape != shape else start[:, 0] if shape[1] == 1 else start
        path = solve_path(
            X, y, start=start,
            **{
                **PATH_DEFAULTS,
                "family": family, "alphas": [alpha], "l1_ratio": l1_ratio,
                "fit_intercept": self.fit_intercept, "standardize": self.standardize,
                "penalty_factor": self.penalty_factor, "lower_bounds": self.lower_bounds,
                "upper_bounds": self.upper_bounds, "tol": self.tol, "max_iter": self.max_iter,
                "n_threads": self.n_threads, **data,
            },
        )  # fmt: skip
        self.dual_gap_ = float(path.dual_gaps[0])
        self.status_ = str(path.status[0])
        return path

    def _link(self, X: Any) -> Floats:
        """Return intercept_ + X coef_', (n,), or (n, K) for several classes."""
        check_is_fitted(self)
        X = as_matrix(X) if sp.issparse(X) else X
        X = check_matrix(validate_data(self, X, reset=False, **X_CHECKS))
        coef = np.atleast_2d(self.coef_)
        eta = np.asarray(X @ coef.T) + self.intercept_
        return eta[:, 0] if len(coef) == 1 else eta

    @property
    def sparse_coef_(self) -> sp.csr_array:
        """`coef_` as a sparse array of shape (1, n_features), a row per class where several."""
        return sp.csr_array(np.atleast_2d(self.coef_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


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
            X = as_matrix(X) if sp.issparse(X) else X
            X, y = validate_data(self, X, y, validate_separately=(X_CHECKS, Y_CHECKS))
            y = column_or_1d(y, warn=True)
            path = self._solve(
                X, y, self._get_family(), check_number(self.alpha, "alpha", 0.0), self.l1_ratio,
                sample_weight=sample_weight, offset=offset,
            )  # fmt: skip
            self.coef_ = path.coefs.toarray()[:, 0]
            self.intercept_ = float(path.intercepts[0]) if self.fit_intercept else 0.0
            self.n_iter_ = int(path.n_iter[0])
            self._offset_needed = offset is not None
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

        1 - (deviance of the model) / (deviance of the weighted mean of y); R^2 for the gaussian
        family.

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
        y = check_vector(column_or_1d(y), "y", len(mean))
        w = check_weights(sample_weight, len(y))
        eta = self._link(X) + (0.0 if offset is None else np.asarray(offset, dtype=np.float64))
        null = float(w @ family.loss(y, np.full(len(y), family.start(y, w))))
        left = float(w @ family.loss(y, eta))
        return 1.0 - left / null if null > 0.0 else float(left == 0.0)


class GeneralizedLinearRegressor(_GeneralizedRegressor):
    """Fit a generalised linear model of any family, to a certified duality gap.

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
        return get_family(self.family)


class PoissonRegressor(_GeneralizedRegressor):
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

    def _get_family(self) -> Family:
        return get_family("poisson")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


def logistic_alpha(C: float, total_weight: float) -> float:
    """Convert the C of `LogisticRegression`, scikit-learn's scale, to the alpha of `fit_path`.

    `LogisticRegression` minimises a sum, C total_weight times the mean of `riata.fit_path`::

        C sum_i s_i f_i + g(b)  =  C S (1 / S sum_i s_i f_i + (1 / (C S)) g(b)),   S = sum_i s_i

    Parameters
    ----------
    C : float
        Inverse strength of the penalty, > 0.
    total_weight : float
        S: the sum of the sample weights times their class weights; > 0.

    Returns
    -------
    alpha : float
        1 / (C S); 0 where C is infinite.

    Examples
    --------
    >>> from riata.estimators import logistic_alpha
    >>> logistic_alpha(2.0, 50)
    0.01
    """
    return 1.0 / (C * total_weight)


class LogisticRegression(ClassifierMixin, _GeneralizedModel):
    """Fit a logistic regression with L1 and L2 penalties, to a certified duality gap.

    Minimises over b0 and b, with s the sample weights times the class weights::

        C sum_i s_i (log(1 + exp(eta_i)) - y_i eta_i)
            + sum_j v_j (l1_ratio sd_j |b_j| + (1 - l1_ratio) / 2 sd_j^2 b_j^2)
        subject to  lower_j <= b_j <= upper_j,      eta_i = b0 + x_i'b

    y_i is 1 for the second class, 0 for the first. More than two classes have an intercept and
    coefficients each, a softmax, the same penalty, and no bounds. scikit-learn's
    `LogisticRegression` and its answers (the intercept is never penalised), v, sd and bounds
    besides. A sum, not a mean: `logistic_alpha` converts.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty, > 0; inf is maximum likelihood.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, in [0, 1]: 0 is L2 alone, 1 is L1 alone.
    fit_intercept : bool, default=True
        Whether b0 is fitted or 0.
    class_weight : dict, "balanced" or None, default=None
        Factors of the sample weights by class, 1 where the dict has none; "balanced":
        sum(s) / (number of classes * sum of s in the class).
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features). Not scikit-learn's meaning of it.
    max_iter : int, default=1000
        Most coordinate sweeps plus linear solves; >= 1.
    warm_start : bool, default=False
        Whether `fit` starts from `coef_`, where there is one of the right size.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (1, n_features), or (n_classes, n_features) for more than two
        float64.
    sparse_coef_ : sparse array of the same shape
        The same in CSR.
    intercept_ : ndarray of shape (1,), or (n_classes,)
        b0; 0.0 without an intercept.
    dual_gap_ : float
        The duality gap reached, on the scale of `riata.fit_path`: no coefficients have a sum
        (above) that is lower by more than C sum(s) times this.
    n_iter_ : ndarray of shape (1,)
        Coordinate sweeps plus linear solves.
    status_ : str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.fit_path : With `family="binomial"` or "multinomial", a whole path, with offsets.
    logistic_alpha : From this class's C to that function's alpha.

    Notes
    -----
    Multiplying all sample weights by a constant does change the answer, as in scikit-learn: it
    multiplies C. Cost: `riata.fit_path` at one alpha.

    References
    ----------
    .. [1] Friedman, Hastie, Tibshirani, "Regularization paths for generalized linear models via
       coordinate descent", J. Stat. Softw. 33 (2010), section 3.

    Examples
    --------
    >>> from riata.estimators import LogisticRegression
    >>> model = LogisticRegression(C=2.0, l1_ratio=1.0)
    >>> model.fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]).predict([[2.5]])
    array(['yes'], dtype='<U3')
    """

    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        class_weight: Any = None,
        tol: float = 1e-6,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: Any = None,
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | float | None = None) -> Self:
        """Minimise the objective of the class, to a certified duality gap.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            float64 and float32, dense in either order, CSR and CSC are used where they lie;
            other dtypes and sparse formats are converted first.
        y : array-like of shape (n_samples,)
            Labels of two classes or more.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, not all zero; a number stands for that many on every row, None for 1.

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
            X = as_matrix(X) if sp.issparse(X) else X
            labels = {**Y_CHECKS, "dtype": None, "ensure_all_finite": True}
            X, y = validate_data(self, X, y, validate_separately=(X_CHECKS, labels))
            y = column_or_1d(y, warn=True)
            check_classification_targets(y)
            classes, y = np.unique(y, return_inverse=True)
            if len(classes) < 2:
                raise ValueError(
                    f"y must hold two classes or more, got one class: {classes.tolist()[0]!r}"
                )
            C = self.C
            if not (isinstance(C, float) and np.inf == C):
                C = check_number(C, "C", 0.0, above=True)
            total_weight(sample_weight, len(y))  # the check
            s = np.ones(len(y)) if sample_weight is None else sample_weight
            s = np.broadcast_to(np.asarray(s, dtype=np.float64), len(y))
            s = s * class_weights(self.class_weight, classes, y, s)[y]
            binary = len(classes) == 2
            path = self._solve(
                X, y if binary else (y[:, None] == np.arange(len(classes))).astype(np.float64),
                "binomial" if binary else "multinomial", logistic_alpha(C, s.sum()),
                self.l1_ratio, sample_weight=s, n_responses=1 if binary else len(classes),
            )  # fmt: skip
            self.classes_ = classes
            parts = [path.coefs] if binary else path.coefs
            self.coef_ = np.vstack([part.toarray().T for part in parts])
            self.intercept_ = np.ravel(path.intercepts)
            self.n_iter_ = path.n_iter
        return self

    def decision_function(self, X: Any) -> Floats:
        """Return intercept_ + X coef_': for two classes the log-odds of the second.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,), or (n_samples, n_classes) for more than two
        """
        return self._link(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        eta = self._link(X)
        best = (eta > 0.0).astype(np.intp) if eta.ndim == 1 else eta.argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        eta = self._link(X)
        if eta.ndim == 2:
            return get_family("multinomial").mean(eta)
        family = get_family("binomial")
        return np.column_stack([family.mean(-eta), family.mean(eta)])

    def predict_log_proba(self, X: Any) -> Floats:
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        logarithms : ndarray of shape (n_samples, n_classes)
        """
        eta = self._link(X)
        if eta.ndim == 2:
            return eta - logsumexp(eta, axis=1, keepdims=True)
        return -np.column_stack([np.logaddexp(0.0, eta), np.logaddexp(0.0, -eta)])


def class_weights(
    class_weight: Any, classes: NDArray[Any], y: NDArray[np.intp], sample_weight: Floats
) -> Floats:
    """Return the factor of every class, (K,); y holds positions in classes."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        sums = np.bincount(y, weights=sample_weight, minlength=len(classes))
        return sample_weight.sum() / (len(classes) * np.where(sums > 0.0, sums, 1.0))
    if not isinstance(class_weight, dict):
        raise ValueError(f'class_weight must be a dict, "balanced" or None, got {class_weight!r}')
    unknown = [label for label in class_weight if label not in classes.tolist()]
    if unknown:
        raise ValueError(f"class_weight must hold labels of y, got {unknown[0]!r}")
    factors = [class_weight.get(label, 1.0) for label in classes.tolist()]
    return np.array([check_number(factor, "class_weight", 0.0) for factor in factors])
