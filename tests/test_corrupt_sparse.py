"""A corrupted sparse matrix is a ValueError that names X, never a crash and never a change.

The cases run in a subprocess, table row after table row; one that kills the interpreter shows as
a missing answer, and the next subprocess begins behind it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

KINDS = {"csc": sp.csc_array, "csr": sp.csr_array, "csc_matrix": sp.csc_matrix}


def _set(part, position, value):
    def corrupt(X):
        getattr(X, part)[position] = value

    return corrupt


def _replace(part, function):
    def corrupt(X):
        setattr(X, part, function(getattr(X, part)))

    return corrupt


BIG = 2**31 - 1
CORRUPTIONS = {
    "index equal to the length": (_set("indices", 4, 8), "ind"),
    "index far too large": (_set("indices", 0, BIG), "ind"),
    "last index too large": (_set("indices", -1, 1000), "ind"),
    "index -1": (_set("indices", 3, -1), "ind"),
    "index very negative": (_set("indices", -1, -BIG), "ind"),
    "int64 index beyond 32 bits": (
        lambda X: (_wide(X), X.indices.__setitem__(2, 2**32 + 1)),
        "ind",
    ),
    "int64 index beyond 62 bits": (lambda X: (_wide(X), X.indices.__setitem__(2, 2**62)), "ind"),
    "indptr does not start at 0": (_set("indptr", 0, 1), "indptr"),
    "indptr starts below 0": (_set("indptr", 0, -5), "indptr"),
    "indptr decreases": (_set("indptr", 3, 0), "indptr"),
    "indptr jumps up and back": (_set("indptr", 2, 10**6), "indptr"),
    "indptr has a negative entry": (_set("indptr", 4, -3), "indptr"),
    "indptr ends beyond the data": (_set("indptr", -1, 10**6), "indptr"),
    "indptr ends at the largest int": (_set("indptr", -1, BIG), "indptr"),
    "int64 indptr that wraps in 32 bits": (
        lambda X: (_wide(X), X.indptr.__setitem__(slice(3, None), 2**32 + X.indptr[3:])),
        "indptr",
    ),
    "indptr too short": (_replace("indptr", lambda a: a[:-1].copy()), "indptr"),
    "indptr too long": (_replace("indptr", lambda a: np.append(a, a[-1:])), "indptr"),
    "indptr empty": (_replace("indptr", lambda a: a[:0].copy()), "indptr"),
    "indices shorter than indptr says": (_replace("indices", lambda a: a[:-3].copy()), "ind"),
    "data shorter than indptr says": (_replace("data", lambda a: a[:-3].copy()), "data|indptr"),
    "data empty": (_replace("data", lambda a: a[:0].copy()), "data|indptr"),
    "indices empty": (_replace("indices", lambda a: a[:0].copy()), "ind"),
    "two-dimensional data": (_replace("data", lambda a: a.reshape(1, -1)), "data"),
    "two-dimensional indices": (_replace("indices", lambda a: a.reshape(-1, 1)), "indices"),
    "two-dimensional indptr": (_replace("indptr", lambda a: a.reshape(1, -1)), "indptr"),
    "float indices": (_replace("indices", lambda a: a.astype(float)), "indices"),
    "float indptr": (_replace("indptr", lambda a: a.astype(float)), "indptr"),
    "complex data": (_replace("data", lambda a: a.astype(complex)), "complex"),
    "object data": (_replace("data", lambda a: a.astype(object)), "object"),
    "NaN": (_set("data", 5, np.nan), "NaN"),
    "infinity": (_set("data", -1, np.inf), "inf"),
    "minus infinity": (_set("data", 0, -np.inf), "inf"),
    "NaN in an entry whose duplicate is finite": (
        lambda X: (X.indices.__setitem__(slice(0, 2), X.indices[0]), _set("data", 1, np.nan)(X)),
        "NaN",
    ),
}
CASES = [(kind, name) for kind in KINDS for name in CORRUPTIONS]


def _wide(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)


def corrupted(kind, name):
    """Return an 8 x 8 matrix with three entries a row, three a column, and one corruption."""
    dense = sum(np.roll(np.diag(np.arange(1.0, 9) + k), k, axis=1) for k in range(3))
    X = KINDS[kind](dense)
    CORRUPTIONS[name][0](X)
    return X


def content(X):
    return [(a.dtype.str, a.shape, a.tobytes()) for a in (X.data, X.indices, X.indptr)]


def answer(kind, name):
    """Try every function that takes X; return what each raised, or 'accepted', or 'changed'."""
    import riata

    y = np.linspace(-1, 1, 8) ** 2
    good = riata.fit_path(np.eye(8), y, alphas=[0.01])
    uses = {
        "fit_path": lambda X: riata.fit_path(X, y, alphas=[0.01]),
        "weighted fit_path": lambda X: riata.fit_path(
            X, y, alphas=[0.01], standardize=True, sample_weight=np.arange(8.0)
        ),
        "alpha_max": lambda X: riata.alpha_max(X, y),
        "duality_gap": lambda X: riata.duality_gap(X, y, np.zeros(8), 0.0, 0.1),
        "extend": lambda X: good.extend(X, y, [0.02]),
        "predict": lambda X: good.predict(X),
    }
    raised = {}
    for use, function in uses.items():
        X = corrupted(kind, name)
        before = content(X)
        try:
            function(X)
            raised[use] = ["accepted", ""]
        except Exception as error:
            raised[use] = [type(error).__name__, str(error)]
        if content(X) != before:
            raised[use] = ["changed", ""]
    return raised


@pytest.fixture(scope="module")
def answers():
    """Return every case's answer; a case during which the interpreter died has none."""
    found, start = {}, 0
    while start < len(CASES):
        run = subprocess.run(
            [sys.executable, __file__, str(start)], capture_output=True, text=True, check=False
        )
        lines = run.stdout.splitlines()
        for line, case in zip(lines, CASES[start:], strict=False):
            found[case] = json.loads(line)
        assert lines or run.returncode < 0, run.stderr
        start += len(lines) + 1
    return found


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_corrupted_matrix_is_refused_by_everything_that_takes_one(answers, kind, name):
    assert (kind, name) in answers, "the interpreter died"
    for use, (error, message) in answers[kind, name].items():
        assert error in ("ValueError", "TypeError"), (use, error, message)
        assert re.match(r"X\b", message), (use, message)
        words = CORRUPTIONS[name][1].split("|")
        assert any(word.lower() in message.lower() for word in words), (use, message)


def test_the_matrix_before_its_corruption_is_accepted():
    from certified import certified_fit

    CORRUPTIONS["none"] = (lambda X: None, "")
    for kind in KINDS:
        certified_fit(corrupted(kind, "none"), np.linspace(-1, 1, 8) ** 2, alphas=[0.01, 0.1])
    del CORRUPTIONS["none"]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    for case in CASES[int(sys.argv[1]) :]:
        print(json.dumps(answer(*case)), flush=True)
