"""R's glmnet, from a file that golden/glmnet.R wrote: its objective is never below ours.

Where the answer is unique its coefficients are ours. glmnet's lambda and alpha are our alpha and
l1_ratio for these families; its weights are rescaled, as ours are.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from family_oracle import FamilyProblem
from test_multi_paths import Oracle

import riata
from riata.families import Multinomial

GOLDEN = json.loads((Path(__file__).parent / "golden" / "glmnet.json").read_text())
X, S, OFFSET = (np.array(GOLDEN[name]) for name in ("X", "s", "offset"))
ALPHAS = GOLDEN["lambda"]


def name(case):
    words = [case["family"], f"l1_ratio {case['alpha']}"]
    return ", ".join(words + [word for word in ("grouped", "offset", "limits") if case[word]])


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=name)
def test_glmnet(case):
    y = np.array(GOLDEN["y"][case["family"]])
    settings = {"l1_ratio": case["alpha"], "sample_weight": S}
    if case["offset"]:
        settings["offset"] = OFFSET
    if case["limits"]:
        settings |= {"lower_bounds": -0.3, "upper_bounds": 0.4}
    several = case["family"] in ("mgaussian", "multinomial")
    family = {"mgaussian": "multigaussian", "multinomial": Multinomial(case["grouped"])}.get(
        case["family"], case["family"]
    )
    path = riata.fit_path(X, y, family=family, alphas=ALPHAS, tol=1e-12, **settings)
    numbers = (y[:, None] == [1, 2, 3]).astype(float) if case["family"] == "multinomial" else y
    if several:
        grouped = case["grouped"] or case["family"] == "mgaussian"
        problem = Oracle(X, numbers, case["family"] == "mgaussian", grouped, **settings)
    else:
        problem = FamilyProblem(X, numbers, family, **settings)
    for k, alpha in enumerate(ALPHAS):
        theirs = np.array(case["beta"])[:, :, k]
        intercept = np.array(case["a0"])[:, k]
        if not several:
            theirs, intercept = theirs[0], intercept[0]
        ours = path.coef(alpha)
        P = problem.objective(ours, path.intercept(alpha), alpha)
        best = problem.objective(theirs, intercept, alpha)
        # glmnet's grouped multinomial ends with a looser rule of its own
        loose = case["grouped"]
        assert best + 1e-11 >= P
        assert best <= P + (1e-4 if loose else 1e-8)
        if not loose:
            np.testing.assert_allclose(ours, theirs, atol=2e-4)
