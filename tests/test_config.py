# ruff: noqa: E501  (each sentence stands whole, to be searched for)
from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gdsim.config import PRESETS, Camera, Experiment, View, load, loads, schema
from gdsim.config.theme import OwnTheme
from gdsim.config.yaml_text import dump, parse
from gdsim.errors import ConfigError, InputError, Problem

CONFIGS = Path(__file__).parent.parent / "configs"
INDENTED = "is no valid YAML: this line is indented otherwise than those it belongs with; they must all begin in the same column"
PLANES = "must be pca, random, two coordinates such as [0, 1], or two recordings such as [a.npz, b.npz]"
QUICKSTART = """\
objective: himmelblau
start: [-0.5, 4.2]
steps: 150
optimizers:
  SGD:      {lr: 0.01}
  Momentum: {class: SGD, lr: 1e-2, momentum: 0.9}
  Adam:     {lr: 0.3, betas: [0.9, 0.99], schedule: {class: CosineAnnealingLR, T_max: 150}}
view:       {theme: dark, size: [800, 600]}
"""


def short(more: str = "", *, optimizers: str = "{SGD: }") -> str:
    return f"{{objective: himmelblau, steps: 10, optimizers: {optimizers}{more}}}"


def problems(text: str, **more: Any) -> list[str]:
    """Return the lines of the error that a text gives."""
    with pytest.raises(ConfigError) as caught:
        loads(text, file="race.yaml", **more)
    return list(map(str, caught.value.problems))


def problem(text: str, **more: Any) -> str:
    """Return the only line of the error that a text gives."""
    (line,) = problems(text, **more)
    return line


# What is read


def test_a_config_is_read_whole() -> None:
    experiment = loads(QUICKSTART, name="quickstart")
    assert experiment.name == "quickstart"
    assert experiment.yaml == QUICKSTART
    assert [spec.build().name for spec in experiment.objectives] == ["himmelblau"]
    assert experiment.start is not None
    assert experiment.start.points == [[-0.5, 4.2]]
    assert experiment.steps == 150
    assert list(experiment.optimizers) == ["SGD", "Momentum", "Adam"]
    momentum, adam = experiment.optimizers["Momentum"], experiment.optimizers["Adam"]
    assert (momentum.class_name, momentum.settings) == ("SGD", {"lr": 0.01, "momentum": 0.9})
    assert adam.settings == {"lr": 0.3, "betas": (0.9, 0.99)}
    assert adam.schedule == {"class": "CosineAnnealingLR", "T_max": 150}
    assert (experiment.view.theme, experiment.view.size) == ("dark", [800, 600])


def test_everything_but_three_keys_has_a_default() -> None:
    experiment = loads(short())
    assert experiment.start is None
    assert experiment.seed == 0
    sgd = experiment.optimizers["SGD"]
    assert (sgd.class_name, sgd.settings, sgd.schedule) == ("SGD", {}, None)
    assert (sgd.noise, sgd.clip_norm, sgd.color) == (0.0, None, None)
    assert (experiment.view.kind, experiment.view.arrows, experiment.view.panels) == (
        None,
        "gradient",
        ["loss"],
    )
    assert (experiment.view.theme, experiment.view.size, experiment.view.title) == (
        "light",
        [1280, 720],
        None,
    )
    assert (experiment.animation.fps, experiment.animation.seconds, experiment.animation.hold) == (
        25,
        6.0,
        2.0,
    )
    assert experiment.output.formats == ["gif", "mp4", "png"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_what_is_not_written(name: str) -> None:
    (size, theme), (fps, seconds, hold), (limit,) = (tuple(section.values()) for section in PRESETS[name].values())
    for experiment in (
        loads(short(f", output: {{preset: {name}}}")),
        loads(short(f", output: {{preset: {name}}}, view: , animation: ")),
        loads(short(), overrides=[f"output.preset={name}"]),
    ):
        view, animation, output = experiment.view, experiment.animation, experiment.output
        assert (view.size, view.theme) == (size, theme)
        assert (animation.fps, animation.seconds, animation.hold) == (fps, seconds, hold)
        assert (output.preset, output.max_bytes) == (name, limit)
        assert loads(experiment.yaml) == experiment


def test_what_is_written_wins_over_a_preset() -> None:
    written = (
        ", output: {preset: thumb, max_bytes: 1 MB}, view: {size: [1280, 720], theme: {base: dark}}, "
        "animation: {fps: 25, hold: 0}"
    )
    experiment = loads(short(written))
    assert experiment.view.size == [1280, 720]
    assert isinstance(experiment.view.theme, OwnTheme)
    assert (experiment.animation.fps, experiment.animation.seconds, experiment.animation.hold) == (25, 4.0, 0)
    assert experiment.output.max_bytes == 1_000_000
    assert loads(short(", output: {preset: thumb, max_bytes: }")).output.max_bytes is None


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("5MB", 5_000_000),
        ("300 kB", 300_000),
        ("1.5 MiB", 1_572_864),
        ("64 KiB", 65_536),
        ("2 gb", 2_000_000_000),
        ("4321 B", 4321),
        ("500000", 500_000),
        ("5e6", 5_000_000),
    ],
)
def test_sizes_of_files_are_read_with_their_units(written: str, count: int) -> None:
    text = short(f", output: {{max_bytes: {written}}}")
    assert loads(text).output.max_bytes == count
    assert not list(validator().iter_errors(parse(text, "text").value))


def test_what_is_see_through_is_written_in_formats_that_can_be() -> None:
    assert loads(short(", output: {background: transparent}")).output.formats == ["webp", "webm", "png"]
    assert loads(short(", output: {background: transparent, formats: [svg]}")).output.formats == ["svg"]
    assert loads(short(", output: {loop: once}")).output.loop == "once"
    text = short(", output: {background: transparent, formats: [png, gif, mp4, apng, html]}")
    column = text.index("gif") + 1
    lines = problems(text)
    assert lines[0] == (
        f"race.yaml:1:{column}: output.formats.1: background: transparent goes with webm, webp, pdf, png, svg, not with "
        "gif: a GIF has no partial transparency, so that type and lines would get a fringe"
    )
    assert [line.split(": ")[1] for line in lines] == [f"output.formats.{place}" for place in (1, 2, 3, 4)]


def test_sections_whose_lines_are_commented_out_have_their_defaults() -> None:
    assert loads(short(", view: , animation: , output: , start: ")) == loads(short())


@pytest.mark.parametrize(
    ("start", "points"),
    [
        ("[1, 2]", [[1, 2]]),
        ("[[1, 2]]", [[1, 2]]),
        ("[[1, 2], [3, 4.5]]", [[1, 2], [3, 4.5]]),
    ],
)
def test_points_to_start_from(start: str, points: list[list[float]]) -> None:
    read = loads(short(f", start: {start}")).start
    assert read is not None
    assert (read.points, read.grid, read.random, read.count) == (points, None, None, len(points))


@pytest.mark.parametrize("start", ["3", "[3]", "[[3]]"])
def test_a_start_in_one_dimension(start: str) -> None:
    read = loads(f"{{objective: parabola, steps: 1, optimizers: {{SGD: }}, start: {start}}}").start
    assert read is not None
    assert read.points == [[3]]


@pytest.mark.parametrize(("start", "count"), [("{grid: [8, 6]}", 48), ("{random: 16}", 16)])
def test_many_starts(start: str, count: int) -> None:
    read = loads(short(f", start: {start}")).start
    assert read is not None
    assert (read.points, read.count) == (None, count)


def test_an_objective_with_its_view_and_parameters() -> None:
    text = "{name: quadratic, bounds: [[-1, 1], [-2, 2]], condition: 20}"
    (spec,) = loads(short().replace("himmelblau", text)).objectives
    assert spec.parameters == {"condition": 20}
    built = spec.build()
    assert built.bounds.tolist() == [[-1, 1], [-2, 2]]
    assert built.parameters["condition"] == 20


def test_several_objectives() -> None:
    text = "[himmelblau, {expression: x*y}, {name: himmelblau, bounds: [[0, 4], [0, 4]]}]"
    experiment = loads(short().replace("himmelblau", text))
    built = [spec.build() for spec in experiment.objectives]
    assert [each.title for each in built] == ["Himmelblau", "x*y", "Himmelblau"]
    assert built[2].bounds.tolist() == [[0, 4], [0, 4]]
    assert loads(short().replace("himmelblau", "[himmelblau]")) == loads(short())


@pytest.mark.parametrize(
    ("objectives", "start", "lines"),
    [
        ("[himmelblau, {name: sphere, dim: 3}]", "", []),
        ("[himmelblau, sphere]", "[1, 2]", []),
        ("[himmelblau, sphere]", "[1, x]", ["start.1: must be a number, not 'x'"]),
        (
            "[himmelblau, parabola, {name: sphere, dim: 3}]",
            "[1, 2]",
            [
                "start: has 2 coordinates, but parabola has 1 dimension; several starts are written [[0.5], [1]]",
                "start: has 2 coordinates, but sphere has 3 dimensions",
            ],
        ),
        (
            "[himmelblau, parabola]",
            "{grid: [3]}",
            ["start.grid: has 1 number; himmelblau has 2 dimensions, and each needs one"],
        ),
        ("[himmelblau, parabola]", "{random: 3}", []),
        (
            "[himmelblau, beale, booth]",
            "[1, 2, 3]",
            ["start: has 3 coordinates, but himmelblau, beale and booth have 2 dimensions"],
        ),
        (
            "[himmelblau, beale]",
            "{grid: [3]}",
            ["start.grid: has 1 number; himmelblau and beale have 2 dimensions, and each needs one"],
        ),
    ],
)
def test_a_start_goes_with_every_objective(objectives: str, start: str, lines: list[str]) -> None:
    text = short(f", start: {start}").replace("himmelblau", objectives, 1)
    if lines:
        assert [line.split(": ", 1)[1] for line in problems(text)] == lines
    else:
        assert len(loads(text).objectives) >= 2


