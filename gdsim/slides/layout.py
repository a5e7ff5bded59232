"""The empty deck and the places on its slides: our own masters, or those of a template."""

from __future__ import annotations

import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.presentation import Presentation as Slides
from pptx.slide import SlideLayout
from pptx.util import Emu, Inches, Pt

from gdsim.errors import InputError
from gdsim.themes import Theme, contrast

__all__ = ["Box", "Stage", "own_stage", "rgb", "template_stage"]

FONT = "Verdana"
"""What is nearest to the type of the pictures, DejaVu Sans, among the fonts that PowerPoint has everywhere."""

WIDE, HIGH = Inches(40 / 3), Inches(7.5)
"""The size of a 16:9 slide."""

UNPACKED = 2**28
"""So many bytes may the parts of a template have, unpacked."""

PARTS = 5000
"""And so many may they be."""


@dataclass(frozen=True)
class Box:
    """A rectangle on a slide.

    Args:
        left: From the left edge, in EMU, of which an inch has 914,400.
        top: From the upper edge, likewise.
        width: Likewise.
        height: Likewise.
    """

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Stage:
    """An empty deck, and where on its slides everything goes.

    Args:
        slides: The deck.
        layout: The layout of every slide.
        title: Where the title stands.
        picture: The room for a picture.
        caption: Where the caption stands, under the picture.
        captioned: The number of the layout's placeholder for the caption; None where it has none.
        own: Whether its masters are ours, so that their colours may be changed.
        scale: The size of type against that on a slide of 7.5 inches.
    """

    slides: Slides
    layout: SlideLayout
    title: Box
    picture: Box
    caption: Box
    captioned: int | None
    own: bool
    scale: float

    def points(self, size: float) -> int:
        """Return the size of type, in EMU, that is so many points on a slide of 7.5 inches."""
        return Pt(round(2 * size * self.scale) / 2)


def rgb(color: str) -> Any:
    """Return a "#rrggbb" as python-pptx takes it."""
    made: Any = RGBColor
    return made(*bytes.fromhex(color[1:]))


TITLE = Box(Inches(0.5), Inches(0.26), WIDE - 2 * Inches(0.5), Inches(0.72))
PICTURE = Box(0, Inches(1.02), WIDE, Inches(5.56))
CAPTION = Box(Inches(0.5), Inches(6.62), WIDE - 2 * Inches(0.5), Inches(0.7))


def own_stage(look: Theme) -> Stage:
    """Return an empty 16:9 deck in the colours of a theme, with a layout for pictures among the usual ones."""
    slides = Presentation()
    _forget(slides)
    stretch = WIDE / int(slides.slide_width or WIDE)
    slides.slide_width, slides.slide_height = WIDE, HIGH
    for each in slides.element.xpath("p:sldSz"):
        each.attrib.pop("type", None)  # which says 4:3
    master = slides.slide_master
    for each in (master, *slides.slide_layouts):
        for place in each.element.xpath(".//a:xfrm/a:off"):
            place.set("x", str(round(int(place.get("x")) * stretch)))
        for size in each.element.xpath(".//a:xfrm/a:ext"):
            size.set("cx", str(round(int(size.get("cx")) * stretch)))
    _paint(master, look)
    _put(master.placeholders[0], TITLE)
    _put(master.placeholders[1], Box(TITLE.left, Inches(1.3), TITLE.width, Inches(4.9)))
    layout = next(each for each in slides.slide_layouts if each.name == "Title Only")
    _become_picture_layout(layout)
    return Stage(slides, layout, TITLE, PICTURE, CAPTION, CAPTION_PLACE, own=True, scale=1.0)


CAPTION_PLACE = 13

CAPTION_SHAPE = """
<p:sp {namespaces}>
 <p:nvSpPr><p:cNvPr id="20" name="Caption"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr>
  <p:nvPr><p:ph type="body" sz="quarter" idx="{place}"/></p:nvPr></p:nvSpPr>
 <p:spPr><a:xfrm><a:off x="{box.left}" y="{box.top}"/><a:ext cx="{box.width}" cy="{box.height}"/></a:xfrm></p:spPr>
 <p:txBody><a:bodyPr anchor="t"><a:normAutofit/></a:bodyPr>
  <a:lstStyle><a:lvl1pPr marL="0" indent="0"><a:spcBef><a:spcPts val="0"/></a:spcBef><a:buNone/>
   <a:defRPr sz="1600"><a:solidFill><a:schemeClr val="tx2"/></a:solidFill></a:defRPr></a:lvl1pPr></a:lstStyle>
  <a:p><a:pPr lvl="0"/><a:r><a:rPr lang="en-GB"/><a:t>What happens</a:t></a:r></a:p></p:txBody>
</p:sp>
"""


