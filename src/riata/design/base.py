"""What the solver may ask of X. Each storage is one subclass; nothing above asks which.

With weights w that sum to 1 and x_j the j-th column, minus its mean where the design is centred:

    transpose_dot(u)      X'u                              one full pass
    transpose_dots(U)     X'U of several vectors            one pass, or a few
    transpose_dot_of(J,u) X_J'u                            of |J| columns
    dot(active, coef)     sum_a coef_a x_active[a]
    panel()               a working set that grows: X_W b, X_W'u, and the Gram matrix
                          X_W' diag(h) X_W, h = w or other weights, X_W then centred by h
    residual_view(work)   the columns `work`, for descent on the residual

The means are subtracted from results or while columns are packed, never from X.
"""

from abc import ABC, abstractmethod
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..kernels.bends import Bend, Product
from ..kernels.columns import Columns
from ..kernels.trips import Place, RoundTrip

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Terms = tuple[Floats, Floats, Floats, Floats, Floats]  # norm_sq, l1, l2, lower, upper

# A column whose deviation is below this multiple of its mean holds nothing but rounding.
CONSTANT = 16 * np.finfo(float).eps
# Largest magnitude whose square, summed over the rows, is safe from overflow.
LARGEST = 1e140
# Smallest root mean square of a column whose squares keep their digits.
SMALLEST = 1e-156


