"""Each figure of the table, against a few plain lines."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import statistics
import subprocess
import sys
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import gdsim
from gdsim.analysis import Row, compare, make_table
from gdsim.analysis.metrics import detours, group_by_objective, mean_angles, unique_titles
from gdsim.analysis.rows import COUNTS, NETWORK_METRICS, make_row
from gdsim.cli.console import format_table
from gdsim.simulation import Stop
from tests.networks_made import trained

SPHERE = gdsim.objective("sphere")
HIMMELBLAU = gdsim.objective("himmelblau")
RAVINE = gdsim.objective("x**2/2 + 10*y**2", bounds=[[-3, 3], [-3, 3]])


def descend(objective=SPHERE, optimizer="SGD", *, start=(3, 4), steps=30, **settings):
    return gdsim.descend(objective, optimizer, start=start, steps=steps, **settings)


def middle(numbers):
    return sorted(numbers)[len(numbers) // 2]


def turn(step, gradient):
    """The angle between a step and steepest descent in degrees, by the law of cosines."""
    sizes = math.hypot(*step), math.hypot(*gradient)
    product = -sum((a / sizes[0]) * (b / sizes[1]) for a, b in zip(step, gradient, strict=True))
    return math.degrees(math.acos(max(-1, min(1, product))))


def expected(path, minimum, minima):
    """The figures of a path with finite values, by plain loops; those that a start has not are left out."""
    starts = range(path.values.shape[1])
    found = {name: [] for name in ("final", "best", "steps", "spent", "apart", "solved", "detour", "angle")}
    diagonal = math.dist(path.objective.bounds[:, 0], path.objective.bounds[:, 1])
    for s in starts:
        values, points = path.values[:, s].tolist(), path.points[:, s].tolist()
        goal = minimum + 1e-3 * (values[0] - minimum)
        below = min(values) < minimum - 1e-3 * abs(values[0] - minimum)
        is_lost = path.stops[s].failed or (path.objective.minimum is not None and below)
        outside = [k for k, value in enumerate(values) if value > goal]
        stays = math.inf if is_lost or len(values) - 1 in outside else max(outside, default=-1) + 1
        apart = min((math.dist(points[-1], each) for each in minima), default=math.nan)
        found["final"].append(values[-1])
        found["best"].append(math.inf if is_lost else min(values))
        found["steps"].append(stays)
        found["spent"].append(path.evaluations[stays, s] if stays < math.inf else math.inf)
        found["apart"].append(apart)
        found["solved"].append(stays < math.inf and apart <= 0.02 * diagonal and not path.stops[s].failed)
        lengths = [math.dist(a, b) for a, b in itertools.pairwise(points)]
        if sum(lengths):
            straight = math.dist(points[0], points[-1])
            found["detour"].append(sum(lengths) / straight if straight else math.inf)
        turns = []
        for k, length in enumerate(lengths):
            # Half a degree is as far as rounding may turn a step.
            rounding = 2**-52 * max(math.hypot(*points[k]), math.hypot(*points[k + 1])) * math.sqrt(len(points[k]))
            if length and path.gradients[k, s].any() and rounding <= math.radians(0.5) * length:
                step = [b - a for a, b in zip(points[k], points[k + 1], strict=True)]
                turns.append(turn(step, path.gradients[k, s]))
        if turns:
            found["angle"].append(sum(turns) / len(turns))
    return found


def spread(numbers):
    if len(numbers) == 1:
        return 0
    low, _, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return high - low


def check(row, path, minimum, minima):
    """Hold every figure of a row to plain loops."""
    found = expected(path, minimum, minima)
    close = {"rel": 1e-9, "abs": 1e-12}
    assert row.starts == len(path.stops)
    assert row.final_value == pytest.approx(statistics.median(found["final"]), **close)
    assert row.final_spread == pytest.approx(spread(found["final"]), **close)
    best = statistics.median(found["best"])
    assert row.best_value == (None if best == math.inf else pytest.approx(best, **close))
    if math.inf not in found["best"]:
        assert row.best_spread == pytest.approx(spread(found["best"]), **close)
    step, spent = middle(found["steps"]), middle(found["spent"])
    assert row.steps_to_tolerance == (None if step == math.inf else step)
    assert row.evaluations_to_tolerance == (None if spent == math.inf else spent)
    assert row.never == found["steps"].count(math.inf)
    assert row.diverged == sum(stop is Stop.DIVERGED for stop in path.stops)
    if len(minima):
        assert row.solved == pytest.approx(sum(found["solved"]) / row.starts)
        assert row.distance_to_minimum == pytest.approx(statistics.median(found["apart"]), **close)
    else:
        assert row.solved is row.distance_to_minimum is None
    detour = statistics.median(found["detour"] or [math.inf])
    assert row.detour == (None if detour == math.inf else pytest.approx(detour, rel=1e-9))
    # The law of cosines loses half of the digits near 0.
    angle = pytest.approx(statistics.median(found["angle"]), abs=1e-5) if found["angle"] else None
    assert row.mean_angle == angle


SEVEN = np.random.default_rng(3).uniform(-4, 4, (7, 2))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(
    ("optimizer", "given"),
    [
        ("SGD", {"lr": 0.01, "momentum": 0.9}),
        ("SGD", {"lr": 0.021}),
        ("Adam", {"lr": 0.3}),
        ("RMSprop", {"lr": 0.05}),
        ("LBFGS", {"lr": 0.3}),
        ("Adam", {"lr": 0.1, "noise": 3.0}),
    ],
)
def test_every_figure_is_that_of_plain_loops(optimizer, given, count):
    path = descend(HIMMELBLAU, optimizer, start=SEVEN[:count], steps=60, **given)
    (row,) = compare([path])
    check(row, path, 0.0, ROOTS)
    assert row.optimizer == optimizer
    assert (row.tuned, row.reason) == ("", "")


ROOTS = [
    (3.0, 2.0),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.283185991286170),
    (3.584428340330492, -1.848126526964404),
]
"""The minima of Himmelblau, where both of its squares vanish."""


COORDINATES = st.floats(-3, 3).map(lambda x: round(x, 6))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=5),
    st.floats(1e-3, 0.3),
    st.floats(0, 0.95),
)
def test_every_figure_is_that_of_plain_loops_wherever_one_begins(points, lr, momentum):
    path = descend(RAVINE, start=points, steps=25, lr=lr, momentum=momentum)
    check(make_row(path, -1.0), path, -1.0, [])
    moved = np.isfinite(detours(path))
    assert (detours(path)[moved] >= 1 - 1e-12).all()
    turned = mean_angles(path)
    assert ((turned[np.isfinite(turned)] >= 0) & (turned[np.isfinite(turned)] <= 180)).all()


def test_figures_of_one_start():
    path = descend(lr=0.1)
    (row,) = compare([path])
    # f(x_k) = 25 · 0.8^(2k) in closed form; below a thousandth of 25 first at k = 16.
    assert row.steps_to_tolerance == 16
    # The gradients at x_0 to x_16.
    assert row.evaluations_to_tolerance == 17
    assert row.final_value == row.best_value == pytest.approx(25 * 0.64**30)
    assert row.final_spread == row.best_spread == 0
    assert row.distance_to_minimum == pytest.approx(5 * 0.8**30)
    assert (row.detour, row.mean_angle) == (pytest.approx(1), pytest.approx(0, abs=1e-6))
    assert (row.solved, row.never, row.diverged) == (1, 0, 0)
    assert (row.optimizer, row.settings, row.starts, row.stopped) == ("SGD", "SGD · lr 0.1", 1, "ran all steps")
    assert row.objective == SPHERE.title


def test_a_path_that_overshoots_is_longer_than_straight():
    # x_k = (−0.6)^k: 1.6 + 0.96 + 0.576 of length in three steps, 1 + 0.216 from start to end.
    path = descend(gdsim.objective("x**2", bounds=[-2, 2]), start=[1.0], steps=3, lr=0.8)
    (row,) = compare([path])
    assert row.detour == pytest.approx((1.6 + 0.96 + 0.576) / 1.216)
    assert row.mean_angle == pytest.approx(0, abs=1e-6)


def test_signs_descend_at_the_angle_of_the_diagonal():
    # Adam's first step is lr · sign(∇f): along the diagonal, wherever −∇f points.
    path = descend(RAVINE, "Adam", start=[1.0, 1.0], steps=1, lr=0.01)
    (row,) = compare([path])
    assert row.mean_angle == pytest.approx(math.degrees(math.atan2(20, 1)) - 45, abs=1e-4)


def test_a_path_that_never_moves_has_no_detour_and_no_angle():
    (row,) = compare([descend(start=[[0, 0], [0, 0]], steps=5, lr=0.1)])
    assert row.detour is row.mean_angle is None
    # It begins at the minimum.
    assert (row.steps_to_tolerance, row.evaluations_to_tolerance, row.solved) == (0, 1, 1)
    (row,) = compare([descend(start=[[0, 0], [3, 4]], steps=5, lr=0.1)])
    assert row.detour == pytest.approx(1)


def test_a_path_that_ends_where_it_began_has_no_figure_for_its_detour():
    # x → x − 2x: there and back again.
    path = descend(gdsim.objective("x**2", bounds=[-2, 2]), start=[1.0], steps=4, lr=1.0)
    assert path.points[-1] == path.points[0] == 1
    (row,) = compare([path])
    assert row.detour is None
    assert json.loads(compare([path]).to_json())["rows"][0]["detour"] is None


def test_best_is_not_last_and_never_is_never():
    path = descend(steps=4, lr=1.01)
    (row,) = compare([path])
    assert row.best_value == 25
    assert row.final_value == path.values[-1, 0] > 25
    assert row.steps_to_tolerance is row.evaluations_to_tolerance is None
    assert (row.never, row.solved) == (1, 0)


def test_half_of_the_starts_in_time_is_not_more_than_half():
    path = descend(start=[[1, 1], [2, 2]], steps=3, lr=0.5)
    path.values[1:, 1] = 8.0
    (row,) = compare([path])
    assert row.steps_to_tolerance is None
    assert row.never == 1


def test_evaluations_are_those_that_the_class_asked_for():
    path = descend(HIMMELBLAU, "LBFGS", start=[[0, 0], [1, 1], [-1, 2]], steps=20, lr=0.2)
    (row,) = compare([path])
    assert row.evaluations_to_tolerance > row.steps_to_tolerance + 1


def test_a_start_without_a_value_counts_as_the_highest():
    root = gdsim.objective("sqrt(x) + x", bounds=[-1, 4])
    given = [[-1.0], [1.0], [2.0]]
    path = descend(root, start=given, steps=3, lr=0.01)
    assert not np.isfinite(path.values[0, 0])
    for paths in ([path], [path, path]):
        row = compare(paths).rows[0]
        # Of 1, 2 and no value at all the middle one is 2's, and the upper quartile lies with none.
        assert row.final_value == path.values[-1, 2]
        assert row.final_spread is None
        # The lowest value found is 1's own; 2 stays far above it.
        assert row.never == 2
    alone = compare([descend(root, start=given[:1], steps=3, lr=0.01)])
    (row,) = alone
    assert row.final_value is row.best_value is row.steps_to_tolerance is None
    assert row.never == 1
    assert json.loads(alone.to_json())["rows"][0]["best_value"] is None


@pytest.mark.parametrize(("formula", "nowhere"), [("exp(x)", 800.0), ("log(x) + x", 0.0), ("sqrt(x)", -1.0)])
def test_no_value_is_never_within_tolerance_and_no_goal(formula, nowhere):
    objective = gdsim.objective(formula, bounds=[-1, 900])
    with_it, without = (descend(objective, start=given, steps=5, lr=0.1) for given in ([[nowhere], [2.0]], [[2.0]]))
    assert not np.isfinite(with_it.values[0, 0])
    (row,), (alone,) = compare([with_it]), compare([without])
    assert (row.never, alone.never) == (1, 0)
    assert row.steps_to_tolerance is None
    assert row.best_value is None
    # Beside others a start finds what it finds alone.
    assert compare([with_it, without]).rows[0].evaluations_to_tolerance == alone.evaluations_to_tolerance


def test_what_breaks_off_has_not_solved_anything():
    path = descend(steps=60, lr=0.1)
    for stop in Stop:
        (row,) = compare([replace(path, stops=(stop,))])
        assert row.solved == (not stop.failed)
        assert row.diverged == (stop is Stop.DIVERGED)


def test_an_almost_as_low_local_minimum_is_no_solution():
    camel = gdsim.objective("x**4 - 2*x**2 + 1e-5*x", bounds=[-2, 2])
    known = replace(camel, minima=np.array([[-1.0]]), minimum=float(camel.values([-1.0])))
    path = descend(known, start=[[1.8], [-1.8]], steps=80, lr=0.05)
    (row,) = compare([path])
    assert row.never == 0
    assert row.solved == 0.5


def test_without_a_known_minimum_the_best_of_all_is_the_goal():
    saddle = gdsim.objective("saddle")
    paths = [descend(saddle, start=[0.5, 0.5], steps=n, lr=0.1) for n in (20, 20)]
    for row in compare(paths):
        check(row, paths[0], min(path.values.min() for path in paths), [])


def test_each_objective_has_its_own_best():
    # The second falls far below the first, and would leave it out of reach of its tolerance.
    shallow, deep = gdsim.objective("saddle"), gdsim.objective("saddle", bounds=[[-9, 9], [-9, 9]])
    paths = [descend(each, start=[0.5, 0.5], steps=n, lr=0.1) for each, n in ((shallow, 9), (deep, 30))]
    both, alone = compare([paths[0], paths[1], paths[0]]), compare(paths[:1])
    assert both.rows[:2] == (*alone, *alone)
    assert both.rows[2] == replace(compare(paths[1:]).rows[0], objective=f"{deep.title} (2)")


def test_formulas_of_the_same_letters_are_different_objectives():
    one, same, other = (gdsim.objective("k*x", constants={"k": k}, bounds=[-1, 1]) for k in (1.0, 1.0, 5.0))
    paths = [descend(each, start=[0], steps=5, lr=0.1) for each in (one, other, same)]
    assert [[path.objective for path in group] for group in group_by_objective(paths)] == [[one, same], [other]]
    assert [row.objective for row in compare(paths)] == [one.title, one.title, f"{one.title} (2)"]


def test_no_two_objectives_are_called_alike():
    flat, deep = gdsim.objective("sphere", dim=2), gdsim.objective("sphere", dim=5)
    wide = gdsim.objective("sphere", dim=2, bounds=[[-9, 9], [-9, 9]])
    assert unique_titles([flat, HIMMELBLAU, deep, wide]) == (
        f"{flat.title} in 2 dimensions",
        HIMMELBLAU.title,
        f"{flat.title} in 5 dimensions",
        f"{flat.title} in 2 dimensions (2)",
    )


def test_how_it_stopped():
    (row,) = compare([descend(HIMMELBLAU, start=[-0.5, 4.2], steps=50, lr=0.05)])
    assert row.stopped.startswith("diverged at step ")
    assert row.diverged == 1
    (row,) = compare([descend(start=[[0, 0], [1, 1], [2, 1]], steps=5, lr=0.1)])
    assert row.stopped == "2 ran all steps, 1 came to rest"


def test_an_experiment_is_simulated_first():
    experiment = gdsim.loads("objective: sphere\nstart: [3, 4]\nsteps: 30\noptimizers: {SGD: {lr: 0.1}, Adam: {}}\n")
    assert gdsim.compare(experiment).rows == compare(gdsim.simulate(experiment)).rows
    with pytest.raises(gdsim.InputError) as caught:
        compare([])
    assert caught.value.code == "missing"


ROW = make_row(descend(lr=0.1), 0.0)


def a_row(optimizer, solved=1.0, evaluations=10, best=0.0, objective="A", **given):
    return replace(
        ROW,
        objective=objective,
        optimizer=optimizer,
        solved=solved,
        evaluations_to_tolerance=evaluations,
        best_value=best,
        **given,
    )


def test_rows_are_sorted_by_the_rule():
    ordered = [
        a_row("first", solved=1.0, evaluations=90),
        a_row("quick", solved=0.5, evaluations=10, best=9.0),
        a_row("low", solved=0.5, evaluations=20, best=-1.0),
        a_row("a high", solved=0.5, evaluations=20, best=1.0),
        a_row("high", solved=0.5, evaluations=20, best=1.0),
        a_row("no value", solved=0.5, evaluations=20, best=None),
        a_row("never", solved=0.5, evaluations=None, best=-9.0),
        a_row("nothing", solved=0.0, evaluations=1, best=-9.0),
        Row("A", "broken", "Broken", reason="it needs a closure"),
        a_row("z", objective="B"),
    ]
    rows = [ordered[-1], *np.random.default_rng(1).permutation(np.array(ordered[:-1], dtype=object))]
    sorted_rows = make_table(rows).rows
    # The objectives stand in the order given.
    assert [row.optimizer for row in sorted_rows] == ["z", *(row.optimizer for row in ordered[:-1])]
    assert make_table(rows).labels == tuple(row.optimizer for row in rows)
    caption = make_table(rows, "Tuned over 41 learning rates.").caption
    assert caption.startswith("Tuned over 41 learning rates. ")
    for words in ("share of starts solved", "evaluations to tolerance", "best value", "0.001", "2%"):
        assert words in caption


def test_a_class_that_cannot_run_has_a_reason_and_no_figures():
    row = Row("A", "SAM", "SAM · rho 0.05", reason="it wraps another optimizer")
    given = asdict(row)
    words = {"objective", "optimizer", "settings", "stopped", "tuned", "reason", "starts"}
    assert {name for name, figure in given.items() if figure is None} == given.keys() - words
    assert row.starts == 0
    assert (row.optimizer, row.settings, row.reason) == ("SAM", "SAM · rho 0.05", "it wraps another optimizer")


AWKWARD = [
    descend(start=SEVEN, steps=n, lr=0.1, label=label)
    for n, label in (
        (3, '3, "so"'),
        (30, "=1+1"),
        (20, "a|b `c` *d* _e_ <i>&amp; \\| [f](g) $h$"),
        (1, "@x"),
        (2, "ä, 学"),
    )
]
FAILED = Row(SPHERE.title, "SAM", "SAM", reason="it needs a closure:\nnone | is given")
TABLE = make_table([*compare(AWKWARD), FAILED], "Equal *budget* | of 41.")


OF_FUNCTIONS = [field.name for field in fields(gdsim.Row) if field.name not in ("runs", *COUNTS, *NETWORK_METRICS)]


def told(row):
    """What a table of functions holds of a row."""
    return {name: cell for name, cell in asdict(row).items() if name in OF_FUNCTIONS}


def test_the_csv_reads_back():
    read = list(csv.DictReader(io.StringIO(TABLE.to_csv(), newline="")))
    assert list(read[0]) == OF_FUNCTIONS
    for cells, row in zip(read, TABLE, strict=True):
        for name, figure in told(row).items():
            if figure is None:
                assert cells[name] == ""
            elif isinstance(figure, str):
                assert cells[name] in (figure, f"'{figure}")
            else:
                assert type(figure)(cells[name]) == figure
    assert {cells["optimizer"] for cells in read} >= {"'=1+1", "'@x", '3, "so"', "SAM"}


def test_the_json_is_strict_and_whole():
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    read = json.loads(TABLE.to_json(), parse_constant=refuse)
    assert read == {"caption": TABLE.caption, "rows": [told(row) for row in TABLE]}


def cells(line):
    """The words of a line of a pipe table: those between bars that no backslash stands before."""
    parts = re.findall(r"((?:\\.|[^|\\])*)\|", line)[1:]
    return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", part.strip()) for part in parts]


def test_a_narrow_table_counts_what_titles_count_unless_a_step_has_several_evaluations():
    def fitting(rows):
        return {each.name for each in make_table(rows).fitting_columns(lambda columns: len(columns) < 5)}

    plain = [a_row("SGD", steps_to_tolerance=9, evaluations=10), a_row("Adam", evaluations=None)]
    both = {"steps_to_tolerance", "evaluations_to_tolerance"}
    assert fitting(plain) & both == {"steps_to_tolerance"}
    assert fitting([*plain, a_row("LBFGS", steps_to_tolerance=3, evaluations=61)]) & both == {
        "evaluations_to_tolerance"
    }


def test_the_markdown_decodes():
    heading, rule, *lines, blank, caption = TABLE.to_markdown().splitlines()
    assert blank == ""
    assert re.sub(r"\\(.)", r"\1", caption) == TABLE.caption
    assert all(re.fullmatch(r"---:?", cell) for cell in cells(rule))
    names = cells(heading)
    assert {len(cells(line)) for line in lines} == {len(names)} == {len(cells(rule))}
    for line, row in zip(lines, TABLE, strict=True):
        told = dict(zip(names, cells(line), strict=True))
        assert told["optimizer"] == row.optimizer
        assert told["reason"] == " ".join(row.reason.split())
        if row.reason:
            assert told["best value"] == told["starts"] == told["evaluations to tolerance"] == ""
            continue
        assert told["starts"] == str(row.starts)
        value, spread = re.fullmatch(r"(\S+) \((\S+)\)", told["best value"]).groups()
        assert float(value) == pytest.approx(row.best_value, rel=1e-3)
        assert float(spread) == pytest.approx(row.best_spread, rel=0.05)
        assert told["not within tolerance"] == f"{row.never} of 7"
        expected = "never" if row.evaluations_to_tolerance is None else str(row.evaluations_to_tolerance)
        assert told["evaluations to tolerance"].partition(" (")[0] == expected
        assert float(told["solved"].partition(" %")[0]) == pytest.approx(100 * row.solved, rel=1e-2)
        assert float(told["angle to −∇f"].removesuffix("°")) == pytest.approx(row.mean_angle, abs=0.05)


def test_columns_that_say_nothing_are_left_out():
    told = {column.name for column in compare([descend(gdsim.objective("saddle"), start=[1, 1], lr=0.1)]).columns()}
    assert not told & {"objective", "solved", "distance_to_minimum", "tuned", "reason", "never", "diverged"}
    assert told >= {"optimizer", "settings", "best_value", "steps_to_tolerance", "stopped"}


@pytest.mark.parametrize("width", [64, 80, 100, 140, 300])
def test_a_narrow_terminal_loses_columns_and_no_digits(width):
    text = io.StringIO()
    Console(file=text, width=width).print(format_table(TABLE, "a [b] c", width))
    lines = text.getvalue().splitlines()
    assert lines[0].strip() == "a [b] c"
    assert max(map(len, lines)) <= width
    for column in TABLE.columns():
        whole = [word for word in column.words if word and word in text.getvalue()]
        if column.name == "evaluations_to_tolerance":
            assert len(whole) == len(TABLE) - 1
    assert "…" not in text.getvalue()
    if width == 300:
        assert all(word in text.getvalue() for column in TABLE.columns() if column.figures for word in column.words)


def test_a_data_frame_has_every_figure():
    pytest.importorskip("pandas")
    frame = TABLE.to_pandas()
    assert list(frame.columns) == OF_FUNCTIONS
    assert frame.attrs == {"caption": TABLE.caption}
    for name in frame.columns:
        for cell, row in zip(frame[name], TABLE, strict=True):
            figure = getattr(row, name)
            assert cell == figure if figure is not None else str(cell) in ("nan", "<NA>")


def test_without_pandas_the_command_that_gets_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(gdsim.GdsimError, match=r"pip install 'gdsim\[pandas\]'"):
        TABLE.to_pandas()


def test_two_processes_with_one_seed_give_the_same_csv(tmp_path):
    yaml = """
        objective: [himmelblau, beale]
        start: {random: 6}
        seed: 5
        steps: 40
        optimizers: {SGD: {lr: 0.001, noise: 0.5}, Adam: {lr: 0.1}, RMSprop: {lr: 0.05}}
    """
    here = compare(gdsim.simulate(gdsim.loads(yaml))).to_csv()
    (tmp_path / "a.yaml").write_text(yaml)
    subprocess.run(
        [sys.executable, "-m", "gdsim", "compare", "a.yaml", "--csv", "a.csv", "-q"], cwd=tmp_path, check=True
    )
    assert here.splitlines() == (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert len(here.splitlines()) == 7


def test_networks_have_columns_of_their_own_and_none_that_a_shadow_would_give():
    paths = trained(steps=20, every=4)
    made = compare(paths)
    headings = [column.heading for column in made.columns()]
    assert {"test loss", "accuracy", "test accuracy"} <= {*headings}
    assert not {"path length ÷ distance", "angle to −∇f", "distance to minimum", "solved"} & {*headings}
    read = {row["optimizer"]: row for row in csv.DictReader(io.StringIO(made.to_csv(), newline=""))}
    for path in paths:
        for name in ("test_loss", "accuracy", "test_accuracy"):
            assert float(read[path.label][name]) == path.training.figures[name][-1]
        for name in ("detour", "mean_angle", "distance_to_minimum", "solved"):
            assert read[path.label][name] == ""
    assert json.loads(made.to_json())["rows"][0]["accuracy"] == made.rows[0].accuracy
    assert f"| {100 * made.rows[0].test_accuracy:.1f} % |" in made.to_markdown()
    assert "loss on all training data" in made.caption
    assert "loss on all training data" not in TABLE.caption


def test_a_network_has_no_minimum_to_be_near_to():
    made = compare(trained(("Adam", "SGD"), 20))
    assert {(row.steps_to_tolerance, row.evaluations_to_tolerance, row.never) for row in made} == {(None, None, None)}
    assert not {"steps_to_tolerance", "evaluations_to_tolerance"} & {column.name for column in made.columns()}
    assert [row.best_value for row in made] == sorted(row.best_value for row in made)
    assert "tolerance" not in made.caption
    assert made.caption.endswith("Sorted by the best value, low first.")


def test_a_network_without_classes_or_test_data_has_no_such_columns():
    (path,) = trained(("Adam",), 5, tested=False)
    bare = replace(path.training, figures={**path.training.figures, "accuracy": np.full(6, np.nan)})
    made = compare([replace(path, training=bare)])
    assert not {"test_loss", "accuracy", "test_accuracy"} & {column.name for column in made.columns()}
    assert list(csv.DictReader(io.StringIO(made.to_csv(), newline="")).fieldnames) == OF_FUNCTIONS


def test_two_networks_are_two_objectives_and_a_recording_of_one_is_one():
    one, other = trained(("A", "B"), 3), trained(("A",), 3)
    assert [len(group) for group in group_by_objective([*one, *other])] == [2, 1]
