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

    def job(number: int, some: list[float]) -> None:
        lane = lanes[number]
        for alpha in some:
            verify = number == 0 and alpha == grid[-1]  # the others' may stay Gram algebra
            visit(number, lane, lane.step(alpha, last=verify))
            if lane.engine.problem.expired():
                break

    for lane in lanes:
        if lane.engine.apart:  # the others wait for each other, or are asked for what they predict
            lane.expect(grid)
    steps, solved, share = iter(alphas), 0, shares_reads(lanes)
    try:
        while True:
            apart = all(lane.engine.apart for lane in lanes)
            some = [float(alpha) for alpha in islice(steps, AHEAD if apart else 1)]
            if not some or lanes[0].engine.problem.expired():
                break
            if share and not apart:
                _go_ahead(lanes, some[0], n_threads, stop)
            run([partial(job, k, some) for k in range(len(lanes))], n_threads, stop)
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


def _go_ahead(lanes: list[Lane], alpha: float, n_threads: int, stop: Callable[[], None]) -> None:
    """Take every lane that can towards alpha, then read X once for what all of them want to know.

    The columns that any lane is in doubt about are read for all of them: each is in doubt about
    nearly the same, and knows more at the next alpha. Where a part of the columns can't be read
    for all at once, they are read for each if that is less than a pass. u sums to 0 where columns
    are centred, so that it does not matter by which lane's means.
    """
    _fetch_ahead(lanes, alpha, n_threads)
    wanted: list[Any] = [None] * len(lanes)

    def begin(k: int) -> None:
        wanted[k] = lanes[k].engine.begin(alpha * lanes[k].scale)

    run([partial(begin, k) for k in range(len(lanes))], n_threads, stop)
    ready = [k for k, u in enumerate(wanted) if u is not None]
    if not ready:
        return
    design, vectors = lanes[0].centred.design, np.array([wanted[k] for k in ready])
    doubtful = [lanes[k].engine.doubtful() for k in ready]
    some = [found for found in doubtful if found is not None]
    bounded, shared = len(some) == len(ready), design.reads_some_together
    if bounded and not shared and sum(map(len, some)) * design.column_cost <= design.p:
        for found, u, k in zip(some, vectors, ready, strict=True):
            lanes[k].engine.take(design.transpose_dot_of(found, u), found)
        return
    index = _union(some, design.p) if bounded and shared else None
    if index is None:
        z = design.transpose_dots(vectors)
    else:
        z = design.transpose_dots_of(index, vectors)
    for row, k in zip(z, ready, strict=True):
        lanes[k].engine.take(row, index)


def _fetch_ahead(lanes: list[Lane], alpha: float, n_threads: int) -> None:
    """Where gathering a column reads all of X, gather in one read those that any lane may want at
    alpha, and soon."""
    design = lanes[0].centred.design
    if design.column_cost < float("inf"):
        return
    found: list[Any] = [None] * len(lanes)

    def job(k: int) -> None:
        found[k] = lanes[k].engine.wanted(alpha * lanes[k].scale)

    run([partial(job, k) for k in range(len(lanes))], n_threads)
    some = [pair for pair in found if pair is not None]
    if some:
        now, soon = (_union(part, design.p) for part in zip(*some, strict=True))
        if design.lacks(now):
            design.fetch(soon)


def _union(parts: Iterable[Indices], p: int) -> Indices:
    """Return the features that are in any of the parts, ascending."""
    found = np.zeros(p, dtype=bool)
    for part in parts:
        found[part] = True
    return np.flatnonzero(found)
