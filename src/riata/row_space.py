"""Penalised regressions of n rows on more features than that, by n x n matrices.

    K = sum_j x_j x_j' / d_j     j in some set of features, 0.5 c d_j b_j^2 their penalty
    F                            columns that nothing penalises, the constant among them where there
                                 is an intercept

Under weights h, with M = I + h^1/2 K h^1/2 / c and Q an orthonormal basis of the columns h^1/2 F,

    M s + Q a = h^1/2 t,  Q's = 0:    s = M^-1 (h^1/2 t - Q a), a = (Q'M^-1 Q)^-1 Q'M^-1 h^1/2 t

Cost: n^3 / 6 multiply-adds for the Cholesky factor of M, n^2 / 2 for each feature that joins K or
leaves it.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .kernels import dual
from .kernels.cholesky import Cholesky
from .problem import OutOfTime
from .threads import cut, run

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

SAME = 1e-9  # share of 1 / d_j below which a change is rounding
RANK = 1e-10  # singular values of columns of norm 1 below this are rounding
AT_ONCE = 256  # features of a dense X between two looks at the clock


def add_row_gram(
    design: Design, out: Floats, index: Indices, scale: Floats, sign: float,
    look: Callable[[], None],
) -> None:  # fmt: skip
    """Add sign times the row Gram matrix of scaled features, on and below the diagonal at least, to
    out (n, n), and look at the clock between some and the next where X stores all its entries: what
    others cost is not the sum of its parts.

    index, scale : as in `Design.row_gram`
    look : may raise OutOfTime
    """
    dense = design.entries == design.n * design.p
    for a, b in cut(len(index), -(-len(index) // AT_ONCE) if dense else 1):
        if a > 0:
            look()
        design.add_row_gram(out, index[a:b], scale[a:b], sign)


class Span:
    """The span of the columns h^1/2 F.

    basis : Q (n, r)
    """

    def __init__(self, columns: Floats, h: Floats) -> None:
        """columns : F (n, k);  h (n,)"""
        weighted = np.sqrt(h)[:, None] * columns
        size = np.sqrt((weighted**2).sum(axis=0))
        unit = 1.0 / np.where(size > 0.0, size, 1.0)
        self.basis, values, right = np.linalg.svd(weighted * unit, full_matrices=False)
        kept = values > RANK * values.max(initial=0.0)
        self.basis = np.asfortranarray(self.basis[:, kept])
        self._back = unit[:, None] * right[kept].T / values[kept]

    def of_columns(self, a: Floats) -> Floats:
        """Return the coefficients (k,) of F that make Q a."""
        return self._back @ a


class WeightedRows:
    """The system under weights h (n,), factored.

    gram : h^1/2 K h^1/2 (n, n), on and below the diagonal
    span : Q
    """

    def __init__(self, gram: Floats, c: float, span: Span, n_threads: int) -> None:
        self._c, self.span, self._n_threads = c, span, n_threads
        self._factor = Cholesky(gram, c, n_threads)
        basis = span.basis
        self._solved = np.array([self._inverse_dot(u) for u in basis.T]).reshape(basis.T.shape)
        self._inverse = np.linalg.inv(self._solved @ basis)

    def _inverse_dot(self, u: Floats) -> Floats:
        """Return M^-1 u, or u where M is not definite but for rounding."""
        return self._c * self._factor.solve(u) if self._factor.whole else u

    def solve(self, target: Floats) -> tuple[Floats, Floats]:
        """Return s (n,) and a (r,) for h^1/2 t (n,)."""
        a = self._inverse @ (self._solved @ target)
        return self._inverse_dot(target - self.span.basis @ a), a

    def trace(self) -> float:
        """Return tr H, H h^1/2 t = h^1/2 (X b + F a) the fit: the degrees of freedom, F's
        included; NaN where M is not definite but for rounding."""
        if not self._factor.whole:
            return float("nan")
        n = len(self.span.basis)
        diagonal = np.empty(n)
        parts = cut(n, n // 64, 64)
        jobs = [partial(self._factor.factor.inverse_diagonal, diagonal, a, b) for a, b in parts]
        run(jobs, self._n_threads)
        of_columns = float(np.sum(self._inverse * (self._solved @ self._solved.T)))
        return n - self._c * dual.weighted_sums(np.ones(n), diagonal)[0] + of_columns


class RowSpace:
    """K of a set of features that changes, and F.

    free : features that nothing penalises
    columns : F (n, |F|), the constant first
    look : raises OutOfTime when time is up
    """

    def __init__(
        self, design: Design, free: Indices, look: Callable[[], None] = lambda: None
    ) -> None:
        self._design, self.look = design, look
        one = np.ones(1)
        constant = [np.ones(design.n)] if design.centred else []
        of_free = [design.dot(free[[k]], one) for k in range(len(free))]
        self.columns = np.array([*constant, *of_free]).reshape(-1, design.n).T
        self._gram = np.zeros((design.n, design.n))  # diag(w)^1/2 K diag(w)^1/2, half of it
        self._shares = np.zeros(design.p)  # 1 / d_j of those in K
        self._span = Span(self.columns, design.weights)
        self._made: WeightedRows | None = None  # under the design's weights, since K changed
        self._made_for = 0.0  # c

    def hold(self, index: Indices, l2: Floats) -> float:
        """Make K that of the features `index`, at least one, d_j in proportion to l2 (|index|,),
        positive; return c = l2_j / d_j. Out of time, K is forgotten."""
        c = self._unit(index, l2)
        wanted = np.zeros_like(self._shares)
        wanted[index] = c / l2
        change = np.abs(wanted - self._shares) > SAME * self._shares
        if np.count_nonzero(change) > len(index):  # from nothing is sooner
            self.forget()
            change = wanted > 0.0
        for shares, sign in ((wanted, 1.0), (self._shares, -1.0)):
            some = np.flatnonzero(change & (shares > 0.0))
            if len(some):
                self._made = None
                try:
                    add_row_gram(
                        self._design, self._gram, some, np.sqrt(shares[some]), sign, self.look
                    )
                except OutOfTime:
                    self.forget()
                    raise
        self._shares[change] = wanted[change]
        return c

    def _unit(self, index: Indices, l2: Floats) -> float:
        """Return c = l2_j / d_j of those of the features `index` that K holds; l2_j where it holds
        none."""
        held = self._shares[index]
        first = int(np.argmax(held > 0.0))
        return float(l2[first] * (held[first] or 1.0))

    def forget(self) -> None:
        """Forget K, and what rounding has made of it."""
        self._shares[:], self._gram[:], self._made = 0.0, 0.0, None

    def span(self, h: Floats) -> Span:
        """Return the span of F under weights h (n,)."""
        return self._span if h is self._design.weights else Span(self.columns, h)

    def at(self, h: Floats, c: float, span: Span | None = None) -> WeightedRows:
        """Return the system under weights h (n,), 0 where the design's are; span : of these."""
        design = self._design
        w, own = design.weights, h is design.weights
        if own and self._made is not None and self._made_for == c:
            return self._made
        gram = self._gram
        if not own:
            scale = np.sqrt(np.divide(h, w, out=np.zeros_like(w), where=w > 0.0))
            gram = scale[:, None] * gram
            gram *= scale
        rows = WeightedRows(gram, c, span or self.span(h), design.n_threads)
        if own:
            self._made, self._made_for = rows, c
        return rows

    def last(self, h: Floats, index: Indices, l2: Floats) -> tuple[WeightedRows, float] | None:
        """Return the last system of K as it is under weights h (n,), and how much larger c is now,
        where the penalty of the features `index` is l2 (|index|,)."""
        if self._made is None or h is not self._design.weights:
            return None
        return self._made, self._unit(index, l2) / self._made_for

    def trace(self, h: Floats, c: float) -> float:
        """Return the degrees of freedom under weights h (n,), without the intercept."""
        return self.at(h, c).trace() - float(self._design.centred)
