"""The table of goals: riata against every peer that is installed, on the problems it is made for.

    python benchmarks/peers.py install --into DIR            once
    python benchmarks/goals.py --peers DIR                   everything, about an hour
    python benchmarks/goals.py --peers DIR --cache FILE      peers are timed once, then remembered
    python benchmarks/goals.py --peers DIR --small           the same on small data

Every fit runs in a process of its own on the same files; `referee.py` recomputes every gap. Peers
are asked a relative gap of 1e-4 at every alpha, riata that and 1e-9. No intercept.
"""

from dataclasses import replace

import memory
import numpy as np
import workloads
from referee import Referee
from report import machine, one_pass, say, table
from threadpoolctl import threadpool_limits
from timing import Bench, options_of

LOOSE, TIGHT = 1e-4, 1e-9  # relative gaps: what peers are asked, what riata is for
# At most so many passes, and at least so many times faster than the best peer; CSR over CSC.
GOALS = {
    "wide": (60, 5),
    "wide-correlated": (60, 5),
    "tall": (18, 3),
    "gene": (None, 4),
    "text": (None, 12),
}
CSR_OVER_CSC = 1.3
# What the cost should be flat in: the setting (alphas, gap, correlation) from and to, the goal.
FLATNESS = {
    "10 -> 200 alphas": ((10, 1e-6, None), (200, 1e-6, None), 2.5),
    "gap 1e-3 -> 1e-9": ((100, 1e-3, None), (100, 1e-9, None), 1.5),
    "correlation 0 -> .95": ((100, 1e-6, 0.0), (100, 1e-6, 0.95), 1.5),
}
FLAT_PEERS = {"tall": ("celer",), "wide": ()}  # those measured for flatness too
MEGABYTE = 1e6


def main():
    options = _options()
    makers = workloads.GOALS_SMALL if options.small else workloads.GOALS
    chosen = options.only or (*makers, "flatness")
    bench = Bench(
        options.peers, options.cache,
        n_threads=options.threads, repeat=options.repeat, limit=options.limit,
    )  # fmt: skip
    with threadpool_limits(options.threads):
        before = machine(options.threads, ("riata", "numpy", "scipy"))
        sections = []
        names = [name for name in makers if name in chosen]
        if names:
            sections += _problems(bench, names, makers, options)
        if "flatness" in chosen:
            sections.append(_flatness(bench, options))
        print("\n\n".join([bench.surroundings(before), *sections]))


def _options():
    parser = options_of(__doc__, (*workloads.GOALS, "flatness"))
    parser.add_argument("--without-riata", action="store_true", help="the peers alone")
    return parser.parse_args()


def _problems(bench, names, makers, options):
    """Return the sections on single problems: the goals, every solver, memory, the data."""
    goals = [("problem", "riata, 1e-9", "in U", "riata, 1e-4", "best peer, 1e-4", "times faster",
              "goal", "met")]  # fmt: skip
    rows = [("problem and solver", "gap asked", "seconds", "CPU s", "passes (U)",
             "over riata's, 1e-9", "gap, recomputed", "gap, its own", "tolerance",
             "runs")]  # fmt: skip
    peaks = [("memory, MB", "seconds", "peak above the input", "allowed")]
    notes = []
    for name in names:
        work, alphas = _made(name, makers[name]())
        unit = one_pass(work.X, options.threads)
        notes.append(f"- {name}: {work.title()}; U = {1e3 * unit:.2f} ms")
        ours = [] if options.without_riata else bench.ours(work)
        theirs = bench.time(bench.theirs(work), work, alphas, LOOSE)
        loose, tight = (bench.time(ours, work, alphas, gap) for gap in (LOOSE, TIGHT))
        base = min((t.run.seconds for t in tight.values() if _met(t, TIGHT)), default=np.nan)
        for gap, found in ((TIGHT, tight), (LOOSE, loose), (LOOSE, theirs)):
            rows += [_row(f"{name}: {label}", timed, gap, base, unit, options.limit)
                     for label, timed in found.items()]  # fmt: skip
        goals += _goals(name, unit, loose, tight, theirs)
        peaks += [_peak(f"{name}: {label}", work.X, timed) for label, timed in tight.items()]
    tables = [table(*part) for part in (goals, rows, peaks) if len(part) > 1]
    return [*tables, "\n".join(notes)]


def _made(name, work):
    """Return a workload and its grid, which the referee makes."""
    say(f"{name}: {work.title()}")
    referee = Referee(work.X, work.y, fit_intercept=False, l1_ratio=work.l1_ratio)
    return work, referee.grid(work.n_alphas, work.alpha_min_ratio)


def _met(timed, gap):
    """Return whether its time counts."""
    return timed.run.worst <= gap


