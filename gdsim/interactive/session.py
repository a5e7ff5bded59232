"""A session of the studio: messages of a page in, states, drawings and paths out."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from gdsim.config import Experiment, View, formats, loads, read_text, starter, with_edits
from gdsim.config.edits import edit
from gdsim.config.yaml_text import MAX_DEPTH, parse
from gdsim.errors import GdsimError, InputError, Problem
from gdsim.files import YAML_SUFFIXES, atomic_write, os_error_reason
from gdsim.interactive.export import call_in_process, exporting, run_in_process
from gdsim.interactive.hello import hello
from gdsim.interactive.jobs import Job, NewestWork, ReplacedError
from gdsim.interactive.live import live_views
from gdsim.interactive.stream import Send, Stream
from gdsim.interrupts import pausing
from gdsim.objectives import from_expression
from gdsim.render import frames
from gdsim.scene.build import build_scene
from gdsim.scene.model import CellRuns, Scene
from gdsim.scene.sweeps import build_sweep_scene
from gdsim.simulation import Trajectory
from gdsim.simulation.descent import ignore
from gdsim.simulation.experiments import check, evaluate_landscapes, run_optimizers, starting_points
from gdsim.sweeps.plan import Plan
from gdsim.sweeps.run import run
from gdsim.web.player import Drawing, with_fixed_camera

MAX_LIVE = 400_000  # points of paths that are computed while something is dragged
MAX_LIVE_STARTS = 1000  # starts, each with a path per optimizer that the page draws
SHOWN_LIVE = ("start", "optimizers", "steps", "seed")  # keys whose changes show in the picture before it is redrawn
MAX_AHEAD = 16  # values that are computed ahead
MAX_EXPORTS = 32  # that a page can wait for
MAX_REASON = 1000  # characters of the reason of a failure
MAX_BUILDING = 32  # scenes that are built at the same time, one for each page
KEPT = 64 * 2**20  # bytes of paths that are kept to answer from memory
WORTH_TELLING = 3.0  # seconds of work from which a page is told what it costs

drawing_thread = ThreadPoolExecutor(1, "drawing")  # matplotlib can be used in one thread only
building_threads = ThreadPoolExecutor(MAX_BUILDING, "building")

_Message = Mapping[str, Any]


class Session:
    """The work for one page. It keeps nothing but paths that it has computed: the page has the text.

    Args:
        send: Sends a message to the page.
        root: The folder in which files are written.
        path: The configuration that the page opens first; the starter if None.
        allow_code: Whether code that a configuration names may run.
        export: Writes the files of a configuration: called in a process of its own, with a connection for reports, the
            text, its name, its folder, whether code may run, and the path of the file.
        text: What the page opens first, instead of a configuration.
        shown: Called with an experiment and its trajectories whenever those of a text are shown.
    """

    def __init__(
        self,
        send: Send,
        *,
        root: Path,
        path: Path | None,
        allow_code: bool,
        export: Callable[..., object],
        text: str | None = None,
        shown: Callable[[Experiment, tuple[Trajectory, ...]], object] = lambda *_: None,
    ) -> None:
        self._answer, self._path, self._allow_code, self._export = send, path, allow_code, export
        self._given, self._shown = text, shown
        self._on_disk: str | None = None
        self._is_open = True
        self._root = root.resolve()
        self._newest: object = None
        self._exports: set[int] = set()
        self._work, self._small = NewestWork("work"), NewestWork("small")
        self._loaded: tuple[tuple[str, bool], Experiment] | None = None
        self._kept: OrderedDict[object, tuple[Trajectory, ...]] = OrderedDict()
        self._handlers: dict[str, Callable[[int, _Message], None]] = {
            "open": self._open,
            "text": self._text,
            "edit": self._edit,
            "try": self._try,
            "check": self._check,
            "save": self._save,
            "export": self._begin_export,
            "cancel": self._cancel,
        }

    def greet(self) -> None:
        """Send what a page needs to know first."""
        file = self._path and self._path.resolve()
        name = str(file.relative_to(self._root)) if file and file.is_relative_to(self._root) else None
        self._work.submit(self._guarded, None, lambda: self._send(hello(name, self._allow_code)))

    def receive(self, message: _Message) -> None:
        """Begin to answer a message of the page."""
        kind, number = message.get("type"), message.get("id")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None or type(number) is not int:
            self._fail(None, InputError("a message must be JSON with a known type and a number as id", code="syntax"))
            return
        self._guarded(number, lambda: handler(number, message))

    @property
    def experiment(self) -> Experiment | None:
        """The experiment of the last text without mistakes that was loaded."""
        return self._loaded and self._loaded[1]

    def follow_file(self) -> None:
        """Send the text of the file if another program has changed it, or that the file has been deleted."""
        if self._path is None or self._on_disk is None:
            return
        if not self._path.exists():
            if self._on_disk:
                self._on_disk = ""  # as if it were empty, until it is there again
                self._send({"type": "deleted"})
            return
        with suppress(InputError):  # it is being replaced
            text = _text_of(self._path)
            if text != self._on_disk:
                self._on_disk = text
                self.replace(text, lossless=True)

    def replace(self, text: str, *, lossless: bool = False) -> None:
        """Let the page show another text; if `lossless`, only if the page has nothing that is not saved."""
        self._send({"type": "changed", "text": text, "lossless": lossless})

    def close(self) -> None:
        """Stop all work."""
        self._is_open, self._newest = False, None
        self._exports.clear()
        for executor in (self._work, self._small):
            executor.shutdown(wait=False, cancel_futures=True)

    # Messages.

    def _open(self, number: int, message: _Message) -> None:
        self._kept.clear()
        self._loaded = None
        if "text" in message:  # its connection was lost
            text, self._on_disk = _field(message, "text", str), message.get("saved")
            if "file" in message:
                self._path = self._config(message)
        elif self._given is not None:
            text = self._given
        elif self._path is None:
            text = starter()
        else:
            text = self._on_disk = _text_of(self._path)
        self._begin(number, lambda job: self._show(number, text, self._runs(message), job))

    def _text(self, number: int, message: _Message) -> None:
        text, code = _field(message, "text", str), self._runs(message)
        self._begin(number, lambda job: self._show(number, text, code, job))

    def _edit(self, number: int, message: _Message) -> None:
        text, edits, code = _field(message, "text", str), _edits(message, "edits"), self._runs(message)
        streams = all(each["path"][0] in SHOWN_LIVE for each in edits)

        def work(job: Job) -> None:
            self._show(number, edit(text, edits, check=job.check), code, job, streams=streams)

        self._begin(number, work)

    def _try(self, number: int, message: _Message) -> None:
        text, edits, code = _field(message, "text", str), _edits(message, "edits"), self._runs(message)
        given = _field({"ahead": [], **message}, "ahead", list)[:MAX_AHEAD]
        ahead = [_edits({**message, "ahead": each}, "ahead") for each in given]

        def work(job: Job) -> None:
            base = self._load(text, code)
            experiment = with_edits(base, edits)
            if (reason := _why_not_live(experiment)) is not None:
                raise reason
            stream = Stream(self._send, number, len(experiment.optimizers))
            self._paths((text, code, json.dumps(edits)), experiment, job, stream)
            for each in ahead:
                with suppress(InputError):  # a neighbouring value may be impossible
                    self._paths((text, code, json.dumps(each)), with_edits(base, each), job)

        self._begin(number, work)

    def _check(self, number: int, message: _Message) -> None:
        expression = _field(message, "expression", str)

        def work() -> None:
            mistake = None
            try:
                from_expression(expression)
            except InputError as error:
                mistake = {"message": error.message, "column": getattr(error, "column", None)}
            self._send({"type": "checked", "id": number, "mistake": mistake})

        self._small.replace(partial(self._guarded, number, work))

    def _save(self, number: int, message: _Message) -> None:
        text, path = _field(message, "text", str), self._config(message)
        is_own = self._path is not None and path == self._path.resolve()
        if path.exists() and not is_own and message.get("overwrite") is not True:
            self._send({"type": "failed", "id": number, "message": f"{path.name} exists", "code": "exists"})
            return
        if _has_crlf(path):
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        with atomic_write(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="")
        self._path, self._on_disk = path, text.replace("\r\n", "\n")
        self._send({"type": "saved", "id": number, "file": str(path.relative_to(self._root))})

    def _begin_export(self, number: int, message: _Message) -> None:
        text, suffix, code = _field(message, "text", str), _field(message, "format", str), self._runs(message)
        if suffix not in (*formats(), "pptx"):
            raise InputError(f"there is no format '{suffix:.20}'", ("format",), code="unknown-name")
        if len(self._exports) == MAX_EXPORTS:
            raise InputError(f"{MAX_EXPORTS} exports are waiting: cancel one, or try again later", code="too-large")
        name = self._name
        path = self._inside(f"outputs/{name}/{name}.{suffix}")
        self._exports.add(number)
        job = Job(lambda: number in self._exports, lambda share, what: self._report(number, share, what))

        def work() -> None:
            job.check()
            try:
                call_in_process(self._export, (text, name, self._folder, code, path), job)
            finally:
                self._exports.discard(number)
            self._send({"type": "exported", "id": number, "file": str(path.relative_to(self._root))})

        exporting.submit(self._guarded, number, work)

    def _cancel(self, number: int, message: _Message) -> None:  # noqa: ARG002
        self._exports.discard(_field(message, "cancel", int))

    # Work.

    @property
    def _folder(self) -> Path:
        return self._root if self._path is None else self._path.parent

    @property
    def _name(self) -> str:
        return "experiment" if self._path is None else self._path.stem

    def _runs(self, message: _Message) -> bool:
        """Return whether code that a text names may run, which a page can exclude."""
        return self._allow_code and message.get("code") is not False

    def _inside(self, file: str) -> Path:
        """Return a path in the folder in which files are written; links do not lead out of it."""
        if "\0" in file:
            raise InputError("is not a file name", ("file",), code="wrong-type")
        path = (self._root / file).resolve()
        if not path.is_relative_to(self._root) or path == self._root:
            message = f"{file:.100}: is outside of the folder in which the studio was started"
            raise InputError(message, ("file",), code="not-allowed")
        return path

    def _config(self, message: _Message) -> Path:
        """Return the path of the config that a message names."""
        path = self._inside(_field(message, "file", str))
        if path.suffix not in YAML_SUFFIXES:
            raise InputError(f"{path.name}: a config has a name that ends in .yaml", ("file",))
        return path

    def _send(self, message: _Message, buffers: Sequence[bytes] = ()) -> None:
        if self._is_open:
            self._answer(message, buffers)

    def _begin(self, number: int, work: Callable[[Job], None]) -> None:
        """Do some work instead of what was begun before."""
        self._newest = token = object()
        job = Job(lambda: self._newest is token, lambda share, what: self._report(number, share, what))
        self._work.replace(partial(self._guarded, number, partial(work, job)))

    def _guarded(self, number: int | None, work: Callable[[], None]) -> None:
        """Do some work, and send why it has failed."""
        try:
            work()
        except ReplacedError:
            pass
        except GdsimError as error:
            self._fail(number, error)
        except OSError as error:  # such as a name that is too long
            self._fail(number, GdsimError(os_error_reason(error)))
        except UnicodeError as error:  # a text or a name holds half of a surrogate pair
            self._fail(number, GdsimError(str(error)))
        except RecursionError:
            self._fail(number, GdsimError("the message is nested too deeply"))
        except Exception as error:
            logging.getLogger(__name__).exception("while a message of the page was answered")
            self._fail(number, GdsimError(f"failed unexpectedly: {error!r:.200}"))

    def _fail(self, number: int | None, error: GdsimError) -> None:
        code = error.code if isinstance(error, InputError) else None
        self._send({"type": "failed", "id": number, "message": str(error)[:MAX_REASON], "code": code})

    def _report(self, number: int, share: float, what: str) -> None:
        self._send({"type": "progress", "id": number, "share": share, "what": what})

    def _load(self, text: str, code: bool) -> Experiment:
        key = text, code
        if self._loaded is None or self._loaded[0] != key:
            file = f"{self._name}.yaml"
            self._loaded = key, loads(text, name=self._name, file=file, folder=self._folder, allow_code=code)
        return self._loaded[1]

    def _show(self, number: int, text: str, code: bool, job: Job, *, streams: bool = False) -> None:
        """Send the state of a text and, if it has no mistakes, its paths while they are computed, and its drawing."""
        state = {"type": "state", "id": number, "text": text, "config": None, "starts": None, "mistakes": []}
        try:
            state["config"] = _finite(parse(text, "").value)
            experiment = self._load(text, code)
            with job.turns():
                check(experiment)
            state["starts"] = _starts(experiment)
        except InputError as error:
            self._send({**state, "mistakes": list(map(_mistake, error.problems))})
            return
        self._send(state)
        costed = self._costed(job, state)
        if experiment.sweep is None:
            streams = streams and _why_not_live(experiment) is None
            stream = Stream(self._send, number, len(experiment.optimizers)) if streams else None
            trajectories = self._paths((text, code, "[]"), experiment, costed, stream)
            self._shown(experiment, trajectories)
            with job.turns():
                evaluated = evaluate_landscapes(
                    experiment, trajectories, progress=costed.progress("evaluating the loss")
                )
            build = partial(build_scene, evaluated, view=experiment.view, animation=experiment.animation)
        else:
            evaluated = ()
            if len(Plan.of(experiment).tiles) > 1:
                result = run_in_process(experiment, costed)
            else:  # takes about as long as a process to start
                with job.turns():
                    result = run(experiment)
            build = partial(build_sweep_scene, experiment, result)
        job.report(1, "drawing")
        building_threads.submit(self._guarded, number, lambda: self._build(number, experiment, build, evaluated, job))

    def _costed(self, job: Job, state: dict[str, Any]) -> Job:
        """Return a job that adds to a state, once it is known, that the work takes long."""
        began = time.monotonic()

        def report(share: float, what: str) -> None:
            seconds = (time.monotonic() - began) / share
            if "cost" not in state and seconds > WORTH_TELLING:
                state["cost"] = f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"
                self._send(state)
            job.report(share, what)

        return Job(job.is_wanted, report)

    def _build(
        self,
        number: int,
        experiment: Experiment,
        build: Callable[[], Scene],
        trajectories: Sequence[Trajectory],
        job: Job,
    ) -> None:
        """Build a scene, which can take long without matplotlib, and let it be drawn."""
        with pausing(job.check), experiment.located():
            scene = build()
        job.check()
        drawing_thread.submit(
            self._guarded, number, lambda: self._draw(number, scene, experiment.view, trajectories, job)
        )

    def _draw(self, number: int, scene: Scene, view: View, trajectories: Sequence[Trajectory], job: Job) -> None:
        """Send the drawing of a scene, with the views in which paths can be drawn live."""
        with pausing(job.check):
            job.check()
            drawn = frames(with_fixed_camera(scene))
            with drawn.settings():
                drawing = Drawing(drawn)
            live = live_views(drawn, view, trajectories) if trajectories else []
        message = {"type": "drawing", "id": number, "drawing": drawing.data, "background": drawing.background}
        self._send({**message, "live": live, "description": scene.alt_text})
        if scene.cell_runs is not None:
            work = partial(self._run_cells, number, scene.cell_runs, drawing, job)
            building_threads.submit(self._guarded, number, work)

    def _run_cells(self, number: int, cell_runs: Callable[[], CellRuns], drawing: Drawing, job: Job) -> None:
        """Send the runs of cells of a map."""
        with job.turns():
            found = cell_runs()
        message = {"type": "runs", "id": number}
        drawing_thread.submit(self._guarded, number, lambda: self._send({**message, "runs": drawing.runs(found)}))

    def _paths(
        self, key: object, experiment: Experiment, job: Job, stream: Stream | None = None
    ) -> tuple[Trajectory, ...]:
        """Return the trajectories of an experiment, from memory if they are known; stream their points, too."""
        observe = ignore if stream is None else stream.observe
        if key not in self._kept:
            with job.turns():
                self._kept[key] = run_optimizers(experiment, progress=job.progress("simulating"), observe=observe)
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        found = self._kept[key]
        if stream is not None:
            stream.finish(found)
        return found


def _text_of(path: Path) -> str:
    """Return the text of a file, with the line ends that a page has."""
    return read_text(path).replace("\r\n", "\n")


def _has_crlf(path: Path) -> bool:
    """Return whether a file that is to be replaced has the line ends of Windows."""
    with suppress(InputError):
        return "\r\n" in read_text(path)
    return False


def _field(message: _Message, name: str, kind: type) -> Any:
    value = message.get(name)
    if type(value) is not kind:
        raise InputError(f"a message of the type {message['type']} needs a {kind.__name__} here", (name,))
    return value


def _edits(message: _Message, name: str) -> list[Mapping[str, Any]]:
    edits: list[Any] = _field(message, name, list)
    for each in edits:
        path = each.get("path") if isinstance(each, dict) else None
        if not isinstance(path, list) or not path:
            raise InputError("an edit has a path: [key, …]", (name,))
        if not {"value", "rename", "yaml"} & each.keys() and each.get("remove") is not True:
            raise InputError("an edit has a value, rename, yaml or remove: true", (name,))
        if len(path) > MAX_DEPTH or any(type(part) not in (str, int) for part in path):
            raise InputError(f"a path consists of at most {MAX_DEPTH} keys and indices", (name,), code="wrong-type")
        if any(type(each.get(key, "")) is not str for key in ("rename", "yaml")):
            raise InputError("the new name of a key, and YAML, are text", (name,), code="wrong-type")
        if "rename" in each and type(path[-1]) is not str:
            raise InputError("only keys can be renamed", (name,), code="wrong-type")
    return edits


def _why_not_live(experiment: Experiment) -> InputError | None:
    """Return why the paths of an experiment cannot be computed while something is dragged; None if they can."""
    starts = experiment.paths
    points = (experiment.steps + 1) * starts * len(experiment.optimizers) * len(experiment.objectives)
    if experiment.sweep is not None or any(spec.to_train() for spec in experiment.objectives):
        return InputError("networks and sweeps are computed when you let go", code="unsupported")
    for count, what, most in ((starts, "starts", MAX_LIVE_STARTS), (points, "points", MAX_LIVE)):
        if count > most:
            message = f"{count} {what} are computed when you let go; while you drag, at most {most} are"
            return InputError(message, code="too-large")
    return None


def _size(trajectories: Sequence[Trajectory]) -> int:
    """Return about how many bytes trajectories take, of which points and gradients are the most."""
    return sum(3 * each.points.nbytes for each in trajectories)


def _starts(experiment: Experiment) -> list[list[list[float]]]:
    """Return the starting points on each objective; none for a network."""
    objectives = [None if spec.to_train() else spec.build() for spec in experiment.objectives]
    return [
        [] if each is None else starting_points(experiment.start, each, experiment.seed).tolist() for each in objectives
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
