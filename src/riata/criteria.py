"""Information criteria: the fit, plus a price for every degree of freedom.

minus_two_log (L,), n_parameters (L,), both of one path; constants that no model changes are left
out. All are to be made small.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]


def gaussian_fit(loss: Floats, n: int) -> Floats:
    """Return -2 log L of mean losses |r|^2 / (2 n) at the variance that fits best: n log(2 loss).

    -inf for a perfect fit.
    """
    with np.errstate(divide="ignore"):
        return n * np.log(2.0 * loss)


def deviance_fit(loss: Floats, n: int) -> Floats:
    """Return -2 log L of mean losses that are half the unit deviance, dispersion 1: 2 n loss."""
    return 2.0 * n * loss


def aic(minus_two_log: Floats, n_parameters: Floats) -> Floats:
    """Return -2 log L + 2 k."""
    return minus_two_log + 2.0 * n_parameters


def aicc(minus_two_log: Floats, n_parameters: Floats, n: int) -> Floats:
    """Return aic + 2 k (k + 1) / (n - k - 1), infinite where k >= n - 1."""
    k = n_parameters
    left = n - k - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected = aic(minus_two_log, k) + 2.0 * k * (k + 1.0) / left
    return np.where(left > 0.0, corrected, np.where(np.isnan(k), np.nan, np.inf))


def bic(minus_two_log: Floats, n_parameters: Floats, n: int) -> Floats:
    """Return -2 log L + k log n."""
    return minus_two_log + n_parameters * np.log(n)


def log_models(counts: NDArray[np.intp], p: int) -> Floats:
    """Return 2 log C(p, m), m = counts: how many models have as many features."""
    return 2.0 * (gammaln(p + 1.0) - gammaln(counts + 1.0) - gammaln(p - counts + 1.0))
