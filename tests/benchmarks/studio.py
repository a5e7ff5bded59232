"""Measure the time from a movement of the pointer to the first new segment on the screen of `gdsim studio`.

The page itself measures it, in headless Chromium: from the time stamp of the event to the moment at which the frame
that shows the segment has been painted.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.browse import StudioPage, chromium, serving

EVENTS, PER_SECOND = 240, 60

THREE = """\
objective: himmelblau
start: [-0.5, 4.2]
steps: 150
optimizers:
  SGD: {lr: 0.01}
  Momentum: {class: SGD, lr: 0.01, momentum: 0.9}
  Adam: {lr: 0.3}
"""
TEN = f"""{THREE}\
  RMSprop: {{lr: 0.1}}
  Adagrad: {{lr: 1}}
  Adamax: {{lr: 0.1}}
  NAdam: {{lr: 0.1}}
  RAdam: {{lr: 0.3}}
  AdamW: {{lr: 0.1}}
  Adadelta: {{lr: 10}}
"""
CONFIGS = {
    "3 optimizers × 150 steps": THREE,
    "10 optimizers × 150 steps": TEN,
    "3 optimizers × 150 steps × 100 starts": THREE.replace("[-0.5, 4.2]", "{grid: [10, 10]}"),
}


def measure(config: str) -> list[float]:
    """Drag a start across the picture, and return the times in milliseconds, one for each segment that was shown."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        Path(folder, "config.yaml").write_text(config)
        with serving(folder, "config.yaml") as address:
            page = StudioPage(browser)
            page.open(address, width=1440, height=900)
            time.sleep(3)  # the drawing is at rest
            box = page.one(".stage .start").rect
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            send(browser, "mousePressed", x, y)
            began = time.monotonic()
            for event in range(1, EVENTS + 1):
                send(browser, "mouseMoved", x + 0.8 * event, y + event)
                time.sleep(max(0.0, began + event / PER_SECOND - time.monotonic()))
            found = page.run("return performance.getEntriesByName('segment').map(({ duration }) => duration)")
            send(browser, "mouseReleased", x + 0.8 * EVENTS, y + EVENTS)
    return [float(each) for each in found]


def send(browser, kind: str, x: float, y: float) -> None:
    event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def print_table() -> None:
    """Print percentiles for each config as Markdown."""
    print("\nFrom a movement of the pointer to the first new segment on the screen of the studio, ms\n")
    print("| dragged | segments | minimum | median | 90 % | 95 % | 99 % | maximum |\n|---|---|---|---|---|---|---|---|")
    for name, config in CONFIGS.items():
        found = measure(config)
        cuts = statistics.quantiles(found, n=100, method="inclusive")
        shown = [min(found), *(cuts[percent - 1] for percent in (50, 90, 95, 99)), max(found)]
        print(f"| {name} | {len(found)} | {' | '.join(f'{each:.0f}' for each in shown)} |", flush=True)


if __name__ == "__main__":
    print_table()
