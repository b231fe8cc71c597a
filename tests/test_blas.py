"""BLAS has one thread while riata works, and afterwards what it had; no bit depends on that."""

import re
import subprocess
import sys
import threading

import numpy as np
import pytest
import scipy.sparse as sp
from problems import regression
from threadpoolctl import ThreadpoolController, threadpool_limits

import riata
from riata.engine import Engine
from riata.estimators import RidgeCV

X, Y = regression(40, 12, seed=7)
LABELS = (np.median(Y) < Y).astype(int)
CLASSES = np.digitize(Y, np.quantile(Y, [0.3, 0.6]))
LIBRARIES = ThreadpoolController().select(user_api="blas").lib_controllers
PATIENCE = 60.0  # seconds, before a test that waits for another thread gives up

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="threadpoolctl knows no BLAS here")


def threads():
    """Return how many threads each BLAS has now."""
    return [library.get_num_threads() for library in LIBRARIES]


def set_threads(counts):
    """Give each BLAS as many threads, whoever has done so before.

    From threadpoolctl 3.8 on, what set OpenBLAS's first is the only thread that may, until it ends.
    """
    for library, count in zip(LIBRARIES, counts, strict=True):
        forget = getattr(library, "clear_controlling_thread", lambda force: None)
        forget(force=True)
        library.set_num_threads(count)
        forget(force=True)


ONE = [1] * len(LIBRARIES)
OWN = list(range(2, 2 + len(LIBRARIES)))  # every library another number


@pytest.fixture(autouse=True)
def several_threads():
    """Give every BLAS a number of threads of its own, and look at that again afterwards."""
    before = threads()
    set_threads(OWN)
    assert threads() == OWN
    yield
    after = threads()
    set_threads(before)
    assert after == OWN


@pytest.fixture
def seen(monkeypatch):
    """Return a list that grows by the numbers of threads wherever something is solved or judged."""
    found = []

    def watch(owner, name):
        function = getattr(owner, name)

        def watched(*arguments, **settings):
            found.append(threads())
            result = function(*arguments, **settings)
            found.append(threads())
            return result

        monkeypatch.setattr(owner, name, watched)

    watch(Engine, "__init__")
    watch(Engine, "solve")
    watch(riata.judge, "centre")
    return found


def extended():
    path = riata.fit_path(X, Y, n_alphas=4)
    return path.extend(X, Y, [0.5 * path.alphas[-1]])


