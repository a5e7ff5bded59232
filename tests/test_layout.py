"""Where things stand: within the page, and never on each other."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from gdsim.render.layout import Box, Layout, LayoutRequest, arrange

SIZES = st.sampled_from(
    [(160, 120), (320, 180), (480, 270), (640, 480), (800, 600), (720, 1280), (1280, 720), (1920, 1080)]
)


UNEVEN = [(1.0, 5.0, False, None), (1.6, 8.0, False, None), (1.0, 5.0, True, lambda wide: 0.4 * wide + 20)]
"""What tells a panel of curves, one of heat maps and one of pictures from each other."""


@st.composite
def wanted(draw) -> LayoutRequest:
    groups = draw(st.integers(1, 4))
    named = draw(st.booleans())
    panels = tuple(draw(st.lists(st.integers(1, 8), max_size=6)))
    uneven = tuple(draw(st.sampled_from(UNEVEN)) for _ in panels) if draw(st.booleans()) else ()
    return LayoutRequest(
        size=draw(SIZES),
        type=draw(st.sampled_from([0.8, 1.0, 1.25])),
        groups=groups,
        facets=draw(st.integers(1, 12)) if named else 1,
        named=named,
        aspects=tuple(draw(st.sampled_from([None, 0.1, 0.7, 1.0, 2.0, 30.0])) for _ in range(groups)),
        digits=draw(st.integers(0, 8)),
        bar=draw(st.booleans()),
        legend=0 if named else draw(st.integers(0, 12)),
        key=draw(st.floats(5, 60)),
        panels=panels,
        panels_at=draw(st.sampled_from([None, "beside", "under"])),
        **{name: tuple(each[i] for each in uneven) for i, name in enumerate(("tall", "least", "bare", "most"))},
    )


def boxes(layout: Layout) -> list[tuple[str, Box]]:
    found = []
    for place in layout.groups:
        found += [("facet", box) for box in place.facets]
        found += [("bar", Box(box.x, box.y, 4.3 * layout.em, box.height)) for box in place.bars]
        found += [("panel", box) for box in place.panels]
    found += [(name, box) for name, box in (("legend", layout.legend), ("key", layout.key)) if box is not None]
    return found


def meet(a: Box, b: Box) -> bool:
    return min(a.right, b.right) - max(a.x, b.x) > 1 and min(a.top, b.top) - max(a.y, b.y) > 1


@given(wanted())
def test_nothing_lies_on_anything_else_or_beyond_the_page(want):
    # Forty facets on a stamp find no room, and need none.
    assume(want.groups * want.facets * (7 * want.em) ** 2 <= want.size[0] * want.size[1])
    layout = arrange(want)
    found = boxes(layout)
    width, height = want.size
    for name, box in found:
        assert box.x >= -1, name
        assert box.y >= -1, name
        assert box.right <= width + 1, name
        assert box.top <= height + 1, name
    for i, (one, a) in enumerate(found):
        for other, b in found[i + 1 :]:
            assert not meet(a, b), (one, other)


@given(wanted())
def test_facets_are_alike_and_all_there(want):
    layout = arrange(want)
    assert len(layout.groups) == want.groups
    for place, aspect in zip(layout.groups, want.aspects, strict=True):
        assert len(place.facets) == len(place.outer) == want.facets
        assert len({(box.width, box.height) for box in place.facets}) == 1
        assert len(place.panels) <= len(want.panels)
        if aspect is not None and 0.4 <= aspect <= 2.5 and place.facets[0].width > 50:
            box = place.facets[0]
            assert abs(box.width / box.height / aspect - 1) < 0.05


@given(st.integers(1, 12), st.booleans())
def test_a_slide_has_room_for_a_panel_whatever_else_it_shows(facets, bar):
    layout = arrange(
        LayoutRequest((1280, 720), 1.0, 1, facets, facets > 1, (1.0,), 3, bar, 0 if facets > 1 else 3, 15, (5,), None)
    )
    (place,) = layout.groups
    assert len(place.panels) == 1
    assert min(place.facets[0].width, place.facets[0].height) > 5 * layout.em


def test_pictures_take_no_more_height_than_they_fill():
    def stacked(most):
        kinds = {"tall": (1.0, 1.0), "least": (5.0, 5.0), "bare": (False, True), "most": (None, most)}
        want = LayoutRequest((1280, 720), 1.0, 1, 1, False, (1.0,), 3, True, 3, 15, (5, 0), "beside", **kinds)
        return arrange(want).groups[0].panels

    (plain, tiles), (_, free) = stacked(lambda wide: 0.3 * wide), stacked(None)
    assert tiles.height < free.height
    assert abs(tiles.height - 0.3 * tiles.width) < 1
    assert plain.height > 1.5 * tiles.height
    assert abs(tiles.y - free.y) < 1


def test_panels_stand_where_they_are_asked_for():
    def place(at):
        return arrange(LayoutRequest((1280, 720), 1.0, 1, 1, False, (1.0,), 3, True, 3, 15, (5,), at)).groups[0]

    beside, under = place("beside"), place("under")
    assert beside.panels[0].x > beside.facets[0].right
    assert under.panels[0].top < under.facets[0].y


def test_all_six_panels_fit_a_slide():
    for at in (None, "beside", "under"):
        layout = arrange(LayoutRequest((1280, 720), 1.0, 1, 1, False, (1.0,), 3, True, 3, 15, (5,) * 6, at))
        assert len(layout.groups[0].panels) == 6
