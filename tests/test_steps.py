"""Newton steps: the optimum of their model by a naive twin, how it is stretched, who stays."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from problems import FEW_STORAGES, weights

from riata.centring import centre
from riata.data import check_data
from riata.design import make_design
from riata.expansion import LossAlong
from riata.kernels.steps import LIMIT, UNMOVED, Steps
from riata.kernels.trips import Place, RoundTrip
from riata.penalty import Box
from riata.problem import Problem
from riata.working_set import WorkingSet

MODEL = {
    "l1_ratio": 0.8, "fit_intercept": True, "standardize": False, "offset": None,
    "penalty_factor": None, "lower_bounds": None, "upper_bounds": None,
}  # fmt: skip
n, p = 150, 24
FREE, MEMBERS = np.array([3, 9]), np.array([7, 0, 1, 12, 22, 5, 6, 11, 20, 15, 2])


def dense_columns(storage):
    """Return X in a storage, and what it holds as float64."""
    rng = np.random.default_rng(4)
    X = FEW_STORAGES[storage]((rng.random((n, p)) < 0.7) * rng.standard_normal((n, p)) + 0.3)
    return X, (X.toarray() if sp.issparse(X) else X).astype(float)


def place(storage="csc_array", family="binomial", free=FREE, l2=0.05, stretch=1.0):
    """Return steps that are about to begin away from any optimum, and all that is known there."""
    X, dense = dense_columns(storage)
    rng = np.random.default_rng(8)
    eta = dense[:, :6] @ rng.standard_normal(6)
    y = (eta + rng.logistic(size=n) > 0.0).astype(float)
    y = y if family == "binomial" else np.floor(2.0 * np.exp(0.3 * eta))
    w = weights(n)
    centred = centre(check_data(X, y, family=family, sample_weight=w, **MODEL), 1)
    problem = Problem(centred.design, centred.y, centred.data.family, centred.penalty, 1e-9, 1000)
    w = problem.design.weights
    coef, of_free = np.zeros(len(MEMBERS)), rng.standard_normal(len(free)) / 4
    coef[:4] = rng.standard_normal(4) / 4
    centred_eta = dense - w @ dense
    eta = 0.1 + centred_eta[:, free] @ of_free + centred_eta[:, MEMBERS] @ coef
    loss = LossAlong(problem)
    at = loss.at(eta)
    h = w * loss.at(0.5 * eta).curvature  # the curvature of an earlier point
    working = WorkingSet(problem.design, free, h)
    working.extend(MEMBERS)
    seen = loss.expand(working.panel, at)
    box = Box(*(np.full(len(MEMBERS), v) for v in (0.02, l2, -np.inf, np.inf)))
    steps = Steps(float(h.sum()), False, True, lambda: steps.taken > 0, 0.0, 1e-13, 3)
    steps.stretch = stretch
    Z = dense[:, np.concatenate([free, MEMBERS])]
    here = SimpleNamespace(**locals())

    def begin(trip):
        steps.begin(
            trip, working.active, working.gram, working.loads, working.space.inverse,
            working.panel.mean, problem.design.norm_sq[MEMBERS], box, coef, of_free, 0.1,
            working.sweep, 1000, 1.0, 1e9,
        )  # fmt: skip

    here.begin, here.Z = begin, Z - h @ Z / h.sum()
    here.H = here.Z.T @ (h[:, None] * here.Z)
    here.l2 = np.concatenate([np.zeros(len(free)), box.l2])
    return here


@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("stretch", [1.0, 0.8, 1.9])
def test_a_step_leads_to_the_optimum_of_the_stretched_model(storage, stretch):
    here = place(storage, stretch=stretch)
    trip = here.loss.round_trip(here.working.panel, here.seen)
    here.begin(trip)
    assert here.steps.descend(0.0, 1000)[0] == LIMIT
    assert here.steps.taken == here.steps.age == 1
    before = np.concatenate([here.of_free, here.coef])
    step = np.concatenate([here.steps.free_coef, here.steps.coef]) - before
    k = len(FREE)
    moved = here.steps.coef != 0.0
    assert 3 <= moved.sum() < len(MEMBERS)
    np.testing.assert_allclose(u_z(here)[:k] - here.H[:k] @ step, 0.0, atol=1e-12)
    loads = np.linalg.solve(here.H[:k, :k], here.H[:k, k:])
    schur = here.H[k:, k:] - here.H[k:, :k] @ loads
    slope = u_z(here)[k:] - loads.T @ u_z(here)[:k] - here.box.l2 * here.coef
    slope -= stretch * (schur + np.diag(here.box.l2)) @ step[k:]
    wanted = here.box.l1 * np.sign(here.steps.coef)
    np.testing.assert_allclose(slope[moved], wanted[moved], atol=1e-10)
    assert (np.abs(slope[~moved]) <= here.box.l1[~moved] + 1e-10).all()
    eta = here.loss.arrived(here.working.panel, trip).at.eta
    shift = (here.w @ here.at.pull) / here.h.sum()  # the mean under h of what moves
    counted = here.w > 0.0
    np.testing.assert_allclose(
        eta[counted], (here.at.eta + here.Z @ step + shift)[counted], atol=1e-12
    )  # fmt: skip


def u_z(here):
    """Return Z'u, (|Z| + |W|,)."""
    return here.Z.T @ (here.w * here.at.pull)


