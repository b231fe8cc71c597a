"""Count riata's Newton steps; its `n_iter` counts the linear solves and sweeps inside them."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch


@contextmanager
def counted():
    """Give a function that returns how many Newton steps were made since.

    Of one response the trips to a point, those that the line search refuses included; of several,
    the steps on the support.
    """
    from riata.expansion import LossAlong
    from riata.multi import MultiSolver

    steps = 0
    arrived, newton_step = LossAlong.arrived, MultiSolver._newton_step

    def arriving(self, panel, trip):
        nonlocal steps
        steps += trip.made
        return arrived(self, panel, trip)

    def stepped(self, *arguments):
        nonlocal steps
        steps += 1
        return newton_step(self, *arguments)

    with ExitStack() as stack:
        stack.enter_context(patch.object(LossAlong, "arrived", arriving))
        stack.enter_context(patch.object(MultiSolver, "_newton_step", stepped))
        yield lambda: steps
