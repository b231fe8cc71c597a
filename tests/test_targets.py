"""Several targets on one X: every path certified, equal to a fit alone, for less work."""

import numpy as np
import pytest
import scipy.sparse as sp
from certified import fingerprint, judge
from problems import FEW_STORAGES, SPARSE, regression, weights

import riata
from riata.design import make_design
from riata.targets import LANES, lanes_at_once, side_of

EACH_STORAGE = pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
A, _ = regression(60, 150, seed=301, density=0.5)
RNG = np.random.default_rng(302)
TARGETS = A @ (RNG.standard_normal((150, 5)) * (RNG.random((150, 5)) < 0.05))
TARGETS += 0.3 * RNG.standard_normal(TARGETS.shape) + 4.0
SHORT = {"n_alphas": 12, "alpha_min_ratio": 0.05}


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    """Let any number of paths on CSR read X together."""
    monkeypatch.setattr(riata.targets, "FEWEST", 1)


def certified_targets(X, Y, *, truth=None, offset=None, statuses=None, **settings):
    """Return the paths of the columns of Y, each certified by the oracle."""
    before = fingerprint(X), fingerprint(Y)
    paths = riata.fit_path(X, Y, offset=offset, **settings)
    assert (fingerprint(X), fingerprint(Y)) == before
    assert type(paths) is list
    assert len(paths) == Y.shape[1]
    kept = {} if statuses is None else {"statuses": statuses}
    for t, path in enumerate(paths):
        own = offset if offset is None or offset.ndim == 1 else offset[:, t]
        judge(path, X, Y[:, t], truth=truth, offset=own, **kept, **settings)
    return paths


def alone(X, Y, t, *, offset=None, **settings):
    own = offset if offset is None or offset.ndim == 1 else offset[:, t]
    return riata.fit_path(X, Y[:, t], offset=own, **settings)


CASES = {
    "lasso": {},
    "no intercept": {"fit_intercept": False},
    "elastic net": {"l1_ratio": 0.4},
    "ridge": {"l1_ratio": 0.0, "n_alphas": 4},
    "given alphas": {"alphas": [0.5, 0.1, 0.02]},
    "least squares last": {"alphas": [0.3, 0.0]},
    "far apart": {"alphas": [0.5, 0.01]},
    "weights": {"sample_weight": weights(60)},
    "standardised": {"standardize": True},
    "non-negative": {"lower_bounds": 0.0},
    "bounded": {"lower_bounds": -0.2, "upper_bounds": 0.1},
    "unpenalised": {"penalty_factor": np.r_[0.0, 0.0, np.ones(146), np.inf, 2.0]},
    "unpenalised, bounded": {
        "penalty_factor": np.r_[0.0, np.ones(149)],
        "lower_bounds": np.r_[0.0, np.full(149, -np.inf)],
    },
    "one offset": {"offset": np.linspace(-1, 2, 60)},
    "an offset each": {"offset": RNG.standard_normal((60, 5))},
}


