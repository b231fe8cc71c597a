"""The other libraries, each in an environment of its own, and fits in a process of their own.

    python benchmarks/peers.py install --into DIR                 the newest release of each
    python benchmarks/peers.py install --into DIR --only adelie   one of them
    python benchmarks/peers.py list --into DIR                    what there is, with versions

R's glmnet is not installed but found: `apt-get install r-cran-glmnet`, or install.packages.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from referee import Solution, SolverError

HERE = Path(__file__).parent
PACKAGES = {  # what pip is asked for; the first is the one whose version counts
    "scikit-learn": ["scikit-learn"],
    "adelie": ["adelie", "numpy<2"],
    "celer": ["celer"],
    "skglm": ["skglm"],
    "skein-glm": ["skein-glm"],
    "picasso": ["pycasso", "scipy"],
    "glum": ["glum"],
}
PEERS = (*PACKAGES, "glmnet")
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")


class Way(NamedTuple):
    """One way in which a library solves a path, and when it is worth trying.

    first(gap, alphas): the loosest tolerance worth trying; the referee tightens it. They are the
    gap relative to |y|^2 (scikit-learn, celer), a change of coefficients (adelie, glmnet,
    skein-glm, picasso, saga), an absolute subgradient (skglm), or the sum of all (glum).
    families: for which it is tried; intercept: whether it can have one that is not penalised; net:
    whether its penalty can have an L2 part.
    """

    name: str
    peer: str
    suits: Any
    first: Any
    families: tuple = ("gaussian",)
    intercept: bool = True
    net: bool = True


def is_tall(X):
    return not sp.issparse(X) and X.shape[0] > X.shape[1]


def is_dense(X):
    return not sp.issparse(X)


def always(X):
    return True


def by_gap(gap, _):
    return gap


def by_change(gap, _):
    return 0.01 * gap


def by_subgradient(_, alphas):
    return 0.3 * alphas[-1]


CLASSES, GLMS = ("binomial", "multinomial"), ("binomial", "poisson")
WAYS = (
    Way("scikit-learn path", "scikit-learn", lambda X: not is_tall(X), lambda gap, _: 0.499 * gap),
    Way("scikit-learn gram", "scikit-learn", is_tall, by_gap),
    Way("scikit-learn lars", "scikit-learn", is_dense, by_gap, net=False),
    Way("adelie", "adelie", always, by_change, ("gaussian", *GLMS, "multigaussian")),
    Way("adelie covariance", "adelie", is_tall, by_change, net=False),
    Way("celer", "celer", always, by_gap),
    Way("skglm", "skglm", always, by_subgradient, ("gaussian", *GLMS, "multigaussian")),
    Way("glmnet", "glmnet", always, by_change, ("gaussian", *GLMS, "multinomial", "multigaussian")),
    Way("skein-glm", "skein-glm", lambda X: X.shape[1] < 10**6, by_gap),
    Way("picasso", "picasso", is_dense, by_change, net=False),
    Way("celer", "celer", always, by_gap, ("binomial",), intercept=False),
    Way("celer Newton", "celer", always, by_gap, ("binomial",), intercept=False),
    Way("celer", "celer", is_dense, by_gap, ("multigaussian",)),
    Way("glum", "glum", is_tall, by_subgradient, GLMS),
    Way("scikit-learn liblinear", "scikit-learn", always, by_change, ("binomial",)),
    Way("scikit-learn saga", "scikit-learn", is_tall, lambda gap, _: 10 * gap, CLASSES),
    Way("scikit-learn path", "scikit-learn", is_dense, by_gap, ("multigaussian",)),
)


def command(peer, folder):
    """Return how to start a fit by this peer, or None where it is not installed."""
    if peer == "riata":
        return [sys.executable, str(HERE / "fit_peer.py")]
    if peer == "glmnet":
        return ["Rscript", str(HERE / "fit_glmnet.R")] if _glmnet_version() else None
    python = Path(folder or "", peer, "bin", "python")
    return [str(python), str(HERE / "fit_peer.py")] if folder and python.exists() else None


def installed(peer, folder):
    """Return the version that is installed, or None."""
    if peer == "glmnet":
        return _glmnet_version()
    found = command(peer, folder)
    if found is None:
        return None
    code = f"from importlib.metadata import version; print(version({PACKAGES[peer][0]!r}))"
    done = subprocess.run([found[0], "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _glmnet_version():
    if shutil.which("Rscript") is None:
        return None
    code = 'cat(as.character(packageVersion("glmnet")))'
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def install(folder, peers):
    """Make the environments; a peer that does not install is reported, the others go on."""
    for peer in peers:
        if peer == "glmnet":
            continue
        place = Path(folder, peer)
        venv.create(place, with_pip=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "-U", *PACKAGES[peer]]
        if subprocess.run(pip, check=False).returncode:
            print(f"{peer}: pip failed", file=sys.stderr)


def save_problem(folder, X, y, alphas):
    """Write y, the grid and X: dense in Fortran order, or sparse as CSC and as CSR."""
    np.save(Path(folder, "y.npy"), np.asfortranarray(y))
    np.save(Path(folder, "alphas.npy"), alphas)
    np.save(Path(folder, "shape.npy"), np.array(X.shape, dtype=np.int32))
    if not sp.issparse(X):
        np.save(Path(folder, "X.npy"), np.asfortranarray(X))
        return
    for storage in ("csc", "csr"):
        matrix = X.asformat(storage)
        matrix.sort_indices()
        for part in ("data", "indices", "indptr"):
            values = getattr(matrix, part)
            values = values if part == "data" else values.astype(np.int32)
            np.save(Path(folder, f"{storage}_{part}.npy"), values)


class Fitter:
    """A process that fits one problem at the tolerance it is told. Call it as solve(tol).

    A TimeoutError that is raised while it waits, by the referee's clock, ends the process. peak:
    the growth in bytes of its resident set's peak, cpu: processor seconds, coefs: sparse (p, L),
    steps: Newton steps an alpha, all of the last fit; failure: why it gave up, if so.
    """

    def __init__(self, entry, family, l1_ratio, problem, folder, n_threads):
        self.problem, self.failure = problem, None
        self.peak = self.cpu = self.coefs = self.steps = None
        outside = {} if entry.peer == "riata" else {"PYTHONPATH": ""}
        threads = {f"{name}_NUM_THREADS": str(n_threads) for name in THREADS}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [*command(entry.peer, folder), entry.way, entry.storage, str(problem), str(n_threads),
             family, str(int(entry.fit_intercept)), str(l1_ratio)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=os.environ | outside | threads,
        )  # fmt: skip

    def wait(self):
        """Wait until it has loaded the problem, and compiled what compiles just in time."""
        try:
            self._answer()
        except SolverError as error:
            self.failure = str(error)

    def __call__(self, tol):
        try:
            answer = self._ask(tol)
            coefs, intercepts = self._read()
        except TimeoutError:
            self.process.kill()
            raise
        except SolverError as error:
            self.failure = self.failure or str(error)
            raise
        self.peak, self.cpu, self.coefs = answer["peak"], answer["cpu"], coefs
        self.steps = answer["steps"]
        return Solution(coefs, intercepts, answer["claimed"], answer["seconds"])

    def _read(self):
        """Return coefficients and intercepts; some libraries stop where they see fit, and that is
        no path."""
        parts = [np.load(Path(self.problem, f"coef_{part}.npy"))
                 for part in ("data", "indices", "indptr")]  # fmt: skip
        p, found = np.load(Path(self.problem, "shape.npy"))[1], len(parts[2]) - 1
        wanted = len(np.load(Path(self.problem, "alphas.npy")))
        if found != wanted:
            raise SolverError(f"solved {found} of {wanted} alphas")
        intercepts = np.load(Path(self.problem, "intercepts.npy"))
        K = len(intercepts) // wanted
        intercepts = intercepts.reshape(wanted, K) if K > 1 else intercepts
        return sp.csc_array(tuple(parts), shape=(p * K, found)), intercepts

    def _ask(self, tol):
        try:
            self.process.stdin.write(f"{float(tol)!r}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise SolverError(self._last_words()) from None
        answer = self._answer()
        if "error" in answer:
            raise SolverError(answer["error"])
        return answer

    def _answer(self):
        """Return the next line that is an answer; libraries print to the same stream."""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SolverError(self._last_words())

    def _last_words(self):
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return lines[-1] if lines else f"ended with status {self.process.wait()}"

    def close(self):
        """End the process."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("install", "list"))
    parser.add_argument("--into", required=True, metavar="DIR", help="holds the environments")
    parser.add_argument("--only", action="append", choices=PEERS, metavar="NAME",
                        help=f"one of {', '.join(PEERS)}; may be repeated")  # fmt: skip
    options = parser.parse_args()
    peers = options.only or PEERS
    if options.action == "install":
        install(options.into, peers)
    for peer in peers:
        hint = ": apt-get install r-cran-glmnet" if peer == "glmnet" else ""
        print(f"{peer} {installed(peer, options.into) or 'not installed' + hint}")


if __name__ == "__main__":
    main()
