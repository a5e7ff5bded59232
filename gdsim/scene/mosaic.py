"""What trained networks see in an image, as numbers and words: a row an optimizer, a column a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gdsim.errors import InputError
from gdsim.networks.attribution import LAYER
from gdsim.objectives import FloatArray
from gdsim.scene.model import Style
from gdsim.scene.panels.heatmap import completed as that_ran
from gdsim.scene.styles import styles
from gdsim.simulation import Trajectory
from gdsim.simulation.saliency import Explanation
from gdsim.themes import Theme

__all__ = ["Column", "Mosaic", "Row", "Section", "assemble"]

HEADINGS: Mapping[str, str] = {
    "gradient": "input gradient",
    "saliency": "saliency",
    "smoothgrad": "SmoothGrad",
    "integrated": "integrated gradients",
    "gradcam": "Grad-CAM",
}

MOST_ROWS = 64
"""A picture has at most so many rows."""


@dataclass(frozen=True)
class Column:
    """What the maps of a column have in common.

    Args:
        heading: What stands over it.
        colors: Two hues around the middle for what has a sign; one hue for what has none.
        limit: The number of the end of the colours, above 0, the same for the columns of one heading everywhere.
    """

    heading: str
    colors: Literal["signed", "unsigned"]
    limit: float


@dataclass(frozen=True, eq=False)
class Row:
    """One optimizer's network.

    Args:
        style: Its colour and name.
        says: What the network says of the image: "says 3 · 98 %", "says 5 · 61 %, not 3".
        maps: Each (rows, columns), one a column; NaN is left open.
    """

    style: Style
    says: str
    maps: tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False)
class Section:
    """The optimizers of one network.

    Args:
        name: The network's title, where there are several; empty for one alone.
        image: (rows, columns) the image.
        caption: What stands over it: "image 7 · label 3".
        target: The class whose score is explained.
        columns: The columns.
        rows: At least one.
    """

    name: str
    image: FloatArray
    caption: str
    target: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Mosaic:
    """A still picture of maps.

    Args:
        title: The picture's title.
        alt_text: What is seen, for those who do not see it.
        theme: Colours, line widths and type.
        size: Width and height in pixels, neither of which it has to fill.
        sections: One a network, at least one.
    """

    title: str
    alt_text: str
    theme: Theme
    size: tuple[int, int]
    sections: tuple[Section, ...]


def assemble(
    networks: Sequence[tuple[Sequence[Trajectory], Sequence[Explanation]]],
    *,
    title: str,
    theme: Theme,
    size: tuple[int, int],
) -> Mosaic:
    """Put together what trained networks see in an image.

    Args:
        networks: For each network its trajectories, with an explanation each.
        title: The picture's title; empty for that of a network alone.
        theme: Its look.
        size: Width and height that it is to fit, in pixels; with many rows it grows higher.

    Raises:
        InputError: There are more rows than a picture holds.
    """
    count = sum(len(explained) for _, explained in networks)
    if count > MOST_ROWS:
        raise InputError(f"{count} trained networks are more than the {MOST_ROWS} rows of a picture", ("optimizers",))
    given = styles([trajectories for trajectories, _ in networks], theme.paths)
    looks = [
        # What a legend adds of the plane is of no interest here.
        [replace(look, settings=_settings(each)) for look, each in zip(own, trajectories, strict=True)]
        for own, (trajectories, _) in zip(given, networks, strict=True)
    ]
    limits = _limits(networks)
    titles = [trajectories[0].objective.title for trajectories, _ in networks]
    sections = tuple(
        _section(name if len(networks) > 1 else "", explained, own, limits)
        for name, (_, explained), own in zip(titles, networks, looks, strict=True)
    )
    return Mosaic(
        title=title
        or (titles[0] if len(titles) == 1 else f"What the networks see in {sections[0].caption.partition(' · ')[0]}"),
        alt_text=_alt_text(titles, sections),
        theme=theme,
        size=size,
        sections=sections,
    )


def _settings(trajectory: Trajectory) -> str:
    """What is said of an optimizer: its settings, or that they went wrong."""
    if trajectory.stops[0].breaks_off:
        return f"{trajectory.stops[0].value} at step {trajectory.stopped_at(0)}"
    return trajectory.settings


def _section(
    name: str, explained: Sequence[Explanation], looks: Sequence[Style], limits: Mapping[str, float]
) -> Section:
    first = explained[0]
    columns = tuple(
        Column(_heading(method), "unsigned" if _unsigned(explained, method) else "signed", limits[method])
        for method in first.maps
    )
    rows = tuple(Row(look, _says(each), tuple(each.maps.values())) for look, each in zip(looks, explained, strict=True))
    caption = f"image {first.number} · label {first.label}"
    return Section(name, first.image, caption, first.target, columns, rows)


def _heading(method: str) -> str:
    return f"gradient at {method.removeprefix(LAYER)}" if method.startswith(LAYER) else HEADINGS[method]


def _unsigned(explained: Sequence[Explanation], method: str) -> bool:
    return not any((each.maps[method] < 0).any() for each in explained)


def _limits(networks: Sequence[tuple[Sequence[Trajectory], Sequence[Explanation]]]) -> dict[str, float]:
    """For each method the largest number of all its maps, so that two optimizers' can be compared."""
    pairs = [pair for trajectories, explained in networks for pair in zip(trajectories, explained, strict=True)]
    ran = that_ran([trajectory for trajectory, _ in pairs])
    limits: dict[str, float] = {}
    for each in (found for trajectory, found in pairs if trajectory in ran):
        for method, values in each.maps.items():
            finite = np.abs(values[np.isfinite(values)])
            limits[method] = max(limits.get(method, 0.0), float(finite.max(initial=0.0)))
    return {method: limit or 1.0 for method, limit in limits.items()}


def _says(explained: Explanation) -> str:
    if explained.said is None:
        return "says nothing: its scores are no numbers"
    sure = "" if explained.sure is None else f" · {_percent(explained.sure)}"
    wrong = "" if explained.said == explained.label else f", not {explained.label}"
    return f"says {explained.said}{sure}{wrong}"


def _percent(share: float) -> str:
    """A share in percent, never rounded up to what it is not."""
    return f"{np.floor(1000 * share) / 10:g} %"


def _alt_text(titles: Sequence[str], sections: Sequence[Section]) -> str:
    sentences = []
    for title, section in zip(titles, sections, strict=True):
        columns = ", ".join(column.heading for column in section.columns)
        said = "; ".join(f"{row.style.label} {row.says.replace(' · ', ' with ')}" for row in section.rows)
        sentences.append(
            f"What speaks in {section.caption.replace(' · ', ', ')}, for class {section.target} in {title}: "
            f"{columns}. {said}."
        )
    return " ".join(sentences)
