"""The public names."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gdsim


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
    experiment = gdsim.loads(
        "{objective: sphere, steps: 9, optimizers: {SGD: {lr: 0.1}}, view: {size: [320, 180]}, animation: {seconds: 1}}"
    )
    one = gdsim.animate(experiment, tmp_path / "a.gif")
    two = gdsim.animate(
        gdsim.simulate(experiment), tmp_path / "b.gif", view=experiment.view, animation=experiment.animation
    )
    (trajectory,) = gdsim.simulate(experiment)
    three = gdsim.animate(trajectory, str(tmp_path / "c.gif"), view=experiment.view, animation=experiment.animation)
    assert one.read_bytes() == two.read_bytes() == three.read_bytes()


def test_the_readme_example_in_python_runs(tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    valley = gdsim.objective("rosenbrock")
    path = gdsim.descend(valley, torch.optim.Adam, start=(-1.5, 2.0), steps=300, lr=0.05)
    assert gdsim.animate(path, "valley.png").exists()
