"""YAML to experiments: what is read, and the location, key and code of each mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gdsim.config import Camera, Experiment, View, load, loads, schema
from gdsim.config.presentation import PRESETS, OwnTheme
from gdsim.config.yaml_text import dump, parse
from gdsim.errors import ConfigError, InputError, Problem

CONFIGS = Path(__file__).parent.parent / "configs"
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
    """Return location, key and code of each problem of a text: `"2:15 start.1 wrong-type"`."""
    with pytest.raises(ConfigError) as caught:
        loads(text, file="race.yaml", **more)
    found = [
        f"{each.location} {'.'.join(map(str, each.key))} {each.code}".removeprefix("race.yaml:")
        for each in caught.value.problems
    ]
    assert str(caught.value).count("\n") + 1 == len(found)
    return found


def problem(text: str, **more: Any) -> str:
    """Return the only problem of a text."""
    (found,) = problems(text, **more)
    return found


def unlocated(text: str, **more: Any) -> list[str]:
    """Return key and code of each problem: `"start.1 wrong-type"`."""
    return [each.partition(" ")[2] for each in problems(text, **more)]


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
    assert adam.settings == {"lr": 0.3, "betas": [0.9, 0.99]}
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
    (size, theme), (fps, seconds, hold, first), (limit,) = (
        tuple(section.values()) for section in PRESETS[name].values()
    )
    for experiment in (
        loads(short(f", output: {{preset: {name}}}")),
        loads(short(f", output: {{preset: {name}}}, view: , animation: ")),
        loads(short(), overrides=[f"output.preset={name}"]),
    ):
        view, animation, output = experiment.view, experiment.animation, experiment.output
        assert (view.size, view.theme) == (size, theme)
        assert (animation.fps, animation.seconds, animation.hold) == (fps, seconds, hold)
        assert animation.first == first == ("poster" if name in ("slide", "wide", "half") else "start")
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
    found = problems(text)
    assert found[0] == f"1:{column} output.formats.1 unsupported"
    assert [each.split(" ")[1] for each in found] == [f"output.formats.{place}" for place in (1, 2, 3, 4)]


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
        ("[himmelblau, sphere]", "[1, x]", ["start.1 wrong-type"]),
        (
            "[himmelblau, parabola, {name: sphere, dim: 3}]",
            "[1, 2]",
            ["start invalid-value", "start invalid-value"],
        ),
        (
            "[himmelblau, parabola]",
            "{grid: [3]}",
            ["start.grid invalid-value"],
        ),
        ("[himmelblau, parabola]", "{random: 3}", []),
        (
            "[himmelblau, beale, booth]",
            "[1, 2, 3]",
            ["start invalid-value"] * 3,
        ),
        (
            "[himmelblau, beale]",
            "{grid: [3]}",
            ["start.grid invalid-value"] * 2,
        ),
    ],
)
def test_a_start_goes_with_every_objective(objectives: str, start: str, lines: list[str]) -> None:
    text = short(f", start: {start}").replace("himmelblau", objectives, 1)
    if lines:
        assert unlocated(text) == lines
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
    assert view.camera == Camera(elevation=45, azimuth=None, orbit=90)
    assert (view.vectors, view.panels, view.panels_at, view.against) == (
        ["gradient", "descent", "step"],
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
    ("objective", "view", "lines"),
    [
        ("himmelblau", "heights: log, arrows_at: curve", ["view.heights unsupported", "view.arrows_at unsupported"]),
        ("parabola", "kind: surface, camera: {}", ["view.kind unsupported"]),
        ("{expression: x**2 + 3*x}", "kind: contour", ["view.kind unsupported"]),
        ("[himmelblau, parabola]", "fill: heat, arrows_at: curve", []),
        ("[himmelblau, parabola]", "kind: surface, camera: {orbit: 30}", []),
        ("[himmelblau, parabola]", "heights: log", ["view.heights unsupported"]),
        ("[himmelblau, beale]", "kind: curve", ["view.kind unsupported"]),
        ("[himmelblau, parabola]", "plane: pca", ["view.plane unsupported"]),
        ("[himmelblau, {name: sphere, dim: 3}]", "plane: pca", []),
        ("sphere", "panels: [loss, accuracy]", ["view.panels.1 unsupported"]),
        ("sphere", "panels: [score, loss]", ["view.panels.0 unsupported"]),
    ],
)
def test_a_key_is_refused_where_no_objective_fits_it(objective: str, view: str, lines: list[str]) -> None:
    text = short(f", view: {{{view}}}").replace("himmelblau", objective, 1)
    if lines:
        assert unlocated(text) == lines
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
    assert done.stdout == "view.theme.paths view.kind False\n"
    assert [each.split(" ")[0] for each in unlocated(short(", view: {theme: {base: ggplot, font: Nope}}"))] == [
        "view.theme.font"
    ]


@pytest.mark.parametrize(("count", "objectives", "facets"), [(36, 1, 36), (37, 1, 37), (18, 2, 36), (19, 2, 38)])
def test_a_grid_has_at_most_36_facets(count: int, objectives: int, facets: int) -> None:
    labels = ", ".join(f"{n}: {{class: SGD}}" for n in range(count))
    text = short(", view: {layout: %s}", optimizers=f"{{{labels}}}")
    text = text.replace("himmelblau", "[himmelblau, beale]" if objectives == 2 else "himmelblau")
    assert len(loads(text % "overlay").optimizers) == count
    if facets <= 36:
        assert loads(text % "grid").view.layout == "grid"
    else:
        assert unlocated(text % "grid") == ["view.layout too-large"]


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
    assert unlocated(short(r', view: {title: "\ud83d"}')) == [" syntax"]
    assert unlocated(short(optimizers=r'{SGD: , "\ud83d": {class: SGD}}')) == [" syntax"]


def test_the_loader_of_others_stays_as_it_was() -> None:
    assert yaml.safe_load("{a: 1e-3, b: on, c: 010}") == {"a": "1e-3", "b": True, "c": 8}


def test_keys_are_their_text_so_that_numbers_can_be_labels() -> None:
    text = "{objective: beale, steps: 9, optimizers: {1e-3: {class: SGD}, 7: {class: Adam}, on: {class: SGD}}}"
    assert list(loads(text).optimizers) == ["1e-3", "7", "on"]


# Unicode's property Bidi_Control (PropList.txt), and two others.
CONTROLS = [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), ord("\x1b"), ord("\n")]


@pytest.mark.parametrize("code", CONTROLS, ids="U+{:04X}".format)
def test_text_of_pictures_has_no_control_characters(code: int) -> None:
    written = json.dumps(f"a{chr(code)}b")
    text = "{objective: beale, steps: 3, optimizers: {%s: {class: SGD}}, view: {title: %s}}"
    assert problem(text % (written, "שלום")).endswith(f"optimizers.a{chr(code)}b invalid-value")
    assert problem(text % ("שלום", written)).endswith("view.title invalid-value")


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
    program = "import gdsim.config as c\ntry: c.load('race.yaml')\nexcept c.ConfigError as e: print(e.key, e.code)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "('optimizers', 'x', 'class') not-allowed\n"


def test_arguments_that_are_called_as_a_key_of_gdsim_go_into_args() -> None:
    read = loads(short(optimizers="{x: {class: pytorch_optimizer.Lion, lr: 1, args: {noise: 3}}}"))
    assert read.optimizers["x"].settings == {"lr": 1, "noise": 3}
    assert read.optimizers["x"].noise == 0
    assert unlocated(short(optimizers="{SGD: {lr: 1, args: {lr: 3}}}")) == ["optimizers.SGD.lr duplicate"]


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
        "1:12 objective unknown-name",
        "2:15 start.1 wrong-type",
        "3:8 steps wrong-type",
        "4:1 optimisers unknown-key",
        "7:14 optimizers.SGD.lr wrong-type",
        "8:10 optimizers.Adam.lerning_rate unknown-argument",
        "9:3 optimizers.Fast unknown-name",
        "10:8 view.kindd unknown-key",
        "10:29 view.size.0 invalid-value",
        "11:25 output.formats.1 unknown-name",
    ]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("steps: 0", "steps invalid-value"),
        ("steps: -5", "steps invalid-value"),
        ("steps: 1000000000", "steps invalid-value"),
        ("steps: 2.5", "steps wrong-type"),
        ("steps: true", "steps wrong-type"),
        ("steps: ", "steps wrong-type"),
        ("seed: -1", "seed invalid-value"),
        ("objective: 5", "objective wrong-type"),
        ("objective: []", "objective invalid-value"),
        (f"objective: [{', '.join(['beale'] * 13)}]", "objective invalid-value"),
        ("objective: [beale, 5]", "objective.1 wrong-type"),
        ("objective: [[beale]]", "objective.0 wrong-type"),
        ("objective: [beale, ackley, {name: beale}]", "objective.2 duplicate"),
        ("objective: [himelblau]", "objective.0 unknown-name"),
        ("objective: [beale, {nmae: beale}]", "objective.1.nmae unknown-key"),
        ("objective: [beale, {name: beale, dim: 3}]", "objective.1.dim invalid-value"),
        ("objectives: [beale]", "objectives unknown-key"),
        ("objective: {dim: 2}", "objective missing"),
        ("objective: {nmae: beale}", "objective.nmae unknown-key"),
        ("objective: {name: beale, dim: 3}", "objective.dim invalid-value"),
        ("objective: {name: beale, bounds: [[1, 2], 3]}", "objective.bounds.1 wrong-type"),
        ("objective: {name: parabola, bounds: [0, .inf]}", "objective.bounds.1 wrong-type"),
        ("objective: {name: parabola, bounds: [1, 2, 3]}", "objective.bounds invalid-value"),
        ("objective: {name: }", "objective.name missing"),
        ("objective: {name: quadratic, parameters: {condition: 5}}", "objective.parameters unknown-key"),
        ("objective: {name: rosenbrock, parameters: 1}", "objective.parameters unknown-key"),
        ("objective: {samples: s.npy, parameters: {a: 1}}", "objective.parameters unknown-key"),
        ("objective: {expression: x, parameters: {}}", "objective.parameters unknown-key"),
        ("objective: {expression: x, dim: 1}", "objective.dim conflict"),
        ("objective: {expression: x, constnts: {}}", "objective.constnts unknown-key"),
        ("objective: {expression: x, constants: 5}", "objective.constants wrong-type"),
        ("objective: {samples: s.npy, edge_order: 2}", "objective.edge_order conflict"),
        ("objective: {samples: s.npy, edge_order: 2, gradient: autograd}", "objective.edge_order conflict"),
        (
            "objective: {samples: s.npy, edge_order: true, gradient: finite_differences}",
            "objective.edge_order wrong-type",
        ),
        ("objective: x**2 + yy**2", "objective syntax"),
        ("objective: rosen-brock", "objective unknown-name"),
        ("objective: {name: x**2 + y**2}", "objective.name unknown-name"),
        ("objective: sc.npy", "objective unknown-name"),
        ("objective: {name: ackley, dim: 5000}", "objective.dim invalid-value"),
        ("start: here", "start wrong-type"),
        ("start: 3", "start invalid-value"),
        ("start: [1, 2, 3]", "start invalid-value"),
        ("start: [[1, 2], [3]]", "start.1 invalid-value"),
        ("start: [[1, 2], 3]", "start.1 wrong-type"),
        ("start: [1, .nan]", "start.1 wrong-type"),
        ("start: [1, 1e9]", "start.1 invalid-value"),
        ("start: {grid: [8]}", "start.grid invalid-value"),
        ("start: {grid: [1000, 1000]}", "start.grid too-large"),
        ("start: {points: []}", "start.points invalid-value"),
        ("start: {points: [[1, 2], [1]]}", "start.points.1 invalid-value"),
        ("start: {grid: [8, 8], random: 3}", "start conflict"),
        ("start: {random: 0}", "start.random invalid-value"),
        ("start: {gird: [8, 8]}", "start.gird unknown-key"),
        ("view: dark", "view wrong-type"),
        ("view: {size: [1280]}", "view.size invalid-value"),
        ("view: {size: [120, 120]}", "view.size.0 invalid-value"),
        ("view: {size: [3840, 3840]}", "view.size.1 invalid-value"),
        ("view: {size: [1280, 50]}", "view.size.1 invalid-value"),
        ("view: {size: [1280, 720.0]}", "view.size.1 wrong-type"),
        ("view: {panels: [], panels_at: under}", "view.panels_at conflict"),
        ("view: {panels: [], against: steps}", "view.against conflict"),
        ("view: {kind: contuor}", "view.kind unknown-name"),
        ("view: {layout: gird}", "view.layout unknown-name"),
        ("view: {plane: [0, 0]}", "view.plane duplicate"),
        ("view: {plane: [-1, 0]}", "view.plane invalid-value"),
        ("view: {plane: [1]}", "view.plane invalid-value"),
        ("view: {plane: 1.5}", "view.plane invalid-value"),
        ("view: {plane: {a: 1}}", "view.plane invalid-value"),
        ("view: {plane: [0, a.npz]}", "view.plane invalid-value"),
        ("view: {plane: pcb}", "view.plane invalid-value"),
        ("view: {plane: a.npz}", "view.plane invalid-value"),
        ('view: {plane: [a.npz, "b\\0.npz"]}', "view.plane invalid-value"),
        ("view: {plane: [a.npz]}", "view.plane invalid-value"),
        ("view: {panels: loss}", "view.panels wrong-type"),
        ("view: {theme: drak}", "view.theme unknown-name"),
        ("view: {theme: ggplt}", "view.theme unknown-name"),
        ("view: {theme: mauve}", "view.theme unknown-name"),
        ("view: {theme: 5}", "view.theme wrong-type"),
        ("view: {theme: {base: drak}}", "view.theme.base unknown-name"),
        ("view: {theme: {txet: '#fff'}}", "view.theme.txet unknown-key"),
        ("view: {theme: {text: redd}}", "view.theme.text unknown-name"),
        ("view: {theme: {text: }}", "view.theme.text missing"),
        ("view: {theme: {field: virids}}", "view.theme.field unknown-name"),
        ("view: {theme: {field: ['#fff']}}", "view.theme.field invalid-value"),
        ("view: {theme: {field: ['#fff', 3]}}", "view.theme.field.1 wrong-type"),
        ("view: {theme: {paths: []}}", "view.theme.paths invalid-value"),
        ("view: {theme: {paths: ['#fff', '#ffffff']}}", "view.theme.paths duplicate"),
        ("view: {theme: {type: 9}}", "view.theme.type invalid-value"),
        ("view: {camera: 30}", "view.camera wrong-type"),
        ("view: {camera: {orbti: 30}}", "view.camera.orbti unknown-key"),
        ("view: {camera: {elevation: 0}}", "view.camera.elevation invalid-value"),
        ("view: {camera: {orbit: 400}}", "view.camera.orbit invalid-value"),
        ("view: {kind: map}", "view.kind unknown-name"),
        ("view: {levels: logarithmic}", "view.levels unknown-name"),
        ("view: {vectors: 1}", "view.vectors wrong-type"),
        ("view: {formula: x}", "view.formula wrong-type"),
        ("view: {panels: [loss, loss]}", "view.panels duplicate"),
        ("view: {panels: [los]}", "view.panels.0 unknown-name"),
        (f"view: {{title: {'x' * 201}}}", "view.title invalid-value"),
        (r'view: {title: "a\nb"}', "view.title invalid-value"),
        ("animation: {fps: 60}", "animation.fps invalid-value"),
        ("animation: {seconds: 0}", "animation.seconds invalid-value"),
        ("animation: {fps: 50, seconds: 61}", "animation.seconds too-large"),
        ("animation: {trail: half}", "animation.trail unknown-name"),
        ("animation: {trail: 0}", "animation.trail invalid-value"),
        ("animation: {pace: quick}", "animation.pace unknown-name"),
        ("animation: {hold: .inf}", "animation.hold invalid-value"),
        ("output: {max_bytes: 5 bananas}", "output.max_bytes invalid-value"),
        ("output: {max_bytes: 99999999999 GiB}", "output.max_bytes invalid-value"),
        ("output: {max_bytes: .inf}", "output.max_bytes invalid-value"),
        ("output: {max_bytes: 5}", "output.max_bytes invalid-value"),
        ("output: {preset: slid}", "output.preset unknown-name"),
        ("output: {loop: twice}", "output.loop unknown-name"),
        ("output: {background: none}", "output.background unknown-name"),
        ("output: {formats: []}", "output.formats invalid-value"),
        ("optimizers: [SGD]", "optimizers wrong-type"),
        ("optimizers: {}", "optimizers invalid-value"),
        ("optimizers: {SGD: lr=0.1}", "optimizers.SGD wrong-type"),
        ("optimizers: {x: {class: 5}}", "optimizers.x.class wrong-type"),
        ("optimizers: {'': {class: SGD}}", "optimizers. invalid-value"),
        (r'optimizers: {"a\tb": {class: SGD}}', "optimizers.a\tb invalid-value"),
        (
            f"optimizers: {{{'x' * 81}: {{class: SGD}}}}",
            f"optimizers.{'x' * 81} invalid-value",
        ),
        ("optimizers: {Adm: }", "optimizers.Adm unknown-name"),
    ],
)
def test_a_wrong_value_is_one_problem(more: str, found: str) -> None:
    whole = {"objective": "himmelblau", "steps": "3", "optimizers": "{SGD: }"}
    key, _, value = more.partition(": ")
    text = "\n".join(f"{key}: {value}" for key, value in (whole | {key: value}).items())
    assert unlocated(text) == [found]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("lr: fast", "2:14 optimizers.Adam.lr wrong-type"),
        ("lr: true", "2:14 optimizers.Adam.lr wrong-type"),
        ("lr: .nan", "2:14 optimizers.Adam.lr wrong-type"),
        ("lr: ", "2:13 optimizers.Adam.lr wrong-type"),
        ("amsgrad: 1", "2:19 optimizers.Adam.amsgrad wrong-type"),
        ("betas: [0.9]", "2:17 optimizers.Adam.betas wrong-type"),
        ("learning_rate: 1", "2:10 optimizers.Adam.learning_rate unknown-argument"),
        ("nois: 1", "2:10 optimizers.Adam.nois unknown-argument"),
        ("params: 1", "2:10 optimizers.Adam.params not-allowed"),
        ("noise: -1", "2:17 optimizers.Adam.noise invalid-value"),
        ("clip_norm: 0", "2:21 optimizers.Adam.clip_norm invalid-value"),
        ("color: redd", "2:17 optimizers.Adam.color unknown-name"),
        ("args: {lerning_rate: 1}", "2:17 optimizers.Adam.args.lerning_rate unknown-argument"),
        ("class: Adm", "2:17 optimizers.Adam.class unknown-name"),
        ("class: torch.optim.Adm", "2:17 optimizers.Adam.class unknown-name"),
        ("class: os.system", "2:17 optimizers.Adam.class not-allowed"),
        ("class: no_such.Lion", "2:17 optimizers.Adam.class not-installed"),
        ("class: typer.__main__.X", "2:17 optimizers.Adam.class not-allowed"),
        ("schedule: 3", "2:20 optimizers.Adam.schedule wrong-type"),
        ("schedule: StepLr", "2:20 optimizers.Adam.schedule unknown-name"),
        ("schedule: StepLR", "2:20 optimizers.Adam.schedule missing"),
        ("schedule: {step_size: 3}", "2:20 optimizers.Adam.schedule missing"),
        ("schedule: {class: StepLR, step_size: 3, gama: 1}", "2:50 optimizers.Adam.schedule.gama unknown-argument"),
        ("schedule: {class: StepLR, step_size: 1.5}", "2:47 optimizers.Adam.schedule.step_size wrong-type"),
        (
            "schedule: {class: StepLR, step_size: 1, optimizer: x}",
            "2:50 optimizers.Adam.schedule.optimizer not-allowed",
        ),
        ("schedule: LambdaLR", "2:20 optimizers.Adam.schedule unsupported"),
        (
            "schedule: {class: ChainedScheduler, schedulers: [ConstantLR, {class: ExponentialLR, gamma: x}]}",
            "2:101 optimizers.Adam.schedule.schedulers.1.gamma wrong-type",
        ),
    ],
)
def test_a_wrong_setting_is_one_problem(written: str, found: str) -> None:
    assert problem(f"optimizers:\n  Adam: {{{written}}}\nobjective: beale\nsteps: 3") == found


def test_missing_keys_are_reported_at_the_first_line() -> None:
    assert problems("# nothing yet\n\nseed: 3\n") == [
        "3:1 objective missing",
        "3:1 optimizers missing",
        "3:1 steps missing",
    ]


def test_too_much_to_record() -> None:
    text = "{objective: himmelblau, steps: 300000, start: {grid: [5, 5]}, optimizers: {SGD: }}"
    assert problem(text) == "1:32 steps too-large"
    assert loads(text.replace("[5, 5]", "[5, 4]")).steps == 300_000


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("{objective: [himmelblau, beale], steps: 300000, start: {grid: [5, %d]}, optimizers: {SGD: }}", 2),
        ("{objective: [beale, {name: sphere, dim: 6}], steps: 300000, start: {random: %d}, optimizers: {SGD: }}", 5),
        ("{objective: [beale, sphere], steps: 3, start: {random: %d}, optimizers: {SGD: }}", 5000),
        ("{objective: [beale, sphere], steps: 120, start: {random: %d}, optimizers: {LBFGS: }}", 250),
    ],
)
def test_the_limits_count_objectives(text: str, most: int) -> None:
    assert len(loads(text % most).objectives) == 2
    assert unlocated(text % (most + 1)) == ["steps too-large"]


def test_the_limit_counts_dimensions() -> None:
    text = "{objective: {name: rastrigin, dim: 20}, steps: 300000, start: {random: %d}, optimizers: {SGD: }}"
    assert unlocated(text % 3) == ["steps too-large"]
    assert loads(text % 2).steps == 300_000


@pytest.mark.parametrize(
    ("rest", "allowed"),
    [
        ("start: {grid: [100, 100]}, optimizers: {SGD: }", True),
        ("start: {grid: [100, 100]}, optimizers: {SGD: , Adam: }", False),
        ("start: {random: 500}, optimizers: {SGD: , LBFGS: }", False),
        ("start: {random: 490}, optimizers: {SGD: , LBFGS: }", True),
        ("start: {random: 490}, optimizers: {LBFGS: {max_iter: 100}}", False),
        ("start: {random: 5001}, optimizers: {P: {class: SGD, schedule: ReduceLROnPlateau}}", False),
        ("start: {random: 5001}, optimizers: {x: {class: pytorch_optimizer.Lion}}", False),
        ("start: {random: 5000}, optimizers: {x: {class: pytorch_optimizer.Lion}}", True),
        ("start: {random: 5001}, optimizers: {SGD: {fused: true}}", False),
    ],
)
def test_what_would_take_days_is_refused(rest: str, allowed: bool) -> None:
    text = f"{{objective: himmelblau, steps: 120, {rest}}}"
    if allowed:
        assert loads(text).steps == 120
    else:
        assert problem(text) == "1:32 steps too-large"


@pytest.mark.parametrize(
    ("optimizer", "key"),
    [
        ("LBFGS: {max_iter: 1001}", "LBFGS.max_iter"),
        ("LBFGS: {max_eval: 1000000000}", "LBFGS.max_eval"),
        ("LBFGS: {history_size: 1001}", "LBFGS.history_size"),
        ("Muon: {ns_steps: 1000001}", "Muon.ns_steps"),
        ("LBFGS: {max_iter: 1000, max_eval: 1000, history_size: 1000}", ""),
        ("SGD: {lr: 2000000}", ""),
        ("SGD: {schedule: {class: StepLR, step_size: 1000000}}", ""),
        ("SGD: {schedule: {class: StepLR, step_size: 1000001}}", "SGD.schedule.step_size"),
    ],
)
def test_whole_numbers_have_a_limit(optimizer: str, key: str) -> None:
    text = short(optimizers=f"{{{optimizer}}}")
    if key:
        assert unlocated(text) == [f"optimizers.{key} too-large"]
    else:
        assert loads(text).steps


@pytest.mark.parametrize("name", ["...yaml", "..yaml"])
def test_results_are_never_named_by_dots(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(short())
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:1:1: ")
    assert problem(short(), name=" ") == "1:1  invalid-value"


def test_a_start_must_be_where_the_function_was_measured(tmp_path: Path) -> None:
    np.save(tmp_path / "slope.npy", np.tile(np.linspace(3.0, 0.0, 31), (21, 1)))
    text = "{{objective: {{samples: slope.npy}}, start: {}, steps: 3, optimizers: {{SGD: }}}}"
    for start in ("[0, 0]", "[30, 20]", "{grid: [3, 3]}"):
        assert loads(text.format(start), folder=tmp_path).steps == 3
    assert unlocated(text.format("[[1, 1], [5, 20.5]]"), folder=tmp_path) == ["start.1.1 invalid-value"]


def test_at_most_64_optimizers() -> None:
    text = short(optimizers="{" + ", ".join(f"{n}: {{class: SGD}}" for n in range(65)) + "}")
    assert unlocated(text) == ["optimizers invalid-value"]


def test_a_key_given_twice_is_an_error() -> None:
    text = "objective: beale\nsteps: 3\noptimizers:\n  SGD: {lr: 1}\nsteps: 4\n"
    assert problem(text) == "5:1 steps duplicate"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "1:1  missing"),
        ("# only words\n", "1:1  missing"),
        ("just words", "1:1  wrong-type"),
        ("[1, 2]", "1:1  wrong-type"),
        ("a: [1", "1:4  syntax"),
        ("a: [1\nb: 2", "1:4  syntax"),
        ("a:\n  b: {c: 1\n  d: {e: 2}\nf: 3", "2:6  syntax"),
        ("a: {b: {c: 1}, d: {e: 2}\nf:\n  g: 3", "1:4  syntax"),
        ("a: {b: [1, 2}\nc: 3", "1:8  syntax"),
        ("a: 'b\nc: 3", "1:4  syntax"),
        ("a: {b: 1 c: 2}", "1:11  syntax"),
        ("a: b: c", "1:5  syntax"),
        ("a: 1\n  b: 2", "2:4  syntax"),
        ("  a: 1\nb: 2", "2:1  syntax"),
        ("a:\n    b: 1\n  c: 2", "3:3  syntax"),
        ("a:\n  b: {}\n    c: 2", "3:5  syntax"),
        ("a:\n  - b\n - c", "3:2  syntax"),
        ("a: 'b' c: d", "1:8  syntax"),
        ("a:\n\t- b", "2:1  syntax"),
        ("a: *b", "1:4  syntax"),
        ("a: 1\nb: \0", "2:4  syntax"),
        ('a: "\\UFFFFFFFF"', "1:1  syntax"),
        ("a: &a [*a]", "1:4  syntax"),
        ("a: &a {<<: *a}", "1:4  syntax"),
        ("[" * 90_000, "1:33  too-large"),
        ("- " * 90_000, "1:65  too-large"),
        ("a: " + "x" * 300_000, "1:1  too-large"),
        ("[" + "1," * 100_000 + "]", "1:40000  too-large"),
        ("!!python/object/apply:os.system [ls]", "1:1  syntax"),
        ("!!set {a}", "1:1  syntax"),
    ],
)
def test_what_is_no_config_is_one_problem(text: str, found: str) -> None:
    assert problem(text) == found


def test_tags_are_refused_at_their_locations() -> None:
    text = "objective: beale\noptimizers: {SGD: }\nsteps: !!python/name:os.system 3\nseed: !!int many"
    assert problems(text) == ["3:8 steps syntax", "4:7 seed syntax"]


@pytest.mark.parametrize(("opening", "alias", "closing"), [("[", "*a{}", "]"), ("{<<: [", "*a{}", "]}")])
def test_an_alias_bomb_is_refused(tmp_path: Path, opening: str, alias: str, closing: str) -> None:
    lines = (f"a{n}: &a{n} {opening}{', '.join([alias.format(n - 1)] * 9)}{closing}\n" for n in range(1, 12))
    (tmp_path / "bomb.yaml").write_text("a0: &a0 {x: 1}\n" + "".join(lines))
    program = "import gdsim.config as c\ntry: c.load('bomb.yaml')\nexcept c.ConfigError as e: print(e.code)"
    # In a process of its own, which a timeout can stop: even the repr of such a text has no end.
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "too-large\n"


# Files


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "my race.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + QUICKSTART.replace("\n", "\r\n").encode())
    experiment = load(path)
    assert experiment.name == "my race"
    assert experiment == loads(QUICKSTART)


def refusal(path: Path | str) -> tuple[str, str]:
    """Return the code and the text of the error that a path gives."""
    with pytest.raises(InputError) as caught:
        load(path)
    return caught.value.code, str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").touch()
    for name in ("quikstart.yaml", "quikstart.yml"):
        code, text = refusal(tmp_path / name)
        assert code == "not-found"
        assert text.startswith(f"{tmp_path / name}: ")
        assert text.endswith("did you mean 'quickstart.yaml'?")
    for name in ("quickstart.npz", "race.yaml", "no/such.yaml"):
        code, text = refusal(tmp_path / name)
        assert code == "not-found"
        assert text.startswith(f"{tmp_path / name}: no such file; `gdsim init FILE`")


def test_files_that_are_not_text(tmp_path: Path) -> None:
    junk, latin, large = tmp_path / "run.npz", tmp_path / "latin.yaml", tmp_path / "large.yaml"
    junk.write_bytes(b"PK\x03\x04\0\0\xff")
    latin.write_bytes("a: 1\ntitle: é\n".encode("latin-1"))
    large.write_bytes(b"# " + b"x" * 300_000)
    for path in (tmp_path, junk, latin, "a\0b.yaml"):
        assert refusal(path)[0] == "unreadable"
    code, text = refusal(large)
    assert code == "too-large"
    assert text.startswith(f"{large}:1:1: ")


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
    found = problem(QUICKSTART, overrides=["objective=[beale]", "objective.1=ackley"])
    assert found == "--set objective.1=ackley objective.1 invalid-value"


@pytest.mark.parametrize(
    "title", ["Now: with a colon", "[draft", '"Best', "#1: Adam", "a #b", "@home", "*star*", "- dash", "!x"]
)
def test_a_title_from_outside_is_taken_as_it_is(title: str) -> None:
    experiment = loads(QUICKSTART, overrides=[f"view.title={title}"])
    assert experiment.view.title == title
    assert loads(experiment.yaml) == experiment


def test_a_title_from_outside_may_be_quoted_and_removed() -> None:
    assert loads(QUICKSTART, overrides=["view.title='a: b' # c"]).view.title == "a: b"
    assert loads(QUICKSTART, overrides=["view.title=a", "view.title=null"]).view.title is None
    assert loads(QUICKSTART, overrides=["view.title=false"]).view.title is False


def test_a_colour_from_outside_is_no_comment() -> None:
    assert loads(QUICKSTART, overrides=["optimizers.Adam.color=#00f"]).optimizers["Adam"].color == "#0000ff"


def test_null_from_outside_removes_an_optimizer() -> None:
    kept = [*loads(QUICKSTART).optimizers]
    kept.remove("Adam")
    for value in ("null", "~", ""):
        experiment = loads(QUICKSTART, overrides=[f"optimizers.Adam={value}"])
        assert [*experiment.optimizers] == kept
        assert loads(experiment.yaml) == experiment
    assert loads(QUICKSTART, overrides=["optimizers.Adam=null", "optimizers.Adam.lr=1"]).optimizers["Adam"]
    # Nothing that exists is meant: an optimizer without arguments is {}.
    assert problem(QUICKSTART, overrides=["optimizers.Adm=null"]) == (
        "--set optimizers.Adm=null optimizers.Adm unknown-name"
    )
    assert loads(QUICKSTART, overrides=["optimizers.Rprop={}"]).optimizers["Rprop"].settings == {}


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
        "8:21 view.theme unknown-name",
        "--set optimizers.Adam.lr=fast optimizers.Adam.lr wrong-type",
        "--set optimizers.Fast.lr=1 optimizers.Fast unknown-name",
        "--set start.1=high start.1 wrong-type",
    ]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("start.7=1", "start.7 invalid-value"),
        ("start.x=1", "start.x invalid-value"),
        ("steps.x=1", "steps.x invalid-value"),
        ("steps=[1", "steps syntax"),
        ("seed=!!python/name:os.system x", "seed syntax"),
        ("stepps=3", "stepps unknown-key"),
    ],
)
def test_a_wrong_change_is_one_problem(change: str, found: str) -> None:
    assert problem(QUICKSTART, overrides=[change]) == f"--set {change} {found}"


@pytest.mark.parametrize("change", ["lr", "", "=3", "a..b=3", ".a=3"])
def test_a_change_must_be_a_key_and_a_value(change: str) -> None:
    with pytest.raises(InputError) as caught:
        loads(QUICKSTART, overrides=[change])
    assert caught.value.code == "syntax"


# Mistakes found later


def test_a_mistake_found_later_is_put_at_its_place() -> None:
    experiment = loads(QUICKSTART, file="race.yaml", overrides=["optimizers.Adam.betas=[2, 3]"])

    def located(*key: str | int) -> str:
        return str(experiment.locate(InputError("is wrong", key)))

    assert located("optimizers", "Momentum", "momentum") == "race.yaml:6:46: optimizers.Momentum.momentum: is wrong"
    assert located("optimizers", "SGD", "nesterov") == "race.yaml:5:13: optimizers.SGD.nesterov: is wrong"
    change = "--set optimizers.Adam.betas=[2, 3]"
    assert located("optimizers", "Adam", "betas", 1) == f"{change}: optimizers.Adam.betas.1: is wrong"
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


@cache
def validator() -> jsonschema.Draft7Validator:
    jsonschema.Draft7Validator.check_schema(schema())
    return jsonschema.Draft7Validator(schema())


def test_the_schema_beside_the_configs_is_that_of_the_models() -> None:
    assert (CONFIGS / "gdsim.schema.json").read_text() == json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_load_and_the_schema_accepts_them(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=gdsim.schema.json\n")
    assert load(path, allow_code=path.stem == "function_imported").name == path.stem
    assert not list(validator().iter_errors(parse(text, path.name).value))


RELEASED = json.loads((Path(__file__).parent / "fixtures" / "released_configs.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("release", "name"), [(release, name) for release in RELEASED for name in RELEASED[release]])
def test_a_config_of_every_release_loads(release: str, name: str) -> None:
    """The configs that each release shipped first, or changed."""
    experiment = loads(RELEASED[release][name], folder=CONFIGS, allow_code=name == "imported")
    assert experiment.optimizers
    assert experiment.version == 1


def test_a_version_of_a_later_language_leads_to_an_update() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(short(", version: 2"))
    assert [(problem.code, problem.key) for problem in caught.value.problems] == [("unsupported", ("version",))]
    assert loads(short(", version: 1")) == loads(short())


FORMS = [
    QUICKSTART,
    short(),
    short(", start: [[1, 2], [3, 4]], view: , output: {formats: [gif]}"),
    short(", start: {random: 3}, view: {kind: contour, title: Race}, animation: {hold: 0}"),
    short(", start: {grid: [3, 3]}"),
    short(", view: {camera: , levels: , panels_at: }"),
    short(", view: {kind: surface, camera: {orbit: 30}, heights: log, theme: {base: ggplot, field: viridis}}"),
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
    loads(text, folder=CONFIGS.parent, allow_code=True)
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
        short(", view: {theme: {page: '#ff'}}"),
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
    found: dict[str, dict[str, Any]] = {}
    for name, part in [("experiment", whole), *whole["definitions"].items()]:
        for form in (part, *part.get("anyOf", ())):
            found |= {f"{name}.{key}": value for key, value in form.get("properties", {}).items()}
    assert {"experiment.steps", "OptimizerSpec.lr", "View.kind"} <= found.keys()
    undescribed = []
    for key, value in found.items():
        target: dict[str, Any] = next((choice for choice in (value, *value.get("anyOf", ())) if "$ref" in choice), {})
        referred = whole["definitions"].get(target.get("$ref", "").rpartition("/")[2], {})
        if not (value.get("description") or referred.get("description")):
            undescribed.append(key)
    assert undescribed == []


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
KEYS = ["version", "objective", "start", "optimizers", "steps", "seed", "view", "animation", "output"]


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


@pytest.mark.timeout(60)
@settings(max_examples=20, deadline=None)
@given(st.sampled_from("[{-?:!&*#|>'\"a, \n"), st.integers(1, 260_000))
def test_long_texts_are_refused_soon(unit: str, length: int) -> None:
    check_refusal(unit * length)


def test_a_bad_config_is_refused_without_torch(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(QUICKSTART.replace("lr: 0.3", "lerning_rate: 0.3"))
    (tmp_path / "good.yaml").write_text(QUICKSTART)
    program = """if True:
        import sys
        from gdsim.config import load, schema
        from gdsim.errors import ConfigError
        load("good.yaml")
        schema()
        try:
            load("bad.yaml")
        except ConfigError as error:
            print(*error.key)
        assert not {"torch", "matplotlib"} & sys.modules.keys()
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "optimizers Adam lerning_rate\n"


