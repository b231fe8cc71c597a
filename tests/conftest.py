"""Say at the end how much of what was fitted the oracle has judged."""

import sys

import pytest

pytest.register_assert_rewrite("oracle", "certified")


def pytest_terminal_summary(terminalreporter):
    if "certified" in sys.modules:
        tally = sys.modules["certified"].TALLY
        terminalreporter.write_line(
            f"judged by tests/oracle.py: {tally.fits} fits, {tally.alphas} solutions"
        )
