"""Cross-validation of whole paths: cross_validate."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import check_alphas, check_count, check_flag, check_number, check_weights
from .blas import one_blas_thread
from .cv_result import ONE_FOLD, CrossValidatedPath, check_rule
from .cv_run import Plan, Run
from .data import check_data
from .folds import make_folds
from .path import model_of
from .responses import as_column, check_training
from .scoring import Scoring, get_scoring, shown
from .stopping import check_rule as check_stopping

Floats = NDArray[np.float64]


def cross_validate(
    X: Any,
    y: Any,
    *,
    cv: Any = 10,
    groups: Any = None,
    scoring: Any = "deviance",
    rule: Any = "min",
    keep_predictions: bool = False,
    keep_fold_paths: bool = False,
    family: Any = "gaussian",
    alphas: Any = None,
    n_alphas: int = 100,
    alpha_min_ratio: float | None = None,
    l1_ratio: Any = 1.0,
    fit_intercept: bool = True,
    standardize: bool = False,
    sample_weight: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    lower_bounds: Any = None,
    upper_bounds: Any = None,
    relaxed: Any = False,
    tol: float = 1e-6,
    max_iter: int = 10_000,
    max_time: float | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> CrossValidatedPath:
    """Choose alpha, and l1_ratio, by the score of held-out rows; fit the path on all data.

    Every fold is a fit of `fit_path` with weight 0 on its held-out rows: X is not copied, and
    centring, standardisation, the null model and the intercept are each fold's own. All folds and
    the fit on all data go down the same grid together.

    Parameters
    ----------
    X, y, family, alphas, n_alphas, alpha_min_ratio, fit_intercept, standardize, sample_weight, \
offset, penalty_factor, lower_bounds, upper_bounds, tol, max_iter, n_threads
        As in `fit_path`, of any family. The grid is that of all data, one for each l1_ratio.
    cv : int, splitter, or iterable of (train, test)
        An int >= 2: so many folds, dealt at random and the same way every time among the rows of
        positive weight, evenly within each class where y holds labels; whole groups where `groups`
        are given. Else a splitter of scikit-learn, handed y as it is, or pairs of row numbers (or
        masks). A row that occurs k times in `train` has k times its weight.
    groups : array of shape (n,), optional
        Labels for `cv`; not with pairs (train, test), which have no use for them.
    scoring : {"deviance", "mse", "mae", "misclassification", "auc"}, or a scorer of scikit-learn \
