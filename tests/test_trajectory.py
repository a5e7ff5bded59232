from __future__ import annotations

import gc
import io
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdsim import Experiment, Stop, Trajectory, descend, load, loads, objective, read, save, simulate
from gdsim.cli.common import load_one
from gdsim.errors import GdsimError, InputError
from gdsim.networks import MAX_RECORDING_BYTES
from gdsim.simulation import recorded_folder
from gdsim.simulation.experiments import evaluate_landscapes

TEXT = """\
# two ways down
objective: {name: rastrigin, dim: 3}
start: {random: 2}
steps: 12
seed: 4
optimizers:
  Größe 1: {class: SGD, lr: 0.01, color: "#0072B2", noise: 0.5}
  Too fast: {class: SGD, lr: 1.0e+6}
  LBFGS:
"""
ARRAYS = ("points", "values", "gradients", "learning_rates", "evaluations", "stop_steps")


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return loads(TEXT, name="race")


@pytest.fixture(scope="module")
def trajectories(experiment: Experiment) -> tuple[Trajectory, ...]:
    return simulate(experiment)


@pytest.fixture
def saved(tmp_path: Path, experiment: Experiment, trajectories: tuple[Trajectory, ...]) -> Path:
    path = tmp_path / "race.npz"
    save(path, trajectories, experiment)
    return path


def test_what_is_read_is_what_was_saved(
    saved: Path, experiment: Experiment, trajectories: tuple[Trajectory, ...]
) -> None:
    found, paths = read(saved)
    assert found == experiment
    assert (found.name, found.yaml) == ("race", TEXT)
    assert {stop for path in paths for stop in path.stops} >= {Stop.RAN, Stop.DIVERGED}
    for path, expected in zip(paths, trajectories, strict=True):
        for name in ARRAYS:
            array = getattr(path, name)
            assert array.dtype == getattr(expected, name).dtype
            np.testing.assert_array_equal(array, getattr(expected, name))
        assert path.label == expected.label
        assert path.settings == expected.settings
        assert path.color == expected.color
        assert path.stops == expected.stops
        assert path.objective.name == expected.objective.name
        np.testing.assert_array_equal(path.objective.bounds, expected.objective.bounds)


def test_several_objectives_are_read_as_they_were_saved(tmp_path: Path) -> None:
    text = TEXT.replace("{name: rastrigin, dim: 3}", "[{name: rastrigin, dim: 3}, beale, sphere]")
    experiment = loads(text, name="matrix")
    made = simulate(experiment)
    save(tmp_path / "matrix.npz", made, experiment)
    found, paths = read(tmp_path / "matrix.npz")
    assert found == experiment
    assert [path.label for path in paths] == ["Größe 1", "Too fast", "LBFGS"] * 3
    assert [path.objective.name for path in paths] == ["rastrigin"] * 3 + ["beale"] * 3 + ["sphere"] * 3
    for path, expected in zip(paths, made, strict=True):
        assert path.stops == expected.stops
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(path, name), getattr(expected, name))
    with np.load(tmp_path / "matrix.npz") as archive:
        arrays = dict(archive)
    swapped = arrays | {name.replace("_0", "_3"): arrays[name] for name in arrays if name.endswith("_0")}
    np.savez(tmp_path / "matrix.npz", **swapped)
    assert refused(tmp_path / "matrix.npz") == "unreadable"


def test_overrides_are_saved_with_the_rest(tmp_path: Path) -> None:
    experiment = loads(TEXT, overrides=["steps=3"])
    save(tmp_path / "a.npz", simulate(experiment), experiment)
    found, paths = read(tmp_path / "a.npz")
    assert found.steps == 3
    assert len(paths[0].points) == 4


def test_a_file_is_small_whole_and_the_same_each_time(
    saved: Path, experiment: Experiment, trajectories: tuple[Trajectory, ...], tmp_path: Path
) -> None:
    save(tmp_path / "again.npz", trajectories, experiment)
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.npz", "race.npz"]
    with np.load(saved) as arrays:
        assert str(arrays["yaml"]) == TEXT
        assert [version.split()[0] for version in arrays["versions"]] == ["gdsim", "torch", "numpy", "scipy"]
        assert arrays["points_0"].shape == (13, 2, 3)


