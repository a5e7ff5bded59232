"""Decks: what is on the slides and in their notes, that PowerPoint's rules are kept, and what a bad input is told."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence
from pptx import Presentation
from pptx.oxml import parse_xml
from pptx.util import Inches

import gdsim
from gdsim.analysis import Row, make_table
from gdsim.cli.slides import slides
from gdsim.encode import source
from gdsim.errors import GdsimError, InputError
from gdsim.metadata import Provenance
from gdsim.scene.build import build_scene
from gdsim.scene.captions import Clause, Description
from gdsim.scene.sweeps import build_sweep_scene
from gdsim.slides import SlideItem, new_deck
from gdsim.slides.deck import autoplay
from gdsim.slides.text import first_sentences, notes, shorten, summarize
from gdsim.themes import theme

YAML = """\
# for the lecture
objective: himmelblau
start: [-0.5, 4.2]
steps: 30
optimizers:
  SGD: {lr: 0.01}
  Adam: {lr: 0.3}
view: {levels: linear, panels: []}
animation: {fps: 5, seconds: 0.4, hold: 0}
"""
SHAPE = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
LOOK = theme("slide")


def made(sources, out, **options):
    slides(sources, out, **{"quiet": True, **options})
    return Presentation(str(out))


@pytest.fixture(scope="module")
def lecture(tmp_path_factory):
    """A folder with a config and small pictures of it."""
    folder = tmp_path_factory.mktemp("lecture")
    (folder / "race.yaml").write_text(YAML, "utf-8")
    experiment = gdsim.loads(f"{YAML.replace('panels: []', 'panels: [], size: [320, 180]')}", name="race")
    movie = gdsim.animate(experiment)
    for suffix in ("gif", "mp4", "png", "apng", "webp"):
        movie.save(folder / f"race.{suffix}")
    return folder


@pytest.fixture(scope="module")
def drawn(lecture):
    """The deck of a config."""
    out = lecture / "drawn.pptx"
    return made([lecture / "race.yaml"], out)


def picture_of(slide):
    (found,) = (each for each in slide.shapes if each.element.tag == f"{SHAPE}pic")
    return found


def caption_of(slide):
    (found,) = (each for each in slide.shapes if each.name == "Caption")
    return found


def table_of(slide):
    (found,) = (each for each in slide.shapes if each.has_table)
    return [[cell.text for cell in row.cells] for row in found.table.rows]


def alt_text(shape):
    return shape.element.xpath(".//p:cNvPr")[0].get("descr")


def media(path):
    with zipfile.ZipFile(path) as archive:
        return {hashlib.sha256(archive.read(name)).digest() for name in archive.namelist() if "/media/" in name}


def digest(path):
    return hashlib.sha256(path.read_bytes()).digest()


# What is on a slide


def test_a_config_becomes_a_slide_that_says_and_shows_what_happens(drawn, lecture):
    slide = drawn.slides[0]
    picture = picture_of(slide)
    assert slide.shapes.title.text == "Only SGD arrives, in 9 steps"
    (lecture / "inside.gif").write_bytes(picture.image.blob)
    told = source(lecture / "inside.gif")
    assert told.yaml == YAML
    assert alt_text(picture) == told.alt_text
    caption = caption_of(slide).text_frame.text
    assert caption == f"{'; '.join(told.caption)}."
    assert (
        told.alt_text
        == f"Gradient descent on Himmelblau, 30 steps. {caption} Longer steps are shown for a longer time."
    )
    with Image.open(io.BytesIO(picture.image.blob)) as gif:
        assert gif.is_animated
        assert gif.info["loop"] == 0
        assert picture.width / picture.height == pytest.approx(gif.width / gif.height, rel=0.002)
    assert len(picture.image.blob) < 5_000_000


def test_a_picture_takes_the_width_that_there_is_and_touches_no_words(drawn):
    slide = drawn.slides[0]
    title, caption, picture = slide.shapes.title, caption_of(slide), picture_of(slide)
    assert (drawn.slide_width, drawn.slide_height) == (Inches(40 / 3), Inches(7.5))
    assert picture.width > 0.95 * drawn.slide_width
    # The text of the picture begins below that of the title, which is inset by 0.1 inches.
    text_at = np.flatnonzero((np.asarray(Image.open(io.BytesIO(picture.image.blob)).convert("L"))[:40] < 128).any(0))[0]
    scale = picture.width / picture.image.size[0]
    assert picture.left + scale * text_at == pytest.approx(title.left + Inches(0.1), abs=Inches(0.06))
    assert title.top + title.height <= picture.top
    assert picture.top + picture.height <= caption.top
    assert caption.top + caption.height <= drawn.slide_height


def test_the_notes_hold_the_yaml_as_it_was_written(drawn):
    words = drawn.slides[0].notes_slide.notes_text_frame.text
    assert YAML.rstrip() in words
    assert "Gradient descent on Himmelblau, 30 steps." in words
    assert re.search(r"gdsim \d+\.\d+\.\d+, torch \d.*seed 0", words)


def test_the_figures_are_those_of_the_comparison(drawn, lecture):
    slide = drawn.slides[1]
    heading, *rows = table_of(slide)
    expected = {column.heading: column.words for column in gdsim.compare(gdsim.load(lecture / "race.yaml")).columns()}
    assert {"optimizer", "solved", "best value"} <= {*heading}
    for place, name in enumerate(heading):
        cells = tuple(row[place].removeprefix("■ ") for row in rows)
        assert cells == expected[name]
    assert slide.shapes.title.text == "SGD and Adam on Himmelblau"
    finding = gdsim.build_scene(gdsim.simulate(gdsim.load(lecture / "race.yaml"))).title
    assert f"{finding}." in [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def test_nothing_is_left_empty_and_every_word_has_its_language(drawn):
    for slide in drawn.slides:
        assert all(each.text_frame.text for each in slide.placeholders)
        assert {each.get("lang") for each in slide.element.xpath(".//a:r/a:rPr")} == {"en-GB"}
        ids = slide.element.xpath(".//p:cNvPr/@id")
        assert len(ids) == len({*ids})
        kinds = [each.element.tag.rpartition("}")[2] for each in slide.shapes]
        # As it is read aloud: title, picture or table, caption.
        assert kinds[0] == kinds[-1] == "sp"
    core = drawn.core_properties
    assert (core.title, core.author, core.last_modified_by) == ("Only SGD arrives, in 9 steps", "gdsim", "")


def test_files_go_in_byte_for_byte_each_with_its_words(lecture, capsys):
    sources = [lecture / f"race.{suffix}" for suffix in ("gif", "png", "mp4", "apng")]
    found = made(sources, lecture / "files.pptx", quiet=False)
    assert "race.apng: will not move" in capsys.readouterr().err
    assert media(lecture / "files.pptx") == {digest(path) for path in sources}
    told = source(lecture / "race.gif")
    assert len(found.slides) == 4
    for slide in found.slides:
        picture = picture_of(slide)
        assert alt_text(picture) == told.alt_text
        assert told.yaml.rstrip() in slide.notes_slide.notes_text_frame.text
        assert picture.width / picture.height == pytest.approx(320 / 180, rel=1e-4)


def test_a_recording_is_drawn_without_being_simulated(lecture, monkeypatch):
    experiment = gdsim.load(lecture / "race.yaml")
    gdsim.save(lecture / "race.npz", gdsim.simulate(experiment), experiment)
    monkeypatch.setattr("gdsim.simulation.experiments.simulate", lambda *_, **__: pytest.fail("it was simulated"))
    found = made([lecture / "race.npz"], lecture / "recorded.pptx")
    assert table_of(found.slides[1])[0][0] == "optimizer"
    with pytest.raises(InputError, match=r"^--set steps: "):
        made([lecture / "race.npz"], lecture / "recorded.pptx", changes=["steps=3"])


def test_runs_of_one_objective_are_told_apart_by_their_slides(lecture, tmp_path):
    (tmp_path / "race.yaml").write_text(YAML.replace("Adam: {lr: 0.3}", "Adam: {lr: 0.2}"), "utf-8")
    sources = [lecture / "race.yaml", lecture / "race.gif", tmp_path / "race.yaml"]
    rows = table_of(made(sources, tmp_path / "a.pptx").slides[3])[1:]
    assert [row[0] for row in rows] == ["Himmelblau (slide 1)", "", "Himmelblau (slide 3)", ""]
    assert len({(*row,) for row in rows}) == 4


def test_no_panel_is_given_up_for_larger_type(lecture, tmp_path, capsys):
    panels = "[loss, gradient_norm, distance, learning_rate, step_size, angle]"
    (tmp_path / "many.yaml").write_text(YAML.replace("panels: []", f"panels: {panels}"), "utf-8")
    made([tmp_path / "many.yaml"], tmp_path / "a.pptx", quiet=False)
    assert "no room" not in capsys.readouterr().err


def test_the_same_sources_make_the_same_file(lecture):
    for name in ("once", "again"):
        made([lecture / "race.gif"], lecture / f"{name}.pptx")
    assert digest(lecture / "once.pptx") == digest(lecture / "again.pptx")


def test_a_slide_takes_on_the_page_of_its_picture(lecture):
    experiment = gdsim.loads(YAML.replace("panels: []", "panels: [], size: [320, 180], theme: dark"), name="dark")
    gdsim.animate(experiment).save(lecture / "dark.png")
    slide = made([lecture / "race.png", lecture / "dark.png"], lecture / "dark.pptx").slides[1]
    assert str(slide.background.fill.fore_color.rgb) == theme("dark").page[1:].upper()
    assert str(slide.shapes.title.text_frame.paragraphs[0].runs[0].font.color.rgb) == theme("dark").text[1:].upper()


# Videos

ORDER = {
    "timing": ["tnLst", "bldLst", "extLst"],
    "cTn": ["stCondLst", "endCondLst", "endSync", "iterate", "childTnLst", "subTnLst"],
    "seq": ["cTn", "prevCondLst", "nextCondLst"],
    "cMediaNode": ["cTn", "tgtEl"],
    "cBhvr": ["cTn", "tgtEl", "attrNameLst"],
    "sld": ["cSld", "clrMapOvr", "transition", "timing", "extLst"],
}
"""The order of what an element may hold, from the schema of ECMA-376, part 1, A.3."""


def in_order(element):
    for each in element.iter():
        name = each.tag.rpartition("}")[2]
        if name in ORDER:
            places = [ORDER[name].index(child.tag.rpartition("}")[2]) for child in each]
            assert places == sorted(places), name
        if name in ("par", "cmd", "video"):
            assert len(each) == 1


def test_a_video_plays_by_itself_without_sound_and_again(lecture):
    found = made([lecture / "race.yaml"], lecture / "video.pptx", video=True)
    slide = found.slides[0]
    picture = picture_of(slide)
    in_order(slide.element)
    (timing,) = slide.element.xpath("p:timing")
    assert timing.xpath(".//p:cMediaNode/@mute") == ["1"]
    assert timing.xpath(".//p:video//p:cTn/@repeatCount") == ["indefinite"]
    # After the slide has come, and not on a click.
    assert timing.xpath('.//p:cmd[@cmd="playFrom(0.0)"]/ancestor::p:cTn/@nodeType') == [
        "tmRoot",
        "mainSeq",
        "afterEffect",
    ]
    assert {*timing.xpath(".//p:spTgt/@spid")} == {str(picture.shape_id)}
    numbers = timing.xpath(".//p:cTn/@id")
    assert len(numbers) == len({*numbers})
    with Image.open(io.BytesIO(picture.poster_frame.blob)) as poster:
        assert poster.format == "PNG"
        assert picture.width / picture.height == pytest.approx(poster.width / poster.height, rel=0.002)
    with zipfile.ZipFile(lecture / "video.pptx") as archive:
        assert [Path(name).suffix for name in sorted(archive.namelist()) if "/media/" in name] == [".png", ".mp4"]
        assert b'Extension="mp4" ContentType="video/mp4"' in archive.read("[Content_Types].xml")


def test_a_video_that_plays_once_is_not_repeated():
    timing = autoplay(4, seconds=2.5, loop=False)
    in_order(timing)
    assert timing.xpath(".//@repeatCount") == []
    assert timing.xpath('.//p:cmd[@cmd="playFrom(0.0)"]//p:cTn/@dur') == ["2500"]


def test_a_video_has_the_picture_beside_it_as_its_poster(lecture, tmp_path):
    found = made([lecture / "race.mp4"], tmp_path / "a.pptx")
    assert picture_of(found.slides[0]).poster_frame.blob == (lecture / "race.png").read_bytes()
    shutil.copy(lecture / "race.mp4", tmp_path / "alone.mp4")
    with pytest.raises(InputError, match=r"needs a poster; put its last frame beside it as .*alone\.png"):
        made([tmp_path / "alone.mp4"], tmp_path / "b.pptx")


# Tables


def many_rows(objectives):
    rows = [
        Row(f"Objective {number}", f"Optimizer {place}", "", reason="it has no room")
        for number, count in enumerate(objectives)
        for place in range(count)
    ]
    return make_table(rows)


@pytest.mark.parametrize("objectives", [[1], [40], [3] * 30, [2, 30, 2]])
def test_a_long_table_goes_on_on_the_next_slide(objectives, tmp_path):
    written, given_rows = new_deck(LOOK), many_rows(objectives)
    written.add_table(given_rows, title="Figures", lead="", colors={})
    written.save(tmp_path / "a.pptx", "Figures")
    found = Presentation(str(tmp_path / "a.pptx"))
    seen = []
    for slide in found.slides:
        (shape,) = (each for each in slide.shapes if each.has_table)
        heading, *rows = table_of(slide)
        place = heading.index("optimizer")
        seen += [row[place] for row in rows]
        assert shape.top + sum(row.height for row in shape.table.rows) <= caption_of(slide).top
        assert sum(column.width for column in shape.table.columns) <= found.slide_width
    assert seen == [row.optimizer for row in given_rows]
    titles = [slide.shapes.title.text for slide in found.slides]
    assert len({*titles}) == len(titles)


@pytest.mark.parametrize(("count", "objectives"), [(3, 12), (12, 3)])
def test_the_rows_of_an_objective_stay_together(count, objectives, tmp_path):
    written = new_deck(LOOK)
    written.add_table(many_rows([count] * objectives), title="Figures", lead="", colors={})
    written.save(tmp_path / "a.pptx", "Figures")
    for slide in Presentation(str(tmp_path / "a.pptx")).slides:
        assert (len(table_of(slide)) - 1) % count == 0


# Templates


def template(path, change=None):
    slides = Presentation()
    if change is not None:
        change(slides)
    slides.save(str(path))
    return path


def with_slides(slides):
    for number in range(3):
        slides.slides.add_slide(slides.slide_layouts[1]).shapes.title.text = f"old {number}"


def test_a_template_gives_its_size_and_masters_and_none_of_its_slides(lecture, tmp_path):
    given_one = template(tmp_path / "t.pptx", with_slides)
    found = made([lecture / "race.yaml"], tmp_path / "a.pptx", template=given_one)
    assert (found.slide_width, found.slide_height) == (Inches(10), Inches(7.5))
    assert [slide.shapes.title.text for slide in found.slides] == [
        "Only SGD arrives, in 9 steps",
        "SGD and Adam on Himmelblau",
    ]
    assert found.slides[0].slide_layout.name == "Title Only"
    with zipfile.ZipFile(tmp_path / "a.pptx") as archive:
        assert not any(b"old 1" in archive.read(name) for name in archive.namelist())
    picture, title = picture_of(found.slides[0]), found.slides[0].shapes.title
    assert title.left <= picture.left
    assert picture.left + picture.width <= title.left + title.width
    assert title.top + title.height <= picture.top


def test_a_template_without_a_title_has_one_all_the_same(lecture, tmp_path):
    def only_blank(slides):
        for layout in [each for each in slides.slide_layouts if each.name != "Blank"]:
            slides.slide_layouts.remove(layout)

    found = made([lecture / "race.gif"], tmp_path / "a.pptx", template=template(tmp_path / "t.pptx", only_blank))
    assert found.slides[0].shapes[0].text_frame.text == "Only SGD arrives, in 9 steps"


def test_nothing_goes_over_the_edge_where_a_title_does(lecture, tmp_path):
    def narrow(slides):
        slides.slide_width = Inches(7.5)

    found = made([lecture / "race.gif"], tmp_path / "a.pptx", template=template(tmp_path / "t.pptx", narrow))
    assert all(each.left + each.width <= found.slide_width for each in found.slides[0].shapes)


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "")
        with archive.open("ppt/presentation.xml", "w", force_zip64=True) as file:
            for _ in range(257):
                file.write(bytes(2**20))


def with_macros(path):
    template(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("ppt/vbaProject.bin", b"x")


def broken(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types")
        archive.writestr("ppt/presentation.xml", "<p")


def no_room(slides):
    slides.slide_width, slides.slide_height = Inches(13), Inches(1)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b"GIF89a"), "unreadable"),
        (bomb, "too-large"),
        (with_macros, "not-allowed"),
        (broken, "unreadable"),
        (lambda path: template(path, no_room), "unsupported"),
        (lambda path: path.mkdir(), "unreadable"),
        (os.mkfifo, "unreadable"),
        (Path.exists, "not-found"),
    ],
)
def test_a_bad_template_is_an_error_of_one_line(make, code, lecture, tmp_path):
    make(tmp_path / "t.pptx")
    with pytest.raises(InputError) as error:
        made([lecture / "race.gif"], tmp_path / "a.pptx", template=tmp_path / "t.pptx")
    assert error.value.code == code
    assert "\n" not in str(error.value)
    assert str(tmp_path / "t.pptx") in str(error.value)


# Mistakes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("race.webp", "a slide holds a GIF, a PNG or an MP4"),
        ("foreign.gif", "foreign.gif: "),
        ("torn.gif", "torn.gif: "),
        ("none.gif", "no such file"),
    ],
)
def test_a_file_that_cannot_be_shown_is_told_in_a_line(name, words, lecture, tmp_path):
    Image.new("RGB", (8, 8)).save(lecture / "foreign.gif")
    (lecture / "torn.gif").write_bytes((lecture / "race.gif").read_bytes()[:9])
    with pytest.raises(InputError, match=words) as error:
        made([lecture / name], tmp_path / "a.pptx")
    assert "\n" not in str(error.value)
    assert not [*tmp_path.iterdir()]


def test_mistakes_of_all_sources_are_told_together(lecture, tmp_path):
    (lecture / "bad.yaml").write_text("objective: himmelblau\nsteps: 0\noptimizers: {SGD: {lr: 1}}\n")
    with pytest.raises(InputError) as error:
        made([lecture / "bad.yaml", lecture / "race.webp"], tmp_path / "a.pptx")
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        str(lecture / "bad.yaml"),
        str(lecture / "race.webp"),
    ]


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("a.ppt", {}, "ends in .pptx"),
        ("folder.pptx", {}, "is a folder"),
        ("here.pptx", {"overwrite": False}, "exists"),
        ("here.pptx/deep/a.pptx", {}, "cannot be written"),
        ("a.pptx", {"theme": "drak"}, "--theme: there is no theme 'drak'; did you mean 'dark'"),
    ],
)
def test_a_deck_that_cannot_be_made_is_told_before_any_work(out, options, words, lecture, tmp_path):
    (tmp_path / "folder.pptx").mkdir()
    (tmp_path / "here.pptx").write_bytes(b"before")
    with pytest.raises(GdsimError, match=words):
        made([lecture / "race.yaml"], tmp_path / out, **options)
    assert (tmp_path / "here.pptx").read_bytes() == b"before"
    assert len([*tmp_path.iterdir()]) == 2


def test_a_deck_is_not_written_over_what_it_is_made_of(lecture, tmp_path):
    given_one = template(tmp_path / "t.pptx")
    with pytest.raises(InputError, match=r"^--out: "):
        made([lecture / "race.gif"], given_one, template=given_one)


def test_without_python_pptx_a_line_names_the_command(monkeypatch):
    for name in [name for name in sys.modules if name == "gdsim.slides.deck" or name.partition(".")[0] == "pptx"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pptx", None)
    for name in ("tables", "layout"):
        monkeypatch.delitem(sys.modules, f"gdsim.slides.{name}", raising=False)
    with pytest.raises(GdsimError, match=r"pip install 'gdsim\[slides\]'"):
        new_deck(LOOK)


# Words


def made_with(*caption):
    return Provenance("", "A first sentence. A second one.", "", None, {}, caption)


def test_a_caption_says_what_has_room():
    first, second = "SGD arrives in 9 steps", "Adam circles until step 57"
    told = made_with(first, second, "Lion has not arrived after 150 steps")
    assert summarize(told, 500) == f"{first}; {second}; Lion has not arrived after 150 steps."
    assert summarize(told, 55) == f"{first}; {second}; …"
    assert summarize(told, 17) == "SGD arrives in …"
    # Pictures of earlier versions have no clauses.
    assert summarize(made_with(), 20) == "A first sentence."


def test_a_caption_begins_with_those_who_arrive_and_says_once_what_is_the_same_for_several():
    clauses = [
        Clause("Lion", " hardly moves"),
        *(Clause(label, " arrives in 9 steps", arrives=True) for label in "AB"),
        *(Clause(label, ": 4 of 4 paths arrive") for label in "CD"),
    ]
    told = Description("Gradient descent on Booth, 9 steps.", tuple(clauses))
    assert told.caption() == (
        "A arrives in 9 steps",
        "B arrives in 9 steps",
        "Lion hardly moves",
        "C, D: 4 of 4 paths arrive",
    )
    assert told.text.startswith("Gradient descent on Booth, 9 steps. Lion hardly moves; A arrives in 9 steps; B ")


def test_a_caption_names_the_objectives_where_they_are_several():
    paths = [gdsim.descend(name, "SGD", lr=1e-3, start=[1, 1], steps=2) for name in ("booth", "beale")]
    assert [each.partition(" ")[0] for each in build_scene(paths).caption] == ["Booth:", "Beale:"]


@given(st.text(), st.integers(1, 80))
def test_words_have_room_and_can_be_written(words, most):
    captions = [summarize(made_with(*told), most) for told in ((words,), (words, words))]
    for each in (shorten(words, most), first_sentences(words, most), *captions):
        assert len(each) <= most
        assert "\n" not in each
    told = notes(Provenance(words, words, words, 0, {"gdsim": words}))
    element = parse_xml("<a/>")
    element.set("words", told)
    element.text = told


def test_words_of_a_stranger_are_nothing_but_words(lecture, tmp_path):
    hostile = "<p:cmd/>&amp;\x00\x1b\ud800]]> {0} %s " + "long " * 3000
    shown = SlideItem(lecture / "race.png", (320, 180), Provenance(hostile, hostile, hostile, 0, {"x": hostile}), LOOK)
    written = new_deck(LOOK)
    written.add_picture(shown)
    written.save(tmp_path / "a.pptx", hostile)
    slide = Presentation(str(tmp_path / "a.pptx")).slides[0]
    assert slide.shapes.title.text.startswith("<p:cmd/>&amp;")
    assert slide.shapes.title.text.endswith("…")
    assert len(alt_text(picture_of(slide))) <= 2000


# LibreOffice


@pytest.mark.slow
def test_a_deck_of_forty_pictures_opens(lecture, office, tmp_path):
    written, told = new_deck(LOOK), source(lecture / "race.gif")
    for suffix in ["gif"] * 39 + ["mp4"]:
        poster = lecture / "race.png" if suffix == "mp4" else None
        written.add_picture(SlideItem(lecture / f"race.{suffix}", (320, 180), told, LOOK, poster=poster))
    written.add_table(many_rows([3] * 12), title="Figures", lead="They are many.", colors={})
    written.save(tmp_path / "forty.pptx", "Forty")
    slides = len(Presentation(str(tmp_path / "forty.pptx")).slides)
    home = f"-env:UserInstallation={(tmp_path / 'office').as_uri()}"
    subprocess.run(
        [office[0], "--headless", home, "--convert-to", "pdf", "--outdir", str(tmp_path), str(tmp_path / "forty.pptx")],
        check=True,
        capture_output=True,
        timeout=120,
    )
    pages = re.findall(rb"/Type\s*/Page\b(?!s)", (tmp_path / "forty.pdf").read_bytes())
    assert len(pages) == slides > 40


SWEPT = """objective: himmelblau
start: [-0.5, 4.2]
steps: 20
optimizers: {SGD: {lr: 0.01}, Adam: {lr: 0.3}}
sweep: {x: {setting: SETTING}SECOND, show: minimum}
view: {theme: slide}
animation: {fps: 5, seconds: 1, hold: 1}
"""


def test_a_deck_of_a_map_and_of_a_sweep_over_one_setting_holds_their_pictures_and_no_table(tmp_path):
    texts = {
        "map": SWEPT.replace("SETTING", "start").replace("SECOND", ", y: {setting: start}, size: [12, 8]"),
        "rates": SWEPT.replace("SETTING", '"optimizers.*.lr", range: [0.001, 1], scale: log').replace(
            "SECOND", ", points: 5"
        ),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    deck = made([tmp_path / f"{name}.yaml" for name in texts], tmp_path / "deck.pptx")
    assert len(deck.slides) == 2
    for slide, text in zip(deck.slides, texts.values(), strict=True):
        experiment = gdsim.loads(text)
        scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
        assert slide.shapes.title.text == scene.title
        picture, caption = picture_of(slide), caption_of(slide).text_frame.text
        assert alt_text(picture) == scene.alt_text
        # The caption says how the runs end, and the picture which settings there are.
        assert caption.startswith("SGD: ")
        assert caption == f"{'; '.join(scene.caption)}."
        assert caption in scene.alt_text
        assert "…" not in caption
        assert text.strip() in slide.notes_slide.notes_text_frame.text
        with Image.open(io.BytesIO(picture.image.blob)) as shown:
            every = [np.asarray(frame.convert("RGB"), float) for frame in ImageSequence.Iterator(shown)]
        assert max(np.abs(each - every[0]).mean() for each in every) > 1
