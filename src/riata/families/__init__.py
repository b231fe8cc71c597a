"""Losses: what a family must say of itself. Vectorised, no loop over coordinates asks for it.

name                y                       link       class
"gaussian"          any number              identity   Gaussian
"binomial"          two labels, or [0, 1]   logit      Binomial
"poisson"           >= 0                    log        Poisson
"gamma"             > 0                     log        Gamma
"tweedie"           >= 0                    log        Tweedie(power=1.5)
"huber"             any number              identity   Huber(delta=1.35)
"squared_hinge"     two labels              none       SquaredHinge
"multigaussian"     (n, K) numbers          identity   MultiGaussian
"multinomial"       K labels, or shares     softmax    Multinomial(grouped=False)
"""

from typing import Any

from .base import Family, Floats
from .exponential import Binomial, Gamma, Gaussian, Poisson, Tweedie
from .margin import Huber, SquaredHinge
from .multiple import MultiGaussian, Multinomial, MultipleFamily
from .own import check_members, check_values

__all__ = [
    "Binomial",
    "Family",
    "Gamma",
    "Gaussian",
    "Huber",
    "MultiGaussian",
    "Multinomial",
    "MultipleFamily",
    "Poisson",
    "SquaredHinge",
    "Tweedie",
    "check_family",
    "get_family",
]

_BY_NAME = {
    "gaussian": Gaussian,
    "binomial": Binomial,
    "poisson": Poisson,
    "gamma": Gamma,
    "tweedie": Tweedie,
    "huber": Huber,
    "squared_hinge": SquaredHinge,
    "multigaussian": MultiGaussian,
    "multinomial": Multinomial,
}


def get_family(family: object) -> Any:
    """Return the family that a name stands for, with its defaults; a Family is itself."""
    if isinstance(family, str) and family in _BY_NAME:
        return _BY_NAME[family]()
    if isinstance(family, Family | MultipleFamily):
        if _is_own(family):
            check_members(family)
        return family
    raise ValueError(
        f"family must be one of {sorted(_BY_NAME)} or an instance of riata.families.Family, "
        f"got {family!r}"
    )


def check_family(family: Family, y: Floats, weights: Floats) -> None:
    """Refuse a family of one's own whose loss and gradient, for some of the rows, cannot be."""
    if _is_own(family):
        check_values(family, y, weights)


def _is_own(family: Any) -> bool:
    return type(family) not in _BY_NAME.values()
