"""Read a file into a design matrix, a target and names (for the command line).

Every format is read by a well-kept reader: pandas or polars (CSV, TSV, Parquet), NumPy and SciPy
(`.npz`), scikit-learn (svmlight).  What is done here is only to choose the reader, to take the
target and the weights out, and to say in one sentence what is wrong with a file.
"""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
SVMLIGHT = tuple(f"{stem}{zipped}" for stem in (".svmlight", ".libsvm", ".svm")
                 for zipped in ("", ".gz", ".bz2"))  # fmt: skip
FORMATS = (*TABLES, ".npz", *SVMLIGHT)
SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}


class DataError(ValueError):
    """A file that can't be used, with one sentence on what was wanted and what to do."""


@dataclass(frozen=True)
class Table:
    """A regression problem with its names.

    Attributes
    ----------
    X : ndarray or scipy.sparse matrix of shape (n, p)
    y : ndarray of shape (n,)
    names : list of p str
    target : str
        What y is, in words.
    title : str
        Where it is from, in words.
    sample_weight : ndarray of shape (n,) or None
    """

    X: Any
    y: Any
    names: list[str]
    target: str
    title: str
    sample_weight: Any = None


def read(path: str | Path, target: str | None = None, weights: str | None = None) -> Table:
    """Read `path`, by its ending.

    Parameters
    ----------
    path : str or Path
        A file whose name ends in one of `FORMATS`.
    target : str or None
        The column (CSV, TSV, Parquet; required) or array (`.npz`; default ``"y"``) to predict.
        An svmlight file has its label as target and takes none.
    weights : str or None
        The column or array that holds sample weights; default: none.  Not with svmlight.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the file is missing, in no known format, unreadable, or holds what is not a number.
    """
    path = Path(path)
    name = path.name.lower()
    if path.is_dir():
        raise DataError(f"{path}: FILE must be a file, got a directory: name a file in it")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if name.endswith(".npz"):
        return _read_npz(path, target or "y", weights)
    if name.endswith(SVMLIGHT):
        return _read_svmlight(path, target, weights)
    if name.endswith(TABLES):
        return _read_table(path, target, weights)
    raise DataError(f"{path}: FILE must end in one of {', '.join(FORMATS)}")


def _guarded(path: Path, kind: str, reader: Callable[[], Any]) -> Any:
    """Call a library's reader and turn whatever it raises into one sentence.

    The libraries raise some twenty exception classes of their own on a damaged file; none of them
    is an error of ours.
    """
    try:
        return reader()
    except (DataError, MemoryError):
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(f"{path}: can't be read as {kind}: {reason}") from error


def _listed(names: Sequence[object], limit: int = 8) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(repr(str(name)) for name in names[:limit]) + more


def _pick(path: Path, available: Sequence[str], wanted: str, option: str, kind: str) -> None:
    if wanted not in available:
        raise DataError(
            f"{path}: {option} must be the name of {kind}, got {wanted!r}: there are "
            f"{_listed(available)}"
        )


# --- CSV, TSV, Parquet -----------------------------------------------------------------------


def _read_table(path: Path, target: str | None, weights: str | None) -> Table:
    frame = _read_frame(path)
    columns = [str(name) for name in frame.columns]
    frame.columns = columns
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DataError(f"{path}: column names must differ, got {_listed(twice)} more than once")
    if target is None:
        raise DataError(
            f"{path}: --target must name the column to predict: there are {_listed(columns)}"
        )
    _pick(path, columns, target, "--target", "a column")
    if weights is not None:
        _pick(path, columns, weights, "--weights", "a column")
        if weights == target:
            raise DataError(f"{path}: --weights and --target must differ, got {target!r} twice")
    names = [name for name in columns if name not in (target, weights)]
    if not names:
        raise DataError(f"{path}: at least one column beside the target is needed")

    n = len(frame)
    X = np.empty((n, len(names)), order="F")
    y = np.empty(n)
    sample_weight = None if weights is None else np.empty(n)
    places = {name: X[:, j] for j, name in enumerate(names)}
    places[target] = y
    if weights is not None and sample_weight is not None:
        places[weights] = sample_weight
    text, missing = [], []
    for name, place in places.items():
        values = _numbers(frame[name])
        if values is None:
            text.append(name)
            continue
        place[:] = values
        if np.isnan(place).any():
            missing.append(name)
    if text:
        raise DataError(
            f"{path}: columns must be numeric, got {_listed(text)}: encode them as numbers "
            "(pandas.get_dummies makes one column per value) or take them out of the file"
        )
    if missing:
        rows = np.flatnonzero(np.isnan(places[missing[0]]))
        raise DataError(
            f"{path}: values must not be missing, got missing ones in {_listed(missing)} (the "
            f"first in data row {rows[0] + 1}): fill them in or take these rows or columns out"
        )
    return Table(X, y, names, target, path.name, sample_weight)


