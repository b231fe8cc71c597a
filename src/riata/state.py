"""A point of a path, and what a solver knows of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .certify import LossAt
from .expansion import Expansion

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass
class State:
    """A point and what is known about it: coef and z (p,), resid (n,), active the non-zeros,
    size = sum_j |x_j| |b_j|."""

    coef: Floats
    active: Indices
    resid: Floats
    z: Floats
    resid_sq: float
    size: float

    @property
    def loss(self) -> float:
        """sum_i w_i f_i, here half of resid_sq."""
        return 0.5 * self.resid_sq


@dataclass
class Point(State):
    """The same under a loss that is not least squares. resid is v, the dual point per unit weight:
    the negative gradient projected on what sum u = 0 and X_Z'u = 0 allow.

    at : eta and the loss there
    intercept : that of the design's columns
    steps : of which eta is the sum, since it was last formed from scratch
    seen : what the working set knew of the point when it came there
    """

    at: LossAt
    intercept: float
    steps: int
    seen: Expansion | None

    @property
    def loss(self) -> float:
        """sum_i w_i f_i"""
        return self.at.loss
