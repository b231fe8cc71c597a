"""Settings drawn at random and combined: what no test of one setting alone would meet."""

import numpy as np
import pytest
from certified import certified_fit
from problems import STORAGES, regression


def draw(seed):
    """Return X, its storage, y and settings, each drawn from what riata offers."""
    rng = np.random.default_rng(seed)

    def maybe(value, chance=0.4):
        return value if rng.random() < chance else None

    n, p = int(rng.integers(1, 50)), int(rng.integers(1, 70))
    X, y = regression(
        n,
        p,
        seed=seed,
        density=rng.choice([0.1, 0.5, 1.0]),
        correlation=rng.choice([0.0, 0.5, 5.0]),
        noise=rng.choice([0.01, 1.0]),
    )
    fit_intercept = bool(rng.random() < 0.7)
    storage = str(rng.choice(list(STORAGES)))
    sorted_once = "duplicate" not in storage
    if rng.random() < 0.3:
        X = X + rng.choice([1.0, 1e3, 1e5] if fit_intercept and sorted_once else [1.0, 10.0])
    if rng.random() < 0.2:
        X = X * 10.0 ** rng.uniform(-3, 3, p)
    if rng.random() < 0.2:
        X[:, rng.integers(p, size=p // 3)] = X[:, [0]]
    factor = rng.choice([0.0, 0.5, 1.0, 1.0, 1.0, 3.0, np.inf], size=p)
    lower = rng.choice([0.0, -0.1, -1.0, -np.inf, -np.inf], size=p)
    upper = rng.choice([0.0, 0.1, 1.0, np.inf, np.inf], size=p)
    s = rng.choice([0.0, 0.1, 1.0, 7.0], size=n)
    s[rng.integers(n)] = 1.0
    settings = {
        "l1_ratio": float(rng.choice([1.0, 1.0, 0.9, 0.5, 0.01, 0.0])),
        "fit_intercept": fit_intercept,
        "standardize": bool(rng.random() < 0.4),
        "sample_weight": maybe(s),
        "offset": maybe(rng.standard_normal(n)),
        "penalty_factor": maybe(factor),
        "lower_bounds": maybe(lower),
        "upper_bounds": maybe(upper),
        "tol": float(rng.choice([1e-3, 1e-6, 1e-9])),
        "n_threads": int(rng.integers(1, 3)),
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    stored = STORAGES[storage](X.astype(np.float32 if rng.random() < 0.2 else float))
    return stored, y, settings


@pytest.mark.parametrize("seed", range(150))
def test_settings_drawn_at_random(seed):
    X, y, settings = draw(seed)
    statuses = ("converged", "precision_floor", "max_iter")
    path = certified_fit(X, y, n_alphas=5, statuses=statuses, **settings)
    assert (path.status == "max_iter").sum() <= 1
