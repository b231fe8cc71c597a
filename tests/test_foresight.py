"""What the first Newton step to an alpha expects: by arithmetic, on known errors, in whole fits."""

import warnings

import numpy as np
import pytest
from family_oracle import check_family_path
from test_steps import MEMBERS, n, place

import riata
from riata.expansion import LossAlong
from riata.foresight import MOST, Foresight
from riata.kernels.steps import DONE, LIMIT, SPENT, UNMOVED, Steps
from riata.kernels.trips import Place, RoundTrip

ALL = np.arange(4)
MISSED = np.array([0.3, -0.1, 0.2, 0.05])


def reach(last, alpha, taken):
    """Return length times distance of a step in -log(alpha), from where H was taken."""
    s, t = -np.log(last), -np.log(alpha)
    return (t - s) * max(0.5 * (s + t) + np.log(taken), 0.5 * (t - s))


def learned(missed=MISSED, total=0.7, members=ALL, p=6):
    """Return a Foresight that has missed this from 1.0 to 0.9 under the curvature at 1.0."""
    foresight = Foresight(p)
    foresight.take(1.0)
    foresight.set_out(1.0, 0.9)
    expected, nothing = foresight.expect(members)
    assert not expected.any()
    assert nothing == 0.0
    foresight.learn(members, missed, total)
    return foresight


@pytest.mark.parametrize("alpha", [0.89, 0.8, 0.3])
def test_what_was_missed_is_scaled_by_length_and_distance(alpha):
    foresight = learned()
    foresight.set_out(0.9, alpha)
    expected, total = foresight.expect(ALL)
    ratio = reach(0.9, alpha, 1.0) / reach(1.0, 0.9, 1.0)
    np.testing.assert_allclose(expected, ratio * MISSED, rtol=1e-12)
    np.testing.assert_allclose(total, ratio * 0.7, rtol=1e-12)


@pytest.mark.parametrize("taken", [0.9, 0.85, 1.3])
def test_a_curvature_taken_since_changes_the_distance(taken):
    foresight = learned()
    foresight.take(taken)
    foresight.set_out(0.9, 0.8)
    expected, total = foresight.expect(ALL)
    ratio = reach(0.9, 0.8, taken) / reach(1.0, 0.9, 1.0)
    np.testing.assert_allclose(expected, ratio * MISSED, rtol=1e-12)
    np.testing.assert_allclose(total, ratio * 0.7, rtol=1e-12)


def test_a_curvature_of_no_alpha_counts_as_that_of_the_present_one():
    foresight, other = learned(), learned()
    foresight.take(np.inf)
    other.take(0.9)
    for each in (foresight, other):
        each.set_out(0.9, 0.8)
    np.testing.assert_allclose(foresight.expect(ALL)[0], other.expect(ALL)[0], rtol=1e-12)


COMPARISONS = [(1.0, 1.0), (1.4, 1.4), (0.7, 0.7), (9.0, MOST), (0.1, 1 / MOST), (-3.0, 1 / MOST)]


@pytest.mark.parametrize(("came", "trust"), COMPARISONS)
def test_trust_follows_what_came_of_the_last_expectation_within_reason(came, trust):
    foresight = learned()
    foresight.set_out(0.9, 0.8)
    expected, _ = foresight.expect(ALL)
    aside = np.array([expected[1], -expected[0], 0.0, 0.0])  # what nobody expected
    missed = came * expected + aside
    foresight.learn(ALL, missed, 2.0)
    foresight.set_out(0.8, 0.7)
    again, total = foresight.expect(ALL)
    ratio = trust * reach(0.8, 0.7, 1.0) / reach(0.9, 0.8, 1.0)
    np.testing.assert_allclose(again, ratio * missed, rtol=1e-12)
    np.testing.assert_allclose(total, ratio * 2.0, rtol=1e-12)


