"""Descent on the residual, for working sets whose Gram matrix would be too large.

    minimise over b   1/2 |y - X b|_w^2 + sum_j l1_j |b_j| + l2_j/2 b_j^2,    lower <= b <= upper

    repeat   a few sweeps of coordinate descent: who is in the support A, and with which sign
             a Newton step on A with those signs fixed, by conjugate gradients on
             (X_A' diag(w) X_A + diag(l2_A)) d = g_A - l1_A s_A - l2_A b_A,    g = X' diag(w) r

The step ends where coefficients would change their sign or pass a bound: at the first such limit,
or with every coefficient stopped at its own, whichever gains more (active_set.pyx does the same in
Gram space). No step raises the objective.

Sources: Byrd, Chin, Nocedal, Oztoprak, "A family of second-order methods for convex
l1-regularized optimization", Math. Program. 159, 2016 (orthant-wise subspace steps by conjugate
gradients); Golub, Van Loan, "Matrix Computations", 4th ed., algorithm 11.5.1.
"""

import numpy as np
from numpy.typing import NDArray

from .design import ResidualView
from .kernels import dual

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

SWEEPS = 3  # between two Newton steps
LOOSE, TIGHT = 0.1, 1e-3  # residual of a Newton system, as long as the support moves, and after
MOST = 200  # iterations of conjugate gradients in one step


def descend_on_residual(
    view: ResidualView,
    coef: Floats,
    resid: Floats,
    box: tuple[Floats, Floats, Floats, Floats, Floats],
    target: float,
    max_iter: int,
) -> tuple[int, float]:
    """Descend until the gap of the restricted problem is at most target.

    Parameters
    ----------
    view : the columns, with their products
    coef : (|W|,), updated
    resid : (n,), y - X coef
    box : norm_sq, l1, l2, lower and upper of the columns, (|W|,) each
    target : the gap to reach
    max_iter : most sweeps and iterations of conjugate gradients

    Returns
    -------
    n_iter, gap
    """
    state, grad = view.state(resid), np.empty_like(coef)
    n_iter, support = 0, np.empty(0, dtype=np.intp)
    while True:
        sweeps = min(SWEEPS, max_iter - n_iter)
        gap = view.descend(state, coef, grad, box, sweeps)
        n_iter += sweeps
        if gap <= target or n_iter >= max_iter:
            return n_iter, gap
        active = movable(coef, box)
        same = len(active) == len(support) and bool(np.all(active == support))
        support = active
        n_iter += newton_step(
            view, state, coef, grad, active, box, TIGHT if same else LOOSE,
            min(MOST, max_iter - n_iter),
        )  # fmt: skip


def movable(coef: Floats, box: tuple[Floats, ...]) -> Indices:
    """Return the columns strictly between their limits."""
    norm_sq, l1, l2, lower, upper = box
    inside = (lower < coef) & (coef < upper) & (norm_sq + l2 > 0.0)
    return np.flatnonzero(inside & ((coef != 0.0) | (l1 == 0.0)))


def newton_step(
    view: ResidualView,
    state: Floats,
    coef: Floats,
    grad: Floats,
    active: Indices,
    box: tuple[Floats, ...],
    tol: float,
    max_iter: int,
) -> int:
    """Move coef[active] to the optimum with its signs, or as far as they allow; return n_iter."""
    if len(active) == 0:
        return 0
    norm_sq, l1, l2, lower, upper = (values[active] for values in box)
    b = coef[active]
    sign = np.where(l1 > 0.0, np.sign(b), 0.0)
    rhs = grad[active] - l1 * sign - l2 * b
    d, image, n_iter = conjugate_gradients(view, active, rhs, l2, norm_sq + l2, tol, max_iter)
    low = np.where(sign > 0.0, 0.0, lower) - b
    high = np.where(sign < 0.0, 0.0, upper) - b
    stopped = np.clip(d, low, high)
    t = 1.0
    if not np.array_equal(stopped, d):
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(d > 0.0, high, low) / d
        t = min(1.0, float(np.nanmin(room)))
        other = view.dot(active, stopped)
        if gain(view, stopped, other, rhs, l2, 1.0) > gain(view, d, image, rhs, l2, t):
            d, image, t = stopped, other, 1.0
    new = np.clip(b + t * d, low + b, high + b)
    coef[active] = new
    state -= t * image
    return n_iter


def gain(
    view: ResidualView, d: Floats, image: Floats, rhs: Floats, l2: Floats, t: float
) -> float:
    """Return by how much the objective falls for the step t d; image is the state of X_A d."""
    curvature = view.norm_sq(image) + dual.weighted_sums(l2, d)[1]
    return t * dual.weighted_sums(rhs, d)[0] - 0.5 * t * t * curvature


def conjugate_gradients(
    view: ResidualView,
    active: Indices,
    rhs: Floats,
    l2: Floats,
    diagonal: Floats,
    tol: float,
    max_iter: int,
) -> tuple[Floats, Floats, int]:
    """Solve (X_A' diag(w) X_A + diag(l2)) d = rhs from 0; return (d, state of X_A d, n_iter).

    Preconditioned by the diagonal; until its residual has fallen to tol. Cost of an iteration: two
    products with X_A.
    """
    d, r = np.zeros_like(rhs), rhs.copy()
    p = s = r / diagonal
    rho = rho_0 = dual.weighted_sums(r, s)[0]
    image: Floats | None = None
    n_iter = 0
    while n_iter < max_iter and rho > tol * tol * rho_0:
        n_iter += 1
        product = view.dot(active, p)
        q = view.transpose_dot(active, product) + l2 * p
        step = rho / dual.weighted_sums(p, q)[0]
        d += step * p
        image = step * product if image is None else image + step * product
        r -= step * q
        s = r / diagonal
        rho, before = dual.weighted_sums(r, s)[0], rho
        p = s + (rho / before) * p
    if image is None:
        image = view.dot(active, d)
    return d, image, n_iter
