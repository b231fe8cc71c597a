"""The floors of the source: imports point down only, and what `import riata` loads and says."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import riata

HERE = Path(__file__).resolve().parents[1] / "src" / "riata"
SOURCE = HERE if HERE.is_dir() else Path(riata.__file__).parent
FLOORS = {
    0: ["exceptions", "blas", "_version", "version"],
    1: ["kernels", "threads"],
    2: ["design", "families", "penalty", "certificate"],
    3: [
        "arguments",
        "centring",
        "data",
        "responses",
        "gram_space",
        "lazy_solver",
        "lookahead",
        "least_squares",
        "multi",
        "multi_descent",
        "response_descent",
        "newton",
        "newton_wide",
        "problem",
        "residual_descent",
        "row_descent",
        "row_space",
        "without_gram",
        "certify",
        "correlations",
        "covariance",
        "response_covariance",
        "engine",
        "class_model",
        "expansion",
        "foresight",
        "curvature",
        "freedom",
        "intercept",
        "ridge",
        "rowwise",
        "solver",
        "state",
        "stopping",
        "working_set",
    ],
    4: [
        "path",
        "judge",
        "result",
        "result_multi",
        "extension",
        "prediction",
        "folds",
        "criteria",
        "relaxed",
        "stability",
        "halves",
        "scoring",
        "scorers",
        "cv_run",
        "ridge_cv",
        "lockstep",
        "starts",
        "grid",
        "lane",
        "targets",
        "cross_validation",
        "cv_result",
    ],
    5: ["estimators", "cli", "plotting", "__main__", "readers", "examples"],
}
# path.plot() and cv.plot(), for people: imported when they are called
UPWARD = {("result", "plotting"), ("cv_result", "plotting")}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
FILES = sorted(SOURCE.rglob("*.py"))
HEAVY = ("sklearn", "pandas", "polars", "matplotlib", "tqdm", "pyarrow")


def module_of(file):
    """Return a file's dotted name below riata, '' for riata itself."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(file):
    """Yield the dotted names below riata that a file imports, wherever the statement stands."""
    package = list(file.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "riata":
                    yield alias.name.partition(".")[2]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
            elif (node.module or "").split(".")[0] == "riata":
                base = []
            else:
                continue
            inner = (node.module or "").split(".")
            inner = inner if node.level else inner[1:]
            path = [*base, *filter(None, inner)]
            if path:
                yield ".".join(path)
            else:
                yield from (alias.name for alias in node.names)


def is_module(name):
    place = SOURCE.joinpath(*name.split("."))
    return place.is_dir() or any(place.parent.glob(f"{place.name}.*"))


@pytest.mark.parametrize("file", [f for f in FILES if module_of(f)], ids=module_of)
def test_imports_point_down_only(file):
    own = module_of(file).split(".")[0]
    assert own in FLOOR, f"{own} has no floor: give it one in FLOORS"
    for name in imported(file):
        top = name.split(".")[0]
        if not top or not is_module(top):
            assert FLOOR[own] == 5, f"{module_of(file)} imports riata.{name} from the top"
            continue
        assert top in FLOOR, f"{top} has no floor: give it one in FLOORS"
        down = FLOOR[top] <= FLOOR[own] or (own, top) in UPWARD
        assert down, f"{module_of(file)} imports {name}"


def test_the_pieces_of_floor_two_are_ignorant_of_each_other():
    for file in FILES:
        own = module_of(file).split(".")[0]
        if FLOOR.get(own) == 2:
            beside = {name.split(".")[0] for name in imported(file)} - {own}
            assert all(FLOOR[name] < 2 for name in beside), (module_of(file), beside)


def test_kernels_cimport_nothing_of_riata_but_kernels():
    for file in SOURCE.rglob("*.p[xy][xd]"):
        for line in file.read_text().splitlines():
            found = re.match(r"\s*(?:from|c?import)\s+riata\.?([\w.]*)", line)
            assert not found or found[1].startswith("kernels"), (file.name, line)


def test_storage_is_not_asked_for_above_floor_two():
    for file in FILES:
        own = module_of(file).split(".")[0]
        if FLOOR.get(own) in (3, 4):
            words = re.findall(r"\b(?:is_sparse|issparse|\w+_sparse)\b", file.read_text())
            assert not set(words), (module_of(file), words)


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_riata_loads_numpy_and_scipy_only():
    code = f"import sys, riata; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code) == "[]"


def test_a_fit_loads_no_more_than_the_import():
    code = (
        "import sys, numpy as np, riata\n"
        "path = riata.fit_path(np.eye(4), [1.0, 2.0, 3.0, 5.0], alphas=[1e-3])\n"
        "path.predict(np.eye(4))\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert python(code) == "[]"


def test_every_public_name_is_there_and_in_dir():
    for name in riata.__all__:
        assert hasattr(riata, name), name
        assert name in dir(riata), name
    with pytest.raises(AttributeError, match="no_such_name"):
        riata.no_such_name  # noqa: B018


def public_callables():
    """Yield the public functions, classes and methods of riata, with their names."""
    for name in riata.__all__:
        thing = getattr(riata, name)
        if inspect.ismodule(thing) or not callable(thing):
            continue
        yield name, thing
        if inspect.isclass(thing):
            for method, function in vars(thing).items():
                if not method.startswith("_") and inspect.isfunction(function):
                    yield f"{name}.{method}", function


def documented_parameters(docstring):
    """Return the names in a numpydoc Parameters section, None where there is none."""
    found = re.search(r"\n *Parameters\n *-+\n(.*?)(?=\n *[A-Z][\w ]*\n *---|\Z)", docstring, re.S)
    if not found:
        return None
    lines = inspect.cleandoc("\n" + found[1]).splitlines()
    text = "\n".join(lines).replace("\\\n", " ")
    heads = [line.split(":")[0] for line in text.splitlines() if line and not line[0].isspace()]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


PUBLIC = dict(public_callables())


@pytest.mark.parametrize("name", PUBLIC)
def test_documented_parameters_equal_actual_ones(name):
    thing = PUBLIC[name]
    docstring = inspect.getdoc(thing)
    assert docstring, "no docstring"
    if inspect.isclass(thing) and issubclass(thing, BaseException | Warning):
        return
    actual = [p for p in inspect.signature(thing).parameters if p != "self"]
    documented = documented_parameters("\n" + docstring)
    results = ("RegularizationPath", "CrossValidatedPath", "StabilitySelection")
    if name in results or (documented is None and not actual):
        return  # a result: made by a function, not by its constructor
    assert sorted(documented) == sorted(actual)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_signatures_are_annotated(name):
    thing = PUBLIC[name]
    if inspect.isclass(thing):
        return
    signature = inspect.signature(thing)
    missing = [
        p for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"
    ]
    assert not missing
    assert signature.return_annotation is not signature.empty


def test_every_compiled_module_has_a_stub_that_names_what_it_holds():
    import riata.kernels

    for info in pkgutil.iter_modules(riata.kernels.__path__):
        stub = SOURCE / "kernels" / f"{info.name}.pyi"
        assert stub.exists(), stub
        module = importlib.import_module(f"riata.kernels.{info.name}")
        for node in ast.parse(stub.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                assert hasattr(module, node.name), (info.name, node.name)
