"""The softmax, its curvature between columns, and conjugate gradients, against numpy."""

import numpy as np
import pytest

from riata.design.dense import DenseDesign
from riata.families import MultiGaussian, Multinomial
from riata.kernels import bends
from riata.rowwise import Rowwise
from riata.working_set import WorkingSet

EPS = np.finfo(float).eps
FAMILIES = [MultiGaussian(), Multinomial()]


def problem(n, p, K, dtype=np.float64, order="F", n_threads=1):
    rng = np.random.default_rng(n + p + K)
    X = np.array(2.0 + rng.standard_normal((n, p)), dtype=dtype, order=order)
    weights = rng.random(n) * (rng.random(n) < 0.9)
    design = DenseDesign(X, weights / weights.sum(), True, n_threads)
    eta = rng.standard_normal((n, K))
    mu = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    y = np.eye(K)[rng.integers(K, size=n)]
    return design, y, y - mu, rng


def curvature(family, mu):
    """Return f'' of every row, (n, K, K), naively."""
    K = mu.shape[1]
    if family.constant:
        return np.broadcast_to(np.eye(K), (len(mu), K, K))
    return np.array([np.diag(m) - np.outer(m, m) for m in mu])


def system(design, columns, mean, second):
    """Return the matrix of D.ravel() -> ([X_J, 1]' diag(w) f'' [X_J, 1] D).ravel(), naively."""
    X = design.X[:, columns].astype(float) - design.mean[columns] - mean
    X = np.hstack([X, np.ones((design.n, 1))])
    whole = np.einsum("i,ij,ikl,im->kjlm", design.weights, X, second, X, optimize=True)
    side = X.shape[1] * second.shape[1]
    return whole.reshape(side, side)


@pytest.mark.parametrize("shares", [True, False])
@pytest.mark.parametrize("scale", [1.0, 30.0, 2000.0])
@pytest.mark.parametrize("n", [1, 127, 128, 300])
def test_the_softmax_is_that_of_numpy(n, scale, shares):
    rng = np.random.default_rng(n)
    eta, weights = scale * rng.standard_normal((n, 5)), rng.random(n)
    y = rng.dirichlet(np.ones(5), size=n) if shares else np.eye(5)[rng.integers(5, size=n)]
    value, pull, curvature = Multinomial().evaluate(y, eta, weights)
    far = eta - eta.max(axis=1, keepdims=True)
    mu = np.exp(far) / np.exp(far).sum(axis=1, keepdims=True)
    loss = np.log(np.exp(far).sum(axis=1)) - (y * far).sum(axis=1)
    if shares:
        loss += (y * np.log(y)).sum(axis=1)
    assert value == pytest.approx(weights @ loss, rel=1e-13, abs=1e-13)
    assert np.abs(pull - (y - mu)).max() <= 20 * EPS
    assert np.abs(curvature - 2.0 * (mu * (1.0 - mu)).max(axis=1)).max() <= 40 * EPS


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("n", [1, 127, 300])
def test_bend_is_the_weighted_second_derivative(family, n):
    design, y, pull, rng = problem(n, 2, 5)
    d = rng.standard_normal((5, n))
    found = d.copy()
    family.bend(y, pull, design.weights)(found)
    expected = np.einsum("i,ikl,li->ki", design.weights, curvature(family, y - pull), d)
    assert np.abs(found - expected).max() <= 20 * EPS * design.weights.max() * np.abs(d).max()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("size", [0, 1, 9])
@pytest.mark.parametrize("with_gram", [True, False])
def test_product_is_that_of_the_matrices(family, dtype, order, size, with_gram):
    design, y, pull, rng = problem(700, 23, 3, dtype, order)
    h = rng.random(700)
    working = WorkingSet(design, np.empty(0, dtype=np.intp), design.weights * h)
    working.extend(rng.permutation(23)[:12])
    if not with_gram:
        working.give_up()
    some = rng.permutation(12)[:size]
    product = working.product(family.bend(y, pull, design.weights), some, 3)
    assert isinstance(product, bends.DenseProduct) == (order == "F")
    columns = working.members[some]
    mean = working.panel.mean[some] if with_gram else np.zeros(size)
    A = system(design, columns, mean, curvature(family, y - pull))
    D, out = rng.standard_normal((3, size + 1)), np.full((3, size + 1), np.nan)
    product(D, out)
    expected = (A @ D.ravel()).reshape(D.shape)
    assert np.abs(out - expected).max() <= 1e3 * EPS * max(1.0, np.abs(A).max())


def test_bits_of_a_product_do_not_depend_on_threads():
    outs = []
    for n_threads in (1, 2):
        design, y, pull, rng = problem(6000, 300, 3, n_threads=n_threads)
        bend = Multinomial().bend(y, pull, design.weights)
        product = design.product(np.arange(300), np.zeros(300), bend, 3)
        D, out = rng.standard_normal((3, 301)), np.empty((3, 301))
        product(D, out)
        outs.append(out)
    assert np.array_equal(*outs)


@pytest.mark.parametrize("grouped", [True, False])
def test_conjugate_gradients_solve_the_system_of_who_moves(grouped):
    design, y, pull, rng = problem(80, 6, 3)
    rows = rng.standard_normal((6, 3))
    rows[0] = 0.0
    rows[1, 1] = 0.0
    penalty = Rowwise(np.array([0.3, 0.2, 0.0, 0.1, 0.4, 0.2]), np.full(6, 0.05), grouped)
    moving, _, unit, stiff = penalty.smooth(rows)
    loss = system(design, np.arange(6), np.zeros(6), curvature(Multinomial(), y - pull))
    loss += 1e-3 * np.eye(21)  # one direction of the intercepts has no curvature
    A = loss.copy()

    def value(x):
        return penalty.value(x.reshape(6, 3))

    for j in range(6):  # the penalty's second derivative, by differences of its value
        for k in range(3):
            for m in range(3):
                if not (moving[j, k] and moving[j, m]):
                    continue
                e, f, h = np.zeros((6, 3)), np.zeros((6, 3)), 1e-4
                e[j, k] = f[j, m] = h
                second = value(rows + e + f) - value(rows + e - f)
                second += value(rows - e - f) - value(rows - e + f)
                A[7 * k + j, 7 * m + j] += second / (4.0 * h * h)
    moves = np.hstack([moving.T, np.ones((3, 1), dtype=bool)])
    moves = np.ascontiguousarray(moves, dtype=float)
    r = moves * rng.standard_normal((3, 7))

    def call(direction, out):
        out[:] = (loss @ direction.ravel()).reshape(out.shape)

    found = bends.conjugate_gradients(
        bends.Product(call), r.copy(), moves, np.ones((3, 7)), unit, stiff,
        penalty.l2, 1e-26, 200,
    )  # fmt: skip
    free = moves.ravel() > 0.0
    expected = np.zeros(21)
    expected[free] = np.linalg.solve(A[np.ix_(free, free)], r.ravel()[free])
    assert (found.ravel()[~free] == 0.0).all()
    assert np.abs(found.ravel() - expected).max() <= 1e-4 * np.abs(expected).max()


def test_conjugate_gradients_stop_where_nothing_bends():
    def flat(direction, out):
        out[:] = 0.0

    one = np.ones((2, 3))
    arguments = one, one, np.zeros((2, 2)), np.zeros(2), np.zeros(2), 1e-4, 30
    step = bends.conjugate_gradients(bends.Product(flat), one.copy(), *arguments)
    assert not step.any()
