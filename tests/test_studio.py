"""The server of the studio: its messages, what it computes, and whom it lets in."""

from __future__ import annotations

import json
import multiprocessing
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import httpx2
import numpy as np
import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect as connect_to

import gdsim
from gdsim.cli.run import run
from gdsim.cli.studio import export, studio
from gdsim.errors import GdsimError, InputError
from gdsim.interactive.jobs import Job, simulating
from gdsim.interactive.server import application
from gdsim.interactive.session import drawing_thread
from tests.browse import wait_for

QUICKSTART = Path("configs/quickstart.yaml").resolve()
TOKEN, PORT = "a-token", 8470
ADDRESS = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def client(tmp_path):
    app = application(token=TOKEN, port=PORT, root=tmp_path, path=QUICKSTART, allow_code=False, export=export)
    with TestClient(app, ADDRESS, cookies={f"gdsim-{PORT}": TOKEN}) as client:
        yield client
    with simulating:  # other tests simulate and draw in this process, too
        drawing_thread.submit(int).result()


def connect(client, **headers):
    return client.websocket_connect(f"ws://127.0.0.1:{PORT}/connection", headers={"origin": ADDRESS, **headers})


class Page:
    """One end of a connection, as a page uses it."""

    def __init__(self, websocket):
        self.websocket, self.number = websocket, 0

    def send(self, **message):
        self.number += 1
        self.websocket.send_text(json.dumps({**message, "id": self.number}))
        return self.number

    def receive(self, kind, number=None):
        """Return the next message of a kind, with its buffer; it answers the message with a number, if one is given."""
        while True:
            event = self.websocket.receive()
            content = event.get("bytes") or b""
            size = struct.unpack("<I", content[:4])[0] if content else 0
            message = json.loads(content[4 : 4 + size] if content else event["text"])
            assert message["type"] != "failed" or kind == "failed", message
            if message["type"] == kind and number in (None, message.get("id")):
                return message | {"buffer": content[4 + size :]}

    def paths(self):
        """Return the points (optimizers, rows, starts, dim) of one objective whose pieces come next."""
        found = {}
        while True:
            piece = self.receive("piece")
            rows = np.frombuffer(piece["buffer"], "<f8").reshape(piece["rows"], piece["starts"], piece["dim"])
            known = found.get(piece["optimizer"], rows[:0])
            found[piece["optimizer"]] = np.concatenate([known[: piece["row"]], rows])
            if piece["last"] and piece["optimizer"] == 2:
                return np.stack([found[index] for index in sorted(found)])


@pytest.fixture
def page(client):
    with connect(client) as websocket:
        yield Page(websocket)


TEXT = QUICKSTART.read_text()


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
        points = np.frombuffer(b64decode(iterates["points"])).reshape(expected.points.shape)
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


def test_limits_are_stated(page):
    page.send(type="try", text=TEXT, edits=[{"path": ["steps"], "value": 200_000}])
    failed = page.receive("failed")
    assert failed["code"] == "too-large"
    assert "at most 400000" in failed["message"]
    page.send(type="text", text=TEXT.replace("steps: 150", "steps: 100000000"))
    assert page.receive("state")["mistakes"][0]["key"] == ["steps"]


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


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        '{"type": "try"}',
        '{"type": ["open"], "id": 1}',
        '{"type": "text", "id": 1, "text": NaN}',
        '{"type": "text", "id": true, "text": ""}',
        '{"type": "edit", "id": 1, "text": "steps: 1", "edits": [{"path": [true], "value": 1}]}',
        '{"type": "edit", "id": 1, "text": "steps: 1", "edits": "steps"}',
        '{"type": "try", "id": 1, "text": "steps: 1", "edits": [], "ahead": 5}',
        '{"type": "edit", "id": 1, "text": "a: 1", "edits": [{"path": ["a"], "value": 1%s}]}' % ("0" * 400),
        '{"type": "edit", "id": 1, "text": "a: 1", "edits": [{"path": ["a"], "rename": {}}]}',
        '{"type": "edit", "id": 1, "text": "a: [1]", "edits": [{"path": ["a", 0], "rename": "b"}]}',
        '{"type": "edit", "id": 1, "text": "a: 1", "edits": [{"path": ["a"], "yaml": 5}]}',
        '{"type": "save", "id": 1, "text": "a: 1", "file": "%s.yaml"}' % ("x" * 300),
        '{"type": "save", "id": 1, "text": "a: 1", "file": "%s.yaml"}' % ("x/" * 3000),
        r'{"type": "save", "id": 1, "text": "a: 1", "file": "\ud800.yaml"}',
        r'{"type": "save", "id": 1, "text": "\ud800", "file": "a.yaml"}',
        '{"type": "text", "id": 1, "text": ' + "[" * 100_000,
    ],
)
def test_malformed_messages_are_refused(page, frame):
    page.websocket.send_text(frame)
    assert "unexpectedly" not in page.receive("failed")["message"]
    page.send(type="check", expression="x")
    page.receive("checked")