def test_a_file_that_cannot_be_written_leaves_nothing(
    experiment: Experiment, trajectories: tuple[Trajectory, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GdsimError, match="cannot be written"):
        save(tmp_path / "file" / "race.npz", trajectories, experiment)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def refused(path: Path) -> str:
    """Return the code of the error of reading a file."""
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return caught.value.code


def test_what_is_no_file_of_arrays_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere.npz") == "not-found"
    assert refused(tmp_path) == "unreadable"
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "junk.npz").write_bytes(bytes(range(256)) * 50)
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", points=np.zeros(3))
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as archive:
        archive.writestr("a.txt", "hello")
    for name in ("empty.npz", "junk.npz", "array.npy", "other.npz", "zip.npz"):
        assert refused(tmp_path / name) == "unreadable"


def test_a_file_cut_anywhere_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        saved.write_bytes(whole[:length])
        refused(saved)


def test_a_file_with_a_damaged_directory_is_closed(saved: Path) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole.replace(b"PK\x01\x02", b"PK\x01\x03", 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert refused(saved) == "unreadable"
        gc.collect()
    assert not caught


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_refused_or_read(saved: Path, data: st.DataObject) -> None:
    whole = bytearray(saved.read_bytes())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] = data.draw(st.integers(0, 255))
    damaged = saved.with_name("damaged.npz")
    damaged.write_bytes(whole)
    try:
        read(damaged)
    except InputError:
        refused(damaged)


Change = Callable[[dict[str, Any]], Any]


def text_of(code: int, count: int) -> np.ndarray:
    """Strings of a character that there is not."""
    return np.full(count, code, dtype=np.uint32).view("<U1")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda arrays: arrays.pop("points_1"), "missing"),
        (lambda arrays: arrays.pop("yaml"), "missing"),
        (lambda arrays: arrays.pop("stops_0"), "missing"),
        (lambda arrays: arrays.update(format=np.array(4)), "unreadable"),
        (lambda arrays: arrays.update(format=np.array("1")), "unreadable"),
        (lambda arrays: arrays.update(values_0=np.zeros((13, 3))), "unreadable"),
        (lambda arrays: arrays.update(values_0=np.zeros((13, 2), np.float32)), "unreadable"),
        (lambda arrays: arrays.update(points_0=np.zeros((13, 2, 2))), "unreadable"),
        (lambda arrays: arrays.update(points_0=np.zeros(13)), "unreadable"),
        (lambda arrays: arrays.update(points_0=np.zeros((0, 2, 3))), "unreadable"),
        (lambda arrays: arrays.update(points_0=np.zeros((13, 0, 3))), "unreadable"),
        (lambda arrays: arrays.update(points_0=np.zeros((14, 2, 3))), "unreadable"),
        (lambda arrays: arrays.update(points_0=arrays["points_0"].astype(">f8")), "unreadable"),
        (lambda arrays: arrays["points_0"].__setitem__((3, 0, 0), np.nan), "unreadable"),
        (lambda arrays: arrays["points_0"].fill(1e308), "unreadable"),
        (lambda arrays: arrays["points_0"].__setitem__((3, 0, 0), -1.7e308), "unreadable"),
        (lambda arrays: arrays["values_2"].__setitem__((3, 1), np.inf), "unreadable"),
        (lambda arrays: arrays["gradients_0"].__setitem__((0, 1, 2), np.nan), "unreadable"),
        (lambda arrays: arrays.update(stop_steps_0=np.array([0, 13])), "unreadable"),
        (lambda arrays: arrays.update(stop_steps_0=np.array([-1, 3])), "unreadable"),
        (lambda arrays: arrays.update(stops_0=np.array(["RAN", "AWAY"])), "unreadable"),
        (lambda arrays: arrays.update(settings=np.array(["a"])), "unreadable"),
        (lambda arrays: arrays.update(labels=np.array(3)), "unreadable"),
        (lambda arrays: arrays.update(labels=np.array([1, 2, 3])), "unreadable"),
        (lambda arrays: arrays.update(labels=np.array([], dtype="<U1")), "unreadable"),
        (lambda arrays: arrays.update(labels=np.array(["a"] * 769)), "unreadable"),
        (
            lambda arrays: arrays.update(labels=np.array(["a"] * 2)),
            "unreadable",
        ),
        (lambda arrays: arrays.update(labels=np.array(["a", "", "c"])), "unreadable"),
        (lambda arrays: arrays.update(labels=np.array(["a", "b\x1b[2J", "c"])), "unreadable"),
        (lambda arrays: arrays.update(labels=np.array(["a", "b", "c" * 81])), "unreadable"),
        (lambda arrays: arrays.update(labels=text_of(0x110000, 3)), "unreadable"),
        (lambda arrays: arrays.update(labels=text_of(0xD800, 3)), "unreadable"),
        (lambda arrays: arrays.update(settings=np.array(["a", "b", "c\n"])), "unreadable"),
        (lambda arrays: arrays.update(yaml=np.array(3)), "unreadable"),
        (lambda arrays: arrays.update(yaml=np.array("#" * 2**23)), "unreadable"),
        (lambda arrays: arrays.update(yaml=np.array("#" * 2**20)), "too-large"),
        (lambda arrays: arrays.update(folder=np.array(3)), "unreadable"),
        (lambda arrays: arrays.update(folder=np.array("x" * 5000), labels=np.array(3)), "unreadable"),
        (lambda arrays: arrays.update(yaml=np.array("objective: nothing")), "missing"),
        (lambda arrays: arrays.update(yaml=np.array("[")), "syntax"),
    ],
)
def test_an_array_that_is_not_as_it_must_be_is_refused(saved: Path, change: Change, code: str) -> None:
    with np.load(saved) as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(saved, **arrays)
    assert refused(saved) == code


