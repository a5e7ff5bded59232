"""The sentences that users read, in one place; all other tests compare codes and keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gdsim
from gdsim.analysis import Row, Study, Tuning, compare, make_table, parse_range, plan_study
from gdsim.cli.compare import compare as command_compare
from gdsim.cli.examples import init
from gdsim.cli.inspect import grad, list_names, validate
from gdsim.cli.run import run
from gdsim.cli.saliency import saliency
from gdsim.cli.slides import slides
from gdsim.config import View, loads
from gdsim.encode import source, write
from gdsim.errors import GdsimError
from gdsim.optimizers import optimizer_factory
from gdsim.scene.build import preview_scene
from gdsim.web.embed import snippet
from gdsim.web.report import write_report

QUICKSTART = Path(__file__).parent.parent / "configs" / "quickstart.yaml"

Case = tuple[Callable[[], Any], str]
"""What raises an error, and the whole sentence that it says."""

OBJECTIVES: list[Case] = [
    (lambda: gdsim.objective("himelblau"), "objective: there is no objective 'himelblau'; did you mean 'himmelblau'?"),
    (
        lambda: gdsim.objective("nosuch"),
        "objective: there is no objective 'nosuch'; `gdsim list objectives` lists them",
    ),
    (
        lambda: gdsim.objective("quadratic", conditon=3),
        "conditon: quadratic has no parameter 'conditon'; did you mean 'condition'?",
    ),
    (
        lambda: gdsim.objective("quadratic", condition=0),
        "condition: must be a number from 1 to 1e+06, not 0",
    ),
    (lambda: gdsim.objective("booth", dim=3), "dim: must be 2 for booth, not 3"),
    (lambda: gdsim.objective("x*y", bounds=[0, 1]), "bounds: must be 2 pairs [low, high], one per coordinate"),
    (
        lambda: gdsim.objective("x % 2"),
        "column 3: '%' is not allowed in an expression; write a - b*floor(a/b) for a remainder",
    ),
    (
        lambda: gdsim.objective("3 + y x"),
        "column 7: an operator is missing between 'y' and 'x'; write '*' to multiply",
    ),
    (lambda: gdsim.objective("coss(x)"), "column 1: there is no 'coss'; did you mean 'cos'?"),
    (
        lambda: gdsim.objective(lambda p: math.sin(p[0]) + p[1] ** 2, dim=2),
        "python: the function loses a part of its gradient: at (2.433, 3.733) autograd gives the slope 37.3534 and a "
        "central difference 34.4492; use torch's functions (torch.sin for math.sin), and no .item(), .detach(), "
        "torch.no_grad() or NumPy",
    ),
    (
        lambda: gdsim.objective(lambda p: (p**2).sum(-1)),
        "dim: is needed: the number of coordinates of the function cannot be inferred",
    ),
    (
        lambda: gdsim.descend("rosenbrock", "Adam", epochs=9),
        "optimizers.Adam.epochs: Adam has no argument 'epochs'; did you mean 'steps'?",
    ),
    (
        lambda: gdsim.animate("rosenbrock"),
        "optimizers: are needed to descend rosenbrock, such as "
        '`{"SGD": {"lr": 0.01}, "Adam": {"lr": 0.1}}`; a configuration is a .yaml file',
    ),
    (
        lambda: gdsim.grad("x**2", at=3, bonds=3),
        "bonds: an expression has no parameter 'bonds'; did you mean 'bounds'?",
    ),
]

ADAM = "{objective: beale, steps: 3, optimizers: {Adam: {%s}}}"

CONFIG: list[Case] = [
    (
        lambda: loads("{objective: himelblau, steps: 3, optimizers: {SGD: }}"),
        "<text>:1:13: objective: there is no objective 'himelblau'; did you mean 'himmelblau'?",
    ),
    (
        lambda: loads("{objective: a^2, steps: 3, optimizers: {SGD: }}"),
        "<text>:1:13: objective: column 1: there is no 'a'; the variables are x, y and z, or x1, x2, …, and any other "
        "name needs a number in constants",
    ),
    (
        lambda: loads(ADAM % "lerning_rate: 0.3"),
        "<text>:1:50: optimizers.Adam: Adam has no argument 'lerning_rate'; did you mean 'lr'?",
    ),
    (
        lambda: loads(ADAM % "momentum: 0.9"),
        "<text>:1:50: optimizers.Adam: Adam has no argument 'momentum'; it has lr, betas, eps, weight_decay, amsgrad, "
        "maximize, decoupled_weight_decay, class, schedule, noise, clip_norm, rest, color, args",
    ),
    *[
        (
            lambda given=given: loads(ADAM % f"{given}: 0.1"),
            f"<text>:1:50: optimizers.Adam: Adam has no argument '{given}'; did you mean '{meant}'?",
        )
        for given, meant in {"learning_rate": "lr", "epsilon": "eps", "beta1": "betas", "fusd": "fused"}.items()
    ],
    (lambda: loads(ADAM % "lr: fast"), "<text>:1:54: optimizers.Adam.lr: must be a number, not 'fast'"),
    (
        lambda: loads(ADAM % "schedule: StepLR"),
        "<text>:1:60: optimizers.Adam.schedule: StepLR needs the argument 'step_size'",
    ),
    (
        lambda: loads("{objective: beale, steps: 3, optimizers: {F: {lr: 1}}}"),
        "<text>:1:43: optimizers: torch.optim has no optimizer 'F'; another class is 'file.py:Class' or "
        "'package.Class'. If it is only a label, add its class: {class: SGD}",
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
    (
        lambda: loads("optimizers:\n  SGD: {lr: 0.1\n  Adam: {lr: 0.3}\nsteps: 9"),
        "<text>:2:8: is not valid YAML: this { is never closed",
    ),
    (
        lambda: loads("optimizers: {SGD: {color: #00f}}\nsteps: 9"),
        "<text>:1:19: is not valid YAML: this { is never closed; '#' begins a comment: quote a colour, as in '#00aa00'",
    ),
    (
        lambda: loads("{objective: beale, steps: 3, optimizers: {SGD: }, view: {title: 2026}}"),
        "<text>:1:65: view.title: must be text in one line of at most 200 characters or false, not 2026; "
        "quote it: '2026'",
    ),
    (
        lambda: loads("{objective: beale, steps: 3, optimizers: {SGD: }}", overrides=["optimizers.Adm="]),
        "--set optimizers.Adm=: optimizers.Adm: there is no 'Adm' to remove; optimizers.Adm={} adds one without "
        "arguments",
    ),
    (lambda: loads(""), "<text>:1:1: is empty; `gdsim init FILE` writes a config to start from"),
    (
        lambda: loads("{objective: beale, start: [1], steps: 3, optimizers: {SGD: }}"),
        "<text>:1:27: start: has 1 coordinates, and beale has dim 2",
    ),
    (
        lambda: loads("{objective: beale, steps: 99999, start: {random: 250}, optimizers: {SGD: }}"),
        "<text>:1:27: steps: 99999 steps × 250 starts × 1 optimizers × 1 objectives are 24999750 points; at most "
        "6000000 are recorded",
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
        lambda: optimizer_factory("x", "pytorch_optimzer.Lion", {}),
        "optimizers.x.class: no package 'pytorch_optimzer' is installed; did you mean 'pytorch_optimizer'?",
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


class Blank:
    """Frames of one colour, for encoders that refuse them before they ask for one."""

    size, transparent, colors = (161, 120), False, np.zeros((1, 3), np.uint8)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[np.ndarray]:
        yield self.poster()

    def poster(self) -> np.ndarray:
        return np.zeros((120, 161, 3), np.uint8)

    def save_poster(self, path: Path, words: Mapping[str, str]) -> None:
        raise NotImplementedError


class Transparent(Blank):
    transparent = True


FORMATS = ".apng .gif .mp4 .webm .webp .pdf .png .svg"

ENCODE: list[Case] = [
    (
        lambda: write(Blank(), "race.gfi", fps=25, hold=0),
        f"race.gfi: unknown format; did you mean '.gif'?; there are {FORMATS}",
    ),
    (lambda: write(Blank(), "race.gif", fps=60, hold=0), "fps: must be a whole number from 1 to 50, not 60"),
    (lambda: write(Blank(), "race.gif", fps=25, hold=-1), "hold: must be from 0 to 1200 seconds, not -1"),
    (
        lambda: write(Blank(), "race.gif", fps=25, hold=0, quality_level=4),
        "quality_level: must be a whole number from 0 to 3, not 4",
    ),
    (lambda: write(Blank(), "race.mp4", fps=25, hold=0), ".mp4 needs even sizes, not 161 × 120"),
    (
        lambda: write(Transparent(), "race.gif", fps=25, hold=0),
        "output.background: race.gif: a GIF has no partial transparency, so that type and lines would get a fringe; "
        "a transparent background needs .webm .webp .pdf .png .svg",
    ),
    (lambda: source("nowhere/race.gif"), "nowhere/race.gif: no such file or directory"),
    (lambda: source(Path(__file__).parent), f"{Path(__file__).parent}: is a folder; name a file in it"),
    (lambda: source(__file__), f"{__file__}: is not a file that gdsim writes: {FORMATS} .html .npz"),
]

NO_RESULT = Study(make_table([Row("A", "B", "C", reason="it cannot")]), (), np.zeros((0, 0)), (), ())

WEB: list[Case] = [
    (lambda: snippet("race.gif", "tpyst"), "there is no snippet for 'tpyst'; did you mean 'typst'?"),
    (
        lambda: snippet("race.gif", "x"),
        "there is no snippet for 'x'; there are markdown, html, reveal, quarto, marp, beamer, typst, pptx",
    ),
    (
        lambda: snippet(QUICKSTART, "html"),
        f"{QUICKSTART}: is not a picture: draw one with gdsim run, and embed that",
    ),
    (
        lambda: write_report(NO_RESULT, "report.pdf"),
        "report.pdf: a report is a page: give it a name that ends in .html",
    ),
    (
        lambda: write_report(NO_RESULT, "report.html"),
        "no optimizer can run: there is nothing to report",
    ),
]

SLIDES: list[Case] = []

RACE = loads("{objective: sphere, steps: 3, optimizers: {SGD: , Adam: }}")

ANALYSIS: list[Case] = [
    (lambda: Tuning(("lrr",)), "tune: there is no 'lrr'; did you mean 'lr'?"),
    (lambda: Tuning(budget=0), "budget: must be a whole number from 1 to 10000, not 0"),
    (lambda: Tuning(ranges={"lr": (2, 1)}), "range: lr needs two finite numbers, low before high, not 2:1"),
    (lambda: parse_range("lr=1"), "range: must be NAME=LOW:HIGH, such as lr=1e-4:1, not 'lr=1'"),
    (
        lambda: plan_study(RACE, objectives=["boot"]).run(),
        "objectives: there is no objective 'boot'; did you mean 'booth'?",
    ),
    (lambda: plan_study(RACE, starts=0).run(), "starts: must be a whole number from 1 to 10000, not 0"),
    (lambda: compare([]), "there is no trajectory to compare"),
]

YAML, MISSING = Path(__file__).parent.parent / "configs" / "function_cubic.yaml", Path("missing.yaml")

CLI: list[Case] = [
    (
        lambda: validate([MISSING]),
        "missing.yaml: no such file; `gdsim init FILE` writes a config to start from, and `gdsim examples` lists "
        "others",
    ),
    (lambda: init(YAML), f"{YAML} exists; write to another file or folder, or add --overwrite"),
    (lambda: init(Path("talk.yml.txt")), "talk.yml.txt: give it a name that ends in .yaml"),
    (lambda: grad("x", at="one"), "--at: 'one' is not a number"),
    (lambda: grad("x", at="1", bounds="1"), "--bounds: takes two numbers per dimension, low and high, not 1 in all"),
    (lambda: list_names("optimisers"), "there is no list of 'optimisers'; did you mean 'optimizers'?"),
    (lambda: run([YAML], formats="gfi"), "--format: unknown format 'gfi'; did you mean 'gif'?"),
    (
        lambda: run([YAML], out=Path("a.gif")),
        "--out: a.gif must be a folder; choose the kind of file with --format gif",
    ),
    (
        lambda: run([YAML, YAML]),
        f"two configs would write outputs/{YAML.stem}/{YAML.stem}.gif; rename one, or run them with different --out",
    ),
    (lambda: command_compare([YAML], budget=3), "--budget: goes with --tune, such as --tune lr"),
    (
        lambda: command_compare([YAML], csv=YAML),
        f"--csv: {YAML} is read by this command; write to another file or folder",
    ),
    (lambda: slides([YAML], Path("a.ppt")), "--out: a.ppt: give it a name that ends in .pptx"),
    (
        lambda: saliency(YAML),
        f"{YAML}: trains no network; saliency needs objective: {{network: mlp, data: digits}}",
    ),
]


def section(text):
    return lambda: gdsim.loads(f"objective: himmelblau\nsteps: 3\n{text}")


SGD = "optimizers: {SGD: }\n"
CASES = [
    (
        section("optimizers: {SGD: {lr: 0,01}}"),
        "<text>:3:26: optimizers.SGD: SGD has no argument '01'; decimals take a point, as in 0.01",
    ),
    (
        section("optimizers:\n  SGD:\n    lr: 0,01"),
        "<text>:5:9: optimizers.SGD.lr: must be a number, not '0,01'; decimals take a point: 0.01",
    ),
    (
        section("optimizers: {SGD: {lr: [0.01, 0.1]}}"),
        "<text>:3:24: optimizers.SGD.lr: must be a number, not [0.01, 0.1]; give each value a label of its own, "
        "or sweep it",
    ),
    (
        section("optimizers: {Adam: {betas: [0.9]}}"),
        "<text>:3:28: optimizers.Adam.betas: must be a list of 2 items, each a number, not [0.9]",
    ),
    (
        lambda: gdsim.loads("objective: f.py\nsteps: 3\n" + SGD),
        "<text>:1:12: objective: there is no objective 'f.py'; for a function in a file write {python: f.py:name}",
    ),
    (
        lambda: gdsim.loads("objective: f.py:loss\nsteps: 3\n" + SGD),
        "<text>:1:12: objective: there is no objective 'f.py:loss'; for a function in a file write {python: f.py:loss}",
    ),
    (
        lambda: gdsim.loads("1,2\n3,4\n", file="heights.csv"),
        "heights.csv:1:1: must be a mapping, with lines such as `objective: {samples: heights.csv}`",
    ),
    (
        section(SGD + "output: {max_size: 1MB}"),
        "<text>:4:10: output: unknown key 'max_size'; did you mean 'max_bytes'?",
    ),
    (
        section(SGD + "view: {contours: 20}"),
        "<text>:4:8: view: unknown key 'contours'; did you mean 'levels'?",
    ),
    (section(SGD + "speed: 3"), "<text>:4:1: unknown key 'speed'; 'seconds' belongs below animation"),
    (section(SGD + "animation: {speed: 3}"), "<text>:4:13: animation: unknown key 'speed'; did you mean 'seconds'?"),
    (
        lambda: run([YAML], theme="drak"),
        "--theme: there is no theme 'drak'; did you mean 'dark'?",
    ),
    (
        section(SGD + "view: {kind: 3d}"),
        "<text>:4:14: view.kind: must be 'contour', 'curve', 'image' or 'surface', not '3d'; did you mean 'surface'?",
    ),
    (section(SGD + "fontsize: 9"), "<text>:4:1: unknown key 'fontsize'; 'type' belongs below view.theme"),
    (
        section(SGD + "view:\n  title: SGD: slow"),
        "<text>:5:13: is not valid YAML: mapping values are not allowed here; quote text that contains a colon",
    ),
    (
        section(SGD + "view: {title: {SGD: slow}}"),
        "<text>:4:15: view.title: must be text in one line of at most 200 characters or false, "
        "not {SGD: 'slow'}; quote text that contains a colon",
    ),
    (section(SGD + "view: {cmap: magma}"), "<text>:4:8: view: unknown key 'cmap'; 'field' belongs below view.theme"),
    (section(SGD + "language: de"), "<text>:4:1: unknown key 'language'; it belongs below view"),
    (
        lambda: gdsim.loads("objective: {expression: x^2, minimum: 0}\nsteps: 3\n" + SGD),
        "<text>:1:30: objective: unknown key 'minimum'; it has name, dim, bounds, expression, constants, samples, "
        "invert, gradient, edge_order, python, network, data, hidden, channels, residual, activation, loss, "
        "batch_size, record_every, args, wrt, class, image, trained",
    ),
    (section(SGD + "title: mine"), "<text>:4:1: unknown key 'title'; it belongs below view"),
    (section(SGD + "view: {panel: [loss]}"), "<text>:4:8: view: unknown key 'panel'; did you mean 'panels'?"),
    (section(SGD + "epochs: 3"), "<text>:4:1: unknown key 'epochs'; did you mean 'steps'?"),
    (
        section(SGD + "weather: fine"),
        "<text>:4:1: unknown key 'weather'; it has objective, start, optimizers, ensemble, steps, seed, record, sweep, "
        "view, animation, output, version",
    ),
    (
        section("optimizers: {SGD: {schedule: cosine}}"),
        "<text>:3:30: optimizers.SGD.schedule: torch.optim.lr_scheduler has no schedule 'cosine'; "
        "did you mean 'CosineAnnealingLR'?",
    ),
    (
        section("optimizers:\n  SGD:\n    color: #00aa00"),
        "<text>:5:11: optimizers.SGD.color: is empty; '#' begins a comment in YAML: quote a colour, as in '#00aa00'",
    ),
    (
        lambda: gdsim.objective("x**2", bounds=[[0, 1], [0, 1]]),
        "bounds: must be a pair [low, high]: the function has only one variable",
    ),
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
