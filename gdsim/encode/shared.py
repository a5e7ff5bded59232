"""Frames that one process draws while others encode them, each into a format of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from mmap import mmap
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gdsim.encode.formats import Progress
from gdsim.encode.pixels import Frame
from gdsim.processes import child_process

if TYPE_CHECKING:
    from gdsim.render import Frames

SLOTS = 4  # the number of frames that may be drawn before all have read the first of them


@contextmanager
def shared(
    frames: Frames, encoders: Mapping[str, Callable[[Progress], object]], progress: Progress
) -> Iterator[dict[str, Connection[Any, Any]]]:
    """Draw frames once, while each of several functions encodes them in a process of its own.

    Args:
        frames: The frames, drawn by this process one at a time.
        encoders: Functions by name that iterate over `progress(frames)`, any number of times. The first time they get
            what this process draws; after that they draw the frames themselves.
        progress: Wraps the iterable of the frames that are drawn here.

    Yields:
        The connections from which `gdsim.processes.outcome` gets what each function returns, by name, when all frames
        are drawn.
    """
    height, width = frames.background.shape[:2]  # drawn before the processes begin, which share the position in fonts
    shape = (SLOTS, height, width, 4 if frames.transparent else 3)
    slots = np.frombuffer(mmap(-1, int(np.prod(shape))), np.uint8).reshape(shape)
    with ExitStack() as stack:
        connections = {
            name: stack.enter_context(child_process(_encode, slots, len(frames), encoder))
            for name, encoder in encoders.items()
        }
        readers = list(connections.values())
        for index, frame in enumerate(progress(frames) if encoders else ()):
            if index >= SLOTS:
                readers = [each for each in readers if _is_reading(each)]
            if not readers:
                break
            slots[index % SLOTS] = frame
            for reader in readers:
                with suppress(OSError):  # it has ended, which is noticed when it should have read
                    reader.send(index % SLOTS)
        yield connections


def _is_reading(connection: Connection[Any, Any]) -> bool:
    """Wait until a process has read one more frame, and return False if it reads no more."""
    try:
        return connection.recv() is True
    except EOFError:
        return False


def _encode(
    connection: Connection[Any, Any], slots: npt.NDArray[np.uint8], length: int, encoder: Callable[[Progress], object]
) -> object:
    """Call an encoder in a child process; True and False tell the other process whether it reads on."""
    passes = count()

    def progress(frames: Iterable[Frame]) -> Iterable[Frame]:
        if next(passes) == 0:
            return _received(connection, slots, length)
        connection.send(False)
        return frames

    try:
        return encoder(progress)
    finally:
        connection.send(False)


def _received(connection: Connection[Any, Any], slots: npt.NDArray[np.uint8], length: int) -> Iterator[Frame]:
    for _ in range(length):
        frame: Frame = slots[connection.recv()].copy()
        connection.send(True)
        yield frame
