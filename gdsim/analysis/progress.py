"""How far a study has come, over all that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

__all__ = ["Pace", "Progress", "Step"]

Progress = Callable[[Iterable[int]], Iterable[int]]

Step = Callable[[int], Progress]
"""Makes what wraps the steps of so many descents that go together."""


class Pace:
    """Turns one wrapped iterable over all work into many over its parts."""

    def __init__(self, progress: Progress, work: int) -> None:
        self._ahead = iter(progress(range(work)))

    @contextmanager
    def share(self, work: int) -> Iterator[Step]:
        """Give what wraps the steps of a part; however much of it is done, all of it is counted in the end."""
        spent = 0

        def step(together: int) -> Progress:
            def progress(steps: Iterable[int]) -> Iterator[int]:
                nonlocal spent
                for each in steps:
                    yield each
                    due = min(together, work - spent)
                    self._go_on(due)
                    spent += due

            return progress

        yield step
        self._go_on(work - spent)

    def finish(self) -> None:
        """Let the wrapper come to its end."""
        for _ in self._ahead:
            pass

    def _go_on(self, count: int) -> None:
        for _ in range(count):
            next(self._ahead, None)