# Whom the server lets in, and where it writes.


def test_without_the_token_every_path_is_refused(tmp_path):
    app = application(token=TOKEN, port=PORT, root=tmp_path, path=None, allow_code=False, export=export)
    stranger = TestClient(app, ADDRESS)
    for path in ("/", "/studio.js", "/exported/a.gif", "/nothing", "/?token=", "/?token=another", "/studio.js?token=x"):
        assert stranger.get(path).status_code == 403, path
    for cookie in ("", "another"):
        assert TestClient(app, ADDRESS, cookies={f"gdsim-{PORT}": cookie}).get("/").status_code == 403
    with pytest.raises(WebSocketDenialResponse):
        connect(stranger).__enter__()
    first = stranger.get(f"/?token={TOKEN}")
    assert first.status_code == 200
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=strict" in first.headers["set-cookie"]
    assert stranger.get("/studio.js").status_code == 200  # with the cookie


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"localhost:{PORT}", ""]
)
def test_another_host_is_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 403
    with pytest.raises(WebSocketDenialResponse):
        connect(client, host=host).__enter__()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:80", f"https://127.0.0.1:{PORT}"])
def test_other_pages_are_refused(client, origin):
    assert client.get("/", headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDenialResponse):
        connect(client, origin=origin).__enter__()


def test_a_websocket_needs_an_origin(client):
    with pytest.raises(WebSocketDenialResponse):
        client.websocket_connect(f"ws://127.0.0.1:{PORT}/connection").__enter__()


def test_pages_run_no_inline_scripts(client):
    policy = client.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "<script>" not in client.get("/").text


@pytest.mark.parametrize(
    "path", ["/session.py", "/..%2fapi.py", "/%2e%2e/api.py", "/player.html", "/.", "/studio.html/", f"/{'a' * 300}.js"]
)
def test_only_files_of_the_page_are_served(client, path):
    response = client.get(path)
    assert response.status_code == 404 or "def " not in response.text


OUTSIDE = ["../x.yaml", "/x.yaml", "a/../../x.yaml", "link/x.yaml", "link.yaml", "", ".", "a\0b.yaml", "x.py", "x"]


@pytest.mark.parametrize("file", OUTSIDE)
def test_nothing_is_saved_outside_the_folder(page, tmp_path, tmp_path_factory, file):
    other = tmp_path_factory.mktemp("other")
    (tmp_path / "link").symlink_to(other)
    for suffix in ("yaml", "png"):
        (tmp_path / f"link.{suffix}").symlink_to(other / f"x.{suffix}")
    page.send(type="save", text=TEXT, file=file, overwrite=True)
    assert page.receive("failed")["code"] in ("not-allowed", "invalid-value", "wrong-type")
    page.send(type="export", text=TEXT, format="png", file=file.replace(".yaml", ".png"))
    assert page.receive("failed")["code"] in ("not-allowed", "invalid-value", "wrong-type")
    assert {each.name for each in tmp_path.iterdir()} == {"link", "link.png", "link.yaml"}
    assert not [*other.iterdir(), *tmp_path.parent.glob("x.*")]