def test_every_key_of_a_view() -> None:
    view = loads(
        short(
            ", view: {kind: surface, layout: grid, levels: rank, heights: log, camera: {elevation: 45, orbit: 90}, "
            "vectors: true, panels: [loss, angle], panels_at: under, against: evaluations, formula: false, "
            "theme: {base: dark, page: '#012', paths: ['#FF0000'], type: 1.2}}"
        )
    ).view
    assert (view.kind, view.layout, view.levels, view.heights) == ("surface", "grid", "rank", "log")
    assert view.camera == Camera(elevation=45, azimuth=-60, orbit=90)
    assert (view.vectors, view.panels, view.panels_at, view.against) == (
        True,
        ["loss", "angle"],
        "under",
        "evaluations",
    )
    assert view.formula is False
    assert isinstance(view.theme, OwnTheme)
    assert view.theme.given() == {"base": "dark", "page": "#001122", "paths": ["#ff0000"], "type": 1.2}


def test_a_theme_may_be_a_style_sheet_or_begin_with_one() -> None:
    assert loads(short(", view: {theme: ggplot}")).view.theme == "ggplot"
    own = loads(short(", view: {theme: {base: ggplot, field: viridis, font: }}")).view.theme
    assert isinstance(own, OwnTheme)
    assert own.given() == {"base": "ggplot", "field": "viridis"}


@pytest.mark.parametrize(
    ("keys", "contour", "surface", "curve"),
    [
        ({}, (), (), ()),
        ({"layout": "grid", "vectors": True, "theme": "dark", "levels": None}, (), (), ()),
        ({"fill": "heat"}, (), ("fill",), ("fill",)),
        ({"levels": "log"}, (), (), ("levels",)),
        ({"heights": "linear"}, ("heights",), (), ("heights",)),
        ({"camera": {"orbit": 30}}, ("camera",), (), ("camera",)),
        ({"arrows_at": "curve"}, ("arrows_at",), ("arrows_at",), ()),
        ({"arrows": "stream"}, (), ("arrows",), ("arrows",)),
        ({"arrows": "none"}, (), (), ()),
        (
            {"camera": {}, "fill": "heat", "arrows": "stream"},
            ("camera",),
            ("fill", "arrows"),
            ("fill", "camera", "arrows"),
        ),
    ],
)
def test_keys_of_a_view_that_do_not_go_with_its_kind(
    keys: dict[str, Any], contour: tuple[str, ...], surface: tuple[str, ...], curve: tuple[str, ...]
) -> None:
    view = View(**keys)
    assert tuple(key for key, _ in view.misfits("contour")) == contour
    assert tuple(key for key, _ in view.misfits("surface")) == surface
    assert tuple(key for key, _ in view.misfits("curve")) == curve


def test_a_misfit_comes_with_the_kinds_it_goes_with() -> None:
    view = View(fill="heat", levels="log", arrows="stream")
    assert view.misfits("curve") == (
        ("fill", ("contour",)),
        ("levels", ("contour", "surface")),
        ("arrows", ("contour",)),
    )


@pytest.mark.parametrize(
    ("objective", "view", "lines"),
    [
        ("himmelblau", "heights: log, arrows_at: curve", [
            "view.heights: heights goes with kind: surface",
            "view.arrows_at: arrows_at goes with kind: curve",
        ]),
        ("parabola", "kind: surface, camera: {}", ["view.kind: must be curve for 'Parabola', which has dim 1 here"]),
        ("{expression: x**2 + 3*x}", "kind: contour", [
            "view.kind: must be curve for 'x**2 + 3*x', which has dim 1 here",
        ]),
        ("[himmelblau, parabola]", "fill: heat, arrows_at: curve", []),
        ("[himmelblau, parabola]", "kind: surface, camera: {orbit: 30}", []),
        ("[himmelblau, parabola]", "heights: log", ["view.heights: heights goes with kind: surface"]),
        ("[himmelblau, beale]", "kind: curve", [
            "view.kind: must be contour or surface for 'Himmelblau', which has dim 2 here",
        ]),
        ("[himmelblau, parabola]", "plane: pca", [
            "view.plane: is for more than two dimensions, not for 'Himmelblau', which has dim 2 here",
        ]),
        ("[himmelblau, {name: sphere, dim: 3}]", "plane: pca", []),
    ],
)  # fmt: skip
def test_a_key_is_refused_where_no_objective_fits_it(objective: str, view: str, lines: list[str]) -> None:
    text = short(f", view: {{{view}}}").replace("himmelblau", objective, 1)
    if lines:
        assert [line.split(": ", 1)[1] for line in problems(text)] == lines
    else:
        assert loads(text).view


def test_a_theme_is_looked_up_only_when_all_else_is_well(tmp_path: Path) -> None:
    theme = ", view: {theme: {base: ggplot, field: viridis, font: Nope, paths: ['#fff', '#fff']}, kind: contuor}"
    (tmp_path / "bad.yaml").write_text(short(theme))
    program = """if True:
        import sys
        from gdsim.config import load
        from gdsim.errors import ConfigError
        try:
            load("bad.yaml")
        except ConfigError as error:
            print(*(str(problem).split(": ")[1] for problem in error.problems), "matplotlib" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "view.theme.paths.1 view.kind False\n"
    assert problem(short(", view: {theme: {base: ggplot, font: Nope}}")).partition(": ")[2] == (
        "view.theme.font: the font 'Nope' is not installed"
    )


@pytest.mark.parametrize(("count", "objectives", "facets"), [(36, 1, 36), (37, 1, 37), (18, 2, 36), (19, 2, 38)])
def test_a_grid_has_at_most_36_facets(count: int, objectives: int, facets: int) -> None:
    labels = ", ".join(f"{n}: {{class: SGD}}" for n in range(count))
    text = short(", view: {layout: %s}", optimizers=f"{{{labels}}}")
    text = text.replace("himmelblau", "[himmelblau, beale]" if objectives == 2 else "himmelblau")
    assert len(loads(text % "overlay").optimizers) == count
    if facets <= 36:
        assert loads(text % "grid").view.layout == "grid"
    else:
        product = f"{count} optimizers" + (" × 2 objectives" if objectives == 2 else "")
        sentence = f"a grid of {product} has {facets} facets; at most 36 are drawn side by side"
        assert problem(text % "grid").endswith(f"view.layout: {sentence}")


def test_the_view_of_one_dimension_may_be_a_bare_pair() -> None:
    pair = "{objective: {name: parabola, bounds: [-3, 1]}, steps: 1, optimizers: {SGD: }}"
    pairs = pair.replace("[-3, 1]", "[[-3, 1]]")
    assert loads(pair) == loads(pairs)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-.5e+1", -5.0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("+7", 7),
        (".inf", float("inf")),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("!!str 12", "12"),
        ("!!float 3", 3.0),
        *((word, word) for word in ("1:30", "on", "Yes", "off", "2024-01-01", "1_000", "0b11", "'1e-3'", "=")),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    read = parse(f"key: {written}", "text").value["key"]
    expected = value.strip("'") if isinstance(value, str) else value
    assert (read, type(read)) == (expected, type(expected))


def test_escapes_of_json_are_characters() -> None:
    assert parse(r'"\ud83d\ude00"', "text").value == "\N{GRINNING FACE}"
    line = problem(short(r', view: {title: "\ud83d"}'))
    assert line.endswith("view.title: holds half of a surrogate pair, which is no character")
    line = problem(short(optimizers=r'{SGD: , "\ud83d": {class: SGD}}'))
    assert line.endswith("optimizers: a key holds half of a surrogate pair, which is no character")


def test_the_loader_of_others_stays_as_it_was() -> None:
    assert yaml.safe_load("{a: 1e-3, b: on, c: 010}") == {"a": "1e-3", "b": True, "c": 8}


def test_keys_are_their_text_so_that_numbers_can_be_labels() -> None:
    text = "{objective: beale, steps: 9, optimizers: {1e-3: {class: SGD}, 7: {class: Adam}, on: {class: SGD}}}"
    assert list(loads(text).optimizers) == ["1e-3", "7", "on"]


def test_anchors_and_merge_keys() -> None:
    text = """
objective: himmelblau
steps: 5
optimizers:
  SGD: &slow {lr: 0.1, momentum: 0.5}
  Twin: {<<: *slow, class: SGD, lr: 0.2}
  Third: {class: SGD, <<: [{lr: 1}, *slow]}
