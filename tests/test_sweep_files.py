"""The files of sweeps, and what the command says before it runs one."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

import gdsim
from gdsim.errors import InputError
from gdsim.sweeps import OUTCOMES, archive
from tests.commands import call

CONFIG = """
objective: himmelblau
steps: 20
optimizers:
  Momentum: {class: SGD, lr: 0.01, momentum: 0.9}
  Adam: {lr: 0.3}
sweep: {x: {setting: start}, y: {setting: start}, size: [6, 4], show: [minimum, outcome, distance]}
view: {size: [320, 180]}
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of the files of a run."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "map.yaml").write_text(CONFIG)
    done = call("run", str(folder / "map.yaml"), "-o", str(folder), "--format", "png")
    assert done.exit_code == 0, done.output
    return folder / "map"


def test_the_arrays_have_the_names_and_shapes_of_the_figures(written):
    with np.load(written / "map.npz") as arrays:
        np.testing.assert_array_equal(arrays["x"], np.linspace(-5, 5, 6))
        np.testing.assert_array_equal(arrays["y"], np.linspace(-5, 5, 4))
        for name in ("minimum", "outcome", "distance"):
            assert arrays[name].shape == (2, 4, 6)
        minima, points = gdsim.objective("himmelblau").minima, arrays["minimum"]
        # Row 0 is the lowest y, column 0 the lowest x.
        start = gdsim.simulate(gdsim.loads(CONFIG, overrides=["sweep=null", "start=[-5, -5]"]))[1].points[-1, 0]
        assert points[1, 0, 0] in (-1, np.linalg.norm(minima - start, axis=1).argmin())


def test_a_file_is_read_as_it_was_written(written):
    experiment, result = archive.read(written / "map.npz")
    again = gdsim.sweep(experiment)
    assert result.labels == again.labels == ("Momentum", "Adam")
    assert result.settings == again.settings
    assert result.agreement == 1
    for ours, others in ((result.figures, again.figures), (result.history, again.history)):
        assert ours.keys() == others.keys()
        for name, values in ours.items():
            np.testing.assert_array_equal(values, others[name], name)


def test_render_draws_it_again(written, tmp_path):
    done = call("render", str(written / "map.npz"), "-o", str(tmp_path), "--format", "png")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "map" / "map.png").read_bytes()[1:4] == b"PNG"


def test_csv_has_a_row_per_optimizer_and_cell(written):
    _, result = archive.read(written / "map.npz")
    rows = list(csv.DictReader((written / "map.csv").read_text().splitlines()))
    assert [*rows[0]] == ["optimizer", "start.0", "start.1", "minimum", "outcome", "distance"]
    assert len(rows) == 2 * 4 * 6
    for row, cell in zip(rows, np.ndindex(2, 4, 6), strict=True):
        assert float(row["start.0"]) == result.x.values[cell[2]]
        assert float(row["start.1"]) == result.y.values[cell[1]]
        assert row["outcome"] == OUTCOMES[result.figures["outcome"][cell]].value
        assert float(row["distance"]) == result.figures["distance"][cell]


@pytest.mark.parametrize("name", ["outcome", "stop_steps", "history_distance", "labels", "yaml"])
def test_a_damaged_file_is_refused(name, written, tmp_path):
    with np.load(written / "map.npz") as arrays:
        kept = {each: arrays[each] for each in arrays.files}
    kept[name] = kept[name][..., :0] if kept[name].ndim else np.array("?")
    np.savez(tmp_path / "bad.npz", **kept)
    with pytest.raises(InputError):
        archive.read(tmp_path / "bad.npz")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stop_steps", -1),
        ("stop_steps", 21),
        ("minimum_steps", -2),
        ("minimum_steps", 2**31 - 1),
        ("steps_to_tolerance", -1),
        ("steps_to_tolerance", np.inf),
        ("outcome", 7),
        ("minimum", 4),
        ("agreement", np.nan),
        ("agreement", 1.5),
    ],
)
def test_a_figure_that_no_run_has_is_refused(name, value, written, tmp_path):
    with np.load(written / "map.npz") as arrays:
        kept = {each: arrays[each] for each in arrays.files}
    kept[name][...] = value
    np.savez(tmp_path / "bad.npz", **kept)
    with pytest.raises(InputError, match=f"'{name}' is not as gdsim writes it"):
        archive.read(tmp_path / "bad.npz")


def test_a_label_is_no_formula_of_a_spreadsheet(written):
    _, result = archive.read(written / "map.npz")
    rows = list(csv.DictReader(archive.to_csv(replace(result, labels=("=1+1", "Adam"))).splitlines()))
    assert {row["optimizer"] for row in rows} == {"'=1+1", "Adam"}


def test_many_instances_are_announced_with_their_time(tmp_path):
    text = CONFIG.replace("Adam: {lr: 0.3}", "LBFGS: {max_iter: 4}").replace("[6, 4]", "[20, 15]")
    (tmp_path / "slow.yaml").write_text(text.replace("steps: 20", "steps: 2"))
    done = call("run", str(tmp_path / "slow.yaml"), "-o", str(tmp_path), "--format", "png")
    assert done.exit_code == 0, done.output
    line = "slow: LBFGS has one instance per value: 300 of 2 steps, about 3 s of CPU time."
    assert done.stderr.splitlines().index(line) < done.stderr.splitlines().index("slow: simulating and drawing")
