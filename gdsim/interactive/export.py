"""Files of a configuration, made in a process of their own while the studio goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gdsim.errors import GdsimError
from gdsim.interactive.jobs import Job
from gdsim.processes import CallOutcome, child_process

ASKED = 0.1  # seconds between two looks at whether an export is still wanted

exporting = ThreadPoolExecutor(1, "export")
"""Makes one export after the other, so that the pages remain fast."""


def make_file(function: Callable[..., object], arguments: tuple[object, ...], job: Job) -> None:
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
                    raise GdsimError("the process of the export ended; is there too little memory?") from None
                if isinstance(message, CallOutcome):
                    message.result()
                    return
                job.report(*message)
