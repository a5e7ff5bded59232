"""A deck to which slides are added, and which is saved as a whole."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from pptx.enum.dml import MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Inches

from gdsim.analysis import Table
from gdsim.files import atomic_write
from gdsim.slides import SlideItem
from gdsim.slides.layout import SlideBox, SlideLayout, builtin_layout, rgb, template_layout
from gdsim.slides.tables import Colors, draw_table, split_table
from gdsim.slides.text import MAX_ALT_TEXT, first_sentences, notes, printable, shorten, summarize
from gdsim.themes import Theme

LANGUAGE = "en-GB"

MAX_PICTURE = (1280, 720)  # largest size in pixels at which a picture is drawn for a slide

TITLES = ((28.0, 1), (24.0, 1), (20.0, 1), (16.0, 2))  # font size in points, number of lines; the first that fits
CAPTIONS, LEAD, FOOTNOTE = (16.0, 14.0), 18.0, 12.0  # points: under a picture, above a table, under a table
CHARACTER, BOLD_CHARACTER = 0.6, 0.68  # average width in ems

# The order of the elements is that of ECMA-376, part 1, 19.5; their selection is what PowerPoint itself writes: a
# command to play in the main sequence of the slide, the video, and an interactive sequence in which a click pauses it.
COMMAND = """
<p:par><p:cTn id="{0}" fill="hold"><p:stCondLst>{start}</p:stCondLst><p:childTnLst><p:par>
 <p:cTn id="{1}" fill="hold"><p:stCondLst><p:cond delay="0"/></p:stCondLst><p:childTnLst><p:par>
  <p:cTn id="{2}" presetID="{preset}" presetClass="mediacall" presetSubtype="0" fill="hold" nodeType="{effect}">
   <p:stCondLst><p:cond delay="0"/></p:stCondLst>
   <p:childTnLst><p:cmd type="call" cmd="{command}"><p:cBhvr>
    <p:cTn id="{3}" dur="{length}" fill="hold"/><p:tgtEl>{shape}</p:tgtEl>
   </p:cBhvr></p:cmd></p:childTnLst>
  </p:cTn>
 </p:par></p:childTnLst></p:cTn>
</p:par></p:childTnLst></p:cTn></p:par>
"""

TIMING = """
<p:timing {namespaces}><p:tnLst><p:par>
 <p:cTn id="1" dur="indefinite" restart="never" nodeType="tmRoot"><p:childTnLst>
  <p:seq concurrent="1" nextAc="seek">
   <p:cTn id="2" dur="indefinite" nodeType="mainSeq"><p:childTnLst>{play}</p:childTnLst></p:cTn>
   <p:prevCondLst><p:cond evt="onPrev" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:prevCondLst>
   <p:nextCondLst><p:cond evt="onNext" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:nextCondLst>
  </p:seq>
  <p:video><p:cMediaNode vol="80000" mute="1">
   <p:cTn id="7"{repeat} fill="hold" display="0"><p:stCondLst><p:cond delay="indefinite"/></p:stCondLst></p:cTn>
   <p:tgtEl>{shape}</p:tgtEl>
  </p:cMediaNode></p:video>
  <p:seq concurrent="1" nextAc="seek">
   <p:cTn id="8" restart="whenNotActive" fill="hold" evtFilter="cancelBubble" nodeType="interactiveSeq">
    <p:stCondLst>{click}</p:stCondLst>
    <p:endSync evt="end" delay="0"><p:rtn val="all"/></p:endSync>
    <p:childTnLst>{pause}</p:childTnLst>
   </p:cTn>
   <p:nextCondLst>{click}</p:nextCondLst>
  </p:seq>
 </p:childTnLst></p:cTn>
