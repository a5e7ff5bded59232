"""Levels, ticks and numbers, against counts and against what their own labels say."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdsim
from gdsim.config import View
from gdsim.objectives.formulas import number
from gdsim.scene.build import build_scene, preview_scene
from gdsim.scene.levels import choose_levels, few_decades, few_ticks, labels, round_ticks


@given(
    st.integers(0, 2**32 - 1),
    st.floats(-1e3, 1e3),
    st.floats(1e-9, 1e9),
    st.sampled_from([1.0, 3.0, 9.0, 30.0]),
    st.sampled_from([None, 0.0, 0.5, 1e4]),
    st.sampled_from([None, "linear", "log", "rank"]),
)
def test_levels_cover_the_field_and_their_labels_are_true(seed, low, span, power, below, spacing):
    values = low + span * np.random.default_rng(seed).random((40, 40)) ** power
    minimum = None if below is None else float(values.min() - below * span)
    symbol = "f" if minimum is None else "f − f*"
    levels = choose_levels(values, minimum, symbol, spacing)
    assert (np.diff(levels.edges) > 0).all()
    assert 2 <= len(levels.edges) <= 60
    slack = 1e-6 * span
    assert levels.edges[0] <= values.min() + slack
    assert levels.edges[-1] >= values.max() - slack
    assert len(levels.ticks) == len(levels.labels)
    assert len(levels.labels) >= 1
    if levels.caption == "f − min f":
        offset = values.min()
    else:
        origin = levels.caption.removeprefix(symbol)
        offset = (minimum or 0.0) + read(origin[3:] or "0") * (-1 if "+" in origin else 1)
    for index, label in zip(levels.ticks, levels.labels, strict=True):
        height = levels.edges[index] - offset
        assert read(label) == pytest.approx(height, rel=1e-4, abs=1e-6 * span + 1e-12 * abs(low))


def read(label: str) -> float:
    """Turn a label back into its number."""
    plain = label.replace("−", "-")
    if power := re.fullmatch(r"(-?)(?:(.+)·)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", plain):
        exponent = int(power[3].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
        return float(power[1] + (power[2] or "1")) * 10.0**exponent
    return float(plain)


@pytest.mark.parametrize("spacing", [None, "linear", "log", "rank"])
@pytest.mark.parametrize("values", [np.zeros((5, 5)), np.full((5, 5), -7e8), np.full((5, 5), np.nan)])
def test_a_flat_field_has_levels_too(values, spacing):
    levels = choose_levels(values, None, "f", spacing)
    assert len(levels.edges) > 1
    assert (np.diff(levels.edges) > 0).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 9))
def test_ticks_are_round_and_within(low, span, wanted):
    high = low + span
    ticks = round_ticks(low, high, wanted)
    assert len(ticks) <= wanted + 1
    slack = 1e-6 * span + 1e-12 * abs(low)
    assert ((ticks >= low - slack) & (ticks <= high + slack)).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(1, 9))
def test_few_ticks_are_few_and_round(low, span, most):
    high = low + span
    ticks = few_ticks(low, high, most)
    assert (most >= 5) * 2 <= len(ticks) <= min(most, 5)
    slack = 1e-6 * span + 1e-12 * abs(low)
    assert ((ticks >= low - slack) & (ticks <= high + slack)).all()
    if len(ticks) > 1 and span > 1e-3 * abs(low):
        step = f"{ticks[1] - ticks[0]:.6e}"
        assert step[:8] in ("1.000000", "2.000000", "5.000000")


@given(st.floats(1e-300, 1e290), st.floats(0.1, 300), st.integers(2, 5))
def test_few_ticks_of_a_logarithmic_axis_are_powers_of_ten_or_few_per_decade(low, decades, most):
    high = min(low * 10**decades, 1e300)
    ticks = few_decades(low, high, most)
    assert len(ticks) <= most
    assert ((ticks >= low * (1 - 1e-9)) & (ticks <= high * (1 + 1e-9))).all()
    if decades > 4 and most == 5:
        assert len(ticks) >= 2
        exponents = np.log10(ticks)
        np.testing.assert_allclose(exponents, np.round(exponents), atol=1e-9)
        assert len(set(np.diff(np.round(exponents)))) == 1
        # One of them is 1, if the axis contains it.
        assert not low <= 1 <= high or 1.0 in ticks


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (1.2e-4, 420, ("0.01", "1", "100")),
        (1e-7, 1e10, ("10⁻⁴", "1", "10000", "10⁸")),
        (0.3, 4, ("0.3", "1", "3")),
    ],
)
def test_numbers_of_a_logarithmic_axis(low, high, written):
    assert labels(few_decades(low, high, 5)) == written


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (-2.5, "−2.5"),
        (1e6, "10⁶"),
        (3e-5, "3·10⁻⁵"),
        (1000, "1000"),
        (0.001, "0.001"),
        (-4e7, "−4·10⁷"),
        (-1e-4, "−10⁻⁴"),
        (12345.678, "12346"),
    ],
)
def test_numbers_are_short(value, words):
    assert number(value) == words


def test_a_number_of_fewer_digits_than_its_size_has_zeros():
    assert number(94960, 2) == "95000"
    assert number(-12345, 3) == "−12300"


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 2.0, 5.0]), st.sampled_from([1e-12, 1.0, 1e12]))
def test_levels_by_rank_cover_equal_areas(seed, power, size):
    values = size * (np.random.default_rng(seed).random(20_000) ** power - 0.3)
    levels = choose_levels(values, None, "f", "rank")
    areas = np.histogram(values, levels.edges)[0] / len(values)
    assert len(areas) == 28
    assert areas.sum() == pytest.approx(1)
    np.testing.assert_allclose(areas, 1 / 28, rtol=0.25)


def test_levels_by_rank_merge_where_many_points_share_a_value():
    values = np.concatenate([np.full(600, 2.0), np.linspace(2, 3, 200), np.full(200, 5.0), [np.nan, np.inf]])
    levels = choose_levels(values, None, "f", "rank")
    assert (np.diff(levels.edges) > 0).all()
    assert levels.edges[0] <= 2
    assert levels.edges[-1] >= 5
    assert len(levels.edges) < 15


def test_levels_by_rank_have_numbers_of_few_digits():
    values = gdsim.objective("beale").values(np.random.default_rng(0).uniform(-4.5, 4.5, (10_000, 2)))
    labels = choose_levels(values, 0.0, "f", "rank").labels
    assert len(labels) == 5
    for label in labels:
        assert len(label.replace("·10", "").strip("0")) <= 3


def test_logarithmic_levels_grow_by_one_factor():
    levels = choose_levels(np.geomspace(1e-3, 1e3, 5000), 0.0, "f", "log")
    ratios = levels.edges[2:] / levels.edges[1:-1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
    assert levels.labels == ("0", "0.001", "0.01", "0.1", "1", "10", "100", "1000")
    assert levels.caption == "f"


def test_logarithmic_levels_of_a_small_span_part_it_all_the_same():
    levels = choose_levels(np.linspace(100.0, 101.0, 500), 0.0, "f", "log")
    assert len(levels.edges) > 20
    ratios = levels.edges[1:] / levels.edges[:-1]
    assert ratios.max() < 1.002
    assert "100.4" in levels.labels


@pytest.mark.parametrize(
    ("minimum", "spacing", "caption"),
    [
        (-50.0, "log", "gap"),
        (-50.0, "linear", "gap"),
        (-50.0, "rank", "gap"),
        (-50.0, None, "gap"),
        (None, "log", "f − min f"),
        (None, "linear", "f(x, y)"),
        (3.0, "log", "f − min f"),
        (-1e5, "linear", "gap − 99900"),
        (None, "rank", "f(x, y)"),
    ],
)
def test_captions_say_what_the_numbers_are(minimum, spacing, caption):
    symbol = "f(x, y)" if minimum is None else "gap"
    assert choose_levels(np.linspace(-40, 10, 1000), minimum, symbol, spacing).caption == caption


@pytest.mark.parametrize(("name", "offset"), [("styblinski_tang", 78.33233140754284), ("himmelblau", 0.0)])
def test_every_picture_of_a_function_labels_the_height_above_its_known_minimum(name, offset):
    function = gdsim.objective(name)
    for kind in ("contour", "surface"):
        model = preview_scene(function, view=View(kind=kind, levels="linear")).facets[0].model
        assert model.levels.caption == "f − f*"
        written = [read(label) for label in model.levels.labels]
        np.testing.assert_allclose(model.levels.edges[model.levels.ticks] + offset, written, atol=1e-6)
    assert model.caption.startswith("f − f*")
    path = gdsim.descend(function, "SGD", start=[-0.5, 4.2], steps=3, lr=1e-4)
    assert build_scene([path]).groups[0].panels[0].caption == "f − f*"


def test_a_pole_on_either_side_does_not_leave_all_else_one_colour():
    field = preview_scene(gdsim.objective("tan(x) + y", bounds=[[-5, 5], [-5, 5]])).facets[0].model
    shares = np.histogram(field.values, field.levels.edges)[0] / field.values.size
    assert shares.max() < 0.1


@pytest.mark.parametrize(
    ("expression", "bounds", "is_geometric"),
    [
        ("x^2 + y^2", 5, False),
        ("exp(x) + exp(-x) + y", 1, False),
        ("abs(x)^3 + abs(y)^3", 2, True),
        ("x^4 + y^4", 10, True),
        ("100*(x^2 - 1)^2 + y^2", 2, True),
        ("x^2 + y^2 + exp(3*abs(x))", 3, True),
    ],
)
def test_the_valley_of_a_function_with_steep_walls_is_not_one_colour(expression, bounds, is_geometric):
    """Half of the view is in at least six levels, and the lowest eighth in at least two."""
    model = preview_scene(gdsim.objective(expression, bounds=[[-bounds, bounds]] * 2)).facets[0].model
    levels = np.searchsorted(model.levels.edges, model.values)
    for share, least in ((0.5, 6), (0.125, 2)):
        assert len(np.unique(levels[model.values <= np.quantile(model.values, share)])) >= least
    assert (model.levels.caption == "f − min f") == is_geometric


def test_the_view_chooses_the_levels_of_contours_and_surfaces():
    booth = gdsim.objective("booth")
    for kind in ("contour", "surface"):
        ground = preview_scene(booth, view=View(kind=kind, levels="linear")).facets[0].model
        np.testing.assert_allclose(np.diff(ground.levels.edges, 2), 0, atol=1e-9)


def test_labels_tell_neighbours_apart_and_no_more():
    assert labels(np.array([1e-12, 2e-12, 0.25, 1234567.0])) == ("10⁻¹²", "2·10⁻¹²", "0.25", "1.2346·10⁶")
    assert labels(np.array([100.123456, 100.123457])) == ("100.123456", "100.123457")
    assert labels(np.array([0.1 + 0.2])) == ("0.3",)
    assert labels(np.array([15000.25, 15000.5])) == ("15000.25", "15000.5")
    assert number(99999.96) == "10⁵"


@given(st.lists(st.floats(-1.7e308, 1.7e308), min_size=2, max_size=8, unique=True))
def test_labels_of_different_ticks_differ(ticks):
    ticks = np.unique(ticks)
    assert len(set(labels(ticks))) == len(ticks)
    neighbours = np.array([ticks[0], np.nextafter(ticks[0], np.inf)])
    assert len(set(labels(neighbours))) == 2
