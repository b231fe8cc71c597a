"""Threads for jobs that need the interpreter now and then; native loops have their own (pool.pyx).

No OpenMP: a process that forks after using it leaves children that hang. The work is always cut
into the same blocks, so results do not depend on how many threads there are.
"""

import math
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from .kernels.pool import engage

_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_lock = threading.Lock()


def _forget_pool() -> None:
    """In a forked child the pool's threads do not exist."""
    global _pool, _pool_size, _lock
    _pool, _pool_size, _lock = None, 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def available_threads(n_threads: int | None) -> int:
    """Return how many threads to use: `n_threads`, or what this process may use.

    None: the cores of the process's affinity mask, no more than OMP_NUM_THREADS, and 1 inside a
    worker process of joblib or of a multiprocessing.Pool, or a thread that is not the main one.
    """
    if n_threads is not None:
        return n_threads
    if _is_worker() or threading.current_thread() is not threading.main_thread():
        return 1
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(cores, int(limit)) if limit.isdigit() and int(limit) > 0 else cores


def _is_worker() -> bool:
    """Whether this process is one of several that share the cores: a daemon, as those of a pool
    are, or one of loky's, which are none."""
    loaded = sys.modules.get("multiprocessing.process")  # by whoever started a worker
    if loaded is None:
        return False
    process = loaded.current_process()
    return process.daemon or type(process).__name__.startswith("Loky")


def cut(length: int, parts: int, multiple: int = 1) -> list[tuple[int, int]]:
    """Cut range(length) into at most `parts` runs, each a multiple long but for the last."""
    if length == 0:
        return []
    size = -(-length // max(1, parts))
    size = -(-size // multiple) * multiple
    return [(a, min(a + size, length)) for a in range(0, length, size)]


def ends(parts: list[tuple[int, int]]) -> NDArray[np.intp]:
    """Return where each of several neighbours begins, and the last one ends; 0 for none."""
    first = parts[0][0] if parts else 0
    return np.array([first, *(b for _, b in parts)], dtype=np.intp)


def cut_triangle(side: int, parts: int, multiple: int) -> list[tuple[int, int]]:
    """Cut range(side) into at most `parts` runs of about the same area below a diagonal."""
    ends = {round(math.sqrt(k / parts) * side / multiple) * multiple for k in range(1, parts)}
    inside = sorted(end for end in ends if 0 < end < side)
    return list(zip([0, *inside], [*inside, side], strict=True))


def run(
    jobs: Sequence[Callable[[], None]], n_threads: int, stop: Callable[[], None] | None = None
) -> None:
    """Call every job once; the calling thread works too, and errors reach the caller.

    A job may call `run` itself: whoever calls works through every job that nobody else has taken,
    and waits only for threads that have begun, so no thread waits for one that can't start.

    stop : called at the first error, Ctrl-C included, so that jobs which have begun may end early;
        no other job begins
    """
    helpers = min(n_threads, len(jobs)) - 1
    if helpers < 1:
        for job in jobs:
            job()
        return
    left = deque(jobs)

    def work(take: Callable[[], Callable[[], None]]) -> None:
        try:
            engage(1)  # in here, as Ctrl-C may come when it returns
            while (job := _taken(take)) is not None:
                job()
        except BaseException:
            give_up()
            raise
        finally:
            engage(-1)

    def give_up() -> None:
        left.clear()
        if stop is not None:
            stop()

    # from both ends: what is made again is mostly made by the same thread, see pool.h
    futures = [_executor(helpers).submit(work, left.pop) for _ in range(helpers)]
    try:
        work(left.popleft)
        begun = [future for future in futures if not future.cancel()]
        wait(begun)
    except BaseException:
        give_up()  # Ctrl-C may also come while waiting
        wait([future for future in futures if not future.cancel()])
        raise
    finally:
        jobs = ()  # a thread that has not left `work` yet keeps none of their arrays
    for future in begun:
        future.result()


def _taken(take: Callable[[], Callable[[], None]]) -> Callable[[], None] | None:
    """Return a job, or None where none is left."""
    try:
        return take()
    except IndexError:
        return None


def _executor(size: int) -> ThreadPoolExecutor:
    global _pool, _pool_size
    with _lock:
        if _pool is None or _pool_size < size:
            _pool, _pool_size = ThreadPoolExecutor(size, thread_name_prefix="riata"), size
        return _pool
