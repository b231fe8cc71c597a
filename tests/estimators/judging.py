"""Fit an estimator and let the oracle judge the answer."""

import numpy as np
import scipy.sparse as sp
from certified import TALLY
from oracle import Claim, Problem, check_claim


def problems(model, X, y, sample_weight=None):
    """Return (alpha, Problem) of every target, in riata's terms, from the user's own arguments.

    What scikit-learn's scales mean is written here a second time, on purpose.
    """
    X = X if sp.issparse(X) else np.asarray(X)
    n = X.shape[0]
    s = np.broadcast_to(1.0 if sample_weight is None else np.asarray(sample_weight, float), n)
    y = np.asarray(y, float)
    columns = y.reshape(n, -1).T
    params = model.get_params()
    name = type(model).__name__
    alphas = np.broadcast_to(params["alpha"], len(columns))
    if name == "Ridge":
        alphas = alphas / s.sum()
    settings = {
        "l1_ratio": {"Lasso": 1.0, "Ridge": 0.0}.get(name, params.get("l1_ratio")),
        "fit_intercept": params["fit_intercept"],
        "standardize": params["standardize"],
        "penalty_factor": params["penalty_factor"],
        "lower_bounds": 0.0 if params["positive"] else params["lower_bounds"],
        "upper_bounds": params["upper_bounds"],
        "sample_weight": s,
    }
    return [
        (alpha, Problem(X, column, **settings))
        for alpha, column in zip(alphas, columns, strict=True)
    ]


def judge(model, X, y, sample_weight=None):
    """Assert that the fitted attributes are what the oracle finds, and within `tol`."""
    coefs = np.atleast_2d(model.coef_)
    intercepts = np.broadcast_to(model.intercept_, len(coefs))
    gaps = np.atleast_1d(model.dual_gap_)
    status = np.atleast_1d(model.status_)
    for k, (alpha, problem) in enumerate(problems(model, X, y, sample_weight)):
        claim = Claim(alpha, coefs[k], float(intercepts[k]), float(gaps[k]), str(status[k]))
        check_claim(problem, claim, problem.null_objective(), model.tol)
        TALLY.alphas += 1
    TALLY.fits += 1
    assert (model.sparse_coef_.toarray() == coefs).all()
    return model


def fit(model, X, y, sample_weight=None):
    """Fit and judge."""
    return judge(model.fit(X, y, sample_weight=sample_weight), X, y, sample_weight)


def objectives(model, other, X, y, sample_weight=None):
    """Return the objectives, one per target, of the coefficients of `model` and of `other`."""
    found = []
    for k, (alpha, problem) in enumerate(problems(model, X, y, sample_weight)):
        pair = []
        for m in (model, other):
            coefs = np.atleast_2d(m.coef_)
            intercept = float(np.broadcast_to(m.intercept_, len(coefs))[k])
            pair.append(problem.objective(coefs[k], intercept, alpha))
        found.append(pair)
    return np.array(found).T
