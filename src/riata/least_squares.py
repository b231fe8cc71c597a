"""Least squares on the columns that nothing penalises, and the projection onto their span.

    minimise over a   |r - X_Z a|_w^2,      the a of smallest norm where it is not unique

By one symmetric decomposition, of X_Z' diag(w) X_Z (columns scaled to norm 1) where Z is shorter
than n, of the n x n matrix of inner products of the rows elsewhere. Singular values below about
1e-7 of the largest count as zero. Cost: min(n, |Z|)^2 max(n, |Z|) multiply-adds, once.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from .design import Design

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

RANK = 1e-13  # an eigenvalue below this share of the largest is rounding


def _inverse_on_range(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (V, 1/lambda, N): the eigenvectors of non-zero eigenvalue, and the null space."""
    eigenvalues, vectors = eigh(matrix, driver="evd")
    kept = eigenvalues > RANK * max(len(matrix), 8) * max(eigenvalues.max(initial=0.0), 0.0)
    return vectors[:, kept], 1.0 / eigenvalues[kept], vectors[:, ~kept]


class ColumnSpace:
    """The span of some columns of a design.

    members : (|Z|,), columns with a non-zero norm
    gram : X_Z' diag(w) X_Z where the caller has it, else formed here
    """

    def __init__(self, design: Design, members: Indices, gram: Floats | None = None) -> None:
        self._design, self.members = design, members
        self._by_rows = len(members) > design.n
        if len(members) == 0:
            return
        if self._by_rows:
            self._root = np.sqrt(design.weights)
            self._vectors, self._inverse, _ = _inverse_on_range(design.row_gram(members))
            return
        if gram is None:
            gram = design.panel().extend(members)
        self._scale = 1.0 / np.sqrt(np.diag(gram))
        scaled = self._scale[:, None] * gram * self._scale
        self._vectors, self._inverse, null = _inverse_on_range(scaled)
        # coefficients that change no fitted value, as an orthonormal basis
        self._null = np.linalg.qr(self._scale[:, None] * null)[0] if null.shape[1] else None

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
        if not self._by_rows:
            a = self.solve(z)
            part = self._vectors.T @ (self._scale * z)
            return a, float(part @ (self._inverse * part))
        part = self._vectors.T @ (self._root * resid)
        dual = self._root * (self._vectors @ (self._inverse * part))
        return self._design.transpose_dot(dual)[self.members], float(part @ part)
