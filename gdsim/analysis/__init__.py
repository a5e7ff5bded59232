"""Trajectories → a table with one row per objective and optimizer, profiles over many problems, and tuning."""

from __future__ import annotations

from gdsim.analysis.derive import ALL, for_tuning, yaml_for_folder
from gdsim.analysis.formatting import Column, escape_markdown, markdown_table
from gdsim.analysis.grouping import group_by_objective, lowest_value, unique_titles
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
from gdsim.analysis.row import NETWORK_METRICS, Row, has_networks, make_row, sort_key
from gdsim.analysis.study import Curve, Study, StudyPlan, plan_study, study, tune
from gdsim.analysis.table import Table, compare, make_table
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
    "lowest_value",
    "make_row",
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
    "tune",
    "unique_titles",
    "yaml_for_folder",
]
