"""When to stop, and with how many threads."""

import time
from dataclasses import dataclass
from typing import Any

from .arguments import check_count, check_flag, check_number
from .threads import available_threads

LONG = 1e9  # seconds: a deadline, so that solvers look at the clock and can be stopped
WORST_FIRST = ["time_limit", "max_iter", "precision_floor", "converged"]  # of a fit that was made


@dataclass
class Rule:
    """The settings of a path that are no part of its model."""

    tol: float
    max_iter: int
    max_time: float | None
    requested_threads: int | None
    progress: bool

    def __post_init__(self) -> None:
        self.deadline = float("inf") if self.max_time is None else time.monotonic() + self.max_time
        self.n_threads = available_threads(self.requested_threads)

    def as_settings(self) -> dict[str, Any]:
        return {
            "tol": self.tol,
            "max_iter": self.max_iter,
            "max_time": self.max_time,
            "n_threads": self.requested_threads,
            "progress": self.progress,
        }


def check_rule(settings: dict[str, Any]) -> Rule:
    max_time, n_threads = settings["max_time"], settings["n_threads"]
    return Rule(
        tol=check_number(settings["tol"], "tol", 0.0),
        max_iter=check_count(settings["max_iter"], "max_iter", 1),
        max_time=None if max_time is None else check_number(max_time, "max_time", 0.0, above=True),
        requested_threads=None if n_threads is None else check_count(n_threads, "n_threads", 1),
        progress=check_flag(settings["progress"], "progress"),
    )
