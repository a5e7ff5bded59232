"""Work in threads that newer work replaces, and the turns that sessions take at simulating."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gdsim.interrupts import pause, pausing
from gdsim.optimizers import RNGState

TURN = 0.02  # seconds of simulation after which another session may continue with its own
REPORTED = 0.2  # seconds between two reports of progress

simulating = threading.Lock()
"""Held while optimizers run, because they share torch's generators and its number of threads."""


class NewestWork(ThreadPoolExecutor):
    """A thread whose work waits for the one before, and is forgotten when there is newer work."""

    def __init__(self, name: str) -> None:
        super().__init__(1, name)
        self._waiting: deque[Callable[[], object]] = deque(maxlen=1)

    def replace(self, work: Callable[[], object]) -> None:
        """Do some work instead of what waits."""
        self._waiting.append(work)
        self.submit(self._do)

    def _do(self) -> None:
        if self._waiting:
            self._waiting.pop()()


class ReplacedError(BaseException):
    """Newer work has replaced this one, or nobody wants it any more."""


@dataclass(frozen=True)
class Job:
    """Work that stops when it is no longer wanted.

    Attributes:
        is_wanted: Whether nothing has replaced it.
        report: Called at intervals while it takes long, with the share that is done, from 0 to 1, and what is done.
    """

    is_wanted: Callable[[], bool]
    report: Callable[[float, str], None]

    def check(self) -> None:
        """Raise ReplacedError if the work is no longer wanted."""
        if not self.is_wanted():
            raise ReplacedError

    @contextmanager
    def turns(self) -> Iterator[None]:
        """Wait for the turn to run optimizers; at pauses, let others have theirs, and end if this is not wanted."""
        began = 0.0

        def at_pause() -> None:
            nonlocal began
            self.check()
            if time.monotonic() - began > TURN:
                with RNGState.preserved():
                    simulating.release()
                    time.sleep(0)  # lets a thread that waits for the lock have it
                    simulating.acquire()
                began = time.monotonic()

        with simulating, pausing(at_pause):
            began = time.monotonic()
            yield

    def progress(self, what: str) -> Callable[[Any], Iterator[Any]]:
        """Return what wraps the steps of a simulation, and reports them."""

        def wrap(steps: Any) -> Iterator[Any]:
            reported = time.monotonic()
            for done, step in enumerate(steps):
                pause()
                yield step
                if time.monotonic() - reported > REPORTED:
                    reported = time.monotonic()
                    self.report((done + 1) / len(steps), what)

        return wrap
