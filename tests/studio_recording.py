"""Record the studio while somebody uses it, as the GIF that README shows: `python -m tests.studio_recording`."""

from __future__ import annotations

import math
import shutil
import time
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from gdsim import encode
from tests.browse import StudioPage, chromium, serving
from tests.test_encode import Pictures

ROOT = Path(__file__).parent.parent
SIZE = {"width": 1120, "height": 780}
FPS = 20

POINTER = """
const pointer = document.body.appendChild(document.createElement("div"));
pointer.id = "pointer";
pointer.popover = "manual";
pointer.showPopover();
Object.assign(pointer.style, {
  inset: "auto", margin: 0, padding: 0, border: 0, width: "13px", height: "19px", background: "#111",
  clipPath: "polygon(0 0, 0 86%, 28% 66%, 46% 100%, 66% 92%, 48% 60%, 88% 60%)",
  filter: "none", pointerEvents: "none",
});
"""


class Recorder:
    """The pointer of somebody who uses a page, and what the page shows meanwhile."""

    def __init__(self, page: StudioPage) -> None:
        self.page, self.frames, self.place = page, [], (560.0, 400.0)
        self.text = page.text
        page.run(POINTER)

    def shoot(self, count: int = 1) -> None:
        """Add what the page shows now, for a number of frames."""
        shot = self.page.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        picture = np.asarray(Image.open(BytesIO(b64decode(shot["data"]))).convert("RGB"))
        self.frames += [picture] * count

    def mouse(self, kind: str, x: float, y: float, *, held: bool) -> None:
        button = {"button": "left" if held else "none", "buttons": int(held), "clickCount": 1}
        event = {"type": kind, "x": x, "y": y, **button}
        self.page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
        self.page.run(
            "const { style } = pointer; pointer.hidePopover(); pointer.showPopover();"
            "[style.left, style.top] = arguments.length ? [`${arguments[0]}px`, `${arguments[1]}px`] : [];",
            x,
            y,
        )
        self.place = x, y

    def move(self, x: float, y: float, frames: int = 10, *, held: bool = False) -> None:
        """Move the pointer in a straight line, slowly at both ends."""
        (left, top) = self.place
        for frame in range(1, frames + 1):
            share = (1 - math.cos(math.pi * frame / frames)) / 2
            self.mouse("mouseMoved", left + share * (x - left), top + share * (y - top), held=held)
            time.sleep(0.08)
            self.shoot()

    def press(self) -> None:
        self.mouse("mousePressed", *self.place, held=True)

    def release(self) -> None:
        self.mouse("mouseReleased", *self.place, held=True)

    def click(self, selector: str) -> None:
        self.move(*self.center(selector))
        self.press()
        self.release()
        time.sleep(0.2)
        self.shoot(4)

    def type(self, text: str) -> None:
        for letter in text:
            self.page.press(letter)
            time.sleep(0.05)
            self.shoot()

    def center(self, selector: str) -> tuple[float, float]:
        self.page.run("arguments[0].scrollIntoView({ block: 'nearest' })", self.page.one(selector))
        box = self.page.one(selector).rect
        scrolled = self.page.run("return [scrollX, scrollY]")
        return box["x"] - scrolled[0] + box["width"] / 2, box["y"] - scrolled[1] + box["height"] / 2

    def rest(self, frames: int) -> None:
        """Wait until the picture of another config is drawn, and show it for some frames."""
        self.page.until(lambda: self.page.text != self.text)
        self.text = self.page.text
        self.page.until(lambda: self.page.run("return studio.newest.drawing >= studio.asked"), 60)
        time.sleep(3)  # its background is decoded
        self.shoot(frames)


class Recording(Pictures):
    """Frames whose palette is that of all of them, with the colors of large areas as they are."""

    def __init__(self, frames: list[np.ndarray]) -> None:
        super().__init__(frames.__getitem__, len(frames), np.empty((0, 3), np.uint8))
        codes, counts = np.unique(self.poster() @ np.array([1 << 16, 1 << 8, 1]), return_counts=True)
        common = codes[np.argsort(counts)[-24:]]
        self.colors = np.stack([common >> 16, common >> 8 & 255, common & 255], 1).astype(np.uint8)

    @property
    def size(self) -> tuple[int, int]:
        return SIZE["width"], SIZE["height"]

    def poster(self) -> np.ndarray:
        return np.concatenate([self.draw(index) for index in range(0, self.count, 20)])


def use(recorder: Recorder) -> None:
    """Drag the start, change a learning rate, add an optimizer and take another function."""
    recorder.shoot(6)
    view = recorder.page.one(".stage .view").rect
    x, y = recorder.center(".stage .start")
    recorder.move(x, y)
    recorder.press()
    for share in np.linspace(0, 1, 56):
        across, down = 0.3 * math.sin(1.5 * math.pi * share), 0.52 * math.sin(0.75 * math.pi * share)
        recorder.mouse("mouseMoved", x + across * view["width"], y + down * view["height"], held=True)
        time.sleep(0.08)
        recorder.shoot()
    recorder.release()
    recorder.rest(16)

    slider = 'input[type=range][data-path=\'["optimizers","Momentum","momentum"]\']'
    x, y = recorder.center(slider)
    thumb = recorder.page.run("return arguments[0].value / arguments[0].max", recorder.page.one(slider))
    width = recorder.page.one(slider).rect["width"] - 15
    x += (thumb - 0.5) * width
    recorder.move(x, y)
    recorder.press()
    recorder.move(x - thumb * width, y, 22, held=True)
    recorder.move(x + 0.12 * width, y, 26, held=True)
    recorder.release()
    recorder.rest(16)

    recorder.click("[data-action=add-optimizer]")
    recorder.type("lbfgs")
    recorder.shoot(4)
    recorder.page.press("ENTER")
    recorder.rest(20)

    recorder.click("[data-action=catalog]")
    recorder.type("camel")
    recorder.shoot(6)
    recorder.click(".choice")
    recorder.rest(40)


def record(path: Path) -> Path:
    """Record the studio, and write the GIF."""
    with chromium("--hide-scrollbars") as browser, TemporaryDirectory() as folder:
        shutil.copy(ROOT / "configs" / "quickstart.yaml", folder)
        with serving(folder, "quickstart.yaml") as address:
            page = StudioPage(browser)
            page.open(address, **SIZE, color_scheme="light")
            recorder = Recorder(page)
            use(recorder)
    return encode.write(Recording(recorder.frames), path, fps=FPS, hold=1)


if __name__ == "__main__":
    print(record(ROOT / "outputs" / "gallery" / "studio.gif"))
