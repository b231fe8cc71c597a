"""Many targets on one X: independent least-squares paths that share what they read of it.

Moments, column norms, where the paths start and (tall dense X) the Gram matrix are made once, as
is, for paths without an L1 part and without bounds, the decomposition of X (once for LANES paths).
The paths go down their own grids side by side, on threads. Where no column can be read alone (CSR)
and there are FEWEST or more, each descends on its working set at every step, then one pass over X
gives X'(w r) for all of them; elsewhere their bounds leave less to read.

Memory: LANES paths at once, fewer where their Gram matrices, of 2 n + 64 features each, would take
more than ROOM bytes, and for each of them a Gram matrix and a few dozen numbers per row and column.
"""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .centring import Centred, centre, centred_target
from .data import Data
from .design import Design
from .engine import Engine
from .grid import Grid, with_bar
from .lane import Lane
from .lockstep import Together
from .lookahead import AHEAD
from .problem import Problem
from .relaxed import Refitter
from .result import RegularizationPath
from .stopping import LONG, Rule
from .threads import cut, run
from .working_set import GRAM_LIMIT

Floats = NDArray[np.float64]
Paths = list[RegularizationPath | None]

LANES = 32
FEWEST = 6
ROOM = 1 << 29  # bytes


def fit_targets(
    members: list[Data], rule: Rule, grid: Grid, *, relaxed: bool, settings: dict[str, Any]
) -> tuple[Paths, KeyboardInterrupt | None]:
    """Return the path of every target, and the Ctrl-C that stopped them, if one did.

    members : the targets; they share everything but y and offset
    settings : what the paths are to remember, but for the offset

    After Ctrl-C the paths go as far as they went, and are None where they were not begun.
    """
    whole = centre(members[0], rule.n_threads)
    batches = cut(len(members), -(-len(members) // lanes_at_once(whole.design)))
    steps = iter(with_bar(range(len(batches) * grid.size), rule.progress))
    next(steps)  # shows that none is solved
    start = whole.design.n_passes / len(members)
    found: Paths = [None] * len(members)
    for first, end in batches:
        try:
            batch = Batch(whole, members[first:end], rule, grid, relaxed=relaxed)
        except KeyboardInterrupt as interrupt:
            return found, interrupt
        stop = batch.descend(steps)
        found[first:end] = batch.results("interrupted" if stop else "time_limit", settings, start)
        if stop is not None:
            return found, stop
    return found, None


def lanes_at_once(design: Design) -> int:
    """Return how many paths go side by side; see the module."""
    return int(np.clip(ROOM // (8 * side_of(design) ** 2), 2, LANES))


def side_of(design: Design) -> int:
    """Return for how many features a path's Gram matrix has room from the start."""
    return max(1, min(2 * design.n + 64, design.p, GRAM_LIMIT))


class Batch:
    """Some targets on their way down their grids.

    whole : the problem of the first target of all, whose design has read X
    """

    def __init__(
        self, whole: Centred, members: list[Data], rule: Rule, grid: Grid, *, relaxed: bool
    ) -> None:
        self._design, self._rule = whole.design, rule
        targets = [centred_target(data) for data in members]
        w = whole.design.weights
        before = whole.design.n_passes
        z = whole.design.transpose_dots(np.array([w * y for y, _ in targets]))
        n_threads = 1 if len(members) >= rule.n_threads else rule.n_threads
        self.lanes = [
            self._lane(
                Centred(
                    data, whole.design.twin(z[k].copy(), n_threads), *targets[k], whole.penalty,
                    None,
                ),
                relaxed=relaxed,
            )
            for k, data in enumerate(members)
        ]  # fmt: skip
        self._share(before)
        self.grids = [grid.of(lane.engine.alpha_max(), whole.design) for lane in self.lanes]
        self._together: Together | None = None
        if whole.design.column_cost == float("inf") and len(members) >= FEWEST:
            engines = [lane.engine for lane in self.lanes]
            self._together = Together(engines, whole.design, rule.n_threads, self._stop)
        else:
            for lane, alphas in zip(self.lanes, self.grids, strict=True):
                lane.expect(alphas)

    def _lane(self, centred: Centred, *, relaxed: bool) -> Lane:
        rule = self._rule
        problem = Problem(
            centred.design, centred.y, centred.data.family, centred.penalty, rule.tol,
            rule.max_iter, min(rule.deadline, time.monotonic() + LONG),
        )  # fmt: skip
        lane = Lane(centred, Engine(problem))
        lane.engine.make_room(side_of(centred.design))
        if relaxed:
            lane.refitter = Refitter(centred.data.X, centred.data, rule)
        return lane

    def descend(self, steps: Iterator[Any]) -> KeyboardInterrupt | None:
        """Take all lanes down their grids; return the Ctrl-C that ended it early, if one did.

        steps : to be taken one further for each alpha that is solved
        """
        solved = 0
        try:
            for first, end in self._stretches():
                if self.lanes[0].engine.problem.expired():
                    break
                self._solve(first, end)
                solved = min(len(lane.fits) for lane in self.lanes)
                for _ in range(first, end):
                    next(steps, None)
        except KeyboardInterrupt as interrupt:
            for lane in self.lanes:
                lane.cut(solved)
            return interrupt
        return None

    def _stretches(self) -> list[tuple[int, int]]:
        """Return the runs of alphas that are solved in one go: one alpha where a read is shared;
        those without an L1 part, which share a decomposition, by themselves."""
        alphas, most = self.grids[0], 1 if self._together else AHEAD
        sparse = sum(not self.lanes[0].engine.direct(float(alpha)) for alpha in alphas)
        runs = [(0, sparse), (sparse, len(alphas))]
        return [
            (first + a, first + b)
            for first, end in runs
            for a, b in cut(end - first, -(-(end - first) // most))
        ]

    def _solve(self, first: int, end: int) -> None:
        """Solve some alphas of every lane."""

        def solve(t: int) -> None:
            lane, alphas = self.lanes[t], self.grids[t]
            for k in range(first, end):
                lane.step(float(alphas[k]), last=k == len(alphas) - 1)
                if lane.engine.problem.expired():
                    break

        if self._together is not None:
            before = self._design.n_passes
            self._together.read([float(alphas[first]) for alphas in self.grids])
            self._share(before)
        rest = range(len(self.lanes))
        if self.lanes[0].engine.direct(float(self.grids[0][first])):
            solve(0)
            for lane in self.lanes[1:]:
                lane.engine.ridge.adopt(self.lanes[0].engine.ridge)
            rest = rest[1:]
        n_threads = 1 if self._design.small else self._rule.n_threads
        run([partial(solve, t) for t in rest], n_threads, self._stop)

    def _share(self, before: float) -> None:
        """Count for every lane its part of the passes that were made for all."""
        for lane in self.lanes:
            lane.centred.design.n_passes += (self._design.n_passes - before) / len(self.lanes)

    def _stop(self) -> None:
        for lane in self.lanes:
            lane.engine.problem.deadline = -float("inf")
            if lane.refitter is not None:
                lane.refitter.deadline = -float("inf")

    def results(self, unsolved: str, settings: dict[str, Any], start: float) -> Paths:
        """Return the paths as far as they went; start : passes that each has had a part in."""
        paths: Paths = []
        for lane, alphas in zip(self.lanes, self.grids, strict=True):
            lane.centred.design.n_passes += start
            own = {**settings, "offset": lane.centred.data.offset}
            paths.append(lane.result(alphas, unsolved, own))
        return paths
