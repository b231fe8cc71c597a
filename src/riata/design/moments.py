"""Moments of the parts of a tall dense X, from one read: Gram matrices whose sums are others'.

For a part of the rows, with W = sum w_i, m and a its weighted means of x and y,

    gram = sum w_i (x_i - m)(x_i - m)'     cross = sum w_i (x_i - m)(y_i - a)

and for several parts together, m and a now the means of all of them,

    gram = sum_k [ gram_k + W_k (m_k - m)(m_k - m)' ]      and so for cross and |y|^2

Nothing is subtracted from a sum of squares but a mean near zero: the columns are shifted by the
mean of a few rows while they are packed. The difference of the whole and a part would leave
rounding where zero is due.

Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance", Amer. Statist. 37(3),
1983, eq. 2.1.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import dual, gram
from ..threads import cut, run
from .base import CONSTANT, LARGEST, Floats
from .dense import GROUP, DenseDesign
from .layout import WHOLE, check_finite, pilot_mean

ROWS = 512  # of which a task is a multiple
TASKS = 8


@dataclass
class Moments:
    """What least squares asks of some rows; nothing is divided by their weight.

    weight : W
    mean (p,), y_mean
    gram (p, p), cross (p,), y_sq
    """

    weight: float
    mean: Floats
    y_mean: float
    gram: Floats
    cross: Floats
    y_sq: float

    def losses(self, coefs: Floats, intercepts: Floats) -> tuple[Floats, Floats]:
        """Return sum_i w_i (y_i - intercept - x_i'b)^2 for each row b of coefs (L, p), and what
        rounding may have done to it: (L,), (L,). Cost: L p^2 multiply-adds.

        What is found for one row depends in no bit on the others.
        """
        L, p = coefs.shape
        images = np.zeros((-(-L // GROUP) * GROUP, -(-p // GROUP) * GROUP))
        gram.transpose_dots(self.gram, coefs, np.zeros(p), images, 0, p)
        explained = (coefs * (2.0 * self.cross - images[:L, :p])).sum(axis=1)
        missed = self.y_mean - intercepts - (coefs * self.mean).sum(axis=1)
        norms = np.sqrt(np.maximum(np.diag(self.gram), 0.0))  # a constant leaves rounding
        size = np.sqrt(self.y_sq) + (np.abs(coefs) * norms).sum(axis=1)
        values = np.maximum(self.y_sq - explained, 0.0) + self.weight * missed**2
        return values, 4.0 * float(np.finfo(float).eps) * size**2


def together(parts: list[Moments]) -> Moments:
    """Return the moments of several parts; the last formula of the module's head."""
    weight = sum(part.weight for part in parts)
    mean = np.sum([part.weight * part.mean for part in parts], axis=0) / weight
    y_mean = sum(part.weight * part.y_mean for part in parts) / weight
    roots = np.sqrt([part.weight for part in parts])
    off = roots[:, None] * np.array([part.mean - mean for part in parts])
    y_off = roots * [part.y_mean - y_mean for part in parts]
    total = Moments(weight, mean, y_mean, off.T @ off, y_off @ off, float(y_off @ y_off))
    for part in parts:
        total.gram += part.gram
        total.cross += part.cross
        total.y_sq += part.y_sq
    return total


def read_moments(
    X: Any, weights: Floats, y: Floats, part: NDArray[np.intp], n_parts: int, n_threads: int,
) -> list[Moments] | None:  # fmt: skip
    """Return the moments of every part of the rows, from one read of X.

    None where that is no way to solve: X is sparse, or not tall without its largest part.

    Parameters
    ----------
    weights, y : (n,)
    part : (n,), the part of each row, -1 for rows that are in none
    """
    largest = int(np.bincount(part[part >= 0], minlength=n_parts).max())
    rows = np.count_nonzero(weights) - largest
    if not isinstance(X, np.ndarray) or X.shape[1] > min(rows, WHOLE):
        return None
    low = dual.weighted_sums(weights, y)[0]
    shift = pilot_mean(X, weights)
    for _ in range(3):
        grams, sums = _sums(X, weights, y - low, part, n_parts, shift, n_threads)
        rest, second = sums[:, 0].sum(axis=0), np.einsum("tkjj->j", grams)[: len(shift)]
        if not second.max() < LARGEST**2 or not weights.all():
            check_finite(X, n_threads)
        if not np.any(rest**2 > np.maximum(4.0 * (second - rest**2), (CONSTANT * shift) ** 2)):
            break
        shift = shift + rest
    totals, y_means, y_sqs = _moments_of(weights, y - low, part, n_parts)
    found: list[Any] = [None] * n_parts

    def job(k: int) -> None:
        found[k] = _finished(totals[k], y_means[k], y_sqs[k], grams[:, k], sums[k], shift, low)

    run([partial(job, k) for k in range(n_parts)], n_threads)
    return found


def _moments_of(
    weights: Floats, y: Floats, part: NDArray[np.intp], n_parts: int
) -> tuple[Floats, Floats, Floats]:
    """Return the total weight, the mean and the sum of squares about it of y in each part, (K,)."""
    place = part + 1  # the first: of those in no part

    def sums(terms: Floats) -> Floats:
        return np.asarray(np.bincount(place, terms, n_parts + 1), dtype=np.float64)

    total = sums(weights)
    mean = np.divide(sums(weights * y), total, out=np.zeros(n_parts + 1), where=total > 0.0)
    y_sq = sums(weights * (y - mean[place]) ** 2)
    return total[1:], mean[1:], y_sq[1:]


def _finished(
    weight: float, y_mean: float, y_sq: float, grams: Floats, sums: Floats, shift: Floats,
    low: float,
) -> Moments:  # fmt: skip
    """Return moments about the part's own means, from sums about `shift` and `low`."""
    p = len(shift)
    raw = grams.sum(axis=0)[:p, :p]
    raw = np.triu(raw) + np.triu(raw, 1).T
    if weight == 0.0:
        return Moments(0.0, shift.copy(), low, raw, np.zeros_like(shift), 0.0)
    mean = sums[0] / weight
    raw -= weight * np.outer(mean, mean)
    cross = sums[1] - weight * y_mean * mean
    return Moments(float(weight), shift + mean, float(low + y_mean), raw, cross, float(y_sq))


def _sums(
    X: NDArray[Any], weights: Floats, y: Floats, part: NDArray[np.intp], n_parts: int,
    shift: Floats, n_threads: int,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return (T, K, >= p, >= p) sums of w z z', upper triangles, and (K, 2, p) sums of w z and
    w y z, z = x - shift.

    T tasks are runs of rows, by the shape alone; the sums of w z z' are still to be added up.
    """
    n, p = X.shape
    height = -(-p // GROUP) * GROUP
    runs = cut(n, max(1, min(TASKS, n // (4 * n_parts * p))), ROWS)
    grams = np.zeros((len(runs), n_parts, height, height))
    sums = np.zeros((len(runs), n_parts, 2, height))
    root = np.sqrt(weights)
    vectors = np.vstack([root, root * y])
    jobs = [
        partial(
            gram.grams_of_parts, X, part, shift, root, vectors, grams[task], sums[task], a, b
        )
        for task, (a, b) in enumerate(runs)
    ]  # fmt: skip
    run(jobs, n_threads)
    return grams, sums.sum(axis=0)[:, :, :p]


def moments_design(
    X: NDArray[Any], weights: Floats, moments: Moments, centred: bool, n_threads: int
) -> DenseDesign:
    """Return the design of some rows of X, from their moments: X is not read.

    weights : (n,), summing to 1, zero for the other rows
    """
    return DenseDesign.of_moments(
        X, weights, centred, n_threads, moments.mean, moments.y_mean,
        moments.gram / moments.weight, moments.cross / moments.weight,
    )  # fmt: skip
