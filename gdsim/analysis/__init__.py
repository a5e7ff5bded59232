"""Compare optimizers: tables with one row per objective and optimizer, profiles over many problems, and tuning."""

from __future__ import annotations

from gdsim.analysis.profiles import Matrix, Profile, data_profile, performance_profile, ranks, solved_shares
from gdsim.analysis.rows import Row, make_rows
from gdsim.analysis.study import Curve, Study, StudyPlan, plan_study
from gdsim.analysis.table import (
    Column,
    Table,
    compare,
    escape_markdown,
    make_table,
    markdown_table,
)
from gdsim.analysis.tuning import Tuning, parse_range

__all__ = [
    "Column",
    "Curve",
    "Matrix",
    "Profile",
    "Row",
    "Study",
    "StudyPlan",
    "Table",
    "Tuning",
    "compare",
    "data_profile",
    "escape_markdown",
    "make_rows",
    "make_table",
    "markdown_table",
    "parse_range",
    "performance_profile",
    "plan_study",
    "ranks",
    "solved_shares",
]
