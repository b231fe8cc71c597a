"""What the estimators of a family share: one fit, the mean, the share of deviance explained."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d

from ..arguments import check_flag, check_number, check_vector, check_weights
from ..families import Family, MultipleFamily, get_family
from ..path import solve_path
from ..responses import as_column
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
        start = self.sparse_coef_.toarray().T if warm and hasattr(self, "coef_") else None
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

    def _targets(self, X: Any, y: Any, family: Family) -> tuple[Any, NDArray[Any]]:
        """Return X and y (n,): numbers, or labels of any kind for a family that takes them."""
        labels = family.labelled and _holds_words(y)
        X, y = self._validated(X, y, {**Y_CHECKS, "dtype": None} if labels else Y_CHECKS)
        return X, column_or_1d(y, warn=True)

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
            What the family takes; "binomial" and "squared_hinge" take two labels of any kind.
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
            family = self._get_family()
            X, y = self._targets(X, y, family)
            path = self._solve(
                X, y, family, check_number(self.alpha, "alpha", 0.0), self.l1_ratio,
                sample_weight=sample_weight, offset=offset,
            )  # fmt: skip
            self.coef_ = path.coefs.toarray()[:, 0]
            self.intercept_ = float(path.intercepts[0]) if self.fit_intercept else 0.0
            self.n_iter_ = int(path.n_iter[0])
            self._offset_needed, self._classes = offset is not None, path.classes_
        return self

    def predict(self, X: Any, offset: ArrayLike | None = None) -> Floats:
        """Return the expected y.

        Where y held two labels, of any kind: the probability of the second in sorted order; for
        "squared_hinge" the linear predictor, which is positive where the second is predicted.

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
        y = check_vector(self._coded(as_column(y, len(mean))), "y", len(mean))
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


class _PoissonTargets(_GeneralizedRegressor):
    """Counts."""

    def _get_family(self) -> Family:
        return get_family("poisson")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


def _holds_words(y: Any) -> bool:
    """Whether y holds what is no number."""
    values = np.asarray(y)
    if values.dtype.kind != "O":
        return values.dtype.kind not in "biufc"
    try:
        values.astype(np.float64)
    except (TypeError, ValueError):
        return True
    return any(isinstance(value, str) for value in values.flat)


def one_response(family: Any) -> Family:
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
