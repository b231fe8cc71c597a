"""Losses of straight pieces: where few rows have curvature, or none where a step begins."""

import numpy as np
import pytest
from family_oracle import check_family_path

import riata
from riata.families import Huber
from riata.kernels.line_search import line_search
from riata.kernels.trips import Trip


def heavy_tailed(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X[:, :10].sum(axis=1) + rng.standard_t(2, n)


@pytest.mark.parametrize(
    ("n", "p", "unit"), [(300, 100, 100.0), (100, 400, 100.0), (2000, 20, 1e4)]
)
def test_huber_far_below_the_scale_of_y(n, p, unit):
    """Danger: nearly least absolute deviations, as with prices and the default delta; a share of
    the bound in place of curvatures of 0 took thousands of steps an alpha, and ended in max_iter.
    """
    X, y = heavy_tailed(n, p)
    y = unit * y + 5.0 * unit
    path = riata.fit_path(X, y, family="huber", n_alphas=40)
    assert set(path.status) == {"converged"}
    assert path.n_iter.max() <= 1000
    check_family_path(path, X, y, "huber")


def test_a_unit_is_as_good_as_another():
    X, y = heavy_tailed(200, 50)
    one = riata.fit_path(X, 135.0 * y, family="huber", n_alphas=20, tol=1e-9)
    other = riata.fit_path(X, 1e6 * y, family=Huber(1e4), n_alphas=20, tol=1e-9)
    assert set(one.status) | set(other.status) == {"converged"}
    expected = (1e6 / 135.0) * one.coefs.toarray()
    np.testing.assert_allclose(other.coefs.toarray(), expected, atol=1e-2)


def test_squared_hinge_where_nearly_every_row_is_fitted():
    """Danger: rows with a margin have no curvature, and columns are nearly as many as the others:
    the end of this path took 2000 iterations an alpha."""
    X, y = heavy_tailed(500, 200)
    y = (y > 0.0).astype(int)
    path = riata.fit_path(X, y, family="squared_hinge")
    assert set(path.status) == {"converged"}
    assert path.n_iter.max() <= 60
    check_family_path(path, X, y, "squared_hinge")


def kinked(kinks, slopes):
    """Return a Trip over a convex function, straight between its kinks, and where that went."""
    went = []

    def call(t):
        went.append(t)
        slope = slopes[int(np.searchsorted(kinks, t, side="right"))]
        points = [0.0, *(kink for kink in kinks if kink < t), t]
        return sum(s * (b - a) for s, a, b in zip(slopes, points, points[1:], strict=False)), -slope

    return Trip(call, 0.0, -slopes[0]), went


@pytest.mark.parametrize("bottom", [0.5, 0.03, 1e-4])
def test_a_line_of_straight_pieces_is_followed_to_its_bottom(bottom):
    """By halves it would stop anywhere down to half as far."""
    nothing = np.zeros(1)
    trip, went = kinked([0.9 * bottom, bottom, 1.1 * bottom], [-1.0, -0.2, 0.01, 50.0])
    t = line_search(trip, nothing, nothing, nothing, nothing, straight=True)
    assert bottom <= t <= 1.1 * bottom
    assert t == went[-1]
    assert len(went) <= 30


def test_a_whole_step_is_taken_where_it_will_do():
    nothing = np.zeros(1)
    trip, went = kinked([0.5], [-1.0, 0.2])  # lower at 1 than at 0, if not the lowest
    assert line_search(trip, nothing, nothing, nothing, nothing, straight=True) == 1.0
    assert went == [1.0]