def test_trust_is_the_product_of_all_comparisons():
    foresight, alpha = learned(), 0.9
    for _ in range(3):
        foresight.set_out(alpha, 0.9 * alpha)
        expected, _ = foresight.expect(ALL)
        foresight.learn(ALL, 5.0 * expected, 0.0)
        alpha *= 0.9
    foresight.set_out(alpha, 0.9 * alpha)
    ratio = MOST**3 * reach(alpha, 0.9 * alpha, 1.0) / reach(alpha / 0.9, alpha, 1.0)
    np.testing.assert_allclose(foresight.expect(ALL)[0], ratio * 5.0 * expected, rtol=1e-12)


def test_everything_is_forgotten_where_nobody_took_the_last_expectation():
    foresight = learned()
    foresight.set_out(0.9, 0.8)
    foresight.learn(ALL, 9.0 * foresight.expect(ALL)[0], 1.0)  # trust is twice what it was
    foresight.set_out(0.8, 0.7)
    foresight.set_out(0.7, 0.6)
    expected, total = foresight.expect(ALL)
    assert not expected.any()
    assert total == 0.0
    foresight.learn(ALL, MISSED, 0.0)
    foresight.set_out(0.6, 0.5)
    ratio = reach(0.6, 0.5, 1.0) / reach(0.7, 0.6, 1.0)  # and trust what it was
    np.testing.assert_allclose(foresight.expect(ALL)[0], ratio * MISSED, rtol=1e-12)


def test_who_joins_expects_nothing_and_who_left_is_forgotten():
    foresight = learned()
    foresight.set_out(0.9, 0.8)
    members = np.array([5, 2, 0])  # 1 and 3 have left
    expected, _ = foresight.expect(members)
    ratio = reach(0.9, 0.8, 1.0) / reach(1.0, 0.9, 1.0)
    np.testing.assert_allclose(expected, ratio * np.array([0.0, 0.2, 0.3]), rtol=1e-12)
    foresight.learn(members, np.array([0.4, 0.5, 0.6]), 0.0)
    foresight.set_out(0.8, 0.7)
    expected, _ = foresight.expect(np.arange(6))
    assert list(np.flatnonzero(expected)) == [0, 2, 5]


def test_an_expectation_is_taken_once():
    foresight = learned()
    foresight.set_out(0.9, 0.8)
    assert foresight.expect(ALL)[0].any()
    assert foresight.expect(ALL) == (None, 0.0)


@pytest.mark.parametrize(("last", "alpha"), [(np.inf, 0.9), (0.9, 0.9), (0.8, 0.9), (0.9, 0.0)])
def test_nothing_is_expected_but_on_the_way_down(last, alpha):
    foresight = learned()
    foresight.set_out(last, alpha)
    assert foresight.expect(ALL) == (None, 0.0)


def test_alphas_that_are_almost_equal_leave_finite_expectations():
    foresight = Foresight(6)
    last, alpha = 1.0, np.nextafter(1.0, 0.0)
    foresight.take(1.0)
    for _ in range(2):
        foresight.set_out(last, alpha)
        foresight.expect(ALL)
        foresight.learn(ALL, MISSED, 1.0)
        last, alpha = alpha, np.nextafter(alpha, 0.0)
    foresight.set_out(last, 1e-300)
    expected, total = foresight.expect(ALL)
    assert np.isfinite(expected).all()
    assert np.isfinite(total)


# -- one step, of whose error all is known -------------------------------------------------------


