"""Each family of several responses against its own definition, row by row.

As in test_families.py; here the curvature is a matrix, known by its action, and the conjugate is
known by the gap alone.
"""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp, xlogy

from riata.families import Binomial, MultiGaussian, Multinomial
from riata.families.multiple import Span

N, K = 40, 4
RNG = np.random.default_rng(17)
ETA = 2 * RNG.standard_normal((N, K))
ETA[:3] = 0.0
LABELS = np.eye(K)[RNG.integers(K, size=N)]
SHARES = RNG.dirichlet(np.ones(K), size=N)
SOME_ZERO = SHARES * (RNG.random((N, K)) < 0.7) + 0.3 * LABELS
SOME_ZERO /= SOME_ZERO.sum(axis=1, keepdims=True)
WEIGHTS = RNG.random(N)
CASES = {
    "multigaussian": (MultiGaussian(), ETA[::-1] + 1.0),
    "labels": (Multinomial(), LABELS),
    "shares": (Multinomial(grouped=True), SHARES),
    "shares, some zero": (Multinomial(), SOME_ZERO),
}
EACH = pytest.mark.parametrize(("family", "y"), CASES.values(), ids=CASES)
CLASSES = pytest.mark.parametrize("y", [LABELS, SHARES, SOME_ZERO], ids=["labels", "shares", "0"])


def each(of_rows, *rows):
    """Return what a sum over rows is for each alone; rows are (N, ...) arrays."""
    one = np.ones(1)
    return np.array([of_rows(*(array[[i]] for array in rows), one) for i in range(len(rows[0]))])


def losses(family, y, eta):
    return each(lambda *row: family.evaluate(*row)[0], y, eta)


def pull(family, y, eta):
    return family.evaluate(y, eta, WEIGHTS)[1]


def gaps(family, y, eta, v, c=1.0):
    return each(lambda y, eta, v, one: family.gap_along(y, eta, v, one)(c, False)[0], y, eta, v)


def conjugates(family, y, t):
    """Return f*(t), from the textbook; of classes y + t must be a distribution."""
    if isinstance(family, MultiGaussian):
        return (t**2 / 2 + t * y).sum(axis=1)
    return (xlogy(y + t, y + t) - xlogy(y, y)).sum(axis=1)


def bent(family, y, eta, d):
    """Return w f'' d, each (N, K)."""
    out = np.ascontiguousarray(d.T)
    family.bend(y, pull(family, y, eta), WEIGHTS)(out)
    return out.T


def slopes(function, h):
    """Return the central differences of function(eta) in every coordinate, on a last axis."""
    steps = h * np.eye(K)
    return np.stack([(function(ETA + e) - function(ETA - e)) / (2 * h) for e in steps], axis=-1)


@EACH
def test_the_sum_is_that_of_its_rows_by_their_weights(family, y):
    value = family.evaluate(y, ETA, WEIGHTS)[0]
    assert value == pytest.approx(WEIGHTS @ losses(family, y, ETA), rel=1e-13)
    v = 0.7 * pull(family, y, ETA[::-1])
    value = family.gap_along(y, ETA, v, WEIGHTS)(0.9, False)[0]
    assert value == pytest.approx(WEIGHTS @ gaps(family, y, ETA, v, 0.9), rel=1e-13)


@EACH
def test_the_slope_of_the_gap_is_that_of_its_values(family, y):
    along = family.gap_along(y, ETA, 0.7 * pull(family, y, ETA[::-1]), WEIGHTS)
    for c in (0.2, 0.6, 0.9):
        difference = (along(c + 1e-6, False)[0] - along(c - 1e-6, False)[0]) / 2e-6
        assert along(c, True)[1] == pytest.approx(difference, rel=1e-6, abs=1e-8)


@EACH
def test_the_gradient_is_the_slope_of_the_loss(family, y):
    slope = slopes(lambda eta: losses(family, y, eta), 1e-6)
    np.testing.assert_allclose(-slope, pull(family, y, ETA), rtol=0, atol=1e-7)


