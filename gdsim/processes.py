"""Functions that run in processes of their own, which end with this process when it is interrupted."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from gdsim.errors import GdsimError
from gdsim.interrupts import become_child, deferred, undone

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

StartMethod = Literal["fork", "spawn"]

ALLOCATIONS = 100_000
"""Objects between two collections of cyclic garbage, of which imports make a million and leave almost none unused."""

CAN_FORK = sys.platform == "linux"
"""Whether a process may be copied after its imports; the system libraries of macOS do not allow it."""


def prepare_process() -> None:
    """Change settings of Python for a process that only runs commands of gdsim, or parts of its work."""
    gc.set_threshold(ALLOCATIONS)
    # An interrupt leaves semaphores to multiprocessing's tracker, which removes them, and is not to report that.
    sys.warnoptions.append("ignore:resource_tracker:UserWarning")
    # numpy multiplies only small matrices here: more threads would mostly wait for each other, and keep memory.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Overflow at values near the largest number is expected, and shows in the picture.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(gdsim|numpy)\b")
    _postpone_dynamo()


def _postpone_dynamo() -> None:
    """Keep `torch.optim` from importing `torch._dynamo`, which takes as long as torch and serves only `torch.compile`.

    A placeholder does what the optimizers need of it outside compiled code. The first use of anything else replaces it
    by the real module. Versions of torch that were not tested with it are left as they are.
    """
    name, placeholder = "torch._dynamo", ModuleType("torch._dynamo")
    if name in sys.modules or not version("torch").startswith("2.13."):
        return

    def load(attribute: str) -> Any:
        # `inspect` asks every module for `__file__`, the import of a submodule for `__path__`.
        if attribute.startswith("__") and attribute != "__path__":
            raise AttributeError(attribute)
        if sys.modules.get(name) is placeholder:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    def disable(function: Any = None, *_: Any, **__: Any) -> Any:
        return function or (lambda decorated: decorated)

    placeholder.__dict__.update(__getattr__=load, graph_break=lambda *_, **__: None, disable=disable)
    sys.modules[name] = placeholder


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


def process_pool(workers: int) -> Executor:
    """Return an executor with a number of processes, which end with this process."""
    from concurrent.futures import ProcessPoolExecutor

    class Pool(ProcessPoolExecutor):
        """Starts its processes, when they are needed, in a way that is safe wherever it is used."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            with independent_children():
                return super().submit(fn, *args, **kwargs)

    # A forked process cannot multiply matrices after its parent has: the threads of OpenMP are not copied.
    return Pool(workers, get_context("spawn"), _prepare_worker)


@contextmanager
def independent_children() -> Iterator[None]:
    """Let new interpreters that start within the block receive no interrupts, and import no main module.

    An interrupt of the terminal reaches all processes, of which this one ends the others. A script without
    `if __name__ == "__main__"` would start itself again in each of them.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    if sys.platform != "win32":
        ensure_running()  # which would unblock the signal
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        sys.modules["__main__"] = main


def _prepare_worker() -> None:
    prepare_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None  # noqa: S101

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
