"""A picture's facts → what a browser shows: a page, Markdown, and slides that are pages."""

from __future__ import annotations

from html import escape

from gdsim.web.embed.escapes import attribute, words
from gdsim.web.embed.facts import MOVING, PAGES, STILL, VIDEOS, Facts, refusal

__all__ = ["html", "markdown", "marp", "player_frame", "quarto", "reveal"]

STILL_MEDIA = "print, (prefers-reduced-motion: reduce)"

CONTROLS = 190
"""How much taller than the picture, in pixels, a player is shown."""

ACROSS, TALL = 960, 640
"""How wide and how tall the picture is there at most: what stands below it is still to be seen."""

LEAST = 400
"""How tall it is at least, where there is little width."""

PLAYER_SIZE = (1280, 720)
"""The size of the picture in a player that does not tell."""

MARP_ROOM = (1120, 500)
"""What a slide of Marp, 1280 × 720, has left for a picture under a heading."""

FITTED = "width: 100%; height: 100%; max-width: 100%; max-height: 100%; margin: 0; object-fit: contain"


def markdown(facts: Facts) -> str:
    """Return an image, or for what Markdown cannot play the poster as a link to it."""
    _refuse_pdf(facts)
    if facts.kind not in (*VIDEOS, *PAGES):
        return f"![{words(facts.alt)}]({facts.address(facts.file)})"
    shown = f"![{words(facts.alt)}]({facts.address(facts.poster)})" if facts.poster else words(facts.title)
    return f"[{shown}]({facts.address(facts.file)})"


def html(facts: Facts) -> str:
    """Return an image, a video or a frame, as wide as the page at most."""
    _refuse_pdf(facts)
    style = "max-width: 100%; height: auto"
    if facts.kind in VIDEOS:
        return _video(facts, "controls autoplay", style=style)
    return _page(facts) if facts.kind in PAGES else _picture(facts, STILL_MEDIA, style=style)


def reveal(facts: Facts) -> str:
    """Return a slide of reveal.js that the picture fills, and that prints the poster."""
    _refuse_pdf(facts)
    # reveal.js stretches what stands in a section itself, and would guess at a picture that has not come yet.
    if facts.kind in PAGES:
        shown = _stretched_frame(facts)
    elif facts.kind in VIDEOS:
        shown = _inside("div", _video(facts, "data-autoplay", source="data-src", style=FITTED))
    else:
        shown = _inside("div", _picture(facts, "print", style=FITTED))
    return f"<section>\n{_indented(shown)}\n</section>"


def quarto(facts: Facts) -> str:
    """Return the picture for pages and slides, and the poster for formats that are printed."""
    _refuse_pdf(facts)
    if facts.kind in (*VIDEOS, *PAGES):
        shown = f"```{{=html}}\n{html(facts)}\n```"
    else:
        shown = _figure(facts, facts.file)
        if facts.kind in STILL and not facts.poster:
            return shown
    instead = _figure(facts, facts.poster) if facts.poster else f"[{words(facts.alt)}]{{}}"
    return f"{_visible('when', shown)}\n\n{_visible('unless', instead)}"


def marp(facts: Facts) -> str:
    """Return a picture for a slide of Marp, in the HTML that Marp lets through."""
    _refuse_pdf(facts)
    if facts.kind in PAGES:
        raise refusal(facts, "Marp leaves frames out of its slides: embed the .gif, .webp, .mp4 or .webm instead")
    # An image of Markdown would not do: Marp takes words of its alt text, such as blur or bg, for commands.
    if facts.kind in VIDEOS:
        return _video(facts, "autoplay", told="title", source="", room=MARP_ROOM)
    return _picture(facts, "print", room=MARP_ROOM)


