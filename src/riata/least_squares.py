"""Least squares on the columns that nothing penalises, and the projection onto their span.

    minimise over a   |r - X_Z a|_w^2,      the a of smallest norm where it is not unique

With A = diag(w)^1/2 X_Z S, S the scaling to columns of norm 1 (|Z| > n: none), the span is held as

    squared    V, lambda: eigenpairs of A'A, or of A A' where |Z| > n, above KEPT of the largest
    exact      Q D R': singular triplets of what is left, A T, with T the other directions

A product of columns knows nothing of singular values below 1e-8 of the largest, and their
directions tell x_j'r to eps over their share only. Those below 3e-4 are therefore made anew from X:
T is freed of the eigenvectors found, and A T is decomposed as it is, down to RANK of the largest
singular value; what is below counts as zero. Few columns have no squared part at all: T is
everything.

Cost: min(n, |Z|)^2 max(n, |Z|) multiply-adds, once, and two or three passes over X_Z for each
direction in T. Memory: min(n, |Z|)^2, and n + |Z| numbers for each direction of the exact part:
nothing where the columns are well conditioned, as much as X_Z in float64 where most of its singular
values are below 3e-4 of the largest.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, qr
from scipy.linalg.lapack import dpocon, dpotrf, dtrtri

from .design import Design

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

KEPT = 1e-7  # an eigenvalue above this share of the largest has kept the digits that matter
APART = 1e-6  # a reciprocal condition above which no eigenvector is needed
RANK = 1e-12  # a singular value below this share of the largest is rounding
EXPLICIT = 1 << 20  # entries of the columns that are decomposed as they are: 8 MB,
FEW = 64  # and how many columns that may be
BLOCK = 32  # directions made from X at once


def decompose(m: int, blocks: Iterable[Floats], top: float) -> tuple[Floats, Floats, Floats]:
    """Return (Q, D, R), the whole R, of the singular values Q D R' of a matrix (m, d).

    blocks : its columns, some at a time; (m, b) each
    top : a singular value below RANK of this, or of the largest there is, counts as zero

    Memory: m numbers for each singular value that counts, and a block.
    """
    basis, parts = np.empty((m, 0)), []
    for block in blocks:
        part = basis.T @ block
        rest = block - basis @ part
        again = basis.T @ rest  # what rounding left
        part, rest = part + again, rest - basis @ again
        new, triangle, order = qr(rest, mode="economic", pivoting=True)
        size = np.abs(np.diag(triangle))
        count = int(np.sum(size > 1e-2 * RANK * max(top, size.max(initial=0.0))))
        rows = np.empty((count, block.shape[1]))
        rows[:, order] = triangle[:count]
        basis = np.hstack([basis, new[:, :count]])
        parts.append(np.vstack([part, rows]))
    core = np.zeros((basis.shape[1], sum(part.shape[1] for part in parts)))
    first = 0
    for part in parts:
        core[: len(part), first : first + part.shape[1]] = part
        first += part.shape[1]
    left, sizes, right = np.linalg.svd(core)
    count = int(np.sum(sizes > RANK * max(top, sizes.max(initial=0.0))))
    return basis @ left[:, :count], sizes[:count], right.T


class ColumnSpace:
    """The span of some columns of a design.

    members : (|Z|,), columns with a non-zero norm
    gram : X_Z' diag(w) X_Z where the caller has it, else formed here
    rank : the number of independent columns
    condition : the largest singular value over the smallest that counts, or somewhat more
    """

    def __init__(self, design: Design, members: Indices, gram: Floats | None = None) -> None:
        self._design, self.members = design, members
        self._by_rows = len(members) > design.n
        self._scale, self._null = np.ones(len(members)), None
        self._vectors, self._inverse = np.empty((len(members), 0)), np.empty(0)
        self._top, others = 1.0, np.eye(0)
        self.condition: float | None = None
        if self._by_rows:
            others = self._directions_of(self._square(design.row_gram(members)))
        elif len(members):
            self._scale = 1.0 / np.sqrt(design.norm_sq[members])
            if len(members) <= FEW and len(members) * design.n <= EXPLICIT:
                others = np.eye(len(members))
            else:
                gram = design.panel().extend(members) if gram is None else gram
                gram = self._scale[:, None] * gram * self._scale
                if self._factored(gram):
                    others = np.empty((len(members), 0))
                else:
                    others = self._square(gram)
        self._complete(others)
        self.rank = len(self._inverse) + len(self._sizes)
        if self.condition is None:
            values = np.concatenate([self._inverse**-0.5, self._sizes])
            self.condition = float(values.max() / values.min()) if self.rank else 1.0

    @cached_property
    def _root(self) -> Floats:
        return np.sqrt(self._design.weights)

    # -- the decomposition -----------------------------------------------------------------------

    def _factored(self, matrix: Floats) -> bool:
        """Take L^-T in place of V and 1 in place of lambda where A'A = L L' is far from singular;
        return whether it is. A fifth of the time of its eigenvectors."""
        factor, info = dpotrf(matrix, lower=1, clean=1)
        if info != 0:
            return False
        share = dpocon(factor, np.abs(matrix).sum(axis=0).max(), uplo="L")[0]
        if share <= APART:
            return False
        self._vectors = np.ascontiguousarray(dtrtri(factor, lower=1)[0].T)
        self._inverse, self.condition = np.ones(len(matrix)), share**-0.5
        return True

    def _square(self, matrix: Floats) -> Floats:
        """Take V and 1/lambda from A'A or A A'; return the eigenvectors that are too small."""
        values, vectors = eigh(matrix, driver="evd", overwrite_a=True)
        top = max(float(values[-1]), 0.0)
        kept = values > KEPT * top
        self._top = float(np.sqrt(top))
        self._vectors, self._inverse = vectors[:, kept], 1.0 / values[kept]
        return vectors[:, ~kept]

    def _directions_of(self, rest: Floats) -> Floats:
        """Return T (|Z|, d), the directions of A'u for the u of `rest` (n, >= d)."""

        def blocks() -> Iterator[Floats]:
            for k in range(0, rest.shape[1], BLOCK):
                yield np.column_stack([self._adjoint(u) for u in rest[:, k : k + BLOCK].T])

        return decompose(len(self.members), blocks(), self._top)[0]

    def _complete(self, others: Floats) -> None:
        """Decompose A T, T = `others` (|Z|, d) without its share of the squared part."""

        def blocks() -> Iterator[Floats]:
            for k in range(0, others.shape[1], BLOCK):
                some = others[:, k : k + BLOCK]
                if len(self._inverse):
                    for t in some.T:
                        t -= self._squared_step(self._image(t))
                yield np.column_stack([self._image(t) for t in some.T])

        self._left, self._sizes, right = decompose(self._design.n, blocks(), self._top)
        count = len(self._sizes)
        self._right = others @ right[:, :count]
        if not self._by_rows and count < others.shape[1]:
            # coefficients that change no fitted value, as an orthonormal basis
            self._null = np.linalg.qr(self._scale[:, None] * (others @ right[:, count:]))[0]
        if len(self._inverse):  # what rounding left is as large as eps / D
            for q in self._left.T:
                q -= self._squared_image(q)

    def _image(self, t: Floats) -> Floats:
        """Return A t, (n,)."""
        return self._root * self._design.dot(self.members, self._scale * t)

    def _adjoint(self, u: Floats) -> Floats:
        """Return A'u, (|Z|,)."""
        return self._scale * self._design.transpose_dot(self._root * u)[self.members]

    def _squared_step(self, u: Floats) -> Floats:
        """Return the t (|Z|,) in the squared part that fits u (n,) best."""
        if self._by_rows:
            return self._adjoint(self._vectors @ (self._inverse * (self._vectors.T @ u)))
        return self._vectors @ (self._inverse * (self._vectors.T @ self._adjoint(u)))

    def _squared_image(self, u: Floats) -> Floats:
        """Return A times that, (n,)."""
        if self._by_rows:
            return self._vectors @ (self._vectors.T @ u)
        return self._image(self._squared_step(u))

    # -- its use ---------------------------------------------------------------------------------

    def leverage(self) -> Floats:
        """Return the diagonal (n,) of the projection onto the span, in the metric w."""
        out = (self._left**2).sum(axis=1)
        if self._by_rows:
            return out + (self._vectors**2).sum(axis=1)
        axes = (self._scale[:, None] * self._vectors * np.sqrt(self._inverse)).T
        once = np.ones((1, len(axes)))
        squares = self._design.squared_dots(self.members, axes, once)[0]
        return out + self._design.weights * squares

    def solve(self, z: Floats) -> Floats:
        """Return the smallest a with X_Z'diag(w) X_Z a = z, (|Z|,) or (|Z|, k); |Z| <= n only."""
        tall = (slice(None), *(None,) * (z.ndim - 1))
        z = self._scale[tall] * z
        a = self._vectors @ (self._inverse[tall] * (self._vectors.T @ z))
        a += self._right @ (self._sizes[tall] ** -2.0 * (self._right.T @ z))
        return self._smallest(self._scale[tall] * a)

    def _smallest(self, a: Floats) -> Floats:
        return a if self._null is None else a - self._null @ (self._null.T @ a)

    def _parts(self, resid: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Return the coordinates of the projection of resid in the squared and the exact part."""
        root_resid = self._root * resid
        if self._by_rows:
            squared = self._vectors.T @ root_resid
        else:
            squared = np.sqrt(self._inverse) * (self._vectors.T @ (self._scale * z))
        return squared, self._left.T @ root_resid

    def explained(self, resid: Floats, z: Floats) -> float:
        """Return |X_Z a|_w^2 of the least-squares fit to resid (n,), z = X_Z'(w resid)."""
        return float(sum(part @ part for part in self._parts(resid, z)))

    def fit(self, resid: Floats, z: Floats) -> tuple[Floats, float]:
        """Return (a, |X_Z a|_w^2) of the least-squares fit to resid (n,), z = X_Z'(w resid)."""
        squared, exact = self._parts(resid, z)
        a = self._right @ (exact / self._sizes) + self._coefficients(squared)
        return self._smallest(self._scale * a), float(squared @ squared + exact @ exact)

    def _coefficients(self, squared: Floats) -> Floats:
        """Return the t (|Z|,) whose image has these coordinates in the squared part."""
        if self._by_rows:
            return self._adjoint(self._vectors @ (self._inverse * squared))
        return self._vectors @ (np.sqrt(self._inverse) * squared)

    def project_out(self, resid: Floats, z: Floats) -> Floats:
        """Return resid (n,) less its projection on the columns, z = X_Z'(w resid).

        Not by way of coefficients: where columns nearly depend on one another those are large, and
        rounding in X_Z a would be a part of the columns that is left.
        """
        squared, exact = self._parts(resid, z)
        if self._by_rows:
            image = self._vectors @ squared
        else:
            image = self._image(self._coefficients(squared))
        image += self._left @ exact
        return resid - np.divide(image, self._root, out=image, where=self._root > 0.0)
