"""Long work in processes of their own, while the studio goes on: exports, and sweeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gdsim.config import Experiment, loads
from gdsim.errors import GdsimError
from gdsim.files import temporary_folder
from gdsim.interactive.jobs import Job
from gdsim.processes import CallOutcome, child_process, prepare_process
from gdsim.sweeps.archive import read, save
from gdsim.sweeps.result import SweepResult
from gdsim.sweeps.run import run

ASKED = 0.1  # seconds between two looks at whether the work is still wanted
REPORTED = 0.1  # seconds between two reports of its progress

exporting = ThreadPoolExecutor(1, "export")
"""Makes one export after the other, so that the pages remain fast."""


def call_in_process(function: Callable[..., object], arguments: tuple[object, ...], job: Job) -> None:
    """Call a function in a process of its own, which ends when the job is no longer wanted.

    Args:
        function: Called with a connection, to which it sends the share that is done and what it does, and with the
            arguments; it is importable from its module.
        arguments: Further arguments.
        job: Gets these reports.

    Raises:
        ReplacedError: The job is no longer wanted.
        GdsimError: The function has raised it, or its process has ended.
    """
    # A thread of a process with others cannot be copied safely.
    with child_process(function, *arguments, method="spawn") as connection:
        while True:
            job.check()
            if connection.poll(ASKED):
                try:
                    message = connection.recv()
                except EOFError:
                    raise GdsimError("a process ended unexpectedly; is there too little memory?") from None
                if isinstance(message, CallOutcome):
                    message.result()
                    return
                job.report(*message)


def progress_to(connection: Connection[Any, Any], what: str) -> Callable[[Any], Iterator[Any]]:
    """Return what wraps a collection whose items are done in such a process, and reports how many are."""

    def wrap(items: Any) -> Iterator[Any]:
        reported = time.monotonic()
        for done, item in enumerate(items):
            if time.monotonic() - reported > REPORTED:
                reported = time.monotonic()
                connection.send((done / len(items), what))
            yield item

    return wrap


def run_in_process(experiment: Experiment, job: Job) -> SweepResult:
    """Run the sweep of an experiment in a process of its own, which has those of the sweep."""
    code = experiment.context.allow_code
    with temporary_folder() as folder:
        path = folder / "sweep.npz"
        call_in_process(_run, (experiment.yaml, experiment.name, experiment.folder, code, path), job)
        return read(path, allow_code=code)[1]


def _run(connection: Connection[Any, Any], text: str, name: str, folder: Path, allow_code: bool, path: Path) -> None:
    prepare_process()
    experiment = loads(text, name=name, file=f"{name}.yaml", folder=folder, allow_code=allow_code)
    save(path, run(experiment, progress=progress_to(connection, "running")), experiment)
