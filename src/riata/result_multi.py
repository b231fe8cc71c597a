"""What a path fit of several responses, or classes, gives back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .arguments import check_offset
from .design import product
from .problem import Fit
from .result import Floats, RegularizationPath, columns_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        The number of non-zero coefficients (of a grouped fit: features times K). With an L2 part,
        for "multigaussian", K times the trace of the smoother on the support, as for one response;
        NaN for "multinomial", whose responses share no smoother.
    classes_ : ndarray of shape (K,), or None
        The labels in y, sorted, where it held labels.
    """

    coefs: Any

    def _take_coefs(
        self, solved: Sequence[tuple[NDArray[np.intp], Any, Fit]], n_features: int
    ) -> None:
        K = self._settings["n_responses"]
        self.coefs = [
            columns_of([(index, f.coef[:, k]) for index, _, f in solved], n_features, len(self))
            for k in range(K)
        ]
        for part in self.coefs:
            part.eliminate_zeros()
        self.intercepts = np.full((len(self), K), np.nan)
        for k, (_, intercept, _) in enumerate(solved):
            self.intercepts[k] = intercept

    def _column(self, k: int, gamma: float = 1.0) -> Floats:
        if np.isnan(self.dual_gaps[k]):
            return np.full((len(self.coefs), self.n_features_in_), np.nan)
        return np.array([part[:, [k]].toarray()[:, 0] for part in self.coefs])

    def support_sizes(self) -> NDArray[np.intp]:
        """Return how many features have a coefficient that is not zero, for any response, (L,)."""
        used = sum(abs(part) for part in self.coefs)
        return np.diff(sp.csc_array(used).indptr)

    def _intercept_of(self, k: int, gamma: float) -> Floats:
        return self.intercepts[k]

    def _merge_coefs(
        self, first: RegularizationPath, second: RegularizationPath, order: NDArray[np.intp]
    ) -> None:
        self.coefs = [
            sp.csc_array(sp.hstack([a, b], format="csc")[:, order])
            for a, b in zip(first.coefs, second.coefs, strict=True)
        ]
        self.intercepts = np.concatenate([first.intercepts, second.intercepts])[order]

    def _linear_predictor(self, X: Any, alpha: float | None, offset: Any, gamma: float) -> Floats:
        """Return offset + intercepts + X coef', (n, L, K) or (n, K)."""
        X = self._checked(X, offset)
        if alpha is None:
            eta = np.stack([product(X, part) for part in self.coefs], axis=-1) + self.intercepts
        else:
            eta = product(X, self.coef(alpha).T) + self.intercept(alpha)
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
        gamma : float
            1: these paths are not relaxed.
        type : {"response", "link", "class", "probability"}
            "response": the expected y, for classes their probabilities, as "probability". "link":
            the linear predictors. "class", where y held labels: the likeliest.

        Returns
        -------
        ndarray of shape (n, L, K), or (n, K) where alpha is given; without K for "class"
        """
        family = self._settings["family"]
        self._check_type(type, family.labelled)
        eta = self._linear_predictor(X, alpha, offset, self._check_gamma(gamma))
        if type == "link":
            return eta
        if type == "class":
            assert self.classes_ is not None
            return self.classes_[eta.argmax(axis=-1)]
        return family.mean(eta)

    def plot(self, ax: "Axes | None" = None, *, n_labels: int = 10) -> "Axes":
        """Refuse: a plot shows one response.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        n_labels : int >= 0

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("plot needs one response: plot the coefficients of coefs[k] yourself")
