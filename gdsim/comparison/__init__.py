"""Trajectories → a table of figures, one row an objective and optimizer, and profiles over many problems."""

from __future__ import annotations

from gdsim.comparison.figures import (
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
from gdsim.comparison.grouping import grouped, lowest_value, titles
from gdsim.comparison.profiles import (
    Matrix,
    Profile,
    data_profile,
    performance_profile,
    ranks,
    solved_shares,
)
from gdsim.comparison.rows import Row, failed_row, of_networks, row_of
from gdsim.comparison.tables import Table, compare, table, write_csv
from gdsim.comparison.writing import Column, pipe_table

__all__ = [
    "TOLERANCE",
    "Column",
    "Matrix",
    "Profile",
    "Row",
    "Table",
    "angles",
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
    "moves",
    "norms",
    "of_networks",
    "path_lengths",
    "performance_profile",
    "pipe_table",
    "ranks",
    "row_of",
    "solved",
    "solved_shares",
    "steps_to_tolerance",
    "table",
    "titles",
    "write_csv",
]
