"""The command line: every format gives the same certified path, every mistake one line."""

import argparse
import gzip
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from certified import TALLY
from oracle import Claim, Problem, check_claim, expected_grid
from problems import regression

import riata
from riata import cli, examples, readers

NAMES = [f"feature {j}" for j in range(12)]
ALPHAS = ["--alphas", "20"]


@pytest.fixture(scope="module")
def data():
    """X with zeros, y and weights; the first and the last column have entries (see svmlight)."""
    X, y = regression(n=40, p=12, seed=3, density=0.6)
    X[0, 0] = X[1, -1] = 1.5
    weight = np.random.default_rng(8).integers(0, 4, size=40).astype(float)
    return X, y, weight


def write_text(path, X, y, weight, *, separator=",", opener=open):
    with opener(path, "wt") as file:
        print(separator.join([*NAMES, "weight", "y"]), file=file)
        for row in np.column_stack([X, weight, y]):
            print(separator.join(repr(float(v)) for v in row), file=file)


def write_parquet(path, X, y, weight):
    import pandas as pd

    pd.DataFrame(X, columns=NAMES).assign(weight=weight, y=y).to_parquet(path)


def write_npz(path, X, y, weight, *, kind=None):
    if kind is None:
        np.savez(path, X=X, y=y, weight=weight, feature_names=np.array(NAMES))
        return
    sp.save_npz(path, kind(X))
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, y=y, weight=weight, feature_names=np.array(NAMES), **arrays)


def write_svmlight(path, X, y, first):
    from sklearn.datasets import dump_svmlight_file

    dump_svmlight_file(X, y, str(path), zero_based=first == 0)


def run(capsys, *arguments):
    """Return the exit status, and the lines on standard output and standard error."""
    status = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err.splitlines()


def fitted(capsys, tmp_path, *arguments):
    """Run with --out and return the model written."""
    out = tmp_path / "model.json"
    status, _, errors = run(capsys, *arguments, "--out", out)
    assert (status, errors) == (0, [])
    return json.loads(out.read_text())


def coefficients(model, names):
    places = {name: j for j, name in enumerate(names)}
    coefs = np.zeros((len(names), len(model["alphas"])))
    for k, column in enumerate(model["coefs"]):
        for name, value in column.items():
            coefs[places[name], k] = value
    return coefs


def judge(model, X, y, names=NAMES, n_alphas=20, **settings):
    """Hand the written numbers to the oracle."""
    problem = Problem(X, y, **settings)
    null = problem.null_objective()
    np.testing.assert_allclose(model["null_objective"], null, rtol=1e-9)
    np.testing.assert_allclose(
        model["alphas"], expected_grid(problem, n_alphas=n_alphas), rtol=1e-7
    )
    coefs = coefficients(model, names)
    for k, alpha in enumerate(model["alphas"]):
        coef, intercept = coefs[:, k], model["intercepts"][k]
        claim = Claim(alpha, coef, intercept, model["dual_gaps"][k], model["status"][k])
        assert claim.status in ("converged", "precision_floor")
        check_claim(problem, claim, null, model["settings"]["tol"])
        assert abs(model["deviance_ratio"][k] - problem.deviance_ratio(coef, intercept)) <= 1e-9
    TALLY.fits += 1
    TALLY.alphas += len(model["alphas"])


def hide(monkeypatch, *modules):
    """Make the readers believe that these modules are not installed."""
    found = readers.find_spec
    monkeypatch.setattr(readers, "find_spec", lambda name: None if name in modules else found(name))


