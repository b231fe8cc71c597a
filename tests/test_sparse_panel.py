"""The gathered working set of sparse X, against the same columns made dense."""

import numpy as np
import pytest
import scipy.sparse as sp
from problems import unsorted

import riata
from riata.design import make_design

EPS = np.finfo(float).eps
N, P = 400, 60


def messy(dtype, index):
    """Entries of rows and columns in no order, some of them stored twice, and a full column."""
    rng = np.random.default_rng(0)
    X = sp.random_array((N, P), density=0.1, rng=rng, dtype=np.float64).tocoo()
    row, column, value = X.row, X.col, X.data
    again = rng.permutation(len(value))[:300]
    row = np.concatenate([row, row[again], np.arange(N)])
    column = np.concatenate([column, column[again], np.full(N, 7)])
    value = np.concatenate([value, value[again], 2.0 + rng.random(N)]).astype(dtype)
    order = rng.permutation(len(value))
    return row[order].astype(index), column[order].astype(index), value[order]


def stored(storage, dtype=np.float64, index=np.int32, tidy=False):
    """Return a matrix and the same, dense."""
    row, column, value = messy(dtype, index)
    major, minor = (row, column) if storage == "csr" else (column, row)
    order = np.argsort(major, kind="stable")
    starts = np.searchsorted(major[order], np.arange((N if storage == "csr" else P) + 1))
    kind = sp.csr_array if storage == "csr" else sp.csc_array
    X = kind((value[order], minor[order], starts.astype(index)), shape=(N, P))
    if tidy:
        X.sum_duplicates()
    return X, X.astype(np.float64).toarray()


def gathered(X, centred, fetched, batches):
    weights = np.random.default_rng(1).random(N)
    weights[::9] = 0.0
    weights /= weights.sum()
    design = make_design(X, weights, centred=centred, n_threads=2)
    if fetched:
        design.fetch(np.arange(P))
    panel = design.panel()
    return design, panel, [panel.extend(batch) for batch in batches]


BATCHES = [np.array([3, 7, 20, 41]), np.array([1, 8, 40, 50, 55]), np.array([2])]


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("tidy", [False, True])
@pytest.mark.parametrize(("storage", "fetched"), [("csc", False), ("csr", False), ("csr", True)])
def test_gram_and_sums(storage, fetched, tidy, index, dtype, centred):
    X, dense = stored(storage, dtype, index, tidy)
    design, panel, rows = gathered(X, centred, fetched, BATCHES)
    members = np.concatenate(BATCHES)
    w = design.weights
    Z = dense[:, members]
    Z = Z - (w @ Z if centred else 0.0)
    wanted = Z.T @ (w[:, None] * Z)
    close = {"rtol": 0.0, "atol": 1e-13 * np.abs(Z).max() ** 2}
    for got, end in zip(rows, np.cumsum([len(batch) for batch in BATCHES]), strict=True):
        np.testing.assert_allclose(got, wanted[end - len(got) : end, :end], **close)

    h = np.random.default_rng(2).random(N)
    gram = panel.reweigh(h)
    mean = h @ Z / h.sum() if centred else np.zeros(len(members))
    np.testing.assert_allclose(panel.mean, mean, rtol=0.0, atol=1e-13)
    wanted = (Z - mean).T @ (h[:, None] * (Z - mean))
    np.testing.assert_allclose(gram, wanted, rtol=0.0, atol=1e-12 * N)
    if storage == "csc" or tidy or fetched:  # columns ascend in every row
        assert np.array_equal(gram, gram.T)

    vectors = np.random.default_rng(3).standard_normal((2, N))
    for some in (np.arange(len(members)), np.arange(4, len(members)), np.array([5, 9])):
        sums = panel.transpose_dots(vectors, some)
        size = np.abs(vectors) @ np.abs(Z[:, some]) + np.abs(vectors).sum() * np.abs(Z).max()
        assert (np.abs(sums - vectors @ Z[:, some]) <= 100 * EPS * size).all()

    coef = np.random.default_rng(4).standard_normal(len(members))
    np.testing.assert_allclose(panel.dot(coef), Z @ coef, rtol=0.0, atol=1e-13 * len(coef) * 10)


