"""The built-in slide layout, and that of a template: where title, picture and caption are placed."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.presentation import Presentation as Slides
from pptx.slide import SlideLayout as PptxLayout
from pptx.util import Emu, Inches, Pt

from gdsim.errors import InputError
from gdsim.files import check_file
from gdsim.themes import Theme, contrast

FONT = "Arial"  # the font on all installations of PowerPoint that is most similar to the pictures' Inter
WIDTH, HEIGHT = Inches(40 / 3), Inches(7.5)  # of a 16:9 slide
MAX_UNPACKED, MAX_PARTS = 2**28, 5000  # limits on the unpacked bytes and the parts of a template


class SlideBox(NamedTuple):
    """A rectangle on a slide, in EMU (914,400 per inch) from the upper left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class SlideLayout:
    """An empty deck, and the places on its slides.

    Attributes:
        layout: The layout of every slide.
        builtin: Whether the masters are ours, whose colours may be changed.
        scale: The factor on font sizes, relative to a slide of 7.5 inches height.
    """

    slides: Slides
    layout: PptxLayout
    title: SlideBox
    picture: SlideBox
    caption: SlideBox
    builtin: bool
    scale: float

    def points(self, size: float) -> int:
        """Convert a font size in points, for a slide of 7.5 inches height, to EMU on this one."""
        return Pt(round(2 * size * self.scale) / 2)


def rgb(color: str) -> Any:
    """Convert "#rrggbb" to python-pptx's type."""
    create: Any = RGBColor
    return create(*bytes.fromhex(color[1:]))


TITLE = SlideBox(Inches(0.5), Inches(0.26), WIDTH - 2 * Inches(0.5), Inches(0.72))
PICTURE = SlideBox(Inches(0.32), Inches(1.02), WIDTH - 2 * Inches(0.32), Inches(5.56))  # its text begins at the title's
CAPTION = SlideBox(Inches(0.5), Inches(6.62), WIDTH - 2 * Inches(0.5), Inches(0.7))


def builtin_layout(theme: Theme) -> SlideLayout:
    """Return an empty 16:9 deck in the colours of a theme, with a layout for a picture and a caption."""
    slides = Presentation()
    _drop_metadata(slides)
    stretch = WIDTH / int(slides.slide_width or WIDTH)
    slides.slide_width, slides.slide_height = WIDTH, HEIGHT
    for each in slides.element.xpath("p:sldSz"):
        each.attrib.pop("type", None)  # it says 4:3
    master = slides.slide_master
    for each in (master, *slides.slide_layouts):
        for side in each.element.xpath(".//a:xfrm/a:off/@x | .//a:xfrm/a:ext/@cx"):
            side.getparent().set(side.attrname, str(round(int(side) * stretch)))
    _apply_theme(master, theme)
    body = SlideBox(TITLE.left, Inches(1.3), TITLE.width, Inches(4.9))
    for shape, box in zip(master.placeholders, (TITLE, body), strict=False):
        shape.left, shape.top, shape.width, shape.height = map(Emu, box)
    layout = next(each for each in slides.slide_layouts if each.name == "Title Only")
    return SlideLayout(slides, layout, TITLE, PICTURE, CAPTION, builtin=True, scale=1.0)


def _drop_metadata(slides: Slides) -> None:
    """Remove author, printer settings and thumbnail of python-pptx's default deck."""
    parts: Any = slides.part._rels, slides.part.package._rels
    for relations in parts:
        for name, each in [*relations.items()]:
            if each.reltype in (RELATIONSHIP_TYPE.PRINTER_SETTINGS, RELATIONSHIP_TYPE.THUMBNAIL):
                relations.pop(name)
    core: Any = slides.core_properties._element
    del core[:]


def _apply_theme(master: Any, theme: Theme) -> None:
    dark = contrast(theme.page, "#ffffff") > contrast(theme.page, "#000000")
    colors: dict[str, str] = {}
    for number, (fore, back) in enumerate([(theme.text, theme.page), (theme.quiet, theme.grid)], 1):
        colors |= {f"dk{number}": back if dark else fore, f"lt{number}": fore if dark else back}
    colors |= {f"accent{number + 1}": theme.paths[number % len(theme.paths)] for number in range(6)}
    colors |= {"hlink": theme.paths[0], "folHlink": theme.quiet}
    parts = "".join(f'<a:{name}><a:srgbClr val="{color[1:].upper()}"/></a:{name}>' for name, color in colors.items())
    part = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    scheme = f'<a:clrScheme name="gdsim">{parts}</a:clrScheme>'
    text = re.sub(r"<a:clrScheme.*</a:clrScheme>", scheme, part.blob.decode("utf-8"), flags=re.DOTALL)
    text = re.sub(r'(<a:(?:major|minor)Font><a:latin typeface=)"[^"]*"', rf'\1"{FONT}"', text)
    part.blob = re.sub(r'(<a:theme [^>]*?name=)"[^"]*"', r'\1"gdsim"', text).encode("utf-8")
    (mapping,) = master.element.xpath("p:clrMap")
    for back, fore, number in (("bg1", "tx1", 1), ("bg2", "tx2", 2)):
        mapping.set(back, f"{'dk' if dark else 'lt'}{number}")
        mapping.set(fore, f"{'lt' if dark else 'dk'}{number}")
    (title,) = master.element.xpath("p:txStyles/p:titleStyle/a:lvl1pPr")
    title.set("algn", "l")
    (font,) = master.element.xpath("p:txStyles/p:titleStyle/a:lvl1pPr/a:defRPr")
    font.attrib.update({"sz": "2800", "b": "1"})
    fonts = master.element.xpath("p:txStyles/p:bodyStyle/*/a:defRPr")
    for font, size in zip(fonts, (2000, 1800, 1600, 1600, 1600), strict=False):
        font.set("sz", str(size))


