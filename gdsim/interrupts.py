"""Interrupts that end the process at any moment, and what they undo; pauses, at which a thread ends its own work.

An exception such as KeyboardInterrupt can be lost or become another error in an import, a callback or a destructor.
The handlers of this module therefore undo what is unfinished, and end the process themselves. Only the command line
installs them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import FrameType

MESSAGE = b"interrupted; files that were written are complete\n"

_message = MESSAGE
_unfinished: list[Callable[[], object]] = []
_deferred = 0
_pending: int | None = None
_at_pauses: ContextVar[Callable[[], object]] = ContextVar("at_pauses", default=int)


def exit_on_interrupts() -> None:
    """Let SIGINT and SIGTERM end the process with status 130 and 143; a second one ends it at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):  # raised outside the main thread
            signal.signal(number, _handle)


def become_child() -> None:
    """Let interrupts of this process, a new child, undo only what it begins itself, and print nothing.

    Its process group is its own, so that an interrupt from the terminal reaches only the parent, which ends it.
    """
    global _deferred, _message
    os.setpgid(0, 0)
    exit_on_interrupts()
    _unfinished.clear()
    _deferred, _message = 0, b""
    if _pending is not None:
        _exit(_pending)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def exit_process(status: int) -> None:
    """End the process without Python's finalization, during which interrupts would have no handler."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


@contextmanager
def undone(undo: Callable[[], object]) -> Iterator[None]:
    """Call `undo` at the end of the block, and when an interrupt ends the process within it."""
    _unfinished.append(undo)
    try:
        yield
    finally:
        undo()
        _unfinished.remove(undo)


@contextmanager
def deferred() -> Iterator[None]:
    """Keep interrupts waiting until the end of the block, which creates something and says how to undo it."""
    global _deferred
    _deferred += 1
    try:
        yield
    finally:
        _deferred -= 1
        if _pending is not None and not _deferred:
            _exit(_pending)


@contextmanager
def pausing(called: Callable[[], object]) -> Iterator[None]:
    """Call a function at each `pause` of this thread's work within the block, which may end the work by an exception.

    The exception is not an `Exception`, which could be taken for an error of an optimizer or a function.
    """
    token = _at_pauses.set(called)
    try:
        yield
    finally:
        _at_pauses.reset(token)


def pause() -> None:
    """Call the function of `pausing`: between two parts of work that takes long, none of which takes a second."""
    _at_pauses.get()()


def _handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    global _pending
    if _pending is not None:
        os._exit(128 + number)
    _pending = number
    if not _deferred:
        _exit(number)


def _exit(number: int) -> None:
    for undo in reversed(_unfinished):
        with suppress(Exception):
            undo()
    with suppress(OSError):
        os.write(2, _message)
    os._exit(128 + number)
