"""The command line, as a person types it."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gdsim
from gdsim.web.embed import FORMS
from tests.browse import visit, wait_for
from tests.commands import call
from tests.decode import decode_video

CONFIGS = Path(__file__).parent.parent / "configs"
QUICK = "{objective: himmelblau, start: [-0.5, 4.2], steps: 20, optimizers: {SGD: {lr: 0.01}, Adam: {lr: 0.3}}, "
QUICK += "view: {size: [320, 180]}, animation: {seconds: 1, hold: 1}}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.yaml").write_text(QUICK)
    return tmp_path


def alone(*words: str, **options) -> subprocess.CompletedProcess:
    """Run in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gdsim", *words], capture_output=True, text=True, check=False, **options
    )


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder where quick.yaml was run, only to be read, and what the run said."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "quick.yaml").write_text(QUICK)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, call("run", "quick.yaml")


@pytest.fixture
def gif(ran):
    return str(ran[0] / "outputs/quick/quick.gif")


def test_a_run_writes_every_result_and_prints_its_path(ran):
    folder, result = ran
    assert result.exit_code == 0, result.output
    names = {f"outputs/quick/quick.{suffix}" for suffix in ("gif", "mp4", "png", "npz", "csv")}
    assert set(result.stdout.split()) == names
    assert files(folder) == names | {"quick.yaml"}
    assert "quick: simulating and drawing" in result.stderr
    for words in ("SGD · lr 0.01", "steps to", "tolerance", "ran all steps", "SGD arrives in 9 steps"):
        assert words in result.stderr
    _, trajectories = gdsim.read(folder / "outputs/quick/quick.npz")
    title = gdsim.build_scene(trajectories).title
    assert f"{title}." in " ".join(result.stderr.split())


def test_the_files_are_what_their_names_say(ran):
    base = ran[0] / "outputs/quick/quick"
    with Image.open(f"{base}.gif") as gif:
        assert gif.size == (320, 180)
        assert gif.info["loop"] == 0
        total, last = 0, None
        for index in range(gif.n_frames):
            gif.seek(index)
            total += gif.info["duration"]
            if total <= 1600:  # before the last frame fades to the first one
                last = np.asarray(gif.convert("RGB"), float)
        # 25 frames a second for one second, and a hold of one more, which ends in a fade of 0.4 s.
        assert total == 2000
    with Image.open(f"{base}.png") as png:
        poster = np.asarray(png.convert("RGB"), float)
    assert np.abs(last - poster).mean() < 1
    shown, words = decode_video(Path(f"{base}.mp4"), (320, 180))
    assert "320x180" in words
    assert len(shown) == 50
    assert np.abs(shown[-1] - poster).mean() < 3
    rows = list(csv.DictReader(Path(f"{base}.csv").read_text(encoding="utf-8").splitlines()))
    experiment, trajectories = gdsim.read(f"{base}.npz")
    assert [row["optimizer"] for row in rows] == ["SGD", "Adam"] == [each.label for each in trajectories]
    assert [float(row["final_value"]) for row in rows] == [each.values[-1, 0] for each in trajectories]
    assert experiment == gdsim.load(ran[0] / "quick.yaml")


