"""Measure cross-validation: against one path, and against scikit-learn and R's glmnet.

    python benchmarks/folds.py                       every table, about five minutes
    python benchmarks/folds.py --only tall --repeat 3
    python benchmarks/folds.py --small               the same on small data, seconds

All have the same folds and the same alphas. riata solves every fold to a gap of --gap, the others
to their default tolerance; how far their mean scores are from riata's stands beside their time.
"""

import argparse
import subprocess
import tempfile
import time
import tracemalloc
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import workloads
from report import machine, say, table
from sklearn.linear_model import ElasticNetCV, LassoCV
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

import riata

HERE = Path(__file__).parent
PROBLEMS = {"wide": 5, "tall": 5, "text": 5, "logistic": 10}  # folds


def main():
    options = _options()
    chosen = options.only or [*PROBLEMS, "parity", "memory"]
    made = workloads.SMALL if options.small else workloads.FULL
    with threadpool_limits(options.threads):
        lines = machine(options.threads, ("riata", "scikit-learn", "numpy", "scipy"))
        sections = ["\n".join(lines)]
        problems = [name for name in PROBLEMS if name in chosen]
        if problems:
            sections.append(_speed(problems, made, options))
        if "parity" in chosen:
            sections.append(_parity())
        if "memory" in chosen:
            sections.append(_memory(made["wide"](), options))
    print("\n\n".join(sections))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = (*PROBLEMS, "parity", "memory")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME",
                        help=f"one of {', '.join(names)}; may be repeated")  # fmt: skip
    parser.add_argument("--repeat", type=int, default=2, help="runs of riata (default 2)")
    parser.add_argument("--gap", type=float, default=1e-6, help="relative gap (default 1e-6)")
    parser.add_argument("--threads", type=int, default=2, help="for BLAS and riata (default 2)")
    parser.add_argument("--riata-only", action="store_true", help="leave the peers out")
    parser.add_argument("--small", action="store_true", help="small data, for trying this out")
    return parser.parse_args()


def _splits(n, n_folds):
    return list(KFold(n_folds, shuffle=True, random_state=0).split(np.zeros((n, 1))))


def _speed(names, made, options):
    rows = [("problem and solver", "seconds", "over one path", "CPU s", "passes", "of one path",
             "mean scores off by")]  # fmt: skip
    notes = []
    for name in names:
        logistic = name == "logistic"
        work = made["text" if logistic else name]()
        if logistic:
            y = workloads.above_median(work.y)
            work = replace(work, y=y, family="binomial", n_alphas=50, alpha_min_ratio=1 / 20)
        folds = _splits(len(work.y), PROBLEMS[name])
        say(f"{name}: {work.title()}")
        notes.append(
            f"- {name}: {work.X.shape[0]} x {work.X.shape[1]}, {work.family}, L1 with an "
            f"intercept, {work.n_alphas} alphas to alpha_max/{1 / work.alpha_min_ratio:.0f}, "
            f"{PROBLEMS[name]} folds"
        )
        top = riata.alpha_max(work.X, work.y, family=work.family)
        alphas = top * np.geomspace(1, work.alpha_min_ratio, work.n_alphas)
        ours = {
            "family": work.family, "alphas": alphas, "tol": options.gap,
            "n_threads": options.threads,
        }  # fmt: skip
        path, one, cpu = _best(partial(riata.fit_path, work.X, work.y, **ours), options.repeat)
        rows.append((f"{name}: riata, one path", f"{one:.3g}", 1, f"{cpu:.3g}",
                     f"{path.n_passes:.0f}", 1, "-"))  # fmt: skip
        cv, seconds, cpu = _best(
            partial(riata.cross_validate, work.X, work.y, cv=folds, **ours), options.repeat
        )
        passes = cv.n_passes / max(path.n_passes, 1.0)
        rows.append((f"{name}: riata, cross_validate", f"{seconds:.3g}", f"{seconds / one:.2f}",
                     f"{cpu:.3g}", f"{cv.n_passes:.0f}", f"{passes:.2f}", "-"))  # fmt: skip
        if not options.riata_only:
            peers = {"scikit-learn LassoCV": _scikit_learn, "R's cv.glmnet": _glmnet}
            if sp.issparse(work.X):  # minutes, or an hour
                del peers["scikit-learn LassoCV"]
            for peer, run in peers.items():
                found = run(work, folds, alphas)
                if found is not None:
                    mean, taken = found
                    off = np.abs(mean / cv.mean[0] - 1).max()
                    rows.append((f"{name}: {peer}", f"{taken:.3g}", f"{taken / one:.1f}", "-", "-",
                                 "-", f"{off:.1e}"))  # fmt: skip
    return table(*rows) + "\n\n" + "\n".join(notes)


