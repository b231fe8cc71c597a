"""MultiTaskLasso and MultiTaskElasticNet: several targets that share their features."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from ..arguments import check_number
from ._base import Y_CHECKS, unchanged_on_error
from ._generalized import Floats, _GeneralizedModel


class _MultiTask(RegressorMixin, _GeneralizedModel):
    """One fit of the multigaussian family."""

    alpha: float
    lower_bounds = upper_bounds = None

    def _get_l1_ratio(self) -> float:
        raise NotImplementedError

    def _several(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return X and y (n, n_targets)."""
        X, y = self._validated(X, y, Y_CHECKS)
        if y.ndim != 2:
            raise ValueError(
                "y must be of shape (n_samples, n_targets), got one dimension: use "
                f"{type(self).__name__.removeprefix('MultiTask')} for a single target"
            )
        return X, y

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | float | None = None) -> Self:
        """Minimise the objective of the class, to a certified duality gap.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            float64 and float32, dense in either order, CSR and CSC are used where they lie;
            other dtypes and sparse formats are converted first.
        y : array-like of shape (n_samples, n_targets)
            The targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, not all zero; None for 1. Multiplying all by a constant changes nothing.

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
            X, y = self._several(X, y)
            path = self._solve(
                X, y, "multigaussian", check_number(self.alpha, "alpha", 0.0),
                self._get_l1_ratio(), sample_weight=sample_weight, n_responses=y.shape[1],
            )  # fmt: skip
            self.coef_ = np.vstack([part.toarray().T for part in path.coefs])
            self.intercept_ = path.intercepts[0] if self.fit_intercept else 0.0
            self.n_iter_ = int(path.n_iter[0])
        return self

    def predict(self, X: Any) -> Floats:
        """Return intercept_ + X coef_'.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
        """
        eta = self._link(X)
        return eta if eta.ndim == 2 else eta[:, None]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


class MultiTaskElasticNet(_MultiTask):
    """Fit targets that share their features, with L2,1 and L2 penalties, to a certified gap.

    Minimises over intercepts b0 and coefficients B, b_j the K of feature j::

        1 / (2 sum_i s_i) sum_i s_i |y_i - b0 - B'x_i|^2
            + alpha sum_j v_j (l1_ratio sd_j |b_j| + (1 - l1_ratio) / 2 sd_j^2 |b_j|^2)

    with Euclidean norms. scikit-learn's `MultiTaskElasticNet`, its parameters and its answers, and
    sparse X, sample weights, v and sd besides.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, a finite number >= 0. 0 is least squares.
    l1_ratio : float, default=0.5
        Share of the L2,1 penalty, in [0, 1].
    fit_intercept : bool, default=True
        Whether intercepts are fitted (they are never penalised) or 0.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    max_iter : int, default=1000
        Most sweeps of block coordinate descent; >= 1.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercepts and unpenalised features). Not scikit-learn's meaning of it.
    warm_start : bool, default=False
        Whether `fit` starts from `coef_`, where there is one of the right size.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation instead of 1.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        float64; a feature is zero for all targets or for none.
    sparse_coef_ : sparse array of the same shape
        The same in CSR.
    intercept_ : ndarray of shape (n_targets,), or 0.0 without intercepts
        b0.
    dual_gap_ : float
        The duality gap reached: no coefficients have an objective lower by more than this.
    n_iter_ : int
        Sweeps.
    status_ : str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.fit_path : With `family="multigaussian"`, the same for a whole path of alphas.

    Notes
    -----
    Cost: `riata.fit_path` at one alpha.

    References
    ----------
    .. [1] Yuan, Lin, "Model selection and estimation in regression with grouped variables", JRSS B
       68 (2006), eq. 2.1.

    Examples
    --------
    >>> from riata.estimators import MultiTaskElasticNet
    >>> model = MultiTaskElasticNet(alpha=0.1)
    >>> model.fit([[0.0], [1.0], [2.0]], [[0.0, 1.0], [1.0, 2.0], [2.0, 2.5]]).status_
    'converged'
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection
        self.penalty_factor = penalty_factor
        self.standardize = standardize
        self.n_threads = n_threads

    def _get_l1_ratio(self) -> float:
        return self.l1_ratio


class MultiTaskLasso(_MultiTask):
    """Fit targets that share their features, with an L2,1 penalty, to a certified gap.

    Minimises over intercepts b0 and coefficients B, b_j the K of feature j::

        1 / (2 sum_i s_i) sum_i s_i |y_i - b0 - B'x_i|^2  +  alpha sum_j v_j sd_j |b_j|

    with Euclidean norms. scikit-learn's `MultiTaskLasso`, its parameters and its answers, and
    sparse X, sample weights, v and sd besides.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, a finite number >= 0. 0 is least squares.
    fit_intercept : bool, default=True
        Whether intercepts are fitted (they are never penalised) or 0.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    max_iter : int, default=1000
        Most sweeps of block coordinate descent; >= 1.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercepts and unpenalised features). Not scikit-learn's meaning of it.
    warm_start : bool, default=False
        Whether `fit` starts from `coef_`, where there is one of the right size.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Without effect: the solver chooses the order of its updates.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0: 0 leaves a feature unpenalised, inf excludes it. Never rescaled. None is 1.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation instead of 1.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        float64; a feature is zero for all targets or for none.
    sparse_coef_ : sparse array of the same shape
        The same in CSR.
    intercept_ : ndarray of shape (n_targets,), or 0.0 without intercepts
        b0.
    dual_gap_ : float
        The duality gap reached: no coefficients have an objective lower by more than this.
    n_iter_ : int
        Sweeps.
    status_ : str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.fit_path : With `family="multigaussian"`, the same for a whole path of alphas.

    Notes
    -----
    Cost: `riata.fit_path` at one alpha.

    References
    ----------
    .. [1] Yuan, Lin, "Model selection and estimation in regression with grouped variables", JRSS B
       68 (2006), eq. 2.1.

    Examples
    --------
    >>> from riata.estimators import MultiTaskLasso
    >>> model = MultiTaskLasso(alpha=0.1)
    >>> model.fit([[0.0], [1.0], [2.0]], [[0.0, 1.0], [1.0, 2.0], [2.0, 2.5]]).status_
    'converged'
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        penalty_factor: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection
        self.penalty_factor = penalty_factor
        self.standardize = standardize
        self.n_threads = n_threads

    def _get_l1_ratio(self) -> float:
        return 1.0
