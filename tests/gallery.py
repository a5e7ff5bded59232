"""Draw the small gallery that README shows: `make gallery`; it takes Chromium, LibreOffice and Poppler, too."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import gdsim
from tests.studio_recording import record

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "outputs" / "gallery"
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
    "adam_inside": "png",
    "saddle_curvature": "png",
    "edge_of_stability": "png",
    "gradient_flow": "png",
    "noise_ensemble": "png",
    "panels": "png",
    "mathematics": "png",
    "swarm": "gif",
    "basins": "gif",
    "stability": "png",
    "learning_rates": "gif",
    "tolerance": "png",
    "trainability": "gif",
    "digits_mlp": "gif",
    "vanishing": "png",
    "cnn_saliency": "gif",
    "spirals": "png",
    "dreamed_digit": "gif",
}
SMALL = ["view.size=[800, 450]", "animation.seconds=5"]


def main() -> None:
    for name, suffix in FORMATS.items():
        experiment = gdsim.load(ROOT / "configs" / f"{name}.yaml", overrides=SMALL, allow_code=True)
        print(gdsim.animate(experiment).save(GALLERY / f"{name}.{suffix}"))
    with TemporaryDirectory() as folder:
        draw_page(Path(folder))
        draw_deck(Path(folder))
        draw_maps(Path(folder))
    print(record(GALLERY / "studio.gif"))


def draw_page(folder: Path) -> None:
    """The page that plays, as a browser shows it; its poster is what those see who want no motion."""
    page = gdsim.animate(gdsim.load(ROOT / "configs" / "quickstart.yaml")).save(folder / "page.html")
    look = ["--headless", "--no-sandbox", "--hide-scrollbars", "--force-prefers-reduced-motion"]
    picture = f"--screenshot={GALLERY / 'page.png'}"
    run("chromium", *look, "--window-size=1280,930", "--force-device-scale-factor=0.625", picture, page.as_uri())


def draw_deck(folder: Path) -> None:
    """Two pages of a deck, as LibreOffice shows them."""
    configs = [str(ROOT / "configs" / f"{name}.yaml") for name in ("quickstart", "ravine")]
    run(ROOT / ".venv/bin/gdsim", "slides", *configs, "--video", "--quiet", "-o", folder / "deck.pptx")
    run("soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, folder / "deck.pptx")
    for page, name in ((1, "deck_picture"), (3, "deck_table")):
        run("pdftoppm", "-png", "-r", "60", "-f", page, "-singlefile", folder / "deck.pdf", GALLERY / name)


def draw_maps(folder: Path) -> None:
    """What the convolutional network sees in a digit."""
    config = ROOT / "configs" / "cnn_saliency.yaml"
    gdsim_run = (ROOT / ".venv/bin/gdsim", "saliency", config, "--set", "view.size=[800, 450]", "--quiet")
    run(*gdsim_run, "--out", folder)
    (folder / "cnn_saliency" / "cnn_saliency_saliency.png").replace(GALLERY / "saliency.png")


def run(*words: object) -> None:
    subprocess.run([*map(str, words)], check=True, capture_output=True)


if __name__ == "__main__":
    main()
