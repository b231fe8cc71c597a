"""README, CONTRIBUTING and .ci/run say what is true."""

import contextlib
import io
import os
import re
import stat
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [page for folder in ("", "docs/", "benchmarks/") for page in ROOT.glob(f"{folder}*.md")]


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_example_prints_what_the_readme_shows():
    (program,) = blocks(README, "python")
    (shown,) = blocks(README, "text")
    assert len([line for line in program.splitlines() if line.strip()]) == 8
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "README.md", "exec"), {})
    assert printed.getvalue() == shown


def test_there_are_two_commands_and_each_does_its_own_set_up():
    commands = [block.strip() for block in blocks(README, "sh")]
    assert len(commands) == 2
    for command in commands:
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert commands[0].endswith(".venv/bin/python -m riata")
    assert commands[1].endswith(".venv/bin/python -m pytest")


def test_ci_runs_the_readme_s_test_command():
    script = ROOT / ".ci" / "run"
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    assert os.stat(script).st_mode & stat.S_IXUSR
    pattern = re.search(r"grep -x '([^']*)' README.md", text).group(1)
    found = [line for line in README.splitlines() if re.fullmatch(pattern, line)]
    assert found == [blocks(README, "sh")[1].strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_contributing_has_a_line_for_each_source_file():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.split("## Where to start in the source")[1]
    listed = re.findall(r"^\s*- `([^`]+)`", section, re.MULTILINE)
    source = ROOT / "src" / "riata"
    kinds = (".py", ".pyx", ".pxd", ".h")
    present = {
        str(path.relative_to(source)).replace(os.sep, "/")
        for path in source.rglob("*")
        if path.suffix in kinds and path.stat().st_size and path.name != "__init__.py"
    }
    present.add("__init__.py")
    assert sorted(listed) == sorted(present)