def _read_frame(path: Path) -> Any:
    """Return the file as a pandas or polars DataFrame, whichever can be had."""
    name = path.name.lower()
    parquet = name.endswith(".parquet")
    separator = "\t" if name.endswith((".tsv", ".tsv.gz")) else ","
    kind = "Parquet" if parquet else "a table with a header"
    if not parquet:
        _check_separator(path, separator, _guarded(path, kind, lambda: _first_line(path)))
    has_arrow = bool(find_spec("pyarrow") or find_spec("fastparquet"))
    if find_spec("pandas") and (has_arrow or not parquet):
        import pandas as pd

        if parquet:
            frame = _guarded(path, kind, lambda: pd.read_parquet(path))
            # A row index with a name is a column of the file; one without is only row labels.
            return frame.reset_index(drop=frame.index.names == [None])
        return _guarded(path, kind, lambda: _pandas_csv(path, separator))
    if find_spec("polars"):
        import polars as pl

        if parquet:
            frame = _guarded(path, kind, lambda: pl.read_parquet(path))
            return frame.select(pl.exclude(r"^__index_level_\d+__$"))  # pandas' row labels
        return _guarded(
            path, kind, lambda: pl.read_csv(path, separator=separator, infer_schema_length=None)
        )
    wanted = "pandas with pyarrow, or polars" if parquet else "pandas or polars"
    raise DataError(f"{path}: reading it needs {wanted}: pip install 'riata[files]'")


def _first_line(path: Path) -> str:
    reader = gzip.open if path.name.lower().endswith(".gz") else open
    with reader(path, "rt", encoding="utf-8", errors="replace") as file:
        return str(file.readline(65536)).rstrip()


def _check_separator(path: Path, separator: str, header: str) -> None:
    """Refuse a header without the separator but with another one: it would be one column."""
    found = [other for other in SEPARATORS if other in header]
    if not found or separator in found:
        return
    advice = {",": "let its name end in .csv", "\t": "let its name end in .tsv"}
    raise DataError(
        f"{path}: fields must be separated by {SEPARATORS[separator]}, got "
        f"{SEPARATORS[found[0]]} in the header {header[:40]!r}: "
        + advice.get(found[0], f"write it with {SEPARATORS[separator]}")
    )


def _pandas_csv(path: Path, separator: str) -> Any:
    """Read with pandas, but refuse what it would repair: rows longer than the header.

    By default it takes their first fields for row labels, and every column is another's then.
    """
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # such columns are named later
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(path, sep=separator, index_col=False)
        except pd.errors.ParserWarning:
            raise DataError(
                f"{path}: rows must have as many fields as the header, got more: "
                "complete the header"
            ) from None


def _numbers(column: Any) -> Any:
    """Return a pandas or polars column as float64 with NaN where missing; None if not numeric."""
    values = column.to_numpy()
    if values.dtype.kind in "buif":
        return values.astype(np.float64)
    # pandas' nullable and Arrow columns, and polars' booleans with nulls, arrive as objects.
    if values.dtype.kind != "O" or _is_text(values):
        return None
    try:
        return np.array([np.nan if _is_null(v) else v for v in values], dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _is_null(value: object) -> bool:
    return value is None or type(value).__name__ == "NAType"


def _is_text(values: Any) -> bool:
    return any(isinstance(value, (str, bytes)) for value in values)


# --- .npz --------------------------------------------------------------------------------------


def _read_npz(path: Path, target: str, weights: str | None) -> Table:
    arrays = _guarded(path, ".npz", lambda: _load_arrays(path))
    _pick(path, list(arrays), target, "--target", "an array")
    if weights is not None:
        _pick(path, list(arrays), weights, "--weights", "an array")
    if "format" in arrays:
        X = _guarded(path, "a matrix of scipy.sparse.save_npz", lambda: sp.load_npz(path))
        if X.format not in ("csc", "csr"):
            X = X.tocsr()
    elif "X" in arrays:
        X = arrays["X"]
        if X.ndim != 2:
            raise DataError(f"{path}: X must have two dimensions, got shape {X.shape}")
    else:
        raise DataError(
            f"{path}: wanted a dense array X or the arrays of scipy.sparse.save_npz, "
            f"got {_listed(list(arrays))}"
        )
    p = X.shape[1]
    names = [f"x{j}" for j in range(p)]
    if "feature_names" in arrays:
        names = [str(name) for name in arrays["feature_names"].ravel()]
        if len(names) != p or len(set(names)) != p:
            raise DataError(
                f"{path}: feature_names must be {p} different names, one per column of X, "
                f"got {len(names)}, {len(set(names))} of them different"
            )
    sample_weight = None if weights is None else arrays[weights]
    return Table(X, arrays[target], names, target, path.name, sample_weight)


def _load_arrays(path: Path) -> dict[str, Any]:
    # Objects in a file are programs: they are refused, not run.
    with np.load(path, allow_pickle=False) as archive:
        sparse = "format" in archive.files
        skipped = ("data", "indices", "indptr", "row", "col", "offsets") if sparse else ()
        return {name: archive[name] for name in archive.files if name not in skipped}


# --- svmlight ------------------------------------------------------------------------------------


def _read_svmlight(path: Path, target: str | None, weights: str | None) -> Table:
    for option, value in (("--target", target), ("--weights", weights)):
        if value is not None:
            raise DataError(
                f"{path}: {option} must be left out for svmlight, whose target is the label and "
                f"which has no weights, got {value!r}"
            )
    from sklearn.datasets import load_svmlight_file

    X, y = _guarded(path, "svmlight", lambda: load_svmlight_file(str(path), zero_based=True))
    # Features bear the file's own numbers.  Most files count from 1: column 0 is empty then.
    first = int(X.indices.min()) if X.nnz else 0
    if first >= 1:
        X = sp.csr_matrix((X.data, X.indices - 1, X.indptr), shape=(X.shape[0], X.shape[1] - 1))
    names = [str(j + (first >= 1)) for j in range(X.shape[1])]
    return Table(X, y, names, "label", path.name)