# Models in Python


@pytest.mark.parametrize(
    ("model", "values", "found"),
    [
        (View, {"knd": "curve"}, "knd unknown-key"),
        (View, {"kind": "contuor"}, "kind unknown-name"),
        (View, {"camera": {"orbti": 3}}, "camera.orbti unknown-key"),
        (Camera, {"elevation": 100}, "elevation invalid-value"),
    ],
)
def test_a_mistake_in_python_is_an_input_error(model: Any, values: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError) as caught:
        model(**values)
    assert f"{'.'.join(caught.value.key)} {caught.value.code}" == found


def test_an_experiment_has_a_short_repr() -> None:
    assert repr(loads(QUICKSTART)) == "<Experiment 'experiment': Himmelblau; SGD, Momentum, Adam; 150 steps>"


@pytest.mark.parametrize("text", ["x**2 + y**2", "x^4 − 3x²y + y^4", "sin(x)", "x - 1", "x", "3x1 + x2", "1/x"])
def test_a_bare_expression_is_an_objective(text):
    short, long = (
        loads(f"{{objective: {each}, steps: 3, optimizers: {{SGD: }}}}") for each in (text, f'{{expression: "{text}"}}')
    )
    assert short.objectives == long.objectives
    assert short.objectives[0].build().title == text
