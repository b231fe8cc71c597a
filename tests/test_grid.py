"""The grid: where it starts, where it ends, and that it comes back whole."""

import sys

import numpy as np
import pytest
from certified import certified_fit
from oracle import Problem
from problems import FEW_STORAGES, regression, weights

import riata
from riata.grid import with_bar

X, Y = regression(40, 15, seed=71, density=0.6)
WIDE, WIDE_Y = regression(15, 40, seed=72)
FACTOR = np.r_[0.0, 0.0, np.inf, np.linspace(0.3, 3, 12)]
SETTINGS = [
    {},
    {"l1_ratio": 0.2},
    {"fit_intercept": False},
    {"standardize": True},
    {"sample_weight": weights(40), "offset": np.linspace(-5, 5, 40)},
    {"penalty_factor": FACTOR},
    {"lower_bounds": 0.0},
    {"upper_bounds": 0.0, "penalty_factor": FACTOR, "standardize": True},
    {"penalty_factor": FACTOR, "sample_weight": weights(40), "lower_bounds": -1.0},
]
EACH_SETTING = pytest.mark.parametrize("settings", SETTINGS, ids=range(len(SETTINGS)))


@EACH_SETTING
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_alpha_max_all_penalised_are_exactly_zero_and_just_below_not(settings, storage, dtype):
    stored = FEW_STORAGES[storage](X.astype(dtype))
    top = riata.alpha_max(stored, Y, **settings)
    assert type(top) is float
    assert top == pytest.approx(Problem(stored, Y, **settings).alpha_max(), rel=1e-10)
    path = certified_fit(stored, Y, alphas=[1.5 * top, top, 0.99 * top], tol=1e-8, **settings)
    factor = np.broadcast_to(settings.get("penalty_factor", 1.0), (15,))
    penalised = path.coefs.toarray()[factor > 0]
    assert not penalised[:, :2].any()
    assert penalised[:, 2].any()


@EACH_SETTING
def test_the_automatic_grid_starts_at_alpha_max(settings):
    path = certified_fit(X, Y, n_alphas=7, **settings)
    assert path.alphas[0] == pytest.approx(riata.alpha_max(X, Y, **settings), rel=1e-12)
    factor = np.broadcast_to(settings.get("penalty_factor", 1.0), (15,))
    assert not path.coefs.toarray()[factor > 0, 0].any()


def test_the_ridge_grid_is_that_of_an_l1_ratio_of_a_thousandth():
    assert riata.alpha_max(X, Y, l1_ratio=0.0) == pytest.approx(
        riata.alpha_max(X, Y, l1_ratio=1e-3), rel=1e-12
    )
    path = certified_fit(X, Y, l1_ratio=0.0, n_alphas=9)
    assert path.alphas[0] == pytest.approx(1e3 * riata.alpha_max(X, Y))
    assert path.coefs.nnz == 9 * 15


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([0.1, 0.3, 0.2], [0.3, 0.2, 0.1]),
        ([0.1, 0.1, 0.3, 0.1], [0.3, 0.1]),
        ([0, 1], [1, 0]),
        (0.2, [0.2]),
        ((0.2, 0.1), [0.2, 0.1]),
        (np.array([0.1, 0.2], np.float32), np.float32([0.2, 0.1])),
        (np.array([1, 2, 2]), [2, 1]),
        (range(3), [2, 1, 0]),
        ([1e5, 0.1], [1e5, 0.1]),
    ],
    ids=str,
)
def test_a_grid_of_ones_own_comes_back_descending_without_duplicates(given, wanted):
    path = certified_fit(X, Y, alphas=given)
    np.testing.assert_array_equal(path.alphas, np.asarray(wanted, float))
    assert path.alphas.dtype == np.float64


@pytest.mark.parametrize("n_alphas", [1, 2, 3, 200])
def test_as_many_alphas_come_back_as_were_asked_for(n_alphas):
    assert len(certified_fit(X, Y, n_alphas=n_alphas).alphas) == n_alphas


def test_the_grid_is_not_cut_where_nothing_is_left_to_explain():
    path = certified_fit(WIDE, WIDE_Y, alpha_min_ratio=1e-7)
    assert len(path.alphas) == 100
    assert path.deviance_ratio[-1] > 1 - 1e-6


@pytest.mark.parametrize(
    ("A", "y", "ratio"), [(X, Y, 1e-4), (WIDE, WIDE_Y, 1e-2), (X[:15], Y[:15], 1e-4)]
)
def test_the_default_alpha_min_ratio_depends_on_the_shape(A, y, ratio):
    path = certified_fit(A, y)
    assert len(path.alphas) == 100
    assert path.alphas[-1] / path.alphas[0] == pytest.approx(ratio)


