"""One library fits one problem, in a process and an environment of its own.

    python benchmarks/fit_peer.py WAY STORAGE FOLDER THREADS FAMILY INTERCEPT L1_RATIO

FOLDER is what `peers.save_problem` wrote: y, the grid, and X in STORAGE (dense, csc or csr);
INTERCEPT is 0 or 1. The process loads it, fits a corner of it, which starts threads and compiles
what compiles just in time, and prints {"ready": versions}. Then each line it reads is a tolerance:
it fits the whole path, writes coefficients and intercepts to FOLDER, and prints {"seconds": ...,
"cpu": ..., "peak": ..., "claimed": ..., "steps": ...}: the fit alone, its processor seconds in all
threads, the bytes that the resident set's peak grew by, the largest relative gap it claims, and its
Newton steps an alpha (None where it tells none); or {"error": ...}.

Runs wherever NumPy, SciPy and the library are; `fit_ways.py` is what calls the libraries, and
`fit_glmnet.R` is the same for R.
"""

import gc
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import memory
import numpy as np
import scipy.sparse as sp
from fit_ways import WAYS, Problem


def load(folder, storage):
    """Return X, y and the grid."""
    folder = Path(folder)
    y, alphas = np.load(folder / "y.npy"), np.load(folder / "alphas.npy")
    if storage == "dense":
        return np.load(folder / "X.npy"), y, alphas
    data, indices, indptr = (
        np.load(folder / f"{storage}_{part}.npy") for part in ("data", "indices", "indptr")
    )
    kind = {"csc": sp.csc_array, "csr": sp.csr_array}[storage]
    return kind((data, indices, indptr), shape=tuple(np.load(folder / "shape.npy"))), y, alphas


def corner(problem):
    """Return a small problem of the same kind: some rows from everywhere, fifty columns."""
    X, y = problem.X, problem.y
    rows = slice(None, None, max(1, len(y) // 200))
    if sp.issparse(X):
        fullest = np.argsort(-np.bincount(X.tocoo().col, minlength=X.shape[1]))[:50]
        small = X[:, np.sort(fullest)].tocsr()[rows].asformat(X.format)
    else:
        small = np.asfortranarray(X[rows, :50])
    problem = problem._replace(X=small, y=np.asfortranarray(y[rows]))
    return problem._replace(alphas=problem.referee().grid(5, 0.1))


def save(folder, solution, n_alphas):
    """Write the coefficients of every alpha as the three arrays of a CSC matrix; intercepts."""
    coefs = sp.csc_array(solution.coefs)
    for part in ("data", "indices", "indptr"):
        np.save(Path(folder, f"coef_{part}.npy"), getattr(coefs, part))
    intercepts = np.asarray(solution.intercepts, dtype=float)
    intercepts = np.full(n_alphas, intercepts) if intercepts.ndim == 0 else intercepts
    np.save(Path(folder, "intercepts.npy"), intercepts.ravel())


def say(**answer):
    print(json.dumps(answer), flush=True)


def main(way, storage, folder, n_threads, family, fit_intercept, l1_ratio):
    distribution, prepare = WAYS[way]
    problem = Problem(*load(folder, storage), family, fit_intercept, n_threads, l1_ratio)
    prepare(corner(problem))(1e-3)
    solve = prepare(problem)
    say(ready=_version(distribution))
    for line in sys.stdin:
        gc.collect()
        before = memory.reset_peak()
        start, cpu = time.perf_counter(), time.process_time()
        try:
            solution = solve(float(line))
        except Exception as error:
            say(error=f"{type(error).__name__}: {error}"[:300])
            continue
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        peak = memory.peak() - before
        save(folder, solution, len(problem.alphas))
        claimed = None if solution.claimed is None else float(np.max(solution.claimed))
        say(seconds=seconds, cpu=cpu, peak=peak, claimed=claimed, steps=solution.steps)


def _version(distribution):
    if distribution == "riata":  # which may run from its source tree
        import riata

        return riata.__version__
    return version(distribution)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(*arguments[:3], int(arguments[3]), arguments[4], arguments[5] == "1", float(arguments[6]))