"""
    optimizers = loads(text).optimizers
    assert optimizers["Twin"].settings == {"lr": 0.2, "momentum": 0.5}
    assert optimizers["Third"].settings == {"lr": 1, "momentum": 0.5}


def test_classes_by_each_of_their_names() -> None:
    for written, name in {
        "{Adam: }": "Adam",
        "{torch.optim.Adam: }": "Adam",
        "{x: {class: torch.optim.Adam}}": "Adam",
        "{x: {class: pytorch_optimizer.Lion}}": "pytorch_optimizer.Lion",
        "{pytorch_optimizer.Lion: }": "pytorch_optimizer.Lion",
    }.items():
        (spec,) = loads(short(optimizers=written)).optimizers.values()
        assert spec.class_name == name


def test_a_package_that_is_named_is_not_imported() -> None:
    program = f"""if True:
        import sys
        from gdsim.config import loads
        loads({short(optimizers="{x: {class: pytorch_optimizer.Lion}}")!r})
        sys.exit("pytorch_optimizer" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("shape", ["mine.py", "mine/__init__.py", "mine/inner.py"])
def test_code_in_the_current_folder_is_not_run(tmp_path: Path, shape: str) -> None:
    module = tmp_path / shape
    module.parent.mkdir(exist_ok=True)
    module.write_text("raise SystemExit('this ran')")
    (tmp_path / "race.yaml").write_text(short(optimizers="{x: {class: mine.Mine}}"))
    program = "import gdsim.config as c\ntry: c.load('race.yaml')\nexcept c.ConfigError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "race.yaml:1:60: optimizers.x.class: 'mine' stands in the current folder" in done.stdout


def test_arguments_that_are_called_as_a_key_of_gdsim_go_into_args() -> None:
    read = loads(short(optimizers="{x: {class: pytorch_optimizer.Lion, lr: 1, args: {noise: 3}}}"))
    assert read.optimizers["x"].settings == {"lr": 1, "noise": 3}
    assert read.optimizers["x"].noise == 0
    line = problem(short(optimizers="{SGD: {lr: 1, args: {lr: 3}}}"))
    assert line.endswith("optimizers.SGD: 'lr' is given here and in args")


@pytest.mark.parametrize(
    ("written", "schedule"),
    [
        ("ConstantLR", {"class": "ConstantLR"}),
        ("torch.optim.lr_scheduler.ConstantLR", {"class": "ConstantLR"}),
        ("{class: StepLR, step_size: 5}", {"class": "StepLR", "step_size": 5}),
        (
            "{class: SequentialLR, schedulers: [LinearLR, {class: ExponentialLR, gamma: 0.9}], milestones: [5]}",
            {
                "class": "SequentialLR",
                "schedulers": [{"class": "LinearLR"}, {"class": "ExponentialLR", "gamma": 0.9}],
                "milestones": [5],
            },
        ),
    ],
)
def test_schedules(written: str, schedule: dict[str, Any]) -> None:
    text = short(optimizers=f"{{SGD: {{schedule: {written}}}}}")
    assert loads(text).optimizers["SGD"].schedule == schedule


def test_short_colors_are_written_out() -> None:
    assert loads(short(optimizers="{SGD: {color: '#07b'}}")).optimizers["SGD"].color == "#0077bb"


def test_experiments_are_equal_when_they_say_the_same() -> None:
    block = "objective: {name: himmelblau}\nsteps: 10  # few\noptimizers:\n  SGD:\n"
    assert loads(block) == loads(short())
    assert loads(block) != loads(short(", seed: 1"))


def test_an_experiment_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        loads(short()).steps = 3  # type: ignore[misc]


# What is refused, and how


def test_all_mistakes_come_at_once_in_the_order_of_their_places() -> None:
    text = """\
objective: himelblau
start: [-0.5, high]
steps: many
optimisers:
  SGD:
optimizers:
  SGD:  {lr: fast}
  Adam: {lerning_rate: 0.3}
  Fast: {lr: 1}
view: {kindd: curve, size: [1281, 720]}
output: {formats: [gif, avi]}
"""
    assert problems(text) == [
        "race.yaml:1:12: objective: there is no objective 'himelblau'; did you mean 'himmelblau'?",
        "race.yaml:2:15: start.1: must be a number, not 'high'",
        "race.yaml:3:8: steps: must be a whole number from 1 to 1000000, not 'many'",
        "race.yaml:4:1: unknown key 'optimisers'; did you mean 'optimizers'?",
        "race.yaml:7:14: optimizers.SGD.lr: must be a number, not 'fast'",
        "race.yaml:8:10: optimizers.Adam: Adam has no argument 'lerning_rate'; did you mean 'lr'?",
        "race.yaml:9:3: optimizers: torch.optim has no optimizer 'Fast'. If it is only a label, add its class: "
        "{class: SGD}",
        "race.yaml:10:8: view: unknown key 'kindd'; did you mean 'kind'?",
        "race.yaml:10:29: view.size.0: must be an even width from 160 to 3840, not 1281",
        "race.yaml:11:25: output.formats.1: must be 'apng', 'gif', 'mp4', 'webm', 'webp', 'pdf', 'png', 'svg' "
        "or 'html', not 'avi'",
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("steps: 0", "steps: must be a whole number from 1 to 1000000, not 0"),
        ("steps: -5", "steps: must be a whole number from 1 to 1000000, not -5"),
        ("steps: 1000000000", "steps: must be a whole number from 1 to 1000000, not 1000000000"),
        ("steps: 2.5", "steps: must be a whole number from 1 to 1000000, not 2.5"),
        ("steps: true", "steps: must be a whole number from 1 to 1000000, not true"),
        ("steps: ", "steps: must be a whole number from 1 to 1000000, not nothing"),
        ("seed: -1", "seed: must be a whole number from 0 to 9223372036854775807, not -1"),
        ("objective: 5", "objective: must be text such as 'himmelblau', a mapping or a list of 1 to 12 items, not 5"),
        ("objective: []", "objective: must be a list of 1 to 12 objectives, not of 0"),
        (f"objective: [{', '.join(['beale'] * 13)}]", "objective: must be a list of 1 to 12 objectives, not of 13"),
        ("objective: [beale, 5]", "objective.1: must be text such as 'himmelblau' or a mapping, not 5"),
        ("objective: [[beale]]", "objective.0: must be text such as 'himmelblau' or a mapping, not ['beale']"),
        ("objective: [beale, ackley, {name: beale}]", "objective.2: is the same as objective.0"),
        ("objective: [himelblau]", "objective.0: there is no objective 'himelblau'; did you mean 'himmelblau'?"),
        ("objective: [beale, {nmae: beale}]", "objective.1: unknown key 'nmae'; did you mean 'name'?"),
        ("objective: [beale, {name: beale, dim: 3}]", "objective.1.dim: must be 2 for beale, not 3"),
        ("objectives: [beale]", "unknown key 'objectives'; did you mean 'objective'?"),
        ("objective: {dim: 2}", "objective: must have one of name, expression, samples, python, network, not none"),
        ("objective: {nmae: beale}", "objective: unknown key 'nmae'; did you mean 'name'?"),
        ("objective: {name: beale, dim: 3}", "objective.dim: must be 2 for beale, not 3"),
        ("objective: {name: beale, bounds: [[1, 2], 3]}", "objective.bounds.1: must be a number or a list of 2 items, each a number, not 3"),
        ("objective: {name: parabola, bounds: [0, .inf]}", "objective.bounds.1: must be a number, not inf"),
        ("objective: {name: parabola, bounds: [1, 2, 3]}", "objective.bounds: must be [low, high], or a list of such "
         "pairs, not [1, 2, 3]"),
        ("objective: {name: }", "objective.name: must be text such as 'himmelblau', not nothing"),
        ("objective: {name: quadratic, parameters: {condition: 5}}", "objective: has no key 'parameters'; write "
         "`condition: 5` directly"),
        ("objective: {name: rosenbrock, parameters: 1}", "objective: has no key 'parameters'"),
        ("objective: {samples: s.npy, parameters: {a: 1}}", "objective: has no key 'parameters'"),
        ("objective: {expression: x, parameters: {}}", "objective: has no key 'parameters'"),
        ("objective: {expression: x, dim: 1}", "objective: 'dim' goes with name or python"),
        ("objective: {expression: x, constnts: {}}", "objective: unknown key 'constnts'; did you mean 'constants'?"),
        ("objective: {expression: x, constants: 5}", "objective.constants: must be a mapping such as {k: 2}, not 5"),
        ("objective: {samples: s.npy, edge_order: 2}", "objective: edge_order goes with gradient: finite_differences"),
        ("objective: {samples: s.npy, edge_order: 2, gradient: autograd}", "objective: edge_order goes with gradient: "
         "finite_differences"),
        ("objective: {samples: s.npy, edge_order: true, gradient: finite_differences}", "objective.edge_order: must be "
         "a whole number from 1 to 2, not true"),
        ("objective: x**2 + y**2", "objective: there is no objective 'x**2 + y**2'; for an expression write "
         '{expression: "x**2 + y**2"}'),
        ("objective: sin(x)", "objective: there is no objective 'sin(x)'; for an expression write "
         '{expression: "sin(x)"}'),
        ("objective: sc.npy", "objective: there is no objective 'sc.npy'; for a file write {samples: sc.npy}"),
        ("objective: {name: ackley, dim: 5000}", "objective.dim: must be a whole number from 1 to 1000, not 5000"),
        ("start: here", "start: must be a point such as [0.5, 1], a list of points, {grid: [8, 8]} or {random: 16}, "
         "not 'here'"),
        ("start: 3", "start: has 1 coordinate, but himmelblau has 2 dimensions"),
        ("start: [1, 2, 3]", "start: has 3 coordinates, but himmelblau has 2 dimensions"),
        ("start: [[1, 2], [3]]", "start.1: has 1 coordinate, but himmelblau has 2 dimensions"),
        ("start: [[1, 2], 3]", "start.1: must be a point, as the others are, not 3"),
        ("start: [1, .nan]", "start.1: must be a number, not nan"),
        ("start: [1, 1e9]", "start.1: is outside reason: 1000000000.0 is more than a million view widths away"),
        ("start: {grid: [8]}", "start.grid: has 1 number; himmelblau has 2 dimensions, and each needs one"),
        ("start: {grid: [1000, 1000]}", "start.grid: makes 1000000 starts; at most 10000 are allowed"),
        ("start: {points: []}", "start.points: has 0 coordinates, but himmelblau has 2 dimensions"),
        ("start: {points: [[1, 2], [1]]}", "start.points.1: has 1 coordinate, but himmelblau has 2 dimensions"),
        ("start: {grid: [8, 8], random: 3}", "start: has grid and random; give only one of them"),
        ("start: {random: 0}", "start.random: must be a whole number from 1 to 10000, not 0"),
        ("start: {gird: [8, 8]}", "start: unknown key 'gird'; did you mean 'grid'?"),
        ("view: dark", "view: must be a mapping, not 'dark'"),
        ("view: {size: [1280]}", "view.size: must be a list of an even width from 160 to 3840 and an even height from "
         "120 to 2160, not [1280]"),
        ("view: {size: [120, 120]}", "view.size.0: must be an even width from 160 to 3840, not 120"),
        ("view: {size: [3840, 3840]}", "view.size.1: must be an even height from 120 to 2160, not 3840"),
        ("view: {size: [1280, 50]}", "view.size.1: must be an even height from 120 to 2160, not 50"),
        ("view: {size: [1280, 720.0]}", "view.size.1: must be an even height from 120 to 2160, not 720.0"),
        ("view: {panels: [], panels_at: under}", "view.panels_at: goes with panels, and panels: [] has none"),
        ("view: {panels: [], against: steps}", "view.against: goes with panels, and panels: [] has none"),
        ("view: {kind: contuor}", "view.kind: must be 'contour', 'surface', 'curve' or 'image', not 'contuor'; did you mean "
         "'contour'?"),
        ("view: {layout: gird}", "view.layout: must be 'overlay' or 'grid', not 'gird'; did you mean 'grid'?"),
        ("view: {plane: [0, 0]}", "view.plane: names 0 twice"),
        ("view: {plane: [-1, 0]}", f"view.plane: {PLANES}, not [-1, 0]"),
        ("view: {plane: [1]}", f"view.plane: {PLANES}, not [1]"),
        ("view: {plane: 1.5}", f"view.plane: {PLANES}, not 1.5"),
        ("view: {plane: {a: 1}}", f"view.plane: {PLANES}, not a mapping of 1"),
        ("view: {plane: [0, a.npz]}", f"view.plane: {PLANES}, not [0, 'a.npz']"),
        ("view: {plane: pcb}", f"view.plane: {PLANES}, not 'pcb'; did you mean 'pca'?"),
        ("view: {plane: a.npz}", f"view.plane: {PLANES}, not 'a.npz'; name one more recording"),
        ("view: {plane: [a.npz]}", f"view.plane: {PLANES}, not ['a.npz']; name one more recording"),
        ("view: {panels: loss}", "view.panels: must be a list: write [loss]"),
        ("view: {theme: drak}", "view.theme: there is no theme 'drak'; did you mean 'dark'?"),
        ("view: {theme: ggplt}", "view.theme: there is no theme 'ggplt'; did you mean 'ggplot'?"),
        ("view: {theme: mauve}", "view.theme: there is no theme 'mauve'; `gdsim list themes` names them"),
        ("view: {theme: 5}", "view.theme: must be text such as 'dark' or a mapping such as {base: 'dark'}, not 5"),
        ("view: {theme: {base: drak}}", "view.theme.base: there is no theme 'drak'; did you mean 'dark'?"),
        ("view: {theme: {txet: '#fff'}}", "view.theme: unknown key 'txet'; did you mean 'text'?"),
        ("view: {theme: {text: red}}", "view.theme.text: must be a colour such as '#0072B2', not 'red'; names of colours "
         "are not taken"),
        ("view: {theme: {field: virids}}", "view.theme.field: there is no colour map 'virids'; did you mean 'viridis'?"),
        ("view: {theme: {field: ['#fff']}}", "view.theme.field: must be a list of 2 to 256 items, each a colour "
         "such as '#0072B2', not ['#fff']"),
        ("view: {theme: {field: ['#fff', 3]}}", "view.theme.field.1: must be a colour such as '#0072B2', not 3"),
        ("view: {theme: {paths: []}}", "view.theme.paths: must be a list of 1 to 16 items, each a colour such "
         "as '#0072B2', not []"),
        ("view: {theme: {paths: ['#fff', '#ffffff']}}", "view.theme.paths.1: '#ffffff' is given twice; each path needs a "
         "colour of its own"),
        ("view: {theme: {type: 9}}", "view.theme.type: must be a number from 0.8 to 1.5, not 9"),
        ("view: {camera: 30}", "view.camera: must be a mapping, not 30"),
        ("view: {camera: {orbti: 30}}", "view.camera: unknown key 'orbti'; did you mean 'orbit'?"),
        ("view: {camera: {elevation: 0}}", "view.camera.elevation: must be a number above 0 and at most 90, not 0"),
        ("view: {camera: {orbit: 400}}", "view.camera.orbit: must be a number from -360 to 360, not 400"),
        ("view: {kind: map}", "view.kind: must be 'contour', 'surface', 'curve' or 'image', not 'map'"),
        ("view: {levels: logarithmic}", "view.levels: must be 'linear', 'log' or 'rank', not 'logarithmic'"),
        ("view: {vectors: 1}", "view.vectors: must be true or false, not 1"),
        ("view: {formula: x}", "view.formula: must be true or false, not 'x'"),
        ("view: {panels: [loss, loss]}", "view.panels: names 'loss' twice"),
        ("view: {panels: [los]}", "view.panels.0: must be 'loss', 'gradient_norm', 'distance', 'learning_rate', "
         "'step_size', 'angle', 'accuracy', 'layers', 'weights', 'off_plane', 'saliency' or 'score', not 'los'; did you mean 'loss'?"),
        (f"view: {{title: {'x' * 201}}}", f"view.title: must be text of at most 200 characters, not '{'x' * 57} …"),
        (r'view: {title: "a\nb"}', r"view.title: must not hold control characters, as 'a\nb' does"),
        ("animation: {fps: 60}", "animation.fps: must be a whole number from 1 to 50, not 60"),
        ("animation: {seconds: 0}", "animation.seconds: must be a number above 0 and at most 120, not 0"),
        ("animation: {fps: 50, seconds: 61}", "animation.seconds: makes 3050 frames at 50 a second; at most 3000 are "
         "drawn"),
        ("animation: {trail: half}", "animation.trail: must be 'whole' or a whole number from 1 to 1000000, not 'half'"),
        ("animation: {trail: 0}", "animation.trail: must be 'whole' or a whole number from 1 to 1000000, not 0"),
        ("animation: {pace: quick}", "animation.pace: must be 'even' or 'early', not 'quick'"),
        ("animation: {hold: .inf}", "animation.hold: must be a number from 0 to 60, not inf"),
        ("output: {max_bytes: 5 bananas}", "output.max_bytes: must be a size from 1 kB to 2 GB, such as 5MB, 300 kB or "
         "1.5 MiB, not '5 bananas'"),
        ("output: {max_bytes: 99999999999 GiB}", "output.max_bytes: must be a size from 1 kB to 2 GB, such as 5MB, 300 kB "
         "or 1.5 MiB, not '99999999999 GiB'"),
        ("output: {max_bytes: .inf}", "output.max_bytes: must be a size from 1 kB to 2 GB, such as 5MB, 300 kB or "
         "1.5 MiB, not inf"),
        ("output: {max_bytes: 5}", "output.max_bytes: must be a size from 1 kB to 2 GB, such as 5MB, 300 kB or "
         "1.5 MiB, not 5"),
        ("output: {preset: slid}", "output.preset: must be 'slide', 'wide', 'half', 'square', 'readme' or 'thumb', not "
         "'slid'; did you mean 'slide'?"),
        ("output: {loop: twice}", "output.loop: must be 'once' or 'forever', not 'twice'"),
        ("output: {background: none}", "output.background: must be 'opaque' or 'transparent', not 'none'"),
        ("output: {formats: []}", "output.formats: must be a list of at least 1 item, each 'apng', 'gif', 'mp4', 'webm', "
         "'webp', 'pdf', 'png', 'svg' or 'html', not []"),
        ("optimizers: [SGD]", "optimizers: must be a mapping of 1 to 64 entries such as {SGD: {lr: 0.01}}, not ['SGD']"),
        ("optimizers: {}", "optimizers: must be a mapping of 1 to 64 entries such as {SGD: {lr: 0.01}}, not an empty mapping"),
        ("optimizers: {SGD: lr=0.1}", "optimizers.SGD: must be a mapping such as {lr: 0.01}, not 'lr=0.1'"),
        ("optimizers: {x: {class: 5}}", "optimizers.x.class: must be text such as 'SGD' or text such as "
         "'pytorch_optimizer.Lion', not 5"),
        ("optimizers: {'': {class: SGD}}", "optimizers: a label must not be empty"),
        (r'optimizers: {"a\tb": {class: SGD}}', r"optimizers: a label must not hold control characters, as 'a\tb' does"),
        (f"optimizers: {{{'x' * 81}: {{class: SGD}}}}", f"optimizers: a label has at most 80 characters; '{'x' * 57} … "
         "has 81"),
        ("optimizers: {Adm: }", "optimizers: torch.optim has no optimizer 'Adm'; did you mean 'Adam'? If it is only a "
         "label, add its class: {class: SGD}"),
    ],
)  # fmt: skip
def test_a_wrong_value_gets_one_line(more: str, line: str) -> None:
    whole = {"objective": "himmelblau", "steps": "3", "optimizers": "{SGD: }"}
    key, _, value = more.partition(": ")
    text = "\n".join(f"{key}: {value}" for key, value in (whole | {key: value}).items())
    assert problem(text).partition(": ")[2] == line


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("lr: fast", "2:14: optimizers.Adam.lr: must be a number, not 'fast'"),
        ("lr: true", "2:14: optimizers.Adam.lr: must be a number, not true"),
        ("lr: .nan", "2:14: optimizers.Adam.lr: must be a number, not nan"),
        ("lr: ", "2:13: optimizers.Adam.lr: must be a number, not nothing"),
        ("amsgrad: 1", "2:19: optimizers.Adam.amsgrad: must be true or false, not 1"),
        ("betas: [0.9]", "2:17: optimizers.Adam.betas: must be a list of 2 items, each a number, not [0.9]"),
        ("learning_rate: 1", "2:10: optimizers.Adam: Adam has no argument 'learning_rate'; did you mean 'lr'?"),
        ("nois: 1", "2:10: optimizers.Adam: Adam has no argument 'nois'; did you mean 'noise'?"),
        ("params: 1", "2:10: optimizers.Adam: 'params' cannot be set: gdsim passes the starting point"),
        ("noise: -1", "2:17: optimizers.Adam.noise: must be a number of at least 0, not -1"),
        ("clip_norm: 0", "2:21: optimizers.Adam.clip_norm: must be a number above 0, not 0"),
        ("color: red", "2:17: optimizers.Adam.color: must be a colour such as '#0072B2', not 'red'; names of colours are "
         "not taken"),
        ("args: {lerning_rate: 1}", "2:17: optimizers.Adam.args: Adam has no argument 'lerning_rate'; did you mean "
         "'lr'?"),
        ("class: Adm", "2:17: optimizers.Adam.class: torch.optim has no optimizer 'Adm'; did you mean 'Adam'?"),
        ("class: torch.optim.Adm", "2:17: optimizers.Adam.class: torch.optim has no optimizer 'Adm'; did you mean "
         "'Adam'?"),
        ("class: os.system", "2:17: optimizers.Adam.class: 'os' belongs to Python itself and has no such classes"),
        ("class: no_such.Lion", "2:17: optimizers.Adam.class: no package 'no_such' is installed; get it with: pip install "
         "no_such"),
        ("class: typer.__main__.X", "2:17: optimizers.Adam.class: '__main__' is private to its package: name a class "
         "that the package offers"),
        ("schedule: 3", "2:20: optimizers.Adam.schedule: must be text such as 'CosineAnnealingLR' or a mapping, not 3"),
        ("schedule: StepLr", "2:20: optimizers.Adam.schedule: torch.optim.lr_scheduler has no schedule 'StepLr'; did "
         "you mean 'StepLR'?"),
        ("schedule: StepLR", "2:20: optimizers.Adam.schedule: StepLR needs the argument 'step_size'"),
        ("schedule: {step_size: 3}", "2:20: optimizers.Adam.schedule: needs the class of a schedule, such as "
         "{class: StepLR, step_size: 50}"),
        ("schedule: {class: StepLR, step_size: 3, gama: 1}", "2:50: optimizers.Adam.schedule: StepLR has no argument "
         "'gama'; did you mean 'gamma'?"),
        ("schedule: {class: StepLR, step_size: 1.5}", "2:47: optimizers.Adam.schedule.step_size: must be a whole "
         "number, not 1.5"),
        ("schedule: {class: StepLR, step_size: 1, optimizer: x}", "2:50: optimizers.Adam.schedule: 'optimizer' cannot "
         "be set: gdsim passes the optimizer"),
        ("schedule: LambdaLR", "2:20: optimizers.Adam.schedule: LambdaLR needs a Python function (lr_lambda), which a "
         "config cannot hold; CyclicLR, OneCycleLR or SequentialLR may do instead"),
        ("schedule: {class: ChainedScheduler, schedulers: [ConstantLR, {class: ExponentialLR, gamma: x}]}",
         "2:101: optimizers.Adam.schedule.schedulers.1.gamma: must be a number, not 'x'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_gets_one_line(written: str, line: str) -> None:
    assert problem(f"optimizers:\n  Adam: {{{written}}}\nobjective: beale\nsteps: 3") == f"race.yaml:{line}"


def test_the_printed_key_of_a_missing_one_and_its_place() -> None:
    assert problems("# nothing yet\n\nseed: 3\n") == [
        "race.yaml:3:1: objective: is missing; it must be text such as 'himmelblau', a mapping or a list of 1 to 12 "
        "items",
        "race.yaml:3:1: optimizers: is missing; it must be a mapping of 1 to 64 entries such as {SGD: {lr: 0.01}}",
        "race.yaml:3:1: steps: is missing; it must be a whole number from 1 to 1000000",
    ]


def test_too_much_to_record() -> None:
    text = "{objective: himmelblau, steps: 1000000, start: {grid: [5, 5]}, optimizers: {SGD: }}"
    line = "steps: 1000000 steps × 25 starts × 1 optimizers are 25000000 points; at most 20000000 are recorded"
    assert problem(text) == f"race.yaml:1:32: {line}"
    assert loads(text.replace("[5, 5]", "[5, 4]")).steps == 1_000_000


def test_the_limits_count_objectives() -> None:
    text = "{objective: [himmelblau, beale], steps: 1000000, start: {grid: [5, %d]}, optimizers: {SGD: }}"
    line = "steps: 1000000 steps × 15 starts × 1 optimizers × 2 objectives are 30000000 points; at most 20000000 are recorded"
    assert problem(text % 3) == f"race.yaml:1:41: {line}"
    assert loads(text % 2).steps == 1_000_000
    mixed = "{objective: [beale, {name: sphere, dim: 6}], steps: 1000000, start: {random: %d}, optimizers: {SGD: }}"
    assert "at most 10000000 are recorded" in problem(mixed % 6)
    assert loads(mixed % 5).steps == 1_000_000
    paths = "{objective: [beale, sphere], steps: 3, start: {random: %d}, optimizers: {SGD: }}"
    assert "5001 starts × 1 optimizers × 2 objectives are 10002 paths" in problem(paths % 5001)
    assert loads(paths % 5000).steps == 3
    slow = "{objective: [beale, sphere], steps: 400, start: {random: %d}, optimizers: {LBFGS: }}"
    assert "at most 396 are allowed from 252 starts with LBFGS" in problem(slow % 252)
    assert loads(slow % 250).steps == 400


def test_the_limit_counts_dimensions() -> None:
    text = "{objective: {name: rastrigin, dim: 20}, steps: 1000000, start: {random: %d}, optimizers: {SGD: }}"
    assert "at most 2000000 are recorded" in problem(text % 3)
    assert loads(text % 2).steps == 1_000_000


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("start: {grid: [100, 100]}, optimizers: {SGD: }", ""),
        (
            "start: {grid: [100, 100]}, optimizers: {SGD: , Adam: }",
            "10000 starts × 2 optimizers are 20000 paths; at most 10000 are drawn",
        ),
        ("start: {random: 500}, optimizers: {SGD: , LBFGS: }", "at most 396 are allowed from 500 starts with LBFGS"),
        ("start: {random: 490}, optimizers: {SGD: , LBFGS: }", ""),
        ("start: {random: 490}, optimizers: {LBFGS: {max_iter: 100}}", "at most 81 are allowed from 490 starts"),
        ("start: {random: 5001}, optimizers: {P: {class: SGD, schedule: ReduceLROnPlateau}}", "at most 399 are"),
        ("start: {random: 5001}, optimizers: {x: {class: pytorch_optimizer.Lion}}", "at most 399 are"),
        ("start: {random: 5000}, optimizers: {x: {class: pytorch_optimizer.Lion}}", ""),
        ("start: {random: 5001}, optimizers: {SGD: {fused: true}}", "at most 399 are"),
    ],
)
def test_what_would_take_days_is_refused(rest: str, words: str) -> None:
    text = f"{{objective: himmelblau, steps: 400, {rest}}}"
    if words:
        assert problem(text).startswith(f"race.yaml:1:32: steps: {words}")
    else:
        assert loads(text).steps == 400


