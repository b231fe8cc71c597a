"""The quadratic model of a loss: its optimum by a naive twin, and how it is stretched."""

import numpy as np
import pytest
from test_family_paths import data

from riata.arguments import check_data
from riata.centring import centre
from riata.newton import NewtonSolver
from riata.problem import Problem

MODEL = {
    "l1_ratio": 0.8, "fit_intercept": True, "standardize": False, "sample_weight": None,
    "offset": None, "penalty_factor": None, "lower_bounds": None, "upper_bounds": None,
}  # fmt: skip


def solver_and_place(alpha):
    """Return a solver away from its optimum, the box at alpha, its members' coef, and what they
    see."""
    X, y = data("binomial", n=200, p=30)
    centred = centre(check_data(X, y, family="binomial", **MODEL), 1)
    problem = Problem(
        centred.design, centred.y, centred.data.family, centred.penalty, 1e-9, 1000
    )  # fmt: skip
    solver = NewtonSolver(problem)
    solver.solve(4.0 * alpha)
    solver.working.extend(np.flatnonzero(~solver.working.is_member))
    state = solver.state
    seen = solver._loss.expand(solver.working.panel, state.at, state.seen)
    box = problem.penalty.at(alpha).take(solver.working.members)
    return X, solver, box, state.coef[solver.working.members], seen


@pytest.mark.parametrize("stretch", [1.0, 0.7, 1.9])
def test_the_step_is_the_optimum_of_the_stretched_model(stretch):
    X, solver, box, coef, seen = solver_and_place(0.02)
    model, members = solver._model, solver.working.members
    model._stretch = stretch
    step = model.solve(coef, seen, model.slope(seen), box, 1e-15, 1000)
    h = model.working.panel.weights
    Z = X[:, members] - h @ X[:, members] / h.sum()
    l1, l2, _, _ = box
    H = Z.T @ (h[:, None] * Z) + np.diag(l2)
    u = solver.problem.design.weights * seen.at.pull
    slope = Z.T @ u - l2 * coef - stretch * H @ step.step
    moved = step.coef != 0.0
    assert 5 <= moved.sum() < len(coef)
    np.testing.assert_allclose(slope[moved], (l1 * np.sign(step.coef))[moved], atol=1e-10)
    assert (np.abs(slope[~moved]) <= l1[~moved] + 1e-10).all()
    shift = u.sum() / h.sum()
    np.testing.assert_allclose(step.bend, step.step @ H @ step.step + shift**2 * h.sum(), rtol=1e-8)


@pytest.mark.parametrize(("bends", "stretch"), [(1.3, 1.3), (0.9, 0.9), (5.0, 2.0), (-1.0, 0.5)])
def test_the_model_is_stretched_to_what_the_loss_did_within_reason(bends, stretch):
    _, solver, box, coef, seen = solver_and_place(0.02)
    step = solver._model.solve(coef, seen, solver._model.slope(seen), box, 1e-15, 1000)
    solver._model.learn(step, bends * step.bend - step.stiffness)
    assert solver._model._stretch == pytest.approx(stretch, rel=1e-12)
    solver._refresh(solver.state.at)
    assert solver._model._stretch == 1.0
    for bend, bent in ((0.0, 1.0), (1.0, np.nan), (np.inf, np.inf)):  # which say nothing
        solver._model.learn(step._replace(bend=bend), bent)
        assert solver._model._stretch == 1.0
