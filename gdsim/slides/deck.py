"""A deck that grows slide by slide, and is written when it is whole."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from pptx.util import Emu, Inches

from gdsim.analysis import Table
from gdsim.files import atomic_write
from gdsim.slides.layout import Box, Stage, own_stage, rgb, template_stage
from gdsim.slides.slide_item import SlideItem
from gdsim.slides.tables import Colors, Sheet, draw_table, sheets
from gdsim.slides.text import ALT_TEXT, cut, notes, plain, sentences, short
from gdsim.slides.timing import play
from gdsim.themes import Theme

__all__ = ["Deck"]

LANGUAGE = "en-GB"

LARGEST = (1280, 720)
"""No picture is drawn larger for a slide, in pixels."""

TITLES = ((28.0, 1), (24.0, 1), (20.0, 1), (16.0, 2))
"""Sizes of a title in points with the lines that they have room for; the first that fits is taken."""

CAPTIONS, LEAD, FOOTNOTE = (16.0, 14.0), 18.0, 12.0
"""Sizes in points of what stands under a picture, over a table and under one."""

SIGN, BOLD_SIGN = 0.6, 0.68
"""How wide a sign is on average, in ems."""


class Deck:
    """A deck that grows slide by slide.

    Args:
        look: The colours of its slides.
        template: A deck whose size, masters and colours are taken instead.

    Raises:
        InputError: The template is none, or has no room for a picture.
    """

    def __init__(self, look: Theme, template: Path | None = None) -> None:
        self._look = look
        self._stage: Stage = own_stage(look) if template is None else template_stage(template)

    @property
    def room(self) -> tuple[int, int]:
        """Width and height of the room for a picture, in pixels, both even."""
        box = self._stage.picture
        scale = min(LARGEST[0] / box.width, LARGEST[1] / box.height)
        return 2 * round(scale * box.width / 2), 2 * round(scale * box.height / 2)

    @property
    def share(self) -> float:
        """How much of a slide's height the room for a picture has, 0 to 1."""
        return self._stage.picture.height / int(self._stage.slides.slide_height or 1)

    def add_picture(self, shown: SlideItem) -> None:
        """Add a slide with a picture, or with a video that plays by itself."""
        made, stage = shown.provenance, self._stage
        slide = self._slide(made.title or "Gradient descent", shown.look)
        box = _fitted(shown.size, stage.picture)
        place = [Emu(side) for side in (box.left, box.top, box.width, box.height)]
        if shown.poster is None:
            picture = slide.shapes.add_picture(str(shown.picture), *place)
        else:
            picture = slide.shapes.add_movie(str(shown.picture), *place, str(shown.poster), "video/mp4")
            slide.element.remove_all("p:timing")
            timing = play(picture.shape_id, seconds=shown.seconds, loop=shown.loop)
            slide.element.insert_element_before(timing, "p:extLst")
        picture.name = "Animation"
        _describe(picture, made.alt_text)
        told = short(made.alt_text, ALT_TEXT)
        fitting = (size for size in CAPTIONS if len(told) <= self._signs(stage.caption, size, 2))
        size = next(fitting, CAPTIONS[-1])
        self._caption(slide, short(made.alt_text, self._signs(stage.caption, size, 2)), size, shown.look)
        _write_notes(slide, notes(made))

    def add_table(self, table: Table, *, title: str, lead: str, colors: Colors) -> None:
        """Add slides with a table, as many as it takes.

        Args:
            table: The table.
            title: What stands over each slide.
            lead: What stands over the table on the first of them.
            colors: Of the paths, by objective and optimizer.
        """
        stage = self._stage
        keys = [(row.objective, row.optimizer) for row in table]
        whole = Box(stage.title.left, stage.picture.top, stage.title.width, stage.picture.height)
        over, under = self._under_lead(whole, lead)
        made = sheets(table, [under, whole], stage.scale)
        for number, sheet in enumerate(made, 1):
            slide = self._slide(f"{title} ({number} of {len(made)})" if len(made) > 1 else title, self._look)
            if number == 1 and lead:
                self._lead(slide, lead, over)
            shape = draw_table(slide, sheet, under if number == 1 else whole, colors, keys)
            shape.name = "Figures"
            _describe(shape, _told(sheet, keys))
            self._caption(
                slide, sentences(table.caption, self._signs(stage.caption, FOOTNOTE, 3)), FOOTNOTE, self._look
            )
            _write_notes(slide, plain("\n\n".join(part for part in (lead, table.caption) if part)))

    def save(self, path: Path, title: str) -> None:
        """Write the deck; the same slides make the same file.

        Args:
            path: Where to write.
            title: What the deck is called.

        Raises:
            GdsimError: The file cannot be written.
        """
        core = self._stage.slides.core_properties
        core.title, core.author, core.language = cut(title, 200), "gdsim", LANGUAGE
        with atomic_write(path) as partial, tempfile.TemporaryFile() as loose:
            self._stage.slides.save(loose)
            _repack(loose, partial)

    def _slide(self, title: str, look: Theme) -> Any:
        """A new slide with its title, in the colours of what it shows."""
        stage = self._stage
        slide = stage.slides.slides.add_slide(stage.layout)
        for each in list(slide.placeholders):
            if each.placeholder_format.idx not in (0, stage.captioned):
                each.element.getparent().remove(each.element)
        self._title(slide, title, look)
        if stage.own and look.page != self._look.page:
            slide.background.fill.solid()
            slide.background.fill.fore_color.rgb = rgb(look.page)
        return slide

    def _title(self, slide: Any, words: str, look: Theme) -> None:
        stage = self._stage
        holder = slide.shapes.title
        if holder is None:
            holder = slide.shapes.add_textbox(*(Emu(side) for side in _sides(stage.title)))
            holder.name = "Title"
        elif Box(holder.left, holder.top, holder.width, holder.height) != stage.title:
            holder.left, holder.top, holder.width, holder.height = (Emu(side) for side in _sides(stage.title))
        rooms = [(size, self._signs(stage.title, size, lines, BOLD_SIGN)) for size, lines in TITLES]
        size, signs = next(((size, signs) for size, signs in rooms if len(words) <= signs), rooms[-1])
        self._write(holder, cut(words, signs), look)
        # A template's own title may be larger: it stays as it is where the words are few.
        is_easy = len(words) <= rooms[0][1] * (1.0 if stage.own else 0.5)
        if not is_easy or not slide.shapes.title:
            _runs(holder, size=stage.points(size))

    def _caption(self, slide: Any, words: str, size: float, look: Theme) -> None:
        stage = self._stage
        holder = next((each for each in slide.placeholders if each.placeholder_format.idx == stage.captioned), None)
        if holder is None:
            holder = slide.shapes.add_textbox(*(Emu(side) for side in _sides(stage.caption)))
            holder.name = "Caption"
            holder.text_frame.word_wrap = True
        else:
            # After the picture, as it is read.
            slide.shapes._spTree.append(holder.element)
        self._write(holder, words, look, quiet=True)
        if size != CAPTIONS[0] or not stage.own:
            _runs(holder, size=stage.points(size))

    def _lead(self, slide: Any, words: str, box: Box) -> None:
        holder = slide.shapes.add_textbox(*(Emu(side) for side in _sides(box)))
        holder.name = "What happened"
        holder.text_frame.word_wrap = True
        self._write(holder, sentences(words, self._signs(box, LEAD, 3)), self._look)
        _runs(holder, size=self._stage.points(LEAD))

    def _under_lead(self, room: Box, lead: str) -> tuple[Box, Box]:
        """Divide a room into that for a lead of up to three lines and that for the table under it."""
        lines = next((each for each in (0, 1, 2) if len(lead) <= each * self._signs(room, LEAD, 1)), 3)
        high = round(lines * 1.25 * self._stage.points(LEAD) + Inches(0.3) * bool(lines))
        return (
            Box(room.left, room.top, room.width, high),
            Box(room.left, room.top + high, room.width, room.height - high),
        )

    def _write(self, holder: Any, words: str, look: Theme, *, quiet: bool = False) -> None:
        paragraph = holder.text_frame.paragraphs[0]
        run = paragraph.add_run()
        run.text = plain(words)
        run._r.get_or_add_rPr().set("lang", LANGUAGE)
        if self._stage.own and look.page != self._look.page:
            run.font.color.rgb = rgb(look.quiet if quiet else look.text)

    def _signs(self, box: Box, size: float, lines: int, sign: float = SIGN) -> int:
        """How many signs have room on so many lines."""
        inside = box.width - 2 * Inches(0.1)
        # A line is not filled to its end where a word goes on to the next.
        return max(int(inside / (self._stage.points(size) * sign)) * lines - 8 * (lines - 1), 8)