@EACH
def test_the_curvature_is_the_slope_of_the_gradient_and_has_its_bound(family, y):
    second = -slopes(lambda eta: pull(family, y, eta), 1e-5)  # (N, K, K)
    for k in range(K):
        found = bent(family, y, ETA, np.tile(np.eye(K)[k], (N, 1)))
        np.testing.assert_allclose(found, WEIGHTS[:, None] * second[:, :, k], rtol=0, atol=1e-8)
    worst = np.linalg.eigvalsh((second + second.swapaxes(1, 2)) / 2)[:, -1]
    bound = family.evaluate(y, ETA, WEIGHTS)[2]
    assert np.all(worst <= bound + 1e-8)
    assert np.all(bound <= 2.0 * worst + 1e-8)  # and no idle one


@EACH
def test_the_loss_is_never_negative_and_its_infimum_is_zero(family, y):
    assert np.all(losses(family, y, ETA) > 0)
    best = y if isinstance(family, MultiGaussian) else np.log(np.maximum(y, 1e-20))
    lowest = losses(family, y, best)
    assert np.all(np.abs(lowest) <= 1e-14)
    assert family.evaluate(y, best, WEIGHTS)[0] >= 0


@EACH
def test_fenchel_young_is_its_definition(family, y):
    v = 0.8 * pull(family, y, RNG.permutation(ETA) / 2)
    for c in (1.0, 0.6, 0.0):
        direct = losses(family, y, ETA) + conjugates(family, y, -c * v) + c * (v * ETA).sum(axis=1)
        gap = gaps(family, y, ETA, v, c)
        np.testing.assert_allclose(gap, direct, rtol=1e-12, atol=1e-12)
        assert np.all(gap >= 0)


@EACH
def test_the_conjugate_is_the_supremum(family, y):
    v = 0.7 * pull(family, y, ETA[::-1] / 3)
    gap = gaps(family, y, ETA, v)
    for i in range(0, N, 5):
        row = slice(i, i + 1)

        def above(eta, row=row):  # f + v'eta, whose minimum is -f*(-v)
            value, slope, _ = family.evaluate(y[row], eta[None], np.ones(1))
            return value + v[row] @ eta, v[row][0] - slope[0]

        lowest = minimize(above, np.zeros(K), jac=True, method="BFGS", options={"gtol": 1e-10}).fun
        assert above(ETA[i])[0] - lowest == pytest.approx(gap[i], abs=1e-9 * (1 + abs(gap[i])))


@EACH
@pytest.mark.parametrize("share", [1.0, 1 - 1e-8, 0.999, 0.5, 1e-3])
def test_fenchel_young_vanishes_at_the_gradient_and_stays_non_negative(family, y, share):
    gap = gaps(family, y, ETA, pull(family, y, ETA), share)
    assert np.all(gap >= 0)
    assert np.all(np.isfinite(gap))
    if share == 1.0:
        assert np.all(gap <= 1e-14)


@EACH
def test_fenchel_young_keeps_its_digits_near_the_gradient(family, y):
    d, t = RNG.standard_normal((N, K)), 1e-6
    step = bent(family, y, ETA, d) / WEIGHTS[:, None]
    gap = gaps(family, y, ETA, pull(family, y, ETA) + t * step)
    np.testing.assert_allclose(gap, t**2 / 2 * (d * step).sum(axis=1), rtol=1e-3)


@CLASSES
def test_outside_of_its_domain_the_conjugate_is_infinite(y):
    """Where y - c v is no distribution, an entry being negative."""
    v = np.zeros((N, K))
    v[:, 0], v[:, 1] = 1.1, -1.1
    assert np.all(np.isinf(gaps(Multinomial(), y, ETA, v)))
    assert np.isinf(Multinomial().gap_along(y, ETA, v, WEIGHTS)(1.0, False)[0])
    assert np.all(np.isfinite(gaps(Multinomial(), y, ETA, 0.0 * v)))


