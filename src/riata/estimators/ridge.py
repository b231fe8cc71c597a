"""Ridge: its parameters, its objective, and the way from its alpha to that of a path."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import check_number
from ._base import _LinearModel


def ridge_alpha(alpha: float, total_weight: float) -> float:
    """Convert the alpha of `Ridge`, scikit-learn's scale, to that of `fit_path(l1_ratio=0)`.

    `Ridge` minimises a sum, 2 total_weight times the mean that `riata.fit_path` minimises::

        sum_i s_i r_i^2 + alpha |b|^2
            = 2 S (1 / (2 S) sum_i s_i r_i^2 + (alpha / S) / 2 |b|^2),   S = sum_i s_i

    Parameters
    ----------
    alpha : float
        Penalty of `Ridge`, >= 0.
    total_weight : float
        S: the sum of the sample weights, or the number of samples where there are none; > 0.

    Returns
    -------
    alpha : float
        alpha / S.

    Examples
    --------
    >>> from riata.estimators import ridge_alpha
    >>> ridge_alpha(1.0, 50)
    0.02
    """
    return alpha / total_weight


class Ridge(_LinearModel):
    """Fit a linear model with an L2 penalty, by factorisation or conjugate gradients.

    Minimises over b0 and b, with sample weights s (1 where none are given)::

        sum_i s_i (y_i - b0 - x_i'b)^2  +  alpha sum_j v_j sd_j^2 b_j^2
        subject to  lower_j <= b_j <= upper_j

    scikit-learn's `Ridge`, its parameters and its answers, and v, sd and bounds besides. A sum,
    not a mean: `ridge_alpha` converts.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, finite and >= 0; one for each target where it is an array. 0 is
        least squares, of minimum norm where that is not unique.
    fit_intercept : bool, default=True
        Whether b0 is fitted (it is never penalised) or 0.
    copy_X : bool, default=True
        Without effect: X is neither copied nor changed.
    max_iter : int or None, default=None
        Most linear solves plus, under bounds, coordinate sweeps, for each target; >= 1. None is
        `fit_path`'s default.
    tol : float, default=1e-6
        Stop when the duality gap is at most `tol` times the objective of the null model
        (intercept and unpenalised features); >= 0. Not scikit-learn's meaning of it.
    solver : {"auto"}, default="auto"
        Factorisation or conjugate gradients, whichever costs less. scikit-learn's other names
        are refused: the answer, certified, would be the same.
    positive : bool, default=False
        Whether coefficients are held >= 0; the same as `lower_bounds=0`.
    random_state : int, RandomState instance or None, default=None
        Without effect: nothing is random.
    penalty_factor : float, array-like of shape (n_features,) or None, default=None
        v_j >= 0, the penalty's factor for each feature: 0 leaves one unpenalised, inf excludes
        it. Never rescaled. None is 1.
    lower_bounds : float, array-like of shape (n_features,) or None, default=None
        lower_j <= 0; None is -inf. Must be None where `positive=True`.
    upper_bounds : float, array-like of shape (n_features,) or None, default=None
        upper_j >= 0; None is inf.
    standardize : bool, default=False
        Whether sd_j is feature j's weighted standard deviation (about its mean, divided by
        sum(s)) instead of 1. Coefficients and bounds stay in X's own units.
    n_threads : int or None, default=None
        Threads, >= 1; None is the cores this process may use. Results don't depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        float64. One row per target where there are several.
    sparse_coef_ : sparse array of shape (n_targets, n_features)
        The same in CSR.
    intercept_ : float or ndarray of shape (n_targets,)
        b0; 0.0 without an intercept.
    dual_gap_ : float or ndarray of shape (n_targets,)
        The duality gap reached, on the scale of `riata.fit_path`: no coefficients have a sum
        (above) that is lower by more than 2 sum(s) times this.
    n_iter_ : int or list of n_targets int
        Linear solves plus coordinate sweeps.
    status_ : str or list of n_targets str
        "converged", "precision_floor" (as near as rounding lets it) or "max_iter".
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    riata.fit_path : With `l1_ratio=0`, the same for several alphas at once, with offsets.
    ridge_alpha : From this class's alpha to that function's.

    Notes
    -----
    Multiplying all sample weights by a constant does change the answer, as in scikit-learn: it
    divides alpha. Cost: `riata.fit_path` at one alpha.

    References
    ----------
    .. [1] Hoerl, Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
       Technometrics 12 (1970), eq. 2.1.

    Examples
    --------
    >>> from riata.estimators import Ridge
    >>> model = Ridge(alpha=1.0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    >>> round(float(model.coef_[0]), 6)
    0.666667
    """

    def __init__(
        self,
        alpha: float | ArrayLike = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-6,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
        penalty_factor: ArrayLike | None = None,
        lower_bounds: ArrayLike | None = None,
        upper_bounds: ArrayLike | None = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.penalty_factor = penalty_factor
        self.lower_bounds = lower_bounds
        self.upper_bounds = upper_bounds
        self.standardize = standardize
        self.n_threads = n_threads

    def _settings(self) -> dict[str, Any]:
        if self.solver != "auto":
            raise ValueError(
                f'solver must be "auto", got {self.solver!r}: riata chooses between factorisation '
                "and conjugate gradients by cost, and certifies the answer either way"
            )
        return super()._settings()

    def _objective(self, target: int, n_targets: int, total_weight: float) -> tuple[float, float]:
        alphas = np.ravel(self.alpha) if np.ndim(self.alpha) == 1 else [self.alpha]
        if len(alphas) not in (1, n_targets):
            raise ValueError(
                f"alpha must be a number or one for each target: y has {n_targets}, "
                f"got {len(alphas)}"
            )
        alpha = check_number(alphas[target % len(alphas)], "alpha", 0.0)
        return ridge_alpha(alpha, total_weight), 0.0
