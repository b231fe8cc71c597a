"""Several problems on the same rows and columns go down one grid together.

They share X: a problem is a set of weights. Every alpha is solved for all of them before the next
one begins, so that whatever ends the work (a time limit, Ctrl-C) leaves complete rows of results.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial

from .centring import Centred
from .path import Lane
from .solver import Fit, Problem, Solver
from .stopping import Rule
from .threads import run

MOST_LANES = 16  # problems at once: each keeps a Gram matrix and a dozen numbers per column
LONG = 1e9  # seconds: a deadline, so that solvers look at the clock and can be stopped


def make_lane(centred: Centred, rule: Rule) -> Lane:
    """Return a problem at the top of its grid, its null model fitted."""
    problem = Problem(
        centred.design, centred.y, centred.data.family, centred.penalty, rule.tol, rule.max_iter,
        min(rule.deadline, time.monotonic() + LONG),
    )  # fmt: skip
    return Lane(centred, Solver(problem))


def descend(
    lanes: list[Lane],
    alphas: Iterable[float],
    last: float,
    n_threads: int,
    visit: Callable[[int, Lane, Fit], None],
    done: Callable[[], None],
) -> KeyboardInterrupt | None:
    """Take all lanes down the grid; return the Ctrl-C that ended it early, if one did.

    visit(number, lane, fit) : called after each fit, in the thread that made it
    done() : called when all lanes have solved an alpha, in the calling thread
    """

    def stop() -> None:
        for lane in lanes:
            lane.solver.problem.deadline = -float("inf")

    def job(number: int, alpha: float) -> None:
        lane = lanes[number]
        visit(number, lane, lane.step(alpha, last=alpha == last))

    solved = 0
    try:
        for alpha in alphas:
            if lanes[0].solver.problem.expired():
                break
            run([partial(job, k, float(alpha)) for k in range(len(lanes))], n_threads, stop)
            done()
            solved += 1
    except KeyboardInterrupt as interrupt:
        for lane in lanes:
            del lane.fits[solved:]
        return interrupt
    return None
