"""Count riata's Newton steps; its `n_iter` counts the linear solves and sweeps inside them."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch


@contextmanager
def counted():
    """Give a function that returns how many Newton steps were made since.

    Of one response the trips to a point, those that the line search refuses included; of several,
    the steps on the support, or on the working set.
    """
    from riata.expansion import LossAlong
    from riata.multi_descent import Descent

    steps = 0
    arrived = LossAlong.arrived

    def arriving(self, panel, trip):
        nonlocal steps
        steps += trip.made
        return arrived(self, panel, trip)

    def counting(step):
        def stepped(self, *arguments):
            nonlocal steps
            steps += 1
            return step(self, *arguments)

        return stepped

    with ExitStack() as stack:
        stack.enter_context(patch.object(LossAlong, "arrived", arriving))
        for name in ("_newton_step", "_coupled_step"):
            step = counting(getattr(Descent, name))
            stack.enter_context(patch.object(Descent, name, step))
        yield lambda: steps
