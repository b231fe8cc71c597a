"""Say at the end how much of what was fitted the oracle has judged, on all workers together."""

import sys

import pytest

from riata.design import dense, sparse

pytest.register_assert_rewrite("oracle", "certified")

_workers = []


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    """Let folds and targets on small data be solved on threads: they stand for larger ones."""
    monkeypatch.setattr(dense, "SMALL", 0)
    monkeypatch.setattr(sparse, "SMALL", 0)


def _judged():
    tally = getattr(sys.modules.get("certified"), "TALLY", None)
    return (tally.fits, tally.alphas) if tally else (0, 0)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["judged"] = _judged()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    _workers.append(getattr(node, "workeroutput", {}).get("judged", (0, 0)))


def pytest_terminal_summary(terminalreporter):
    fits, alphas = (sum(counts) for counts in zip(_judged(), *_workers, strict=True))
    terminalreporter.write_line(f"judged by tests/oracle.py: {fits} fits, {alphas} solutions")