@pytest.mark.parametrize(
    ("optimizer", "line"),
    [
        ("LBFGS: {max_iter: 1001}", "LBFGS.max_iter: must be a whole number of at most 1000, not 1001"),
        ("LBFGS: {max_eval: 1000000000}", "LBFGS.max_eval: must be a whole number of at most 1000, not 1000000000"),
        ("LBFGS: {history_size: 1001}", "LBFGS.history_size: must be a whole number of at most 1000, not 1001"),
        ("Muon: {ns_steps: 1000001}", "Muon.ns_steps: must be a whole number of at most 1000000, not 1000001"),
        ("LBFGS: {max_iter: 1000, max_eval: 1000, history_size: 1000}", ""),
        ("SGD: {lr: 2000000}", ""),
        ("SGD: {schedule: {class: StepLR, step_size: 1000000}}", ""),
        (
            "SGD: {schedule: {class: StepLR, step_size: 1000001}}",
            "SGD.schedule.step_size: must be a whole number of at most 1000000, not 1000001",
        ),
    ],
)
def test_whole_numbers_have_a_limit(optimizer: str, line: str) -> None:
    text = short(optimizers=f"{{{optimizer}}}")
    if line:
        assert problem(text).endswith(f": optimizers.{line}")
    else:
        assert loads(text).steps


