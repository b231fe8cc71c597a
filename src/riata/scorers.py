"""What scikit-learn's scorers are handed. Importing this module imports scikit-learn."""

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


def row_numbers(n: int) -> NDArray[np.intp]:
    """Return what stands for X where predictions are there already, (n, 1)."""
    return np.arange(n)[:, None]
