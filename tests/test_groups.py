"""Descent on rows of K coefficients in Gram space, against coordinate descent in numpy."""

import numpy as np
import pytest

from riata.kernels import groups

PENALTY = 0.3


def problem(size, K, seed=0):
    """Return a Gram matrix with room to spare, rows of which some are 0, and C."""
    rng = np.random.default_rng(seed + 100 * size + K)
    A = rng.standard_normal((size + 5, size)) + rng.standard_normal((size + 5, 1))
    A[:, 3::7] = 0.0
    room = np.full((size + 3, size + 3), np.nan)
    room[:size, :size] = A.T @ A / len(A)
    coef = rng.standard_normal((size, K)) * (rng.random((size, 1)) < 0.6)
    coef[3::7] = 1.0  # of columns without variance, where l2 may hold them
    return room, coef, room[:size, :size] @ coef + rng.standard_normal((size, K))


def moved(H, coef, grad, order, l1, l2, *, grouped):
    """One sweep of coordinate descent over the rows in `order`; both arrays are updated."""
    for a in order:
        d = H[a, a]
        if d + l2[a] == 0.0:
            continue
        r = grad[a] + d * coef[a]
        size = np.linalg.norm(r) if grouped else np.abs(r)
        kept = np.maximum(1 - l1[a] / np.where(size > 0, size, 1.0), 0.0)
        step = kept * r / (d + l2[a]) - coef[a]
        coef[a] += step
        grad -= np.outer(H[:, a], step)


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("K", [1, 3, 4, 5, 10])
@pytest.mark.parametrize("size", [1, 15, 16, 17, 32, 33, 70, 600])
def test_sweeps_are_those_of_coordinate_descent(size, K, grouped):
    """Those at zero first, then who is not, sweep after sweep, in the order they came."""
    room, coef, C = problem(size, K)
    H, l1 = room[:size, :size], np.full(size, PENALTY)
    for l2 in (np.zeros(size), np.full(size, 0.1)):
        expected, there = coef.copy(), C - H @ coef
        support = np.flatnonzero(coef.any(axis=1))
        others = np.setdiff1d(np.arange(size), support)
        grad = there.copy()
        moved(H, expected, there, others, l1, l2, grouped=grouped)
        joined = others[expected[others].any(axis=1)]
        for _ in range(3):
            moved(H, expected, there, np.r_[support, joined], l1, l2, grouped=grouped)
        rows, norm_sq = coef.copy(), np.diagonal(H) + 1e-9
        sweeps, gap = groups.descend(room, rows, grad, 1.0, norm_sq, l1, l2, grouped, 0.0, 3, 2)
        assert sweeps == 3
        scale = np.abs(C).max() + np.abs(H).sum(axis=0).max() * np.abs(coef).max()
        np.testing.assert_allclose(rows, expected, atol=1e-11 * scale)
        np.testing.assert_allclose(grad, C - H @ rows, atol=1e-11 * scale)
        diagonal = np.diagonal(H).copy()
        assert gap == groups.certificate(diagonal, rows, grad, 1.0, l1, l2, grouped)[0]


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("size", [0, 1, 33, 70])
def test_whoever_leaves_zero_between_sweeps_is_told_of_them(size, grouped):
    """From nothing to an optimum: the gap is closed, of everybody."""
    room, _, C = problem(size, 3)
    H, l1, l2 = room[:size, :size], np.full(size, PENALTY), np.full(size, 0.1)
    rows, grad = np.zeros_like(C), C.copy()
    norm_sq = np.diagonal(H).copy()
    _, gap = groups.descend(room, rows, grad, 1.0, norm_sq, l1, l2, grouped, 1e-12, 10_000, 2)
    assert gap <= 1e-12
    np.testing.assert_allclose(grad, C - H @ rows, atol=1e-10)
    again, there = rows.copy(), grad.copy()
    moved(H, again, there, np.arange(size), l1, l2, grouped=grouped)
    np.testing.assert_allclose(again, rows, atol=1e-5)


def test_nobody_moves_where_the_penalty_holds_all():
    room, _, C = problem(40, 4)
    l1 = np.full(40, 1e3)
    rows, grad = np.zeros_like(C), C.copy()
    sweeps, gap = groups.descend(room, rows, grad, 1.0, np.ones(40), l1, 0 * l1, True, 0.0, 50, 2)
    assert (sweeps, gap) == (1, 0.0)
    assert not rows.any()
    assert np.array_equal(grad, C)


def test_bits_do_not_depend_on_threads():
    """Rows of a panel, those before it and all others are cut into two and three jobs."""
    room, coef, C = problem(600, 40)
    H, l1 = room[:600, :600], np.full(600, PENALTY)
    found = []
    for n_threads in (1, 2, 3):
        rows, grad = coef.copy(), C - H @ coef
        groups.descend(
            room, rows, grad, 1.0, np.diagonal(H).copy(), l1, 0 * l1, True, 0.0, 5, n_threads
        )
        found.append((rows, grad))
    for rows, grad in found[1:]:
        assert np.array_equal(rows, found[0][0])
        assert np.array_equal(grad, found[0][1])