def _picture(facts: Facts, still: str, *, style: str = "", room: tuple[int, int] | None = None) -> str:
    """An image; `still` says for which media the poster takes its place."""
    image = _element("img", src=facts.address(facts.file), alt=facts.alt, **_size(facts, room), style=style)
    if not facts.poster or facts.kind not in MOVING:
        return image
    poster = _element("source", media=still, srcset=facts.address(facts.poster))
    return f"<picture>\n{_indented(poster)}\n{_indented(image)}\n</picture>"


def _video(
    facts: Facts,
    starts: str,
    *,
    told: str = "aria-label",
    source: str = "src",
    style: str = "",
    room: tuple[int, int] | None = None,
) -> str:
    """A video; without a `source` its address stands in its own tag."""
    address = facts.address(facts.file)
    poster = facts.address(facts.poster) if facts.poster else ""
    flags = f"{starts}{' loop' * facts.loops} muted playsinline"
    own = {} if source else {"src": address}
    opening = _element("video", flags, **own, poster=poster, **_size(facts, room), **{told: facts.alt}, style=style)
    within = [_element("source", **{source: address, "type": f"video/{facts.kind}"})] if source else []
    within.append(_element("img", src=poster, alt=facts.alt) if poster else escape(facts.alt))
    return "\n".join([opening, *map(_indented, within), "</video>"])


def player_frame(size: tuple[int, int], *, title: str, **content: str) -> str:
    """Return the frame in which a page that plays is shown, no larger than is good to read beside.

    Args:
        size: Width and height of the page's picture, in pixels.
        title: What the frame is called.
        content: `src`, the page's address, or `srcdoc`, the page itself.
    """
    width, height = size
    across = min(width, ACROSS, TALL * width // height)
    down = round(across * height / width) + CONTROLS
    room = f"max-width: {across}px; height: auto; min-height: {LEAST}px; aspect-ratio: {across} / {down}"
    return (
        _element(
            "iframe",
            **content,
            title=title,
            width=str(across),
            height=str(down),
            allow="fullscreen; clipboard-write",
            style=f"border: 0; width: 100%; {room}",
        )
        + "</iframe>"
    )


def _page(facts: Facts) -> str:
    return player_frame(facts.size or PLAYER_SIZE, title=facts.title, src=facts.address(facts.file))


def _stretched_frame(facts: Facts) -> str:
    # reveal.js loads no frame of a deck that is printed: what shows then is the ground.
    ground = f"; background: url('{facts.address(facts.poster)}') center / contain no-repeat" if facts.poster else ""
    return (
        _element(
            "iframe",
            class_="r-stretch",
            **{"data-src": facts.address(facts.file)},
            title=facts.title,
            allow="fullscreen; clipboard-write",
            style=f"border: 0{ground}",
        )
        + "</iframe>"
    )


def _figure(facts: Facts, file: str) -> str:
    # Without a width, which on paper would be one in inches, and wider than a page: it is as large as fits.
    return f"![]({facts.address(file)}){{fig-alt={attribute(facts.alt)}}}"


def _visible(when: str, shown: str) -> str:
    return f'::: {{.content-visible {when}-format="html"}}\n{shown}\n:::'


def _size(facts: Facts, room: tuple[int, int] | None = None) -> dict[str, str]:
    if facts.size is None:
        return {}
    width, height = facts.size
    scale = 1.0 if room is None else min(1.0, room[0] / width, room[1] / height)
    return {"width": str(round(width * scale)), "height": str(round(height * scale))}


def _inside(tag: str, shown: str) -> str:
    return f'<{tag} class="r-stretch">\n{_indented(shown)}\n</{tag}>'


def _element(tag: str, flags: str = "", **attributes: str) -> str:
    """An opening tag, without the attributes that are empty."""
    given = [f'{name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items() if value]
    return f"<{' '.join([tag, *flags.split(), *given])}>"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _refuse_pdf(facts: Facts) -> None:
    if facts.kind == "pdf":
        others = [f".{each}" for each in STILL if each != "pdf"]
        raise refusal(facts, f"a PDF is for beamer and typst alone: embed the {' or '.join(others)} instead")