def template_layout(path: Path) -> SlideLayout:
    """Return an empty deck with the size and the masters of a template.

    Raises:
        InputError: The file is not a .pptx file of allowed size, or its layouts have no space for a picture.
    """
    _check_template(path)
    try:
        slides = Presentation(str(path))
        _drop_slides(slides)
        # The layout with a title and the fewest other placeholders.
        layout = min(
            slides.slide_layouts,
            key=lambda each: (
                not any(map(_is_title, each.iter_cloneable_placeholders())),
                len(list(each.iter_cloneable_placeholders())),
            ),
        )
        return _find_places(path, slides, layout)
    except InputError:
        raise
    except Exception as error:  # python-pptx passes on whatever its XML look-ups raise
        raise InputError(f"{path}: cannot be read as a PowerPoint deck", code="unreadable") from error


def _check_template(path: Path) -> None:
    """Check a file before python-pptx unpacks it."""
    check_file(path, max_bytes=MAX_UNPACKED)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"{path}: is not a PowerPoint deck; a template is a .pptx file", code="unreadable") from error
    if len(entries) > MAX_PARTS or sum(each.file_size for each in entries) > MAX_UNPACKED:
        limit = f"{MAX_PARTS} parts or {MAX_UNPACKED // 2**20} MiB"
        raise InputError(f"{path}: unpacks to more than {limit}, the limit for a template", code="too-large")
    if any(each.filename.lower().endswith("vbaproject.bin") for each in entries):
        raise InputError(f"{path}: contains macros; save it as a .pptx without them", code="not-allowed")


def _drop_slides(slides: Slides) -> None:
    """Remove the slides of a template, with the sections and shows that refer to them."""
    listed: Any = slides.slides._sldIdLst
    for each in list(listed):
        slides.part.drop_rel(each.rId)
        listed.remove(each)
    element: Any = slides.element
    for each in element.xpath("p:custShowLst | p:extLst/p:ext[contains(@uri, '521415D9')]"):
        each.getparent().remove(each)


def _is_title(placeholder: Any) -> bool:
    return placeholder.placeholder_format.type is not None and placeholder.placeholder_format.idx == 0


def _find_places(path: Path, slides: Slides, layout: PptxLayout) -> SlideLayout:
    """Find the places of title, picture and caption on a template's layout."""
    width, height = int(slides.slide_width or WIDTH), int(slides.slide_height or HEIGHT)
    scale = min(height / HEIGHT, width / Inches(10))
    title = _title_place(layout, width, height)
    bottom = height - round(0.03 * height)
    placeholders: Any = layout.placeholders
    for each in placeholders:
        if not _is_title(each) and each.top is not None and each.top > 0.8 * height:  # a footer
            bottom = min(bottom, int(each.top) - round(0.01 * height))
    caption = round(Inches(0.66) * scale)
    top = title.top + title.height + round(0.01 * height)
    picture = SlideBox(title.left, top, title.width, bottom - caption - top)
    if picture.width < Inches(2) or picture.height < Inches(1):
        message = f"{path}: its layout '{layout.name}' has no space for a picture under the title"
        raise InputError(message, code="unsupported")
    below = SlideBox(title.left, bottom - caption, title.width, caption)
    return SlideLayout(slides, layout, title, picture, below, builtin=False, scale=scale)


def _title_place(layout: PptxLayout, width: int, height: int) -> SlideBox:
    """Return the layout's place of the title, or a usual one if that would leave no space for a picture."""
    placeholders: Any = layout.placeholders
    for each in placeholders:
        if _is_title(each) and each.width and each.height:
            box = SlideBox(int(each.left), int(each.top), int(each.width), int(each.height))
            inside = box.left >= 0 and box.top >= 0 and box.left + box.width <= width
            if inside and box.top + box.height <= 0.35 * height and box.width > width / 2:
                return box
    return SlideBox(round(0.05 * width), round(0.04 * height), round(0.9 * width), round(0.12 * height))
