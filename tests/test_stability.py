"""Stability selection: probabilities by hand, and the bounds of the paper."""

import numpy as np
import pytest
import scipy.sparse as sp
from certified import fingerprint
from problems import regression, weights
from sklearn.exceptions import ConvergenceWarning

import riata
from riata.data import check_data
from riata.families import Multinomial
from riata.halves import draw_halves
from riata.stability import error_bound


def halves(rows, n_pairs, seed, kinds=None):
    """Return the halves as they are drawn, written a second time."""
    rng = np.random.default_rng(seed)
    kinds = np.zeros(len(rows)) if kinds is None else kinds
    counts = {kind: np.sum(kinds == kind) for kind in np.unique(kinds)}
    for _ in range(n_pairs):
        shuffled = rng.permutation(len(rows))
        order = sorted(shuffled, key=lambda i: (-counts[kinds[i]], kinds[i]))
        order = rows[order[len(rows) % 2 :]]
        yield order[::2]
        yield order[1::2]


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
def test_probabilities_are_those_of_paths_on_copied_halves(make, weighted):
    X, y = regression(41, 25, density=0.6)
    w = weights(41) if weighted else None
    rows = np.arange(41) if w is None else np.flatnonzero(w)
    given = make(X)
    before = fingerprint(given)
    found = riata.stability_selection(
        given, y, n_pairs=4, random_state=3, n_alphas=12, sample_weight=w, tol=1e-10,
        standardize=True,
    )  # fmt: skip
    assert fingerprint(given) == before
    counts = np.zeros((25, 12))
    for half in halves(rows, 4, 3):
        path = riata.fit_path(
            X[half], y[half], alphas=found.alphas, tol=1e-10, standardize=True,
            sample_weight=None if w is None else w[half],
        )  # fmt: skip
        counts += np.maximum.accumulate(path.coefs.toarray() != 0, axis=1)
    np.testing.assert_allclose(found.probabilities.toarray(), counts / 8)
    np.testing.assert_allclose(found.n_selected, counts.sum(axis=0) / 8)


ETA = regression(60, 8, seed=6)[0] @ np.array([2.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
LOSSES = {
    "binomial": (np.where(ETA + np.sin(np.arange(60)) > 0.0, "b", "a"), 0.1 * np.arange(60) / 60),
    "poisson": (np.round(np.exp(np.clip(ETA, -2.0, 2.0))), None),
    "multigaussian": (np.column_stack([ETA, np.cos(np.arange(60))]), None),
    "multinomial": (np.digitize(ETA + np.sin(np.arange(60)), [-1.0, 1.0]), None),
}


@pytest.mark.parametrize("family", LOSSES)
def test_other_losses_have_the_probabilities_of_paths_on_copied_halves(family):
    X, (y, offset) = regression(60, 8, seed=6)[0], LOSSES[family]
    settings = {"family": family, "tol": 1e-9}
    found = riata.stability_selection(
        X, y, offset=offset, n_pairs=3, n_alphas=8, alpha_min_ratio=0.2, **settings
    )
    counts = np.zeros((8, 8))
    kinds = {"poisson": np.ravel(y > 0) if family == "poisson" else None, "multigaussian": None}
    for half in halves(np.arange(60), 3, 0, kinds.get(family, y)):
        path = riata.fit_path(
            X[half], y[half], offset=None if offset is None else offset[half],
            alphas=found.alphas, **settings,
        )  # fmt: skip
        parts = path.coefs if isinstance(path.coefs, list) else [path.coefs]
        entered = np.any([part.toarray() != 0 for part in parts], axis=0)
        counts += np.maximum.accumulate(entered, axis=1)
    np.testing.assert_allclose(found.probabilities.toarray(), counts / 6)
    assert 0.0 < found.n_selected[-1] <= 8.0


def test_bounds_are_those_of_the_paper():
    # Shah and Samworth, theorem 1 and theorem 2
    q, p = np.array([5.0, 20.0]), 1000
    np.testing.assert_allclose(error_bound(q, p, 0.9, 50, False), q**2 / (p * 0.8))
    np.testing.assert_allclose(
        error_bound(q, p, 0.9, 50, True), 4 * (1 - 0.9 + 0.01) / 1.02 * q**2 / p
    )
    np.testing.assert_allclose(error_bound(q, p, 0.6, 50, True), q**2 / p / (2 * (0.2 - 0.01)))
    # outside of theorem 2's conditions theorem 1 is left
    assert error_bound(np.array([900.0]), p, 0.9, 50, True)[0] == pytest.approx(900**2 / (p * 0.8))
    assert error_bound(np.array([400.0]), p, 0.6, 50, True)[0] == pytest.approx(400**2 / (p * 0.2))


def test_strong_features_are_selected_and_noise_is_not():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 300))
    y = X[:, [5, 50, 250]] @ [2.0, -2.0, 1.5] + rng.standard_normal(200)
    found = riata.stability_selection(X, y, n_pairs=15)
    assert set(found.selected) == {5, 50, 250}
    k = np.flatnonzero(found.alphas == found.alpha)[0]
    assert found.error_bounds[k] <= 1.0
    assert k + 1 == len(found.alphas) or found.error_bounds[k + 1] > 1.0
    assert "3 of 300" in repr(found)


