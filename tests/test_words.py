"""What is said of networks to those who do not see the picture, and on a slide under it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from gdsim.scene.build import build_scene
from gdsim.scene.captions import describe
from tests.networks_made import imagined, landscape, trained

ENDS = r"(\w+) ends at the loss ([\d.e+-]+) and a test accuracy of ([\d.]+) %"


def said(trajectories):
    return describe(trajectories).text


def test_a_training_is_told_by_its_last_loss_and_test_accuracy():
    paths = trained(steps=30)
    words = said(paths)
    assert words.startswith(
        "Training of MLP 64–128–10 on digits, 30 steps (plane of the paths in 24 weights, 91.3 % of their variance). "
    )
    found = re.findall(ENDS, words)
    assert [label for label, _, _ in found] == [path.label for path in paths]
    for path, (_, loss, accuracy) in zip(paths, found, strict=True):
        assert float(loss) == pytest.approx(path.values[-1, 0], rel=5e-3)
        assert float(accuracy) == pytest.approx(100 * path.training.figures["test_accuracy"][-1], abs=0.051)


def test_what_was_not_measured_is_not_told():
    untested, classless = trained(("Adam",), 5, tested=False), trained(("Adam",), 5)
    assert "test" not in said(untested)
    assert "an accuracy of " in said(untested)
    training = classless[0].training
    nothing = np.full(6, np.nan)
    figures = {**training.figures, "accuracy": nothing, "test_accuracy": nothing, "test_loss": np.full(6, 0.25)}
    numbers = [replace(classless[0], training=replace(training, figures=figures))]
    assert said(numbers).endswith(", and at 0.25 on the test data.")
    assert "SGD diverges at step 4; Adam ends at " in said(trained(("SGD", "Adam"), 20, diverged=3))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"share": 0.99997}, "(plane of the paths in 24 weights, over 99.9 % of their variance). "),
        ({"share": 1.0}, "(plane of the paths in 24 weights, 100.0 % of their variance). "),
        ({"plane": "random", "share": 0.0312}, "(random plane in 24 weights, 3.1 % of the paths' variance). "),
        ({"plane": "random", "share": 0.0003}, "(random plane in 24 weights, under 0.1 % of the paths' variance). "),
        ({"plane": "a.npz, b.npz", "share": 0.5}, "(plane through a.npz, b.npz in 24 weights, 50.0 % of the paths' "),
        ({"share": float("nan")}, "on digits, 3 steps (plane of the paths in 24 weights). "),
        ({"examples": 300}, " of their variance, loss on 300 of 1,347 examples). Adam"),
        ({"examples": 300, "share": float("nan")}, "in 24 weights, loss on 300 of 1,347 examples). Adam"),
    ],
)
def test_the_plane_says_what_it_leaves_out(facts, words):
    told = describe(trained(("Adam",), 3, objective=landscape(**facts)))
    assert words in told.text
    assert told.caption()[0].startswith("Adam ends at ")


def test_a_plane_of_all_weights_leaves_out_nothing():
    (path,) = trained(("Adam",), 3)
    assert "plane" not in said([replace(path, objective=landscape(weights=2))])


def test_a_descent_in_pixels_is_told_by_the_score():
    paths = imagined(steps=5)
    first, last = (f"{-paths[0].values[k, 0]:.3g}".replace("-", "−") for k in (0, -1))
    assert said(paths).startswith(
        "Gradient descent in the pixels of an image: the score of class 0, 5 steps. "
        f"SGD takes the score of the class from {first} to {last}; Adam takes "
    )


def test_a_slide_says_what_the_figures_are_once():
    paths = trained(("SGD", "Adam", "Muon"), 9)
    clauses = describe(paths).caption()
    assert "test accuracy" in clauses[0]
    assert [each.split(" ")[:2] for each in clauses] == [["SGD", "ends"], ["Adam", "at"], ["Muon", "at"]]
    for path, clause in zip(paths[1:], clauses[1:], strict=True):
        loss, share = re.fullmatch(r"\w+ at ([\d.e+-]+) and ([\d.]+) %", clause).groups()
        assert float(loss) == pytest.approx(path.values[-1, 0], rel=5e-3)
        assert float(share) == pytest.approx(100 * path.training.figures["test_accuracy"][-1], abs=0.051)
    broken, first, second = describe(trained(("SGD", "Adam", "Muon"), 9, diverged=2)).caption()
    assert broken == "SGD diverges at step 3"
    assert first.startswith("Adam ends at the loss ")
    assert second.startswith("Muon at ")


def test_a_slide_says_the_opening_once_where_its_title_does_not():
    one, other = (trained(("Adam",), 3, objective=landscape(name, share=0.5)) for name in ("sigmoid", "relu"))
    assert describe(imagined(("SGD",), 5)).caption()[0].startswith("SGD takes the score of the class from ")
    assert build_scene(one).caption[0].startswith("Adam ends at the loss ")
    both = build_scene([*one, *other]).caption
    assert [each.partition(" ends at ")[0] for each in both] == ["sigmoid: Adam", "relu: Adam"]
