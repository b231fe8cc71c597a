"""What the estimators share: input in scikit-learn's way, settings, a linear predictor.

`_LinearModel` is one call of the solver for each target: a class of `linear.py` or `ridge.py` adds
its parameters and `_objective`, which says in riata's terms, alpha and l1_ratio of `fit_path`, what
the class minimises.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from inspect import signature
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..arguments import check_flag, check_weights
from ..design import as_matrix, check_matrix
from ..path import fit_path, solve_path

# No copy but where the dtype or the format asks for one. Our own checks, which follow, look for
# NaN and infinity, name the first position, and look into the structure of sparse X.
X_CHECKS: dict[str, Any] = {
    "accept_sparse": ("csr", "csc"),
    "accept_large_sparse": True,
    "dtype": [np.float64, np.float32],
    "ensure_all_finite": False,
}
Y_CHECKS: dict[str, Any] = {"ensure_2d": False, "ensure_all_finite": False}
PATH_DEFAULTS = {
    name: parameter.default
    for name, parameter in signature(fit_path).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
}


class _Model(BaseEstimator):
    """The solver's settings, as every class has them, and a linear predictor."""

    fit_intercept: bool
    max_iter: int | None
    tol: float
    penalty_factor: ArrayLike | None
    lower_bounds: ArrayLike | None
    upper_bounds: ArrayLike | None
    standardize: bool
    n_threads: int | None
    coef_: Any
    intercept_: Any
    dual_gap_: Any
    n_iter_: Any
    status_: Any

    def _settings(self) -> dict[str, Any]:
        """Return the keywords of `riata.fit_path`."""
        settings = {
            **PATH_DEFAULTS,
            "fit_intercept": self.fit_intercept,
            "standardize": self.standardize,
            "penalty_factor": self.penalty_factor,
            "lower_bounds": self.lower_bounds,
            "upper_bounds": self.upper_bounds,
            "tol": self.tol,
            "n_threads": self.n_threads,
        }
        if self.max_iter is not None:
            settings["max_iter"] = self.max_iter
        return settings

    def _validated(self, X: Any, y: Any, y_checks: dict[str, Any]) -> tuple[Any, Any]:
        """Return X and y as arrays that the solver reads, the first look of `fit` at both."""
        X = as_matrix(X) if sp.issparse(X) else X  # to CSR by way of a look at the indices
        return validate_data(self, X, y, validate_separately=(X_CHECKS, y_checks))

    def _link(self, X: Any) -> NDArray[np.float64]:
        """Return intercept_ + X coef_', (n,), or (n, K) where coef_ has several rows."""
        check_is_fitted(self)
        X = as_matrix(X) if sp.issparse(X) else X
        X = check_matrix(validate_data(self, X, reset=False, **X_CHECKS))
        coef = self.coef_ if sp.issparse(self.coef_) else np.atleast_2d(self.coef_)
        found = X @ coef.T
        eta = (found.toarray() if sp.issparse(found) else np.asarray(found)) + self.intercept_
        return eta[:, 0] if eta.shape[1] == 1 else eta

    @property
    def sparse_coef_(self) -> sp.csr_array:
        """`coef_` as a sparse array, a row for each target or class."""
        return sp.csr_array(self.coef_ if sp.issparse(self.coef_) else np.atleast_2d(self.coef_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _LinearModel(RegressorMixin, _Model):
    """Fit one gaussian elastic net per target and predict from it."""

    alpha: Any
    positive: bool

    def _objective(self, target: int, n_targets: int, total_weight: float) -> tuple[float, float]:
        """Return alpha and l1_ratio of `riata.fit_path` for one target."""
        raise NotImplementedError

    def _settings(self) -> dict[str, Any]:
        settings = super()._settings()
        if check_flag(self.positive, "positive"):
            if self.lower_bounds is not None:
                raise ValueError(
                    "lower_bounds must be None where positive=True, which is lower_bounds=0: "
                    "give one of the two"
                )
            settings["lower_bounds"] = 0.0
        return settings

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | float | None = None) -> Self:
        """Minimise the objective of the class, to a certified duality gap.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            float64 and float32, dense in either order, CSR and CSC are used where they lie;
            other dtypes and sparse formats are converted first.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Each target is fitted by itself.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, not all zero; a number stands for that many on every row, None for 1.

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
            Once, where `max_iter` ended the work before `tol` was met.

        Notes
        -----
        Cost: that of `riata.fit_path` at one alpha, for each target.
        """
        with unchanged_on_error(self):
            self._fit(X, y, sample_weight)
        return self

    def _fit(self, X: Any, y: Any, sample_weight: ArrayLike | float | None) -> None:
        settings = self._settings()
        X, y = self._validated(X, y, Y_CHECKS)
        settings["sample_weight"] = sample_weight
        total = total_weight(sample_weight, X.shape[0])
        targets = np.atleast_2d(y.T)
        n_targets = len(targets)
        starts = self._starts(n_targets, X.shape[1])
        paths = []
        with _one_warning() if n_targets > 1 else nullcontext():
            for k, target in enumerate(targets):
                alpha, settings["l1_ratio"] = self._objective(k, n_targets, total)
                settings["alphas"] = [alpha]
                paths.append(solve_path(X, target, start=starts[k], **settings))
        coefs = np.vstack([path.coefs.toarray().T for path in paths])
        intercepts = np.array([path.intercepts[0] for path in paths])
        gaps = np.array([path.dual_gaps[0] for path in paths])
        n_iter = [int(path.n_iter[0]) for path in paths]
        status = [str(path.status[0]) for path in paths]

        single = n_targets == 1
        self.coef_ = coefs[0] if single else coefs
        self.dual_gap_ = gaps[0] if single else gaps
        self.n_iter_ = n_iter[0] if single else n_iter
        self.status_ = status[0] if single else status
        if not self.fit_intercept:
            self.intercept_ = 0.0
        else:  # as in scikit-learn, y of shape (n, 1) gives coef_ (p,) and intercept_ (1,)
            self.intercept_ = intercepts[0] if y.ndim == 1 else intercepts

    def _starts(self, n_targets: int, n_features: int) -> list[NDArray[np.float64] | None]:
        """Return one start per target: the coefficients of the fit before, or None."""
        warm = check_flag(getattr(self, "warm_start", False), "warm_start")
        coef = getattr(self, "coef_", None) if warm else None
        if coef is None or np.size(coef) != n_targets * n_features:
            return [None] * n_targets
        return list(np.array(coef, dtype=np.float64).reshape(n_targets, n_features))

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return intercept_ + X coef_.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        return self._link(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def total_weight(sample_weight: ArrayLike | float | None, n_samples: int) -> float:
    """Return the sum of the sample weights, checked; the number of samples where None."""
    if sample_weight is None:
        return float(n_samples)
    check_weights(sample_weight, n_samples)
    weight = np.asarray(sample_weight, dtype=np.float64)
    return float(np.broadcast_to(weight, n_samples).sum())


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Put an estimator's attributes back where what is within raises, Ctrl-C included."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


@contextmanager
def _one_warning() -> Iterator[None]:
    """Let the first of the warnings raised within through, at the end."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught[:1]:
        warnings.warn(warning.message, stacklevel=5)
