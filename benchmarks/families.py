"""The table of goals of other losses: riata against every peer that has them.

    python benchmarks/peers.py install --into DIR            once
    python benchmarks/families.py --peers DIR                everything, an hour or more
    python benchmarks/families.py --peers DIR --cache FILE   peers are timed once, then remembered
    python benchmarks/families.py --peers DIR --small        the same on small data

As `goals.py` does it for the lasso: every fit in a process of its own on the same files, every gap
recomputed by `referee_glm.py`. riata is asked a relative gap of 1e-6 at every alpha, peers 1e-4.
All have an intercept that is not penalised, but for those that cannot.
"""

import numpy as np
import workloads
from referee_glm import make_referee
from report import machine, say, table
from threadpoolctl import threadpool_limits
from timing import Bench, options_of

OURS, THEIRS = 1e-6, 1e-4  # relative gaps that are asked
# At least so many times faster than the fastest peer.
GOALS = {
    "wide-binary": 3,
    "text-binary": 5,
    "text-binary-deep": 5,
    "tall-binary": 3,
    "poisson": 1,
    "multinomial": 1,
    "multigaussian": 1,
}
STEPS = 3  # at most so many Newton steps an alpha
LEGEND = f"""\
- riata: seconds (largest relative gap, recomputed), asked {OURS:g}; peers: the same, asked \
{THEIRS:g}, and how many times riata's seconds. "> 90 (1e-2)": stopped, a looser run got to 1e-2; \
"missed": no tolerance gets there, the last run's seconds and gap.
- (no b0): cannot have an intercept; solves, and is judged on, the problem without, on the same \
alphas.
- scikit-learn liblinear penalises the intercept, as one of a column of 1000, and is judged as if \
it did not.
- multinomial: the penalty of single coefficients, which adelie (groups only) has not.
- steps: Newton steps an alpha; the multigaussian loss needs none."""


def main():
    options = options_of(__doc__, tuple(workloads.FAMILIES)).parse_args()
    makers = workloads.FAMILIES_SMALL if options.small else workloads.FAMILIES
    bench = Bench(
        options.peers, options.cache,
        n_threads=options.threads, repeat=options.repeat, limit=options.limit,
    )  # fmt: skip
    with threadpool_limits(options.threads):
        before = machine(options.threads, ("riata", "numpy", "scipy"))
        names = [name for name in makers if name in (options.only or makers)]
        results = {name: _timed(bench, name, makers[name]()) for name in names}
    sections = [bench.surroundings(before), _table(results), LEGEND, _notes(results)]
    print("\n\n".join(section for section in sections if section))


def _timed(bench, name, work):
    """Return (title, riata's Timed, {label: Timed} of peers) of one problem."""
    say(f"{name}: {work.title()}")
    referee = make_referee(
        work.X, work.y, family=work.family, fit_intercept=work.fit_intercept
    )  # fmt: skip
    alphas = referee.grid(work.n_alphas, work.alpha_min_ratio)
    entries = bench.theirs(work)
    labels = {
        entry.label: entry.label + " (no b0)" * (entry.fit_intercept != work.fit_intercept)
        for entry in entries
    }
    ours = bench.time(bench.ours(work)[:1], work, alphas, OURS)
    theirs = bench.time(entries, work, alphas, THEIRS)
    return (
        work.title(),
        next(iter(ours.values())),
        {labels[label]: timed for label, timed in theirs.items()},
    )


def _table(results):
    """Return the table: a row a problem, a column a peer."""
    peers = list(dict.fromkeys(label for _, _, theirs in results.values() for label in theirs))
    rows = [("problem", "riata", *peers, "times faster", "goal", "met", f"steps (<= {STEPS})")]
    for name, (_, ours, theirs) in results.items():
        seconds = ours.run.seconds if ours.run.worst <= OURS else np.nan
        cells = (_cell(theirs[peer], seconds) if peer in theirs else "-" for peer in peers)
        steps = "-" if ours.steps is None else f"{ours.steps:.1f}"
        rows.append((name, _own_cell(ours), *cells, *_verdict(name, seconds, theirs), steps))
    return table(*rows)


def _own_cell(ours):
    if ours.failure:
        return "failed"
    missed = "" if ours.run.worst <= OURS else "missed, "
    return f"{missed}{ours.run.seconds:.3g} ({ours.run.worst:.0e})"


def _cell(timed, ours):
    """Return a peer's seconds, gap and ratio to riata's seconds."""
    run, star = timed.run, " *" if timed.day else ""
    if timed.failure and not run.worst <= THEIRS:
        return "failed" + star
    if run.worst == np.inf:
        reached = f" ({run.reached:.0e})" if np.isfinite(run.reached) else ""
        return f"> {run.seconds:.0f}{reached}, > {run.seconds / ours:.1f}{star}"
    if not run.worst <= THEIRS:
        return f"missed, {run.seconds:.3g} ({run.worst:.0e}){star}"
    return f"{run.seconds:.3g} ({run.worst:.0e}), {run.seconds / ours:.1f}{star}"


def _verdict(name, ours, theirs):
    """Return how many times faster than the fastest peer, the goal, and whether it is met.

    Who was stopped would have taken longer than that; who failed or missed the gap has no time.
    """
    done = [timed.run.seconds for timed in theirs.values() if timed.run.worst <= THEIRS]
    stopped = [timed.run.seconds for timed in theirs.values()
               if timed.run.worst == np.inf and not timed.failure]  # fmt: skip
    fastest, goal = min(done + stopped, default=np.nan) / ours, GOALS[name]
    bound = fastest != min(done, default=np.nan) / ours
    wanted = f">= {goal}" if goal > 1 else "> 1"
    met = fastest >= goal if goal > 1 else fastest > 1
    if np.isnan(fastest):
        return "-", wanted, "-" if np.isfinite(ours) else "no"
    unknown = bound and not met
    verdict = "not known" if unknown else "yes" if met else "no"
    return f"{'> ' * bound}{fastest:.1f}", wanted, verdict


def _notes(results):
    """Return what the problems are, and why who failed did."""
    lines = []
    for name, (title, ours, theirs) in results.items():
        lines.append(f"- {name}: {title}")
        everybody = {"riata": ours, **theirs}.items()
        lines += [f"- {name}: {label} failed: {timed.failure}"
                  for label, timed in everybody if timed.failure]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
