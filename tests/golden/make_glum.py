"""Write glum.json beside this script: python tests/golden/make_glum.py, where glum is installed.

Small data by formula, so that nothing depends on a random number generator.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from glum import GeneralizedLinearRegressor, TweedieDistribution

ALPHA = 0.03
i = np.arange(1, 61)
j = np.arange(1, 8)
X = np.sin(0.7 * np.outer(i, j) + j) + 0.3 * np.cos(1.3 * i)[:, None]
u = (i * 0.6180339887) % 1
s = 0.5 + (i * 0.4142135) % 1
offset = 0.2 * np.cos(i)
mean = np.exp(0.5 * X[:, 0] - 0.4 * X[:, 1] + offset)
y = {
    "poisson": np.floor(mean + 1.5 * u),
    "gamma": mean * (0.2 + 1.6 * u),
    "tweedie": np.where(u < 0.3, 0.0, mean * (0.2 + 1.6 * u)),
}
kinds = {"poisson": "poisson", "gamma": "gamma", "tweedie": TweedieDistribution(1.5)}
cases = []
for family, kind in kinds.items():
    for l1_ratio in (1.0, 0.5, 0.0):
        model = GeneralizedLinearRegressor(
            family=kind,
            alpha=ALPHA,
            l1_ratio=l1_ratio,
            link="log",
            gradient_tol=1e-10,
            max_iter=2000,
        ).fit(X, y[family], sample_weight=s, offset=offset)
        cases.append(
            {
                "family": family,
                "l1_ratio": l1_ratio,
                "intercept": float(model.intercept_),
                "coef": model.coef_.tolist(),
            }
        )
data = {"glum": version("glum"), "alpha": ALPHA, "X": X.tolist(), "s": s.tolist()}
data |= {"offset": offset.tolist(), "y": {k: v.tolist() for k, v in y.items()}, "cases": cases}
Path(__file__).with_name("glum.json").write_text(json.dumps(data, indent=0))
