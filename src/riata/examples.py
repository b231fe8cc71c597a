"""The data set of `python -m riata` without a file: real, high-dimensional, nothing to download."""

from __future__ import annotations

import ast
import gc
import os
import platform
import sysconfig
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from riata.readers import DataError, Table

PACKAGES = ("numpy", "scipy", "sklearn")
# Tests and tables have few docstrings for their length; vendored code would be counted twice.
SKIPPED = {
    *("test", "tests", "idlelib", "lib2to3", "encodings", "f2py", "distutils"),
    *("externals", "_lib", "site-packages", "dist-packages"),
}


def load_docstrings() -> Table:
    """Return the docstrings of the installed packages as TF-IDF, with log lengths of functions.

    One row per function or method with a docstring in the source files of NumPy, SciPy,
    scikit-learn and the standard library, one column per word; y is the logarithm of the
    function's number of lines, its docstring not counted.  The files are parsed, never imported.
    The order of rows depends on nothing but the installed versions.

    Returns
    -------
    Table
        X is CSR, float64.

    Raises
    ------
    DataError
        If fewer than 100 docstrings are found (an installation without sources).
    """
    folders = [folder for name in PACKAGES if (folder := _folder(name)) is not None]
    texts: list[str] = []
    lines: list[int] = []
    # The parser makes millions of short-lived nodes without cycles: the collector only slows it.
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's source
            for path in _sources([*folders, Path(sysconfig.get_path("stdlib"))]):
                for text, length in _documented_functions(path):
                    texts.append(text)
                    lines.append(length)
    finally:
        if collecting:
            gc.enable()
    if len(texts) < 100:
        raise DataError(
            f"the built-in example needs Python source files with docstrings, found {len(texts)} "
            "docstrings: give a FILE"
        )
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    X = vectorizer.fit_transform(texts)
    return Table(
        X=X,
        y=np.log(np.array(lines, dtype=np.float64)),
        names=[str(word) for word in vectorizer.get_feature_names_out()],
        target="log of the function's number of lines",
        title="words in the docstrings of NumPy, SciPy, scikit-learn and Python "
        + platform.python_version(),
    )


def _folder(package: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _sources(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        for root, subfolders, files in os.walk(folder):
            subfolders[:] = sorted(set(subfolders) - SKIPPED)
            yield from (Path(root, name) for name in sorted(files) if name.endswith(".py"))


def _documented_functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (docstring, lines without it) of each function and method, in no file's run order."""
    try:
        nodes: list[ast.stmt] = list(ast.parse(path.read_bytes()).body)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node, clean=False)
            if text:
                doc = node.body[0]
                yield text, max(1, _length(node) - _length(doc))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            nodes += node.body
        elif isinstance(node, (ast.If, ast.Try)):
            nodes += node.body + node.orelse


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
