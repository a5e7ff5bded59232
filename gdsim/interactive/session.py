"""A session of the studio: messages of a page in, states, drawings and paths out."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from gdsim.config import Experiment, loads
from gdsim.config.edits import edit
from gdsim.config.yaml_text import parse
from gdsim.errors import GdsimError, InputError, Problem
from gdsim.interactive.hello import hello
from gdsim.interactive.live import live_views
from gdsim.interactive.task import ReplacedError, Task, simulating
from gdsim.objectives import FloatArray, from_expression
from gdsim.render import frames
from gdsim.scene.build import build_scene
from gdsim.simulation import Trajectory
from gdsim.simulation.experiments import check, evaluate_landscapes, run_optimizers, starting_points
from gdsim.web.player import Drawing, with_fixed_camera

FIRST_ROWS = 12  # of a path that are computed before the first are sent
INTERVAL = 0.016  # seconds between two pieces of a path
KEPT = 64 * 2**20  # bytes of paths that are kept to answer from memory

Send = Callable[[Mapping[str, Any], Sequence[bytes]], None]
"""Sends a message and its buffers to the page; called from any thread."""

_drawing = ThreadPoolExecutor(1, "drawing")  # matplotlib can be used in one thread only


class Session:
    """The work for one page. It keeps nothing but paths that it has computed: the page has the text.

    Args:
        send: Sends a message to the page.
        path: The configuration that the page opens first; the starter if None.
        folder: The folder that the paths of a text are relative to.
        allow_code: Whether code that a configuration names may run.
    """

    def __init__(self, send: Send, *, path: Path | None, folder: Path, allow_code: bool) -> None:
        self._send, self._path, self._folder, self._allow_code = send, path, folder, allow_code
        self._newest: object = None
        self._work = ThreadPoolExecutor(1, "session")
        self._kept: OrderedDict[str, tuple[Trajectory, ...]] = OrderedDict()
        self._handlers: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "open": self._open,
            "text": self._show_text,
            "edit": self._edit,
            "try": self._try,
            "check": self._check,
            "cancel": lambda _: None,
        }

    def greet(self) -> None:
        """Send what a page needs to know first."""
        self._work.submit(self._guarded, None, lambda: self._send(hello(self._path, self._allow_code), ()))

    def receive(self, message: Mapping[str, Any]) -> None:
        """Begin to answer a message of the page."""
        kind, number = message.get("type"), message.get("id")
        if kind not in self._handlers or not isinstance(number, int):
            self._fail(number, InputError(f"there is no message of the type {kind!r:.40}", code="unknown-name"))
            return
        try:
            self._handlers[kind](message)
        except InputError as error:
            self._fail(number, error)

    def close(self) -> None:
        """Stop all work."""
        self._newest = None
        self._work.shutdown(wait=False, cancel_futures=True)

    # Messages.

    def _open(self, message: Mapping[str, Any]) -> None:
        if self._path is None:
            text = files("gdsim").joinpath("starter.yaml").read_text("utf-8")
        else:
            text = self._path.read_text("utf-8-sig")
        self._begin(message["id"], lambda task: self._show(message["id"], text, task))

    def _show_text(self, message: Mapping[str, Any]) -> None:
        text = _field(message, "text", str)
        self._begin(message["id"], lambda task: self._show(message["id"], text, task))

    def _edit(self, message: Mapping[str, Any]) -> None:
        text, edits = _field(message, "text", str), _field(message, "edits", list)
        self._begin(message["id"], lambda task: self._show(message["id"], edit(text, edits), task))

    def _try(self, message: Mapping[str, Any]) -> None:
        text, edits = _field(message, "text", str), _field(message, "edits", list)
        ahead = message.get("ahead", [])

        def work(task: Task) -> None:
            self._stream(message["id"], edit(text, edits), task)
            for each in ahead:
                self._paths(edit(text, each), task)

        self._begin(message["id"], work)

    def _check(self, message: Mapping[str, Any]) -> None:
        mistake = None
        try:
            from_expression(_field(message, "expression", str))
        except InputError as error:
            mistake = {"message": error.message, "column": getattr(error, "column", None)}
        self._send({"type": "checked", "id": message["id"], "mistake": mistake}, ())

    # Work.

    def _begin(self, number: int, work: Callable[[Task], None]) -> None:
        """Do some work instead of what was begun before."""
        self._newest = token = object()
        task = Task(
            lambda: self._newest is token,
            lambda share, what: self._send({"type": "progress", "id": number, "share": share, "what": what}, ()),
        )

        def begin() -> None:
            task.check()
            work(task)

        self._work.submit(self._guarded, number, begin)

    def _guarded(self, number: int | None, work: Callable[[], None]) -> None:
        """Do some work, and send its failure."""
        try:
            work()
        except ReplacedError:
            pass
        except GdsimError as error:
            self._fail(number, error)
        except Exception as error:
            logging.getLogger(__name__).exception("a message of the page")
            self._fail(number, GdsimError(f"failed unexpectedly: {error!r:.200}"))

    def _fail(self, number: int | None, error: GdsimError) -> None:
        code = error.code if isinstance(error, InputError) else None
        self._send({"type": "failed", "id": number, "message": str(error), "code": code}, ())

    def _load(self, text: str) -> Experiment:
        name = "studio" if self._path is None else self._path.stem
        file = "studio.yaml" if self._path is None else self._path.name
        return loads(text, name=name, file=file, folder=self._folder, allow_code=self._allow_code)

    def _show(self, number: int, text: str, task: Task) -> None:
        """Send the state of a text and, if it has no mistakes, its drawing."""
        state: dict[str, Any] = {"type": "state", "id": number, "text": text, "config": None, "starts": None}
        try:
            state["config"] = _finite(parse(text, "").value)
            experiment = self._load(text)
            with simulating:
                check(experiment)
                state["starts"] = _starts(experiment)
        except InputError as error:
            self._send({**state, "mistakes": list(map(_mistake, error.problems))}, ())
            return
        self._send({**state, "mistakes": []}, ())
        trajectories = self._paths(text, task)
        with simulating:
            trajectories = evaluate_landscapes(experiment, trajectories, progress=task.progress("evaluating the loss"))
        _drawing.submit(self._guarded, number, lambda: self._draw(number, experiment, trajectories, task))

    def _draw(self, number: int, experiment: Experiment, trajectories: Sequence[Trajectory], task: Task) -> None:
        with experiment.located():
            scene = build_scene(trajectories, view=experiment.view, animation=experiment.animation)
        task.check()
        drawn = frames(with_fixed_camera(scene))
        task.check()
        with drawn.settings():
            drawing = Drawing(drawn)
        task.check()
        live = live_views(drawn, experiment.view, trajectories)
        answer = {"type": "drawing", "id": number, "drawing": drawing.data, "background": drawing.background}
        self._send({**answer, "live": live, "description": scene.alt_text}, ())

    def _stream(self, number: int, text: str, task: Task) -> None:
        """Send the paths of a text in pieces while they are computed."""
        stream = _Stream(self._send, number, len(self._load(text).optimizers))
        stream.finish(self._paths(text, task, stream))

    def _paths(self, text: str, task: Task, stream: _Stream | None = None) -> tuple[Trajectory, ...]:
        """Return the trajectories of a text, from memory if they are known."""
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        experiment = self._load(text)
        with simulating:
            observe = {} if stream is None else {"observe": stream.observe}
            found = run_optimizers(experiment, progress=task.progress("simulating"), **observe)
        self._kept[text] = found
        while sum(map(_size, self._kept.values())) > KEPT and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return found


class _Stream:
    """The paths of a simulation, sent in pieces."""

    def __init__(self, send: Send, number: int, optimizers: int) -> None:
        self._send, self._number, self._optimizers = send, number, optimizers
        self._sent: list[FloatArray] = []  # per objective, (rows, paths, dim)
        self._when = 0.0

    def observe(self, points: Any) -> None:
        """Send the rows that are new, if they are enough."""
        rows = len(points)
        if rows == 1:
            self._sent.append(np.empty((0, *points.shape[1:])))
        elif rows >= FIRST_ROWS and time.monotonic() - self._when > INTERVAL:
            self._when = time.monotonic()
            self._add(len(self._sent) - 1, points.numpy(), last=False)

    def finish(self, trajectories: Sequence[Trajectory]) -> None:
        """Send what is new of complete trajectories, or differs from what was sent."""
        for index in range(len(trajectories) // self._optimizers):
            group = trajectories[index * self._optimizers : (index + 1) * self._optimizers]
            points = np.concatenate([each.points for each in group], axis=1)
            if index == len(self._sent):
                self._sent.append(np.empty((0, *points.shape[1:])))
            sent = self._sent[index]
            differs = (sent != points[: len(sent)]).any((1, 2))
            self._sent[index] = sent[: int(differs.argmax()) if differs.any() else len(sent)]
            self._add(index, points, last=True)

    def _add(self, objective: int, points: FloatArray, *, last: bool) -> None:
        row, (count, paths, dim) = len(self._sent[objective]), points.shape
        self._sent[objective] = points.copy()
        starts = paths // self._optimizers
        new = points[row:].reshape(count - row, self._optimizers, starts, dim)
        for optimizer in range(self._optimizers):
            piece = {"objective": objective, "optimizer": optimizer, "row": row, "rows": count - row, "starts": starts}
            message = {"type": "piece", "id": self._number, **piece, "dim": dim, "last": last}
            self._send(message, [new[:, optimizer].astype("<f8").tobytes()])


def _field(message: Mapping[str, Any], name: str, kind: type) -> Any:
    value = message.get(name)
    if not isinstance(value, kind):
        raise InputError(f"a message of the type {message['type']} needs a {kind.__name__} here", (name,))
    return value


def _size(trajectories: Sequence[Trajectory]) -> int:
    return sum(5 * each.points.nbytes for each in trajectories)


def _starts(experiment: Experiment) -> list[list[list[float]]]:
    """Return the starting points on each objective; none for a network."""
    objectives = [None if spec.to_train() else spec.build() for spec in experiment.objectives]
    return [
        [] if each is None else starting_points(experiment.start, each, experiment.seed, evaluate=False).tolist()
        for each in objectives
    ]


def _mistake(problem: Problem) -> dict[str, Any]:
    line, column = (problem.location.line, problem.location.column) if problem.location else (1, 1)
    return {"line": line, "column": column, "code": problem.code, "key": problem.key, "message": problem.message}


def _finite(value: Any) -> Any:
    """Return a value of YAML with None for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def encoded(message: Mapping[str, Any]) -> str:
    """Return a message as JSON."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)
