"""The libraries' own ways to solve a path: what `fit_peer.py` runs.

    |y - b0 - X b|^2 / (2 n) + alpha |b|_1            gaussian, or the loss of another family:
                                                      half the unit deviance, averaged over rows

or the elastic net's alpha (l1_ratio |b|_1 + (1 - l1_ratio)/2 |b|_2^2), gaussian.

The intercepts b0 are not penalised, or 0. Of K responses (multigaussian) the penalty is
sum_j |b_j|_2; of K classes (multinomial) it is |b|_1, and no class is left out.

A way prepares what is no part of a fit (a wrapper, a copy of X in the order it needs, centring) and
returns solve(tol) -> Solution. Early exits are off everywhere: the whole grid. `fit_glmnet.R` is
the same for R.
"""

from types import SimpleNamespace
from typing import Any, NamedTuple

import newton_steps
import numpy as np
import scipy.sparse as sp
from referee import Solution
from referee_glm import indicators, make_referee

SWEEPS = 1_000_000  # the referee says when it is enough, not an iteration limit
CONSTANT = 1000.0  # size of liblinear's column for the intercept, which it penalises


class Problem(NamedTuple):
    """What is fitted: X dense in Fortran order, CSC or CSR; y of its family, floats."""

    X: Any
    y: np.ndarray
    alphas: np.ndarray
    family: str
    fit_intercept: bool
    n_threads: int
    l1_ratio: float = 1.0

    def referee(self):
        return make_referee(
            self.X, self.y, family=self.family, fit_intercept=self.fit_intercept,
            l1_ratio=self.l1_ratio,
        )  # fmt: skip


def riata(problem):
    import riata

    null = problem.referee().null_objective

    def solve(tol):
        with newton_steps.counted() as count:
            path = riata.fit_path(
                problem.X, problem.y, family=problem.family, alphas=problem.alphas,
                l1_ratio=problem.l1_ratio, tol=tol, fit_intercept=problem.fit_intercept,
                n_threads=problem.n_threads,
            )  # fmt: skip
        coefs = sp.vstack(path.coefs) if isinstance(path.coefs, list) else path.coefs
        steps = count() / len(problem.alphas) or None
        return Solution(coefs, path.intercepts, path.dual_gaps / null, steps=steps)

    return solve


def adelie(problem):
    """Any family; several responses at 1/K of the loss, one group a feature."""
    import adelie

    family, y = problem.family, problem.y
    y = np.ascontiguousarray(indicators(y) if family == "multinomial" else y)
    p, K = problem.X.shape[1], y.shape[1] if y.ndim == 2 else 1
    wrapped = _adelie_matrix(problem)
    order = np.arange(p * K).reshape(p, K).T.ravel()  # of a feature's responses, which are together

    def solve(tol):
        state = adelie.grpnet(
            X=wrapped, glm=getattr(adelie.glm, family)(y), lmda_path=problem.alphas,
            penalty=np.full(p, 1 / K), alpha=problem.l1_ratio,
            intercept=problem.fit_intercept, tol=tol, irls_tol=tol,
            adev_tol=1.0, early_exit=False, n_threads=problem.n_threads, progress_bar=False,
            max_iters=SWEEPS,
        )  # fmt: skip
        return Solution(sp.csr_array(state.betas.T)[order], state.intercepts)

    return solve


def _adelie_matrix(problem):
    import adelie

    X, n_threads = problem.X, problem.n_threads
    if sp.issparse(X):
        return adelie.matrix.sparse(sp.csc_matrix(X), method="naive", n_threads=n_threads)
    return adelie.matrix.dense(X, method="naive", n_threads=n_threads)


def adelie_covariance(problem):
    """The solver on the Gram matrix, which is part of the fit. Gaussian, no intercept."""
    import adelie

    X, y = problem.X, problem.y

    def solve(tol):
        n = len(y)
        state = adelie.gaussian_cov(
            A=np.asfortranarray(X.T @ X / n), v=X.T @ y / n, lmda_path=problem.alphas, tol=tol,
            rdev_tol=0, early_exit=False, n_threads=problem.n_threads, progress_bar=False,
            max_iters=SWEEPS,
        )  # fmt: skip
        return Solution(state.betas.T, 0.0)

    return solve