@pytest.mark.parametrize("suffix", ["webm", "webp", "apng", "svg", "pdf"])
def test_other_formats_are_one_word_away(here, suffix):
    result = call("run", "quick.yaml", "--format", suffix, "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert (here / f"outputs/quick/quick.{suffix}").stat().st_size > 1000


def test_a_picture_runs_again_and_gives_the_same_files(here, ran, gif):
    result = call("run", gif)
    assert result.exit_code == 0, result.output
    for name in (f"outputs/quick/quick.{suffix}" for suffix in ("gif", "mp4", "png", "csv")):
        assert (here / name).read_bytes() == (ran[0] / name).read_bytes()


def test_a_config_that_only_a_picture_holds_is_not_lost(here, gif):
    Path("outputs/quick").mkdir(parents=True)
    held = Path("outputs/quick/quick.gif")
    held.write_bytes(Path(gif).read_bytes())
    result = call("run", str(held), "--set", "steps=3")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{held} ")
    assert held.read_bytes() == Path(gif).read_bytes()
    result = call("run", str(held), "--set", "steps=3", "-o", "new", "--format", "png", "--quiet")
    assert result.exit_code == 0, result.output
    assert "steps: 3\n" in call("source", "new/quick/quick.png").stdout


def test_what_a_config_is_made_from_is_not_overwritten(here):
    data = Path("mine/mine.npz")
    data.parent.mkdir()
    np.savez(data, x=np.eye(8), y=np.arange(8) % 2)
    before = data.read_bytes()
    text = "objective: {network: mlp, data: mine.npz, hidden: [2]}\nsteps: 2\noptimizers: {SGD: }\n"
    Path("mine/mine.yaml").write_text(text)
    result = call("run", "mine/mine.yaml", "--out", ".", "--format", "png")
    assert result.exit_code == 2
    assert result.stderr.startswith("mine/mine.npz ")
    assert data.read_bytes() == before


def test_the_format_leaves_the_config_as_it_was_written(here):
    text = f"# By hand.\n{QUICK}"
    Path("quick.yaml").write_text(text)
    assert call("run", "quick.yaml", "--format", "png", "--quiet").exit_code == 0
    assert call("source", "outputs/quick/quick.png").stdout == text
    assert gdsim.read("outputs/quick/quick.npz")[0].output.formats == ["gif", "mp4", "png"]
    Path("quick.yaml").write_text(f"{QUICK.strip()[:-1]}, output: {{background: transparent}}}}")
    result = call("run", "quick.yaml", "--format", "png,gif")
    assert result.exit_code == 2
    assert result.stderr.startswith("--format png,gif: output.formats.1: ")
    assert len(result.stderr.splitlines()) == 1


def test_what_only_looks_alike_is_told_apart(here, gif):
    Path("quick.gif").write_bytes(Path(gif).read_bytes())
    result = call("render", "quick.gif")
    assert result.exit_code == 2
    assert result.stderr.startswith("quick.gif: ")
    with zipfile.ZipFile("talk.pptx", "w") as deck:
        deck.writestr("ppt/presentation.xml", "")
    result = call("source", "talk.pptx")
    assert result.exit_code == 2
    assert result.stderr.startswith("talk.pptx: ")


def test_source_prints_the_yaml_alone_and_the_rest_beside_it(here, gif):
    result = call("source", gif)
    assert (result.exit_code, result.stdout) == (0, QUICK)
    assert re.fullmatch(
        rf"\S*quick\.gif: Only SGD arrives, in 9 steps; gdsim {gdsim.__version__}; torch \S+; numpy \S+; scipy \S+\n",
        result.stderr,
    )


def test_a_picture_from_python_has_no_yaml_but_can_be_embedded(here):
    path = gdsim.descend(gdsim.objective("sphere"), torch.optim.SGD, start=(1, 1), steps=3, lr=0.1)
    gdsim.animate([path], view=gdsim.View(size=[320, 180])).save("own.png")
    for command in ("source", "run"):
        result = call(command, "own.png")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("own.png: ")
        assert len(result.stderr.splitlines()) == 1
    assert call("embed", "own.png").stdout.startswith("![Gradient descent on ")


@pytest.mark.parametrize("yaml", ["objective: sphere\n", "# \x1b[2J\n", "# \ud800\n"], ids=ascii)
def test_a_strangers_words_do_not_steer_the_terminal(here, yaml):
    told = json.dumps(
        {
            "made by": "gdsim",
            "title": "\x1b[31mred\n",
            "alt_text": "",
            "yaml": yaml,
            "seed": 0,
            "versions": {"\x07": "1"},
        }
    )
    Path("page.html").write_text(f'<!doctype html><html><script id="gdsim-source">{told}</script></html>')
    result = call("source", "page.html")
    if yaml.startswith("objective"):
        assert (result.exit_code, result.stdout) == (0, yaml)
    else:
        assert (result.exit_code, result.stdout) == (2, "")
        assert re.match(r"page\.html:1:3: the character U\+\w+ ", result.stderr)
    assert not set(result.output) & {"\x1b", "\x07", "\ud800"}
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_snippet_leads_from_the_documents_folder_to_the_files(here, gif, monkeypatch, form):
    (here / "talk").mkdir()
    monkeypatch.chdir(here / "talk")
    result = call("embed", gif, "--for", form)
    assert (result.exit_code, result.stderr) == (0, "")
    named = set(re.findall(r'[^\s"(){}]+quick\.(?:gif|png)', result.stdout))
    assert named
    assert {Path(each).resolve() for each in named} <= {Path(gif).resolve(), Path(gif).with_suffix(".png").resolve()}
    assert not any(Path(each).is_absolute() for each in named)


def test_from_yaml_to_a_deck_in_one_command(here, ran):
    from pptx import Presentation

    result = call("slides", "quick.yaml", "-o", "talk.pptx", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "talk.pptx\n", "")
    first, second = Presentation("talk.pptx").slides
    assert first.shapes.title.text == "Only SGD arrives, in 9 steps"
    (picture,) = (shape for shape in first.shapes if shape.shape_type == 13)
    assert picture.image.content_type == "image/gif"
    assert picture._element.nvPicPr.cNvPr.get("descr").startswith("Gradient descent on Himmelblau, 20 steps.")
    assert QUICK.strip() in first.notes_slide.notes_text_frame.text
    assert any(shape.has_table for shape in second.shapes)
    Path("race.gif").write_bytes((ran[0] / "outputs/quick/quick.gif").read_bytes())
    assert call("slides", "race.gif", "-o", "gif.pptx", "--quiet").exit_code == 0
    (picture,) = (shape for shape in Presentation("gif.pptx").slides[0].shapes if shape.shape_type == 13)
    assert picture.image.blob == Path("race.gif").read_bytes()
    assert call("slides", "quick.yaml", "-o", "talk.ppt").exit_code == 2


@pytest.mark.slow
def test_from_yaml_to_a_page_in_one_command(here, browser):
    result = call("run", "quick.yaml", "--format", "html", "--quiet")
    assert result.exit_code == 0, result.output
    visit(browser, here / result.stdout.split()[0], reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.getElementById('step').textContent") == "20")
    assert browser.title == "Only SGD arrives, in 9 steps"
    assert browser.get_log("browser") == []


def test_from_yaml_to_a_readme_in_two_commands(here, ran, gif, monkeypatch):
    monkeypatch.chdir(ran[0])
    words, address = re.fullmatch(r"!\[(.*)\]\((.*)\)\n", call("embed", "outputs/quick/quick.gif").stdout).groups()
    assert address == "outputs/quick/quick.gif"
    assert (
        words.split()
        == re.search(r"Gradient descent on [^.]*\..*?\d steps\.[^.]*\.$", ran[1].stderr, re.S | re.M)[0].split()
    )
    quarto = call("embed", gif, "--for", "quarto").stdout
    assert re.findall(r"!\[\]\((.*?)\)", quarto) == ["outputs/quick/quick.gif", "outputs/quick/quick.png"]


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["quick.yaml"], "quick.yaml: "),
        (["quick.npz"], "quick.npz: "),
        (["missing.npz"], "missing.npz: "),
        (["quick.gif", "--for", "tpyst"], "there is no snippet for 'tpyst'"),
        (["."], ".: "),
        (["foreign.gif"], "foreign.gif: "),
        (["cut.gif"], "cut.gif: "),
    ],
    ids=str,
)
def test_what_embed_cannot_do_is_reported_in_a_line(here, gif, words, place):
    whole = Path(gif).read_bytes()
    Path("quick.gif").write_bytes(whole)
    Path("cut.gif").write_bytes(whole[: len(whole) // 2])
    Path("quick.npz").write_bytes(Path(gif).with_suffix(".npz").read_bytes())
    Image.new("RGB", (2, 2)).save("foreign.gif")
    result = call("embed", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(place)


def test_what_is_printed_into_a_file_is_utf_8_on_every_machine():
    done = alone("schema", env={**os.environ, "PYTHONIOENCODING": "cp1252"}, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "fps × seconds" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("words", [["--version"], ["list", "objectives"]], ids=str)
def test_a_full_disk_is_told_in_a_line_however_little_is_written(words):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gdsim", *words], stdout=full, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"the output cannot be written: No space left on device\n")


def test_the_help_is_nowhere_cut():
    told = call("--help").stdout
    names = re.findall(r"^  ([a-z]+)  ", told.partition("Commands:")[2], re.MULTILINE)
    assert {"run", "slides", "embed", "source"} <= set(names)
    assert "..." not in told.partition("Commands:")[2]
    assert all(call(name, "--help").exit_code == 0 for name in names)


def test_render_draws_again_without_simulating(here, monkeypatch):
    assert call("run", "quick.yaml", "--format", "png").exit_code == 0
    first = (here / "outputs/quick/quick.png").read_bytes()
    monkeypatch.setattr("gdsim.simulation.experiments.run_optimizers", None)
    result = call("render", "outputs/quick/quick.npz", "--out", "again", "--format", "png")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["again/quick/quick.png"]
    assert (here / "again/quick/quick.png").read_bytes() == first
    result = call(
        "render", "outputs/quick/quick.npz", "--set", "view.theme=dark", "--out", "dark", "--format", "gif,svg"
    )
    assert result.exit_code == 0, result.output
    assert files(here / "dark") == {"quick/quick.gif", "quick/quick.svg"}


def test_render_refuses_to_change_what_is_recorded(here):
    assert call("run", "quick.yaml", "--format", "png").exit_code == 0
    result = call("render", "outputs/quick/quick.npz", "--set", "optimizers.Adam.lr=0.1")
    assert result.exit_code == 2
    assert result.stderr.startswith("--set optimizers: ")


def test_render_refuses_another_list_of_objectives(here):
    experiment = gdsim.loads(QUICK, overrides=["objective=[himmelblau, beale]"])
    gdsim.save("quick.npz", gdsim.simulate(experiment), experiment)
    for change in ("objective.1=ackley", "objective=himmelblau"):
        result = call("render", "quick.npz", "--set", change)
        assert result.exit_code == 2
        assert result.stderr.startswith("--set objective: ")


def test_several_objectives_are_told_apart(here):
    result = call("run", "quick.yaml", "--set", "objective=[himmelblau, beale]", "--format", "png")
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert any("objective" in line and "optimizer" in line for line in lines)
    for title in ("Himmelblau", "Beale"):
        assert sum(line.lstrip("│ ").startswith(title) for line in lines) >= 2
    table = list(csv.DictReader((here / "outputs/quick/quick.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["objective"] for row in table] == ["Himmelblau"] * 2 + ["Beale"] * 2
    assert all({row["optimizer"] for row in rows} == {"SGD", "Adam"} for rows in (table[:2], table[2:]))
    experiment, trajectories = gdsim.read(here / "outputs/quick/quick.npz")
    assert len(experiment.objectives) == 2
    assert len(trajectories) == 4
    again = call("render", "outputs/quick/quick.npz", "--set", "view.layout=grid", "--out", "grid")
    assert again.exit_code == 0, again.output


def test_one_objective_is_not_told_in_every_line(here):
    result = call("run", "quick.yaml", "--format", "png")
    assert result.exit_code == 0, result.output
    assert "objective" not in result.stderr


def test_a_gif_with_a_turning_camera_is_reported(here):
    turning = ["--set", "view={kind: surface, camera: {orbit: 60}, size: [320, 180]}", "--set", "animation.fps=5"]
    assert "The camera turns" in call("run", "quick.yaml", "--format", "gif", *turning).stderr
    assert "The camera turns" in call("render", "outputs/quick/quick.npz", "--format", "gif", *turning).stderr
    assert call("render", "outputs/quick/quick.npz", "--format", "png", "--quiet", *turning).stderr == ""
    assert "The camera turns" not in call("render", "outputs/quick/quick.npz", "--format", "png", *turning).stderr
    assert "The camera turns" not in call("run", "quick.yaml", "--format", "gif").stderr


def test_what_found_no_room_is_told(here, monkeypatch):
    from gdsim.render import frames

    def crowded(scene, **how):
        drawn = frames(scene, **how)
        drawn.left_out = ("The panels [b]found[/b] no room.",)
        return drawn

    monkeypatch.setattr("gdsim.render.frames", crowded)
    assert "The panels [b]found[/b] no room.\n" in call("run", "quick.yaml", "--format", "png").stderr
    assert "The panels [b]found[/b] no room.\n" in call("render", "outputs/quick/quick.npz").stderr


def test_set_changes_the_experiment_and_travels_with_it(here):
    result = call("run", "quick.yaml", "--set", "optimizers.Adam.lr=0.1", "--set", "steps=5", "--format", "png")
    assert result.exit_code == 0, result.output
    experiment, trajectories = gdsim.read(here / "outputs/quick/quick.npz")
    assert experiment.steps == 5
    assert trajectories[1].settings == "Adam · lr 0.1"
    assert gdsim.loads(call("source", "outputs/quick/quick.png").stdout).steps == 5


def test_nothing_is_replaced_against_the_users_will(here):
    assert call("run", "quick.yaml", "--format", "png").exit_code == 0
    result = call("run", "quick.yaml", "--format", "png", "--no-overwrite")
    assert result.exit_code == 2
    assert result.stderr.startswith("outputs/quick/quick.png exists")
    assert call("run", "quick.yaml", "--format", "png").exit_code == 0


def test_several_configs_run_in_one_call_and_must_not_collide(here):
    (here / "b").mkdir()
    (here / "b/other.yaml").write_text(QUICK)
    result = call("run", "quick.yaml", "b/other.yaml", "--format", "png", "-q")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.split()) == 6
    (here / "b/quick.yaml").write_text(QUICK)
    result = call("run", "quick.yaml", "b/quick.yaml")
    assert result.exit_code == 2
    assert "two configs would write" in result.stderr


BAD = {
    "a missing file": (None, ""),
    "binary junk": (b"\x00\xff\xfe\x01GIF89a", ""),
    "an empty file": (b"", ""),
    "a syntax error": (b"objective: [himmelblau\nsteps: 3\n", ""),
    "a duplicate key": (QUICK.replace("steps: 20", "steps: 20, steps: 30").encode(), ""),
    "an unknown key": (QUICK.replace("steps", "stpes").encode(), ""),
    "an unknown objective": (QUICK.replace("himmelblau", "himelblau").encode(), "objective"),
    "an unknown optimizer": (QUICK.replace("Adam:", "Adaam:").encode(), "optimizers"),
    "an unknown argument": (QUICK.replace("lr: 0.3", "lerning_rate: 0.3").encode(), "optimizers.Adam"),
    "a rate in words": (QUICK.replace("lr: 0.3", "lr: fast").encode(), "optimizers.Adam.lr"),
    "negative steps": (QUICK.replace("steps: 20", "steps: -3").encode(), "steps"),
    "a thousand million steps": (QUICK.replace("steps: 20", "steps: 1000000000").encode(), "steps"),
    "a start of the wrong length": (QUICK.replace("[-0.5, 4.2]", "[1, 2, 3]").encode(), "start"),
    "a start that is not a number": (QUICK.replace("[-0.5, 4.2]", "[.nan, 4.2]").encode(), "start.0"),
    "an odd size": (QUICK.replace("[320, 180]", "[321, 180]").encode(), "view.size"),
    "an absurd size": (QUICK.replace("[320, 180]", "[99999, 180]").encode(), "view.size"),
    "an unknown format": (QUICK.replace("hold: 1}", "hold: 1}, output: {formats: [gfi]}").encode(), "output.formats.0"),
    "a python tag": (QUICK.replace("steps: 20", "steps: !!python/object/apply:os.system ['id']").encode(), ""),
    "an alias bomb": (b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"\n".join(
        b"%c: &%c [%s]" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 9)) for i in range(9)), ""),
    "a rate that the class refuses": (QUICK.replace("lr: 0.3", "lr: -0.3").encode(), "optimizers.Adam"),
}  # fmt: skip
"""What a file holds, and the key of the first mistake in it."""


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_reported_with_its_place_and_nothing_is_written(here, case):
    content, key = BAD[case]
    if content is not None:
        (here / "bad.yaml").write_bytes(content)
    before = files(here)
    result = call("run", "bad.yaml")
    assert result.exit_code == 2, result.output
    lines = result.stderr.splitlines()
    assert re.match(rf"bad\.yaml(:\d+:\d+)?: {re.escape(key)}", lines[0])
    assert all(line.startswith("bad.yaml") for line in lines)
    assert result.stdout == ""
    assert files(here) == before


def test_a_folder_is_no_config(here):
    (here / "folder.yaml").mkdir()
    result = call("run", "folder.yaml")
    assert result.exit_code == 2
    assert "folder" in result.stderr


def test_the_mistakes_of_all_files_come_together(here):
    (here / "one.yaml").write_text("objective: nope\nstepz: 3\n")
    (here / "two.yaml").write_text("objective: sphere\nsteps: many\noptimizers: {SGD: }\n")
    result = call("run", "one.yaml", "quick.yaml", "two.yaml")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len([line for line in lines if line.startswith("one.yaml:")]) >= 2
    assert len([line for line in lines if line.startswith("two.yaml:2:8: steps: ")]) == 1


def test_an_exponent_without_a_point_is_a_number(here):
    (here / "quick.yaml").write_text(QUICK.replace("lr: 0.01", "lr: 1e-3"))
    assert call("validate", "quick.yaml").exit_code == 0


def test_a_wrong_format_on_the_command_line_is_named(here):
    result = call("run", "quick.yaml", "--format", "gfi")
    assert result.exit_code == 2
    assert result.stderr.startswith("--format: unknown format 'gfi'; did you mean 'gif'?")


def test_a_place_that_cannot_be_written_to_is_no_fault_of_the_input(here):
    (here / "taken").write_text("a file")
    result = call("run", "quick.yaml", "--out", "taken")
    assert result.exit_code == 1
    assert result.stderr.startswith("taken/quick/quick.gif: cannot be written: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_an_interrupt_leaves_no_half_file(here):
    (here / "long.yaml").write_text(QUICK.replace("seconds: 1", "seconds: 100").replace("320, 180", "1280, 720"))
    process = subprocess.Popen(
        [sys.executable, "-m", "gdsim", "run", "long.yaml"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    # What is being written has a name of its own beside its place.
    while not list(here.glob("outputs/long/.*.gif")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=30)
    assert process.returncode == 130
    assert words.splitlines()[-1].startswith("interrupted; ")
    assert files(here / "outputs") == {"long/long.npz", "long/long.csv"}
    gdsim.read(here / "outputs/long/long.npz")


LIGHT = {
    "--help": 0,
    "--version": 0,
    "list": 0,
    "list optimizers": 0,
    "schema": 0,
    "run bad.yaml": 2,
    "run missing.yaml": 2,
    "init new.yaml": 0,
    "embed quick.gif --for quarto": 0,
    "source quick.gif": 0,
}
"""What needs neither torch nor matplotlib, with the status that it ends with."""


def test_what_needs_neither_torch_nor_matplotlib_loads_neither(here, gif):
    (here / "bad.yaml").write_text("objective: nope\nsteps: 3\noptimizers: {Adamm: {}}\n")
    (here / "quick.gif").write_bytes(Path(gif).read_bytes())
    script = f"""
import sys
from gdsim.cli.app import run_app as main
for words, status in {LIGHT}.items():
    sys.argv = ["gdsim", *words.split()]
    try:
        main()
    except SystemExit as done:
        assert (done.code or 0) == status, words
    loaded = [name for name in ("torch", "matplotlib") if name in sys.modules]
    assert not loaded, (words, loaded)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_misspelled_setting_is_reported_without_the_schema_and_the_kinds_in_it(here):
    (here / "bad.yaml").write_text("objective: himmelblau\nsteps: 3\noptimizers: {Adam: {lerning_rate: 1}}\n")
    code = "import sys; from gdsim.cli.app import app; status = app(['validate', 'bad.yaml'], standalone_mode=False)"
    code += "; print(status, {'gdsim.scene', 'gdsim.encode'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "did you mean 'lr'" in done.stderr
    assert done.stdout.splitlines()[-1] == "2 set()"


def test_help_loads_no_command(here):
    code = "import sys; from gdsim.cli.app import app; app(['--help'], standalone_mode=False)"
    code += "; print({'pydantic', 'numpy', 'yaml', 'rich'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
    names = re.findall(r"^  ([a-z]+) +[A-Z]", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert len(names) > 10
    for name in names:
        shown = call(name, "--help")
        assert shown.exit_code == 0, name
        assert f" {name} [OPTIONS]" in shown.stdout


COMPILED = """
import torch
f = torch.compile(lambda p: (p**2).sum(), backend="eager")
"""


@pytest.mark.parametrize("compiled", [False, True])
def test_only_what_uses_torch_compile_loads_dynamo_and_nothing_loads_pyplot_or_scipy_optimize(here, compiled):
    (here / "own.py").write_text(COMPILED)
    objective = (
        "{python: own.py:f, dim: 2, bounds: [[-2, 2], [-2, 2]]}"
        if compiled
        else "{expression: x**2 + y**2, bounds: [[-2, 2], [-2, 2]]}"
    )
    (here / "a.yaml").write_text(f"objective: {objective}\nstart: [1, 1]\nsteps: 3\noptimizers: {{SGD: {{lr: 0.1}}}}\n")
    script = """
import sys
from gdsim.cli.app import run_app as main
sys.argv = ["gdsim", "run", "a.yaml", "--allow-code", "-q", "--format", "png", "--set", "view.size=[320, 180]"]
try:
    main()
except SystemExit as done:
    assert not done.code
print(*(name in sys.modules for name in ("sympy", "torch._dynamo.eval_frame", "matplotlib.pyplot", "scipy")))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == [f"{compiled} {compiled} False False"], done.stderr
    _, (trajectory,) = gdsim.read(here / "outputs" / "a" / "a.npz", allow_code=True)
    np.testing.assert_allclose(trajectory.points[:, 0, 0], 0.8 ** np.arange(4), rtol=1e-14)


def test_init_writes_a_config_that_runs(here):
    assert call("init", "talk.yaml").stdout == "talk.yaml\n"
    result = call("run", "talk.yaml", "--set", "view.size=[320, 180]", "--set", "animation.seconds=1", "-q")
    assert result.exit_code == 0, result.output
    again = call("init", "talk.yaml")
    assert again.exit_code == 2
    assert again.stderr.startswith("talk.yaml exists")
    assert call("init", "talk.yaml", "--overwrite").exit_code == 0
    assert call("init", "talk").exit_code == 2


def test_the_starter_says_the_defaults(here):
    """What the starter config calls a default is one."""
    call("init", "talk.yaml")
    told = gdsim.load("talk.yaml")
    bare = gdsim.loads("{objective: himmelblau, steps: 3, optimizers: {SGD: }}")
    assert (told.view, told.animation, told.output, told.seed) == (bare.view, bare.animation, bare.output, bare.seed)


def test_show_prints_the_facts_and_draws_the_function(here):
    result = call("show", "himmelblau")
    assert result.exit_code == 0, result.output
    for words in ("(3, 2)", "minimum", "Himmelblau", "[-5, 5] × [-5, 5]"):
        assert words in result.stdout
    picture = Path(result.stdout.split()[-1])
    with Image.open(picture) as image:
        assert image.size == (1280, 720)


def test_show_of_many_dimensions_is_a_section(here):
    result = call("show", "sphere", "--dim", "4")
    assert result.exit_code == 0
    assert "dimensions  4" in result.stdout
    assert files(here) == {"quick.yaml", "outputs/sphere/sphere.png"}


@pytest.mark.parametrize(
    "words", [["--kind", "surface"], ["--theme", "slide"], ["--theme", "ggplot"], ["--kind", "contour"]], ids=str
)
def test_show_in_another_look(here, words):
    assert call("show", "himmelblau").exit_code == 0
    plain = (here / "outputs/himmelblau/himmelblau.png").read_bytes()
    result = call("show", "himmelblau", *words)
    assert result.exit_code == 0, result.output
    assert ((here / "outputs/himmelblau/himmelblau.png").read_bytes() == plain) == (words[1] == "contour")


def test_show_at_a_point_has_its_dimensions_unless_they_are_given(here):
    result = call("show", "sphere", "--at", "1", "2", "3", "--kind", "contour")
    assert result.exit_code == 0, result.stderr
    assert "(2, 4, 6)  by autograd" in result.stdout
    assert Path("outputs/sphere/sphere.png").exists()
    assert call("show", "sphere", "--dim", "2", "--at", "1 2 3").exit_code == 2


def test_show_of_an_unknown_name_helps(here):
    result = call("show", "rosenbork")
    assert result.exit_code == 2
    assert "did you mean 'rosenbrock'?" in result.stderr


def test_show_takes_an_expression(here):
    result = call("show", "x**2 + 3*x + 1", "--bounds", "-5", "2")
    assert result.exit_code == 0, result.output
    assert "[-5, 2]" in result.stdout
    assert files(here) == {"quick.yaml", result.stdout.split()[-1]}


def rows(output: str) -> list[list[str]]:
    return [line.split("  ") for line in output.splitlines()]


def test_grad_of_the_first_function_everyone_differentiates(here):
    result = call("grad", "x**2 + 3*x + 1", "--at", "4")
    assert result.exit_code == 0, result.output
    told = {row[0]: row[-2:] for row in rows(result.stdout) if row[0]}
    assert told["value"][-1].split()[-1] == "29"
    assert "11  by autograd" in result.stdout
    assert "11  by central difference" in result.stdout
    assert "-1  the direction against the gradient" in result.stdout


@pytest.mark.parametrize("at", [["--at", "-1", "2", "-0.5"], ["--at", "-1,2,-0.5"], ["--at=-1 2 -.5"]])
def test_grad_takes_as_many_numbers_as_there_are_dimensions(here, at):
    result = call("grad", "rosenbrock", *at, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    x, y, z = found["point"]
    assert (x, y, z) == (-1, 2, -0.5)
    assert found["value"] == pytest.approx(
        100 * (y - x * x) ** 2 + (1 - x) ** 2 + 100 * (z - y * y) ** 2 + (1 - y) ** 2
    )
    slope = [
        -400 * x * (y - x * x) - 2 * (1 - x),
        200 * (y - x * x) - 400 * y * (z - y * y) - 2 * (1 - y),
        200 * (z - y * y),
    ]
    assert found["gradient"] == pytest.approx(slope)
    assert found["central_difference"] == pytest.approx(slope, rel=1e-6)
    assert np.hypot.reduce(found["steepest_descent"]) == pytest.approx(1)


def test_grad_says_where_there_is_none_and_where_the_check_fails(here):
    result = call("grad", "log(x)", "--at", "-1")
    assert "no finite value here" in result.stdout
    assert gdsim.source(result.stderr.strip()).title == "f(−1) is not finite"
    assert "which DIFFERS" in call("grad", "where(x > 0, 1, 0)", "--at", "0").stdout


def test_a_formula_may_begin_with_a_minus(here):
    result = call("grad", "-x*y", "--at", "1", "-2", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["gradient"] == [2, -1]


def test_grad_of_samples_and_outside_of_them(here):
    x, y = np.meshgrid(np.linspace(0, 2, 30), np.linspace(0, 1, 20))
    np.save("terrain.npy", x**2 + x * y)
    result = call("grad", "terrain.npy", "--bounds", "0", "2", "0", "1", "--at", "1.2", "0.4", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["gradient"] == pytest.approx([2.8, 1.2])
    result = call("grad", "terrain.npy", "--bounds", "0", "2", "0", "1", "--at", "1.2", "4")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["grad", "x%2", "--at", "1"], "column 2: "),
        (["grad", "himelblau", "--at", "1", "2"], "there is no objective 'himelblau'"),
        (["grad", "himmelblau", "--at", "1"], ""),
        (["grad", "himmelblau", "--at", "one"], "--at: "),
        (["grad", "x", "--bounds", "1", "--at", "1"], "--bounds: "),
        (["grad", "nothere.npy", "--at", "1"], "nothere.npy: "),
        (["show", "x*y", "--bounds", "0", "1"], "bounds"),
        (["show", "sphere", "--theme", "drak"], "--theme: "),
        (["show", "sphere", "--kind", "curve"], "--kind: "),
    ],
    ids=str,
)
def test_what_grad_and_show_cannot_do_is_reported(here, words, place):
    result = call(*words)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert place in line
    assert files(here) == {"quick.yaml"}


def test_code_beside_a_config_runs_only_when_allowed(here):
    (here / "mine.py").write_text("open('ran', 'w').close()\ndef bowl(p):\n    return (p * p).sum(-1)\n")
    (here / "own.yaml").write_text("objective: {python: 'mine:bowl', dim: 2}\nsteps: 3\noptimizers: {SGD: {lr: 0.1}}\n")
    result = call("run", "own.yaml", "--format", "png")
    assert result.exit_code == 2
    assert "--allow-code" in result.stderr
    assert not (here / "ran").exists()
    result = call("run", "own.yaml", "--format", "png", "--allow-code")
    assert result.exit_code == 0, result.output
    assert "bowl is written for batches." in result.stderr
    assert (here / "ran").exists()
    (here / "ran").unlink()
    refused = call("render", "outputs/own/own.npz")
    assert refused.exit_code == 2
    assert "--allow-code" in refused.stderr
    assert not (here / "ran").exists()
    assert call("render", "outputs/own/own.npz", "--allow-code").exit_code == 0


def test_samples_are_found_beside_the_config_from_anywhere(here, monkeypatch):
    (here / "a").mkdir()
    np.save(here / "a/hills.npy", np.random.default_rng(0).random((12, 9)))
    (here / "a/hills.yaml").write_text("objective: {samples: hills.npy}\nsteps: 5\noptimizers: {SGD: {lr: 0.1}}\n")
    result = call("run", "a/hills.yaml", "--format", "png")
    assert result.exit_code == 0, result.output
    (here / "b").mkdir()
    monkeypatch.chdir(here / "b")
    again = call("render", "../outputs/hills/hills.npz")
    assert again.exit_code == 0, again.output


def test_labels_are_told_as_they_are(here):
    (here / "odd.yaml").write_text(
        "objective: sphere\nsteps: 3\noptimizers: {'[red]A[/red] [/]': {class: SGD}, '\U0010fffd': {class: SGD}}\n"
    )
    result = call("run", "odd.yaml", "--format", "png")
    assert result.exit_code == 0, result.output
    assert "[red]A[/red] [/]" in result.stderr
    assert "No installed font has \\U0010fffd: boxes are drawn. Install Noto Sans " in result.stderr
    assert "Warning" not in result.stderr


def test_a_word_about_a_class_that_needs_one(here):
    (here / "muon.yaml").write_text("objective: sphere\nsteps: 3\noptimizers: {Muon: {lr: 0.1}}\n")
    assert "matri" in call("run", "muon.yaml", "--format", "png").stderr


def test_a_failed_run_takes_its_empty_folder_away(here, monkeypatch):
    monkeypatch.setattr(
        "gdsim.simulation.experiments.run_optimizers",
        lambda *_, **__: (_ for _ in ()).throw(gdsim.GdsimError("no more")),
    )
    result = call("run", "quick.yaml")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "no more"
    assert not (here / "outputs/quick").exists()


def test_lists_name_everything(here):
    everything = call("list").stdout
    for title in ("objectives:", "networks:", "data:", "optimizers:", "schedules:", "themes:"):
        assert title in everything
    assert {line.split()[0] for line in call("list", "objectives").stdout.splitlines()} >= {"ackley", "sine"}
    assert "lr=0.001" in call("list", "optimizers").stdout
    assert [line.split()[0] for line in call("list", "networks").stdout.splitlines()] == ["mlp", "cnn"]
    assert {"digits", "moons"} < {line.split()[0] for line in call("list", "data").stdout.splitlines()}
    themes = [line.split()[0] for line in call("list", "themes").stdout.splitlines()]
    assert themes[:3] == ["light", "dark", "slide"]
    assert "ggplot" in themes
    wrong = call("list", "optimisers")
    assert wrong.exit_code == 2
    assert "did you mean 'optimizers'?" in wrong.stderr


def test_validate_says_ok_or_what_is_wrong(here):
    assert call("validate", "quick.yaml").stdout == "quick.yaml: ok\n"
    assert files(here) == {"quick.yaml"}
    (here / "quick.yaml").write_text(QUICK.replace("lr: 0.3", "lr: -1"))
    result = call("validate", "quick.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("quick.yaml:1:")


def test_a_view_that_does_not_fit_the_objective_has_its_place(here):
    (here / "bad.yaml").write_text("objective: sphere\nsteps: 3\noptimizers: {SGD: }\nview: {kind: curve}\n")
    result = call("validate", "bad.yaml")
    assert result.exit_code == 2
    assert result.stderr == "bad.yaml:4:14: view.kind: must be contour or surface for 'Sphere', which has dim 2 here\n"


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("{camera: {orbit: 30}}", "bad.yaml:4:16: view.camera: camera goes with kind: surface\n"),
        ("{theme: {field: virids}}", "bad.yaml:4:23: view.theme.field: there is no colour map 'virids'"),
    ],
)
def test_a_view_must_fit_one_objective_at_least(here, view, told):
    (here / "bad.yaml").write_text(f"objective: [sphere, parabola]\nsteps: 3\noptimizers: {{SGD: }}\nview: {view}\n")
    result = call("validate", "bad.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith(told)
    assert len(result.stderr.splitlines()) == 1


def test_a_mistake_of_one_of_several_objectives_has_its_place(here):
    (here / "bad.yaml").write_text(
        'objective:\n  - sphere\n  - expression: "log(x) + y"\nsteps: 3\noptimizers: {SGD: }\n'
    )
    result = call("validate", "bad.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("bad.yaml:3:5: objective.1: log(x) + y is nan at ")


def test_schema_prints_what_stands_beside_the_configs():
    assert call("schema").stdout == (CONFIGS / "gdsim.schema.json").read_text(encoding="utf-8")
    assert json.loads(call("schema").stdout)["properties"]["optimizers"]


def test_python_m_gdsim_is_gdsim():
    done = alone("--version")
    assert done.stdout == f"gdsim {gdsim.__version__}\n"


def test_a_reader_that_goes_away_is_no_error(here):
    done = subprocess.run(f"{sys.executable} -m gdsim list | head -1", shell=True, capture_output=True, text=True)  # noqa: S602
    assert done.stdout == "objectives:\n"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["animate", "quick.yaml"], "did you mean 'run'?"),
        (["runn", "quick.yaml"], "did you mean 'run'?"),
        (["quick.yaml"], "did you mean: gdsim run quick.yaml\n"),
        (["x^2 + y^2"], "did you mean: gdsim run 'x^2 + y^2'\n"),
        (["run", "x^2 + sn(y)"], "objective: column 7: there is no 'sn'; did you mean 'sin'?"),
        (["run", "quick.yaml", "--format", "pptx"], "`gdsim slides` makes a deck"),
        (["list", "functions"], "did you mean 'objectives'?"),
        (["run", "quick"], "did you mean 'quick.yaml'?"),
        (["run", "other.yaml"], "gdsim init FILE"),
        (["run", "pipe.yaml"], "pipe.yaml: is a pipe"),
        (["run", "quick.yaml", "--set", "lr=0.1"], ".lr?"),
        (["run", "quick.yaml", "--set", "Adam.lr=0.1"], "optimizers.Adam"),
        (["run", "quick.yaml", "--set", ".".join("a" * 2000) + "=1"], "nested deeper"),
        (["run", "quick.yaml", "--theme", "drak"], "did you mean 'dark'?"),
        (["run", "quick.yaml", "--steps", "4"], "there is no option --steps; use --set steps=4\n"),
        (["compare", "quick.yaml", "--seconds=3"], "use --set animation.seconds=3\n"),
        (["slides", "quick.yaml", "--size", "[320, 180]"], "use --set 'view.size=[320, 180]'\n"),
        (["run", "quick.yaml", "--learning-rate", "0.1"], "use --set optimizers.SGD.lr=0.1\n"),
        (["run", "--fps", "--quiet", "quick.yaml"], "use --set 'animation.fps=…'\n"),
        (["run", "quick.yaml", "--optimizers.SGD.lr=0.1"], "use --set optimizers.SGD.lr=0.1\n"),
        (["run", "quick.yaml", "--quit"], "--quiet"),
        (["show", "sphere", "--steps", "4"], "No such option: --steps"),
        (["compare", "quick.yaml", "--tune", "learning_rate"], "did you mean 'lr'?"),
        (["compare", "quick.yaml", "--report", "/"], "ends in .html"),
        (["compare", "quick.yaml", "--report", "."], "ends in .html"),
        (["compare", "quick.yaml", "--report", ""], "ends in .html"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_people_type_is_understood(here, words, hint):
    os.mkfifo("pipe.yaml")
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert hint in result.stderr
    assert files(here) == {"quick.yaml"}


def test_a_function_runs_without_a_config(here):
    """With the optimizers of `gdsim init`, from its own start; the recorded YAML is a config of its own."""
    done = call("run", "x^2 + 3y^2", "booth", "--format", "png", "--set", "steps=3", "--set", "view.size=[320, 180]")
    assert done.exit_code == 0, done.output
    assert call("init", "starter.yaml").exit_code == 0
    starter = gdsim.load("starter.yaml")
    pictures = [path for path in done.stdout.split() if path.endswith(".png")]
    for path, objective in zip(pictures, (gdsim.objective("x^2 + 3y^2"), gdsim.objective("booth")), strict=True):
        recorded, (trajectory, *_) = gdsim.read(str(Path(path).with_suffix(".npz")))
        assert gdsim.loads(call("source", path).stdout) == recorded
        assert recorded.optimizers == starter.optimizers
        assert trajectory.objective.title == objective.title
        assert np.array_equal(trajectory.points[0, 0], objective.start)


def test_a_function_may_be_longer_than_the_name_of_a_file(here):
    formula = "x^2" + " + y^2" * 50
    done = call("run", formula, "--format", "png", "--set", "steps=2", "--set", "view.size=[160, 120]")
    assert done.exit_code == 0, done.output
    assert call("run", "x" * 300).stderr == f"{'x' * 300}: cannot be read: File name too long\n"


def test_a_function_may_begin_with_a_minus_sign(here):
    done = call("run", "-x^2 + y^4", "--format", "png", "-q", "--set", "steps=2", "--set", "view.size=[160, 120]")
    assert (done.exit_code, done.stderr) == (0, "")
    recorded, _ = gdsim.read(done.stdout.split()[1])
    assert recorded.objectives[0].expression == "-x^2 + y^4"
    assert call("validate", "-x^2").stdout == "-x^2: ok\n"
    assert call("grad", "--at", "-3", "--", "-x^2").stdout == call("grad", "-x^2", "--at", "-3").stdout
    assert "No such option: -v" in call("validate", "-v").stderr


def test_files_have_the_name_of_their_function(here):
    words = ("--format", "png", "-q", "--set", "steps=2", "--set", "view.size=[160, 120]")
    printed = call("run", "x**2 + 3y**2", "2*x^2", "2/x^2", *words).stdout
    whole, times, divided = (Path(each).stem for each in printed.split() if each.endswith(".png"))
    assert whole == "x^2+3y^2"
    assert re.fullmatch(r"2_x\^2_[0-9a-f]{8}", times)
    assert re.fullmatch(r"2_x\^2_[0-9a-f]{8}", divided)
    assert times != divided


def test_a_file_is_not_a_function(here):
    (here / "booth").write_text(QUICK)
    assert call("validate", "booth").stdout == "booth: ok\n"


def test_a_theme_of_a_run_is_recorded(here):
    assert call("run", "quick.yaml", "--theme", "dark", "--format", "png", "-q").exit_code == 0
    assert gdsim.loads(call("source", "outputs/quick/quick.png").stdout).view.theme == "dark"
    assert call("run", "-h").stdout == call("run", "--help").stdout


def test_file_names_cannot_control_a_terminal(here):
    """On stderr always; on stdout, from which scripts read file names, only where it is a terminal."""
    name = "a\x1b[31mb\x9b2J.yaml"
    Path("quick.yaml").rename(name)
    script = f"""
import pty, sys
sys.argv = ["gdsim", "run", {name!r}, "--format", "png"]
pty.spawn([sys.executable, "-m", "gdsim", *sys.argv[1:]])
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.decode()
    assert "a\\x1b[31mb\\x9b2J.png" in shown.replace("\r\n", "")
    assert "\x1b[31m" not in shown
    assert "\x9b" not in shown
    piped = call("run", name, "--format", "png")
    assert "\x1b" not in piped.stderr
    assert f"outputs/{name[:-5]}/{name[:-5]}.png" in piped.stdout


def test_errors_never_go_to_stdout(here):
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m gdsim run nothing.yaml 2>&-"], stdout=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a shell")
@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_a_limit_of_file_sizes_is_named(here, suffix):
    words = f"ulimit -f 8; exec {sys.executable} -m gdsim run quick.yaml --format {suffix} -q"
    done = subprocess.run(["/bin/sh", "-c", words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("File too large\n")
    assert len(done.stderr.splitlines()) == 1


def test_values_near_the_largest_number_print_no_warnings(here):
    config = "{objective: {expression: '1e308*tanh(x) + y'}, start: [1, 1], steps: 3, optimizers: {SGD: {lr: 0.1}}}"
    Path("huge.yaml").write_text(config)
    words = [sys.executable, "-m", "gdsim", "run", "huge.yaml", "--format", "png"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "Warning" not in done.stderr


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["x^2 + 3x + 1", "--at", "4"], "f(4) = 29, f′(4) = 11"),
        (["himmelblau", "--at", "1", "-2"], "f(1, −2) = 148, ∇f = (−52, −8)"),
    ],
)
def test_show_draws_the_gradient_at_a_point(here, words, title):
    plain = call("show", words[0], "--out", "plain")
    result = call("show", *words)
    assert result.exit_code == 0, result.output
    assert "by autograd" in result.stdout
    picture = Path(result.stdout.split()[-1])
    assert gdsim.source(picture).title == title
    assert picture.read_bytes() != Path(plain.stdout.split()[-1]).read_bytes()


def test_grad_draws_what_show_draws_and_prints_only_the_figures_to_stdout(here):
    words = ["x^2 + 3x + 1", "--at", "4", "--theme", "dark"]
    shown, found = call("show", *words, "--out", "shown"), call("grad", *words, "--out", "found")
    *figures, first = shown.stdout.splitlines()
    second = found.stderr.strip()
    assert found.stdout.splitlines() == figures
    assert first.removeprefix("shown") == second.removeprefix("found")
    assert Path(first).read_bytes() == Path(second).read_bytes()
    assert call("grad", *words, "--out", "found", "--no-overwrite").exit_code == 2
    before = files(here)
    assert call("grad", *words, "--json", "--out", "none").stderr == ""
    assert files(here) == before
