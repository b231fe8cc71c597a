"""The full curvature of classes on a working set: Newton steps that know what couples the classes.

With S_kq = X_W' diag(w mu_k mu_q) X_W the second derivative of a softmax in the coefficients
(|W|, K) has the blocks

    H_kq = -S_kq for k != q,      H_kk = sum over q != k of S_kq

(mu_k (1 - mu_k) is the sum of the other mu_k mu_q), and alike for the intercepts, which are
eliminated. What is left is a quadratic in |W| K numbers. Where single coefficients are penalised
these are features to the active set of the gaussian fit. Where rows enter together, block descent
finds who does, and Newton steps on the rows off zero, along which |b_j| is smooth, go to their
optimum. Adding the same to all classes changes no probability; H has that null space, and so has
what nothing penalises: there the last class stays where it is.

Several responses under one curvature are the same without what couples classes: H is the Gram
matrix of the columns once for each, and rows are all that ties them together.

Cost: K (K - 1) / 2 Gram matrices, and a few factors of the support's.
"""

from functools import cached_property

import numpy as np
from scipy.linalg.lapack import dposv

from .design import Panel
from .families.multiple import inner
from .gram_space import GramSpace
from .kernels import bends, groups
from .kernels.active_set import ActiveSet
from .rowwise import Rowwise, lengths
from .working_set import Floats, Indices

SIZE = 1024  # |W| K, at most
PAIRS = 8  # of classes, whose n weights are held at a time
SWEEPS = 10  # of block descent between two Newton steps
SMALLEST_STEP = 1e-6
PATIENCE = 5  # Newton steps before corners are rounded,
IN_A_ROW = 10  # and after which so many follow one another, as sweeps between them undo them
ROUNDS, SHARPER = 20, 0.3  # how often, and by what factor e falls
FLAT = 1e-20  # share of the largest stiffness below which one is rounding, and its row stays
RIDGES = [1e-12, 1e-10, 1e-8]  # shares of the diagonal, added to it: the null space needs one


