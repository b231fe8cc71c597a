"""The elastic net with factors, units and bounds: four arrays and one scalar function.

    g(b) = alpha sum_j v_j ( l1_ratio u_j |b_j| + (1 - l1_ratio)/2 u_j^2 b_j^2 )
    for  lower <= b <= upper

v_j is the penalty factor and u_j the unit of feature j (its deviation where the caller
standardises, else 1). What the solver asks of a penalty: its arrays at an alpha, its value, its
alpha_max, and (kernels/dual, kernels/scalar) the scalar minimiser and the dual's feasibility.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import dual

Floats = NDArray[np.float64]


def wide(values: Any, length: int) -> NDArray:
    """Return values as (length,), a number as an array of stride 0."""
    values = np.asarray(values)
    if values.ndim:
        return values
    return np.ndarray((length,), values.dtype, values.reshape(1), 0, (0,))  # broadcast_to: 5 us


class Box(NamedTuple):
    """The penalty of every feature at one alpha; each (p,), a scalar being an array of stride 0. Or
    of some features."""

    l1: Floats
    l2: Floats
    lower: Floats
    upper: Floats

    def take(self, index: NDArray[np.intp]) -> "Box":
        """Return the penalty of some features."""
        return Box(self.l1[index], self.l2[index], self.lower[index], self.upper[index])

    def value(self, coef: Floats) -> float:
        """Return g of these features' coefficients."""
        return dual.penalty(coef, self.l1, self.l2)


class Moving(NamedTuple):
    """The penalty of one alpha after another; arrays (1,), where all features are alike, or (p,).

    l1, l2 : what `box` looks at, l2 (0,) where there is none: at alpha
        l1_j = (alpha l1_ratio) few_j many_j,  l2_j = (alpha (1 - l1_ratio)) each_j
    """

    box: Box
    l1_ratio: float
    l1: Floats
    few: Floats
    many: Floats
    l2: Floats
    each: Floats


class ElasticNet:
    """l1_ratio in [0, 1]; factor, unit, lower and upper (p,), or () for all alike."""

    def __init__(
        self,
        p: int,
        l1_ratio: float,
        factor: Floats,
        unit: Floats,
        lower: Floats,
        upper: Floats,
    ) -> None:
        self.p, self.l1_ratio = p, l1_ratio
        out = np.isinf(factor) | ((lower == 0.0) & (upper == 0.0))
        factor = np.where(np.isinf(factor), 0.0, factor) if np.any(np.isinf(factor)) else factor
        self._factor, self._unit = factor, unit
        self._few, self._many = sorted((factor, unit), key=np.ndim)
        self._lower, self._upper = self._wide(lower), self._wide(upper)
        self._none = self._wide(0.0)
        self.excluded = self._wide(out)
        unpenalised = ((factor == 0.0) | (unit == 0.0)) & ~out
        self.unpenalised = self._wide(unpenalised)
        self.free = self._wide(unpenalised & np.isinf(lower) & np.isinf(upper))  # held by nothing
        self.unbounded = bool(np.all(np.isinf(lower) & np.isinf(upper)))
        self._penalises = not bool(np.all(self.unpenalised | self.excluded))

    def _wide(self, values: Any) -> NDArray:
        return wide(values, self.p)

    def lifted(self) -> "ElasticNet":
        """Return the bounds and exclusions alone: what is left at alpha = 0."""
        factor = np.where(self.excluded, np.inf, 0.0)
        return ElasticNet(
            self.p, self.l1_ratio, factor, np.asarray(1.0), self._lower, self._upper
        )  # fmt: skip

    def at(self, alpha: float) -> Box:
        """Return the penalty's arrays at alpha."""
        bare = self.l1_ratio == 1.0 or alpha == 0.0
        l2 = self._none if bare else self._wide(self._l2(alpha))
        return Box(self._wide(self._l1(alpha)), l2, self._lower, self._upper)

    def moving(self) -> Moving:
        """Return the penalty as one that native loops take from alpha to alpha."""
        width = max(self._few.size, self._many.size)
        bare = self.l1_ratio == 1.0
        l1, l2 = np.zeros(width), np.zeros(0 if bare else width)
        each = l2 if bare else wide(self._factor * self._unit**2, width)
        of_all = [self._wide(v.reshape(()) if v.size == 1 else v) for v in (l1, l2)]
        box = Box(of_all[0], self._none if bare else of_all[1], self._lower, self._upper)
        few, many = wide(self._few, width), wide(self._many, width)
        return Moving(box, self.l1_ratio, l1, few, many, l2, each)

    def bare(self, alpha: float) -> NDArray[np.intp]:
        """Return the features without any penalty at alpha that lack a bound, some others having
        one: those that are `free` at every alpha are left out."""
        if self.unbounded:
            return np.empty(0, dtype=np.intp)
        held = (self.unpenalised | (alpha == 0.0)) & ~self.excluded & ~self.free
        return np.flatnonzero(held & (np.isinf(self._lower) | np.isinf(self._upper)))

    def _l1(self, alpha: float, l1_ratio: float | None = None) -> Floats:
        scale = alpha * (self.l1_ratio if l1_ratio is None else l1_ratio)
        return (scale * self._few) * self._many  # one array (p,), where one of them is a number

    def _l2(self, alpha: float) -> Floats:
        return (alpha * (1.0 - self.l1_ratio)) * (self._factor * self._unit**2)

    def has_l1(self, alpha: float) -> bool:
        """Whether any feature has an L1 penalty at alpha."""
        return self._penalises and alpha * self.l1_ratio > 0.0

    def alpha_max(self, z: Floats, skip: NDArray[np.uint8]) -> float:
        """Return the smallest alpha at which z = X'u of the null model lets nothing in.

        Where there is (nearly) no L1 part, that of l1_ratio = 0.001 (glmnet's convention).
        """
        l1 = self._l1(1.0, max(self.l1_ratio, 1e-3))
        out = np.empty(self.p)
        blocked = (skip | self.unpenalised).astype(np.uint8)
        dual.urgency(z, self._wide(l1), self._lower, self._upper, blocked, out)
        return float(out.max(initial=0.0))
