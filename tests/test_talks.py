"""The documents of examples/ are built with their own tools, and show what gdsim has drawn."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from tests.browse import ENVIRONMENT, visit, wait_for
from tests.commands import run_line

EXAMPLES = Path(__file__).parent.parent / "examples"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the examples, with the pictures that their README draws."""
    path = tmp_path_factory.mktemp("talks") / "examples"
    shutil.copytree(EXAMPLES, path)
    commands = re.search(r"```sh\n(.+?)```", (path / "README.md").read_text(), re.DOTALL)[1]
    with chdir(path):
        for line in commands.splitlines():
            run_line(line, "--set", "animation.seconds=1")
    return path


def run(folder, *words):
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def program(name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.mark.parametrize("name", ["marp.md", "reveal.html", "quarto.qmd", "beamer.tex"])
def test_a_document_shows_pictures_that_exist_as_embed_prints_them(folder, name, monkeypatch):
    monkeypatch.chdir(folder)
    text = Path(name).read_text()
    for path in re.findall(r"outputs/[\w/]+\.\w+", text):
        assert Path(path).exists()
    form, file = name.partition(".")[0], "momentum_ravine.html" if name == "reveal.html" else "momentum_ravine.gif"
    printed = run_line(f"gdsim embed outputs/momentum_ravine/{file} --for {form}")
    assert {line.strip() for line in printed.splitlines()} <= {line.strip() for line in text.splitlines()}


def test_the_notebook_of_marimo_is_exported(folder):
    run(folder, sys.executable, "-m", "marimo", "export", "html", "app.py", "-o", "app.html")
    text = (folder / "app.html").read_text()
    assert "SGD" in text
    assert "gdsim-source" in text  # the player of the movie


def test_the_beamer_file_is_typeset(folder):
    run(folder, program("pdflatex"), "-interaction=nonstopmode", "-halt-on-error", "beamer.tex")
    assert (folder / "beamer.pdf").stat().st_size > 200_000  # with the picture


@pytest.fixture(scope="module")
def packages(folder):
    """The folder, with the packages of npm that the talks need."""
    run(
        folder, program("npm"), "install", "--silent", "--no-fund", "--no-audit", "reveal.js@6", "@marp-team/marp-cli@4"
    )
    return folder


def test_the_marp_deck_is_built(packages):
    run(packages, "npx", "marp", "marp.md", "--html", "-o", "marp.html")
    text = (packages / "marp.html").read_text()
    assert text.count("<section") == 3
    assert 'src="outputs/momentum_ravine/momentum_ravine.gif"' in text


def test_the_reveal_talk_plays_the_page(packages, browser):
    visit(browser, packages / "reveal.html")
    assert wait_for(lambda: browser.execute_script("return window.Reveal?.isReady()"), 20)
    browser.execute_script("Reveal.slide(1)")
    frame = browser.find_element("css selector", "section.present iframe")
    browser.switch_to.frame(frame)
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"), 20)
    assert "Nesterov" in browser.execute_script("return document.title")
    browser.switch_to.default_content()
