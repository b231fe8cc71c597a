"""Alphas besides the one that is asked for: those on the way to it, and those that are solved
before anybody asks, many to one native call."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from .problem import Fit

Floats = NDArray[np.float64]

FAR = 0.6  # an alpha below this share of the last one is approached in steps
AHEAD = 10  # alphas that are solved in one go, where nothing else comes up


def on_the_way(last: float, alpha: float) -> Iterator[float]:
    """Yield the alphas to solve roughly before `alpha`, where the last one is far above it.

    Warm starts cost less than the many exchanges of a cold one: 1000 x 5000 at alpha_max / 1000
    takes a third of the solves.
    """
    while alpha < FAR * last:
        last = FAR * last
        if last > alpha:
            yield last


class LookAhead:
    """The alphas that will be asked for, and the fits at some of them.

    expected : (L,), descending
    given : the last fit asked for, where its solver may be ahead of it; else None
    """

    def __init__(self) -> None:
        self.expected: Floats = np.empty(0)
        self.given: Fit | None = None
        self._found: list[Fit] = []

    def upcoming(self, alpha: float, last: float) -> Floats:
        """Return alpha and some of the expected ones after it, as far as each is near the one
        before; none where alpha is not among them."""
        if len(self.expected) == 0:
            return self.expected
        some = self.expected[self.expected <= alpha][:AHEAD]
        near = some >= FAR * np.concatenate([[last], some[:-1]])
        some = some[: int(np.argmin(np.append(near, False)))]
        return some if len(some) and some[0] == alpha and some[-1] > 0.0 else some[:0]

    def fit(self, alpha: float, look_ahead: Callable[[float], list[Fit]]) -> Fit | None:
        """Return the fit at alpha if it was found ahead, or is now; None where it is left to
        others, and what was found is forgotten.

        look_ahead : solves an alpha and some of the `upcoming` ones
        """
        if not self._found:
            self._found = look_ahead(alpha)
        if self._found and self._found[0].alpha == alpha:
            self.given = self._found.pop(0)
        else:
            self._found, self.given = [], None
        return self.given
