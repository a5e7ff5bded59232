"""The sentences that users read, in one place; all other tests compare codes and keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import gdsim
from gdsim.config import View, loads
from gdsim.errors import GdsimError
from gdsim.optimizers import optimizer_factory
from gdsim.scene import preview_scene

Case = tuple[Callable[[], Any], str]
"""What raises an error, and the whole sentence that it says."""

OBJECTIVES: list[Case] = []

ADAM = "{objective: beale, steps: 3, optimizers: {Adam: {%s}}}"

CONFIG: list[Case] = [
    (
        lambda: loads("{objective: himelblau, steps: 3, optimizers: {SGD: }}"),
        "<text>:1:13: objective: there is no objective 'himelblau'; did you mean 'himmelblau'?",
    ),
    (
        lambda: loads(ADAM % "lerning_rate: 0.3"),
        "<text>:1:50: optimizers.Adam: Adam has no argument 'lerning_rate'; did you mean 'lr'?",
    ),
    (lambda: loads(ADAM % "lr: fast"), "<text>:1:54: optimizers.Adam.lr: must be a number, not 'fast'"),
    (
        lambda: loads(ADAM % "schedule: StepLR"),
        "<text>:1:60: optimizers.Adam.schedule: StepLR needs the argument 'step_size'",
    ),
    (
        lambda: loads("{objective: beale, steps: 3, optimizers: {F: {lr: 1}}}"),
        "<text>:1:43: optimizers: torch.optim has no optimizer 'F'. If it is only a label, add its class: {class: SGD}",
    ),
    (
        lambda: loads("{objective: beale, steps: many, optimizers: {SGD: }, view: {kind: contuor}}"),
        "<text>:1:27: steps: must be a whole number from 1 to 1000000, not 'many'\n<text>:1:67: view.kind: must be "
        "'contour', 'curve', 'image' or 'surface', not 'contuor'; did you mean 'contour'?",
    ),
    (
        lambda: loads("steps: 3\nsteps: 4\n", file="a.yaml", overrides=["steps"]),
        "--set steps: must be KEY=VALUE with a dotted key, such as optimizers.Adam.lr=0.1",
    ),
    (
        lambda: loads("a:\n    b: 1\n  c: 2"),
        "<text>:3:3: is not valid YAML: the indentation of this line does not match; lines that belong together start "
        "in the same column",
    ),
    (lambda: loads(""), "<text>:1:1: is empty; `gdsim init FILE` writes a config to start from"),
    (
        lambda: loads("{objective: beale, start: [1], steps: 3, optimizers: {SGD: }}"),
        "<text>:1:27: start: has 1 coordinates, and beale has dim 2",
    ),
    (
        lambda: loads("{objective: beale, steps: 99999, start: {random: 250}, optimizers: {SGD: }}"),
        "<text>:1:27: steps: 99999 steps × 250 starts × 1 optimizers × 1 objectives are 24999750 points; at most "
        "20000000 are recorded",
    ),
]

OPTIMIZERS: list[Case] = [
    (
        lambda: optimizer_factory("x", "SGD", {"learning_rate": 1}),
        "optimizers.x.learning_rate: SGD has no argument 'learning_rate'; did you mean 'lr'?",
    ),
    (
        lambda: optimizer_factory("x", "SGD", {"lr": -1}),
        "optimizers.x: SGD refuses its settings: Invalid learning rate: -1",
    ),
    (
        lambda: optimizer_factory("x", "no_such_package.Lion", {}),
        "optimizers.x.class: no package 'no_such_package' is installed; get it with: pip install no_such_package",
    ),
    (
        lambda: optimizer_factory("x", torch.optim.Adam, {}, noise=-1),
        "optimizers.x.noise: must be a number of at least 0, not -1",
    ),
]

SIMULATION: list[Case] = []

NETWORKS: list[Case] = []


def preview(name: str, **view: Any) -> gdsim.Scene:
    return preview_scene(gdsim.objective(name), view=View(**view))


SCENE: list[Case] = [
    (
        lambda: preview("himmelblau", kind="curve"),
        "view.kind: must be contour or surface for 'Himmelblau', which has dim 2 here",
    ),
    (lambda: preview("himmelblau", heights="log"), "view.heights: heights goes with kind: surface"),
    (lambda: preview("parabola", levels="rank"), "view.levels: levels goes with kind: contour or surface"),
    (lambda: preview("parabola", arrows="stream"), "view.arrows: stream goes with kind: contour"),
    (
        lambda: preview("himmelblau", plane="pca"),
        "view.plane: is for more than two dimensions, not for 'Himmelblau', which has dim 2 here",
    ),
    (
        lambda: preview_scene(gdsim.objective("sphere", dim=5), view=View(plane=[0, 9])),
        "view.plane: must be two of the coordinates 0 to 4, not [0, 9]",
    ),
    (
        lambda: preview("himmelblau", panels=["accuracy"]),
        "view.panels.0: accuracy goes with a network: objective: {network: mlp, data: digits}",
    ),
    (
        lambda: preview("monkey_saddle", panels=["loss", "distance"]),
        "view.panels.1: distance goes with a known minimum; none of Monkey saddle is known",
    ),
    (lambda: gdsim.build_scene([]), "there is no trajectory to show"),
]

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
