"""The problems that are timed: each a function of a seed, none of them downloaded.

    ar      columns in a chain of correlation rho, a sparse true model, dense, Fortran order
    binary, counts, classes, responses    such columns, a target of another family
    text    TF-IDF of words and pairs of words in paragraphs of installed Python source, sparse
    text_binary    whether the file that a paragraph is from is longer than the median
    hashed  the same, hashed into a given number of columns, by rows

FULL is what `compare.py` measures, SMALL what the tests run on; GOALS and GOALS_SMALL are what
`goals.py` measures, FAMILIES and FAMILIES_SMALL what `families.py` does. Each entry makes a
Workload.
"""

import os
import re
import sysconfig
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import lars_path

PACKAGES = ("numpy", "scipy", "sklearn")  # besides the standard library: what riata depends on
SKIPPED = {
    *("test", "tests", "idlelib", "lib2to3", "encodings", "pydoc_data", "externals"),
    *("site-packages", "dist-packages", "__pycache__"),
}
WORD = r"[A-Za-z]{2,}"
FEWEST_WORDS = 8  # of a paragraph that counts


@dataclass(frozen=True)
class Workload:
    """One path: X, y, and the grid from alpha_max down to alpha_min_ratio times it."""

    X: Any
    y: np.ndarray
    fit_intercept: bool
    alpha_min_ratio: float
    n_alphas: int = 100
    l1_ratio: float = 1.0
    family: str = "gaussian"

    def title(self):
        n, p = self.X.shape
        kind = "lasso" if self.l1_ratio == 1 else f"elastic net {self.l1_ratio}"
        kind = kind if self.family == "gaussian" else f"{self.family} {kind}"
        entries = f", {self.X.nnz} entries" if hasattr(self.X, "nnz") else ""
        intercept = "with" if self.fit_intercept else "no"
        return (
            f"{kind}, {n} x {p}{entries}, {intercept} intercept, "
            f"{self.n_alphas} alphas to alpha_max/{1 / self.alpha_min_ratio:.0f}"
        )


def ar(n, p, rho, strong, *, alpha_min_ratio=0.01, l1_ratio=1.0, seed=0):
    """Make x_j = rho x_(j-1) + sqrt(1 - rho^2) z_j; y is of `strong` features, signal 10 : noise 1.

    No intercept: scikit-learn's path functions have none on dense data, and centring by hand
    would be the same for everybody.
    """
    rng = np.random.default_rng(seed)
    X, signal = _chain(rng, n, p, rho, strong)
    noise = signal.std() / np.sqrt(10)
    y = signal + noise * rng.standard_normal(n)
    return Workload(X, y, False, alpha_min_ratio, l1_ratio=l1_ratio)


def _chain(rng, n, p, rho, strong, responses=()):
    """Return the columns of `ar`, Fortran order, and X b of a b with `strong` rows."""
    rows = rng.standard_normal((p, n))
    for j in range(1, p):
        rows[j] = rho * rows[j - 1] + np.sqrt(1 - rho**2) * rows[j]
    coef = np.zeros((p, *responses))
    coef[rng.choice(p, strong, replace=False)] = rng.standard_normal((strong, *responses))
    return rows.T, rows.T @ coef


def binary(n, p, strong, size, depth, *, seed=0):
    """Make a logistic model with `strong` coefficients of about `size`."""
    rng = np.random.default_rng(seed)
    X, eta = _chain(rng, n, p, 0.5, strong)
    y = (rng.random(n) < expit(size * eta)).astype(float)
    return Workload(X, y, True, 1 / depth, 50, family="binomial")


def counts(n, p, strong, size, depth, *, seed=0):
    """Make a Poisson model with `strong` coefficients of about `size`."""
    rng = np.random.default_rng(seed)
    X, eta = _chain(rng, n, p, 0.5, strong)
    y = rng.poisson(np.exp(np.clip(size * eta - 0.5, -6, 3))).astype(float)
    return Workload(X, y, True, 1 / depth, 50, family="poisson")


