"""glum's Poisson, gamma and Tweedie fits, from a file that golden/make_glum.py wrote."""

import json
from pathlib import Path

import numpy as np
import pytest
from family_oracle import FamilyProblem

import riata

GOLDEN = json.loads((Path(__file__).parent / "golden" / "glum.json").read_text())
X, S, OFFSET = (np.array(GOLDEN[name]) for name in ("X", "s", "offset"))


@pytest.mark.parametrize(
    "case", GOLDEN["cases"], ids=lambda case: f"{case['family']}, l1_ratio {case['l1_ratio']}"
)
def test_glum(case):
    family, alpha = case["family"], GOLDEN["alpha"]
    y = np.array(GOLDEN["y"][family])
    settings = {"l1_ratio": case["l1_ratio"], "sample_weight": S, "offset": OFFSET}
    path = riata.fit_path(X, y, family=family, alphas=[alpha], tol=1e-13, **settings)
    problem = FamilyProblem(X, y, family, **settings)
    ours = problem.objective(path.coef(alpha), path.intercept(alpha), alpha)
    theirs = problem.objective(np.array(case["coef"]), case["intercept"], alpha)
    assert ours <= theirs + 1e-13
    np.testing.assert_allclose(path.coef(alpha), case["coef"], atol=1e-6)
    np.testing.assert_allclose(path.intercept(alpha), case["intercept"], atol=1e-6)
