"""A page of the studio that tests write themselves: a connection to a server, without a browser."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from starlette.testclient import TestClient

from gdsim.cli.studio import export
from gdsim.interactive.jobs import simulating
from gdsim.interactive.server import application
from gdsim.interactive.session import drawing_thread

QUICKSTART = Path("configs/quickstart.yaml").resolve()
TEXT = QUICKSTART.read_text()
TOKEN, PORT = "a-token", 8470
ADDRESS = f"http://127.0.0.1:{PORT}"


@contextmanager
def client_of(folder, file=QUICKSTART):
    """A client of a server of a config, by default the quickstart, which writes into a folder."""
    app = application(token=TOKEN, port=PORT, root=folder, path=folder / file, allow_code=False, export=export)
    with TestClient(app, ADDRESS, cookies={f"gdsim-{PORT}": TOKEN}) as client:
        yield client
    # Other tests simulate and draw in this process, too. A drawing may itself wait to simulate the runs of cells.
    with simulating:
        pass
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
