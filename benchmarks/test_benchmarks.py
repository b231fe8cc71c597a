"""Timings on small problems, at an equal gap, with pytest-benchmark; and tests of the referee.

    python -m pytest benchmarks

Not part of the test suite: `testpaths` names only tests/.
"""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import newton_steps
import numpy as np
import peers
import pytest
import workloads
from fit_ways import WAYS, Problem
from referee import Referee, Solution, tighten
from referee_glm import make_referee
from solvers import participants
from timing import Bench

import riata

TARGET = 1e-6
THREADS = 2
SOLVERS = {
    "gene": ["riata", "scikit-learn enet_path", "scikit-learn lars_path (interpolated)"],
    "wide": ["riata", "scikit-learn enet_path", "scikit-learn lars_path (interpolated)"],
    "wide-correlated": ["riata", "scikit-learn enet_path"],
    "tall": ["riata", "scikit-learn enet_path (precompute='auto': Gram)"],
    "crowded-net": ["riata", "scikit-learn enet_path"],
    "text": ["riata (CSC)", "riata (CSR)", "scikit-learn enet_path (CSC, constant column)"],
}


@cache
def prepared(name):
    """Return a small workload's referee, grid and participants."""
    work = workloads.SMALL[name]()
    referee = Referee(work.X, work.y, fit_intercept=work.fit_intercept, l1_ratio=work.l1_ratio)
    alphas = referee.grid(work.n_alphas, work.alpha_min_ratio)
    return referee, alphas, participants(work, referee, alphas, TARGET, THREADS, every=True)


@pytest.mark.parametrize(
    ("name", "solver"), [(name, solver) for name in SOLVERS for solver in SOLVERS[name]]
)
def test_path(benchmark, name, solver):
    referee, alphas, found = prepared(name)
    solve, tol = found[solver]
    run = tighten(solve, lambda solution: referee.relative_gaps(alphas, solution), TARGET, tol)
    assert run.worst <= TARGET, run
    benchmark.group = name
    benchmark.extra_info.update(gap=run.worst, tol=run.tol, alphas=len(alphas))
    solution = benchmark.pedantic(solve, args=(run.tol,), rounds=3)
    assert referee.relative_gaps(alphas, solution).max() <= TARGET


@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_referee_knows_a_closed_form(l1_ratio, fit_intercept):
    """Orthogonal columns (of mean 0): b_j = soft(x_j'y / n, l1) / (1 + l2)."""
    rng = np.random.default_rng(7)
    Q = np.linalg.qr(np.column_stack([np.ones(40), rng.standard_normal((40, 10))]))[0][:, 1:]
    X, y = Q * np.sqrt(40), rng.standard_normal(40) + 3.0 * fit_intercept
    referee = Referee(X, y, fit_intercept=fit_intercept, l1_ratio=l1_ratio)
    alphas = referee.grid(5, 0.01)
    z = X.T @ y / 40
    shrunk = np.sign(z)[:, None] * np.maximum(np.abs(z)[:, None] - alphas * l1_ratio, 0)
    coefs = shrunk / (1 + alphas * (1 - l1_ratio))
    intercepts = np.full(5, y.mean() * fit_intercept)
    exact = referee.relative_gaps(alphas, Solution(coefs, intercepts))
    assert np.abs(exact).max() < 1e-12

    dropped = coefs.copy()
    dropped[np.abs(z).argmax()] = 0.0
    for wrong in (
        Solution(dropped, intercepts),
        Solution(-coefs, intercepts),
        Solution(1.01 * coefs, intercepts),
        Solution(coefs, intercepts + 0.01),
        Solution(np.full_like(coefs, np.nan), intercepts),
    ):
        worst = referee.relative_gaps(alphas, wrong).max()
        assert not worst <= TARGET, worst
    with pytest.raises(ValueError, match="coefs must be"):
        referee.relative_gaps(alphas, Solution(coefs[1:], intercepts))