def test_bits_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr("riata.design.sparse.BLOCK", 100)
    X, _ = stored("csc")
    u = np.random.default_rng(5).standard_normal(N)
    found = []
    for n_threads in (1, 3):
        design = make_design(X, np.full(N, 1 / N), centred=True, n_threads=n_threads)
        some = np.arange(0, P, 2)
        found.append((design.transpose_dot(u), design.transpose_dot_of(some, u)))
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])
    np.testing.assert_array_equal(found[0][0][::2], found[0][1])


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("storage", "fetched"), [("csc", False), ("csr", False), ("csr", True)])
def test_rows_move_on_threads_where_others_were(
    monkeypatch, storage, fetched, centred, n_threads
):  # fmt: skip
    """Runs of rows grow and shrink in one place: none overwrites what another has yet to read."""
    monkeypatch.setattr("riata.design.sparse_panel.ROUND", 1)
    monkeypatch.setattr("riata.design.base.Design.loop_threads", n_threads)  # though X is small
    X, dense = stored(storage, tidy=True)
    w = np.full(N, 1 / N)
    design = make_design(X, w, centred=centred, n_threads=n_threads)
    if fetched:
        design.fetch(np.arange(P))
    panel, members = design.panel(), np.empty(0, dtype=np.intp)
    for new, kept in ([[3, 7], [1]], [range(20, 50), range(0, 31, 2)], [[0, 59], range(18)]):
        rows = panel.extend(np.array(new))
        members = np.concatenate([members, np.array(new)])
        Z = dense[:, members]
        Z = Z - (w @ Z if centred else 0.0)
        wanted = Z.T @ (w[:, None] * Z)
        np.testing.assert_allclose(rows, wanted[-len(new) :], rtol=0.0, atol=1e-13)
        members = members[list(kept)]
        panel.retain(np.array(kept))
        Z = dense[:, members]
        Z = Z - (w @ Z if centred else 0.0)
        coef = np.random.default_rng(6).standard_normal(len(members))
        np.testing.assert_allclose(panel.dot(coef), Z @ coef, rtol=0.0, atol=1e-12)
        vectors, some = np.random.default_rng(7).standard_normal((2, N)), np.arange(len(members))
        sums = panel.transpose_dots(vectors, some)
        np.testing.assert_allclose(sums, vectors @ Z, rtol=0.0, atol=1e-12)
        gram = panel.reweigh(w)
        np.testing.assert_allclose(gram, Z.T @ (w[:, None] * Z), rtol=0.0, atol=1e-13)
        assert np.array_equal(gram, gram.T)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_columns_are_fetched_in_the_order_of_their_rows(monkeypatch, n_threads, index):
    monkeypatch.setattr("riata.design.sparse.BLOCK", 100)
    X, _ = stored("csr", index=index)
    row = np.repeat(np.arange(N), np.diff(X.indptr))
    design = make_design(X, np.full(N, 1 / N), centred=False, n_threads=n_threads)
    for some in (np.array([30, 7, 2]), np.array([7, 59, 0, 31])):
        design.fetch(some)
        data, rows, start, end, _ = design.stored(some)
        for j, a, b in zip(some, start, end, strict=True):
            here = design.columns[j] == X.indices if design.columns is not None else j == X.indices
            np.testing.assert_array_equal(rows[a:b], row[here])
            np.testing.assert_array_equal(data[a:b], X.data[here])


def test_folds_of_several_responses_on_unsorted_rows():
    """Sums of some members were cut short where a row held them in no order."""
    rng = np.random.default_rng(0)
    X = sp.random_array((300, 120), density=0.15, rng=rng, dtype=float).tocsr()
    B = rng.standard_normal((120, 3)) * (rng.random((120, 1)) < 0.3)
    y = (X @ B + rng.gumbel(size=(300, 3))).argmax(axis=1)
    settings = {"family": "multinomial", "n_alphas": 15, "alpha_min_ratio": 0.05, "tol": 1e-8}
    found = riata.cross_validate(unsorted(sp.csr_array, X), y, cv=4, **settings)
    assert (found.status == "converged").all()
    np.testing.assert_allclose(
        found.scores, riata.cross_validate(X.toarray(), y, cv=4, **settings).scores, rtol=1e-6
    )
