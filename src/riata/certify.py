"""From a point to its certificate: project the residual, then take the gap.

u must be orthogonal to the free features (no penalty, no bound) and to the constant where there is
an intercept. A feature with no penalty and one infinite bound allows only one sign of x_j'u; where
rounding or the point itself gives it the other, it is projected out as well, which is always
feasible and, at an optimum where it is off its bound, exact.
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .certificate import duality_gap_of, gap_at_best_scale
from .design import CONSTANT, Design, Panel
from .families import Family
from .gram_space import GramSpace
from .kernels import dual
from .least_squares import ColumnSpace
from .penalty import Box, wide
from .threads import cut, run

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.uint8]

EPS = float(np.finfo(float).eps)
PRECISION = 0.01  # share of itself to which the best scale of a loss's dual point is found
PROJECTIONS = 30  # at most, where rows keep leaving the domain of the conjugate
ORTHOGONAL = 1e-24  # share of |r|^2 on the free features that is rounding
ROWS = 1 << 14  # whose loss is one job
LEFT = 1e-8  # |x_j'(w v)| / (|x_j| |v|) that projecting may leave where columns nearly repeat
INSIDE = 1e-12  # share of |v|^2 in the span of the free features that projecting may leave
ONCE = 1e-12  # share up to which one projection leaves nothing but rounding
AT_REST = 1e-13  # |x_j'(w t)| / (|x_j| |r|) below which a projected t may lie on either side of 0


class LossAt(NamedTuple):
    """A loss at a point: eta, pull = -f' and curvature = f'', (n,), and loss = sum_i w_i f_i."""

    eta: Floats
    loss: float
    pull: Floats
    curvature: Floats


def at_rest(values: Floats, weights: Floats) -> Floats:
    """Return values (n,), rows of weight 0 standing for one that counts: what they add to a loss is
    0, but for overflow."""
    idle = weights == 0.0
    return np.where(idle, values[np.argmin(idle)], values) if idle.any() else values


def off_their_bound(
    coef: Floats, z: Floats, box: Box, bare: Indices, noise: Floats | float = 0.0
) -> Indices:
    """Return the features of `bare`, held by one bound at most, that don't rest on it.

    noise : () or (p,), how far the other side of 0 may be for z. Where columns depend on those
        projected out, z is rounding of any sign: they go as well, or there would be ever new ones.
    """
    lower, upper, b = box.lower[bare], box.upper[bare], coef[bare]
    other_side = np.broadcast_to(-noise, z.shape)[bare]
    up = np.isinf(upper) & ((b > lower) | (z[bare] > other_side))
    down = np.isinf(lower) & ((b < upper) | (-z[bare] > other_side))
    return bare[up | down]


def domain_of(family: Family, y: Floats) -> tuple[Floats, Floats]:
    """Return (low, high), (n,) each, within which the conjugate is finite: f*(-v) for v between."""
    low, high = (np.asarray(edge, dtype=np.float64) for edge in family.domain(y))
    return wide(low, len(y)), wide(high, len(y))


def dual_of(
    panel: Panel, design: Design, v: Floats, curvature: Floats, domain: tuple[Floats, Floats],
    known: tuple[float, float] | None = None,
) -> tuple[Floats, float | None]:  # fmt: skip
    """Return v made feasible, a new array: X_Z'(w v) = 0 for the members, sum w v = 0 if centred.

    Besides, the s of which that is v - s curvature, None where it is not of that form.

    v - curvature (X_Z a + a_0) is the projection in the metric of the curvature, to first order
    the negative gradient at another point. What leaves the domain of the conjugate is put on its
    edge and stays there, and the rest is projected again. Where rows without curvature are all
    that could make up for X_Z'(w v), every row counts the same. Where that comes to no end, 0,
    which is always feasible.

    v, curvature : (n,), per unit of weight
    domain : see `domain_of`
    known : sum w v and sum w curvature, where they are known

    Notes
    -----
    Cost: O(n), and n |Z|^2 multiply-adds where there are members.
    """
    w, (low, high), members = design.weights, domain, panel.members
    if len(members) == 0:
        return centred_dual(w, v, curvature, domain, design.loop_threads, design.centred, known)
    if _is_feasible(panel, design, v, 16 * EPS):
        return v.copy(), None
    given, space, settled, mass, plain = v, None, 0, 0.0, False
    for _ in range(PROJECTIONS):
        mass = mass or dual.weighted_sums(w, curvature)[0]
        if not mass > 0.0:
            break
        u = w * v
        if space is None:
            gram = panel.reweigh(w * curvature)
            off = CONSTANT * (np.abs(design.mean[members]) + np.abs(panel.mean))
            space = GramSpace(gram, mass * off**2)
        a = space.solve(panel.transpose_dot(u) - panel.mean * float(u.sum()))
        step = panel.dot(a) - float(panel.mean @ a)
        if design.centred:
            step += dual.weighted_sums(w, v)[0] / mass
        before, v = v, np.empty(len(v))
        if dual.step_back(before, curvature, step, low, high, v, design.loop_threads):
            curvature = np.where((v < low) | (v > high), 0.0, curvature)
            v, space, settled, mass = np.clip(v, low, high), None, 0, 0.0
            continue
        settled += 1
        if settled < 2:  # the second projection removes what rounding left
            continue
        if _is_feasible(panel, design, v, LEFT) and _is_apart(panel, design, space, v):
            return v, None
        if plain:
            break
        v, curvature, plain = given, np.ones(len(v)), True
        space, settled, mass = None, 0, 0.0
    return np.zeros(design.n), None


