"""The pieces of work that are measured, each returning its figures."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import gdsim
from gdsim.analysis import Tuning, plan_study
from gdsim.scene.model import Scene
from gdsim.simulation.experiments import evaluate_landscapes, run_optimizers, starting_points

Figures = dict[str, float]

SMALL = "{size: [800, 600]}"

CONFIG = """
objective: {objective}
start: {start}
steps: {steps}
optimizers:
  SGD: {{lr: {slow}}}
  Momentum: {{class: SGD, lr: {slow}, momentum: 0.9}}
  RMSprop: {{lr: {fast}}}
  Adam: {{lr: {fast}}}
view: {view}
animation: {{fps: 25, seconds: {seconds}, hold: 0, trail: {trail}}}
"""


def _scene(
    *,
    frames: int = 200,
    steps: int = 200,
    objective: str = "himmelblau",
    start: str = "[-0.5, 4.2]",
    view: str = SMALL,
    trail: str = "whole",
) -> Scene:
    """The same journey however many the steps: the learning rates shrink as the steps grow in number."""
    chosen = {"objective": objective, "start": start, "view": view, "trail": trail}
    rates = {"slow": 0.2 / steps, "fast": 6 / steps}
    experiment = gdsim.loads(CONFIG.format(steps=steps, seconds=frames / 25, **chosen, **rates))
    return gdsim.build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)


def _cpu() -> float:
    return sum(os.times()[:4])


def _memory() -> float:
    """The peak of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _warm() -> None:
    """Import what is imported late, and build what is built once."""
    import PIL.GifImagePlugin  # noqa: F401

    gdsim.frames(_scene(frames=2, steps=2)).poster()
    Image.init()


def _picture(suffix: str) -> Callable[[Path], Figures]:
    def work(folder: Path) -> Figures:
        _warm()
        scene, begun = _scene(), _cpu()
        gdsim.write(gdsim.frames(scene), folder / f"a.{suffix}", fps=scene.fps, hold=0)
        return {"cpu": _cpu() - begun, "memory": _memory()}

    return work


def _frame_cost(suffix: str = "gif", **scene: str | int) -> Callable[[Path], Figures]:
    def work(folder: Path) -> Figures:
        _warm()
        composed, path = _scene(**scene), folder / f"a.{suffix}"
        frames = gdsim.frames(composed)
        begun = _cpu()
        gdsim.write(frames, path, fps=composed.fps, hold=0)
        cpu = 1000 * (_cpu() - begun) / len(frames)
        return {"frame": cpu, "bytes": float(path.stat().st_size), "memory": _memory()}

    return work


def _plain_loop(folder: Path) -> Figures:
    """One start, Adam, every point, value and gradient kept: the loop that everyone writes."""
    del folder
    f = gdsim.objective("rosenbrock").f
    torch.set_num_threads(1)
    steps, rounds = 200, 20
    _loop(f, 3)
    begun = _cpu()
    for _ in range(rounds):
        _loop(f, steps)
    return {"rate": steps * rounds / (_cpu() - begun)}


def _loop(f: Callable[[torch.Tensor], torch.Tensor], steps: int) -> list[tuple[object, float, object]]:
    x = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer, record = torch.optim.Adam([x], lr=0.05), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = f(x)
        loss.backward()
        record.append((x.detach().clone(), loss.item(), x.grad.clone()))
        optimizer.step()
    return record


def _descent(folder: Path) -> Figures:
    del folder
    valley, starts, steps = gdsim.objective("rosenbrock"), 10_000, 200
    points = np.random.default_rng(0).uniform(-2, 2, (starts, 2))
    gdsim.descend(valley, "Adam", start=points[:2], steps=3, lr=0.05)
    begun = _cpu()
    gdsim.descend(valley, "Adam", start=points, steps=steps, lr=0.05)
    return {"rate": starts * steps / (_cpu() - begun)}


SWEPT = """
objective: rosenbrock
start: {random: 32}
steps: 300
optimizers:
  SGD:
  Momentum: {class: SGD, momentum: 0.9}
  RMSprop:
  Adam:
  NAdam:
  Adagrad:
  Adadelta:
  Rprop:
"""
"""What is tuned: 8 optimizers × 41 learning rates × 32 starts × 300 steps."""


def _plain_tuning(folder: Path) -> Figures:
    """A sample of the grid as everyone writes it: a loop over optimizers, learning rates and starts."""
    del folder
    torch.set_num_threads(1)
    experiment = gdsim.loads(SWEPT)
    objective = experiment.objectives[0].build()
    points = starting_points(experiment.start, objective, experiment.seed)
    _lowest(objective.f, "Adam", {"lr": 0.1}, points[0], 3)
    runs, begun = 0, _cpu()
    for spec in experiment.optimizers.values():
        for rate in Tuning().values("lr")[4::16]:
            for point in points[::16]:
                _lowest(objective.f, spec.class_name, {**spec.settings, "lr": rate}, point, experiment.steps)
                runs += 1
    return {"rate": runs * experiment.steps / (_cpu() - begun)}


def _lowest(
    f: Callable[[torch.Tensor], torch.Tensor], name: str, settings: dict[str, float], point: np.ndarray, steps: int
) -> float:
    x = torch.tensor(point, requires_grad=True)
    optimizer, lowest = getattr(torch.optim, name)([x], **settings), float("inf")
    for _ in range(steps):
        optimizer.zero_grad()
        loss = f(x)
        loss.backward()
        lowest = min(lowest, loss.item())
        optimizer.step()
    return min(lowest, f(x).item())