def _become_picture_layout(layout: SlideLayout) -> None:
    element: Any = layout.element
    element.attrib.pop("type", None)
    element.set("userDrawn", "1")
    element.cSld.set("name", "Picture and Caption")
    shape = CAPTION_SHAPE.format(namespaces=nsdecls("p", "a"), place=CAPTION_PLACE, box=CAPTION)
    title = layout.placeholders[0].element
    title.addnext(parse_xml(shape))
    # Its footers lie where the caption stands.
    for each in list(layout.placeholders):
        if each.placeholder_format.idx in FOOTERS:
            each.element.getparent().remove(each.element)


FOOTERS = (10, 11, 12)


def _put(shape: Any, box: Box) -> None:
    shape.left, shape.top, shape.width, shape.height = (
        Emu(side) for side in (box.left, box.top, box.width, box.height)
    )


def _forget(slides: Slides) -> None:
    """Leave out what python-pptx's own empty deck brings along: its author, a printer's settings, a thumbnail."""
    for holder, kinds in (
        (slides.part, (RELATIONSHIP_TYPE.PRINTER_SETTINGS,)),
        (slides.part.package, (RELATIONSHIP_TYPE.THUMBNAIL,)),
    ):
        relations: Any = holder._rels
        for name in [name for name, each in relations.items() if each.reltype in kinds]:
            relations.pop(name)
    core: Any = slides.core_properties._element
    for child in list(core):
        core.remove(child)


COLORS = """<a:clrScheme name="gdsim">{parts}</a:clrScheme>"""


def _paint(master: Any, look: Theme) -> None:
    """Give a master the colours of a theme and the type that goes with its pictures."""
    dark = contrast(look.page, "#ffffff") > contrast(look.page, "#000000")
    shades = [(look.text, look.page), (look.quiet, look.grid)]
    named: dict[str, str] = {}
    for number, (fore, back) in enumerate(shades, 1):
        named |= {f"dk{number}": back if dark else fore, f"lt{number}": fore if dark else back}
    accents = {f"accent{number + 1}": look.paths[number % len(look.paths)] for number in range(6)}
    named |= accents | {"hlink": look.paths[0], "folHlink": look.quiet}
    parts = "".join(f'<a:{name}><a:srgbClr val="{color[1:].upper()}"/></a:{name}>' for name, color in named.items())
    theme = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    text = theme.blob.decode("utf-8")
    text = re.sub(r"<a:clrScheme.*</a:clrScheme>", COLORS.format(parts=parts), text, flags=re.DOTALL)
    text = re.sub(r'(<a:(?:major|minor)Font><a:latin typeface=)"[^"]*"', rf'\1"{FONT}"', text)
    theme.blob = re.sub(r'(<a:theme [^>]*?name=)"[^"]*"', r'\1"gdsim"', text).encode("utf-8")
    (colors,) = master.element.xpath("p:clrMap")
    for back, fore, number in (("bg1", "tx1", 1), ("bg2", "tx2", 2)):
        colors.set(back, f"{'dk' if dark else 'lt'}{number}")
        colors.set(fore, f"{'lt' if dark else 'dk'}{number}")
    (title,) = master.element.xpath("p:txStyles/p:titleStyle/a:lvl1pPr")
    title.set("algn", "l")
    (words,) = master.element.xpath("p:txStyles/p:titleStyle/a:lvl1pPr/a:defRPr")
    words.set("sz", "2800")
    words.set("b", "1")
    for number, size in enumerate((2000, 1800, 1600, 1600, 1600), 1):
        (words,) = master.element.xpath(f"p:txStyles/p:bodyStyle/a:lvl{number}pPr/a:defRPr")
        words.set("sz", str(size))


