"""Work after time is up, in counted pieces: there is hardly any, and what is returned says so.

The clocks of these tests strike when so much work has been done, whatever it took.
"""

import math
import warnings

import numpy as np
import pytest
from family_oracle import FamilyProblem
from problems import FEW_STORAGES, regression
from test_family_paths import EACH_FAMILY
from test_family_paths import data as of_size

import riata
from riata import newton, ridge, row_space
from riata.newton import NewtonSolver
from riata.problem import OutOfTime, Problem
from riata.relaxed import Refitter
from riata.ridge import RidgeSolver

LONG = {"max_time": 1e6}  # there is a clock
WIDE, OF_WIDE = regression(30, 1100, seed=301)  # five parts of a row Gram matrix


def data(family):
    """Return rows enough that no features fit them perfectly."""
    return of_size(family, n=150, p=12)


def loss_of(X, y, family, coef, intercept):
    problem = FamilyProblem(X, y, family)
    return problem.w @ problem.loss(problem.o + intercept + X @ coef)


class Work:
    """Counts calls of functions; time is up when those of one kind have been `enough`."""

    def __init__(self, monkeypatch):
        self._monkeypatch, self.made = monkeypatch, {}
        monkeypatch.setattr(Problem, "expired", lambda problem: self.over)
        self.ends("nothing", math.inf)

    @property
    def over(self):
        return self.made.get(self._kind, 0) >= self._enough

    def ends(self, kind, enough):
        self._kind, self._enough = kind, enough

    def count(self, owner, name):
        """Count the calls of owner.name from now on."""
        call = getattr(owner, name)
        self.made[name] = 0

        def counted(*args, **kwargs):
            self.made[name] += 1
            return call(*args, **kwargs)

        self._monkeypatch.setattr(owner, name, counted)


@pytest.fixture
def work(monkeypatch):
    return Work(monkeypatch)