def bending(here, bends):
    """Return trips to a place where the loss has bent by so many times what the model thought."""
    z, bent = here.seen.z, here.seen.bent
    start = Place(np.array([here.at.eta] * 3), np.array([z, bent]), 1.0, here.seen.total, 1.0)

    @np.errstate(invalid="ignore")
    def call(step, offset):
        model = here.H @ step + here.l2 * step  # without the mean, which centring takes off
        there = z - bends * model + here.l2 * step
        total = here.seen.total * (1.0 - bends)
        there += here.working.panel.mean * (total - here.seen.total)
        return Place(np.zeros((3, n)), np.array([there, bent]), 0.0, total, 1.0)

    nothing = np.zeros((2, n))
    return RoundTrip(start, start, call, None, here.problem.y, here.w, nothing, 0.0)


@pytest.mark.parametrize(("bends", "stretch"), [(1.3, 1.3), (0.9, 0.9), (5.0, 2.0), (-1.0, 0.5)])
def test_the_model_is_stretched_to_what_the_loss_did_within_reason(bends, stretch):
    here = place()
    here.begin(bending(here, bends))
    here.steps.descend(0.0, 1000)
    assert here.steps.taken == 1
    assert here.steps.stretch == pytest.approx(stretch, rel=1e-9)
    here.steps.renew(1.0)
    assert here.steps.stretch == 1.0


@pytest.mark.parametrize("bends", [np.nan, np.inf])
def test_what_overflows_says_nothing_about_the_curvature(bends):
    here = place()
    here.begin(bending(here, bends))
    here.steps.descend(0.0, 1000)
    assert here.steps.taken == 1
    assert here.steps.stretch == 1.0


@pytest.mark.parametrize("loss", [1.0, np.nan, np.inf])
def test_a_step_that_gains_nothing_is_not_taken(loss):
    here = place()
    trip = bending(here, 1.0)
    worse = Place(np.zeros((3, n)), np.array([here.seen.z, here.seen.bent]), loss + 1.0)
    lengths = []

    def call(step, offset):
        lengths.append(np.abs(step).max())
        return worse

    start = trip.place
    here.begin(RoundTrip(start, start, call, None, here.problem.y, here.w, np.zeros((2, n)), 0.0))
    assert here.steps.descend(0.0, 1000)[0] == UNMOVED
    assert np.array_equal(here.steps.coef, here.coef)
    assert len(lengths) == 30  # halved down to 1e-9
    np.testing.assert_allclose(np.divide(lengths[:-1], lengths[1:]), 2.0)


@pytest.mark.parametrize("free", [[4, 11], []])
@pytest.mark.parametrize("left", [[0], [2, 17, 30], [5, 6, 7, 8, 9, 39]])
def test_who_stays_keeps_his_part_of_the_gram_matrix(free, left):
    rng = np.random.default_rng(1)
    w, h = np.full(60, 1 / 60), rng.random(60)
    design = make_design(rng.standard_normal((60, 50)), w, centred=True, n_threads=1)
    free = np.array(free, dtype=np.intp)
    members = rng.permutation(np.setdiff1d(np.arange(50), free))[:40]
    working, anew = WorkingSet(design, free, h), WorkingSet(design, free, h)
    working.extend(members)
    kept = np.setdiff1d(np.arange(40), left)
    places = working.retain(kept)
    anew.extend(members[kept])
    k = len(kept)
    np.testing.assert_allclose(working.gram[:k, :k], anew.gram[:k, :k], atol=1e-12)
    np.testing.assert_allclose(working.loads, anew.loads, atol=1e-12)
    assert np.array_equal(working.panel.members, anew.panel.members)
    assert np.array_equal(places, np.r_[np.arange(len(free)), len(free) + kept])
