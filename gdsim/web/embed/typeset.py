"""A picture's facts → what is typeset, or built by a program: LaTeX beamer, Typst and python-pptx."""

from __future__ import annotations

from gdsim.web.embed.escapes import latex, literal
from gdsim.web.embed.facts import STILL, VIDEOS, Facts, refusal

__all__ = ["beamer", "pptx", "typst"]

LATEX_MARKS = frozenset('\\{}%#~^$&"`')
"""What LaTeX would not read as part of a file's name."""

XML_MARKS = frozenset('&<"')
"""What python-pptx, 1.0.2 at least, does not escape in a video's name."""

SLIDE = (13.333, 7.5)
"""A slide's width and height in inches."""


def beamer(facts: Facts) -> str:
    """Return a frame: a video that viewers such as Okular and pdfpc play, on its poster, or the poster alone."""
    if facts.kind in ("svg", "html", "htm"):
        raise refusal(facts, "LaTeX reads no such file: embed the .pdf, .png or .mp4 instead")
    before, shown = [], _graphics(facts, facts.file)
    if facts.kind in VIDEOS:
        before.append(r"% The preamble needs \usepackage{multimedia}; other viewers and paper show the poster.")
        shown = _movie(facts)
    elif facts.kind not in STILL:
        before.append("% Nothing in a PDF moves but a video: embed the .mp4 where it should.")
        shown = _graphics(facts, _poster(facts, "a PDF shows one picture"))
    return "\n".join([*before, r"\begin{frame}", r"  \centering", f"  {shown}", r"\end{frame}"])


def typst(facts: Facts) -> str:
    """Return an image: of what moves the poster, which is a link to it."""
    if facts.kind in STILL:
        return f"#{_image(facts, facts.file)}"
    still = _image(facts, _poster(facts, "Typst shows one picture"))
    return f"#link({literal(facts.address(facts.file))}, {still})"


def pptx(facts: Facts) -> str:
    """Return a program for python-pptx that fills a slide with the picture and saves the deck."""
    if facts.kind not in ("gif", "png", "mp4"):
        raise refusal(facts, "PowerPoint does not show it: embed the .gif, .png or .mp4 instead")
    width, height = facts.size or (16, 9)
    return "\n".join(
        [
            "from pptx import Presentation",
            "from pptx.util import Inches",
            "",
            'deck = Presentation()  # or Presentation("talk.pptx"), without the next line',
            f"deck.slide_width, deck.slide_height = Inches({SLIDE[0]}), Inches({SLIDE[1]})",
            "slide = deck.slides.add_slide(deck.slide_layouts[6])",
            f"scale = min(deck.slide_width / {width}, deck.slide_height / {height})",
            f"width, height = round({width} * scale), round({height} * scale)",
            "left, top = (deck.slide_width - width) // 2, (deck.slide_height - height) // 2",
            *(_film(facts) if facts.kind == "mp4" else _still(facts)),
            'deck.save("deck.pptx")',
        ]
    )


def _still(facts: Facts) -> list[str]:
    return [
        f"shown = slide.shapes.add_picture({literal(facts.place(facts.file))}, left, top, width, height)",
        _described(facts),
    ]


def _film(facts: Facts) -> list[str]:
    poster = f"poster_frame_image={literal(facts.place(facts.poster))}, " if facts.poster else ""
    again = [("/p:cTn", '"repeatCount", "indefinite"')] if facts.loops else []
    # The last is when it begins: as soon as the slide is shown.
    played = [("", '"mute", "1"'), *again, ("//p:cond", '"delay", "0"')]
    video = _plain(facts, facts.file, XML_MARKS, "python-pptx")
    return [
        "shown = slide.shapes.add_movie(",
        f'    {literal(video)}, left, top, width, height, {poster}mime_type="video/mp4"',
        ")",
        _described(facts),
        *(f'slide.element.xpath(".//p:cMediaNode{within}")[-1].set({set_to})' for within, set_to in played),
    ]


def _described(facts: Facts) -> str:
    return f'shown._element.nvPicPr.cNvPr.set("descr", {literal(facts.alt)})'


def _movie(facts: Facts) -> str:
    options = ["autostart"] + ["loop"] * facts.loops
    shown = ""
    if facts.poster:
        shown = _graphics(facts, facts.poster)
    else:
        width, height = facts.size or (16, 9)
        options += [rf"width={0.7 * width / height:.4f}\textheight", r"height=0.7\textheight", "poster"]
    return rf"\movie[{','.join(options)}]{{{shown}}}{{{_latex_name(facts, facts.file)}}}"


def _graphics(facts: Facts, file: str) -> str:
    room = r"width=\textwidth,height=0.85\textheight,keepaspectratio"
    return rf"\includegraphics[{room},alt={{{latex(facts.alt)}}}]{{{_latex_name(facts, file)}}}"


def _latex_name(facts: Facts, file: str) -> str:
    return _plain(facts, file, LATEX_MARKS, "LaTeX")


def _plain(facts: Facts, file: str, marks: frozenset[str], reader: str) -> str:
    """Return where a file is, when its name has none of some marks."""
    name = facts.place(file)
    if wrong := sorted(marks & set(name)):
        raise refusal(facts, f"{reader} reads no file whose name has {' '.join(wrong)}: rename it")
    return name


def _image(facts: Facts, file: str) -> str:
    return f"image({literal(facts.place(file))}, width: 100%, alt: {literal(facts.alt)})"


def _poster(facts: Facts, why: str) -> str:
    if not facts.poster:
        name = facts.path.with_suffix(".png").name
        raise refusal(facts, f"{why}, and there is no {name} beside it: write that too, or embed a still")
    return facts.poster
