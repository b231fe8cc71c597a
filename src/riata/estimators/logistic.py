"""Logistic regression as a scikit-learn estimator."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ..arguments import check_number
from ..families import get_family
from ._base import Y_CHECKS, _Model, total_weight, unchanged_on_error
from ._generalized import Floats, _GeneralizedModel


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


class _Logistic(ClassifierMixin, _Model):
    """Labels in, and what is predicted of them."""

    class_weight: Any

    def _labelled(
        self, X: Any, y: Any, sample_weight: ArrayLike | float | None
    ) -> tuple[Any, NDArray[Any], NDArray[Any], Floats]:
        """Return X, the labels y (n,), the classes, and s (n,) with the class weights in it."""
        labels = {**Y_CHECKS, "dtype": None, "ensure_all_finite": True}
        X, y = self._validated(X, y, labels)
        y = column_or_1d(y, warn=True)
        if len(y) != X.shape[0]:
            raise ValueError(f"y must hold a label for each of X's {X.shape[0]} rows, got {len(y)}")
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y must hold two classes or more, got one class: {classes.tolist()[0]!r}"
            )
        total_weight(sample_weight, len(y))  # the check
        s = np.ones(len(y)) if sample_weight is None else sample_weight
        s = np.broadcast_to(np.asarray(s, dtype=np.float64), len(y))
        return X, y, classes, s * class_weights(self.class_weight, classes, codes, s)[codes]

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

    def sparsify(self) -> Self:
        """Make `coef_` a sparse array in CSR, as scikit-learn's method does.

        It takes less memory where more than half of it is zero; all methods go on working.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        self.coef_ = self.sparse_coef_
        return self

    def densify(self) -> Self:
        """Make `coef_` an ndarray again.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        self.coef_ = self.sparse_coef_.toarray()
        return self


class LogisticRegression(_Logistic, _GeneralizedModel):
    """Fit a logistic regression with L1 and L2 penalties, to a certified duality gap.

    Minimises over b0 and b, with s the sample weights times the class weights::

        C sum_i s_i (log(1 + exp(eta_i)) - y_i eta_i)
            + sum_j v_j (l1_ratio sd_j |b_j| + (1 - l1_ratio) / 2 sd_j^2 b_j^2)
        subject to  lower_j <= b_j <= upper_j,      eta_i = b0 + x_i'b

    y_i is 1 for the second class, 0 for the first. More than two classes have an intercept and
    coefficients each, a softmax, the same penalty, and the same bounds. scikit-learn's
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
        upper_j >= 0; None is inf. Of more than two classes those with bounds must be penalised.
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
            C = check_strength(self.C, "C")
            X, y, classes, s = self._labelled(X, y, sample_weight)
            check_left(y, classes, s, 2)
            y = np.searchsorted(classes, y)
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


def check_strength(C: Any, name: str) -> float:
    """Return C, a number > 0 or inf."""
    if isinstance(C, float | np.floating) and np.isposinf(C):
        return np.inf
    return check_number(C, name, 0.0, above=True)


def check_left(y: NDArray[Any], classes: NDArray[Any], weights: Floats, least: int) -> None:
    """Refuse weights (n,) that leave fewer than `least` classes a row that counts."""
    lost = np.setdiff1d(classes, y[weights > 0.0])
    if len(lost) > len(classes) - least:
        raise ValueError(
            f"sample_weight and class_weight must leave every class weight, got none for "
            f"{lost.tolist()[0]!r}: drop its rows"
        )


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
