"""Fits that are stopped: by Ctrl-C, by max_time, by max_iter. What is solved is never lost."""

import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from certified import certified_fit
from problems import FEW_STORAGES, regression

import riata
from riata.kernels import gram

X, Y = regression(40, 100, seed=141, correlation=5.0)
INTERRUPTED = """
import os, signal, sys, threading
sys.path.insert(0, {tests!r})
import numpy as np, riata, scipy.sparse as sp
from oracle import Claim, Problem, check_claim
from problems import regression

X, y = regression({n}, {p}, seed=142, correlation=5.0)
stored = {store}(X)
riata.fit_path(X[:5, :5], y[:5], alphas=[0.1])
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    riata.fit_path(stored, y, tol=1e-13, {settings})
except KeyboardInterrupt as stop:
    path = stop.path
    assert set(path.status) <= {{"converged", "precision_floor", "interrupted"}}, path.status
    done = np.flatnonzero(path.status != "interrupted")
    assert (done == np.arange(len(done))).all()
    problem = Problem(X, y)
    for k in [*done[:: len(done) // 20 + 1], *done[-1:]]:
        coef = path.coefs[:, [k]].toarray()[:, 0]
        claim = Claim(path.alphas[k], coef, path.intercepts[k], path.dual_gaps[k], path.status[k])
        check_claim(problem, claim, problem.null_objective(), 1e-13)
    assert np.isnan(path.intercepts[len(done) :]).all()
    again = riata.fit_path(X[:5, :5], y[:5], alphas=[0.1])
    assert again.status[0] == "converged"
    print("interrupted, certified:", len(done))
"""


@pytest.mark.parametrize("store", ["np.asfortranarray", "sp.csc_array", "sp.csr_array", "np.array"])
@pytest.mark.parametrize(
    ("n", "p", "settings"),
    [
        (60, 20, "alphas=np.geomspace(10, 1e-5, 300_000)"),
        (2500, 2500, "alphas=[1e-9], max_iter=10**9"),
    ],
    ids=["many alphas", "one long alpha"],
)
def test_ctrl_c_raises_with_the_certified_part(store, n, p, settings):
    code = INTERRUPTED.format(
        tests=str(Path(__file__).parent), n=n, p=p, settings=settings, store=store
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert re.match(r"interrupted, certified: \d+", done.stdout), done.stderr


class Interrupting:
    """Data whose reading is met by Ctrl-C."""

    def __array__(self, dtype=None, copy=None):
        raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["X", "y"])
def test_ctrl_c_before_the_first_alpha_carries_no_path_but_the_attribute(where):
    data = {"X": X, "y": Y} | {where: Interrupting()}
    with pytest.raises(KeyboardInterrupt) as stopped:
        riata.fit_path(**data)
    assert stopped.value.path is None


def test_max_time_gives_the_whole_grid_with_nan_where_nothing_was_solved():
    alphas = np.geomspace(10, 1e-6, 30_000)
    statuses = ("converged", "precision_floor", "time_limit")
    path = certified_fit(X[:, :5], Y, alphas=alphas, max_time=1e-2, tol=1e-12, statuses=statuses)
    late = path.status == "time_limit"
    assert late[-1]
    assert not late[: late.argmax()].any()
    assert late[late.argmax() :].all()
    solved = ~np.isnan(path.intercepts)
    for values in (path.dual_gaps, path.df, path.deviance_ratio):
        np.testing.assert_array_equal(np.isnan(values), ~solved)


@pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
def test_a_time_limit_that_is_over_at_once_still_gives_the_grid(store):
    path = certified_fit(store(X), Y, max_time=1e-9, statuses=("converged", "time_limit"))
    assert len(path.alphas) == 100
    assert path.status[-1] == "time_limit"


def test_an_ample_time_limit_changes_nothing():
    free, limited = certified_fit(X, Y), certified_fit(X, Y, max_time=1e6)
    np.testing.assert_array_equal(free.coefs.toarray(), limited.coefs.toarray())


@pytest.mark.parametrize(
    ("settings", "word"), [({"max_iter": 1}, "max_iter"), ({"max_time": 1e-9}, "max_time")]
)
def test_one_warning_with_gap_tol_alpha_and_what_to_try(settings, word):
    settings = {"alphas": [0.01, 0.001, 0.0001], "tol": 1e-10, **settings}
    with pytest.warns(riata.exceptions.convergence_warning()) as caught:
        path = riata.fit_path(X, Y, **settings)
    assert len(caught) == 1
    message = str(caught[0].message)
    for wanted in (word, "alpha", "gap", "tol", "1e-10"):
        assert wanted in message, message
    assert set(path.status) - {"converged", "precision_floor"}
    assert Path(caught[0].filename).name == Path(__file__).name, "the warning points elsewhere"


def test_a_fit_that_converges_or_meets_its_precision_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = certified_fit(X, Y, tol=1e-30, alphas=[0.5, 0.1])
    assert set(path.status) == {"precision_floor"}


@pytest.mark.parametrize("max_iter", [1, 2, 3, 5])
@pytest.mark.parametrize("settings", [{}, {"l1_ratio": 0.5}, {"lower_bounds": 0.0}])
def test_a_working_set_that_sheds_members_after_a_stop(max_iter, settings):
    """Features that had joined the active set, and had not moved yet, may leave."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((40, 400))
    y = A[:, :20].sum(axis=1) + rng.standard_normal(40)
    statuses = ("converged", "max_iter")
    certified_fit(A, y, n_alphas=50, max_iter=max_iter, statuses=statuses, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", riata.exceptions.convergence_warning())
        path = riata.fit_path(A, y > 0, family="binomial", n_alphas=20, max_iter=max_iter)
    assert set(path.status) <= set(statuses)


def test_alphas_after_one_that_met_max_iter_are_still_tried():
    path = certified_fit(
        X,
        Y,
        alphas=[1e4, 1e-3, 1e-4],
        max_iter=1,
        tol=1e-12,
        statuses=("converged", "max_iter", "precision_floor"),
    )
    assert path.status[0] in ("converged", "precision_floor")
    assert path.status[2] == "max_iter"


def test_the_warning_is_scikit_learns_where_scikit_learn_is_loaded():
    import sklearn.exceptions

    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        riata.fit_path(X, Y, alphas=[1e-4], tol=1e-12, max_iter=1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals come by no clock here")
def test_ctrl_c_ends_a_large_gram_matrix_between_its_rows():
    A, everything = np.ones((8192, 1024), dtype=np.float32, order="F"), np.arange(1024)
    out, runs = np.zeros((1, 1024, 1024)), np.array([0, 1024])
    rows, scale = np.array([[0, len(A)]]), np.ones((1, len(A)))

    def interrupt(*_):
        raise KeyboardInterrupt

    def multiply():
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        gram.gram(A, everything, None, None, None, scale, out, rows, runs, 1)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            multiply()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert 0.0 < out[0, 0, 0] < len(A)  # the rows that were added
