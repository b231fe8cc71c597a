"""Peak memory above the input, in a subprocess: never a copy of X.

Two meters: tracemalloc, to which NumPy reports every array, against the bound itself; and the
resident set's peak, which sees everything, against the bound and what a process's first use of
BLAS and threads may take.
"""

import json
import subprocess
import sys

import pytest

PROGRAM = '''
import json, resource, sys, tracemalloc
import numpy as np, scipy.sparse as sp, riata

def peak():
    """Return the resident set's peak; Linux's own ru_maxrss begins with that of the parent."""
    try:
        with open("/proc/self/status") as file:
            return 1024 * int(file.read().split("VmHWM:")[1].split()[0])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
            1 if sys.platform == "darwin" else 1024
        )

def start_of_peak():
    try:  # Linux can forget what building X took
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
    return peak()

rng = np.random.default_rng(151)
{build}
y = rng.standard_normal(X.shape[0])
riata.fit_path(X[:50], y[:50], n_alphas=2)
size = sum(part.nbytes for part in ((X.data, X.indices, X.indptr) if sp.issparse(X) else (X,)))
before = start_of_peak()
path = riata.fit_path(X, y, {settings})
rss = peak() - before
tracemalloc.start()
path = riata.fit_path(X, y, {settings})
traced = tracemalloc.get_traced_memory()[1]
support = np.flatnonzero(np.diff(sp.csr_array(path.coefs).indptr))
entries = 0
if sp.issparse(X):
    entries = int(sp.csc_array(X)[:, support].nnz)
print(json.dumps(dict(
    size=size, rss=rss, traced=traced, support=len(support), entries=entries,
    result=path.coefs.data.nbytes + path.coefs.indices.nbytes + 64 * len(path.alphas),
    non_empty=int((np.bincount(X.tocoo().col, minlength=1) > 0).sum()) if sp.issparse(X) else 0,
    rows=X.shape[0],
)))
'''
START_UP = 12e6  # threads' stacks and BLAS buffers, in bytes: the resident set only


def measure(build, settings, ratio=0.45):
    """Return what a fit on a fine grid took, whose working set stays near the support."""
    return run(build, f"n_alphas=25, alpha_min_ratio={ratio}, {settings}")


def run(build, settings):
    code = PROGRAM.format(build=build, settings=settings)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def gram(found):
    """Return the bytes of a working set's Gram, which may be twice its support."""
    return 8 * (2 * found["support"] + 100) ** 2


DENSE = {
    "Fortran order, wide": "X = np.empty((400, 20000), order='F'); rng.random(out=X.T)",
    "C order, wide": "X = np.empty((400, 20000)); rng.random(out=X)",
    "Fortran order, tall": "X = np.empty((50000, 160), order='F'); rng.random(out=X.T)",
    "C order, tall": "X = np.empty((50000, 160)); rng.random(out=X)",
    "float32 Fortran order": (
        "X = np.empty((400, 40000), np.float32, order='F'); rng.random(out=X.T, dtype='f4')"
    ),
    "float32 C order": "X = np.empty((400, 40000), np.float32); rng.random(out=X, dtype='f4')",
    "float32 C order, tall": (
        "X = np.empty((100000, 160), np.float32); rng.random(out=X, dtype='f4')"
    ),
    "a slice of columns in C order": (
        "X = np.empty((400, 40000)); rng.random(out=X); X = X[:, :20000]"
    ),
    "a slice of rows in Fortran order": (
        "X = np.empty((800, 20000), order='F'); rng.random(out=X.T); X = X[:400]"
    ),
}


@pytest.mark.parametrize("build", DENSE.values(), ids=DENSE)
def test_a_dense_fit_takes_a_tenth_of_X_at_most(build):
    settings = "standardize=True, sample_weight=np.arange(1.0, len(y) + 1)"
    found = measure(build, settings)
    bound = 0.1 * found["size"] + found["result"] + gram(found)
    assert found["traced"] <= bound, found
    assert found["rss"] <= bound + START_UP, found


@pytest.mark.parametrize("order", ["C", "F"])
def test_another_loss_takes_no_more(order):
    """Rows of C order are where columns of the working set are copied."""
    out = "X.T" if order == "F" else "X"
    build = f"X = np.empty((1000, 8000), order={order!r}); rng.random(out={out})"
    found = measure(build, 'family="huber", penalty_factor=np.r_[np.zeros(20), np.ones(7980)]')
    bound = 0.1 * found["size"] + found["result"] + gram(found)
    assert found["traced"] <= bound, found
    assert found["rss"] <= bound + START_UP, found


@pytest.mark.parametrize("n_alphas", [3, 8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_coarse_grid_takes_no_more(order, n_alphas):
    """Far from the solution there are many times more violators than it has non-zeros."""
    build = f"X = rng.standard_normal((400, 40000)).astype(np.float32, order={order!r})"
    found = run(build, f"n_alphas={n_alphas}, alpha_min_ratio=0.3")
    bound = 0.1 * found["size"] + found["result"] + gram(found)
    assert found["traced"] <= bound, found
    assert found["rss"] <= bound + START_UP, found


COORDINATES = """
n, p, k = {n}, {p}, {k}
rows = rng.integers(0, n, k).astype(np.int32); columns = {columns}
X = sp.{kind}((rng.random(k).astype({dtype!r}), (rows, columns)), shape=(n, p)).{convert}()
del rows, columns
"""
TEXT = {"n": 10000, "p": 40000, "k": 1_500_000}
MOSTLY_EMPTY = {"n": 5000, "p": 2_000_000, "k": 400_000}


def sparse(storage, shape, dtype):
    uniform = "rng.integers(0, p, k).astype(np.int32)"
    few = "(100 * rng.integers(0, 4000, k)).astype(np.int32)"
    columns = few if shape is MOSTLY_EMPTY else uniform
    return COORDINATES.format(
        **shape, kind="coo_array", columns=columns, dtype=dtype, convert=f"to{storage}"
    )


@pytest.mark.parametrize("storage", ["csc", "csr"])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("shape", [TEXT, MOSTLY_EMPTY], ids=["text", "mostly empty columns"])
def test_a_sparse_fit_takes_sixteen_doubles_a_column_and_twelve_a_row(storage, dtype, shape):
    found = measure(sparse(storage, shape, dtype), "standardize=True", ratio=0.75)
    bound = 8 * (16 * found["non_empty"] + 12 * found["rows"])
    bound += 10 * shape["p"]  # the number of every column among those that are not empty
    bound += found["result"] + gram(found) + 16 * (3 * found["entries"] + 1000)
    assert found["traced"] <= bound, found
    assert found["rss"] <= bound + START_UP, found


@pytest.mark.parametrize("storage", ["csc", "csr"])
def test_scalar_bounds_and_factors_are_not_arrays_of_p(storage):
    settings = "standardize=False, lower_bounds=0.0, upper_bounds=1e3, penalty_factor=2.0"
    found = measure(sparse(storage, MOSTLY_EMPTY, "f8"), settings)
    assert found["traced"] <= 10 * MOSTLY_EMPTY["p"] + 3e6, found
