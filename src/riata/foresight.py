"""What the first Newton step to an alpha will find, and its model does not know.

Under the curvature of an earlier point a step d ends with another gradient than the model says, by

    r = (H - X_W' diag(w f'') X_W) d        f'' averaged over the step

From alpha to alpha d changes little, and f'' about evenly. With s = -log(alpha) r is then
proportional to the length of the step in s, and to how far its middle is from the s where H was
taken. What was missed at the last alpha, scaled by these and by how the last expectation compared
with what came, is expected again: the gradient from which the step starts is moved by that.
"""

from math import inf, isfinite, log

import numpy as np
from numpy.typing import NDArray

from .kernels import dual

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST = 2.0  # at most by this factor, either way, does one comparison move the next expectation


class Foresight:
    """What the steps of one solver missed, and what they may expect."""

    def __init__(self, p: int) -> None:
        self._missed, self._members = np.zeros(p), np.empty(0, dtype=np.intp)
        self._total = 0.0
        self._taken = inf  # the alpha where H was taken
        self._reach = self._last_reach = 1.0  # of this step and the last: length times distance
        self._trust = 1.0
        self._expected: Floats | None = None
        self._due = False

    def take(self, alpha: float) -> None:
        """A new curvature is taken at an alpha."""
        self._taken = alpha

    def set_out(self, last: float, alpha: float) -> None:
        """The first step from one alpha to another is to come."""
        if self._due:  # nobody took the last one
            self.forget()
        self._due = 0.0 < alpha < last < inf
        if self._due:
            length, middle = log(last / alpha), 0.5 * (log(last) + log(alpha))
            far = log(self._taken) - middle if 0.0 < self._taken < inf else 0.0
            self._reach = length * max(far, 0.5 * length)

    def expect(self, members: Indices) -> tuple[Floats | None, float]:
        """Return r (|W|,) of the members, and of the intercept; None where no step is to come."""
        if not self._due:
            return None, 0.0
        self._due = False
        share = self._trust * self._reach / self._last_reach
        self._expected = share * self._missed[members]
        return self._expected, share * self._total

    def learn(self, members: Indices, missed: Floats, total: float) -> None:
        """Take what was missed."""
        expected = self._expected
        assert expected is not None
        size, along = (dual.weighted_sums(expected, each)[0] for each in (expected, missed))
        if 0.0 < size < inf and isfinite(along):  # else there is nothing to learn
            seen = along / size
            self._trust = min(max(seen, 1.0 / MOST), MOST) * self._trust
        self._missed[self._members] = 0.0
        self._missed[members] = missed
        self._members, self._total, self._last_reach = members, total, self._reach

    def forget(self) -> None:
        """Expect nothing at the next alpha."""
        self._missed[self._members] = 0.0
        self._total, self._trust = 0.0, 1.0
