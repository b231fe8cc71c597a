"""The span of the columns that nothing penalises, under any weights, by their Gram matrix alone.

Less exact than least_squares.py (singular values below 1e-6 of the largest count as zero), and as
cheap as the Gram matrix that is there anyway; who uses it takes several steps.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RANK = 1e-12  # an eigenvalue below this share of the largest is rounding


class GramSpace:
    """X_Z of which G_ZZ = X_Z' diag(h) X_Z is known, (|Z|, |Z|).

    rank : the number of independent columns
    """

    def __init__(self, gram: Floats, floor: Floats | float = 0.0) -> None:
        """floor : () or (|Z|,), below which the diagonal is rounding, and the column zero"""
        size = np.sqrt(np.where(np.diag(gram) > floor, np.diag(gram), 0.0))
        gram = np.where(np.outer(size, size) > 0.0, gram, 0.0)
        self._scale = 1.0 / np.where(size > 0.0, size, 1.0)
        values, vectors = np.empty(0), np.empty((0, 0))
        if len(gram):
            values, vectors = np.linalg.eigh(self._scale[:, None] * gram * self._scale)
        kept = values > RANK * values.max(initial=0.0)
        self._vectors, self._inverse = vectors[:, kept], 1.0 / values[kept]
        self.rank = len(self._inverse)
        null = self._scale[:, None] * vectors[:, ~kept]
        if null.size:
            null = np.linalg.qr(null)[0]
        self._null = null  # an orthonormal basis of the steps that change no fitted value

    @cached_property
    def inverse(self) -> Floats:
        """The matrix of `solve`, (|Z|, |Z|)."""
        return np.ascontiguousarray(self.solve(np.eye(len(self._scale))))

    def solve(self, z: Floats) -> Floats:
        """Return the smallest a with G_ZZ a = z, (|Z|,) or (|Z|, k)."""
        if len(z) == 0:
            return z
        tall = (slice(None), *(None,) * (z.ndim - 1))
        a = self._vectors @ (self._inverse[tall] * (self._vectors.T @ (self._scale[tall] * z)))
        a = self._scale[tall] * a
        return a - self._null @ (self._null.T @ a)
