"""The studio as a widget of notebooks: Jupyter, VS Code, Colab and marimo."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from gdsim import api
from gdsim.config import Experiment, loads
from gdsim.interactive import SHARED
from gdsim.interactive.session import Session
from gdsim.simulation import Trajectory
from gdsim.web import data_uri

FOLDER = files("gdsim.interactive")
IMPORTED = re.compile(r'(?<=from ")\./(\w+)\.js(?=";)')

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>gdsim studio</title>
<style>{style}
.tools [data-needs="address"] {{ display: none; }}</style>
<script type="importmap">{imports}</script>
<script type="module">
import {{ mount }} from "gdsim/studio";
const connection = {{ onmessage: null, send: (message) => parent.postMessage(message, "*") }};
addEventListener("message", ({{ source, data }}) => {{
  if (source === parent) connection.onmessage(data.message, data.buffers);
}});
mount(document.getElementById("studio"), connection, window).open();
</script></head><body><div id="studio"></div></body></html>
"""


def page() -> str:
    """Return the page of the studio as one file, whose messages go to the window that contains it."""
    parts = [*FOLDER.iterdir(), *(files("gdsim.web").joinpath(name) for name in SHARED)]
    # Modules cannot import each other by relative addresses here.
    texts = {each.name: each.read_text("utf-8") for each in parts if each.name.endswith((".js", ".css"))}
    modules = {name[:-3]: IMPORTED.sub(r"gdsim/\1", text) for name, text in texts.items() if name.endswith(".js")}
    imports = {f"gdsim/{name}": data_uri("text/javascript", text.encode()) for name, text in modules.items()}
    style = "\n".join(text for name, text in texts.items() if name.endswith(".css"))
    return PAGE.format(style=style, imports=json.dumps({"imports": imports}))


class Studio(anywidget.AnyWidget):
    """The page of `gdsim studio` in a notebook. Without a kernel, the player of the first picture stands there.

    Attributes:
        experiment: What the page shows. It follows the page, and the page follows it; a mapping or the path of a YAML
            file can be assigned, too.
        trajectories: Those of `experiment`, one per objective and optimizer.
    """

    _esm = FOLDER.joinpath("widget.js").read_text("utf-8")
    _page = traitlets.Unicode(page()).tag(sync=True)
    _player = traitlets.Unicode().tag(sync=True)
    experiment = traitlets.Any()
    trajectories = traitlets.Tuple()

    def __init__(self, experiment: Experiment, *, allow_code: bool) -> None:
        self._sessions: dict[str, Session] = {}
        self._allow_code = allow_code
        self._bundle = api.animate(experiment)._repr_mimebundle_()
        super().__init__(experiment=experiment, _player=self._bundle["text/html"])
        self.on_msg(lambda _, message, __: self._receive(message))

    def close(self) -> None:
        """Stop all work, and remove the widget."""
        for session in self._sessions.values():
            session.close()
        super().close()

    def _repr_mimebundle_(self, **settings: Any) -> Any:
        """Return the widget, and the player for where it cannot be shown."""
        bundle, metadata = super()._repr_mimebundle_(**settings) or ({}, {})
        return {**self._bundle, **bundle}, metadata

    @traitlets.default("trajectories")
    def _simulated(self) -> tuple[Trajectory, ...]:
        return api.simulate(self.experiment)

    @traitlets.validate("experiment")
    def _converted(self, proposal: Mapping[str, Any]) -> Experiment:
        return api.as_experiment(proposal["value"])

    @traitlets.observe("experiment")
    def _follow(self, change: Mapping[str, Any]) -> None:
        """Let each page show what another page, or Python, has chosen."""
        others = [each for each in self._sessions.values() if each.experiment != change["new"]]
        if change["old"] is not None and len(others) == len(self._sessions):  # Python has chosen it
            self.trajectories = api.simulate(change["new"])
        for session in others:
            session.replace(change["new"].yaml)

    def _receive(self, message: dict[str, Any]) -> None:
        """Pass a message to the session of its page, of which a notebook can show several."""
        view, kind = str(message.pop("view", "")), message.get("type")
        if kind in ("open", "close") and view in self._sessions:  # a page that a notebook moves is loaded again
            self._sessions.pop(view).close()
        if kind == "open":
            self._sessions[view] = Session(
                partial(self._answer, view),
                root=self.experiment.folder,
                path=None,
                allow_code=self._allow_code,
                export=export,
                text=self.experiment.yaml,
                shown=self._take,
            )
            self._sessions[view].greet()
        if view in self._sessions:
            self._sessions[view].receive(message)
        elif kind != "close":
            text = "the kernel does not know this page; run its cell again"
            self._answer(view, {"type": "failed", "id": message.get("id"), "message": text, "code": None}, ())

    def _answer(self, view: str, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        self.send({**message, "view": view}, [*buffers])

    def _take(self, experiment: Experiment, trajectories: tuple[Trajectory, ...]) -> None:
        """Take over what a page shows."""
        self.trajectories = trajectories
        self.experiment = experiment


def export(_: Connection[Any, Any], text: str, name: str, folder: Path, allow_code: bool, path: Path) -> None:
    """Write the animation of a text into a file; see `Session`."""
    api.animate(loads(text, name=name, file=f"{name}.yaml", folder=folder, allow_code=allow_code)).save(path)
