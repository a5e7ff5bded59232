"""Themes: legibility, colour blindness, style sheets and custom themes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from itertools import combinations

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

import gdsim
from gdsim.errors import InputError
from gdsim.themes import DASHES, MARKERS, STROKE, THEMES, TYPE, Theme, names, theme

SHEETS = tuple(name for name in mpl.style.available if not name.startswith("_"))

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""Linear sRGB to CIE XYZ for daylight D65 (IEC 61966-2-1)."""

SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
"""What is seen of linear sRGB, after Machado, Oliveira and Fernandes (2009), severity 1."""


def linear(color: str) -> np.ndarray:
    levels = np.array(to_rgb(color))
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def lab(color: str, sight: str) -> np.ndarray:
    """CIELAB of a colour as one sees it."""
    xyz = TO_XYZ @ np.clip(SIGHT[sight] @ linear(color), 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, other: str, sight: str) -> float:
    """ΔE (1976): about 2 can just be told side by side; 10 can be told across a picture."""
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))


def contrast(one: str, other: str) -> float:
    dark, bright = sorted(float(TO_XYZ[1] @ linear(color)) for color in (one, other))
    return (bright + 0.05) / (dark + 0.05)


def colors(look: Theme) -> list[str]:
    single = [value for value in vars(look).values() if isinstance(value, str) and value.startswith("#")]
    return [*single, *look.field, *look.paths]


def thin(look: Theme) -> tuple[str, str]:
    """The colours of the level lines and arrows on a field."""
    return look.level_line, look.arrow


each_sight = pytest.mark.parametrize("sight", SIGHT)
each_of_ours = pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)
each_of_all = pytest.mark.parametrize("name", [*THEMES, *SHEETS])


# --- ours, to every eye


