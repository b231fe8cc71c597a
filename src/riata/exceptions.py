"""What riata raises and warns of besides ValueError and TypeError."""

import sys


class ConvergenceWarning(UserWarning):
    """A fit ended before its duality gap reached the tolerance."""


def convergence_warning() -> type[Warning]:
    """Return scikit-learn's ConvergenceWarning where scikit-learn is loaded, else our own.

    Its users filter by its class; importing it for them would cost a second.
    """
    theirs = sys.modules.get("sklearn.exceptions")
    return ConvergenceWarning if theirs is None else theirs.ConvergenceWarning
