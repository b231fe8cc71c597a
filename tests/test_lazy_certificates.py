"""What is certified without being read must hold: no true correlation passes its bound."""

import numpy as np
import pytest
from certified import certified_fit, judge
from family_oracle import check_family_path
from problems import FEW_STORAGES, regression, weights

import riata
from riata.correlations import SHARE, Correlations
from riata.design import make_design
from riata.lazy_solver import LazySolver
from riata.newton import NewtonSolver

SETTINGS = {
    "lasso": {},
    "no intercept": {"fit_intercept": False},
    "elastic net": {"l1_ratio": 0.6},
    "standardised": {"standardize": True},
    "weights, some zero": {"sample_weight": weights},
    "non-negative": {"lower_bounds": 0.0},
    "bounds on some": {"upper_bounds": np.where(np.arange(600) % 2, 0.05, np.inf)},
    "factors": {"penalty_factor": 0.5 + np.arange(600) % 3},
    "a fine tolerance": {"tol": 1e-13},
}


@pytest.fixture
def violations(monkeypatch):
    """Compare z after every certificate with X'(w r), in numpy from the design's own X."""
    found, known, seen = [], {"claims": 0, "certified": 0, "problems": 0}, {}
    certify = {cls: cls.certify for cls in (LazySolver, NewtonSolver)}
    look_ahead = LazySolver._look_ahead

    def compare(self, box):
        design, y, z, skip = self.problem.design, self.problem.y, self._known.z, self.skip
        if id(design) not in seen:
            columns = [design.dot(np.array([j]), np.ones(1)) for j in range(design.p)]
            seen[id(design)] = design, np.column_stack(columns)
            known["problems"] += 1
        _, X = seen[id(design)]
        truth = X.T @ (design.weights * self.state.resid)
        rounding = 1e-13 * np.sqrt(design.norm_sq) * np.sqrt(design.weights @ y**2)
        held = (skip == 0) & (np.abs(z - truth) > rounding)  # estimates
        assert not held[self.working.members].any()
        assert not held[self._known.bounds.radius == 0.0].any()
        known["claims"] += int(np.sum(skip == 0))
        known["certified"] += int(held.sum())
        over = np.where(box.upper > 0, truth - box.l1, -np.inf)
        under = np.where(box.lower < 0, -truth - box.l1, -np.inf)
        found.extend(np.flatnonzero(held & (np.maximum(over, under) > rounding)))

    def checked(self, alpha, box):
        gap = next(certify[cls] for cls in certify if isinstance(self, cls))(self, alpha, box)
        if self._known is not None:
            compare(self, box)
        return gap

    def checked_ahead(self, alpha):
        found = look_ahead(self, alpha)
        if found:
            compare(self, self.problem.penalty.at(alpha))
        return found

    for cls in certify:
        monkeypatch.setattr(cls, "certify", checked)
    monkeypatch.setattr(LazySolver, "_look_ahead", checked_ahead)
    monkeypatch.setattr("riata.lookahead.AHEAD", 1)  # so that it ends at every alpha
    yield known
    assert not found, f"{len(found)} certified features violate: {found[:5]}"


@pytest.mark.parametrize(("n", "density", "least"), [(80, 0.5, 0.3), (300, 1.0, 0.2)])
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize("name", SETTINGS)
def test_no_certified_feature_violates_its_bound(violations, storage, name, n, density, least):
    """By a feature's last read, and with columns of 300 by its last two."""
    X, y = regression(n, 600, seed=141, density=density, correlation=0.5)
    settings = {
        key: value(n) if callable(value) else value for key, value in SETTINGS[name].items()
    }
    certified_fit(FEW_STORAGES[storage](X), y, n_alphas=25, **settings)
    if storage in ("Fortran order", "csc_array"):  # single columns are cheap
        assert violations["claims"] > 20 * 600
        assert violations["certified"] > least * violations["claims"]


def responses(family, eta):
    """Return the y of a family for linear predictors."""
    if family == "binomial":
        return (eta > np.median(eta)).astype(float)
    mean = np.exp(np.clip(eta, -2.0, 2.0))
    return {"poisson": np.floor(mean), "gamma": mean}.get(family, eta)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma", "huber"])
