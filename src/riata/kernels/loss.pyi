import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class Kernel:
    def __call__(
        self, y: Floats, eta: Floats, w: Floats, pull: Floats, curvature: Floats
    ) -> float: ...
    def gap(
        self,
        y: Floats,
        eta: Floats,
        pull: Floats,
        curvature: Floats,
        v: Floats,
        c: float,
        w: Floats,
        n_threads: int,
    ) -> float: ...

logistic: Kernel
poisson: Kernel

def softmax(
    y: Floats, eta: Floats, smallest: float, loss: Floats, pull: Floats, curvature: Floats
) -> None: ...
def divergence(a: Floats, log_b: Floats, out: Floats) -> None: ...
