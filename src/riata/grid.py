"""The grid of a path, and the bar that shows how far it has come."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import check_alphas, check_count, check_number
from .design import Design

Floats = NDArray[np.float64]


@dataclass
class Grid:
    """The alphas that were asked for, or how to find them."""

    alphas: Floats | None
    n_alphas: int
    alpha_min_ratio: float | None

    @property
    def size(self) -> int:
        """The number of alphas."""
        return self.n_alphas if self.alphas is None else len(self.alphas)

    def of(self, top: float, design: Design) -> Floats:
        """Return the alphas of a problem whose alpha_max is `top`."""
        if self.alphas is not None:
            return self.alphas
        return automatic_grid(top, design, self.n_alphas, self.alpha_min_ratio)


def check_grid(settings: dict[str, Any]) -> Grid:
    """Return the grid that `alphas`, `n_alphas` and `alpha_min_ratio` stand for."""
    alphas = None if settings["alphas"] is None else check_alphas(settings["alphas"])
    n_alphas = check_count(settings["n_alphas"], "n_alphas", 1)
    ratio = settings["alpha_min_ratio"]
    if ratio is not None:
        ratio = check_number(ratio, "alpha_min_ratio", 0.0, 1.0, above=True)
    return Grid(alphas, n_alphas, ratio)


def automatic_grid(top: float, design: Design, n_alphas: int, ratio: float | None) -> Floats:
    """Return the grid that starts at alpha_max = `top` (at 1 where that is 0)."""
    top = top or 1.0
    if ratio is None:
        rows = np.count_nonzero(design.weights)
        ratio = 1e-2 if rows < design.n_features else 1e-4
    if n_alphas == 1:
        return np.array([top])
    alphas = top * np.logspace(0.0, np.log10(ratio), n_alphas)
    alphas[0] = top
    if not (np.isfinite(top) and np.all(np.diff(alphas) < 0.0)):
        raise ValueError(
            "alpha_min_ratio and n_alphas must give alphas that are finite and differ, got "
            f"{ratio} and {n_alphas} where alpha_max is {top}: use a smaller ratio or fewer "
            "alphas, or, where alpha_max is infinite or next to 0, a penalty_factor and X of "
            "moderate size"
        )
    return alphas


def with_bar(steps: Iterable[Any], progress: bool) -> Iterable[Any]:
    """Return steps, or a bar that shows how far their reader has come."""
    if not progress:
        return steps
    try:
        from tqdm import tqdm
    except ImportError:
        return _counted(list(steps))
    return tqdm(steps, desc="riata", unit="alpha")


def _counted(steps: list[Any]) -> Iterable[Any]:
    """Yield steps, and say on stderr how many are done; end the line where their reader stops."""
    done = 0
    try:
        for step in steps:
            print(f"\rriata: {done}/{len(steps)} alphas", end="", file=sys.stderr, flush=True)
            yield step
            done += 1
    finally:
        print(f"\rriata: {done}/{len(steps)} alphas", file=sys.stderr)
