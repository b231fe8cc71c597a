"""What scikit-learn's scorers are handed. Importing this module imports scikit-learn."""

import warnings
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from inspect import Parameter, signature
from numbers import Real
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import _safe_indexing

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


# -- estimators that know their predictions --------------------------------------------------------


class _Known(BaseEstimator):
    """An estimator that has made its predictions already, for the rows `X_` and no others."""

    X_: Any = None

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _check(self, X: Any) -> None:
        if not _same(X, self.X_):
            raise ValueError(
                "predictions are known for the rows that a scorer is handed, "
                f"{np.shape(self.X_)}, and it asked for those of others, {np.shape(X)}"
            )


class Predictions(RegressorMixin, _Known):
    """One of numbers."""

    def __init__(self, predictions: Any = None) -> None:
        self.predictions = predictions

    def predict(self, X: Any) -> Any:
        """Return the predictions of the rows that are known."""
        self._check(X)
        return self.predictions


class Decisions(ClassifierMixin, _Known):
    """One of labels, from linear predictors (m,) or (m, K)."""

    def __init__(self, eta: Any = None, family: Any = None, classes_: Any = None) -> None:
        self.eta = eta
        self.family = family
        self.classes_ = classes_

    def predict(self, X: Any) -> Any:
        """Return the labels of the rows that are known."""
        self._check(X)
        several = self.eta.ndim == 2
        best = self.eta.argmax(axis=1) if several else (self.eta > 0.0).astype(np.intp)
        return self.classes_[best]

    def decision_function(self, X: Any) -> Floats:
        """Return the linear predictors; of two classes the log-odds of the second."""
        self._check(X)
        two = self.eta.ndim == 2 and self.eta.shape[1] == 2
        return self.eta[:, 1] - self.eta[:, 0] if two else self.eta