CALLS = {
    "lasso": lambda: riata.fit_path(X, Y, n_alphas=4),
    "ridge": lambda: riata.fit_path(X, Y, l1_ratio=0.0, n_alphas=4),
    "sparse": lambda: riata.fit_path(sp.csc_array(X), Y, n_alphas=4),
    "several targets": lambda: riata.fit_path(X, np.column_stack([Y, -Y]), n_alphas=4),
    "binomial": lambda: riata.fit_path(X, LABELS, family="binomial", n_alphas=4),
    "multinomial": lambda: riata.fit_path(X, CLASSES, family="multinomial", n_alphas=4),
    "relaxed": lambda: riata.fit_path(X, Y, n_alphas=4, relaxed=True),
    "extended": extended,
    "alpha_max": lambda: riata.alpha_max(X, Y),
    "duality_gap": lambda: riata.duality_gap(X, Y, np.zeros(12), 0.0, 0.1),
    "cross_validate": lambda: riata.cross_validate(X, Y, cv=3, n_alphas=4),
    "stability_selection": lambda: riata.stability_selection(X, Y, n_pairs=2, n_alphas=4),
    "RidgeCV": lambda: RidgeCV([0.1, 1.0]).fit(X, Y),
    "RidgeCV of folds": lambda: RidgeCV([0.1, 1.0], cv=3).fit(X, Y),
    "Lasso": lambda: riata.estimators.Lasso(0.1).fit(X, Y),
    "LassoCV": lambda: riata.estimators.LassoCV(cv=3, alphas=4).fit(X, Y),
    "LogisticRegression": lambda: riata.estimators.LogisticRegression().fit(X, CLASSES),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_one_thread_while_riata_works_and_as_many_as_before_afterwards(call, seen):
    call()
    assert threads() == OWN
    assert len(seen) >= 2
    assert all(counts == ONE for counts in seen)


@pytest.mark.parametrize("call", [CALLS["ridge"], CALLS["cross_validate"]])
def test_one_thread_stays_one_thread(call, seen):
    with threadpool_limits(1, user_api="blas"):
        call()
        assert threads() == ONE
    assert threads() == OWN
    assert all(counts == ONE for counts in seen)


def scored(scoring):
    """Cross-validate with a scorer that calls `scoring`."""

    def score(estimator, rows, y, **weighted):
        scoring()
        return -float(np.mean((y - estimator.predict(rows)) ** 2))

    return riata.cross_validate(X, Y, cv=3, alphas=[0.1], scoring=score, n_threads=1)


def test_a_call_within_a_call_ends_nothing():
    """Danger: the inner call gives BLAS its threads back, or remembers one as what there was."""
    seen = []

    def nested():
        seen.append(threads())
        riata.fit_path(X, Y, l1_ratio=0.0, n_alphas=3)
        seen.append(threads())

    scored(nested)
    assert len(seen) == 6
    assert all(counts == ONE for counts in seen)
    assert threads() == OWN


class Guest:
    """A call on a thread of its own, that waits within until it may leave; the thread lives on."""

    def __init__(self):
        self.inside, self.leave, self.left, self.end = (threading.Event() for _ in range(4))
        self.seen, self.error = [], None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            scored(self.wait)
        except BaseException as error:
            self.error = error
        self.left.set()
        self.end.wait(PATIENCE)

    def wait(self):
        self.seen.append(threads())
        self.inside.set()
        assert self.leave.wait(PATIENCE)
        self.seen.append(threads())

    def come(self):
        self.thread.start()
        assert self.inside.wait(PATIENCE)

    def go(self):
        self.leave.set()
        assert self.left.wait(PATIENCE)
        assert self.error is None


@pytest.fixture
def guests():
    """Return two of them, who are gone afterwards."""
    invited = Guest(), Guest()
    yield invited
    for guest in invited:
        guest.leave.set()
        guest.end.set()
        if guest.thread.ident is not None:
            guest.thread.join(PATIENCE)


@pytest.mark.parametrize("first_to_leave", [0, 1])
def test_the_last_of_several_threads_to_leave_restores(guests, first_to_leave):
    """Danger: one thread as it was for the second to come, for ever; or many under the last."""
    for guest in guests:
        guest.come()
        assert threads() == ONE
    guests[first_to_leave].go()
    assert threads() == ONE
    guests[1 - first_to_leave].go()
    assert threads() == OWN
    assert all(counts == ONE for guest in guests for counts in guest.seen)


def test_another_thread_that_outlasts_the_main_one_restores(guests):
    guest = guests[0]
    scored(lambda: None if guest.inside.is_set() else guest.come())
    assert threads() == ONE
    guest.go()
    assert threads() == OWN
    assert all(counts == ONE for counts in guest.seen)


def test_a_call_on_another_thread_after_one_on_the_main_one_has_one_thread_too(guests):
    """Danger: who set the number first is the only one who may."""
    riata.fit_path(X, Y, n_alphas=3)
    guests[0].come()
    assert threads() == ONE
    guests[0].go()
    assert threads() == OWN
    assert all(counts == ONE for counts in guests[0].seen)


def test_others_may_set_the_number_once_riata_is_done():
    """Danger: who set the number first is the only one who may."""
    riata.fit_path(X, Y, n_alphas=3)
    seen = []

    def limited():
        with threadpool_limits(1, user_api="blas"):
            seen.append(threads())

    other = threading.Thread(target=limited)
    other.start()
    other.join(PATIENCE)
    assert seen == [ONE]
    assert threads() == OWN


def test_threads_that_come_and_go_leave_everything_as_it_was():
    errors = []

    def work():
        try:
            for _ in range(20):
                riata.fit_path(X, Y, alphas=[0.1])
                riata.duality_gap(X, Y, np.zeros(12), 0.0, 0.1)
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert not errors
    assert not any(worker.is_alive() for worker in workers)
    assert threads() == OWN


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_ends_a_call_early_restores(error):
    def stop():
        assert threads() == ONE
        raise error("enough")

    with pytest.raises(error):
        scored(stop)
    assert threads() == OWN
    scored(lambda: None)
    assert threads() == OWN


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["lasso", "ridge", "binomial", "RidgeCV", "stability_selection"])
def test_what_ends_a_fit_early_restores(error, name, monkeypatch):
    def stop(*arguments, **settings):
        assert threads() == ONE
        raise error("enough")

    monkeypatch.setattr(Engine, "solve", stop)
    with pytest.raises(error):
        CALLS[name]()
    assert threads() == OWN


