"""What a command does before and after the real work: load and check configs, find places for results, draw."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, TypeVar

from gdsim.config import formats as known_formats
from gdsim.errors import ConfigError, GdsimError, InputError, Problem, did_you_mean
from gdsim.files import os_error_reason

# What is heavy is imported where it is used, so that mistakes come at once.
if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.render import Frames
    from gdsim.scene import Scene
    from gdsim.simulation import Trajectory

__all__ = [
    "all_of",
    "by_option",
    "check_targets",
    "check_view",
    "composed",
    "computed",
    "draw_all",
    "folder_of",
    "format_change",
    "load_all",
    "load_one",
    "named_files",
    "named_formats",
    "not_drawn",
    "notes",
    "places_of",
    "redrawn",
    "targets_of",
    "write_text",
]

STILLS = ("png", "svg", "pdf", "html")
"""The formats that no frames are written for, one after the other."""

RECORDED = {
    "objective": "objectives",
    "start": "start",
    "steps": "steps",
    "seed": "seed",
    "optimizers": "optimizers",
}
"""The keys that a recording holds fast, each with the attribute of an experiment."""

S = TypeVar("S")
T = TypeVar("T")


def load_all(
    paths: Sequence[Path], changes: Sequence[str], transient_overrides: Mapping[str, str], allow_code: bool
) -> list[Experiment]:
    """Load and check every file, and tell the mistakes of all of them together."""
    experiments = all_of(lambda path: load_one(path, changes, transient_overrides, allow_code), paths)
    from gdsim.simulation import check

    all_of(check, experiments)
    all_of(check_view, experiments)
    return experiments


def load_one(
    path: Path, changes: Sequence[str], transient_overrides: Mapping[str, str], allow_code: bool
) -> Experiment:
    """Load and check a file: a YAML, or a picture, a page or a recording that holds one."""
    from gdsim.config import load, loads
    from gdsim.encode.reading import is_output, source_folder, yaml_of

    if not is_output(path):
        return load(path, overrides=changes, transient_overrides=transient_overrides, allow_code=allow_code)
    return loads(
        yaml_of(path),
        name=path.stem,
        file=str(path),
        folder=source_folder(path),
        overrides=changes,
        transient_overrides=transient_overrides,
        allow_code=allow_code,
    )


def check_view(experiment: Experiment) -> None:
    """Check that the view of an experiment fits each of its objectives."""
    from gdsim.scene import check_projection

    for index, spec in enumerate(experiment.objectives):
        if spec.to_train() is not None:  # its plane is known when it is trained
            continue
        with experiment.located(index):
            check_projection(spec.build(), experiment.view)


@contextmanager
def folder_of(paths: dict[str, Path]) -> Iterator[None]:
    """Take a folder away again that was made for results which then did not come."""
    try:
        yield
    finally:
        for folder in {path.parent for path in paths.values()}:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def all_of(verb: Callable[[S], T], subjects: Iterable[S]) -> list[T]:
    """Do the same to all, and tell the mistakes of all together, each once."""
    done: list[T] = []
    problems: list[Problem] = []
    for subject in subjects:
        try:
            done.append(verb(subject))
        except InputError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return done


def format_change(formats: str | None) -> dict[str, str]:
    """The change that `--format gif,mp4` stands for, with these words; it leaves the config as it is."""
    if formats is None:
        return {}
    wanted = named_formats(formats)
    for name in wanted or [""]:
        if name not in known_formats():
            offer = (
                did_you_mean(name, known_formats())
                or f"; there are {', '.join(known_formats())}; gdsim slides makes a deck"
            )
            raise InputError(f"--format: unknown format '{name}'{offer}")
    return {f"output.formats=[{', '.join(wanted)}]": f"--format {formats}"}


def named_formats(formats: str) -> list[str]:
    """The names in `gif, .PNG`, each once."""
    return list(dict.fromkeys(name.lower().removeprefix(".") for name in formats.replace(",", " ").split()))


def targets_of(out: Path, experiment: Experiment, suffixes: Iterable[str]) -> dict[str, Path]:
    """Where the results of an experiment go, by suffix."""
    named = out.suffix.lower().removeprefix(".")
    if named in known_formats() and not out.is_dir():
        raise InputError(f"--out {out}: names a folder, into which files are written; their kind is --format {named}")
    return {suffix: out / experiment.name / f"{experiment.name}.{suffix}" for suffix in suffixes}


def named_files(experiment: Experiment) -> list[Path]:
    """The files that an experiment is made from, beside its config."""
    names = []
    for spec in experiment.objectives:
        data = spec.data.name if spec.data is not None else None
        names += [each for each in (spec.samples, data, spec.trained) if isinstance(each, str)]
    plane = experiment.view.plane
    names += [each for each in plane if isinstance(each, str)] if isinstance(plane, list) else []
    # A recording may be followed by the label of one of its optimizers.
    return [experiment.folder / f"{name.partition('.npz:')[0]}{'.npz' * ('.npz:' in name)}" for name in names]


def check_targets(
    targets: Sequence[dict[str, Path]], overwrite: bool, changed: Sequence[Path] = (), made_from: Sequence[Path] = ()
) -> None:
    """See to it, before any work is done, that every result has a place of its own that can be written to.

    Args:
        targets: Where results go.
        overwrite: Whether older ones may be replaced.
        changed: Files whose configs run with changes, which must not be lost.
        made_from: Files that the configs name, which must not be lost either.
    """
    sources, inputs = ({path.resolve() for path in given} for given in (changed, made_from))
    paths = [path for each in targets for path in each.values()]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"two configs would write {path}; rename one, or run them with different --out")
        if path.resolve() in sources:
            raise InputError(f"{path} is what runs, with changes: name another folder with --out, to keep its config")
        if path.resolve() in inputs:
            raise InputError(f"{path} is what the config is made from: name another folder with --out, to keep it")
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists; leave out --no-overwrite, or name another folder with --out")
    for folder in {path.parent for path in paths}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GdsimError(f"{folder}: cannot be made: {os_error_reason(error)}") from error


def redrawn(
    recorded: tuple[Experiment, Any],
    recording: Path,
    changes: Sequence[str],
    transient_overrides: Mapping[str, str],
    allow_code: bool,
) -> Experiment:
    """The recorded experiment with another view, pace or output."""
    from gdsim.config import loads

    before = recorded[0]
    after = loads(
        before.yaml,
        name=before.name,
        file=str(recording),
        folder=before.folder,
        overrides=changes,
        transient_overrides=transient_overrides,
        allow_code=allow_code,
    )
    for key, name in RECORDED.items():
        if getattr(after, name) != getattr(before, name):
            raise InputError(f"--set {key}: the trajectories are recorded; to change {key}, use gdsim run")
    return after


def notes(experiment: Experiment, trajectories: Sequence[Trajectory] = ()) -> list[str]:
    """What a user should know of the classes that were used, and of what was computed of networks."""
    from gdsim.optimizers import warning

    networks = [spec.to_train() for spec in experiment.objectives]
    kinds = sorted({network is not None for network in networks})
    notes = [warning(each.class_name, network=kind) for each in experiment.optimizers.values() for kind in kinds]
    own = [spec.build() for spec in experiment.objectives if spec.python is not None]
    notes += [f"{each.title} is {each.source}." for each in own]
    notes += [remark for network in networks if network is not None for remark in network.remarks]
    return [each for each in dict.fromkeys([*notes, *computed(trajectories)]) if each]


def computed(trajectories: Sequence[Trajectory]) -> tuple[str, ...]:
    """What a user should know of the planes on which networks are seen; nothing for functions."""
    if all(each.training is None for each in trajectories):
        return ()
    from gdsim.simulation.remarks import remarks

    return remarks(trajectories)


def composed(experiment: Experiment, trajectories: Sequence[Trajectory]) -> Scene:
    """The scene of an experiment's trajectories."""
    from gdsim.scene import build_scene

    with experiment.located():
        return build_scene(trajectories, view=experiment.view, animation=experiment.animation)