def _sides(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.width, box.height


def _fitted(size: tuple[int, int], room: Box) -> Box:
    """The largest box of a picture's shape within a room, in its middle."""
    scale = min(room.width / size[0], room.height / size[1])
    width, height = round(size[0] * scale), round(size[1] * scale)
    return Box(room.left + (room.width - width) // 2, room.top + (room.height - height) // 2, width, height)


def _runs(holder: Any, *, size: int) -> None:
    for paragraph in holder.text_frame.paragraphs:
        for run in paragraph.runs:
            run.font.size = size


def _describe(shape: Any, words: str) -> None:
    """Give a shape its alternative text."""
    (named, *_) = shape.element.xpath(".//p:cNvPr")
    named.set("descr", cut(words, ALT_TEXT))


def _told(sheet: Sheet, keys: list[tuple[str, str]]) -> str:
    """What a table holds, in words."""
    named = ", ".join(dict.fromkeys(keys[row][1] for row in sheet.rows))
    return f"A table of {len(sheet.rows)} rows, {named}: {', '.join(column.heading for column in sheet.columns)}."


def _write_notes(slide: Any, words: str) -> None:
    frame = slide.notes_slide.notes_text_frame
    if frame is None:  # a template's notes may have no place for words
        return
    frame.text = words


def _repack(loose: Any, path: Path) -> None:
    """Pack a deck anew, without the hour at which it was packed; pictures are as small as they get."""
    with zipfile.ZipFile(loose) as before, zipfile.ZipFile(path, "w") as after:
        for entry in before.infolist():
            bare = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            is_media = entry.filename.startswith("ppt/media/")
            bare.compress_type = zipfile.ZIP_STORED if is_media else zipfile.ZIP_DEFLATED
            bare.file_size = entry.file_size
            with before.open(entry) as source, after.open(bare, "w") as target:
                shutil.copyfileobj(source, target, 2**20)
