"""Whole regularisation paths: fit_path."""

import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import check_flag
from .blas import one_blas_thread
from .centring import centre
from .data import check_data, check_targets
from .engine import Engine
from .exceptions import convergence_warning
from .grid import check_grid, with_bar
from .lane import Lane
from .problem import Problem
from .relaxed import LATE_REFITS, Refitter
from .responses import are_targets
from .result import RegularizationPath
from .stopping import check_rule
from .targets import fit_targets

Floats = NDArray[np.float64]


def fit_path(
    X: Any,
    y: Any,
    *,
    family: Any = "gaussian",
    alphas: Any = None,
    n_alphas: int = 100,
    alpha_min_ratio: float | None = None,
    l1_ratio: float = 1.0,
    fit_intercept: bool = True,
    standardize: bool = False,
    sample_weight: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    lower_bounds: Any = None,
    upper_bounds: Any = None,
    relaxed: bool = False,
    tol: float = 1e-6,
    max_iter: int = 10_000,
    max_time: float | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> Any:
    """Fit an elastic-net path, every point of it with a duality gap that bounds its error.

    For each alpha of a descending grid, minimise over b0 and b::

        (1 / sum_i s_i) sum_i s_i f(y_i, o_i + b0 + x_i'b)
            + alpha sum_j v_j ( l1_ratio u_j |b_j| + (1 - l1_ratio)/2 u_j^2 b_j^2 )

    subject to lower_j <= b_j <= upper_j, with u_j = 1, or the weighted standard deviation of
    feature j where ``standardize``.

    Parameters
    ----------
    X : array, data frame or sparse matrix of shape (n, p)
        float64 and float32 are read in place, dense in either order, CSR and CSC with int32 or
        int64 indices; never changed. Other dtypes and layouts are converted, at a copy's price. At
        most 1e140 in magnitude; the root mean square of each column is 0 or at least 1e-156.
    y : array of shape (n,) or (n, 1), of (n, K) for several responses
        Target: finite numbers that the family takes, or labels. For the gaussian family the
        columns of (n, m), m > 1, are targets of their own: m paths, which share what they read of
        X. The largest magnitude of each column is 0 or within 1e-140 and 1e140: rescale it where it
        is not.
    family : str or riata.families.Family
        The loss f, half the unit deviance: "gaussian" (half the squared error), "binomial" (y two
        labels of any kind, or proportions in [0, 1]), "poisson", "gamma", "tweedie" (log link),
        "huber", "squared_hinge", "multigaussian" (y of shape (n, K)), "multinomial" (K labels); or
        an object, ``Tweedie(power)``, ``Huber(delta)``, ``Multinomial(grouped)``, or a family of
        your own: see `riata.families`.
    alphas : float or array, optional
        Penalty strengths >= 0, in any order; they come back descending, without duplicates. 0 is
        least squares, of minimum norm where it is not unique, or maximum likelihood. Default:
        ``n_alphas`` numbers from `alpha_max` to ``alpha_min_ratio * alpha_max``, evenly spaced in
        their logarithm.
    n_alphas : int >= 1
        Length of the automatic grid.
    alpha_min_ratio : float in (0, 1], optional
        Default 1e-2 where n < p (rows of positive weight), else 1e-4.
    l1_ratio : float in [0, 1]
        1 is the lasso, 0 is ridge regression.
    fit_intercept : bool
        Whether b0 is fitted (never penalised) or 0.
    standardize : bool
        Whether the penalty acts on u_j b_j. Coefficients and bounds stay in X's own units.
    sample_weight : array of shape (n,), optional
        s >= 0. Weight k is the same as k copies, weight 0 the same as no row.
    offset : array of shape (n,), or of the shape of y, optional
        Known part o of the linear predictor, at most 1e140 in magnitude.
    penalty_factor : float or array of shape (p,), optional
        v >= 0, not rescaled. 0: not penalised. inf: left out, whatever alpha is.
    lower_bounds, upper_bounds : float or array of shape (p,), optional
        Bounds of the coefficients, lower <= 0 <= upper; default none. ``lower_bounds=0`` for
        non-negative coefficients. Of classes each one's coefficient has its feature's bounds; such
        features must be penalised, and `relaxed` False. Not where rows of coefficients enter
        together.
    relaxed : bool
        Whether to fit every support again without penalty (within the bounds): ``gamma`` of
        ``coef`` and ``predict`` then mixes the two fits, coefficient by coefficient, and so their
        linear predictors. A feature in the model of one class is fitted again for all of them.
    tol : float >= 0
        An alpha is done where its duality gap is at most ``tol`` times the objective of the null
        model (intercept and unpenalised features only).
    max_iter : int >= 1
        Most sweeps of coordinate descent, linear solves and iterations of conjugate gradients
        per alpha.
    max_time : float > 0, optional
        Seconds after which the path ends: what is not solved is NaN, with status "time_limit".
    n_threads : int >= 1, optional
        Default: the cores this process may use. Results do not depend on it.
    progress : bool
        Whether to show how far it is: a bar where tqdm is installed, else a count.

    Returns
    -------
    RegularizationPath
        MultiResponsePath for several responses or classes; for several gaussian targets a list of m
        RegularizationPath, each on the grid of its own `alpha_max` unless ``alphas`` is given.

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as above; the message names it.
    KeyboardInterrupt
        On Ctrl-C, with what was solved so far in its attribute ``path``; None where
        that was before the first alpha was begun (of several targets: in the list, for those that
        were not begun).

    Warns
    -----
    ConvergenceWarning
        Once, where an alpha ended above its tolerance.

    Notes
    -----
    About one pass over X per alpha, a Gram matrix of the working set, and coordinate descent in it.
    Memory beyond X: the Gram matrix (at most 4096 columns), a dozen numbers per row and column,
    and, for sparse X, the working set's columns. Of several targets at most 32 go side by side,
    fewer where Gram matrices of 2 n + 64 columns for each would take more than 512 MB.

    References
    ----------
    Friedman, Hastie, Tibshirani, J. Stat. Softw. 33(1), 2010, section 2 (descent, warm starts);
    Tibshirani et al., J. R. Stat. Soc. B 74(2), 2012, eq. 10 (strong rule); Fercoq, Gramfort,
    Salmon, ICML 2015, eq. 5 to 9 (gap).

    Examples
    --------
    >>> import numpy as np, riata
    >>> X = np.eye(3); y = np.array([3.0, 2.0, 1.0])
    >>> riata.fit_path(X, y, alphas=0.5, fit_intercept=False).coef(0.5)
    array([1.5, 0.5, 0. ])
    """
    return solve_path(several=True, **locals())


def solve_path(
    X: Any,
    y: Any,
    *,
    start: Floats | None = None,
    several: bool = False,
    counts_df: bool = True,
    **settings: Any,
) -> Any:
    """fit_path with every setting given, and coefficients (p,) to start from.

    several : whether y may hold several targets
    counts_df : whether somebody will ask for degrees of freedom
    """
    path, separated = None, False
    try:
        if several and are_targets(y, settings["family"]):
            path, stopped_by = _solve_targets(X, y, settings)
        else:
            path, stopped_by, separated = _solve(X, y, start, settings, counts_df)
        if stopped_by is not None:
            raise stopped_by
    except KeyboardInterrupt as stop:
        vars(stop)["path"] = path
        raise
    _warn(path if isinstance(path, list) else [path], separated)
    return path


@one_blas_thread()
def _solve(
    X: Any, y: Any, start: Floats | None, settings: dict[str, Any], counts_df: bool
) -> tuple[RegularizationPath, KeyboardInterrupt | None, bool]:
    """Return the path, as far as it went, what stopped it, and whether y was separated."""
    rule = check_rule(settings)
    relaxed = check_flag(settings["relaxed"], "relaxed")
    grid = check_grid(settings)
    data = check_data(X, y, **{name: settings[name] for name in MODEL})
    if start is not None:
        start = np.ascontiguousarray(start)
    centred = centre(data, rule.n_threads)
    centred.design.fetches = True  # nobody else reads X meanwhile
    problem = Problem(
        centred.design, centred.y, data.family, centred.penalty, rule.tol, rule.max_iter,
        rule.deadline, centred.offset,
    )  # fmt: skip
    engine = Engine(problem)
    alphas = grid.of(engine.alpha_max(), problem.design)
    if start is not None:
        engine.start_from(centred.take(start))
    lane = Lane(centred, engine)
    lane.engine.problem.counts_df = counts_df
    if relaxed:
        lane.refitter = Refitter(data.X, data, rule)
    stop = _run(lane, alphas, rule.progress)
    unsolved = "interrupted" if stop else "time_limit"
    path = lane.result(alphas, unsolved, {**model_of(settings), **rule.as_settings()})
    return path, stop, lane.separated


@one_blas_thread()
def _solve_targets(
    X: Any, y: Any, settings: dict[str, Any]
) -> tuple[Any, KeyboardInterrupt | None]:
    """Return the paths of the columns of y, as far as they went, and what stopped them."""
    model = model_of(settings)
    rule = check_rule(settings)
    relaxed = check_flag(settings["relaxed"], "relaxed")
    members = check_targets(X, y, **model)
    remembered = {**model, **rule.as_settings()}
    return fit_targets(
        members, rule, check_grid(settings), relaxed=relaxed, settings=remembered
    )  # fmt: skip


LATE = ["max_iter", "time_limit"]  # what is warned of
MODEL = (
    "family", "l1_ratio", "fit_intercept", "standardize", "sample_weight", "offset",
    "penalty_factor", "lower_bounds", "upper_bounds",
)  # fmt: skip


def model_of(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the model, for a path to remember: copies, the caller's may change."""
    model = {name: settings[name] for name in MODEL}
    return {name: value if name == "family" else deepcopy(value) for name, value in model.items()}


SEPARATED = (
    "features that nothing penalises fit y perfectly (they separate its classes), and may have no "
    "finite best coefficients: those returned leave less than a share 1e-9 of the loss; penalise "
    "them, or drop what gives y away"
)


def _run(lane: Lane, alphas: Floats, progress: bool) -> KeyboardInterrupt | None:
    """Solve alpha after alpha, until the grid, the caller's time or their patience ends."""
    lane.expect(alphas)
    try:
        for alpha in with_bar(alphas, progress):
            if lane.engine.problem.expired():
                break
            lane.step(float(alpha), last=alpha == alphas[-1])
    except KeyboardInterrupt as stop:
        return stop
    return None


def _warn(paths: list[RegularizationPath], separated: bool) -> None:
    """Say once what was separated, and how many alphas ended above their tolerance."""
    if separated:
        warnings.warn(SEPARATED, convergence_warning(), stacklevel=4)
    late = [
        (t, k) for t, path in enumerate(paths) for k in np.flatnonzero(np.isin(path.status, LATE))
    ]
    if len(late) == 0:
        refits = [path.relaxed_status for path in paths if path.relaxed_status is not None]
        if not separated and any((status == "max_iter").any() for status in refits):
            warnings.warn(LATE_REFITS, convergence_warning(), stacklevel=4)
        return
    t, k = late[0]
    path = paths[t]
    advice = {
        "max_iter": "raise max_iter, standardize X or use a larger alpha",
        "time_limit": "raise max_time or loosen tol",
    }[str(path.status[k])]
    of_target = f" of target {t}" if len(paths) > 1 else ""
    warnings.warn(
        f"{len(late)} of {sum(map(len, paths))} alphas ended above the tolerance, the first "
        f"at alpha={path.alphas[k]:.6g}{of_target} ({path.status[k]}): duality gap "
        f"{path.dual_gaps[k]:.3g}, wanted {path.tol * path.null_objective:.3g} "
        f"(tol={path.tol:g}); {advice}",
        convergence_warning(),
        stacklevel=4,
    )
