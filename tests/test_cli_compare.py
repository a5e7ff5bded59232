"""`gdsim compare`, as a person types it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gdsim
from gdsim.analysis import Table
from gdsim.analysis.rows import COUNTS, NETWORK_METRICS
from tests import commands

QUICK = "{objective: himmelblau, start: [-0.5, 4.2], steps: 30, optimizers: {SGD: {lr: 0.01}, Adam: {lr: 0.3}}}\n"

NET = """\
objective: {network: mlp, data: moons, hidden: [4]}
optimizers: {SGD: {lr: 0.1}, Adam: }
steps: 3
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.yaml").write_text(QUICK)
    return tmp_path


def call(*words: str):
    return commands.call("compare", *words)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_it_prints_the_table_and_leaves_nothing(here):
    result = call("quick.yaml")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split("│")[1].strip() for line in lines if line.startswith("│")] == ["SGD", "Adam"]
    title = gdsim.build_scene(gdsim.simulate(gdsim.load("quick.yaml"))).title
    assert f"{title}." in lines
    assert "settings" in result.stdout
    assert "Sorted by" in result.stdout
    assert "quick: comparing" in result.stderr
    assert files(here) == {"quick.yaml"}


def of_function(row):
    """What a row holds but for the figures that only networks, ensembles and minimizers have."""
    hidden = (*NETWORK_METRICS, *COUNTS, "runs")
    return {name: value for name, value in vars(row).items() if name not in hidden}