@EACH_STORAGE
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_path_is_certified_and_the_one_of_a_fit_alone(store, case):
    settings = {**SHORT, "tol": 1e-11, **case}
    paths = certified_targets(store(A), TARGETS, truth=A, **settings)
    path = alone(store(A), TARGETS, 3, **settings)
    np.testing.assert_allclose(paths[3].alphas, path.alphas, rtol=1e-12)
    np.testing.assert_allclose(paths[3].coefs.toarray(), path.coefs.toarray(), atol=1e-4)
    np.testing.assert_allclose(paths[3].intercepts, path.intercepts, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EACH_STORAGE
def test_tall_x(store, dtype):
    X, _ = regression(400, 20, seed=303)
    X = X.astype(dtype)
    Y = X[:, :4] * 2.0 + np.random.default_rng(307).standard_normal((400, 4))
    paths = certified_targets(store(X), Y, truth=X, **SHORT)
    if isinstance(store(X), np.ndarray):
        assert sum(path.n_passes for path in paths) <= 2 + len(paths)


def test_a_constant_target_and_a_repeated_one():
    Y = np.column_stack([TARGETS[:, 0], np.ones(60), TARGETS[:, 0]])
    first, constant, again = certified_targets(A, Y, **SHORT)
    assert constant.coefs.nnz == 0
    np.testing.assert_array_equal(first.coefs.toarray(), again.coefs.toarray())


@EACH_STORAGE
def test_the_bits_depend_neither_on_threads_nor_on_the_other_targets(store, monkeypatch):
    paths = [riata.fit_path(store(A), TARGETS, n_threads=k, **SHORT) for k in (1, 2, 5)]
    monkeypatch.setattr(riata.targets, "LANES", 2)
    paths.append(riata.fit_path(store(A), TARGETS, n_threads=2, **SHORT))
    for same in zip(*paths, strict=True):
        for path in same[1:]:
            np.testing.assert_array_equal(same[0].coefs.toarray(), path.coefs.toarray())
            np.testing.assert_array_equal(same[0].dual_gaps, path.dual_gaps)


@pytest.mark.parametrize(
    ("store", "factor"), [(np.asfortranarray, 1.1), (sp.csr_array, 3.0)], ids=["dense", "csr"]
)
def test_less_is_read_than_by_as_many_fits(store, factor):
    X, _ = regression(100, 600, seed=304, density=0.3)
    rng = np.random.default_rng(306)
    B = rng.standard_normal((600, 16)) * (rng.random((600, 16)) < 0.01)
    Y = X @ B + rng.standard_normal((100, 16))
    paths = certified_targets(store(X), Y, n_alphas=40, truth=X)
    each = riata.fit_path(store(X), Y[:, 0], n_alphas=40)
    assert sum(path.n_passes for path in paths) <= 16 * each.n_passes / factor
    assert np.mean([path.n_iter.sum() for path in paths]) <= 1.3 * each.n_iter.sum()


def test_few_targets_read_what_each_would_alone(monkeypatch):
    monkeypatch.setattr(riata.targets, "FEWEST", 6)
    paths = certified_targets(A, TARGETS, **SHORT)
    each = [alone(A, TARGETS, t, **SHORT).n_passes for t in range(5)]
    assert sum(path.n_passes for path in paths) < sum(each)


def test_how_many_go_side_by_side_is_bounded_by_memory():
    small = make_design(A, np.full(60, 1 / 60), centred=True, n_threads=1)
    assert lanes_at_once(small) == LANES
    small.n, small.p = 10_000, 100_000
    assert side_of(small) == 4096
    assert 2 <= lanes_at_once(small) <= 4


def test_a_time_limit_gives_every_grid_and_one_warning():
    with pytest.warns(riata.exceptions.convergence_warning(), match="of target 0") as caught:
        paths = riata.fit_path(A, TARGETS, max_time=1e-9, **SHORT)
    assert len(caught) == 1
    assert all(len(path.alphas) == 12 and path.status[-1] == "time_limit" for path in paths)


def test_one_warning_for_all_that_ended_above_their_tolerance():
    statuses = ("converged", "max_iter")
    with pytest.warns(riata.exceptions.convergence_warning(), match="raise max_iter") as caught:
        certified_targets(A, TARGETS, max_iter=1, tol=1e-12, statuses=statuses, **SHORT)
    assert len(caught) == 1


def test_ctrl_c_carries_the_certified_part(monkeypatch):
    monkeypatch.setattr(riata.targets, "LANES", 3)
    solve, calls = riata.targets.Batch._solve, []

    def interrupted(self, first, end):
        calls.append(first)
        if len(calls) == 2:
            raise KeyboardInterrupt
        solve(self, first, end)

    monkeypatch.setattr(riata.targets.Batch, "_solve", interrupted)
    with pytest.raises(KeyboardInterrupt) as stop:
        riata.fit_path(A, TARGETS, **SHORT)
    paths = stop.value.path
    assert [path is None for path in paths] == [False, False, False, True, True]
    statuses = ("converged", "interrupted")
    for t, path in enumerate(paths[:3]):
        assert (path.status == "converged").sum() == 6  # of 12, in two stretches
        judge(path, A, TARGETS[:, t], statuses=statuses, **SHORT)


def test_relaxed_paths_extend_and_offsets_are_remembered_by_target():
    offset = np.random.default_rng(308).standard_normal((60, 5))
    paths = certified_targets(A, TARGETS, relaxed=True, offset=offset, **SHORT)
    path, one = paths[2], alone(A, TARGETS, 2, relaxed=True, offset=offset, **SHORT)
    np.testing.assert_allclose(path.relaxed_coefs.toarray(), one.relaxed_coefs.toarray(), atol=1e-6)
    more = path.extend(A, TARGETS[:, 2], path.alphas[-1] / 2)
    assert len(more.alphas) == 13
    with pytest.raises(ValueError, match="y must have shape"):
        path.extend(A, TARGETS, path.alphas[-1] / 2)


def test_a_data_frame_of_targets():
    pd = pytest.importorskip("pandas")
    paths = riata.fit_path(A, pd.DataFrame(TARGETS), **SHORT)
    same = riata.fit_path(A, TARGETS.tolist(), **SHORT)
    assert len(paths) == len(same) == 5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y": TARGETS[:50]}, "y must have"),
        ({"y": np.where(TARGETS[3, 2] == TARGETS, np.nan, TARGETS)}, "y must hold finite"),
        ({"offset": np.ones((60, 4))}, "offset must have shape"),
        ({"offset": np.ones(59)}, "offset must have shape"),
    ],
)
def test_wrong_arguments(changes, words):
    with pytest.raises(ValueError, match=words):
        riata.fit_path(**{"X": A, "y": TARGETS, **changes})