def centred_dual(
    w: Floats, v: Floats, curvature: Floats, domain: tuple[Floats, Floats], n_threads: int,
    centred: bool, known: tuple[float, float] | None = None,
) -> tuple[Floats, float | None]:  # fmt: skip
    """Return v (n,) less its mean in the metric of the curvature, kept in the domain, or v itself
    unless `centred`; besides, the shift s: `dual_of` where there are no members."""
    (low, high), settled, mass = domain, 0, 0.0
    shift: float | None = 0.0
    for _ in range(PROJECTIONS):
        if known is None:
            total, size_sq = dual.weighted_sums(w, v)
        else:
            (total, mass), size_sq, known = known, 0.0, None
        if not centred or total * total <= 16 * EPS**2 * size_sq < math.inf:
            return v.copy() if shift == 0.0 else v, shift
        mass = mass or dual.weighted_sums(w, curvature)[0]
        if not mass > 0.0:
            break
        before, v = v, np.empty(len(v))
        shift = None if shift is None else shift + total / mass
        steps = wide(np.asarray(total / mass), len(v))
        if dual.step_back(before, curvature, steps, low, high, v, n_threads):
            curvature = np.where((v < low) | (v > high), 0.0, curvature)
            v, settled, mass, shift = np.clip(v, low, high), 0, 0.0, None
            continue
        settled += 1
        if settled == 2:  # the second projection removes what rounding left
            return v, shift
    return np.zeros(len(w)), None


def _is_apart(panel: Panel, design: Design, space: GramSpace | None, v: Floats) -> bool:
    """Whether nothing of v lies in the span of the members; a Gram matrix can't tell where columns
    nearly repeat one another."""
    if space is None or space.rank == len(panel.members):
        return True
    if panel.span is None or len(panel.span.members) != len(panel.members):
        panel.span = ColumnSpace(design, panel.members)
    inside = panel.span.explained(v, panel.transpose_dot(design.weights * v))
    return inside <= INSIDE * dual.weighted_sums(design.weights, v)[1]


def _is_feasible(panel: Panel, design: Design, v: Floats, left: float) -> bool:
    """Whether X_Z'(w v) is 0 for the members, and sum w v where there is an intercept, but for a
    share `left` of what they could be."""
    total, size_sq = dual.weighted_sums(design.weights, v)
    if not size_sq < math.inf or (design.centred and total * total > left**2 * size_sq):
        return False
    z = panel.transpose_dot(design.weights * v)
    return bool(np.all(z**2 <= left**2 * design.norm_sq[panel.members] * size_sq))