@EACH
@pytest.mark.parametrize("fill", [800.0, -800.0])
@pytest.mark.parametrize("whole", [True, False])
def test_far_out_nothing_overflows_or_warns(family, y, fill, whole):
    eta = np.full((N, K), fill) if whole else ETA + fill * np.eye(K)[np.arange(N) % K]
    value, slope, bound = family.evaluate(y, eta, WEIGHTS)
    for values in (value, slope, bound, family.mean(eta)):
        assert np.all(np.isfinite(values))
    assert np.all(bound >= 0)
    assert np.all(np.isfinite(bent(family, y, eta, ETA)))
    for c in (1.0, 0.5):
        assert not np.isnan(family.gap_along(y, eta, slope, WEIGHTS)(c, False)[0])
    columns = np.hstack([np.ones((N, 1)), ETA[:, :1]])
    v = family.projected(y, slope, Span(WEIGHTS, columns))
    assert np.all(np.isfinite(v))
    assert not np.isnan(family.gap_along(y, eta, v, WEIGHTS)(1.0, False)[0])


@EACH
def test_everything_is_float64(family, y):
    value, slope, bound = family.evaluate(y, ETA, WEIGHTS)
    assert isinstance(value, float)
    assert isinstance(family.gap_along(y, ETA, slope, WEIGHTS)(0.5, False)[0], float)
    projected = family.projected(y, slope, Span(WEIGHTS, np.ones((N, 1))))
    for values, shape in (
        (slope, (N, K)),
        (bound, (N,)),
        (family.mean(ETA), (N, K)),
        (family.start(y, WEIGHTS / WEIGHTS.sum()), (K,)),
        (projected, (N, K)),
    ):
        assert values.dtype == np.float64
        assert values.shape == shape


@EACH
def test_the_mean_is_the_response_that_fits_best(family, y):
    mean = family.mean(ETA)
    np.testing.assert_allclose(pull(family, mean, ETA), 0.0, atol=1e-14)
    np.testing.assert_allclose(family.mean(ETA[:, None, :])[:, 0], mean, rtol=1e-14)
    if isinstance(family, Multinomial):
        np.testing.assert_allclose(
            mean, np.exp(ETA - logsumexp(ETA, axis=1, keepdims=True)), rtol=1e-13
        )


@EACH
def test_the_start_is_the_best_intercept(family, y):
    w = WEIGHTS / WEIGHTS.sum()
    slope = family.evaluate(y, np.tile(family.start(y, w), (N, 1)), w)[1]
    np.testing.assert_allclose(w @ slope, 0.0, atol=1e-14)


@EACH
@pytest.mark.parametrize("scale", [1.0, 1e8])
def test_what_is_projected_is_orthogonal_and_inside_the_domain(family, y, scale):
    eta = 0.05 * ETA + family.start(y, WEIGHTS / WEIGHTS.sum())
    columns = np.hstack([np.ones((N, 1)), scale * np.sin(np.arange(2 * N)).reshape(N, 2)])
    v = family.projected(y, pull(family, y, eta), Span(WEIGHTS, columns))
    assert np.abs(columns.T @ (WEIGHTS[:, None] * v)).max() <= 1e-12 * scale
    assert np.abs(v).max() > 0.1
    assert np.isfinite(family.gap_along(y, eta, v, WEIGHTS)(1.0, False)[0])
    np.testing.assert_allclose(family.projected(y, v, Span(WEIGHTS, columns)), v, atol=1e-9)


@CLASSES
def test_what_leaves_the_domain_is_nothing(y):
    family, columns = Multinomial(), np.sin(np.arange(2.0 * N)).reshape(N, 2)
    v = family.projected(y, pull(family, y, 2 * ETA), Span(WEIGHTS, columns))
    np.testing.assert_array_equal(v, 0.0)


def test_two_classes_are_the_binomial():
    labels, eta = LABELS[:, 0], ETA[:, 0]
    y, both = np.stack([1 - labels, labels], axis=1), np.stack([0 * eta, eta], axis=1)
    two, one = Multinomial(), Binomial()
    np.testing.assert_allclose(losses(two, y, both), one.loss(labels, eta), rtol=1e-13)
    resid = pull(two, y, both)
    np.testing.assert_allclose(resid[:, 1], one.negative_gradient(labels, eta), atol=1e-15)
    expected = one.fenchel_young(labels, eta, 0.4 * resid[:, 1])
    np.testing.assert_allclose(gaps(two, y, both, 0.4 * resid), expected, rtol=1e-12)
