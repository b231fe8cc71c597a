"""What the cross-validated estimators share: scikit-learn's splits, one call of the engine."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.metrics import get_scorer, get_scorer_names
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


class Routed(NamedTuple):
    """Where the metadata of a call goes.

    split : keywords of the splitter
    score : keywords of the scorer; None: nobody said, so it is weighted as the fit is
    """

    split: dict[str, Any]
    score: dict[str, Any] | None


def route(estimator: Any, method: str, metadata: dict[str, Any]) -> Routed:
    """Return where a call's metadata goes: what it was given beside X and y, None for nothing."""
    metadata = {name: value for name, value in metadata.items() if value is not None}
    if get_config()["enable_metadata_routing"]:
        found = process_routing(estimator, method, **metadata)
        score = dict(found["scorer"]["score"]) if estimator._scorer() else None
        return Routed(found["splitter"]["split"] if method == "fit" else {}, score)
    if extra := sorted(set(metadata) - {"sample_weight"}):
        raise ValueError(
            f"{method} takes {', '.join(extra)} only with scikit-learn's metadata routing: "
            "sklearn.set_config(enable_metadata_routing=True)"
        )
    return Routed({}, None)


def splits(
    estimator: Any, X: Any, y: Any, routed: dict[str, Any], *, classifier: bool = False
) -> list[Any]:
    """Return the splits of an estimator's `cv`, as scikit-learn makes them.

    routed : keywords of the splitter
    classifier : whether an integer stands for folds that are stratified, where y holds labels
    """
    return list(check_cv(estimator.cv, y, classifier=classifier).split(X, y, **routed))


class _Routed(_Model):
    """A fit that chooses by folds, and what goes where with metadata routing."""

    cv: Any
    scoring: Any = None
    _default_scorer: str | None = None  # which takes weights, asked or not

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
            What metadata routing hands to the splitter, `groups` for one, and to the scorer.

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
        """Return how metadata is handed on: what a splitter and a scorer ask for, by `fit`.

        A scorer that is named by a word of `riata.cross_validate`, or not at all, has the weights
        of `fit`.

        Returns
        -------
        MetadataRouter
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        mapping = MethodMapping().add(caller="fit", callee="split")
        router.add(splitter=check_cv(self.cv), method_mapping=mapping)
        if scorer := self._scorer():
            router.add(scorer=scorer, method_mapping=self._scored_by())
        return router

    def _scorer(self) -> Any:
        """Return the scorer that metadata may go to, None where there is none."""
        if self.scoring is None and self._default_scorer is not None:
            return get_scorer(self._default_scorer).set_score_request(sample_weight=True)
        if isinstance(self.scoring, str):
            return get_scorer(self.scoring) if self.scoring in get_scorer_names() else None
        return self.scoring

    def _scored_by(self) -> MethodMapping:
        """Return the methods that score."""
        return MethodMapping().add(caller="fit", callee="score")


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
        routed = route(self, "fit", {**params, "sample_weight": weight})
        own = {"rule": self.rule, "sample_weight": weight}
        own["counts_df"] = callable(self.rule)  # who may ask the paths, which nobody else sees
        own["cv"] = splits(self, X, y, routed.split, classifier=classifier)
        if routed.score is not None:
            settings["scoring_weight"] = routed.score.pop("sample_weight", 1.0)
            settings["metadata"] = routed.score
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
        self.alpha_ = cv.alpha
        single = len(cv.l1_ratios) == 1
        if np.ndim(self.alphas) == 0:
            self.alphas_ = cv.alphas[0] if single else cv.alphas
            return cv.scores[0] if single else cv.scores
        given = np.sort(np.asarray(self.alphas, dtype=np.float64))[::-1]  # twice, if given twice
        place = np.searchsorted(-cv.alphas[0], -given)
        self.alphas_, scores = given, cv.scores[:, place]
        return scores[0] if single else scores
