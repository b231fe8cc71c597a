"""X'(w r) for p features without reading them all: certified bounds from what was read before.

Let q_0 = y / |y|, q_1 the residual at the feature's own last refresh and q_2, where columns are
long, the solver's residual before that one, read along with it at no cost, or that of the refresh
before; made orthogonal to those before them and of norm 1, all in the metric w. With
z_ij = x_j'(w q_i) known,

    |x_j'(w r) - sum_i (q_i'w r) z_ij|  <=  sqrt(|x_j|^2 - sum_i z_ij^2) |r - sum_i (q_i'w r) q_i|

A feature outside the working set whose bound stays inside [-l1_j, l1_j] (one side of it where a
bound rests on zero) is certified: it neither joins nor limits the dual scaling, and takes its
estimate for z_j. Only the others are read again, and take the present residual as their reference.

Rounding sits inside the roots: |r|^2 is known to `slack` of itself, |x_j|^2 to `slack` of its
summands, which are larger where a sparse column's mean is taken off the sums; and on top of both,
where q_1 and q_2 differ by little from those before them.

Cost: O(p) and one inner product per reference, against a pass over X.

Source: Cauchy and Schwarz on the part of r that the references leave; the same bound without the
references is the sphere test of El Ghaoui, Viallon, Rabbani, Pac. J. Optim. 8(4), 2012, section 3.
"""

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .kernels.bounds import Bounds
from .penalty import Box

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.uint8]

EPS = float(np.finfo(float).eps)
REFERENCES = 31  # residuals kept, at most
FEWEST = 6
SHARE = 0.02  # of the entries of X that the references may take
DEAR = 256  # entries a column, from which on an older residual is kept beside the last one
MANY = 0.5  # share of a pass above which one pass over all features is better


class Correlations:
    """z = X'(w r) at one residual after another, first at y; each exact or certified.

    z : (p,), at the present residual; the same array throughout
    bounds : what it is made of
    skip, member : (p,), 1 for features whose z nobody wants, and for those whose z is exact; kept
    """

    def __init__(
        self,
        design: Design,
        y: Floats,
        y_sq: float,
        correlation: Floats,
        skip: Mask,
        member: NDArray[np.bool_],
    ) -> None:
        self._design = design
        keeps_older = design.entries >= DEAR * design.p
        slots = int(min(REFERENCES, max(FEWEST, SHARE * design.entries / design.n)))
        # sums of n products in 32 lanes, or of 512 at a time in two
        slack = 4 * EPS * (design.n / 32 + 64)
        reader = design.reader()
        few = 0 if reader is None else int(MANY * design.p)
        self.bounds = Bounds(
            correlation, design.norm_sq, design.magnitude_sq, y, design.weights, y_sq, slots,
            keeps_older, slack, skip, member.view(np.uint8), reader, few, read, design,
        )  # fmt: skip
        self.z = self.bounds.z

    def move(self, resid: Floats, resid_sq: float) -> None:
        """Make resid (n,) the present residual."""
        self.bounds.move(resid, resid_sq)

    def take(self, index: Indices, values: Floats) -> None:
        """Take z at the present residual, exact, of the features `index`."""
        self.bounds.note(index, values)

    def certify(self, box: Box) -> None:
        """Make z exact, or certified not to pass l1."""
        self.bounds.penalise(*box)
        self.bounds.settle(1.0)

    def refresh(self, index: Indices) -> None:
        """Make z exact for the features `index`."""
        read(self.bounds, self._design, index[self.bounds.radius[index] > 0.0])

    def reread(self, index: Indices) -> None:
        """The same, where z is not exact enough unless it was read at the present residual."""
        read(self.bounds, self._design, self.bounds.elsewhere(index))

    def take_all(self, z: Floats) -> None:
        """Take z (p,), at the present residual, as the last read of every feature."""
        self.bounds.note_all(z)


def read(bounds: Bounds, design: Design, index: Indices) -> None:
    """Note X'(w r) of the features `index` at the present residual, by a pass where they are many.

    A function: a method kept by `bounds`, which it would hold in turn, makes a cycle that keeps all
    arrays of a fit until Python looks for such.
    """
    if len(index) * design.column_cost > MANY * design.p:
        bounds.note_all(design.transpose_dot(bounds.weighted))
    elif len(index):
        bounds.note_read(index, design.transpose_dot_of(index, bounds.weighted))
