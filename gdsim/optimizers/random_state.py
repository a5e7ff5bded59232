"""Random numbers: those that code draws without being asked, and those that hang on a seed and a purpose."""

from __future__ import annotations

import hashlib
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RNGState", "deterministic", "rng"]


@dataclass(frozen=True, eq=False)
class RNGState:
    """The states from which the random numbers come that code draws next.

    Attributes:
        torch: torch's, on the CPU.
        numpy: numpy's, of its functions that have no generator.
        python: Python's own.
    """

    torch: Tensor
    numpy: tuple[Any, ...]
    python: tuple[Any, ...]

    @classmethod
    def current(cls) -> RNGState:
        """Return the states as they are."""
        import torch

        return cls(torch.get_rng_state(), tuple(np.random.get_state()), random.getstate())  # noqa: NPY002

    @classmethod
    def seeded(cls, seed: int) -> RNGState:
        """Return states that hang on a seed from 0 alone."""
        import torch

        numpy = tuple(np.random.RandomState(seed % 2**32).get_state())
        return cls(torch.Generator().manual_seed(seed).get_state(), numpy, random.Random(seed).getstate())  # noqa: S311

    def restore(self) -> None:
        """Let what is drawn next come from these states."""
        import torch

        torch.set_rng_state(self.torch)
        np.random.set_state(self.numpy)  # noqa: NPY002
        random.setstate(self.python)

    def unchanged(self) -> bool:
        """Return whether nothing has been drawn since."""
        now = RNGState.current()
        return (
            self.torch.equal(now.torch)
            and self.python == now.python
            and all(np.array_equal(then, after) for then, after in zip(self.numpy, now.numpy, strict=True))
        )

    @classmethod
    @contextmanager
    def preserved(cls) -> Iterator[RNGState]:
        """Yield the states as they are, and restore them in the end."""
        before = cls.current()
        try:
            yield before
        finally:
            before.restore()


def rng(purpose: str, seed: int, number: int) -> np.random.Generator:
    """Return random numbers that hang on a purpose, a seed and a number, and on nothing else."""
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    key = np.array([int.from_bytes(digest), number], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


@contextmanager
def deterministic() -> Iterator[None]:
    """Let torch use one thread, the fastest for small work; keep warnings and random numbers to what is done here."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), RNGState.preserved():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
