import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def descend(
    gram: Floats,
    coef: Floats,
    grad: Floats,
    resid_sq: float,
    norm_sq: Floats,
    l1: Floats,
    l2: Floats,
    grouped: bool,
    target: float,
    max_sweeps: int,
    n_threads: int,
) -> tuple[int, float]: ...
def sweep_coupled(
    gram: Floats,
    coef: Floats,
    grad: Floats,
    stiffness: Floats,
    l1: Floats,
    l2: Floats,
    sweeps: int,
) -> None: ...
def certificate(
    diagonal: Floats,
    coef: Floats,
    grad: Floats,
    resid_sq: float,
    l1: Floats,
    l2: Floats,
    grouped: bool,
) -> tuple[float, float]: ...
