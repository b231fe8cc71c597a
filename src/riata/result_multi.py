"""What a path fit of several responses, or classes, gives back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .arguments import check_offset
from .design import product
from .prediction import check_type
from .result import Floats, RegularizationPath, columns_of


class MultiResponsePath(RegularizationPath):
    """Coefficients of K responses or classes along a grid of alphas, each alpha certified.

    Made by `fit_path` with `family="multigaussian"` or "multinomial". As `RegularizationPath`, but
    for:

    Attributes
    ----------
    coefs : list of K csc_array of shape (p, L)
        Coefficients in X's own units, float64, one array per response or class.
    intercepts : ndarray of shape (L, K)
    df : ndarray of shape (L,)
        The number of non-zero coefficients, for "multinomial" K - 1 of a feature's at most (what
        all classes have in common changes nothing). With an L2 part the trace of the smoother on
        the support, as for one response: for "multigaussian" K times that of one, for
        "multinomial" that of all classes together, NaN above 1024 coefficients.
    classes_ : ndarray of shape (K,), or None
        The labels in y, sorted, where it held labels.
    relaxed_coefs : list of K csc_array of shape (p, L), or None
    relaxed_intercepts : ndarray of shape (L, K), or None
    """

    coefs: Any
    relaxed_coefs: Any

    def _columns(
        self, found: Sequence[tuple[NDArray[np.intp], Floats, Any]], n_features: int
    ) -> tuple[Any, Floats]:
        K = self._settings["n_responses"]
        coefs = [
            columns_of([(index, coef[:, k]) for index, coef, _ in found], n_features, len(self))
            for k in range(K)
        ]
        for part in coefs:
            part.eliminate_zeros()
        intercepts = np.full((len(self), K), np.nan)
        for k, (*_, intercept) in enumerate(found):
            intercepts[k] = intercept
        return coefs, intercepts

    def _column(self, k: int, gamma: float = 1.0) -> Floats:
        if np.isnan(self.dual_gaps[k]):
            return np.full((len(self.coefs), self.n_features_in_), np.nan)
        return super()._column(k, gamma)

    def _dense(self, coefs: Any, k: int) -> Floats:
        return np.array([part[:, [k]].toarray()[:, 0] for part in coefs])

    def support_sizes(self) -> NDArray[np.intp]:
        """Return how many features have a coefficient that is not zero, for any response, (L,)."""
        used = sum(abs(part) for part in self.coefs)
        return np.diff(sp.csc_array(used).indptr)

    def _intercept_of(self, k: int, gamma: float) -> Floats:
        return self._mixed_intercepts(gamma)[k]

    def _linear_predictor(self, X: Any, alpha: float | None, offset: Any, gamma: float) -> Floats:
        """Return offset + intercepts + X coef', (n, L, K) or (n, K)."""
        X = self._checked(X, offset)
        if alpha is None:
            parts = self.coefs
            if self.relaxed_coefs is not None and gamma < 1.0:
                pairs = zip(parts, self.relaxed_coefs, strict=True)
                parts = [self._mixed(*pair, gamma) for pair in pairs]
            eta = np.stack([product(X, part) for part in parts], axis=-1)
            eta += self._mixed_intercepts(gamma)
        else:
            eta = product(X, self.coef(alpha, gamma).T) + self.intercept(alpha, gamma)
        if offset is None:
            return eta
        shift = check_offset(offset, len(eta), np.empty((len(eta), len(self.coefs))))
        return eta + (shift if alpha is not None else shift[:, None, :])

    def predict(
        self,
        X: Any,
        alpha: float | None = None,
        *,
        offset: Any = None,
        gamma: float = 1.0,
        type: str = "response",
    ) -> NDArray[Any]:
        """Return predictions for the rows of X.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n, p)
        alpha : float, optional
            Within the grid; default: every alpha of it.
        offset : array of shape (n, K)
            Needed where the path was fitted with an offset, refused elsewhere.
        gamma : float in [0, 1]
            As in `coef`.
        type : {"response", "link", "class", "probability"}
            "response": the expected y, for classes their probabilities, as "probability". "link":
            the linear predictors. "class", where y held labels: the likeliest.

        Returns
        -------
        ndarray of shape (n, L, K), or (n, K) where alpha is given; without K for "class"

        Raises
        ------
        ValueError
            As `RegularizationPath.predict`.
        """
        family = self._settings["family"]
        check_type(type, self.classes_, family.labelled)
        eta = self._linear_predictor(X, alpha, offset, self._check_gamma(gamma))
        if type == "link":
            return eta
        if type == "class":
            assert self.classes_ is not None
            self._check_solved(alpha)
            return self.classes_[eta.argmax(axis=-1)]
        return family.mean(eta)
