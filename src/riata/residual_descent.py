"""Descent on the residual, for working sets whose Gram matrix would be too large.

    minimise over b   1/2 |y - X b|_w^2 + sum_j l1_j |b_j| + l2_j/2 b_j^2,    lower <= b <= upper

    repeat   five sweeps of coordinate descent and an extrapolation of them (Anderson)
             a Newton step on A with those signs fixed, by conjugate gradients on
             (X_A' diag(w) X_A + diag(l2_A)) d = g_A - l1_A s_A - l2_A b_A,    g = X' diag(w) r

The step ends where coefficients would change their sign or pass a bound: at the first such limit,
or with every coefficient stopped at its own, whichever gains more (active_set.pyx does the same in
Gram space). No step raises the objective.

Sources: Bertrand, Massias, "Anderson acceleration of coordinate descent", AISTATS 2021, algorithm 2
(five iterates, kept where the objective falls); Byrd, Chin, Nocedal, Oztoprak, "A family of second-order methods for convex
l1-regularized optimization", Math. Program. 159, 2016 (orthant-wise subspace steps by conjugate
gradients); Golub, Van Loan, "Matrix Computations", 4th ed., algorithm 11.5.1.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .design import ResidualView, Terms
from .kernels import coordinate, dual

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Stale = tuple[Indices, Callable[[Floats], None]]  # positions in W, their system solved in place

MEMORY = 5  # sweeps that are extrapolated from, between two Newton steps
LOOSE, TIGHT = 0.1, 1e-3  # residual of a Newton system, as long as the support moves, and after
DEPENDENT = 1e-13  # curvature, as a share of that of independent columns
MOST = 200  # iterations of conjugate gradients in one step


def descend_on_residual(
    view: ResidualView,
    coef: Floats,
    resid: Floats,
    box: Terms,
    target: float,
    max_iter: int,
    stale: Stale,
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
    stale : the factor of an earlier support's Gram matrix, the preconditioner

    Returns
    -------
    n_iter, gap
    """
    state, everybody = view.state(resid), np.arange(len(coef))
    n_iter, support = 0, np.empty(0, dtype=np.intp)
    while True:
        n_iter += accelerated_sweeps(view, state, coef, box, max_iter - n_iter)
        grad = view.transpose_dot(everybody, state)
        gap = coordinate.gap_on_working_set(coef, grad, view.norm_sq(state), *box)
        if gap <= target or n_iter >= max_iter:
            return n_iter, gap
        active = movable(coef, box)
        same = np.array_equal(active, support)
        support = active
        if len(active):
            tol = TIGHT if same else LOOSE
            precondition = preconditioner(box, active, stale)
            n_iter += newton_step(
                view, state, coef, grad, active, box, precondition, tol, max_iter - n_iter
            )


def accelerated_sweeps(
    view: ResidualView, state: Floats, coef: Floats, box: Terms, most: int
) -> int:
    """Sweep MEMORY times (at most `most`) and extrapolate; return the number of sweeps.

    The combination sum_k c_k b_k of the iterates, sum_k c_k = 1, that minimises
    |sum_k c_k (b_k - b_{k-1})|, is taken where it is within the bounds and lowers the objective.
    """
    coefs, states = [coef.copy()], [state.copy()]
    for _ in range(min(MEMORY, most)):
        view.sweep(state, coef, box)
        coefs.append(coef.copy())
        states.append(state.copy())
    sweeps = len(coefs) - 1
    if sweeps < MEMORY:
        return sweeps
    moves = [after - before for before, after in pairwise(coefs)]
    products = np.array([[dual.weighted_sums(a, b)[0] for b in moves] for a in moves])
    size = float(np.trace(products))
    if not size > 0.0:
        return sweeps
    weights = np.linalg.solve(products / size + 1e-12 * np.eye(sweeps), np.ones(sweeps))
    weights /= weights.sum()
    new = sum(c * b for c, b in zip(weights, coefs[1:], strict=True))
    new_state = sum(c * r for c, r in zip(weights, states[1:], strict=True))
    _, l1, l2, lower, upper = box
    inside = bool(np.all((lower <= new) & (new <= upper)))
    if inside and objective(view, new_state, new, l1, l2) < objective(view, state, coef, l1, l2):
        coef[:], state[:] = new, new_state
    return sweeps


