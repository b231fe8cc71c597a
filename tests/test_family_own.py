"""Families of one's own: right ones are taken, wrong ones refused before any work, by name."""

import numpy as np
import pytest
from scipy.special import expit, xlogy

import riata
from riata.families import Family, Multinomial, MultipleFamily, Poisson, Tweedie, check_family

RNG = np.random.default_rng(23)
X = RNG.standard_normal((60, 4))
NUMBERS = X[:, 0] + RNG.standard_normal(60)
COUNTS = RNG.poisson(np.exp(0.5 * X[:, 0] + 1.0)).astype(float)
LABELS = (NUMBERS > 0.3).astype(float)


class Own(Family):
    """A family of functions of (y, eta)."""

    def __init__(self, loss, negative_gradient, curvature, **more):
        self.name = "own"
        self.loss, self.negative_gradient, self.curvature = loss, negative_gradient, curvature
        vars(self).update(more)

    def mean(self, eta):
        return eta


def huber(delta):
    return Own(
        lambda y, e: (
            np.minimum(abs(y - e), delta) * (abs(y - e) - np.minimum(abs(y - e), delta) / 2)
        ),
        lambda y, e: np.clip(y - e, -delta, delta),
        lambda y, e: (abs(y - e) <= delta).astype(float),
        straight=True,
        curvature_bound=1.0,
    )


def far_hinge(y, eta):
    """Return s eta and where it is large; the loss is 1 - s eta, then 1 / (4 s eta): 0 far out."""
    margin = (2.0 * y - 1.0) * eta
    return np.maximum(margin, 0.5), margin


COSH = Own(
    lambda y, e: np.cosh(y - e) - 1.0, lambda y, e: np.sinh(y - e), lambda y, e: np.cosh(y - e)
)
LOGISTIC = Own(
    lambda y, e: np.logaddexp(0.0, e) - y * e,
    lambda y, e: y - expit(e),
    lambda y, e: expit(e) * expit(-e),
    labelled=True,
)
POISSON = Own(
    lambda y, e: np.exp(e) - y * e + xlogy(y, y) - y,
    lambda y, e: y - np.exp(e),
    lambda y, e: np.exp(e),
)
PINBALL = Own(
    lambda y, e: np.where(y > e, 0.8 * (y - e), 0.2 * (e - y)),
    lambda y, e: np.where(y > e, 0.8, -0.2),
    lambda y, e: np.zeros_like(e),
)
INSENSITIVE = Own(
    lambda y, e: 0.5 * np.maximum(abs(y - e) - 0.5, 0.0) ** 2,
    lambda y, e: np.sign(y - e) * np.maximum(abs(y - e) - 0.5, 0.0),
    lambda y, e: (abs(y - e) > 0.5).astype(float),
)
FAR_HINGE = Own(
    lambda y, e: np.where(
        far_hinge(y, e)[1] < 0.5, 1 - far_hinge(y, e)[1], 0.25 / far_hinge(y, e)[0]
    ),
    lambda y, e: (2 * y - 1) * np.minimum(1.0, 0.25 / far_hinge(y, e)[0] ** 2),
    lambda y, e: np.where(far_hinge(y, e)[1] < 0.5, 0.0, 0.5 / far_hinge(y, e)[0] ** 3),
    labelled=True,
)
RIGHT = {
    "cosh": (COSH, NUMBERS),
    "cosh that overflows": (COSH, 1e6 * NUMBERS),
    "logistic": (LOGISTIC, LABELS),
    "logistic, one label rare": (LOGISTIC, (np.arange(60) == 7).astype(float)),
    "poisson": (POISSON, COUNTS),
    "poisson, nearly all zero": (POISSON, (np.arange(60) == 7).astype(float)),
    "poisson of millions": (POISSON, 1e6 * COUNTS),
    "huber": (huber(0.5), NUMBERS),
    "huber, tiny": (huber(1e-3), 1e-6 * NUMBERS),
    "huber, far from 0": (huber(1.0), NUMBERS + 1e6),
    "huber, constant": (huber(1.0), np.full(60, 3.0)),
    "pinball": (PINBALL, NUMBERS),
    "flat near its minimum": (INSENSITIVE, NUMBERS),
    "0 only far out": (FAR_HINGE, LABELS),
    "a subclass": (type("Mine", (Tweedie,), {})(1.3), COUNTS),
}


@pytest.mark.parametrize(("family", "y"), RIGHT.values(), ids=RIGHT)
def test_right_families_are_taken(family, y):
    check_family(family, y, np.full(60, 1 / 60))
    check_family(family, y, np.r_[np.zeros(58), 0.5, 0.5])


@pytest.mark.parametrize(("family", "y"), [(COSH, NUMBERS), (LOGISTIC, LABELS), (POISSON, COUNTS)])
def test_they_are_fitted(family, y):
    path = riata.fit_path(X, y, family=family, n_alphas=4, alpha_min_ratio=0.1)
    assert set(path.status) == {"converged"}