class Trap:
    """Unpickling it would raise."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('this ran')",)


def test_python_objects_are_never_unpickled(saved: Path) -> None:
    with np.load(saved) as archive:
        arrays = dict(archive)
    np.savez(saved, **arrays | {"points_0": np.array([Trap()], dtype=object)})
    assert refused(saved) == "unreadable"


def entry(header: dict[str, Any], content: bytes) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def test_a_header_that_promises_more_than_there_is_is_refused_before_any_room_is_made(saved: Path) -> None:
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3)}
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("format.npy", entry(header, b"\0" * 64))
    assert refused(saved) == "unreadable"


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': " + b"(" * 5000,
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (13L,)}",
        b"{'descr': '<U0', 'fortran_order': False, 'shape': (4, 4)}",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (-1, -8)}",
        b"\x00\xff",
    ],
)
def test_a_crafted_header_is_refused(saved: Path, header: bytes) -> None:
    with zipfile.ZipFile(saved, "w") as archive:
        content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        archive.writestr("format.npy", content + b"\0" * 64 * (b"-1" in header))
    assert refused(saved) == "unreadable"


def test_another_array_in_the_archive_is_ignored(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("more.npy", entry({"descr": "<i8", "fortran_order": False, "shape": ()}, bytes(8)))
    assert len(read(saved)[1]) == 3


def test_the_largest_that_is_recorded_may_be_read() -> None:
    from gdsim.config.experiment import MAX_PATHS, MAX_POINTS

    # 7 numbers of 8 bytes a row in two dimensions, the most for its share of the limit, and one more row a path.
    assert (MAX_POINTS + MAX_PATHS) * 7 * 8 < MAX_RECORDING_BYTES


@pytest.mark.parametrize("name", [".npz", "...npz"])
def test_a_recording_must_leave_its_pictures_a_name(saved: Path, name: str) -> None:
    path = saved.rename(saved.with_name(name))
    if path.stem in {".", ".."}:
        assert refused(path) == "invalid-value"
    else:
        assert read(path)[0].name == ".npz"


def test_what_is_measured_is_found_again_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    samples = Path("slope.npy")
    np.save(samples, np.tile(np.linspace(3.0, 0.0, 30), (20, 1)))
    Path("slope.yaml").write_text(
        "{objective: {samples: slope.npy}, start: [5, 5], steps: 50, optimizers: {SGD: {lr: 5}}}"
    )
    experiment = load("slope.yaml")
    (path,) = simulate(experiment)
    save(tmp_path / "slope.npz", [path], experiment)
    monkeypatch.chdir(tmp_path)
    found, (again,) = read("slope.npz")
    assert found.folder == recorded_folder("slope.npz") == load_one(Path("slope.npz")).folder == tmp_path / "there"
    assert again.stops == (Stop.LEFT,)
    assert again.stopped_at(0) == path.stopped_at(0) == int(path.stop_steps[0]) + 1
    np.testing.assert_array_equal(again.points, path.points)
    (tmp_path / "there" / "slope.npy").unlink()
    assert refused(Path("slope.npz")) == "not-found"


def test_code_beside_the_configuration_runs_on_redrawing_only_when_allowed(tmp_path: Path) -> None:
    (tmp_path / "own_valley.py").write_text("def valley(x, y): return x**2 + y**2")
    (tmp_path / "own.yaml").write_text(
        "{objective: {python: 'own_valley:valley'}, start: [1, 1], steps: 2, optimizers: {SGD: }}"
    )
    experiment = load(tmp_path / "own.yaml", allow_code=True)
    save(tmp_path / "own.npz", simulate(experiment), experiment)
    assert refused(tmp_path / "own.npz") == "not-allowed"
    assert len(read(tmp_path / "own.npz", allow_code=True)[1]) == 1


def test_what_is_measured_is_found_beside_the_recording_when_its_folder_is_no_more(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    np.save(there / "slope.npy", np.tile(np.linspace(3.0, 0.0, 30), (20, 1)))
    text = "{objective: {samples: slope.npy}, start: [5, 5], steps: 5, optimizers: {SGD: }}"
    experiment = loads(text, folder=there)
    save(there / "slope.npz", simulate(experiment), experiment)
    there.rename(here)
    assert read(here / "slope.npz")[0].folder == recorded_folder(here / "slope.npz") == here


def test_a_start_stops_at_its_first_step_at_rest_or_out_of_reach() -> None:
    sphere = objective("sphere")
    assert descend(sphere, "SGD", start=[1.0, 1.0], steps=9, lr=0.5).stopped_at(0) == 1
    assert descend(sphere, "SGD", start=[1.0, 1.0], steps=9, lr=0.1).stopped_at(0) == 9
    nowhere = replace(sphere, f=lambda x: x.sum(-1).log())
    assert descend(nowhere, "SGD", start=[-1.0, 0.0], steps=9, lr=0.1).stopped_at(0) == 0
    brink = descend(nowhere, "SGD", start=[1.0, 0.0], steps=99, lr=0.3)
    end = brink.stopped_at(0)
    assert brink.stops == (Stop.UNDEFINED,)
    last = brink.points[end - 1, 0].sum()
    assert last > 0 > last - 0.6 / last  # the gradient is 1 / (x + y) in both directions


def test_a_start_without_a_value_is_recorded_as_it_is(tmp_path: Path) -> None:
    text = "{objective: {expression: log(x)}, start: {grid: [2]}, steps: 3, optimizers: {SGD: }}"
    experiment = loads(text)
    save(tmp_path / "log.npz", simulate(experiment), experiment)
    (path,) = read(tmp_path / "log.npz")[1]
    assert path.stops == (Stop.UNDEFINED, Stop.RAN)
    assert np.isnan(path.values[:, 0]).all()


def test_a_bomb_is_refused_by_what_it_declares(saved: Path) -> None:
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("format.npy", b"\0" * 1000)
    whole = saved.read_bytes()
    size = (1000).to_bytes(4, "little")
    saved.write_bytes(whole.replace(size, (2**32 - 2).to_bytes(4, "little")))
    refused(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b"):
            archive.writestr(f"{name}.npy", b"\0" * 1000)
    saved.write_bytes(saved.read_bytes().replace(size, (2**32 - 2).to_bytes(4, "little")))
    assert refused(saved) == "too-large"


# Recordings of version 0.4
OLD = Path(__file__).parent / "fixtures" / "recordings"


def test_a_recording_of_functions_of_version_0_4_is_read() -> None:
    experiment, paths = read(OLD / "old_function.npz")
    assert [path.label for path in paths] == ["SGD", "Adam", "Far"]
    assert paths[1].settings == "Adam · lr 0.2 · noise 0.1"
    assert [path.stops for path in paths] == [(Stop.RAN,) * 2, (Stop.RAN,) * 2, (Stop.DIVERGED,) * 2]
    with np.load(OLD / "old_function.npz") as arrays:
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(paths[1], name), arrays[f"{name}_1"])
    again = simulate(experiment)
    np.testing.assert_allclose(paths[1].points, again[1].points, rtol=1e-9)


def test_a_recording_of_a_network_of_version_0_4_is_read() -> None:
    experiment, paths = read(OLD / "old_network.npz")
    assert [path.label for path in paths] == ["SGD", "Adam"]
    first = paths[0].training
    assert first is not None
    assert first.maps is not None
    assert first.kept.tolist() == [0, 3, 6, 9, 12]
    with np.load(OLD / "old_network.npz") as arrays:
        np.testing.assert_array_equal(paths[0].points, arrays["points_0"])
        np.testing.assert_array_equal(first.weights, arrays["weights_0"])
        for name, figures in zip(arrays["figure_names_0"], arrays["figures_0"], strict=True):
            np.testing.assert_array_equal(first.figures[name], figures)
        np.testing.assert_array_equal(first.maps.maps, arrays["maps_0"])
        np.testing.assert_array_equal(paths[0].objective.landscape.values, arrays["grid_0"])
    assert evaluate_landscapes(experiment, paths) == paths  # nothing is computed again
