import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class Kernel:
    def __call__(
        self, y: Floats, eta: Floats, w: Floats, pull: Floats, curvature: Floats
    ) -> float: ...
    def along(
        self,
        y: Floats,
        w: Floats,
        start: Floats,
        offset: float,
        eta: Floats,
        pull: Floats,
        curvature: Floats,
        weighted: Floats,
        r0: int,
        r1: int,
    ) -> tuple[float, float, float]: ...

logistic: Kernel
poisson: Kernel

def divergence(a: Floats, b: Floats, out: Floats) -> None: ...
def logistic_divergence(
    y: Floats, curvature: Floats, pull: Floats, v: Floats, c: float, w: Floats
) -> float: ...
def poisson_divergence(y: Floats, mu: Floats, v: Floats, c: float, w: Floats) -> float: ...