@pytest.mark.parametrize("storage", ["Fortran order", "csc_array"])
def test_no_certified_feature_violates_its_bound_under_other_losses(
    violations, storage, family, intercept
):
    X, eta = regression(80, 600, seed=145, density=0.5, correlation=0.5)
    y = responses(family, eta)
    settings = {"fit_intercept": intercept, "tol": 1e-8}
    path = riata.fit_path(
        FEW_STORAGES[storage](X), y, family=family, n_alphas=25, alpha_min_ratio=0.1, **settings
    )
    check_family_path(path, X, y, family, **settings)
    assert violations["certified"] > 0.1 * violations["claims"]


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
@pytest.mark.parametrize("storage", FEW_STORAGES)
@pytest.mark.parametrize(("n", "density"), [(75, 0.5), (300, 1.0)])
def test_no_certified_feature_violates_its_bound_in_a_fold(violations, storage, family, n, density):
    """Folds go down the grid together and share reads; each has its own weights and means."""
    X, eta = regression(n, 400, seed=148, density=density, correlation=0.5)
    y, fold, s = responses(family, eta), np.arange(n) % 3, 1.0 + np.arange(n) % 2
    model = {"standardize": n == 300, "tol": 1e-9}
    cv = riata.cross_validate(
        FEW_STORAGES[storage](X), y, family=family, cv=[(fold != k, fold == k) for k in range(3)],
        l1_ratio=[1.0, 0.7], n_alphas=12, alpha_min_ratio=0.1, keep_fold_paths=True,
        sample_weight=s, n_threads=1, **model,
    )  # fmt: skip
    for r, k in np.ndindex(2, 3):
        path = cv.fold_paths[r][k]
        own = {**model, "sample_weight": s * (fold != k), "l1_ratio": cv.l1_ratios[r]}
        if family == "gaussian":
            judge(path, X, y, alphas=cv.alphas[r], **own)
        else:
            check_family_path(path, X, y, family, **own)
    if storage in ("Fortran order", "csc_array"):
        assert violations["problems"] == 4  # the folds, and all data
        assert violations["certified"] > 0.1 * violations["claims"] > 0.1 * 2 * 4 * 10 * 400


@pytest.mark.parametrize("storage", ["Fortran order", "csc_array"])
@pytest.mark.parametrize(("n", "density"), [(75, 0.5), (300, 1.0)])
def test_no_certified_feature_violates_its_bound_for_many_targets(violations, storage, n, density):
    X, y = regression(n, 400, seed=149, density=density, correlation=0.5)
    Y = np.column_stack([np.roll(y, 7 * k) + X[:, k] for k in range(8)])
    paths = riata.fit_path(
        FEW_STORAGES[storage](X), Y, n_alphas=20, alpha_min_ratio=0.05, tol=1e-9, n_threads=1
    )
    for path, y in zip(paths, Y.T, strict=True):
        judge(path, X, y, n_alphas=20, alpha_min_ratio=0.05, tol=1e-9)
    assert violations["problems"] == 8
    assert violations["certified"] > 0.1 * violations["claims"] > 0.1 * 8 * 15 * 400


def test_near_duplicates_at_the_boundary_are_certified_or_read(violations):
    X, y = regression(50, 200, seed=142)
    rng = np.random.default_rng(0)
    X = np.hstack([X, X + 1e-7 * rng.standard_normal(X.shape), X])
    certified_fit(X, y, n_alphas=40)


@pytest.mark.parametrize("storage", ["Fortran order", "csc_array"])
def test_a_fine_grid_takes_few_passes(storage):
    X, y = regression(80, 3000, seed=143, correlation=0.0)
    path = certified_fit(FEW_STORAGES[storage](X), y, n_alphas=100)
    assert path.n_passes <= 30


