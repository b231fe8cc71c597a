"""Losses of several responses: y, eta, v and what comes back are (n, K).

What the solver asks of them: `evaluate`, with one number a row that bounds the curvature in every
direction; `bend`, the curvature itself; `projected`, which takes a linear function out of v and
stays where the conjugate is finite; `gap_along`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import dual, loss
from ..kernels.bends import Bend, Softmax
from .base import Floats, divergence, flag
from .value import Value

RANK = 1e-12  # a singular value below this share of the largest is rounding
SINGULAR = 1e-13  # an eigenvalue of f'' in the span of the columns, the same
PROJECTIONS = 10  # at most, until what is in the span of the columns is a share
INSIDE = 1e-20  # of |v|^2
SMALLEST = 1e-300  # below every probability that is not 0

# of c, and whether the derivative is wanted: value and derivative, or anything in its place
Along = Callable[[float, bool], tuple[float, float]]


class Span:
    """What nothing penalises, of which v is to have no part.

    weights (n,), root : their square roots
    columns (n, q) : of norm 1 under the weights
    basis (n, rank) : orthonormal, of root times the columns
    """

    def __init__(self, weights: Floats, columns: Floats) -> None:
        self.weights, self.root = weights, np.sqrt(weights)
        size = np.sqrt(weights @ columns**2)
        self.columns = columns / np.where(size > 0.0, size, 1.0)
        left, sizes, _ = np.linalg.svd(self.root[:, None] * self.columns, full_matrices=False)
        self.basis = left[:, sizes > RANK * sizes.max(initial=0.0)]

    def inside(self, v: Floats) -> float:
        """Return the square of the part of v (n, K) in the span."""
        part = self.basis.T @ (self.root[:, None] * v)
        return float(np.vdot(part, part))


class MultipleFamily:
    """A loss of K responses.

    name : what the result calls it
    labelled : whether y are labels of K classes
    grouped : whether the K coefficients of a feature enter together (the L2,1 norm) or one by one
    constant : whether the curvature is the same everywhere
    """

    name: str
    labelled = False
    proportions = False
    grouped = True
    constant = False

    def check(self, y: Floats) -> None:
        """Raise ValueError where y (n, K), finite numbers, cannot be fitted."""

    def start(self, y: Floats, weights: Floats) -> Floats:
        """Return the eta (K,) that fits best alone."""
        raise NotImplementedError

    def evaluate(self, y: Floats, eta: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
        """Return sum_i w_i f_i, -f' (n, K), and h (n,): f'' is about h_i in its worst direction."""
        raise NotImplementedError

    def bend(self, y: Floats, pull: Floats, weights: Floats) -> Bend:
        """Return diag(w) f'', which acts on rows of K numbers; pull is -f'."""
        raise NotImplementedError

    def projected(self, y: Floats, v: Floats, span: "Span") -> Floats:
        """Return v with columns'(w v) = 0, those of the span; zeros where it leaves the domain."""
        raise NotImplementedError

    def gap_along(self, y: Floats, eta: Floats, v: Floats, weights: Floats) -> Along:
        """Return sum_i w_i [ f_i + f_i*(-c v_i) + c v_i'eta_i ] as a function of c."""
        raise NotImplementedError

    def mean(self, eta: Floats) -> Floats:
        """Return the expected response at eta (..., K)."""
        raise NotImplementedError


