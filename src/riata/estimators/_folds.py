"""What the cross-validated estimators share: scikit-learn's splits, one call of the engine."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from ..arguments import check_count, check_number
from ..cross_validation import cross_validated
from ..cv_result import CrossValidatedPath
from ._base import _Model, unchanged_on_error

CV_DEFAULTS = {
    "groups": None,
    "scoring": "mse",
    "keep_predictions": False,
    "keep_fold_paths": False,
    "relaxed": False,
    "equal_folds": True,
}


def splits(
    estimator: Any, X: Any, y: Any, metadata: dict[str, Any], *, classifier: bool = False
) -> list[Any]:
    """Return the splits of an estimator's `cv`, as scikit-learn makes them.

    metadata : what `fit` was given beside X and y; its None entries count as not given
    classifier : whether an integer stands for folds that are stratified, where y holds labels
    """
    metadata = {name: value for name, value in metadata.items() if value is not None}
    routed: dict[str, Any] = {}
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(estimator, "fit", **metadata)["splitter"]["split"]
    elif extra := sorted(set(metadata) - {"sample_weight"}):
        raise ValueError(
            f"fit takes {', '.join(extra)} only with scikit-learn's metadata routing: "
            "sklearn.set_config(enable_metadata_routing=True)"
        )
    return list(check_cv(estimator.cv, y, classifier=classifier).split(X, y, **routed))


class _Routed(_Model):
    """A fit that chooses by folds, and what goes where with metadata routing."""

    cv: Any

    def _choose(self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
        """Fit, choose, and keep what the class keeps."""
        raise NotImplementedError

    def fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | float | None = None, **params: Any
    ) -> Self:
        """Fit every fold and all data, and choose a model.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            float64 and float32, dense in either order, CSR and CSC are used where they lie;
            other dtypes and sparse formats are converted first.
        y : array-like of shape (n_samples,), or (n_samples, n_targets)
            What the class without CV takes; several targets in `RidgeCV` and the MultiTask classes.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, of the fits and within each fold's score; folds count the same in the
            mean, as in scikit-learn.
        **params : dict
            What metadata routing hands to the splitter: `groups`, for one.

        Returns
        -------
        self : object
            The fitted estimator. Where `fit` raises, interrupted with Ctrl-C for one, the
            estimator stays what it was before.

        Raises
        ------
        ValueError, TypeError
            For parameters or data out of range; the message begins with the argument's name.

        Warns
        -----
        ConvergenceWarning
            Once, where `max_iter` ended a fit before `tol` was met.
        """
        with unchanged_on_error(self):
            self._choose(X, y, sample_weight, params)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Return how metadata is handed on: sample_weight to `fit`, the rest to the splitter.

        Returns
        -------
        MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(splitter=check_cv(self.cv), method_mapping=mapping)


class _CrossValidated(_Routed):
    """Fit a path for every fold and on all data, and keep the model that the rule chooses."""

    eps: float
    alphas: Any
    rule: Any

    def _grid(self) -> dict[str, Any]:
        """Return what the alphas are to be: so many, down to a share of the largest, or these."""
        if isinstance(self.alphas, int | np.integer) and not isinstance(self.alphas, bool):
            return {
                "n_alphas": check_count(self.alphas, "alphas", 1),
                "alpha_min_ratio": check_number(self.eps, "eps", 0.0, 1.0, above=True),
            }
        if np.ndim(self.alphas) == 0:
            raise TypeError(
                "alphas must be an integer >= 1, the length of the automatic grid, or a list of "
                f"numbers, got {self.alphas!r}: put a single alpha into a list"
            )
        return {"alphas": self.alphas}

    def _search(
        self,
        X: Any,
        y: Any,
        weight: Any,
        params: dict[str, Any],
        *,
        classifier: bool = False,
        **settings: Any,
    ) -> CrossValidatedPath:
        """Cross-validate.

        weight, params : what `fit` was given beside X and y
        settings : those of `cross_validated` that differ from the defaults
        """
        metadata = {**params, "sample_weight": weight}
        own = {"rule": self.rule, "sample_weight": weight}
        own["counts_df"] = callable(self.rule)  # who may ask the paths, which nobody else sees
        own["cv"] = splits(self, X, y, metadata, classifier=classifier)
        return cross_validated(X, y, **{**self._settings(), **CV_DEFAULTS, **own, **settings})

    def _keep(self, cv: CrossValidatedPath) -> int:
        """Keep the chosen model; return the number of its alpha."""
        k = int(np.flatnonzero(cv.path.alphas == cv.alpha)[0])
        self.coef_ = cv.coef()
        self.intercept_ = cv.intercept() if self.fit_intercept else 0.0 * cv.intercept() + 0.0
        self.dual_gap_ = float(cv.path.dual_gaps[k])
        self.status_ = str(cv.path.status[k])
        return k

    def _keep_path(self, cv: CrossValidatedPath) -> Any:
        """Keep the chosen model and the grids; return the scores in scikit-learn's shape."""
        self.n_iter_ = int(cv.path.n_iter[self._keep(cv)])
        single = len(cv.l1_ratios) == 1
        self.alpha_ = cv.alpha
        self.alphas_ = cv.alphas[0] if single or np.ndim(self.alphas) != 0 else cv.alphas
        return cv.scores[0] if single else cv.scores
