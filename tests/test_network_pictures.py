"""Pictures of networks, held to made-up trainings: landscapes, panels, heat maps, tiles and images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

import gdsim
from gdsim.config import Animation, View
from gdsim.encode import write
from gdsim.objectives.formulas import power
from gdsim.render import Frames
from gdsim.render.display_list import Moment
from gdsim.render.images import ImageFrames, RevealedImage, color_scale
from gdsim.render.layout import Box
from gdsim.render.legend import settings_text
from gdsim.render.panels import panel_renderer
from gdsim.render.panels.images import image_boxes
from gdsim.scene.build import build_scene, preview_scene
from gdsim.scene.panels.heatmap import Heatmap
from gdsim.scene.panels.images import ImageGrid
from gdsim.scene.views.image import ImageSequence
from gdsim.scene.views.surface import SurfaceModel
from gdsim.simulation import Stop
from gdsim.themes import THEMES
from tests import networks_made as made

QUICK = Animation(fps=10, seconds=2)
DEEP = (*(f"hidden{i}" for i in range(1, 9)), "output")


@pytest.fixture(scope="module")
def trained():
    return made.trained(("SGD", "Adam"))


@pytest.fixture(scope="module")
def imagined():
    return made.imagined()


def pair(**view):
    """A net whose gradients vanish beside one whose do not."""
    networks = [("vanishing", 8.0), ("residual", 1.2)]
    runs = [
        made.trained(("SGD", "Adam"), objective=made.landscape(name), layers=DEEP, shrink=shrink, image=None)
        for name, shrink in networks
    ]
    return runs, build_scene([each for run in runs for each in run], view=View(**view), animation=QUICK)


def panel(name, trajectories, **view):
    (one,) = build_scene(trajectories, view=View(panels=[name], **view)).groups[0].panels
    return one


def images(scene, kind=ImageFrames | RevealedImage, **settings):
    """The frames of a scene, and its images of a kind."""
    frames = Frames(scene, **settings)
    return frames, [each for layer in frames.layers for each in layer.primitives if isinstance(each, kind)]


def refused(build) -> tuple[str, tuple]:
    with pytest.raises(gdsim.InputError) as error:
        build()
    return error.value.code, error.value.key


def rgb(color: str) -> list[int]:
    return [round(255 * part) for part in to_rgb(color)]


def test_arrows_are_the_gradients_that_were_computed(trained):
    landscape = trained[0].objective.landscape
    (facet,) = build_scene(trained).facets
    arrows = dict(zip(map(tuple, facet.arrows.points), facet.arrows.gradients, strict=True))
    spacing = np.ptp(landscape.arrow_points, axis=0) / (np.sqrt(len(landscape.arrow_points)) - 1)
    for point, gradient in zip(landscape.arrow_points, landscape.gradients, strict=True):
        if tuple(point) in arrows:
            np.testing.assert_array_equal(arrows.pop(tuple(point)), gradient)
        else:  # only an arrow under a path is left out
            apart = np.abs(np.concatenate([path.points[:, 0] for path in facet.paths]) - point) / spacing
            assert apart.max(-1).min() < 1
    assert arrows == {}
    assert facet.names == ("direction 1", "direction 2")
    np.testing.assert_array_equal(facet.limits, landscape.bounds)


def test_small_facets_have_every_second_arrow_and_stay_centred():
    runs = made.trained(("A", "B", "C", "D"))
    landscape = runs[0].objective.landscape
    facet = build_scene(runs, view=View(layout="grid")).facets[0]
    assert len(facet.arrows.points) == 8 * 8
    known = {tuple(place): slope for place, slope in zip(landscape.arrow_points, landscape.gradients, strict=True)}
    for place, slope in zip(facet.arrows.points, facet.arrows.gradients, strict=True):
        np.testing.assert_array_equal(known[tuple(place)], slope)
    np.testing.assert_allclose(facet.arrows.points.mean(0), landscape.bounds.mean(1))


def test_stream_lines_follow_the_landscape(trained):
    assert build_scene(trained, view=View(arrows="stream")).facets[0].arrows.form == "stream"


def test_the_picture_says_what_the_plane_leaves_out(trained):
    full, shorter, short = build_scene(trained).notes
    assert full == "plane of the paths in 24 weights, 91.3 % of their variance"
    assert shorter == f"plane: {short}"
    assert short == "91.3 % of the paths' variance"
    some = made.landscape(plane="random", share=0.0412, examples=500)
    assert build_scene(made.trained(objective=some)).notes == (
        "random plane in 24 weights, 4.1 % of the paths' variance, loss on 500 of 1,347 examples",
        "plane: 4.1 % of the paths' variance, loss on 500 of 1,347 examples",
        "plane: 4.1 % of variance, 500 examples",
        "4.1 % of variance, 500 examples",
    )
    flat = made.landscape(weights=2, share=1.0)
    assert build_scene(made.trained(objective=flat, away=0.0, image=None)).notes == ()


def test_the_planes_of_several_networks_say_what_they_leave_out():
    def words(**facts):
        planes = [made.landscape(name, share=share, **facts) for name, share in (("one", 0.913), ("other", 0.77))]
        return build_scene([path for each in planes for path in made.trained(("SGD",), 5, objective=each)]).notes[1:]

    held = "91.3 % and 77.0 % of"
    assert words() == (f"{held} the paths' variance", "planes of the networks' weights")
    assert words(examples=300) == (
        f"planes: {held} the paths' variance, loss on 300 of 1,347 examples",
        f"planes: {held} variance, 300 examples",
        f"{held} variance, 300 examples",
        "planes of the networks' weights",
    )


@pytest.fixture(scope="module")
def through():
    """A plane through two recordings, one of them near its corner."""
    names, spots = ("one", "the other:Adam"), np.array([[-2.0, 1.0], [4.7, 7.8]])
    plane = made.landscape(plane="one.npz, the other.npz:Adam", share=0.5, marks=spots, mark_names=names)
    return made.trained(("SGD", "Adam"), 20, objective=plane)


def test_a_plane_through_recordings_says_so(through):
    scene = build_scene(through)
    words = "plane through one and the other:Adam in 24 weights, 50.0 % of the paths' variance"
    assert scene.notes[0] == words
    assert f"({words}). " in scene.alt_text


@pytest.mark.parametrize(
    "view",
    [{}, {"size": [480, 270]}, {"layout": "grid"}, {"kind": "surface"}, {"kind": "surface", "camera": {"orbit": 90}}],
)
def test_recordings_are_marked_and_named_on_the_ground(through, view):
    scene = build_scene(through, view=View(**view))
    frames, bare = (Frames(each) for each in (scene, replace(scene, groups=tuple(map(unmarked, scene.groups)))))
    for layer in (each for each in frames.layers if each.facet is not None):
        spots = np.array([mark.point for mark in layer.facet.marks])
        np.testing.assert_array_equal(spots[:, :2], through[0].objective.landscape.marks)
        moment = Moment(20.0, 1.0)
        places = layer.viewport.pixels(spots, moment)
        differs = (frames.poster().astype(int) != bare.poster()).any(-1)[::-1]
        for x, y in np.round(places).astype(int):
            assert differs[y - 6 : y + 7, x - 6 : x + 7].any()
        texts = {text.get_text(): text for text in frames.canvas.figure.findobj(Text)}
        if layer.viewport.turning:
            assert "one" not in texts
            continue
        assert {"one", "the other:Adam"} <= {*texts}
        box = layer.viewport.box
    for text in (texts.get("one"), texts.get("the other:Adam")):
        if text is not None:
            around = text.get_window_extent(frames.canvas.agg.get_renderer())
            assert around.x0 >= box.x or len(scene.facets) > 1
            assert around.x1 <= box.right
            assert box.y <= around.y0 < around.y1 <= box.top


def unmarked(group):
    return replace(group, facets=tuple(replace(facet, marks=()) for facet in group.facets))


def test_what_is_out_of_view_is_not_marked():
    plane = made.landscape(marks=np.array([[0.0, 0.0], [90.0, 0.0]]), mark_names=("in", "out"))
    assert [mark.name for mark in build_scene(made.trained(objective=plane)).facets[0].marks] == ["in"]


def test_heat_maps_without_names_of_layers_say_so(trained):
    lost = tuple(
        f"The heat maps of {name} by layer have no room for the names of the layers at this size."
        for name in ("‖weights‖", "‖∇‖")
    )
    panels = ["loss", "accuracy", "weights", "layers"]
    for size, told in (([1280, 720], ()), ([640, 480], lost)):
        frames = Frames(build_scene(trained, view=View(panels=panels, size=size)))
        written = {text.get_text() for text in frames.canvas.figure.findobj(Text)}
        assert ("output" in written, frames.left_out) == (not told, told)


def test_an_axis_holds_every_figure_of_an_image(imagined):
    far = [replace(each, points=each.points * 20, values=each.values - 40 * np.arange(len(each.values))[:, None])
           for each in imagined]  # fmt: skip
    for panel in build_scene(far, view=View(panels=["score", "gradient_norm"])).groups[0].panels:
        figures = np.concatenate([curve.points[..., 1].ravel() for curve in panel.curves])
        assert panel.limits[0] <= figures.min()
        assert figures.max() <= panel.limits[1]


def test_the_legend_says_how_far_the_last_weights_are_from_the_plane():
    scene = build_scene(made.trained(("SGD",), away=0.4))
    assert (scene.styles[0].settings, scene.styles[0].aside) == ("SGD · lr 0.012", "0.4 off the plane")
    assert build_scene(made.trained(("SGD",), away=0.0)).styles[0].settings == "SGD · lr 0.012"
    _, scene = pair(panels=[])
    assert scene.styles[0].aside == "0.4 and 0.4 off the planes"


@pytest.mark.parametrize("view", [{"plane": "random"}, {"plane": ["a.npz", "b.npz"]}, {"examples": 300}])
def test_a_plane_that_was_not_computed_is_refused(trained, view):
    assert refused(lambda: build_scene(trained, view=View(**view))) == ("conflict", ("view", next(iter(view))))


def test_a_network_without_a_landscape_is_refused():
    runs = made.trained(objective=made.landscape(plane=""))
    assert refused(lambda: build_scene(runs)) == ("missing", ("view", "plane"))


def test_the_loss_is_that_of_the_training_data_with_the_test_data_behind_it(trained):
    shown = panel("loss", trained)
    assert shown.caption == "loss, test faint"
    tested, seen = shown.curves[:2], shown.curves[2:]
    assert [curve.strength < 1 for curve in shown.curves] == [True, True, False, False]
    for each, faint, strong in zip(trained, tested, seen, strict=True):
        np.testing.assert_allclose(strong.points[:, 0, 1], each.values[:, 0])
        np.testing.assert_allclose(faint.points[:, 0, 1], each.training.figures["test_loss"])
        assert faint.style is strong.style
    alone = panel("loss", made.trained(tested=False))
    assert alone.caption == "loss"
    assert {curve.strength for curve in alone.curves} == {1.0}


def test_accuracy_is_in_per_cent_and_needs_classes(trained):
    shown = panel("accuracy", trained)
    np.testing.assert_allclose(shown.curves[-1].points[:, 0, 1], 100 * trained[-1].training.figures["accuracy"])
    assert shown.limits[1] <= 103
    objective = trained[0].objective
    data = replace(objective.network.data, classes=None)
    numbers = replace(objective, network=replace(objective.network, data=data))
    assert refused(lambda: panel("accuracy", made.trained(objective=numbers))) == ("unsupported", ("view", "panels", 0))


@pytest.mark.parametrize("name", ["gradient_norm", "step_size", "off_plane"])
def test_figures_are_those_of_all_weights_and_not_of_the_plane(trained, name):
    shown = panel(name, trained)
    for curve, each in zip(shown.curves, trained, strict=True):
        wanted = each.training.figures[name]
        seen = (wanted > 0) & (np.arange(len(wanted)) <= curve.ends[0])
        np.testing.assert_allclose(curve.points[seen, 0, 1], wanted[seen])
        assert curve.ends[0] == 120 - (name == "step_size")


def test_layers_as_lines_are_fainter_towards_the_input(trained):
    shown = panel("layers", trained, layers="lines")
    assert shown.logarithmic
    strengths = [curve.strength for curve in shown.curves]
    assert strengths == sorted(strengths)
    assert strengths[-1] == 1
    np.testing.assert_allclose(shown.curves[0].points[:, 0, 1], trained[0].training.layer_gradients[:, 0])
    np.testing.assert_allclose(shown.curves[-1].points[:, 0, 1], trained[1].training.layer_gradients[:, -1])


def test_heat_maps_have_one_scale_of_colours_all_over_a_scene():
    runs, scene = pair(panels=["layers", "weights"])
    for place, name in enumerate(("layer_gradients", "layer_weights")):
        shown = [group.panels[place] for group in scene.groups]
        assert all(isinstance(each, Heatmap) for each in shown)
        np.testing.assert_array_equal(shown[0].limits, shown[1].limits)
        every = np.concatenate([getattr(each.training, name).ravel() for run in runs for each in run])
        assert 0 < shown[0].limits[0] <= every.min()
        assert every.max() <= shown[0].limits[1]
        for strip, each in zip(shown[0].rows, runs[0], strict=True):
            np.testing.assert_array_equal(strip.values, getattr(each.training, name).T)
    assert shown[0].layers == DEEP


def test_heat_maps_stop_where_a_training_breaks_off():
    strip = panel("layers", made.trained(diverged=40)).rows[0]
    assert strip.end == 40
    assert np.isnan(strip.values[:, 41:]).all()
    assert np.isfinite(strip.values[:, :41]).all()


def test_heat_maps_count_steps(trained):
    assert refused(lambda: panel("layers", trained, against="evaluations")) == ("conflict", ("view", "against"))
    assert panel("layers", trained, against="evaluations", layers="lines").across == "gradient evaluations"


def test_tiles_show_the_image_and_its_map_at_the_kept_steps(trained):
    shown = panel("saliency", trained)
    assert isinstance(shown, ImageGrid)
    assert (shown.caption, shown.heading) == ("gradient, class 0", "image 7")
    assert shown.image.colors == "gray"
    np.testing.assert_array_equal(shown.image.pictures[0], trained[0].training.maps.image)
    largest = np.concatenate([np.abs(each.training.maps.maps).ravel() for each in trained])
    for row, each in zip(shown.rows, trained, strict=True):
        (maps,) = row.images
        assert (row.style.label, maps.colors) == (each.label, "signed")
        np.testing.assert_array_equal(maps.steps, each.training.kept)
        np.testing.assert_array_equal(maps.pictures, each.training.maps.maps)
        assert maps.limits[0] == -maps.limits[1]
        assert 0.5 * largest.max() < maps.limits[1] <= largest.max()
        np.testing.assert_array_equal(maps.limits, shown.rows[0].images[0].limits)


def test_maps_without_a_sign_begin_at_nothing():
    (film,) = panel("saliency", made.trained(method="saliency")).rows[0].images
    assert film.colors == "unsigned"
    assert film.limits[0] == 0


def test_maps_that_were_not_made_are_refused():
    runs = made.trained(image=None)
    assert refused(lambda: panel("saliency", runs)) == ("missing", ("view", "panels"))


def test_an_image_that_is_descended_is_seen_side_by_side(imagined):
    scene = build_scene(imagined, view=View(panels=["score", "saliency"]))
    assert [facet.style.label for facet in scene.facets] == ["SGD", "Adam"]
    for facet, each in zip(scene.facets, imagined, strict=True):
        assert isinstance(facet.model, ImageSequence)
        np.testing.assert_array_equal(facet.model.pictures, each.points[:, 0].reshape(-1, 8, 8))
        np.testing.assert_array_equal(facet.model.limits, scene.facets[0].model.limits)
        assert (facet.paths, facet.arrows) == ((), None)
    score, tiles = scene.groups[0].panels
    np.testing.assert_allclose(score.curves[1].points[:, 0, 1], -imagined[1].values[:, 0])
    assert not score.logarithmic
    (slopes,) = tiles.rows[0].images
    np.testing.assert_array_equal(slopes.pictures, -imagined[0].gradients[:, 0].reshape(-1, 8, 8))
    assert tiles.image is None
    # Where no facet shows the image, it stands beside its map.
    beside = build_scene(imagined, view=View(kind="contour", panels=["saliency"]))
    assert beside.facets[0].paths
    image, again = beside.groups[0].panels[0].rows[0].images
    np.testing.assert_array_equal(image.pictures, scene.facets[0].model.pictures)
    np.testing.assert_array_equal(again.pictures, slopes.pictures)


def test_an_image_has_one_start(imagined):
    both = gdsim.descend(imagined[0].objective, "SGD", start=np.full((2, 64), 0.5), steps=2, lr=0.1)
    assert refused(lambda: build_scene([both])) == ("unsupported", ("view", "kind"))


def test_an_image_alone_is_its_start(imagined):
    objective = imagined[0].objective
    (facet,) = preview_scene(objective).facets
    np.testing.assert_array_equal(facet.model.pictures[0].ravel(), objective.start)
    assert gdsim.frames(preview_scene(objective)).poster().shape == (720, 1280, 3)


def test_a_landscape_is_not_drawn_where_it_is_no_number():
    values = made.landscape().landscape.values.copy()
    values[:10, :10] = np.nan
    ground = build_scene(made.trained(objective=made.landscape(values=values))).facets[0].model
    assert np.isnan(ground.values[:50, :50]).all()
    assert np.isfinite(ground.values[70:, 70:]).all()
    assert np.nanmin(ground.values) >= np.nanmin(values)
    assert np.nanmax(ground.values) <= np.nanmax(values)


def test_on_a_surface_a_path_stands_at_the_losses_recorded_and_straight_between_them():
    runs = made.trained(("Adam",), steps=12, every=1)
    scene = build_scene(runs, view=View(kind="surface", panels=[]))
    (facet,) = scene.facets
    assert isinstance(facet.model, SurfaceModel)
    (path,) = facet.paths
    assert len(path.times) > 13
    whole = path.times == np.floor(path.times)
    values = np.interp(path.times, np.arange(13), runs[0].values[:, 0])
    # The axis is linear: heights are to each other as losses are.
    heights = path.points[:, 0, 2]
    slope, base = np.polyfit(values[whole], heights[whole], 1)
    np.testing.assert_allclose(heights, base + slope * values, atol=1e-9)


@pytest.mark.parametrize("theme", ["light", "dark", "slide"])
def test_a_heat_map_grows_with_the_steps_in_the_colours_of_its_figures(trained, theme):
    scene = build_scene(trained, view=View(panels=["layers"], theme=theme, size=[960, 540]), animation=QUICK)
    frames, shown = images(scene, RevealedImage)
    (panel,) = scene.groups[0].panels
    drawn, low, high = list(frames), *np.log10(panel.limits)
    assert len(shown) == len(panel.rows) > 0
    for image, row in zip(shown, panel.rows, strict=True):
        rect, colors = image.rect, image.palette[:-1].astype(int)
        tall = rect.height / 4
        for index in (0, 7, 19):
            seen = drawn[index][rect.area].astype(int)
            grown = round(rect.width * scene.frame_steps[index] / 120)
            assert (seen[:, grown:] == rgb(scene.theme.panel)).all()
            for column in range(0, grown, 37):
                step = int(column * 120 / rect.width + 1e-9)
                for depth in range(4):
                    share = (np.log10(row.values[depth, step]) - low) / (high - low)
                    wanted = colors[int(share * (len(colors) - 1) + 0.5)]
                    np.testing.assert_array_equal(seen[int(rect.height - (depth + 0.5) * tall), column], wanted)
    np.testing.assert_array_equal(drawn[-1], frames.poster())


def test_a_long_training_shares_columns_by_its_geometric_mean():
    runs = made.trained(("SGD",), steps=5000, every=500, image=None)
    scene = build_scene(runs, view=View(panels=["layers"], size=[640, 360]), animation=QUICK)
    _, (image,) = images(scene, RevealedImage)
    (panel,), width = scene.groups[0].panels, image.rect.width
    assert width < 5000
    low, high = np.log(panel.limits)
    for column in (0, width // 2, width - 1):
        first, last = int(column * 5000 / width + 1e-9), int(np.ceil((column + 1) * 5000 / width - 1e-9))
        mean = np.log(panel.rows[0].values[2, first:last]).mean()
        # The first layer is at the bottom; the last color of a palette is for no number.
        assert image.cells[-3, column] == int((mean - low) / (high - low) * (len(image.palette) - 2) + 0.5)


def test_pictures_change_in_step_and_their_cells_are_sharp(imagined):
    view = View(panels=["saliency"], size=[960, 540])
    scene = build_scene(imagined, view=view, animation=QUICK)
    frames, shown = images(scene, ImageFrames)
    drawn, (panel,) = list(frames), scene.groups[0].panels
    sequences = [each for row in panel.rows for each in row.images] + [facet.model for facet in scene.facets]
    assert len(shown) == len(sequences) == 4
    for image, sequence in zip(shown, sequences, strict=True):
        for index in (0, 11, 19):
            picture, (low, high) = sequence.pictures[int(scene.frame_steps[index])], sequence.limits
            seen = drawn[index][image.rect.area]
            rows, columns = (np.arange(side) * 8 // side for side in seen.shape[:2])
            for row, column in [(0, 0), (3, 5), (7, 7)]:
                cell = seen[rows == row][:, columns == column].reshape(-1, 3)
                share = np.clip((picture[row, column] - low) / (high - low), 0, 1)
                assert (cell == image.palette[int(share * (len(image.palette) - 2) + 0.5)]).all()
    np.testing.assert_array_equal(drawn[-1], frames.poster())


def test_the_image_that_all_maps_explain_is_the_same_in_every_frame(trained, tmp_path):
    scene = build_scene(trained, view=View(panels=["saliency"], size=[960, 540]), animation=QUICK)
    frames, (image, *maps) = images(scene, ImageFrames)
    assert (len(maps), image.optimizer, len(image.cells)) == (len(trained), None, 1)
    drawn, area, wanted = list(frames), image.rect.area, image.palette[image.cells[0]]
    rows, columns = (np.arange(side) * 8 // side for side in drawn[0][area].shape[:2])
    for frame in drawn:
        np.testing.assert_array_equal(frame[area], wanted[rows][:, columns])
    path = write(frames, tmp_path / "a.gif", fps=10, hold=0.5)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB"))[area], wanted[rows][:, columns])


def test_pictures_are_as_large_as_their_panel_lets_them_be():
    maps = made.trained(("SGD", "Momentum", "Adam", "Muon"))
    tiles = panel("saliency", maps)
    for wide, high in [(330.0, 250.0), (100.0, 300.0), (600.0, 80.0)]:
        box = Box(20.0, 30.0, wide, high)
        places = [place for row in image_boxes(tiles, box, 10.0) for place in row]
        assert len(places) == 5
        assert all(box.x <= each.x and each.right <= box.right + 1 for each in places)
        assert all(box.y - 1 <= each.y and each.top <= box.top - 15 for each in places)
        side = places[0].width
        assert {(each.width, each.height) for each in places} == {(side, side)}
        # No grid of larger pictures holds five of them.
        for across in range(1, 6):
            larger = side * 1.15 + 8
            down = -(-5 // across)
            assert across * (larger + 8) - 8 > wide or down * (larger + 20.5) - 4.5 > high
    lone = panel_renderer("images").request(tiles, 10.0).max_height(330.0)
    assert lone == pytest.approx(2 * (16 + image_boxes(tiles, Box(0, 0, 330, lone), 10.0)[0][0].height) + 5.5, abs=1)


@pytest.mark.parametrize("size", [[960, 540], [480, 270]])
def test_the_numbers_of_a_scale_are_of_one_kind(size):
    _, scene = pair(panels=["layers"], size=size)
    frames = Frames(scene)
    written = {text.get_text() for text in frames.canvas.figure.findobj(Text)}
    low, high = np.log10(scene.groups[0].panels[0].limits).round().astype(int)
    assert low < -3 < 0 <= high < 5
    assert {power(low), power(high)} <= written


def test_one_heat_map_alone_needs_no_name():
    for labels, count in ((("SGD",), 0), (("SGD", "Adam"), 1)):
        with_names, without = (
            [text.get_text() for text in Frames(scene).canvas.figure.findobj(Text)].count("SGD")
            for scene in (build_scene(made.trained(labels), view=View(panels=panels)) for panels in (["layers"], []))
        )
        assert with_names - without == count


@pytest.mark.parametrize("size", [[1080, 1080], [640, 720], [480, 270]])
def test_a_subtitle_has_the_name_and_the_share_before_anything_else(trained, size):
    written = {
        text.get_text() for text in Frames(build_scene(trained, view=View(size=size))).canvas.figure.findobj(Text)
    }
    assert "MLP 64–128–10 on digits" in written
    assert any("91.3 %" in words for words in written)


def test_settings_are_cut_at_whole_ones_and_their_distance_last():
    (run,) = made.trained(("Adam",))
    settings = "Adam · lr 0.003 · weight decay 0.0001 · amsgrad"
    scene = build_scene([replace(run, settings=settings)], view=View(size=[640, 720]))
    canvas = Frames(scene).canvas
    (style,) = scene.styles
    away = style.aside
    told = [settings_text(style, away, room, canvas) for room in range(600, 60, -20)]
    assert told[0] == f"{settings} · {away}"
    for words in told:
        assert words.endswith((away, "…"))
        assert words in (told[0], away) or words.startswith("lr 0.003") or words.endswith("…")
    assert f"lr 0.003 · … · {away}" in told
    assert away in told


def test_images_begin_as_high_as_the_panels(imagined):
    frames = Frames(build_scene(imagined, view=View(panels=["score", "saliency"])))
    (place,) = frames.canvas.layout.groups
    assert place.facets[0].top == pytest.approx(place.panels[0].top, abs=1)


def test_a_signed_map_has_the_ground_of_a_panel_in_its_middle():
    for theme in THEMES.values():
        colors = color_scale(theme, "signed")
        assert len(colors) % 2 == 1
        assert colors[len(colors) // 2].tolist() == rgb(theme.panel)
        assert np.abs(colors[0].astype(int) - colors[-1]).max() > 30
        assert color_scale(theme, "unsigned")[0].tolist() == rgb(theme.panel)
        assert color_scale(theme, "gray")[[0, -1]].tolist() == [[0] * 3, [255] * 3]


def test_a_gif_keeps_every_colour_of_pictures_that_change(imagined, tmp_path):
    scene = build_scene(imagined, view=View(panels=["score", "saliency"], size=[640, 360]), animation=QUICK)
    frames, shown = images(scene)
    path = write(frames, tmp_path / "a.gif", fps=10, hold=0.5)
    with Image.open(path) as image:
        for index in (0, 10, 19):
            image.seek(index)
            seen, drawn = np.asarray(image.convert("RGB")), list(frames)[index]
            assert len(shown) == 4
            for each in shown:
                np.testing.assert_array_equal(seen[each.rect.area], drawn[each.rect.area])


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_vector_pictures_hold_every_screen_as_it_ends(trained, imagined, tmp_path, suffix):
    # Beside the screens: the shaded field and its scale.
    for runs, panels, count in ((trained, ["layers", "saliency"], 5 + 2), (imagined, ["saliency"], 4)):
        frames = gdsim.frames(build_scene(runs, view=View(panels=panels), animation=QUICK))
        path = write(frames, tmp_path / f"a{suffix}", fps=10, hold=0)
        if suffix == ".svg":
            assert path.read_text().count("<image") == count
        np.testing.assert_array_equal(frames.poster(), list(frames)[-1])


def test_screens_are_opaque_on_a_see_through_page(trained):
    scene = build_scene(trained, view=View(panels=["layers", "saliency"], size=[960, 540]), animation=QUICK)
    frames, shown = images(scene, transparent=True)
    poster = frames.poster()
    assert poster[0, 0, 3] == 0
    assert len(shown) == 5
    for each in shown:
        assert (poster[(*each.rect.area, 3)] == 255).all()


CASES = [
    (["loss", "layers", "saliency"], {}),
    (["accuracy", "saliency"], {"theme": "slide"}),
    (["layers", "weights", "loss"], {"theme": "dark", "panels_at": "under", "size": [720, 720]}),
    (["layers"], {"layout": "grid", "size": [1920, 1080]}),
    (["saliency"], {"size": [480, 270]}),
]


@pytest.mark.parametrize(("panels", "view"), CASES)
def test_nothing_runs_off_the_page_and_screens_overlap_nothing(panels, view):
    four = made.trained(("SGD", "Momentum", "Adam", "Muon"), image=(28, 28))
    scene = build_scene(four, view=View(panels=panels, **view), animation=QUICK)
    frames, shown = images(scene)
    width, height = frames.size
    with frames.settings():
        frames.canvas.agg.draw()
    renderer = frames.canvas.agg.get_renderer()
    texts = [text for text in frames.canvas.figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    extents = [(text.get_text(), *text.get_window_extent(renderer).extents) for text in texts]
    for words, left, low, right, top in extents:
        assert min(left, low) >= -1, words
        assert right <= width + 1, words
        assert top <= height + 1, words
    rects = [each.rect for each in shown]
    assert rects
    for place, rect in enumerate(rects):
        assert 0 <= rect.left < rect.right <= width
        assert 0 <= rect.top < rect.bottom <= height
        for words, left, low, right, top in extents:
            apart = right <= rect.left + 2 or left >= rect.right - 2 or height - low <= rect.top + 2
            assert apart or height - top >= rect.bottom - 2, words
        for other in rects[place + 1 :]:
            across = rect.right <= other.left or other.right <= rect.left
            assert across or rect.bottom <= other.top or other.bottom <= rect.top


def test_what_diverges_does_not_pale_the_others():
    calm, wild = made.trained(("Calm", "Wild"))
    loud = replace(
        wild,
        stops=(Stop.DIVERGED,),
        training=replace(wild.training, layer_gradients=1e9 * wild.training.layer_gradients),
    )
    alone = build_scene([calm], view=View(panels=["layers"])).groups[0].panels[0]
    beside = build_scene([calm, loud], view=View(panels=["layers"])).groups[0].panels[0]
    assert beside.limits.tolist() == alone.limits.tolist()
