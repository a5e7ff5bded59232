"""The code blocks of README, CONTRIBUTING and docs run as they are written."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import gdsim
from gdsim.errors import Code

ROOT = Path(__file__).parent.parent
TUTORIALS = [ROOT / "docs" / "get_started.md", *sorted((ROOT / "docs" / "tutorials").glob("*.md"))]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "explanation").glob("*.md")), ROOT / "docs" / "index.md"]
PAGES += [ROOT / "docs" / "reference" / "python.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(page.name, *block) for page in PAGES for block in BLOCK.findall(page.read_text(encoding="utf-8"))]
FILE = re.compile(r"# (\w+\.\w+)\n")
"""The first line of a block that a reader saves as a file."""

SETUP = ("make ", "source ", "python3 -m venv", ".venv/bin/", "pip install", "git ", "gdsim studio", "gdsim watch")
"""Commands that set up an environment or run all tests, which CI runs itself, and one that goes on until Ctrl-C."""


def blocks(language: str) -> list[str]:
    return [code for _, kind, code in BLOCKS if kind == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the shipped configs, in which commands build on the files of earlier ones."""
    path = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "configs", path / "configs")
    return path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of gdsim or Python, which may end in a comment."""
    program, *arguments = shlex.split(command, comments=True)
    assert program in ("gdsim", "python"), command
    found = Path(sys.executable).parent / program
    return subprocess.run([found, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", blocks("yaml"))
def test_a_yaml_block_is_a_valid_config(code, monkeypatch):
    monkeypatch.chdir(ROOT)
    # A block that shows some keys alone is completed by the required ones.
    missing = {"objective": "himmelblau", "steps": "10", "optimizers": "{SGD: {lr: 0.01}}"}
    rest = "".join(f"{key}: {value}\n" for key, value in missing.items() if not re.search(rf"^{key}:", code, re.M))
    assert gdsim.loads(code + rest).optimizers


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("sh"))
def test_a_shell_block_runs(code, folder):
    for line in (line for line in code.splitlines() if not line.startswith(SETUP)):
        done = run(line, folder)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert code.strip()


@pytest.mark.parametrize("code", [code for code in blocks("") if code.startswith("$ ")])
def test_a_console_block_prints_what_it_shows(code, folder):
    command, _, printed = code.removeprefix("$ ").partition("\n")
    done = run(command, folder)
    shown = [line.split() for line in done.stdout.strip().splitlines()]
    assert shown == [line.split() for line in printed.strip().splitlines()], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_block_runs(code, folder):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works_to_the_letter(page, tmp_path):
    """In an empty folder, its files are saved and its commands run in their order."""
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        saved = FILE.match(code)
        if saved:
            (tmp_path / saved[1]).write_text(code, encoding="utf-8")
        elif language == "python":
            subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
        elif language == "sh":
            for line in (line for line in code.splitlines() if not line.startswith(SETUP)):
                done = run(line, tmp_path)
                assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert page.stem == "index" or list(tmp_path.iterdir())


def test_every_error_code_is_explained():
    text = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(get_args(Code))
