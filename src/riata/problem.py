"""One problem: its data, its penalty, when it is solved, and what a solution is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .kernels import dual
from .penalty import ElasticNet

Floats = NDArray[np.float64]


class OutOfTime(Exception):
    """The caller's time was up in the middle of something that is of no use unfinished."""


@dataclass
class Fit:
    """What one alpha gave: index and coef of the non-zeros, and its certificate."""

    alpha: float
    index: NDArray[np.intp]
    coef: Floats
    gap: float
    status: str
    n_iter: int
    df: float
    loss: float
    intercept: Any = 0.0  # beside what the means of y and of the columns give


@dataclass
class Problem:
    """Centred data, penalty and stopping rule of one path.

    counts_df : whether somebody will ask its fits for their degrees of freedom
    over : whether time is up for those on whose behalf this one is solved
    """

    design: Design
    y: Floats
    family: Any  # a Family or a MultipleFamily
    penalty: ElasticNet
    tol: float
    max_iter: int
    deadline: float = float("inf")
    offset: Floats | None = None  # where it is not a part of y
    counts_df: bool = True
    over: Callable[[], bool] | None = None
    null_objective: float = field(init=False)
    separated: bool = field(init=False, default=False)  # what nothing penalises fits y perfectly

    def __post_init__(self) -> None:
        if self.y.ndim == 1:
            self.y_sq = dual.weighted_sums(self.design.weights, self.y)[1]
        self.never = (self.penalty.excluded | (self.design.norm_sq == 0.0)).astype(np.uint8)

    def expired(self) -> bool:
        """Whether the caller's time is up."""
        return time.monotonic() > self.deadline or (self.over is not None and self.over())

    def look(self) -> None:
        """Raise OutOfTime if it is."""
        if self.expired():
            raise OutOfTime

    def lifted(self) -> "Problem":
        """Return the problem without penalty, what is left at alpha = 0; its time is this one's."""
        return replace(self, penalty=self.penalty.lifted(), over=self.expired)

    def negligible_gap(self) -> float:
        """Return the absolute gap that the tolerance allows."""
        return self.tol * self.null_objective

    def verdict(
        self, gap: float, negligible: float, floor: float, left: int, *, stalled: bool
    ) -> str:
        """Return the status to stop with, or '' to go on.

        negligible, floor : the gap that is small enough, and the one that double precision cannot
            tell from zero
        left : iterations
        """
        if gap <= negligible:
            return "converged"
        if gap <= (1e3 * floor if stalled else floor) < float("inf"):
            return "precision_floor"
        if self.expired():
            return "time_limit"
        return "max_iter" if left <= 0 or stalled else ""