class Known:
    """Steps of a quadratic that misses, along d, a gradient E d, and q'd of the intercept's."""

    def __init__(self, *, worse=0, size=0.0, stretch=1.0, once=True, l2=0.05):
        """worse : trips that find a larger loss
        size : of E and q
        once : whether time is over after a step
        """
        self.here = place(free=np.empty(0, dtype=np.intp), l2=l2, stretch=stretch)
        rng = np.random.default_rng(2)
        E = rng.standard_normal((len(MEMBERS), len(MEMBERS)))
        self.E, self.q = size * (E + E.T), size * rng.standard_normal(len(MEMBERS))
        self.worse, self.once, here = worse, once, self.here
        self.slope = here.seen.z - here.working.panel.mean * here.seen.total - here.l2 * here.coef
        mass = here.h.sum()
        self.steps = Steps(mass, False, True, self.expired, 0.0, 1e-13, 3)
        self.steps.stretch = stretch

    def expired(self):
        return self.once and self.steps.taken > 0

    def trip(self):
        here = self.here
        mean, mass = here.working.panel.mean, self.here.h.sum()
        place = Place(np.zeros((3, n)), np.array([here.seen.z, mean * mass]), 1.0, here.seen.total)

        def call(step, offset):
            self.worse -= 1
            start = trip.place
            total = start.total - mass * (offset + mean @ step) + self.q @ step
            grad = start.sums[0] - mean * start.total - here.H @ step + self.E @ step
            there = np.array([grad + mean * total, mean * mass])
            loss = start.loss + 1.0 if self.worse >= 0 else 0.9 * start.loss
            return Place(np.zeros((3, n)), there, loss, total)

        nothing = np.zeros((2, n))
        trip = RoundTrip(place, place, call, None, here.problem.y, here.w, nothing, 0.0)
        return trip

    def go(self, expected=None, total=0.0, target=0.0, gram_in_trips=1.0):
        """Set out with an expectation; return how it ended, the trips, and the step."""
        here, working, trip = self.here, self.here.working, self.trip()
        self.steps.begin(
            trip, working.active, working.gram, working.loads, working.space.inverse,
            working.panel.mean, here.problem.design.norm_sq[MEMBERS], here.box, here.coef,
            here.of_free, 0.1, working.sweep, 1000, gram_in_trips, 1e9, expected, total,
        )  # fmt: skip
        end, _ = self.steps.descend(target, 1000)
        return end, trip.made, self.steps.coef - here.coef

    def way(self):
        """Return the largest part of the gradient that the penalty does not hold."""
        return (np.abs(self.slope) - self.here.box.l1).max()


RNG = np.random.default_rng(5)
EXPECTED = RNG.uniform(-1.0, 1.0, len(MEMBERS))
EXPECTED[4] = 1.0


