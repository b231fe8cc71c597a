"""What a path asks before it predicts: which type, whose columns, from solved alphas."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import feature_names

Floats = NDArray[np.float64]

TYPES = ("response", "link", "class", "probability")
NAMED = 5  # names that a message holds, at most


def check_type(type: str, classes: NDArray[Any] | None, probabilities: bool) -> None:
    """Refuse what is no type of prediction, or none of this path's.

    classes : the labels of y, where it held some
    probabilities : whether the family has them
    """
    if type not in TYPES:
        raise ValueError(f'type must be "response", "link", "class" or "probability", got {type!r}')
    if type == "class" and classes is None:
        raise ValueError('type="class" needs a path whose y held labels: use "response"')
    if type == "probability" and not probabilities:
        raise ValueError(
            'type="probability" needs family="binomial" or "multinomial": use "response"'
        )


def check_columns(X: Any, names: NDArray[np.object_] | None) -> None:
    """Refuse a data frame whose columns are not those that were fitted, in their order.

    names : those of the fit; where it or X has none, columns go by position
    """
    found = feature_names(X)
    if names is None or found is None or np.array_equal(found, names):
        return
    strange, missing = _without(found, names), _without(names, found)
    if not strange and not missing and len(found) == len(names):
        k = int(np.argmax(found != names))
        raise ValueError(
            f"X must have its columns in the order of the X that was fitted, got {found[k]!r} in "
            f"the place of {names[k]!r}: take X[list(path.feature_names_in_)]"
        )
    got = [f"{what} {_listed(some)}" for what, some in (("unseen", strange), ("missing", missing))
           if some]  # fmt: skip
    raise ValueError(
        "X must have the columns of the X that was fitted, each once, got "
        f"{' and '.join(got) or 'one twice'}: rename or add them, or pass an array, whose columns "
        "go by position"
    )


def _without(names: NDArray[np.object_], others: NDArray[np.object_]) -> list[str]:
    known = set(others)
    return [name for name in names if name not in known]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more


def check_solved(alphas: Floats, dual_gaps: Floats, status: NDArray[np.str_]) -> None:
    """Refuse alphas (m,) without coefficients, whose gaps are NaN, where labels are asked for: a
    label can't be missing, as a number can."""
    missing = np.flatnonzero(np.isnan(dual_gaps))
    if len(missing):
        k = missing[0]
        raise ValueError(
            f'type="class" must be of alphas that are solved, got {len(missing)} that are not, the '
            f"first alpha={alphas[k]:.6g} ({status[k]}): solve them with extend(X, y, path.alphas) "
            'or ask for others; type="response" is NaN there'
        )
