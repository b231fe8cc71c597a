"""Wrong arguments are refused before any work, by name; right ones that look odd are not."""

import numpy as np
import pytest
import scipy.sparse as sp
from certified import certified_fit, fingerprint
from problems import FEW_STORAGES, regression

import riata

X, Y = regression(12, 5, seed=91)
NAN, INF = np.nan, np.inf


def with_value(array, position, value, dtype=float):
    array = np.array(array, dtype)
    array[position] = value
    return array


ONES = np.ones(12)
WRONG = {
    "X is NaN": {"X": with_value(X, (3, 2), NAN)},
    "X is inf": {"X": with_value(X, (3, 2), INF)},
    "X is float32 inf": {"X": with_value(X, (3, 2), -INF, np.float32)},
    "X is complex": {"X": X + 1j},
    "X is object": {"X": with_value(X, (0, 0), "a", object)},
    "X is text": {"X": X.astype(str)},
    "X is dates": {"X": X.astype("M8[s]")},
    "X is one-dimensional": {"X": X[:, 0]},
    "X is three-dimensional": {"X": X[None]},
    "X is a number": {"X": 3.0},
    "X is None": {"X": None},
    "X is text itself": {"X": "X"},
    "X has no feature": {"X": X[:, :0]},
    "X has no row": {"X": X[:0], "y": Y[:0]},
    "X is a sparse vector": {"X": sp.coo_array(np.eye(12)[0])},
    "X sparse without features": {"X": sp.csc_array((12, 0))},
    "X sparse without rows": {"X": sp.csr_array((0, 5)), "y": Y[:0]},
    "X is masked": {"X": np.ma.masked_greater(X, 1.0)},
    "X is ragged": {"X": [[1.0, 2.0], [3.0]]},
    "y is too short": {"y": Y[:-1]},
    "y is too long": {"y": np.append(Y, 1)},
    "y has three axes": {"y": np.ones((2, 3, 4))},
    "y is a number": {"y": 1.0},
    "y is None": {"y": None},
    "y is NaN": {"y": with_value(Y, 4, NAN)},
    "y is inf": {"y": with_value(Y, 4, INF)},
    "y is complex": {"y": Y + 1j},
    "y is text": {"y": ["a"] * 12},
    "y is sparse": {"y": sp.csc_array(Y[:, None])},
    "family is unknown": {"family": "normal"},
    "family is None": {"family": None},
    "alphas is negative": {"alphas": [0.1, -0.1]},
    "alphas is NaN": {"alphas": [0.1, NAN]},
    "alphas is inf": {"alphas": [INF]},
    "alphas is empty": {"alphas": []},
    "alphas is two-dimensional": {"alphas": [[0.1, 0.2]]},
    "alphas is text": {"alphas": "auto"},
    "alphas is complex": {"alphas": [1j]},
    "alphas is a bool": {"alphas": True},
    "alphas is bools": {"alphas": [True, False]},
    "n_alphas is 0": {"n_alphas": 0},
    "n_alphas is a float": {"n_alphas": 2.5},
    "n_alphas is None": {"n_alphas": None},
    "n_alphas is a bool": {"n_alphas": True},
    "alpha_min_ratio is 0": {"alpha_min_ratio": 0.0},
    "alpha_min_ratio is above 1": {"alpha_min_ratio": 1.5},
    "alpha_min_ratio is negative": {"alpha_min_ratio": -0.1},
    "alpha_min_ratio is NaN": {"alpha_min_ratio": NAN},
    "alpha_min_ratio is text": {"alpha_min_ratio": "a"},
    "l1_ratio is above 1": {"l1_ratio": 1.5},
    "l1_ratio is negative": {"l1_ratio": -1e-9},
    "l1_ratio is NaN": {"l1_ratio": NAN},
    "l1_ratio is a list": {"l1_ratio": [0.5, 1.0]},
    "l1_ratio is None": {"l1_ratio": None},
    "l1_ratio is text": {"l1_ratio": "0.5"},
    "fit_intercept is text": {"fit_intercept": "no"},
    "fit_intercept is None": {"fit_intercept": None},
    "standardize is a number": {"standardize": 0.5},
    "standardize is text": {"standardize": "yes"},
    "sample_weight is too short": {"sample_weight": ONES[:-1]},
    "sample_weight is negative": {"sample_weight": with_value(ONES, 5, -1.0)},
    "sample_weight is NaN": {"sample_weight": with_value(ONES, 5, NAN)},
    "sample_weight is inf": {"sample_weight": with_value(ONES, 5, INF)},
    "sample_weight is all zero": {"sample_weight": 0 * ONES},
    "sample_weight is a matrix": {"sample_weight": np.ones((12, 2))},
    "sample_weight is text": {"sample_weight": ["a"] * 12},
    "sample_weight is complex": {"sample_weight": ONES * 1j},
    "offset is too short": {"offset": ONES[:-1]},
    "offset is NaN": {"offset": with_value(ONES, 5, NAN)},
    "offset is inf": {"offset": with_value(ONES, 5, INF)},
    "offset is text": {"offset": "a"},
    "offset is a matrix": {"offset": np.ones((12, 2))},
    "penalty_factor is too short": {"penalty_factor": np.ones(4)},
    "penalty_factor is negative": {"penalty_factor": [1, 1, -1, 1, 1]},
    "penalty_factor is NaN": {"penalty_factor": NAN},
    "penalty_factor is text": {"penalty_factor": "a"},
    "penalty_factor is a matrix": {"penalty_factor": np.ones((5, 1))},
    "lower_bounds is positive": {"lower_bounds": 0.5},
    "lower_bounds is a bool": {"lower_bounds": False},
    "upper_bounds is a bool": {"upper_bounds": True},
    "upper_bounds is bools": {"upper_bounds": np.ones(5, dtype=bool)},
    "lower_bounds is NaN": {"lower_bounds": [0, 0, NAN, 0, 0]},
    "lower_bounds is too long": {"lower_bounds": np.zeros(6)},
    "lower_bounds is text": {"lower_bounds": "a"},
    "lower_bounds is a matrix": {"lower_bounds": np.zeros((1, 5))},
    "upper_bounds is negative": {"upper_bounds": [1, 1, -0.5, 1, 1]},
    "upper_bounds is NaN": {"upper_bounds": NAN},
    "upper_bounds is too short": {"upper_bounds": np.zeros(4)},
    "tol is negative": {"tol": -1e-6},
    "tol is NaN": {"tol": NAN},
    "tol is text": {"tol": "tight"},
    "tol is None": {"tol": None},
    "max_iter is 0": {"max_iter": 0},
    "max_iter is negative": {"max_iter": -1},
    "max_iter is a float": {"max_iter": 1.5},
    "max_iter is None": {"max_iter": None},
    "max_time is 0": {"max_time": 0},
    "max_time is negative": {"max_time": -1.0},
    "max_time is NaN": {"max_time": NAN},
    "max_time is text": {"max_time": "soon"},
    "n_threads is 0": {"n_threads": 0},
    "n_threads is negative": {"n_threads": -1},
    "n_threads is a float": {"n_threads": 1.5},
    "n_threads is text": {"n_threads": "all"},
    "progress is text": {"progress": "yes"},
}
ALPHA_MAX_TAKES = {"X", "y", "family", "l1_ratio", "fit_intercept", "standardize", "sample_weight"}
ALPHA_MAX_TAKES |= {"offset", "penalty_factor", "lower_bounds", "upper_bounds"}


