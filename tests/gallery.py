"""Draw the small gallery that README shows: `make gallery`."""

from __future__ import annotations

from pathlib import Path

import gdsim

ROOT = Path(__file__).parent.parent
FORMATS = {
    "quickstart": "gif",
    "ravine": "gif",
    "rosenbrock_race": "png",
    "rastrigin_starts": "png",
    "divergence": "png",
    "double_well": "png",
    "typed": "png",
    "parabola": "png",
    "measured": "png",
    "imported": "png",
    "ten_dimensions": "png",
    "cubic": "png",
    "sine": "png",
    "heat": "png",
    "surface": "png",
    "orbit": "png",
    "streamlines": "png",
    "side_by_side": "png",
    "nine": "png",
    "matrix": "png",
    "angle": "png",
    "panels": "png",
    "swarm": "gif",
}
SMALL = ["view.size=[800, 450]", "animation.seconds=5"]


def main() -> None:
    for name, suffix in FORMATS.items():
        experiment = gdsim.load(ROOT / "configs" / f"{name}.yaml", overrides=SMALL, allow_code=True)
        print(gdsim.animate(experiment, ROOT / "outputs" / "gallery" / f"{name}.{suffix}"))


if __name__ == "__main__":
    main()
