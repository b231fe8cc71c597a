"""The command line: fit a regularisation path on a file and print it.

    python -m riata                          # words of docstrings, predicting lengths of functions
    python -m riata FILE --target COLUMN     # a file of your own

Exit status: 0 solved, 2 wrong arguments or data (one line on stderr), 130 interrupted (what was
solved by then is printed and written).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from riata import examples, readers

if TYPE_CHECKING:
    from riata.path import RegularizationPath

ROWS = 16  # of the path's alphas, printed
STRONGEST = 12  # features, named


class _Parser(argparse.ArgumentParser):
    """Report a wrong argument in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"riata: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    import riata

    parser = _Parser(
        prog="riata",
        description="Fit a certified elastic-net path and print it. Without FILE, the data are the "
        "docstrings of the installed Python packages.",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help=", ".join(readers.FORMATS))
    parser.add_argument(
        "--target", metavar="COLUMN", help="the column to predict (.npz: array, default y)"
    )
    parser.add_argument("--weights", metavar="COLUMN", help="the column of sample weights")
    parser.add_argument(
        "--l1-ratio",
        type=float,
        default=1.0,
        metavar="R",
        help="share of the L1 penalty: 1 lasso (default), 0 ridge",
    )
    parser.add_argument(
        "--alphas", type=int, default=100, metavar="N", help="number of alphas (default 100)"
    )
    parser.add_argument(
        "--standardize", action="store_true", help="penalise coefficients per standard deviation"
    )
    parser.add_argument("--no-intercept", action="store_true", help="fit without an intercept")
    parser.add_argument(
        "--tol", type=float, default=1e-6, help="relative duality gap to reach (default 1e-6)"
    )
    parser.add_argument("--plot", metavar="IMAGE", help="draw the path (.png, .pdf, .svg)")
    parser.add_argument("--out", metavar="MODEL.json", help="write the path as JSON")
    parser.add_argument("--version", action="version", version=f"riata {riata.__version__}")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line with `argv` (default: the process's) and return the exit status."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as leaving:  # --help, --version, or a wrong argument, already reported
        return int(leaving.code or 0)
    try:
        return _run(options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        if isinstance(error, BrokenPipeError):  # the reader of our output has gone (| head)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        print(f"riata: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("riata: interrupted before the first alpha was solved", file=sys.stderr)
        return 130


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _run(options: argparse.Namespace) -> int:
    _check_outputs(options)
    table = _load(options)
    interrupted = False
    start = time.perf_counter()
    try:
        path = _fit(table, options)
    except KeyboardInterrupt as stop:
        so_far: RegularizationPath | None = getattr(stop, "path", None)
        if so_far is None:  # before the first alpha, or while data were read
            raise
        path, interrupted = so_far, True
    seconds = time.perf_counter() - start
    try:
        _report(table, path, seconds, options)
    except KeyboardInterrupt:
        print("riata: interrupted after the fit, before all was written", file=sys.stderr)
        return 130
    if interrupted:
        print("riata: interrupted; the alphas above are what was solved", file=sys.stderr)
        return 130
    return 0


def _report(
    table: readers.Table, path: RegularizationPath, seconds: float, options: argparse.Namespace
) -> None:
    print(describe(table, path, seconds))
    if options.out:
        Path(options.out).write_text(to_json(table, path, _settings(options)), encoding="utf-8")
        print(f"\nmodel written to {options.out}")
    if options.plot:
        _draw(table, path, options.plot)
        print(f"\nplot written to {options.plot}")
    sys.stdout.flush()


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse what can't be written before any work is done."""
    for option, name in (("--out", options.out), ("--plot", options.plot)):
        if name and not Path(name).absolute().parent.is_dir():
            raise ValueError(f"{option} must be in a folder that exists, got {name}")
    if options.plot:
        from riata.plotting import image_formats

        ending = Path(options.plot).suffix.lstrip(".").lower()
        formats = image_formats()
        if ending not in formats:
            raise ValueError(
                f"--plot must end in one of {', '.join('.' + f for f in formats)}, "
                f"got {options.plot}"
            )


def _load(options: argparse.Namespace) -> readers.Table:
    if options.file is not None:
        return readers.read(options.file, options.target, options.weights)
    for option, value in (("--target", options.target), ("--weights", options.weights)):
        if value is not None:
            raise ValueError(f"{option} needs a FILE, got {option} {value} without one")
    print("reading the docstrings of the installed packages ...", file=sys.stderr, flush=True)
    return examples.load_docstrings()


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `fit_path` that the options stand for."""
    return {
        "family": "gaussian",
        "n_alphas": options.alphas,
        "l1_ratio": options.l1_ratio,
        "fit_intercept": not options.no_intercept,
        "standardize": options.standardize,
        "tol": options.tol,
    }


def _fit(table: readers.Table, options: argparse.Namespace) -> RegularizationPath:
    import riata

    def show(message: Warning | str, *args: object, **keywords: object) -> None:
        print(f"riata: warning: {_one_line(message)}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        return riata.fit_path(
            table.X, table.y, sample_weight=table.sample_weight, **_settings(options)
        )


def _draw(table: readers.Table, path: RegularizationPath, image: str) -> None:
    from matplotlib.figure import Figure

    from riata.plotting import plot_path

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    plot_path(path, figure.add_subplot(), feature_names=table.names)
    figure.savefig(image, dpi=150)


# --- the report ---------------------------------------------------------------------------------


def describe(table: readers.Table, path: RegularizationPath, seconds: float) -> str:
    """Return the report: the data, the path's table, the certificate, the strongest features."""
    parts = [_data_lines(table), _path_table(path), _certificate_line(path, seconds)]
    return "\n\n".join([*parts, _strongest_features(table, path)])


def _data_lines(table: readers.Table) -> str:
    n, p = table.X.shape
    size = f"n = {n:,} samples, p = {p:,} features"
    if hasattr(table.X, "nnz"):
        size += f", {table.X.nnz:,} stored entries ({table.X.format.upper()})"
    weighted = "" if table.sample_weight is None else ", weighted"
    return f"{table.title}\n{size}\ntarget: {table.target}{weighted}"


def _solved(path: RegularizationPath) -> Any:
    return np.isfinite(path.dual_gaps)


def _relative_gaps(path: RegularizationPath) -> Any:
    """Return the gaps in the unit of `tol`."""
    return path.dual_gaps / (path.null_objective or 1.0)


def _path_table(path: RegularizationPath) -> str:
    lines = ["     alpha  non-zeros  deviance explained  relative gap  status"]
    counts = (path.coefs != 0).sum(axis=0)
    gaps = _relative_gaps(path)
    explained = np.round(path.deviance_ratio, 4) + 0.0  # no -0
    solved = _solved(path)
    last = len(path.alphas) - 1
    for k in np.unique(np.linspace(0, last, min(ROWS, last + 1)).round().astype(int)):
        numbers = f"{'-':>9}  {'-':>18}  {'-':>12}"
        if solved[k]:
            numbers = f"{counts[k]:9,d}  {explained[k]:18.4f}  {gaps[k]:12.1e}"
        lines.append(f"{path.alphas[k]:10.3e}  {numbers}  {path.status[k]}")
    return "\n".join(lines)


def _certificate_line(path: RegularizationPath, seconds: float) -> str:
    solved = _solved(path)
    counts = {str(word): int(np.sum(path.status == word)) for word in np.unique(path.status)}
    statuses = ", ".join(f"{count} {word}" for word, count in counts.items())
    worst = (
        f", largest relative gap {_relative_gaps(path)[solved].max():.1e}" if any(solved) else ""
    )
    return (
        f"{len(path.alphas)} alphas in {seconds:.2f} s, {path.n_passes:.1f} passes over X: "
        f"{statuses}{worst} (tol {path.tol:g})"
    )


def _strongest_features(table: readers.Table, path: RegularizationPath) -> str:
    """Name the features at the largest alpha that explains half of what the path explains.

    That alpha is one to look at, not one chosen for prediction: that takes held-out data.
    """
    explained = np.where(_solved(path), path.deviance_ratio, -np.inf)
    if not explained.max() > 0:
        return "no feature: the null model is the best on every alpha solved"
    k = int(np.argmax(explained >= explained.max() / 2))
    column = path.coefs[:, [k]].tocoo()
    support, coef = column.row[column.data != 0], column.data[column.data != 0]
    spread = coef * _standard_deviations(table.X, support, table.sample_weight)
    order = np.lexsort((support, -np.abs(spread)))[:STRONGEST]
    names = [table.names[j] for j in support[order]]
    names = [name if len(name) <= 40 else name[:37] + "..." for name in names]
    width = max(len("feature"), *map(len, names))
    lines = [
        f"strongest of {len(support):,} features at alpha = {path.alphas[k]:.3e}, the largest that "
        "explains half as much as the whole path:",
        f"  {'feature':<{width}}  coefficient  per standard deviation",
    ]
    for name, index in zip(names, order, strict=True):
        lines.append(f"  {name:<{width}}  {coef[index]:+#11.4g}  {spread[index]:+#22.4g}")
    return "\n".join(lines)


def _standard_deviations(X: Any, columns: Any, sample_weight: Any) -> Any:
    """Return the standard deviations of some columns of X, in two passes, a few at a time."""
    size = max(1, 4_000_000 // X.shape[0])  # as many columns as make 32 MB when dense
    deviations = np.empty(len(columns))
    for a in range(0, len(columns), size):
        part = X[:, columns[a : a + size]]
        part = part.toarray() if hasattr(part, "toarray") else np.asarray(part, dtype=np.float64)
        centred = part - np.average(part, axis=0, weights=sample_weight)
        variances = np.average(centred**2, axis=0, weights=sample_weight)
        deviations[a : a + size] = np.sqrt(variances)
    return deviations


# --- model.json ---------------------------------------------------------------------------------


def to_json(table: readers.Table, path: RegularizationPath, settings: dict[str, Any]) -> str:
    """Return the path as JSON (docs/command-line.md describes it); null where not solved."""
    import riata

    coefs = path.coefs.tocsc()
    solved = _solved(path)
    columns: list[dict[str, float] | None] = []
    for k, is_solved in enumerate(solved):
        stored = slice(coefs.indptr[k], coefs.indptr[k + 1])
        pairs = zip(coefs.indices[stored], coefs.data[stored], strict=True)
        column = {table.names[j]: float(value) for j, value in pairs if value != 0}
        columns.append(column if is_solved else None)

    def numbers(values: Any) -> list[float | None]:
        return [float(v) if np.isfinite(v) else None for v in values]

    n, p = table.X.shape
    model = {
        "riata": riata.__version__,
        "settings": settings,
        "data": table.title,
        "target": table.target,
        "n_samples": int(n),
        "n_features": int(p),
        "null_objective": float(path.null_objective),
        "alphas": numbers(path.alphas),
        "intercepts": numbers(path.intercepts),
        "coefs": columns,
        "dual_gaps": numbers(path.dual_gaps),
        "deviance_ratio": numbers(path.deviance_ratio),
        "status": [str(word) for word in path.status],
    }
    return json.dumps(model, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