def refuse(function, name, given):
    """Assert that `function` refuses the arguments, naming `name`, and leaves them as they are."""
    before = {key: fingerprint(value) for key, value in given.items()}
    with pytest.raises((ValueError, TypeError), match=rf"^{name}\b") as caught:
        function(**given)
    assert "got" in str(caught.value) or ":" in str(caught.value)
    assert {key: fingerprint(value) for key, value in given.items()} == before


@pytest.mark.parametrize("case", WRONG)
def test_fit_path_refuses(case):
    refuse(riata.fit_path, case.split()[0], {"X": X, "y": Y, **WRONG[case]})


@pytest.mark.parametrize("case", [c for c in WRONG if c.split()[0] in ALPHA_MAX_TAKES])
def test_alpha_max_and_duality_gap_refuse_the_same(case):
    name, given = case.split()[0], {"X": X, "y": Y, **WRONG[case]}
    refuse(riata.alpha_max, name, given)
    refuse(riata.duality_gap, name, given | {"coef": np.zeros(5), "intercept": 0.0, "alpha": 0.1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("coef", np.zeros(4)),
        ("coef", np.zeros((5, 2))),
        ("coef", with_value(np.zeros(5), 1, NAN)),
        ("coef", None),
        ("intercept", NAN),
        ("intercept", None),
        ("intercept", [1.0, 2.0]),
        ("alpha", -1.0),
        ("alpha", NAN),
        ("alpha", INF),
        ("alpha", None),
        ("alpha", [0.1, 0.2]),
    ],
    ids=str,
)
def test_duality_gap_refuses(name, value):
    given = {"X": X, "y": Y, "coef": np.zeros(5), "intercept": 0.0, "alpha": 0.1, name: value}
    refuse(riata.duality_gap, name, given)


@pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_bad_entry_of_X_is_named(store, value, dtype):
    A = store(with_value(X, (slice(7, None), 3), value, dtype))
    word = "nan" if np.isnan(value) else "inf"
    with pytest.raises(ValueError, match=rf"(?i)^X .*{word}.*\b7\b.*\b3\b"):
        riata.fit_path(A, Y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("values", [np.arange(12.0), ["a"] * 12], ids=["numbers", "text"])
def test_a_series_is_no_matrix_and_the_ways_to_make_one_are_named(library, values):
    """Danger: pandas' Series ended in "'Float64DType' object is not iterable"."""
    series = pytest.importorskip(library).Series(values)
    with pytest.raises(ValueError, match=r"^X must be a matrix .*\(12,\).*\(-1, 1\).*\(1, -1\)"):
        riata.fit_path(series, Y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_columns_of_a_frame_that_are_not_numeric_are_named(library):
    days = np.arange(12).astype("M8[D]").astype("M8[ms]")
    columns = {"a": X[:, 0], "town": ["x"] * 12, "b": X[:, 1] > 0, "day": days}
    frame = pytest.importorskip(library).DataFrame(columns)
    wanted = r"^X .*must be numeric, got 'town' of .*, 'day' of .*: drop"
    with pytest.raises(TypeError, match=wanted):
        riata.fit_path(frame, Y)
    with pytest.raises(TypeError, match=r"^X .*must be numeric, got 'day' of dtype .*: drop"):
        riata.fit_path(frame[["day"]], Y)


def test_a_category_of_text_is_not_numeric_and_eight_columns_are_named_at_most():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"kind": pd.Categorical(["u", "v", "w"] * 4), "a": X[:, 0]})
    with pytest.raises(TypeError, match="got 'kind' of dtype category: drop, convert or encode"):
        riata.fit_path(frame, Y)
    numbers = pd.DataFrame({"kind": pd.Categorical([1, 2, 3] * 4), "a": X[:, 0]})
    assert riata.fit_path(numbers, Y, n_alphas=2).feature_names_in_.tolist() == ["kind", "a"]
    with pytest.raises(TypeError, match=r"'c7' of dtype \w+ and 3 more: drop"):
        riata.fit_path(pd.DataFrame({f"c{k}": ["x"] * 12 for k in range(11)}), Y)


@pytest.mark.parametrize("name", ["y", "sample_weight", "offset"])
def test_the_first_bad_entry_of_a_vector_is_named(name):
    with pytest.raises(ValueError, match=rf"^{name} .*\b7\b"):
        riata.fit_path(**{"X": X, "y": Y, name: with_value(np.arange(12), slice(7, 9), NAN)})
    with pytest.raises(ValueError, match=r"^sample_weight .*\b7\b"):
        riata.fit_path(X, Y, sample_weight=with_value(ONES, slice(7, 9), -2.0))


def test_keyword_arguments_are_keywords_and_unknown_ones_are_refused():
    with pytest.raises(TypeError):
        riata.fit_path(X, Y, "gaussian")
    with pytest.raises(TypeError, match="lambda_"):
        riata.fit_path(X, Y, lambda_=0.1)


