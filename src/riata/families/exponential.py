"""The exponential families. mu is the mean at eta; xi(a, b) = a log(a / b) - a + b >= 0."""

import numpy as np

from ..kernels import dual, loss
from .base import (
    LARGEST_EXPONENT,
    Family,
    Floats,
    divergence,
    exp,
    exp_remainder,
    parameter,
    refuse,
    times_exp,
)
from .value import Value


class Gaussian(Value, Family):
    """f = (y - eta)^2 / 2, identity link, any y; nothing is dropped.

    f*(t) = t^2 / 2 + t y;  Fenchel-Young (y - eta - v)^2 / 2.
    """

    name = "gaussian"
    curvature_bound = 1.0

    def loss(self, y: Floats, eta: Floats) -> Floats:
        return 0.5 * (y - eta) ** 2

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        return y - eta

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return np.ones_like(eta)

    def mean(self, eta: Floats) -> Floats:
        return eta

    def start(self, y: Floats, weights: Floats) -> float:
        return dual.weighted_sums(weights, y)[0]

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        return y - v

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        return slope * (0.5 * slope + y)

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        return 0.5 * (y - eta - v) ** 2


class Binomial(Value, Family):
    """f = y log(y / mu) + (1 - y) log((1 - y) / (1 - mu)), logit link, y in [0, 1].

    For labels (y = 0 or 1) f = log(1 + exp(eta)) - y eta, the logistic loss; for proportions the
    entropy of y is left out of nothing: the minimum is 0. -f' = y - mu, f'' = mu (1 - mu) <= 1/4.
    f*(t) = (y + t) log(y + t) + (1 - y - t) log(1 - y - t) less the same at t = 0, for
    0 <= y + t <= 1;  Fenchel-Young xi(y - v, mu) + xi(1 - y + v, 1 - mu).
    """

    name = "binomial"
    labelled = proportions = True
    kernel = loss.logistic
    curvature_bound = 0.25

    def check(self, y: Floats) -> None:
        wanted = "two labels or proportions in [0, 1]"
        refuse(y, (y < 0.0) | (y > 1.0), wanted, self.name, "divide counts by their totals")

    def loss(self, y: Floats, eta: Floats) -> Floats:
        out = np.log1p(np.exp(-np.abs(eta))) + (np.maximum(eta, 0.0) - y * eta)
        inside = (y > 0.0) & (y < 1.0)
        if inside.any():
            q = y[inside]
            out[inside] += q * np.log(q) + (1.0 - q) * np.log1p(-q)
            np.maximum(out, 0.0, out=out)
        return out

    def level(self, y: Floats, weights: Floats) -> float:
        if np.all((y == 0.0) | (y == 1.0)):
            return 0.0
        return dual.weighted_sums(weights, _entropy(y, 1.0 - y))[0]

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        e = np.exp(-np.abs(eta))
        return (y - (eta >= 0.0)) + np.copysign(e / (1.0 + e), eta)

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        e = np.exp(-np.abs(eta))
        return e / (1.0 + e) ** 2

    def mean(self, eta: Floats) -> Floats:
        e = exp(-np.minimum(np.abs(eta), LARGEST_EXPONENT))
        return np.where(eta >= 0.0, 1.0, e) / (1.0 + e)

    def start(self, y: Floats, weights: Floats) -> float:
        share = dual.weighted_sums(weights, y)[0]
        return float(np.log(share) - np.log1p(-share)) if 0.0 < share < 1.0 else 0.0

    def domain(self, y: Floats) -> tuple[Floats, Floats]:
        return y - 1.0, y

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(y - v) - np.log((1.0 - y) + v)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        return _entropy(y + slope, (1.0 - y) - slope) - _entropy(y, 1.0 - y)

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        mu, rest = -np.logaddexp(0.0, -eta), -np.logaddexp(0.0, eta)  # their logarithms
        return divergence(y - v, mu) + divergence((1.0 - y) + v, rest)


