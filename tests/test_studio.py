"""The server of the studio: its messages, and what it computes."""

from __future__ import annotations

import multiprocessing
import re
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import numpy as np
import pytest

import gdsim
from gdsim.cli.run import run
from gdsim.cli.studio import studio
from gdsim.errors import GdsimError, InputError
from gdsim.interactive import hello
from gdsim.interactive.jobs import Job, ReplacedError
from gdsim.interrupts import pausing
from gdsim.scene.build import build_scene
from gdsim.scene.sweeps import build_sweep_scene
from gdsim.web.player import page as player_page
from tests.browse import wait_for
from tests.decode import unpacked
from tests.studio_page import QUICKSTART, TEXT, Page, client_of, connect


def test_a_page_gets_the_config_and_its_drawing(page):
    hello = page.receive("hello")
    assert {"gif", "html", "pptx"} < set(hello["formats"])
    assert next(each for each in hello["catalog"] if each["name"] == "himmelblau")["dim"] == 2
    page.send(type="open")
    state = page.receive("state")
    assert state["text"] == TEXT
    assert state["config"]["optimizers"]["Adam"] == {"lr": 0.3}
    assert state["starts"] == [[[-0.5, 4.2]]]
    assert state["mistakes"] == []
    drawing = page.receive("drawing")
    assert drawing["drawing"]["steps"] == 150
    assert drawing["live"][0]["optimizers"] == [0, 1, 2]


def test_mistakes_have_their_lines(page):
    page.send(type="text", text=TEXT.replace("lr: 0.3", "lerning_rate: 0.3"))
    (mistake,) = page.receive("state")["mistakes"]
    assert (mistake["line"], mistake["key"], mistake["code"]) == (
        9,
        ["optimizers", "Adam", "lerning_rate"],
        "unknown-argument",
    )
    page.send(type="text", text="a: [")
    state = page.receive("state")
    assert state["config"] is None
    assert state["mistakes"][0]["code"] == "syntax"


def test_an_edit_keeps_the_comments(page):
    page.send(type="edit", text=TEXT, edits=[{"path": ["steps"], "value": 20}])
    assert page.receive("state")["text"] == TEXT.replace("steps: 150", "steps: 20")
    assert page.receive("drawing")["drawing"]["steps"] == 20


@pytest.mark.parametrize(
    ("changes", "edits"),
    [
        (["start=[1.25, -3]"], [{"path": ["start"], "value": [1.25, -3]}]),
        (["optimizers.SGD.lr=0.5"], [{"path": ["optimizers", "SGD", "lr"], "value": 0.5}]),  # diverges
        (
            ["start={random: 3}", "steps=40"],
            [{"path": ["start"], "value": {"random": 3}}, {"path": ["steps"], "value": 40}],
        ),
    ],
)
def test_tried_paths_are_those_of_simulate(page, changes, edits):
    page.send(type="try", text=TEXT, edits=edits)
    expected = gdsim.simulate(gdsim.load(QUICKSTART, overrides=changes))
    assert np.array_equal(page.paths(), np.stack([each.points for each in expected]))


def test_the_drawing_has_the_iterates_of_simulate(page):
    page.send(type="text", text=TEXT)
    (layer,) = [each for each in page.receive("drawing")["drawing"]["layers"] if each["iterates"]]
    for iterates, expected in zip(layer["iterates"], gdsim.simulate(gdsim.load(QUICKSTART)), strict=True):
        points = unpacked(iterates["points"]).reshape(expected.points.shape)
        assert np.array_equal(points, expected.points)


def test_values_ahead_are_answered_from_memory(page):
    rates = [[{"path": ["optimizers", "SGD", "lr"], "value": value}] for value in (0.02, 0.03)]
    page.send(type="try", text=TEXT, edits=rates[0], ahead=rates[1:])
    page.paths()
    time.sleep(0.5)
    number = page.send(type="try", text=TEXT, edits=rates[1])
    piece = page.receive("piece", number)
    assert (piece["rows"], piece["last"]) == (151, True)  # not in pieces


def test_newer_work_replaces_older(page):
    old = page.send(type="try", text=TEXT, edits=[{"path": ["steps"], "value": 100_000}])
    page.receive("piece", old)
    new = page.send(type="try", text=TEXT, edits=[])
    began = time.monotonic()
    page.receive("piece", new)
    assert time.monotonic() - began < 5  # the old one takes 30 s


SWEEP = """\
objective: himmelblau
steps: 60
optimizers: {Adam: {lr: 0.1}}
sweep: {x: {setting: start}, y: {setting: start}, size: [SIDE, SIDE], show: solved}
"""


def test_a_large_sweep_leaves_others_alone_and_can_be_replaced(client):
    with connect(client) as one, connect(client) as other:
        busy, idle = Page(one), Page(other)
        busy.send(type="text", text=SWEEP.replace("SIDE", "1500"))
        busy.receive("state")
        assert wait_for(multiprocessing.active_children, 20)
        idle.send(type="try", text=TEXT, edits=[])
        assert idle.paths().shape == (3, 151, 1, 2)
        number = busy.send(type="text", text=TEXT)
        busy.receive("state", number)
        assert not multiprocessing.active_children()