def as_real(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return float32 and float64 as they are, other real numbers as float64; refuse the rest."""
    if values.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} must hold real numbers, got dtype {values.dtype}: "
            "convert it, for example with .astype(float)"
        )
    if values.dtype in (np.dtype(np.float64), np.dtype(np.float32)):
        return values  # a foreign byte order compares unequal
    return values.astype(np.float64)


def not_finite(value: float, i: int, j: int) -> str:
    """Return what to say of an entry that is NaN or infinite."""
    return f"X must not hold NaN or infinity, got {value} at row {i}, column {j}: drop or impute it"


def too_large(value: float) -> str:
    """Return what to say of an entry whose square could overflow."""
    return f"X must not exceed {LARGEST:g}, got {value:g}: rescale its columns"


def too_small(value: float, j: int) -> str:
    """Return what to say of a column whose squares could vanish."""
    return (
        f"X must have columns whose root mean square is 0 or at least {SMALLEST:g}, "
        f"got {value:g} in column {j}: rescale it"
    )


class Panel(ABC):
    """A working set of columns, and its Gram matrix under weights that may be others than X's.

    members (|W|,) : in the order they were added
    weights (n,) : those of the Gram matrix, >= 0, of any sum
    fewest : who join together, where there are others in line
    may_round : whether its Gram matrix may be formed in single precision, where that will do
    span : the members' column space, for whoever needs it exactly and has formed it (certify.py)
    mean (|W|,) : of the columns as the design centres them, under these weights; 0 where the
        design is not centred. What the Gram matrix subtracts besides.
    """

    members: Indices
    weights: Floats
    mean: Floats
    fewest = 24
    may_round = False
    span: Any = None

    def __init__(self, design: "Design", weights: Floats | None) -> None:
        self._centred = design.centred
        self._own = weights is None  # the design's: their means are 0
        self.weights = design.weights if weights is None else weights
        self.members, self.mean = np.empty(0, dtype=np.intp), np.empty(0)

    @abstractmethod
    def extend(self, new: Indices) -> Floats:
        """Add columns; return their rows of the Gram matrix, (|new|, |W| after)."""

    def join(self, new: Indices, gram: Floats) -> None:
        """Add columns, and their rows and columns to `gram`, (>= |W|, >= |W|) after."""
        first, size = len(self.members), len(self.members) + len(new)
        rows = gram[first:size, :size]
        rows[:] = self.extend(new)
        gram[:first, first:size] = rows[:, :first].T

    @abstractmethod
    def reweigh(
        self, weights: Floats, mean: Floats | None = None, out: Floats | None = None, *,
        rough: bool = False,
    ) -> Floats:  # fmt: skip
        """Take other weights from now on; return the Gram matrix under them, (|W|, |W|).

        mean : the columns' means under them, where they are known
        out : a larger square, overwritten, of which that is a corner; else it is a new array
        rough : whether single precision will do, where it `may_round`
        """

    def grams_about(self, weights: Floats, mean: Floats) -> Floats:
        """Return X_W' diag(h) X_W of every row h of `weights` (m, n), columns less `mean` (|W|,),
        whatever their means under h: (m, |W|, |W|). mean : 0 where the design is not centred"""
        other, out = copy(self), np.empty((len(weights), len(mean), len(mean)))
        for h, gram in zip(weights, out, strict=True):
            gram[:] = other.reweigh(h)
            off = other.mean - mean
            if off.any():
                gram += h.sum() * np.outer(off, off)
        return out

    @abstractmethod
    def dot(self, coef: Floats) -> Floats:
        """Return X_W coef, (n,), from coef (|W|,)."""

    def dot_of(self, rows: Indices, coef: Floats) -> Floats:
        """Return the same for some rows i, (|rows|,)."""
        return self.dot(coef)[rows]

    @abstractmethod
    def round_trip(self, here: Place, there: Place, loss: Any) -> RoundTrip:
        """Return round trips over the members from `here`, natively; see kernels/trips.pyx.

        loss : call, kernel, y, w, weighted and level, as there
        """

    @abstractmethod
    def gram_in_trips(self) -> float:
        """Return what the Gram matrix costs, in round trips."""

    def transpose_dots(self, vectors: Floats, some: Indices) -> Floats:
        """Return x_j'u of the members at the positions `some` and every row u of `vectors` (m, n):
        (m, |some|)."""
        return np.array([self.transpose_dot(u)[some] for u in vectors])

    def dots(self, coefs: Floats, some: Indices) -> Floats:
        """Return X_some b of every row b of `coefs` (m, |some|): (m, n)."""
        full = np.zeros((len(coefs), len(self.members)))
        full[:, some] = coefs
        return np.array([self.dot(coef) for coef in full])

    @abstractmethod
    def transpose_dot(self, u: Floats) -> Floats:
        """Return X_W'u, (|W|,), from u (n,)."""

    def retain(self, kept: Indices) -> None:
        """Keep only the members at these positions, ascending."""
        self.members, self.mean = self.members[kept], self.mean[kept]


class ResidualView(ABC):
    """Some columns, laid out for descent on the residual.

    A state is a vector (n,) that stands for a residual, in the units that suit the storage: linear
    combinations of states are states.
    """

    @abstractmethod
    def reweighed(self, weights: Floats) -> "ResidualView":
        """Return the same columns under other weights (n,), summing to 1, centred by these."""

    @abstractmethod
    def column_norms(self) -> Floats:
        """Return |x_j|_w^2, (|work|,). Cost: a pass (dense)."""

    @abstractmethod
    def state(self, resid: Floats) -> Floats:
        """Return the state that stands for resid (n,)."""

    @abstractmethod
    def sweep(self, state: Floats, coef: Floats, terms: Terms) -> None:
        """Minimise along one column after the other; state and coef (|work|,) are updated."""

    @abstractmethod
    def gradient(self, state: Floats) -> Floats:
        """Return X_work' diag(w) r, (|work|,), from the state of r."""

    @abstractmethod
    def norm_sq(self, state: Floats) -> float:
        """Return |r|_w^2 from the state of r."""


class Design(ABC):
    """A matrix of n rows and p columns, its weights and its column statistics.

    columns : the caller's index of each of the p columns, or None for all of them in order
    mean (p,) : what centring subtracts, 0 where the design is not centred
    variance (p,) : sum_i w_i (x_ij - weighted mean)^2, whether or not it is centred
    norm_sq (p,) : |x_j|_w^2, after centring
    magnitude_sq (p,) : the summands of |x_j|_w^2, to which its rounding is in proportion
    correlation (p,) : X'(w y), where the design was made for a y; under another loss X'u of a fit
        without features, if that was read ahead
    whole_gram (p, p) : X'diag(w)X, where it was made for a y and that is how to solve, else None
    entries : numbers that X stores
    small : whether several problems on it are solved sooner one after the other than on threads,
        which would wait for each other's turn with the interpreter
    tall : whether the Gram matrix of all columns is soon formed, and no copy of X
    column_cost : what a column alone costs in a pass over some columns, against one of a full pass
    reads_together : whether a pass for several vectors is much cheaper than what each would read
    reads_some_together : whether a read of some columns for several vectors (`transpose_dots_of`)
        is much cheaper than one for each
    fetches : whether this design may have columns fetched, or copied, for itself, as nobody else
        works on X; see `lacks` and `panel`
    n_threads : most threads that a pass may use
    n_passes : full passes made so far (a pass over part of X counts in proportion)
    """

    n: int
    p: int
    n_features: int
    columns: Indices | None = None
    weights: Floats
    centred: bool
    mean: Floats
    variance: Floats
    norm_sq: Floats
    magnitude_sq: Floats
    correlation: Floats | None = None
    whole_gram: Floats | None = None
    entries: int
    small: bool
    tall: bool = False
    column_cost: float = 1.0
    reads_together: bool = True
    reads_some_together: bool = False
    fetches: bool = False
    n_threads: int
    n_passes: float = 0.0

    def twin(self, correlation: Floats, n_threads: int) -> Self:
        """Return the same matrix for another y, of X'(w y) = correlation (p,); it shares
        everything but the count of its passes."""
        other = copy(self)
        other.correlation, other.n_threads, other.n_passes = correlation, n_threads, 0.0
        return other

    @property
    def loop_threads(self) -> int:
        """Return how many threads native loops between two reads of X may use: on small data what
        they share out is too little, and threads that look for more would be idle."""
        return 1 if self.small else self.n_threads

    @abstractmethod
    def transpose_dot(self, u: Floats) -> Floats:
        """Return X'u, (p,), from u (n,). Cost: one pass."""

    @abstractmethod
    def transpose_dots(self, vectors: Floats) -> Floats:
        """Return X'u of every row u of `vectors` (m, n): (m, p), rows contiguous.

        The bits of a row do not depend on the others. Cost: m n p multiply-adds, and one pass
        (dense), or one for every sixteen vectors (sparse).
        """

    def transpose_dots_of(self, index: Indices, vectors: Floats) -> Floats:
        """Return x_j'u of the columns j in index and every row u of `vectors` (m, n): (m, |J|).

        Cost: |index| / p passes, for every sixteen vectors where X is sparse.
        """
        raise NotImplementedError  # where nothing reads_some_together

    def transpose_dot_of(self, index: Indices, u: Floats) -> Floats:
        """Return x_j'u of the columns j in index. Cost: column_cost |index| / p passes."""
        self.n_passes += len(index) * self.column_cost / self.p
        return self._transpose_dot_of(index, u)

    def _transpose_dot_of(self, index: Indices, u: Floats) -> Floats:
        raise NotImplementedError  # where column_cost is infinite

    def lacks(self, index: Indices) -> bool:
        """Whether gathering the columns `index` costs a read of all of X, unless they are fetched
        together with others that will soon be wanted. Cost: a pass the first time."""
        return False

    def fetch(self, index: Indices) -> None:
        """Get the columns `index` ready to be gathered. Cost: one pass. Nobody who shares X may
        gather meanwhile."""
        raise NotImplementedError  # where nothing is lacking

    def reader(self) -> Columns | None:
        """Return what reads a few columns from native loops, where that can be."""
        return None

    def product(self, index: Indices, mean: Floats, bend: Bend, K: int) -> Product | None:
        """Return [X_J, 1]' diag(w) f'' [X_J, 1] of the columns J in index, natively where that can
        be; `bend` is its middle, on K numbers a row.

        mean (|J|,) : is subtracted besides what centring subtracts
        """
        return None

    @abstractmethod
    def dot(self, active: Indices, coef: Floats) -> Floats:
        """Return sum_a coef_a x_active[a], (n,)."""

    def dots(self, active: Indices, coefs: Floats) -> Floats:
        """Return sum_a b_a x_active[a] of every row b of `coefs` (m, |active|): (m, n)."""
        return np.array([self.dot(active, coef) for coef in coefs])

    def squared_dots(self, active: Indices, axes: Floats, shares: Floats) -> Floats:
        """Return sum_k shares_lk (X_active axes_k)^2, (L, n), from axes (r, |active|) and shares
        (L, r)."""
        out = np.zeros((len(shares), self.n))
        for axis, share in zip(np.ascontiguousarray(axes), shares.T, strict=True):
            out += np.outer(share, self.dot(active, axis) ** 2)
        return out

    def residual(self, y: Floats, coef: Floats) -> tuple[Floats, Floats]:
        """Return (r, X'(w r)) with r = y - X coef, (n,) and (p,), from coef (p,)."""
        active = np.flatnonzero(coef)
        resid = y - self.dot(active, coef[active])
        return resid, self.transpose_dot(self.weights * resid)

    @abstractmethod
    def panel(self, weights: Floats | None = None, *, working: bool = False) -> Panel:
        """Return an empty working set, its Gram matrix under `weights` (n,) or the design's.

        working : whether its columns are read often enough to be copied, where that helps
        """

    @abstractmethod
    def row_gram(self, members: Indices, scale: Floats | None = None) -> Floats:
        """Return diag(w)^1/2 X_Z diag(scale)^2 X_Z' diag(w)^1/2, (n, n), scale (|Z|,) or 1."""

    def add_row_gram(self, out: Floats, members: Indices, scale: Floats, sign: float) -> None:
        """Add sign times `row_gram`, on and below the diagonal at least, to out (n, n)."""
        out += sign * self.row_gram(members, scale)

    @abstractmethod
    def residual_view(self, work: Indices) -> ResidualView:
        """Return the columns `work` laid out for coordinate descent on the residual."""

    def _set_moments(self, mean: Floats, variance: Floats) -> None:
        variance[variance <= (CONSTANT * mean) ** 2] = 0.0
        square = variance + mean**2
        faint = (square < SMALLEST**2) & ((square > 0.0) | (mean != 0.0))
        if faint.any():
            j = int(np.argmax(faint))
            size = max(np.sqrt(square[j]), abs(mean[j]))
            raise ValueError(too_small(size, j if self.columns is None else self.columns[j]))
        self.variance = variance
        if self.centred:
            self.mean, self.norm_sq = mean, variance
        else:
            self.mean, self.norm_sq = np.zeros_like(mean), square
        self.magnitude_sq = self.norm_sq
