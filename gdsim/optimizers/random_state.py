"""Save and restore the global random-number generators, and create generators from a purpose and a seed."""

from __future__ import annotations

import hashlib
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RNGState:
    """The states of the global random-number generators of torch (CPU), `numpy.random` and `random`."""

    torch: Tensor
    numpy: tuple[Any, ...]
    python: tuple[Any, ...]

    @classmethod
    def current(cls) -> RNGState:
        """Return the current states."""
        return cls(torch.get_rng_state(), tuple(np.random.get_state()), random.getstate())  # noqa: NPY002

    @classmethod
    def seeded(cls, seed: int) -> RNGState:
        """Return states that depend only on a non-negative seed."""
        numpy = tuple(np.random.RandomState(seed % 2**32).get_state())
        return cls(torch.Generator().manual_seed(seed).get_state(), numpy, random.Random(seed).getstate())  # noqa: S311

    def restore(self) -> None:
        """Set the generators to these states."""
        torch.set_rng_state(self.torch)
        np.random.set_state(self.numpy)  # noqa: NPY002
        random.setstate(self.python)

    def unchanged(self) -> bool:
        """Return whether the current states equal these, so that no random number has been drawn since."""
        now = RNGState.current()
        return (
            self.torch.equal(now.torch)
            and self.python == now.python
            and all(np.array_equal(then, after) for then, after in zip(self.numpy, now.numpy, strict=True))
        )

    @classmethod
    @contextmanager
    def preserved(cls) -> Iterator[RNGState]:
        """Yield the current states and restore them at the end."""
        before = cls.current()
        try:
            yield before
        finally:
            before.restore()


def rng(purpose: str, seed: int, number: int) -> np.random.Generator:
    """Return a generator that depends only on a purpose, a seed and a number."""
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    key = np.array([int.from_bytes(digest), number], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


@contextmanager
def deterministic() -> Iterator[None]:
    """Use one torch thread, the fastest for small tensors; ignore warnings; restore the generators at the end."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(action="ignore"), RNGState.preserved():
            yield
    finally:
        torch.set_num_threads(threads)