FORMATS = {
    "data.csv": write_text,
    "data.csv.gz": lambda *a: write_text(*a, opener=gzip.open),
    "data.tsv": lambda *a: write_text(*a, separator="\t"),
    "data.parquet": write_parquet,
    "dense.npz": write_npz,
    "csr.npz": lambda *a: write_npz(*a, kind=sp.csr_array),
    "csc.npz": lambda *a: write_npz(*a, kind=sp.csc_matrix),
    "coo.npz": lambda *a: write_npz(*a, kind=sp.coo_array),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_certified_model(name, data, tmp_path, capsys):
    FORMATS[name](tmp_path / name, *data)
    X, y, weight = data
    model = fitted(
        capsys, tmp_path, tmp_path / name, "--target", "y", "--weights", "weight", *ALPHAS
    )
    judge(model, X, y, sample_weight=weight)
    assert (model["data"], model["target"]) == (name, "y")
    assert (model["n_samples"], model["n_features"]) == X.shape


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz", "data.tsv", "data.parquet"])
def test_polars_reads_tables_where_pandas_is_not_installed(
    name, data, tmp_path, capsys, monkeypatch
):
    FORMATS[name](tmp_path / name, *data)
    hide(monkeypatch, "pandas")
    X, y, weight = data
    model = fitted(
        capsys, tmp_path, tmp_path / name, "--target", "y", "--weights", "weight", *ALPHAS
    )
    judge(model, X, y, sample_weight=weight)


def test_polars_reads_parquet_where_pandas_has_no_reader_for_it(
    data, tmp_path, capsys, monkeypatch
):
    X, y, weight = data
    write_parquet(tmp_path / "data.parquet", X, y, weight)
    hide(monkeypatch, "pyarrow", "fastparquet")
    judge(
        fitted(capsys, tmp_path, tmp_path / "data.parquet", "--target", "y", *ALPHAS),
        np.column_stack([X, weight]),
        y,
        [*NAMES, "weight"],
    )


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ["data.svmlight", "data.libsvm", "data.svm"])
def test_svmlight_features_bear_the_numbers_of_the_file(first, name, data, tmp_path, capsys):
    X, y, _ = data
    write_svmlight(tmp_path / name, X, y, first)
    model = fitted(capsys, tmp_path, tmp_path / name, *ALPHAS)
    judge(model, X, y, [str(j + first) for j in range(12)])
    assert model["target"] == "label"


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        (["--l1-ratio", "0.5"], {"l1_ratio": 0.5}),
        (["--l1-ratio", "0"], {"l1_ratio": 0.0}),
        (["--standardize"], {"standardize": True}),
        (["--no-intercept"], {"fit_intercept": False}),
        (["--tol", "1e-10"], {}),
    ],
)
def test_each_option_reaches_the_fit(arguments, settings, data, tmp_path, capsys):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)
    model = fitted(capsys, tmp_path, tmp_path / "dense.npz", *arguments, *ALPHAS)
    judge(model, X, y, **settings)
    assert model["settings"] == {
        "family": "gaussian",
        "n_alphas": 20,
        "l1_ratio": settings.get("l1_ratio", 1.0),
        "fit_intercept": settings.get("fit_intercept", True),
        "standardize": settings.get("standardize", False),
        "tol": 1e-10 if "--tol" in arguments else 1e-6,
    }


def test_npz_without_names_and_with_another_target(data, tmp_path, capsys):
    X, y, _ = data
    np.savez(tmp_path / "dense.npz", X=X, height=y)
    model = fitted(capsys, tmp_path, tmp_path / "dense.npz", "--target", "height", *ALPHAS)
    judge(model, X, y, [f"x{j}" for j in range(12)])


def test_columns_that_hold_numbers_in_other_types_are_read(tmp_path, capsys, monkeypatch):
    import pandas as pd

    X, y = regression(n=20, p=3, seed=4)
    whole, flag = np.rint(X[:, 0]), X[:, 1] > 0
    frame = pd.DataFrame({"whole": whole, "flag": flag, "nullable": X[:, 2], "y": y})
    frame = frame.astype({"whole": "Int32", "nullable": "Float64", "flag": "boolean"})
    frame.to_parquet(tmp_path / "data.parquet")
    for missing in ((), ("pandas",)):
        hide(monkeypatch, *missing)
        model = fitted(capsys, tmp_path, tmp_path / "data.parquet", "--target", "y", *ALPHAS)
        judge(model, np.column_stack([whole, flag, X[:, 2]]), y, ["whole", "flag", "nullable"])


