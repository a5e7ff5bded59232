"""What runs the tiles of a sweep: processes on this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

from gdsim.errors import GdsimError, InputError
from gdsim.interrupts import undone

LOCAL = "local"
TIMEOUT = "10s"  # for the answer of a scheduler


@contextmanager
def executor(workers: int, dask: str | None) -> Iterator[Executor | None]:
    """Yield an executor with a number of processes, or that of a Dask cluster; None for this process alone.

    Args:
        workers: The number of processes on this machine.
        dask: The address of a scheduler, or "local" for a cluster of `workers` processes on this machine.

    Raises:
        GdsimError: Dask is needed and not installed.
        InputError: No scheduler answers at the address, or a worker has no gdsim or another version.
    """
    if dask is not None:
        with _dask(workers, dask) as found:
            yield found
    elif workers == 1:
        yield None
    else:
        # A forked process cannot multiply matrices after its parent has: the threads of OpenMP are not copied.
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare_worker)
        # A failure ends the other tiles, too.
        with pool, undone(lambda: pool.shutdown(wait=False, cancel_futures=True)):
            yield pool


def _prepare_worker() -> None:
    """Prepare a worker: interrupts of the terminal reach only the parent, without which the worker ends."""
    from gdsim.cli.app import prepare_process

    prepare_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None  # noqa: S101

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _dask(workers: int, address: str) -> Iterator[Executor]:
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise GdsimError("--dask needs Dask; install it with: pip install 'gdsim[cluster]'") from None
    quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}  # an interrupt ends workers at their work
    local = {"n_workers": workers, "threads_per_worker": 1, **quiet}
    try:
        client = Client(**local) if address == LOCAL else Client(address, timeout=TIMEOUT)
    except (OSError, ValueError) as error:
        message = f"no scheduler of Dask answers at '{address}', such as tcp://127.0.0.1:8786 or {LOCAL}"
        raise InputError(message, ("--dask",), code="not-found") from error
    # The processes of a local cluster, and their temporary folders, end with the client.
    with client, undone(client.close):
        for worker, found in client.run(version, "gdsim", on_error="return").items():
            if found != version("gdsim"):
                has = f"gdsim {found}" if isinstance(found, str) else "no gdsim"
                message = f"the worker {worker} has {has}; install it there: pip install gdsim=={version('gdsim')}"
                raise InputError(message, ("--dask",), code="not-installed")
        try:
            yield client.get_executor(pure=False)
        except KilledWorker as error:
            raise GdsimError(f"--dask: {error}") from error
