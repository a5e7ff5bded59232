"""The sentences about what happens: true by a plain loop over the numbers, short, and without winners within noise."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import gdsim
from gdsim.analysis import compare
from gdsim.analysis.findings import LONGEST, finding, separated
from gdsim.analysis.metrics import evaluations_to_tolerance
from gdsim.analysis.outcomes import turns
from gdsim.config import Animation, View
from gdsim.render.display_list import EventMarks
from gdsim.render.painter import only
from gdsim.scene.build import build_scene
from gdsim.simulation import Stop, Trajectory
from tests.networks_made import trained

BOWL = gdsim.objective("sphere")  # f = x² + y² over [−5, 5]², whose minimum is 0
UNKNOWN = gdsim.objective("x**2 + y**2", bounds=[[-5, 5], [-5, 5]])
DIAGONAL = math.hypot(10, 10)
NAMES = ("A", "B", "C", "D", "E")


def made(label, points, stop=Stop.RAN, at=None, objective=BOWL) -> Trajectory:
    """A trajectory through points (steps + 1, starts, 2), all of which end alike, at step `at` if they fail."""
    rows, starts, _ = points.shape
    values = (points**2).sum(-1)
    last = np.full(starts, rows - 1 if at is None else at)
    return Trajectory(
        label=label,
        settings="SGD",
        objective=objective,
        color=None,
        points=points,
        values=values,
        gradients=2 * points,
        learning_rates=np.ones((rows, starts)),
        evaluations=np.tile(np.arange(1, rows + 1)[:, None], (1, starts)),
        stop_steps=last,
        stops=(stop,) * starts,
    )


@st.composite
def runs(draw, starts=1):
    """Several optimizers from common starts: spirals, lines and swings, fast, slow, at rest, growing or diverging."""
    rows, count = draw(st.integers(2, 60)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    first = rng.uniform(-4, 4, (starts, 2))
    objective = draw(st.sampled_from([BOWL, BOWL, UNKNOWN]))
    found = []
    for label in NAMES[:count]:
        rate = rng.choice([0.0, 0.3, 0.8, 0.9, 0.98, 1.0, 1.02, 1.3]) * np.where(rng.random(starts) < 0.3, 0.8, 1.0)
        turn, swing = rng.choice([0.0, 0.0, 0.4, 1.0]), rng.choice([0.0, 0.0, 0.0, 1.57])
        stop = Stop.DIVERGED if rng.random() < 0.15 else Stop.RAN
        at = int(rng.integers(0, rows)) if stop.failed else None
        steps = np.minimum(np.arange(rows), rows if at is None else at)[:, None]
        z = (first[:, 0] + 1j * first[:, 1]) * rate**steps * np.exp(1j * turn * steps) * np.cos(swing * steps)
        found.append(made(label, np.stack([z.real, z.imag], -1), stop, at, objective))
    return found


def stay(values, goal) -> int | None:
    """The step from which on all values are at most a goal, by a loop from the last one."""
    found = None
    for k in reversed(range(len(values))):
        if values[k] > goal:
            break
        found = k
    return found


def arrival(path, start=0) -> int | None:
    """The step of arrival, by a loop over the values."""
    if path.objective.minimum is None or path.stops[start].failed:
        return None
    if math.hypot(*path.points[-1, start]) > 0.02 * DIAGONAL:
        return None
    values = path.values[:, start].tolist()
    return stay(values, 1e-3 * values[0])


def circles(path, until) -> bool:
    """Whether the path turns around its last point once, by adding up angles between neighbours."""
    total, before = 0.0, None
    for point in path.points[: until + 1, 0]:
        ray = complex(*(point - path.points[-1, 0]))
        if ray:
            angle = 0 if before is None else math.atan2((ray / before).imag, (ray / before).real)
            total += angle if abs(angle) < 0.9 * math.pi else 0  # not a step across the point
            before = ray
    return abs(total) >= 2 * math.pi - 1e-9


def read(words) -> float:
    """A number with a true minus sign and a power of ten: −2.5, 3·10⁻⁵, 10⁶."""
    mantissa, raised, exponent = re.fullmatch(r"(.*?)(·?10(?=[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]))?([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*)", words).groups()
    digits = exponent.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
    sign, size = ("-" if mantissa.startswith("−") else ""), mantissa.lstrip("−") or "1"
    return float(f"{sign}{size}e{digits or 0}" if raised else f"{sign}{size}")


def names(text) -> list[str]:
    return re.findall(r"\b[A-E]\b", text)


def equal(one, other) -> bool:
    return abs(one - other) <= 1 or max(one, other) <= 1.1 * min(one, other)


class Oracle:
    """Checks every clause of a sentence about single starts against the numbers of the runs."""

    def __init__(self, paths) -> None:
        self.paths = {path.label: path for path in paths}
        self.steps = {label: arrival(path) for label, path in self.paths.items()}
        self.arrived = {label: step for label, step in self.steps.items() if step is not None}
        self.known = paths[0].objective.minimum is not None
        self.low = 0.0
        low = 0.0 if self.known else min(value for path in paths for value in path.values[:, 0].tolist())
        # What looks alike in a panel is equal.
        least = (0.001 if self.known else 0.01) * (max(path.values[0, 0] for path in paths) - low)
        self.height = {label: max(path.values[-1, 0] - low, least) for label, path in self.paths.items()}

    def bottom(self) -> Oracle:
        """Take the lowest value of all for the minimum, which is not known; its path must reach it before the end."""
        assert not self.known
        self.low = min(path.values.min() for path in self.paths.values())
        for label, path in self.paths.items():
            values = path.values[:, 0].tolist()
            self.steps[label] = None if path.stops[0].failed else stay(values, self.limit(values))
        self.arrived = {label: step for label, step in self.steps.items() if step is not None}
        lowest = min(self.arrived, key=lambda label: self.paths[label].values[-1, 0])
        assert self.steps[lowest] <= 0.9 * (len(self.paths[lowest].values) - 1)
        return self

    def limit(self, values) -> float:
        return self.low + 1e-3 * (values[0] - self.low)

    def check(self, sentence) -> None:
        if re.search("reach(es)? the bottom", sentence):
            sentence = re.sub("reach(es)? the bottom", lambda found: "arrives" if found[1] else "arrive", sentence)
            Oracle([*self.paths.values()]).bottom().check(sentence)
            return
        for clause in sentence.split("; "):
            known = [(found, test) for pattern, test in self.RULES if (found := re.fullmatch(pattern, clause))]
            assert known, clause
            found, test = known[0]
            assert test(self, *found.groups()), clause

    def arrives(self, who, count) -> bool:
        return self.steps[who] == int(count)

    def is_first(self, who, count=None) -> bool:
        others = [step for label, step in self.arrived.items() if label != who]
        return all(step > self.steps[who] and not equal(step, self.steps[who]) for step in others) and (
            count is None or self.arrives(who, count)
        )

    def together(self, who, when) -> bool:
        found = [self.steps[label] for label in names(who)] if names(who) else [*self.arrived.values()]
        assert None not in found
        exact = when.startswith("in ")
        near = int(re.search(r"\d+", when)[0])
        return (set(found) == {near}) if exact else all(equal(min(found), step) for step in found)

    def only(self, who, when="") -> bool:
        whole = set(names(who)) == set(self.arrived)
        return whole and (not when or self.arrives(names(who)[0], re.search(r"\d+", f"{when} 0")[0]))

    def share(self, some, total, first=None, count=None) -> bool:
        whole = (int(some), int(total)) == (len(self.arrived), len(self.paths))
        if first is None:
            return whole and (count is None or int(count) == min(self.arrived.values()))
        return whole and self.is_first(first, count)

    def circling(self, who, until) -> bool:
        return self.arrives(who, until) and circles(self.paths[who], int(until))

    def lowest(self, who) -> bool:
        mine = self.height[who]
        others = [each for label, each in self.height.items() if label != who]
        return all(each > 1.1 * mine for each in others) and not self.paths[who].stops[0].failed

    def as_low(self, who) -> bool:
        heights = [self.height[label] for label in names(who) or self.paths]
        return max(heights) <= 1.1 * min(self.height.values())

    def diverges(self, who, step) -> bool:
        return self.paths[who].stops[0] is Stop.DIVERGED and self.paths[who].stop_steps[0] + 1 == int(step)

    def passes(self, who, step=None) -> bool:
        """Whether a path is within tolerance at a step for the first time, but not at the end."""
        values = self.paths[who].values[:, 0].tolist()
        first = next((k for k, value in enumerate(values) if value <= 1e-3 * values[0]), None)
        return first is not None and self.steps[who] is None and (step is None or first == int(step))

    def unsettled(self, who) -> bool:
        """Whether a path comes within tolerance more than once, but is not at the end."""
        values = self.paths[who].values[:, 0].tolist()
        within = "".join("x" if value <= self.limit(values) else " " for value in values)
        return self.steps[who] is None and len(within.split()) > 1

    def still(self, who) -> bool:
        return all(
            math.hypot(*each) < 0.02 * DIAGONAL for each in self.paths[who].points[:, 0] - self.paths[who].points[0, 0]
        )

    def climbs(self, who) -> bool:
        return self.paths[who].values[-1, 0] > self.paths[who].values[0, 0]

    def escapes(self, who) -> bool:
        return self.climbs(who) and np.abs(self.paths[who].points[-1, 0]).max() > 5

    def all_of(self, test) -> bool:
        return all(test(self, who) for who in self.paths)

    def counted(self, count, total, test) -> bool:
        return int(total) == len(self.paths) and int(count) <= sum(test(self, who) for who in self.paths)

    def failed(self, who) -> bool:
        return self.paths[who].stops[0] is Stop.DIVERGED

    def late(self, who, count=None) -> bool:
        return self.steps[who] is None and (count is None or int(count) == len(self.paths[who].points) - 1)

    WHO = r"((?:[A-E](?:, | and )?)+)"
    RULES = (
        (r"([A-E]|The path) arrives in (\d+) steps?", lambda o, who, n: o.arrives(*o.one(who), n)),
        (r"([A-E]) arrives first, in (\d+) steps?", is_first),
        (r"([A-E]) arrives first", is_first),
        (r"([A-E]) needs (\d+)", arrives),
        (r"([A-E]) circles until (?:step )?(\d+)", circling),
        (r"([A-E]|The path) circles the minimum until step (\d+)", lambda o, who, n: o.circling(*o.one(who), n)),
        (WHO + r" arrive together, (.+)", together),
        (r"(Both|All \d) arrive together, (.+)", together),
        (r"(Both|All \d) arrive together", lambda o, _: o.together("", f"near step {max(o.arrived.values())}")),
        (WHO + r" arrive(?: first,)? (in \d+ steps?)", together),
        (WHO + r" arrive near step (\d+)", lambda o, who, n: o.together(who, f"near step {n}")),
        (WHO + r" arrive first, near step (\d+)", lambda o, who, n: o.together(who, f"near step {n}")),
        (
            r"The first of \d arrives in (\d+) steps?, the last in (\d+)",
            lambda o, a, b: (min(o.arrived.values()), max(o.arrived.values())) == (int(a), int(b)),
        ),
        (
            r"(?:Both|All \d) arrive, the first in (\d+) steps?",
            lambda o, a: len(o.arrived) == len(o.paths) and min(o.arrived.values()) == int(a),
        ),
        (r"Only ([A-E]) arrives, (.+)", only),
        (r"Only " + WHO + " arrives?", only),
        (r"Only one of \d paths arrives(?:, .+)?", lambda o: len(o.arrived) == 1),
        (r"(\d) of (\d) paths arrive", share),
        (r"(\d) of (\d) paths arrive, ([A-E]) first(?: in (\d+) steps?)?", share),
        (r"(\d) of (\d) paths arrive, the first in (\d+) steps?", lambda o, a, b, n: o.share(a, b, None, n)),
        (r"the others (?:do|arrive)", lambda o: len(o.arrived) == len(o.paths) - 1),
        (r"([A-E]) ends lowest", lowest),
        (WHO + r" end about equally low", as_low),
        (r"(Both|both|[Aa]ll \d) end about equally low", lambda o, _: o.as_low("")),
        (
            r"The lowest of \d paths ends at (\S+)",
            lambda o, x: math.isclose(read(x), min(p.values[-1, 0] for p in o.paths.values()), rel_tol=6e-3),
        ),
        (r"No path arrives(?: in \d+ steps?)?", lambda o: not o.arrived),
        (r"([A-E]) diverges", failed),
        (r"([A-E]|The path) diverges at step (\d+)", lambda o, who, n: o.diverges(*o.one(who), n)),
        (r"([A-E]|The path) passes the minimum(?: at step (\d+))?", lambda o, who, n: o.passes(*o.one(who), n)),
        (r"([A-E]|The path) does not settle", lambda o, who: o.unsettled(*o.one(who))),
        (r"(?:Both|All \d) pass the minimum", lambda o: o.all_of(Oracle.passes)),
        (r"(?:Both|All \d) fail to settle", lambda o: o.all_of(Oracle.unsettled)),
        (r"(\d) of (\d) paths pass(?:es)? the minimum", lambda o, a, b: o.counted(a, b, Oracle.passes)),
        (r"(\d) of (\d) paths (?:does not|fail to) settle", lambda o, a, b: o.counted(a, b, Oracle.unsettled)),
        (r"([A-E]|The path) (?:hardly moves)", lambda o, who: o.still(*o.one(who))),
        (r"([A-E]|The path) runs away", lambda o, who: o.escapes(*o.one(who))),
        (r"([A-E]|The path) ends higher than it starts", lambda o, who: o.climbs(*o.one(who))),
        (r"([A-E]) does not arrive", late),
        (r"([A-E]|The path) has not arrived after (\d+) steps?", lambda o, who, n: o.late(*o.one(who), n)),
        (
            r"([A-E]|The path) descends from (\S+) to (\S+)",
            lambda o, who, a, b: all(
                math.isclose(o.paths[o.one(who)[0]].values[k, 0], read(x), rel_tol=6e-3) for k, x in ((0, a), (-1, b))
            ),
        ),
        (r"(?:Both|All \d) diverge", lambda o: o.all_of(Oracle.failed)),
        (r"(?:Both|All \d) hardly move", lambda o: o.all_of(Oracle.still)),
        (r"(?:Both|All \d) run away", lambda o: o.all_of(Oracle.escapes)),
        (r"(?:Both|All \d) end higher than they start", lambda o: o.all_of(Oracle.climbs)),
        (r"(\d) of (\d) paths diverges?", lambda o, a, b: o.counted(a, b, Oracle.failed)),
        (r"(\d) of (\d) paths hardly moves?", lambda o, a, b: o.counted(a, b, Oracle.still)),
        (r"(\d) of (\d) paths runs? away", lambda o, a, b: o.counted(a, b, Oracle.escapes)),
        (
            r"(\d) of (\d) paths ends? higher than (?:it starts|they start)",
            lambda o, a, b: o.counted(a, b, Oracle.climbs),
        ),
    )

    def one(self, who) -> list[str]:
        return [next(iter(self.paths)) if who == "The path" else who]


@settings(max_examples=400, deadline=None)
@given(runs())
def test_every_sentence_about_single_paths_is_true_and_short(paths):
    sentences = finding([paths])
    assert sentences
    for sentence in sentences:
        assert len(sentence) <= LONGEST
        Oracle(paths).check(sentence)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 30).flatmap(lambda starts: runs(starts)))
def test_every_sentence_about_many_starts_is_true_and_names_no_winner_within_noise(paths):
    starts = len(paths[0].stops)
    counts = {path.label: sum(arrival(path, start) is not None for start in range(starts)) for path in paths}

    def ahead(one, other) -> bool:
        p, q = ((counts[label] + 1) / (starts + 2) for label in (one, other))
        return p - q > 2 * math.sqrt(p * (1 - p) / (starts + 2) + q * (1 - q) / (starts + 2))

    for sentence in finding([paths]):
        assert len(sentence) <= LONGEST
        if found := re.fullmatch(r"([A-E]) arrives most often.*|([A-E]) arrives from \d+ of \d+ starts, .*", sentence):
            leader = found[1] or found[2]
            assert all(ahead(leader, other) for other in counts if other != leader)
        if found := re.fullmatch(r"(.+) arrive more often than (.+)", sentence):
            assert all(ahead(one, other) for one in names(found[1]) for other in names(found[2]))
        if found := re.fullmatch(r"([A-E]) arrives least often.*", sentence):
            assert all(ahead(other, found[1]) for other in counts if other != found[1])
        if sentence == "No optimizer arrives clearly more often":
            assert not any(all(ahead(one, other) for other in counts if other != one) for one in counts)
        for who, count in re.findall(r"([A-E])(?: arrives)?(?: .* often,)? from (\d+)", sentence):
            assert counts[who] == int(count) or "ends lowest" in sentence
        if found := re.fullmatch(r"(?:All |None of )?(\d+)(?: of (\d+))? paths arrives?", sentence):
            some = sum(counts.values())
            assert some == (0 if sentence.startswith("None") else int(found[1]))


def line(label, rate, rows=60, start=(3.0, 4.0), turn=0.0, objective=BOWL):
    z = complex(*start) * rate ** np.arange(rows) * np.exp(1j * turn * np.arange(rows))
    return made(label, np.stack([z.real, z.imag], -1)[:, None], objective=objective)


def many(label, rates):
    """Paths from (3, 4), one per rate, whose points are multiplied by it in each step."""
    return made(label, np.array([3.0, 4.0]) * np.array(rates)[:, None] ** np.arange(60)[:, None, None])


def test_the_first_of_optimizers_that_arrive_from_all_starts_is_first_in_resampled_starts_too():
    """f − f* falls by rate² per step, to 0.1 % after ln 0.001 / 2 ln rate steps: 5 for 0.5 and 16 for 0.8."""
    fast, slow = many("Fast", [0.5] * 20), many("Slow", [0.8] * 20)
    evaluations = int(np.median(evaluations_to_tolerance(fast, np.nan)))
    assert finding([[slow, fast]])[:2] == (
        f"Fast arrives first, after {evaluations} evaluations at the median",
        "Fast arrives first",
    )
    mixed = [many("One", [0.5, 0.8] * 10), many("Other", [0.8, 0.5] * 10)]
    assert finding([mixed]) == ("All 40 paths arrive",)


def test_a_race_names_who_is_first_and_how_the_last_one_gets_there():
    assert finding([[line("Plain", 0.5), line("Round", 0.9, turn=0.5)]])[0] == (
        "Plain arrives in 5 steps; Round circles until 33"
    )
    assert finding([[line("One", 0.5), line("Other", 0.5)]])[0] == "One and Other arrive together, in 5 steps"
    assert finding([[line("One", 0.5), line("Late", 0.999)]])[0] == "Only One arrives, in 5 steps"


def swing(label, rate, rows, objective=BOWL):
    """A path that swings along a line through the minimum, which it meets in every eighth step from the fourth on."""
    steps = np.arange(rows)
    points = np.array([3.0, 4.0]) * (rate**steps * np.cos(np.pi / 8 * steps))[:, None]
    return made(label, points[:, None], objective=objective)


def test_a_path_arrives_where_it_stays_and_not_where_it_passes_the_minimum():
    """Between two passes f is 0.9^48 = 0.6 % of its first value at step 24, 0.1 % at 32 and less from then on."""
    path, straight = swing("Wide", 0.9, 60), line("Plain", 0.5)
    assert finding([[path]])[0] == "Wide arrives in 33 steps"
    assert [(each.step, each.short) for each in build_scene([path]).milestones] == [(33, "Wide arrives")]
    (row,) = compare([path])
    assert (row.steps_to_tolerance, row.evaluations_to_tolerance, row.solved) == (33, 34, 1)
    scene = build_scene([path], view=View(panels=["loss"]))
    (dot,) = only(gdsim.frames(scene).layers[0].primitives, EventMarks)
    assert dot.times.tolist() == [33]
    assert finding([[path, straight]])[0] == "Plain arrives in 5 steps; Wide needs 33"


def test_a_path_that_passes_the_minimum_has_not_arrived():
    path, straight = swing("Wide", 0.99, 12), line("Plain", 0.5, rows=12)
    assert finding([[path, straight]])[0] == "Only Plain arrives; Wide passes the minimum at step 4"
    assert finding([[path, swing("Other", 0.98, 12)]])[0] == "Both pass the minimum"
    said = {each.short: each.step for each in build_scene([path, straight]).milestones}
    assert said == {"Wide passes the minimum": 4, "Plain arrives": 5}
    (row,) = compare([path])
    assert (row.steps_to_tolerance, row.evaluations_to_tolerance, row.never, row.solved) == (None, None, 1, 0)
    assert "Wide passes the minimum at step 4" in build_scene([path]).alt_text
    german = build_scene([path, straight], view=View(language="de"))
    assert german.title == "Nur Plain erreicht das Ziel; Wide läuft durch das Minimum"
    assert german.milestones[0].short == "Wide läuft durch das Minimum"


def test_a_path_that_passes_the_minimum_again_and_again_does_not_settle():
    path = swing("Wide", 0.99, 60)
    assert finding([[path, line("Plain", 0.5)]])[0] == "Only Plain arrives, in 5 steps; Wide does not settle"
    assert finding([[path, swing("Other", 0.98, 60)]])[0] == "Both fail to settle"
    assert build_scene([path]).milestones == ()


def test_paths_reach_the_bottom_where_no_minimum_is_known_unless_they_are_still_descending():
    def paths(rows):
        return [line(label, rate, rows, objective=UNKNOWN) for label, rate in (("Fast", 0.5), ("Slow", 0.9))]

    assert finding([paths(60)])[0] == "Fast reaches the bottom in 5 steps; Slow needs 33"
    assert finding([paths(35)])[0] == "Fast reaches the bottom in 5 steps; Slow needs 33"
    rest = made("Rest", np.maximum(paths(35)[0].points, [0.1, 0.12]), objective=UNKNOWN)
    assert finding([[rest, paths(35)[1]]])[0] == "Rest and Slow end about equally low"


def test_what_becomes_of_the_others_is_said_where_no_minimum_is_known():
    fast, slow, away, wide = (
        line("Fast", 0.5, objective=UNKNOWN),
        line("Slow", 0.98, objective=UNKNOWN),
        line("Away", 1.1, objective=UNKNOWN),
        swing("Wide", 0.99, 60, objective=UNKNOWN),
    )
    assert finding([[fast, slow]]) == ("Fast reaches the bottom in 5 steps", "The lowest of 2 paths ends at 7.52·10⁻³⁵")
    assert finding([[fast, wide]])[0] == "Fast reaches the bottom in 5 steps; Wide does not settle"
    assert finding([[slow, away, fast]])[0] == "Fast reaches the bottom in 5 steps; Away runs away"


def test_a_path_does_not_reach_the_bottom_if_another_one_rests_in_a_minimum_of_its_own():
    wells = gdsim.objective("x^4 - 3x^2 + x", bounds=[-2, 2])
    left, right = (
        gdsim.simulate(wells, {label: {"class": "SGD", "lr": 0.02}}, start=[start], steps=80)[0]
        for label, start in (("Left", -0.5), ("Right", 0.6))
    )
    assert finding([[left, right]])[0] == "Left ends lowest"


def test_ends_are_compared_by_their_height_above_the_lowest_value_and_not_by_their_descent():
    def ends(*heights, first=877.0, objective=UNKNOWN):
        points = np.sqrt([[first, each] for each in heights])
        return [
            made(label, np.stack([each, 0 * each], -1)[:, None], objective=objective)
            for label, each in zip("AB", points, strict=True)
        ]

    assert finding([ends(0.003, 26)])[0] == "A ends lowest"
    assert finding([ends(0.003, 3)])[0] == "A and B end about equally low"
    assert finding([ends(600, 620)])[0] == "A ends lowest"
    assert finding([ends(600, 602)])[0] == "A and B end about equally low"
    assert finding([ends(2.0, 3.0, objective=BOWL)])[0] == "No path arrives; A ends lowest"
    assert finding([ends(2.0, 2.1, objective=BOWL)])[0] == "No path arrives; A and B end about equally low"


def test_names_that_are_too_long_are_left_out_and_never_cut():
    long = "An optimizer with a name that nobody would read aloud"
    found = finding([[line(f"{long} {i}", rate) for i, rate in enumerate((0.5, 0.9))]])
    assert found == ("The first of 2 arrives in 5 steps, the last in 33", "Both arrive, the first in 5 steps")
    # Equal names say nothing about which path is meant.
    assert finding([[line("SGD", 0.5), line("SGD", 0.9)]]) == found


def test_a_path_that_turns_once_has_one_turn():
    angles = np.linspace(0, 2 * np.pi, 20)
    assert turns(np.stack([np.cos(angles), np.sin(angles)], -1), np.zeros(2)) == pytest.approx(1)
    assert turns(np.array([[1.0], [2.0]]), np.zeros(1)) == 0
    assert turns(swing("Wide", 0.9, 60).points[:, 0], np.zeros(2)) == 0


@pytest.mark.parametrize(
    ("one", "other", "starts", "clear"), [(40, 12, 64, True), (36, 30, 64, False), (4, 0, 4, True)]
)
def test_shares_are_told_apart_by_two_standard_errors(one, other, starts, clear):
    assert separated(one, other, starts) is clear
    assert not separated(other, one, starts)


def test_plateaus_and_local_minima_are_told():
    flat = gdsim.descend(gdsim.objective("easom"), "SGD", start=[-8, -8], steps=30, lr=0.1)
    assert finding([[flat]])[0] == "SGD stays on the plateau"
    caught = gdsim.descend(gdsim.objective("rastrigin"), "SGD", start=[2.1, 1.9], steps=80, lr=0.001)
    assert finding([[caught]])[0] == "SGD is caught in a local minimum"


def test_networks_are_told_by_their_last_losses():
    assert re.fullmatch(r"\w+ ends at the lowest loss, [0-9.]+", finding([trained()])[0])


def test_a_title_of_ones_own_or_the_functions_name_replaces_the_finding():
    paths = [line("One", 0.5)]
    titles = [build_scene(paths, view=View(title=title)).title for title in (None, "function", "Mine")]
    assert titles == ["One arrives in 5 steps", "Sphere", "Mine"]
    assert build_scene(paths).short_titles[-1] == "Sphere"


def test_a_picture_without_title_uses_its_space():
    titled, bare = (gdsim.frames(build_scene([line("One", 0.5)], view=View(title=title))) for title in (None, False))
    assert bare.scene.title == ""
    box, higher = (each.canvas.layout.groups[0].facets[0] for each in (titled, bare))
    assert higher.top > box.top + titled.canvas.em
    assert higher.height > 1.05 * box.height
    written = [each.get_text() for each in bare.canvas.figure.findobj(Text)]
    assert "Sphere" in written
    assert "One arrives in 5 steps" not in written


def starts_on_himmelblau(count, **view):
    start = np.random.default_rng(0).uniform(-5, 5, (count, 2))
    path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=start, steps=150, lr=0.01)
    return path, build_scene([path], view=View(**view))


def test_many_starts_have_the_colors_of_the_minima_that_they_reach():
    path, scene = starts_on_himmelblau(24)
    paths, minima = scene.facets[0].paths, path.objective.minima
    assert sum(each.points.shape[1] for each in paths) == 24
    for each in paths:
        ends = each.points[-1]
        nearest = {int(np.argmin([math.dist(end, minimum) for minimum in minima])) for end in ends}
        if each.style.color == scene.theme.quiet:
            assert all(min(math.dist(end, minimum) for minimum in minima) > 0.02 * DIAGONAL for end in ends)
        else:
            assert len(nearest) == 1
            assert each.style.settings == f"{len(ends)} of 24 starts"
            x, y = minima[nearest.pop()]
            assert [read(word) for word in each.style.label[4:-1].split(", ")] == pytest.approx([x, y], abs=0.006)
    assert len({each.style.color for each in paths}) == len(paths) > 2
    assert all(each.style.thin for each in paths)
    (single,) = starts_on_himmelblau(24, color_by="optimizer")[1].facets[0].paths
    (few,) = starts_on_himmelblau(7)[1].facets[0].paths
    assert single.style.label == few.style.label == "SGD"
    assert len(starts_on_himmelblau(7, color_by="minimum")[1].facets[0].paths) > 1


def test_a_grid_by_minima_has_the_arrows_of_one_with_as_many_optimizers():
    path, scene = starts_on_himmelblau(24, layout="grid")
    count = len(scene.facets)
    several = build_scene([replace(path, label=str(i)) for i in range(count)], view=View(layout="grid"))
    assert count == len(several.facets) > 2
    np.testing.assert_array_equal(scene.facets[0].arrows.spacing, several.facets[0].arrows.spacing)
    assert all(facet.inset is None for facet in scene.facets)


def test_paths_that_reach_no_minimum_are_grey():
    path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=[[0, 0]] * 4 + [[3, 2]] * 4, steps=3, lr=1e-6)
    reaching, lost = build_scene([path]).facets[0].paths
    assert (reaching.style.label, lost.style.label) == ("to (3, 2)", "elsewhere")
    assert lost.style.color == build_scene([path]).theme.quiet


def test_the_colors_of_minima_need_one_optimizer_and_known_minima():
    path, _ = starts_on_himmelblau(8)
    for paths in ([path, path], [gdsim.descend("x**2 + y**2", "SGD", start=[[1, 1]] * 8, steps=3, lr=0.1)]):
        with pytest.raises(gdsim.InputError) as caught:
            build_scene(paths, view=View(color_by="minimum"))
        assert (caught.value.code, caught.value.key) == ("conflict", ("view", "color_by"))


def ink(frames, index) -> list[str]:
    """The optimizers whose colors are in the header of a frame, right of the subtitle."""
    frame = frames.at(frames.moment(index))[: int(5 * frames.canvas.em), frames.size[0] // 2 :]
    colors = {style.label: [round(255 * part) for part in to_rgb(style.color)] for style in frames.scene.styles}
    return [label for label, color in colors.items() if (np.abs(frame - np.array(color, int)).max(-1) < 40).any()]


def race(**view):
    rates = {"Fast": 0.5, "Slow": 0.6, "Late": 0.9, "Never": 0.999}
    size = {"size": [1280, 720], "panels": [], "theme": "light", **view}
    animation = Animation(pace="even", seconds=6, fps=10)
    scene = build_scene(
        [line(label, rate, rows=61) for label, rate in rates.items()], view=View(**size), animation=animation
    )
    return gdsim.frames(scene)


def test_milestones_appear_when_something_happens_and_disappear():
    frames = race()
    steps = frames.scene.frame_steps
    assert [each.words for each in frames.scene.milestones] == [
        "Fast arrives · step 5",
        "Slow arrives · step 7",
        "Late arrives · step 33",
    ]
    seen = [ink(frames, index) for index in range(len(frames))]
    begins = {
        label: float(steps[min(i for i, each in enumerate(seen) if label in each)])
        for label in ("Fast", "Slow", "Late")
    }
    assert all(
        abs(begins[label] - step) <= 1 and begins[label] >= step
        for label, step in (("Fast", 5), ("Slow", 7), ("Late", 33))
    )
    assert max(map(len, seen)) == 2
    # At ten frames per second, each is shown for 20 frames.
    assert [sum(label in each for each in seen) for label in ("Fast", "Slow", "Late")] == [20, 20, 20]
    assert seen[-1] == []


def test_milestones_can_be_turned_off_and_need_room():
    assert not any(ink(race(milestones=False), index) for index in (10, 20, 40))
    assert race(size=[160, 120]).milestones.shown == []


def test_half_and_all_of_many_paths_have_milestones():
    path, scene = starts_on_himmelblau(24)
    steps = sorted(
        next(k for k, value in enumerate(path.values[:, start]) if value <= 1e-3 * path.values[0, start])
        for start in range(24)
        if path.values[-1, start] <= 1e-3 * path.values[0, start]
    )
    assert scene.milestones[0].words == f"half of 24 paths have arrived · step {steps[11]}"


def test_what_happens_at_one_step_is_one_milestone():
    scene = build_scene([line("One", 0.5), line("Other", 0.5), line("Late", 0.9)])
    assert [each.words for each in scene.milestones] == ["One and Other arrive · step 5", "Late arrives · step 33"]