@pytest.mark.parametrize("name", ["wide", "crowded-net", "text"])
def test_referee_and_riata_agree_on_gaps(name):
    """Of inexact solutions too: what is reported is the gap, or up to a hundredth above it.

    A hundredth is where riata stops looking for the best c; at c = 1 or the largest feasible one,
    which is where solutions are judged in practice, there is nothing to look for.
    """
    referee, alphas, _ = prepared(name)
    work = workloads.SMALL[name]()
    for k, scale in ((20, 1.0), (40, 0.9), (60, 1.1)):
        coef = scale * np.random.default_rng(k).normal(size=work.X.shape[1]) * 1e-3
        y_mean = work.y.mean() if work.fit_intercept else 0.0
        gap = riata.duality_gap(
            work.X, work.y, coef, y_mean, alphas[k],
            l1_ratio=work.l1_ratio, fit_intercept=work.fit_intercept,
        )  # fmt: skip
        judged = referee.relative_gaps(alphas[k : k + 1], Solution(coef[:, None], [y_mean]))
        judged = judged[0] * referee.null_objective
        assert judged * (1 - 1e-8) <= gap <= 1.011 * judged


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("name", ["wide-binary", "poisson", "multinomial", "multigaussian"])
def test_referee_of_families_knows_right_from_wrong(name, fit_intercept):
    """And agrees with the gap that riata reports, to which it solved."""
    work = replace(workloads.FAMILIES_SMALL[name](), fit_intercept=fit_intercept)
    referee = make_referee(work.X, work.y, family=work.family, fit_intercept=fit_intercept)
    alphas = referee.grid(4, 0.1)
    solve = WAYS["riata"][1](Problem(work.X, work.y, alphas, work.family, fit_intercept, 1))
    solution = solve(1e-8)
    gaps = referee.relative_gaps(alphas, solution)
    assert np.abs(gaps).max() <= 1e-8
    assert np.abs(gaps - solution.claimed).max() <= 1e-12

    coefs, intercepts = solution.coefs.toarray(), np.asarray(solution.intercepts)
    dropped = coefs.copy()
    dropped[np.abs(coefs[:, -1]).argmax()] = 0.0
    for wrong in (
        solution._replace(coefs=dropped),
        solution._replace(coefs=-coefs),
        solution._replace(coefs=1.05 * coefs),
        solution._replace(intercepts=intercepts + 0.1 * np.arange(intercepts[0].size).clip(0.5)),
        solution._replace(coefs=np.full_like(coefs, np.nan)),
    ):
        worst = referee.relative_gaps(alphas, wrong).max()
        assert not worst <= TARGET, worst
    with pytest.raises(ValueError, match="coefs must be"):
        referee.relative_gaps(alphas, solution._replace(coefs=coefs[1:]))


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_one_response_of_several_is_the_lasso(fit_intercept):
    work = workloads.SMALL["gene"]()
    lasso, several = (
        make_referee(work.X, y, family=family, fit_intercept=fit_intercept)
        for y, family in ((work.y, "gaussian"), (work.y[:, None], "multigaussian"))
    )
    assert np.isclose(lasso.null_objective, several.null_objective, rtol=1e-12)
    alphas = lasso.grid(5, 0.1)
    assert np.allclose(alphas, several.grid(5, 0.1), rtol=1e-12)
    problem = Problem(work.X, work.y, alphas, "gaussian", fit_intercept, 1)
    solution = WAYS["riata"][1](problem)(1e-5)
    gaps = [referee.relative_gaps(alphas, solution) for referee in (lasso, several)]
    assert np.allclose(*gaps, rtol=1e-6, atol=1e-12)


def test_newton_steps_are_counted():
    work = workloads.FAMILIES_SMALL["poisson"]()
    with newton_steps.counted() as count:
        path = riata.fit_path(work.X, work.y, family=work.family, n_alphas=20)
    assert 20 <= count() <= path.n_iter.sum() + 20


def test_referee_stops_what_takes_too_long():
    run = tighten(lambda tol: [0 for _ in iter(int, 1)], None, TARGET, TARGET, limit=0.2)
    assert run.worst == np.inf
    assert 0.2 <= run.seconds < 2


