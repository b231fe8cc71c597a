"""Time riata and its peers on one problem, in turns, and remember what the peers took."""

import argparse
import json
import os
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import peers
import scipy.sparse as sp
from referee import Run, race
from referee_glm import make_referee
from report import cpu, say


class Timed(NamedTuple):
    """A run that was judged, and where it is from.

    peak: growth of the resident set's peak in bytes, cpu: processor seconds, coefs: sparse (p, L),
    steps: Newton steps an alpha, these two not from the cache, all of the last fit or None; day:
    when it was measured and at what load of the machine, if it is from the cache; failure: what
    the solver said when it gave up.
    """

    run: Run
    peak: int | None
    cpu: float | None
    day: str | None = None
    failure: str | None = None
    coefs: Any = None
    steps: float | None = None


class Entry(NamedTuple):
    """A solver that takes part: its name in tables, and how to start it."""

    label: str
    way: str
    peer: str
    storage: str
    first: Any
    fit_intercept: bool


def options_of(doc, names):
    """Return the parser of what every table of problems is told."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--peers", metavar="DIR", help="the environments; without: riata alone")
    parser.add_argument("--cache", metavar="FILE", help="remembers what the peers took")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME",
                        help=f"one of {', '.join(names)}; may be repeated")  # fmt: skip
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, in turns (default 3)")
    parser.add_argument("--threads", type=int, default=2, help="of everybody (default 2)")
    parser.add_argument("--limit", type=float, default=90, help="seconds a run may take (90)")
    parser.add_argument("--small", action="store_true", help="small data, for trying this out")
    return parser


class Bench:
    """Times solvers on problems. `folder` holds the peers' environments; None: riata alone.

    The cache is a JSON file of the peers' runs, stopped and failed ones too. It is keyed by the
    library's version, the problem, the gap, the threads and the processor.
    """

    def __init__(self, folder, cache, *, n_threads, repeat, limit):
        self.folder, self.n_threads, self.repeat, self.limit = folder, n_threads, repeat, limit
        known = {} if folder is None else {p: peers.installed(p, folder) for p in peers.PEERS}
        self.versions = {peer: version for peer, version in known.items() if version}
        self.file = Path(cache) if cache else None
        there = self.file is not None and self.file.exists()
        self.cache = json.loads(self.file.read_text()) if there else {}
        self.recalled = set()

    def ours(self, work):
        """Return riata's entries for a problem; sparse, one for each storage."""
        if not sp.issparse(work.X):
            return [Entry("riata", "riata", "riata", "dense", _own_gap, work.fit_intercept)]
        return [
            Entry(f"riata ({storage.upper()})", "riata", "riata", storage, _own_gap,
                  work.fit_intercept)
            for storage in ("csc", "csr")
        ]  # fmt: skip

    def theirs(self, work):
        """Return an entry for every way of every installed peer that suits a problem.

        Who cannot have an intercept goes without.
        """
        storage = "csc" if sp.issparse(work.X) else "dense"
        return [
            Entry(way.name, way.name, way.peer, storage, way.first,
                  work.fit_intercept and way.intercept)
            for way in peers.WAYS
            if way.peer in self.versions and work.family in way.families and way.suits(work.X)
            and (way.net or work.l1_ratio == 1)
        ]  # fmt: skip

    def surroundings(self, before):
        """Return what stands above the tables; `before` is the machine when the run began."""
        found = [f"{peer} {version}" for peer, version in self.versions.items()]
        missing = [peer for peer in peers.PEERS if peer not in self.versions]
        return "\n".join([
            *before,
            f"- peers: {', '.join(found) or 'none'}; not installed: {', '.join(missing) or 'none'}",
            f"- fastest of up to {self.repeat}; * is not from this run, but from the cache: "
            + (", ".join(sorted(self.recalled)) or "nothing"),
        ])  # fmt: skip

    def time(self, entries, work, alphas, gap):
        """Return {label: Timed} of entries at a relative gap, each on the same files.

        Where each runs once there are no turns to take: one at a time, each remembered at once.
        """
        keys = {entry.label: self._key(entry, work, alphas, gap) for entry in entries}
        found = {entry.label: self._recall(keys[entry.label]) for entry in entries}
        fresh = [entry for entry in entries if found[entry.label] is None]
        for group in [fresh] if self.repeat > 1 else [[entry] for entry in fresh]:
            for label, timed in self._race(group, work, alphas, gap).items():
                found[label] = timed
                self._remember(keys[label], timed)
        return found

    def _race(self, entries, work, alphas, gap):
        if not entries:
            return {}
        with tempfile.TemporaryDirectory() as problem, ExitStack() as stack:
            peers.save_problem(problem, work.X, work.y, alphas)
            fitters, solvers = {}, {}
            for entry in entries:
                fitter = peers.Fitter(
                    entry, work.family, work.l1_ratio, problem, self.folder, self.n_threads
                )
                stack.callback(fitter.close)
                fitter.wait()
                fitters[entry.label] = fitter
                judge = partial(_referee(work, entry).relative_gaps, alphas)
                solvers[entry.label] = fitter, entry.first(gap, alphas), judge
            runs = race(solvers, gap, repeat=self.repeat, limit=self.limit, report=say)
            return {
                label: Timed(run, fitter.peak, fitter.cpu, None, fitter.failure, fitter.coefs,
                             fitter.steps)
                for label, run in runs.items() for fitter in [fitters[label]]
            }  # fmt: skip

    def _key(self, entry, work, alphas, gap):
        """Return the cache's key. Numbers in it are rounded: BLAS decides on the last bits."""
        if entry.peer == "riata":
            return None
        sizes = [np.linalg.norm(work.y), np.linalg.norm(work.X.T @ work.y), alphas[0], alphas[-1]]
        shape = "x".join(str(k) for k in (*work.X.shape, len(alphas)))
        problem = " ".join([shape, *(f"{size:.6g}" for size in sizes)])
        if work.family != "gaussian":
            problem = f"{work.family} {problem}"
        if work.l1_ratio < 1:
            problem = f"l1_ratio {work.l1_ratio} {problem}"
        version = self.versions[entry.peer]
        return f"{entry.way} {version} | {problem} | {gap:g} | {self.n_threads} threads | {cpu()}"

    def _recall(self, key):
        known = self.cache.get(key)
        if known is None:
            return None
        self.recalled.add(known["day"])
        run = Run(**known["run"])
        return Timed(run, known["peak"], known["cpu"], known["day"], known["failure"])

    def _remember(self, key, timed):
        if key is None or self.file is None:
            return
        self.cache[key] = {
            "run": timed.run._asdict(), "peak": timed.peak, "cpu": timed.cpu,
            "failure": timed.failure,
            "day": f"{time.strftime('%Y-%m-%d')} at a load of {os.getloadavg()[0]:.1f}",
        }  # fmt: skip
        self.file.write_text(json.dumps(self.cache, indent=1))


def _referee(work, entry):
    """Return the judge of a problem as this solver is asked it."""
    return make_referee(
        work.X, work.y, family=work.family, fit_intercept=entry.fit_intercept,
        l1_ratio=work.l1_ratio,
    )  # fmt: skip


def _own_gap(gap, _):
    return gap
