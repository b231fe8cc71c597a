"""The quadratic model of a loss on the working set, under the curvature h of this or another point.

    F(b + d) ~ F(b) - d'X_W'u + 1/2 c d' X_W' diag(h) X_W d + g(b + d)

X_W is centred by its h-weighted means where there is an intercept, whose step is then
sum(u) / sum(h); features that nothing penalises are eliminated. c stretches the model to how the
loss bent along the last step: under an older curvature that is all that is known of the new one.
With an L2 part the whole of H + diag(l2) is stretched, so that its factor stays.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .expansion import Expansion
from .kernels import dual
from .penalty import Box
from .problem import Problem
from .working_set import WorkingSet

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

STRETCH = 2.0  # at most, either way


class Slope(NamedTuple):
    """How the loss falls from a point, as the model sees it.

    grad (|W|,) : X_W'u less its part in Z
    free (|Z|,) : X_Z'u
    gain : of the step that solves the model for intercept and free features
    """

    grad: Floats
    free: Floats
    gain: float


class Step(NamedTuple):
    """From a point to the optimum of the model.

    coef : of the members, there
    step : of what nothing penalises, then of the members
    offset : of the intercept
    bend : the second derivative of the model along it, not stretched, l2 included
    stiffness : the share of l2 in that
    solves : linear systems solved
    """

    coef: Floats
    step: Floats
    offset: float
    bend: float
    stiffness: float
    solves: int


class QuadraticModel:
    """The model of one problem's loss.

    working : the working set, whose Gram matrix is X_W' diag(h) X_W
    age : steps taken since the curvature was taken
    """

    def __init__(self, problem: Problem, free: Indices, curvature: Floats) -> None:
        weights = problem.design.weights * curvature
        self._problem = problem
        self.working = WorkingSet(problem.design, free, weights)
        self._mass, self._stretch, self.age = float(weights.sum()), 1.0, 0

    def refresh(self, curvature: Floats, mean: Floats | None) -> None:
        """Take another curvature (n,); mean : of the working set's columns under it, if known."""
        weights = self._problem.design.weights * curvature
        self.working.reweigh(weights, mean)
        self._mass, self._stretch, self.age = float(weights.sum()), 1.0, 0

    def slope(self, seen: Expansion) -> Slope:
        """Return how the loss falls from a point.

        The gain is half the squared norm of the step, in the metric of h.
        """
        grad, free = self.working.reduced(seen.z, seen.total)
        gain = float(free @ self.working.space.solve(free)) if len(free) else 0.0
        if self._problem.design.centred:
            gain += seen.total**2 / self._mass
        return Slope(grad, free, 0.5 * gain)

    def _norm_sq(self) -> Floats:
        return self._mass * self._problem.design.norm_sq[self.working.members]

    def gap(self, coef: Floats, loss: float, slope: Slope, box: Box) -> float:
        """Return what is left to gain at a point, a duality gap.

        coef (|W|,), box : of the members
        """
        of_members = dual.gap_of_members(coef, slope.grad, 2.0 * loss, self._norm_sq(), *box)
        return slope.gain + of_members

    def solve(
        self, coef: Floats, seen: Expansion, slope: Slope, box: Box, aim: float, max_iter: int
    ) -> Step:
        """Return the step to the optimum, found to a gap of `aim`; coef and box as for `gap`."""
        problem, working, stretch = self._problem, self.working, self._stretch
        stiff = box.l2 * coef
        stretched = (slope.grad - stiff) / stretch + stiff
        terms = np.array([coef, stretched, self._norm_sq(), *box])
        terms[3] /= stretch
        solves, _ = working.descend(
            terms, 2.0 * seen.loss, aim, max_iter, clocked=problem.deadline < float("inf")
        )
        step = terms[0] - coef
        stiffness = float((box.l2 * step) @ step)
        bend = float(step @ (stretched - terms[1])) + stiffness + 2.0 * slope.gain
        if len(slope.free):
            free_step = working.space.solve(slope.free) + working.free_step(step)
            step = np.concatenate([free_step, step])
        shift = seen.total / self._mass if problem.design.centred else 0.0
        offset = shift - working.mean_at(step)
        return Step(terms[0], step, offset, bend, stiffness, solves)

    def learn(self, step: Step, bent: float) -> None:
        """Stretch the model to a loss that bent by so much along a whole step.

        Losses of straight pieces have their own curvature but for jumps; and rounding makes
        anything of steps that are too small.
        """
        if not self._problem.family.straight and step.bend > 0.0:
            ratio = (bent + step.stiffness) / step.bend
            if math.isfinite(ratio):  # the step's square may overflow
                self._stretch = min(max(ratio, 1.0 / STRETCH), STRETCH)

    def spent(self, gap: float, last: float, target: float) -> bool:
        """Whether steps from `last` to `gap` and on to `target` are worth less than the Gram matrix
        of a new curvature costs."""
        if self.age == 0 or last == float("inf"):
            return False
        if gap >= 0.5 * last:
            return True
        steps = math.log(gap / max(target, 1e-300)) / math.log(last / gap)
        return steps > 1 + self.working.panel.gram_in_trips()
