"""Information criteria: the fit, plus a price for every degree of freedom.

    -2 log L + price(k)       k = df, the intercepts and an unknown dispersion

with L the likelihood of a path's family at its loss l (the mean of half the unit deviances), less
what no model changes, N the number of observations:

    family                    -2 log L                     N       intercept  dispersion
    gaussian                  n log(2 l)                   n       1          1
    multigaussian             n K log(2 l / K)             n K     K          1
    gamma                     2 n (v l + v + log G(v) - v log v), log v - psi(v) = l
                                                           n       1          1
    binomial, multinomial     2 N l                        n       1, K - 1   0
      of proportions          2 N l                        sum s   1, K - 1   0
    poisson                   2 n l                        n       1          0

n counts the rows of positive weight: copies of a row count, its weight does not, but where y holds
proportions, of which s are the numbers of trials. G is the gamma function, psi its logarithm's
derivative; v, the inverse dispersion, and the variance of numbers are those that fit best.

Source: McCullagh, Nelder, "Generalized Linear Models", 1989, sections 2.2 and 8.3.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, gammaln

from .arguments import check_number
from .families import Binomial, Gamma, Gaussian, MultiGaussian, Multinomial, MultipleFamily, Poisson

Floats = NDArray[np.float64]


class Criteria:
    """What a path says of its models by information criteria. All are to be made small."""

    df: Floats
    n_rows: int
    n_features_in_: int
    classes_: Any
    coefs: Any
    _loss: Floats
    _settings: dict[str, Any]

    def support_sizes(self) -> NDArray[np.intp]:
        """Return how many features are in the model at each alpha, (L,)."""
        raise NotImplementedError

    def aic(self) -> Floats:
        """Return Akaike's criterion at every alpha, (L,): to be made small.

            -2 log L + 2 k        k = df, and 1 for each intercept (K of several responses, K - 1
                                  of several classes) and for an unknown dispersion

        where L is the likelihood without what no model changes, n the rows of positive weight:
        copies of a row count, its weight does not. For a gaussian response, at its best variance,
        -2 log L = n log(2 loss); for K of them, of one variance, n K log(2 loss / K); for gamma at
        its best dispersion; for labels and counts (Poisson), which have no dispersion of their own,
        2 n loss, the deviance. For proportions n is the sum of ``sample_weight``, which are taken
        for numbers of trials. NaN where `df` is. Cost: O(L).

        Raises
        ------
        ValueError
            Where the family has no likelihood ("huber", "squared_hinge", "tweedie", one of your
            own), or the path is of proportions and was fitted without weights.

        References
        ----------
        Akaike, "A new look at the statistical model identification", IEEE Trans. Autom. Control
        19(6), 1974, eq. 3; Zou, Hastie, Tibshirani, "On the degrees of freedom of the lasso", Ann.
        Statist. 35(5), 2007, section 3.2.
        """
        fit, k, _ = self._fit_and_size()
        return fit + 2.0 * k

    def aicc(self) -> Floats:
        """Return Akaike's criterion corrected for few rows, (L,); infinite where k >= n - 1.

            aic + 2 k (k + 1) / (n - k - 1)       n as in `bic`

        References
        ----------
        Hurvich, Tsai, "Regression and time series model selection in small samples", Biometrika
        76(2), 1989, eq. 4.
        """
        fit, k, n = self._fit_and_size()
        left = n - k - 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected = fit + 2.0 * k + 2.0 * k * (k + 1.0) / left
        return np.where(left > 0.0, corrected, np.where(np.isnan(k), np.nan, np.inf))

    def bic(self) -> Floats:
        """Return Schwarz's criterion at every alpha, (L,), as in `aic`.

            -2 log L + k log n        n K for K gaussian responses

        References
        ----------
        Schwarz, "Estimating the dimension of a model", Ann. Statist. 6(2), 1978.
        """
        fit, k, n = self._fit_and_size()
        return fit + k * np.log(n)

    def ebic(self, gamma: float = 0.5) -> Floats:
        """Return the extended Bayesian criterion, (L,), for many features.

            bic + 2 gamma log C(p, m)      m non-zeros of p features

        Of classes whose coefficients enter one by one m and p count coefficients, p K of them.

        Parameters
        ----------
        gamma : float in [0, 1]
            0 is `bic`.

        References
        ----------
        Chen, Chen, "Extended Bayesian information criteria for model selection with large model
        spaces", Biometrika 95(3), 2008, eq. 1.
        """
        gamma = check_number(gamma, "gamma", 0.0, 1.0)
        family, p, counts = self._settings["family"], self.n_features_in_, self.support_sizes()
        if isinstance(family, MultipleFamily) and not family.grouped:
            p, counts = p * len(self.coefs), sum(np.diff(part.indptr) for part in self.coefs)
        return self.bic() + gamma * log_models(counts, p)

    def _fit_and_size(self) -> tuple[Floats, Floats, float]:
        """Return -2 log L (L,), k (L,) and N."""
        family, loss, n = self._settings["family"], self._loss, self.n_rows
        K = self._settings.get("n_responses", 1)
        intercepts = K - 1 if isinstance(family, Multinomial) else K
        k = self.df + intercepts * self._settings["fit_intercept"]
        if isinstance(family, Gaussian | MultiGaussian):
            return gaussian_fit(loss / K, n * K), k + 1, n * K
        if isinstance(family, Gamma):
            return gamma_fit(loss, n), k + 1, n
        if isinstance(family, Binomial | Multinomial | Poisson):
            shares = self.classes_ is None and not isinstance(family, Poisson)
            trials = self._trials() if shares else n
            return 2.0 * trials * loss, k, trials
        raise ValueError(
            "family must have a likelihood for information criteria (gaussian, binomial, poisson, "
            f"gamma, multigaussian or multinomial), got {family.name!r}: choose alpha by the loss "
            "on held-out rows, with cross_validate"
        )

    def _trials(self) -> float:
        """Return the number of trials of which y holds proportions."""
        weights = self._settings["sample_weight"]
        if weights is None:
            raise ValueError(
                "sample_weight must have been given for information criteria of proportions: the "
                "number of trials of each row"
            )
        weights = np.asarray(weights, dtype=np.float64)
        return float(weights.sum() if weights.ndim else weights * self.n_rows)


def gaussian_fit(loss: Floats, n: int) -> Floats:
    """Return -2 log L of n numbers at the variance that fits best: n log(2 loss).

    -inf for a perfect fit.
    """
    with np.errstate(divide="ignore"):
        return n * np.log(2.0 * loss)


def gamma_fit(loss: Floats, n: int) -> Floats:
    """Return -2 log L of n gamma-distributed numbers at the dispersion that fits best.

    log L = n (v log v - v - v loss - log G(v)) - sum log y, whose last term no model changes.
    """

    def one(loss: float) -> float:
        if not loss > 0.0:
            return -np.inf if loss == 0.0 else np.nan
        t = brentq(lambda t: t - digamma(np.exp(t)) - loss, *_bracket(loss), xtol=1e-14)
        v = np.exp(t)
        return 2.0 * n * float(v * (1.0 + loss - t) + gammaln(v))

    return np.array([one(float(value)) for value in loss])


def _bracket(loss: float) -> tuple[float, float]:
    """Return log v on both sides of log v - psi(v) = loss: 1/(2 v) < log v - psi(v) < 1/v."""
    return -np.log(2.0 * loss) - 1e-9, -np.log(loss) + 1e-9


def log_models(counts: NDArray[np.intp], p: int) -> Floats:
    """Return 2 log C(p, m), m = counts: how many models have as many features."""
    return 2.0 * (gammaln(p + 1.0) - gammaln(counts + 1.0) - gammaln(p - counts + 1.0))