def classes(n, p, K, depth, *, strong=20, seed=0):
    """Make a multinomial model of K classes, labelled by numbers."""
    rng = np.random.default_rng(seed)
    X, eta = _chain(rng, n, p, 0.5, strong, (K,))
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(float)
    return Workload(X, y, True, 1 / depth, 50, family="multinomial")


def responses(n, p, K, depth, *, strong=20, seed=0):
    """Make K responses with `strong` features in common."""
    rng = np.random.default_rng(seed)
    X, eta = _chain(rng, n, p, 0.5, strong, (K,))
    y = eta + 3 * rng.standard_normal(eta.shape)
    return Workload(X, y, True, 1 / depth, 50, family="multigaussian")


def text_binary(work, depth):
    """Predict whether the target of a text is above its median."""
    y = above_median(work.y).astype(float)
    return replace(work, y=y, alpha_min_ratio=1 / depth, n_alphas=50, family="binomial")


def above_median(y):
    """Return 1 where y is above its median, else 0."""
    return (y > np.median(y)).astype(int)


def text(documents, *, packages=PACKAGES, least=3, alpha_min_ratio=0.01, seed=0):
    """Predict the logarithm of a source file's number of lines from one paragraph of it.

    A paragraph is what stands between two blank lines, code and docstrings alike. `documents` of
    them are drawn from the standard library and `packages`; a column is a word or a pair of
    neighbouring words that occurs in `least` paragraphs or more. X is CSC. The data depend on the
    seed and on the installed versions, nothing else.
    """
    paragraphs, lengths = _paragraphs(packages)
    rng = np.random.default_rng(seed)
    count = min(documents, len(paragraphs))
    drawn = np.sort(rng.choice(len(paragraphs), count, replace=False))
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, token_pattern=WORD, ngram_range=(1, 2), min_df=least
    )
    X = vectorizer.fit_transform([paragraphs[i] for i in drawn]).tocsc()
    return Workload(X, np.log(lengths[drawn]), True, alpha_min_ratio)


def hashed(documents, columns, *, packages=PACKAGES, alpha_min_ratio=0.01, seed=0):
    """Predict the same target from words, pairs and triples, hashed into `columns`. X is CSR."""
    paragraphs, lengths = _paragraphs(packages)
    count = min(documents, len(paragraphs))
    drawn = np.sort(np.random.default_rng(seed).choice(len(paragraphs), count, replace=False))
    vectorizer = HashingVectorizer(
        n_features=columns, token_pattern=WORD, ngram_range=(1, 3), alternate_sign=False
    )
    X = vectorizer.transform([paragraphs[i] for i in drawn]).tocsr()
    return without_intercept(Workload(X, np.log(lengths[drawn]), True, alpha_min_ratio))


def without_intercept(work):
    """Centre y instead: what is left of an intercept where no solver is asked for one."""
    return replace(work, y=work.y - work.y.mean(), fit_intercept=False)


def ending_at(work, features):
    """Let the grid end where the support first holds `features`, by the exact path (LARS)."""
    n, p = work.X.shape
    alphas, _, coefs = lars_path(
        work.X, work.y, method="lasso", max_iter=2 * features, Gram="auto" if n > p else None
    )
    large = np.count_nonzero(coefs, axis=0) >= features
    if not large.any():
        raise ValueError(f"{features} features are not reached: ask for fewer")
    return replace(work, alpha_min_ratio=float(alphas[large.argmax()] / alphas[0]))


def _paragraphs(packages):
    """Return every paragraph of enough words, and the number of lines of its file."""
    folders = [Path(sysconfig.get_path("stdlib"))]
    folders += [Path(find_spec(name).origin).parent for name in packages]
    paragraphs, lengths = [], []
    for path in (path for folder in folders for path in _sources(folder)):
        source = path.read_text(encoding="utf-8", errors="replace")
        found = [
            part
            for part in re.split(r"\n\s*\n", source)
            if len(re.findall(WORD, part)) >= FEWEST_WORDS
        ]
        paragraphs += found
        lengths += [source.count("\n") + 1] * len(found)
    return paragraphs, np.array(lengths, dtype=float)