def _goals(name, unit, loose, tight, theirs):
    """Return the lines of the table of goals, one for each of riata's entries."""
    met = [(t.run.seconds, label) for label, t in theirs.items() if _met(t, LOOSE)]
    best, peer = min(met, default=(np.nan, "none"))
    passes, faster = GOALS.get(name, (None, None))
    lines = []
    for label, timed in tight.items():
        seconds = timed.run.seconds if _met(timed, TIGHT) else np.nan
        other = loose[label].run.seconds if _met(loose[label], LOOSE) else np.nan
        csc = tight.get(label.replace("CSR", "CSC"))
        asked = [(f"<= {passes} U", seconds <= (passes or 0) * unit)] if passes else []
        asked += [(f">= {faster} times", best / seconds >= faster)] if faster else []
        if "CSR" in label and faster:
            ratio = seconds / csc.run.seconds
            asked.append((f"CSR <= {CSR_OVER_CSC} CSC ({ratio:.2f})", ratio <= CSR_OVER_CSC))
        asked = asked or [("completes", not np.isnan(seconds))]
        lines.append((
            f"{name}: {label}", f"{seconds:.3g}", f"{seconds / unit:.0f}", f"{other:.3g}",
            f"{peer} {best:.3g}", f"{best / seconds:.1f}", ", ".join(goal for goal, _ in asked),
            ", ".join("yes" if reached else "no" for _, reached in asked),
        ))  # fmt: skip
    return lines


def _row(label, timed, gap, base, unit, limit):
    """One line of the long table. What failed has no time; what was stopped took longer."""
    run, label = timed.run, label + (" *" if timed.day else "")
    if timed.failure and not _met(timed, gap):
        return (label, f"{gap:g}", f"failed: {timed.failure}", *["-"] * 7)
    if run.worst == np.inf:
        longer = f"> {run.seconds:.0f}"
        return (label, f"{gap:g}", longer, "-", "-", f"> {run.seconds / base:.1f}", "stopped",
                "-", f"{run.tol:.1e}", 1)  # fmt: skip
    claimed = "-" if np.isnan(run.claimed) else f"{run.claimed:.1e}"
    cpu = "-" if timed.cpu is None else f"{timed.cpu:.3g}"
    rest = (f"{run.worst:.1e}", claimed, f"{run.tol:.1e}", run.times)
    if not _met(timed, gap):
        return (label, f"{gap:g}", f"missed it in {run.seconds:.3g}", cpu, "-", "-", *rest)
    return (label, f"{gap:g}", f"{run.seconds:.3g}", cpu, f"{run.seconds / unit:.0f}",
            f"{run.seconds / base:.2f}", *rest)  # fmt: skip


def _peak(label, X, timed):
    """One line of the table of memory: riata's peak, beside what it allows itself."""
    allowed = memory.allowed(X, timed.coefs) if timed.coefs is not None else np.nan
    peak = timed.peak if timed.peak is not None else np.nan
    sizes = (f"{size / MEGABYTE:.1f}" for size in (peak, allowed))
    return (label, f"{timed.run.seconds:.3g}", *sizes)


def _flatness(bench, options):
    """Return the table of what more alphas, a smaller gap and more correlation cost."""
    rows = [("problem and solver", "what changes", "seconds before", "after", "times", "goal",
             "met", "final support")]  # fmt: skip
    makers = workloads.FLAT_SMALL if options.small else workloads.FLAT
    for name, (plain, correlated) in makers.items():
        base = plain()
        for change, (before, after, goal) in FLATNESS.items():
            found = [_settled(bench, name, base, correlated, setting, options)
                     for setting in (before, after)]  # fmt: skip
            for label in found[0]:
                pair = [part[label] for part in found]
                rows.append(_flat_row(f"{name}: {label}", change, pair, (before, after), goal))
    return table(*rows)


def _settled(bench, name, base, correlated, setting, options):
    """Return {label: Timed} of one setting of the number of alphas, the gap, the correlation."""
    n_alphas, gap, rho = setting
    work = base if rho is None else correlated(rho)
    work, alphas = _made(f"flatness, {name}, {setting}", replace(work, n_alphas=n_alphas))
    entries = [] if options.without_riata else bench.ours(work)
    entries += [entry for entry in bench.theirs(work) if entry.label in FLAT_PEERS[name]]
    return bench.time(entries, work, alphas, gap)


def _flat_row(label, change, pair, settings, goal):
    seconds = [timed.run.seconds if _met(timed, setting[1]) else np.nan
               for timed, setting in zip(pair, settings, strict=True)]  # fmt: skip
    times = seconds[1] / seconds[0]
    supports = ["-" if timed.coefs is None else str(timed.coefs[:, [-1]].count_nonzero())
                for timed in pair]  # fmt: skip
    star = " *" if any(timed.day for timed in pair) else ""
    return (label + star, change, f"{seconds[0]:.3g}", f"{seconds[1]:.3g}", f"{times:.2f}",
            f"<= {goal}", "yes" if times <= goal else "no", ", ".join(supports))  # fmt: skip


if __name__ == "__main__":
    main()
