"""A square that grows where it is, and memory that the next fit finds."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from riata.kernels.room import Square


def test_what_is_kept_stays_while_it_grows():
    square, wanted = Square(), np.empty((0, 0))
    rng = np.random.default_rng(0)
    for side, kept in [(3, 0), (3, 2), (4, 3), (50, 4), (400, 31)]:
        square.grow(side, kept)
        found = np.asarray(square)
        assert found.shape == (side, side)
        assert found.flags.c_contiguous
        assert found.flags.writeable
        assert np.array_equal(found[:kept, :kept], wanted[:kept, :kept])
        found[:] = rng.standard_normal((side, side))
        wanted = found.copy()
        assert np.shares_memory(found, np.asarray(square))


@pytest.mark.parametrize("kept", [[], [0], [39], [0, 1, 2], [3, 4, 20, 39], list(range(40))])
def test_some_rows_and_columns_move_to_the_front(kept):
    square = Square()
    square.grow(40, 0)
    found = np.asarray(square)
    found[:] = np.random.default_rng(0).standard_normal((40, 40))
    wanted = found[np.ix_(kept, kept)]
    square.keep(np.array(kept, dtype=np.intp))
    assert np.array_equal(found[: len(kept), : len(kept)], wanted)


def test_it_keeps_no_positions_that_it_has_not():
    square = Square()
    square.grow(5, 0)
    for kept in ([-1, 2], [2, 5]):
        with pytest.raises(ValueError, match="must lie in"):
            square.keep(np.array(kept, dtype=np.intp))


@pytest.mark.parametrize(("side", "kept"), [(4, 0), (6, 6)])
def test_it_neither_shrinks_nor_keeps_what_is_not_there(side, kept):
    square = Square()
    square.grow(5, 0)
    with pytest.raises(ValueError, match="a square of 5"):
        square.grow(side, kept)


def test_an_array_outlives_it():
    square = Square()
    square.grow(300, 0)
    found = np.asarray(square)
    found[:] = 7.0
    del square
    assert (found == 7.0).all()


def test_it_says_that_there_is_no_room_and_stays_as_it_was():
    square = Square()
    square.grow(2, 0)
    np.asarray(square)[:] = 1.0
    with pytest.raises(MemoryError, match="could not allocate"):
        square.grow(1 << 28, 2)
    assert square.side == 2
    assert (np.asarray(square) == 1.0).all()


FAULTS = """
import resource
import numpy as np, riata
rng = np.random.default_rng(0)
X = np.asfortranarray(rng.standard_normal((500, 30000)))
y = X[:, :20].sum(axis=1) + rng.standard_normal(500)
faults = []
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    riata.fit_path(X, y, n_alphas=30, n_threads=1)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(faults[2:]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back")
def test_fits_find_the_memory_of_those_before():
    """Each page that comes from the system is a fault; this fit took 2,100 of them."""
    environment = {key: value for key, value in os.environ.items() if "MALLOC" not in key}
    program = [sys.executable, "-c", FAULTS]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200