or its name
        How held-out rows are scored; weighted by `sample_weight`. "deviance" is the family's.
        "mse" and "mae" are of the expected y, not of the linear predictor: not for
        "squared_hinge", which has none. "misclassification" is for families of classes, "auc" for
        those of two. A scorer is handed an estimator (a classifier, where y holds labels), a
        fold's held-out rows of X, for which alone it can predict, and their y; a scorer without
        `sample_weight` counts them alike, which one warning says.
    rule : {"min", "1se"}, percentage, or callable
        What ``alpha``, ``coef`` and ``predict`` of the result stand for. "min": the best mean
        score. "1se": the largest alpha, for the l1_ratio of the best, whose mean is within one
        standard error of it. A percentage such as "5%": the sparsest model whose mean is no more
        than that worse than the best. A callable is given the result and returns the numbers of a
        row and an alpha, two integers.
    keep_predictions : bool
        Whether to keep the linear predictors of held-out rows, R G n L numbers (times K).
    keep_fold_paths : bool
        Whether to keep the coefficients of every fold.
    l1_ratio : float or sequence of float in [0, 1]
        Several are searched jointly with alpha.
    relaxed : bool or sequence of float in [0, 1]
        Values of gamma to be searched jointly with alpha and l1_ratio: the share of the penalised
        fit in a mixture with the unpenalised one on the same support. True is
        (0, 0.25, 0.5, 0.75, 1), False is 1 alone.
    max_time : float > 0, optional
        Seconds after which the work ends; what is not solved is NaN.
    progress : bool
        Whether to show how far it is: a bar where tqdm is installed, else a count.

    Returns
    -------
    CrossValidatedPath

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as above; the message names it. Where the training rows of a fold
        lack a class, or (Poisson, Tweedie) a positive y; where a score is no number, or none is
        finite.
    KeyboardInterrupt
        On Ctrl-C, with what was solved in all folds so far in its attribute ``path``.

    Warns
    -----
    ConvergenceWarning
        Once, where a fit ended above its tolerance.
    UserWarning
        Once, where weights differ and a scorer takes none. What a scorer warns of is said once.

    Notes
    -----
    Memory beyond X: for each of at most 16 fits at a time, a Gram matrix of its working set and a
    dozen numbers per row and column.

    References
    ----------
    Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2009, section 7.10.

    Examples
    --------
    >>> import numpy as np, riata
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> cv = riata.cross_validate(X, X[:, 0] + 0.1 * X[:, 1], cv=5)
    >>> cv.coef("1se").nonzero()[0]
    array([0, 1])
    """
    return cross_validated(**locals())


def cross_validated(
    X: Any,
    y: Any,
    *,
    equal_folds: bool = False,
    total_weight: float | None = None,
    counts_df: bool = True,
    scoring_weight: Any = None,
    metadata: dict[str, Any] | None = None,
    **settings: Any,
) -> CrossValidatedPath:
    """cross_validate with every setting given.

    equal_folds : whether every fold counts the same in the mean, whatever its rows weigh
        (scikit-learn's way)
    total_weight : where the penalty is added to 1 / C of a sum of losses, not to their mean, all
        weight of that sum: a fold whose training rows have a share q of it is then fitted at
        alpha / q, and C is what is spoken of
    counts_df : whether somebody will ask the paths for degrees of freedom
    scoring_weight : (n,), weights of the scores, where they are not those of the fits
    metadata : what a scorer is called with besides
    """
    try:
        plan = _planned(X, y, settings, scoring_weight, metadata)
        plan = replace(
            plan, equal_folds=equal_folds, total_weight=total_weight, counts_df=counts_df
        )
        with one_blas_thread():
            return Run(plan).result()
    except KeyboardInterrupt as stop:
        vars(stop).setdefault("path", None)  # before there was anything to keep
        raise


def _planned(
    X: Any, y: Any, settings: dict[str, Any], scoring_weight: Any, metadata: dict[str, Any] | None
) -> Plan:
    """Check every argument of cross_validate."""
    ratios, gammas = check_ratios(settings["l1_ratio"]), check_gammas(settings["relaxed"])
    model = model_of(settings) | {"l1_ratio": float(ratios[0])}
    ratio = settings["alpha_min_ratio"]
    if ratio is not None:
        ratio = check_number(ratio, "alpha_min_ratio", 0.0, 1.0, above=True)
    choice = check_rule(settings["rule"])
    kept = [check_flag(settings[f"keep_{name}"], f"keep_{name}")
            for name in ("predictions", "fold_paths")]  # fmt: skip
    stopping = check_stopping(settings)
    alphas = None if settings["alphas"] is None else check_alphas(settings["alphas"])
    n_alphas = check_count(settings["n_alphas"], "n_alphas", 1)
    data = check_data(X, y, **model)
    labels = None if data.classes is None else as_column(y, len(data.y))
    folds = make_folds(
        settings["cv"], X, data.y if labels is None else labels, settings["groups"], data.weights,
        labels,
    )  # fmt: skip
    scoring = get_scoring(
        settings["scoring"], data.family, data.classes, shown(X, data.X), metadata
    )
    weights = data.weights if scoring_weight is None else check_weights(scoring_weight, len(data.y))
    tested = [fold.test_weights(weights) for fold in folds]
    _check_tested(tested, choice, scoring)
    for fold, own in zip(folds, tested, strict=True):
        train = fold.train_weights(data.weights)
        check_training(
            data.y, data.family, train, data.classes, f"fold {fold.number}",
            "cv must leave every fold training rows of every class",
            "stratify the splits (as an integer cv does), use fewer of them",
        )  # fmt: skip
        if own.any():
            scoring.check(data.y[fold.test[own > 0.0]], fold.number)
    return Plan(
        data, ratios, gammas, folds, tested, scoring, choice, stopping, model, alphas, n_alphas,
        ratio, *kept,
    )  # fmt: skip


def _check_tested(tested: list[Floats], choice: Any, scoring: Scoring) -> None:
    """Refuse weights of held-out rows, one array for each fold, that leave nothing to choose by."""
    counted = [weights for weights in tested if weights.any()]
    if not counted:
        raise ValueError("cv must hold out rows of positive weight, got none in any fold")
    if choice == "1se" and len(counted) == 1:
        raise ValueError(ONE_FOLD)
    scoring.check_weights(counted)


def check_ratios(l1_ratio: Any, name: str = "l1_ratio") -> Floats:
    """Return the l1_ratios (R,), in the caller's order."""
    ratios = np.asarray(l1_ratio)
    if ratios.ndim > 1 or ratios.size == 0:
        raise ValueError(
            f"{name} must be a number in [0, 1] or a list of them, got shape {ratios.shape}"
        )
    found = [check_number(ratio, name, 0.0, 1.0) for ratio in np.atleast_1d(ratios)]
    if len(set(found)) < len(found):
        raise ValueError(f"{name} must not hold a number twice, got {found}")
    return np.array(found)


def check_gammas(relaxed: Any) -> Floats:
    """Return the values of gamma (G,) that `relaxed` stands for, ascending."""
    if isinstance(relaxed, bool | np.bool_):
        return np.array([0.0, 0.25, 0.5, 0.75, 1.0] if relaxed else [1.0])
    gammas = np.asarray(relaxed)
    if gammas.ndim != 1 or gammas.size == 0:
        raise ValueError(
            f"relaxed must be True, False or a list of numbers in [0, 1], got {relaxed!r}"
        )
    return np.unique([check_number(gamma, "relaxed", 0.0, 1.0) for gamma in gammas])