def celer(problem):
    """Lasso and logistic without an intercept, which they have not; several responses."""
    import celer
    from celer.homotopy import mtl_path

    if problem.family == "binomial":
        return _celer_logistic(problem, use_PN=False)
    limits = {"alphas": problem.alphas, "max_iter": 1000, "max_epochs": SWEEPS}
    if problem.family == "multigaussian":
        centred, y_centred, restore = _centred(problem)
        return lambda tol: restore(mtl_path(centred, y_centred, tol=tol, **limits)[1])
    X, y = _columns(problem.X), problem.y
    return lambda tol: Solution(celer.celer_path(
        X, y, pb="lasso", l1_ratio=problem.l1_ratio, tol=tol, **limits
    )[1], 0.0)  # fmt: skip


def celer_newton(problem):
    return _celer_logistic(problem, use_PN=True)


def _celer_logistic(problem, use_PN):
    """Its loss is a sum over rows."""
    import celer

    X, y = _columns(problem.X), 2 * problem.y - 1

    def solve(tol):
        found = celer.celer_path(
            X, y, pb="logreg", alphas=len(y) * problem.alphas, tol=tol, max_iter=1000,
            max_epochs=SWEEPS, use_PN=use_PN,
        )  # fmt: skip
        return Solution(found[1], 0.0)

    return solve


def skglm(problem):
    """Lasso without an intercept; logistic, Poisson; several responses."""
    import skglm

    X = _columns(problem.X)
    if problem.family in ("binomial", "poisson"):
        return _skglm_newton(problem)
    multi = problem.family == "multigaussian"
    kind = skglm.MultiTaskLasso if multi else skglm.Lasso
    net = {}
    if problem.l1_ratio < 1:
        kind, net = skglm.ElasticNet, {"l1_ratio": problem.l1_ratio}

    def solve(tol):
        model = kind(
            tol=tol, fit_intercept=problem.fit_intercept, max_iter=1000, max_epochs=SWEEPS,
            warm_start=True, **net,
        )  # fmt: skip
        coefs = model.path(X, problem.y, problem.alphas)[1]
        if not problem.fit_intercept:
            return Solution(_stacked(coefs), 0.0)
        return Solution(_stacked(coefs[..., :-1, :]), coefs[..., -1, :].T)

    return solve


def _skglm_newton(problem):
    """Its solver of general losses at one alpha after the other, each from the last."""
    from skglm.datafits import Logistic, Poisson
    from skglm.penalties import L1
    from skglm.solvers import ProxNewton

    X, y, p = _columns(problem.X), problem.y, problem.X.shape[1]
    datafit = Logistic() if problem.family == "binomial" else Poisson()
    y = 2 * y - 1 if problem.family == "binomial" else y

    def solve(tol):
        solver = ProxNewton(
            tol=tol,
            fit_intercept=problem.fit_intercept,
            max_iter=1000,
            max_pn_iter=SWEEPS,
        )
        w, eta = np.zeros(p + problem.fit_intercept), np.zeros(len(y))
        found = np.empty((len(w), len(problem.alphas)))
        for k, alpha in enumerate(problem.alphas):
            w = solver.solve(X, y, datafit, L1(alpha), w, eta)[0]  # eta goes along
            found[:, k] = w
        return Solution(found[:p], found[p] if problem.fit_intercept else 0.0)

    return solve


def glum(problem):
    """Logistic and Poisson, by its search along the path."""
    from glum import GeneralizedLinearRegressor

    def solve(tol):
        model = GeneralizedLinearRegressor(
            family=problem.family, alpha_search=True, alpha=list(problem.alphas), l1_ratio=1,
            fit_intercept=problem.fit_intercept, gradient_tol=tol, max_iter=SWEEPS,
            max_inner_iter=SWEEPS,
        )  # fmt: skip
        model.fit(problem.X, problem.y)
        return Solution(np.asarray(model.coef_path_).T, np.asarray(model.intercept_path_))

    return solve


def liblinear(problem):
    """scikit-learn's LogisticRegression by liblinear, each alpha from nothing.

    It penalises the intercept, as the coefficient of a column of CONSTANT: a larger one takes it
    longer, and this one costs no more of the gap than alpha |b0| / CONSTANT.
    """
    return _logistic_regression(
        problem, sp.csr_array(problem.X) if sp.issparse(problem.X) else problem.X,
        solver="liblinear", intercept_scaling=CONSTANT,
    )  # fmt: skip


