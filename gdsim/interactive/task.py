"""Work in threads that newer work replaces, and the lock by which sessions take turns at simulating."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

TURN = 0.02  # seconds of simulation after which another session may continue with its own
REPORTED = 0.2  # seconds between two reports of progress

_simulating = threading.Lock()
"""Held while optimizers run, because they share the state of torch's generators and its number of threads."""


class ReplacedError(Exception):
    """Newer work has replaced this one."""


@dataclass(frozen=True)
class Task:
    """Work that stops when newer work has replaced it.

    Attributes:
        is_newest: Whether nothing has replaced it.
        report: Called at intervals while it takes long, with the share that is done, from 0 to 1, and what is done.
    """

    is_newest: Callable[[], bool]
    report: Callable[[float, str], None]

    def check(self) -> None:
        """Raise ReplacedError if newer work has replaced this one."""
        if not self.is_newest():
            raise ReplacedError

    def progress(self, what: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
        """Return what wraps the iterable of steps of a simulation, which holds the turn of `simulating`."""

        def wrap(steps: Iterable[Any]) -> Iterator[Any]:
            count, turn = len(list(steps)), time.monotonic()
            reported = turn
            for done, step in enumerate(steps):
                self.check()
                yield step
                if (now := time.monotonic()) - turn > TURN:
                    _simulating.release()
                    if now - reported > REPORTED:
                        self.report(done / count, what)
                        reported = now
                    time.sleep(0)  # lets a thread that waits for the lock have it
                    _simulating.acquire()
                    turn = time.monotonic()

        return wrap


simulating = _simulating
