"""What a run says about the files that it wrote, and which file a picture goes to."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from tests import commands

QUICK = "{objective: himmelblau, start: [-0.5, 4.2], steps: 5, optimizers: {SGD: {lr: 0.01}}, "
QUICK += "view: {size: [320, 180], panels: []}, animation: {fps: 10, seconds: 1, hold: 1}}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quick.yaml").write_text(QUICK)
    return tmp_path


def call(*words: str):
    result = commands.call(*words)
    assert result.exit_code == 0, result.output
    return result


def test_a_run_ends_with_the_sizes_and_with_what_to_do_next(here):
    result = commands.call("run", "quick.yaml", "--format", "gif,png")
    units = {"kB": 1e3, "MB": 1e6}
    (line,) = re.findall("^Sizes: (.*)[.]$", result.stderr, re.MULTILINE)
    sizes = {suffix: float(size) * units[unit] for suffix, size, unit in map(str.split, line.split(", "))}
    written = {Path(path).suffix[1:]: Path(path).stat().st_size for path in result.stdout.split()}
    assert sizes == {suffix: pytest.approx(size, rel=1e-3) for suffix, size in written.items()}
    assert result.stderr.endswith("\nNext: open outputs/quick/quick.gif; edit quick.yaml and run it again.\n")
    assert call("run", "quick.yaml", "--format", "png", "--quiet").stderr == ""


def test_what_to_do_next_is_said_once(here):
    Path("more.yml").write_text(QUICK)
    said = call("run", "quick.yaml", "more.yml", "--format", "png").stderr
    assert re.findall("^Next: .*$", said, re.MULTILINE) == [
        "Next: open outputs/quick/quick.png, outputs/more/more.png; edit quick.yaml, more.yml and run it again."
    ]
    said = call("run", "outputs/more/more.png", "--format", "png", "-o", "again").stderr
    assert said.endswith("\nNext: open again/more/more.png.\n")
    said = call("render", "outputs/more/more.npz", "--format", "png", "-o", "again").stderr
    assert said.endswith("\nNext: open again/more/more.png.\n")


def test_files_of_an_earlier_run_are_named(here):
    assert "Older" not in call("run", "quick.yaml", "--format", "gif,png").stderr
    assert "Older" not in call("run", "quick.yaml", "--format", "gif,png").stderr
    for name in ("quick.txt", "other.gif"):
        Path("outputs/quick", name).touch()
    assert "Older" not in call("render", "outputs/quick/quick.npz", "--format", "svg").stderr
    said = call("run", "quick.yaml", "--format", "svg", "--set", "steps=6").stderr
    assert "\nOlder, not written by this run: outputs/quick/quick.gif, outputs/quick/quick.png.\n" in said


def test_the_name_of_an_example_leads_to_its_file(here):
    Path("configs").mkdir()
    Path("quick.yaml").rename("configs/quick.yaml")
    for name in ("quick", "quick.yaml"):
        result = commands.call("run", name)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"{name}: no such file; did you mean 'configs/quick.yaml'?\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ravine", "; did you mean 'fast_ravine.yaml'?"),
        ("ravine.yaml", "; did you mean 'fast_ravine.yaml'?"),
        ("view_heat", "; `gdsim examples view_heat` writes it here"),
        ("heat.yaml", "; `gdsim examples view_heat` writes it here"),
        ("rosenbrok", "; did you mean 'rosenbrock'?"),
    ],
)
def test_a_missing_file_leads_to_a_file_an_example_or_a_function(here, name, hint):
    Path("quick.yaml").rename("fast_ravine.yaml")
    assert commands.call("run", name).stderr == f"{name}: no such file{hint}\n"


def test_a_large_gif_says_how_to_make_it_smaller(here, monkeypatch):
    assert " is large: " not in call("run", "quick.yaml", "--format", "gif").stderr
    size = Path("outputs/quick/quick.gif").stat().st_size
    monkeypatch.setattr("gdsim.cli.run.LARGE_GIF", size - 1)
    said = call("run", "quick.yaml", "--format", "gif").stderr
    assert "\noutputs/quick/quick.gif is large: --set output.max_bytes=5MB " in said
    said = call("run", "quick.yaml", "--format", "gif", "--set", f"output.max_bytes={size - 1}").stderr
    assert " is large: " not in said
    assert Path("outputs/quick/quick.gif").stat().st_size < size


def test_a_colour_that_is_faint_on_the_page_is_named(here):
    # By the formula of WCAG: (0.0722 + 0.05) / (0.0048 + 0.05) for blue on #0b0f17, and 0.2126 for 0.0722 for red.
    colors = "optimizers={Blue: {class: SGD, lr: 0.01, color: blue}, Red: {class: SGD, lr: 0.02, color: red}}"
    said = call("run", "quick.yaml", "--format", "png", "--theme", "dark", "--set", colors).stderr
    assert re.findall("^(.*): its colour is faint .* ([0-9.]+) : 1, legible", said, re.MULTILINE) == [("Blue", "2.2")]


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is of Linux")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # nobody waits for xdg-open
def test_open_hands_the_first_file_to_the_desktop(here, monkeypatch):
    (here / "bin").mkdir()
    program = here / "bin/xdg-open"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {here}/part && mv {here}/part {here}/opened\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{here}/bin:/usr/bin:/bin")
    said = call("run", "quick.yaml", "--format", "svg,png", "--open").stderr
    assert said.endswith("\nNext: edit quick.yaml and run it again.\n")
    until = time.monotonic() + 10
    while not Path("opened").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert Path("opened").read_text() == str(here / "outputs/quick/quick.svg")
    monkeypatch.setenv("PATH", "")
    result = commands.call("run", "quick.yaml", "--format", "png", "--open", "--quiet")
    assert (result.exit_code, result.stdout.split()[0]) == (1, "outputs/quick/quick.png")
    assert result.stderr == "outputs/quick/quick.png: cannot be opened: xdg-open is not installed\n"


def test_show_keeps_the_picture_of_another_expression(here):
    expressions = "x**2 + 3*x", "x**2 - 3*x", "x/3", "x*3", "x" + " + 1" * 99, "x" + " + 1" * 100
    paths = [call("show", each).stdout.split()[-1] for each in expressions]
    assert len(set(paths)) == len(paths)
    assert all(Path(path).exists() for path in paths)
    assert call("show", expressions[0], "--at", "4").stdout.split()[-1] == paths[0]
    assert call("show", "beale").stdout.split()[-1] == "outputs/beale/beale.png"
