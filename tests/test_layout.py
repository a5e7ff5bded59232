"""Layouts: everything within the picture, and nothing on anything else."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gdsim.render.layout import Box, Layout, PanelRequest
from gdsim.render.layout_search import LayoutSearch

SIZES = st.sampled_from(
    [(160, 120), (320, 180), (480, 270), (640, 480), (800, 600), (720, 1280), (1280, 720), (1920, 1080)]
)


CURVES, HEATMAP = PanelRequest(5), PanelRequest(5, weight=1.6, min_height=8.0)
IMAGES = PanelRequest(0, max_height=lambda wide: 0.4 * wide + 20, has_axis=False)
SLIDE = LayoutSearch(
    size=(1280, 720),
    em=16.7,
    titled=True,
    aspects=(1.0,),
    facets=1,
    named=False,
    digits=3,
    color_bar="optional",
    legend=3,
    key=15,
    panels=(CURVES,),
    panels_at=None,
)


@st.composite
def requests(draw) -> LayoutSearch:
    groups = draw(st.integers(1, 4))
    named = draw(st.booleans())
    kinds = [CURVES, HEATMAP, IMAGES] if draw(st.booleans()) else [CURVES]
    digits = draw(st.lists(st.integers(1, 8), max_size=6))
    size = draw(SIZES)
    return LayoutSearch(
        size=size,
        em=max(draw(st.sampled_from([0.8, 1.0, 1.25])) * 0.0232 * min(size), 8.0),
        titled=draw(st.booleans()),
        aspects=tuple(draw(st.sampled_from([None, 0.1, 0.7, 1.0, 2.0, 30.0])) for _ in range(groups)),
        facets=draw(st.integers(1, 12)) if named else 1,
        named=named,
        digits=draw(st.integers(0, 8)),
        color_bar=draw(st.sampled_from(["none", "optional"])),
        legend=0 if named else draw(st.integers(0, 12)),
        key=draw(st.floats(5, 60)),
        panels=tuple(replace(draw(st.sampled_from(kinds)), digits=each) for each in digits),
        panels_at=draw(st.sampled_from([None, "beside", "under"])),
    )


def boxes(layout: Layout) -> list[tuple[str, Box]]:
    found = []
    for place in layout.groups:
        found += [("facet", box) for box in place.facets]
        if place.color_bar is not None:
            found.append(("color bar", replace(place.color_bar, width=4.3 * layout.em)))
        found += [("panel", box) for box in place.panels]
    found += [(name, box) for name, box in (("legend", layout.legend), ("key", layout.key)) if box is not None]
    return found


def meet(a: Box, b: Box) -> bool:
    return min(a.right, b.right) - max(a.x, b.x) > 1 and min(a.top, b.top) - max(a.y, b.y) > 1


@given(requests())
def test_parts_do_not_overlap_and_stay_within_the_picture(request):
    em, (width, height) = request.em, request.size
    # Forty facets on a stamp find no room, and need none.
    assume(len(request.aspects) * request.facets * (7 * em) ** 2 <= width * height)
    found = boxes(request.best())
    assert len(found) >= len(request.aspects) * request.facets
    for name, box in found:
        assert min(box.x, box.y) >= -1, name
        assert box.right <= width + 1, name
        assert box.top <= height + 1, name
    assert not [(one, other) for (one, a), (other, b) in combinations(found, 2) if meet(a, b)]


@given(requests())
def test_facets_are_alike_and_complete(request):
    layout = request.best()
    assert len(layout.groups) == len(request.aspects)
    for group, aspect in zip(layout.groups, request.aspects, strict=True):
        assert len(group.facets) == len(group.outer) == request.facets
        assert len({(box.width, box.height) for box in group.facets}) == 1
        assert len(group.panels) <= len(request.panels)
        box = group.facets[0]
        if aspect is not None and 0.4 <= aspect <= 2.5 and box.width > 50:
            # Only the views of several groups may be stretched, to fill the page.
            stretch = (2.0 if request.named else 1.6) if len(request.aspects) > 1 else 1.0
            assert 0.95 / stretch < box.width / box.height / aspect < 1.05 * stretch


@given(st.integers(1, 12), st.sampled_from(["none", "optional"]))
def test_a_slide_has_room_for_a_panel_whatever_else_it_shows(facets, bar):
    several = facets > 1
    layout = replace(SLIDE, facets=facets, named=several, color_bar=bar, legend=0 if several else 3).best()
    (group,) = layout.groups
    assert len(group.panels) == 1
    assert min(group.facets[0].width, group.facets[0].height) > 5 * layout.em


def test_images_take_no_more_height_than_they_fill():
    def stacked(highest):
        images = PanelRequest(0, max_height=highest, has_axis=False)
        return replace(SLIDE, panels=(CURVES, images), panels_at="beside").best().groups[0].panels

    (curves, images), (_, free) = stacked(lambda wide: 0.3 * wide), stacked(None)
    assert images.height < free.height
    assert abs(images.height - 0.3 * images.width) < 1
    assert curves.height > 1.5 * images.height
    assert abs(images.y - free.y) < 1


def test_panels_are_where_the_request_says():
    beside, under = (replace(SLIDE, panels_at=at).best().groups[0] for at in ("beside", "under"))
    assert beside.panels[0].x > beside.facets[0].right
    assert under.panels[0].top < under.facets[0].y


@pytest.mark.parametrize("at", [None, "beside", "under"])
def test_six_panels_fit_a_slide(at):
    layout = replace(SLIDE, panels=(CURVES,) * 6, panels_at=at).best()
    assert len(layout.groups[0].panels) == 6


def test_a_square_has_several_panels_below_its_view_and_its_legend():
    layout = replace(SLIDE, size=(720, 720), legend=3, panels=(CURVES,) * 6).best()
    (group,) = layout.groups
    assert len(group.panels) >= 4
    assert max(box.top for box in group.panels) < group.facets[0].y
    assert layout.legend.x > group.facets[0].right


def test_rows_of_facets_are_as_complete_as_their_number_allows():
    for facets, columns in ((9, 3), (8, 3), (4, 2), (12, 4)):
        (group,) = replace(SLIDE, size=(720, 720), facets=facets, named=True, legend=0, panels=()).best().groups
        assert len({box.x for box in group.facets}) == columns


@pytest.mark.parametrize("width", [20, 40])
def test_entries_of_a_legend_have_the_spacing_that_they_need(width):
    """Settings under a name must be nearer to it than to the next name, and no entry is left out."""
    layout = replace(SLIDE, size=(720, 720), legend=5, entry_widths=(width, 12.0)).best()
    assert layout.legend.height >= 5 * layout.em * (1.55 if width == 20 else 2.7)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_table_is_beside_its_facet(groups):
    table = PanelRequest(0, has_axis=False, facet_share=0.3)
    layout = replace(SLIDE, aspects=(1.0,) * groups, panels=(table,), legend=0, digits=0, color_bar="none").best()
    assert len(layout.groups) == groups
    for group in layout.groups:
        (facet,), (panel,) = group.facets, group.panels
        assert abs(facet.width - facet.height) <= 1
        assert panel.x > facet.right
        assert abs(panel.top - facet.top) < 1.5  # a facet is in whole pixels
        assert panel.width > facet.width
    found = boxes(layout)
    assert not [(one, other) for (one, a), (other, b) in combinations(found, 2) if meet(a, b)]


def test_four_objectives_by_four_optimizers_keep_their_panels_beside_narrow_gaps():
    request = replace(SLIDE, aspects=(1.0,) * 4, facets=4, named=True, color_bar="none", legend=0, name_width=7.5)
    layout = request.best()
    assert all(len(group.panels) == 1 for group in layout.groups)
    # Names are once at the left, where they wrap.
    assert [any(group.names) for group in layout.groups] == [True, False, False, False]
    assert not layout.axis_names
    for panels in ((CURVES,), ()):
        places = [group.facets[0] for group in replace(request, panels=panels).best().groups]
        for one, other in combinations(places, 2):
            assert one.y == other.y
        gaps = [right.x - left.right for left, right in pairwise(places)]
        # The tick labels and what separates two views, or half of a panel that is wider.
        assert max(gaps) < (0.35 if panels else 0.25) * (places[1].x - places[0].x) + 2 * SLIDE.em


def test_settings_are_not_cut_where_the_legend_has_room_above_the_panels():
    request = replace(SLIDE, size=(1080, 1920), em=25.0, legend=5, entry_widths=(33.0, 27.0))
    assert request.best().legend.width >= 33.0 * request.em