</p:par></p:tnLst></p:timing>
"""


class Deck:
    """A deck to which slides are added; the arguments are those of `new_deck`."""

    def __init__(self, theme: Theme, template: Path | None = None) -> None:
        self._theme = theme
        self._layout: SlideLayout = builtin_layout(theme) if template is None else template_layout(template)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height in pixels, both even, at which a picture fills its place on a slide."""
        box = self._layout.picture
        scale = min(MAX_PICTURE[0] / box.width, MAX_PICTURE[1] / box.height)
        return 2 * round(scale * box.width / 2), 2 * round(scale * box.height / 2)

    @property
    def picture_share(self) -> float:
        """The height of the picture's place as a share of the slide's height."""
        return self._layout.picture.height / int(self._layout.slides.slide_height or 1)

    def add_picture(self, item: SlideItem) -> None:
        """Add a slide with a picture, or with a video that plays automatically."""
        layout = self._layout
        slide = self._slide(item.provenance.title or "Gradient descent", item.theme)
        sides = _fit(item.size, layout.picture)
        if item.poster is None:
            shape = slide.shapes.add_picture(str(item.file), *sides)
        else:
            shape = slide.shapes.add_movie(str(item.file), *sides, str(item.poster), "video/mp4")
            slide.element.remove_all("p:timing")
            timing = autoplay(shape.shape_id, seconds=item.seconds, loop=item.loop)
            slide.element.insert_element_before(timing, "p:extLst")
        shape.name = "Animation"
        _set_alt_text(shape, item.provenance.alt_text)
        full = len(summarize(item.provenance, MAX_ALT_TEXT))
        size = next((size for size in CAPTIONS if full <= self._capacity(layout.caption, size, 2)), CAPTIONS[-1])
        self._caption(slide, summarize(item.provenance, self._capacity(layout.caption, size, 2)), size, item.theme)
        _set_notes(slide, notes(item.provenance))

    def add_table(self, table: Table, *, title: str, lead: str, colors: Colors) -> None:
        """Add a table, on as many slides as it needs, with the lead above it on the first one."""
        layout = self._layout
        keys = [(row.objective, row.optimizer) for row in table]
        whole = SlideBox(layout.title.left, layout.picture.top, layout.title.width, layout.picture.height)
        above, below = self._split_for_lead(whole, lead)
        parts = split_table(table, [below, whole], layout.scale)
        for number, part in enumerate(parts, 1):
            slide = self._slide(f"{title} ({number} of {len(parts)})" if len(parts) > 1 else title, self._theme)
            if number == 1 and lead:
                box = self._text_box(slide, above, "What happened")
                self._write(box, first_sentences(lead, self._capacity(above, LEAD, 3)), self._theme, size=LEAD)
            shape = draw_table(slide, part, below if number == 1 else whole, colors, keys)
            shape.name = "Figures"
            labels = ", ".join(dict.fromkeys(keys[row][1] for row in part.rows))
            headings = ", ".join(column.heading for column in part.columns)
            _set_alt_text(shape, f"A table of {len(part.rows)} rows, {labels}: {headings}.")
            caption = first_sentences(table.caption, self._capacity(layout.caption, FOOTNOTE, 3))
            self._caption(slide, caption, FOOTNOTE, self._theme)
            _set_notes(slide, printable("\n\n".join(filter(None, (lead, table.caption)))))

    def save(self, path: Path, title: str) -> None:
        """Write the deck, with a title in its properties; the same slides give the same bytes.

        Raises:
            GdsimError: The file cannot be written.
        """
        core = self._layout.slides.core_properties
        core.title, core.author, core.language = shorten(title, 200), "gdsim", LANGUAGE
        with atomic_write(path) as partial, tempfile.TemporaryFile() as draft:
            self._layout.slides.save(draft)
            _repack(draft, partial)

    def _slide(self, title: str, theme: Theme) -> Any:
        layout = self._layout
        slide = layout.slides.slides.add_slide(layout.layout)
        for each in list(slide.placeholders):
            if each.placeholder_format.idx != 0:
                each.element.getparent().remove(each.element)
        self._title(slide, title, theme)
        if layout.builtin and theme.page != self._theme.page:
            slide.background.fill.solid()
            slide.background.fill.fore_color.rgb = rgb(theme.page)
        return slide

    def _title(self, slide: Any, text: str, theme: Theme) -> None:
        layout = self._layout
        shape = slide.shapes.title
        if shape is None:
            shape = self._text_box(slide, layout.title, "Title")
        elif SlideBox(shape.left, shape.top, shape.width, shape.height) != layout.title:
            shape.left, shape.top, shape.width, shape.height = layout.title
        capacities = [(size, self._capacity(layout.title, size, lines, BOLD_CHARACTER)) for size, lines in TITLES]
        size, capacity = next((each for each in capacities if len(text) <= each[1]), capacities[-1])
        # A template's title may use a larger font; it is kept if the text is short.
        short = len(text) <= capacities[0][1] * (1.0 if layout.builtin else 0.5)
        self._write(shape, shorten(text, capacity), theme, size=None if short and slide.shapes.title else size)

    def _caption(self, slide: Any, text: str, size: float, theme: Theme) -> None:
        self._write(self._text_box(slide, self._layout.caption, "Caption"), text, theme, size=size, quiet=True)

    def _text_box(self, slide: Any, box: SlideBox, name: str) -> Any:
        shape = slide.shapes.add_textbox(*box)
        shape.name = name
        shape.text_frame.word_wrap = True
        return shape

    def _split_for_lead(self, box: SlideBox, lead: str) -> tuple[SlideBox, SlideBox]:
        """Divide a box into one for a lead of up to three lines and one for the table under it."""
        lines = next((each for each in (0, 1, 2) if len(lead) <= each * self._capacity(box, LEAD, 1)), 3)
        height = round(lines * 1.25 * self._layout.points(LEAD) + Inches(0.3) * bool(lines))
        return (
            SlideBox(box.left, box.top, box.width, height),
            SlideBox(box.left, box.top + height, box.width, box.height - height),
        )

    def _write(self, shape: Any, text: str, theme: Theme, *, size: float | None, quiet: bool = False) -> None:
        """Write one run of text; a size of None keeps that of the layout."""
        run = shape.text_frame.paragraphs[0].add_run()
        run.text = printable(text)
        run._r.get_or_add_rPr().set("lang", LANGUAGE)
        if self._layout.builtin and theme.page != self._theme.page:
            run.font.color.rgb = rgb(theme.quiet if quiet else theme.text)
        elif quiet and self._layout.builtin:
            run.font.color.theme_color = MSO_THEME_COLOR.TEXT_2
        if size is not None:
            run.font.size = self._layout.points(size)

    def _capacity(self, box: SlideBox, size: float, lines: int, character: float = CHARACTER) -> int:
        """Estimate how many characters fit on some lines of a box."""
        inside = box.width - 2 * Inches(0.1)
        # Words that wrap leave some space at the end of a line.
        return max(int(inside / (self._layout.points(size) * character)) * lines - 8 * (lines - 1), 8)


