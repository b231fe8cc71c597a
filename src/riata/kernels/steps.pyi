from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .active_set import ActiveSet
from .trips import RoundTrip

Floats = NDArray[np.float64]

DONE: int
LIMIT: int
SPENT: int
STUCK: int
UNMOVED: int

class Steps:
    mass: float
    stretch: float
    age: int
    taken: int
    intercept: float
    compared: bool
    missed_total: float
    def __init__(
        self,
        mass: float,
        straight: bool,
        centred: bool,
        expired: Callable[[], bool],
        exact: float,
        roughly: float,
        patience: int,
    ) -> None: ...
    def renew(self, mass: float) -> None: ...
    def begin(
        self,
        trip: RoundTrip,
        active: ActiveSet,
        gram: Floats,
        loads: Floats,
        inverse: Floats,
        mean: Floats,
        norm_sq: Floats,
        box: tuple[Floats, Floats, Floats, Floats],
        coef: Floats,
        free_coef: Floats,
        intercept: float,
        sweep: Callable[[Floats, float, float, int], tuple[int, bool]],
        most_solves: int,
        gram_in_trips: float,
        cost: float,
        expected: Floats | None = ...,
        expected_total: float = ...,
    ) -> None: ...
    @property
    def coef(self) -> Floats: ...
    @property
    def grad(self) -> Floats: ...
    @property
    def missed(self) -> Floats: ...
    @property
    def free_coef(self) -> Floats: ...
    def descend(self, target: float, max_iter: int) -> tuple[int, int]: ...
    def lost(self) -> float: ...
