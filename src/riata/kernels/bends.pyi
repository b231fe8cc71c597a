from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

def couple(of_pairs: Floats, out: Floats) -> None: ...

class Bend:
    def __init__(self, w: Floats) -> None: ...
    def __call__(self, d: Floats) -> None: ...

class Softmax(Bend):
    def __init__(self, w: Floats, mu: Floats) -> None: ...

class Product:
    def __init__(self, call: Callable[[Floats, Floats], None]) -> None: ...
    def __call__(self, direction: Floats, out: Floats) -> None: ...

class DenseProduct(Product):
    def __init__(
        self,
        X: NDArray[Any],
        mean: Floats,
        columns: NDArray[np.intp],
        bend: Bend,
        K: int,
        cuts: Sequence[int],
        n_threads: int,
    ) -> None: ...
    def block(self, b: int) -> None: ...

def conjugate_gradients(
    product: Product,
    r: Floats,
    moving: Floats,
    diagonal: Floats,
    unit: Floats,
    stiff: Floats,
    l2: Floats,
    share: float,
    most: int,
) -> Floats: ...
