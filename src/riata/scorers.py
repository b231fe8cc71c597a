"""What scikit-learn's scorers are handed. Importing this module imports scikit-learn."""

from collections.abc import Callable
from copy import copy
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

Floats = NDArray[np.float64]


class Predictions(RegressorMixin, BaseEstimator):
    """An estimator of numbers that has made its predictions already."""

    def __init__(self, predictions: Any = None) -> None:
        self.predictions = predictions

    def predict(self, X: Any) -> Any:
        """Return the predictions, whatever X."""
        return self.predictions

    def __sklearn_is_fitted__(self) -> bool:
        return True


class Decisions(ClassifierMixin, BaseEstimator):
    """An estimator of labels that has its linear predictors already, (m,) or (m, K)."""

    def __init__(self, eta: Any = None, family: Any = None, classes_: Any = None) -> None:
        self.eta = eta
        self.family = family
        self.classes_ = classes_

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Any:
        """Return labels, whatever X."""
        several = self.eta.ndim == 2
        best = self.eta.argmax(axis=1) if several else (self.eta > 0.0).astype(np.intp)
        return self.classes_[best]

    def decision_function(self, X: Any) -> Floats:
        """Return the linear predictors, whatever X; of two classes the log-odds of the second."""
        two = self.eta.ndim == 2 and self.eta.shape[1] == 2
        return self.eta[:, 1] - self.eta[:, 0] if two else self.eta


class Probabilities(Decisions):
    """The same, and it knows how likely each label is."""

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the classes, whatever X."""
        mean = self.family.mean(self.eta)
        return mean if mean.ndim == 2 else np.column_stack([self.family.mean(-self.eta), mean])


def predictions(eta: Floats, family: Any, classes: NDArray[Any] | None) -> BaseEstimator:
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


def row_numbers(n: int) -> NDArray[np.intp]:
    """Return what stands for X where predictions are there already, (n, 1)."""
    return np.arange(n)[:, None]
