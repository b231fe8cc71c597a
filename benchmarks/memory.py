"""Peak memory of one path above its input, per storage, each in a process of its own.

    python benchmarks/memory.py FOLDER STORAGE SOLVER     one measurement, as JSON

Two meters. The resident set's peak sees everything: X is loaded, a small fit starts threads and
BLAS, the peak is reset, the path is fitted. tracemalloc sees what NumPy allocates, and measures a
second fit.
"""

import json
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import scipy.sparse as sp

DENSE = ("dense Fortran", "dense C", "dense Fortran float32", "dense C float32")
SPARSE = ("CSC", "CSR", "CSC float32", "CSR float32")
SOLVERS = ("riata", "scikit-learn")
GRID = (10, 0.2)  # alphas, and the ratio of the last to the first


def measure_all(dense, sparse, n_threads):
    """Yield (storage, {solver: measurement}) of two workloads in every storage."""
    with tempfile.TemporaryDirectory() as folder:
        for storage in DENSE + SPARSE:
            _save(folder, dense if storage in DENSE else sparse, storage)
            yield storage, {solver: _in_a_process(folder, storage, solver, n_threads)
                            for solver in SOLVERS}  # fmt: skip


def _save(folder, work, storage):
    """Write X in its storage and y; a fresh process that reads them holds nothing else."""
    X = work.X.astype(np.float32) if "float32" in storage else work.X
    if storage in DENSE:
        np.save(Path(folder, "X.npy"), np.asarray(X, order="F" if "Fortran" in storage else "C"))
    else:
        sp.save_npz(Path(folder, "X.npz"), X.asformat(storage[:3].lower()), compressed=False)
    np.save(Path(folder, "y.npy"), work.y)


def _in_a_process(folder, storage, solver, n_threads):
    command = [sys.executable, __file__, folder, storage, solver, str(n_threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{storage}, {solver}: {done.stderr}")
    return json.loads(done.stdout)


def _measure(folder, storage, solver, n_threads):
    is_sparse = storage in SPARSE
    y = np.load(Path(folder, "y.npy"))
    X = sp.load_npz(Path(folder, "X.npz")) if is_sparse else np.load(Path(folder, "X.npy"))
    fit = _riata if solver == "riata" else _scikit_learn
    small = slice(0, min(200, len(y)))
    fit(X[small, :50], y[small], is_sparse, n_threads)
    before = reset_peak()
    fit(X, y, is_sparse, n_threads)
    resident = peak() - before
    tracemalloc.start()
    coefs = fit(X, y, is_sparse, n_threads)
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    parts = (X.data, X.indices, X.indptr) if is_sparse else (X,)
    return {
        "input": sum(part.nbytes for part in parts),
        "resident": resident,
        "traced": traced,
        "result": _nbytes(coefs),
        "allowed": allowed(X, coefs) if solver == "riata" else None,
    }


def _riata(X, y, is_sparse, n_threads):
    import riata

    return riata.fit_path(
        X, y, n_alphas=GRID[0], alpha_min_ratio=GRID[1], fit_intercept=is_sparse, tol=1e-6,
        n_threads=n_threads,
    ).coefs  # fmt: skip


def _scikit_learn(X, y, is_sparse, n_threads):
    """The path function at its default tolerance: the gap is not the question here."""
    from sklearn.linear_model import lasso_path

    y = (y - y.mean() if is_sparse else y).astype(X.dtype)
    alphas = np.abs(X.T @ y).max() / len(y) * np.geomspace(1.0, GRID[1], GRID[0])
    return lasso_path(X, y, alphas=alphas, copy_X=False, precompute=False)[1]


def allowed(X, coefs):
    """Return riata's budget in bytes: a tenth of X; sparse, 16 doubles a column and 12 a row.

    Above the result, the Gram matrix of a working set twice as large as the support, and, for
    sparse X, the entries of that working set.
    """
    support = np.flatnonzero(np.diff(sp.csr_array(coefs).indptr))
    extra = _nbytes(coefs) + 8 * (2 * len(support) + 100) ** 2
    if not sp.issparse(X):
        return int(0.1 * X.nbytes + extra)
    entries = np.bincount(X.tocoo().col, minlength=X.shape[1])
    columns = np.count_nonzero(entries)
    return int(8 * (16 * columns + 12 * X.shape[0]) + extra + 2 * 16 * entries[support].sum())


def _nbytes(coefs):
    parts = (coefs.data, coefs.indices, coefs.indptr) if sp.issparse(coefs) else (coefs,)
    return sum(part.nbytes for part in parts)


def peak():
    """Return the resident set's peak in bytes; ru_maxrss on Linux starts from the parent's."""
    try:
        with open("/proc/self/status") as file:
            return 1024 * int(file.read().split("VmHWM:")[1].split()[0])
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def reset_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass  # the peak then includes what loading X took
    return peak()


if __name__ == "__main__":
    print(json.dumps(_measure(*sys.argv[1:4], int(sys.argv[4]))))