def template_stage(path: Path) -> Stage:
    """Return an empty deck with the size and the masters of a template, and none of its slides.

    Raises:
        InputError: The file is none, is not one that PowerPoint has written whole, or has no room for a picture.
    """
    _check(path)
    try:
        slides = Presentation(str(path))
        _empty(slides)
        layout = min(slides.slide_layouts, key=_fitness)
        return _places(path, slides, layout)
    except InputError:
        raise
    except Exception as error:  # python-pptx hands on whatever XML and its own look-ups raise
        raise InputError(f"{path}: cannot be read as a PowerPoint deck") from error


def _check(path: Path) -> None:
    """Raise what is wrong with a file before python-pptx unpacks it."""
    try:
        if stat.S_ISFIFO(path.stat().st_mode) or stat.S_ISCHR(path.stat().st_mode):  # which may have no end
            raise InputError(f"{path}: is no PowerPoint deck; a template is a .pptx file")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {each.filename for each in entries}
            if len(entries) > PARTS or sum(each.file_size for each in entries) > UNPACKED:
                most = f"{PARTS} parts or {UNPACKED // 2**20} MiB"
                raise InputError(f"{path}: unpacks to more than {most}, which no template needs")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; name a .pptx file in it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"{path}: is no PowerPoint deck; a template is a .pptx file") from error
    if not {"[Content_Types].xml", "ppt/presentation.xml"} <= names:
        raise InputError(f"{path}: is no PowerPoint deck; a template is a .pptx file")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise InputError(f"{path}: holds macros; save it as a .pptx without them")
    if path.suffix.lower() == ".potx":
        raise InputError(f"{path}: is a PowerPoint template, which python-pptx cannot open; save it as a .pptx")


def _empty(slides: Slides) -> None:
    """Leave out the slides of a template, with the sections and shows that list them."""
    listed: Any = slides.slides._sldIdLst
    for each in list(listed):
        slides.part.drop_rel(each.rId)
        listed.remove(each)
    element: Any = slides.element
    for each in element.xpath("p:custShowLst | p:extLst/p:ext[contains(@uri, '521415D9')]"):
        each.getparent().remove(each)


def _fitness(layout: SlideLayout) -> tuple[bool, int]:
    """How badly a layout suits a picture under a title: no title, then how much else it wants."""
    wanted = list(layout.iter_cloneable_placeholders())
    return not any(_is_title(each) for each in wanted), len(wanted)


def _is_title(placeholder: Any) -> bool:
    return placeholder.placeholder_format.type is not None and placeholder.placeholder_format.idx == 0


def _places(path: Path, slides: Slides, layout: SlideLayout) -> Stage:
    """Find the room for title, picture and caption on a template's layout."""
    width, height = int(slides.slide_width or WIDE), int(slides.slide_height or HIGH)
    scale = min(height / HIGH, width / Inches(10))
    title = _title(layout, width, height)
    low = height - round(0.03 * height)
    placeholders: Any = layout.placeholders
    for each in placeholders:
        is_footer = not _is_title(each) and each.top is not None and each.top > 0.8 * height
        low = min(low, int(each.top) - round(0.01 * height)) if is_footer else low
    caption = round(Inches(0.66) * scale)
    top = title.top + title.height + round(0.01 * height)
    room = Box(title.left, top, title.width, low - caption - top)
    if room.width < Inches(2) or room.height < Inches(1):
        raise InputError(f"{path}: its layout '{layout.name}' has no room for a picture under the title")
    under = Box(title.left, low - caption, title.width, caption)
    return Stage(slides, layout, title, room, under, None, own=False, scale=scale)


def _title(layout: SlideLayout, width: int, height: int) -> Box:
    """Where a layout has its title, or where a slide has one where the layout's own leaves no room for a picture."""
    placeholders: Any = layout.placeholders
    for each in placeholders:
        if _is_title(each) and each.width and each.height:
            box = Box(int(each.left), int(each.top), int(each.width), int(each.height))
            is_inside = box.left >= 0 and box.top >= 0 and box.left + box.width <= width
            if is_inside and box.top + box.height <= 0.35 * height and box.width > width / 2:
                return box
    return Box(round(0.05 * width), round(0.04 * height), round(0.9 * width), round(0.12 * height))