def test_twice_as_many_alphas_take_hardly_more_passes():
    X, y = regression(80, 3000, seed=144, correlation=0.0)
    few = certified_fit(np.asfortranarray(X), y, n_alphas=50)
    many = certified_fit(np.asfortranarray(X), y, n_alphas=200)
    assert many.n_passes <= 2.0 * few.n_passes


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_tall_path_reads_X_twice(order):
    X, y = regression(3000, 40, seed=145)
    path = certified_fit(np.array(X, order=order), y, n_alphas=100)
    assert path.n_passes == 2.0


def test_rows_in_order_cost_a_tall_path_one_more_read():
    X, y = regression(3000, 10, seed=146)
    X[:, 3] = np.arange(3000) ** 3.0
    X[1500:, 4] += 1e6
    path = certified_fit(X, y)
    assert path.n_passes <= 3.0


@pytest.fixture
def known_of(monkeypatch):
    """Return the Correlations and the design of a fit without an intercept."""
    made, init = [], Correlations.__init__

    def noted(self, design, y, *rest):
        init(self, design, y, *rest)
        made.append((self, design))

    def fitted(X, y):
        riata.fit_path(np.asfortranarray(X), y, alphas=[1e9], fit_intercept=False)
        return made[-1]

    monkeypatch.setattr(Correlations, "__init__", noted)
    return fitted


@pytest.mark.parametrize("n", [50, 300])
@pytest.mark.parametrize("share", [1e-3, 1e-2, 1e-1])
def test_nearly_a_sum_of_residuals_that_are_nearly_alike(known_of, share, n):
    """Danger: rounding of what residuals differ by outweighs what is left of the feature."""
    X, y = regression(n, 1000, seed=150)
    rng = np.random.default_rng(2)
    X[:, 500:] = X[:, :500] + 1e-8 * rng.standard_normal((n, 500))
    known, design = known_of(X, y)
    y, size = y / np.sqrt(design.weights @ y**2), np.sqrt(design.norm_sq)
    for j in range(100):
        near = share * X[:, j] / size[j]
        for resid in (y + near, y + near + share**2 * X[:, (7 * j + 1) % 100], rng.normal(size=n)):
            known.move(resid, float(design.weights @ resid**2))
            truth, length = X.T @ (design.weights * resid), np.sqrt(design.weights @ resid**2)
            rounding = 1e-14 * size * length
            assert (np.abs(known.z - truth) <= known.bounds.radius + rounding).all()
            if length < 2.0:
                known.take_all(truth)


