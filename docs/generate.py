"""Writes the pages of the site that follow from the code: gallery, keys, commands and functions.

Their texts are in docs/templates. A picture is drawn again only if its config or the catalogue has changed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import config_keys
import numpy as np
import typer
import yaml
from jinja2 import Environment, FileSystemLoader
from matplotlib.image import imsave
from matplotlib.mathtext import math_to_image
from typer.main import get_command

import gdsim
from gdsim.cli.app import COMMANDS, app
from gdsim.cli.examples import TOPICS

DOCS = Path(__file__).parent
CONFIGS = sorted(config_keys.CONFIGS.glob("*.yaml"))


def write_pages() -> None:
    """Write all pages beside their hand-written neighbours."""
    templates = Environment(loader=FileSystemLoader(DOCS / "templates"), keep_trailing_newline=True, autoescape=False)  # noqa: S701
    shown, key_pages = list(examples()), config_keys.pages()
    pages = {f"gallery/{each['name']}": ("example", each) for each in shown}
    pages |= {
        "gallery/index": ("gallery", {"examples": shown, "topics": list(TOPICS.values())}),
        "reference/keys/index": ("keys", {"pages": key_pages}),
        "reference/commands": ("commands", {"commands": list(commands())}),
        "reference/functions": ("functions", {"functions": list(functions())}),
    }
    pages |= {f"reference/keys/{name}": ("key", {"name": name, "sections": each}) for name, each in key_pages.items()}
    for name, (template, context) in pages.items():
        path, text = DOCS / f"{name}.md", templates.get_template(f"{template}.md").render(context)
        path.parent.mkdir(exist_ok=True)
        _write(path, text)


def _write(path: Path, text: str) -> None:
    """Write a file unless it has this text: what is made from it is made again if it is newer."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def draw_pictures(folder: Path) -> None:
    """Draw each config as a poster, a player and a clip, the examples of keys, and each function with its formula."""
    configs, catalog = folder / "gallery", DOCS.parent / "gdsim" / "objectives" / "catalog.py"
    stale = [path for path in CONFIGS if _is_stale(configs / path.stem / f"{path.stem}.webp", path)]
    if stale:
        _gdsim("run", *stale, "--format", "html,png", "--out", configs)
        recordings = [configs / path.stem / f"{path.stem}.npz" for path in stale]
        _gdsim("render", *recordings, "--set", "output.preset=thumb", "--format", "webp", "--out", configs)
        for path in [*configs.glob("*/*.npz"), *configs.glob("*/*.csv")]:
            path.unlink()
    _draw_keys(folder / "keys")
    for name in gdsim.names():
        picture = folder / "functions" / f"{name}.png"
        if _is_stale(picture, catalog):
            view = {"size": [480, 360], "title": "function", "formula": False}
            gdsim.preview(name, view=view).save(picture)
            math_to_image(f"${gdsim.objective(name).formula}$", picture.with_suffix(".svg"), format="svg")


def _draw_keys(folder: Path) -> None:
    """Draw the example of each key that changes the picture, from a config that is written again if it has changed."""
    configs = DOCS / "_build" / "keys"
    configs.mkdir(parents=True, exist_ok=True)
    for name in ("terrain.npy", "my_loss.py"):
        shutil.copy(config_keys.CONFIGS / name, configs)
    imsave(configs / "heights.png", np.load(configs / "terrain.npy"), cmap="gray")
    stale = []
    for key, example in config_keys.examples().items():
        if example["drawn"]:
            name, config = config_keys.file_name(key), example["config"]
            if "preset" not in config.get("output", {}):
                config["view"] = {"size": [480, 270], **config.get("view", {})}
            path, text = configs / f"{name}.yaml", yaml.safe_dump(config, sort_keys=False)
            _write(path, text)
            stale += [path] if _is_stale(folder / name / f"{name}.png", path) else []
    if stale:
        _gdsim("run", *stale, "--format", "png", "--out", folder)
        for path in [*folder.glob("*/*.npz"), *folder.glob("*/*.csv")]:
            path.unlink()


def _is_stale(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def _gdsim(command: str, *arguments: object) -> None:
    words = [sys.executable, "-m", "gdsim", command, *map(str, arguments), "--allow-code", "--quiet"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def examples() -> Iterator[dict[str, Any]]:
    """Yield what the gallery says of each config."""
    for path in CONFIGS:
        text = path.read_text(encoding="utf-8").partition("\n")[2]
        yield {
            "name": path.stem,
            "lesson": text.partition("\n")[0].removeprefix("# "),
            "yaml": text,
            "size": gdsim.load(path, allow_code=True).view.size,
            "topic": TOPICS[path.stem.partition("_")[0]],
            "runs_code": "--allow-code" in text,
        }


def commands() -> Iterator[dict[str, Any]]:
    """Yield what the command line says of each command."""
    group = get_command(app)
    for name, (_, summary) in COMMANDS.items():
        command = group.get_command(typer.Context(group), name)
        with typer.Context(command, info_name=f"gdsim {name}") as context:
            usage = " ".join(command.collect_usage_pieces(context))
            rows = [
                (each.metavar or each.name, each.help) for each in command.params if each.param_type_name == "argument"
            ]
            options = [each for each in command.params if each.param_type_name == "option"]
            rows += [record for each in options if (record := each.get_help_record(context))]
        yield {"name": name, "about": command.help or summary, "usage": usage, "rows": [row for row in rows if row[1]]}


def functions() -> Iterator[dict[str, Any]]:
    """Yield the facts about each function of the catalogue."""
    for name in gdsim.names():
        each = gdsim.objective(name)
        facts = [
            ("Name", each.title),
            ("Minimum", "not known" if each.minimum is None else f"{each.minimum:.10g}"),
            ("At", ", ".join(f"({', '.join(f'{x:.10g}' for x in point)})" for point in each.minima)),
            ("Parameters", ", ".join(f"`{key}: {value:g}`" for key, value in each.parameters.items())),
            ("Source", re.sub(r"([*_])", r"\\\1", each.source)),
        ]
        yield {"name": name, "title": each.title, "formula": each.formula, "facts": [row for row in facts if row[1]]}
