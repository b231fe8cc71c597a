"""R's cv.glmnet, from a file that golden/cv_glmnet.R wrote: its means, errors and choices are ours.

On the same folds, grid and weights. For these families glmnet's lambda and alpha are our alpha and
l1_ratio, also in every fold (the gaussian elastic net, where they are not, is left out). It weighs
a fold by its held-out rows, and forms the standard error from the means of folds (grouped = TRUE):

    cvm = sum_k W_k s_k / sum_k W_k      cvsd^2 = sum_k W_k (s_k - cvm)^2 / sum_k W_k / (K - 1)

for "auc" too. Its "mse" of classes and of several responses is the sum over them, where ours is the
mean; for two classes it is the sum over both.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import riata

GOLDEN = json.loads((Path(__file__).parent / "golden" / "cv_glmnet.json").read_text())
X, S, OFFSET, FOLD = (np.array(GOLDEN[name]) for name in ("X", "s", "offset", "fold"))
HELD_OUT = [np.equal(FOLD, k) for k in np.unique(FOLD)]
NAMES = {"mgaussian": "multigaussian", "class": "misclassification"}
SUMMED = {"binomial": 2, "multinomial": 3, "mgaussian": 3}


def name(case):
    words = [case["family"], case["measure"], f"l1_ratio {case['alpha']}"]
    return ", ".join(words + [word for word in ("standardize", "offset") if case[word]])


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=name)
def test_cv_glmnet(case):
    family, measure = case["family"], case["measure"]
    settings = {"l1_ratio": case["alpha"], "standardize": case["standardize"]}
    if case["offset"]:
        settings["offset"] = OFFSET
    cv = riata.cross_validate(
        X,
        np.array(GOLDEN["y"][family]),
        family=NAMES.get(family, family),
        scoring=NAMES.get(measure, measure),
        cv=[(~held, held) for held in HELD_OUT],
        alphas=GOLDEN["lambda"],
        sample_weight=S,
        tol=1e-15,
        **settings,
    )
    times = SUMMED.get(family, 1) if measure == "mse" else 1
    W = np.array([S[held].sum() for held in HELD_OUT])
    scores = times * cv.scores[0]
    mean = scores @ W / W.sum()
    se = np.sqrt((scores - mean[:, None]) ** 2 @ W / W.sum() / (len(W) - 1))
    for ours in (mean, times * cv.mean[0]):
        np.testing.assert_allclose(ours, case["cvm"], rtol=1e-7)
    for ours in (se, times * cv.se[0]):
        np.testing.assert_allclose(ours, case["cvsd"], rtol=1e-6, atol=1e-12)
    assert cv.alpha_min == pytest.approx(case["lambda_min"], rel=1e-12)
    assert cv.alpha_1se == pytest.approx(case["lambda_1se"], rel=1e-12)