def test_alpha_min_ratio_and_n_alphas_make_a_geometric_grid():
    path = certified_fit(X, Y, n_alphas=5, alpha_min_ratio=1e-2)
    np.testing.assert_allclose(path.alphas / path.alphas[0], 10.0 ** -np.linspace(0, 2, 5))


def test_alpha_max_without_a_penalised_feature_or_signal_is_zero_and_its_grid_positive():
    assert riata.alpha_max(X, Y, penalty_factor=0.0) == 0
    assert riata.alpha_max(X, Y, penalty_factor=np.inf) == 0
    assert riata.alpha_max(X, np.ones(40)) == 0
    for settings in ({"penalty_factor": 0.0}, {"penalty_factor": np.inf}):
        path = certified_fit(X, Y, n_alphas=4, **settings)
        assert (path.alphas > 0).all()


def test_a_wider_grid_contains_the_solutions_of_a_narrower_one():
    alphas = [0.5, 0.2, 0.05]
    few = certified_fit(X, Y, alphas=alphas, tol=1e-10)
    many = certified_fit(X, Y, alphas=[*np.geomspace(1, 0.01, 40), *alphas], tol=1e-10)
    for alpha in alphas:
        np.testing.assert_allclose(few.coef(alpha), many.coef(alpha), atol=1e-5)


@pytest.mark.parametrize("installed", [True, False])
def test_progress_says_how_far_it_is(installed, monkeypatch, capsys):
    if not installed:
        monkeypatch.setitem(sys.modules, "tqdm", None)  # an import of it fails
    X = np.eye(4)
    path = riata.fit_path(X, X[:, 0] - X[:, 1], n_alphas=3, progress=True)
    assert set(path.status) == {"converged"}
    said = capsys.readouterr().err
    assert "riata" in said
    assert "3/3" in said


@pytest.mark.parametrize("ratio", [1.0, 1.0 - 1e-15])
def test_alphas_that_would_not_differ_are_refused(ratio):
    with pytest.raises(ValueError, match="alpha_min_ratio and n_alphas must give alphas that"):
        riata.fit_path(X, Y, alpha_min_ratio=ratio)
    with pytest.raises(ValueError, match="alpha_min_ratio and n_alphas must give alphas that"):
        riata.cross_validate(X, Y, alpha_min_ratio=ratio, l1_ratio=[0.5, 1.0])
    assert len(riata.fit_path(X, Y, alpha_min_ratio=ratio, n_alphas=1).alphas) == 1


@pytest.mark.parametrize("name", ["max_iter", "n_threads"])
def test_counts_beyond_64_bits_are_as_many_as_it_takes(name):
    assert set(riata.fit_path(X, Y, **{name: 2**70}, n_alphas=3).status) == {"converged"}


CONSTANT = {
    "multigaussian": ("multigaussian", np.tile([1.0, 0.1], (40, 1))),
    "gamma": ("gamma", np.full(40, 0.1)),
    "poisson": ("poisson", np.full(40, 0.1)),
    "tweedie": ("tweedie", np.full(40, 0.1)),
    "huber": ("huber", np.full(40, 0.1)),
    "binomial": ("binomial", np.full(40, 0.3)),
}


@pytest.mark.parametrize(("family", "y"), CONSTANT.values(), ids=CONSTANT)
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("given", ["", "sample_weight", "offset"])
def test_where_y_is_constant_alpha_max_is_zero_and_the_grid_starts_at_one(
    family, y, storage, given
):
    """Danger: what rounding left of the gradient was taken for an alpha_max of 1e-65."""
    settings = {"": {}, "sample_weight": {"sample_weight": weights(40)},
                "offset": {"offset": np.full(y.shape, 0.7)}}[given]  # fmt: skip
    if family == "multigaussian" and given == "offset":
        return
    for seed in range(3):
        X = FEW_STORAGES[storage](regression(40, 15, seed=seed, density=0.6)[0])
        assert riata.alpha_max(X, y, family=family, **settings) == 0.0
        path = riata.fit_path(X, y, family=family, n_alphas=3, **settings)
        assert path.alphas[0] == 1.0
        assert not path.support_sizes().any()
        assert set(path.status) <= {"converged", "precision_floor"}


def test_a_count_ends_its_line_where_its_reader_stops(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    for step in with_bar(range(5), progress=True):
        if step == 3:
            break
    assert capsys.readouterr().err.endswith("3/5 alphas\n")