@pytest.mark.parametrize("name", [None, "height"])
def test_pandas_row_index_is_a_column_only_if_it_has_a_name(
    name, data, tmp_path, capsys, monkeypatch
):
    import pandas as pd

    X, y, _ = data
    height = np.random.default_rng(4).permutation(40) + 5
    frame = pd.DataFrame(X, columns=NAMES, index=pd.Index(height, name=name)).assign(y=y)
    frame.to_parquet(tmp_path / "data.parquet")
    for missing in ((), ("pandas",)):
        hide(monkeypatch, *missing)
        model = fitted(capsys, tmp_path, tmp_path / "data.parquet", "--target", "y", *ALPHAS)
        if name is None:
            judge(model, X, y)
        else:
            judge(model, np.column_stack([X, height]), y, [*NAMES, "height"])


def test_the_documented_way_to_predict_from_a_model(data, tmp_path, capsys):
    X, y, weight = data
    write_text(tmp_path / "data.csv", X, y, weight)
    arguments = [tmp_path / "data.csv", "--target", "y", "--weights", "weight", *ALPHAS]
    fitted(capsys, tmp_path, *arguments)
    page = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text()
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
    # the page's own names: the file and a column of its table
    program = program.replace("table.csv", "data.csv")
    done = subprocess.run(
        [sys.executable, "-c", program + "\nprint(*map(repr, map(float, prediction)))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    path = riata.fit_path(X, y, sample_weight=weight, n_alphas=20)
    expected = path.predict(X, alpha=path.alphas[10])
    np.testing.assert_allclose(np.array(done.stdout.split(), float), expected, atol=1e-9)


# --- the report -----------------------------------------------------------------------------------


def test_the_report_tells_data_path_certificate_and_features(data, tmp_path, capsys):
    X, y, weight = data
    write_npz(tmp_path / "csr.npz", X, y, weight, kind=sp.csr_array)
    model = fitted(capsys, tmp_path, tmp_path / "csr.npz")
    judge(model, X, y, n_alphas=100)
    status, output, errors = run(capsys, tmp_path / "csr.npz")
    assert (status, errors) == (0, [])
    head, table, certificate, features = output.split("\n\n")
    assert head.splitlines() == [
        "csr.npz",
        f"n = 40 samples, p = 12 features, {np.count_nonzero(X)} stored entries (CSR)",
        "target: y",
    ]

    title, *rows = table.splitlines()
    assert re.split(r"\s{2,}", title.strip()) == [
        *("alpha", "non-zeros", "deviance explained", "relative gap", "status")
    ]
    assert len({len(row.rsplit("  ", 1)[0]) for row in rows}) == 1, "columns are not aligned"
    assert len(rows) == cli.ROWS
    shown = [row.split() for row in rows]
    assert [shown[0][0], shown[-1][0]] == [f"{model['alphas'][k]:.3e}" for k in (0, -1)]
    counts = [len(column) for column in model["coefs"]]
    assert [int(shown[0][1]), int(shown[-1][1])] == [counts[0], counts[-1]] == [0, 12]
    assert shown[-1][2] == f"{model['deviance_ratio'][-1]:.4f}"
    assert shown[-1][3] == f"{model['dual_gaps'][-1] / model['null_objective']:.1e}"
    assert {row[4] for row in shown} <= {"converged", "precision_floor"}

    assert re.fullmatch(
        r"100 alphas in \d+\.\d\d s, [\d.]+ passes over X: .*\(tol 1e-06\)", certificate
    )

    ratios = np.array(model["deviance_ratio"])
    k = np.argmax(ratios >= ratios.max() / 2)
    assert f"alpha = {model['alphas'][k]:.3e}" in features
    named = {}
    for line in features.splitlines()[2:]:
        name, coef, spread = re.split(r"\s{2,}", line.strip())
        named[name] = (float(coef), float(spread))
    assert set(named) <= set(model["coefs"][k])
    for name, (coef, spread) in named.items():
        deviation = X[:, NAMES.index(name)].std()
        assert coef == pytest.approx(model["coefs"][k][name], rel=1e-3)
        assert spread == pytest.approx(coef * deviation, rel=1e-3)
    spreads = [abs(spread) for _, spread in named.values()]
    assert spreads == sorted(spreads, reverse=True)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix])
