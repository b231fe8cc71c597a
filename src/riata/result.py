"""What a path fit gives back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .arguments import check_number, check_vector
from .criteria import Criteria
from .design import as_matrix, check_matrix, product
from .prediction import check_columns, check_solved, check_type
from .problem import Fit
from .relaxed import Refit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


class RegularizationPath(Criteria):
    """Coefficients along a grid of alphas, each with the certificate of its error.

    Made by `fit_path`.

    Attributes
    ----------
    alphas : ndarray of shape (L,)
        Penalty strengths, descending.
    coefs : csc_array of shape (p, L)
        Coefficients in X's own units, float64. The column of an unsolved alpha is empty.
    intercepts : ndarray of shape (L,)
    dual_gaps : ndarray of shape (L,)
        Duality gaps: upper bounds of objective - minimum. ``dual_gaps / null_objective`` is what
        ``tol`` bounds.
    null_objective : float
        Objective of the null model: intercept and unpenalised features only.
    status : ndarray of shape (L,), of str
        "converged": the gap is within tol. "precision_floor": it is above, and as small as double
        precision allows. "max_iter", "time_limit", "interrupted": it is above, or NaN where the
        alpha was not reached.
    n_iter : ndarray of shape (L,), of int
        Sweeps, linear solves and conjugate-gradient iterations per alpha.
    df : ndarray of shape (L,)
        Degrees of freedom, without the intercept: the number of non-zeros where there is no L2
        part, else the trace of the smoother on the support, tr G (G + L2)^-1 with G = X_A' H X_A, H
        the weights times the curvature of the loss at the fit; NaN where that would need a
        decomposition of more than 4096 features.
    deviance_ratio : ndarray of shape (L,)
        1 - (loss / loss of the null model); 0 where the null model is perfect.
    l1_ratio, tol : float
    family : str
    n_rows : int
        Rows of positive weight.
    relaxed_coefs : csc_array of shape (p, L), or None
        The fits without penalty on the support of each alpha, where the path is relaxed.
    relaxed_intercepts : ndarray of shape (L,), or None
    relaxed_status : ndarray of shape (L,), of str, or None
    classes_ : ndarray of shape (2,), or None
        The labels in y, sorted, where it held labels: the second one is the one whose log-odds the
        linear predictor is.
    n_passes : float
        Work: passes over X, in units of a full one.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, or None
        Column names, where X was a data frame.
    """

    alphas: Floats
    coefs: sp.csc_array
    intercepts: Floats
    dual_gaps: Floats
    null_objective: float
    status: NDArray[np.str_]
    n_iter: NDArray[np.int64]
    df: Floats
    deviance_ratio: Floats
    l1_ratio: float
    tol: float
    family: str
    n_rows: int
    relaxed_coefs: sp.csc_array | None
    relaxed_intercepts: Floats | None
    relaxed_status: NDArray[np.str_] | None
    classes_: NDArray[Any] | None
    n_passes: float
    n_features_in_: int
    feature_names_in_: NDArray[np.object_] | None

    @classmethod
    def from_fits(
        cls,
        alphas: Floats,
        solved: Sequence[tuple[NDArray[np.intp], Any, Fit]],
        refits: Sequence[Refit] | None = None,
        *,
        n_features: int,
        names: NDArray[np.object_] | None,
        classes: NDArray[Any] | None,
        null_objective: float,
        unsolved: str,
        n_rows: int,
        n_passes: float,
        settings: dict[str, Any],
    ) -> "RegularizationPath":
        """Build a path from (feature numbers, intercept, fit) of its first alphas, and the fits on
        their supports where it is relaxed."""
        path = cls()
        size, done = len(alphas), len(solved)
        fits = [fit for *_, fit in solved]

        def column(values: list[float], missing: float = np.nan) -> Floats:
            return np.array(values + [missing] * (size - done))

        path.alphas, path._settings = alphas, settings
        found = [(index, f.coef, intercept) for index, intercept, f in solved]
        path.coefs, path.intercepts = path._columns(found, n_features)
        path.relaxed_coefs = path.relaxed_intercepts = path.relaxed_status = None
        if refits is not None:
            found = [(r.index, r.coef, r.intercept) for r in refits]
            path.relaxed_coefs, path.relaxed_intercepts = path._columns(found, n_features)
            status = [r.status for r in refits] + [unsolved] * (size - done)
            path.relaxed_status = np.array(status)
        path.dual_gaps = column([f.gap for f in fits])
        path.null_objective = null_objective
        path.status = np.array([f.status for f in fits] + [unsolved] * (size - done))
        path.n_iter = np.array([f.n_iter for f in fits] + [0] * (size - done))
        path.df = column([f.df for f in fits])
        ratios = [1.0 - f.loss / null_objective if null_objective > 0.0 else 0.0 for f in fits]
        path.deviance_ratio = column(ratios)
        path._loss = column([f.loss for f in fits])
        path.n_rows = n_rows
        path.l1_ratio, path.tol = settings["l1_ratio"], settings["tol"]
        path.family, path.classes_ = settings["family"].name, classes
        path.n_passes = n_passes
        path.n_features_in_ = n_features
        path.feature_names_in_ = names
        return path

    _settings: dict[str, Any]
    _loss: Floats

    def _columns(
        self, found: Sequence[tuple[NDArray[np.intp], Floats, Any]], n_features: int
    ) -> tuple[Any, Floats]:
        """Return coefs and intercepts from (feature numbers, coefficients, intercept) of the first
        alphas."""
        intercepts = np.full(len(self), np.nan)
        intercepts[: len(found)] = [intercept for *_, intercept in found]
        columns = [(index, coef) for index, coef, _ in found]
        return columns_of(columns, n_features, len(self)), intercepts

    def __len__(self) -> int:
        return len(self.alphas)

    def __repr__(self) -> str:
        words, counts = np.unique(self.status, return_counts=True)
        status = ", ".join(f"{n} {word}" for word, n in zip(words, counts, strict=True))
        return (
            f"{type(self).__name__}({self.family}, l1_ratio={self.l1_ratio:g}, "
            f"{self.n_features_in_} features, {len(self.alphas)} alphas from {self.alphas[0]:.4g} "
            f"to {self.alphas[-1]:.4g}: {status})"
        )

    def _position(self, alpha: float) -> tuple[int, int, float]:
        """Return (k, m, share): alpha lies between grid points k and m, at share of the way."""
        alpha = check_number(alpha, "alpha", 0.0)
        top, bottom = self.alphas[0], self.alphas[-1]
        if not bottom <= alpha <= top:
            raise ValueError(
                f"alpha must lie within the path's grid [{float(bottom)!r}, {float(top)!r}], "
                f"got {alpha!r}: use extend(X, y, alphas) to solve it exactly"
            )
        k = int(np.searchsorted(-self.alphas, -alpha))
        if self.alphas[k] == alpha:
            return k, k, 0.0
        step = self.alphas[k - 1] - self.alphas[k]
        return k - 1, k, float((self.alphas[k - 1] - alpha) / step)

    def _column(self, k: int, gamma: float = 1.0) -> Floats:
        if np.isnan(self.dual_gaps[k]):
            return np.full(self.n_features_in_, np.nan)
        coef = self._dense(self.coefs, k)
        return (
            coef if gamma == 1.0 else self._mixed(coef, self._dense(self.relaxed_coefs, k), gamma)
        )

    def _dense(self, coefs: Any, k: int) -> Floats:
        return coefs[:, [k]].toarray()[:, 0]

    @staticmethod
    def _mixed(penalised: Any, relaxed: Any, gamma: float) -> Any:
        return gamma * penalised + (1.0 - gamma) * relaxed

    def _check_gamma(self, gamma: float) -> float:
        gamma = check_number(gamma, "gamma", 0.0, 1.0)
        if gamma < 1.0 and self.relaxed_coefs is None:
            raise ValueError(
                f"gamma must be 1, got {gamma:g}: fit the path with relaxed=True to mix it with "
                "unpenalised fits"
            )
        return gamma

    def coef(self, alpha: float, gamma: float = 1.0) -> Floats:
        """Return the coefficients at alpha, (p,), interpolated linearly between grid points.

        Parameters
        ----------
        alpha : float
            Within the grid. At a grid point the coefficients are certified; between two they are
            an interpolation, which no certificate covers: use `extend` to solve it.
        gamma : float in [0, 1]
            Share of the penalised fit; the rest is the unpenalised one on the same support, of a
            relaxed path.

        Raises
        ------
        ValueError
            Where alpha is outside the grid, or gamma < 1 and the path is not relaxed.
        """
        k, m, share = self._position(alpha)
        gamma = self._check_gamma(gamma)
        first = self._column(k, gamma)
        return first if share == 0.0 else (1.0 - share) * first + share * self._column(m, gamma)

    def intercept(self, alpha: float, gamma: float = 1.0) -> Any:
        """Return the intercept at alpha, interpolated as `coef`.

        Parameters
        ----------
        alpha : float
            Within the grid.
        gamma : float in [0, 1]
            As in `coef`.

        Raises
        ------
        ValueError
            Where alpha is outside the grid, or gamma < 1 and the path is not relaxed.
        """
        k, m, share = self._position(alpha)
        gamma = self._check_gamma(gamma)
        if share == 0.0:
            return self._intercept_of(k, gamma)
        first, second = self._intercept_of(k, gamma), self._intercept_of(m, gamma)
        return (1.0 - share) * first + share * second

    def _intercept_of(self, k: int, gamma: float) -> Any:
        return float(self._mixed_intercepts(gamma)[k])

    def _mixed_intercepts(self, gamma: float) -> Floats:
        if self.relaxed_intercepts is None or gamma == 1.0:
            return self.intercepts
        return self._mixed(self.intercepts, self.relaxed_intercepts, gamma)

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
        offset : array of shape (n,)
            Needed where the path was fitted with an offset, refused elsewhere.
        gamma : float in [0, 1]
            As in `coef`.
        type : {"response", "link", "class", "probability"}
            "response": the expected y; for the binomial family the probability of the second
            class, for the squared hinge the linear predictor. "link": the linear predictor.
            "class", where y held labels: the likelier label. "probability", for the binomial
            family: of both classes, along a last axis.

        Returns
        -------
        ndarray of shape (n, L), or (n,) where alpha is given; for "probability" (n, L, 2) or (n, 2)

        Raises
        ------
        ValueError
            Where X has another number of features, or is a data frame whose columns are not those
            of the one that was fitted, in their order (without names on both sides they go by
            position); where alpha is outside the grid, the offset is missing, or the family has no
            such type; for "class" where an alpha that is asked for was not solved (the other types
            are NaN there).
        """
        family = self._settings["family"]
        check_type(type, self.classes_, family.proportions)
        eta = self._linear_predictor(X, alpha, offset, self._check_gamma(gamma))
        if type == "link":
            return eta
        if type == "class":
            assert self.classes_ is not None
            self._check_solved(alpha)
            return self.classes_[(eta > 0.0).astype(np.intp)]
        mean = family.mean(eta)
        return mean if type == "response" else np.stack([family.mean(-eta), mean], axis=-1)

    def _check_solved(self, alpha: float | None) -> None:
        """Refuse an alpha (None: any) without coefficients, where labels are asked for."""
        asked = slice(None) if alpha is None else list(self._position(alpha)[:2])
        check_solved(self.alphas[asked], self.dual_gaps[asked], self.status[asked])

    def _linear_predictor(self, X: Any, alpha: float | None, offset: Any, gamma: float) -> Floats:
        """Return offset + intercept + X coef, (n, L) or (n,)."""
        X = self._checked(X, offset)
        if alpha is not None:
            eta = product(X, self.coef(alpha, gamma)) + self.intercept(alpha, gamma)
        elif self.relaxed_coefs is None or gamma == 1.0:
            eta = product(X, self.coefs) + self.intercepts
        else:
            coefs = self._mixed(self.coefs, self.relaxed_coefs, gamma)
            eta = product(X, coefs) + self._mixed_intercepts(gamma)
        if offset is None:
            return eta
        shift = check_vector(offset, "offset", X.shape[0])
        return eta + (shift if alpha is not None else shift[:, None])

    def _checked(self, X: Any, offset: Any) -> Any:
        """Return X, checked, where offset is given if it must be."""
        check_columns(X, self.feature_names_in_)
        X = check_matrix(as_matrix(X))
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X must have {self.n_features_in_} features, as the X that was fitted, "
                f"got {X.shape[1]}"
            )
        fitted_with = self._settings["offset"] is not None
        if fitted_with and offset is None:
            raise ValueError("offset must be given: the path was fitted with one")
        if not fitted_with and offset is not None:
            raise ValueError("offset must be left out: the path was fitted without one")
        return X

    def support_sizes(self) -> NDArray[np.intp]:
        """Return how many features have a coefficient that is not zero at each alpha, (L,)."""
        return np.diff(self.coefs.indptr)

    def extend(self, X: Any, y: Any, alphas: Any) -> "RegularizationPath":
        """Solve more alphas, exactly and warm, and return the merged path.

        Parameters
        ----------
        X, y
            The data that was fitted; weights, offset and all other settings are remembered.
        alphas : float or array
            Penalty strengths >= 0. Those that the path has already are not solved again, but where
            Ctrl-C or `max_time` left them unsolved.

        Returns
        -------
        RegularizationPath
            A new one; this one does not change.

        Raises
        ------
        ValueError
            Where X and y are not the data of this path.
        """
        from .extension import continuation, merged
        from .path import solve_path

        wanted = continuation(self, self._settings, X, y, alphas)
        if wanted is None:
            return self
        # solved in this frame: warnings of solve_path name the line that called `extend`
        return merged(self, solve_path(X, y, **wanted))

    def plot(self, ax: "Axes | None" = None, *, n_labels: int = 10) -> "Axes":
        """Plot coefficients (of several responses their norms) against -log(alpha), with counts.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; default: a new figure.
        n_labels : int >= 0
            Most features to name, the strongest at the smallest alpha.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ImportError
            Where matplotlib is missing.
        """
        from .plotting import plot_path

        return plot_path(self, ax=ax, n_labels=n_labels)


def columns_of(
    columns: Sequence[tuple[NDArray[np.intp], Floats]], n_features: int, size: int
) -> sp.csc_array:
    """Return (p, size), its first columns from (feature numbers, values), the others empty."""
    counts = [len(index) for index, _ in columns] + [0] * (size - len(columns))
    return sp.csc_array(
        (
            np.concatenate([values for _, values in columns] or [np.empty(0)]),
            np.concatenate([index for index, _ in columns] or [np.empty(0, dtype=np.intp)]),
            np.concatenate([[0], np.cumsum(counts)]),
        ),
        shape=(n_features, size),
    )