def planted(family, n=200, p=60):
    """Return X and y in which features 3, 20 and 41 are at work, and nobody else."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, p))
    eta = X[:, [3, 20, 41]] @ [1.2, -1.2, 1.0]
    three = np.outer(eta, [-1.0, 0.0, 1.0])
    return X, {
        "gaussian": lambda: eta + rng.standard_normal(n),
        "binomial": lambda: np.where(eta + 0.7 * rng.logistic(size=n) > 0.0, "b", "a"),
        "poisson": lambda: rng.poisson(np.exp(0.6 * eta)),
        "gamma": lambda: rng.gamma(2.0, np.exp(eta) / 2.0) + 1e-6,
        "tweedie": lambda: rng.poisson(np.exp(0.7 * eta)) * rng.gamma(2.0, 0.5, n),
        "huber": lambda: eta + rng.standard_t(2, n),
        "squared_hinge": lambda: eta + 0.7 * rng.logistic(size=n) > 0.0,
        "multigaussian": lambda: three + rng.standard_normal((n, 3)),
        "multinomial": lambda: (three + rng.gumbel(size=(n, 3))).argmax(axis=1),
    }[getattr(family, "name", family)]()


FAMILIES = ["gaussian", "binomial", "poisson", "gamma", "tweedie", "huber", "squared_hinge",
            "multigaussian", "multinomial", Multinomial(grouped=True)]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: getattr(family, "name", family))
def test_every_family_finds_what_was_planted(family):
    X, y = planted(family)
    B, tau = 8, 0.8
    found = riata.stability_selection(
        X, y, family=family, n_pairs=B, threshold=tau, error=0.5, n_alphas=20, alpha_min_ratio=0.1,
        n_threads=1,
    )  # fmt: skip
    assert list(found.selected) == [3, 20, 41]
    q = np.asarray(found.probabilities.sum(axis=0)).ravel()
    np.testing.assert_allclose(found.n_selected, q)
    worst = q**2 / (60 * (2 * tau - 1))
    unimodal = 4 * (1 - tau + 1 / (2 * B)) / (1 + 1 / B) * q**2 / 60
    bound = np.where(q / 60 <= 3**-0.5, np.minimum(unimodal, worst), worst)
    np.testing.assert_allclose(found.error_bounds, bound)
    k = int(np.flatnonzero(found.alphas == found.alpha)[0])
    assert bound[k] <= 0.5 < np.append(bound, np.inf)[k + 1]


def test_bits_do_not_depend_on_threads():
    X, y = regression(40, 60)
    one = riata.stability_selection(X, y, n_pairs=10, n_alphas=10, n_threads=1)
    two = riata.stability_selection(X, y, n_pairs=10, n_alphas=10, n_threads=2)
    assert (one.probabilities != two.probabilities).nnz == 0
    assert np.array_equal(one.selected, two.selected)


def test_unpenalised_features_are_no_candidates():
    X, y = regression(40, 10)
    factor = np.r_[0.0, np.inf, np.ones(8)]
    found = riata.stability_selection(X, y, n_pairs=3, n_alphas=5, penalty_factor=factor)
    assert found.n_candidates == 8
    assert found.probabilities[0, 0] == 1.0
    assert found.n_selected[0] < 8


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"threshold": 0.5}, r"threshold must be a number in \(0.5, 1\]"),
        ({"error": 0.0}, "error must be a finite number > 0"),
        ({"n_pairs": 0}, "n_pairs must be an integer >= 1"),
    ],
)
def test_wrong_arguments_are_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        riata.stability_selection(*regression(20, 3), **wrong)


def test_fits_above_their_tolerance_are_warned_of_once():
    """Danger: who had entered was taken from fits that had not converged, without a word."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 20))
    y = X[:, 0] + 0.1 * rng.standard_normal(60)
    with pytest.warns(ConvergenceWarning, match="fits ended above the tolerance") as caught:
        riata.stability_selection(X, y, n_pairs=3, n_alphas=10, max_iter=1, tol=1e-12)
    assert len(caught) == 1