@pytest.mark.parametrize("weighted", [False, True])
def test_standard_deviations_come_in_blocks(kind, weighted):
    X, _ = regression(n=4000, p=1500, seed=6, density=0.3)
    weight = np.random.default_rng(1).random(4000) if weighted else None
    columns = np.random.default_rng(2).permutation(1500)[:1100]  # two blocks of dense columns
    dense = X[:, columns]
    mean = np.average(dense, axis=0, weights=weight)
    expected = np.sqrt(np.average((dense - mean) ** 2, axis=0, weights=weight))
    found = cli._standard_deviations(kind(X), columns, weight)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_constant_target_has_no_features(tmp_path, capsys):
    X, _ = regression(n=20, p=4)
    np.savez(tmp_path / "constant.npz", X=X, y=np.full(20, 3.0))
    model = fitted(capsys, tmp_path, tmp_path / "constant.npz", *ALPHAS)
    assert model["coefs"] == [{}] * 20
    assert model["intercepts"] == [3.0] * 20
    status, output, _ = run(capsys, tmp_path / "constant.npz")
    assert status == 0
    assert "no feature" in output


def test_fewer_alphas_than_rows_are_all_shown(data, tmp_path, capsys):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)
    judge(fitted(capsys, tmp_path, tmp_path / "dense.npz", "--alphas", 1), X, y, n_alphas=1)
    for number in (1, 5):
        _, output, _ = run(capsys, tmp_path / "dense.npz", "--alphas", number)
        assert len(output.split("\n\n")[1].splitlines()) == 1 + number


def test_a_path_that_did_not_converge_warns_in_one_line(data, tmp_path, capsys):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)
    status, output, errors = run(capsys, tmp_path / "dense.npz", "--tol", "0", *ALPHAS)
    assert status == 0
    assert len(errors) <= 1
    assert all(line.startswith("riata: warning: ") for line in errors)
    assert "certified" not in output


def test_plot_is_written_in_the_format_of_its_name(data, tmp_path, capsys):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)
    for name, start in (("path.png", b"\x89PNG"), ("path.svg", b"<?xml"), ("path.pdf", b"%PDF")):
        status, output, errors = run(
            capsys, tmp_path / "dense.npz", "--plot", tmp_path / name, *ALPHAS
        )
        assert (status, errors) == (0, [])
        assert f"plot written to {tmp_path / name}" in output
        assert (tmp_path / name).read_bytes().startswith(start)


# --- the built-in data ----------------------------------------------------------------------------


def lasso_gap(X, y, coef, intercept, alpha):
    """Return the gap of an unweighted lasso with intercept; sparse, as the oracle is dense."""
    n = len(y)
    residual = y - intercept - X @ coef
    u = residual - residual.mean()
    limit = alpha * n / max(abs(X.T @ u).max(), 1e-300)
    scale = min(limit, u @ (y - y.mean()) / (u @ u))
    dual = scale * (u @ (y - y.mean())) / n - scale**2 * (u @ u) / (2 * n)
    return residual @ residual / (2 * n) + alpha * abs(coef).sum() - dual