@each_sight
@each_of_ours
def test_any_two_of_the_first_eight_paths_can_be_told_apart(look: Theme, sight: str) -> None:
    count = len(look.paths)
    styles = [(look.paths[i], DASHES[(i + i // count) % len(DASHES)], MARKERS[i % len(MARKERS)]) for i in range(8)]
    for (one, *form), (other, *other_form) in combinations(styles, 2):
        differ_in_form = all(a != b for a, b in zip(form, other_form, strict=True))
        assert apart(one, other, sight) >= 10 or differ_in_form, (one, other)


@each_sight
@each_of_ours
def test_any_two_of_the_first_eight_paths_can_be_told_apart_by_colour_alone(look: Theme, sight: str) -> None:
    # Measured: light 17.0, dark 17.0, slide 14.9, each under deuteranopia; 20 and 15 under protanopia.
    assert min(apart(one, other, sight) for one, other in combinations(look.paths[:8], 2)) >= 14


@each_sight
@each_of_ours
def test_any_two_of_the_first_four_paths_differ_clearly_by_colour_alone(look: Theme, sight: str) -> None:
    # Measured: light 17.9, dark 17.0, slide 16.3, each under deuteranopia; 35 and more to most eyes.
    assert min(apart(one, other, sight) for one, other in combinations(look.paths[:4], 2)) >= 16


@each_sight
@each_of_ours
def test_arrows_of_a_falling_and_of_a_rising_curve_differ_from_each_other_and_from_every_path(
    look: Theme, sight: str
) -> None:
    # Measured: at least 53 from each other; from the paths 23 to most eyes, 10.4 to colour-blind ones.
    assert apart(look.falling, look.rising, sight) >= 50
    nearest = min(apart(arrow, path, sight) for arrow in (look.falling, look.rising) for path in look.paths)
    assert nearest >= (20 if sight == "normal" else 10)


@each_of_ours
def test_arrows_of_a_curve_are_quieter_than_the_paths_and_seen_on_the_page_and_on_the_fill(look: Theme) -> None:
    chroma = {color: float(np.hypot(*lab(color, "normal")[1:])) for color in (look.falling, look.rising, *look.paths)}
    vivid = float(np.median([chroma[path] for path in look.paths[:6]]))
    for arrow in (look.falling, look.rising):
        assert chroma[arrow] < vivid
        # The casing separates an arrow from the colors of the fill that are similar.
        assert min(contrast(arrow, ground) for ground in (look.page, look.panel, look.casing)) >= 3
        assert min(contrast(arrow, fill) for fill in look.curve_fill) >= 2
        assert min(contrast(look.quiet, fill) for fill in look.curve_fill[:2]) >= 3


@each_sight
@each_of_ours
def test_any_two_of_ten_paths_can_be_told_apart_by_colour_alone(look: Theme, sight: str) -> None:
    assert len(look.paths) == 10
    # Measured: light 11.2, dark 12.4; 22 and more to most eyes.
    assert min(apart(*pair, sight) for pair in combinations(look.paths, 2)) >= (20 if sight == "normal" else 11)


def test_paths_of_the_slide_theme_stand_out_from_the_last_row() -> None:
    look = THEMES["slide"]
    assert min(contrast(path, look.page) for path in look.paths) >= 4.5


def test_the_slide_theme_is_bolder_and_larger_than_light_and_of_more_contrast() -> None:
    slide, light = THEMES["slide"], THEMES["light"]
    assert slide.stroke > light.stroke
    assert slide.type > light.type
    for role in ("text", "quiet", "level_line", "arrow"):
        assert contrast(getattr(slide, role), slide.page) > contrast(getattr(light, role), light.page)


@each_of_ours
def test_levels_rise_evenly_and_in_one_direction(look: Theme) -> None:
    lightness = np.array([lab(color, "normal")[0] for color in look.field])
    steps = np.diff(lightness)
    assert np.all(steps > 0) or np.all(steps < 0)
    assert np.abs(steps).max() / np.abs(steps).min() < 2.2
    assert np.ptp(lightness) >= 50


@each_of_ours
def test_the_lowest_level_is_cream_and_the_brightest(look: Theme) -> None:
    lightness, redness, yellowness = lab(look.field[0], "normal")
    assert lightness == max(lab(color, "normal")[0] for color in look.field) >= 94
    assert abs(redness) < yellowness > 3


# --- every theme by name


def test_names_are_ours_then_every_style_sheet_that_matplotlib_offers() -> None:
    assert names()[: len(THEMES)] == tuple(THEMES) == ("light", "dark", "slide")
    assert sorted(names()[len(THEMES) :]) == sorted(SHEETS)


def test_names_and_our_own_themes_do_without_matplotlib() -> None:
    source = "import sys; from gdsim.themes import names, theme; names(); theme('slide'); theme({'page': '#000000'}); "
    done = subprocess.run(
        [sys.executable, "-c", source + "print('ggplot' in names(), 'matplotlib' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "False"]


@each_of_all
def test_every_theme_can_be_read(name: str) -> None:
    look = theme(name)
    assert all(len(color) == 7 and int(color[1:], 16) >= 0 for color in colors(look))
    assert contrast(look.text, look.page) >= 4.5
    assert contrast(look.quiet, look.page) >= 3
    assert contrast(look.grid, look.panel) >= 1.08
    assert min(contrast(look.on(level, color, 2.5), level) for level in look.field for color in thin(look)) >= 2.5
    # A star may be as bright as its level, from which its casing then separates it.
    assert min(max(contrast(star, level) for star in (look.minimum, look.casing)) for level in look.field[:2]) >= 3
    assert min(contrast(path, look.casing) for path in look.paths) >= 4.5
    assert STROKE[0] <= look.stroke <= STROKE[1]
    assert TYPE[0] <= look.type <= TYPE[1]


@pytest.mark.parametrize("name", SHEETS)
def test_every_style_sheet_gives_paths_and_arrows_that_are_seen(name: str) -> None:
    look = theme(name)
    assert len(set(look.paths)) == len(look.paths) >= 4
    assert min(contrast(path, look.panel) for path in look.paths) >= 3
    assert min(contrast(arrow, fill) for arrow in (look.falling, look.rising) for fill in look.curve_fill) >= 2
    assert min(apart(look.falling, look.rising, sight) for sight in SIGHT) >= 20


def test_a_style_sheet_keeps_its_own_look() -> None:
    look = theme("ggplot")
    assert (look.page, look.panel, look.quiet, look.grid) == ("#ffffff", "#e5e5e5", "#555555", "#ffffff")
    # Darkened to a contrast of 4.5 : 1, from 3.9 and 3.8.
    assert max(apart(*pair, "normal") for pair in zip(look.paths, ("#e24a33", "#348abd"), strict=False)) < 12
    assert theme("Solarize_Light2").page == "#fdf6e3"
    assert theme("dark_background").paths[0] == "#8dd3c7"


@pytest.mark.parametrize(
    ("name", "stroke", "size"),
    [("classic", 1 / 1.5, 1.2), ("fivethirtyeight", 2.0, 1.4), ("seaborn-v0_8-talk", 2.275 / 1.5, 1.3), ("fast", 1, 1)],
)
def test_a_style_sheet_sets_the_width_of_lines_and_the_size_of_type(name: str, stroke: float, size: float) -> None:
    look = theme(name)
    assert (look.stroke, look.type) == (pytest.approx(stroke), pytest.approx(size))


def test_a_colour_map_counts_only_where_the_sheet_itself_sets_it() -> None:
    assert np.ptp([lab(color, "normal")[1] for color in theme("classic").field]) > 20
    assert theme("fast").field == THEMES["light"].field


def test_a_style_sheet_is_the_same_whatever_the_settings_of_the_day_say() -> None:
    before = theme("fast")
    with mpl.rc_context({"figure.facecolor": "red", "font.size": 30, "text.color": "blue"}):
        assert theme("fast") == before
    assert mpl.rcParams["figure.facecolor"] == mpl.rcParamsDefault["figure.facecolor"]


def test_a_font_is_one_that_is_installed() -> None:
    from matplotlib.font_manager import get_font_names

    assert {theme(name).font for name in names()} <= set(get_font_names())


@pytest.mark.parametrize("name", ["drak", "../light", "_mpl-gallery", ""])
def test_an_unknown_theme_is_an_error(name: str) -> None:
    with pytest.raises(InputError) as caught:
        theme(name)
    assert (caught.value.code, caught.value.key) == ("unknown-name", ())


def test_a_mistyped_theme_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"'ggplot'"):
        theme("gplot")


# --- custom themes

hex_colors = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(
    base=st.sampled_from(tuple(THEMES)),
    values=st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(["page", "text", "quiet", "grid", "panel", "arrow", "falling", "casing"], hex_colors),
            "field": st.lists(hex_colors, min_size=2, max_size=9),
            "paths": st.lists(hex_colors, min_size=1, max_size=9, unique=True),
            "stroke": st.floats(*STROKE),
            "type": st.floats(*TYPE),
        },
    ),
)
def test_what_is_given_is_taken_as_it_stands(base: str, values: dict[str, object]) -> None:
    look = theme({"base": base, **values})
    for key, value in values.items():
        assert getattr(look, key) == (tuple(value) if isinstance(value, list) else value)
    followers = {"page": {"panel"}, "field": {"minimum", "falling", "rising"}}
    free = {"summary", *values, *(follower for key in values for follower in followers.get(key, ()))}
    for field in fields(Theme):
        assert field.name in free or getattr(look, field.name) == getattr(THEMES[base], field.name)


def test_an_empty_theme_of_ones_own_is_light_but_for_its_summary() -> None:
    assert replace(theme({}), summary="") == replace(THEMES["light"], summary="")


def test_a_base_may_be_a_style_sheet() -> None:
    look = theme({"base": "ggplot", "stroke": 1.5, "font": "DejaVu Serif"})
    assert (look.paths, look.stroke, look.font) == (theme("ggplot").paths, 1.5, "DejaVu Serif")


def test_short_colours_and_capitals_are_normalised() -> None:
    look = gdsim.loads(config({"page": "#0aF", "paths": ["#ABCDEF"]})).view.theme
    assert (look.page, look.paths) == ("#00aaff", ["#abcdef"])


def test_a_field_may_be_a_colour_map() -> None:
    ends = theme({"field": "viridis"}).field
    assert len(ends) == 5
    assert ends[0] == "#440154"
    assert ends[-1] == "#fde725"


@pytest.mark.parametrize("name", ["viridis", "magma", "Blues", "Greys", "gray", "coolwarm"])
@pytest.mark.parametrize("base", THEMES)
def test_stars_follow_a_field(base: str, name: str) -> None:
    look = theme({"base": base, "field": name})
    assert min(contrast(look.minimum, level) for level in look.field[:2]) >= 2


@pytest.mark.parametrize("name", ["viridis", "gray"])
@pytest.mark.parametrize("base", THEMES)
def test_level_lines_and_arrows_follow_a_field_all_the_way(base: str, name: str) -> None:
    look = theme({"base": base, "field": name})
    assert min(contrast(look.on(level, color, 2.5), level) for level in look.field for color in thin(look)) >= 2.5


def test_panels_follow_a_page_where_they_were_alike() -> None:
    assert theme({"base": "dark", "page": "#000000"}).panel == "#000000"
    assert theme({"base": "dark", "page": "#000000", "panel": "#111111"}).panel == "#111111"
    assert theme({"base": "ggplot", "page": "#fafafa"}).panel == "#e5e5e5"


def test_colours_have_names() -> None:
    view = gdsim.loads(config({"page": "white", "paths": ["red", "tab:blue", "DarkGreen"]})).view
    assert view.theme.page == "#ffffff"
    assert view.theme.paths == ["#ff0000", "#1f77b4", "#006400"]


def config(theme: dict[str, object]) -> str:
    view = json.dumps({"theme": theme})
    return f"{{objective: beale, steps: 1, optimizers: {{SGD: {{lr: 0.01}}}}, view: {view}}}"


@pytest.mark.parametrize(
    ("mistake", "key"),
    [
        ({"base": "drak"}, ("base",)),
        ({"pages": "#fff"}, ("pages",)),
        ({"summary": "mine"}, ("summary",)),
        ({"page": "whitee"}, ("page",)),
        ({"page": "#12345"}, ("page",)),
        ({"page": "#ffffff\n"}, ("page",)),
        ({"page": 255}, ("page",)),
        ({"paths": "#ffffff"}, ("paths",)),
        ({"paths": []}, ("paths",)),
        ({"paths": ["#fff", "redd"]}, ("paths", 1)),
        ({"paths": ["#f00", "red"]}, ("paths",)),
        ({"paths": ["#fff", "#000", "#FFFFFF"]}, ("paths",)),
        ({"field": ["#fff"]}, ("field",)),
        ({"field": 3}, ("field",)),
        ({"stroke": 9}, ("stroke",)),
        ({"stroke": True}, ("stroke",)),
        ({"type": "large"}, ("type",)),
    ],
)
def test_a_mistake_in_a_custom_theme_is_reported_at_its_key(
    mistake: dict[str, object], key: tuple[str | int, ...]
) -> None:
    with pytest.raises(gdsim.ConfigError) as caught:
        gdsim.loads(config(mistake))
    assert [problem.key for problem in caught.value.problems] == [("view", "theme", *key)]


@pytest.mark.parametrize(
    ("mistake", "code"),
    [({"field": "virids"}, "unknown-name"), ({"font": "DejaVu Sanz"}, "not-installed")],
)
def test_colour_maps_and_fonts_must_exist(mistake: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        theme(mistake)
    assert (caught.value.code, caught.value.key) == (code, tuple(mistake))
