"""What several commands share: options, loading and checking configs, and the files that a command writes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from shlex import quote
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any
from zlib import crc32

import typer
from typer.core import TyperCommand

from gdsim.cli.completion import complete_setting, files_with, names_from, read_config
from gdsim.errors import GdsimError, InputError, collect, did_you_mean
from gdsim.files import YAML_SUFFIXES, atomic_write, os_error_reason, suggest_sibling
from gdsim.interrupts import deferred, undone

# Packages that load torch or matplotlib are imported where they are used, so that help and mistakes come at once.
if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.render import Frames
    from gdsim.scene.model import Scene
    from gdsim.simulation import Trajectory
    from gdsim.themes import Theme

Configs = Annotated[
    list[Path],
    typer.Argument(
        metavar="CONFIG",
        help="YAML files, or pictures that a run has made; or functions, such as 'x^2 + 3y^2'.",
        autocompletion=files_with(YAML_SUFFIXES),
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a value: steps=50, optimizers.Adam.lr=0.1, 'view.title=My title'; repeatable. "
        "optimizers.Adam=null removes an optimizer.",
        autocompletion=complete_setting,
    ),
]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Let Python code that a config names run; it can do all that you can.")
]
Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", help="The folder for results; each config gets its own below.")
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="LIST",
        help="Instead of the config's own, such as gif,mp4,png.",
        autocompletion=names_from("gdsim.config", "formats"),
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no summary.")]
Overwrite = Annotated[bool, typer.Option("--overwrite/--no-overwrite", help="Whether older results may be replaced.")]
ThemeName = Annotated[
    str | None,
    typer.Option(
        "--theme",
        metavar="NAME",
        help="The theme instead of the config's, a name from gdsim list.",
        autocompletion=names_from("gdsim.themes"),
    ),
]

RECORDED = {"objective": "objectives", **{key: key for key in ("start", "steps", "seed", "optimizers", "sweep")}}
"""The keys that cannot change after recording, with the attributes of an experiment."""

LEGIBLE = 3.0  # least contrast of graphics, by WCAG 2.2, 1.4.11

NOTHING: Mapping[str, str] = MappingProxyType({})


class SettingsCommand(TyperCommand):
    """A command that leads from an option it does not have, such as `--steps 4`, to `--set steps=4`.

    It takes a formula that begins with a minus sign, such as `-x^2`, for an argument.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check the names of options, and set formulas apart from them, before parsing."""
        known = {name for option in self.params for name in (*option.opts, *option.secondary_opts)}
        known |= {*ctx.help_option_names}
        for word, following in pairwise([*args, "--"]):
            option, sign, value = word.partition("=")
            if "--set" in known and option.startswith("--") and option not in known:
                from gdsim.config.messages import setting_named

                name = option[2:].replace("-", "_")
                if (setting := setting_named(name, read_config(args))) is not None:
                    value = value if sign else "…" if following.startswith("--") else following
                    ctx.fail(f"there is no option {option}; use --set {quote(f'{setting}={value}')}")
        unknown = [word for word in args if re.match("-[^-]", word) and word[:2] not in known]
        formulas = [word for word in unknown if is_function(Path(word))]
        if formulas and "--" not in args:
            args = [*(word for word in args if word not in formulas), "--", *formulas]
        return super().parse_args(ctx, args)


def load_all(
    paths: Sequence[Path], changes: Sequence[str], allow_code: bool, transient: Mapping[str, str] = NOTHING
) -> list[Experiment]:
    """Load and check every file, and raise the mistakes of all files together."""
    experiments = collect(lambda path: load_one(path, changes, allow_code, transient), paths)
    from gdsim.simulation.experiments import check

    collect(check, experiments)
    collect(check_sweep, experiments)
    collect(check_view, experiments)
    return experiments


def load_run(
    path: Path, changes: Sequence[str], allow_code: bool, transient: Mapping[str, str] = NOTHING
) -> tuple[Experiment, Any]:
    """Load and check a file, for another view, pace or output.

    Returns:
        The experiment, and for a recording (.npz) its trajectories or, if the experiment has a sweep, its result.
    """
    if path.suffix.lower() != ".npz" and _output_format(path) != "npz":
        return load_all([path], changes, allow_code, transient)[0], None
    from gdsim.simulation import read
    from gdsim.sweeps import archive

    recorded, result = (archive.read if archive.is_sweep(path) else read)(path, allow_code=allow_code)
    changed = load_one(path, changes, allow_code, transient)
    for key, name in RECORDED.items():
        if getattr(changed, name) != getattr(recorded, name):
            message = f"cannot change in a recording; to change {key}, use gdsim run"
            raise InputError(message, (f"--set {key}",), code="conflict")
    return changed, result


def load_one(
    path: Path, changes: Sequence[str] = (), allow_code: bool = False, transient: Mapping[str, str] = NOTHING
) -> Experiment:
    """Load a YAML file, or a picture, page or recording with a configuration; `transient` changes are not recorded.

    A function instead of a file is run with all else that `gdsim init` writes. Code never runs for a picture or a page:
    nobody expects that from a file that is looked at.
    """
    from gdsim.config import load, loads

    if (found := _output_format(path)) is None:
        if is_function(path):
            return loads(
                config_of(str(path)),
                name=output_name(str(path)),
                file=str(path),
                overrides=changes,
                transient_overrides=transient,
            )
        check_exists(path)
        return load(path, overrides=changes, transient_overrides=transient, allow_code=allow_code)
    from gdsim.encode import yaml_of
    from gdsim.simulation import recorded_folder

    return loads(
        yaml_of(path),
        name=path.stem,
        file=str(path),
        folder=recorded_folder(path) if found == "npz" else path.parent,
        overrides=changes,
        transient_overrides=transient,
        allow_code=allow_code and found == "npz",
    )


def _output_format(path: Path) -> str | None:
    """Return the format of a picture, page or recording; None for a config. A suffix of YAML spares an import."""
    if path.suffix in YAML_SUFFIXES:
        return None
    from gdsim.encode import output_format

    return output_format(path)


def is_function(path: Path) -> bool:
    """Return whether what was given for a file is an expression or the name of a function in the catalogue."""
    if path.suffix in YAML_SUFFIXES:
        return False
    with suppress(OSError):  # a long formula cannot be the name of a file
        if path.exists():
            return False
    from gdsim.config.objective import by_form
    from gdsim.objectives import names

    return "expression" in by_form(str(path)) or str(path) in names()


def check_exists(path: Path) -> None:
    """Raise an InputError if a missing file has the name of an example, or one like that of a function."""
    with suppress(OSError):  # the name is too long, which is reported when it is read
        if path.exists() or suggest_sibling(path):
            return
    from gdsim.cli.examples import full_names
    from gdsim.objectives import names

    example = full_names().get(path.stem)
    hint = f"; `gdsim examples {example}` writes it here" if example else did_you_mean(str(path), names())
    if hint:
        raise InputError(f"{path}: no such file{hint}", code="not-found")


def config_of(function: str) -> str:
    """Return the config that `gdsim init` writes, with another function and its default start."""
    from gdsim.config import starter
    from gdsim.config.yaml_text import dump, parse

    values = parse(starter(), function).value | {"objective": function}
    return dump({key: value for key, value in values.items() if key != "start"})


def output_name(function: str) -> str:
    """Return the name of the files of a function: itself, or all of it that a name can have and a number of its own."""
    compact = function.replace(" ", "").replace("**", "^")
    readable = re.sub(r"[^\w^+.-]+", "_", compact)[:40]
    return readable if readable == compact else f"{readable}_{crc32(function.encode()):08x}"


def check_sweep(experiment: Experiment) -> None:
    """Check that the classes of an experiment accept the values of its sweep."""
    if experiment.sweep is not None:
        from gdsim.sweeps.plan import Plan

        Plan.of(experiment).check()


def check_view(experiment: Experiment) -> None:
    """Check that the view of an experiment fits each of its objectives."""
    from gdsim.scene.build import projection_of

    for index, spec in enumerate(experiment.objectives):
        if spec.to_train() is None:  # the loss plane of a network is known after its training
            with experiment.located(index):
                projection_of(spec.build(), experiment.view)


@contextmanager
def naming_option(option: str = "") -> Iterator[None]:
    """Make an option the key of an InputError: by default the one that its key names without dashes."""
    try:
        yield
    except InputError as error:
        problem = error.problems[0]
        if problem.location:
            raise
        raise InputError(problem.message, (option or f"--{problem.key[0]}",), code=problem.code) from error


def parse_formats(text: str, known: Collection[str]) -> list[str]:
    """Return the formats in `gif, .PNG`, without duplicates."""
    formats = list(dict.fromkeys(name.lower().removeprefix(".") for name in text.replace(",", " ").split()))
    for name in formats or [""]:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            hint = "; `gdsim slides` makes a deck" if name == "pptx" else hint
            raise InputError(f"unknown format '{name}'{hint}", ("--format",), code="unknown-name")
    return formats


def source_files(experiment: Experiment) -> list[Path]:
    """Return the files that an experiment reads, except its config, and the modules beside it that it may import."""
    names: list[str | int | None] = []
    for spec in experiment.objectives:
        names += [spec.samples, spec.trained, spec.data.name if spec.data is not None else None]
        for code in (spec.python, spec.network, *(each.class_name for each in experiment.optimizers.values())):
            if code is not None and ":" in code:
                module = code.partition(":")[0].removesuffix(".py").partition(".")[0]
                names += [module, f"{module}.py"]
    plane = experiment.view.plane
    names += plane if isinstance(plane, list) else []
    # The name of a recording may end with the label of one of its optimizers.
    return [experiment.folder / re.sub(r"(\.npz):.*", r"\1", each) for each in names if isinstance(each, str)]


def trajectories_of(
    experiment: Experiment, recorded: Sequence[Trajectory] | None, progress: Callable[[str], Any]
) -> Sequence[Trajectory]:
    """Return the trajectories of an experiment, simulated if they are not recorded, with loss planes of networks."""
    from gdsim.simulation.experiments import evaluate_landscapes, run_optimizers

    trajectories = recorded or run_optimizers(experiment, progress=progress("simulating"))
    return evaluate_landscapes(experiment, trajectories, progress=progress("evaluating the loss"))


def scene_of(experiment: Experiment, trajectories: Sequence[Trajectory], size: list[int] | None = None) -> Scene:
    """Return the scene of an experiment, in its own size by default."""
    from gdsim.scene.build import build_scene

    view = experiment.view if size is None else experiment.view.model_copy(update={"size": size})
    with experiment.located():
        return build_scene(trajectories, view=view, animation=experiment.animation)


def notes(experiment: Experiment, trajectories: Sequence[Trajectory]) -> list[str]:
    """Return what a user should know about the classes, colours, functions and networks of an experiment."""
    from gdsim.optimizers import warning
    from gdsim.scene.state import missing_notes
    from gdsim.simulation import remarks
    from gdsim.themes import contrast

    networks = [spec.to_train() for spec in experiment.objectives]
    kinds = sorted({network is not None for network in networks})
    found = [warning(each.class_name, network=kind) for each in experiment.optimizers.values() for kind in kinds]
    functions = [spec.build() for spec in experiment.objectives if spec.python is not None]
    found += [f"{each.title} is {each.source}." for each in functions]
    for label, each in experiment.optimizers.items():
        if each.color and (ratio := contrast(each.color, theme_of(experiment).page)) < LEGIBLE:
            found.append(f"{label}: its colour is faint on the page: a contrast of {ratio:.1f} : 1, legible is 3 : 1.")
    found += [remark for network in networks if network is not None for remark in network.remarks]
    found += missing_notes(trajectories, experiment.view)
    newton = [each for each in trajectories if experiment.optimizers[each.label].class_name == "newton"]
    found += [note for each in newton for note in _newton_notes(each)]
    return [each for each in dict.fromkeys([*found, *remarks(trajectories)]) if each]


def _newton_notes(trajectory: Trajectory) -> Iterator[str]:
    """Yield where Newton's method has no next step, because its Hessian is not finite."""
    import numpy as np

    from gdsim.objectives.formulas import number
    from gdsim.simulation import Stop

    for point, stop in zip(trajectory.points[-1], trajectory.stops, strict=True):
        if stop is Stop.DIVERGED and not np.isfinite(trajectory.objective.hessians(point)).all():
            where = ", ".join(map(number, point.tolist()))
            yield f"{trajectory.label} has no step from ({where}): second derivatives are not finite there."
            return


