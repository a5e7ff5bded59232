"""Snippets: what a document's own reader makes of them, whatever a picture's words and a file's name hold."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image
from pptx import Presentation

from gdsim.encode import write
from gdsim.errors import InputError
from gdsim.metadata import Provenance, versions
from gdsim.web.embed import FORMS, snippet

SIZE = (320, 180)
ALT = 'A "race" | of [x_1] & $y$ \\ 50% #1 {a} <b>*bold*</b> `c` ~ ^ é − it\'s @you :smile: {{< x >}} blur bg'
ODD = "my pics/a race (1) & 50% $x_1$ #2"
FORMATS = ("gif", "webp", "apng", "png", "svg", "mp4", "webm", "html", "pdf")
SHOWN = {
    "markdown": FORMATS[:-1],
    "html": FORMATS[:-1],
    "reveal": FORMATS[:-1],
    "quarto": FORMATS[:-1],
    "marp": ("gif", "webp", "apng", "png", "svg", "mp4", "webm"),
    "beamer": ("gif", "webp", "apng", "png", "mp4", "webm", "pdf"),
    "typst": FORMATS,
    "pptx": ("gif", "png", "mp4"),
}
MOVING, VIDEOS = ("gif", "webp", "apng"), ("mp4", "webm")


class Blank:
    """Two frames of one colour each."""

    size = SIZE
    colors = np.zeros((1, 3), np.uint8)
    transparent = False

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[np.ndarray]:
        for shade in (255, 0):
            yield np.full((SIZE[1], SIZE[0], 3), shade, np.uint8)

    def poster(self) -> np.ndarray:
        return np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def one(self, tag: str) -> dict[str, str | None]:
        (attributes,) = [attributes for name, attributes in self.found if name == tag]
        return attributes


def made(alt: str = ALT, title: str = "The <race> of [x] & $y$", yaml: str = "") -> Provenance:
    return Provenance(title, alt, yaml, 0, versions())


def page(words: Provenance) -> str:
    told = words.to_json().replace("<", "\\u003c")
    return f'<!doctype html><html><script type="application/json" id="gdsim-source">{told}</script></html>'


def picture(path: Path, words: Provenance) -> Path:
    """Write a picture that says of itself what is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix[1:]
    if kind == "html":
        path.write_text(page(words))
    elif kind == "svg":
        told = words.to_json().replace("&", "&amp;").replace("<", "&lt;")
        path.write_text(f'<svg width="320" height="180"><dc:source>{told}</dc:source></svg>')
    elif kind == "pdf":
        told = re.sub(r"([\\()])", r"\\\1", words.to_json())
        path.write_text(f"%PDF-1.4\n/MediaBox [ 0 0 240 135 ]\n<< /gdsim ({told}) >>\n%%EOF\n")
    else:
        write(Blank(), path, fps=2, hold=0, provenance=words)
    return path


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture of each format, under a plain name and under an odd one."""
    folder = tmp_path_factory.mktemp("stock")
    for kind in FORMATS:
        path = picture(folder / f"race.{kind}", made())
        (folder / ODD).parent.mkdir(exist_ok=True)
        shutil.copy(path, folder / f"{ODD}.{kind}")
    return folder


@pytest.fixture
def here(stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as the current folder, to be changed."""
    shutil.copytree(stock, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mistake(path: str, form: str, **options: str) -> str:
    """Return the code of the one-line error of a snippet."""
    with pytest.raises(InputError) as caught:
        snippet(path, form, **options)
    assert "\n" not in str(caught.value)
    return caught.value.code


def markdown_image(text: str) -> dict[str, str | None]:
    return Elements(MarkdownIt("gfm-like", {"linkify": False}).render(text)).one("img")


# ------------------------------------------------------------------------- every form and every format


@pytest.mark.parametrize("form", FORMS)
def test_a_form_shows_a_format_or_says_in_a_line_which_it_does(here: Path, form: str) -> None:
    for kind in FORMATS:
        if kind in SHOWN[form]:
            assert snippet(f"race.{kind}", form).endswith("\n")
        else:
            assert mistake(f"race.{kind}", form) == "unsupported"


@pytest.mark.parametrize("form", FORMS)
def test_no_form_breaks_on_an_odd_name(here: Path, form: str) -> None:
    for kind in SHOWN[form]:
        wrong = form == "beamer" or (form == "pptx" and kind == "mp4")
        if wrong:
            assert mistake(f"{ODD}.{kind}", form) == "unsupported"
        else:
            assert snippet(f"{ODD}.{kind}", form)


def test_an_unknown_form_a_missing_file_and_a_foreign_one_get_their_line(here: Path) -> None:
    assert mistake("race.gif", "tpyst") == mistake("race.gif", "x") == "unknown-name"
    assert mistake("rce.gif", "html") == "not-found"
    Image.new("RGB", (2, 2)).save("foreign.gif")
    assert mistake("foreign.gif", "html") == "missing"
    shutil.copy("race.gif", "race.txt")
    assert mistake("race.txt", "html") == "unknown-name"


# ------------------------------------------------------------------------- words and names


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from('\\`*_{}[]<>#+-.!|~$^@&"')
)


