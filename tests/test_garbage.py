"""What a fit took is free when it ends: nothing waits for Python to look for cycles.

A design, its residuals or the user's X held by a cycle of objects stay in memory until then, which
may be many fits later.
"""

import gc

import numpy as np
import pytest
import scipy.sparse as sp

import riata

RNG = np.random.default_rng(97)
X = RNG.standard_normal((80, 40))
Y = X[:, :3] @ RNG.standard_normal((3, 2)) + RNG.standard_normal((80, 2))
y = Y[:, 0]
labels = np.digitize(y, [-1.0, 1.0])
S = sp.random_array((200, 120), density=0.1, format="csr", rng=np.random.default_rng(98))
target = RNG.standard_normal(200)
FEW = {"n_alphas": 10}

FITS = {
    "tall": lambda: riata.fit_path(X, y, **FEW),
    "wide": lambda: riata.fit_path(X[:25], y[:25], **FEW),
    "ridge": lambda: riata.fit_path(X, y, l1_ratio=0.0, **FEW),
    "row space": lambda: riata.fit_path(X[:15], y[:15], l1_ratio=0.1, **FEW),
    "CSC": lambda: riata.fit_path(S.tocsc(), target, **FEW),
    "CSR": lambda: riata.fit_path(S, target, **FEW),
    "CSR, binomial": lambda: riata.fit_path(S, target > 0.0, family="binomial", **FEW),
    "binomial": lambda: riata.fit_path(X, y > 0.0, family="binomial", **FEW),
    "huber": lambda: riata.fit_path(X, y, family="huber", **FEW),
    "multinomial": lambda: riata.fit_path(X, labels, family="multinomial", **FEW),
    "multigaussian": lambda: riata.fit_path(X[:30], Y[:30], family="multigaussian", **FEW),
    "targets": lambda: riata.fit_path(X, Y, **FEW),
    "folds": lambda: riata.cross_validate(X, y, cv=3, **FEW),
    "folds, wide": lambda: riata.cross_validate(X[:30], y[:30], cv=3, **FEW),
    "folds, CSR": lambda: riata.cross_validate(S, target > 0, family="binomial", cv=3, **FEW),
    "stability": lambda: riata.stability_selection(X, y, n_pairs=3, **FEW),
    "relaxed": lambda: riata.fit_path(X, y, relaxed=True, **FEW),
    "RidgeCV": lambda: riata.RidgeCV().fit(X, y),
    "LogisticRegression": lambda: riata.LogisticRegression().fit(X, labels),
}


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS.keys())
def test_a_fit_and_its_result_leave_no_cycles(fit):
    fit()  # imports, and what Python keeps of a first call
    gc.collect()
    gc.disable()
    try:
        fit()
        assert gc.collect() == 0
    finally:
        gc.enable()
