"""The problem as the solver sees it: the centred target, the design, the penalty in its columns.

Only least squares can take intercept and offset out of y; other losses keep both.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .data import Data
from .design import Design, Measured, Moments, make_design, moments_design, stays_in_cache
from .families import Gaussian, MultipleFamily
from .intercept import gradient_without_features
from .kernels import dual
from .penalty import ElasticNet

if TYPE_CHECKING:
    from .solver import Fit

Floats = NDArray[np.float64]


@dataclass
class Centred:
    """The problem as the solver sees it: centred y, its design, and the way back."""

    data: Data
    design: Design
    y: Floats
    y_mean: float
    penalty: ElasticNet
    offset: Floats | None  # where it is not a part of y

    def take(self, values: Floats) -> Floats:
        """Return per-feature values for the design's columns."""
        columns = self.design.columns
        return values if values.ndim == 0 or columns is None else values[columns]

    def expand(self, index: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the caller's feature numbers of the design's columns `index`."""
        return index if self.design.columns is None else self.design.columns[index]

    def intercept(self, index: NDArray[np.intp], coef: Floats) -> Any:
        """Return the intercept that goes with the coefficients of some columns, (|J|,) or
        (|J|, K)."""
        return self.y_mean - self.design.mean[index] @ coef

    def intercept_of(self, fit: "Fit") -> Any:
        """Return the intercept of a fit in X's own units, a number or (K,)."""
        return fit.intercept + self.intercept(fit.index, fit.coef)

    def predictor(self, fitted: Floats, rows: NDArray[np.intp] | None = None) -> Floats:
        """Return o + b0 + X b from an engine's `fitted`, of all or some rows."""
        eta, offset = self.y_mean + fitted, self.data.offset
        if offset is None or self.offset is not None:
            return eta
        return eta + (offset if rows is None else offset[rows])

    def at_ratio(self, l1_ratio: float) -> "Centred":
        """Return the same problem with another l1_ratio; the design is shared."""
        data = replace(self.data, l1_ratio=l1_ratio)
        return replace(self, data=data, penalty=_penalty(data, self.design))


def centre(
    data: Data, n_threads: int, *, to_solve: bool = True, moments: Moments | None = None,
    measured: Measured | None = None,
) -> Centred:  # fmt: skip
    """Build the design, centre y less the offset, and put the penalty in the design's columns.

    to_solve : whether X'u of `gradient_at_start` will be wanted, where the read of the moments can
        give it
    moments : those of the rows of positive weight and of y less the offset, where they are known
        and the loss is least squares; X is then not read
    measured : those of the columns of dense X, where they are known
    """
    gaussian = isinstance(data.family, Gaussian)
    y, mean = centred_target(data) if gaussian else (data.y, 0.0)
    if moments is None:
        along = to_solve and measured is None and not gaussian and stays_in_cache(data.X)
        design = make_design(
            data.X, data.weights, centred=data.fit_intercept, n_threads=n_threads,
            y=y if to_solve and gaussian else None, measured=measured,
            u=gradient_at_start(data, n_threads) if along else None,
        )  # fmt: skip
    else:
        design = moments_design(data.X, data.weights, moments, data.fit_intercept, n_threads)
    nothing = moments is not None and not y.any() if gaussian else _is_flat(data)
    if nothing:
        design.correlation = np.zeros(design.p)  # not what rounding left
    offset = None if gaussian else data.offset
    return Centred(data, design, y, mean, _penalty(data, design), offset)


def _is_flat(data: Data) -> bool:
    """Whether an intercept alone fits all rows that count perfectly: y and the offset are constant.

    Of several responses their solver sees to it.
    """
    rows = data.weights > 0.0
    known = [values[rows] for values in (data.y, data.offset) if values is not None]
    flat = all(values.ndim == 1 and np.all(values == values[0]) for values in known)
    return data.fit_intercept and flat


def centred_target(data: Data) -> tuple[Floats, float]:
    """Return y less the offset and its mean (n,), and that mean, 0 where there is no intercept."""
    w = data.weights
    y = data.y if data.offset is None else data.y - data.offset
    if not data.fit_intercept:
        return y, 0.0
    rounding = 4 * np.finfo(float).eps * max(y.max(), -y.min())
    mean, _ = dual.weighted_sums(w, y)
    y = y - mean
    correction, _ = dual.weighted_sums(w, y)
    y -= correction
    _, y_sq = dual.weighted_sums(w, y)  # at most the square of the largest that counts
    if y_sq <= rounding**2 and np.abs(y[w > 0.0]).max() <= rounding:
        y[:] = 0.0  # constant: what is left is rounding
    return y, mean + correction


def gradient_at_start(data: Data, n_threads: int) -> Floats | None:
    """Return the u (n,) whose X'u is what the design's `correlation` is to be; None where the
    solver starts by itself. For whoever reads X for more than that."""
    if isinstance(data.family, MultipleFamily):
        return None
    if isinstance(data.family, Gaussian):
        return data.weights * centred_target(data)[0]
    return gradient_without_features(data, n_threads)


def _penalty(data: Data, design: Design) -> ElasticNet:
    """Return the penalty in the design's columns."""
    columns = design.columns

    def take(values: Floats) -> Floats:
        return values if values.ndim == 0 or columns is None else values[columns]

    unit = np.sqrt(design.variance) if data.standardize else np.asarray(1.0)
    return ElasticNet(
        design.p, data.l1_ratio, take(data.factor), unit, take(data.lower), take(data.upper)
    )
