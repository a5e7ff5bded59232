"""What every test shares."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# How long an example takes says more about the machine's load than about the code.
settings.register_profile("gdsim", deadline=None)
settings.load_profile("gdsim")

# More threads than one only spin on small work; the tests' own plain loops are no exception.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
