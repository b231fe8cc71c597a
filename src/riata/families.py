"""Losses: what a family must say of itself. Vectorised, no loop over coordinates asks for it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Family(Protocol):
    """Half the unit deviance of a distribution, as a function of y and the linear predictor."""

    name: str

    def loss(self, y: Floats, eta: Floats) -> Floats:
        """Return loss(y_i, eta_i) >= 0, (n,)."""

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        """Return -d loss / d eta, (n,)."""


class Gaussian:
    """loss(y, eta) = (y - eta)^2 / 2, identity link; no constant is dropped."""

    name = "gaussian"

    def loss(self, y: Floats, eta: Floats) -> Floats:
        return 0.5 * (y - eta) ** 2

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        return y - eta


_BY_NAME = {"gaussian": Gaussian}


def get_family(family: object) -> Family:
    """Return the family a name stands for."""
    if isinstance(family, str) and family in _BY_NAME:
        return _BY_NAME[family]()
    if isinstance(family, Gaussian):
        return family
    raise ValueError(
        f"family must be one of {sorted(_BY_NAME)}, got {family!r}: "
        "other families are not there yet"
    )
