"""One matrix in every storage and dtype is one problem, solved in place and left unchanged."""

import numpy as np
import pytest
import scipy.sparse as sp
from certified import certified_fit
from problems import FEW_STORAGES, SPARSE, STORAGES, regression, weights

import riata

X, Y = regression(40, 25, seed=11, density=0.4)
WIDE, WIDE_Y = regression(20, 45, seed=12, density=0.4)
GRID = {"n_alphas": 12, "tol": 1e-9}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
def test_every_storage_gives_the_dense_answer(storage, l1_ratio):
    certified_fit(STORAGES[storage](X), Y, truth=X, l1_ratio=l1_ratio, **GRID)


@pytest.mark.parametrize("storage", STORAGES)
def test_every_storage_gives_the_dense_answer_standardized_and_weighted(storage):
    certified_fit(
        STORAGES[storage](WIDE),
        WIDE_Y,
        truth=WIDE,
        standardize=True,
        sample_weight=weights(20),
        **GRID,
    )


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(60, 8), (8, 60)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tall_and_wide_of_both_float_types_with_and_without_an_intercept(
    storage, fit_intercept, shape, dtype
):
    A, b = regression(*shape, seed=13, density=0.5)
    stored = FEW_STORAGES[storage](A.astype(dtype))
    certified_fit(stored, b, truth=A.astype(dtype), fit_intercept=fit_intercept, **GRID)


@pytest.mark.parametrize("storage", [*FEW_STORAGES, "list of lists", "coo_array", "lil_array"])
@pytest.mark.parametrize(
    "dtype", ["float32", "float16", "int64", "int32", "int8", "uint8", "bool", ">f4", ">i4"]
)
def test_every_real_dtype_is_converted(storage, dtype):
    if storage in SPARSE and dtype in ("float16", ">f4", ">i4"):
        dtype = "float32"  # what scipy itself can't convert from dense
    rounded = np.round(3 * np.abs(X)).astype(dtype)
    certified_fit(STORAGES[storage](rounded), Y, truth=rounded, **GRID)


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
def test_float16_sparse_data_is_converted(kind):
    stored = kind(X.astype(np.float32))
    truth = stored.data.astype(np.float16)
    stored.data = truth
    dense = kind((truth.astype(float), stored.indices, stored.indptr), shape=X.shape).toarray()
    certified_fit(stored, Y, truth=dense, **GRID)


@pytest.mark.parametrize("storage", ["csc duplicate entries", "csr duplicate entries"])
@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_duplicates_of_other_dtypes_are_summed(storage, dtype):
    rounded = np.round(3 * X).astype(dtype)
    certified_fit(STORAGES[storage](rounded), Y, truth=rounded, standardize=True, **GRID)


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
def test_duplicate_float32_entries_are_summed_in_float64(kind):
    rows, columns = np.arange(30), np.zeros(30, int)
    small = np.linspace(-1, 1, 30).astype(np.float32)
    data = np.concatenate([np.full(30, 100.0), small, np.full(30, -100.0)]).astype(np.float32)
    major, minor = (columns, rows) if kind is sp.csc_array else (rows, columns)
    order = np.argsort(np.tile(major, 3), kind="stable")
    pointer = [0, 90] if kind is sp.csc_array else 3 * np.arange(31)
    stored = kind((data[order], np.tile(minor, 3)[order], pointer), shape=(30, 1))
    certified_fit(stored, Y[:30], truth=small.astype(float)[:, None], **GRID)


@pytest.mark.parametrize("storage", ["csc duplicate entries", "csr duplicate entries"])
def test_a_half_full_column_stored_twice_is_not_taken_for_a_full_one(storage):
    half = X + 5
    half[::2, ::3] = 0
    certified_fit(STORAGES[storage](half), Y, truth=half, standardize=True, **GRID)


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
def test_two_sided_duplicates_that_cancel_are_an_empty_column(kind):
    major = np.zeros(20, int) if kind is sp.csc_array else np.repeat(np.arange(10), 2)
    minor = np.repeat(np.arange(10), 2) if kind is sp.csc_array else np.zeros(20, int)
    size = 1 if kind is sp.csc_array else 10
    pointer = np.searchsorted(major, np.arange(size + 1))
    stored = kind((np.tile([1.5, -1.5], 10), minor, pointer), shape=(10, 1))
    path = certified_fit(stored, Y[:10], truth=np.zeros((10, 1)), alphas=[0.1, 0.01])
    assert path.coefs.nnz == 0


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
def test_arrays_longer_than_indptr_says_are_legal(kind):
    stored = kind(X)
    stored.data = np.append(stored.data, [np.inf, 9.0])
    stored.indices = np.append(stored.indices, [10**6, -5]).astype(np.int32)
    certified_fit(stored, Y, truth=X, **GRID)


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
def test_empty_rows_and_columns_are_zeros(kind):
    holey = X.copy()
    holey[[0, 7, -1]] = 0
    holey[:, [0, 3, -1]] = 0
    certified_fit(kind(holey), Y, truth=holey, **GRID)