def saga(problem):
    """scikit-learn's LogisticRegression by saga, of two classes or more, with warm starts."""
    X = problem.X
    X = sp.csr_array(X) if sp.issparse(X) else np.ascontiguousarray(X)
    return _logistic_regression(problem, X, solver="saga", warm_start=True)


def _logistic_regression(problem, X, **settings):
    from sklearn.linear_model import LogisticRegression

    n, y = len(problem.y), problem.y.astype(int)

    def solve(tol):
        coefs, intercepts = [], []
        model = LogisticRegression(
            l1_ratio=1, tol=tol, max_iter=SWEEPS, fit_intercept=problem.fit_intercept, **settings
        )
        for alpha in problem.alphas:
            model.set_params(C=1 / (n * alpha)).fit(X, y)
            coefs.append(model.coef_.ravel().copy())
            intercepts.append(model.intercept_.copy())
        return Solution(np.column_stack(coefs), np.array(intercepts).squeeze())

    return solve


def scikit_learn(way):
    """The path function: of several responses at once, or the ways of `solvers.py`."""

    def prepare(problem):
        if problem.family == "multigaussian":
            return _multi_task(problem)
        import solvers

        X, y, alphas = problem.X, problem.y, problem.alphas
        work, null = SimpleNamespace(X=X, y=y, l1_ratio=problem.l1_ratio), y @ y / (2 * len(y))
        return {
            "path": lambda: solvers.by_path(work, null, alphas, False),
            "gram": lambda: solvers.by_path(work, null, alphas, "auto"),
            "lars": lambda: solvers.by_corners(work, alphas),
        }[way]()

    return prepare


def _multi_task(problem):
    from sklearn.linear_model import enet_path

    X, y, restore = _centred(problem)

    def solve(tol):
        found = enet_path(
            X, y, l1_ratio=1.0, alphas=problem.alphas, tol=tol, max_iter=SWEEPS, copy_X=False
        )
        return restore(found[1])

    return solve


def skein(problem):
    import skein_glm

    X, y = problem.X, problem.y

    def solve(tol):
        model = skein_glm.ElasticNetPathRegressor(
            alpha=problem.l1_ratio,
            lambdas=problem.alphas,
            tol=tol,
            fit_intercept=False,
            max_iter=SWEEPS,
        )
        return Solution(model.fit(X, y).coefs_.T, 0.0)

    X = sp.csc_matrix(X) if sp.issparse(X) else np.ascontiguousarray(X)
    return solve


def picasso(problem):
    import pycasso

    model = pycasso.Solver(
        problem.X, problem.y, lambdas=problem.alphas, useintercept=False, standardize=False,
        max_ite=SWEEPS,
    )  # fmt: skip

    def solve(tol):
        model.prec = tol
        model.train()
        return Solution(model.result["beta"].T.copy(), 0.0)

    return solve


def _columns(X):
    """Return sparse X as the kind of matrix that SciPy had first."""
    return sp.csc_matrix(X) if sp.issparse(X) else X


def _centred(problem):
    """Return X and y less their means (y in Fortran order), and what makes a Solution of that."""
    y_mean = problem.y.mean(axis=0) * problem.fit_intercept
    means = problem.X.mean(axis=0) * problem.fit_intercept

    def restore(coefs):
        """Take (K, p, L) to the problem as it was."""
        intercepts = y_mean - np.einsum("p,kpl->lk", means, coefs)
        return Solution(_stacked(coefs), intercepts)

    X, y = problem.X - means, problem.y - y_mean
    return np.asfortranarray(X), np.asfortranarray(y), restore


def _stacked(coefs):
    """Return (K, p, L) as (K p, L)."""
    return coefs.reshape(-1, coefs.shape[-1])


WAYS = {  # name: (distribution, prepare)
    "riata": ("riata", riata),
    "scikit-learn path": ("scikit-learn", scikit_learn("path")),
    "scikit-learn gram": ("scikit-learn", scikit_learn("gram")),
    "scikit-learn lars": ("scikit-learn", scikit_learn("lars")),
    "scikit-learn saga": ("scikit-learn", saga),
    "scikit-learn liblinear": ("scikit-learn", liblinear),
    "adelie": ("adelie", adelie),
    "adelie covariance": ("adelie", adelie_covariance),
    "celer": ("celer", celer),
    "celer Newton": ("celer", celer_newton),
    "skglm": ("skglm", skglm),
    "glum": ("glum", glum),
    "skein-glm": ("skein-glm", skein),
    "picasso": ("pycasso", picasso),
}
