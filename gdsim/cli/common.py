"""What several commands share: options, and loading and checking configs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from gdsim.config import formats as known_formats
from gdsim.errors import ConfigError, InputError, collect, did_you_mean

# Packages that load torch or matplotlib are imported where they are used, so that help and mistakes come at once.
if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.render import Frames
    from gdsim.simulation import Trajectory
    from gdsim.themes import Theme

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value: steps=50 or optimizers.Adam.lr=0.1; repeatable."),
]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Let Python code that a config names run; it can do all that you can.")
]
Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", help="The folder for results; each config gets its own below.")
]
Format = Annotated[
    str | None, typer.Option("--format", metavar="LIST", help="Instead of the config's own, such as gif,mp4,png.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no summary.")]
Overwrite = Annotated[bool, typer.Option("--overwrite/--no-overwrite", help="Whether older results may be replaced.")]
ThemeName = Annotated[
    str | None,
    typer.Option("--theme", metavar="NAME", help="The theme instead of the config's, a name from gdsim list."),
]

RECORDED = {"objective": "objectives", "start": "start", "steps": "steps", "seed": "seed", "optimizers": "optimizers"}
"""The keys that cannot change after recording, with the attributes of an experiment."""

NOTHING: Mapping[str, str] = MappingProxyType({})


def load_all(
    paths: Sequence[Path], changes: Sequence[str], allow_code: bool, transient: Mapping[str, str] = NOTHING
) -> list[Experiment]:
    """Load and check every file, and raise the mistakes of all files together."""
    experiments = collect(lambda path: load_one(path, changes, allow_code, transient), paths)
    from gdsim.simulation import check

    collect(check, experiments)
    collect(check_view, experiments)
    return experiments


def load_one(
    path: Path, changes: Sequence[str] = (), allow_code: bool = False, transient: Mapping[str, str] = NOTHING
) -> Experiment:
    """Load a YAML file, or a picture, page or recording with a configuration; `transient` changes are not recorded.

    Code never runs for a picture or a page: nobody expects that from a file that is looked at.
    """
    from gdsim.config import load, loads
    from gdsim.encode.reading import is_output, is_recording, source_folder, yaml_of

    if not is_output(path):
        return load(path, overrides=changes, transient_overrides=transient, allow_code=allow_code)
    return loads(
        yaml_of(path),
        name=path.stem,
        file=str(path),
        folder=source_folder(path),
        overrides=changes,
        transient_overrides=transient,
        allow_code=allow_code and is_recording(path),
    )


def redrawn(
    recorded: Experiment, path: Path, changes: Sequence[str], allow_code: bool, transient: Mapping[str, str] = NOTHING
) -> Experiment:
    """Return a recorded experiment with another view, pace or output."""
    from gdsim.config import loads

    changed = loads(
        recorded.yaml,
        name=recorded.name,
        file=str(path),
        folder=recorded.folder,
        overrides=changes,
        transient_overrides=transient,
        allow_code=allow_code,
    )
    for key, name in RECORDED.items():
        if getattr(changed, name) != getattr(recorded, name):
            message = f"cannot change in a recording; to change {key}, use gdsim run"
            raise InputError(message, (f"--set {key}",), code="conflict")
    return changed


def check_view(experiment: Experiment) -> None:
    """Check that the view of an experiment fits each of its objectives."""
    from gdsim.scene import projection_of

    for index, spec in enumerate(experiment.objectives):
        if spec.to_train() is None:  # the loss plane of a network is known after its training
            with experiment.located(index):
                projection_of(spec.build(), experiment.view)


@contextmanager
def naming_option(option: str = "") -> Iterator[None]:
    """Make an option the key of an InputError: by default the one that its key names without dashes."""
    try:
        yield
    except ConfigError:
        raise
    except InputError as error:
        raise InputError(error.message, (option or f"--{error.key[0]}",), code=error.code) from error


def parse_formats(text: str, known: Collection[str]) -> list[str]:
    """Return the formats in `gif, .PNG`, without duplicates."""
    formats = list(dict.fromkeys(name.lower().removeprefix(".") for name in text.replace(",", " ").split()))
    for name in formats or [""]:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            raise InputError(f"unknown format '{name}'{hint}", ("--format",), code="unknown-name")
    return formats


def format_override(formats: str | None) -> dict[str, str]:
    """Return the override that `--format gif,mp4` stands for, with its name in errors."""
    if formats is None:
        return {}
    return {f"output.formats=[{', '.join(parse_formats(formats, known_formats()))}]": f"--format {formats}"}


def notes(experiment: Experiment, trajectories: Sequence[Trajectory]) -> list[str]:
    """Return what a user should know about the classes, functions and networks of an experiment."""
    from gdsim.optimizers import warning
    from gdsim.simulation import remarks

    networks = [spec.to_train() for spec in experiment.objectives]
    kinds = sorted({network is not None for network in networks})
    found = [warning(each.class_name, network=kind) for each in experiment.optimizers.values() for kind in kinds]
    functions = [spec.build() for spec in experiment.objectives if spec.python is not None]
    found += [f"{each.title} is {each.source}." for each in functions]
    found += [remark for network in networks if network is not None for remark in network.remarks]
    return [each for each in dict.fromkeys([*found, *remarks(trajectories)]) if each]


def frame_warnings(frames: Frames) -> list[str]:
    """Return what is not drawn as it should be."""
    missing = [f"The font has no glyph for {frames.missing}: each is drawn as a box."] if frames.missing else []
    return [*missing, *frames.left_out]


def theme_of(experiment: Experiment, name: str | None = None) -> Theme:
    """Return the theme of `--theme`, or that of an experiment."""
    from gdsim.themes import theme

    if name is not None:
        with naming_option("--theme"):
            return theme(name)
    choice = experiment.view.theme
    return theme(choice if isinstance(choice, str) else choice.given())