@pytest.mark.parametrize("kind", [sp.csc_array, sp.csr_array])
def test_a_sparse_matrix_without_any_entry_gives_the_null_model(kind):
    path = certified_fit(kind((10, 3)), Y[:10], n_alphas=3)
    assert path.coefs.nnz == 0


def test_a_broadcast_column_and_a_broadcast_row_are_read_through_zero_strides():
    column = np.broadcast_to(X[:, :1], X.shape)
    assert column.strides[1] == 0
    certified_fit(column, Y, truth=X[:, [0] * X.shape[1]], **GRID)
    row = np.broadcast_to(X[:1], X.shape)
    assert row.strides[0] == 0
    certified_fit(row, Y, truth=X[[0] * len(X)], fit_intercept=False, alphas=[0.3, 0.1], tol=1e-9)


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: y.tolist(),
        lambda y: y.astype(np.float32),
        lambda y: np.round(y).astype(np.int64),
        lambda y: np.repeat(y, 2)[::2],
        lambda y: y[::-1].copy()[::-1],
        lambda y: y.astype(">f8"),
        lambda y: y > 0,
    ],
    ids=["list", "float32", "int64", "strided", "reversed", "big-endian", "bool"],
)
def test_every_real_y_is_converted(convert):
    y = convert(Y)
    certified_fit(X, y, **GRID)


@pytest.mark.parametrize("storage", STORAGES)
def test_predict_reads_every_storage(storage):
    path = certified_fit(X, Y, **GRID)
    expected = X @ path.coefs.toarray() + path.intercepts
    np.testing.assert_allclose(path.predict(STORAGES[storage](X)), expected, atol=1e-10)


def test_every_argument_may_be_read_only():
    arrays = {
        "sample_weight": weights(40),
        "offset": 0.1 * Y,
        "penalty_factor": np.ones(25),
        "lower_bounds": np.full(25, -2.0),
        "upper_bounds": np.full(25, 2.0),
        "alphas": np.array([0.1, 0.5]),
    }
    y = Y.copy()
    for array in (*arrays.values(), y):
        array.setflags(write=False)
    certified_fit(STORAGES["read-only"](X), y, **arrays)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_read_only_targets_and_weights_are_read_in_place(fit_intercept):
    X, y = regression(30, 40)
    w = np.full(30, 0.5)
    for values in (y, w):
        values.setflags(write=False)
    certified_fit(X, y, sample_weight=w, fit_intercept=fit_intercept, n_alphas=5)


@pytest.mark.parametrize("extension", [False, True])
def test_a_frame_of_numbers_of_several_kinds_is_a_matrix(extension):
    """Danger: bool columns beside float ones, those of get_dummies for example, were refused."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    A = np.c_[rng.standard_normal(50), rng.random(50) > 0.5, np.arange(50)]
    frame = pd.DataFrame({"a": A[:, 0], "b": A[:, 1] > 0.0, "c": np.arange(50)})
    if extension:
        frame = frame.astype({"a": "Float64", "b": "boolean", "c": "Int64"})
    y = A @ [1.0, 2.0, 0.1] + 0.1 * rng.standard_normal(50)
    path, plain = riata.fit_path(frame, y, n_alphas=5), riata.fit_path(A, y, n_alphas=5)
    np.testing.assert_array_equal(path.coefs.toarray(), plain.coefs.toarray())
    assert path.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(TypeError, match="X must hold real numbers"):
        riata.fit_path(frame.assign(b="x"), y)
    if extension:
        frame.loc[3, "a"] = pd.NA
        with pytest.raises(ValueError, match="got nan at row 3, column 0"):
            riata.fit_path(frame, y)
