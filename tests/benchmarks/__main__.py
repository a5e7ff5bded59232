"""Measure whole commands, then their parts, each in a process of its own, and print the ratios as Markdown.

CPU is user and system time of the process and its children; memory is the peak of the largest process. Each number is
the median of `ROUNDS` interleaved runs, with the minimum and the maximum where there are three. The parts do not count
imports.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import studio, whole
from tests.benchmarks.work import ORBITS, VIEWS, WORK

ROUNDS = 3

PICTURES = ("GIF", "MP4")
FRAMES = ("200 frames", "1600 frames", "2000 frames", "20000 steps", "96 paths")
DESCENTS = ("plain descent", "gdsim descent")
TUNINGS = ("plain tuning", "gdsim tuning")
SWEEPS = ("plain sweep", "gdsim sweep")
TRAININGS = ("plain training", "gdsim training", "plane")

RATES = {
    "descent": (
        "Adam on Rosenbrock's function, everything recorded",
        "start-steps",
        "one start",
        "10,000 starts × 200 steps",
    ),
    "tuning": (
        "8 optimizers × 41 learning rates × 32 starts × 300 steps on Rosenbrock's function",
        "start-steps",
        "a sample of 48",
        "all, the table included",
    ),
    "sweep": (
        "SGD with 512 learning rates × 512 momenta, 100 steps, on Himmelblau's function",
        "cell-steps",
        "a sample of 64",
        "all, with figures and checks",
    ),
    "training": (
        "Adam on an MLP of 9,610 weights, mini-batches of 64 of 1,797 images",
        "steps",
        "nothing recorded",
        "everything recorded",
    ),
}
"""By what is measured: its title, its unit, and what the plain loop and gdsim do of it."""


def main() -> None:
    """Measure, or do one piece of work when its name is given."""
    if len(sys.argv) > 1:
        print(json.dumps(WORK[sys.argv[1]](Path(sys.argv[2]))))
        return
    whole.print_tables(whole.measure(ROUNDS))
    rounds = [
        {
            name: _measure(name)
            for name in (*PICTURES, *FRAMES, *VIEWS, *ORBITS, *DESCENTS, *TUNINGS, *SWEEPS, *TRAININGS)
        }
        for _ in range(ROUNDS)
    ]
    found = {
        name: {key: statistics.median(each[name][key] for each in rounds) for key in rounds[0][name]}
        for name in rounds[0]
    }
    _print_pictures(found)
    _print_frames(found)
    _print_views(found)
    for kind in RATES:
        _print_rates(found, kind)
    print(f"\nThe plane of the training, 51 × 51 losses: {found['plane']['cpu']:.1f} CPU s")
    studio.print_table()


def _measure(name: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.benchmarks", name, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _print_pictures(found: dict[str, dict[str, float]]) -> None:
    print("\nThe first scene again, drawn and encoded within one process, without imports and simulation\n")
    print("| format | CPU s | peak memory MiB |\n|---|---|---|")
    for name in PICTURES:
        print(f"| {name} | {found[name]['cpu']:.2f} | {found[name]['memory']:.0f} |")


def _print_frames(found: dict[str, dict[str, float]]) -> None:
    print("\nA frame, drawn and written to a GIF, against one of 200 frames, 200 steps and 4 paths\n")
    print("| | CPU ms a frame | ratio | peak memory MiB |\n|---|---|---|---|")
    base = found["200 frames"]
    for name in FRAMES:
        got = found[name]
        print(f"| {name} | {got['frame']:.2f} | {got['frame'] / base['frame']:.2f} | {got['memory']:.0f} |")
    print(f"\nPeak memory at 2,000 frames: {found['2000 frames']['memory'] / base['memory']:.3f} × that at 200")


def _print_views(found: dict[str, dict[str, float]]) -> None:
    print("\nA frame of each view at 1280 × 720, 200 frames, 200 steps and 4 paths, written to a GIF\n")
    print("| view | CPU ms a frame | of the contour's | bytes |\n|---|---|---|---|")
    base = found["contour"]
    for name in (*VIEWS, *ORBITS):
        got = found[name]
        print(f"| {name} | {got['frame']:.2f} | {got['frame'] / base['frame']:.2f} | {got['bytes']:,.0f} |")


def _print_rates(found: dict[str, dict[str, float]], kind: str) -> None:
    """Print what plain loops and gdsim do per CPU second, and the ratio."""
    title, unit, plain, ours = RATES[kind]
    rates = [found[f"{way} {kind}"]["rate"] for way in ("plain", "gdsim")]
    print(f"\n{title}\n\n| way | {unit} / CPU s |\n|---|---|")
    print(f"| plain loop, {plain} | {rates[0]:,.0f} |\n| gdsim, {ours} | {rates[1]:,.0f} |")
    print(f"\n{kind.capitalize()}: {rates[1] / rates[0]:,.2f} ×")


if __name__ == "__main__":
    main()
