"""A neutral referee: who solved the problem, and how long did it take? It imports no solver.

The problem, for one alpha (b0 = 0 where there is no intercept):

    P(b0, b) = |y - b0 - X b|^2 / (2 n) + alpha (l1_ratio |b|_1 + (1 - l1_ratio)/2 |b|_2^2)

With r = y - b0 - X b, t = r (less its mean, where there is an intercept), any c in [0, 1], and
z = X't / n, weak duality gives

    min P >= D(c) = (|y|^2 - |y - c t|^2) / (2 n) - sum_j g*(c z_j)
    g*(z) = max(|z| - l1, 0)^2 / (2 l2);   l2 = 0: 0 where |z| <= l1, else inf
    l1 = alpha l1_ratio,   l2 = alpha (1 - l1_ratio)

(y centred first, where there is an intercept, which changes nothing as t sums to 0). The gap is
P - D(c) at the best c. It is divided by P of the null model: a relative gap has no units.

Rule of the game: a solver's tolerance means what its authors like, so it is tightened until the
largest relative gap over the whole path is at most the target. Only such a run has a time.
"""

import gc
import signal
import time
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize_scalar

ATTEMPTS = 12  # at a tolerance that is enough
SLOW = 20.0  # seconds: what takes longer is run once
LONGEST = 86400.0  # seconds: no run takes a day


BLOCK = 25  # alphas judged together: what they take is 8 bytes a feature each


class SolverError(RuntimeError):
    """A solver gave up or died: a failed run, not the end of the race."""


class Solution(NamedTuple):
    """What a solver returns: coefs (p, L), dense or sparse; claimed: its own gaps, if any.

    Of K responses: coefs (K p, L), those of the first on top, and intercepts (L, K). steps:
    Newton steps an alpha, if they are counted; seconds: by its own clock, if it runs in another
    process.
    """

    coefs: Any
    intercepts: Any
    claimed: np.ndarray | None = None
    seconds: float | None = None
    steps: float | None = None


class Run(NamedTuple):
    """A run that was judged. seconds: the fastest of `times`; worst, claimed: relative gaps.

    reached: of a run that did not end, the gap of the last looser one that did.
    """

    seconds: float
    tol: float
    worst: float
    claimed: float
    times: int
    reached: float = np.inf


class Referee:
    """The judge of one problem: its null model, its grid, and the gap of any path on it."""

    n_responses = 1

    def __init__(self, X, y, *, fit_intercept, l1_ratio=1.0):
        self.X = X.astype(np.float64, copy=False)
        self.fit_intercept, self.l1_ratio = fit_intercept, l1_ratio
        self.y_mean = float(np.mean(y, dtype=np.float64)) if fit_intercept else 0.0
        self.y = np.asarray(y, dtype=np.float64) - self.y_mean
        self.n = len(self.y)
        self.null_objective = self.y @ self.y / (2 * self.n)
        self.alpha_max = np.abs(self.X.T @ self.y).max() / (self.n * l1_ratio)

    def grid(self, n_alphas, ratio):
        """Return n_alphas from alpha_max to ratio * alpha_max, evenly spaced in the logarithm."""
        return self.alpha_max * np.geomspace(1.0, ratio, n_alphas)

    def relative_gaps(self, alphas, solution):
        """Return P - D of every alpha, over the null model's P; NaN or inf is no solution."""
        coefs = solution.coefs
        coefs = sp.csc_array(coefs) if sp.issparse(coefs) else np.asarray(coefs)
        wanted = (self.X.shape[1] * self.n_responses, len(alphas))
        if coefs.shape != wanted:
            raise ValueError(f"coefs must be {wanted}, got {coefs.shape}")
        shift = np.asarray(solution.intercepts) - self.y_mean
        blocks = [slice(k, k + BLOCK) for k in range(0, len(alphas), BLOCK)]
        gaps = [self._gaps(alphas[block], coefs[:, block], shift[block]) for block in blocks]
        return np.concatenate(gaps) / self.null_objective

    def _gaps(self, alphas, coefs, shift):
        coefs = coefs.toarray() if sp.issparse(coefs) else coefs.astype(np.float64, copy=False)
        r = self.y[:, None] - self.X @ coefs - shift
        t = r - r.mean(axis=0) if self.fit_intercept else r
        z = self.X.T @ t / self.n
        gaps = np.empty(len(alphas))
        for k, alpha in enumerate(alphas):
            l1, l2 = alpha * self.l1_ratio, alpha * (1 - self.l1_ratio)
            b = coefs[:, k]
            primal = r[:, k] @ r[:, k] / (2 * self.n) + l1 * np.abs(b).sum() + l2 / 2 * (b @ b)
            gaps[k] = primal - self._dual(t[:, k], np.abs(z[:, k]), l1, l2)
        return gaps

    def _dual(self, t, z, l1, l2):
        """Return the largest D(c) over 0 <= c <= 1; z holds |X't| / n."""
        linear, square, largest = t @ self.y / self.n, t @ t / self.n, z.max()
        if not np.isfinite(largest + square):
            return -np.inf
        if l2 == 0:
            c = min(1.0, l1 / largest) if largest > 0 else 1.0
            c = np.clip(linear / square, 0.0, c) if square > 0 else 0.0
            return c * linear - c**2 / 2 * square

        def loss(c):
            over = np.maximum(c * z - l1, 0.0)
            return c**2 / 2 * square - c * linear + over @ over / (2 * l2)

        inside = minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-9})
        return -min(loss(1.0), inside.fun)