def frame_warnings(frames: Frames) -> list[str]:
    """Return what is not drawn as it should be."""
    if not frames.missing:
        return list(frames.left_out)
    # Imported where it is needed, because it imports matplotlib.
    from gdsim.themes.fonts import fonts_to_install

    install = " and ".join(fonts_to_install(frames.missing))
    return [f"No installed font has {frames.missing}: boxes are drawn. Install {install}.", *frames.left_out]


def theme_of(experiment: Experiment, name: str | None = None) -> Theme:
    """Return the theme of `--theme`, or that of an experiment."""
    from gdsim.themes import theme

    if name is not None:
        with naming_option("--theme"):
            return theme(name)
    choice = experiment.view.theme
    return theme(choice if isinstance(choice, str) else choice.given())


def check_target(
    path: Path, *, key: str = "", suffixes: Sequence[str] = (), inputs: Sequence[Path] = (), overwrite: bool = True
) -> None:
    """Raise an InputError if a file cannot be written under a name, before any work is done.

    Args:
        path: The file.
        key: The option that names it.
        suffixes: The possible suffixes; any if empty.
        inputs: Files that must not be overwritten.
        overwrite: Whether an existing file may be replaced.
    """
    keys = (key,) if key else ()
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path}: give it a name that ends in {suffixes[0]}", keys)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it", keys)
    if any(_is_same(path, each) for each in inputs):
        raise InputError(f"{path} is read by this command; write to another file or folder", keys, code="conflict")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists; write to another file or folder, or add --overwrite", keys, code="conflict")