def _sources(folder):
    for root, subfolders, files in os.walk(folder):
        subfolders[:] = sorted(set(subfolders) - SKIPPED)
        yield from (Path(root, name) for name in sorted(files) if name.endswith(".py"))


FULL = {
    "gene": lambda seed=0: ar(72, 7129, 0.8, 10, seed=seed),
    "wide": lambda seed=0: ar(1000, 20000, 0.5, 40, seed=seed),
    "wide-correlated": lambda seed=0: ar(1000, 20000, 0.9, 40, seed=seed),
    "tall": lambda seed=0: ar(100_000, 200, 0.5, 50, alpha_min_ratio=0.001, seed=seed),
    "gene-net": lambda seed=0: ar(72, 7129, 0.8, 10, l1_ratio=0.1, seed=seed),
    "crowded-net": lambda seed=0: ar(500, 4000, 0.9, 40, l1_ratio=0.1, seed=seed),
    "text": lambda seed=0: text(60_000, seed=seed),
}
SMALL = {
    "gene": lambda seed=0: ar(40, 800, 0.8, 5, seed=seed),
    "wide": lambda seed=0: ar(200, 2000, 0.5, 10, seed=seed),
    "wide-correlated": lambda seed=0: ar(200, 2000, 0.9, 10, seed=seed),
    "tall": lambda seed=0: ar(5000, 60, 0.5, 15, alpha_min_ratio=0.001, seed=seed),
    "gene-net": lambda seed=0: ar(40, 800, 0.8, 5, l1_ratio=0.1, seed=seed),
    "crowded-net": lambda seed=0: ar(100, 800, 0.9, 10, l1_ratio=0.1, seed=seed),
    "text": lambda seed=0: text(3000, packages=(), alpha_min_ratio=0.02, seed=seed),
}

LASSOS, NETS = ("wide", "wide-correlated", "tall", "gene"), ("gene-net", "crowded-net")
# Flatness: the problem with correlation rho, and the support at which correlations are compared.
FLAT = {
    "tall": (FULL["tall"], lambda rho: ending_at(ar(100_000, 200, rho, 50), 100)),
    "wide": (FULL["wide"], lambda rho: ending_at(ar(1000, 20_000, rho, 40), 200)),
}
FLAT_SMALL = {
    "tall": (SMALL["tall"], lambda rho: ending_at(ar(5000, 60, rho, 15), 25)),
    "wide": (SMALL["wide"], lambda rho: ending_at(ar(200, 2000, rho, 10), 40)),
}
GOALS = {
    **{name: FULL[name] for name in (*LASSOS, *NETS)},
    "text": lambda: without_intercept(text(63_540)),
    "million": lambda: hashed(20_000, 1_000_000),
}
GOALS_SMALL = {
    **{name: SMALL[name] for name in (*LASSOS, *NETS)},
    "text": lambda: without_intercept(SMALL["text"]()),
    "million": lambda: hashed(1000, 20_000, packages=(), alpha_min_ratio=0.05),
}
FAMILIES = {
    "wide-binary": lambda: binary(1000, 20_000, 50, 1.0, 20),
    "text-binary": lambda: text_binary(text(63_540), 20),
    "text-binary-deep": lambda: text_binary(text(63_540), 1000),
    "tall-binary": lambda: binary(100_000, 100, 20, 0.5, 100),
    "poisson": lambda: counts(50_000, 300, 30, 0.2, 100),
    "multinomial": lambda: classes(5000, 2000, 10, 20),
    "multigaussian": lambda: responses(1000, 10_000, 10, 20),
}
FAMILIES_SMALL = {
    "wide-binary": lambda: binary(200, 2000, 10, 1.0, 20),
    "text-binary": lambda: text_binary(SMALL["text"](), 20),
    "text-binary-deep": lambda: text_binary(SMALL["text"](), 1000),
    "tall-binary": lambda: binary(5000, 40, 10, 0.5, 100),
    "poisson": lambda: counts(3000, 50, 10, 0.2, 100),
    "multinomial": lambda: classes(500, 100, 4, 20, strong=10),
    "multigaussian": lambda: responses(200, 500, 4, 20, strong=10),
}
