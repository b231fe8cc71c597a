"""Each family against its own definition: differences, conjugates, extremes."""

import numpy as np
import pytest

import riata
from riata.families import (
    Binomial,
    Family,
    Gamma,
    Gaussian,
    Huber,
    Poisson,
    SquaredHinge,
    Tweedie,
    get_family,
)

RNG = np.random.default_rng(7)
ETA = np.concatenate([RNG.normal(0, 2, 40), [0.0, -6.0, 6.0]])
COUNTS = np.concatenate([RNG.poisson(2.0, 42), [0]]).astype(float)
LABELS = (RNG.random(43) < 0.5).astype(float)


class Quantic(Family):
    """f = cosh(y - eta) - 1: a user's family, all by the defaults."""

    name = "quantic"

    def loss(self, y, eta):
        return np.cosh(y - eta) - 1.0

    def negative_gradient(self, y, eta):
        return np.sinh(y - eta)

    def curvature(self, y, eta):
        return np.cosh(y - eta)

    def mean(self, eta):
        return eta


CASES = {
    "gaussian": (Gaussian(), ETA[::-1].copy()),
    "binomial labels": (Binomial(), LABELS),
    "binomial proportions": (Binomial(), RNG.random(43)),
    "poisson": (Poisson(), COUNTS),
    "gamma": (Gamma(), COUNTS + 0.3),
    "tweedie": (Tweedie(1.3), COUNTS),
    "tweedie 1.9": (Tweedie(1.9), COUNTS),
    "huber": (Huber(0.7), ETA[::-1].copy()),
    "squared hinge": (SquaredHinge(), LABELS),
    "user's own": (Quantic(), ETA[::-1] / 4),
}
EACH = pytest.mark.parametrize(("family", "y"), CASES.values(), ids=CASES)


@EACH
def test_the_gradient_is_the_slope_of_the_loss(family, y):
    h = 1e-6
    slope = (family.loss(y, ETA + h) - family.loss(y, ETA - h)) / (2 * h)
    size = 1 + np.abs(slope) + family.loss(y, ETA)
    assert np.all(np.abs(slope + family.negative_gradient(y, ETA)) < 1e-8 * size)


@EACH
def test_the_curvature_is_the_slope_of_the_gradient(family, y):
    h = 1e-5
    slope = (family.negative_gradient(y, ETA - h) - family.negative_gradient(y, ETA + h)) / (2 * h)
    off = np.abs(slope - family.curvature(y, ETA)) > 1e-6 * (1 + np.abs(slope))
    assert off.sum() == 0
    assert np.all(family.curvature(y, ETA) <= family.curvature_bound)


@EACH
def test_the_loss_is_never_negative_and_its_infimum_is_zero(family, y):
    assert np.all(family.loss(y, ETA) >= 0)
    grid = np.linspace(-40, 40, 20001)
    for value in y[:8]:
        assert family.loss(np.full_like(grid, value), grid).min() < 1e-4


@EACH
def test_fenchel_young_is_its_definition(family, y):
    v = 0.8 * family.negative_gradient(y, RNG.permutation(ETA) / 2)
    direct = family.loss(y, ETA) + family.conjugate(y, -v) + v * ETA
    gap = family.fenchel_young(y, ETA, v)
    size = 1 + family.loss(y, ETA) + np.abs(v * ETA)
    np.testing.assert_array_less(np.abs(gap - direct), 1e-8 * size)
    assert np.all(gap >= 0)


@EACH
@pytest.mark.parametrize("share", [1.0, 1 - 1e-8, 0.999, 0.5, 1e-3])
def test_fenchel_young_vanishes_at_the_gradient_and_stays_non_negative(family, y, share):
    v = share * family.negative_gradient(y, ETA)
    gap = family.fenchel_young(y, ETA, v)
    assert np.all(gap >= 0)
    assert np.all(np.isfinite(gap))
    if share == 1.0:
        assert np.all(gap <= 1e-12 * (1 + family.loss(y, ETA)))


@pytest.mark.parametrize("name", ["binomial labels", "poisson", "gamma", "tweedie", "gaussian"])
def test_fenchel_young_keeps_its_digits_near_the_gradient(name):
    family, y = CASES[name]
    resid, h = family.negative_gradient(y, ETA), family.curvature(y, ETA)
    t = 1e-7
    gap = family.fenchel_young(y, ETA, resid + t * h)  # the slope at eta - t, nearly
    np.testing.assert_allclose(gap, 0.5 * h * t**2, rtol=1e-3)


@EACH
def test_the_conjugate_is_the_supremum(family, y):
    grid = np.linspace(-30, 30, 30001)
    slope = -0.7 * family.negative_gradient(y, ETA / 3)
    conjugate = family.conjugate(y, slope)
    for i in range(0, 43, 5):
        best = np.max(slope[i] * grid - family.loss(np.full_like(grid, y[i]), grid))
        assert abs(best - conjugate[i]) < 1e-4 * (1 + abs(best))


