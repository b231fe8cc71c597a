"""Passes over X against the reads that bound them: python benchmarks/kernels.py

    dense     X'u against a plain read of the same bytes (the largest rate of NumPy's dot and sum,
              a block of X for each thread); goal 80 %
    sparse    X'u against the bare gather (CSC) or scatter (CSR) over the same indices: SciPy's
              compiled loops, one block for each thread; goal 80 %
    several   X'U of eight vectors, in passes for one of them

Medians over --repeat rounds in which everybody takes a turn.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from report import machine, table
from threadpoolctl import threadpool_limits

from riata.design import as_matrix, make_design

GOAL = 0.8


def dense(n, p, order, dtype):
    X = np.asarray(np.random.default_rng(0).standard_normal((n, p)), dtype=dtype, order=order)
    flat = X.ravel(order="K")
    return X, [(flat, np.dot), (flat, lambda block, _: block.sum())]


def sparse(n, p, per_row, storage):
    rng = np.random.default_rng(0)
    counts = rng.poisson(per_row, n)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    # words are rare or frequent: column k about as often as 1 / (k + 10)
    indices = (10 * (p / 10 + 1) ** rng.random(indptr[-1]) - 10).astype(np.int32).clip(0, p - 1)
    X = sp.csr_array((rng.standard_normal(indptr[-1]), indices, indptr), shape=(n, p))
    X.sum_duplicates()
    return X.asformat(storage), None


PROBLEMS = {
    "dense 1000 x 20000, Fortran, f64": lambda: dense(1000, 20000, "F", np.float64),
    "dense 1000 x 20000, Fortran, f32": lambda: dense(1000, 20000, "F", np.float32),
    "dense 1000 x 20000, C, f64": lambda: dense(1000, 20000, "C", np.float64),
    "dense 1000 x 20000, C, f32": lambda: dense(1000, 20000, "C", np.float32),
    "dense 100000 x 200, Fortran, f64": lambda: dense(100_000, 200, "F", np.float64),
    "dense 100000 x 200, C, f64": lambda: dense(100_000, 200, "C", np.float64),
    "sparse 60000 x 120000, 38 a row, CSC": lambda: sparse(60_000, 120_000, 38, "csc"),
    "sparse 60000 x 120000, 38 a row, CSR": lambda: sparse(60_000, 120_000, 38, "csr"),
}


def plain_reads(reads, n_threads, pool):
    """Return functions that read all of X, a block for each thread."""
    found = []
    for flat, read in reads:
        edges = np.linspace(0, len(flat), n_threads + 1).astype(int)
        blocks = [flat[a:b] for a, b in pairwise(edges)]
        found.append(lambda blocks=blocks, read=read: list(pool.map(lambda x: read(x, x), blocks)))
    return found


def bare_loops(X, u, n_threads, pool):
    """Return SciPy's X'u: a gather for CSC, a scatter for CSR."""
    edges = np.linspace(0, X.shape[1 if X.format == "csc" else 0], n_threads + 1).astype(int)
    if X.format == "csc":
        blocks = [X[:, a:b].T for a, b in pairwise(edges)]
        return [lambda: list(pool.map(lambda Z: Z @ u, blocks))]
    blocks = [(X[a:b].T, u[a:b]) for a, b in pairwise(edges)]
    return [lambda: sum(pool.map(lambda part: part[0] @ part[1], blocks))]


def medians(jobs, repeat):
    seconds = np.empty((repeat, len(jobs)))
    for k in range(repeat):
        for j, job in enumerate(jobs):
            start = time.perf_counter()
            job()
            seconds[k, j] = time.perf_counter() - start
    return np.median(seconds, axis=0)


def row(name, n_threads, repeat, pool):
    """Return a line of the table."""
    X, reads = PROBLEMS[name]()
    n = X.shape[0]
    u = np.random.default_rng(1).standard_normal(n)
    several = np.random.default_rng(2).standard_normal((8, n))
    design = make_design(as_matrix(X), np.full(n, 1 / n), centred=False, n_threads=n_threads)
    if reads is None:
        bounds, size = bare_loops(X, u, n_threads, pool), X.nnz * (X.data.itemsize + 4)
    else:
        bounds, size = plain_reads(reads, n_threads, pool), X.nbytes
    passes = [lambda: design.transpose_dot(u), lambda: design.transpose_dots(several)]
    ours, eight, *theirs = medians([*passes, *bounds], repeat)
    return (
        name, f"{1e3 * ours:.2f}", f"{1e-9 * size / ours:.1f}", f"{1e3 * min(theirs):.2f}",
        f"{min(theirs) / ours:.0%}", f"{eight / ours:.1f} passes",
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=15)
    options = parser.parse_args()
    head = ("X'u", "ms", "GB/s", "bound, ms", f"share (>= {GOAL:.0%})", "eight vectors")
    with threadpool_limits(1), ThreadPoolExecutor(options.threads) as pool:
        before = machine(options.threads, ("riata", "numpy", "scipy"))
        rows = [row(name, options.threads, options.repeat, pool) for name in PROBLEMS]
    print("\n".join(before), table(head, *rows), sep="\n\n")


if __name__ == "__main__":
    main()