@pytest.mark.slow
def test_the_map_of_a_large_sweep_is_that_of_sweep(page):
    text = SWEEP.replace("SIDE", "200")
    page.send(type="text", text=text)
    scene = build_sweep_scene(gdsim.loads(text), gdsim.sweep(gdsim.loads(text), workers=1))
    assert page.receive("drawing")["description"] == scene.alt_text


def test_limits_are_stated(page):
    page.send(type="try", text=TEXT, edits=[{"path": ["steps"], "value": 200_000}])
    failed = page.receive("failed")
    assert failed["code"] == "too-large"
    assert "at most 400000" in failed["message"]
    page.send(type="text", text=TEXT.replace("steps: 150", "steps: 100000000"))
    assert page.receive("state")["mistakes"][0]["key"] == ["steps"]
    page.send(type="try", text=TEXT, edits=[{"path": ["start"], "value": {"random": 1001}}])
    failed = page.receive("failed")["message"]
    assert failed == "1001 starts are computed when you let go; while you drag, at most 1000 are"


def test_a_heavy_config_says_what_it_costs(page):
    page.send(type="text", text=TEXT.replace("steps: 150", "steps: 90000"))
    assert "cost" not in page.receive("state")
    assert re.fullmatch(r"about \d+ (s|min)", page.receive("state")["cost"])
    assert 0 < page.receive("progress")["share"] < 1


def test_a_typed_expression_is_checked(page):
    page.send(type="check", expression="x^2 + y^")
    mistake = page.receive("checked")["mistake"]
    assert mistake["column"] == 8
    page.send(type="check", expression="x^2 + y^2")
    assert page.receive("checked")["mistake"] is None


def test_a_text_is_saved_as_it_is(page, tmp_path):
    text = TEXT.replace("\n", "\r\n") + "# ü"
    page.send(type="save", text=text, file="talks/race.yaml")
    assert page.receive("saved")["file"] == "talks/race.yaml"
    assert (tmp_path / "talks/race.yaml").read_bytes() == text.encode()
    page.send(type="save", text=TEXT, file="talks/race.yaml")  # its own file by now
    page.receive("saved")
    assert (tmp_path / "talks/race.yaml").read_bytes() == TEXT.replace("\n", "\r\n").encode()
    (tmp_path / "other.yaml").write_text("mine")
    page.send(type="save", text=TEXT, file="other.yaml")
    assert page.receive("failed")["code"] == "exists"
    page.send(type="save", text=TEXT, file="other.yaml", overwrite=True)
    page.receive("saved")


def test_two_pages_work_at_the_same_time(client):
    heavy = TEXT.replace("steps: 150", "steps: 90000")
    with connect(client) as one, connect(client) as other:
        busy, idle = Page(one), Page(other)
        busy.send(type="text", text=heavy)
        busy.receive("progress")
        idle.send(type="try", text=TEXT, edits=[])
        assert idle.paths().shape == (3, 151, 1, 2)


LBFGS = "objective: rosenbrock\nstart: {random: 10000}\nsteps: 6\noptimizers: {LBFGS: {lr: 1}}\n"
BFGS = "objective: rosenbrock\nstart: {random: 3000}\nsteps: 40\noptimizers: {BFGS: {class: scipy.BFGS}}\n"


@pytest.mark.parametrize("heavy", [LBFGS, BFGS])
def test_a_step_that_takes_minutes_leaves_others_alone_and_can_be_replaced(client, heavy):
    with connect(client) as one, connect(client) as other:
        busy, idle = Page(one), Page(other)
        busy.send(type="text", text=heavy)
        busy.receive("state")
        time.sleep(0.2)
        began = time.monotonic()
        for _ in range(3):
            idle.send(type="try", text=TEXT, edits=[])
            assert idle.paths().shape == (3, 151, 1, 2)
        busy.receive("state", busy.send(type="text", text=TEXT))
        assert time.monotonic() - began < 15


EIGENVALUES = """\
objective: {name: rosenbrock, dim: 200}
start: {random: 50}
steps: 60
optimizers: {SGD: {lr: 0.0001}}
view: {panels: [sharpness]}
"""


def test_a_scene_that_takes_a_minute_leaves_other_drawings_alone(client):
    with connect(client) as one, connect(client) as other:
        busy, idle = Page(one), Page(other)
        busy.send(type="text", text=EIGENVALUES)
        while busy.receive("progress")["what"] != "drawing":
            pass
        began = time.monotonic()
        idle.receive("drawing", idle.send(type="text", text=TEXT))
        busy.receive("drawing", busy.send(type="text", text=TEXT))
        assert time.monotonic() - began < 30


LONG = {
    "starts of a step": (LBFGS.replace("10000", "20"), 6 * 20),
    "steps of a minimizer": (BFGS.replace("3000", "1"), 40),
    "products of a Hessian": ("objective: {network: mlp, data: spirals}\nsteps: 1\noptimizers: {SGD: }\n", 2 * 21),
    "steps of a flow": ("objective: rosenbrock\nsteps: 1\noptimizers: {SGD: {lr: 0.1}}\nview: {flow: true}\n", 20),
    "steps of a tile": (SWEEP.replace("SIDE", "4"), 60),
}