@pytest.mark.parametrize("share", [0.01, 0.49])
def test_a_step_goes_where_the_gradient_is_expected_to_vanish(share):
    known = Known(size=0.01, stretch=1.9)
    here, expected = known.here, share * known.way() * EXPECTED
    end, trips, step = known.go(expected, 0.03)
    assert (end, trips, known.steps.taken) == (LIMIT, 1, 1)
    slope = known.slope + expected - (here.H + np.diag(here.l2)) @ step  # nothing is stretched
    moved = known.steps.coef != 0.0
    assert 3 <= moved.sum() < len(MEMBERS)
    wanted = here.box.l1 * np.sign(known.steps.coef)
    np.testing.assert_allclose(slope[moved], wanted[moved], atol=1e-10)
    assert (np.abs(slope[~moved]) <= here.box.l1[~moved] + 1e-10).all()
    mean = here.working.panel.mean
    shift = (here.seen.total + 0.03) / here.h.sum() - mean @ step
    np.testing.assert_allclose(known.steps.intercept, 0.1 + shift, rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_what_the_step_missed_is_told_whatever_was_expected(share):
    known = Known(size=0.01)
    _, _, step = known.go(share * known.way() * EXPECTED, 0.02)
    assert known.steps.compared
    np.testing.assert_allclose(known.steps.missed, known.E @ step, atol=1e-12)
    np.testing.assert_allclose(known.steps.missed_total, known.q @ step, atol=1e-12)


def test_nothing_is_told_where_nothing_was_expected():
    known = Known(size=0.01)
    known.go()
    assert known.steps.taken == 1
    assert not known.steps.compared


@pytest.mark.parametrize("share", [0.51, 3.0, 1e300])
def test_what_is_no_small_part_of_the_way_is_not_expected(share):
    plain, doubting = Known(size=0.01), Known(size=0.01)
    wild = share * doubting.way() * EXPECTED
    assert np.array_equal(doubting.go(wild, 0.03)[2], plain.go(0.0 * EXPECTED)[2])
    assert doubting.steps.intercept == plain.steps.intercept


def foreseen():
    """Return an expectation that comes true: what is missed depends on the step, and that on what
    is expected."""
    known = Known(size=0.01)
    expected, total = np.zeros(len(MEMBERS)), 0.0
    for _ in range(30):
        step = known.go(expected, total)[2]
        expected, total = known.steps.missed, known.steps.missed_total
    np.testing.assert_allclose(expected, known.E @ step, atol=1e-12)
    assert np.abs(expected).max() > 1e-2
    return expected, total


def test_a_step_that_finds_what_it_expects_arrives():
    expected, total = foreseen()
    end, trips, _ = Known(size=0.01, once=False).go(expected, total, target=1e-20)
    assert (end, trips) == (DONE, 1)
    blind = Known(size=0.01, once=False)
    end, trips, _ = blind.go(0.0 * expected, target=1e-20, gram_in_trips=1e9)
    assert end == DONE
    assert trips > 5


def test_an_expectation_leaves_no_trace_in_the_stretch():
    """Danger: a loss that is its model exactly seems bent, and the next step is wrong."""
    known = Known(stretch=1.9)
    known.go(0.4 * known.way() * EXPECTED, 0.05)
    assert known.steps.stretch == pytest.approx(1.0, rel=1e-12)


def test_a_step_that_was_cut_short_tells_nothing():
    known = Known(worse=3, size=0.01)
    end, trips, step = known.go(0.3 * known.way() * EXPECTED, 0.02)
    assert (end, trips) == (LIMIT, 4)
    assert step.any()
    assert known.steps.compared
    assert not known.steps.missed.any()
    assert known.steps.missed_total == 0.0


def test_where_an_expectation_misleads_the_step_without_it_is_taken():
    """Danger: the line search finds no descent, and the solver gives up or damps the curvature."""
    plain, misled = Known(size=0.01), Known(worse=30, size=0.01)
    end, trips, step = misled.go(0.4 * misled.way() * EXPECTED, 0.5)
    assert (end, trips) == (LIMIT, 31)
    np.testing.assert_allclose(step, plain.go()[2], atol=1e-12)
    assert misled.steps.compared
    assert not misled.steps.missed.any()
    assert misled.steps.missed_total == 0.0
    hopeless = Known(worse=1000)
    assert hopeless.go(0.4 * hopeless.way() * EXPECTED, 0.5)[:2] == (UNMOVED, 60)
    assert hopeless.steps.taken == 0


def test_the_gain_of_a_foreseen_step_is_not_taken_for_the_pace_of_others():
    """Danger: a first step that gains what no other will hides that a new curvature is due."""
    expected, total = foreseen()
    settings = {"target": 1e-14, "gram_in_trips": 1.0}
    known, anew = Known(size=0.01, once=False), Known(size=0.01, once=False)
    assert anew.go(0.9999 * expected, total, **settings)[1] > 1
    assert known.go(target=1e-14, gram_in_trips=1e9)[0] == DONE  # now the pace is known
    assert known.go(0.9999 * expected, total, **settings)[:2] == (SPENT, 1)
    known.steps.renew(known.here.h.sum())
    assert known.go(0.9999 * expected, total, **settings)[1] > 1


# -- whole fits ----------------------------------------------------------------------------------


def data(rows, columns, family):
    """Return X and y: a few features of moderate effect."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, columns))
    eta = X[:, :8] @ np.array([0.8, -0.6, 0.5, -0.4, 0.3, -0.3, 0.2, 0.2])
    if family in ("binomial", "squared_hinge"):
        return X, (rng.random(rows) < 1 / (1 + np.exp(-2 * eta))).astype(int)
    if family == "poisson":
        return X, rng.poisson(np.exp(eta))
    if family == "gamma":
        return X, rng.gamma(2.0, np.exp(eta) / 2) + 1e-3
    return X, eta + rng.standard_t(2, rows)


class Watched:
    """Paths of whose solvers the Newton steps are counted, and what they expected is kept."""

    def __init__(self, monkeypatch):
        self.trips, self.expectations = 0, []
        self.change = None  # of an expectation
        arrived, expect = LossAlong.arrived, Foresight.expect
        watched = self

        def arriving(self, panel, trip):
            watched.trips += trip.made
            return arrived(self, panel, trip)

        def expecting(self, members):
            expected, total = expect(self, members)
            if expected is not None and watched.change is not None:
                expected, total = watched.change(expected, total)
                self._expected = expected
            watched.expectations.append(expected)
            return expected, total

        monkeypatch.setattr(LossAlong, "arrived", arriving)
        monkeypatch.setattr(Foresight, "expect", expecting)

    def path(self, rows, columns, family, change=None, *, judged=True, **settings):
        """Return a path that the oracle has judged, and the trips that it took."""
        self.trips, self.expectations, self.change = 0, [], change
        X, y = data(rows, columns, family)
        grid = {"n_alphas": 60, "alpha_min_ratio": 1e-2 if columns > 100 else 1e-4}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            path = riata.fit_path(X, y, family=family, **grid, **settings)
        assert set(path.status) == {"converged"}
        if judged:
            check_family_path(path, X, y, family, **settings)
        return path, self.trips

    def blind(self, *arguments, **settings):
        """Return the trips of a path that expects nothing."""
        return self.path(*arguments, nothing, judged=False, **settings)[1]


@pytest.fixture
def watched(monkeypatch):
    return Watched(monkeypatch)


def nothing(expected, total):
    return None, 0.0


CASES = [(2000, 30, "binomial"), (300, 200, "binomial"), (2000, 30, "poisson"), (2000, 30, "gamma")]


@pytest.mark.parametrize(("rows", "columns", "family"), CASES)
def test_who_foresees_takes_fewer_steps(watched, rows, columns, family):
    blind, without = watched.path(rows, columns, family, nothing)
    path, trips = watched.path(rows, columns, family)
    assert 60 <= trips <= 0.9 * without
    np.testing.assert_allclose(path.deviance_ratio, blind.deviance_ratio, atol=1e-3)


@pytest.mark.parametrize("family", ["huber", "squared_hinge"])
def test_a_loss_of_straight_pieces_foresees_nothing(watched, family):
    watched.path(500, 20, family)
    assert len(watched.expectations) >= 60
    assert all(expected is None for expected in watched.expectations)


def test_other_losses_foresee_once_an_alpha(watched):
    watched.path(500, 20, "binomial")
    foreseen = [expected for expected in watched.expectations if expected is not None]
    assert 50 <= len(foreseen) <= 60
    assert sum(expected.any() for expected in foreseen) >= 45


def test_the_alpha_of_every_new_curvature_is_known(monkeypatch):
    taken, take = [], Foresight.take

    def taking(self, alpha):
        taken.append(alpha)
        take(self, alpha)

    monkeypatch.setattr(Foresight, "take", taking)
    X, y = data(500, 20, "binomial")
    path = riata.fit_path(X, y, family="binomial", n_alphas=30)
    at = [alpha for alpha in taken if np.isfinite(alpha)]  # others belong to the null model
    assert 5 <= len(at) <= 60
    assert set(at) <= set(path.alphas)
    assert (np.diff(at) <= 0.0).all()


ABSURD = {
    "huge": lambda expected, total: (np.full(len(expected), 1e6), 1e6),
    "hardly finite": lambda expected, total: (np.full(len(expected), 1e150), 1.0),
    "the wrong way": lambda expected, total: (-5.0 * expected, -5.0 * total),
    "half of it wild": lambda expected, total: (expected + 1e9 * np.sign(expected), total),
}


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("change", ABSURD.values(), ids=ABSURD)
def test_an_absurd_expectation_costs_no_steps(watched, family, change):
    without = watched.blind(300, 40, family)
    assert watched.path(300, 40, family, change)[1] <= 1.05 * without


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("absurd", [-1e3, 1e3, 1e12])
def test_an_absurd_intercept_misleads_no_fit(watched, family, absurd):
    watched.path(300, 40, family, lambda expected, total: (expected, absurd))


@pytest.mark.parametrize(
    "settings",
    [{"fit_intercept": False}, {"l1_ratio": 0.5}, {"penalty_factor": [0.0] * 2 + [1] * 28}],
)
def test_fewer_steps_whatever_the_model(watched, settings):
    without = watched.blind(1000, 30, "binomial", **settings)
    _, trips = watched.path(1000, 30, "binomial", **settings)
    assert 60 <= trips <= 0.92 * without