OUTSIDE = {
    "binomial labels": [1.1, -1.1],
    "poisson": [-20.0],
    "gamma": [1.1],
    "huber": [0.71, -0.71],
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_of_its_domain_the_conjugate_is_infinite(name):
    family, y = CASES[name]
    for slope in OUTSIDE[name]:
        t = np.full_like(y, slope)
        assert np.all(np.isinf(family.conjugate(y, t)))
        assert np.all(np.isinf(family.fenchel_young(y, ETA, -t)))


@EACH
def test_preimage_inverts_the_gradient(family, y):
    v = 0.9 * family.negative_gradient(y, ETA)
    v = np.where((np.abs(v) < 1e-12) | (v == y), 0.5 * v + 1e-3 * np.sign(v), v)
    eta = family.preimage(y, v, np.zeros_like(v))
    found = np.isfinite(eta)
    back = family.negative_gradient(y, np.where(found, eta, 0.0))
    assert np.all(np.abs(back - v)[found] <= 1e-7 * (1 + np.abs(v[found])))
    assert found.mean() > 0.9


@EACH
@pytest.mark.parametrize("eta", [800.0, -800.0])
def test_far_out_nothing_overflows_or_warns(family, y, eta):
    eta = np.full_like(y, eta)
    if isinstance(family, Quantic):
        return
    for values in (
        family.loss(y, eta),
        family.negative_gradient(y, eta),
        family.curvature(y, eta),
        family.mean(eta),
    ):
        assert np.all(np.isfinite(values))
    v = 0.5 * family.negative_gradient(y, eta)
    assert not np.any(np.isnan(family.fenchel_young(y, eta, v)))
    assert np.all(family.curvature(y, eta) >= 0)


@EACH
def test_everything_is_float64(family, y):
    for values in (
        family.loss(y, ETA),
        family.negative_gradient(y, ETA),
        family.curvature(y, ETA),
        family.mean(ETA),
        family.fenchel_young(y, ETA, 0.5 * family.negative_gradient(y, ETA)),
    ):
        assert values.dtype == np.float64
        assert values.shape == y.shape


@pytest.mark.parametrize("n", [1, 16384, 40_001])
@pytest.mark.parametrize("family", [Binomial(), Poisson()], ids=lambda family: family.name)
def test_the_gap_of_many_rows_is_the_sum_of_theirs(family, n):
    rng = np.random.default_rng(11)
    eta, w = rng.normal(0, 2, n), rng.random(n) / n
    y = rng.random(n) if family.name == "binomial" else rng.poisson(2.0, n).astype(float)
    loss, pull, curvature = family.evaluate(y, eta, w)
    v = 0.7 * family.negative_gradient(y, eta + 0.1 * rng.random(n))
    assert loss + family.level(y, w) == pytest.approx(w @ family.loss(y, eta), rel=1e-12)
    gaps = [family.kernel.gap(y, eta, pull, curvature, v, 0.9, w, k) for k in (1, 2, 3)]
    assert gaps[0] == pytest.approx(w @ family.fenchel_young(y, eta, 0.9 * v), rel=1e-12)
    assert gaps == 3 * gaps[:1]


@EACH
def test_the_mean_is_the_response_that_fits_best(family, y):
    if isinstance(family, SquaredHinge):
        return
    eta = ETA / 3
    resid = family.negative_gradient(family.mean(eta), eta)
    np.testing.assert_allclose(resid, 0.0, atol=1e-12)


class Labels(Binomial):
    """A loss of one's own on the response of another family."""

    curvature_bound = 0.5

    def loss(self, y, eta):
        return 2.0 * super().loss(y, eta)

    def negative_gradient(self, y, eta):
        return 2.0 * super().negative_gradient(y, eta)

    def curvature(self, y, eta):
        return 2.0 * super().curvature(y, eta)

    def domain(self, y):
        return 2.0 * (y - 1.0), 2.0 * y

    def preimage(self, y, v, eta):
        return super().preimage(y, 0.5 * v, eta)

    def fenchel_young(self, y, eta, v):
        return 2.0 * super().fenchel_young(y, eta, 0.5 * v)


def test_a_loss_of_ones_own_is_not_passed_over_for_a_native_one():
    X = RNG.standard_normal((43, 5))
    ours = riata.fit_path(X, LABELS, family=Labels(), alphas=[0.02], tol=1e-10)
    theirs = riata.fit_path(X, LABELS, family="binomial", alphas=[0.01], tol=1e-10)
    np.testing.assert_allclose(ours.coefs.toarray(), theirs.coefs.toarray(), atol=1e-5)
    assert ours.null_objective == pytest.approx(2.0 * theirs.null_objective)


def test_names_and_objects():
    assert isinstance(get_family("poisson"), Poisson)
    own = Quantic()
    assert get_family(own) is own
    with pytest.raises(ValueError, match="family must be one of"):
        get_family("logit")
    with pytest.raises(ValueError, match="power must lie strictly between 1 and 2"):
        Tweedie(2.5)
    with pytest.raises(ValueError, match="delta must lie"):
        Huber(0)