def _fit(size: tuple[int, int], box: SlideBox) -> SlideBox:
    """Return the largest box with the aspect ratio of a picture, centred in a box."""
    scale = min(box.width / size[0], box.height / size[1])
    width, height = round(size[0] * scale), round(size[1] * scale)
    return SlideBox(box.left + (box.width - width) // 2, box.top + (box.height - height) // 2, width, height)


def _set_alt_text(shape: Any, text: str) -> None:
    (properties, *_) = shape.element.xpath(".//p:cNvPr")
    properties.set("descr", shorten(text, MAX_ALT_TEXT))


def _set_notes(slide: Any, text: str) -> None:
    frame = slide.notes_slide.notes_text_frame
    if frame is not None:  # the notes of a template may have no text frame
        frame.text = text


def _repack(draft: Any, path: Path) -> None:
    """Write the archive again without time stamps, and without compressing media a second time."""
    with zipfile.ZipFile(draft) as before, zipfile.ZipFile(path, "w") as after:
        for entry in before.infolist():
            plain = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            is_media = entry.filename.startswith("ppt/media/")
            plain.compress_type = zipfile.ZIP_STORED if is_media else zipfile.ZIP_DEFLATED
            plain.file_size = entry.file_size
            with before.open(entry) as source, after.open(plain, "w") as target:
                shutil.copyfileobj(source, target, 2**20)


def autoplay(shape: int, *, seconds: float | None, loop: bool) -> Any:
    """Return the `p:timing` element of a slide, by which the video with the id `shape` plays automatically, muted."""
    target = f'<p:spTgt spid="{shape}"/>'
    click = f'<p:cond evt="onClick" delay="0"><p:tgtEl>{target}</p:tgtEl></p:cond>'
    begin = '<p:cond delay="indefinite"/><p:cond evt="onBegin" delay="0"><p:tn val="2"/></p:cond>'
    length = "indefinite" if seconds is None else max(1, round(1000 * seconds))
    play = COMMAND.format(
        *range(3, 7), start=begin, preset=1, effect="afterEffect", command="playFrom(0.0)", length=length, shape=target
    )
    start = '<p:cond delay="0"/>'
    pause = COMMAND.format(
        *range(9, 13), start=start, preset=2, effect="clickEffect", command="togglePause", length=1, shape=target
    )
    repeat = ' repeatCount="indefinite"' if loop else ""
    sequences = {"play": play, "pause": pause, "click": click}
    return parse_xml(TIMING.format(namespaces=nsdecls("p"), shape=target, repeat=repeat, **sequences))