@pytest.mark.parametrize("name", ["...yaml", "..yaml"])
def test_results_are_never_named_by_dots(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(short())
    with pytest.raises(ConfigError) as caught:
        load(path)
    stem = name.removesuffix(".yaml")
    assert str(caught.value) == f"{path}:1:1: the files that come of it would be called '{stem}': give it a name"
    with pytest.raises(ConfigError, match="give it a name"):
        loads(short(), name=" ")


def test_a_start_must_be_where_the_function_was_measured(tmp_path: Path) -> None:
    np.save(tmp_path / "slope.npy", np.tile(np.linspace(3.0, 0.0, 31), (21, 1)))
    text = "{{objective: {{samples: slope.npy}}, start: {}, steps: 3, optimizers: {{SGD: }}}}"
    for start in ("[0, 0]", "[30, 20]", "{grid: [3, 3]}"):
        assert loads(text.format(start), folder=tmp_path).steps == 3
    with pytest.raises(ConfigError) as caught:
        loads(text.format("[[1, 1], [5, 20.5]]"), folder=tmp_path)
    assert str(caught.value).endswith("start.1.1: must be from 0 to 20, where it was measured, not 20.5")


def test_at_most_64_optimizers() -> None:
    text = short(optimizers="{" + ", ".join(f"{n}: {{class: SGD}}" for n in range(65)) + "}")
    assert problem(text).endswith(
        "optimizers: must be a mapping of 1 to 64 entries such as {SGD: {lr: 0.01}}, not a mapping of 65"
    )


def test_a_key_given_twice_is_an_error_that_names_both_lines() -> None:
    text = "objective: beale\nsteps: 3\noptimizers:\n  SGD: {lr: 1}\nsteps: 4\n"
    assert problem(text) == "race.yaml:5:1: steps: is given before, in line 2; keep one of the two"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: is empty; `gdsim init FILE` writes a config to start from"),
        ("# only words\n", "1:1: is empty; `gdsim init FILE` writes a config to start from"),
        ("just words", "1:1: must be a mapping, with lines such as `objective: himmelblau`"),
        ("[1, 2]", "1:1: must be a mapping, with lines such as `objective: himmelblau`"),
        ("a: [1", "1:6: is no valid YAML: expected ',' or ']', but got the end of the text (while parsing a flow "
         "sequence that begins in line 1)"),
        ("a: b: c", "1:5: is no valid YAML: mapping values are not allowed here"),
        ("a: 1\n  b: 2", f"2:4: {INDENTED}"),
        ("  a: 1\nb: 2", f"2:1: {INDENTED}"),
        ("a:\n    b: 1\n  c: 2", f"3:3: {INDENTED}"),
        ("a:\n  b: {}\n    c: 2", f"3:5: {INDENTED}"),
        ("a:\n  - b\n - c", f"3:2: {INDENTED}"),
        ("a: 'b' c: d", "1:8: is no valid YAML: expected <block end>, but found '<scalar>' (while parsing a block mapping "
         "that begins in line 1)"),
        ("a:\n\t- b", "2:1: is no valid YAML: found character '\\t' that cannot start any token; indent with spaces, "
         "not tabs"),
        ("a: *b", "1:4: is no valid YAML: found undefined alias 'b'"),
        ("a: 1\nb: \0", "2:4: the character U+0000 cannot stand in a text file"),
        ('a: "\\UFFFFFFFF"', "1:1: is no valid YAML: it holds an escape or a version that is out of range"),
        ("a: &a [*a]", "1:4: contains itself through an alias"),
        ("a: &a {<<: *a}", "1:4: contains itself through an alias"),
        ("[" * 90_000, "1:33: is nested deeper than 32 levels; no config is"),
        ("- " * 90_000, "1:65: is nested deeper than 32 levels; no config is"),
        ("a: " + "x" * 300_000, "1:1: is larger than 256 KiB, which no config needs to be"),
        ("[" + "1," * 100_000 + "]", "1:40000: holds more than 20000 values when its aliases are written out; no config "
         "does"),
        ("!!python/object/apply:os.system [ls]", "1:1: the tag !!python/object/apply:os.system is not allowed; a "
         "config holds plain values only"),
        ("!!set {a}", "1:1: the tag !!set is not allowed; a config holds plain values only"),
    ],
)  # fmt: skip
def test_what_is_no_config_gets_one_line(text: str, line: str) -> None:
    assert problem(text) == f"race.yaml:{line}"


