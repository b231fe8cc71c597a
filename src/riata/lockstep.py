"""Several problems on the same rows and columns go down one grid together.

They share X: a problem is a set of weights. Every alpha, or every few where nobody reads X, is
solved for all of them before the next one begins, so that whatever ends the work (a time limit,
Ctrl-C) leaves complete rows of results.
Problems of one response with an L1 part descend first; then one read of X serves the
certificates of all, and who needs more rounds makes them alone. Before that, where single columns
are dear (CSR), one read gathers those that any may want.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .engine import Engine
from .lane import Lane
from .lookahead import AHEAD
from .problem import Fit
from .threads import run

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST_LANES = 16  # problems at once: each keeps a Gram matrix and a dozen numbers per column


def descend(
    lanes: list[Lane],
    grid: Floats,
    alphas: Iterable[float],
    n_threads: int,
    visit: Callable[[int, Lane, Fit], None],
    done: Callable[[], None],
) -> KeyboardInterrupt | None:
    """Take all lanes down the grid; return the Ctrl-C that ended it early, if one did.

    alphas : those of the grid again, as they are to be asked for: a bar may count them
    visit(number, lane, fit) : called after each fit, in the thread that made it
    done() : called when all lanes have solved an alpha or some, in the calling thread
    """

    def stop() -> None:
        for lane in lanes:
            lane.engine.problem.deadline = -float("inf")
            if lane.refitter is not None:
                lane.refitter.deadline = -float("inf")

    n_threads = 1 if lanes[0].centred.design.small else n_threads
    together = None
    if shares_reads(lanes):
        engines = [lane.engine for lane in lanes]
        together = Together(engines, lanes[0].centred.design, n_threads, stop)

    def job(number: int, some: list[float], following: float | None) -> None:
        lane = lanes[number]
        for alpha in some:
            if lane.engine.problem.expired():
                return
            verify = number == 0 and alpha == grid[-1]  # the others' may stay Gram algebra
            visit(number, lane, lane.step(alpha, last=verify))
        if together is not None and following is not None and not lane.engine.apart:
            together.go_on(number, following * lane.scale)

    for lane in lanes:
        if lane.engine.apart:  # the others wait for each other, or are asked for what they predict
            lane.expect(grid)
    steps, asked, solved = iter(alphas), 0, 0
    try:
        while True:
            apart = all(lane.engine.apart for lane in lanes)
            some = [float(alpha) for alpha in islice(steps, AHEAD if apart else 1)]
            if not some or lanes[0].engine.problem.expired():
                break
            asked += len(some)
            following = float(grid[asked]) if asked < len(grid) else None
            if together is not None and not apart:
                together.read([some[0] * lane.scale for lane in lanes])
            run([partial(job, k, some, following) for k in range(len(lanes))], n_threads, stop)
            done()
            solved = min(len(lane.fits) for lane in lanes)
    except KeyboardInterrupt as interrupt:
        for lane in lanes:
            lane.cut(solved)
        return interrupt
    for lane in lanes:
        lane.cut(solved)
    return None


def shares_reads(lanes: list[Lane]) -> bool:
    """Whether several lanes number the columns of X alike, and one read for all of them pays."""
    designs = [lane.centred.design for lane in lanes]
    alike = all(design.columns is designs[0].columns for design in designs)
    pays = designs[0].reads_together or designs[0].reads_some_together
    return len(lanes) > 1 and alike and pays


class Together:
    """Problems that go towards their next alphas, and then read X once for what all want to know.

    design : that of one of them; it counts the reads
    """

    def __init__(
        self, engines: list[Engine], design: Design, n_threads: int, stop: Callable[[], None]
    ) -> None:
        self._engines, self._design, self._n_threads, self._stop = engines, design, n_threads, stop
        self._fetches = design.column_cost == float("inf")  # gathering a column reads all of X
        self._begun = [False] * len(engines)
        self._wanted: list[Floats | None] = [None] * len(engines)  # u, and whose X'u: None, of all
        self._doubtful: list[Indices | None] = [None] * len(engines)

    def begin(self, k: int, alpha: float) -> None:
        """Take a problem towards its alpha, as far as it gets without X."""
        if self._begun[k]:
            return
        engine, self._begun[k] = self._engines[k], True
        self._wanted[k] = None if engine.problem.expired() else engine.begin(alpha)
        self._doubtful[k] = None if self._wanted[k] is None else engine.doubtful()

    def go_on(self, k: int, alpha: float) -> None:
        """Do so at once, where it need not be known first who may join in all of them."""
        if not self._fetches:
            self.begin(k, alpha)

    def read(self, alphas: list[float]) -> None:
        """Read X at the points towards `alphas` that the problems have come to, or now do, and tell
        each what it wanted to know.

        The columns that any one is in doubt about are read for all of them: each is in doubt about
        nearly the same, and knows more at the next alpha. Where a part of the columns can't be read
        for all at once, they are read for each if that is less than a pass. u sums to 0 where
        columns are centred, so that it does not matter by whose means.
        """
        every = range(len(self._engines))
        if not all(self._begun):
            self._fetch(alphas)
            jobs = [partial(self.begin, k, alpha) for k, alpha in enumerate(alphas)]
            run(jobs, self._n_threads, self._stop)
        self._begun = [False] * len(self._begun)
        ready = [k for k in every if self._wanted[k] is not None]
        if not ready:
            return
        design, vectors = self._design, np.array([self._wanted[k] for k in ready])
        some = [found for k in ready if (found := self._doubtful[k]) is not None]
        bounded, shared = len(some) == len(ready), design.reads_some_together
        if bounded and not shared and sum(map(len, some)) * design.column_cost <= design.p:
            for k, u, index in zip(ready, vectors, some, strict=True):
                self._engines[k].take(design.transpose_dot_of(index, u), index)
            return
        union = _union(some, design.p) if bounded and shared else None
        if union is None:
            z = design.transpose_dots(vectors)
        else:
            z = design.transpose_dots_of(union, vectors)
        told = zip(ready, z, strict=True)
        run([partial(self._engines[k].take, row, union) for k, row in told], self._n_threads)

    def _fetch(self, alphas: list[float]) -> None:
        """Gather in one read the columns that any may want at its alpha, and soon."""
        if not self._fetches:
            return
        engines = self._engines
        found: list[Any] = [None] * len(engines)

        def job(k: int) -> None:
            found[k] = engines[k].wanted(alphas[k])

        run([partial(job, k) for k in range(len(engines))], self._n_threads)
        some = [pair for pair in found if pair is not None]
        if some:
            now, soon = (_union(part, self._design.p) for part in zip(*some, strict=True))
            if self._design.lacks(now):
                self._design.fetch(soon)


def _union(parts: Iterable[Indices], p: int) -> Indices:
    """Return the features that are in any of the parts, ascending."""
    found = np.zeros(p, dtype=bool)
    for part in parts:
        found[part] = True
    return np.flatnonzero(found)
