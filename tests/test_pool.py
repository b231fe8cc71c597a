"""Native loops on threads: each job once, whoever calls, and however many do at a time."""

import os
import signal
import threading

import numpy as np
import pytest

from riata.kernels.columns import columns_dots
from riata.threads import run

N, P = 400, 3000  # 37 jobs of the columns of one vector


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    X, u = np.asfortranarray(rng.standard_normal((N, P))), rng.standard_normal((1, N))
    return X, u, u[0] @ X


def products(X, u, n_threads):
    """X'u by a native loop; a job that nobody makes leaves NaN."""
    out = np.full((1, P), np.nan)
    columns_dots(X, np.arange(P), u, np.zeros(P), out, n_threads)
    return out[0]


@pytest.mark.parametrize("n_threads", [1, 2, 3, 64])
def test_every_job_is_made(problem, n_threads):
    X, u, wanted = problem
    first = products(X, u, 1)
    assert np.allclose(first, wanted, rtol=0.0, atol=1e-11)
    for _ in range(300):
        assert np.array_equal(products(X, u, n_threads), first)


@pytest.mark.parametrize("callers", [2, 7])
def test_callers_at_the_same_time(problem, callers):
    X, u, _ = problem
    vectors = [np.roll(u, k) for k in range(callers)]
    wanted = [products(X, v, 1) for v in vectors]
    wrong, start = [], threading.Barrier(callers)

    def call(k):
        start.wait()
        for _ in range(100):
            if not np.array_equal(products(X, vectors[k], 2), wanted[k]):
                wrong.append(k)

    threads = [threading.Thread(target=call, args=(k,)) for k in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_loops_in_jobs_that_need_the_interpreter(problem):
    X, u, _ = problem
    vectors = [np.roll(u, k) for k in range(9)]
    found = [None] * 9

    def job(k):
        found[k] = products(X, vectors[k], 2)

    for _ in range(20):
        run([lambda k=k: job(k) for k in range(9)], 2)
        for k in range(9):
            assert np.array_equal(found[k], products(X, vectors[k], 1))


def test_an_error_in_a_job_leaves_the_threads_to_others(problem):
    X, u, wanted = problem

    def fail():
        raise ZeroDivisionError

    for _ in range(50):
        with pytest.raises(ZeroDivisionError):
            run([fail, fail, fail], 2)
    assert np.allclose(products(X, u, 2), wanted, rtol=0.0, atol=1e-11)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12
def test_a_child_forked_while_others_are_in_loops_has_loops_of_its_own(problem):
    """Danger: it waits for helpers, or for the end of a loop, that only its parent has."""
    X, u, _ = problem
    first, over = products(X, u, 1), threading.Event()

    def call():
        while not over.is_set():
            products(X, u, 2)

    callers = [threading.Thread(target=call) for _ in range(2)]
    for thread in callers:
        thread.start()
    codes = []
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            signal.alarm(100)  # ends a child that hangs
            try:
                os._exit(0 if all(np.array_equal(products(X, u, 2), first) for _ in "four") else 3)
            finally:
                os._exit(4)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    over.set()
    for thread in callers:
        thread.join()
    assert codes == [0] * 20


def test_the_caller_begins_with_the_first_job_and_helpers_with_the_last():
    """Who makes the same jobs again and again mostly finds the data where it left them."""
    makers, meet = {}, threading.Barrier(2, timeout=60.0)

    def job(k):
        makers[k] = threading.get_ident()
        meet.wait()

    run([lambda: job(0), lambda: job(1)], 2)
    assert makers[0] == threading.get_ident() != makers[1]
