"""BLAS and LAPACK on the calling thread alone, as long as riata works.

Their own threads would change the last bits of a result with the number of cores, and wait in
loops for one another on cores that riata's threads are using: a ridge cross-validation took twenty
times as long. The setting is the process's; it is what it was when the last of those who asked is
done.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users = 0
_libraries: list[Any] | None = None
_before: list[int] = []


def _begin(entered: list[bool]) -> None:
    global _users, _libraries, _before
    with _lock:
        if _libraries is None:
            _libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        if _users == 0:
            _before = [library.get_num_threads() for library in _libraries]
        _users += 1
        entered.append(True)
        if _users == 1:
            _set([1] * len(_libraries))


def _end() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _set(_before)


def _set(counts: list[int]) -> None:
    for library, count in zip(_libraries or [], counts, strict=True):
        # of one that lets only the thread that set it first set it again
        let_go = getattr(library, "clear_controlling_thread", None)
        if let_go is not None:
            let_go(force=True)
        library.set_num_threads(count)
        if let_go is not None:
            let_go(force=True)


def _alone() -> None:
    """In a forked child nobody is at work."""
    global _lock, _users
    _lock = threading.Lock()
    if _users:
        _users = 0
        _set(_before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """While this lasts, BLAS has one thread."""
    entered: list[bool] = []  # Ctrl-C may come any time
    try:
        _begin(entered)
        yield
    finally:
        if entered:
            _end()