READ_IN_PLACE = FEW_STORAGES | {
    name: store for name, store in SPARSE.items() if name.startswith(("csc", "csr"))
}


@pytest.mark.parametrize("store", READ_IN_PLACE.values(), ids=READ_IN_PLACE)
@pytest.mark.parametrize("size", [1, 8, 13, 21])
def test_one_read_for_several_vectors(store, size):
    X = np.column_stack([A, np.full(60, 7.0), np.zeros(60)])
    kept = X.any(axis=0)
    X = store(X)
    w = weights(60)
    for n_threads in (1, 3):
        design = make_design(X, w / w.sum(), centred=True, n_threads=n_threads)
        U = np.random.default_rng(305).standard_normal((size, 60))
        dense = np.asarray(X.todense()) if sp.issparse(X) else X
        wanted = U @ (dense - (w / w.sum()) @ dense)
        wanted = wanted[:, kept] if design.p == kept.sum() else wanted
        z = design.transpose_dots(U)
        np.testing.assert_allclose(z, wanted, atol=1e-12)
        np.testing.assert_array_equal(z[-1], design.transpose_dots(U[-1:])[0])
        if design.reads_some_together:
            for index in (np.arange(design.p)[::-2].copy(), np.array([3]), np.arange(0)):
                some = design.transpose_dots_of(index, U)
                np.testing.assert_allclose(some, wanted[:, index], atol=1e-12)


@pytest.mark.parametrize("shape", [(60, 150), (200, 40)], ids=["wide", "tall"])
@pytest.mark.parametrize(
    ("alphas", "l1_ratio"),
    [([1.0, 0.1], 0.0), ([0.0], 0.0), ([0.3, 0.2, 0.0], 1.0)],
    ids=["ridge", "least squares", "least squares after lasso"],
)
def test_ridge_decomposes_x_once(monkeypatch, shape, alphas, l1_ratio):
    X, _ = regression(*shape, seed=309)
    Y = X[:, :4] @ np.random.default_rng(310).standard_normal((4, 4)) + 1.0
    Y += np.random.default_rng(311).standard_normal(Y.shape)
    made = []
    for name in ("_factorise", "ColumnSpace"):
        make = getattr(riata.ridge, name)
        monkeypatch.setattr(riata.ridge, name, lambda *a, make=make: [made.append(1), make(*a)][1])
    certified_targets(X, Y, l1_ratio=l1_ratio, alphas=alphas, n_threads=2)
    assert len(made) == 1


@pytest.mark.parametrize("store", [sp.csr_array, sp.csc_array])
def test_nothing_stored_is_the_null_model(store):
    y = np.arange(8.0).reshape(4, 2)
    paths = riata.fit_path(store((4, 3)), y, n_alphas=2)
    for t, path in enumerate(paths):
        assert set(path.status) == {"converged"}
        np.testing.assert_allclose(path.intercepts, y[:, t].mean())


def test_ctrl_c_between_batches_keeps_those_that_are_done(monkeypatch):
    monkeypatch.setattr(riata.targets, "LANES", 3)
    begin, made = riata.targets.Batch.__init__, []

    def interrupted(self, *arguments, **settings):
        made.append(1)
        if len(made) == 2:
            raise KeyboardInterrupt
        begin(self, *arguments, **settings)

    monkeypatch.setattr(riata.targets.Batch, "__init__", interrupted)
    with pytest.raises(KeyboardInterrupt) as stop:
        riata.fit_path(A, TARGETS, **SHORT)
    paths = stop.value.path
    assert [path is None for path in paths] == [False, False, False, True, True]
    for t, path in enumerate(paths[:3]):
        judge(path, A, TARGETS[:, t], statuses=("converged",), **SHORT)


class Bar:
    """A bar that counts as tqdm does: a step is done when the next one is asked for."""

    def __init__(self, steps, **settings):
        self.steps, self.done, self.closed = steps, 0, False
        Bar.last = self

    def __iter__(self):
        try:
            for step in self.steps:
                yield step
                self.done += 1
        finally:
            self.closed = True


@pytest.mark.parametrize("lanes", [LANES, 2])
def test_the_bar_counts_what_is_solved_and_is_closed(monkeypatch, lanes):
    monkeypatch.setattr(riata.targets, "LANES", lanes)
    monkeypatch.setattr("tqdm.tqdm", Bar)
    riata.fit_path(A, TARGETS, progress=True, **SHORT)
    assert (Bar.last.done, Bar.last.closed) == (12 * -(-5 // lanes), True)
    with pytest.warns(riata.exceptions.convergence_warning()):
        riata.fit_path(A, TARGETS, progress=True, max_time=1e-9, **SHORT)
    assert (Bar.last.done, Bar.last.closed) == (0, True)