class Probabilities(Decisions):
    """The same, and it knows how likely each label is."""

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the classes."""
        self._check(X)
        mean = self.family.mean(self.eta)
        return mean if mean.ndim == 2 else np.column_stack([self.family.mean(-self.eta), mean])


def predictions(eta: Floats, family: Any, classes: NDArray[Any] | None) -> _Known:
    """Return the estimator whose predictions have the linear predictors eta."""
    if classes is None:
        return Predictions(family.mean(eta))
    return (Probabilities if family.proportions else Decisions)(eta, family, classes)


def with_labels(scorer: Callable[..., float], classes: NDArray[Any]) -> Callable[..., float]:
    """Return a scorer that knows all classes, which held-out rows may lack.

    As in scikit-learn's `LogisticRegressionCV`, a score that takes `labels` is given the classes
    and, where it takes `pos_label`, the second of two; what the scorer was made with goes first.
    """
    measure = getattr(scorer, "_score_func", None)
    known = {} if measure is None else signature(measure).parameters
    if "labels" not in known:
        return scorer
    own = scorer._kwargs  # type: ignore[attr-defined]
    given: dict[str, Any] = {"labels": classes}
    if len(classes) == 2 and "pos_label" in known:  # scikit-learn warns where an average needs none
        given["pos_label"] = classes[1] if own.get("average", "binary") == "binary" else None
    scorer = copy(scorer)
    scorer._kwargs = {**given, **own}  # type: ignore[attr-defined]
    return scorer


def _same(X: Any, known: Any) -> bool:
    """Return whether X holds the same rows, be it as another type."""
    if X is known:
        return True
    if np.shape(X) != np.shape(known):
        return False
    one, other = (M.to_numpy() if hasattr(M, "to_numpy") else M for M in (X, known))
    return not (other != one).sum()


# -- the scorer ------------------------------------------------------------------------------------


class Judge:
    """A scorer, and what it is handed beside predictions.

    scorer : callable or name
    wanted : what it has to be, for errors
    X : all rows, see `scoring.shown`
    metadata : keywords of the scorer; of arrays with an entry per row those of its rows
    classes : the labels, where y holds some
    """

    def __init__(
        self,
        scorer: Any,
        wanted: str,
        X: Any,
        metadata: dict[str, Any] | None = None,
        classes: NDArray[Any] | None = None,
    ) -> None:
        self.name = scorer if isinstance(scorer, str) else _name_of(scorer)
        self._wanted = wanted
        found = _found(scorer, wanted)
        self._scorer = found if classes is None else with_labels(found, classes)
        self.takes_weights = _takes_weights(found)
        self._n_rows = X.shape[0]
        only_predicts = hasattr(found, "_score_func")  # it is of make_scorer
        self._X = np.arange(self._n_rows)[:, None] if only_predicts else X
        self._metadata = metadata or {}
        self._said: set[tuple[type[Warning], str]] = set()
        self._config = get_config()  # each thread has its own
        self._lock = Lock()  # catching warnings is a matter of the whole process

    def __call__(self, known: _Known, y: Any, weights: Floats | None, rows: Indices) -> float:
        """Return the score of what is known of some rows; weights None: they count alike."""
        whole = self._X
        X = known.X_ = _safe_indexing(whole, rows) if hasattr(whole, "columns") else whole[rows]
        more = {name: self._own(values, rows) for name, values in self._metadata.items()}
        if weights is not None and self.takes_weights:
            more["sample_weight"] = weights
        with self._lock:
            with warnings.catch_warnings(record=True) as caught, config_context(**self._config):
                score = self._asked(known, X, y, more)
            for told in caught:
                said = told.category, str(told.message)
                if said not in self._said:
                    self._said.add(said)
                    warnings.warn_explicit(told.message, told.category, told.filename, told.lineno)
        return score

    def _own(self, values: Any, rows: Indices) -> Any:
        """Return the entries of some rows, where there is one for each row."""
        per_row = hasattr(values, "__len__") and not isinstance(values, str | dict)
        per_row = per_row and np.ndim(values) > 0 and len(values) == self._n_rows
        return _safe_indexing(values, rows) if per_row else values

    def _asked(self, known: _Known, X: Any, y: Any, more: dict[str, Any]) -> float:
        """Return what the scorer returns, a number."""
        try:
            score = self._scorer(known, X, y, **more)
        except AttributeError as error:  # scikit-learn's word for a method that is not there
            raise ValueError(
                f"scoring must be {self._wanted}, got {self.name!r}: {error}"
            ) from error
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"scoring={self.name!r} cannot score held-out rows: {error}") from error
        if isinstance(score, np.ndarray) and score.ndim == 0:
            score = score[()]
        if not isinstance(score, Real):
            raise TypeError(
                f"scoring must return a number, got {score!r} from {self.name!r}: "
                "use a scorer of one measure"
            )
        return float(score)


def _name_of(scorer: Any) -> str:
    return getattr(scorer, "__name__", None) or repr(scorer)


def _found(scorer: Any, wanted: str) -> Callable[..., Any]:
    """Return the scorer that a name or a callable stands for."""
    if isinstance(scorer, str):
        if scorer not in get_scorer_names():
            raise ValueError(f"scoring must be {wanted}, got {scorer!r}")
        return get_scorer(scorer)
    if not callable(scorer):
        raise TypeError(f"scoring must be {wanted}, got {scorer!r}")
    with suppress(ValueError):  # of a builtin that doesn't say what it takes
        try:
            signature(scorer).bind(None, None, None)
        except TypeError as error:
            raise TypeError(
                f"scoring must be callable as scorer(estimator, X, y), got {_name_of(scorer)!r} "
                f"({error}): make a scorer of a metric by sklearn.metrics.make_scorer"
            ) from None
    return scorer


def _takes_weights(scorer: Callable[..., Any]) -> bool:
    """Return whether a scorer, or the measure it was made of, has a sample_weight."""
    try:
        parameters = signature(getattr(scorer, "_score_func", scorer)).parameters
    except ValueError:
        return False
    kinds = {parameter.kind for parameter in parameters.values()}
    return "sample_weight" in parameters or Parameter.VAR_KEYWORD in kinds