class ClassModel:
    """The quadratic at one point, and the way to its optimum.

    members (|W|,) : whose coefficients these are
    """

    def __init__(
        self, members: Indices, K: int, gram: Floats, cross: Floats, intercepts: Floats
    ) -> None:
        """gram : (|W| K, |W| K), the intercepts eliminated
        cross, intercepts : (K, |W| K), and the inverse of the intercepts' own curvature; 0 where
            there are none
        """
        self.members, self._shape = members, (len(members), K)
        self._gram, self._cross, self._intercepts = gram, cross, intercepts
        self._active = ActiveSet(1)  # 1024 coefficients at most

    @classmethod
    def of_classes(cls, panel: Panel, centred: bool, weights: Floats, mu: Floats) -> "ClassModel":
        """Return that of a softmax.

        panel : the members' columns, centred by its mean besides what the design subtracts
        centred : whether there are intercepts;  weights (n,);  mu (n, K), the probabilities
        """
        size, K = len(panel.members), mu.shape[1]
        first, second = np.tril_indices(K, -1)
        grams, total = np.empty((len(first), size, size)), np.empty(len(first))
        sums, everybody = np.empty((len(first), size)), np.arange(size)
        for a in range(0, len(first), PAIRS):
            some = slice(a, a + PAIRS)
            both = weights * (mu.T[first[some]] * mu.T[second[some]])
            grams[some], total[some] = panel.grams_about(both, panel.mean), both.sum(axis=1)
            if centred:
                sums[some] = panel.transpose_dots(both, everybody)
        gram, cross = np.empty((size * K, size * K)), np.zeros((K, size * K))
        intercepts = np.zeros((K, K))
        bends.couple(grams, gram)
        if centred:
            sums -= np.outer(total, panel.mean)
            mass = np.empty((K, K))
            bends.couple(sums[:, None], cross)
            bends.couple(total[:, None, None], mass)
            intercepts = GramSpace(mass).inverse
            gram -= cross.T @ (intercepts @ cross)
        return cls(panel.members, K, gram, cross, intercepts)

    @classmethod
    def of_responses(cls, members: Indices, gram: Floats, K: int) -> "ClassModel":
        """Return that of K responses of one curvature, which nothing couples, and whose intercepts
        are where they belong.

        gram : of the members' columns, orthogonal to the constant where there are intercepts
        """
        size, one = len(members), np.eye(K)
        whole = np.asarray(np.kron(gram[:size, :size], one), dtype=np.float64)
        return cls(members, K, whole, np.zeros((K, size * K)), np.zeros((K, K)))

    def step(
        self, rows: Floats, grad: Floats, total: Floats, loss: float, penalty: Rowwise, aim: float,
        limit: int,
    ) -> tuple[int, Floats, Floats]:  # fmt: skip
        """Return (solves, how to move the rows (|W|, K), and the intercepts (K,)), to the optimum
        of the quadratic but for a gap of `aim`.

        grad, total : X_W'U (|W|, K) and the sums of U, the columns centred as H's
        """
        grad = grad - (self._cross.T @ (self._intercepts @ total)).reshape(rows.shape)
        find = self._of_groups if penalty.grouped else self._of_coefficients
        solves, new = find(rows, grad, loss, penalty, aim, limit)
        step = new - rows
        shift = self._intercepts @ (total - self._cross @ step.ravel())
        return max(solves, 1), step, shift

    def _of_coefficients(
        self, rows: Floats, grad: Floats, loss: float, penalty: Rowwise, aim: float, limit: int
    ) -> tuple[int, Floats]:
        """Return (solves, the rows) where every coefficient has its own penalty."""
        K = self._shape[1]
        terms = np.empty((7, rows.size))
        terms[0], terms[1] = rows.ravel(), grad.ravel()
        terms[2] = np.diagonal(self._gram)
        terms[3:] = penalty.each(K)
        last = np.flatnonzero((penalty.l1 == 0.0) & (penalty.l2 == 0.0)) * K + K - 1
        terms[5, last] = terms[6, last] = terms[0, last]
        solves, _, _ = self._active.descend(self._gram, terms, 2.0 * loss, aim, limit)
        return solves, terms[0].reshape(rows.shape)

    def _of_groups(
        self, rows: Floats, grad: Floats, loss: float, penalty: Rowwise, aim: float, limit: int
    ) -> tuple[int, Floats]:
        """Return (steps, the rows) where they enter together."""
        diagonal, stiffness = self._along_rows
        coef, grad, last = rows.copy(), grad.copy(), float("inf")
        for n_iter in range(1, limit + 1):
            groups.sweep_coupled(self._gram, coef, grad, stiffness, penalty.l1, penalty.l2, SWEEPS)
            for _ in range(1 if n_iter <= PATIENCE else IN_A_ROW):
                if not self._newton_step(coef, grad, penalty):
                    break
            gap, _ = groups.certificate(
                diagonal, coef, grad, 2.0 * loss, penalty.l1, penalty.l2, True
            )
            if gap <= aim or (n_iter > 2 * PATIENCE and gap >= 0.99 * last):
                break
            if n_iter == PATIENCE:
                self._round_the_corners(coef, grad, penalty)
            last = min(gap, last)
        return n_iter, coef

    @cached_property
    def _along_rows(self) -> tuple[Floats, Floats]:
        """The largest curvature along a number of each row, and along any direction of it."""
        size, K = self._shape
        diagonal = np.ascontiguousarray(np.diagonal(self._gram)).reshape(size, K).max(axis=1)
        blocks = self._gram.reshape(size, K, size, K)[np.arange(size), :, np.arange(size)]
        stiffness: Floats = np.ascontiguousarray(np.linalg.eigvalsh(blocks)[:, -1])
        stiffness[stiffness < FLAT * stiffness.max()] = 0.0
        return diagonal, stiffness

    def _round_the_corners(self, coef: Floats, grad: Floats, penalty: Rowwise) -> None:
        """Come near the optimum where many rows want past zero: under sqrt(|b_j|^2 + e^2) for
        |b_j|, which is smooth, for smaller and smaller e."""
        size = float(lengths(coef).max(initial=0.0))
        for k in range(ROUNDS):
            for _ in range(2):
                self._newton_step(coef, grad, penalty, size * SHARPER**k)

    def _newton_step(self, coef: Floats, grad: Floats, penalty: Rowwise, e: float = 0.0) -> bool:
        """Move the rows off zero, as far as the quadratic and the penalty fall; both are updated.
        Return whether they do.

        e : under sqrt(|b_j|^2 + e^2) for |b_j|, and all rows
        """
        size, K = self._shape
        everybody = e > 0.0
        some = np.flatnonzero(coef.any(axis=1) | (penalty.l1 == 0.0) | everybody)
        part, old, own = penalty.take(some), coef[some], np.arange(len(some))
        where = (some[:, None] * K + np.arange(K)).ravel()

        length = np.sqrt(inner(old, old) + e * e)[:, None]
        unit = np.divide(old, length, out=np.zeros_like(old), where=length > 0.0)
        stiff = np.divide(part.l1, length[:, 0], out=np.zeros(len(some)), where=length[:, 0] > 0.0)
        H = self._gram[np.ix_(where, where)].copy()
        H.reshape(len(some), K, len(some), K)[own, :, own, :] += stiff[:, None, None] * (
            np.eye(K) - unit[:, :, None] * unit[:, None, :]
        ) + part.l2[:, None, None] * np.eye(K)
        slope = grad[some] - part.l1[:, None] * unit - part.l2[:, None] * old
        step = _solve(H, slope.ravel()).reshape(old.shape)
        before, t = part.value(old, e), 1.0
        while t >= SMALLEST_STEP:
            best, straight = 0.0, old + t * step
            trials = [straight]
            if not everybody:  # besides, rows that would pass zero end there
                passed = unit.any(axis=1) & ((unit * straight).sum(axis=1) <= 0.0)
                trials.append(np.where(passed[:, None], 0.0, straight))
            for new in trials:
                moved = new - old
                image = self._gram[:, where] @ moved.ravel()
                bent, fall = image[where] @ moved.ravel(), (grad[some] * moved).sum()
                change = float(0.5 * bent - fall) + part.value(new, e) - before
                if change < best:
                    best, coef[some], told = change, new, image
            if best < 0.0:
                grad -= told.reshape(size, K)
                return True
            t *= 0.5
        return False


def _solve(H: Floats, u: Floats) -> Floats:
    """Return H^-1 u, or nearly so: H is singular, and rounding may make it indefinite."""
    diagonal = np.diagonal(H).copy()
    for ridge in RIDGES:
        held = H.copy()
        np.fill_diagonal(held, diagonal + ridge * (diagonal + ridge * diagonal.max(initial=1e-300)))
        if np.isfinite(held).all():
            _, step, info = dposv(held, u, overwrite_a=True)
            if info == 0:  # else it is not definite
                return np.asarray(step)
    return np.zeros_like(u)
