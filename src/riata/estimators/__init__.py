"""scikit-learn estimators on riata's solver: scikit-learn's names, parameters and answers.

Importing this module imports scikit-learn; `import riata` alone doesn't.

scikit-learn's constructor parameters, and what becomes of each:

====================================  ==========================================================
alpha, l1_ratio, fit_intercept,       as in scikit-learn
positive, warm_start
tol                                   ours: the relative duality gap to reach; default 1e-6
max_iter                              ours: coordinate sweeps plus linear solves, per target
precompute, copy_X, selection,        accepted, so that code and tools which pass them still run;
random_state                          without effect: X is never changed, the order of updates
                                      and the Gram matrix are the solver's own business
solver (Ridge)                        "auto" only: factorisation or conjugate gradients, by cost;
                                      scikit-learn's other names are refused
n_jobs, verbose (CV classes)          accepted without effect: folds share X and `n_threads`
check_input (of `fit`)                not taken: input is always checked
====================================  ==========================================================

riata's own: penalty_factor, lower_bounds, upper_bounds, standardize, n_threads; in the CV classes
rule. docs/scikit-learn-parameters.md has the other classes' parameters.

On one scale with scikit-learn: `Lasso` and `ElasticNet` minimise a mean, as `riata.fit_path`
does, so their alpha is riata's. `Ridge` minimises a sum: see `ridge_alpha`.
"""

from .cv import ElasticNetCV, LassoCV
from .generalized import GeneralizedLinearRegressor, PoissonRegressor
from .generalized_cv import GeneralizedLinearRegressorCV, PoissonRegressorCV
from .linear import ElasticNet, Lasso
from .logistic import LogisticRegression, logistic_alpha
from .logistic_cv import LogisticRegressionCV
from .multitask import MultiTaskElasticNet, MultiTaskLasso
from .multitask_cv import MultiTaskElasticNetCV, MultiTaskLassoCV
from .ridge import Ridge, ridge_alpha
from .ridge_cv import RidgeCV

__all__ = [
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
    "logistic_alpha",
    "ridge_alpha",
]
