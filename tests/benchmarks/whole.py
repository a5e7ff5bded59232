"""Whole commands, their imports included: what a user waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.benchmarks.work import CONFIG, Figures


class Size(NamedTuple):
    """How large the animation of four optimizers is."""

    frames: int = 200
    steps: int = 200
    starts: int = 1
    width: int = 800
    height: int = 600


class Command(NamedTuple):
    """What is run: gdsim, a function of `tests.benchmarks.script`, or the imports alone."""

    way: str
    formats: str = "gif"
    size: Size = Size()


IMPORTS, GDSIM, PLAIN, BLITTED = "imports", "gdsim", "plain", "blitted"
PEERS = [name for name in ("celluloid", "gif") if find_spec(name)]
NAMES = {
    IMPORTS: '`python -c "import torch, matplotlib.pyplot"`',
    GDSIM: "**`gdsim run`**",
    PLAIN: "`FuncAnimation`",
    BLITTED: "a script with blitting",
    **{name: f"a script with `{name}`" for name in PEERS},
}
LARGE = [Command(IMPORTS, ""), Command(GDSIM, "gif,mp4")]
LARGE += [Command(way, suffix) for suffix in ("gif", "mp4") for way in (GDSIM, PLAIN, BLITTED)]
SHORT = Size(frames=50)
GROWTH = {
    "50 frames": SHORT,
    "4 × the frames": Size(),
    "4 × the steps": SHORT._replace(steps=800),
    "4 × the paths": SHORT._replace(starts=4),
    "4 × the pixels": SHORT._replace(width=1600, height=1200),
}
SMALL = [Command(way, size=size) for size in GROWTH.values() for way in (GDSIM, PLAIN, BLITTED) if size != Size()]
SMALL += [Command(way, size=SHORT) for way in PEERS]


def measure(rounds: int) -> dict[Command, list[Figures]]:
    """Run every command in each round, one after the other."""
    found: dict[Command, list[Figures]] = {command: [] for command in (*LARGE, *SMALL)}
    for _ in range(rounds):
        for command, figures in found.items():
            with tempfile.TemporaryDirectory() as folder:
                figures.append(_run(command, Path(folder)))
    return found


def _run(command: Command, folder: Path) -> Figures:
    way, formats, size = command
    if way == IMPORTS:
        words = ["-c", "import torch, matplotlib.pyplot"]
    elif way == GDSIM:
        start = "[-0.5, 4.2]" if size.starts == 1 else f"{{random: {size.starts}}}"
        chosen = {"objective": "himmelblau", "start": start, "view": f"{{size: [{size.width}, {size.height}]}}"}
        rates = {"slow": 0.2 / size.steps, "fast": 6 / size.steps, "trail": "whole"}
        text = CONFIG.format(steps=size.steps, seconds=size.frames / 25, **chosen, **rates)
        (folder / "scene.yaml").write_text(text)
        words = ["-m", "gdsim", "run", str(folder / "scene.yaml"), "-q", "--format", formats, "--out", str(folder)]
    else:
        words = ["-m", "tests.benchmarks.script", way, str(folder / f"scene.{formats}"), *map(str, size)]
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    written = sum(path.stat().st_size for suffix in formats.split(",") for path in folder.rglob(f"*.{suffix}"))
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.perf_counter() - begun,
        "memory": usage.ru_maxrss / 1024,
        "bytes": float(written),
    }


def print_tables(found: dict[Command, list[Figures]]) -> None:
    """Print the cost of each command with its ratio to that of `gdsim run`, and how the costs grow."""
    print("Whole processes, imports included: 800 × 600, 4 paths with arrows and a loss panel")
    for frames, commands in ((200, LARGE), (50, [each for each in SMALL if each.size == SHORT])):
        print(f"\n| {frames} frames | CPU s | × CPU | × CPU net of imports | wall s | × wall | bytes | peak MiB |")
        print("|---|---|---|---|---|---|---|---|")
        for command in commands:
            _print_row(found, command)
    ways = (GDSIM, PLAIN, BLITTED)
    print("\nHow the CPU seconds of a GIF grow\n")
    print("| | " + " | ".join(NAMES[way] for way in ways) + " |\n|---|---|---|---|")
    for name, size in GROWTH.items():
        cells = []
        for way in ways:
            cost, base = (median(_values(found, Command(way, size=each), "cpu")) for each in (size, SHORT))
            cells.append(f"{cost:.2f}" + ("" if size == SHORT else f" ({cost / base:.2f} ×)"))
        print(f"| {name} | {' | '.join(cells)} |")


def _print_row(found: dict[Command, list[Figures]], command: Command) -> None:
    way, formats, _ = command
    name = ", ".join([NAMES[way], *filter(None, [formats.upper().replace(",", " and ")])])
    size, memory = (median(_values(found, command, key)) for key in ("bytes", "memory"))
    costs = {key: _values(found, command, key) for key in ("cpu", "wall")}
    cpu, wall = map(_spread, costs.values())
    times = dict.fromkeys(("cpu", "net", "wall"), "")
    if way not in (IMPORTS, GDSIM):
        imports = _values(found, Command(IMPORTS, ""), "cpu")
        for key, cost in costs.items():
            ours = _values(found, command._replace(way=GDSIM), key)
            times[key] = _spread([a / b for a, b in zip(cost, ours, strict=True)])
            if key == "cpu":
                times["net"] = _spread([(a - c) / (b - c) for a, b, c in zip(cost, ours, imports, strict=True)])
    cells = [name, cpu, times["cpu"], times["net"], wall, times["wall"], f"{size:,.0f}", f"{memory:.0f}"]
    print(f"| {' | '.join(cells)} |")


def _values(found: dict[Command, list[Figures]], command: Command, key: str) -> list[float]:
    return [figures[key] for figures in found[command]]


def _spread(values: list[float]) -> str:
    """Return the median, with the minimum and the maximum."""
    return f"{median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
