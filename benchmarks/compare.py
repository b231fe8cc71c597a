"""Measure riata against scikit-learn and print the tables of the README, in markdown.

    python benchmarks/compare.py                         everything, about ten minutes
    python benchmarks/compare.py --only wide --only text --repeat 5
    python benchmarks/compare.py --small                 the same on small data, about a minute

A time counts only at an equal duality gap, which `referee.py` recomputes.
"""

import argparse
import subprocess
import sys
import time
from functools import partial

import memory
import numpy as np
import scipy.sparse as sp
import workloads
from referee import Referee, race
from report import machine, one_pass, say, table
from solvers import participants
from threadpoolctl import threadpool_limits

import riata

PROBLEMS = ("gene", "wide", "wide-correlated", "tall", "text")
OTHERS = ("intercept", "import", "memory")
MEGABYTE = 1e6


def main():
    options = _options()
    chosen = options.only or [*PROBLEMS, *OTHERS]
    made = _Workloads(workloads.SMALL if options.small else workloads.FULL)
    with threadpool_limits(options.threads):
        sections = [_surroundings(options)]
        problems = [name for name in PROBLEMS if name in chosen]
        if problems:
            sections.append(_speed(problems, made, options))
        if "intercept" in chosen:
            sections.append(_intercept(made["text"], options))
        if "import" in chosen:
            sections.append(_import(options.repeat))
        if "memory" in chosen:
            sections.append(_memory(made["wide"], made["text"], options))
        print("\n\n".join(sections))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = (*PROBLEMS, *OTHERS)
    parser.add_argument("--only", action="append", choices=names, metavar="NAME",
                        help=f"one of {', '.join(names)}; may be repeated")  # fmt: skip
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, in turns (default 3)")
    parser.add_argument("--gap", type=float, default=1e-6, help="relative gap (default 1e-6)")
    parser.add_argument("--threads", type=int, default=2, help="for BLAS and riata (default 2)")
    parser.add_argument("--limit", type=float, default=90, help="seconds a run may take (90)")
    parser.add_argument("--every", action="store_true",
                        help="also scikit-learn's ways that lose by far")  # fmt: skip
    parser.add_argument("--small", action="store_true", help="small data, for trying this out")
    return parser.parse_args()


class _Workloads(dict):
    """Workloads by name, each made once, when it is asked for."""

    def __init__(self, makers):
        super().__init__()
        self.makers = makers

    def __missing__(self, name):
        say(f"making {name}")
        self[name] = self.makers[name]()
        return self[name]


def _surroundings(options):
    return "\n".join([
        *machine(options.threads, ("riata", "scikit-learn", "numpy", "scipy")),
        f"- largest relative gap over the path: {options.gap:g}; fastest of up to {options.repeat}",
    ])  # fmt: skip


def _speed(names, made, options):
    rows = [("problem and solver", "seconds", "passes (U)", "over riata's",
             "gap, recomputed", "gap, its own", "tolerance", "runs")]  # fmt: skip
    notes = []
    for name in names:
        work = made[name]
        say(f"{name}: {work.title()}")
        referee = Referee(work.X, work.y, fit_intercept=work.fit_intercept, l1_ratio=work.l1_ratio)
        alphas = referee.grid(work.n_alphas, work.alpha_min_ratio)
        solvers = participants(
            work, referee, alphas, options.gap, options.threads, every=options.every
        )
        judge = partial(referee.relative_gaps, alphas)
        runs = race(
            {name: (*solver, judge) for name, solver in solvers.items()}, options.gap,
            repeat=options.repeat, limit=options.limit, report=say,
        )  # fmt: skip
        unit = one_pass(work.X, options.threads)
        notes.append(f"- {name}: {work.title()}; U = {1e3 * unit:.2f} ms")
        ours = runs[next(iter(runs))]
        for solver, run in runs.items():
            rows.append(_row(f"{name}: {solver}", run, ours, unit, options))
    return table(*rows) + "\n\n" + "\n".join(notes)


def _row(label, run, ours, unit, options):
    """One line of the table. What failed has no time; what was stopped took longer than it says."""
    claimed = "-" if np.isnan(run.claimed) else f"{run.claimed:.1e}"
    rest = (f"{run.worst:.1e}", claimed, f"{run.tol:.1e}", run.times)
    if run.worst == np.inf and run.seconds >= options.limit:
        ratio = f"> {run.seconds / ours.seconds:.1f}" if ours.worst <= options.gap else "-"
        return (label, f"> {run.seconds:.0f}", "-", ratio, "stopped", "-", f"{run.tol:.1e}", 1)
    if not run.worst <= options.gap:
        return (label, "failed", "-", "-", *rest)
    ratio = f"{run.seconds / ours.seconds:.2f}" if ours.worst <= options.gap else "-"
    return (label, f"{run.seconds:.3g}", f"{run.seconds / unit:.0f}", ratio, *rest)


def _intercept(work, options):
    """riata alone: what an intercept costs on sparse data. y is centred, so the grids agree."""
    y = work.y - work.y.mean()
    rows = [("sparse", "with intercept, s", "without, s", "ratio", "passes with", "without")]
    for storage, X in (("CSC", sp.csc_array(work.X)), ("CSR", sp.csr_array(work.X))):
        best, passes = {True: np.inf, False: np.inf}, {}
        for _ in range(max(options.repeat, 3)):
            for intercept in best:
                start = time.perf_counter()
                path = riata.fit_path(
                    X, y, fit_intercept=intercept, alpha_min_ratio=work.alpha_min_ratio,
                    tol=options.gap, n_threads=options.threads,
                )  # fmt: skip
                best[intercept] = min(best[intercept], time.perf_counter() - start)
                passes[intercept] = f"{path.n_passes:.0f}"
        ratio = best[True] / best[False]
        rows.append((storage, f"{best[True]:.3g}", f"{best[False]:.3g}", f"{ratio:.2f}",
                     passes[True], passes[False]))  # fmt: skip
    return table(*rows)


def _import(repeat):
    """Seconds of import statements in fresh interpreters, best of several; none warms another."""
    statements = (
        "import riata",
        "import numpy, scipy.sparse, scipy.linalg",
        "import riata; riata.Lasso",
        "from sklearn.linear_model import Lasso",
    )
    rows = [("statement", "seconds, best", "seconds, median", "loads scikit-learn")]
    for statement in statements:
        code = (
            "import sys, time; start = time.perf_counter(); " + statement +
            "; print(time.perf_counter() - start, 'sklearn' in sys.modules)"
        )  # fmt: skip
        seconds = []
        for _ in range(max(repeat, 5)):
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            taken, loaded = done.stdout.split()
            seconds.append(float(taken))
        loads = "yes" if loaded == "True" else "no"
        rows.append((f"`{statement}`", f"{min(seconds):.2f}", f"{np.median(seconds):.2f}", loads))
    return table(*rows)


def _memory(dense, sparse, options):
    rows = [("peak above the input, MB", "X", "riata, resident", "riata, traced", "allowed",
             "result", "scikit-learn, resident", "traced")]  # fmt: skip
    for storage, found in memory.measure_all(dense, sparse, options.threads):
        say(f"memory: {storage}")
        ours, theirs = found["riata"], found["scikit-learn"]
        numbers = (ours["input"], ours["resident"], ours["traced"], ours["allowed"],
                   ours["result"], theirs["resident"], theirs["traced"])  # fmt: skip
        rows.append((storage, *(f"{number / MEGABYTE:.1f}" for number in numbers)))
    return table(*rows)


if __name__ == "__main__":
    main()
