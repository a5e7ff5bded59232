"""A deck to which slides are added, and which is saved as a whole."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from pptx.util import Emu, Inches

from gdsim.analysis import Table
from gdsim.files import atomic_write
from gdsim.slides import SlideItem
from gdsim.slides.layout import SlideBox, SlideLayout, builtin_layout, rgb, template_layout
from gdsim.slides.tables import Colors, draw_table, split_table
from gdsim.slides.text import MAX_ALT_TEXT, first_sentences, notes, printable, shorten, summarize
from gdsim.slides.timing import autoplay
from gdsim.themes import Theme

LANGUAGE = "en-GB"

MAX_PICTURE = (1280, 720)
"""The largest size in pixels at which a picture is drawn for a slide."""

TITLES = ((28.0, 1), (24.0, 1), (20.0, 1), (16.0, 2))
"""Font sizes of a title in points, with the number of lines available; the first that fits is used."""

CAPTIONS, LEAD, FOOTNOTE = (16.0, 14.0), 18.0, 12.0
"""Font sizes in points of the text under a picture, above a table and under a table."""

CHARACTER, BOLD_CHARACTER = 0.6, 0.68
"""The average width of a character in ems."""


class Deck:
    """A deck to which slides are added.

    Args:
        theme: The colours of its slides.
        template: A .pptx file whose size, masters and colours are used instead.

    Raises:
        InputError: The template is not a usable .pptx file.
    """

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
        text, layout = item.provenance.alt_text, self._layout
        slide = self._slide(item.provenance.title or "Gradient descent", item.theme)
        sides = _emu(_fit(item.size, layout.picture))
        if item.poster is None:
            shape = slide.shapes.add_picture(str(item.file), *sides)
        else:
            shape = slide.shapes.add_movie(str(item.file), *sides, str(item.poster), "video/mp4")
            slide.element.remove_all("p:timing")
            timing = autoplay(shape.shape_id, seconds=item.seconds, loop=item.loop)
            slide.element.insert_element_before(timing, "p:extLst")
        shape.name = "Animation"
        _set_alt_text(shape, text)
        full = len(summarize(text, MAX_ALT_TEXT))
        size = next((size for size in CAPTIONS if full <= self._capacity(layout.caption, size, 2)), CAPTIONS[-1])
        self._caption(slide, summarize(text, self._capacity(layout.caption, size, 2)), size, item.theme)
        _set_notes(slide, notes(item.provenance))

    def add_table(self, table: Table, *, title: str, lead: str, colors: Colors) -> None:
        """Add a table, on as many slides as it needs.

        Args:
            table: The table.
            title: The title of each slide.
            lead: Text above the table on the first slide.
            colors: The colour of each path, by objective and optimizer.
        """
        layout = self._layout
        keys = [(row.objective, row.optimizer) for row in table]
        whole = SlideBox(layout.title.left, layout.picture.top, layout.title.width, layout.picture.height)
        above, below = self._split_for_lead(whole, lead)
        parts = split_table(table, [below, whole], layout.scale)
        for number, part in enumerate(parts, 1):
            slide = self._slide(f"{title} ({number} of {len(parts)})" if len(parts) > 1 else title, self._theme)
            if number == 1 and lead:
                box = slide.shapes.add_textbox(*_emu(above))
                box.name = "What happened"
                box.text_frame.word_wrap = True
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
        """Write the deck. The same slides give the same bytes.

        Args:
            path: The .pptx file.
            title: The title in the document's properties.

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
            if each.placeholder_format.idx not in (0, layout.caption_placeholder):
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
            shape = slide.shapes.add_textbox(*_emu(layout.title))
            shape.name = "Title"
        elif SlideBox(shape.left, shape.top, shape.width, shape.height) != layout.title:
            shape.left, shape.top, shape.width, shape.height = _emu(layout.title)
        capacities = [(size, self._capacity(layout.title, size, lines, BOLD_CHARACTER)) for size, lines in TITLES]
        size, capacity = next((each for each in capacities if len(text) <= each[1]), capacities[-1])
        # A template's title may use a larger font; it is kept if the text is short.
        short = len(text) <= capacities[0][1] * (1.0 if layout.builtin else 0.5)
        keep = short and slide.shapes.title
        self._write(shape, shorten(text, capacity), theme, size=None if keep else size)

    def _caption(self, slide: Any, text: str, size: float, theme: Theme) -> None:
        layout = self._layout
        shape = next((p for p in slide.placeholders if p.placeholder_format.idx == layout.caption_placeholder), None)
        if shape is None:
            shape = slide.shapes.add_textbox(*_emu(layout.caption))
            shape.name = "Caption"
            shape.text_frame.word_wrap = True
        else:
            # The order of shapes is the reading order: the caption follows the picture.
            slide.shapes._spTree.append(shape.element)
        keep = layout.builtin and size == CAPTIONS[0]
        self._write(shape, text, theme, size=None if keep else size, quiet=True)

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
        if size is not None:
            run.font.size = self._layout.points(size)

    def _capacity(self, box: SlideBox, size: float, lines: int, character: float = CHARACTER) -> int:
        """Estimate how many characters fit on some lines of a box."""
        inside = box.width - 2 * Inches(0.1)
        # Words that wrap leave some space at the end of a line.
        return max(int(inside / (self._layout.points(size) * character)) * lines - 8 * (lines - 1), 8)


def _emu(box: SlideBox) -> list[Emu]:
    return [Emu(side) for side in (box.left, box.top, box.width, box.height)]


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