@pytest.fixture
def environments(tmp_path):
    """Return a folder of environments: RIATA_PEERS if set, else this one's scikit-learn alone."""
    if "RIATA_PEERS" in os.environ:
        return os.environ["RIATA_PEERS"]
    python = tmp_path / "scikit-learn" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return str(tmp_path)


@pytest.mark.parametrize("name", ["gene", "tall", "million"])
def test_goals_are_printed(name, environments, tmp_path):
    """The small version, with whatever peers there are; every solver there is meets its gap."""
    command = [sys.executable, str(Path(peers.__file__).with_name("goals.py")), "--small"]
    command += ["--only", name, "--peers", environments, "--repeat", "1"]
    cache = ["--cache", str(tmp_path / "cache.json")]
    done = subprocess.run([*command, *cache], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(f"| {name}: ")]
    assert any("riata" in line for line in lines), done.stdout
    assert any("scikit-learn" in line for line in lines), done.stdout
    for line in lines:
        assert "failed" not in line, line

    again = subprocess.run([*command, *cache], capture_output=True, text=True, check=False)
    timed = [line for line in lines if "| 0.0001 |" in line and "riata" not in line]
    remembered = [line for line in again.stdout.splitlines() if " * |" in line]
    assert len(remembered) == len(timed) > 0


@pytest.mark.parametrize("name", ["tall-binary", "multigaussian"])
def test_families_are_printed(name, environments, tmp_path):
    """The small version; what is remembered is marked, and nobody fails."""
    command = [sys.executable, str(Path(peers.__file__).with_name("families.py")), "--small"]
    command += ["--only", name, "--peers", environments, "--repeat", "1", "--limit", "30"]
    command += ["--cache", str(tmp_path / "cache.json")]
    rows = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "failed" not in done.stdout, done.stdout
        table = [line for line in done.stdout.splitlines() if line.startswith("|")]
        assert "scikit-learn" in table[0]
        assert table[2].startswith(f"| {name} |")
        rows.append(table[2])
    assert " * |" not in rows[0]
    assert " * |" in rows[1]


def test_a_solver_that_dies_is_a_failed_run(tmp_path, monkeypatch):
    """Of one that cannot start, and of one that ends; the others are timed."""
    monkeypatch.setattr(peers, "command", lambda peer, _: {
        "riata": [sys.executable, str(Path(peers.__file__).with_name("fit_peer.py"))],
        "celer": [sys.executable, "-c", "raise SystemExit('no such library')"],
    }[peer])  # fmt: skip
    bench = Bench(None, tmp_path / "cache.json", n_threads=1, repeat=1, limit=60)
    bench.versions = {"celer": "0"}
    work = workloads.GOALS_SMALL["gene"]()
    alphas = Referee(work.X, work.y, fit_intercept=False).grid(10, 0.1)
    entries = bench.theirs(work) + bench.ours(work)
    found = bench.time(entries, work, alphas, TARGET)
    assert found["celer"].failure == "no such library"
    assert found["celer"].run.worst == np.inf
    assert found["riata"].run.worst <= TARGET
    assert found["riata"].coefs.shape == (work.X.shape[1], 10)
    recalled = bench.time(entries[:1], work, alphas, TARGET)["celer"]
    assert recalled.day
    assert recalled.failure == "no such library"


def test_grids_can_end_at_a_given_support():
    work = workloads.ending_at(workloads.SMALL["wide"](), 20)
    alphas = Referee(work.X, work.y, fit_intercept=False).grid(100, work.alpha_min_ratio)
    path = riata.fit_path(work.X, work.y, alphas=alphas, fit_intercept=False, tol=1e-9)
    assert abs(np.count_nonzero(path.coefs[:, [-1]].toarray()) - 20) <= 1


def test_folds_prints_its_tables():
    script = Path(__file__).parent / "folds.py"
    options = ["--small", "--riata-only", "--repeat", "1", "--only", "tall", "--only", "memory"]
    command = [sys.executable, script, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "| tall: riata, cross_validate |" in done.stdout
    assert "| folds | peak above X, MB | share of X |" in done.stdout
