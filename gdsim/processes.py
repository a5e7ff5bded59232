"""Functions that run in processes of their own, which end with this process when it is interrupted."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal, NamedTuple, cast

from gdsim.errors import GdsimError
from gdsim.interrupts import become_child, deferred, undone

StartMethod = Literal["fork", "spawn"]

CAN_FORK = sys.platform == "linux"
"""Whether a process may be copied after its imports; the system libraries of macOS do not allow it."""


class CallOutcome(NamedTuple):
    """What a function returned, or the error that it raised."""

    value: Any
    error: GdsimError | None = None

    @classmethod
    def of(cls, function: Callable[[], object]) -> CallOutcome:
        """Call a function, and return its outcome."""
        try:
            return cls(function())
        except GdsimError as error:
            return cls(None, error)

    def result(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


def core_count() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def child_process(
    function: Callable[..., object], *args: object, method: StartMethod = "fork"
) -> Iterator[Connection[Any, Any]]:
    """Call `function(connection, *args)` in a child process, and yield the other end of the connection.

    The child process has ended when the block has; an exception or an interrupt ends it with what it has not finished
    undone.
    """
    context = get_context(method)
    with ExitStack() as stack:
        with deferred():
            ours, theirs = context.Pipe()
            process = context.Process(target=_call, args=(ours, theirs, function, args))  # type: ignore[attr-defined]
            # A new interpreter has no handlers yet; the child lets interrupts through when it has.
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            process.start()
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            theirs.close()
            stack.enter_context(undone(lambda: _end(process)))
        yield ours


def outcome(connection: Connection[Any, Any], name: str) -> CallOutcome:
    """Wait for the outcome of the function of a child process, which has a name in errors; skip its other messages."""
    try:
        while not isinstance(message := connection.recv(), CallOutcome):
            pass
    except EOFError:
        return CallOutcome(None, GdsimError(f"{name}: a process ended unexpectedly; is there too little memory?"))
    return message


def map_in_processes(
    function: Callable[..., object], arguments: Mapping[str, tuple[object, ...]], method: StartMethod = "fork"
) -> Iterator[tuple[str, CallOutcome]]:
    """Call `function(connection, *args)` for each name, as many at a time as there are cores.

    Yields:
        Each name with its outcome, as soon as it is known.
    """
    waiting = deque(arguments.items())
    running: dict[Connection[Any, Any], str] = {}
    with ExitStack() as stack:
        while waiting or running:
            while waiting and len(running) < core_count():
                name, args = waiting.popleft()
                running[stack.enter_context(child_process(function, *args, method=method))] = name
            for connection in cast("list[Connection[Any, Any]]", wait(list(running))):
                name = running.pop(connection)
                yield name, outcome(connection, name)


def _call(
    parents: Connection[Any, Any],
    connection: Connection[Any, Any],
    function: Callable[..., object],
    args: tuple[object, ...],
) -> None:
    become_child()
    parents.close()  # a copy of it, which would keep this process from noticing that the parent has been killed
    with suppress(EOFError, BrokenPipeError):  # the parent has been killed
        connection.send(CallOutcome.of(lambda: function(connection, *args)))
    os._exit(0)  # without what the parent does at its exit


def _end(process: BaseProcess) -> None:
    process.terminate()
    process.join()
