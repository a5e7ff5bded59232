"""Tests of fonts: digits of equal width, signs of mathematics, and letters that only fonts of the system have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from matplotlib._mathtext import Parser
from matplotlib.font_manager import get_font_names

import gdsim
from gdsim.render.animation import Frames
from gdsim.scene.build import build_scene
from gdsim.themes import THEMES, fonts

FILES = sorted((Path(fonts.__file__).parent / "inter").glob("*.ttf"))
SIGNS = "−×·±≤≥≈∞√′…–—²³⁹⁻⁰½αβγθλΩω∇∂∑→←↑↓↗↘ßéŐžЖяїΆ"


def frames(text: str) -> Frames:
    experiment = gdsim.loads(text)
    return gdsim.frames(build_scene(gdsim.simulate(experiment), view=experiment.view))


def lacks(words: str) -> bool:
    return bool(fonts.missing_letters(THEMES["light"].font, words))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_bundled_fonts_have_tabular_digits_and_signs_of_mathematics(file: Path) -> None:
    font = TTFont(file)
    glyphs = font.getBestCmap()
    assert len({font["hmtx"][glyphs[ord(digit)]][0] for digit in "0123456789"}) == 1
    assert [sign for sign in SIGNS if ord(sign) not in glyphs] == []
    assert (file.parent / "LICENSE").read_text().count("SIL Open Font License") > 0


def test_digits_are_equally_wide_in_a_picture() -> None:
    canvas = frames("{objective: sphere, steps: 3, optimizers: {SGD: {lr: 0.1}}}").canvas
    for bold in (False, True):
        widths = [canvas.width_of(first + second, 1.0, bold=bold) for first in "0123456789" for second in "0123456789"]
        assert max(widths) - min(widths) < 0.25


def test_a_formula_is_typeset_once_for_all_pictures_of_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    found, parse = list[str](), Parser.parse
    monkeypatch.setattr(
        Parser, "parse", lambda self, formula, *args: found.append(formula) or parse(self, formula, *args)
    )

    def parsed(theme: str) -> list[str]:
        found.clear()
        view = f"{{size: [360, 360], theme: {theme}}}"
        frames(f"{{objective: x^2 + 3y^2 + 0.125, start: [1, 1], steps: 3, optimizers: {{SGD: }}, view: {view}}}")
        return list(found)

    assert parsed("light") != parsed("dark") == []


def test_all_letters_of_a_picture_are_looked_up() -> None:
    optimizers = "{SGD \U0010fffc\U0010fffd: {class: SGD, lr: 0.1}}"
    text = f"{{objective: sphere, steps: 3, view: {{title: \U0010fffd}}, optimizers: {optimizers}}}"
    assert sorted(frames(text).missing) == ["\U0010fffc", "\U0010fffd"]


@pytest.mark.parametrize(
    ("letters", "families"),
    [
        ("日本", ("Noto Sans CJK",)),
        ("アか가、", ("Noto Sans CJK",)),
        ("नب", ("Noto Sans Devanagari", "Noto Sans Arabic")),
        ("🂡", ("Noto Sans Symbols",)),
    ],
)
def test_fonts_to_install_follow_the_script(letters: str, families: tuple[str, ...]) -> None:
    assert fonts.fonts_to_install(letters) == families


@pytest.mark.parametrize("words", ["梯度下降", "勾配こうか", "경사하강", "हिन्दी", "𐎀"])
def test_a_font_of_the_system_is_used_if_one_has_the_letters(words: str) -> None:
    extra = fonts.font_families("DejaVu Serif", words)[3:]
    if not extra:
        pytest.skip(f"no installed font has {words}")
    assert not lacks(words)
    assert extra[0] in get_font_names()
    assert fonts.font_families("DejaVu Serif", "plain text")[0] == "DejaVu Serif"
    if extra[0].startswith("Noto Sans CJK"):
        assert extra[0][-2:] == {"梯": "SC", "勾": "JP", "경": "KR"}[words[0]]


def test_arabic_and_hebrew_need_no_further_font() -> None:
    assert not lacks("تدرج ירידה")


def test_adding_the_fonts_takes_no_time() -> None:
    timed = "began = time.perf_counter(); import gdsim.themes.fonts; print(time.perf_counter() - began)"
    code = f"import time, matplotlib.font_manager, gdsim.themes; {timed}"
    seconds = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(seconds) < 0.1
