"""The public names."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html import unescape
from io import BytesIO, StringIO

import numpy as np
import pytest
from PIL import Image
from tqdm import tqdm

import gdsim

SMALL = "{objective: sphere, steps: 9, optimizers: {SGD: {lr: 0.1}}, view: {size: [320, 180]}, animation: {seconds: 1}}"


def test_names_are_sorted_and_all_there():
    assert gdsim.__all__ == sorted(gdsim._ROOMS)
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


def test_frames_are_an_iterable_with_a_length_that_tqdm_takes():
    experiment = gdsim.loads(SMALL)
    scene = gdsim.animate(experiment).scene
    bar = tqdm(gdsim.frames(scene), file=StringIO())
    assert bar.total == 25
    assert sum(frame.shape == (180, 320, 3) for frame in bar) == 25


def test_the_readme_example_in_python_runs(tmp_path, monkeypatch):
    import torch

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
    assert "left what was measured at step 21" in gdsim.build_scene([path]).alt_text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("race.yaml",), r"takes an experiment or trajectories, not str: gdsim.load\(path\) reads a config"),
        (([1],), "takes an experiment or trajectories, not int"),
        (([],), "there is no trajectory to show"),
    ],
)
def test_what_is_no_experiment_is_told(arguments, words):
    with pytest.raises(gdsim.InputError, match=words):
        gdsim.animate(*arguments)


def test_a_view_is_a_view_and_a_suffix_one_that_is_known(tmp_path):
    experiment = gdsim.loads(SMALL)
    with pytest.raises(gdsim.InputError, match=r"view must be a gdsim.View\(…\), not dict"):
        gdsim.animate(experiment, view={"theme": "dark"})
    with pytest.raises(gdsim.InputError, match=r"a.gfi: unknown format; did you mean '.gif'\?; there are .* .html"):
        gdsim.animate(experiment, tmp_path / "a.gfi")
