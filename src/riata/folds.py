"""Which rows train and which test. A fold is a set of weights: nothing of X is copied."""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import check_count

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Fold:
    """One split of the rows.

    number : its place among the folds, from 0
    test : rows to be predicted, ascending, each once
    test_counts : how often each of them counts, (|test|,)
    train_counts : how often each row trains, (n,); None: once if it is not in `test`
    """

    number: int
    test: Indices
    test_counts: NDArray[np.int64]
    train_counts: NDArray[np.int64] | None

    def train_weights(self, weights: Floats) -> Floats:
        """Return the training weights (n,), which sum to 1, from those of all rows."""
        own = self.row_weights(weights)
        total = own.sum()
        if total == 0.0:
            raise ValueError(
                f"cv must leave every fold a training row of positive weight, got none in fold "
                f"{self.number}: use fewer folds, or drop the rows of weight 0"
            )
        return own / total

    def train_share(self, weights: Floats) -> float:
        """Return the weight of the training rows as a share of that of all rows."""
        return float(self.row_weights(weights).sum() / weights.sum())

    def row_weights(self, weights: Floats) -> Floats:
        """Return the training weights (n,) in the units of those of all rows."""
        if self.train_counts is not None:
            return weights * self.train_counts
        own = weights.copy()
        own[self.test] = 0.0
        return own

    def test_weights(self, weights: Floats) -> Floats:
        """Return the weights of the test rows, (|test|,), as a share of all rows' weight."""
        return weights[self.test] * self.test_counts


def make_folds(
    cv: Any, X: Any, y: Any, groups: Any, weights: Floats, classes: NDArray[Any] | None
) -> list[Fold]:
    """Return the folds that `cv` stands for.

    Parameters
    ----------
    cv : int, splitter with a method ``split(X, y, groups)``, or iterable of (train, test)
        An int deals the rows of positive weight out at random, the same way every time: evenly
        within each class where there are classes, whole groups where there are groups.
    X, y : what a splitter is handed; only their length matters to most
    groups : (n,) or None
    weights : (n,)
    classes : (n,) labels, None where the target is a number
    """
    n = len(weights)
    if groups is not None:
        groups = groups.to_numpy() if hasattr(groups, "to_numpy") else np.asarray(groups)
        if groups.shape != (n,):
            raise ValueError(
                f"groups must have shape ({n},), one label per sample, got shape {groups.shape}"
            )
        if groups.dtype.kind == "f" and np.isnan(groups).any():
            raise ValueError("groups must hold a label for every sample, got NaN")
    if isinstance(cv, Integral | float | np.bool_):
        return _dealt(check_count(cv, "cv", 2), weights, groups, classes)
    if hasattr(cv, "split") and not isinstance(cv, str):
        pairs = cv.split(X, y, groups)
    elif isinstance(cv, Iterable) and not isinstance(cv, str):
        if groups is not None:
            raise ValueError(
                "groups must be None where cv holds pairs (train, test), which say who is where: "
                "leave them out, or use a splitter such as GroupKFold"
            )
        pairs = cv
    else:
        raise TypeError(
            "cv must be an integer >= 2, a splitter with a method split(X, y, groups), or an "
            f"iterable of (train, test) rows, got {cv!r}"
        )
    folds = [_checked(k, pair, n) for k, pair in enumerate(pairs)]
    if not folds:
        raise ValueError("cv must yield a split at least, got none")
    return folds


def parts_of(folds: list[Fold], weights: Floats) -> NDArray[np.intp] | None:
    """Return the fold that tests each row, (n,), -1 for rows of weight 0 that none tests.

    None where the folds are no partition: every row that counts must be tested once, in one fold,
    and train in all the others.
    """
    part = np.full(len(weights), -1)
    for fold in folds:
        if fold.train_counts is not None or (fold.test_counts != 1).any():
            return None
        if (part[fold.test] != -1).any():
            return None
        part[fold.test] = fold.number
    return None if ((part == -1) & (weights > 0.0)).any() else part


def _dealt(
    n_folds: int, weights: Floats, groups: NDArray[Any] | None, classes: NDArray[Any] | None
) -> list[Fold]:
    """Deal the rows of positive weight out: rows by class, or whole groups."""
    rows = np.flatnonzero(weights > 0.0)
    labels, codes = classes if groups is None else groups, None
    if labels is not None:
        try:
            _, codes = np.unique(labels[rows], return_inverse=True)
        except TypeError:
            raise TypeError(
                "groups must hold labels that can be sorted, got a mixture of types: fill in what "
                "is missing"
            ) from None
    units = len(rows) if groups is None or codes is None else int(codes.max()) + 1
    if units < n_folds:
        kind = "rows of positive weight" if groups is None else "groups"
        raise ValueError(f"cv must be at most the number of {kind}, {units}, got {n_folds}")
    shuffled = np.random.default_rng(0).permutation(units)
    fold_of = np.empty(len(rows), dtype=np.min_scalar_type(n_folds))
    if codes is None or groups is None:
        by_class = slice(None) if codes is None else np.argsort(codes[shuffled], kind="stable")
        fold_of[shuffled[by_class]] = np.arange(units) % n_folds
    else:
        fold_of[:] = _lightest(np.bincount(codes), shuffled, n_folds)[codes]
    return [_whole(k, rows[np.flatnonzero(fold_of == k)]) for k in range(n_folds)]


def _lightest(sizes: NDArray[np.intp], shuffled: Indices, n_folds: int) -> Indices:
    """Return the fold of each group: the largest group first, to the fold with the fewest rows."""
    fold_of, load = np.empty(len(sizes), dtype=np.intp), np.zeros(n_folds)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of[group] = np.argmin(load)
        load[fold_of[group]] += sizes[group]
    return fold_of


def _whole(number: int, test: Indices) -> Fold:
    return Fold(number, test, np.ones(len(test), dtype=np.int64), None)


def _checked(number: int, pair: Any, n: int) -> Fold:
    """Return the fold of a caller's (train, test)."""
    try:
        train, test = pair
    except (TypeError, ValueError):
        raise TypeError(
            f"cv must yield pairs (train, test), got {pair!r} for fold {number}"
        ) from None
    train = _rows(train, f"training rows of fold {number}", n)
    test = _rows(test, f"test rows of fold {number}", n)
    if len(train) + len(test) == n:
        seen = np.zeros(n, dtype=bool)
        seen[train] = seen[test] = True
        if seen.all():  # each once
            ascending = bool(np.all(test[1:] > test[:-1]))
            return _whole(number, test.copy() if ascending else np.sort(test))
    trains, tests = np.bincount(train, minlength=n), np.bincount(test, minlength=n)
    rows = np.flatnonzero(tests)
    rest = np.array_equal(trains, tests == 0)
    return Fold(number, rows, tests[rows], None if rest else trains)


def _rows(rows: Any, what: str, n: int) -> Indices:
    """Return row numbers, from row numbers or a mask."""
    rows = rows.to_numpy() if hasattr(rows, "to_numpy") else np.asarray(rows)
    if rows.dtype == bool and rows.shape == (n,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or len(rows) == 0 or rows.dtype.kind not in "iu":
        raise ValueError(
            f"cv must give row numbers or a mask of length {n} for the {what}, "
            f"got shape {rows.shape} of {rows.dtype}"
        )
    if rows.min() < 0 or rows.max() >= n:
        raise ValueError(
            f"cv must give row numbers in [0, {n}) for the {what}, "
            f"got {rows.min() if rows.min() < 0 else rows.max()}"
        )
    return rows.astype(np.intp, copy=False)
