"""The pieces of work that are measured, each returning its figures."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.patheffects import withStroke
from PIL import Image

import gdsim
from gdsim.render.still import points
from gdsim.scene import Scene

Figures = dict[str, float]

CONFIG = """
objective: himmelblau
start: {start}
steps: {steps}
optimizers:
  SGD: {{lr: {slow}}}
  Momentum: {{class: SGD, lr: {slow}, momentum: 0.9}}
  RMSprop: {{lr: {fast}}}
  Adam: {{lr: {fast}}}
view: {{size: [800, 600]}}
animation: {{fps: 25, seconds: {seconds}, hold: 0}}
"""


def _scene(*, frames: int = 200, steps: int = 200, start: str = "[-0.5, 4.2]") -> Scene:
    """The same journey however many the steps: the learning rates shrink as the steps grow in number."""
    rates = {"slow": 0.2 / steps, "fast": 6 / steps}
    experiment = gdsim.loads(CONFIG.format(start=start, steps=steps, seconds=frames / 25, **rates))
    return gdsim.compose(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)


def _cpu() -> float:
    return sum(os.times()[:4])


def _memory() -> float:
    """The peak of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _warm() -> None:
    """Import what is imported late and build what is built once, on both sides alike."""
    import imageio_ffmpeg
    import matplotlib
    import matplotlib.backends.backend_agg
    import PIL.GifImagePlugin  # noqa: F401

    matplotlib.rcParams["animation.ffmpeg_path"] = imageio_ffmpeg.get_ffmpeg_exe()
    gdsim.frames(_scene(frames=2, steps=2)).poster()
    Image.init()


def _timed(work: Callable[[], object], path: Path) -> Figures:
    begun = _cpu()
    work()
    return {"cpu": _cpu() - begun, "bytes": float(path.stat().st_size), "memory": _memory()}


def _with_gdsim(suffix: str) -> Callable[[Path], Figures]:
    def work(folder: Path) -> Figures:
        _warm()
        scene, path = _scene(), folder / f"a.{suffix}"
        return _timed(lambda: gdsim.write(gdsim.frames(scene), path, fps=scene.fps, hold=0), path)

    return work


def _with_matplotlib(suffix: str) -> Callable[[Path], Figures]:
    """As the tutorials do it: every frame redraws the figure, and a writer of matplotlib's own takes it."""

    def work(folder: Path) -> Figures:
        _warm()
        scene, path = _scene(), folder / f"a.{suffix}"
        writer = PillowWriter(fps=25) if suffix == "gif" else FFMpegWriter(fps=25)
        return _timed(lambda: _plain_animation(scene).save(path, writer=writer, dpi=100), path)

    return work


def _plain_animation(scene: Scene) -> FuncAnimation:
    """The very same picture, with what moves as ordinary lines of matplotlib that an update function sets."""
    frames = gdsim.frames(scene)
    still = frames._still
    em, figure = still.layout.em, still.figure
    counter = still.text(*still.layout.counter, "", color=still.theme.quiet, ha="right", va="baseline")
    moving = []
    for axes, scale in ((still.main, 1.0), (still.loss, 0.8)):
        for path in scene.paths:
            look = {"color": path.color, "linewidth": points(0.17 * em * scale)}
            if path.dash:
                look["dashes"] = path.dash
            if axes is still.main:
                look["path_effects"] = [withStroke(linewidth=points(0.32 * em), foreground=still.theme.casing)]
            (line,) = axes.plot([], [], **look)
            head = {"marker": path.marker, "markersize": points(0.95 * em * scale), "markeredgecolor": "white"}
            (mark,) = axes.plot([], [], color=path.color, **head)
            xy = path.points[:, 0] if axes is still.main else np.column_stack([np.arange(scene.steps + 1), path.losses])
            moving.append((line, mark, xy))

    def update(frame: int) -> None:
        step = round(scene.frame_steps[frame])
        for line, mark, xy in moving:
            line.set_data(*xy[: step + 1].T)
            mark.set_data(*xy[step : step + 1].T)
        counter.set_text(f"step {step} / {scene.steps}")

    return FuncAnimation(figure, update, frames=len(scene), init_func=lambda: None, blit=False)


def _frame_cost(**scene: object) -> Callable[[Path], Figures]:
    def work(folder: Path) -> Figures:
        _warm()
        composed, path = _scene(**scene), folder / "a.gif"
        frames = gdsim.frames(composed)
        begun = _cpu()
        gdsim.write(frames, path, fps=composed.fps, hold=0)
        return {"frame": 1000 * (_cpu() - begun) / len(frames), "memory": _memory()}

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


WORK: dict[str, Callable[[Path], Figures]] = {
    "matplotlib gif": _with_matplotlib("gif"),
    "matplotlib mp4": _with_matplotlib("mp4"),
    "gdsim gif": _with_gdsim("gif"),
    "gdsim mp4": _with_gdsim("mp4"),
    "200 frames": _frame_cost(),
    "1600 frames": _frame_cost(frames=1600, steps=1600),
    "2000 frames": _frame_cost(frames=2000, steps=2000),
    "20000 steps": _frame_cost(steps=20_000),
    "96 paths": _frame_cost(start="{random: 24}"),
    "plain loop": _plain_loop,
    "gdsim descent": _descent,
}
