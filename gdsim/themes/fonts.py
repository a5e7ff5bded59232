"""The bundled font, and for letters that it lacks the fonts of the system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from matplotlib.font_manager import FontEntry, FontPath, FontProperties, findSystemFonts, fontManager, get_font

from gdsim.themes.builtin import FONT

# matplotlib's own search for fonts is slow, so the bundled ones are added by their paths.
for _file in sorted(Path(__file__).with_name("inter").glob("*.ttf")):
    fontManager.addfont(_file)

# The beginnings of the names of families that suit the bundled font, best first, on Linux, macOS and Windows.
PREFERRED = ("Noto Sans", "Hiragino Sans", "PingFang", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Arial")
BOXES = "Last Resort"  # the beginning of the name of a font in matplotlib that draws a box for each character
CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH", "IDEOGRAPHIC", "BOPOMOFO")
LANGUAGES = {"HANGUL": "KR", "HIRAGANA": "JP", "KATAKANA": "JP"}
"""The ends of the names of fonts by script: Chinese, Japanese and Korean share characters, but not their shapes."""

UNDRAWN = ("Cc", "Cf", "Zl", "Zp", "Zs")  # the Unicode categories of characters that need no glyph


@lru_cache(1024)
def font_families(font: str, words: str = "") -> tuple[str, ...]:
    """Return the families from which a text is drawn, best first: `font`, the bundled ones, and those of the system.

    A system font is added only if the others lack a letter.
    """
    families = tuple(dict.fromkeys((font, FONT, "DejaVu Sans")))
    lacking = _lacking(families, words)
    while lacking and (family := _system_family(lacking)):
        families = (*families, family)
        lacking = _lacking(families, lacking)
    return families


def missing_letters(font: str, words: str) -> str:
    """Return the characters of a text that no installed font has, without duplicates."""
    return _lacking(font_families(font, words), words)


def fonts_to_install(letters: str) -> tuple[str, ...]:
    """Return the names of free fonts that have some letters."""
    scripts = dict.fromkeys(map(_script, letters))
    return tuple(f"Noto Sans {script if script in ('CJK', 'Symbols') else script.title()}" for script in scripts)


def _script(letter: str) -> str:
    """Return the script of a letter as in the names of Noto fonts, but for capitals."""
    script = unicodedata.name(letter, "").partition(" ")[0]
    if not unicodedata.category(letter).startswith(("L", "M", "N")) and script not in CJK:
        return "Symbols"
    return "CJK" if script in CJK else script


def _lacking(families: tuple[str, ...], words: str) -> str:
    """Return the characters of a text for which none of the families has a glyph, without duplicates."""
    if words.isascii():
        return ""
    fonts = [get_font(fontManager.findfont(FontProperties(family=[family]))) for family in families]
    drawn = (each for each in dict.fromkeys(words) if unicodedata.category(each) not in UNDRAWN)
    return "".join(each for each in drawn if not any(font.get_char_index(ord(each)) for font in fonts))


@lru_cache
def _system_family(letters: str) -> str | None:
    """Return the family that has most of some letters; of several, the one that suits the bundled font best."""
    best, most = None, 0
    for entry in _candidates(letters):
        font = get_font(FontPath(entry.fname, entry.index))
        count = sum(font.get_char_index(ord(letter)) > 0 for letter in letters)
        if count > most:
            best, most = entry.name, count
        if most == len(letters):
            break
    return best


def _candidates(letters: str) -> Iterator[FontEntry]:
    """Yield one font per installed family, the most suitable first; then those that were installed recently."""
    scripts = [_script(letter) for letter in letters]
    names = " ".join(unicodedata.name(letter, "") for letter in letters)
    language = next((code for script, code in LANGUAGES.items() if script in names), "SC")

    def rank(entry: FontEntry) -> tuple[bool, bool, int, bool]:
        begins = [entry.name.startswith(each) for each in PREFERRED]
        script = any(each in entry.name.upper().split() for each in scripts)
        preferred = begins.index(True) if any(begins) else len(begins)
        return not script, "Mono" in entry.name, preferred, not entry.name.endswith(language)

    for known in (set(), {entry.fname for entry in fontManager.ttflist}):
        # matplotlib's list is from the day when it was first imported.
        for path in findSystemFonts() if known else ():
            if path not in known:
                fontManager.addfont(path)
        upright = (each for each in fontManager.ttflist if each.fname not in known and each.style == "normal")
        families = {entry.name: entry for entry in upright if Path(entry.fname).is_file() and BOXES not in entry.name}
        yield from sorted(families.values(), key=rank)
