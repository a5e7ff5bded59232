"""Compare optimizers: tables with one row per objective and optimizer, profiles over many problems, and tuning."""

from __future__ import annotations

from gdsim.analysis.derive import ALL, for_tuning, yaml_for_folder
from gdsim.analysis.metrics import (
    TOLERANCE,
    angles,
    detours,
    distances,
    evaluations_to_tolerance,
    last_steps,
    mean_angles,
    norms,
    solved,
    step_vectors,
    steps_to_tolerance,
)
from gdsim.analysis.profiles import Matrix, Profile, data_profile, performance_profile, ranks, solved_shares
from gdsim.analysis.row import (
    NETWORK_METRICS,
    Row,
    group_by_objective,
    has_networks,
    make_row,
    make_rows,
    sort_key,
    unique_titles,
)
from gdsim.analysis.study import Curve, Study, StudyPlan, plan_study, study
from gdsim.analysis.table import Column, Table, compare, escape_markdown, make_table, markdown_table
from gdsim.analysis.tuning import RANGES, Tuning, parse_range

__all__ = [
    "ALL",
    "NETWORK_METRICS",
    "RANGES",
    "TOLERANCE",
    "Column",
    "Curve",
    "Matrix",
    "Profile",
    "Row",
    "Study",
    "StudyPlan",
    "Table",
    "Tuning",
    "angles",
    "compare",
    "data_profile",
    "detours",
    "distances",
    "escape_markdown",
    "evaluations_to_tolerance",
    "for_tuning",
    "group_by_objective",
    "has_networks",
    "last_steps",
    "make_row",
    "make_rows",
    "make_table",
    "markdown_table",
    "mean_angles",
    "norms",
    "parse_range",
    "performance_profile",
    "plan_study",
    "ranks",
    "solved",
    "solved_shares",
    "sort_key",
    "step_vectors",
    "steps_to_tolerance",
    "study",
    "unique_titles",
    "yaml_for_folder",
]
