"""What the server of the studio refuses, and its limits."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect as connect_to

import gdsim
from gdsim.cli.studio import export
from gdsim.interactive.server import FOLLOWED, application
from tests.browse import serving
from tests.commands import call
from tests.studio_page import ADDRESS, PORT, TEXT, TOKEN, Page, client_of, connect


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
        '{"type": "edit", "id": 1, "text": "steps: 1", "edits": [{"path": ["steps"], "remove": false}]}',
        '{"type": "edit", "id": 1, "text": "steps: 1", "edits": [{"value": 1}]}',
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
        '{"type": "edit", "id": 1, "text": "", "edits": [{"path": ["a"], "value": %s}]}' % ("[" * 900 + "]" * 900),
        '{"type": "edit", "id": 1, "text": "", "edits": [{"path": ["a"%s], "value": 1}]}' % (', "a"' * 32),
    ],
)
def test_malformed_messages_are_refused(page, frame):
    page.websocket.send_text(frame)
    assert "unexpectedly" not in page.receive("failed")["message"]
    page.send(type="check", expression="x")
    page.receive("checked")


def test_a_reason_is_short(page):
    page.send(type="edit", text="a: 1", edits=[{"path": ["a", "x" * 500_000], "value": 1}])
    assert len(page.receive("failed")["message"]) == 1000


def test_a_page_waits_for_a_number_of_exports(page):
    heavy = TEXT.replace("steps: 150", "steps: 90000")
    numbers = [page.send(type="export", text=heavy, format="gif") for _ in range(33)]
    assert "32 exports are waiting" in page.receive("failed", numbers[-1])["message"]
    for number in numbers:
        page.send(type="cancel", cancel=number)
    page.send(type="export", text="steps: 0", format="png")
    assert "steps" in page.receive("failed")["message"]  # its turn has come


def test_a_number_of_pages_can_be_open(client):
    with ExitStack() as stack:
        for _ in range(32):
            stack.enter_context(connect(client))
        with connect(client) as websocket:
            assert "close one" in Page(websocket).receive("failed")["message"]
            with pytest.raises(WebSocketDisconnect):
                websocket.receive_text()
    with connect(client) as websocket:
        assert Page(websocket).receive("hello")


def test_a_page_that_does_not_read_gets_the_newest_answer(tmp_path):
    text = "\x07" + 250_000 * "x"  # quickly found not to be YAML
    with serving(tmp_path) as address, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
        connection.connect((urlsplit(address).hostname, urlsplit(address).port))
        with connected(address, sock=connection, max_size=None, max_queue=1) as websocket:
            assert json.loads(websocket.recv())["type"] == "hello"
            for number in range(100):
                websocket.send(json.dumps({"type": "text", "id": number, "text": text}))
                time.sleep(0.01)
            answers = [json.loads(websocket.recv())]
            while answers[-1]["id"] != 99:
                answers.append(json.loads(websocket.recv()))
    assert {each["type"] for each in answers} == {"state"}
    assert len(answers) < 50  # what the system has taken over before the connection was full


def flooded(folder, read):
    """How many messages are taken from a page that sends them without a pause within a second, and whether it ended."""
    app = application(token=TOKEN, port=PORT, root=folder, path=None, allow_code=False, export=export)
    headers = {"host": f"127.0.0.1:{PORT}", "origin": ADDRESS, "cookie": f"gdsim-{PORT}={TOKEN}"}
    scope = {
        "type": "websocket",
        "path": "/connection",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    taken = 0

    async def receive():
        nonlocal taken
        taken += 1
        await asyncio.sleep(0)
        return {"type": "websocket.connect"} if taken == 1 else {"type": "websocket.receive", "text": "{}"}

    async def send(message):
        if message["type"] != "websocket.accept":
            await read()

    try:
        asyncio.run(asyncio.wait_for(app(scope, receive, send), 1))
    except TimeoutError:
        return taken, "still connected"
    return taken, "ended"


def test_messages_wait_while_their_answers_are_not_read(tmp_path):
    taken, state = flooded(tmp_path, lambda: asyncio.Event().wait())
    assert 256 <= taken < 300
    assert state == "still connected"


def test_a_broken_connection_ends_while_messages_wait(tmp_path):
    async def read():
        await asyncio.sleep(0.3)
        raise OSError

    taken, state = flooded(tmp_path, read)
    assert taken < 300
    assert state == "ended"


# Whom the server lets in, and where it writes.


def test_without_the_token_every_path_is_refused(tmp_path):
    app = application(token=TOKEN, port=PORT, root=tmp_path, path=None, allow_code=False, export=export)
    stranger = TestClient(app, ADDRESS)
    for path in ("/", "/studio.js", "/exported/a.gif", "/nothing", "/?token=", "/?token=another", "/studio.js?token=x"):
        assert stranger.get(path).status_code == 403, path
    for cookie in ("", "another"):
        assert TestClient(app, ADDRESS, cookies={f"gdsim-{PORT}": cookie}).get("/").status_code == 403
    with pytest.raises(WebSocketDisconnect):
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
    with pytest.raises(WebSocketDisconnect):
        connect(client, host=host).__enter__()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:80", f"https://127.0.0.1:{PORT}"])
def test_other_pages_are_refused(client, origin):
    assert client.get("/", headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect):
        connect(client, origin=origin).__enter__()


def test_a_websocket_needs_an_origin(client):
    with pytest.raises(WebSocketDisconnect):
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
    (tmp_path / "link.yaml").symlink_to(other / "x.yaml")
    page.send(type="save", text=TEXT, file=file, overwrite=True)
    assert page.receive("failed")["code"] in ("not-allowed", "invalid-value", "wrong-type")
    assert {each.name for each in tmp_path.iterdir()} == {"link", "link.yaml"}
    assert not [*other.iterdir(), *tmp_path.parent.glob("x.*")]


def test_nothing_is_exported_outside_the_folder(page, tmp_path, tmp_path_factory):
    (tmp_path / "outputs").symlink_to(tmp_path_factory.mktemp("other"))
    page.send(type="export", text=TEXT, format="png")
    assert page.receive("failed")["code"] == "not-allowed"


@pytest.mark.parametrize("replace", [Path.mkdir, os.mkfifo, lambda path: path.write_bytes(b"#" * 2**19)])
def test_the_file_is_replaced_by_what_is_no_config(tmp_path, replace):
    (tmp_path / "c.yaml").write_text(TEXT)
    with client_of(tmp_path, "c.yaml") as client, connect(client) as websocket:
        page = Page(websocket)
        page.send(type="open")
        page.receive("state")
        (tmp_path / "c.yaml").unlink()
        replace(tmp_path / "c.yaml")
        time.sleep(2 * FOLLOWED)
        page.send(type="open")
        assert "c.yaml:" in page.receive("failed")["message"]
        page.send(type="check", expression="x")
        assert page.receive("checked")


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


def connected(address, **settings):
    """A connection to the server with an address, as its page makes it."""
    server = urlsplit(address).netloc
    headers = {"Cookie": httpx2.get(address).headers["set-cookie"].partition(";")[0]}
    return connect_to(f"ws://{server}/connection", origin=f"http://{server}", additional_headers=headers, **settings)


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
    with connected(address) as websocket:
        assert json.loads(websocket.recv())["type"] == "hello"
        websocket.send(" " * (2**20 + 1))
        with pytest.raises(ConnectionClosedError, match="1009"):
            websocket.recv()
    with pytest.raises(InvalidStatus, match="403"):
        connect_to(f"ws://127.0.0.1:{found[2]}/connection", origin=f"http://127.0.0.1:{found[2]}")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    in_use = f"port {port} is in use; the page is at port {found[2]}"
    assert errors.splitlines() == [in_use, "interrupted; files that were written are complete"]


def test_the_command_begins_with_a_function(tmp_path):
    with serving(tmp_path, "-x^2 + y^4") as address, connected(address) as websocket:
        websocket.send(json.dumps({"type": "open", "id": 1}))
        answers = (json.loads(each) for each in websocket if isinstance(each, str))
        text = next(each["text"] for each in answers if each["type"] == "state")
    assert gdsim.loads(text).objectives[0].expression == "-x^2 + y^4"
    assert gdsim.loads(text).optimizers.keys() == {"SGD", "Momentum", "Adam"}
    done = call("studio", "rosenbrok")
    assert (done.exit_code, done.stderr) == (2, "rosenbrok: no such file; did you mean 'rosenbrock'?\n")
