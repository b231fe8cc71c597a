"""Fit, and let the oracle judge: the one way by which these tests solve anything."""

import hashlib
import warnings
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from oracle import Claim, Problem, check_claim, check_path

import riata

SOLVER_ONLY = ("family", "relaxed", "max_iter", "max_time", "n_threads", "progress")


@dataclass
class Tally:
    """How many fits, and alphas in them, the oracle has judged."""

    fits: int = 0
    alphas: int = 0


TALLY = Tally()


def fingerprint(value):
    """Return what must not change when `value` is passed to a fit."""
    if sp.issparse(value):
        parts = ("data", "indices", "indptr", "row", "col", "rows", "offsets")
        inside = [fingerprint(getattr(value, part)) for part in parts if hasattr(value, part)]
        return (type(value), value.shape, value.nnz, inside)
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype == object else value.tobytes()
        digest = hashlib.sha256(repr(content).encode()).hexdigest()
        return (value.dtype, value.shape, value.strides, value.flags.writeable, digest)
    return repr(value)


def judge(path, X, y, *, truth=None, statuses=("converged", "precision_floor"), **settings):
    """Hand a path to the oracle; `truth` is the dense X it stands for, if not X itself."""
    for name in SOLVER_ONLY:
        settings.pop(name, None)
    check_path(path, X if truth is None else truth, y, **settings)
    assert set(path.status) <= set(statuses), dict(zip(path.alphas, path.status, strict=True))
    TALLY.fits += 1
    TALLY.alphas += len(path.alphas)
    return path


def certified_fit(X, y, *, truth=None, statuses=("converged", "precision_floor"), **settings):
    """Return riata.fit_path(X, y, ...), certified by the oracle; inputs must come out as given."""
    given = {"X": X, "y": y, **settings}
    before = {name: fingerprint(value) for name, value in given.items()}
    with warnings.catch_warnings():
        if set(statuses) <= {"converged", "precision_floor"}:
            warnings.simplefilter("error")
        else:
            warnings.simplefilter("ignore", riata.exceptions.convergence_warning())
        path = riata.fit_path(X, y, **settings)
    for name, value in given.items():
        assert fingerprint(value) == before[name], f"{name} was changed by the fit"
    return judge(path, X, y, truth=truth, statuses=statuses, **settings)


def certified_extend(path, X, y, alphas, **settings):
    """Return path.extend(X, y, alphas), certified; settings are those of the first fit."""
    merged = path.extend(X, y, alphas)
    settings["alphas"] = np.concatenate([path.alphas, np.atleast_1d(alphas)])
    return judge(merged, X, y, **settings)


def certified_gap(X, y, coef, intercept, alpha, *, truth=None, **settings):
    """Return riata.duality_gap of any coefficients, equal to the oracle's."""
    reported = riata.duality_gap(X, y, coef, intercept, alpha, **settings)
    problem = Problem(X if truth is None else truth, y, **settings)
    coef = np.asarray(coef, float)
    # "max_iter" promises nothing: only the number is judged
    check_claim(problem, Claim(alpha, coef, intercept, reported, "max_iter"), 0.0, 0.0)
    TALLY.fits += 1
    TALLY.alphas += 1
    return reported
