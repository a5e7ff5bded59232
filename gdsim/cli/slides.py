"""`gdsim slides`: a PowerPoint deck of configs, recordings and pictures, with a table of figures."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gdsim.cli.common import AllowCode, Overwrite, Quiet, Set, ThemeName, naming_option
from gdsim.cli.deck_inputs import DeckOptions, read
from gdsim.cli.paths import check_target, writable
from gdsim.errors import collect

if TYPE_CHECKING:
    from gdsim.analysis import Row
    from gdsim.simulation import Trajectory
    from gdsim.slides.deck import Deck
    from gdsim.themes import Theme


def slides(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="CONFIG|FILE", help="YAML files, recordings (.npz), or pictures that a run has made."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.pptx", help="The deck to write.")],
    video: Annotated[bool, typer.Option("--video", help="Embed videos (MP4) instead of GIFs.")] = False,
    theme: ThemeName = None,
    template: Annotated[
        Path | None, typer.Option(metavar="FILE.pptx", help="A deck whose size, fonts and layouts are taken.")
    ] = None,
    changes: Set = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Make a PowerPoint deck: a slide per picture, its YAML in the notes, and a table of figures."""
    from gdsim.slides import new_deck
    from gdsim.themes import theme as find_theme

    options = DeckOptions(video, theme, changes or (), allow_code, quiet)
    inputs = [*sources, *([template] if template else [])]
    check_target(out, key="--out", suffixes=(".pptx",), inputs=inputs, overwrite=overwrite)
    with naming_option("--theme"):
        deck_theme = find_theme(theme or "slide")
    new_deck(deck_theme, template)  # raises if the template is invalid or python-pptx is missing
    found = collect(lambda path: read(path, options), sources)
    deck = new_deck(found[0].theme() if theme is None else deck_theme, template)
    figures = _Figures()
    with writable({f"--out: {out}": out}), tempfile.TemporaryDirectory(prefix="gdsim-") as folder:
        titles = []
        for number, source in enumerate(found):
            needs_rows = source.yaml not in figures.configs
            item, trajectories = source.draw(deck, Path(folder) / str(number), options, needs_rows)
            deck.add_picture(item)
            titles.append(item.provenance.title)
            if needs_rows and trajectories is not None:
                figures.add(source.path, source.yaml, trajectories, item.theme)
        figures.add_to(deck)
        deck.save(out, titles[0] if len(titles) == 1 else f"Gradient descent: {', '.join(dict.fromkeys(titles))}")
    print(out)


@dataclass
class _Figures:
    """The table at the end of a deck while it is collected.

    Attributes:
        groups: The file of a run, its rows of one objective, and the colours of their paths; no rows twice.
        configs: The configurations whose rows are collected.
    """

    groups: list[tuple[Path, list[Row], list[str]]] = field(default_factory=list)
    configs: set[str] = field(default_factory=set)

    def add(self, path: Path, yaml: str, trajectories: Sequence[Trajectory], theme: Theme) -> None:
        """Add the rows of a run, only once if both a config and its picture are in the deck."""
        from gdsim.analysis import make_rows
        from gdsim.analysis.metrics import group_by_objective
        from gdsim.scene import styles

        self.configs.add(yaml)
        for rows, drawn in zip(
            make_rows(trajectories), styles(group_by_objective(trajectories), theme.paths), strict=True
        ):
            if rows not in [before for _, before, _ in self.groups]:
                self.groups.append((path, rows, [each.color for each in drawn]))

    def add_to(self, deck: Deck) -> None:
        """Add the table to a deck, with a summary if it is about one run."""
        from gdsim.analysis import make_table
        from gdsim.web.report.summary import summarize, title

        if not self.groups:
            return
        rows: list[Row] = []
        colors: dict[tuple[str, str], str] = {}
        for name, (_, group, shades) in zip(self._names(), self.groups, strict=True):
            rows += [replace(row, objective=name) for row in group]
            colors |= {(name, row.optimizer): shade for row, shade in zip(group, shades, strict=True)}
        table = make_table(rows)
        if len({path for path, _, _ in self.groups}) == 1:
            deck.add_table(table, title=title(table), lead=summarize(table), colors=colors)
        else:
            deck.add_table(table, title="Comparison", lead="", colors=colors)

    def _names(self) -> list[str]:
        """Return a unique name for each objective: its title, with the run's name or a number if several share it."""
        titles = Counter(rows[0].objective for _, rows, _ in self.groups)
        names: list[str] = []
        for path, (first, *_), _ in self.groups:
            title = first.objective
            name = f"{title} ({path.stem})" if titles[title] > 1 else title
            numbers = count(2)
            while name in names:
                name = f"{title} ({path.stem} {next(numbers)})"
            names.append(name)
        return names
