import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

class Kernel:
    def __call__(
        self, y: Floats, eta: Floats, w: Floats, pull: Floats, curvature: Floats
    ) -> float: ...

logistic: Kernel
poisson: Kernel

def softmax(
    y: Floats, eta: Floats, smallest: float, loss: Floats, pull: Floats, curvature: Floats
) -> None: ...
def divergence(a: Floats, log_b: Floats, out: Floats) -> None: ...
def logistic_divergence(
    y: Floats, eta: Floats, curvature: Floats, pull: Floats, v: Floats, c: float, w: Floats
) -> float: ...
def poisson_divergence(
    y: Floats, eta: Floats, mu: Floats, v: Floats, c: float, w: Floats
) -> float: ...