def test_tags_are_refused_at_their_places() -> None:
    text = "objective: beale\noptimizers: {SGD: }\nsteps: !!python/name:os.system 3\nseed: !!int many"
    assert problems(text) == [
        "race.yaml:3:8: steps: the tag !!python/name:os.system is not allowed; a config holds plain values only",
        "race.yaml:4:7: seed: the tag !!int does not fit 'many'",
    ]


@pytest.mark.parametrize(("opening", "alias", "closing"), [("[", "*a{}", "]"), ("{<<: [", "*a{}", "]}")])
def test_an_alias_bomb_is_refused_at_once(opening: str, alias: str, closing: str) -> None:
    first = "a0: &a0 {x: 1}\n"
    lines = (f"a{n}: &a{n} {opening}{', '.join([alias.format(n - 1)] * 9)}{closing}\n" for n in range(1, 12))
    began = time.process_time()
    assert problem(first + "".join(lines)).endswith(
        "holds more than 20000 values when its aliases are written out; no config does"
    )
    assert time.process_time() - began < 2


# Files


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "my race.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + QUICKSTART.replace("\n", "\r\n").encode())
    experiment = load(path)
    assert experiment.name == "my race"
    assert experiment == loads(QUICKSTART)


def refusal(path: Path | str) -> str:
    """Return the line of the error that a path gives."""
    with pytest.raises(InputError) as caught:
        load(path)
    return str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").touch()
    path = tmp_path / "quikstart.yaml"
    assert refusal(path) == f"{path}: no such file; did you mean 'quickstart.yaml'?"
    assert (
        refusal(path.with_suffix(".yml"))
        == f"{path.with_suffix('.yml')}: no such file; did you mean 'quickstart.yaml'?"
    )
    for other in ("quickstart.npz", "race.yaml"):
        assert refusal(tmp_path / other) == f"{tmp_path / other}: no such file"
    assert refusal(tmp_path / "no" / "such.yaml") == f"{tmp_path}/no/such.yaml: no such file"


def test_files_that_are_no_text(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; name a file in it"
    junk, latin, large = tmp_path / "run.npz", tmp_path / "latin.yaml", tmp_path / "large.yaml"
    junk.write_bytes(b"PK\x03\x04\0\0\xff")
    latin.write_bytes("a: 1\ntitle: é\n".encode("latin-1"))
    large.write_bytes(b"# " + b"x" * 300_000)
    assert refusal(junk) == f"{junk}: is no text file; a config is YAML, and a run's .npz is for `gdsim render`"
    assert refusal(latin) == f"{latin}: is no UTF-8 text: line 2 holds the byte 0xe9"
    assert refusal(large) == f"{large}:1:1: is larger than 256 KiB, which no config needs to be"
    assert refusal("a\0b.yaml").endswith("cannot be read: embedded null byte")


# --set


def test_values_from_outside_are_put_over_those_of_the_file() -> None:
    changes = [
        "optimizers.Adam.lr=1e-3",
        "optimizers.Adam.schedule.T_max=9",
        "optimizers.Rprop.lr=2",
        "start.0=1.5",
        "view.title=a=b",
        "objective.bounds=[[-6, 6], [-6, 6]]",
        "optimizers.SGD.schedule=ConstantLR",
        "optimizers.SGD.schedule.factor=0.5",
    ]
    experiment = loads(QUICKSTART, overrides=changes)
    assert experiment.optimizers["Adam"].settings["lr"] == 0.001
    assert experiment.optimizers["Adam"].schedule == {"class": "CosineAnnealingLR", "T_max": 9}
    assert experiment.optimizers["Rprop"].settings == {"lr": 2}
    assert experiment.start is not None
    assert experiment.start.points == [[1.5, 4.2]]
    assert experiment.view.title == "a=b"
    assert experiment.objectives[0].name == "himmelblau"
    assert experiment.objectives[0].bounds == [[-6, 6], [-6, 6]]
    assert experiment.optimizers["SGD"].schedule == {"class": "ConstantLR", "factor": 0.5}
    assert loads(experiment.yaml) == experiment


def test_values_from_outside_reach_one_of_several_objectives_and_a_theme() -> None:
    changes = ["objective=[beale, himmelblau]", "objective.1.bounds=[[0, 1], [0, 2]]", "view.theme.page='#000'"]
    experiment = loads(QUICKSTART, overrides=changes)
    assert [spec.name for spec in experiment.objectives] == ["beale", "himmelblau"]
    assert experiment.objectives[1].bounds == [[0, 1], [0, 2]]
    assert isinstance(experiment.view.theme, OwnTheme)
    assert experiment.view.theme.given() == {"base": "dark", "page": "#000000"}
    assert loads(experiment.yaml) == experiment
    line = problem(QUICKSTART, overrides=["objective=[beale]", "objective.1=ackley"])
    assert line == "--set objective.1=ackley: objective.1: objective has 1 items, numbered from 0"


def test_what_aliases_share_is_changed_in_one_place_only() -> None:
    text = "{objective: beale, steps: 3, optimizers: {SGD: &a {lr: 1}, Adam: *a}}"
    optimizers = loads(text, overrides=["optimizers.SGD.lr=2"]).optimizers
    assert [spec.settings for spec in optimizers.values()] == [{"lr": 2}, {"lr": 1}]


def test_a_label_with_dots_can_be_reached() -> None:
    text = "{objective: beale, steps: 3, optimizers: {lr 0.1: {class: SGD}}}"
    experiment = loads(text, overrides=["optimizers.lr 0.1.lr=0.1"])
    assert experiment.optimizers["lr 0.1"].settings == {"lr": 0.1}


def test_mistakes_from_outside_come_after_those_of_the_file() -> None:
    changes = ["optimizers.Adam.lr=fast", "optimizers.Fast.lr=1", "start.1=high", "steps=10"]
    assert problems(QUICKSTART.replace("dark", "drak"), overrides=changes) == [
        "race.yaml:8:21: view.theme: there is no theme 'drak'; did you mean 'dark'?",
        "--set optimizers.Adam.lr=fast: optimizers.Adam.lr: must be a number, not 'fast'",
        "--set optimizers.Fast.lr=1: optimizers: torch.optim has no optimizer 'Fast'. If it is only a label, add its "
        "class: {class: SGD}",
        "--set start.1=high: start.1: must be a number, not 'high'",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("start.7=1", "start.7: start has 2 items, numbered from 0"),
        ("start.x=1", "start.x: start is a list, whose items are numbered from 0, so it has no 'x'"),
        ("steps.x=1", "steps.x: steps is a single value, so it has no 'x'"),
        ("steps=[1", "steps: is no valid YAML: expected ',' or ']', but got the end of the text (while parsing a flow "
         "sequence that begins in line 1)"),
        ("seed=!!python/name:os.system x", "seed: the tag !!python/name:os.system is not allowed; a config holds "
         "plain values only"),
        ("stepps=3", "unknown key 'stepps'; did you mean 'steps'?"),
    ],
)  # fmt: skip
def test_a_wrong_change_gets_one_line(change: str, line: str) -> None:
    assert problem(QUICKSTART, overrides=[change]) == f"--set {change}: {line}"


