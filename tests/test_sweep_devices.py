"""Sweeps on a GPU: what is moved there, and what is said without one.

Without a GPU the tests run the same code on a device called cpu:0, where the numbers are those of the CPU.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gdsim
from gdsim.config import yaml_text
from gdsim.errors import ConfigError
from gdsim.sweeps import engine
from gdsim.sweeps.kernels import KERNELS

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")

RATES = {"setting": "optimizers.*.lr", "range": [1e-3, 0.5], "scale": "log"}
MOONS = {"network": "mlp", "hidden": [4], "data": {"name": "moons", "n": 60}, "batch_size": 20}
KINDS = {
    "kernels": {
        "optimizers": {each: {"class": each} for each in KERNELS},
        "sweep": {"x": RATES, "y": {"setting": "start.1"}, "size": [8, 4], "show": "distance"},
    },
    "other settings of kernels": {
        "optimizers": {
            "SGD": {"lr": 0.001, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1, "noise": 0.1},
            "NAdam": {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
            "RMSprop": {"lr": 0.01, "momentum": 0.5, "centered": True, "clip_norm": 1},
        },
        "sweep": {"x": {"setting": "optimizers.*.weight_decay", "range": [0, 0.2]}, "points": 8},
    },
    "basins": {
        "optimizers": {"Adam": {"lr": 0.3}, "Noisy": {"class": "SGD", "lr": 0.01, "noise": 0.5}},
        "sweep": {"x": {"setting": "start"}, "y": {"setting": "start"}, "size": [9, 5], "show": ["minimum", "outcome"]},
    },
    "an instance per cell": {
        "optimizers": {"LBFGS": {"lr": 0.5}, "SGD": {"lr": 0.01, "schedule": {"class": "StepLR", "step_size": 5}}},
        "sweep": {"x": RATES, "points": 5},
    },
    "networks": {
        "objective": MOONS,
        "optimizers": {"SGD": {"momentum": 0.9}, "Adam": {"noise": 0.1}, "LBFGS": {}},
        "sweep": {"x": RATES, "points": 6},
    },
}


@pytest.mark.parametrize("device", ["cpu:0", pytest.param("cuda", marks=needs_gpu)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_device_computes_what_the_cpu_does(kind, device, monkeypatch):
    config = {"objective": "himmelblau", "steps": 12} | KINDS[kind]
    experiment = gdsim.loads(yaml_text.dump(config))
    expected = gdsim.sweep(experiment)
    if device != "cuda":
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    moved = experiment.sweep.model_copy(update={"device": device})
    result = gdsim.sweep(experiment.model_copy(update={"sweep": moved}))
    assert result.agreement >= (1 if device == "cpu:0" else 0.9)
    for name, figure in (expected.figures | expected.history).items():
        found = (result.figures | result.history)[name]
        if device == "cpu:0":
            np.testing.assert_array_equal(found, figure, name)
        else:
            assert np.isclose(found, figure, rtol=1e-3, equal_nan=True).mean() > 0.9, name


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("workers", [1, 2])
def test_without_a_gpu_the_mistake_is_one_line_at_its_place(workers, tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(
        "objective: himmelblau\nsteps: 9\noptimizers: {Adam: , SGD: }\nsweep:\n"
        "  x: {setting: optimizers.*.lr, range: [0.1, 1]}\n  device: cuda:1\n"
    )
    with pytest.raises(ConfigError) as caught:
        gdsim.sweep(path, workers=workers)
    assert str(caught.value).startswith(f"{path}:6:11: sweep.device: torch {torch.__version__} finds no GPUs, ")
    assert caught.value.problems[0].code == "unsupported"


def test_a_full_memory_is_one_line(monkeypatch):
    def fill(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(engine, "_run_cells", fill)
    text = "{objective: booth, steps: 9, optimizers: {SGD: }, sweep: {x: {setting: start.0}, device: cuda}}"
    with pytest.raises(
        ConfigError, match=r"sweep.device: Booth cannot be run on cuda: OutOfMemoryError: CUDA out .* GiB$"
    ):
        gdsim.sweep(gdsim.loads(text))


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "mps", "1"])
def test_other_devices_are_refused(device):
    text = (
        f"{{objective: booth, steps: 9, optimizers: {{SGD: }}, sweep: {{x: {{setting: start.0}}, device: '{device}'}}}}"
    )
    with pytest.raises(ConfigError, match=r"sweep.device: must be"):
        gdsim.loads(text)