def test_two_residuals_that_were_read_at_once_bound_the_next(known_of):
    n, p = 300, 1000
    X, y = regression(n, p, seed=152)
    known, design = known_of(X, y)
    rng, bounds, w = np.random.default_rng(4), known.bounds, design.weights
    zero, far, some_read = np.zeros(p), np.full(p, np.inf), 0
    resid, drift = y.copy(), 0.03 * y.std() * rng.standard_normal((2, n))
    known.take_all(X.T @ (w * y))
    for k in range(30):
        resid = resid + np.cos(0.3 * k) * drift[0] + np.sin(0.3 * k) * drift[1]
        known.move(resid, float(w @ resid**2))
        truth = X.T @ (w * resid)
        rounding = 1e-14 * np.sqrt(design.norm_sq * (w @ resid**2))
        assert (np.abs(known.z - truth) <= bounds.radius + rounding).all()
        before = design.n_passes
        bounds.penalise(np.full(p, np.quantile(np.abs(truth), 0.9)), zero, -far, far)
        bounds.settle(1.0)
        some_read += 0.0 < design.n_passes - before < 0.5
        assert (np.abs(known.z - truth) <= bounds.radius + rounding).all()
    assert some_read >= 10


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("p", [8191, 16384, 24605])
def test_lists_of_many_features_hold_those_above_the_threshold_and_no_others(p, n_threads):
    """They are made in parts, of 2^13 features and more."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, p), dtype=np.float32), rng.standard_normal(300)
    X = np.asfortranarray(X)
    design = make_design(X, np.full(300, 1 / 300), centred=False, n_threads=n_threads)
    skip, member = (rng.random(p) < 0.1).astype(np.uint8), rng.random(p) < 0.1
    known = Correlations(design, y, y @ y / 300, design.transpose_dot(y / 300), skip, member)
    bounds, zero, far = known.bounds, np.zeros(p), np.full(p, np.inf)
    for k in range(60):  # more residuals than there is room for: some features forget theirs
        resid = y + 0.02 * (k + 1) * rng.standard_normal(300)
        known.move(resid, resid @ resid / 300)
        truth = X.T @ resid / 300.0
        assert (np.abs(known.z - truth) <= bounds.radius + 1e-12).all()
        l1 = np.full(p, np.quantile(np.abs(truth), 0.95))
        bounds.penalise(l1, zero, -far, far)
        bounds.hear(1.0)
        loud = (np.abs(known.z) + bounds.radius > l1) & (skip == 0) & ~member
        assert set(bounds.loud) == set(np.flatnonzero(loud))
        bounds.guess(1.0, np.inf, 1.0)
        listed = (np.abs(known.z) > 0.8 * l1) & (skip == 0) & ~member
        np.testing.assert_array_equal(bounds.near()[0], np.flatnonzero(listed))
        known.refresh(rng.choice(p, 200, replace=False))


def test_short_columns_forget_the_residual_of_the_fewest_features(known_of):
    """No slot is held for the residual before, which nobody keeps there."""
    X, y = regression(50, 300, seed=151)
    known, design = known_of(X, y)
    rng, bounds = np.random.default_rng(3), known.bounds
    kept = int(SHARE * 300)  # residuals
    for some in np.array_split(np.arange(200), kept - 1) + [np.array([299]), np.array([298])]:
        resid = rng.standard_normal(50)
        known.move(resid, float(design.weights @ resid**2))
        known.reread(some)
    assert (bounds.pair[:200] > 0).all()
    assert bounds.pair[299] == 0


def test_a_feature_whose_last_read_makes_room_is_read_again(known_of):
    X, y = regression(50, 300, seed=147)
    known, design = known_of(X, y)
    rng = np.random.default_rng(1)
    for j in range(200):  # far more than residuals are kept: every read takes an older one's place
        resid = rng.standard_normal(50)
        known.move(resid, float(design.weights @ resid**2))
        known.take(np.arange(300), np.zeros(300))  # not exact enough, for want of a read
        some = np.array([j, (j * j) % 300, max(j - 31, 0)])
        known.reread(some)
        truth = X[:, some].T @ (design.weights * resid)
        assert np.abs(known.z[some] - truth).max() <= 1e-13


def test_who_joins_goes_by_where_z_leads(known_of):
    """z at the next alpha is taken from the last two, in proportion to the ways between them, where
    a feature was near the threshold at both."""
    n, p = 60, 400
    X, y = regression(n, p, seed=153)
    known, design = known_of(X, y)
    bounds, w = known.bounds, design.weights
    away, level = np.random.default_rng(6).standard_normal(n), np.full(p, 0.05)
    bounds.penalise(level, np.zeros(p), np.full(p, -np.inf), np.full(p, np.inf))
    ways = [(4.0, 3.0, 0.0), (3.0, 2.0, 1.0), (2.0, 1.5, 0.5), (1.5, 0.1, 2.0)]  # at most twice
    near_before: set[int] = set()
    for here, (last, alpha, way) in enumerate(ways):
        resid = y + here * away
        z, then = (X.T @ (w * (y + t * away)) for t in (here, here + way))
        known.move(resid, float(w @ resid**2))
        known.take_all(z)
        bounds.guess(1.0, last, alpha)
        index, urgency = bounds.near()
        followed = np.isin(index, list(near_before))
        expected = np.abs(np.where(followed, then[index], z[index])) / 0.05
        np.testing.assert_allclose(urgency, expected, rtol=1e-10)
        assert here == 0 or 100 < followed.sum() < len(index) < p
        near_before = set(index)
        bounds.hear(1.0)  # which asks about here
        index, urgency = bounds.near()
        np.testing.assert_allclose(urgency, np.abs(z[index]) / 0.05, rtol=1e-10)