def objective(view: ResidualView, state: Floats, coef: Floats, l1: Floats, l2: Floats) -> float:
    """Return the objective of the restricted problem."""
    penalty = dual.weighted_sums(l1, np.abs(coef))[0] + 0.5 * dual.weighted_sums(l2, coef)[1]
    return 0.5 * view.norm_sq(state) + penalty


def movable(coef: Floats, box: Terms) -> Indices:
    """Return the columns strictly between their limits."""
    norm_sq, l1, l2, lower, upper = box
    inside = (lower < coef) & (coef < upper) & (norm_sq + l2 > 0.0)
    return np.flatnonzero(inside & ((coef != 0.0) | (l1 == 0.0)))


def preconditioner(box: Terms, active: Indices, stale: Stale) -> Callable[[Floats], Floats]:
    """Return r -> an approximate solution of the Newton system of `active`.

    By the stale factor for those it knows, with zeros for those that have left since, which is a
    principal part of an inverse and so positive definite; by the diagonal for the others, and for
    all where it knows less than half of them, or fewer than have left.
    """
    norm_sq, _, l2, _, _ = (values[active] for values in box)
    diagonal = norm_sq + l2
    rows, solve = stale
    place = np.minimum(np.searchsorted(active, rows), len(active) - 1)
    known = active[place] == rows
    place = place[known]
    if 2 * len(place) < max(len(active), len(rows)):
        return lambda r: r / diagonal

    def apply(r: Floats) -> Floats:
        x = np.zeros(len(rows))
        x[known] = r[place]
        solve(x)
        s = r / diagonal
        s[place] = x[known]
        return s

    return apply


def newton_step(
    view: ResidualView,
    state: Floats,
    coef: Floats,
    grad: Floats,
    active: Indices,
    box: Terms,
    precondition: Callable[[Floats], Floats],
    tol: float,
    max_iter: int,
) -> int:
    """Move coef[active] to the optimum with its signs, or as far as they allow; return n_iter."""
    norm_sq, l1, l2, lower, upper = (values[active] for values in box)
    b = coef[active]
    sign = np.where(l1 > 0.0, np.sign(b), 0.0)
    rhs = grad[active] - l1 * sign - l2 * b
    d, image, n_iter = conjugate_gradients(
        view, active, rhs, norm_sq, l2, precondition, tol, min(MOST, max_iter)
    )
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
    if not gain(view, d, image, rhs, l2, t) > 0.0:
        return n_iter
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
    norm_sq: Floats,
    l2: Floats,
    precondition: Callable[[Floats], Floats],
    tol: float,
    max_iter: int,
) -> tuple[Floats, Floats, int]:
    """Solve (X_A' diag(w) X_A + diag(l2)) d = rhs from 0; return (d, state of X_A d, n_iter).

    Until the residual has fallen to tol, in the preconditioner's norm, or nothing is left but
    directions in which dependent columns cancel. Cost of an iteration: two
    products with X_A, and the preconditioner.
    """
    d, r = np.zeros_like(rhs), rhs.copy()
    p = s = precondition(r)
    rho = rho_0 = dual.weighted_sums(r, s)[0]
    image: Floats | None = None
    n_iter = 0
    while n_iter < max_iter and rho > tol * tol * rho_0:
        n_iter += 1
        product = view.dot(active, p)
        q = view.transpose_dot(active, product) + l2 * p
        curvature = dual.weighted_sums(p, q)[0]
        if not curvature > DEPENDENT * dual.weighted_sums(norm_sq + l2, p)[1]:
            break
        step = rho / curvature
        d += step * p
        image = step * product if image is None else image + step * product
        r -= step * q
        s = precondition(r)
        rho, before = dual.weighted_sums(r, s)[0], rho
        p = s + (rho / before) * p
    if image is None:
        image = view.dot(active, d)
    return d, image, n_iter
