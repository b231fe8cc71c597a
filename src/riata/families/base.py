"""What a family must say of itself, and what follows from that.

f(eta) is the loss of one observation y as a function of the linear predictor eta: half the unit
deviance, so convex with infimum 0. A dual number v stands for the slope -v; the conjugate is
f*(t) = sup_eta t eta - f(eta), and

    f(eta) + f*(-v) + v eta >= 0      (Fenchel and Young), 0 where v = -f'(eta)

is what an observation adds to the duality gap.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import dual, loss

Floats = NDArray[np.float64]

LARGEST_EXPONENT = 700.0  # exp of more would overflow
FAR = 1e280  # beyond it a number of the loss may as well be it: its products are still finite
NEAR = 1e-4  # below it exp(x) - 1 - x would cancel
NATIVE = ("loss", "negative_gradient", "curvature", "evaluate", "gap")  # what a kernel gives


def exp(x: Floats) -> Floats:
    """Return exp(x), held below 1e304."""
    return np.exp(np.minimum(x, LARGEST_EXPONENT))


def times_exp(a: Floats, x: Floats) -> Floats:
    """Return a exp(x), held below 1e280."""
    with np.errstate(over="ignore"):  # what is infinite is held
        return np.minimum(a * exp(x), FAR)


def divergence(a: Floats, log_b: Floats) -> Floats:
    """Return a log(a / b) - a + b >= 0, infinite where a < 0; nothing cancels. (n,) each."""
    out = np.empty_like(a)
    loss.divergence(a, log_b, out)
    return out


def exp_remainder(x: Floats) -> Floats:
    """Return exp(x) - 1 - x >= 0, by its series where x is small."""
    near = np.clip(x, -NEAR, NEAR)
    small = near * near * (0.5 + near * (1.0 / 6.0 + near / 24.0))
    x = np.minimum(x, LARGEST_EXPONENT)
    return np.where(np.abs(x) < NEAR, small, np.expm1(x) - x)


class Family:
    """A loss that is a sum over the rows. A family of your own is a subclass of this one.

    Needed: `name`, `loss`, `negative_gradient`, `curvature`, `mean`. The rest has a default, made
    of these by numerical inversion; giving formulas makes it faster and more accurate. All of them
    are vectorised: y, eta, v and what comes back are (n,), float64. The loss is convex with infimum
    0 for every y, no constant dropped; what cannot be is refused from a look at a few rows.

    name : what the result calls it
    labelled : whether y are two labels of any kind, which arrive here as 0 and 1
    proportions : whether numbers strictly between 0 and 1 will do in their place
    needs_a_positive : whether y must not be all zero
    curvature_bound : an upper bound of f'', infinite where there is none
    straight : whether f'' is 0 over intervals; Newton steps then take a share of the bound there
    kernel : a native loss (kernels/loss.pyx), if there is one; it may be handed some of the rows,
        on several threads. It is asked in place of loss, derivatives and gap: a subclass that gives
        others has none, unless it gives one
    """

    name: str
    labelled = False
    proportions = False
    needs_a_positive = False
    curvature_bound = np.inf
    straight = False
    kernel: Any = None

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "kernel" not in vars(cls) and not vars(cls).keys().isdisjoint(NATIVE):
            cls.kernel = None

    def check(self, y: Floats) -> None:
        """Raise ValueError where y, finite numbers, cannot be fitted."""

    def loss(self, y: Floats, eta: Floats) -> Floats:
        """Return f(eta) >= 0."""
        raise NotImplementedError

    def negative_gradient(self, y: Floats, eta: Floats) -> Floats:
        """Return -f'(eta)."""
        raise NotImplementedError

    def curvature(self, y: Floats, eta: Floats) -> Floats:
        """Return f''(eta) >= 0."""
        raise NotImplementedError

    def mean(self, eta: Floats) -> Floats:
        """Return the expected response at eta: the inverse of the link."""
        raise NotImplementedError

    def level(self, y: Floats, weights: Floats) -> float:
        """Return what `evaluate` leaves out of the loss: a sum that does not depend on eta."""
        return 0.0

    def evaluate(self, y: Floats, eta: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
        """Return sum_i w_i f_i less `level`, -f' and f'': the three that a step needs, in one."""
        if self.kernel is not None:
            pull, curvature = np.empty_like(eta), np.empty_like(eta)
            return self.kernel(y, eta, weights, pull, curvature), pull, curvature
        loss = dual.weighted_sums(weights, self.loss(y, eta))[0]
        return loss, self.negative_gradient(y, eta), self.curvature(y, eta)

    def gap(
        self,
        y: Floats,
        eta: Floats,
        pull: Floats,
        curvature: Floats,
        v: Floats,
        c: float,
        weights: Floats,
    ) -> float:
        """Return sum_i w_i [ f(eta) + f*(-c v) + c v eta ]; pull and curvature are -f', f''."""
        if self.kernel is not None:
            return float(self.kernel.gap(y, eta, pull, curvature, v, c, weights, 1))
        return dual.weighted_sums(weights, self.fenchel_young(y, eta, c * v))[0]

    def domain(self, y: Floats) -> tuple[Any, Any]:
        """Return (low, high), () or (n,) each: f*(-v) is finite for low <= v <= high."""
        return -np.inf, np.inf

    def start(self, y: Floats, weights: Floats) -> float:
        """Return an eta to start from, where nothing but an intercept is fitted."""
        return 0.0

    def preimage(self, y: Floats, v: Floats, eta: Floats) -> Floats:
        """Return the eta' with -f'(eta') = v, NaN where there is none; eta is a guess.

        By Newton's method, bisection where that leaves the bracket.
        """
        low, high = np.full_like(eta, -np.inf), np.full_like(eta, np.inf)
        x, reach = eta.copy(), np.ones_like(eta)
        with np.errstate(all="ignore"):
            for _ in range(200):
                excess = self.negative_gradient(y, x) - v  # falls as x rises
                low, high = np.where(excess > 0.0, x, low), np.where(excess < 0.0, x, high)
                step = excess / self.curvature(y, x)
                step = np.where(np.isfinite(step), step, np.sign(excess) * reach)
                new = x + np.clip(step, -reach, reach)
                reach = np.where(np.abs(step) > reach, 2.0 * reach, reach)
                inside = (new >= low) & (new <= high)
                new = np.where(inside | (excess == 0.0), new, 0.5 * (low + high))
                moved = np.abs(new - x) > 1e-13 * (1.0 + np.abs(x))
                x = new
                if not (moved & (excess != 0.0)).any():
                    break
        slack = 1e-6 * (1.0 + np.abs(v))
        return np.where(np.abs(self.negative_gradient(y, x) - v) <= slack, x, np.nan)

    def conjugate(self, y: Floats, slope: Floats) -> Floats:
        """Return f*(slope), infinite outside of its domain."""
        eta = self.preimage(y, -slope, np.zeros_like(slope))
        found = np.isfinite(eta)
        eta = np.where(found, eta, 0.0)
        return np.where(found, slope * eta - self.loss(y, eta), np.inf)

    def fenchel_young(self, y: Floats, eta: Floats, v: Floats) -> Floats:
        """Return f(eta) + f*(-v) + v eta >= 0, infinite where -v is outside of f*'s domain.

        Here from the eta' that v belongs to: f(eta) - f(eta') + v (eta - eta').
        """
        other = self.preimage(y, v, eta)
        found = np.isfinite(other)
        other = np.where(found, other, eta)
        gap = self.loss(y, eta) - self.loss(y, other) + v * (eta - other)
        return np.where(found, np.maximum(gap, 0.0), np.inf)


def refuse(y: Floats, wrong: NDArray[np.bool_], wanted: str, family: str, advice: str) -> None:
    """Raise ValueError that names the first y_i of those that are wrong."""
    bad = np.flatnonzero(wrong)
    if len(bad):
        raise ValueError(
            f"y must be {wanted} for family={family!r}, got {y[bad[0]]} at position {bad[0]}: "
            f"{advice}"
        )


def flag(value: Any, name: str) -> bool:
    """Return a family's parameter, True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def parameter(value: Any, name: str, low: float, high: float) -> float:
    """Return a family's parameter, a number strictly between low and high."""
    number = float(value)
    if not low < number < high:
        raise ValueError(f"{name} must lie strictly between {low:g} and {high:g}, got {value!r}")
    return number