def _entropy(a: Floats, b: Floats) -> Floats:
    """Return a log a + b log b, infinite where one is negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.where(a > 0.0, a * np.log(a), 0.0) + np.where(b > 0.0, b * np.log(b), 0.0)
    return np.where((a < 0.0) | (b < 0.0), np.inf, out)


class Poisson(Value, Family):
    """f = y log(y / mu) - y + mu, log link, y >= 0; nothing is dropped.

    -f' = y - mu, f'' = mu.  f*(t) = xi(y + t, y) less t log y ... that is
    (y + t) log(y + t) - t - y log y for y + t >= 0;  Fenchel-Young xi(y - v, mu).
    """

    name = "poisson"
    needs_a_positive = True
    kernel = loss.poisson

    def check(self, y: Floats) -> None:
        refuse(y, y < 0.0, ">= 0", self.name, "drop the row or choose another family")

    def loss(self, y: Floats, eta: Floats) -> Floats:
        positive = y > 0.0
        level = y * np.log(np.where(positive, y, 1.0)) - y
        return np.maximum(exp(eta) - y * eta + level, 0.0)

    def level(self, y: Floats, weights: Floats) -> float:
        return dual.weighted_sums(weights, _entropy(y, np.zeros_like(y)) - y)[0]

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        return y - exp(eta)

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return exp(eta)

    def mean(self, eta: Floats) -> Floats:
        return exp(eta)

    def start(self, y: Floats, weights: Floats) -> float:
        return _log_mean(y, weights)

    def domain(self, y: Floats) -> tuple[float, Floats]:
        return -np.inf, y

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(y - v)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        zero = np.zeros_like(y)
        return _entropy(y + slope, zero) - slope - _entropy(y, zero)

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        return divergence(y - v, eta)


class Gamma(Value, Family):
    """f = (y - mu) / mu - log(y / mu), log link, y > 0; nothing is dropped.

    With a = y / mu: -f' = a - 1, f'' = a.  f*(t) = (1 - t) log(1 - t) + t (1 + log y) for
    t <= 1;  Fenchel-Young xi(1 + v, a).
    """

    name = "gamma"

    def check(self, y: Floats) -> None:
        refuse(y, y <= 0.0, "> 0", self.name, "drop the row, or use Tweedie, which allows 0")

    def loss(self, y: Floats, eta: Floats) -> Floats:
        x = np.log(y) - eta
        return exp_remainder(x)

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        return times_exp(y, -eta) - 1.0

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        return times_exp(y, -eta)

    def mean(self, eta: Floats) -> Floats:
        return exp(eta)

    def start(self, y: Floats, weights: Floats) -> float:
        return _log_mean(y, weights)

    def domain(self, y: Floats) -> tuple[float, float]:
        return -1.0, np.inf

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(y) - np.log(1.0 + v)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        rest = 1.0 - slope
        return _entropy(rest, np.zeros_like(y)) + slope * (1.0 + np.log(y))

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        return divergence(1.0 + v, np.log(y) - eta)


class Tweedie(Value, Family):
    """f = y mu^(1-p) / (p-1) + mu^(2-p) / (2-p) - y^(2-p) / ((p-1)(2-p)), log link, y >= 0.

    1 < p < 2 (compound Poisson with gamma jumps); nothing is dropped. With A = y mu^(1-p) and
    B = mu^(2-p):  -f' = A - B, f'' = (p-1) A + (2-p) B. f* has no closed form: the eta' that v
    belongs to is found by Newton's method, and with d = eta - eta' Fenchel-Young is
    A' rho(-(p-1) d) / (p-1) + B' rho((2-p) d) / (2-p),  rho(x) = exp(x) - 1 - x.

    Parameters
    ----------
    power : float in (1, 2)
    """

    needs_a_positive = True
    parameters = ("power",)

    def __init__(self, power: float = 1.5) -> None:
        self.power = parameter(power, "power", 1.0, 2.0)
        self.name = f"tweedie({self.power:g})"

    def check(self, y: Floats) -> None:
        refuse(y, y < 0.0, ">= 0", self.name, "drop the row or choose another family")

    def _parts(self, y: Floats, eta: Floats) -> tuple[Floats, Floats]:
        rest = 2.0 - self.power
        return times_exp(y, (1.0 - self.power) * eta), times_exp(np.ones_like(y), rest * eta)

    def loss(self, y: Floats, eta: Floats) -> Floats:
        p = self.power
        a, b = self._parts(y, eta)
        return np.maximum(a / (p - 1) + b / (2 - p) - y ** (2 - p) / ((p - 1) * (2 - p)), 0.0)

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        a, b = self._parts(y, eta)
        return a - b

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        a, b = self._parts(y, eta)
        return (self.power - 1) * a + (2 - self.power) * b

    def mean(self, eta: Floats) -> Floats:
        return exp(eta)

    def start(self, y: Floats, weights: Floats) -> float:
        return _log_mean(y, weights)

    def domain(self, y: Floats) -> tuple[float, Floats]:
        return -np.inf, np.where(y > 0.0, np.inf, 0.0)

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        out, some = np.empty_like(v), y > 0.0
        out[some] = super().preimage(y[some], v[some], eta[some])
        with np.errstate(divide="ignore", invalid="ignore"):
            out[~some] = np.log(-v[~some]) / (2.0 - self.power)
        return out

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        p = self.power
        other = self.preimage(y, v, eta)
        found = np.isfinite(other)
        other = np.where(found, other, eta)
        a, b = self._parts(y, other)
        d = eta - other
        with np.errstate(over="ignore"):
            gap = a * (exp_remainder((1 - p) * d) / (p - 1))
            gap += b * (exp_remainder((2 - p) * d) / (2 - p))
        return np.where(found, gap, np.where((y == 0.0) & (v == 0.0), self.loss(y, eta), np.inf))


def _log_mean(y: Floats, weights: Floats) -> float:
    mean = dual.weighted_sums(weights, y)[0]
    return float(np.log(mean)) if mean > 0.0 else 0.0
