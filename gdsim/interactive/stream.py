"""Paths that are sent in pieces while they are computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

FIRST_ROWS = 12  # of a path that are computed before the first are sent
INTERVAL = 0.016  # seconds between two pieces of a path

Send = Callable[[Mapping[str, Any], Sequence[bytes]], None]
"""Sends a message and its buffers to the page; called from any thread."""


class Stream:
    """The paths of a simulation, sent in pieces."""

    def __init__(self, send: Send, number: int, optimizers: int) -> None:
        self._send, self._number, self._optimizers = send, number, optimizers
        self._sent: list[FloatArray] = []  # per objective, (rows, paths, dim)
        self._when = 0.0

    def observe(self, points: Any) -> None:
        """Send the rows that are new, if they are enough."""
        rows = len(points)
        if rows == 1:
            self._sent.append(np.empty((0, *points.shape[1:])))
        elif rows >= FIRST_ROWS and time.monotonic() - self._when > INTERVAL:
            self._when = time.monotonic()
            self._add(len(self._sent) - 1, points.numpy(), last=False)

    def finish(self, trajectories: Sequence[Trajectory]) -> None:
        """Send what is new of complete trajectories, or differs from what was sent."""
        for index in range(len(trajectories) // self._optimizers):
            group = trajectories[index * self._optimizers : (index + 1) * self._optimizers]
            points = np.concatenate([each.points for each in group], axis=1)
            if index == len(self._sent):
                self._sent.append(np.empty((0, *points.shape[1:])))
            sent = self._sent[index]
            differs = (sent != points[: len(sent)]).any((1, 2))
            self._sent[index] = sent[: int(differs.argmax()) if differs.any() else len(sent)]
            self._add(index, points, last=True)

    def _add(self, objective: int, points: FloatArray, *, last: bool) -> None:
        row, (count, paths, dim) = len(self._sent[objective]), points.shape
        self._sent[objective] = points.copy()
        starts = paths // self._optimizers
        new = points[row:].reshape(count - row, self._optimizers, starts, dim)
        for optimizer in range(self._optimizers):
            piece = {"objective": objective, "optimizer": optimizer, "row": row, "rows": count - row, "starts": starts}
            message = {"type": "piece", "id": self._number, **piece, "dim": dim, "last": last}
            self._send(message, [new[:, optimizer].astype("<f8").tobytes()])