def _tuning(folder: Path) -> Figures:
    """The whole grid, and the table of what it found."""
    del folder
    experiment, tuning = gdsim.loads(SWEPT), Tuning()
    plan_study(gdsim.loads(SWEPT, overrides=["steps=3", "start=[0, 0]"]), tuning=Tuning(budget=2)).run()
    runs = len(experiment.optimizers) * tuning.budget * experiment.start.count
    begun = _cpu()
    plan_study(experiment, tuning=tuning).run()
    return {"rate": runs * experiment.steps / (_cpu() - begun)}


TRAINED = """
objective: {network: mlp, data: {name: digits, test: 0}, hidden: [128], batch_size: 64}
steps: 2000
optimizers:
  Adam: {lr: 0.003}
"""
"""What is trained: 9,610 weights on 1,797 images."""


SWEEP = """
objective: himmelblau
start: [-0.5, 4.2]
steps: 100
optimizers: {SGD: {lr: 0.01}}
sweep:
  x: {setting: optimizers.SGD.lr, range: [1.0e-4, 0.02], scale: log}
  y: {setting: optimizers.SGD.momentum, range: [0, 0.99]}
  size: [512, 512]
"""


def _plain_sweep(folder: Path) -> Figures:
    """A sample of the cells as everyone writes it: a loop over learning rates and momenta."""
    del folder
    torch.set_num_threads(1)
    f, start, steps = gdsim.objective("himmelblau").f, np.array([-0.5, 4.2]), 100
    _lowest(f, "SGD", {"lr": 0.01}, start, 3)
    rates, momenta = np.geomspace(1e-4, 0.02, 8).tolist(), np.linspace(0, 0.99, 8).tolist()
    begun = _cpu()
    for rate in rates:
        for momentum in momenta:
            _lowest(f, "SGD", {"lr": rate, "momentum": momentum}, start, steps)
    return {"rate": len(rates) * len(momenta) * steps / (_cpu() - begun)}


def _sweep(folder: Path) -> Figures:
    """All cells with all figures, the check of 64 in plain loops included."""
    del folder
    torch.set_num_threads(1)
    gdsim.sweep(gdsim.loads(SWEEP, overrides=["sweep.size=[2, 2]"]))
    begun = _cpu()
    gdsim.sweep(gdsim.loads(SWEEP))
    return {"rate": 512 * 512 * 100 / (_cpu() - begun)}


def _plain_training(folder: Path) -> Figures:
    """The loop that everyone writes, with nothing recorded."""
    del folder
    torch.set_num_threads(1)
    network, steps = gdsim.loads(TRAINED).objectives[0].build().network, 2000
    _train(network.module(0), network.batches(0), 3)
    begun = _cpu()
    _train(network.module(0), network.batches(0), steps)
    return {"rate": steps / (_cpu() - begun)}


def _train(module: torch.nn.Module, batches: Iterator[tuple[torch.Tensor, torch.Tensor]], steps: int) -> None:
    optimizer = torch.optim.Adam(module.parameters(), lr=0.003)
    for _, (x, y) in zip(range(steps), batches, strict=False):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()


def _training(folder: Path) -> Figures:
    """The same with every loss, layer and weight recorded."""
    del folder
    run_optimizers(gdsim.loads(TRAINED, overrides=["steps=3"]))
    experiment = gdsim.loads(TRAINED)
    begun = _cpu()
    run_optimizers(experiment)
    return {"rate": experiment.steps / (_cpu() - begun)}


def _plane(folder: Path) -> Figures:
    """The plane of a path of three points: 51 × 51 losses, 13 × 13 gradients."""
    del folder
    experiment = gdsim.loads(TRAINED, overrides=["steps=2"])
    paths = run_optimizers(experiment)
    begun = _cpu()
    evaluate_landscapes(experiment, paths)
    return {"cpu": _cpu() - begun}


def _view_cost(suffix: str = "gif", *, objective: str = "himmelblau", trail: str = "whole", **view: str) -> object:
    start = "[1.6]" if objective == "double_well" else "[-0.5, 4.2]"
    keys = ", ".join(f"{key}: {value}" for key, value in view.items())
    return _frame_cost(suffix, objective=objective, start=start, view=f"{{{keys}}}", trail=trail)


VIEWS = {
    "contour": _view_cost(),
    "heat map": _view_cost(fill="heat"),
    "bare lines and streams": _view_cost(fill="none", arrows="stream"),
    "curve": _view_cost(objective="double_well"),
    "surface": _view_cost(kind="surface"),
    "grid of four": _view_cost(layout="grid"),
    "grid of four surfaces": _view_cost(kind="surface", layout="grid"),
    "six panels": _view_cost(panels="[loss, gradient_norm, distance, learning_rate, step_size, angle]"),
    "vectors at the heads": _view_cost(vectors="true"),
    "fading trails": _view_cost(trail="40"),
}
"""The views with a fixed camera, at 1280 × 720."""

ORBITS = {
    "orbit, GIF": _view_cost(kind="surface", camera="{orbit: 90}"),
    "orbit, MP4": _view_cost("mp4", kind="surface", camera="{orbit: 90}"),
}
"""The views whose camera turns, at 1280 × 720."""

WORK: dict[str, Callable[[Path], Figures]] = {
    "GIF": _picture("gif"),
    "MP4": _picture("mp4"),
    "200 frames": _frame_cost(),
    "1600 frames": _frame_cost(frames=1600, steps=1600),
    "2000 frames": _frame_cost(frames=2000, steps=2000),
    "20000 steps": _frame_cost(steps=20_000),
    "96 paths": _frame_cost(start="{random: 24}"),
    "plain descent": _plain_loop,
    "gdsim descent": _descent,
    "plain tuning": _plain_tuning,
    "gdsim tuning": _tuning,
    "plain sweep": _plain_sweep,
    "gdsim sweep": _sweep,
    "plain training": _plain_training,
    "gdsim training": _training,
    "plane": _plane,
    **VIEWS,
    **ORBITS,
}