def draw_all(experiment: Experiment, scene: Scene, paths: dict[str, Path], progress: Callable[[str], Any]) -> list[str]:
    """Draw a scene in every format, and return what is to be said about it."""
    from gdsim.movie import make_provenance, save_scene
    from gdsim.render import frames
    from gdsim.web.player import notes as page_notes

    made, output = make_provenance(scene, experiment), experiment.output
    drawn = frames(scene, transparent=output.background == "transparent")
    given_up: list[str] = []
    pictures, began = 0, process_time()
    for name in known_formats():
        if name in paths:
            wrap = progress(f"drawing {paths[name].name}")
            given_up += save_scene(scene, paths[name], output=output, provenance=made, drawn=drawn, progress=wrap)
            pictures += 1 if name in STILLS else len(drawn)
    seconds = process_time() - began
    words = not_drawn(drawn)
    if scene.turns and pictures >= len(drawn):
        words.append(
            f"The camera turns, so that every frame is drawn whole: {seconds / pictures:.2g} CPU s each; "
            "a GIF of it is several times as large as an MP4."
        )
    return [*words, *given_up, *(page_notes(scene) if "html" in paths else ())]


def not_drawn(frames: Frames) -> list[str]:
    """What a picture does not show as it should, a sentence each."""
    missing = [f"The font has no sign for {frames.missing}: each is drawn as a box."] if frames.missing else []
    return [*missing, *frames.left_out]


def write_text(path: Path, text: str) -> Path:
    """Write a text file, complete or not at all."""
    from gdsim.files import atomic_write

    with atomic_write(path) as partial_file:
        partial_file.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8", newline="")
    return path


@contextmanager
def by_option(option: str) -> Iterator[None]:
    """Put the option before a mistake in what it was given."""
    try:
        yield
    except InputError as error:
        raise InputError(error.message, (option,), code=error.code) from error


@contextmanager
def places_of(paths: Mapping[str, Path]) -> Iterator[None]:
    """Make the folders of files that are to come, try whether they can be written, and take away what stays empty.

    Args:
        paths: The files, each by what an error is to begin with.
    """
    above = [folder for path in paths.values() for folder in path.parents]
    missing = [folder for folder in dict.fromkeys(above) if not folder.exists()]
    try:
        for words, path in paths.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # As long a name as it has while it is not whole.
                with tempfile.NamedTemporaryFile(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent):
                    pass
            except OSError as error:
                raise GdsimError(f"{words} cannot be written: {error.strerror or error}") from error
        yield
    finally:
        for folder in sorted(missing, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):  # it is not empty, or was never made
                folder.rmdir()
