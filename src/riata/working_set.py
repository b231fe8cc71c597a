"""Who is worked on: the working set, its Gram matrix, and the choice of who joins.

The free features Z (no penalty, no bound) are members from the start and are eliminated: with
G = X'diag(w)X, what coordinate descent sees is the Schur complement

    H = G_WW - G_WZ G_ZZ^+ G_ZW

whose solution, with b_Z = the least-squares fit to what is left, solves the whole.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .design import Design, ResidualView
from .gram_space import GramSpace
from .kernels import ahead, coordinate, dual
from .kernels.active_set import ActiveSet
from .kernels.bends import Bend, Product
from .kernels.gram import misses_norms
from .kernels.room import Square
from .least_squares import ColumnSpace
from .penalty import Box
from .threads import cut, run

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

GRAM_LIMIT = 4096  # members; above, 134 MB and more, descent goes over the residual
ROOM = 128  # members; 131 kB, of which only what is used is ever touched
LEAST = 64  # members, whatever the support
AT_ONCE = 4  # the support over those who join in one go, LEAST aside
SLACK = 3  # members per feature in the support; above, the least urgent leave
NOW = 0.9  # urgency of those who may join at the next alpha
SOON = 0.7  # and of those who are fetched along with them
CLOCKED = 20  # Newton steps between two looks at the clock, where there is a deadline
FLAT = 1e-12  # share of the curvature below which a free feature sees none
ROUGH_GRAM = 1e-3  # share of |x_j|^2 that inner products may miss
CHUNK = 2e8  # multiply-adds of descent between two looks at the clock and the true residual


class Near(NamedTuple):
    """Outsiders that may join, ascending, and how urgent each is."""

    features: Indices
    urgency: Floats


class WorkingSet:
    """Members in the order they came, Z not among them, and H for as long as it is affordable.

    members : (|W|,)
    gram : (>= |W|, >= |W|), or None where |W| outgrew GRAM_LIMIT, or where G is too rough
    space : the span of Z
    loads : G_ZZ^+ G_ZW, (|Z|, |W|)
    panel : the columns of Z, then those of the members
    lasting : whether H stays as it is: G under the design's own weights. Steps are taken by it
        alone then; under others they are tried on the true objective, and a rough H does no harm
    """

    def __init__(
        self,
        design: Design,
        free: Indices,
        weights: Floats | None = None,
    ) -> None:
        self._design = design
        self.lasting = weights is None
        self.free = free
        self.is_member = np.zeros(design.p, dtype=bool)
        self.is_member[free] = True
        self._small = len(free) <= min(design.n, GRAM_LIMIT)
        self._view: ResidualView | None = None
        self._view_size = 0
        self.room = ROOM  # members for whom H has room from the start
        self.space: Any = None  # ColumnSpace, or GramSpace under other weights
        self._begin(weights)

    def _begin(self, weights: Floats | None) -> None:
        """Have no members."""
        design, free = self._design, self.free
        self.members = np.empty(0, dtype=np.intp)
        self.panel = design.panel(weights, working=True)
        self.gram: Floats | None = np.empty((0, 0)) if self._small else None
        self._square = Square()
        self.active = ActiveSet(design.loop_threads)
        gram = self.panel.extend(free) if self._small and len(free) else None
        if weights is not None:
            self.space = GramSpace(np.empty((0, 0)) if gram is None else gram)
        elif self.space is None:
            self.space = ColumnSpace(design, free, gram)
        self.loads = np.empty((len(free), 0))

    def __len__(self) -> int:
        return len(self.members)

    def extend(self, new: Indices) -> None:
        """Let the features `new` join."""
        if len(new) == 0:
            return
        self.is_member[new] = True
        first = len(self.members)
        self.members = np.concatenate([self.members, new])
        size = len(self.members)
        if self.gram is None or size > GRAM_LIMIT or not self._small:
            self.give_up()
            return
        if size > len(self.gram):
            room = min(self.room, self._design.p)
            self._grow(max(size, room, min(GRAM_LIMIT, size + size // 3)), first)
        k = len(self.free)
        if k:
            rows = self.panel.extend(new)
            block = rows[:, -len(new) :]
        else:
            self.panel.join(new, self.gram)
            block = self.gram[first:size, first:size]
        norm_sq = self._design.norm_sq
        if self.lasting and misses_norms(block, norm_sq, new, ROUGH_GRAM):
            self.give_up()
        elif k:
            cross = np.ascontiguousarray(rows[:, :k].T)
            self.loads = np.hstack([self.loads, self.space.solve(cross)])
            rows = rows[:, k:] - cross.T @ self.loads
            self.gram[first:size, :size] = rows
            self.gram[:first, first:size] = rows[:, :first].T
        else:
            self.loads = np.empty((0, size))

    def support(self, coef: Floats) -> Indices:
        """Return the features, ascending, where coef (p,) is not 0, as it is elsewhere."""
        some = np.concatenate([self.free, self.members])
        return np.sort(some[coef[some] != 0.0])

    def near(self, z: Floats, box: Box, skip: NDArray[np.uint8], threshold: float) -> Near:
        """Return the outsiders that are urgent, or about to be; see `refill`."""
        share = min(SOON, threshold)
        member = self.is_member.view(np.uint8)
        return Near(*dual.near(z, box.l1, box.lower, box.upper, skip, member, share))

    def due(self, near: Near, threshold: float) -> Indices:
        """Return the most urgent features above a threshold, no more than there are members and
        LEAST: what is fetched for them takes room."""
        found = np.flatnonzero(near.urgency > threshold)
        most = min(len(found), len(self) + LEAST)
        return near.features[found[_largest(near.urgency[found], most)]]

    def fetch(self, new: Indices, near: Near) -> None:
        """Get the features `new` ready to join, and those who soon will."""
        design = self._design
        if design.fetches and design.lacks(new):
            design.fetch(np.union1d(new, self.due(near, SOON)))

    def give_up(self) -> None:
        """Do without a Gram matrix from now on."""
        self.gram, self._square, self.panel = None, Square(), self._design.panel()

    def take_up(self, weights: Floats | None = None) -> None:
        """Form a Gram matrix again, under weights (n,) or the design's, if it may be that large."""
        members = self.members
        self._begin(weights)
        self.extend(members)

    def reweigh(self, weights: Floats, mean: Floats | None = None, *, rough: bool = False) -> None:
        """Take other weights (n,) for G; see Panel. Cost: n |W|^2 / 2 multiply-adds."""
        if self.gram is None:
            return
        k, size = len(self.free), len(self.members)
        gram = self.panel.reweigh(weights, mean, None if k else self.gram, rough=rough)
        if not np.may_share_memory(gram, self.gram):
            self.gram[:size, :size] = gram[k:, k:]
        if k:
            flat = FLAT * float(weights.sum()) * self._design.norm_sq[self.free]
            self.space = GramSpace(gram[:k, :k], flat)
            self.loads = self.space.solve(gram[:k, k:])
            self.gram[:size, :size] -= gram[:k, k:].T @ self.loads
        self.active.clear()

    def _grow(self, side: int, size: int) -> None:
        """Make room for `side` members, the first `size` staying: where they are, not twice."""
        self._square.grow(side, size)  # nobody else keeps an array of it
        self.gram = np.asarray(self._square)

    def retain(self, kept: Indices) -> Indices:
        """Keep the members at these positions, who must be all that are not zero; in order. Returns
        the positions in the panel of what stays there."""
        left = np.ones(len(self.members), dtype=bool)
        left[kept] = False
        self.is_member[self.members[left]] = False
        k = len(self.free)
        places = np.concatenate([np.arange(k), k + kept])
        self.panel.retain(places)
        if self.gram is not None:
            self._square.keep(kept)
        self.members, self.loads = self.members[kept], self.loads[:, kept]
        self.active.renumber(kept)
        return places

    def descend(
        self, terms: Floats, resid_sq: float, target: float, max_iter: int, *, clocked: bool
    ) -> tuple[int, bool]:
        """Minimise over the members in Gram space, to a gap of target among them.

        Active-set Newton, and coordinate descent where that stops short. Returns (n_iter, whether
        it got to the target or its floor).

        terms : (7, |W|), rows coef, grad = X_W'(w r), |x_j|_w^2, l1, l2, lower and upper; the first
            two are overwritten
        """
        assert self.gram is not None  # who descends in Gram space has seen to it
        solves, n_iter = min(max_iter, CLOCKED) if clocked else max_iter, 0
        start = terms[0].copy()
        while True:
            more, resid_sq, finished = self.active.descend(
                self.gram, terms, resid_sq, target, solves
            )
            n_iter += more
            if finished:
                return n_iter, True
            if more < solves:
                break
            if n_iter >= max_iter or not np.array_equal(terms[0], start):
                return n_iter, False
            solves = min(2 * solves, max_iter - n_iter)  # who joined and never moved is forgotten
        sweeps, finished = self.sweep(terms, resid_sq, target, max_iter - n_iter)
        return n_iter + sweeps, finished

    def sweep(
        self, terms: Floats, resid_sq: float, target: float, max_sweeps: int
    ) -> tuple[int, bool]:
        """Do the same by coordinate descent alone."""
        assert self.gram is not None
        limit = min(max_sweeps, max(10, int(CHUNK / max(1, terms.shape[1]) ** 2)))
        sweeps, _ = coordinate.gram_descent(self.gram, terms, resid_sq, target, limit)
        return sweeps, sweeps < limit

    def image(self, coef: Floats) -> Floats:
        """Return X_W b, (n,), from coef (|W|,); where nothing is free."""
        return self.panel.dot(coef)

    def fitted(self, coef: Floats, active: Indices, rows: Indices | None = None) -> Floats:
        """Return X b, (n,), or some of its rows, from coef (p,), non-zero at active: from the panel
        where it can."""
        if self.gram is None or not self.is_member[active].all():
            found = self._design.dot(active, coef[active])
            return found if rows is None else found[rows]
        coef = coef[self.panel.members]
        return self.panel.dot(coef) if rows is None else self.panel.dot_of(rows, coef)

    def gradients(self, u: Floats, some: Indices) -> tuple[Floats, Floats]:
        """Return X_S'U, (|S|, K), of the members at the positions `some`, and the column sums of U
        (n, K); columns centred as for G, or by the design where there is no Gram matrix."""
        total, vectors = u.sum(axis=0), np.ascontiguousarray(u.T)
        if self.gram is None:
            z = self._design.transpose_dots(vectors)[:, self.members[some]]
            return np.ascontiguousarray(z.T), total
        z = self.panel.transpose_dots(vectors, some)
        return np.ascontiguousarray(z.T) - np.outer(self.panel.mean[some], total), total

    def images(self, step: Floats, some: Indices) -> Floats:
        """Return X_S D, (n, K), from steps (|S|, K) of the members at the positions `some`; columns
        centred as for G."""
        if self.gram is None:
            return self._design.dots(self.members[some], np.ascontiguousarray(step.T)).T
        out = self.panel.dots(np.ascontiguousarray(step.T), some)
        return out.T - self.panel.mean[some] @ step

    def product(self, bend: Bend, some: Indices, K: int) -> Product:
        """Return [X_S, 1]' diag(w) f'' [X_S, 1] of the members at the positions `some`, `bend` its
        middle; columns centred as for G."""
        mean = np.zeros(len(some)) if self.gram is None else self.panel.mean[some]
        native = self._design.product(self.members[some], mean, bend, K)
        if native is not None:
            return native

        def call(direction: Floats, out: Floats) -> None:
            along = self.images(direction[:, :-1].T, some) + direction[:, -1]
            vectors = np.ascontiguousarray(along.T)
            bend(vectors)
            z, total = self.gradients(vectors.T, some)
            out[:, :-1], out[:, -1] = z.T, total

        return Product(call)

    def mean_at(self, step: Floats) -> Any:
        """Return the mean, under the weights of G, of what a step of b_Z and then b_W moves; 0
        where there is no G, and columns are centred by the design alone."""
        return 0.0 if self.gram is None else self.panel.mean @ step

    def residual_view(self, work: Indices) -> ResidualView:
        """Return Z and the members, laid out for descent on the residual."""
        if self._view is None or self._view_size != len(work):
            self._view, self._view_size = self._design.residual_view(work), len(work)
        return self._view

    def load(self, z_free: Floats) -> Any:
        """Return G_WZ G_ZZ^+ z_Z, (|W|,): what the free features take of X_W'u; 0 where there is no
        G."""
        return 0.0 if self.gram is None else z_free @ self.loads

    def free_step(self, step: Floats) -> Floats:
        """Return how b_Z moves when b_W moves by step (|W|,)."""
        return -(self.loads @ step)

    def smoother_trace(self, coef: Floats, l2: Floats) -> float:
        """Return the trace of the smoother on the support, rank(Z) included.

        tr H_AA (H_AA + diag(l2))^-1 = |A| - sum_a l2_a (H_AA + diag(l2))^-1_aa, from coef and l2
        (|W|,); NaN where the Gram matrix was not affordable.
        """
        active = np.flatnonzero(coef)
        if len(active) == 0 or not l2.any():
            return float(len(active) + self.space.rank)
        if self.gram is None:
            return float("nan")
        factor, l2_of_rows = self.active.factor_of(self.gram, active, l2)
        diagonal = np.empty(factor.size)
        parts = cut(factor.size, factor.size // 64, 64)
        run(
            [partial(factor.inverse_diagonal, diagonal, a, b) for a, b in parts],
            self._design.n_threads,
        )
        trace = factor.size - dual.weighted_sums(l2_of_rows, diagonal)[0]
        return float(trace) + self.space.rank


def refill(
    working: WorkingSet,
    coef: Floats,
    support: int,
    z: Floats,
    box: Box,
    skip: NDArray[np.uint8],
    threshold: float,
    near: Near,
) -> int:
    """Let the features that should join do so, the most urgent first; return how many did.

    urgency_j = |z_j| / l1_j; above 1 a feature at zero violates its optimality condition, above
    `threshold` it is expected to soon (the sequential strong rule: Tibshirani et al., J. R. Stat.
    Soc. B 74(2), 2012, eq. 10). Violators join, and the expected ones fill the set up to five
    quarters of the support. Where anybody joins, so do the next in line, up to an eighth of |W|
    where H lasts (growing seldom is then cheaper than growing exactly), but no more at once than a
    quarter of the support and LEAST: far from the solution most violators stop being any once the
    most urgent have been fitted. Where the set would then exceed SLACK times the support, or
    GRAM_LIMIT although the support does not, the least urgent members at zero leave.

    near : the outsiders above `threshold`, and those next in line
    """
    size, urgency = len(working), near.urgency
    expected, violators = (int(np.count_nonzero(urgency > level)) for level in (threshold, 1.0))
    fits = working.gram is not None and support + violators <= GRAM_LIMIT
    limit = GRAM_LIMIT if working.gram is not None else -1
    roomy = ahead.room_for(support, violators, LEAST, limit)
    joining = ahead.joining(expected, violators, roomy, size)
    if joining == 0:
        return 0
    more = size // 8 if working.lasting else 0
    more = max(min(working.panel.fewest, GRAM_LIMIT - size), min(more, roomy - size))
    joining = min(max(joining, more), support // AT_ONCE + LEAST)
    outside = np.flatnonzero(urgency > (threshold if joining <= expected else 0.0))
    joining = min(joining, len(outside))
    best = near.features[outside[_largest(urgency[outside], joining)]]
    loose = size + joining > SLACK * support + 2 * LEAST
    if working.gram is not None and (loose or (fits and size + joining > GRAM_LIMIT)):
        members = working.members
        rank = np.empty(size)
        dual.urgency(
            z[members], box.l1[members], box.lower[members], box.upper[members], skip[members], rank
        )
        rank[coef[members] != 0.0] = np.inf
        room = min(roomy - joining, GRAM_LIMIT - GRAM_LIMIT // 8)
        room = max(room, int(np.count_nonzero(np.isinf(rank))))
        if room < size:
            working.retain(_largest(rank, room))
    working.fetch(best, near)
    working.extend(best)
    return joining


def _largest(values: Floats, k: int) -> Indices:
    """Return the positions of the k largest values, in order."""
    if k == 0:
        return np.empty(0, dtype=np.intp)
    return np.sort(np.argpartition(values, len(values) - k)[len(values) - k :])