@pytest.mark.parametrize(
    "call",
    [
        lambda: riata.fit_path(X, Y[:-1]),
        lambda: riata.alpha_max(X, Y, l1_ratio=2.0),
        lambda: riata.duality_gap(X, Y, np.zeros(3), 0.0, 0.1),
        lambda: riata.cross_validate(X, Y, cv=1),
        lambda: riata.stability_selection(X, Y, threshold=0.1),
    ],
    ids=["fit_path", "alpha_max", "duality_gap", "cross_validate", "stability_selection"],
)
def test_a_wrong_argument_restores(call):
    with pytest.raises(ValueError):
        call()
    assert threads() == OWN


FORKED = """
import os, sys
import numpy as np, riata
from threadpoolctl import ThreadpoolController

libraries = ThreadpoolController().select(user_api="blas").lib_controllers
for library in libraries:
    library.set_num_threads(2)

def threads():
    return [library.get_num_threads() for library in libraries]

rng = np.random.default_rng(0)
X, y = rng.standard_normal((30, 5)), rng.standard_normal(30)

def score(estimator, rows, y_true, **weighted):
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        return 0.0
    try:
        print("child", set(threads()), flush=True)
        riata.fit_path(X, y, l1_ratio=0.0, n_alphas=3)
        print("afterwards", set(threads()), flush=True)
    finally:
        os._exit(0)

riata.cross_validate(X, y, cv=[(np.arange(20), np.arange(20, 30))], alphas=[0.1], scoring=score)
print("parent", set(threads()))
"""


@pytest.mark.skipif(not hasattr(sys.modules["os"], "fork"), reason="nothing forks here")
def test_a_process_that_forks_within_a_call_leaves_a_child_with_its_threads():
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert re.findall(r"(\w+) (\{.*\})", done.stdout) == [
        ("child", "{2}"), ("afterwards", "{2}"), ("parent", "{2}"),
    ]  # fmt: skip


# -- bits ----------------------------------------------------------------------------------------


def large(n, p):
    """Return X and y of a size that BLAS would share out among threads."""
    rng = np.random.default_rng(3)
    A = rng.standard_normal((n, p)) + rng.standard_normal((n, 1))
    return A, A[:, :5] @ rng.standard_normal(5) + rng.standard_normal(n)


TALL, TALL_Y = large(900, 300)
WIDE, WIDE_Y = large(150, 500)


def path_bits(*arguments, **settings):
    path = riata.fit_path(*arguments, **settings)
    parts = path.coefs if isinstance(path.coefs, list | tuple) else [path.coefs]
    values = [path.intercepts, path.dual_gaps, path.df, path.deviance_ratio, path.n_iter]
    return [part.toarray() for part in parts] + [np.asarray(value) for value in values]


def ridge_cv_bits(A, y, **settings):
    model = RidgeCV(np.geomspace(0.1, 1e3, 8), **settings).fit(A, y)
    return [model.coef_, model.intercept_, model.alpha_, model.best_score_]


def thirds(y):
    return np.digitize(y, np.quantile(y, [0.3, 0.6]))


BITS = {
    "ridge, tall": lambda: path_bits(TALL, TALL_Y, l1_ratio=0.0, n_alphas=5),
    "ridge, wide": lambda: path_bits(WIDE, WIDE_Y, l1_ratio=0.0, n_alphas=5),
    "RidgeCV, tall": lambda: ridge_cv_bits(TALL, TALL_Y),
    "RidgeCV, wide": lambda: ridge_cv_bits(WIDE, WIDE_Y, cv=3),
    "least squares": lambda: path_bits(TALL, TALL_Y, alphas=0.0),
    "maximum likelihood": lambda: path_bits(
        TALL[:, :60], TALL_Y > 0.0, family="binomial", alphas=0.0,
    ),
    "elastic net of classes": lambda: path_bits(
        TALL[:300, :60], thirds(TALL_Y[:300]), family="multinomial", l1_ratio=0.5, n_alphas=6,
    ),
    "grouped classes": lambda: path_bits(
        TALL[:300, :40], thirds(TALL_Y[:300]), family=riata.families.Multinomial(grouped=True),
        l1_ratio=0.5, n_alphas=6,
    ),
    "elastic net, unpenalised features": lambda: path_bits(
        TALL, TALL_Y, l1_ratio=0.5, penalty_factor=np.r_[np.zeros(60), np.ones(240)], n_alphas=6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("fit", BITS.values(), ids=BITS)
def test_no_bit_depends_on_the_threads_that_blas_had(fit):
    """Danger: another number of cores gives other results."""
    results = []
    for count in (1, 2):
        with threadpool_limits(count, user_api="blas"):
            results.append(fit())
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