@pytest.mark.parametrize(
    "given",
    [
        {"l1_ratio": 1},
        {"l1_ratio": np.float32(0.5)},
        {"l1_ratio": np.int64(0)},
        {"alphas": np.float32(0.25)},
        {"alphas": [1, 2]},
        {"n_alphas": np.int64(3)},
        {"alpha_min_ratio": 0.5},
        {"fit_intercept": np.bool_(False)},
        {"standardize": np.True_},
        {"sample_weight": np.arange(12)},
        {"sample_weight": list(range(1, 13))},
        {"sample_weight": np.arange(12) > 2},
        {"penalty_factor": np.arange(5) > 2},
        {"offset": 1.5 * ONES},
        {"offset": np.arange(12, dtype=np.int32)},
        {"penalty_factor": [0, 1, INF, 2, 3]},
        {"penalty_factor": np.float32(2)},
        {"lower_bounds": 0},
        {"lower_bounds": -INF, "upper_bounds": INF},
        {"upper_bounds": [0, 1, 2, 3, INF]},
        {"lower_bounds": 0, "upper_bounds": 0},
        {"tol": 1e-3},
        {"tol": 1},
        {"tol": 0},
        {"sample_weight": 1e308 * ONES},
        {"max_iter": np.int32(500)},
        {"max_time": 1000},
        {"max_time": np.float64(1000)},
        {"n_threads": np.int64(1)},
        {"n_threads": 64},
        {"n_threads": None},
    ],
    ids=str,
)
def test_right_arguments_of_unusual_type_are_taken(given):
    certified_fit(X, Y, **{"n_alphas": 3, **given})


LABELS = np.arange(12) % 3


def test_a_path_of_classes_that_is_not_relaxed_has_no_mixture():
    path = riata.fit_path(X, LABELS, family="multinomial", n_alphas=3, alpha_min_ratio=0.5)
    for wrong in (path.coef, path.intercept):
        with pytest.raises(ValueError, match="gamma must be 1"):
            wrong(path.alphas[1], gamma=0.5)
    with pytest.raises(ValueError, match="gamma must be 1"):
        path.predict(X, gamma=0.5)


@pytest.mark.parametrize("grouped", ["no", 0, None, 1.0])
def test_grouped_is_true_or_false(grouped):
    """Danger: Multinomial(grouped="no") was grouped."""
    with pytest.raises(TypeError, match=r"^grouped must be True or False, got"):
        riata.families.Multinomial(grouped=grouped)
    assert riata.families.Multinomial(grouped=np.True_) == riata.families.Multinomial(grouped=True)


def missing_labels():
    pandas = pytest.importorskip("pandas")
    text, whole = ["a", "b", "c"] * 4, [0, 1, 2] * 4
    text[5] = whole[5] = None
    some = [pandas.NA if label is None else label for label in text]
    return {
        "None": np.array(text, dtype=object),
        "NA": np.array(some, dtype=object),
        "NaN": np.array([np.nan if label is None else label for label in whole], dtype=object),
        "category": pandas.Series(text).astype("category"),
        "NaT": pandas.Series([pandas.NaT if label is None else label for label in text]),
    }


@pytest.mark.parametrize("kind", ["None", "NA", "NaN", "category", "NaT"])
@pytest.mark.parametrize("family", ["binomial", "squared_hinge", "multinomial"])
def test_missing_labels_are_said_to_be_missing(kind, family):
    y = missing_labels()[kind]
    with pytest.raises(
        ValueError, match=r"^y must hold a label in every row, got .* at position 5"
    ):
        riata.fit_path(X, y, family=family)
    with pytest.raises(ValueError, match=r"at position 5: drop the rows"):
        riata.fit_path(X, y, family=family, sample_weight=np.arange(12) > 4)


@pytest.mark.parametrize("kind", ["None", "NA", "category"])
def test_a_missing_label_of_weight_zero_is_not_looked_at(kind):
    y = missing_labels()[kind]
    path = riata.fit_path(
        X, y, family="multinomial", sample_weight=np.arange(12) != 5, n_alphas=3,
        alpha_min_ratio=0.5,
    )  # fmt: skip
    assert path.classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("call", [riata.alpha_max, riata.cross_validate, riata.stability_selection])
def test_who_takes_one_target_says_what_to_do_with_several(call):
    with pytest.raises(
        ValueError,
        match=r"^y must have shape \(12,\).*got shape \(12, 3\): call once .* family=.multi",
    ):
        call(X, X[:, :3])
