"""Least squares on the columns that nothing penalises, and the projection onto their span.

    minimise over a   |r - X_Z a|_w^2,      the a of smallest norm where it is not unique

By the singular values of the columns themselves, scaled to norm 1, where they are few; by those of
X_Z' diag(w) X_Z where they are many but fewer than n, and of the n x n matrix of inner products of
the rows elsewhere. Values below 1e-12 of the largest count as zero, 1e-6 in the last two, which
square them. Cost: min(n, |Z|)^2 max(n, |Z|) multiply-adds, once.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from .design import Design

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

RANK = 1e-13  # an eigenvalue below this share of the largest is rounding
EXPLICIT = 1 << 20  # entries of the columns that are decomposed as they are: 8 MB


def _inverse_on_range(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (V, 1/lambda, N): the eigenvectors of non-zero eigenvalue, and the null space."""
    eigenvalues, vectors = eigh(matrix, driver="evd")
    kept = eigenvalues > RANK * max(len(matrix), 8) * max(eigenvalues.max(initial=0.0), 0.0)
    return vectors[:, kept], 1.0 / eigenvalues[kept], vectors[:, ~kept]


class ColumnSpace:
    """The span of some columns of a design.

    members : (|Z|,), columns with a non-zero norm
    gram : X_Z' diag(w) X_Z where the caller has it, else formed here
    weights : (n,), in place of the design's; the columns are then centred by them, and `solve`
        and `rank` are all there is
    """

    def __init__(
        self,
        design: Design,
        members: Indices,
        gram: Floats | None = None,
        weights: Floats | None = None,
    ) -> None:
        self._design, self.members = design, members
        self._by_rows = len(members) > design.n
        self._left: Floats | None = None
        if len(members) == 0:
            return
        self._root = np.sqrt(design.weights if weights is None else weights)
        if self._by_rows:
            self._vectors, self._inverse, _ = _inverse_on_range(design.row_gram(members))
            return
        if weights is None and len(members) * design.n <= EXPLICIT:
            null = self._decompose_columns()
        else:
            gram = design.panel(weights).extend(members) if gram is None else gram
            norms = np.sqrt(np.maximum(np.diag(gram), 0.0))
            self._scale = 1.0 / np.where(norms > 0.0, norms, 1.0)
            scaled = self._scale[:, None] * gram * self._scale
            self._vectors, self._inverse, null = _inverse_on_range(scaled)
        # coefficients that change no fitted value, as an orthonormal basis
        self._null = np.linalg.qr(self._scale[:, None] * null)[0] if null.shape[1] else None

    def _decompose_columns(self) -> Floats:
        """Decompose the columns themselves, to singular values of 1e-12; return the null space."""
        one = np.ones(1)
        columns = np.array(
            [self._root * self._design.dot(np.array([j]), one) for j in self.members]
        )
        self._scale = 1.0 / np.linalg.norm(columns, axis=1)
        left, sizes, right = np.linalg.svd((self._scale[:, None] * columns).T, full_matrices=False)
        kept = sizes > 1e-12 * sizes[0]
        self._left, self._vectors = left[:, kept], right[kept].T
        self._inverse = sizes[kept] ** -2.0
        return right[~kept].T

    @property
    def rank(self) -> int:
        """The number of independent columns."""
        return len(self._inverse) if len(self.members) else 0

    def solve(self, z: Floats) -> Floats:
        """Return the smallest a with X_Z'diag(w) X_Z a = z, (|Z|,) or (|Z|, k); |Z| <= n only."""
        if len(self.members) == 0:
            return np.zeros_like(z)
        scale = self._scale if z.ndim == 1 else self._scale[:, None]
        inverse = self._inverse if z.ndim == 1 else self._inverse[:, None]
        a = scale * (self._vectors @ (inverse * (self._vectors.T @ (scale * z))))
        return a if self._null is None else a - self._null @ (self._null.T @ a)

    def fit(self, resid: Floats, z: Floats) -> tuple[Floats, float]:
        """Return (a, |X_Z a|_w^2) of the least-squares fit to resid (n,), z = X_Z'(w resid)."""
        if len(self.members) == 0:
            return np.empty(0), 0.0
        if self._by_rows:
            part = self._vectors.T @ (self._root * resid)
            dual = self._root * (self._vectors @ (self._inverse * part))
            return self._design.transpose_dot(dual)[self.members], float(part @ part)
        if self._left is None:
            part = np.sqrt(self._inverse) * (self._vectors.T @ (self._scale * z))
        else:
            part = self._left.T @ (self._root * resid)
        a = self._scale * (self._vectors @ (np.sqrt(self._inverse) * part))
        a = a if self._null is None else a - self._null @ (self._null.T @ a)
        return a, float(part @ part)