def test_a_text_is_saved_as_it_is(page, tmp_path):
    text = TEXT.replace("\n", "\r\n") + "# ü"
    page.send(type="save", text=text, file="talks/race.yaml")
    assert page.receive("saved")["file"] == "talks/race.yaml"
    assert (tmp_path / "talks/race.yaml").read_bytes() == text.encode()
    page.send(type="save", text=TEXT, file="talks/race.yaml")  # its own file by now
    page.receive("saved")
    (tmp_path / "other.yaml").write_text("mine")
    page.send(type="save", text=TEXT, file="other.yaml")
    assert page.receive("failed")["code"] == "exists"
    page.send(type="save", text=TEXT, file="other.yaml", overwrite=True)
    page.receive("saved")


CODE = 'objective: {python: "own:f", dim: 2}\nsteps: 2\noptimizers: {SGD: {lr: 0.1}}\n'


def test_code_of_a_config_runs_only_on_request(tmp_path):
    (tmp_path / "own.py").write_text(
        f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\nf = lambda p: (p**2).sum(-1)\n"
    )
    (tmp_path / "c.yaml").write_text(CODE)
    for allowed, asked, runs in [(False, True, False), (True, False, False), (True, True, True)]:
        settings = {"path": tmp_path / "c.yaml", "allow_code": allowed, "export": export}
        app = application(token=TOKEN, port=PORT, root=tmp_path, **settings)
        with TestClient(app, ADDRESS, cookies={f"gdsim-{PORT}": TOKEN}) as client, connect(client) as websocket:
            page = Page(websocket)
            page.send(type="text", text=CODE, code=asked)
            codes = [each["code"] for each in page.receive("state")["mistakes"]]
        assert codes == ([] if runs else ["not-allowed"])
        assert (tmp_path / "ran").exists() == runs


def test_two_pages_work_at_the_same_time(client):
    heavy = TEXT.replace("steps: 150", "steps: 90000")
    with connect(client) as one, connect(client) as other:
        busy, idle = Page(one), Page(other)
        busy.send(type="text", text=heavy)
        busy.receive("progress")
        idle.send(type="try", text=TEXT, edits=[])
        assert idle.paths().shape == (3, 151, 1, 2)


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


def test_an_export_can_be_cancelled(page, tmp_path):
    number = page.send(type="export", text=TEXT.replace("steps: 150", "steps: 90000"), format="gif")
    assert 0 <= page.receive("progress", number)["share"] < 1
    page.send(type="cancel", cancel=number)
    assert wait_for(lambda: not multiprocessing.active_children(), 20)
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def test_the_command_serves_until_it_is_interrupted(tmp_path):
    (tmp_path / "c.yaml").write_text(CODE.replace("steps", "stpes"))  # mistakes are mended in the page
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "gdsim", "studio", "c.yaml", "--no-open", "--port", str(port)]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        address = process.stdout.readline().strip()
    found = re.fullmatch(r"http://(127\.0\.0\.1:(\d+))/\?token=[\w-]{32}", address)
    assert found
    assert port < int(found[2]) <= port + 20
    assert httpx2.get(address.partition("?")[0]).status_code == 403
    headers = {"Cookie": httpx2.get(address).headers["set-cookie"].partition(";")[0]}
    with connect_to(
        f"ws://{found[1]}/connection", origin=f"http://{found[1]}", additional_headers=headers
    ) as websocket:
        assert json.loads(websocket.recv())["type"] == "hello"
        websocket.send(" " * (2**20 + 1))
        with pytest.raises(ConnectionClosedError, match="1009"):
            websocket.recv()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert errors.splitlines()[0] == f"port {port} is in use; the page is at port {found[2]}"
    assert "Traceback" not in errors


def test_a_missing_config_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        studio(tmp_path / "c.yaml")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("gdsim.cli.studio.find_spec", {}.get)
    with pytest.raises(GdsimError, match=r"pip install 'gdsim\[studio\]'"):
        studio()
