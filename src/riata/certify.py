"""From a point to its certificate: project the residual, then take the gap.

u must be orthogonal to the free features (no penalty, no bound) and to the constant where there is
an intercept. A feature with no penalty and one infinite bound allows only one sign of x_j'u; where
rounding or the point itself gives it the other, it is projected out as well, which is always
feasible and, at an optimum where it is off its bound, exact.
"""

import numpy as np
from numpy.typing import NDArray

from .certificate import duality_gap_of
from .design import Design
from .kernels import dual
from .least_squares import ColumnSpace
from .penalty import Box

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.uint8]

ORTHOGONAL = 1e-24  # share of |r|^2 on the free features that is rounding
ONCE = 1e-12  # share up to which one projection leaves nothing but rounding


def off_their_bound(coef: Floats, z: Floats, box: Box, bare: Indices) -> Indices:
    """Return the features of `bare`, held by one bound and no penalty, that don't rest on it."""
    lower, upper, b = box.lower[bare], box.upper[bare], coef[bare]
    up = np.isinf(upper) & ((b > lower) | (z[bare] > 0.0))
    down = np.isinf(lower) & ((b < upper) | (z[bare] < 0.0))
    return bare[up | down]


def certified_gap(
    design: Design,
    space: ColumnSpace,
    coef: Floats,
    resid: Floats,
    z: Floats,
    box: Box,
    bare: Indices,
    skip: Mask,
) -> float:
    """Return the duality gap of coef.

    Parameters
    ----------
    space : the span of the free features
    coef : (p,)
    resid : (n,), y - X coef, centred where the design is
    z : (p,), X'(w resid)
    box : the penalty
    bare : features that have one bound and no penalty
    skip : (p,), 1 for free and for excluded features

    Notes
    -----
    Cost: O(p) where resid is orthogonal to the free features within rounding and no feature has a
    one-sided bound for its only restraint; else a pass and a decomposition of those features.
    """
    w = design.weights
    _, resid_sq = dual.weighted_sums(w, resid)
    project = off_their_bound(coef, z, box, bare)
    if len(project) == 0 and space.explained(resid, z[space.members]) <= ORTHOGONAL * resid_sq:
        return duality_gap_of(coef, z, resid_sq, 0.0, box, skip)
    skip = skip.copy()
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
        project = off_their_bound(coef, dual_z, box, bare[skip[bare] == 0])
        if len(project) == 0 and left <= ONCE * resid_sq:
            break
    _, lost = dual.weighted_sums(w, resid - dual_resid)
    _, dual_sq = dual.weighted_sums(w, dual_resid)
    return duality_gap_of(coef, dual_z, dual_sq, lost, box, skip)