def with_loss(loss):
    return Own(loss, lambda y, e: y - e, lambda y, e: np.ones_like(e))


SQUARES = with_loss(lambda y, e: 0.5 * (y - e) ** 2)
NO_CONSTANT = Own(lambda y, e: np.exp(e) - y * e, POISSON.negative_gradient, POISSON.curvature)
WRONG = {
    "no constant": (NO_CONSTANT, COUNTS, "whose infimum over eta is 0 for every y, got"),
    "no constant, few counts": (NO_CONSTANT, np.minimum(COUNTS, 2.0), "whose infimum .* got"),
    "a constant": (with_loss(lambda y, e: 0.5 * (y - e) ** 2 + 0.919), NUMBERS, "infimum .* 0.919"),
    "a constant, far from 0": (
        with_loss(lambda y, e: 0.5 * (y - e) ** 2 + 0.919), NUMBERS + 1e6, "infimum .* 0.919",
    ),
    "half of it": (with_loss(lambda y, e: 0.5 * e**2 - y * e), NUMBERS, "infimum .* got -"),
    "flipped": (
        Own(SQUARES.loss, lambda y, e: e - y, SQUARES.curvature), NUMBERS,
        "negative_gradient that is minus the slope of its loss",
    ),
    "a factor": (with_loss(lambda y, e: (y - e) ** 2), NUMBERS, "check its sign and its factor"),
    "concave": (
        Own(SQUARES.loss, SQUARES.negative_gradient, lambda y, e: -np.ones_like(e)), NUMBERS,
        "curvature of numbers >= 0, got -1.0",
    ),
    "NaN": (
        with_loss(lambda y, e: 0.5 * (y - e) ** 2 + 0.0 * np.log(y)), COUNTS - COUNTS.min(),
        "loss of numbers, got nan",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("family", "y", "words"), WRONG.values(), ids=WRONG)
def test_a_loss_that_cannot_be_is_refused(family, y, words):
    """Danger: without its constant a loss gave a null objective of 0, a deviance ratio of nothing,
    or a search until max_iter; with a flipped gradient there was no end."""
    for fit in (riata.fit_path, riata.alpha_max, riata.cross_validate, riata.stability_selection):
        with pytest.raises(ValueError, match=f"^family must have a .*{words}"):
            fit(X, y, family=family)


SHAPES = {
    "one number": lambda y, e: 0.5 * np.sum((y - e) ** 2),
    "a float": lambda y, e: 0.0,
    "a list": lambda y, e: list(0.5 * (y - e) ** 2),
    "float32": lambda y, e: (0.5 * (y - e) ** 2).astype(np.float32),
    "a column": lambda y, e: 0.5 * (y - e)[:, None] ** 2,
}


@pytest.mark.parametrize("loss", SHAPES.values(), ids=SHAPES)
def test_what_is_no_number_for_each_row_is_refused(loss):
    with pytest.raises(TypeError, match=r"^family must have a loss that returns a float64 array"):
        riata.fit_path(X, NUMBERS, family=with_loss(loss))


@pytest.mark.parametrize("name", ["loss", "negative_gradient", "curvature", "mean"])
def test_a_missing_method_is_named(name):
    methods = {"loss": SQUARES.loss, "negative_gradient": SQUARES.negative_gradient,
               "curvature": SQUARES.curvature, "mean": lambda eta: eta}  # fmt: skip
    del methods[name]
    family = type("Lacking", (Family,), {"name": "lacking"})()
    vars(family).update(methods)
    with pytest.raises(TypeError, match=f"^family must have a method {name}, got Lacking without"):
        riata.fit_path(X, NUMBERS, family=family)


def test_a_missing_name_is_asked_for_before_the_fit():
    family = with_loss(SQUARES.loss)
    del family.name
    with pytest.raises(TypeError, match=r'^family must have a name, a string, .* name = "\.\.\."'):
        riata.fit_path(X, NUMBERS, family=family)


def test_several_responses_need_their_methods():
    family = type("Lacking", (MultipleFamily,), {"name": "lacking"})()
    with pytest.raises(TypeError, match=r"^family must have a method start, got Lacking without"):
        riata.fit_path(X, X, family=family)
    assert riata.alpha_max(X, LABELS, family=type("Mine", (Multinomial,), {})()) > 0.0


def test_families_of_riata_are_not_looked_at(monkeypatch):
    def refuse(*arguments):
        raise AssertionError

    monkeypatch.setattr(riata.families, "check_values", refuse)
    check_family(Poisson(), COUNTS, np.ones(60))
    with pytest.raises(AssertionError):
        check_family(POISSON, COUNTS, np.ones(60))