class MultiGaussian(Value, MultipleFamily):
    """f = |y - eta|^2 / 2 over K responses, which share the features that enter.

    f*(t) = |t|^2 / 2 + t'y;  Fenchel-Young |y - eta - v|^2 / 2.
    """

    name = "multigaussian"
    constant = True

    def start(self, y: Floats, weights: Floats) -> Floats:
        mean = weights @ y
        return mean + weights @ (y - mean)  # exact where y is constant

    def evaluate(self, y: Floats, eta: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
        pull = y - eta
        return 0.5 * _sum(weights, pull**2), pull, np.ones(len(y))

    def bend(self, y: Floats, pull: Floats, weights: Floats) -> Bend:
        return Bend(weights)

    def projected(self, y: Floats, v: Floats, span: "Span") -> Floats:
        root = span.root[:, None]
        part = span.basis @ (span.basis.T @ (root * v))
        return v - np.divide(part, root, out=np.zeros_like(v), where=root > 0.0)

    def gap_along(self, y: Floats, eta: Floats, v: Floats, weights: Floats) -> Along:
        lost = y - eta - v  # what is left at c = 1, or nearly nothing: kept apart
        size, both, lost_sq = (_sum(weights, a * b) for a, b in ((v, v), (v, lost), (lost, lost)))

        def gap(c: float, sloped: bool) -> tuple[float, float]:
            value = 0.5 * (1.0 - c) ** 2 * size + (1.0 - c) * both + 0.5 * lost_sq
            return max(value, 0.0), -(1.0 - c) * size - both

        return gap

    def mean(self, eta: Floats) -> Floats:
        return eta


class Multinomial(Value, MultipleFamily):
    """f = log sum_k exp(eta_k) - y'eta, y one of K classes as 0 and 1, or shares that sum to 1.

    The symmetric softmax: every class has its coefficients. For shares the entropy of y is added,
    so that the minimum is 0. -f' = y - mu, f'' = diag(mu) - mu mu', whose largest eigenvalue is at
    most 2 max_k mu_k (1 - mu_k).  f*(t) = sum_k (y_k + t_k) log(y_k + t_k) less the same at t = 0,
    where y + t is a distribution;  Fenchel-Young sum_k xi(y_k - v_k, mu_k), with
    xi(a, b) = a log(a / b) - a + b.

    Parameters
    ----------
    grouped : bool
        Whether the K coefficients of a feature enter together (the L2,1 norm) or one by one.
    """

    name = "multinomial"
    labelled = proportions = True
    parameters = ("grouped",)

    def __init__(self, grouped: bool = False) -> None:
        self.grouped = flag(grouped, "grouped")

    def check(self, y: Floats) -> None:
        off = np.flatnonzero((y < 0.0).any(axis=1) | (np.abs(y.sum(axis=1) - 1.0) > 1e-8))
        if len(off):
            raise ValueError(
                "y must hold labels, or rows of shares >= 0 that sum to 1, for "
                f"family='multinomial', got {y[off[0]]} at row {off[0]}: divide counts by their sum"
            )

    def start(self, y: Floats, weights: Floats) -> Floats:
        share = np.log(np.maximum(weights @ y, SMALLEST))
        return share - share.mean()

    def evaluate(self, y: Floats, eta: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
        n, K = y.shape
        terms, pull, curvature = np.empty(n), np.empty((K, n)), np.empty(n)
        columns, of_y = np.ascontiguousarray(eta.T), np.ascontiguousarray(y.T)
        loss.softmax(of_y, columns, SMALLEST, terms, pull, curvature)
        inside = (y > 0.0) & (y < 1.0)
        if inside.any():
            terms += (np.where(inside, y, 0.0) * np.log(np.where(inside, y, 1.0))).sum(axis=1)
        return max(dual.weighted_sums(weights, terms)[0], 0.0), pull.T, curvature

    def bend(self, y: Floats, pull: Floats, weights: Floats) -> Bend:
        return Softmax(weights, np.ascontiguousarray((y - pull).T))

    def projected(self, y: Floats, v: Floats, span: "Span") -> Floats:
        mu, columns, w, K = np.maximum(y - v, SMALLEST), span.columns, span.weights, y.shape[1]
        q, weighted = columns.shape[1], w[:, None] * columns
        system = np.empty((q, K, q, K))  # columns' diag(w) f'' columns
        for k in range(K):
            along = weighted * mu[:, [k]]
            for m in range(k + 1):
                block = -(along * mu[:, [m]]).T @ columns
                system[:, k, :, m], system[:, m, :, k] = block, block
            system[:, k, :, k] += along.T @ columns
        values, vectors = np.linalg.eigh(system.reshape(q * K, q * K))
        kept = values > SINGULAR * values.max()
        values, vectors = values[kept], vectors[:, kept]
        for tries in range(PROJECTIONS):
            # the second removes rounding's part
            if tries >= 2 and span.inside(v) <= INSIDE * dual.weighted_sums(w, inner(v, v))[0]:
                break
            a = vectors @ (vectors.T @ (weighted.T @ v).ravel() / values)
            s = columns @ a.reshape(q, K)
            v = v - mu * (s - inner(mu, s)[:, None])
        else:
            return np.zeros_like(v)
        return v if (y - v >= 0.0).all() else np.zeros_like(v)

    def gap_along(self, y: Floats, eta: Floats, v: Floats, weights: Floats) -> Along:
        far = eta - eta.max(axis=1, keepdims=True)
        log_mu = far - np.log(np.exp(far).sum(axis=1, keepdims=True))

        def gap(c: float, sloped: bool) -> tuple[float, float]:
            q = y - c * v
            value = _sum(weights, divergence(np.ravel(q), np.ravel(log_mu)).reshape(y.shape))
            if not (sloped and np.isfinite(value)):
                return value, np.inf if sloped else 0.0
            with np.errstate(divide="ignore"):
                bent = np.where(v != 0.0, v * (log_mu - np.log(q)), 0.0)
            return value, _sum(weights, bent)

        return gap

    def mean(self, eta: Floats) -> Floats:
        e = np.exp(eta - eta.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


def inner(left: Floats, right: Floats) -> Floats:
    """Return sum_k left_ik right_ik, (n,). By einsum: two to three times as fast as a product's sum
    where K is small."""
    return np.einsum("ik,ik->i", left, right)


def _sum(weights: Floats, terms: NDArray[Any]) -> float:
    """Return sum_i w_i sum_k terms_ik."""
    return dual.weighted_sums(weights, np.einsum("ik->i", terms))[0]