@pytest.mark.parametrize(("text", "least"), LONG.values(), ids=LONG)
def test_long_work_has_pauses(text, least):
    paused = Mock()
    experiment = gdsim.loads(text, overrides=["view.panels=[sharpness]"] if "network" in text else [])
    with pausing(paused):
        (gdsim.simulate if experiment.sweep is None else gdsim.sweep)(experiment)
    assert paused.call_count >= least


def test_a_drawing_ends_at_a_pause():
    trajectories = gdsim.simulate(gdsim.loads(TEXT))
    with pytest.raises(ReplacedError), pausing(Mock(side_effect=[*[None] * 10, ReplacedError])):
        player_page(build_scene(trajectories))


def test_pages_that_open_together_make_one_schema_at_a_time(monkeypatch):
    working, most = [], []

    def made():
        working.append(1)
        most.append(len(working))
        time.sleep(0.02)
        working.pop()
        return {}

    monkeypatch.setattr(hello, "schema", made)
    with ThreadPoolExecutor(3) as pages:
        assert len([*pages.map(lambda _: hello.hello(None, False), range(3))]) == 3
    assert most == [1, 1, 1]


def test_a_closed_page_stops_its_work(client, monkeypatch):
    steps, check = [], Job.check
    monkeypatch.setattr(Job, "check", lambda self: (steps.append(1), check(self))[1])
    with connect(client) as websocket:
        page = Page(websocket)
        page.send(type="text", text=TEXT.replace("steps: 150", "steps: 90000"))
        page.receive("progress")
    time.sleep(0.3)
    count = len(steps)
    time.sleep(0.3)
    assert len(steps) == count


def test_an_export_is_what_a_run_writes(page, tmp_path, client):
    number = page.send(type="export", text=TEXT, format="png")
    exported = page.receive("exported", number)
    assert exported["file"] == "outputs/quickstart/quickstart.png"
    run([QUICKSTART], out=tmp_path / "run", formats="png", quiet=True)
    for suffix in ("png", "npz", "csv"):
        ours, theirs = (tmp_path / out / f"quickstart/quickstart.{suffix}" for out in ("outputs", "run"))
        assert ours.read_bytes() == theirs.read_bytes()
    download = client.get(exported["url"])
    assert download.content == (tmp_path / exported["file"]).read_bytes()
    assert download.headers["content-disposition"].startswith("attachment")
    assert client.get("/exported/outputs/quickstart/quickstart.npz").status_code == 404  # nobody has exported it


def test_a_page_is_told_what_another_one_has_saved(tmp_path):
    (tmp_path / "c.yaml").write_text(TEXT)
    with client_of(tmp_path, "c.yaml") as client, connect(client) as one, connect(client) as other:
        saving, waiting = Page(one), Page(other)
        for page in (saving, waiting):
            page.send(type="open")
            page.receive("state")
        saving.send(type="save", text="# mine", file="c.yaml")
        saving.receive("saved")
        changed = waiting.receive("changed")
        assert (changed["text"], changed["lossless"]) == ("# mine", True)
        waiting.send(type="save", text="# theirs", file="c.yaml")
        waiting.receive("saved")
        assert saving.receive("changed")["text"] == "# theirs"


def test_a_page_goes_on_with_another_server(client, tmp_path):
    (tmp_path / "c.yaml").write_text(TEXT)
    with connect(client) as websocket:
        page = Page(websocket)
        page.send(type="open", text="steps: 1", saved=TEXT, file="c.yaml")
        assert page.receive("state")["text"] == "steps: 1"
        (tmp_path / "c.yaml").write_text("# theirs")
        assert page.receive("changed")["text"] == "# theirs"
        (tmp_path / "c.yaml").unlink()
        page.receive("deleted")
        (tmp_path / "c.yaml").write_text("# theirs")
        page.receive("changed")
        page.send(type="open", text="", saved="", file="../c.yaml")
        assert page.receive("failed")["code"] == "not-allowed"


@pytest.mark.parametrize("closes", [False, True])
def test_an_export_ends_when_it_is_cancelled_or_its_page_closed(client, tmp_path, closes):
    with connect(client) as websocket:
        page = Page(websocket)
        number = page.send(type="export", text=TEXT.replace("steps: 150", "steps: 90000"), format="gif")
        assert 0 <= page.receive("progress", number)["share"] < 1
        if not closes:
            page.send(type="cancel", cancel=number)
            assert wait_for(lambda: not multiprocessing.active_children(), 20)
    assert wait_for(lambda: not multiprocessing.active_children(), 20)
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def test_a_missing_config_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        studio(tmp_path / "c.yaml")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("gdsim.cli.studio.find_spec", {}.get)
    with pytest.raises(GdsimError, match=r"pip install 'gdsim\[studio\]'"):
        studio()
