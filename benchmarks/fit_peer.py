"""One library fits one problem, in a process and an environment of its own.

    python benchmarks/fit_peer.py WAY STORAGE FOLDER THREADS

FOLDER is what `peers.save_problem` wrote: y, the grid, and X in STORAGE (dense, csc or csr). The
process loads it, fits a corner of it, which starts threads and compiles what compiles just in
time, and prints {"ready": versions}. Then each line it reads is a tolerance: it fits the whole
path, writes the coefficients to FOLDER, and prints {"seconds": ..., "cpu": ..., "peak": ...}: the
fit alone, its processor seconds in all threads, and the bytes that the resident set's peak grew
by; or {"error": ...}.

The problem is the lasso without an intercept, |y - X b|^2 / (2 n) + alpha |b|_1. A way prepares
what is no part of a fit (a wrapper, a copy of X in the order it needs) and returns solve(tol) ->
(coefs (p, L), relative gaps it claims or None). Early exits are off everywhere: the whole grid.
Runs wherever NumPy, SciPy and the library are; `fit_glmnet.R` is the same for R.
"""

import gc
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import memory
import numpy as np
import scipy.sparse as sp

SWEEPS = 1_000_000  # the referee says when it is enough, not an iteration limit


def riata(X, y, alphas, n_threads):
    import riata

    def solve(tol):
        path = riata.fit_path(
            X, y, alphas=alphas, tol=tol, fit_intercept=False, n_threads=n_threads
        )
        return path.coefs, path.dual_gaps / (y @ y / (2 * len(y)))

    return solve


def scikit_learn(way):
    def prepare(X, y, alphas, n_threads):
        import solvers

        work = SimpleNamespace(X=X, y=y, l1_ratio=1.0)
        solver = {
            "path": lambda: solvers.by_path(work, y @ y / (2 * len(y)), alphas, False),
            "gram": lambda: solvers.by_path(work, y @ y / (2 * len(y)), alphas, "auto"),
            "lars": lambda: solvers.by_corners(work, alphas),
        }[way]()

        def solve(tol):
            found = solver(tol)
            return found.coefs, found.claimed

        return solve

    return prepare


def adelie(X, y, alphas, n_threads):
    import adelie

    kind = adelie.matrix.sparse if sp.issparse(X) else adelie.matrix.dense
    wrapped = kind(sp.csc_matrix(X) if sp.issparse(X) else X, method="naive", n_threads=n_threads)

    def solve(tol):
        state = adelie.grpnet(
            X=wrapped, glm=adelie.glm.gaussian(y), lmda_path=alphas, intercept=False, tol=tol,
            adev_tol=1.0, early_exit=False, n_threads=n_threads, progress_bar=False,
            max_iters=SWEEPS,
        )  # fmt: skip
        return state.betas.T, None

    return solve


def adelie_covariance(X, y, alphas, n_threads):
    """The solver on the Gram matrix, which is part of the fit."""
    import adelie

    def solve(tol):
        n = len(y)
        state = adelie.gaussian_cov(
            A=np.asfortranarray(X.T @ X / n), v=X.T @ y / n, lmda_path=alphas, tol=tol, rdev_tol=0,
            early_exit=False, n_threads=n_threads, progress_bar=False, max_iters=SWEEPS,
        )  # fmt: skip
        return state.betas.T, None

    return solve


def celer(X, y, alphas, n_threads):
    import celer

    X = sp.csc_matrix(X) if sp.issparse(X) else X

    def solve(tol):
        found = celer.celer_path(
            X, y, pb="lasso", alphas=alphas, tol=tol, max_iter=1000, max_epochs=SWEEPS
        )
        return found[1], None

    return solve


def skglm(X, y, alphas, n_threads):
    import skglm

    X = sp.csc_matrix(X) if sp.issparse(X) else X

    def solve(tol):
        model = skglm.Lasso(
            tol=tol, fit_intercept=False, max_iter=1000, max_epochs=SWEEPS, warm_start=True
        )
        return model.path(X, y, alphas)[1], None

    return solve


def skein(X, y, alphas, n_threads):
    import skein_glm

    def solve(tol):
        model = skein_glm.ElasticNetPathRegressor(
            alpha=1.0, lambdas=alphas, tol=tol, fit_intercept=False, max_iter=SWEEPS
        )
        return model.fit(X, y).coefs_.T, None

    X = sp.csc_matrix(X) if sp.issparse(X) else np.ascontiguousarray(X)
    return solve


def picasso(X, y, alphas, n_threads):
    import pycasso

    model = pycasso.Solver(
        X, y, lambdas=alphas, useintercept=False, standardize=False, max_ite=SWEEPS
    )

    def solve(tol):
        model.prec = tol
        model.train()
        return model.result["beta"].T.copy(), None

    return solve


WAYS = {  # name: (distribution, prepare)
    "riata": ("riata", riata),
    "scikit-learn path": ("scikit-learn", scikit_learn("path")),
    "scikit-learn gram": ("scikit-learn", scikit_learn("gram")),
    "scikit-learn lars": ("scikit-learn", scikit_learn("lars")),
    "adelie": ("adelie", adelie),
    "adelie covariance": ("adelie", adelie_covariance),
    "celer": ("celer", celer),
    "skglm": ("skglm", skglm),
    "skein-glm": ("skein-glm", skein),
    "picasso": ("pycasso", picasso),
}


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


def corner(X, y):
    """Return a small problem in the same storage, and a grid for it."""
    rows = slice(0, min(200, len(y)))
    if sp.issparse(X):
        fullest = np.argsort(-np.bincount(X.tocoo().col, minlength=X.shape[1]))[:50]
        small = X[rows][:, np.sort(fullest)].asformat(X.format)
    else:
        small = np.asfortranarray(X[rows, :50])
    largest = np.abs(small.T @ y[rows]).max() / rows.stop
    return small, y[rows], largest * np.geomspace(1.0, 0.1, 5)


def save(folder, coefs):
    """Write the coefficients of every alpha as the three arrays of a CSC matrix."""
    coefs = sp.csc_array(coefs)
    for part in ("data", "indices", "indptr"):
        np.save(Path(folder, f"coef_{part}.npy"), getattr(coefs, part))


def say(**answer):
    print(json.dumps(answer), flush=True)


def main(way, storage, folder, n_threads):
    distribution, prepare = WAYS[way]
    X, y, alphas = load(folder, storage)
    prepare(*corner(X, y), n_threads)(1e-3)
    solve = prepare(X, y, alphas, n_threads)
    say(ready=_version(distribution))
    for line in sys.stdin:
        gc.collect()
        before = memory.reset_peak()
        start, cpu = time.perf_counter(), time.process_time()
        try:
            coefs, claimed = solve(float(line))
        except Exception as error:
            say(error=f"{type(error).__name__}: {error}"[:300])
            continue
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        peak = memory.peak() - before
        save(folder, coefs)
        say(seconds=seconds, cpu=cpu, peak=peak,
            claimed=None if claimed is None else float(np.max(claimed)))  # fmt: skip


def _version(distribution):
    if distribution == "riata":  # which may run from its source tree
        import riata

        return riata.__version__
    return version(distribution)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
