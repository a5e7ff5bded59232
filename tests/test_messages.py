"""The sentences that users read, in one place; all other tests compare codes and keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gdsim.errors import GdsimError

Case = tuple[Callable[[], Any], str]
"""What raises an error, and the whole sentence that it says."""

OBJECTIVES: list[Case] = []

CONFIG: list[Case] = []

OPTIMIZERS: list[Case] = []

SIMULATION: list[Case] = []

NETWORKS: list[Case] = []

SCENE: list[Case] = []

ENCODE: list[Case] = []

WEB: list[Case] = []

SLIDES: list[Case] = []

ANALYSIS: list[Case] = []

CLI: list[Case] = []

CASES = [
    *OBJECTIVES,
    *CONFIG,
    *OPTIMIZERS,
    *SIMULATION,
    *NETWORKS,
    *SCENE,
    *ENCODE,
    *WEB,
    *SLIDES,
    *ANALYSIS,
    *CLI,
]


@pytest.mark.parametrize(("provoke", "sentence"), CASES, ids=[sentence[:40] for _, sentence in CASES])
def test_the_sentence_reads_as_written(provoke, sentence):
    with pytest.raises(GdsimError) as caught:
        provoke()
    assert str(caught.value) == sentence
