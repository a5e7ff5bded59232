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

from tests.benchmarks import whole
from tests.benchmarks.work import ORBITS, VIEWS, WORK

ROUNDS = 3

PICTURES = ("GIF", "MP4")
FRAMES = ("200 frames", "1600 frames", "2000 frames", "20000 steps", "96 paths")
DESCENTS = ("plain loop", "gdsim descent")
TUNINGS = ("plain tuning", "gdsim tuning")
SWEEPS = ("plain sweep", "gdsim sweep")
TRAININGS = ("plain training", "gdsim training", "plane")


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
    _print_descents(found)
    _print_tunings(found)
    _print_sweeps(found)
    _print_trainings(found)


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


def _print_descents(found: dict[str, dict[str, float]]) -> None:
    plain, ours = found["plain loop"]["rate"], found["gdsim descent"]["rate"]
    print("\nAdam on Rosenbrock's function, start-steps a CPU second, everything recorded\n")
    print("| way | start-steps / s |\n|---|---|")
    print(f"| plain loop, one start | {plain:,.0f} |\n| gdsim, 10,000 starts × 200 steps | {ours:,.0f} |")
    print(f"\nDescent: {ours / plain:,.0f} ×")


def _print_tunings(found: dict[str, dict[str, float]]) -> None:
    plain, ours = found["plain tuning"]["rate"], found["gdsim tuning"]["rate"]
    print("\n8 optimizers × 41 learning rates × 32 starts × 300 steps on Rosenbrock's function\n")
    print("| way | start-steps / CPU s |\n|---|---|")
    print(f"| plain loop, a sample of 48 | {plain:,.0f} |\n| gdsim, all, the table included | {ours:,.0f} |")
    print(f"\nTuning: {ours / plain:,.0f} ×")


def _print_sweeps(found: dict[str, dict[str, float]]) -> None:
    plain, ours = found["plain sweep"]["rate"], found["gdsim sweep"]["rate"]
    print("\nSGD with 512 learning rates × 512 momenta, 100 steps, on Himmelblau's function\n")
    print("| way | cell-steps / CPU s |\n|---|---|")
    print(f"| plain loop, a sample of 64 | {plain:,.0f} |\n| gdsim, all, with figures and checks | {ours:,.0f} |")
    print(f"\nSweep: {ours / plain:,.0f} ×")


def _print_trainings(found: dict[str, dict[str, float]]) -> None:
    plain, ours = found["plain training"]["rate"], found["gdsim training"]["rate"]
    print("\nAdam on an MLP of 9,610 weights, mini-batches of 64 of 1,797 images\n")
    print("| way | steps / CPU s |\n|---|---|")
    print(f"| plain loop, nothing recorded | {plain:,.0f} |\n| gdsim, everything recorded | {ours:,.0f} |")
    print(f"\nTraining: {ours / plain:.2f} ×; its plane, 51 × 51 losses: {found['plane']['cpu']:.1f} CPU s")


if __name__ == "__main__":
    main()
