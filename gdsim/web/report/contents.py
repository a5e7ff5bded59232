"""What a report says, once for the page and for the Markdown file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gdsim.analysis import (
    Matrix,
    Profile,
    Table,
    data_profile,
    performance_profile,
    ranks,
    solved_shares,
)
from gdsim.config import Experiment
from gdsim.errors import InputError
from gdsim.web.report.diagrams import Loss, losses
from gdsim.web.report.summary import facts, story, title, tuned_words, versions, walked

if TYPE_CHECKING:
    from gdsim.analysis import Study

__all__ = ["Across", "Contents", "contents"]

PROFILES = (
    "A problem is one objective from one start. The first profile (Dolan and Moré 2002) is the share of problems on "
    "which an optimizer comes within tolerance with at most so many times the gradient evaluations of the best on "
    "each; the second (Moré and Wild 2009) the share on which it does so within so many evaluations. The higher, the "
    "better."
)


@dataclass(frozen=True, eq=False)
class Across:
    """What can be said of several objectives at once.

    Args:
        ranks: The matrix of ranks.
        solved: The matrix of shares solved; None where no minimum is known.
        performance: The performance profile.
        data: The data profile.
        words: What the profiles are.
    """

    ranks: Matrix
    solved: Matrix | None
    performance: Profile
    data: Profile
    words: str


@dataclass(frozen=True, eq=False)
class Contents:
    """The parts of a report.

    Args:
        title: What it is called.
        story: What happened, in a sentence or a few.
        facts: What the comparison rests on, in a line.
        tuned: How the optimizers were tuned, at length and in short; empty where they were not.
        labels: The optimizers.
        experiments: One an objective, tuned.
        table: The figures.
        losses: How the loss fell, one an objective.
        across: What several objectives say together; None for one.
        sources: Name → configuration.
        versions: Part → version, and the seed.
    """

    title: str
    story: str
    facts: str
    tuned: tuple[str, ...]
    labels: tuple[str, ...]
    experiments: tuple[Experiment, ...]
    table: Table
    losses: tuple[Loss, ...]
    across: Across | None
    sources: Mapping[str, str]
    versions: Mapping[str, str]


def contents(study: Study) -> Contents:
    """Gather what a report of a study says.

    Raises:
        InputError: No optimizer of the study can run.
    """
    table, experiments = study.table, study.experiments
    if not experiments:
        raise InputError("no optimizer can run: there is nothing to report")
    several = len({row.objective for row in table}) > 1
    return Contents(
        title=title(table),
        story=story(table),
        facts=facts(table, experiments[0]),
        tuned=tuned_words(study.tuning),
        labels=study.labels,
        experiments=experiments,
        table=table,
        losses=losses(study),
        across=_across(study) if several else None,
        sources=dict(zip(walked(table), (each.yaml for each in experiments), strict=True)),
        versions={**versions(), "seed": str(experiments[0].seed)},
    )


def _across(study: Study) -> Across:
    solved = solved_shares(study.table)
    return Across(
        ranks=ranks(study.table),
        solved=None if np.isnan(solved.figures).all() else solved,
        performance=performance_profile(study.evaluations, study.labels),
        data=data_profile(study.evaluations, study.labels),
        words=PROFILES,
    )