def certified_gap(
    design: Design,
    space: ColumnSpace,
    coef: Floats,
    resid: Floats,
    z: Floats,
    box: Box,
    bare: Indices,
    skip: Mask,
    some: Indices | None = None,
) -> float:
    """Return the duality gap of coef.

    Parameters
    ----------
    space : the span of the free features
    coef : (p,)
    resid : (n,), y - X coef, centred where the design is
    z : (p,), X'(w resid)
    box : the penalty
    bare : features that have no penalty and lack a bound
    skip : (p,), 1 for free and for excluded features
    some : the features that are not 0 or pass l1: the others add nothing. None for all

    Notes
    -----
    Cost: O(p), or of `some`, where resid is orthogonal to the free features within rounding and no
    feature has a one-sided bound for its only restraint; else a pass and a decomposition of those
    features.
    """
    w = design.weights
    _, resid_sq = dual.weighted_sums(w, resid)
    project = off_their_bound(coef, z, box, bare)
    if len(project) == 0 and space.explained(resid, z[space.members]) <= ORTHOGONAL * resid_sq:
        if some is not None:
            coef, z, box, skip = coef[some], z[some], box.take(some), skip[some]
        return duality_gap_of(coef, z, resid_sq, 0.0, box, skip)
    skip, noise = skip.copy(), AT_REST * np.sqrt(resid_sq * design.norm_sq)
    dual_resid, dual_z = resid, z
    for _ in range(4):
        if len(project):
            skip[project] = 1
            space = ColumnSpace(design, np.concatenate([space.members, project]))
        left = space.explained(dual_resid, dual_z[space.members])
        dual_resid = space.project_out(dual_resid, dual_z[space.members])
        if design.centred:
            dual_resid -= dual.weighted_sums(w, dual_resid)[0]
        dual_z = design.transpose_dot(w * dual_resid)
        project = off_their_bound(coef, dual_z, box, bare[skip[bare] == 0], noise)
        if len(project) == 0 and left <= ONCE * resid_sq:
            break
    _, lost = dual.weighted_sums(w, resid - dual_resid)
    _, dual_sq = dual.weighted_sums(w, dual_resid)
    return duality_gap_of(coef, dual_z, dual_sq, lost, box, skip)


def loss_at(family: Family, y: Floats, eta: Floats, w: Floats, n_threads: int) -> LossAt:
    """Return the loss at eta (n,), without the family's level, and its derivatives there."""
    parts = cut(len(y), len(y) // ROWS)
    if family.kernel is None or len(parts) == 1:
        return LossAt(eta, *family.evaluate(y, eta, w))
    pull, curvature, sums = np.empty_like(eta), np.empty_like(eta), np.empty(len(parts))

    def job(k: int, a: int, b: int) -> None:
        sums[k] = family.kernel(y[a:b], eta[a:b], w[a:b], pull[a:b], curvature[a:b])

    run([partial(job, k, a, b) for k, (a, b) in enumerate(parts)], n_threads)
    return LossAt(eta, float(sums.sum()), pull, curvature)


def gap_of_loss(
    family: Family,
    y: Floats,
    w: Floats,
    at: LossAt,
    v: Floats,
    coef: Floats,
    z: Floats,
    box: Box,
    skip: Mask,
    n_threads: int,
) -> float:
    """Return the duality gap of coef (p,) under any convex loss, from the dual point v (n,).

    v is feasible (see `dual_of`) and z = X'(w v), (p,). Cost: O(n + p), a few times that where the
    largest feasible scale of v is not the best one.
    """

    def loss_part(c: float, sloped: bool) -> tuple[float, float]:
        given = (y, at.eta, at.pull, at.curvature, v, c, w)
        if family.kernel is None:
            value = family.gap(*given)
        else:
            value = family.kernel.gap(*given, n_threads)
        if not sloped:
            return value, 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            terms = v * (at.eta - family.preimage(y, c * v, at.eta))
        return value, dual.weighted_sums(w, np.where(np.isnan(terms), 0.0, terms))[0]

    return gap_at_best_scale(loss_part, coef, z, box, skip, PRECISION)


def certified_loss_gap(
    design: Design,
    family: Family,
    y: Floats,
    free: Indices,
    coef: Floats,
    at: LossAt,
    box: Box,
    bare: Indices,
    skip: Mask,
) -> float:
    """Return the duality gap of coef (p,) under any convex loss, projecting what must be.

    free : features that nothing penalises or bounds
    bare, skip : as for `certified_gap`

    Notes
    -----
    Cost: a pass and n |Z|^2 multiply-adds, twice that where features of `bare` are off their bound.
    """
    w, domain, members = design.weights, domain_of(family, y), free
    skip = skip.copy()
    noise = AT_REST * np.sqrt(dual.weighted_sums(w, at.pull)[1] * design.norm_sq)
    for _ in range(4):
        skip[members] = 1
        panel = design.panel(w)
        if 0 < len(members) <= design.n:
            panel.extend(members)
        elif len(members):
            return gap_of_loss(
                family, y, w, at, np.zeros(design.n), coef, np.zeros(design.p), box, skip,
                design.n_threads,
            )  # fmt: skip
        v, _ = dual_of(panel, design, at.pull, at.curvature, domain)
        z = design.transpose_dot(w * v)
        more = off_their_bound(coef, z, box, bare[skip[bare] == 0], noise)
        if len(more) == 0:
            break
        members = np.concatenate([members, more])
    return gap_of_loss(family, y, w, at, v, coef, z, box, skip, design.n_threads)
