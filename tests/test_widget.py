"""The live studio in notebooks: with a kernel of Jupyter through its protocol, and in marimo with a browser."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from ast import literal_eval
from queue import Empty

import pytest
import yaml
from jupyter_client.manager import start_new_kernel
from selenium.common.exceptions import WebDriverException

import gdsim
from gdsim.interactive.session import Session
from tests.browse import ENVIRONMENT, StudioPage, wait_for

CONFIG = {
    "objective": "beale",
    "start": [1.0, 1.5],
    "steps": 12,
    "optimizers": {"SGD": {"lr": 0.01}, "Adam": {"lr": 0.1}},
}
PATIENCE = 90  # seconds for a kernel on a loaded machine


@pytest.fixture
def kernel(tmp_path):
    """A client of a kernel of Jupyter."""
    manager, client = start_new_kernel(cwd=str(tmp_path), startup_timeout=PATIENCE)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


class Front:
    """A notebook with a page of the widget, as the kernel sees it."""

    def __init__(self, client):
        self.client, self.last = client, 0

    def show(self, code):
        """Run a cell, and return what its last expression shows."""
        shown = []
        hook = lambda message: shown.append(message) if message["msg_type"] == "execute_result" else None  # noqa: E731
        assert self.client.execute_interactive(code, output_hook=hook, timeout=PATIENCE)["content"]["status"] == "ok"
        data = shown[0]["content"]["data"]
        self.model = data["application/vnd.jupyter.widget-view+json"]["model_id"]
        return data

    def ask(self, answer, **message):
        """Send a message and return the answer of one type, with its buffers."""
        self.last += 1
        content = {"id": self.last, "view": "a", **message}
        comm = {"comm_id": self.model, "data": {"method": "custom", "content": content}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", comm))
        return self.wait(answer)

    def wait(self, answer):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                received = self.client.get_iopub_msg(timeout=1)
            except Empty:
                continue
            content = received["content"].get("data", {}).get("content", {})
            if received["msg_type"] == "comm_msg" and content.get("type") == answer:
                return content
        raise AssertionError(f"no {answer}")

    def evaluate(self, code):
        """Return what an expression in the kernel gives, as text."""
        request = self.client.execute("", user_expressions={"found": code})
        reply = self.client.get_shell_msg(timeout=PATIENCE)
        while reply["parent_header"].get("msg_id") != request:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
        found = reply["content"]["user_expressions"]["found"]
        return found["data"]["text/plain"] if found["status"] == "ok" else found


@pytest.mark.slow
def test_a_widget_and_its_page_follow_each_other(kernel):
    front = Front(kernel)
    shown = front.show(f"import gdsim\nwidget = gdsim.studio({CONFIG!r})\nwidget")
    assert {"text/html", "image/png", "text/plain"} <= shown.keys()
    assert "gdsim-source" in shown["text/html"]  # the player, with the YAML
    state = front.ask("state", type="open")
    assert state["config"]["start"] == [1.0, 1.5]

    # From the page to Python.
    edits = [{"path": ["start"], "value": [2.0, -1.0]}]
    edited = front.ask("state", type="edit", text=state["text"], edits=edits)
    assert edited["config"]["start"] == [2.0, -1.0]
    front.wait("drawing")
    assert yaml.safe_load(literal_eval(front.evaluate("widget.experiment.yaml")))["start"] == [2.0, -1.0]
    expected = gdsim.simulate({**CONFIG, "start": [2.0, -1.0]})
    points = literal_eval(front.evaluate("[each.points.tobytes().hex() for each in widget.trajectories]"))
    assert points == [each.points.tobytes().hex() for each in expected]

    # From Python to the page.
    front.evaluate(f"setattr(widget, 'experiment', {dict(CONFIG, steps=7)!r})")
    assert yaml.safe_load(front.wait("changed")["text"])["steps"] == 7
    assert front.evaluate("[len(each.points) - 1 for each in widget.trajectories]") == "[7, 7]"
    assert front.evaluate("setattr(widget, 'experiment', 3)")["ename"] == "InputError"
    assert front.evaluate("widget.experiment.steps") == "7"


def test_a_page_that_is_loaded_again_ends_its_earlier_work(monkeypatch):
    closed, close = [], Session.close
    monkeypatch.setattr(Session, "close", lambda session: (closed.append(session), close(session)))
    widget = gdsim.studio(CONFIG)
    for number, kind in enumerate(["open", "open", "close", "close"]):
        widget._handle_custom_msg({"type": kind, "view": "a", "id": number}, [])
        assert len(closed) == min(number, 2)
    assert closed[0] is not closed[1]
    widget.close()


def test_a_page_that_the_kernel_does_not_know_is_told_so(monkeypatch):
    widget, sent = gdsim.studio(CONFIG), []
    monkeypatch.setattr(widget, "send", lambda message, _: sent.append(message))
    widget._handle_custom_msg({"type": "text", "text": "steps: 1", "view": "a", "id": 7}, [])
    widget._handle_custom_msg({}, [])
    assert [(each["type"], each["view"], each["id"]) for each in sent] == [("failed", "a", 7), ("failed", "", None)]
    assert "run its cell again" in sent[0]["message"]


@pytest.mark.slow
def test_the_page_works_in_a_notebook_of_marimo(browser, tmp_path):
    (tmp_path / "nb.py").write_text(
        "import marimo\napp = marimo.App()\n@app.cell\ndef _():\n"
        "    import gdsim\n    from pathlib import Path\n"
        f"    widget = gdsim.studio({CONFIG!r})\n"
        "    widget.observe(lambda change: Path('now.yaml').write_text(change['new'].yaml), 'experiment')\n"
        "    widget\n    return\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "run", "nb.py", "--headless", "--no-token", "-p", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env=ENVIRONMENT)
    try:
        assert wait_for(lambda: answers(port), PATIENCE), (tmp_path / "log").read_text()
        browser.get(f"http://127.0.0.1:{port}")
        assert wait_for(lambda: frame_of(browser), PATIENCE), (tmp_path / "log").read_text()
        browser.switch_to.frame(frame_of(browser))
        page = StudioPage(browser)
        page.until(lambda: page.all(".stage .start"), PATIENCE)
        before = page.one(".stage .start").get_attribute("aria-label")
        page.run("document.querySelector('.stage .start').focus()")
        page.press("ARROW_RIGHT")
        page.until(lambda: page.one(".stage .start").get_attribute("aria-label") != before, PATIENCE)
        assert wait_for(lambda: (tmp_path / "now.yaml").exists(), PATIENCE)
        start = yaml.safe_load((tmp_path / "now.yaml").read_text())["start"]
        assert start[0] > 1.0
        assert start[1] == 1.5
    finally:
        browser.switch_to.default_content()
        browser.get("about:blank")
        server.terminate()
        server.wait()


def answers(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).status == 200
    except (urllib.error.URLError, OSError):
        return False


def frame_of(browser):
    """Return the visible frame of the studio, which may be below shadow roots."""
    try:
        return browser.execute_script("""
            const find = (root) => {
              for (const each of root.querySelectorAll("*")) {
                if (each.matches("iframe[title='gdsim studio']") && each.style.display === "block") return each;
                const found = each.shadowRoot && find(each.shadowRoot);
                if (found) return found;
              }
              return null;
            };
            return find(document);""")
    except WebDriverException:
        return None