@pytest.mark.parametrize("change", ["lr", "", "=3", "a..b=3", ".a=3"])
def test_a_change_must_be_a_key_and_a_value(change: str) -> None:
    with pytest.raises(InputError, match="must be KEY=VALUE"):
        loads(QUICKSTART, overrides=[change])


# Mistakes found later


def test_a_mistake_found_later_is_put_at_its_place() -> None:
    experiment = loads(QUICKSTART, file="race.yaml", overrides=["optimizers.Adam.betas=[2, 3]"])

    def located(*key: str | int) -> str:
        return str(experiment.locate(InputError("is wrong", key)))

    assert located("optimizers", "Momentum", "momentum") == "race.yaml:6:46: optimizers.Momentum.momentum: is wrong"
    assert located("optimizers", "SGD", "nesterov") == "race.yaml:5:13: optimizers.SGD.nesterov: is wrong"
    assert located("optimizers", "Adam", "betas", 1) == "--set optimizers.Adam.betas=[2, 3]: optimizers.Adam.betas.1: is wrong"  # fmt: skip
    assert located("animation", "fps") == "race.yaml:1:1: animation.fps: is wrong"
    assert located() == "race.yaml:1:1: is wrong"
    already = ConfigError([Problem("is wrong")])
    assert experiment.locate(already) is already


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (("expression",), "1:26: objective.expression"),
        (("bounds", 0), "1:38: objective.bounds.0"),
        (("python",), "1:13: objective.python"),
        (("start", 0), "1:56: start.0"),
    ],
)
def test_a_mistake_of_the_objective_is_put_below_its_key(key: tuple[str | int, ...], place: str) -> None:
    text = "{objective: {expression: x, bounds: [[0, 1]]}, start: [0.5], steps: 3, optimizers: {SGD: }}"
    error = loads(text, file="race.yaml").locate(InputError("is wrong", key))
    assert str(error) == f"race.yaml:{place}: is wrong"


@pytest.mark.parametrize(
    ("key", "index", "written", "shown"),
    [
        (("expression",), 0, "x}", "objective.0.expression"),
        (("bounds", 0), 1, "[0, 1], [0, 2]", "objective.1.bounds.0"),
        (("objective",), 1, "{expression: y*x", "objective.1"),
        (("objective",), 2, "beale", "objective.2"),
        (("python",), 1, "{expression: y*x", "objective.1.python"),
        (("steps",), 1, "3, optimizers", "steps"),
    ],
)
def test_a_mistake_of_one_of_several_objectives_is_put_below_it(
    key: tuple[str | int, ...], index: int, written: str, shown: str
) -> None:
    objectives = "[{expression: x}, {expression: y*x, bounds: [[0, 1], [0, 2]]}, beale]"
    text = f"{{objective: {objectives}, steps: 3, optimizers: {{SGD: }}}}"
    experiment = loads(text, file="race.yaml")
    line = f"race.yaml:1:{text.index(written) + 1}: {shown}: is wrong"
    assert str(experiment.locate(InputError("is wrong", key), index)) == line
    with pytest.raises(ConfigError) as caught, experiment.located(index):
        raise InputError("is wrong", key)
    assert str(caught.value) == line


# The schema


def validator() -> jsonschema.Draft7Validator:
    jsonschema.Draft7Validator.check_schema(schema())
    return jsonschema.Draft7Validator(schema())


