"""How many threads n_threads=None stands for, and processes that fork."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from problems import regression

import riata
from riata import threads
from riata.threads import available_threads

X, Y = regression(40, 60, seed=151)
CV = {"cv": 5, "n_alphas": 5}  # 6 problems at once
PATIENCE = 300.0  # seconds, before a test gives up on a process

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    """Let the process think that it has eight cores, and no other limit."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.fixture
def asked(monkeypatch):
    """Return a list that grows by how many helpers are asked for."""
    found, executor = [], threads._executor
    monkeypatch.setattr(threads, "_executor", lambda size: found.append(size) or executor(size))
    return found


def in_a_thread(call):
    """Return what call() returns in a thread that is not the main one."""
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("1", 1), ("4", 4), ("99", 8), ("3,2", 3), (" 3 , 2", 3)]
    + [(useless, 8) for useless in ("", "0", "-2", "many", "2.5", ",3")],
)
def test_omp_num_threads_is_a_limit(monkeypatch, limit, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert available_threads(None) == expected


def test_without_a_limit_it_is_what_the_process_may_use(monkeypatch):
    assert available_threads(None) == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    assert available_threads(None) == 2
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert available_threads(None) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_threads(None) == 1


def test_a_number_is_taken_as_it_is(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert available_threads(16) == 16
    assert in_a_thread(lambda: available_threads(16)) == 16


def test_a_thread_that_is_not_the_main_one_gets_one():
    assert in_a_thread(lambda: available_threads(None)) == 1


def test_a_run_asks_for_no_more_helpers_than_that(monkeypatch, asked):
    def scores(**settings):
        asked.clear()
        return riata.cross_validate(X, Y, **CV, **settings).scores

    expected = scores()
    assert max(asked) == 5  # the calling thread works too
    for limit in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", limit)
        np.testing.assert_array_equal(scores(), expected)
        assert max(asked, default=0) == int(limit) - 1
    np.testing.assert_array_equal(scores(n_threads=4), expected)
    assert max(asked) == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    np.testing.assert_array_equal(in_a_thread(scores), expected)
    assert asked == []
    np.testing.assert_array_equal(in_a_thread(lambda: scores(n_threads=2)), expected)
    assert max(asked) == 1


# -- other processes -------------------------------------------------------------------------------


def script(text, **environment):
    """Return what a script prints in a process of its own."""
    tests = Path(__file__).parent
    text = f"import sys\nsys.path.insert(0, {str(tests)!r})\n" + text
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=PATIENCE,
        check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


WORKERS = """
import os
from joblib import Parallel, delayed

def count():
    from riata.threads import available_threads
    os.sched_getaffinity = lambda pid: set(range(8))
    return available_threads(None), available_threads(5)

if __name__ == "__main__":
    print(*Parallel(n_jobs=2, backend={backend!r})(delayed(count)() for _ in range(2)))
"""


@pytest.mark.parametrize("limit", [{}, {"OMP_NUM_THREADS": "4"}], ids=["no limit", "limit"])
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_a_worker_of_joblib_gets_one(backend, limit):
    """Danger: as many threads in each worker as there are cores."""
    assert script(WORKERS.format(backend=backend), **limit) == ["(1,", "5)", "(1,", "5)"]


POOL = """
import multiprocessing, os
os.sched_getaffinity = lambda pid: set(range(8))
from riata.threads import available_threads

def tell(pipe):
    pipe.send(available_threads(None))

context = multiprocessing.get_context("fork")
with context.Pool(2) as pool:
    print(pool.apply(available_threads, (None,)))
mine, other = context.Pipe()
alone = context.Process(target=tell, args=(other,))
alone.start()
print(mine.recv(), available_threads(None))
alone.join()
"""


@forks
def test_a_worker_of_a_pool_gets_one_and_a_process_of_its_own_all():
    assert script(POOL) == ["1", "8", "8"]


FORKED = """
import os, signal, threading
import numpy as np, riata
from riata import threads
from riata.design import dense
from problems import regression

dense.SMALL = 0
X, y = regression(40, 60, seed=151)

def scores():
    return riata.cross_validate(X, y, cv=5, n_alphas=5, n_threads=3).scores

def meet():
    met = threading.Barrier(3)  # of three jobs, which need three threads
    threads.run([lambda: met.wait(60.0)] * 3, 3)

def child():
    meet()
    return (scores() == expected).all()

def fork():
    pid = os.fork()
    if pid == 0:
        signal.alarm(100)  # ends a child that hangs
        try:
            os._exit(0 if child() else 3)
        finally:
            os._exit(4)
    return pid

def code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

expected = scores()
assert threads._pool is not None
{body}
meet()
assert (scores() == expected).all()
print("well")
"""
BODIES = {
    "between two calls": "assert code(fork()) == 0",
    "while the pool is being taken": """
with threads._lock:
    pid = fork()
assert code(pid) == 0
""",
    "out of another thread": """
found = []
thread = threading.Thread(target=lambda: found.append(code(fork())))
thread.start()
thread.join()
assert found == [0]
""",
    "while another thread works": """
over, worked = threading.Event(), []
def work():
    while not over.is_set():
        worked.append((scores() == expected).all())
thread = threading.Thread(target=work)
thread.start()
codes = [code(fork()) for _ in range(5)]
over.set()
thread.join()
assert codes == [0] * 5, codes
assert worked and all(worked)
""",
}


@forks
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_child_forked_after_use_works_on_threads_of_its_own(body):
    """Danger: it waits for threads, or for a lock, that only its parent has."""
    assert script(FORKED.format(body=body)) == ["well"]