def _is_same(one: Path, other: Path) -> bool:
    with suppress(OSError):  # one of them does not exist
        return one.samefile(other)
    return one.resolve() == other.resolve()


@contextmanager
def writable(paths: Mapping[str, Path]) -> Iterator[None]:
    """Create the folders of files, check that they can be written to, and remove those that are empty at the end.

    Args:
        paths: The files, by what an error message calls them.

    Raises:
        GdsimError: A folder cannot be created or written to.
    """
    above = [folder for path in paths.values() for folder in path.parents]
    created = [folder for folder in dict.fromkeys(above) if not folder.exists()]

    def remove_empty() -> None:
        for folder in sorted(created, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):  # it is not empty, or was never created
                folder.rmdir()

    with undone(remove_empty):
        for name, path in paths.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # The name is as long as that of the temporary file that is written first.
                prefix = f".{path.stem}."
                with deferred(), tempfile.NamedTemporaryFile(prefix=prefix, suffix=path.suffix, dir=path.parent):
                    pass
            except OSError as error:
                raise GdsimError(f"{name}: cannot be written: {os_error_reason(error)}") from error
        yield


def write_text(path: Path, text: str) -> Path:
    """Write a text file, complete or not at all, and return its path."""
    with atomic_write(path) as partial:
        partial.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8", newline="")
    return path
