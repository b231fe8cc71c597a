"""Losses that are quadratic near, linear or zero far: Huber and the squared hinge."""

import numpy as np

from .base import Family, Floats, parameter
from .value import Value


class Huber(Value, Family):
    """f = r^2 / 2 for |r| <= delta, else delta |r| - delta^2 / 2; r = y - eta, any y.

    -f' = clip(r, -delta, delta), f'' = 1 or 0.  f*(t) = t^2 / 2 + t y for |t| <= delta. With
    s = sign(r) v Fenchel-Young is (r - v)^2 / 2 where |r| <= delta, else
    (delta - s) (|r| - delta + (delta - s) / 2).

    Parameters
    ----------
    delta : float > 0
        Where the loss turns linear, in units of y.
    """

    curvature_bound = 1.0
    straight = True
    parameters = ("delta",)

    def __init__(self, delta: float = 1.35) -> None:
        self.delta = parameter(delta, "delta", 0.0, np.inf)
        self.name = f"huber({self.delta:g})"

    def loss(self, y: Floats, eta: Floats) -> Floats:
        size = np.abs(y - eta)
        near = np.minimum(size, self.delta)
        return near * (size - 0.5 * near)

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        return np.clip(y - eta, -self.delta, self.delta)

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return (np.abs(y - eta) <= self.delta).astype(np.float64)

    def mean(self, eta: Floats) -> Floats:
        return eta

    def start(self, y: Floats, weights: Floats) -> float:
        order = np.argsort(y, kind="stable")
        middle = int(np.searchsorted(np.cumsum(weights[order]), 0.5))
        return float(y[order[min(middle, len(y) - 1)]])  # the median

    def domain(self, y: Floats) -> tuple[float, float]:
        return -self.delta, self.delta

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        return np.where(np.abs(v) <= self.delta, y - v, np.nan)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        value = slope * (0.5 * slope + y)
        return np.where(np.abs(slope) <= self.delta, value, np.inf)

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        r = y - eta
        beyond = np.abs(r) - self.delta
        left = self.delta - np.sign(r) * v
        gap = np.where(beyond <= 0.0, 0.5 * (r - v) ** 2, left * (beyond + 0.5 * left))
        return np.where(np.abs(v) <= self.delta, gap, np.inf)


class SquaredHinge(Value, Family):
    """f = max(0, 1 - s eta)^2 / 2, two labels, s = -1 or 1.

    -f' = s max(0, 1 - s eta), f'' = 1 or 0.  f*(t) = t^2 / 2 + s t for s t <= 0. With m = 1 - s eta
    and q = s v >= 0 Fenchel-Young is (m - q)^2 / 2 where m >= 0, else q^2 / 2 - q m.
    """

    name = "squared_hinge"
    labelled = True
    curvature_bound = 1.0
    straight = True

    def loss(self, y: Floats, eta: Floats) -> Floats:
        return 0.5 * np.maximum(0.0, 1.0 - (2.0 * y - 1.0) * eta) ** 2

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        s = 2.0 * y - 1.0
        return s * np.maximum(0.0, 1.0 - s * eta)

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return ((2.0 * y - 1.0) * eta < 1.0).astype(np.float64)

    def mean(self, eta: Floats) -> Floats:
        return eta

    def domain(self, y: Floats) -> tuple[Floats, Floats]:
        return np.where(y > 0.5, 0.0, -np.inf), np.where(y > 0.5, np.inf, 0.0)

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        s = 2.0 * y - 1.0
        return np.where(s * v >= 0.0, s - v, np.nan)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        s = 2.0 * y - 1.0
        return np.where(s * slope <= 0.0, slope * (0.5 * slope + s), np.inf)

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        s = 2.0 * y - 1.0
        m, q = 1.0 - s * eta, s * v
        gap = np.where(m >= 0.0, 0.5 * (m - q) ** 2, q * (0.5 * q - m))
        return np.where(q >= 0.0, gap, np.inf)
