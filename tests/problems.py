"""Small data for the tests, and one set of values in every storage that riata reads."""

import numpy as np
import scipy.sparse as sp

from riata.lane import Lane


def regression(n=60, p=30, *, seed=0, density=1.0, correlation=0.3, noise=0.5):
    """Return X and y: a few strong features, correlated columns, zeros where density < 1."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    X += np.sqrt(correlation) * rng.standard_normal((n, 1))
    X *= rng.random((n, p)) < density
    coef = np.zeros(p)
    strong = rng.choice(p, size=min(p, max(3, min(n, p) // 5)), replace=False)
    coef[strong] = rng.standard_normal(len(strong)) * 2
    return X, X @ coef + 1.5 + noise * rng.standard_normal(n)


def weights(n, *, seed=1):
    """Return positive weights over two orders of magnitude, some of them zero."""
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(size=n)) * (rng.random(n) < 0.8)


def interrupt_at(monkeypatch, number):
    """Let Ctrl-C come in place of the alpha of this number, those of all paths counted."""
    step, calls = Lane.step, []

    def interrupted(lane, alpha, *, last):
        calls.append(alpha)
        if len(calls) == number:
            raise KeyboardInterrupt
        return step(lane, alpha, last=last)

    monkeypatch.setattr(Lane, "step", interrupted)


def _read_only(X):
    X = np.array(X, order="F")
    X.setflags(write=False)
    return X


def _read_only_sparse(X):
    X = sp.csc_array(X)
    for part in (X.data, X.indices, X.indptr):
        part.setflags(write=False)
    return X


def _wide_indices(kind, X):
    X = kind(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def _mixed_indices(kind, X):
    X = kind(X)
    X.indptr = X.indptr.astype(np.int64)
    return X


def split_entries(kind, X):
    """Return X with every entry stored as two that sum to it, in shuffled order."""
    X = kind(X)
    data = np.concatenate([2 * X.data, -X.data])
    indices = np.concatenate([X.indices, X.indices])
    major = np.repeat(np.arange(len(X.indptr) - 1), np.diff(X.indptr))
    major = np.concatenate([major, major])
    shuffle = np.random.default_rng(5).permutation(len(data))
    order = shuffle[np.argsort(major[shuffle], kind="stable")]
    return kind((data[order], indices[order], 2 * X.indptr), shape=X.shape)


def unsorted(kind, X):
    """Return X with the indices of every row or column in descending order."""
    X = kind(X)
    major = np.repeat(np.arange(len(X.indptr) - 1), np.diff(X.indptr))
    order = np.lexsort((-X.indices, major))
    return kind((X.data[order], X.indices[order], X.indptr.copy()), shape=X.shape)


def explicit_zeros(kind, X):
    """Return X with every zero of the dense array stored."""
    marked = kind(np.where(X == 0, 7e7, X))
    marked.data[marked.data == 7e7] = 0
    return marked


DENSE = {
    "C order": lambda X: np.array(X, order="C"),
    "Fortran order": lambda X: np.array(X, order="F"),
    "strided rows": lambda X: np.repeat(X, 2, axis=0)[::2],
    "strided columns": lambda X: np.repeat(X, 3, axis=1)[:, ::3],
    "negative row stride": lambda X: np.array(X[::-1], order="C")[::-1],
    "negative column stride": lambda X: np.array(X[:, ::-1], order="F")[:, ::-1],
    "a slice of rows in Fortran order": lambda X: np.array(np.vstack([X, X]), order="F")[: len(X)],
    "a slice of columns in C order": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "read-only": _read_only,
    "big-endian": lambda X: X.astype(">f8"),
    "list of lists": lambda X: X.tolist(),
}
SPARSE = {
    "csc_array": sp.csc_array,
    "csc_matrix": sp.csc_matrix,
    "csr_array": sp.csr_array,
    "csr_matrix": sp.csr_matrix,
    "coo_array": sp.coo_array,
    "coo_matrix": sp.coo_matrix,
    "lil_array": sp.lil_array,
    "dok_array": sp.dok_array,
    "bsr_array": sp.bsr_array,
    "dia_array": sp.dia_array,
    "csc int64 indices": lambda X: _wide_indices(sp.csc_array, X),
    "csr int64 indices": lambda X: _wide_indices(sp.csr_array, X),
    "csc int64 indptr, int32 indices": lambda X: _mixed_indices(sp.csc_array, X),
    "csr int64 indptr, int32 indices": lambda X: _mixed_indices(sp.csr_array, X),
    "csc read-only": _read_only_sparse,
    "csc duplicate entries": lambda X: split_entries(sp.csc_array, X),
    "csr duplicate entries": lambda X: split_entries(sp.csr_array, X),
    "csc unsorted": lambda X: unsorted(sp.csc_array, X),
    "csr unsorted": lambda X: unsorted(sp.csr_array, X),
    "csc explicit zeros": lambda X: explicit_zeros(sp.csc_array, X),
    "csr explicit zeros": lambda X: explicit_zeros(sp.csr_array, X),
}
STORAGES = DENSE | SPARSE
FEW_STORAGES = {name: STORAGES[name] for name in ("C order", "Fortran order", "csc_array")}
FEW_STORAGES["csr_array"] = sp.csr_array