def test_without_a_file_the_docstrings_are_fitted(tmp_path, capsys, monkeypatch):
    loaded = []
    load = examples.load_docstrings
    monkeypatch.setattr(examples, "load_docstrings", lambda: loaded.append(load()) or loaded[0])
    status, output, errors = run(capsys, "--out", tmp_path / "model.json")
    assert status == 0
    assert errors == ["reading the docstrings of the installed packages ..."]
    assert "100 converged" in output or "precision_floor" in output
    table = loaded[0]
    n, p = table.X.shape
    assert n > 3000
    assert p > 10_000
    assert table.X.format == "csr"
    model = json.loads((tmp_path / "model.json").read_text())
    coefs = coefficients(model, table.names)
    null = np.var(table.y) / 2
    for k, alpha in enumerate(model["alphas"]):
        gap = lasso_gap(table.X, table.y, coefs[:, k], model["intercepts"][k], alpha)
        assert gap <= 1e-6 * null * (1 + 1e-6)
        assert gap == pytest.approx(model["dual_gaps"][k], rel=1e-4, abs=1e-13 * null)
    TALLY.fits += 1
    TALLY.alphas += len(model["alphas"])


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A folder of source files in place of the installed packages."""
    folder = tmp_path / "sources"
    (folder / "tests").mkdir(parents=True)
    monkeypatch.setattr(examples, "PACKAGES", ())
    monkeypatch.setattr(examples.sysconfig, "get_path", lambda name: str(folder))
    return folder


def test_docstrings_of_functions_and_methods_are_found_with_their_lengths(sources):
    (sources / "b.py").write_text(
        'def first():\n    """Return one."""\n    return 1\n\n'
        "def undocumented():\n    return 1\n\n"
        'class K:\n    """Not a function."""\n    async def second(self):\n'
        '        """Wait.\n\n        Long.\n        """\n        x = 1\n\n        return x\n\n'
        'if True:\n    def third(): "Docstring only."\n'
    )
    (sources / "broken.py").write_text("def (:")
    (sources / "binary.py").write_bytes(b"\0\xff")
    (sources / "tests" / "c.py").write_text('def skipped():\n    """Skip."""\n')
    found = [
        pair
        for path in examples._sources([sources])
        for pair in examples._documented_functions(path)
    ]
    # two lines of three; four of eight (a blank one counts); never none, whose log is -inf
    assert sorted(found) == [
        ("Docstring only.", 1),
        ("Return one.", 2),
        ("Wait.\n\n        Long.\n        ", 4),
    ]


def test_docstrings_come_in_one_order(sources):
    for k in range(60):
        (sources / f"m{k}.py").write_text(f'def f():\n    """Word{k}."""\n' * 2)
    first, second = examples.load_docstrings(), examples.load_docstrings()
    assert first.names == second.names
    assert (first.X != second.X).nnz == 0
    assert (first.y == second.y).all()


def test_an_installation_without_sources_is_told_to_give_a_file(sources, capsys):
    status, output, errors = run(capsys)
    assert (status, output) == (2, "")
    assert "found 0 docstrings: give a FILE" in errors[-1]


# --- mistakes -------------------------------------------------------------------------------------


def error_of(capsys, *arguments):
    status, output, errors = run(capsys, *arguments)
    assert status == 2
    assert output == ""
    assert len(errors) == 1, errors
    assert errors[0].startswith("riata: error: ")
    return errors[0]


@pytest.mark.parametrize(
    ("content", "arguments", "fragments"),
    [
        ("a,b\n1,2\n", [], ["--target must name the column", "'a', 'b'"]),
        ("a,b\n1,2\n", ["--target", "c"], ["--target", "'c'", "there are 'a', 'b'"]),
        ("a,b\n1,2\n", ["--target", "a", "--weights", "c"], ["--weights", "'c'"]),
        ("a,b\n1,2\n", ["--target", "a", "--weights", "a"], ["must differ"]),
        ("a\n1\n", ["--target", "a"], ["at least one column beside the target"]),
        ("a,b,c\n1,x,2\n3,y,z\n", ["--target", "a"], ["'b', 'c'", "numeric", "get_dummies"]),
        ("a,b\nx,2\ny,3\n", ["--target", "a"], ["numeric", "'a'"]),
        ("a,b\n1,2\n3,\n", ["--target", "a"], ["missing", "'b'", "data row 2"]),
        ("a,b\n,2\n3,1\n", ["--target", "a"], ["missing", "'a'", "data row 1"]),
        ("", ["--target", "a"], ["can't be read"]),
        ("a,b\n1,2,3\n", ["--target", "a"], ["data.csv"]),
        ("a,b\n1,2\n1,2,3,4\n", ["--target", "a"], ["can't be read"]),
        ("a,b\n", ["--target", "a"], ["X"]),
        ("a,b\n1,inf\n2,3\n", ["--target", "a"], ["X", "inf"]),
    ],
)
@pytest.mark.parametrize("reader", ["pandas", "polars"])
def test_a_bad_table_is_one_line(
    content, arguments, fragments, reader, tmp_path, capsys, monkeypatch
):
    hide(monkeypatch, {"pandas": "polars", "polars": "pandas"}[reader])
    path = tmp_path / "data.csv"
    path.write_text(content)
    message = error_of(capsys, path, *arguments)
    for fragment in fragments:
        assert fragment in message


def test_rows_with_more_fields_than_the_header_are_not_shifted(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2,3\n4,5,6\n")
    assert "as many fields as the header" in error_of(capsys, path, "--target", "a")


@pytest.mark.parametrize(
    ("name", "content", "fragments"),
    [
        ("data.csv", "a;b;c\n1;2;3\n", ["commas, got semicolons", "'a;b;c'", "write it with com"]),
        ("data.csv", "a;b\n1,5;2,5\n", ["commas, got semicolons", "'a;b'"]),
        ("data.csv", "a\tb\n1\t2\n", ["commas, got tabs", "end in .tsv"]),
        ("data.tsv", "a,b\n1,2\n", ["tabs, got commas", "end in .csv"]),
        ("data.tsv.gz", "a|b\n1|2\n", ["tabs, got bars", "write it with tabs"]),
    ],
)
@pytest.mark.parametrize("reader", ["pandas", "polars"])
def test_another_separator_is_named(
    name, content, fragments, reader, tmp_path, capsys, monkeypatch
):
    hide(monkeypatch, {"pandas": "polars", "polars": "pandas"}[reader])
    data = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    message = error_of(capsys, tmp_path / name, "--target", "a")
    for fragment in ["fields must be separated by", *fragments]:
        assert fragment in message


def test_a_directory_is_told_from_a_missing_file(tmp_path, capsys):
    message = error_of(capsys, tmp_path, "--target", "a")
    assert message.endswith(f"{tmp_path}: FILE must be a file, got a directory: name a file in it")


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.npz", "data.svm"])
def test_a_file_of_rubbish_is_one_line(name, tmp_path, capsys):
    (tmp_path / name).write_bytes(b"\x93\xff\x00 rubbish\n:1:2\n" * 5)
    message = error_of(capsys, tmp_path / name, *(["--target", "y"] if name[-1] in "vt" else []))
    assert name in message


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["nowhere.csv"], ["nowhere.csv: no such file"]),
        (["--target", "y"], ["--target needs a FILE"]),
        (["--weights", "w"], ["--weights needs a FILE"]),
        (["--alphas", "many"], ["--alphas", "many"]),
        (["--nonsense"], ["--nonsense"]),
        (["--out", "no/such/folder/model.json"], ["--out", "folder"]),
        (["--plot", "no/such/folder/path.png"], ["--plot", "folder"]),
        (["--plot", "path.doc"], ["--plot", ".png", "path.doc"]),
    ],
)
def test_a_wrong_argument_is_one_line(arguments, fragments, capsys):
    message = error_of(capsys, *arguments)
    for fragment in fragments:
        assert fragment in message


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        (["--l1-ratio", "1.5"], "l1_ratio"),
        (["--l1-ratio", "nan"], "l1_ratio"),
        (["--alphas", "0"], "n_alphas"),
        (["--tol", "-1"], "tol"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(arguments, argument, data, tmp_path, capsys):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)
    assert argument in error_of(capsys, tmp_path / "dense.npz", *arguments)


@pytest.mark.parametrize(
    ("arrays", "arguments", "fragments"),
    [
        ({"X": np.eye(3)}, [], ["--target", "'y'", "there are 'X'"]),
        ({"X": np.eye(3), "y": np.ones(3)}, ["--weights", "w"], ["--weights", "'w'"]),
        ({"y": np.ones(3), "Z": np.eye(3)}, [], ["dense array X", "'y', 'Z'"]),
        ({"X": np.ones(3), "y": np.ones(3)}, [], ["two dimensions", "(3,)"]),
        ({"X": np.eye(3), "y": np.ones(4)}, [], ["y"]),
        ({"X": np.eye(3), "y": np.ones(3), "feature_names": ["a", "b"]}, [], ["feature_names"]),
        ({"X": np.eye(2), "y": np.ones(2), "feature_names": ["a", "a"]}, [], ["different"]),
        ({"X": np.full((2, 2), np.nan), "y": np.ones(2)}, [], ["X must", "nan at row 0"]),
        ({"format": "csr", "y": np.ones(2)}, [], ["save_npz"]),
    ],
)
def test_a_bad_npz_is_one_line(arrays, arguments, fragments, tmp_path, capsys):
    np.savez(tmp_path / "data.npz", **arrays)
    message = error_of(capsys, tmp_path / "data.npz", *arguments)
    for fragment in fragments:
        assert fragment in message


class Trap:
    def __reduce__(self):
        return (os.mkdir, ("sprung",))


@pytest.mark.parametrize("place", ["X", "y", "feature_names"])
def test_a_pickle_in_an_npz_is_refused_and_not_run(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = {"X": np.eye(3), "y": np.ones(3), "feature_names": np.array(["a", "b", "c"])}
    arrays[place] = np.array([Trap(), Trap(), Trap()], dtype=object)
    np.savez("data.npz", **arrays)
    assert "allow_pickle" in error_of(capsys, "data.npz")
    assert not Path("sprung").exists()


def test_a_corrupted_sparse_npz_is_refused(data, tmp_path, capsys):
    X, y, weight = data
    write_npz(tmp_path / "csr.npz", X, y, weight, kind=sp.csr_array)
    with np.load(tmp_path / "csr.npz") as archive:
        arrays = dict(archive)
    arrays["indices"] = arrays["indices"].copy()
    arrays["indices"][5] = 1_000_000
    np.savez(tmp_path / "csr.npz", **arrays)
    error_of(capsys, tmp_path / "csr.npz")


@pytest.mark.parametrize(("option", "value"), [("--target", "y"), ("--weights", "w")])
def test_svmlight_takes_no_columns(option, value, data, tmp_path, capsys):
    write_svmlight(tmp_path / "data.svm", *data[:2], 1)
    assert option in error_of(capsys, tmp_path / "data.svm", option, value)


@pytest.mark.parametrize(
    ("name", "hidden", "wanted"),
    [
        ("data.csv", ("pandas", "polars"), "pandas or polars"),
        ("data.parquet", ("pandas", "polars"), "pandas with pyarrow, or polars"),
        ("data.parquet", ("pyarrow", "fastparquet", "polars"), "pandas with pyarrow, or polars"),
    ],
)
def test_a_missing_reader_is_named_with_the_command(
    name, hidden, wanted, data, tmp_path, capsys, monkeypatch
):
    FORMATS[name](tmp_path / name, *data)
    hide(monkeypatch, *hidden)
    message = error_of(capsys, tmp_path / name, "--target", "y")
    assert wanted in message
    assert "pip install 'riata[files]'" in message


def test_a_missing_matplotlib_is_named_before_any_work(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'riata[plot]'" in error_of(capsys, "--plot", "path.png")


# --- the process ----------------------------------------------------------------------------------


def test_the_module_is_a_program(data, tmp_path):
    X, y, weight = data
    write_text(tmp_path / "data.csv", X, y, weight)
    command = [sys.executable, "-m", "riata", "data.csv", *ALPHAS]
    good = subprocess.run(
        [*command, "--target", "y", "--weights", "weight", "--out", "model.json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (good.returncode, good.stderr) == (0, "")
    assert "model written to model.json" in good.stdout
    judge(json.loads((tmp_path / "model.json").read_text()), X, y, sample_weight=weight)
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)


def test_help_and_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"riata {riata.__version__}\n"
    assert cli.main(["--help"]) == 0
    assert "--target" in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_traceback(data, tmp_path):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "riata", "dense.npz", *ALPHAS],
        cwd=tmp_path, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, "")


def test_ctrl_c_while_reading_ends_with_130(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "riata"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert "reading" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert errors == "riata: interrupted before the first alpha was solved\n"


def test_ctrl_c_in_the_fit_reports_what_was_solved(data, tmp_path, capsys, monkeypatch):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)
    solve = riata.fit_path

    def interrupted(*arguments, **settings):
        path = solve(*arguments, **settings)
        path.status = np.array([*path.status[:7], *["interrupted"] * 13])
        for numbers in (path.dual_gaps, path.intercepts, path.deviance_ratio, path.df):
            numbers[7:] = np.nan
        path.coefs = sp.csc_array(path.coefs.toarray() * (np.arange(20) < 7))
        stop = KeyboardInterrupt()
        stop.path = path
        raise stop

    monkeypatch.setattr(riata, "fit_path", interrupted)
    out, image = tmp_path / "model.json", tmp_path / "path.png"
    status, output, errors = run(
        capsys, tmp_path / "dense.npz", *ALPHAS, "--out", out, "--plot", image
    )
    assert status == 130
    assert errors == ["riata: interrupted; the alphas above are what was solved"]
    rows = [line.split() for line in output.split("\n\n")[1].splitlines()[1:]]
    assert {tuple(row[1:]) for row in rows if row[-1] == "interrupted"} == {
        ("-", "-", "-", "interrupted")
    }
    model = json.loads(out.read_text())
    assert model["status"][6:8] == ["converged", "interrupted"]
    for name in ("coefs", "intercepts", "dual_gaps", "deviance_ratio"):
        assert model[name][7:] == [None] * 13
        assert None not in model[name][:7]
    assert image.exists()


@pytest.mark.parametrize("step", ["describe", "to_json", "_draw"])
def test_ctrl_c_after_the_fit_does_not_deny_the_fit(step, data, tmp_path, capsys, monkeypatch):
    X, y, weight = data
    write_npz(tmp_path / "dense.npz", X, y, weight)

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, step, stop)
    files = ["--out", tmp_path / "model.json", "--plot", tmp_path / "path.png"]
    status, output, errors = run(capsys, tmp_path / "dense.npz", *ALPHAS, *files)
    assert status == 130
    assert errors == ["riata: interrupted after the fit, before all was written"]
    assert ("strongest of" in output) == (step != "describe")


def test_every_option_is_documented():
    page = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text()
    for action in cli._parser()._actions:
        if isinstance(action, argparse._HelpAction | argparse._VersionAction):
            continue
        for option in action.option_strings:
            assert f"`{option}" in page, option
    for ending in readers.FORMATS:
        assert f"`{ending}`" in page, ending
