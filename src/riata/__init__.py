"""riata: certified paths of L1/L2-regularised linear models, dense and sparse.

path = riata.fit_path(X, y)            a whole path, each alpha with its duality gap
cv = riata.cross_validate(X, y)        alpha chosen by held-out rows, X never copied
riata.Lasso(alpha=0.1).fit(X, y)       scikit-learn's estimators, loaded when first used
"""

from importlib import import_module
from typing import Any

from .cross_validation import cross_validate
from .cv_result import CrossValidatedPath
from .exceptions import ConvergenceWarning
from .judge import alpha_max, duality_gap
from .path import fit_path
from .result import RegularizationPath
from .result_multi import MultiResponsePath
from .stability import StabilitySelection, stability_selection

__version__ = "0.1.0"

_ESTIMATORS = (
    "ElasticNet",
    "ElasticNetCV",
    "GeneralizedLinearRegressor",
    "GeneralizedLinearRegressorCV",
    "Lasso",
    "LassoCV",
    "LogisticRegression",
    "LogisticRegressionCV",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "PoissonRegressor",
    "PoissonRegressorCV",
    "Ridge",
    "RidgeCV",
)

__all__ = [
    "ConvergenceWarning",
    "CrossValidatedPath",
    "ElasticNet",
    "ElasticNetCV",
    "GeneralizedLinearRegressor",
    "GeneralizedLinearRegressorCV",
    "Lasso",
    "LassoCV",
    "LogisticRegression",
    "LogisticRegressionCV",
    "MultiResponsePath",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "PoissonRegressor",
    "PoissonRegressorCV",
    "RegularizationPath",
    "Ridge",
    "RidgeCV",
    "StabilitySelection",
    "alpha_max",
    "cross_validate",
    "duality_gap",
    "fit_path",
    "stability_selection",
]


def __getattr__(name: str) -> Any:
    """Import the estimators, and scikit-learn with them, when one is first asked for."""
    if name in _ESTIMATORS:
        return getattr(import_module(".estimators", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ESTIMATORS])
