"""The animation that is measured, as a script of torch and matplotlib without gdsim.

`python -m tests.benchmarks.script WAY FILE FRAMES STEPS STARTS WIDTH HEIGHT`, where WAY is one of its functions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.patheffects import withStroke
from PIL import Image

FPS = 25
SPAN = (-6, 6)


def himmelblau(x: Any, y: Any) -> Any:
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def descend(steps: int, starts: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield the name, points and values of each path, from the loop that tutorials write."""
    slow, fast = 0.2 / steps, 6 / steps
    makers: dict[str, Callable[[list[torch.Tensor]], torch.optim.Optimizer]] = {
        f"SGD · lr {slow:g}": lambda at: torch.optim.SGD(at, lr=slow),
        f"Momentum · lr {slow:g}": lambda at: torch.optim.SGD(at, lr=slow, momentum=0.9),
        f"RMSprop · lr {fast:g}": lambda at: torch.optim.RMSprop(at, lr=fast),
        f"Adam · lr {fast:g}": lambda at: torch.optim.Adam(at, lr=fast),
    }
    for name, make in makers.items():
        for start in starts:
            x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
            optimizer, points, values = make([x]), [], []
            for _ in range(steps + 1):
                optimizer.zero_grad()
                loss = himmelblau(x[0], x[1])
                loss.backward()
                points.append(x.detach().numpy().copy())
                values.append(loss.item())
                optimizer.step()
            yield name, np.array(points), np.array(values)


class Picture:
    """The figure: a contour map with arrows, a panel of losses, and paths with heads."""

    def __init__(self, frames: int, steps: int, starts: int, width: int, height: int) -> None:
        spots = np.random.default_rng(0).uniform(*SPAN, (starts, 2)) if starts > 1 else np.array([[-0.5, 4.2]])
        self.paths = list(descend(steps, spots))
        self.frames, self.steps, self.starts, self.size = frames, steps, starts, (width / 100, height / 100)
        self.open()

    def open(self) -> None:
        """Open a figure."""
        place = {"left": 0.07, "right": 0.98, "bottom": 0.08, "top": 0.94, "width_ratios": (3, 1)}
        self.figure, (self.view, self.panel) = plt.subplots(1, 2, figsize=self.size, dpi=100, gridspec_kw=place)

    def draw_still(self) -> None:
        """Draw what does not move."""
        x, y = np.meshgrid(np.linspace(*SPAN, 200), np.linspace(*SPAN, 200))
        z = himmelblau(x, y)
        self.view.contourf(x, y, np.log1p(z), levels=16, cmap="cividis")
        self.view.contour(x, y, np.log1p(z), levels=16, colors="white", linewidths=0.5)
        u, v = np.meshgrid(np.linspace(*SPAN, 17), np.linspace(*SPAN, 13))
        du, dv = 4 * u * (u * u + v - 11) + 2 * (u + v * v - 7), 2 * (u * u + v - 11) + 4 * v * (u + v * v - 7)
        norm = np.hypot(du, dv) ** 0.7 + 1e-9
        self.view.quiver(u, v, du / norm, dv / norm, color="0.2")
        self.view.plot([3, -2.805118, -3.77931, 3.584428], [2, 3.131312, -3.283186, -1.848127], "w*", markersize=10)
        self.view.set(xlim=SPAN, ylim=SPAN, xlabel="x", ylabel="y", title="Gradient descent on Himmelblau's function")
        self.panel.set(xlim=(0, self.steps), ylim=(1e-6, 1e3), yscale="log", title="loss", xlabel="step")

    def draw_moving(self) -> tuple[list[Any], Callable[[int], None]]:
        """Draw what moves, and return its artists and the function that moves them to a frame."""
        tracks, named = [], []
        for index, (name, points, values) in enumerate(self.paths):
            color = f"C{index // self.starts}"
            casing = [withStroke(linewidth=4, foreground="white")]
            curve = np.column_stack([np.arange(len(values)), values])
            for axes, track, effects in ((self.view, points, casing), (self.panel, curve, None)):
                (line,) = axes.plot(*track[:1].T, color=color, linewidth=2, path_effects=effects)
                (head,) = axes.plot(*track[:1].T, "o", color=color, markeredgecolor="white", label=name)
                tracks.append((line, head, track))
            named += [tracks[-2][1]] if index % self.starts == 0 else []
        counter = self.view.text(0.98, 0.02, "", ha="right", transform=self.view.transAxes)
        self.view.legend(handles=named, loc="upper right")

        def update(frame: int) -> None:
            step = round(frame * self.steps / (self.frames - 1))
            for line, head, track in tracks:
                line.set_data(*track[: step + 1].T)
                head.set_data(*track[step : step + 1].T)
            counter.set_text(f"step {step} / {self.steps}")

        return [*(artist for line, head, _ in tracks for artist in (line, head)), counter], update


def plain(picture: Picture, path: Path) -> None:
    """As tutorials do it: every frame redraws the figure, and a writer of matplotlib takes it."""
    picture.draw_still()
    _, update = picture.draw_moving()
    mpl.rcParams["animation.ffmpeg_path"] = imageio_ffmpeg.get_ffmpeg_exe()
    writer = PillowWriter(fps=FPS) if path.suffix == ".gif" else FFMpegWriter(fps=FPS)
    FuncAnimation(picture.figure, update, frames=picture.frames, init_func=lambda: None, blit=False).save(path, writer)


def blitted(picture: Picture, path: Path) -> None:
    """As a careful script does it: what does not move is drawn once, and frames are written as they are drawn."""
    picture.draw_still()
    moving, update = picture.draw_moving()
    canvas = picture.figure.canvas
    for artist in moving:
        artist.set_animated(True)
    canvas.draw()
    still = canvas.copy_from_bbox(picture.figure.bbox)

    def drawn(frame: int) -> np.ndarray:
        canvas.restore_region(still)
        update(frame)
        for artist in moving:
            artist.axes.draw_artist(artist)
        return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])

    frames = map(drawn, range(picture.frames))
    if path.suffix == ".gif":
        palette = Image.fromarray(drawn(picture.frames - 1)).quantize(255)
        images = (Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
        next(images).save(path, save_all=True, append_images=images, duration=1000 // FPS, loop=0, disposal=1)
    else:
        writer = imageio_ffmpeg.write_frames(str(path), canvas.get_width_height(), fps=FPS, macro_block_size=2)
        writer.send(None)
        for frame in frames:
            writer.send(frame)
        writer.close()


def celluloid(picture: Picture, path: Path) -> None:
    """With celluloid, which keeps the artists of every frame."""
    from celluloid import Camera

    camera = Camera(picture.figure)
    for frame in range(picture.frames):
        picture.draw_still()
        picture.draw_moving()[1](frame)
        camera.snap()
    camera.animate(interval=1000 // FPS).save(path, PillowWriter(fps=FPS))


def gif(picture: Picture, path: Path) -> None:
    """With gif, which draws a new figure for every frame."""
    import gif

    @gif.frame
    def drawn(frame: int) -> None:
        picture.open()
        picture.draw_still()
        picture.draw_moving()[1](frame)

    gif.save([drawn(frame) for frame in range(picture.frames)], str(path), duration=1000 // FPS)


if __name__ == "__main__":
    way, path, *numbers = sys.argv[1:]
    globals()[way](Picture(*map(int, numbers)), Path(path))