def test_a_half_without_a_class_is_refused_by_name():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), np.arange(60) < 1
    with pytest.raises(
        ValueError, match=r"every half must have rows .* class True in half \d+: give it two rows"
    ):
        riata.stability_selection(X, y, family="binomial", n_pairs=5)
    with pytest.raises(ValueError, match=r"positive entry .* half .*: y must have two positive"):
        riata.stability_selection(X, y, family="poisson", n_pairs=5)


def drawn(y, family, n_pairs=40, sample_weight=None):
    """Return the rows of all halves, (2 n_pairs, n), as booleans."""
    n = len(y)
    data = check_data(
        np.eye(n), y, family=family, l1_ratio=1.0, fit_intercept=True, standardize=False,
        sample_weight=sample_weight, offset=None, penalty_factor=None, lower_bounds=None,
        upper_bounds=None,
    )  # fmt: skip
    return np.array(draw_halves(data, n_pairs, 0)) > 0.0


SHARES = np.r_[np.zeros(37), 0.5, 1.0]
RARE = {
    "two of a class": (np.arange(41) < 2, "binomial", [np.arange(41) < 2, np.arange(41) >= 2]),
    "hinge": (np.where(np.arange(40) < 5, "b", "a"), "squared_hinge", [np.arange(40) < 5]),
    "counts": (np.r_[np.zeros(51), 3.0, 1.0, 7.0], "poisson", [np.arange(54) >= 51]),
    "amounts": (np.r_[np.zeros(50), 0.3, 1.7], "tweedie", [np.arange(52) >= 50]),
    "classes": (np.r_[np.zeros(30), 1, 1, 1, 2, 2], "multinomial",
                [np.arange(35) < 30, np.arange(35) >= 33]),
    "shares": (SHARES, "binomial", [SHARES > 0.0, SHARES < 1.0]),
    "numbers": (np.arange(11.0), "gaussian", []),
}  # fmt: skip


@pytest.mark.parametrize(("y", "family", "kinds"), RARE.values(), ids=RARE)
def test_every_half_has_its_half_of_what_is_rare(y, family, kinds):
    """Danger: halves drawn whatever y is had none of the five rows of a class, for most seeds."""
    rows = drawn(y, family)
    assert np.all(rows.sum(axis=1) == len(y) // 2)
    assert not np.any(rows[::2] & rows[1::2])
    for kind in kinds:
        shares = rows[:, kind].sum(axis=1)
        assert shares.min() >= 1
        assert shares.min() >= (kind.sum() - 1) // 2
        assert shares.max() <= -(-kind.sum() // 2)
    left = ~(rows[::2] | rows[1::2])
    assert np.all(left.sum(axis=1) == len(y) % 2)
    every = len(np.unique(rows[::2], axis=0))
    assert every > 30  # the cuts differ


def test_rows_of_weight_zero_are_in_no_half():
    y, w = np.arange(40) < 6, np.ones(40)
    w[[0, 1, 2, 39]] = 0.0
    rows = drawn(y, "binomial", sample_weight=w)
    assert not rows[:, w == 0.0].any()
    assert np.all(np.isin(rows[:, :6].sum(axis=1), (1, 2)))


def test_rare_classes_are_selected_from_for_every_seed():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 6)), np.arange(200) < 5
    X[y, 2] += 4.0
    for seed in range(3):
        found = riata.stability_selection(
            X, y, family="binomial", n_pairs=10, n_alphas=5, random_state=seed
        )
        assert found.status == "converged"


def test_feature_names_of_a_data_frame_are_kept():
    pandas = pytest.importorskip("pandas")
    X, y = regression(30, 4)
    names = ["a", "b", "c", "d"]
    frame = pandas.DataFrame(X, columns=names)
    found = riata.stability_selection(frame, y, n_pairs=2, n_alphas=4)
    assert found.feature_names_in_.tolist() == names
    assert riata.stability_selection(X, y, n_pairs=2, n_alphas=4).feature_names_in_ is None
