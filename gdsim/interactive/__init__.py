"""`gdsim studio`: a page that simulates again while the user drags a start or moves a slider; and its widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdsim import api
from gdsim.errors import GdsimError, check_arguments
from gdsim.web import PICTURE_SCRIPTS

if TYPE_CHECKING:
    from gdsim.interactive.widget import Studio

SHARED = ("pointing.css", *PICTURE_SCRIPTS)  # what the page shares with the web player


@check_arguments
def studio(source: api.ExperimentLike, *, allow_code: bool = False) -> Studio:
    """Return the live studio of an experiment, which a notebook shows: `gdsim.studio("ravine.yaml")`.

    Its `experiment` and `trajectories` are those that the page shows; assigning `experiment` changes the page.

    Args:
        source: An experiment, itself, as a mapping or as the path of a YAML file.
        allow_code: Whether Python code that a text in the page names may run.

    Raises:
        GdsimError: anywidget is not installed.
        InputError: The source is at fault.
    """
    try:
        from gdsim.interactive.widget import Studio
    except ImportError as error:
        raise GdsimError("a widget needs anywidget: pip install 'gdsim[notebook]'") from error
    return Studio(api.as_experiment(source), allow_code=allow_code)
