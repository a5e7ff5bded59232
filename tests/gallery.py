"""Draw the small gallery that README shows: `make gallery`; it takes Chromium, LibreOffice and Poppler, too."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from selenium.webdriver.common.keys import Keys

import gdsim
from tests.browse import chromium, visit, wait_for
from tests.studio_recording import record

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "outputs" / "gallery"
FORMATS = {
    "quickstart": "gif",
    "momentum_ravine": "gif",
    "compare_rosenbrock": "png",
    "starts_rastrigin": "png",
    "rate_divergence": "png",
    "momentum_double_well": "png",
    "function_typed": "png",
    "function_parabola": "png",
    "function_measured": "png",
    "function_imported": "png",
    "function_ten_dimensions": "png",
    "function_cubic": "png",
    "function_sine": "png",
    "view_heat": "png",
    "view_surface": "png",
    "view_orbit": "png",
    "view_streamlines": "png",
    "compare_side_by_side": "png",
    "compare_nine": "png",
    "compare_matrix": "png",
    "momentum_angle": "png",
    "curvature_adam": "png",
    "curvature_saddle": "png",
    "curvature_edge_of_stability": "png",
    "rate_gradient_flow": "png",
    "noise_ensemble": "png",
    "compare_panels": "png",
    "compare_methods": "png",
    "starts_swarm": "gif",
    "starts_basins": "gif",
    "rate_stability": "png",
    "rate_slider": "gif",
    "rate_tolerance": "png",
    "network_trainability": "gif",
    "network_digits": "gif",
    "network_vanishing": "png",
    "network_saliency": "gif",
    "network_spirals": "png",
    "network_dream": "gif",
}
SCALE = 0.625  # of the sizes of configs


def main() -> None:
    for name, suffix in FORMATS.items():
        print(gdsim.animate(small(name)).save(GALLERY / f"{name}.{suffix}"))
    with TemporaryDirectory() as folder:
        draw_page(Path(folder))
        draw_map_page(Path(folder))
        draw_deck(Path(folder))
        draw_maps(Path(folder))
    print(record(GALLERY / "studio.gif"))


def small(name: str) -> gdsim.Experiment:
    config = ROOT / "configs" / f"{name}.yaml"
    size = [2 * round(SCALE * side / 2) for side in gdsim.load(config, allow_code=True).view.size]
    changes = [f"view.size={size}", "animation.seconds=5", "output.max_bytes=1MB"]
    return gdsim.load(config, overrides=changes, allow_code=True)


def draw_page(folder: Path) -> None:
    """The page that plays, as a browser shows it; its poster is what those see who want no motion."""
    page = gdsim.animate(gdsim.load(ROOT / "configs" / "quickstart.yaml")).save(folder / "page.html")
    look = ["--headless", "--no-sandbox", "--hide-scrollbars", "--force-prefers-reduced-motion"]
    picture = f"--screenshot={GALLERY / 'page.png'}"
    run("chromium", *look, "--window-size=1280,930", "--force-device-scale-factor=0.625", picture, page.as_uri())


def draw_map_page(folder: Path) -> None:
    """The page of a map with the run of a cell, which the keyboard chooses."""
    experiment = gdsim.load(ROOT / "configs" / "rate_stability.yaml", overrides=["sweep.paths=[]"])
    page = gdsim.animate(experiment).save(folder / "map.html")
    with chromium("--hide-scrollbars") as browser:
        visit(browser, page, height=830, reduced_motion="reduce")
        wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
        browser.find_element("css selector", ".map").send_keys(Keys.ARROW_LEFT, Keys.ENTER)
        browser.save_screenshot(str(GALLERY / "map_page.png"))
    with Image.open(GALLERY / "map_page.png") as shot:
        shot.resize((800, round(shot.height * 800 / shot.width)), Image.Resampling.LANCZOS).save(
            GALLERY / "map_page.png"
        )


def draw_deck(folder: Path) -> None:
    """Two pages of a deck, as LibreOffice shows them."""
    configs = [str(ROOT / "configs" / f"{name}.yaml") for name in ("quickstart", "momentum_ravine")]
    run(ROOT / ".venv/bin/gdsim", "slides", *configs, "--video", "--quiet", "-o", folder / "deck.pptx")
    run("soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, folder / "deck.pptx")
    for page, name in ((1, "deck_picture"), (3, "deck_table")):
        run("pdftoppm", "-png", "-r", "60", "-f", page, "-singlefile", folder / "deck.pdf", GALLERY / name)


def draw_maps(folder: Path) -> None:
    """What the convolutional network sees in a digit."""
    config = ROOT / "configs" / "network_saliency.yaml"
    gdsim_run = (ROOT / ".venv/bin/gdsim", "saliency", config, "--set", "view.size=[800, 450]", "--quiet")
    run(*gdsim_run, "--out", folder)
    (folder / "network_saliency" / "network_saliency_saliency.png").replace(GALLERY / "saliency.png")


def run(*words: object) -> None:
    subprocess.run([*map(str, words)], check=True, capture_output=True)


if __name__ == "__main__":
    main()
