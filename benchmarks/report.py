"""What every table is printed with: the machine it was made on, one pass over X, markdown."""

import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_info

import riata
from riata.design import as_matrix, make_design


def machine(n_threads, packages):
    """Return lines that say on what machine, with what versions, and under what load."""
    versions = [
        f"{name} {riata.__version__ if name == 'riata' else version(name)}" for name in packages
    ]
    blas = {f"{lib['internal_api']} {lib['version']}" for lib in threadpool_info()
            if lib["user_api"] == "blas"}  # fmt: skip
    return [
        f"- {cpu()}, {os.cpu_count()} cores, {n_threads} threads, {platform.system()}",
        f"- Python {platform.python_version()}, {', '.join(versions)}, {', '.join(sorted(blas))}",
        f"- load of the machine in the minute before: {os.getloadavg()[0]:.1f}",
    ]


def cpu():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(*rows):
    head, *body = [[str(cell) for cell in row] for row in rows]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def one_pass(X, n_threads):
    """Return the seconds of one X'u by the best kernel there is.

    Which are: one call of NumPy or SciPy, a block of columns for each thread, and riata's own.
    """
    u = np.random.default_rng(0).standard_normal(X.shape[0])
    edges = np.linspace(0, X.shape[1], n_threads + 1).astype(int)
    blocks = [X[:, a:b].T for a, b in pairwise(edges)]
    weights = np.full(len(u), 1 / len(u))
    design = make_design(as_matrix(X), weights, centred=False, n_threads=n_threads)
    best = np.inf
    with ThreadPoolExecutor(n_threads) as pool:
        kernels = (
            lambda: X.T @ u,
            lambda: list(pool.map(lambda Z: Z @ u, blocks)),
            lambda: design.transpose_dot(u),
        )
        for _ in range(20):
            for kernel in kernels:
                start = time.perf_counter()
                kernel()
                best = min(best, time.perf_counter() - start)
    return best


def say(text):
    print(text, file=sys.stderr, flush=True)