def test_the_schema_beside_the_configs_is_that_of_the_models() -> None:
    assert (CONFIGS / "gdsim.schema.json").read_text() == json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_load_and_the_schema_accepts_them(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=gdsim.schema.json\n")
    assert load(path, allow_code=path.stem == "imported").name == path.stem
    assert not list(validator().iter_errors(parse(text, path.name).value))


FORMS = [
    QUICKSTART,
    short(),
    short(", start: [[1, 2], [3, 4]], view: , output: {formats: [gif]}"),
    short(", start: {random: 3}, view: {kind: contour, title: Race}, animation: {hold: 0}"),
    short(", start: {grid: [3, 3]}"),
    short(", view: {camera: , levels: , panels_at: , formula: }"),
    short(
        ", view: {kind: surface, camera: {orbit: 30}, heights: log, theme: {base: ggplot, page: '#000', field: viridis}}"
    ),
    short(", view: {theme: {field: ['#fff', '#000'], paths: ['#f00'], stroke: 1.3}, panels: [angle, distance]}"),
    short(", view: {theme: slide, layout: grid, fill: heat, arrows: stream, vectors: true, against: evaluations}"),
    short(", animation: {pace: early, trail: 40}"),
    short(", output: {preset: slide, max_bytes: 5MB, loop: once, background: transparent, formats: [webm]}"),
    short(", output: {preset: , max_bytes: 1.5 MiB}"),
    short().replace("himmelblau", "[himmelblau, {expression: x*y}, {name: sphere, dim: 3}]"),
    short().replace("himmelblau", "[beale]"),
    short(
        ", view: {plane: random, examples: 20, panels: [layers, weights, accuracy, off_plane], layers: lines}"
    ).replace(
        "himmelblau",
        "{network: mlp, data: {name: moons, n: 40, noise: 0, test: 0.5, seed: 1}, hidden: [4, 4], "
        "residual: true, activation: tanh, loss: cross_entropy, batch_size: 8, record_every: 5, wrt: weights}",
    ),
    short(", view: {panels: [saliency], saliency: {image: 7, class: 3}}").replace(
        "himmelblau", "{network: cnn, data: digits, channels: [2], hidden: [], activation: , loss: , args: }"
    ),
    short(", view: {kind: image, panels: [score]}").replace(
        "himmelblau", "{network: mlp, data: digits, wrt: input, class: 3, image: 7, trained: 10}"
    ),
    short().replace(
        "himmelblau",
        "[{network: torch.nn.Linear, data: moons, args: {in_features: 2, out_features: 2}}, "
        "{network: mlp, data: regression, loss: huber}, himmelblau]",
    ),
    "{objective: {name: parabola, bounds: [-1, 1]}, start: 0.5, steps: 1, optimizers: {Adam: {args: {lr: 1}}}}",
    "{objective: {expression: x, constants: , bounds: }, steps: 1, optimizers: {SGD: }}",
    "{objective: {expression: k*x, constants: {k: 2}, bounds: [0, 1]}, steps: 1, optimizers: {SGD: }}",
    "{objective: {name: sphere, dim: 4}, view: {plane: [0, 3]}, steps: 1, optimizers: {SGD: }}",
    "{objective: {name: sphere, dim: 4}, view: {plane: pca}, steps: 1, optimizers: {SGD: }}",
    "{objective: {name: sphere, dim: , bounds: }, view: {plane: }, steps: 1, optimizers: {SGD: }}",
    "{objective: {samples: configs/terrain.npy, gradient: finite_differences, edge_order: 2}, steps: 1, "
    "optimizers: {SGD: }}",
    "{objective: {samples: configs/terrain.npy, invert: false}, steps: 1, optimizers: {SGD: }}",
    "{objective: {name: quadratic, condition: 9}, steps: 1, optimizers: {x: {class: pytorch_optimizer.Lion, any: x}}}",
    "{objective: beale, steps: 1, optimizers: {SGD: {schedule: LinearLR, color: '#fff', noise: 0.5, clip_norm: 1}}}",
    "{objective: beale, steps: 1, optimizers: {SGD: {schedule: {class: SequentialLR, milestones: [3], schedulers: "
    "[LinearLR, {class: StepLR, step_size: 3}]}}}}",
]


@pytest.mark.parametrize("text", FORMS)
def test_the_schema_accepts_what_is_loaded(text: str) -> None:
    loads(text, folder=CONFIGS.parent)
    assert not list(validator().iter_errors(parse(text, "text").value))


@pytest.mark.parametrize(
    "text",
    [
        short(", stepps: 3"),
        short(", start: {grid: [3], random: 3}"),
        short(", start: {}"),
        short(", view: {size: [801, 600]}"),
        short(", view: {panels: [loss, loss]}"),
        short().replace("himmelblau", "himelblau"),
        short(optimizers="{SGD: {lr: fast}}"),
        short(optimizers="{SGD: {schedule: {class: StepLR, step_size: 1.5}}}"),
        short(optimizers="{SGD: {schedule: LambdaLR}}"),
        short(optimizers="{SGD: {class: Adma}}"),
        short(", view: {plane: [0, 0]}"),
        short(", view: {theme: drak}"),
        short(", view: {theme: {page: red}}"),
        short(", view: {theme: {field: ['#fff']}}"),
        short(", view: {camera: {elevation: 0}}"),
        short(", view: {panels: [los]}"),
        short(", animation: {trail: 0}"),
        short().replace("himmelblau", "[]"),
        short().replace("himmelblau", "[beale, himelblau]"),
        short().replace("himmelblau", "[[beale]]"),
        *(
            short().replace("himmelblau", objective)
            for objective in (
                "{expression: x, condition: 5}",
                "{expression: x, edge_order: 1}",
                "{expression: x, name: himmelblau}",
                "{expression: x, name: }",
                "{expression: x, parameters: {}}",
                "{samples: configs/terrain.npy, dim: 2}",
                "{samples: configs/terrain.npy, foo: 1}",
                "{samples: configs/terrain.npy, edge_order: 2}",
                "{samples: configs/terrain.npy, edge_order: 2, gradient: autograd}",
                "{samples: configs/terrain.npy, edge_order: true, gradient: finite_differences}",
                "{name: himmelblau, invert: true}",
                "{name: himmelblau, edge_order: 1}",
                "{name: rosenbrock, parameters: 1}",
                "{name: quadratic, parameters: {condition: 5}}",
                "{name: quadratic, condition: true}",
                "{name: }",
                "{dim: 2}",
                "{network: mlp}",
                "{network: mlp, data: {n: 3}}",
                "{network: mlp, data: digits, activation: rele}",
                "{network: mlp, data: digits, loss: cross}",
                "{network: mlp, data: digits, hidden: [0]}",
                "{network: mlp, data: digits, class: 3}",
                "{network: mlp, data: digits, target: 3, wrt: input}",
                "{network: mlp, data: digits, bounds: [[0, 1], [0, 1]]}",
                "{network: mlp, data: digits, name: beale}",
                "{name: beale, hidden: [3]}",
                "{name: beale, class: 3}",
                "{expression: x, data: digits}",
            )
        ),
    ],
)
def test_the_schema_refuses_what_is_refused(text: str) -> None:
    problems(text, folder=CONFIGS.parent)
    assert list(validator().iter_errors(parse(text, "text").value))


def test_the_schema_is_one_that_yaml_plug_ins_know() -> None:
    text = json.dumps(schema())
    assert "prefixItems" not in text
    assert "$defs" not in text


def test_every_key_of_the_schema_is_described() -> None:
    whole = schema()
    for name, part in [("experiment", whole), *whole["definitions"].items()]:
        for form in (part, *part.get("anyOf", ())):
            for key, value in form.get("properties", {}).items():
                target: dict[str, Any] = next(
                    (choice for choice in (value, *value.get("anyOf", ())) if "$ref" in choice), {}
                )
                referred = whole["definitions"].get(target.get("$ref", "").rpartition("/")[2], {})
                assert value.get("description") or referred.get("description"), (name, key)


# What is promised of any text


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
words = st.sampled_from(
    [
        "name",
        "dim",
        "bounds",
        "grid",
        "random",
        "points",
        "class",
        "schedule",
        "noise",
        "args",
        "settings",
        "lr",
    ]
) | st.sampled_from(
    [
        "himmelblau",
        "SGD",
        "Adam",
        "StepLR",
        "step_size",
        "SequentialLR",
        "schedulers",
        "pytorch_optimizer.Lion",
        "fps",
    ]
)
likely: st.SearchStrategy[Any] = st.recursive(
    words | st.sampled_from([0, 1, -1, 2, 0.5, 1e300, 10**400, True, None, "", "[", [], {}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
KEYS = ["objective", "start", "optimizers", "steps", "seed", "view", "animation", "output"]


def check_refusal(text: str, **more: Any) -> None:
    """Load a text, which may be refused in lines that each begin with a place, and in no other way."""
    try:
        loads(text, **more)
    except ConfigError as error:
        refused = tuple(map(str, error.problems))
    except InputError as error:
        refused = (str(error),)
    else:
        return
    assert refused
    assert all(line.startswith(("<text>:", "--set ")) and line.isprintable() for line in refused)


@given(st.text() | st.binary().map(lambda junk: junk.decode(errors="replace")))
def test_any_text_is_read_or_refused(text: str) -> None:
    check_refusal(text)


pieces = st.sampled_from([*"ab01:-?!&*<>[]{},|#%@`'\"\\\n\t .~", "<<", "!!", "...", "---"])


@given(st.lists(pieces).map("".join))
def test_any_yaml_like_text_is_read_or_refused(text: str) -> None:
    check_refusal(text)


@given(plain)
def test_any_value_is_written_so_that_it_is_read_again(value: Any) -> None:
    assert repr(parse(dump(value), "text").value) == repr(value)


@given(st.dictionaries(st.sampled_from(KEYS), likely | plain))
def test_any_config_is_read_or_refused(value: dict[str, Any]) -> None:
    check_refusal(dump({"objective": "himmelblau", "steps": 3, "optimizers": {"SGD": None}, **value}))


keys = st.lists(st.sampled_from([*KEYS, "0", "9"]) | words, min_size=1, max_size=4).map(".".join)


@given(st.lists(st.builds("{}={}".format, keys, likely.map(dump) | st.text()), max_size=4))
def test_any_change_is_made_or_refused(changes: list[str]) -> None:
    check_refusal(QUICKSTART, overrides=changes)


parts_of_networks = st.fixed_dictionaries(
    {"network": st.sampled_from(["mlp", "cnn", "mpl", "torch.nn.Linear", "my_net.py:Net", "os.system"]) | likely},
    optional={
        "data": st.sampled_from(["digits", "moons", "digit", "none.npz", {"name": "moons", "n": 4}]) | likely,
        "hidden": st.lists(st.integers(-1, 9)) | likely,
        "residual": st.booleans(),
        "wrt": st.sampled_from(["weights", "input"]),
        "class": likely,
        "args": likely,
        "loss": st.sampled_from(["mse", "cross_entropy"]) | likely,
    },
)


@settings(max_examples=50)
@given(parts_of_networks)
def test_any_network_is_read_or_refused(value: dict[str, Any]) -> None:
    check_refusal(dump({"objective": value, "steps": 3, "optimizers": {"SGD": None}}))


finite = st.floats(-5, 5)
valid_changes = st.lists(
    st.one_of(
        st.builds("optimizers.Adam.lr={}".format, st.floats(0, 10)),
        st.builds("start=[{}, {}]".format, finite, finite),
        st.builds("steps={}".format, st.integers(1, 1000)),
        st.builds("seed={}".format, st.integers(0, 2**63 - 1)),
        st.text(max_size=30).filter(str.isprintable).map(lambda title: f"view.title={json.dumps(title)}"),
        st.sampled_from(
            ["objective=beale", "objective.dim=2", "view.panels=[]", "output.formats=[svg]", "output.preset=half"]
        ),
    ),
    min_size=1,
)


@given(valid_changes)
def test_the_text_of_a_changed_experiment_makes_it_again(changes: list[str]) -> None:
    experiment = loads(QUICKSTART, overrides=changes)
    again = loads(experiment.yaml)
    assert isinstance(again, Experiment)
    assert again == experiment


@settings(max_examples=20)
@given(st.sampled_from("[{-?:!&*#|>'\"a, \n"), st.integers(1, 260_000))
def test_long_texts_are_refused_soon(unit: str, length: int) -> None:
    began = time.process_time()
    check_refusal(unit * length)
    assert time.process_time() - began < 5


def test_a_bad_config_is_refused_without_torch_and_within_a_second(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(QUICKSTART.replace("lr: 0.3", "lerning_rate: 0.3"))
    (tmp_path / "good.yaml").write_text(QUICKSTART)
    program = """if True:
        import sys, time
        began = time.process_time()
        from gdsim.config import load, schema
        from gdsim.errors import ConfigError
        load("good.yaml")
        schema()
        try:
            load("bad.yaml")
        except ConfigError as error:
            print(error)
        assert not {"torch", "matplotlib"} & sys.modules.keys()
        assert time.process_time() - began < 1
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == ("bad.yaml:7:14: optimizers.Adam: Adam has no argument 'lerning_rate'; did you mean 'lr'?\n")
