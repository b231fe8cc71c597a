"""Count riata's Newton steps; its `n_iter` counts the linear solves and sweeps inside them."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch


@contextmanager
def counted():
    """Give a function that returns how many Newton steps were taken since.

    Those that the line search accepts, of one response; of several, those on the support.
    """
    from riata.multi import MultiSolver
    from riata.newton import NewtonSolver

    steps = 0
    search, newton_step = NewtonSolver._search, MultiSolver._newton_step

    def searched(self, *arguments):
        nonlocal steps
        t, at = search(self, *arguments)
        steps += t > 0.0
        return t, at

    def stepped(self, *arguments):
        nonlocal steps
        steps += 1
        return newton_step(self, *arguments)

    with ExitStack() as stack:
        stack.enter_context(patch.object(NewtonSolver, "_search", searched))
        stack.enter_context(patch.object(MultiSolver, "_newton_step", stepped))
        yield lambda: steps
