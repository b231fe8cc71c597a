"""`sparsify` and `densify` of the logistic classes: everything goes on working."""

import inspect
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.exceptions import NotFittedError
from test_generalized import data

from riata.estimators import LogisticRegression, LogisticRegressionCV

MODELS = [
    LogisticRegression(l1_ratio=1.0, C=0.3, warm_start=True),
    LogisticRegressionCV(Cs=[0.1, 0.3], l1_ratios=(1.0,), cv=3),
    LogisticRegressionCV(Cs=[0.1, 0.3], l1_ratios=(1.0,), cv=3, use_legacy_attributes=True),
]


@pytest.mark.parametrize("model", MODELS, ids=["one C", "CV", "legacy"])
@pytest.mark.parametrize("storage", [np.asarray, sp.csr_array, sp.csc_matrix])
@pytest.mark.parametrize("several", [False, True])
def test_a_sparse_coef_predicts_as_the_dense_one_does(model, storage, several):
    X, y = data("poisson" if several else "binomial")
    y, X = np.minimum(y, 2) if several else y, storage(X)
    coef = model.fit(X, y).coef_
    asked = ("predict", "decision_function", "predict_proba", "predict_log_proba")
    before = [getattr(model, method)(X) for method in asked] + [model.score(X, y)]
    assert model.sparsify() is model
    assert sp.issparse(model.coef_)
    assert model.coef_.nnz == np.count_nonzero(coef) < coef.size
    for twin in (model, pickle.loads(pickle.dumps(model))):
        after = [getattr(twin, method)(X) for method in asked] + [twin.score(X, y)]
        for new, old in zip(after, before, strict=True):
            if new.__class__ is np.ndarray and new.dtype.kind == "f":
                np.testing.assert_allclose(new, old, rtol=1e-12, atol=1e-14)
            else:
                np.testing.assert_array_equal(new, old)
    assert (twin.sparse_coef_ != model.coef_).nnz == 0
    assert model.sparsify().densify() is model
    np.testing.assert_array_equal(model.densify().coef_, coef)
    np.testing.assert_allclose(model.sparsify().fit(X, y).coef_, coef, atol=1e-3)
    assert isinstance(model.coef_, np.ndarray)


def test_a_warm_start_may_be_sparse():
    X, y = data("binomial")
    dense, sparse = (LogisticRegression(l1_ratio=1.0, warm_start=True).fit(X, y) for _ in range(2))
    dense.set_params(C=0.9).fit(X, y)
    sparse.sparsify().set_params(C=0.9).fit(X, y)
    np.testing.assert_array_equal(sparse.coef_, dense.coef_)
    assert sparse.n_iter_ == dense.n_iter_


@pytest.mark.parametrize("method", ["sparsify", "densify"])
@pytest.mark.parametrize("cls", [LogisticRegression, LogisticRegressionCV])
def test_they_are_scikit_learns_methods(cls, method):
    theirs = getattr(getattr(sklearn.linear_model, cls.__name__), method)
    assert list(inspect.signature(getattr(cls, method)).parameters) == list(
        inspect.signature(theirs).parameters
    )
    with pytest.raises(NotFittedError):
        getattr(cls(), method)()
