"""Stability selection that max_time or Ctrl-C ends: the halves that are done count, no others."""

import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from problems import regression
from sklearn.exceptions import ConvergenceWarning

import riata
from riata.lane import Lane
from riata.stability import error_bound

X, Y = regression(50, 30, seed=3)
SETTINGS = {"n_alphas": 6, "n_threads": 1, "alpha_min_ratio": 0.05}
BATCH = 16  # halves that go together


@pytest.fixture(scope="module")
def eight():
    """Return the selection of the first eight pairs alone."""
    return riata.stability_selection(X, Y, n_pairs=8, **SETTINGS)


def after(monkeypatch, n_steps, event):
    """Let something happen once so many fits are made."""
    step, calls = Lane.step, []

    def counted(lane, alpha, *, last):
        calls.append(alpha)
        if len(calls) == n_steps + 1:
            event()
        return step(lane, alpha, last=last)

    monkeypatch.setattr(Lane, "step", counted)


def time_is_up(monkeypatch):
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 1e7)


def ctrl_c():
    raise KeyboardInterrupt


def check_first_eight(found, eight, status):
    """Whether found is what eight pairs say by themselves."""
    assert (found.status, found.n_pairs) == (status, 8)
    np.testing.assert_array_equal(found.alphas, eight.alphas)
    np.testing.assert_array_equal(found.probabilities.toarray(), eight.probabilities.toarray())
    for name in ("n_selected", "error_bounds", "selected", "alpha"):
        np.testing.assert_array_equal(getattr(found, name), getattr(eight, name), err_msg=name)
    bounds = error_bound(found.n_selected, 30, 0.75, 8, True)
    np.testing.assert_array_equal(found.error_bounds, bounds)


@pytest.mark.parametrize("n_steps", [6 * BATCH, 6 * BATCH + 5, 8 * BATCH])
def test_pairs_that_are_done_within_max_time_count(n_steps, eight, monkeypatch):
    after(monkeypatch, n_steps, lambda: time_is_up(monkeypatch))
    match = "max_time was over .*: 8 of 20 count, with 6 of 6 alphas; raise max_time"
    with pytest.warns(ConvergenceWarning, match=match) as caught:
        found = riata.stability_selection(X, Y, n_pairs=20, max_time=1e6, **SETTINGS)
    assert len(caught) == 1
    assert Path(caught[0].filename).name == Path(__file__).name, "the warning points elsewhere"
    check_first_eight(found, eight, "time_limit")
    assert "time_limit" in repr(found)


@pytest.mark.parametrize("n_steps", [6 * BATCH + 1, 8 * BATCH])
def test_ctrl_c_carries_the_pairs_that_are_done(n_steps, eight, monkeypatch):
    after(monkeypatch, n_steps, ctrl_c)
    with (
        warnings.catch_warnings(action="error", category=ConvergenceWarning),
        pytest.raises(KeyboardInterrupt) as stopped,
    ):
        riata.stability_selection(X, Y, n_pairs=20, **SETTINGS)
    check_first_eight(stopped.value.path, eight, "interrupted")


def test_ctrl_c_while_halves_are_prepared_keeps_those_before(eight, monkeypatch):
    starts, calls = riata.halves.starts_of, []

    def interrupted(*arguments):
        calls.append(arguments)
        return starts(*arguments) if len(calls) == 1 else ctrl_c()

    monkeypatch.setattr(riata.halves, "starts_of", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        riata.stability_selection(X, Y, n_pairs=20, **SETTINGS)
    check_first_eight(stopped.value.path, eight, "interrupted")


@pytest.mark.parametrize("by", ["time_limit", "interrupted"])
def test_where_no_pair_is_done_the_alphas_that_all_of_the_first_have_solved_do(by, monkeypatch):
    """Wide halves go down alpha by alpha."""
    X, y = regression(40, 90, seed=3)
    whole = riata.stability_selection(X, y, n_pairs=3, **SETTINGS)
    settings = {"n_pairs": 3, "max_time": 1e6, **SETTINGS}
    if by == "time_limit":
        after(monkeypatch, 6 * 3 + 2, lambda: time_is_up(monkeypatch))
        with pytest.warns(ConvergenceWarning, match="3 of 3 count, with [34] of 6 alphas"):
            found = riata.stability_selection(X, y, **settings)
    else:
        after(monkeypatch, 6 * 3 + 2, ctrl_c)
        with pytest.raises(KeyboardInterrupt) as stopped:
            riata.stability_selection(X, y, **settings)
        found = stopped.value.path
    assert (found.status, found.n_pairs) == (by, 3)
    solved = int(np.count_nonzero(~np.isnan(found.n_selected)))
    assert solved in (3, 4)  # a fit that ends before it looks at the clock is one
    share = found.probabilities.toarray()
    np.testing.assert_array_equal(share[:, :solved], whole.probabilities.toarray()[:, :solved])
    assert not share[:, solved:].any()
    for name in ("n_selected", "error_bounds"):
        values = getattr(found, name)
        np.testing.assert_array_equal(values[:solved], getattr(whole, name)[:solved])
        assert np.isnan(values[solved:]).all()
    assert found.alpha in found.alphas[:solved]


def test_a_time_limit_that_is_over_at_once_selects_nothing():
    with pytest.warns(ConvergenceWarning, match="0 of 50 count, with 0 of 6 alphas"):
        found = riata.stability_selection(X, Y > 0, family="binomial", max_time=1e-9, **SETTINGS)
    assert (found.status, found.n_pairs, len(found.selected)) == ("time_limit", 0, 0)
    assert len(found.alphas) == 6
    for values in (found.n_selected, found.error_bounds, found.alpha):
        assert np.isnan(values).all()
    assert found.probabilities.nnz == 0


def test_an_ample_time_limit_changes_nothing(eight):
    found = riata.stability_selection(X, Y, n_pairs=8, max_time=1e6, **SETTINGS)
    assert (found.probabilities != eight.probabilities).nnz == 0
    assert (found.status, eight.status) == ("converged", "converged")


def test_ctrl_c_before_the_first_half_carries_no_result_but_the_attribute():
    class Interrupting:
        def __array__(self, dtype=None, copy=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        riata.stability_selection(Interrupting(), Y)
    assert stopped.value.path is None


def test_the_status_tells_of_fits_above_their_tolerance():
    with pytest.warns(ConvergenceWarning, match="fits ended above the tolerance"):
        found = riata.stability_selection(X, Y, n_pairs=2, max_iter=1, tol=1e-13, **SETTINGS)
    assert found.status == "max_iter"