def test_the_files_hold_the_same_table(here):
    result = call("quick.yaml", "--csv", "a/t.csv", "--json", "t.json", "--markdown", "t.md", "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert result.stdout.splitlines()[-3:] == ["a/t.csv", "t.json", "t.md"]
    table = gdsim.compare(gdsim.load("quick.yaml"))
    rows = json.loads((here / "t.json").read_text())["rows"]
    assert rows == [of_function(row) for row in table]
    with (here / "a/t.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [float(row["best_value"]) for row in read] == [row.best_value for row in table]
    assert "| Adam |" in (here / "t.md").read_text()


def test_one_seed_gives_the_same_bytes(here):
    words = ["quick.yaml", "--starts", "4", "--tune", "lr", "--budget", "5", "--set", "optimizers.SGD.noise=0.3"]
    assert call(*words, "--csv", "a.csv").exit_code == 0
    assert call(*words, "--csv", "b.csv").exit_code == 0
    assert call(*words, "--csv", "c.csv", "--set", "seed=1").exit_code == 0
    assert (here / "a.csv").read_bytes() == (here / "b.csv").read_bytes()
    assert (here / "a.csv").read_bytes() != (here / "c.csv").read_bytes()


def test_several_objectives_have_matrices(here):
    result = call("quick.yaml", "--objectives", "booth,beale", "--starts", "3")
    assert result.exit_code == 0, result.output
    assert "Ranks on each objective" in result.stdout
    assert "Share of starts" in result.stdout
    assert "himmelblau" not in result.stdout.lower()


def test_networks_have_no_share_of_starts_that_reach_a_minimum(here):
    (here / "net.yaml").write_text(NET.replace("objective: ", "objective:\n- {network: mlp, data: spirals}\n- "))
    result = call("net.yaml")
    assert result.exit_code == 0, result.output
    assert "Ranks on each objective" in result.stdout
    assert "Share of starts" not in result.stdout


def test_the_tuned_config_runs_and_gives_the_numbers_of_the_table(here):
    (here / "quick.yaml").write_text(QUICK.replace("SGD: {lr: 0.01}", "'a=b: c': {class: SGD}, SGD: {nesterov: true}"))
    words = ["--starts", "3", "--tune", "lr", "--budget", "7", "--write", "below/tuned.yaml", "--json", "t.json"]
    assert call("quick.yaml", *words).exit_code == 0
    text = (here / "below/tuned.yaml").read_text()
    assert "# quick, tuned by gdsim" in text
    assert "budget of 7" in text.replace("\n# ", " ")
    assert "# SGD is left out" in text
    assert "3 other random starts" in text.replace("\n# ", " ")
    told = {row["optimizer"]: row for row in json.loads((here / "t.json").read_text())["rows"]}
    again = gdsim.compare(gdsim.load("below/tuned.yaml"))
    assert {row.optimizer for row in again} == {"a=b: c", "Adam"}
    for row in again:
        assert told[row.optimizer] | {"tuned": ""} == of_function(row)


def test_two_configs_have_a_table_each(here):
    (here / "other.yaml").write_text(QUICK.replace("himmelblau", "booth"))
    result = call("quick.yaml", "other.yaml")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].strip() == "quick"
    assert "\nother " in result.stdout


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--objectives", "boot"], "--objectives: "),
        (["--objectives", ","], "--objectives: "),
        (["--starts", "0"], "--starts: "),
        (["--tune", ","], "--tune: "),
        (["--tune", "alpha"], "--tune: "),
        (["--tune", "lrr"], "--tune: "),
        (["--tune", "lr", "--budget", "0"], "--budget: "),
        (["--tune", "lr", "--range", "lr"], "--range: "),
        (["--tune", "lr", "--range", "lr=1:x"], "--range: "),
        (["--tune", "lr", "--range", "lr=2:1"], "--range: "),
        (["--tune", "lr", "--range", "momentum=0:0.5"], "--range: "),
        (["--budget", "3"], "--budget: "),
        (["--range", "lr=1:2"], "--range: "),
        (["--write", "t.yaml"], "--write: "),
        (["--tune", "lr", "--write", "t.txt"], "--write: t.txt: "),
        (["--tune", "lr", "--write", "t.yaml", "--objectives", "booth,beale"], "--write: "),
        (["--tune", "lr", "--write", "t.yaml", "--objectives", "all"], "--write: "),
        (["other.yaml", "--csv", "t.csv"], "--csv: "),
        (["--csv", "t", "--json", "./t"], "--csv and --json both name t"),
        (["--report", "t.html", "--markdown", "t.md"], "--markdown and --report's Markdown both name t.md"),
        (["--report", "t.pdf"], "--report: t.pdf: "),
        (["--csv", "folder"], "--csv: folder "),
        (["--set", "steps=many"], "--set steps=many: steps: "),
        (["none.yaml"], "none.yaml: "),
        (["net.yaml", "--starts", "8"], "--starts: "),
        (["net.yaml", "--tune", "lr"], "--tune: "),
        (["--csv", "quick.yaml"], "--csv: quick.yaml "),
        (["--tune", "lr", "--write", "./folder/../quick.yaml"], "--write: folder/../quick.yaml "),
    ],
)
def test_mistakes_are_one_line(here, words, place):
    (here / "folder").mkdir()
    (here / "other.yaml").write_text(QUICK)
    (here / "net.yaml").write_text(NET)
    before = files(here)
    result = call("quick.yaml", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(place)
    assert files(here) == before


def test_a_config_of_several_objectives_is_not_written(here):
    (here / "quick.yaml").write_text(QUICK.replace("himmelblau", "[himmelblau, booth]"))
    result = call("quick.yaml", "--tune", "lr", "--write", "t.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("--write: ")


def test_a_class_that_cannot_run_is_a_row(here):
    result = call("quick.yaml", "--set", "optimizers.SGD.nesterov=true")
    assert result.exit_code == 0, result.output
    assert "Nesterov momentum requires a momentum" in result.stdout
    assert "Adam · lr 0.3" in result.stdout


@pytest.mark.parametrize("path", ["locked/t.csv", "new/below/" + "x" * 250, "/proc/nowhere/t.csv"])
def test_what_cannot_be_written_is_told_before_any_work(here, path):
    (here / "locked").write_text("")
    before = files(here)
    result = call("quick.yaml", "--csv", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"--csv: {path}: cannot be written: ")
    assert files(here) == before


def test_a_link_to_the_config_is_the_config(here):
    (here / "link.yaml").symlink_to("quick.yaml")
    result = call("quick.yaml", "--tune", "lr", "--write", "link.yaml")
    assert result.stderr.startswith("--write: link.yaml ")
    assert (here / "quick.yaml").read_text() == QUICK


@pytest.mark.parametrize(
    ("file", "objective"),
    [
        ("bowl_at_home.py", "{python: 'bowl_at_home:bowl', dim: 2}"),
        ("bowl.csv", "{samples: bowl.csv, bounds: [[-1, 1], [-1, 1]]}"),
    ],
)
def test_a_config_stays_in_the_folder_of_the_files_that_it_reads(file, objective, here):
    (here / "bowl_at_home.py").write_text("def bowl(p):\n    return (p**2).sum(-1)\n")
    (here / "bowl.csv").write_text("2,1,1,2\n1,0,0,1\n1,0,0,1\n2,1,1,2\n")
    (here / "quick.yaml").write_text(f"{{objective: {objective}, steps: 9, optimizers: {{SGD: }}}}")
    words = ["quick.yaml", "--tune", "lr", "--budget", "3", "--allow-code", "--write"]
    result = call(*words, "below/t.yaml")
    assert result.exit_code == 2
    assert result.stderr == f"--write: quick reads {file}: write to a file in .\n"
    assert call(*words, "t.yaml").exit_code == 0
    assert gdsim.load("t.yaml", allow_code=True).optimizers["SGD"].settings.keys() == {"lr"}


def test_what_cannot_be_written_in_the_end_is_an_error(here, monkeypatch):
    to_csv = Table.to_csv

    def in_the_way(table):
        (here / "t.csv").mkdir()
        return to_csv(table)

    monkeypatch.setattr(Table, "to_csv", in_the_way)
    result = call("quick.yaml", "--csv", "t.csv")
    assert result.exit_code == 1
    assert "t.csv: cannot be written" in result.stderr.splitlines()[-1]
    assert files(here) == {"quick.yaml", "t.csv"}


@pytest.mark.slow
def test_an_interrupted_comparison_leaves_no_file(here):
    long = "{objective: rosenbrock, start: {random: 8}, steps: 7000, optimizers: {LBFGS: {max_iter: 4}}}"
    (here / "long.yaml").write_text(long)
    words = [sys.executable, "-m", "gdsim", "compare", "long.yaml", "--tune", "lr", "--csv", "below/t.csv"]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (here / "below").exists() and time.monotonic() < until:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "Traceback" not in told
    assert files(here) == {"long.yaml", "quick.yaml"}


def test_help_and_mistakes_need_no_torch(here):
    code = "import sys; from gdsim.cli.app import app; app(['compare', '--help'], standalone_mode=False)"
    code += "; assert not {'torch', 'matplotlib', 'optuna'} & {*sys.modules}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for option in ("--objectives", "--starts", "--tune", "--budget", "--range", "--csv", "--json", "--markdown"):
        assert option in done.stdout
