"""What surrounds the work of torch, so that it is quick, and leaves no trace in what comes after."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from gdsim.optimizers.chances import Chances

__all__ = ["quiet_single_thread"]


@contextmanager
def quiet_single_thread() -> Iterator[None]:
    """Let torch use one thread, the fastest for small work; keep warnings and random numbers to what is done here."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), Chances.kept():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