def seen(text: str) -> str:
    """What is left of a picture's words: one line of what can be printed."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS.filter(seen))
def test_any_words_come_back_from_markdown_html_and_a_program(tmp_path: Path, alt: str) -> None:
    path = tmp_path / "race.gif"
    path.write_text(page(made(alt)), "utf-8")  # the first bytes tell what it is, and the suffix how it is shown
    assert markdown_image(snippet(path, "markdown"))["alt"] == seen(alt)
    assert Elements(snippet(path, "html")).one("img")["alt"] == seen(alt)
    (line,) = [line for line in snippet(path, "pptx").split("\n") if '"descr"' in line]
    assert json.loads(line.partition('"descr", ')[2][:-1]) == seen(alt)


def test_a_strangers_words_steer_no_terminal_and_no_reading_direction(tmp_path: Path) -> None:
    path = picture(tmp_path / "race.html", made("\x1b[31mred\x07\n\nnext\u202eline\u2028", title="\x1b]0;"))
    for form in ("html", "markdown", "quarto"):
        assert not {"\x1b", "\x07", "\u202e", "\u2028"} & set(snippet(path, form))
    assert Elements(snippet(path, "html")).one("iframe")["title"] == "]0;"


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_addresses_lead_to_the_file_from_the_current_folder(here: Path, kind: str) -> None:
    for given_as in (f"{ODD}.{kind}", here / f"{ODD}.{kind}", f"./{ODD}.{kind}"):
        found = Elements(snippet(given_as, "marp")).found
        addresses = {value for _, each in found for key, value in each.items() if key in ("src", "srcset", "poster")}
        assert {unquote(address) for address in addresses} == {f"{ODD}.{kind}", f"{ODD}.png"}
        assert not any(set(address) & set(" \"'()<>#&,\\") for address in addresses)
    link = markdown_image(snippet(f"{ODD}.gif", "markdown"))["src"]
    assert unquote(link) == f"{ODD}.gif"


def test_a_base_comes_first_and_is_escaped_where_it_must(here: Path) -> None:
    for base in ("https://example.org/talk", "https://example.org/talk/"):
        assert markdown_image(snippet("race.gif", "markdown", base=base))["src"] == "https://example.org/talk/race.gif"
    hostile = Elements(snippet("race.html", "reveal", base="x') url(\"<b>"))
    assert [tag for tag, _ in hostile.found] == ["section", "iframe"]
    assert "url('x%27%29%20url%28%22%3Cb%3E/race.png')" in hostile.one("iframe")["style"]
    assert '"pics/race.gif"' in snippet("race.gif", "typst", base="pics").replace("race.png", "")
    assert mistake("race.png", "typst", base="https://example.org") == "unsupported"


# ------------------------------------------------------------------------- what moves, and what stands in for it


@pytest.mark.parametrize("form", ["html", "reveal", "marp"])
def test_an_image_has_its_size_and_its_poster_in_print(here: Path, form: str) -> None:
    for kind in MOVING:
        found = Elements(snippet(f"race.{kind}", form))
        image, poster = found.one("img"), found.one("source")
        assert (image["src"], image["width"], image["height"]) == (f"race.{kind}", "320", "180")
        assert poster["srcset"] == "race.png"
        assert poster["media"].startswith("print")
    assert "source" not in dict(Elements(snippet("race.png", form)).found)


@pytest.mark.parametrize("form", ["html", "reveal", "marp", "quarto"])
@pytest.mark.parametrize("kind", VIDEOS)
def test_a_video_is_muted_loops_and_has_its_poster(here: Path, form: str, kind: str) -> None:
    text = snippet(f"race.{kind}", form)
    found = Elements(text.partition("```{=html}\n")[2].partition("```")[0] if form == "quarto" else text)
    video = found.one("video")
    assert {"muted", "loop", "playsinline", "data-autoplay" if form == "reveal" else "autoplay"} <= video.keys()
    assert (video["poster"], video["width"], video["height"]) == ("race.png", "320", "180")
    assert video["title" if form == "marp" else "aria-label"] == ALT
    source = video["src"] if form == "marp" else found.one("source").get("data-src" if form == "reveal" else "src")
    assert source == f"race.{kind}"


def test_what_plays_once_does_not_loop(here: Path) -> None:
    picture(Path("once.mp4"), made(yaml="objective: himmelblau\noutput: {loop: once}\n"))
    assert "loop" not in Elements(snippet("once.mp4", "html")).one("video")
    assert "loop" not in snippet("once.mp4", "beamer")
    assert "repeatCount" not in snippet("once.mp4", "pptx")
    for yaml in ("output: [", "output: 3", "[loop]", "output: {loop: forever}"):
        picture(Path("again.mp4"), made(yaml=yaml))
        assert "loop" in Elements(snippet("again.mp4", "html")).one("video")


def test_without_a_poster_there_is_no_trace_of_one(here: Path) -> None:
    Path("race.png").unlink()
    for form in ("html", "reveal", "marp", "quarto", "markdown", "pptx"):
        for kind in set(SHOWN[form]) - {"png"}:
            assert "png" not in snippet(f"race.{kind}", form).replace("apng", "")
    for form in ("beamer", "typst"):
        assert mistake("race.gif", form) == "unsupported"
    assert r"\movie[autostart,loop,width=1.2444\textheight" in snippet("race.mp4", "beamer")


def test_markdown_links_the_poster_of_what_it_cannot_play(here: Path) -> None:
    for kind in ("mp4", "webm", "html"):
        found = Elements(MarkdownIt().render(snippet(f"race.{kind}", "markdown")))
        assert found.one("a")["href"] == f"race.{kind}"
        assert found.one("img") == {"src": "race.png", "alt": ALT}
    Path("race.png").unlink()
    assert Elements(MarkdownIt().render(snippet("race.mp4", "markdown"))).text.strip() == made().title


def test_a_player_is_a_frame_with_a_title_and_room_for_its_controls(here: Path) -> None:
    picture(Path("page.html"), made(yaml="view: {size: [600, 300]}"))
    frame = Elements(snippet("page.html", "html")).one("iframe")
    assert (frame["src"], frame["title"], frame["width"]) == ("page.html", made().title, "600")
    assert int(frame["height"]) > 300
    assert "fullscreen" in frame["allow"]
    picture(Path("page.html"), made(yaml="output: {preset: half}"))
    assert Elements(snippet("page.html", "html")).one("iframe")["width"] == "568"
    # reveal.js loads a frame when its slide comes, and none in print, where its ground shows.
    stretched = Elements(snippet("race.html", "reveal")).one("iframe")
    assert (stretched["data-src"], stretched["class"]) == ("race.html", "r-stretch")
    assert "url('race.png')" in stretched["style"]


def test_quarto_prints_the_poster(here: Path) -> None:
    for kind in (*MOVING, *VIDEOS, "html"):
        moving, still = re.findall(r"^::: \{(.*?)\}\n(.*?)\n:::$", snippet(f"race.{kind}", "quarto"), re.S | re.M)
        assert moving[0] == '.content-visible when-format="html"'
        assert f"race.{kind}" in moving[1]
        assert still[0] == '.content-visible unless-format="html"'
        assert still[1].startswith('![](race.png){fig-alt="A \\"race\\" |')
        # On paper a width would be one in inches: 1280 are more than a page has.
        assert "width=" not in still[1]
    assert snippet("race.png", "quarto").count("\n") == 1


def test_a_picture_fits_a_slide_of_marp_without_distortion(tmp_path: Path) -> None:
    words = made(yaml="view: {size: [1080, 1080]}")
    (tmp_path / "race.gif").write_text(page(words))
    image = Elements(snippet(tmp_path / "race.gif", "marp")).one("img")
    assert (image["width"], image["height"]) == ("500", "500")


# ------------------------------------------------------------------------- what is typeset, or run


def test_beamer_escapes_words_and_shows_the_poster(here: Path) -> None:
    text = snippet("race.gif", "beamer")
    assert "]{race.png}" in text
    assert r"| of [x\_1] \& \$y\$ \textbackslash{} 50\% \#1 \{a\} <b>" in text
    film = snippet("race.mp4", "beamer")
    assert r"\movie[autostart,loop]{\includegraphics" in film
    assert film.rstrip().endswith("{race.mp4}\n\\end{frame}")
    for each in (text, film):
        told = re.sub(r"\\[\\{}%#&$_]", "", each)
        assert told.count("{") == told.count("}")
        assert told.startswith("%")
        assert "%" not in told.split("\n", 1)[1]


def test_typst_shows_the_poster_as_a_link(here: Path) -> None:
    words = json.dumps(ALT, ensure_ascii=False)
    image = f'image("race.png", width: 100%, alt: {words})'
    assert snippet("race.png", "typst") == f"#{image}\n"
    assert snippet("race.mp4", "typst") == f'#link("race.mp4", {image})\n'


@pytest.mark.parametrize("kind", SHOWN["pptx"])
def test_the_program_for_pptx_runs_and_fills_a_slide(here: Path, kind: str) -> None:
    Path("deck.py").write_text(snippet(f"race.{kind}", "pptx"), "utf-8")
    runpy.run_path("deck.py")
    deck = Presentation("deck.pptx")
    (slide,) = deck.slides
    (shape,) = slide.shapes
    assert shape._element.nvPicPr.cNvPr.get("descr") == ALT
    assert shape.width / shape.height == pytest.approx(320 / 180, rel=1e-5)
    assert shape.width == pytest.approx(deck.slide_width, rel=1e-3)
    assert deck.slide_width / deck.slide_height == pytest.approx(16 / 9, rel=1e-3)
    media = Path(f"race.{kind}").read_bytes()
    assert media in [part.blob for part in deck.part.package.iter_parts()]
    if kind == "mp4":
        (node,) = slide.element.xpath(".//p:cMediaNode")
        assert node.get("mute") == "1"
        assert slide.element.xpath(".//p:cMediaNode/p:cTn/@repeatCount") == ["indefinite"]
        assert slide.element.xpath(".//p:cMediaNode//p:cond/@delay") == ["0"]
        assert shape.poster_frame.blob == Path("race.png").read_bytes()