def quietly(call, *args, **settings):
    """Return call(...), which is expected to warn that it is late."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", riata.exceptions.convergence_warning())
        return call(*args, **settings, **LONG)


@EACH_FAMILY
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_fit_without_penalty_ends_with_its_step(work, family, steps):
    """Danger: a hundred steps that did not move, each with a certificate, and "max_iter"."""
    X, y = data(family)
    best = riata.fit_path(X, y, family=family, alphas=[0])
    for owner, name in ((NewtonSolver, "_descend"), (newton, "dual_of"), (Problem, "lifted")):
        work.count(owner, name)
    work.ends("_descend" if steps else "lifted", steps or 1)
    path = quietly(riata.fit_path, X, y, family=family, alphas=[0])
    assert work.made["_descend"] == steps
    assert work.made["dual_of"] <= 2
    assert list(path.status) == ["time_limit"]
    late, least = (
        loss_of(X, y, family, found.coef(0), found.intercepts[0]) for found in (path, best)
    )
    assert late >= least * (1 - 1e-12)
    assert late - least <= path.dual_gaps[0] * (1 + 1e-9) + 1e-12
    null = FamilyProblem(X, y, family).null_objective()
    np.testing.assert_allclose(path.deviance_ratio, 1.0 - late / null, atol=1e-9)


@EACH_FAMILY
def test_a_null_model_that_is_not_finished_solves_nothing(work, family):
    X, y = data(family)
    work.count(NewtonSolver, "_descend")
    work.ends("_descend", 1)
    factor = np.r_[np.zeros(8), np.ones(4)]
    path = quietly(riata.fit_path, X, y, family=family, penalty_factor=factor)
    assert work.made["_descend"] == 1
    assert set(path.status) == {"time_limit"}
    assert np.isnan(path.intercepts).all()
    assert np.isnan(path.dual_gaps).all()


def test_a_fit_without_penalty_makes_no_certificate_on_its_way(work):
    X, y = data("binomial")
    work.count(NewtonSolver, "_descend")
    work.count(newton, "dual_of")
    path = riata.fit_path(X, y, family="binomial", alphas=[0])
    assert set(path.status) == {"converged"}
    assert work.made["_descend"] >= 3
    assert work.made["dual_of"] <= 3  # of the path's null model, of the fit, and from scratch


def test_a_path_on_which_nothing_is_penalised_is_fitted_once(work):
    X, y = data("binomial")
    work.count(NewtonSolver, "_fit_null_model")
    free = np.zeros(X.shape[1])
    path = riata.fit_path(X, y, family="binomial", penalty_factor=free, alphas=[0])
    assert work.made["_fit_null_model"] == 1
    same = riata.fit_path(X, y, family="binomial", alphas=[0])
    np.testing.assert_array_equal(path.coefs.toarray(), same.coefs.toarray())


@EACH_FAMILY
def test_refits_end_with_their_path(work, family):
    X, y = data(family)
    settings = {"family": family, "relaxed": True, "n_alphas": 8, "alpha_min_ratio": 0.1}
    work.count(NewtonSolver, "_descend")
    full = quietly(riata.fit_path, X, y, **settings)
    assert set(full.relaxed_status) == {"converged"}
    enough, work.made["_descend"] = work.made["_descend"] // 2, 0
    work.ends("_descend", enough)
    path = quietly(riata.fit_path, X, y, **settings)
    assert work.made["_descend"] <= enough + 1  # a try that does not move
    assert path.relaxed_status[-1] == path.status[-1] == "time_limit"
    assert set(path.relaxed_status) <= {"converged", "time_limit"}
    for alpha in path.alphas[path.relaxed_status == "converged"]:
        late, least = (
            loss_of(X, y, family, found.coef(alpha, 0.0), found.intercept(alpha, 0.0))
            for found in (path, full)
        )
        assert late <= least * (1 + 2 * path.tol)


def test_a_refit_ends_when_it_is_stopped(monkeypatch):
    """Danger: Ctrl-C in one fold, while another makes a fit that has a clock of its own."""
    X, y = data("poisson")
    seen = []
    fit = Refitter.fit

    def stopped(self, index):
        self.deadline = -math.inf
        seen.append(fit(self, index).status)
        return self.last

    monkeypatch.setattr(Refitter, "fit", stopped)
    quietly(riata.fit_path, X, y, family="poisson", relaxed=True, n_alphas=4)
    assert set(seen) == {"time_limit"}


def test_the_problem_without_penalty_is_stopped_with_the_whole_one():
    X, y = data("binomial")
    found = []
    lifted = Problem.lifted

    def kept(problem):
        found.extend([problem, lifted(problem)])
        return found[1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Problem, "lifted", kept)
        riata.fit_path(X, y, family="binomial", alphas=[0])
    whole, rest = found
    assert not rest.expired()
    whole.deadline = -math.inf
    assert rest.expired()
    with pytest.raises(OutOfTime):
        rest.look()


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("stalled", [False, True])
def test_time_is_named_before_iterations(left, stalled):
    some = object.__new__(Problem)
    some.deadline = -math.inf
    assert some.verdict(1.0, 1e-6, 1e-12, left, stalled=stalled) == "time_limit"
    assert some.verdict(1e-7, 1e-6, 1e-12, left, stalled=stalled) == "converged"


# -- ridge ---------------------------------------------------------------------------------------

RIDGE = {"l1_ratio": 0, "n_alphas": 6, "n_threads": 1}


@pytest.mark.parametrize("parts", range(1, 6))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_gram_matrix_is_left_between_its_parts(work, dtype, parts):
    X = WIDE.astype(dtype)
    kind = "add_row_gram"
    work.count(riata.design.DenseDesign, kind)
    work.count(ridge, "eigh")
    work.ends(kind, parts)
    path = quietly(riata.fit_path, X, OF_WIDE, **RIDGE)
    assert work.made == {kind: parts, "eigh": 0}
    assert set(path.status) == {"time_limit"}
    assert np.isnan(path.df).all()
    limited = quietly(riata.cross_validate, X, OF_WIDE, cv=4, **RIDGE)
    assert work.made == {kind: parts, "eigh": 0}
    assert set(limited.status.ravel()) == {"time_limit"}
    assert np.isnan(limited.scores).all()


@pytest.mark.parametrize("n_threads", [1, 2])
def test_no_fold_decomposes_after_another_took_all_the_time(work, n_threads):
    work.count(ridge, "eigh")
    work.ends("eigh", 1)
    limited = quietly(
        riata.cross_validate, WIDE, OF_WIDE, cv=5, **{**RIDGE, "n_threads": n_threads}
    )
    assert work.made["eigh"] <= n_threads
    assert set(limited.status.ravel()) == {"time_limit"}


@pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
def test_columns_that_are_few_are_not_decomposed_either(work, store):
    X, y = regression(60, 20, seed=302)
    work.count(ridge, "eigh")
    work.count(RidgeSolver, "_take_factor")
    work.ends("_take_factor", 1)
    path = quietly(riata.fit_path, store(X), y, **RIDGE)
    assert work.made["eigh"] == 0
    assert set(path.status) == {"time_limit"}


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("parts", [1, 3, 5])
def test_newton_in_rows_is_left_before_its_factor(work, family, parts):
    X, y = 0.1 * WIDE, np.random.default_rng(0).poisson(1.0, len(WIDE))
    y = np.minimum(y, 1) if family == "binomial" else y
    kind = "add_row_gram"
    work.count(riata.design.DenseDesign, kind)
    work.count(row_space, "Cholesky")
    work.ends(kind, parts)
    path = quietly(riata.fit_path, X, y, family=family, **RIDGE)
    assert work.made == {kind: parts, "Cholesky": 0}
    late = path.status == "time_limit"
    assert late[-1]
    assert (np.isnan(path.df[late]) | (path.df[late] == 0.0)).all()  # nobody is in the model


def test_a_row_gram_matrix_that_was_left_is_made_anew():
    """Danger: half a matrix that is taken for the whole."""
    design = riata.design.DenseDesign(WIDE, np.full(30, 1 / 30), True, 1)
    everybody, l2 = np.arange(1100), np.ones(1100)
    calls = []

    def look():
        calls.append(1)
        if len(calls) == 2:
            raise OutOfTime

    rows = row_space.RowSpace(design, everybody[:0], look)
    with pytest.raises(OutOfTime):
        rows.hold(everybody, l2)
    again = row_space.RowSpace(design, everybody[:0])
    for some in (rows, again):
        assert some.hold(everybody, l2) == 1.0
    h = design.weights
    assert rows.trace(h, 1.0) == again.trace(h, 1.0)


@pytest.mark.parametrize("store", FEW_STORAGES.values(), ids=FEW_STORAGES)
def test_parts_of_a_row_gram_matrix_make_the_whole(store):
    weights = np.linspace(1.0, 2.0, 30) / 45.0
    design = riata.design.make_design(store(WIDE), weights, centred=True, n_threads=1)
    some, scale = np.arange(3, 1090), np.linspace(0.5, 1.5, 1087)
    out = np.zeros((30, 30))
    row_space.add_row_gram(design, out, some, scale, -1.0, lambda: None)
    whole = design.row_gram(some, scale)
    np.testing.assert_allclose(np.tril(out), -np.tril(whole), atol=1e-12 * np.abs(whole).max())


def test_no_lane_begins_an_alpha_when_time_is_up(work):
    X, y = data("poisson")
    work.count(riata.lane.Lane, "step")
    work.ends("step", 8)  # of six lanes: in the second row
    limited = quietly(riata.cross_validate, X, y, family="poisson", cv=5, n_threads=1)
    assert work.made["step"] == 8
    done = limited.status != "time_limit"
    assert done[0, 0].all()
    assert not done[0, 1:].any()
    assert np.isnan(limited.scores[0, 1:]).all()
