"""Where a sweep runs: on this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gdsim.errors import GdsimError, InputError
from gdsim.interrupts import deferred, undone
from gdsim.processes import core_count, independent_children, prepare_process

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from gdsim.config import Experiment
    from gdsim.sweeps import SweepResult

LOCAL = "local"
TIMEOUT = 10  # seconds, for the answer of a scheduler


def run_sweep(dask: str | None, workers: int | None, experiment: Experiment, **options: Any) -> SweepResult:
    """Run the sweep of an experiment.

    Args:
        dask: The address of a scheduler, or "local" for a cluster on this machine; None for processes without Dask.
        workers: The number of processes on this machine.
        experiment: The experiment.
        options: Other arguments of `gdsim.sweeps.run.run`.

    Raises:
        GdsimError: Dask is needed and not installed, or a run has failed.
        InputError: No scheduler answers at the address, or a worker has no gdsim or another version.
    """
    from gdsim.sweeps.run import run

    if dask is None:
        return run(experiment, workers=workers, **options)
    with _dask(workers or core_count(), dask) as executor:
        return run(experiment, executor=executor, **options)


@contextmanager
def _dask(workers: int, address: str) -> Iterator[Executor]:
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise GdsimError("--dask needs Dask; install it with: pip install 'gdsim[cluster]'") from None
    with ExitStack() as stack:
        if address == LOCAL:
            with deferred(), independent_children():
                client = Client(
                    n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
                )
                # The processes of the cluster, and their temporary folders, end with the client.
                stack.enter_context(undone(client.close))
            client.run(prepare_process)
        else:
            try:
                # Dask has no time limit for the answer of something else that listens there.
                connecting = ThreadPoolExecutor(1).submit(Client, address, timeout=TIMEOUT)
                client = stack.enter_context(connecting.result(TIMEOUT + 1))
            except (OSError, ValueError) as error:
                message = f"no scheduler of Dask answers at '{address}', such as tcp://127.0.0.1:8786 or {LOCAL}"
                raise InputError(message, ("--dask",), code="not-found") from error
        for worker, found in client.run(version, "gdsim", on_error="return").items():
            if found != version("gdsim"):
                has = f"gdsim {found}" if isinstance(found, str) else "no gdsim"
                message = f"the worker {worker} has {has}; install it there: pip install gdsim=={version('gdsim')}"
                raise InputError(message, ("--dask",), code="not-installed")
        try:
            yield client.get_executor(pure=False)
        except KilledWorker as error:
            raise GdsimError(f"--dask: {error}") from error
