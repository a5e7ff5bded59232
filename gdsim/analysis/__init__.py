"""Trajectories → a table with one row per objective and optimizer, profiles over many problems, and tuning."""

from __future__ import annotations

from gdsim.analysis.derive import ALL, moved
from gdsim.analysis.formatting import Column, pipe_table
from gdsim.analysis.grouping import grouped, lowest_value, titles
from gdsim.analysis.metrics import (
    TOLERANCE,
    angles,
    detours,
    distances,
    distances_to_minimum,
    evaluations_to_tolerance,
    last_steps,
    mean_angles,
    moves,
    norms,
    path_lengths,
    solved,
    steps_to_tolerance,
)
from gdsim.analysis.profiles import (
    Matrix,
    Profile,
    data_profile,
    performance_profile,
    ranks,
    solved_shares,
)
from gdsim.analysis.results import Curve, Study
from gdsim.analysis.resuming import Finished
from gdsim.analysis.rows import Row, failed_row, of_networks, row_of
from gdsim.analysis.studies import check, study
from gdsim.analysis.tables import Table, compare, table, write_csv
from gdsim.analysis.tuning import RANGES, Tuning, parsed_range

__all__ = [
    "ALL",
    "RANGES",
    "TOLERANCE",
    "Column",
    "Curve",
    "Finished",
    "Matrix",
    "Profile",
    "Row",
    "Study",
    "Table",
    "Tuning",
    "angles",
    "check",
    "compare",
    "data_profile",
    "detours",
    "distances",
    "distances_to_minimum",
    "evaluations_to_tolerance",
    "failed_row",
    "grouped",
    "last_steps",
    "lowest_value",
    "mean_angles",
    "moved",
    "moves",
    "norms",
    "of_networks",
    "parsed_range",
    "path_lengths",
    "performance_profile",
    "pipe_table",
    "ranks",
    "row_of",
    "solved",
    "solved_shares",
    "steps_to_tolerance",
    "study",
    "table",
    "titles",
    "write_csv",
]
