"""The public names."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html import unescape
from io import BytesIO, StringIO

import numpy as np
import pytest
import torch
from PIL import Image
from pptx import Presentation
from tqdm import tqdm

import gdsim
from tests.commands import call

SMALL_MAPPING = {"objective": "sphere", "steps": 3, "optimizers": {"SGD": {"lr": 0.1}}}
SMALL = "{objective: sphere, steps: 9, optimizers: {SGD: {lr: 0.1}}, view: {size: [320, 180]}, animation: {seconds: 1}}"


def test_names_are_sorted_and_all_there():
    assert gdsim.__all__ == sorted(gdsim.__all__)
    for name in gdsim.__all__:
        assert getattr(gdsim, name).__name__ == name
    assert set(gdsim.__all__) <= set(dir(gdsim))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'animat'"):
        gdsim.animat  # noqa: B018


def test_importing_gdsim_loads_nothing_heavy():
    script = "import sys, gdsim; assert not {'torch', 'matplotlib', 'numpy', 'pydantic'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_animate_takes_an_experiment_or_trajectories(tmp_path):
    experiment = gdsim.loads(SMALL)
    one = gdsim.animate(experiment).save(tmp_path / "a.gif")
    pace = {"view": experiment.view, "animation": experiment.animation}
    gdsim.animate(gdsim.simulate(experiment), tmp_path / "b.gif", **pace)
    (trajectory,) = gdsim.simulate(experiment)
    three = gdsim.animate(trajectory, **pace).save(str(tmp_path / "c.gif"))
    two, first = tmp_path / "b.gif", list(gdsim.frames(gdsim.build_scene([trajectory], **pace)))
    assert two.read_bytes() == three.read_bytes()
    for path in (one, two):
        with Image.open(path) as gif:
            assert gif.info["loop"] == 0
            assert np.abs(np.asarray(gif.convert("RGB"), float) - first[0]).mean() < 1
    made = gdsim.source(one)
    assert (made.yaml, made.seed) == (experiment.yaml, 0)
    assert made.alt_text.startswith("Gradient descent on Sphere, 9 steps.")
    assert gdsim.source(two) == replace(made, yaml="", seed=None)


def test_a_movie_shows_itself_in_a_notebook():
    experiment = gdsim.loads(SMALL)
    movie = gdsim.animate(experiment)
    shown = movie._repr_mimebundle_()
    assert set(shown) == {"text/html", "image/png", "text/plain"}
    assert shown["text/html"].startswith("<iframe ")
    assert "objective: sphere" in unescape(unescape(shown["text/html"]))
    assert shown["text/plain"] == movie.scene.alt_text
    poster = np.asarray(Image.open(BytesIO(shown["image/png"])))
    assert (poster == list(gdsim.frames(movie.scene))[-1]).all()
    assert "max-width: 320px; height: auto; min-height: 400px; aspect-ratio: 320 / 370" in shown["text/html"]
    tall = replace(movie, scene=replace(movie.scene, size=(320, 640)))._repr_mimebundle_(["text/html"])
    assert "max-width: 320px; height: auto; min-height: 400px; aspect-ratio: 320 / 830" in tall["text/html"]
    assert set(movie._repr_mimebundle_(include=["image/png", "text/latex"])) == {"image/png"}
    assert set(movie._repr_mimebundle_(exclude=["text/html"])) == {"image/png", "text/plain"}


@pytest.mark.parametrize(("objective", "name"), [("sphere", "Sphere"), ("{expression: x^2 + y^2}", "x^2 + y^2")])
def test_a_picture_without_a_title_is_named_after_its_function(tmp_path, objective, name):
    view = {"title": False, "size": [320, 180]}
    movie = gdsim.animate(gdsim.loads(f"{{objective: {objective}, steps: 2, optimizers: {{SGD: }}}}"), view=view)
    assert movie.scene.title == ""
    assert f"<title>{name}</title>" in movie.save(tmp_path / "a.html").read_text("utf-8")
    assert f'title="{name}"' in movie._repr_mimebundle_(["text/html"])["text/html"]
    picture = movie.save(tmp_path / "a.png")
    assert call("slides", str(picture), "-q", "-o", str(tmp_path / "a.pptx")).exit_code == 0
    assert Presentation(str(tmp_path / "a.pptx")).slides[0].shapes.title.text == name


def test_frames_are_an_iterable_with_a_length_that_tqdm_takes():
    experiment = gdsim.loads(SMALL)
    scene = gdsim.animate(experiment).scene
    bar = tqdm(gdsim.frames(scene), file=StringIO())
    assert bar.total == 25
    assert sum(frame.shape == (180, 320, 3) for frame in bar) == 25


def test_the_readme_example_in_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    valley = gdsim.objective("rosenbrock")
    path = gdsim.descend(valley, torch.optim.Adam, start=(-1.5, 2.0), steps=300, lr=0.05)
    gdsim.animate(path, "valley.png")
    assert (tmp_path / "valley.png").exists()


def test_objectives_come_from_whatever_says_what_they_are(tmp_path):
    np.save(tmp_path / "ramp.npy", np.add.outer(np.arange(5.0), np.arange(4.0)))
    made = [
        (gdsim.objective("himmelblau"), [1.0, 2.0], 68.0),
        (gdsim.objective("x**2 + 3*x + 1", bounds=(-5, 2)), [4.0], 29.0),
        (gdsim.objective("k*x*y", constants={"k": 2.5}), [2.0, 3.0], 15.0),
        (gdsim.objective(tmp_path / "ramp.npy"), [1.5, 2.5], 4.0),
        (gdsim.objective(lambda p: (p**2).sum(-1), dim=3), [1.0, 2.0, 3.0], 14.0),
        (gdsim.objective(lambda x, y: x - y if x > y else y - x, bounds=[[0, 1], [0, 1]]), [0.2, 0.9], 0.7),
    ]
    for objective, point, value in made:
        found = gdsim.grad(objective, point)
        assert found.value == pytest.approx(value)
        np.testing.assert_allclose(found.gradient, found.central_difference, rtol=1e-6, atol=1e-8)


def test_what_is_measured_is_descended_and_left_with_its_own_sentence(tmp_path):
    slope = np.tile(np.linspace(3.0, 0.0, 30), (20, 1))
    np.save(tmp_path / "slope.npy", slope)
    ramp = gdsim.objective(tmp_path / "slope.npy", bounds=[[0, 3], [0, 2]])
    path = gdsim.descend(ramp, "SGD", start=[1.0, 1.0], steps=60, lr=0.1)
    assert path.stops == (gdsim.Stop.LEFT,)
    # The slope is −1 along x, so that each step moves 0.1 to the right: step 21 is the first beyond 3.
    assert path.stopped_at(0) == 21
    assert "SGD leaves the domain at step 21" in gdsim.build_scene([path]).alt_text


def test_a_name_and_a_function_are_descended_from_their_own_start():
    by_name = gdsim.descend("rosenbrock", "Adam", lr=0.1, steps=20)
    np.testing.assert_array_equal(by_name.points[0, 0], gdsim.objective("rosenbrock").start)
    by_class = gdsim.descend(gdsim.objective("rosenbrock"), torch.optim.Adam, lr=0.1, steps=20)
    np.testing.assert_array_equal(by_name.points, by_class.points)


def test_the_view_of_a_function_is_fitted_to_its_path():
    path = gdsim.descend(lambda p: ((p - 7) ** 2).sum(-1), torch.optim.SGD, lr=0.1, start=[30.0, 4.0], steps=40)
    low, high = gdsim.build_scene([path]).facets[0].limits.T
    points = path.points.reshape(-1, 2)
    assert (low < points.min(0)).all()
    assert (points.max(0) < high).all()
    assert (high - low < 3 * np.ptp(points, axis=0).max()).all()
    given = gdsim.descend(lambda p: (p**2).sum(-1), "SGD", lr=0.1, start=[3.0, 4.0], bounds=[[-9, 9], [-8, 8]])
    assert gdsim.build_scene([given]).facets[0].limits.tolist() == [[-9, 9], [-8, 8]]


SGD = {"SGD": {"lr": 0.1}}


@pytest.mark.parametrize(
    "arguments",
    [
        ("rosenbrock", {"SGD": {"lr": 1e-3}, "Adam": {"lr": 0.1}}),
        ("x**2 + 3*x + 1", ["SGD", torch.optim.Adam]),
        (lambda p: (p**2).sum(-1), {"SGD": {"lr": 0.1}, "Own": {"class": torch.optim.Adam}}),
    ],
)
def test_an_objective_is_animated_with_several_optimizers(arguments):
    start = [1.0, 2.0] if callable(arguments[0]) else None
    movie = gdsim.animate(*arguments, start=start, steps=5)
    assert len(gdsim.simulate(*arguments, start=start, steps=5)) == 2
    assert "5 steps" in movie.scene.alt_text


def test_an_experiment_a_mapping_a_file_a_recording_and_trajectories_are_alike(tmp_path):
    mapping = {"objective": "sphere", "optimizers": {"SGD": {"lr": np.float64(0.1)}}, "steps": 9, "start": (1, 2)}
    (tmp_path / "race.yaml").write_text("{objective: sphere, optimizers: {SGD: {lr: 0.1}}, steps: 9, start: [1, 2]}")
    experiment = gdsim.load(tmp_path / "race.yaml")
    trajectories = gdsim.simulate(experiment)
    gdsim.save(tmp_path / "race.npz", trajectories, experiment)
    sources = [experiment, mapping, tmp_path / "race.yaml", str(tmp_path / "race.yaml"), tmp_path / "race.npz"]
    tables = [gdsim.compare(source) for source in (*sources, trajectories, trajectories[0])]
    texts = {gdsim.animate(source).scene.alt_text for source in (*sources, trajectories, trajectories[0])}
    assert len(texts) == 1
    assert all(table.rows == tables[0].rows for table in tables)
    np.testing.assert_array_equal(gdsim.simulate(mapping)[0].points, trajectories[0].points)


def test_an_animation_reads_its_config_once(tmp_path, monkeypatch):
    (tmp_path / "small.yaml").write_text(SMALL)
    read, load = [], gdsim.load
    monkeypatch.setattr("gdsim.api.load", lambda path: read.append(path) or load(path))
    assert gdsim.animate(tmp_path / "small.yaml").scene.alt_text
    assert read == [tmp_path / "small.yaml"]


def test_whatever_the_command_line_can_do_is_public():
    experiment = {"objective": "sphere", "optimizers": SGD, "steps": 5}
    gdsim.check(experiment)
    study = gdsim.tune(experiment, "lr", budget=3)
    assert study.table.rows[0].tuned
    assert len(gdsim.compare(experiment, objectives=["booth", "beale"], starts=2).rows) == 2
    assert gdsim.preview("x**2 + 3*x + 1").scene.alt_text.startswith("x**2 + 3*x + 1")
    assert gdsim.grad("x**2 + 3*x + 1", 4).gradient.tolist() == [11.0]
    assert "himmelblau" in gdsim.names()


@pytest.mark.parametrize(
    ("call", "code", "key"),
    [
        (lambda: gdsim.descend("rosenbrock", "Adam", learning_rate=0.1), None, "learning_rate"),
        (lambda: gdsim.descend("rosenbrock", "Adam", epochs=9), "unknown-argument", "epochs"),
        (lambda: gdsim.descend("rosenbrock"), "missing", None),
        (lambda: gdsim.descend("rosenbrock", 5), "wrong-type", "optimizer"),
        (lambda: gdsim.descend("rosenbrok", "Adam"), "unknown-name", "objective"),
        (lambda: gdsim.descend(5, "Adam"), "wrong-type", "objective"),
        (lambda: gdsim.descend(lambda p: p.sum(), "Adam", start="here"), "wrong-type", "start"),
        (lambda: gdsim.descend("rosenbrock", "Adam", steps=2.5), None, "steps"),
        (lambda: gdsim.grad("x**2", at=3, bonds=3), "unknown-argument", "bonds"),
        (lambda: gdsim.grad("x**2", "a"), "wrong-type", "at"),
        (lambda: gdsim.objective("quadratic", conditon=3), "unknown-argument", "conditon"),
        (lambda: gdsim.animate("rosenbrock"), "missing", "optimizers"),
        (lambda: gdsim.animate(SMALL_MAPPING, veiw={}), "unknown-argument", "veiw"),
        (lambda: gdsim.animate(SMALL_MAPPING, steps=3), "conflict", "steps"),
        (lambda: gdsim.animate(SMALL_MAPPING, view="dark"), "wrong-type", "view"),
        (lambda: gdsim.animate(SMALL_MAPPING, "a.gfi"), None, None),
        (lambda: gdsim.animate("rosenbrock", "Adam", "a.gfi"), "unknown-name", None),
        (lambda: gdsim.animate([1]), "wrong-type", "source"),
        (lambda: gdsim.animate(5), "wrong-type", "source"),
        (lambda: gdsim.animate([]), None, None),
        (lambda: gdsim.simulate(SMALL_MAPPING | {"stps": 3}), None, "stps"),
        (lambda: gdsim.simulate("nowhere.yaml"), None, None),
        (lambda: gdsim.loads(SMALL, override=["steps=3"]), "unknown-argument", "override"),
        (lambda: gdsim.load(), "missing", None),
        (lambda: gdsim.View(knd="curve"), "unknown-key", "knd"),
        (lambda: gdsim.animate(SMALL_MAPPING, view={"kind": "curv"}), "unknown-name", "kind"),
    ],
)
def test_a_mistake_is_an_input_error_with_its_key(call, code, key):
    with pytest.raises(gdsim.InputError) as caught:
        call()
    assert code is None or caught.value.code == code
    assert key is None or (caught.value.key[-1] == key and key in str(caught.value))


@pytest.mark.parametrize(
    ("call", "suggestion"),
    [
        (lambda: gdsim.descend("rosenbrock", "Adam", learning_rate=0.1), "'lr'"),
        (lambda: gdsim.descend("rosenbrock", "Adam", epochs=9), "'steps'"),
        (lambda: gdsim.simulate("rosenbrock", "Adam", x0=[1, 2]), "'start'"),
        (lambda: gdsim.animate(SMALL_MAPPING, veiw={}), "'view'"),
        (lambda: gdsim.animate("rosenbrock", "Adam", "a.gfi"), "'.gif'"),
        (lambda: gdsim.View(knd="curve"), "'kind'"),
        (lambda: gdsim.loads(SMALL, override=["steps=3"]), "'overrides'"),
    ],
)
def test_a_mistake_comes_with_a_suggestion(call, suggestion):
    with pytest.raises(gdsim.InputError) as caught:
        call()
    assert f"did you mean {suggestion}?" in str(caught.value)


def test_optimizers_take_what_a_configuration_gives_them():
    settings = {
        "class": "SGD",
        "lr": 0.1,
        "schedule": {"class": "StepLR", "step_size": 3},
        "noise": 0.1,
        "color": "#123456",
    }
    (made,) = gdsim.simulate("sphere", {"Own": settings}, steps=9, seed=4, start=[1.0, 2.0])
    experiment = {"objective": "sphere", "optimizers": {"Own": settings}, "steps": 9, "seed": 4, "start": [1, 2]}
    (expected,) = gdsim.simulate(experiment)
    np.testing.assert_array_equal(made.points, expected.points)
    assert (made.label, made.color, made.settings) == (expected.label, expected.color, expected.settings)


def test_a_theme_goes_with_an_animation() -> None:
    optimizers = {"SGD": {"lr": 1e-3}}
    dark = gdsim.animate("rosenbrock", optimizers, steps=3, theme="dark", view={"size": [320, 180]})
    assert dark.scene.theme == gdsim.animate("rosenbrock", optimizers, steps=3, view={"theme": "dark"}).scene.theme
    assert dark.scene.size == (320, 180)
    with pytest.raises(gdsim.InputError) as raised:
        gdsim.animate("rosenbrock", optimizers, theme="drak")
    assert raised.value.key == ("view", "theme")


def test_a_module_is_no_function() -> None:
    with pytest.raises(gdsim.InputError) as raised:
        gdsim.objective(torch.nn.Linear(2, 1))
    assert (raised.value.key, raised.value.code) == (("objective",), "unsupported")


def test_a_table_shows_itself(monkeypatch) -> None:
    table = gdsim.compare(gdsim.simulate("rosenbrock", {"<b>": {"class": "SGD", "lr": 1e-3}, "Adam": {}}, steps=5))
    lines = str(table).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["optimizer", *(row.optimizer for row in table)]
    assert lines[-1] == table.caption
    monkeypatch.setenv("COLUMNS", "60")
    short = repr(table).splitlines()
    assert [line.split()[0] for line in short] == ["optimizer", *(row.optimizer for row in table)]
    assert max(map(len, short)) <= 60 < len(lines[0])
    page = table._repr_html_()
    assert page.count("<tr>") == 3
    assert "&lt;b&gt;" in page
