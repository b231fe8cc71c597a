"""R's glmnet, from a file that golden/glmnet.R wrote: the same objective and coefficients.

glmnet's lambda and alpha are our alpha and l1_ratio, but for the gaussian elastic net, whose L2
part glmnet takes in units of y's deviation; its weights are rescaled, as ours are, and its penalty
factors are made to sum to p.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from certified import certified_fit
from family_oracle import FamilyProblem
from oracle import Problem
from test_multi_paths import Oracle

import riata
from riata.families import Multinomial

GOLDEN = json.loads((Path(__file__).parent / "golden" / "glmnet.json").read_text())
X, S, OFFSET, FACTORS = (np.array(GOLDEN[name]) for name in ("X", "s", "offset", "factors"))
ALPHAS = np.array(GOLDEN["lambda"])
FLAGS = ("standardize", "grouped", "offset", "limits", "factors", "through_origin")
GAUSSIAN = [case for case in GOLDEN["cases"] if case["family"] == "gaussian"]
OTHERS = [case for case in GOLDEN["cases"] if case["family"] != "gaussian"]


def name(case):
    words = [case["family"], f"l1_ratio {case['alpha']}"]
    return ", ".join(words + [word for word in FLAGS if case[word]])


def model(case):
    """Return our words for glmnet's settings, but for lambda and alpha."""
    settings = {"sample_weight": S, "standardize": case["standardize"]}
    if case["offset"]:
        settings["offset"] = OFFSET
    if case["limits"]:
        settings |= {"lower_bounds": -0.3, "upper_bounds": 0.4}
    if case["factors"]:
        settings["penalty_factor"] = FACTORS * (len(FACTORS) / FACTORS.sum())
    if case["through_origin"]:
        settings["fit_intercept"] = False
    return settings


@pytest.mark.parametrize("case", GAUSSIAN, ids=name)
def test_gaussian(case):
    """glmnet divides y by its deviation u (without an intercept by its root mean square), and then
    takes both parts of the penalty with lambda / u: L1 lambda alpha, L2 lambda (1 - alpha) / u."""
    y, settings = np.array(GOLDEN["y"]["gaussian"]), model(case)
    w = S / S.sum()
    target = y - settings.get("offset", 0.0)
    u = np.sqrt(w @ (target - (0.0 if case["through_origin"] else w @ target)) ** 2)
    l1, l2 = case["alpha"], (1.0 - case["alpha"]) / u
    settings["l1_ratio"] = l1 / (l1 + l2)
    alphas = ALPHAS * (l1 + l2)
    path = certified_fit(X, y, alphas=alphas, tol=1e-15, **settings)
    problem = Problem(X, y, **settings)
    for k, alpha in enumerate(alphas):
        ours, theirs = path.coef(alpha), np.array(case["beta"])[0, :, k]
        P = problem.objective(ours, path.intercept(alpha), alpha)
        best = problem.objective(theirs, case["a0"][0][k], alpha)
        assert best == pytest.approx(P, rel=1e-12)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
        np.testing.assert_allclose(path.intercept(alpha), case["a0"][0][k], rtol=0, atol=1e-8)


@pytest.mark.parametrize("case", OTHERS, ids=name)
def test_other_families(case):
    y = np.array(GOLDEN["y"][case["family"]])
    settings = model(case) | {"l1_ratio": case["alpha"]}
    several = case["family"] in ("mgaussian", "multinomial")
    family = {"mgaussian": "multigaussian", "multinomial": Multinomial(case["grouped"])}.get(
        case["family"], case["family"]
    )
    path = riata.fit_path(X, y, family=family, alphas=ALPHAS, tol=1e-14, **settings)
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
        ours, own = path.coef(alpha), path.intercept(alpha)
        P = problem.objective(ours, own, alpha)
        best = problem.objective(theirs, intercept, alpha)
        assert best == pytest.approx(P, rel=1e-12)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-7)
        if case["family"] == "multinomial":  # what all classes have in common means nothing
            own, intercept = own - own.mean(), intercept - intercept.mean()
        np.testing.assert_allclose(own, intercept, rtol=0, atol=5e-7)