def _best(call, repeat):
    """Return the result of a call, and the seconds and processor seconds of its fastest run."""
    best, result, of_cpu = np.inf, None, np.inf
    for _ in range(max(repeat, 1)):
        start, cpu = time.perf_counter(), time.process_time()
        result = call()
        taken = time.perf_counter() - start
        if taken < best:
            best, of_cpu = taken, time.process_time() - cpu
    return result, best, of_cpu


def _scikit_learn(work, folds, alphas):
    model = LassoCV(alphas=alphas, cv=folds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model.fit(work.X, work.y)
        taken = time.perf_counter() - start
    weights = [len(test) for _, test in folds]
    return np.average(model.mse_path_, axis=1, weights=weights), taken


def _glmnet(work, folds, alphas):
    """Return cv.glmnet's mean scores and seconds, None where R has no glmnet."""
    n, p = work.X.shape
    foldid = np.empty(n)
    for k, (_, test) in enumerate(folds):
        foldid[test] = k + 1
    with tempfile.TemporaryDirectory() as folder:
        parts = {"y": work.y, "alphas": alphas, "foldid": foldid}
        if sp.issparse(work.X):
            X = work.X.tocsc()
            parts["data"] = X.data
            for name in ("indices", "indptr"):
                getattr(X, name).astype("<i4").tofile(Path(folder, f"{name}.bin"))
        else:
            parts["X"] = work.X.ravel(order="F")
        for name, values in parts.items():
            np.asarray(values, dtype="<f8").tofile(Path(folder, f"{name}.bin"))
        command = ["Rscript", HERE / "cv_glmnet.R", folder, str(n), str(p), work.family]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            say(f"no glmnet: {error}")
            return None
        scores = np.fromfile(Path(folder, "scores.bin"))
    return scores[: len(alphas)], float(done.stdout.split()[0])


def _parity():
    """Count the scores that are scikit-learn's to 1e-6 of y's variance, both solved tightly."""
    rng, counted, agreed, worst = np.random.default_rng(0), 0, 0, 0.0
    for n, p in ((60, 20), (50, 120), (200, 40)):
        for ratio in (0.5, 0.9, 1.0):
            X = rng.standard_normal((n, p)) + rng.standard_normal((n, 1))
            y = X[:, :5].sum(axis=1) + rng.standard_normal(n)
            folds = _splits(n, 5)
            theirs = ElasticNetCV(l1_ratio=ratio, cv=folds, tol=1e-13, max_iter=1_000_000)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs.fit(X, y)
            ours = riata.ElasticNetCV(l1_ratio=ratio, cv=folds, tol=1e-12).fit(X, y)
            off = np.abs(ours.mse_path_ - theirs.mse_path_) / np.var(y)
            counted, agreed = counted + off.size, agreed + int((off <= 1e-6).sum())
            worst = max(worst, off.max())
    return f"- scores equal to scikit-learn's to 1e-6: {agreed} of {counted}, worst {worst:.1e}"


def _memory(work, options):
    """Peak of what is allocated, as a share of X, for several numbers of folds."""
    rows = [("folds", "peak above X, MB", "share of X")]
    size = work.X.nbytes
    for n_folds in (2, 5, 10):
        tracemalloc.start()
        riata.cross_validate(
            work.X, work.y, cv=n_folds, alpha_min_ratio=work.alpha_min_ratio, tol=options.gap,
            n_threads=options.threads,
        )  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rows.append((n_folds, f"{peak / 1e6:.1f}", f"{peak / size:.2f}"))
    return table(*rows)


if __name__ == "__main__":
    main()
