"""The studio: its messages, its server and its page."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

import gdsim
from gdsim.interactive.server import application

QUICKSTART = Path("configs/quickstart.yaml")
TOKEN, PORT = "a-token", 8470
ADDRESS = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def client():
    app = application(QUICKSTART, token=TOKEN, port=PORT, allow_code=False)
    with TestClient(app, ADDRESS, cookies={f"gdsim-{PORT}": TOKEN}) as client:
        yield client


class Page:
    """One end of a connection, as a page uses it."""

    def __init__(self, websocket):
        self.websocket, self.number = websocket, 0

    def send(self, **message):
        self.number += 1
        self.websocket.send_text(json.dumps({**message, "id": self.number}))

    def receive(self, kind):
        """Return the next message of a kind, with its buffer."""
        while True:
            event = self.websocket.receive()
            content = event.get("bytes") or b""
            size = struct.unpack("<I", content[:4])[0] if content else 0
            message = json.loads(content[4 : 4 + size] if content else event["text"])
            assert message["type"] != "failed" or kind == "failed", message
            if message["type"] == kind:
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
    with client.websocket_connect(f"ws://127.0.0.1:{PORT}/connection", headers={"origin": ADDRESS}) as websocket:
        yield Page(websocket)


def test_a_page_gets_the_config_and_its_drawing(page):
    assert page.receive("hello")["file"] == "quickstart.yaml"
    page.send(type="open")
    state = page.receive("state")
    assert state["text"] == QUICKSTART.read_text()
    assert state["config"]["optimizers"]["Adam"] == {"lr": 0.3}
    assert state["starts"] == [[[-0.5, 4.2]]]
    assert state["mistakes"] == []
    drawing = page.receive("drawing")
    assert drawing["drawing"]["steps"] == 150
    assert drawing["live"][0]["optimizers"] == [0, 1, 2]


def test_tried_paths_are_those_of_simulate(page):
    page.send(type="try", text=QUICKSTART.read_text(), edits=[{"path": ["start"], "value": [1.25, -3]}])
    expected = gdsim.simulate(gdsim.load(QUICKSTART, overrides=["start=[1.25, -3]"]))
    assert np.array_equal(page.paths(), np.stack([each.points for each in expected]))