@contextmanager
def time_limit(seconds):
    """Raise TimeoutError in the main thread; a solver in Python ends at its next alpha or step."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def timed(solve, tol, judge, limit):
    """Call solve(tol) once with the clock running, then judge what came back."""
    gc.collect()
    start = time.perf_counter()
    try:
        with time_limit(limit):
            solution = solve(tol)
    except (TimeoutError, SolverError):
        return Run(time.perf_counter() - start, tol, np.inf, np.nan, 1)
    seconds = time.perf_counter() - start if solution.seconds is None else solution.seconds
    claimed = np.nan if solution.claimed is None else float(np.max(solution.claimed))
    return Run(seconds, tol, float(np.max(judge(solution))), claimed, 1)


def tighten(solve, judge, target, tol, limit=LONGEST):
    """Tighten tol until the target is met. Return that run, or the last one that missed it.

    Where tightening changes nothing, twice, it ends: the solver is exact or has no more to give.
    """
    before, same = None, 0
    for _ in range(ATTEMPTS):
        run = timed(solve, tol, judge, limit)
        if before is not None and run.worst == np.inf:
            run = run._replace(reached=min(before.worst, before.reached))
        if run.worst <= target or run.seconds >= limit:
            break
        same = same + 1 if before is not None and run.worst == before.worst < np.inf else 0
        if same == 2:
            break
        tol *= _step(run, before, target)
        before = run
    return run


def _step(run, before, target):
    """Return the factor for the next tolerance: 0.1, until two runs tell how the gap follows it.

    worst ~ tol^slope; the slope is 1 where the tolerance is a gap, half where it is a square.
    """
    if not np.isfinite(run.worst):
        return 0.1
    wanted = 0.98 * target / run.worst
    if before is None or not 0 < run.worst < before.worst < np.inf:
        return float(np.clip(wanted, 0.1, 0.98))
    slope = np.log(run.worst / before.worst) / np.log(run.tol / before.tol)
    return float(np.clip(wanted ** (1 / np.clip(slope, 0.3, 1.0)), 0.01, 0.98))


def race(solvers, target, *, repeat=3, limit=LONGEST, report=print):
    """Return {name: Run} of {name: (solve, first tol, judge)}: tighten each, then take turns.

    Taking turns spreads the machine's moods over everybody. What takes longer than SLOW seconds
    keeps the one time it has. A run above the target stays in the result, and has failed; one
    that took `limit` seconds was stopped, and its `worst` is inf.
    """
    runs = {}
    for name, (solve, tol, judge) in solvers.items():
        runs[name] = tighten(solve, judge, target, tol, limit)
        report(f"  {name}: {runs[name].seconds:.3g} s, gap {runs[name].worst:.2g}")
    for _ in range(repeat - 1):
        for name, (solve, _, judge) in solvers.items():
            best = runs[name]
            if not best.worst <= target or best.seconds > SLOW:
                continue
            again = timed(solve, best.tol, judge, limit)
            if again.seconds >= limit:  # stopped: steps at random may take for ever now and then
                continue
            seconds = min(best.seconds, again.seconds)
            worst = float(np.maximum(best.worst, again.worst))
            runs[name] = best._replace(seconds=seconds, worst=worst, times=best.times + 1)
    return runs
